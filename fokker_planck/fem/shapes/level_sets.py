"""Meshes fitted to sets: cells lie inside or outside of each, facets follow every smooth piece of the surfaces.

The surfaces are cut exactly into a mesh that is fine enough to see them, mmg makes the cells around them regular, the
vertices that it has moved return to the exact surface. What is not good enough yet - a cell that its curved facets
would squeeze, one with points of the wrong side - is refined before it is cut, and all is done again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.shapes.background import MOST_CELLS, refined_near
from fokker_planck.fem.shapes.curved_quality import jacobian_ratios
from fokker_planck.fem.shapes.cutting import Cut, cut_along, edge_sizes, levels
from fokker_planck.fem.shapes.patches import Fitted, owners, remade, unique
from fokker_planck.fem.shapes.pieces import is_flat, smooth_pieces
from fokker_planck.fem.shapes.remeshing import around
from fokker_planck.fem.shapes.sizes import sizes_in_space, smaller_at
from fokker_planck.fem.shapes.smoothing import smoothed
from fokker_planck.fem.shapes.whole import remade_in_space
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import (
    STRAIGHT,
    Facets,
    Triangulation,
    boundary_facets,
    diameters,
    interface_facets,
    local_edges,
    volumes,
    with_new_vertices,
)
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.sets.shapes import Set

#: Least ratio of Jacobian determinants within a curved cell, see :func:`jacobian_ratios`.
LEAST_RATIO = 0.5
#: Degree of the map with which that is checked, and by how much more is asked for, since the full degree finds less.
CHECKED_DEGREE = {1: 3, 2: 5, 3: 3}
CHECKED_RATIO = 1.04 * LEAST_RATIO
"""Of determinants by the lower degree of the check, the full degree finding up to 4 % less."""
#: A straight cell may reach beyond a curved surface by this part of its diameter.
BEYOND = 0.15
#: Cells flatter than this (volume over that of the cube of their diameter) are not accepted before they are refined.
FLATTEST = {1: 0.0, 2: 0.012, 3: 1e-3}
#: Times this with every attempt: where a surface meets a wall at a small angle, every mesh has flat cells.
YIELDING = 0.6
# In space most random sets take one, and one may take a minute.
ROUNDS = {1: 12, 2: 12, 3: 3}
# Facets on a periodic seam stay as they are, and finer ones come with rounds only: a ball across two seams takes five.
ROUNDS_WITH_SEAMS = 8
#: Bisections of squeezed cells before the mesh is made anew. In space each halves the angle by which a facet misses its
#: wedge, and costs half of a second to one and a half; a pair of sets that meet at 0.3 radian took six.
BISECTIONS = {1: 0, 2: 4, 3: 10}
#: In space all edges of a cell with less than this part of it are halved at once, else the longest: all of them make
#: four times as many cells.
FAR = 0.6
#: Bisections end when there are so many times as many cells: they do not help then.
MOST_TIMES = 3
#: A mesh in which the curved cells keep this much of the determinant is taken if no better one is found after so many
#: ROUNDS: where a surface only just touches another, it vanishes in the corner between them on every mesh.
ACCEPTED = 0.05
#: Times that a mesh of space is made anew from itself, edges shorter where a cell is flat or on the wrong side.
REMESHINGS = 2
KEYS = {"": "domain.level", "target": "exit.target", "from": "committor.from", "to": "committor.to"}


def fit_regions(base: Triangulation, regions: Mapping[str, Set]) -> Triangulation:
    """The mesh of the same domain in which facets follow the surface of every set, cells marked under its name.

    Raises :class:`ProblemError` for a surface that no mesh of moderate size follows.
    """
    pieces = smooth_pieces(regions.values())
    background = base
    accepted: list[Triangulation] = []
    doubtful = base.cell_points
    seams = len(np.unique(base.vertex_class)) < len(base.points)
    for attempt in range(ROUNDS_WITH_SEAMS if seams and base.dimension == 3 else ROUNDS[base.dimension]):
        try:
            background = refined_near(background, pieces)
        except ConvergenceError:
            break
        cut = Cut(background, edge_sizes(background))
        for number in range(len(pieces)):
            cut = cut_along(cut, pieces, number)
        finished, fitted, faulty = _made_regular(
            base, _marked(cut, pieces, regions), cut.size, pieces, regions, YIELDING**attempt
        )
        if finished is not None:
            return finished
        follows = not _without_owner(fitted).any()
        if follows and not accepted and not _faulty(fitted.triangulation, pieces, regions, YIELDING**attempt).any():
            whole = _finished(fitted, pieces)
            if jacobian_ratios(whole, CHECKED_DEGREE[base.dimension]).min() > ACCEPTED:
                accepted.append(whole)
        doubtful = fitted.triangulation.cell_points[faulty]
        if len(background.cells) > MOST_CELLS[base.dimension]:
            break
        background = _refined_at(background, doubtful)
    if accepted:
        return accepted[0]
    name = _nearest(regions, doubtful)
    alone = "a smooth surface, not too small, that does not cross itself"
    wanted = f"{alone} and meets walls and other surfaces at an angle"
    raise ProblemError(
        KEYS.get(name, f"sets.{name}"),
        "a surface that no mesh of moderate size follows",
        wanted if name else f"{wanted}: not the level of a saddle",
    )


def _nearest(regions: Mapping[str, Set], cells: Floats) -> str:
    """The name of the set to whose surface most of the faulty cells (m, dim + 1, dim) are nearest."""
    x = cells.mean(axis=1).T
    distances = []
    for region in regions.values():
        slope = np.maximum(np.linalg.norm(region.gradient(x), axis=0), 1e-300)
        distances.append(np.abs(region.level(x)) / slope)
    counts = np.bincount(np.argmin(distances, axis=0), minlength=len(regions))
    return list(regions)[int(np.argmax(counts))]


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


def _marked(cut: Cut, pieces: Sequence[Any], regions: Mapping[str, Set]) -> Fitted:
    """The cut mesh with marks."""
    mesh = cut.triangulation
    marks = {name: insides(mesh, region) for name, region in regions.items()}
    mesh = replace(mesh, regions={**mesh.regions, **marks})
    between = [interface_facets(mesh.cells, mesh.vertex_class, marks[name]) for name in regions]
    # where a set ends at a periodic seam, as a half-space does, its facets are those of the seam, which follow no piece
    rim = boundary_facets(mesh.cells, np.arange(len(mesh.points)))
    facets = unique(between, np.concatenate([mesh.facets.vertices, rim]))
    return Fitted(mesh, facets, owners(mesh, facets, pieces))


def _made_regular(
    base: Triangulation,
    marked: Fitted,
    size: Floats,
    pieces: Sequence[Any],
    regions: Mapping[str, Set],
    share: float,
) -> tuple[Triangulation | None, Fitted, Booleans]:
    """A mesh that is good everywhere or None, the best that there is, and the cells in question."""
    if base.dimension == 3 and len(marked.facets):
        return _regular_in_space(base, marked, pieces, regions, share)
    fitted = _regular(marked, size, pieces)
    faulty = _faulty(fitted.triangulation, pieces, regions, share) | _without_owner(fitted)
    if faulty.any():
        return None, fitted, faulty
    finished, squeezed = _unsqueezed(_finished(fitted, pieces))
    return finished, fitted, squeezed


def _regular(marked: Fitted, size: Floats, pieces: Sequence[Any]) -> Fitted:
    """The cells around the new surfaces made regular."""
    mesh = marked.triangulation
    if mesh.dimension == 1 or not len(marked.facets):
        return marked
    zone = around(mesh.cells, np.unique(marked.facets), len(mesh.points))
    return remade(marked, zone, size, pieces) or marked


def _regular_in_space(
    base: Triangulation, marked: Fitted, pieces: Sequence[Any], regions: Mapping[str, Set], share: float
) -> tuple[Triangulation | None, Fitted, Booleans]:
    """All cells made anew, as large as curvature allows, smaller where they are not good; None if that does not end.

    Inner vertices are moved before a cell is judged, see :mod:`smoothing`. Cells that their facets still squeeze are
    bisected: that is as local as the fault, whereas mmg makes all cells anew and loses some that were good.
    """
    fitted = remade_in_space(marked, sizes_in_space(base, marked, pieces), pieces) or marked
    for attempt in range(REMESHINGS + 1):
        finished = smoothed(_finished(fitted, pieces), CHECKED_RATIO, CHECKED_DEGREE[3])
        fitted = replace(fitted, triangulation=replace(fitted.triangulation, points=finished.points))
        mesh = fitted.triangulation
        wrong = _faulty(mesh, pieces, regions, share) | _without_owner(fitted)
        upright = volumes(mesh.points, mesh.cells).min() > 0.0
        if not wrong.any():
            even, squeezed = _unsqueezed(finished)
            if even is not None or not upright:
                return even, fitted, squeezed
            wrong = squeezed
        if attempt == REMESHINGS or not upright:
            break
        again = remade_in_space(fitted, smaller_at(mesh, wrong), pieces)
        if again is None:
            break
        fitted = again
    return None, fitted, wrong


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
    faulty = volumes(mesh.points, mesh.cells) <= share * FLATTEST[mesh.dimension] * _room(mesh)
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


def _room(mesh: Triangulation) -> Floats:
    """Of every cell the product of its longest edge and its other ones of least length, as many as make a volume.

    A cell between two vertices that lie close together, as where a surface cuts off a corner, has small angles and no
    large ones: in space it is not called flat, for polynomials on it are as good as the long edges allow (Krizek 1992).
    """
    if mesh.dimension < 3:
        return diameters(mesh) ** mesh.dimension
    corners = mesh.cell_points
    lengths = np.sort([np.linalg.norm(corners[:, a] - corners[:, b], axis=1) for a, b in local_edges(4)], axis=0)
    return np.asarray(lengths[0] * lengths[1] * lengths[-1])


def _distance(piece: Any, x: Floats) -> Floats:
    """Distance of points (dim, n) to the surface, to first order."""
    slope = np.linalg.norm(piece.gradient(x), axis=0)
    return np.abs(piece.level(x)) / np.maximum(slope, 1e-300)


def _unsqueezed(mesh: Triangulation) -> tuple[Triangulation | None, Booleans]:
    """Bisected where curved facets squeeze cells, which brings facets nearer to their chords; None without success.

    And the cells of the given mesh that are squeezed.
    """
    dimension = mesh.dimension
    ratio = jacobian_ratios(mesh, CHECKED_DEGREE[dimension])
    squeezed = ratio < CHECKED_RATIO
    most = MOST_TIMES * len(mesh.cells)
    for _ in range(BISECTIONS[dimension]):
        bad = ratio < CHECKED_RATIO
        if not bad.any():
            return mesh, squeezed
        if len(mesh.cells) > most:
            break
        known = len(mesh.points)
        mesh = refine(mesh, bad, all_edges=ratio < (CHECKED_RATIO if dimension == 2 else FAR * CHECKED_RATIO))
        # what is squeezed has been cut, so that in the plane, where no vertex moves, the rest is as good as it was
        fresh = with_new_vertices(mesh, known) if dimension == 2 else None
        if dimension == 3:
            mesh = smoothed(mesh, CHECKED_RATIO, CHECKED_DEGREE[3])
        if (volumes(mesh.points, mesh.cells) <= 0.0).any():
            break
        ratio = jacobian_ratios(mesh, CHECKED_DEGREE[dimension], fresh)
    return (mesh if (ratio >= CHECKED_RATIO).all() else None), squeezed


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
    from fokker_planck.mesh.locator import Locator

    points = np.concatenate(
        [cells.mean(axis=1), (0.999 * cells + 0.001 * cells.mean(axis=1, keepdims=True)).reshape(-1, cells.shape[2])]
    )
    found = Locator(background.points, background.cells).find(points.T)
    marked = np.zeros(len(background.cells), dtype=bool)
    marked[found[found >= 0]] = True
    if not marked.any():
        marked[:] = True
    return refine(background, marked, all_edges=True)
