"""Sets that coincide with a wall of a mesh file: a hole drawn as a polygon, whose vertices lie on the set's surface.

No cell lies inside of such a set, and the slivers between its surface and the wall are an accident of the drawing: the
wall itself absorbs.  Its facets are told apart by a surface of their own, which finer meshes keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.triangulation import STRAIGHT, Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass, replace

ON_SURFACE = 1e-9
"""Of the extent of the mesh: so far from a surface vertices of a file lie that are meant to be on it."""
SLIVER = 0.05
"""Of the length of a facet: how far the middle of a curved one may lie outside of a set that it follows; a straight one
lies inside by h/8 times h/r at most, or is no drawing of the surface."""


@dataclass(frozen=True)
class CoincidingWall:
    """Facets of the boundary that are those of the set ``name``, curved like ``shape`` or straight."""

    name: str
    shape: Any = None

    @property
    def is_flat(self) -> bool:
        """Whether the facets are straight."""
        return self.shape is None

    def follow(self, corners: Floats, weights: Floats) -> Floats:
        """Points (m, n, dim) of parts of the facets, from their ``corners`` (m, s, dim) and barycentric ``weights``."""
        if self.shape is None:
            return np.einsum("ns,msd->mnd", weights, corners)
        return np.asarray(self.shape.follow(corners, weights))

    def project(self, x: Floats) -> Floats:
        """The nearest points of the facets; of straight ones the points themselves, which lie on them."""
        return x if self.shape is None else np.asarray(self.shape.project(x))


def with_wall(triangulation: Triangulation, region: Any, name: str) -> Triangulation | None:
    """The triangulation with the facets that coincide with the set marked; None where it has an inside of its own."""
    facets = triangulation.facets
    corners = triangulation.points[facets.vertices]
    middles = corners.mean(axis=1)
    for number in np.unique(facets.surface[facets.surface != STRAIGHT]):
        on = np.flatnonzero(facets.surface == number)
        size = corners.shape[1]
        follow = getattr(triangulation.surfaces[number], "follow", None)
        if follow is not None:
            middles[on] = follow(corners[on], np.full((1, size), 1.0 / size))[:, 0]
    distance = _distances(triangulation.points, region)
    scale = float(np.ptp(triangulation.points, axis=0).max())
    touching = np.abs(distance) <= ON_SURFACE * scale
    length = np.linalg.norm(corners - corners[:, :1], axis=2).max(axis=1)
    bent = np.where(facets.surface == STRAIGHT, ON_SURFACE * scale, SLIVER * length)
    chosen = facets.boundary & touching[facets.vertices].all(axis=1) & (_distances(middles, region) >= -bent)
    own = np.zeros(len(triangulation.points), dtype=bool)
    own[facets.vertices[chosen]] = True
    centres = _distances(triangulation.cell_points.mean(axis=1), region)
    beside = own[triangulation.cells].any(axis=1)
    if not chosen.any() or (distance > ON_SURFACE * scale).any() or (centres[~beside] > 0.0).any():
        return None
    return with_wall_at(triangulation, chosen, name)


def with_wall_at(triangulation: Triangulation, chosen: Booleans, name: str) -> Triangulation:
    """The triangulation with the facets ``chosen`` among those it keeps marked as those of a set without an inside."""
    facets = triangulation.facets
    surface, surfaces = facets.surface.copy(), list(triangulation.surfaces)
    for number in np.unique(facets.surface[chosen]):
        surface[chosen & (facets.surface == number)] = len(surfaces)
        surfaces.append(CoincidingWall(name, None if number == STRAIGHT else triangulation.surfaces[number]))
    empty = np.zeros(len(triangulation.cells), dtype=bool)
    return replace(
        triangulation,
        facets=replace(facets, surface=surface),
        surfaces=tuple(surfaces),
        regions={**triangulation.regions, name: empty},
    )


def wall_facets(triangulation: Triangulation, name: str) -> Integers:
    """Vertices (k, dim) of the facets that coincide with a set."""
    return triangulation.facets.vertices[_of(triangulation.surfaces, triangulation.facets.surface, name)]


def _of(surfaces: Sequence[Any], surface: Integers, name: str) -> Booleans:
    numbers = [n for n, wall in enumerate(surfaces) if isinstance(wall, CoincidingWall) and wall.name == name]
    return np.isin(surface, numbers)


def _distances(points: Floats, region: Any) -> Floats:
    """Level over its slope: about the distance from the surface, positive inside."""
    slope = np.linalg.norm(region.gradient(points.T), axis=0)
    return np.asarray(region.level(points.T) / np.maximum(slope, 1e-300))
