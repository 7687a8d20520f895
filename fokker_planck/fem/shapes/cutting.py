"""Vertices carried onto a surface g = 0, and edges cut where they cross it: after that no cell straddles it.

Whatever a vertex lies on already (a wall, a surface cut before) it keeps: it slides there until g vanishes, too, so
that the crossing of two surfaces gets its vertex exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.crossings import planes_of
from fokker_planck.fem.triangulations.refinement import split_edges
from fokker_planck.fem.triangulations.triangulation import Triangulation, edge_table, volumes
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.level_set_projection import onto_surfaces
from fokker_planck.model.sets.shapes import HalfSpace
from fokker_planck.quantity.light_dataclasses import dataclass, replace

#: A vertex nearer to the surface than this part of its shortest edge moves onto it. Less leaves slivers beside the
#: surface, more bends cells; mmg makes good what is left.
SNAP = 0.3
#: Of its shortest edge, the farthest that a vertex slides.
FARTHEST = 0.45
#: A level is zero where it is within this part of the size of the domain of being so.
ON_SURFACE = 1e-9
#: No cell may keep less of its volume.
LEAST_VOLUME = 0.1
BISECTIONS = 60
"""Steps of Newton, or halvings where it fails: 53 halvings leave rounding."""
#: Halvings on the parts of a surface that is known by its points only.
HALVINGS = 50
#: A step of Newton so short, relative to the edge, is the last: its error is of the order of the square.
CLOSE = 1e-11
#: Of Newton for a vertex that slides: one next to the surface needs four, one that needs more does not get there.
SLIDING_STEPS = 10


@dataclass(frozen=True)
class Cut:
    """A triangulation that the first of the ``pieces`` have cut, and the ``size`` wanted at its vertices, (n,)."""

    triangulation: Triangulation
    size: Floats


def edge_sizes(triangulation: Triangulation) -> Floats:
    """Mean length of the edges at every vertex, (n,)."""
    edges = edge_table(triangulation.cells).vertices
    length = np.linalg.norm(triangulation.points[edges[:, 0]] - triangulation.points[edges[:, 1]], axis=1)
    count = len(triangulation.points)
    total = np.bincount(edges[:, 0], length, count) + np.bincount(edges[:, 1], length, count)
    return np.asarray(total / np.maximum(np.bincount(edges.ravel(), minlength=count), 1))


def cut_along(cut: Cut, pieces: Sequence[Any], number: int) -> Cut:
    """Cut along piece ``number``, those before being there already.

    A piece that has no period crosses the two sides of a seam at places of its own: their edges, which are one, are cut
    at the one, and what is left of them at the other.
    """
    piece, known = pieces[number], pieces[:number]
    cut = replace(cut, triangulation=_snapped(cut.triangulation, piece, known))
    seams = np.bincount(cut.triangulation.vertex_class).max() > 1
    for _ in range(2 if seams else 1):
        cut = _cut_where_crossed(cut, piece, known)
    return cut


def _cut_where_crossed(cut: Cut, piece: Any, known: Sequence[Any]) -> Cut:
    """The edges between vertices of either side."""
    triangulation = cut.triangulation
    level = levels(triangulation, piece)
    edges = edge_table(triangulation.cells).vertices
    crossing = level[edges[:, 0]] * level[edges[:, 1]] < 0.0
    if not crossing.any():
        return cut
    edges, share = _with_images(triangulation, edges, crossing, piece)
    positions = _positions(triangulation, edges, share, piece, known)
    sizes = np.concatenate([cut.size, cut.size[edges].mean(axis=1)])
    return Cut(split_edges(triangulation, edges, positions), sizes)


def levels(triangulation: Triangulation, piece: Any, at: Floats | None = None) -> Floats:
    """Level at the vertices, exactly zero where it is zero to rounding."""
    x = triangulation.points.T if at is None else at
    level = piece.level(x)
    slope = np.linalg.norm(piece.gradient(x), axis=0)
    scale = float(np.ptp(triangulation.points, axis=0).max())
    return np.where(np.abs(level) <= ON_SURFACE * scale * np.maximum(slope, 1e-300), 0.0, level)


def _with_images(
    triangulation: Triangulation, edges: Integers, crossing: Booleans, piece: Any
) -> tuple[Integers, Floats]:
    """The edges to cut, in their order, periodic images among them, and where: the share of the way to the second."""
    share = np.full(len(edges), np.nan)
    ends = triangulation.points[edges[crossing]]
    share[crossing] = _share(ends, piece)
    classes = triangulation.vertex_class[edges]
    if np.bincount(triangulation.vertex_class).max() > 1:
        turned = classes[:, 0] > classes[:, 1]
        share[turned] = 1.0 - share[turned]
        keys = np.sort(classes, axis=1) @ np.array([int(classes.max()) + 1, 1])
        order = np.unique(keys, return_inverse=True)[1].reshape(-1)
        first = np.full(int(order.max()) + 1, np.nan)
        given = np.flatnonzero(crossing)[::-1]
        first[order[given]] = share[given]
        share = first[order]
        share[turned] = 1.0 - share[turned]
    wanted = np.isfinite(share)
    return edges[wanted], share[wanted]


def _share(ends: Floats, piece: Any) -> Floats:
    """Where the level vanishes on every segment (k, 2, dim): by Newton's steps along it, kept between the ends."""
    low, high = np.zeros(len(ends)), np.ones(len(ends))
    along = (ends[:, 1] - ends[:, 0]).T
    first, last = piece.level(ends[:, 0].T), piece.level(ends[:, 1].T)
    place = np.asarray(first / (first - last))
    # where a step of Newton leads out of the bracket or has not halved the last one, the bracket is halved
    before = np.ones(len(ends))
    for _ in range(BISECTIONS):
        points = ends[:, 0].T + place * along
        value, slope = np.asarray(piece.level(points)), (piece.gradient(points) * along).sum(axis=0)
        same = value * first > 0.0
        low, high = np.where(same, place, low), np.where(same, high, place)
        with np.errstate(all="ignore"):
            step = -value / slope
        bad = ~((place + step >= low) & (place + step <= high) & (np.abs(step) <= 0.5 * before))
        step = np.where(bad, 0.5 * (low + high) - place, step)
        step[(value == 0.0) | (before <= CLOSE)] = 0.0
        place, before = place + step, np.abs(step)
        if (before <= CLOSE).all():
            break
    return np.asarray(place)


def _positions(
    triangulation: Triangulation, edges: Integers, share: Floats, piece: Any, known: Sequence[Any]
) -> Floats:
    """Points of the edges on the surface, and on every other surface that both ends share.

    In space a point that slides along a surface to another would leave a plane wall, so that it slides on that as well.
    """
    start, stop = triangulation.points[edges[:, 0]], triangulation.points[edges[:, 1]]
    chord = start + share[:, None] * (stop - start)
    walls = [s for s in triangulation.surfaces if hasattr(s, "level")]
    planes = _planes_along(triangulation, edges)
    surfaces = [piece, *known, *walls, *(plane for plane, _ in planes)]
    counts = np.ones((len(surfaces), len(edges)), dtype=bool)
    for row, other in enumerate(known, 1):
        on = levels(triangulation, other) == 0.0
        counts[row] = on[edges].all(axis=1)
    keys = edges @ np.array([len(triangulation.points), 1])
    for row, wall in enumerate(walls):
        number = next(i for i, s in enumerate(triangulation.surfaces) if s is wall)
        counts[1 + len(known) + row] = np.isin(keys, _edge_keys(triangulation, number))
    slides = counts[1:].any(axis=0)
    for row, (_, on) in enumerate(planes, 1 + len(known) + len(walls)):
        counts[row] = on & slides
    for number, surface in enumerate(triangulation.surfaces):
        on = np.isin(keys, _edge_keys(triangulation, number)) & np.isfinite(share)
        if not hasattr(surface, "level") and on.any():
            chord[on] = _along(start[on], stop[on], surface, piece)
    several = np.flatnonzero(counts[1:].any(axis=0))
    if not len(several):
        return chord
    moved = onto_surfaces(
        [s.level for s in surfaces], [s.gradient for s in surfaces], counts[:, several], chord[several].T
    ).T
    length = np.linalg.norm(stop - start, axis=1)[several]
    near = np.linalg.norm(moved - chord[several], axis=1) < FARTHEST * length
    chord[several[near]] = moved[near]
    return chord


def _planes_along(triangulation: Triangulation, edges: Integers) -> list[tuple[HalfSpace, Booleans]]:
    """In space the plane walls that have some of the edges (k, 2) in them, and which."""
    facets = triangulation.facets
    straight = facets.vertices[facets.surface < 0]
    if triangulation.dimension < 3 or not len(straight):
        return []
    scale = np.array([len(triangulation.points), 1])
    keys = np.sort(edges, axis=1) @ scale
    found = []
    planes, number = planes_of(triangulation, straight)
    for plane, (normal, offset) in enumerate(planes):
        on = np.isin(keys, edge_table(straight[number == plane]).vertices @ scale)
        if on.any():
            found.append((HalfSpace(tuple(normal), offset), on))
    return found


def _along(start: Floats, stop: Floats, surface: Any, piece: Any) -> Floats:
    """Where g vanishes on the parts of a surface known by its points, between their ends."""
    ends = np.stack([start, stop], axis=1)

    def at(share: Floats) -> Floats:
        weights = np.stack([1.0 - share, share], axis=1)
        return np.stack([surface.follow(ends[i : i + 1], weights[i : i + 1])[0, 0] for i in range(len(ends))])

    low, high = np.zeros(len(ends)), np.ones(len(ends))
    sign = piece.level(start.T)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        same = piece.level(at(middle).T) * sign > 0.0
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return at(0.5 * (low + high))


def _edge_keys(triangulation: Triangulation, number: int) -> Integers:
    facets = triangulation.facets
    vertices = facets.vertices[facets.surface == number]
    if not len(vertices):
        return np.zeros(0, dtype=np.int64)
    pairs = edge_table(vertices).vertices if vertices.shape[1] > 1 else np.zeros((0, 2), dtype=np.int64)
    return np.asarray(pairs @ np.array([len(triangulation.points), 1]))


def _snapped(triangulation: Triangulation, piece: Any, known: Sequence[Any]) -> Triangulation:
    """Move vertices near the surface onto it, or free ones away where a cell would get all its vertices there.

    Such a cell is as thin as the surface is curved, and would fold when its facets follow the surface.
    """
    points, cells = triangulation.points, triangulation.cells
    level = levels(triangulation, piece)
    slope = piece.gradient(points.T)
    steepness = np.maximum(np.linalg.norm(slope, axis=0), 1e-300)
    distance = np.abs(level) / steepness
    shortest, crossed = _around_vertices(triangulation, level)
    near = crossed & (distance < SNAP * shortest) & (level != 0.0)
    near &= np.bincount(triangulation.vertex_class)[triangulation.vertex_class] == 1
    places = np.flatnonzero(near)
    if not len(places):
        return triangulation
    target, bound = _slid(triangulation, places, piece, known)
    near[places[np.abs(target - points[places]).max(axis=1) > FARTHEST * shortest[places]]] = False
    goal = points.copy()
    goal[places] = target
    held = np.zeros(len(points), dtype=bool)
    held[places[bound]] = True
    snapped, fixed = near.copy(), level == 0.0
    while True:
        flat = (snapped | fixed)[cells].all(axis=1) & snapped[cells].any(axis=1)
        if not flat.any():
            break
        reach = np.where(snapped[cells[flat]], distance[cells[flat]], -1.0)
        snapped[np.take_along_axis(cells[flat], np.argmax(reach, axis=1)[:, None], axis=1)] = False
    moved = np.where(snapped[:, None], goal, points)
    repelled = near & ~snapped & ~held
    away = (slope / steepness).T * (np.sign(level) * SNAP * shortest)[:, None]
    moved[repelled] = goal[repelled] + away[repelled]
    return replace(triangulation, points=_without_squeezing(triangulation, moved))


def _slid(triangulation: Triangulation, places: Integers, piece: Any, known: Sequence[Any]) -> tuple[Floats, Booleans]:
    """The vertices carried onto the surface along whatever they lie on, and which of them lie on something."""
    x = triangulation.points[places].T
    surfaces, count, stuck = _holding(triangulation, places, piece, known)
    bound = count[1:].any(axis=0) | stuck
    count[:, stuck] = True
    target = x.copy()
    free = ~bound
    target[:, free] = piece.project(x[:, free])
    many = count.sum(axis=0) > triangulation.dimension
    sliding = np.flatnonzero(bound & ~stuck & ~many)
    if len(sliding):
        values, slopes = [surface.level for surface in surfaces], [surface.gradient for surface in surfaces]
        target[:, sliding] = onto_surfaces(values, slopes, count[:, sliding], x[:, sliding], SLIDING_STEPS)
        misses = np.abs(np.array([value(target[:, sliding]) for value in values]))
        scale = float(np.ptp(triangulation.points, axis=0).max())
        with np.errstate(over="ignore"):  # a point that Newton's method threw far out: its slopes are infinite
            steepness = np.array([np.linalg.norm(slope(target[:, sliding]), axis=0) for slope in slopes])
        wrong = ((misses > ON_SURFACE * scale * steepness) & count[:, sliding]).any(axis=0)
        target[:, sliding[wrong]] = np.inf
    target[:, stuck | bound & many] = np.inf
    return np.where(np.isfinite(target), target, np.inf).T, bound


def _holding(
    triangulation: Triangulation, places: Integers, piece: Any, known: Sequence[Any]
) -> tuple[list[Any], Booleans, Booleans]:
    """The surface first, then all others that hold some vertices; which hold which (s, n); what no level holds (n,)."""
    facets, every = triangulation.facets, np.arange(len(places))
    x = triangulation.points[places].T
    rank = np.full(len(triangulation.points), -1)
    rank[places] = every
    touching = np.flatnonzero((rank[facets.vertices] >= 0).any(axis=1))
    surfaces = [piece, *known]
    counts = [np.ones(len(places), dtype=bool), *(levels(triangulation, other, x) == 0.0 for other in known)]
    stuck = np.zeros(len(places), dtype=bool)
    for index, surface in enumerate(triangulation.surfaces):
        on = np.isin(every, rank[facets.vertices[touching[facets.surface[touching] == index]]])
        if hasattr(surface, "level"):
            surfaces.append(surface)
            counts.append(on)
        else:
            stuck |= on
    straight = facets.vertices[touching[facets.surface[touching] < 0]]
    if len(straight):
        planes, number = planes_of(triangulation, straight)
        for plane, (normal, offset) in enumerate(planes):
            surfaces.append(HalfSpace(tuple(normal), offset))
            counts.append(np.isin(every, rank[straight[number == plane]]))
    return surfaces, np.array(counts), stuck


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
    """Vertices moved to ``target``, but for those that would leave a cell too little of its volume."""
    points, cells = triangulation.points, triangulation.cells
    before = volumes(points, cells)
    moved = target.copy()
    while True:
        squeezed = volumes(moved, cells) < LEAST_VOLUME * before
        if not squeezed.any():
            return moved
        corners = np.unique(cells[squeezed])
        if np.array_equal(moved[corners], points[corners]):
            return moved
        moved[corners] = points[corners]
