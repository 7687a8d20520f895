"""Curved cells: the map F from a straight cell onto the one whose facets lie on the true surface.

A cell with facets on a surface is moved by hierarchical blending (Szabo and Babuska 1991): first its curved edges,
then what is left on its curved faces, each faded into the cell by its bubble.  F is kept as Lagrange nodes of
degree ``DEGREE``; its derivative enters the coefficients of the forms, so that the mesh that dolfinx sees stays
straight.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.triangulations.bends import bent_edges, bent_faces, faded, vertex_keys
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

DEGREE = 7
"""Of the map, an arc of half a radian being right to 1e-11 of its radius, as the remainder of interpolation of that
degree says."""


@dataclass(frozen=True)
class CurvedCells:
    """Cells that are curved, and the images of their Lagrange nodes under F, (k, nodes, dim)."""

    cells: Integers
    nodes: Floats


def curved_cells(triangulation: Triangulation, cells: Integers, nodes: Floats) -> CurvedCells:
    """Move the nodes of every cell that touches a curved facet along an edge or a face.

    Arguments: ``cells`` (m, dim + 1) the cells in the vertex order that is wanted; ``nodes`` (n, dim) reference
    coordinates of the Lagrange nodes of F.
    """
    dimension = triangulation.dimension
    weights = np.concatenate([1.0 - nodes.sum(axis=1, keepdims=True), nodes], axis=1)
    if dimension == 1 or not (triangulation.facets.surface >= 0).any():
        return CurvedCells(np.zeros(0, dtype=np.int64), np.zeros((0, len(weights), dimension)))
    edges = bent_edges(triangulation, cells, weights)
    bends = [edges] if dimension == 2 else [edges, bent_faces(triangulation, cells, weights, edges)]
    found = [
        (local, part, *part.known(vertex_keys(cells[:, list(local)], len(triangulation.points))))
        for part in bends
        for local in combinations(range(dimension + 1), part.feet.shape[1])
    ]
    curved = np.unique(np.concatenate([hit for _, _, hit, _ in found]))
    row = np.full(len(cells), -1)
    row[curved] = np.arange(len(curved))
    moved = np.einsum("nk,ckd->cnd", weights, triangulation.points[cells[curved]])
    for local, part, hit, rows in found:
        if len(hit):
            feet, fade = faded(weights[:, list(local)])
            inner = np.flatnonzero(fade > 0.0)
            steps = part.at(rows, cells[hit][:, list(local)], feet[inner])
            moved[row[hit][:, None], inner] += steps * fade[inner, None]
    return CurvedCells(curved, moved)


def check_orientation(determinants: Floats, cells: Integers) -> None:
    """Raise where F folds a cell over (determinant not positive)."""
    folded = (determinants <= 0.0).any(axis=1)
    if folded.any():
        raise ProblemError(
            "domain",
            f"{int(folded.sum())} of {len(cells)} curved cells fold over",
            "a finer mesh near the curved surface (smaller tolerance, or more cells)",
        )
