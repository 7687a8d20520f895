"""Meshes fitted to sets: cells lie inside or outside of each, facets follow every smooth piece of the surfaces.

The surfaces are cut exactly into a mesh that is fine enough to see them, mmg makes the cells around them regular, the
vertices that it has moved return to the exact surface. What is not good enough yet - a cell that its curved facets
would squeeze, one with points of the wrong side - is refined before it is cut, and all is done again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.shapes.background import MOST_CELLS, refined_near
from fokker_planck.fem.shapes.curved_quality import least_stretches
from fokker_planck.fem.shapes.cutting import Cut, cut_along, edge_sizes, levels
from fokker_planck.fem.shapes.remeshing import Patch, around, remeshed
from fokker_planck.fem.shapes.smoothing import smoothed
from fokker_planck.fem.triangulation import (
    STRAIGHT,
    Booleans,
    Facets,
    Floats,
    Integers,
    Triangulation,
    boundary_facets,
    diameters,
    interface_facets,
    local_edges,
    oriented,
    row_numbers,
    volumes,
)
from fokker_planck.mesh.pieces import is_flat, smooth_pieces
from fokker_planck.projection import onto_surfaces
from fokker_planck.sets import Set

#: Least ratio of the Jacobian determinant of a curved cell to that of the straight one.
LEAST_STRETCH = 0.5
#: Degree of the map with which that is checked.
CHECKED_DEGREE = 3
#: A straight cell may reach beyond a curved surface by this part of its diameter.
BEYOND = 0.15
#: Cells flatter than this (volume over that of the cube of their diameter) are not accepted before they are refined.
FLATTEST = {1: 0.0, 2: 0.012, 3: 1e-3}
#: Times this with every attempt: where a surface meets a wall at a small angle, every mesh has flat cells.
YIELDING = 0.6
# In space a sphere takes five: two to see it, three until no curved facet squeezes a cell.
ROUNDS = {1: 12, 2: 12, 3: 6}
#: Bisections of squeezed cells before the mesh is made anew.
BISECTIONS = 4
#: A mesh in which the curved cells keep this much of the determinant is taken if no better one is found after so many
#: ROUNDS: where a surface only just touches another, it vanishes in the corner between them on every mesh.
ACCEPTED = 0.05
KEYS = {"": "domain.level", "target": "exit.target", "from": "committor.from", "to": "committor.to"}


@dataclass(frozen=True)
class Fitted:
    """A triangulation with the marks of its regions, and the piece that each facet of a surface follows, (k,)."""

    triangulation: Triangulation
    facets: Integers
    piece: Integers


def fit_regions(base: Triangulation, regions: Mapping[str, Set]) -> Triangulation:
    """The mesh of the same domain in which facets follow the surface of every set, cells marked under its name.

    Raises :class:`ProblemError` for a surface that no mesh of moderate size follows.
    """
    pieces = smooth_pieces(regions.values())
    background = base
    accepted: list[Triangulation] = []
    for attempt in range(ROUNDS[base.dimension]):
        try:
            background = refined_near(background, pieces)
        except ConvergenceError:
            break
        cut = Cut(background, edge_sizes(background))
        for number in range(len(pieces)):
            cut = cut_along(cut, pieces, number)
        fitted = _regular(cut, pieces, regions)
        faulty = _faulty(fitted.triangulation, pieces, regions, YIELDING**attempt) | _without_owner(fitted)
        if not faulty.any():
            finished, fitted, faulty = _unsqueezed(fitted, pieces, regions)
            if finished is not None:
                return finished
            if not accepted and least_stretches(_finished(fitted, pieces), CHECKED_DEGREE).min() > ACCEPTED:
                accepted.append(_finished(fitted, pieces))
        if len(background.cells) > MOST_CELLS[base.dimension]:
            break
        background = _refined_at(background, fitted.triangulation.cell_points[faulty])
    if accepted:
        return accepted[0]
    name = next(iter(regions))
    raise ProblemError(
        KEYS.get(name, f"sets.{name}"),
        "a surface that no mesh of moderate size follows",
        "a smooth surface, not too small, that does not cross itself",
    )


def mark(triangulation: Triangulation, region: Set, name: str) -> Triangulation:
    """Mark the cells inside of a set whose surface consists of facets already."""
    inside = insides(triangulation, region)
    known = triangulation.facets
    facets = interface_facets(triangulation.cells, triangulation.vertex_class, inside)
    flat = is_flat(region) or triangulation.dimension == 1 or bool(region.faces())
    number = STRAIGHT if flat else len(triangulation.surfaces)
    merged = Facets(
        np.concatenate([known.vertices, facets]),
        np.concatenate([known.surface, np.full(len(facets), number)]),
        np.concatenate([known.boundary, np.zeros(len(facets), dtype=bool)]),
    )
    surfaces = triangulation.surfaces if flat else (*triangulation.surfaces, region)
    return replace(triangulation, facets=merged, surfaces=surfaces, regions={**triangulation.regions, name: inside})


def insides(triangulation: Triangulation, region: Set) -> Booleans:
    """The cells inside of a set, by the vertex farthest from its surface; by the centre where all lie on it."""
    at_vertices = levels(triangulation, region)
    for piece in smooth_pieces([region]):
        # a level that jumps has either sign where it should vanish
        at_vertices[levels(triangulation, piece) == 0.0] = 0.0
    level = at_vertices[triangulation.cells]
    furthest = np.take_along_axis(level, np.argmax(np.abs(level), axis=1)[:, None], axis=1)[:, 0]
    undecided = furthest == 0.0
    if undecided.any():
        furthest[undecided] = region.level(triangulation.cell_points[undecided].mean(axis=1).T)
    return np.asarray(furthest > 0.0)


def _regular(cut: Cut, pieces: Sequence[Any], regions: Mapping[str, Set]) -> Fitted:
    """The cut mesh with marks, cells around the new surfaces made regular."""
    mesh = cut.triangulation
    marks = {name: insides(mesh, region) for name, region in regions.items()}
    mesh = replace(mesh, regions={**mesh.regions, **marks})
    facets = _unique(
        [interface_facets(mesh.cells, mesh.vertex_class, marks[name]) for name in regions], mesh.facets.vertices
    )
    known = Fitted(mesh, facets, _owners(mesh, facets, pieces))
    if mesh.dimension == 1 or not len(facets):
        return known
    zone = around(mesh.cells, np.unique(facets), len(mesh.points))
    return _remade(known, zone, cut.size, pieces) or known


def _remade(known: Fitted, zone: Booleans, size: Floats, pieces: Sequence[Any]) -> Fitted | None:
    """The mesh with the cells of the zone made anew by mmg; None where that fails."""
    patch, vertices, kinds, inner = _patch(known, zone)
    result = remeshed(patch, size[vertices])
    return None if result is None else _merged(known, zone, vertices, kinds, inner, result, pieces)


def _unique(parts: Sequence[Integers], known: Integers) -> Integers:
    """All facets, each once, but for those that are ``known``."""
    facets = np.concatenate(parts)
    numbers = row_numbers(np.sort(np.concatenate([known, facets]), axis=1))
    of = numbers[len(known) :]
    first = np.unique(of, return_index=True)[1]
    new = first[~np.isin(of[first], numbers[: len(known)])]
    return facets[np.sort(new)]


def _owners(mesh: Triangulation, facets: Integers, pieces: Sequence[Any]) -> Integers:
    """The piece that every facet follows: it vanishes at the vertices, and nearly so in the middle."""
    if not len(facets):
        return np.zeros(0, dtype=np.int64)
    middle = mesh.points[facets].mean(axis=1).T
    best, owner = np.full(len(facets), np.inf), np.full(len(facets), -1, dtype=np.int64)
    for number, piece in enumerate(pieces):
        on = (levels(mesh, piece) == 0.0)[facets].all(axis=1)
        slope = np.maximum(np.linalg.norm(piece.gradient(middle), axis=0), 1e-300)
        distance = np.where(on, np.abs(piece.level(middle)) / slope, np.inf)
        owner = np.where(distance < best, number, owner)
        best = np.minimum(distance, best)
    return owner


def _patch(known: Fitted, zone: Booleans) -> tuple[Patch, Integers, list[Any], Booleans]:
    """The cells of the zone for mmg, the numbers of their vertices, what the kinds of cells stand for, inner facets."""
    mesh = known.triangulation
    vertices = np.unique(mesh.cells[zone])
    new = np.full(len(mesh.points), -1)
    new[vertices] = np.arange(len(vertices))
    cells = new[mesh.cells[zone]]
    names = list(mesh.regions)
    table = np.array([mesh.regions[name][zone] for name in names]).T.reshape(len(cells), len(names))
    rows, kind = np.unique(table, axis=0, return_inverse=True)
    rim = boundary_facets(cells, np.arange(len(vertices)))
    earlier = new[mesh.facets.vertices]
    held = _unique([rim, earlier[(earlier >= 0).all(axis=1)]], np.zeros((0, mesh.dimension), dtype=np.int64))
    held = held[_present(held, cells)]
    facets = new[known.facets]
    inner = (facets >= 0).all(axis=1)
    inner[inner] = _present(facets[inner], cells) & ~_among(facets[inner], held)
    facets, piece = facets[inner], known.piece[inner]
    ridges, corners = _creases(facets, piece, mesh.dimension)
    return (
        Patch(mesh.points[vertices], cells, kind.reshape(-1), facets, piece, held, corners, ridges),
        vertices,
        [dict(zip(names, row, strict=True)) for row in rows],
        inner,
    )


def _among(facets: Integers, others: Integers) -> Booleans:
    """Which of the facets are others, too."""
    numbers = row_numbers(np.sort(np.concatenate([others, facets]), axis=1))
    return np.isin(numbers[len(others) :], numbers[: len(others)])


def _present(facets: Integers, cells: Integers) -> Booleans:
    """Which of the facets belong to a cell."""
    every = np.sort(np.concatenate([np.delete(cells, i, axis=1) for i in range(cells.shape[1])]), axis=1)
    numbers = row_numbers(np.concatenate([every, np.sort(facets, axis=1)]))
    return np.isin(numbers[len(every) :], numbers[: len(every)])


def _creases(facets: Integers, piece: Integers, dimension: int) -> tuple[Integers, Integers]:
    """Edges (in space) in which facets of different pieces meet, and vertices in which such edges or facets do."""
    none = np.zeros((0, 2), dtype=np.int64)
    if len(np.unique(piece)) < 2:
        return none, np.zeros(0, dtype=np.int64)
    if dimension == 2:
        return none, _meeting(facets, piece, 2)
    edges = np.concatenate([facets[:, list(pair)] for pair in local_edges(3)])
    of = np.tile(piece, 3)
    keys = row_numbers(np.sort(edges, axis=1))
    pairs = np.unique(np.stack([keys, of], axis=1), axis=0)
    several = np.bincount(pairs[:, 0], minlength=int(keys.max()) + 1)[keys] > 1
    first = np.unique(keys[several], return_index=True)[1]
    return edges[several][first], _meeting(facets, piece, 3)


def _meeting(facets: Integers, piece: Integers, count: int) -> Integers:
    """Vertices in which facets of at least ``count`` pieces meet."""
    pairs = np.unique(np.stack([facets.ravel(), np.repeat(piece, facets.shape[1])], axis=1), axis=0)
    return np.asarray(np.flatnonzero(np.bincount(pairs[:, 0]) >= count))


def _merged(
    known: Fitted,
    zone: Booleans,
    vertices: Integers,
    kinds: list[Any],
    inner: Booleans,
    patch: Patch,
    pieces: Sequence[Any],
) -> Fitted | None:
    """The cells outside of the zone with those that mmg returns; None where something that had to stay has not."""
    mesh = known.triangulation
    rest = mesh.cells[~zone]
    stay = np.unique(np.concatenate([np.intersect1d(rest, vertices), _held_vertices(known, zone)]))
    from scipy.spatial import cKDTree

    distance, at = cKDTree(patch.points).query(mesh.points[stay])
    scale = float(np.ptp(mesh.points, axis=0).max())
    if len(stay) and (distance.max() > 1e-10 * scale or len(np.unique(at)) < len(stay)):
        return None
    points = _onto_pieces(patch, pieces)
    number = np.full(len(points), -1)
    number[at] = stay
    fresh = np.flatnonzero(number < 0)
    number[fresh] = len(mesh.points) + np.arange(len(fresh))
    every = np.concatenate([mesh.points, points[fresh]])
    cells = np.concatenate([rest, number[patch.cells]])
    regions = {}
    for name, mask in mesh.regions.items():
        of_kind = np.array([kind[name] for kind in kinds])
        regions[name] = np.concatenate([mask[~zone], of_kind[patch.kind]])
    classes = np.concatenate([mesh.vertex_class, mesh.vertex_class.max() + 1 + np.arange(len(fresh))])
    if volumes(every, cells).min() <= 0.0:
        cells = oriented(every, cells)
    merged = replace(mesh, points=every, cells=cells, vertex_class=classes, regions=regions)
    if not _present(mesh.facets.vertices, cells).all():
        return None
    facets = np.concatenate([known.facets[~inner], number[patch.facets]])
    if not _present(facets, cells).all():
        return None
    return Fitted(
        _compact(merged), np.searchsorted(_used(merged), facets), np.concatenate([known.piece[~inner], patch.surface])
    )


def _held_vertices(known: Fitted, zone: Booleans) -> Integers:
    """Vertices of the zone on walls, on earlier surfaces, and with periodic images."""
    mesh = known.triangulation
    several = np.bincount(mesh.vertex_class)[mesh.vertex_class] > 1
    inside = np.unique(mesh.cells[zone])
    held = np.zeros(len(mesh.points), dtype=bool)
    held[mesh.facets.vertices.ravel()] = True
    held |= several
    return inside[held[inside]]


def _used(mesh: Triangulation) -> Integers:
    return np.unique(mesh.cells)


def _compact(mesh: Triangulation) -> Triangulation:
    used = _used(mesh)
    renumber = np.full(len(mesh.points), -1, dtype=np.int64)
    renumber[used] = np.arange(len(used))
    facets = replace(mesh.facets, vertices=renumber[mesh.facets.vertices])
    return replace(
        mesh,
        points=mesh.points[used],
        cells=renumber[mesh.cells],
        vertex_class=row_numbers(mesh.vertex_class[used][:, None]),
        facets=facets,
    )


def _onto_pieces(patch: Patch, pieces: Sequence[Any]) -> Floats:
    """Vertices of the surface back on every piece whose facets they belong to."""
    points = patch.points.copy()
    counts = np.zeros((len(pieces), len(points)), dtype=bool)
    for number in range(len(pieces)):
        counts[number, patch.facets[patch.surface == number].ravel()] = True
    alone = counts.sum(axis=0) == 1
    for number, piece in enumerate(pieces):
        here = alone & counts[number]
        if here.any():
            points[here] = piece.project(points[here].T).T
    several = np.flatnonzero(counts.sum(axis=0) > 1)
    if len(several):
        levels_, gradients = [p.level for p in pieces], [p.gradient for p in pieces]
        points[several] = onto_surfaces(levels_, gradients, counts[:, several], points[several].T).T
    return points


def _finished(fitted: Fitted, pieces: Sequence[Any]) -> Triangulation:
    """The facets of the surfaces among those that matter."""
    mesh = fitted.triangulation
    curved = [number for number, piece in enumerate(pieces) if mesh.dimension > 1 and not is_flat(piece)]
    curved = [number for number in curved if (fitted.piece == number).any()]
    surface = np.full(len(pieces) + 1, STRAIGHT)
    surface[curved] = len(mesh.surfaces) + np.arange(len(curved))
    known = mesh.facets
    merged = Facets(
        np.concatenate([known.vertices, fitted.facets]),
        np.concatenate([known.surface, surface[fitted.piece]]),
        np.concatenate([known.boundary, np.zeros(len(fitted.facets), dtype=bool)]),
    )
    return replace(mesh, facets=merged, surfaces=(*mesh.surfaces, *(pieces[number] for number in curved)))


def _faulty(mesh: Triangulation, pieces: Sequence[Any], regions: Mapping[str, Set], share: float) -> Booleans:
    """Cells that are turned over, flat, or on the wrong side of a surface."""
    size = diameters(mesh)
    faulty = volumes(mesh.points, mesh.cells) <= share * FLATTEST[mesh.dimension] * size**mesh.dimension
    if faulty.any():
        return np.asarray(faulty)
    samples = _samples(mesh)
    x = samples.reshape(-1, mesh.dimension).T
    for name, region in regions.items():
        sign = np.where(mesh.regions[name], 1.0, -1.0)[:, None]
        level = region.level(x).reshape(samples.shape[:2]) * sign
        wrong = np.flatnonzero((level < 0.0).any(axis=1))
        if len(wrong):
            beyond = samples[wrong].reshape(-1, mesh.dimension).T
            away = np.min([_distance(piece, beyond) for piece in pieces], axis=0).reshape(len(wrong), -1)
            faulty[wrong] |= ((level[wrong] < 0.0) & (away > BEYOND * size[wrong, None])).any(axis=1)
    return np.asarray(faulty)


def _distance(piece: Any, x: Floats) -> Floats:
    """Distance of points (dim, n) to the surface, to first order."""
    slope = np.linalg.norm(piece.gradient(x), axis=0)
    return np.abs(piece.level(x)) / np.maximum(slope, 1e-300)


def _unsqueezed(
    fitted: Fitted, pieces: Sequence[Any], regions: Mapping[str, Set]
) -> tuple[Triangulation | None, Fitted, Booleans]:
    """Smaller cells where curved facets squeeze them, which brings facets nearer to their chords.

    In the plane by bisection, in space, where that spoils their shape, by moving vertices. Without success None, the
    best that there is, and the cells in question.
    """
    squeezed = least_stretches(_finished(fitted, pieces), CHECKED_DEGREE) < LEAST_STRETCH
    if fitted.triangulation.dimension == 2:
        mesh = _finished(fitted, pieces)
        for _ in range(BISECTIONS):
            still = least_stretches(mesh, CHECKED_DEGREE) < LEAST_STRETCH
            if not still.any():
                return mesh, fitted, squeezed
            mesh = refine(mesh, still, all_edges=True)
            if (volumes(mesh.points, mesh.cells) <= 0.0).any():
                break
        return None, fitted, squeezed
    moved = smoothed(_finished(fitted, pieces), LEAST_STRETCH, CHECKED_DEGREE, np.unique(fitted.facets))
    better = replace(fitted, triangulation=replace(fitted.triangulation, points=moved.points))
    finished = _finished(better, pieces)
    squeezed = least_stretches(finished, CHECKED_DEGREE) < LEAST_STRETCH
    return None if squeezed.any() else finished, better, squeezed


def _without_owner(fitted: Fitted) -> Booleans:
    mesh = fitted.triangulation
    lost = np.unique(fitted.facets[fitted.piece < 0])
    if not len(lost):
        return np.zeros(len(mesh.cells), dtype=bool)
    return np.isin(mesh.cells, lost).all(axis=1) | np.isin(mesh.cells, lost).any(axis=1)


def _samples(mesh: Triangulation) -> Floats:
    """Vertices, midpoints of edges and the centre of every cell."""
    corners = mesh.cell_points
    middles = [0.5 * (corners[:, a] + corners[:, b]) for a, b in local_edges(corners.shape[1])]
    return np.concatenate([corners, corners.mean(axis=1, keepdims=True), np.stack(middles, axis=1)], axis=1)


def _refined_at(background: Triangulation, cells: Floats) -> Triangulation:
    """Bisect the cells of the background that hold the centres or vertices of the given cells (k, dim + 1, dim)."""
    from fokker_planck.point_location import Locator

    points = np.concatenate(
        [cells.mean(axis=1), (0.999 * cells + 0.001 * cells.mean(axis=1, keepdims=True)).reshape(-1, cells.shape[2])]
    )
    found = Locator(background.points, background.cells).find(points.T)
    marked = np.zeros(len(background.cells), dtype=bool)
    marked[found[found >= 0]] = True
    if not marked.any():
        marked[:] = True
    return refine(background, marked, all_edges=True)
