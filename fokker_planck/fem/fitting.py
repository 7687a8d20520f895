"""Fit a triangulation to the surface of a set, so that cells lie inside or outside and facets follow the surface.

Vertices close to the surface move onto it; every edge that still crosses is cut at its crossing point.  Both work
on any level function in one, two and three dimensions.  A cell the surface grazes without separating its vertices
is left alone: the mesh must be fine enough to see the set, which :func:`resolve` provides.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from fokker_planck.fem.refinement import refine, split_edges
from fokker_planck.fem.triangulation import (
    STRAIGHT,
    Booleans,
    Facets,
    Floats,
    Triangulation,
    diameters,
    edge_table,
    interface_facets,
    volumes,
)
from fokker_planck.sets import HalfSpace

SNAP = 0.3
CLOSE = 1e-6
ON_SURFACE = 1e-10


def resolve(triangulation: Triangulation, region: Any, size: float, *, rounds: int = 40) -> Triangulation:
    """Refine the cells near the surface of ``region`` until their diameter is at most ``size``."""
    for _ in range(rounds):
        marked = (diameters(triangulation) > size) & _near_surface(triangulation, region)
        if not marked.any():
            return triangulation
        triangulation = refine(triangulation, marked)
    return triangulation


def _near_surface(triangulation: Triangulation, region: Any) -> Booleans:
    corners = triangulation.cell_points
    centres = corners.mean(axis=1)
    level = region.level(triangulation.points.T)[triangulation.cells]
    middle = region.level(centres.T)
    slope = np.linalg.norm(region.gradient(centres.T), axis=0)
    mixed = (level.min(axis=1) < 0.0) & (np.maximum(level.max(axis=1), middle) > 0.0)
    mixed |= (level.max(axis=1) > 0.0) & (middle < 0.0)
    return mixed | (np.abs(middle) < 0.6 * slope * diameters(triangulation))


def fit(triangulation: Triangulation, region: Any, name: str) -> Triangulation:
    """Make facets follow the surface of ``region`` and mark the cells inside it under ``name``."""
    triangulation = _snapped(triangulation, region)
    level = _levels(triangulation, region)
    edges = edge_table(triangulation.cells).vertices
    crossing = edges[level[edges[:, 0]] * level[edges[:, 1]] < 0.0]
    if len(crossing):
        positions = _crossings(triangulation.points[crossing], region)
        triangulation = split_edges(triangulation, crossing, positions)
    return mark(triangulation, region, name)


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


def mark(triangulation: Triangulation, region: Any, name: str) -> Triangulation:
    """Mark the cells inside ``region`` and tag the facets on its surface; the mesh must already be fitted."""
    centres = triangulation.cell_points.mean(axis=1)
    level = _levels(triangulation, region)[triangulation.cells]
    furthest = np.take_along_axis(level, np.argmax(np.abs(level), axis=1)[:, None], axis=1)[:, 0]
    inside = np.where(furthest == 0.0, region.level(centres.T), furthest) > 0.0
    facets = interface_facets(triangulation.cells, triangulation.vertex_class, inside)
    flat = isinstance(region, HalfSpace) or triangulation.dimension == 1
    number = STRAIGHT if flat else len(triangulation.surfaces)
    known = triangulation.facets
    merged = Facets(
        np.concatenate([known.vertices, facets]),
        np.concatenate([known.surface, np.full(len(facets), number)]),
        np.concatenate([known.boundary, np.zeros(len(facets), dtype=bool)]),
    )
    return replace(
        triangulation,
        facets=merged,
        surfaces=triangulation.surfaces if flat else (*triangulation.surfaces, region),
        regions={**triangulation.regions, name: inside},
    )


def _scale(triangulation: Triangulation) -> float:
    return float(np.ptp(triangulation.points, axis=0).max())


def _levels(triangulation: Triangulation, region: Any) -> Floats:
    """Level at the vertices, exactly zero where it is zero to rounding."""
    x = triangulation.points.T
    level = region.level(x)
    slope = np.linalg.norm(region.gradient(x), axis=0)
    return np.where(np.abs(level) <= 1e-9 * _scale(triangulation) * np.maximum(slope, 1e-300), 0.0, level)


def _snapped(triangulation: Triangulation, region: Any) -> Triangulation:
    """Move free vertices near the surface onto it, or away from it where a cell would get all its vertices there.

    Such a cell is as thin as the surface is curved, and would fold when its facets follow the surface.
    """
    points, cells = triangulation.points, triangulation.cells
    level = _levels(triangulation, region)
    slope = region.gradient(points.T)
    steepness = np.maximum(np.linalg.norm(slope, axis=0), 1e-300)
    distance = np.abs(level) / steepness
    shortest, crossed = _around_vertices(triangulation, level)
    near = crossed & (distance < SNAP * shortest) & (level != 0.0)
    near[triangulation.facets.vertices.ravel()] = False
    near &= np.bincount(triangulation.vertex_class)[triangulation.vertex_class] == 1
    snapped, fixed = near.copy(), level == 0.0
    while True:
        flat = (snapped | fixed)[cells].all(axis=1) & snapped[cells].any(axis=1)
        if not flat.any():
            break
        reach = np.where(snapped[cells[flat]], distance[cells[flat]], -1.0)
        snapped[np.take_along_axis(cells[flat], np.argmax(reach, axis=1)[:, None], axis=1)] = False
    away = (slope / steepness).T * (np.sign(level) * SNAP * shortest)[:, None]
    target = points.copy()
    if snapped.any():
        target[snapped] = region.project(points[snapped].T).T
    repelled = near & ~snapped
    if repelled.any():
        target[repelled] = region.project(points[repelled].T).T + away[repelled]
    return replace(triangulation, points=_without_squeezing(triangulation, target))


def _around_vertices(triangulation: Triangulation, level: Floats) -> tuple[Floats, Booleans]:
    """Shortest edge at every vertex, and whether one of its edges crosses the surface."""
    points = triangulation.points
    edges = edge_table(triangulation.cells).vertices
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    crosses = level[edges[:, 0]] * level[edges[:, 1]] < 0.0
    shortest = np.full(len(points), np.inf)
    crossed = np.zeros(len(points), dtype=bool)
    for end in (0, 1):
        np.minimum.at(shortest, edges[:, end], length)
        crossed[edges[crosses, end]] = True
    return shortest, crossed


def _without_squeezing(triangulation: Triangulation, target: Floats) -> Floats:
    """Vertices moved to ``target``, but for those that would leave a cell a tenth of its volume."""
    points, cells = triangulation.points, triangulation.cells
    before = volumes(points, cells)
    moved = target.copy()
    while True:
        squeezed = volumes(moved, cells) < 0.1 * before
        if not squeezed.any():
            return moved
        corners = np.unique(cells[squeezed])
        if np.array_equal(moved[corners], points[corners]):
            return moved
        moved[corners] = points[corners]


def _crossings(ends: Floats, region: Any) -> Floats:
    """Zero of the level on every segment (k, 2, dim), by bisection."""
    low, high = np.zeros(len(ends)), np.ones(len(ends))
    start = region.level(ends[:, 0].T)

    def at(position: Floats) -> Floats:
        return ends[:, 0] + position[:, None] * (ends[:, 1] - ends[:, 0])

    for _ in range(52):
        middle = 0.5 * (low + high)
        same = region.level(at(middle).T) * start > 0.0
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return at(0.5 * (low + high))


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
