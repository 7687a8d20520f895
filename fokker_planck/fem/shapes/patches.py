"""A fitted mesh whose cells around the surfaces, or all, mmg makes anew: what has to stay does, and the vertices of the
new surface return to the exact one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.shapes.cutting import levels
from fokker_planck.fem.shapes.remeshing import Patch, remeshed
from fokker_planck.fem.triangulations.triangulation import (
    Triangulation,
    boundary_facets,
    local_edges,
    oriented,
    row_keys,
    row_numbers,
)
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.level_set_projection import onto_surfaces
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class Fitted:
    """A triangulation with the marks of its regions, and the piece that each facet of a surface follows, (k,)."""

    triangulation: Triangulation
    facets: Integers
    piece: Integers


def remade(known: Fitted, zone: Booleans, size: Floats, pieces: Sequence[Any]) -> Fitted | None:
    """The mesh with the cells of the zone made anew by mmg; None where that fails."""
    patch, vertices, kinds, inner = _patch(known, zone)
    result = remeshed(patch, size[vertices])
    return None if result is None else _merged(known, zone, vertices, kinds, inner, result, pieces)


def unique(parts: Sequence[Integers], known: Integers) -> Integers:
    """All facets, each once, but for those that are ``known``."""
    facets = np.concatenate(parts)
    numbers = row_numbers(np.sort(np.concatenate([known, facets]), axis=1))
    of = numbers[len(known) :]
    first = np.unique(of, return_index=True)[1]
    new = first[~np.isin(of[first], numbers[: len(known)])]
    return facets[np.sort(new)]


def owners(mesh: Triangulation, facets: Integers, pieces: Sequence[Any]) -> Integers:
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
    held = unique([rim, earlier[(earlier >= 0).all(axis=1)]], np.zeros((0, mesh.dimension), dtype=np.int64))
    held = held[present(held, cells)]
    facets = new[known.facets]
    inner = (facets >= 0).all(axis=1)
    inner[inner] = present(facets[inner], cells) & ~among(facets[inner], held)
    facets, piece = facets[inner], known.piece[inner]
    ridges, corners = creases(facets, piece, mesh.dimension)
    return (
        Patch(mesh.points[vertices], cells, kind.reshape(-1), facets, piece, held, corners, ridges),
        vertices,
        [dict(zip(names, row, strict=True)) for row in rows],
        inner,
    )


def among(facets: Integers, others: Integers) -> Booleans:
    """Which of the facets are others, too."""
    numbers = row_keys(np.sort(np.concatenate([others, facets]), axis=1))
    return np.isin(numbers[len(others) :], numbers[: len(others)])


def present(facets: Integers, cells: Integers) -> Booleans:
    """Which of the facets belong to a cell."""
    every = np.sort(np.concatenate([np.delete(cells, i, axis=1) for i in range(cells.shape[1])]), axis=1)
    numbers = row_keys(np.concatenate([every, np.sort(facets, axis=1)]))
    return np.isin(numbers[len(every) :], numbers[: len(every)])


def creases(facets: Integers, piece: Integers, dimension: int) -> tuple[Integers, Integers]:
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
    points = onto_pieces(patch, pieces)
    number = np.full(len(points), -1)
    number[at] = stay
    fresh = np.flatnonzero(number < 0)
    number[fresh] = len(mesh.points) + np.arange(len(fresh))
    every = np.concatenate([mesh.points, points[fresh]])
    # by the vertices as mmg has them: a cell that the way back to the surface turns over must show
    cells = np.concatenate([rest, number[oriented(patch.points, patch.cells)]])
    regions = {}
    for name, mask in mesh.regions.items():
        of_kind = np.array([kind[name] for kind in kinds])
        regions[name] = np.concatenate([mask[~zone], of_kind[patch.kind]])
    classes = np.concatenate([mesh.vertex_class, mesh.vertex_class.max() + 1 + np.arange(len(fresh))])
    merged = replace(mesh, points=every, cells=cells, vertex_class=classes, regions=regions)
    if not present(mesh.facets.vertices, cells).all():
        return None
    facets = np.concatenate([known.facets[~inner], number[patch.facets]])
    if not present(facets, cells).all():
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


def onto_pieces(patch: Patch, pieces: Sequence[Any]) -> Floats:
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
