"""Vertices at the ends of sets, on a line and on walls that a set only touches; the part of a mesh that holds some."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.refinement import split_edges
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.sets.shapes import Region

CLOSE = 1e-6
"""Of an edge: a wall point so near to a vertex is that vertex."""
ON_SURFACE = 1e-10
"""Of the extent, in distance, so that a set made of a wall of the same numbers touches it; rounding is a millionth of
that."""


def with_ends(triangulation: Triangulation, region: Any) -> Triangulation:
    """On a line: a vertex at every end of the set, however close to each other they are."""
    lower, upper = triangulation.points.min(axis=0), triangulation.points.max(axis=0)
    exact = region.on_line(float(lower[0]), float(upper[0])) if isinstance(region, Region) else region
    return with_vertices(triangulation, exact.faces(lower, upper)[0] if exact is not None else ())


def with_vertices(triangulation: Triangulation, places: Sequence[float]) -> Triangulation:
    """On a line: a vertex at each of the places inside."""
    for place in places:
        left, right = np.sort(triangulation.cell_points[:, :, 0], axis=1).T
        held = np.flatnonzero((left < place) & (place < right))
        if len(held):
            triangulation = split_edges(triangulation, triangulation.cells[held], np.full((len(held), 1), place))
    return triangulation


def cut_at_ends(triangulation: Triangulation, region: Any) -> Triangulation:
    """Put a vertex on the wall wherever a set that only touches it begins or ends; straight and curved walls."""
    facets = triangulation.facets
    corners = facets.vertices[facets.boundary]
    pairs = [corners[:, [a, b]] for a, b in combinations(range(corners.shape[1]), 2)]
    edges, surface = np.concatenate(pairs), np.tile(facets.surface[facets.boundary], len(pairs))
    edges, first = np.unique(np.sort(edges, axis=1), axis=0, return_index=True)
    touched = touches(region, triangulation.points.T, _scale(triangulation))
    ends = touched[edges[:, 0]] != touched[edges[:, 1]]
    edges, surface = edges[ends], surface[first][ends]
    if not len(edges):
        return triangulation
    edges = np.where(touched[edges[:, :1]], edges, edges[:, ::-1])

    def at(share: Floats) -> Floats:
        start, stop = triangulation.points[edges[:, 0]], triangulation.points[edges[:, 1]]
        points = start + share[:, None] * (stop - start)
        for number in np.unique(surface[surface >= 0]):
            on = surface == number
            points[on] = triangulation.surfaces[number].project(points[on].T).T
        return np.asarray(points)

    low, high = np.zeros(len(edges)), np.ones(len(edges))
    for _ in range(52):
        middle = 0.5 * (low + high)
        inside = touches(region, at(middle).T, _scale(triangulation))
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    apart = (low > CLOSE) & (high < 1.0 - CLOSE)
    return split_edges(triangulation, edges[apart], at(low)[apart]) if apart.any() else triangulation


def touches(region: Any, x: Floats, scale: float) -> Booleans:
    """Which of the points (dim, n) belong to a set that has no inside, to rounding."""
    slope = np.maximum(np.linalg.norm(region.gradient(x), axis=0), 1e-300)
    return np.asarray(region.level(x) >= -ON_SURFACE * scale * slope)


def _scale(triangulation: Triangulation) -> float:
    return float(np.ptp(triangulation.points, axis=0).max())


def component_holding(triangulation: Triangulation, keep: Booleans, seeds: Floats) -> Booleans:
    """Of the kept cells, those connected (through vertices) to the cells nearest to the ``seeds`` (k, dim)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    cells = triangulation.vertex_class[triangulation.cells]
    kept = np.flatnonzero(keep)
    count = int(cells.max()) + 1
    first = np.repeat(cells[kept][:, :1], cells.shape[1] - 1, axis=1).ravel()
    second = cells[kept][:, 1:].ravel()
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count))
    label = connected_components(graph, directed=False)[1]
    centres = triangulation.cell_points[kept].mean(axis=1)
    nearest = [kept[np.argmin(((centres - seed) ** 2).sum(axis=1))] for seed in seeds]
    wanted = np.unique(label[cells[nearest, 0]])
    return keep & np.isin(label[cells[:, 0]], wanted)
