"""A conforming simplicial mesh as plain arrays, the same on every rank.

Meshes are made, refined and fitted here with numpy alone; dolfinx receives the finished arrays.  Facets that
matter (the boundary of the domain, the surface of a set) are carried along with the surface they approximate, so that
every refinement moves its new vertices onto the true surface.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers, distinct
from fokker_planck.formulas.graphs import components
from fokker_planck.mesh.simplices import volumes as volumes
from fokker_planck.quantity.light_dataclasses import dataclass, field

STRAIGHT = -1
"""The number, in place of that of a surface, of facets that are straight."""


@dataclass(frozen=True)
class Facets:
    """Facets with a meaning: ``vertices`` (k, dim), the surface of each (or ``STRAIGHT``), on the boundary or not."""

    vertices: Integers
    surface: Integers
    boundary: Booleans

    def __len__(self) -> int:
        return len(self.vertices)


@dataclass(frozen=True)
class Triangulation:
    """Simplices ``cells`` (m, dim + 1) on ``points`` (n, dim).

    ``vertex_class`` gives periodic images one number; ``surfaces`` are the sets whose boundary some facets follow;
    ``regions`` marks the cells inside each named set.  ``stretch`` (dim, dim), the identity if not given, is the T in
    whose coordinates z = T x cells are to be as wide as long: bisection measures edges there.  ``seams`` are the ends
    of every periodic axis, None for others; empty where none is.
    """

    points: Floats
    cells: Integers
    vertex_class: Integers
    facets: Facets
    surfaces: tuple[Any, ...] = ()
    regions: Mapping[str, Booleans] = field(default_factory=dict)
    stretch: Floats | None = None
    seams: tuple[tuple[float, float] | None, ...] = ()

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.points.shape[1])

    @property
    def cell_points(self) -> Floats:
        """Vertex coordinates of every cell, (m, dim + 1, dim)."""
        return self.points[self.cells]

    @cached_property
    def inner_curves(self) -> Integers:
        """Curved facets inside of the domain that are no surface of a set, as stored vertices (k, dim)."""
        inner = self.facets.vertices[(self.facets.surface != STRAIGHT) & ~self.facets.boundary]
        if not len(inner):
            return inner
        sets = [interface_facets(self.cells, self.vertex_class, inside) for inside in self.regions.values()]
        numbers = row_numbers(np.sort(np.concatenate([inner, *sets]), axis=1))
        return inner[~np.isin(numbers[: len(inner)], numbers[len(inner) :])]

    def wrapped(self, x: Floats) -> Floats:
        """Points (dim, n), those beyond the ends of a periodic axis as what they are between them."""
        inside = x
        for axis, ends in enumerate(self.seams):
            if ends is None:
                continue
            lower, upper = ends
            beyond = (x[axis] < lower) | (x[axis] > upper)
            if beyond.any():
                inside = np.array(inside, dtype=np.float64)
                inside[axis, beyond] = lower + np.mod(x[axis, beyond] - lower, upper - lower)
        return inside

    def __repr__(self) -> str:
        return f"<Triangulation: {len(self.cells)} cells, {len(self.points)} vertices, dimension {self.dimension}>"


def oriented(points: Floats, cells: Integers) -> Integers:
    """The same cells with two vertices swapped where the signed volume is negative."""
    flipped = cells.copy()
    negative = volumes(points, cells) < 0.0
    flipped[negative, -2], flipped[negative, -1] = cells[negative, -1], cells[negative, -2]
    return flipped


@dataclass(frozen=True)
class EdgeTable:
    """Unique edges: ``vertices`` (e, 2) as stored, ``of_cells`` (m, edges per cell) their numbers."""

    vertices: Integers
    of_cells: Integers


def local_edges(size: int) -> tuple[tuple[int, int], ...]:
    """Pairs of local vertex numbers that make the edges of a simplex with ``size`` vertices."""
    return tuple(combinations(range(size), 2))


def edge_table(cells: Integers) -> EdgeTable:
    """Number the edges of ``cells`` (m, k); each edge is a sorted pair of vertices.

    >>> edge_table(np.array([[0, 1, 2], [1, 2, 3]])).vertices.tolist()
    [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    """
    first, second = (cells[:, list(ends)] for ends in zip(*local_edges(cells.shape[1]), strict=True))
    count = int(cells.max()) + 1 if cells.size else 1
    keys, inverse = np.unique(np.minimum(first, second) * count + np.maximum(first, second), return_inverse=True)
    vertices = np.stack([keys // count, keys % count], axis=1)
    return EdgeTable(vertices, inverse.reshape(first.shape))


def facet_keys(cells: Integers, vertex_class: Integers) -> tuple[Integers, Integers]:
    """All facets, (m * (dim + 1), dim) as sorted vertex classes, and as stored vertices in the same order."""
    size = cells.shape[1]
    stored = np.concatenate([np.delete(cells, i, axis=1) for i in range(size)])
    return np.sort(vertex_class[stored], axis=1), stored


def row_numbers(rows: Integers) -> Integers:
    """Give equal rows of integers (n, k) equal numbers 0, 1, 2, ..., in lexicographic order."""
    return np.unique(row_keys(rows), return_inverse=True)[1].reshape(-1)


def row_keys(rows: Integers) -> Integers:
    """Give equal rows of integers (n, k) one number, smaller the earlier they come in lexicographic order."""
    if not rows.size:
        return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    least = rows.min(axis=0)
    extent = [int(width) for width in rows.max(axis=0) - least + 1]
    if prod(extent) >= 2**62:
        return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    # one number a row sorts in a fifth of the time of rows
    key = rows[:, 0] - least[0]
    for column in range(1, rows.shape[1]):
        key = key * extent[column] + (rows[:, column] - least[column])
    return key


def parts_by_facets(cells: Integers, vertex_class: Integers) -> Integers:
    """Number of the part of the mesh that every cell is in, (m,).

    Nothing flows through a vertex or, in space, through an edge.
    """
    numbers = row_numbers(facet_keys(cells, vertex_class)[0])
    owners = np.tile(np.arange(len(cells)), cells.shape[1])
    order = np.argsort(numbers, kind="stable")
    same = numbers[order][1:] == numbers[order][:-1]
    return components(owners[order][:-1][same], owners[order][1:][same], len(cells))


def boundary_facets(cells: Integers, vertex_class: Integers) -> Integers:
    """Facets that belong to one cell only, as stored vertices (k, dim)."""
    keys, stored = facet_keys(cells, vertex_class)
    numbers = row_numbers(keys)
    return stored[np.bincount(numbers)[numbers] == 1]


def interface_facets(cells: Integers, vertex_class: Integers, inside: Booleans) -> Integers:
    """Facets between a cell that is ``inside`` and one that is not, as stored vertices (k, dim)."""
    keys, stored = facet_keys(cells, vertex_class)
    numbers = row_numbers(keys)
    sides = np.tile(inside, cells.shape[1])
    n_inside = np.bincount(numbers, weights=sides)
    n_all = np.bincount(numbers)
    mixed = ((n_all == 2) & (n_inside == 1))[numbers] & sides
    return stored[mixed]


def diameters(triangulation: Triangulation) -> Floats:
    """Longest edge of every cell, (m,)."""
    return longest_edges(triangulation.cell_points)


def longest_edges(corners: Floats) -> Floats:
    """Longest edge of every simplex (m, k, dim), (m,)."""
    most = np.zeros(len(corners))
    for a, b in local_edges(corners.shape[1]):
        step = corners[:, a] - corners[:, b]
        most = np.maximum(most, np.einsum("ij,ij->i", step, step))
    return np.sqrt(most)


def with_new_vertices(triangulation: Triangulation, known: int) -> Booleans:
    """Cells that have other vertices than the first ``known``: after a refinement those that it has made, (m,)."""
    return np.asarray((triangulation.cells >= known).any(axis=1))


def without_cells(triangulation: Triangulation, keep: Booleans) -> Triangulation:
    """The triangulation of the kept cells; facets with a vertex that no kept cell uses are dropped."""
    cells = triangulation.cells[keep]
    used = distinct(cells)
    renumber = np.full(len(triangulation.points), -1, dtype=np.int64)
    renumber[used] = np.arange(len(used))
    facets = triangulation.facets
    present = _facets_of_cells(facets.vertices, triangulation.cells[keep]) if len(facets) else np.zeros(0, dtype=bool)
    return Triangulation(
        points=triangulation.points[used],
        cells=renumber[cells],
        vertex_class=row_numbers(triangulation.vertex_class[used][:, None]),
        facets=Facets(renumber[facets.vertices[present]], facets.surface[present], facets.boundary[present]),
        surfaces=triangulation.surfaces,
        regions={name: mask[keep] for name, mask in triangulation.regions.items()},
        stretch=triangulation.stretch,
        seams=triangulation.seams,
    )


def _facets_of_cells(facets: Integers, cells: Integers) -> Booleans:
    every = np.sort(np.concatenate([np.delete(cells, i, axis=1) for i in range(cells.shape[1])]), axis=1)
    numbers = row_keys(np.concatenate([every, np.sort(facets, axis=1)]))
    asked, known = numbers[len(every) :], np.sort(numbers[: len(every)])
    places = np.searchsorted(known, asked)
    found = places < len(known)
    found[found] = known[places[found]] == asked[found]
    return found
