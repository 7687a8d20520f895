"""The walls of a mesh: the nearest point of its outer facets, straight or curved, and how thin what lies behind is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fokker_planck.errors import ProblemError
from fokker_planck.mesh_checks import outer_facets

if TYPE_CHECKING:
    from fokker_planck.domain import MeshFile

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]

MOST_PARTS = {2: 64, 3: 12}
"""Parts of an edge of a facet, of which the nearest are looked up: facets up to so many times the least are found."""
CANDIDATES = {2: 6, 3: 16}
"""Nearest parts whose facets are tried: those of equal size that are met within that size around a point of a wall."""
RAYS = np.geomspace(1e-5, 0.1, 33)
"""How far behind a wall, in extents of the mesh, the domain is looked for again: a step of the flow is at most 0.1."""

GRAZING = 1e-9
"""In extents: ten times what cells are allowed for rounding."""
TOUCHING = 1e-12
"""In extents: a point inside as near as this is on the wall, a thousand times what rounding leaves."""


@dataclass(frozen=True)
class Walls:
    """Straight facets given by their ``corners`` (k, dim, dim), dim = 2 or 3.

    >>> square = Walls(np.array([[[0.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 1.0]]]))
    >>> square.nearest(np.array([[0.25, 2.0], [-3.0, 2.0]])).T.tolist()
    [[0.25, 0.0], [1.0, 1.0]]
    """

    corners: Floats

    def nearest(self, x: Floats) -> Floats:
        """The nearest point of the facets for each of the points (dim, n)."""
        points = np.asarray(x, dtype=float).T
        tree, owner = self._parts
        count = min(CANDIDATES[points.shape[1]], len(owner))
        candidates = np.sort(owner[tree.query(points, k=count)[1].reshape(len(points), count)], axis=1)
        fresh = np.ones(candidates.shape, dtype=bool)
        fresh[:, 1:] = candidates[:, 1:] != candidates[:, :-1]
        point, facet = np.nonzero(fresh)[0], candidates[fresh]
        feet = _nearest_in_simplices(points[point], self.corners[facet])
        away = ((feet - points[point]) ** 2).sum(axis=1)
        order = np.lexsort((away, point))
        first = np.cumsum(fresh.sum(axis=1)) - fresh.sum(axis=1)
        return np.asarray(feet[order[first]].T)

    @cached_property
    def _parts(self) -> tuple[Any, Integers]:
        from scipy.spatial import cKDTree

        dimension = self.corners.shape[2]
        size = np.max([np.linalg.norm(self.corners[:, i] - self.corners[:, j], axis=1) for i, j in self._edges], axis=0)
        parts = np.clip(np.ceil(size / size.min()), 1, MOST_PARTS[dimension]).astype(int)
        places, owners = [], []
        for count in np.unique(parts):
            some = np.flatnonzero(parts == count)
            steps = np.array([e for e in product(range(count), repeat=dimension - 1) if sum(e) < count])
            weights = (steps + 1.0 / dimension) / count
            weights = np.concatenate([1.0 - weights.sum(axis=1, keepdims=True), weights], axis=1)
            places.append((weights @ self.corners[some]).reshape(-1, dimension))
            owners.append(np.repeat(some, len(weights)))
        return cKDTree(np.concatenate(places)), np.concatenate(owners)

    @property
    def _edges(self) -> list[tuple[int, int]]:
        return list(combinations(range(self.corners.shape[1]), 2))


def walls_of(points: Floats, cells: Integers, except_for: Integers | None = None) -> Walls | None:
    """The outer facets of a mesh but for those of the vertices ``except_for`` (k, dim); None where there are none."""
    facets = outer_facets(cells)
    if except_for is not None and len(except_for):
        known = {tuple(row) for row in np.sort(except_for, axis=1).tolist()}
        facets = facets[[tuple(row) not in known for row in np.sort(facets, axis=1).tolist()]]
    return Walls(points[facets]) if len(facets) else None


def refuse_slits(domain: object, question: str) -> None:
    """Raise :class:`ProblemError` where two outer facets of a mesh file lie at one place.

    Which side of a slit a point is on is not seen from its place, so that a flow would cross it.
    """
    data = getattr(domain, "data", None)
    if data is None or data.dimension == 1:
        return
    middles = data.points[outer_facets(data.cells)].mean(axis=1)
    places = np.round((middles - data.points.min(axis=0)) / (GRAZING * np.max(np.ptp(data.points, axis=0))))
    again = len(places) - len(np.unique(places, axis=0))
    if again:
        wanted = f"for {question} a narrow notch instead, since wells are found by a flow, which would cross the slit"
        raise ProblemError("domain.file", f"a slit of {again} facets whose sides share their places", wanted)


@dataclass(frozen=True)
class HeldByMesh:
    """Points (dim, n) outside of the domain of a mesh file put back to the nearest point of its walls."""

    domain: MeshFile

    def __call__(self, x: Floats) -> Floats:
        """The points inside, unchanged, and the nearest ones of the walls to those outside."""
        outside, doubtful, allowed = self._beyond(x)
        if not (outside.any() or len(doubtful)):
            return x
        moved = np.array(x)
        moved[:, outside] = self._nearest(x[:, outside])
        feet = self._nearest(x[:, doubtful])
        at_wall = np.linalg.norm(feet - x[:, doubtful], axis=0) <= allowed * self._extent
        moved[:, doubtful[at_wall]] = feet[:, at_wall]
        return moved

    def _beyond(self, x: Floats) -> tuple[Booleans, Integers, Floats]:
        """Which points lie outside; numbers of those that may be on a wall, and how far from it they may be for that.

        What rounding leaves between a point and its wall must go: seen by the slope of the wall, a step of ``SKIN``
        ahead, it is a force as stiff as any.
        """
        finite = np.isfinite(x).all(axis=0)
        data, locator = self.domain.data, self.domain.locator
        cell = locator.find(x)
        outside, least = (cell < 0) & finite, np.full(x.shape[1], np.inf)
        found = np.flatnonzero(cell >= 0)
        least[found] = locator.barycentric(x[:, found], cell[found]).min(axis=1)
        if data.curved is not None:
            close = data.curved.near(x, 2.0 * data.curved.deepest)
            outside[close], least[close] = data.curved.outside(x[:, close], slack=0.0), np.inf
        doubtful = np.flatnonzero(least < GRAZING)
        return outside, doubtful, np.where(least[doubtful] < 0.0, GRAZING, TOUCHING)

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
        for ray in RAYS * self._extent:
            ahead, behind = middles + ray * normals, middles - ray * normals
            # one side is the cell's own, and both are inside where another part of the domain is met
            if (self.domain.contains(ahead.T) & self.domain.contains(behind.T)).any():
                nearest = float(ray)
                break
        return nearest

    @cached_property
    def _extent(self) -> float:
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


def _nearest_in_simplices(points: Floats, corners: Floats) -> Floats:
    """The nearest point of a segment (n, 2, dim) or a triangle (n, 3, dim) to each of the points (n, dim)."""
    if corners.shape[1] == 2:
        way = corners[:, 1] - corners[:, 0]
        along = ((points - corners[:, 0]) * way).sum(axis=1) / (way**2).sum(axis=1)
        return np.asarray(corners[:, 0] + np.clip(along, 0.0, 1.0)[:, None] * way)
    edges = corners[:, 1:] - corners[:, :1]
    weights = np.einsum("nij,nj->ni", np.linalg.pinv(np.swapaxes(edges, 1, 2)), points - corners[:, 0])
    best = corners[:, 0] + np.einsum("ni,nid->nd", weights, edges)
    beyond = (weights < 0.0).any(axis=1) | (weights.sum(axis=1) > 1.0)
    least = np.where(beyond, np.inf, 0.0)
    for pair in combinations(range(3), 2):
        feet = _nearest_in_simplices(points[beyond], corners[beyond][:, list(pair)])
        distance = np.linalg.norm(feet - points[beyond], axis=1)
        nearer = distance < least[beyond]
        where = np.flatnonzero(beyond)[nearer]
        best[where], least[where] = feet[nearer], distance[nearer]
    return np.asarray(best)
