"""The walls of a mesh file as what holds a flow: facets, straight or curved, and how thin what lies behind them is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.flow.holds import Contact, Hold
from fokker_planck.mesh.checks import outer_facets
from fokker_planck.mesh.walls import Walls, walls_of
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.model.domains.meshes import MeshDomain


RAYS = np.geomspace(1e-5, 0.1, 33)
"""How far behind a wall, in extents of the mesh, the domain is looked for again: a step of the flow is at most 0.1."""

GRAZING = 1e-9
"""In extents: ten times what cells are allowed for rounding."""
TOUCHING = 1e-12
"""In extents: a point inside as near as this is on the wall, a thousand times what rounding leaves."""


@dataclass(frozen=True)
class _NearCurved:
    """Points near curved facets: their ``numbers``, whether they are ``on`` one and to be ``put`` there, at its foot.

    Where it is ``smooth`` its normal is ``outward``.
    """

    numbers: Integers
    on: Booleans
    put: Booleans
    feet: Floats
    outward: Floats
    smooth: Booleans


def _nothing(dimension: int) -> _NearCurved:
    none, nowhere = np.zeros(0, dtype=bool), np.zeros((0, dimension))
    return _NearCurved(np.zeros(0, dtype=np.int64), none, none, nowhere, nowhere, none)


@dataclass(frozen=True)
class _Sides:
    """Of every cell and side: whether it belongs to that cell only, its unit normal, the height of the cell over it."""

    outer: Booleans
    outward: Floats
    heights: Floats


def _sides(points: Floats, cells: Integers) -> _Sides:
    dimension = points.shape[1]
    others = [[j for j in range(dimension + 1) if j != side] for side in range(dimension + 1)]
    facets = np.sort(cells[:, others], axis=2).reshape(-1, dimension)
    _, number, count = np.unique(facets, axis=0, return_inverse=True, return_counts=True)
    corners = points[cells]
    to_shares = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    slopes = np.concatenate([-to_shares.sum(axis=1, keepdims=True), to_shares], axis=1)
    steepness = np.linalg.norm(slopes, axis=2)
    outer = (count[number.ravel()] == 1).reshape(cells.shape)
    return _Sides(outer, -slopes / steepness[..., None], 1.0 / steepness)


@dataclass(frozen=True)
class HeldByMesh(Hold):
    """Points (dim, n) outside of the domain of a mesh file put back to the nearest point of its walls."""

    domain: MeshDomain

    def meet(self, x: Floats, sliding: Booleans) -> Contact:
        """The points inside as they are, the nearest ones of the walls to those outside and to those sliding.

        Nothing of a wall is felt off it, be it by rounding: seen a step of ``SKIN`` ahead, it is as stiff as any.
        """
        near = self._near_curved(x, sliding)
        moved, outward, edge = np.array(x), np.zeros(x.shape), np.zeros(x.shape[1], dtype=bool)
        on, put = near.numbers[near.on], near.numbers[near.put]
        moved[:, put] = near.feet[near.put].T
        outward[:, on] = np.where(near.smooth, near.outward.T, 0.0)[:, near.on]
        edge[on] = ~near.smooth[near.on]
        self._at_straight(moved, outward, edge, np.setdiff1d(np.arange(x.shape[1]), near.numbers))
        return Contact(x if (moved == x).all() else moved, outward, edge)

    def _at_straight(self, moved: Floats, outward: Floats, edge: Booleans, some: Integers) -> None:
        """Put those of the points back that are not near a curved facet, and tell what they are at."""
        sides = self._sides
        some = some[np.isfinite(moved[:, some]).all(axis=0)]
        cell = self.domain.locator.find(moved[:, some])
        outside = some[cell < 0]
        if len(outside):
            moved[:, outside] = self._nearest(moved[:, outside])
            cell[cell < 0] = self.domain.locator.find(moved[:, outside])
            edge[outside] = True  # unless it is found to be inside of one facet below
        some, cell = some[cell >= 0], cell[cell >= 0]
        share = self.domain.locator.barycentric(moved[:, some], cell)
        room = share * sides.heights[cell]
        met = room < GRAZING * self.extent
        single = np.flatnonzero(met.sum(axis=1) == 1)
        side = np.argmax(met[single], axis=1)
        is_wall = sides.outer[cell[single], side]
        single, side = single[is_wall], side[is_wall]
        here, normal, inside = some[single], sides.outward[cell[single], side].T, room[single, side]
        outward[:, here], edge[here] = normal, False
        moved[:, here] += np.where(inside < TOUCHING * self.extent, inside, 0.0) * normal
        several = met.sum(axis=1) > 1
        rim, least = some[several], share[several].min(axis=1)
        if len(rim):
            feet = self._nearest(moved[:, rim])
            allowed = np.where(least < 0.0, GRAZING, TOUCHING) * self.extent
            at_wall = np.linalg.norm(feet - moved[:, rim], axis=0) <= allowed
            moved[:, rim[at_wall]], edge[rim] = feet[:, at_wall], True

    def _near_curved(self, x: Floats, sliding: Booleans) -> _NearCurved:
        data = self.domain.data
        if data.curved is None:
            return _nothing(len(x))
        meeting = data.curved.meeting(x, 2.0 * data.curved.deepest)
        slides, extent = sliding[meeting.numbers], self.extent
        on = slides | (meeting.beyond > -GRAZING * extent)
        put = slides | (meeting.beyond > -TOUCHING * extent)
        feet, smooth = meeting.feet, meeting.smooth
        if self._straight is not None and on.any():
            points = x[:, meeting.numbers[on]]
            other = self._straight.nearest(points).T
            closer = np.linalg.norm(other - points.T, axis=1) <= np.linalg.norm(feet[on] - points.T, axis=1)
            feet, smooth = feet.copy(), smooth.copy()
            feet[on] = np.where(closer[:, None], other, feet[on])
            smooth[on] &= ~closer
        return _NearCurved(meeting.numbers, on, put, feet, meeting.outward, smooth)

    @property
    def bends(self) -> bool:
        """Whether the mesh has curved facets."""
        return self.domain.data.curved is not None

    @cached_property
    def _sides(self) -> _Sides:
        return _sides(self.domain.data.points, self.domain.data.cells)

    @cached_property
    def reach(self) -> float:
        """How far a step may lead so that it never jumps across what lies outside, such as a narrow notch.

        The domain is looked for behind every outer facet, at the distances ``RAYS``; infinity where nothing is near.
        """
        data = self.domain.data
        facets = outer_facets(data.cells)
        corners = data.points[facets]
        middles = corners.mean(axis=1)
        if data.curved is not None:
            middles = self._nearest(middles.T).T
        normals = _unit_normals(corners)
        nearest = np.inf
        for ray in RAYS * self.extent:
            ahead, behind = middles + ray * normals, middles - ray * normals
            # one side is the cell's own, and both are inside where another part of the domain is met
            if (self.domain.contains(ahead.T) & self.domain.contains(behind.T)).any():
                nearest = float(ray)
                break
        return nearest

    @cached_property
    def extent(self) -> float:
        """The longest edge of the box around the mesh."""
        return float(np.max(np.ptp(self.domain.data.points, axis=0)))

    @cached_property
    def _straight(self) -> Walls | None:
        data = self.domain.data
        return walls_of(data.points, data.cells, None if data.curved is None else data.curved.vertices)

    def _nearest(self, x: Floats) -> Floats:
        curved, straight = self.domain.data.curved, self._straight
        if curved is None or straight is None:
            return straight.nearest(x) if curved is None else curved.project(x)  # type: ignore[union-attr]
        first, second = straight.nearest(x), curved.project(x)
        closer = np.linalg.norm(first - x, axis=0) <= np.linalg.norm(second - x, axis=0)
        return np.where(closer, first, second)


def _unit_normals(corners: Floats) -> Floats:
    """Of facets (k, dim, dim), (k, dim); their side is not known."""
    edges = corners[:, 1:] - corners[:, :1]
    if corners.shape[2] == 2:
        normals = np.stack([edges[:, 0, 1], -edges[:, 0, 0]], axis=1)
    else:
        normals = np.cross(edges[:, 0], edges[:, 1])
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))
