"""Which surface every curved edge follows: in space two at once where surfaces cross each other or a flat wall."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.triangulation import Triangulation, row_keys
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.formulas.level_set_projection import onto_surfaces
from fokker_planck.model.sets.shapes import HalfSpace
from fokker_planck.quantity.light_dataclasses import dataclass

#: Normals and offsets (in units of the size of the mesh) of facets that agree to so many digits are of one plane.
PLANE_DIGITS = 7


@dataclass(frozen=True)
class Crossing:
    """Where all the surfaces meet: a curve in space."""

    surfaces: tuple[Any, ...]

    def project(self, x: Floats) -> Floats:
        """A point of all surfaces near each of the points (dim, n)."""
        levels, gradients = [s.level for s in self.surfaces], [s.gradient for s in self.surfaces]
        return onto_surfaces(levels, gradients, np.ones((len(levels), x.shape[1]), dtype=bool), x)


def curved_edges(triangulation: Triangulation) -> list[tuple[Any, Integers]]:
    """Every edge of a curved facet once, (k, 2) as sorted pairs, with the surface or crossing that it follows."""
    facets = triangulation.facets
    surfaces = triangulation.surfaces
    edges, owner = _edges(facets.vertices, facets.surface)
    curved = owner >= 0
    if triangulation.dimension == 3 and curved.any():
        edges, owner, surfaces = _with_planes(triangulation, edges, owner)
    else:
        edges, owner = edges[curved], owner[curved]
    count = len(triangulation.points)
    rows = np.column_stack([edges @ np.array([count, 1]), owner])
    rows = rows[np.unique(row_keys(rows), return_index=True)[1]]
    keys, start, times = np.unique(rows[:, 0], return_index=True, return_counts=True)
    found: list[tuple[Any, Integers]] = []
    alone = rows[start[times == 1]]
    for number in np.unique(alone[:, 1]):
        found.append((surfaces[number], _pairs(alone[alone[:, 1] == number, 0], count)))
    several: dict[tuple[int, ...], list[int]] = {}
    for key, first, many in zip(keys[times > 1], start[times > 1], times[times > 1], strict=True):
        several.setdefault(tuple(rows[first : first + many, 1].tolist()), []).append(int(key))
    for numbers, of in several.items():
        found.append((_meeting([surfaces[n] for n in numbers]), _pairs(np.array(of), count)))
    return found


def _meeting(surfaces: Sequence[Any]) -> Any:
    """Their crossing; the first alone where one of them is known by its points only."""
    if all(hasattr(surface, "level") for surface in surfaces):
        return Crossing(tuple(surfaces))
    return next(surface for surface in surfaces if not hasattr(surface, "level"))


def _edges(facets: Integers, owner: Integers) -> tuple[Integers, Integers]:
    pairs = [facets[:, list(pair)] for pair in combinations(range(facets.shape[1]), 2)]
    return np.sort(np.concatenate(pairs), axis=1), np.tile(owner, len(pairs))


def _pairs(keys: Integers, count: int) -> Integers:
    return np.stack([keys // count, keys % count], axis=1)


def _with_planes(
    triangulation: Triangulation, edges: Integers, owner: Integers
) -> tuple[Integers, Integers, tuple[Any, ...]]:
    """The edges of curved facets, once for each surface or plane of a straight facet that they lie on."""
    count, facets = len(triangulation.points), triangulation.facets
    keys = edges @ np.array([count, 1])
    wanted = np.unique(keys[owner >= 0])
    straight = np.flatnonzero(facets.surface < 0)
    beside = np.isin(keys.reshape(3, -1)[:, straight], wanted).any(axis=0) if len(straight) else np.zeros(0, dtype=bool)
    flat = straight[beside]
    curved = owner >= 0
    if not len(flat):
        return edges[curved], owner[curved], triangulation.surfaces
    planes, number = planes_of(triangulation, facets.vertices[flat])
    more, of = _edges(facets.vertices[flat], len(triangulation.surfaces) + number)
    on = np.isin(more @ np.array([count, 1]), wanted)
    surfaces = (*triangulation.surfaces, *(HalfSpace(tuple(normal), offset) for normal, offset in planes))
    return np.concatenate([edges[curved], more[on]]), np.concatenate([owner[curved], of[on]]), surfaces


def planes_of(triangulation: Triangulation, facets: Integers) -> tuple[list[tuple[Floats, float]], Integers]:
    """The distinct lines or planes of straight facets, as unit normal and offset, and the number of each facet's."""
    corners = triangulation.points[facets]
    if triangulation.dimension == 1:
        normals = np.ones((len(facets), 1))
    elif triangulation.dimension == 2:
        along = corners[:, 1] - corners[:, 0]
        normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
    else:
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = normals / np.linalg.norm(normals, axis=1)[:, None]
    leading = np.take_along_axis(normals, np.argmax(np.abs(normals) > 1e-6, axis=1)[:, None], axis=1)
    normals = normals * np.sign(leading)
    offsets = (normals * corners[:, 0]).sum(axis=1)
    scale = float(np.ptp(triangulation.points, axis=0).max())
    keys = np.round(np.concatenate([normals, offsets[:, None] / scale], axis=1) * 10.0**PLANE_DIGITS)
    _, first, number = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return [(normals[index], float(offsets[index])) for index in first], number.reshape(-1)
