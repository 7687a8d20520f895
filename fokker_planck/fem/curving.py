"""Curved cells: the map F from a straight cell onto the one whose facets lie on the true surface.

A cell with facets on a surface is moved by hierarchical blending (Szabo and Babuska 1991): first its curved edges,
then what is left on its curved faces, each faded into the cell by its bubble.  F is kept as Lagrange nodes of
degree ``DEGREE``; its derivative enters the coefficients of the forms, so that the mesh that dolfinx sees stays
straight.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.triangulation import Floats, Integers, Triangulation

DEGREE = 7


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
    displacement = np.zeros((len(cells), len(weights), dimension))
    touched = np.zeros(len(cells), dtype=bool)
    edges_of, faces_of = _curved_entities(triangulation)
    for size, surfaces in ((2, edges_of), (3, faces_of)):
        for local in combinations(range(dimension + 1), size):
            keys = _keys(cells[:, list(local)], len(triangulation.points))
            for number, known in enumerate(surfaces):
                hit = np.flatnonzero(np.isin(keys, known))
                if len(hit):
                    touched[hit] = True
                    corners = triangulation.points[cells[hit][:, list(local)]]
                    displacement[hit] += _faded(triangulation.surfaces[number], corners, weights[:, list(local)])
    curved = np.flatnonzero(touched)
    straight = np.einsum("nk,ckd->cnd", weights, triangulation.points[cells[curved]])
    return CurvedCells(curved, straight + displacement[curved])


def _keys(vertices: Integers, count: int) -> Integers:
    ordered = np.sort(vertices, axis=1)
    key = ordered[:, 0]
    for column in range(1, ordered.shape[1]):
        key = key * count + ordered[:, column]
    return key


def _curved_entities(triangulation: Triangulation) -> tuple[list[Integers], list[Integers]]:
    """Keys of the edges and faces on each surface; an edge between two surfaces stays with the first."""
    facets, count = triangulation.facets, len(triangulation.points)
    edges: list[Integers] = []
    faces: list[Integers] = []
    for number in range(len(triangulation.surfaces)):
        vertices = facets.vertices[facets.surface == number]
        pairs = [vertices[:, list(pair)] for pair in combinations(range(triangulation.dimension), 2)]
        keys = np.unique(_keys(np.concatenate(pairs), count))
        for earlier in edges:
            keys = np.setdiff1d(keys, earlier)
        edges.append(keys)
        faces.append(np.unique(_keys(vertices, count)) if triangulation.dimension == 3 else np.zeros(0, dtype=np.int64))
    return edges, faces


def _faded(surface: Any, corners: Floats, weights: Floats) -> Floats:
    """Displacement that one kind of curved edge or face brings to every node of its cells."""
    feet, fade = _feet(weights)
    moved = _towards_surface(surface, corners, feet)
    if weights.shape[1] == 3:
        for pair in combinations(range(3), 2):
            edge_feet, edge_fade = _feet(feet[:, list(pair)])
            moved -= _towards_surface(surface, corners[:, list(pair)], edge_feet) * edge_fade
    return moved * fade


def _feet(weights: Floats) -> tuple[Floats, Floats]:
    """For nodes with barycentric coordinates ``weights`` on an edge or face: the point there they follow, and how much.

    What the cell misses is shared equally; the factor is the bubble at the node over the bubble at the foot, so
    that the part of degree k of a displacement is extended as a polynomial of degree k (Szabo and Babuska 1991,
    section 6).
    """
    size = weights.shape[1]
    feet = weights + (1.0 - weights.sum(axis=1, keepdims=True)) / size
    bubble = feet.prod(axis=1)
    inner = bubble > 1e-14
    fade = np.where(inner, weights.prod(axis=1) / np.where(inner, bubble, 1.0), 0.0)
    return feet, fade[None, :, None]


def _towards_surface(surface: Any, corners: Floats, feet: Floats) -> Floats:
    """Step from points of straight edges or faces, (k, n, dim), onto the surface.

    A surface that knows by itself how to ``follow`` its parts, as that of a curved mesh file does, is not projected on.
    """
    points = np.einsum("nk,ckd->cnd", feet, corners)
    if hasattr(surface, "follow"):
        return np.asarray(surface.follow(corners, feet) - points)
    return surface.project(points.reshape(-1, points.shape[2]).T).T.reshape(points.shape) - points


def check_orientation(determinants: Floats, cells: Integers) -> None:
    """Raise where F folds a cell over (determinant not positive)."""
    folded = (determinants <= 0.0).any(axis=1)
    if folded.any():
        raise ProblemError(
            "domain",
            f"{int(folded.sum())} of {len(cells)} curved cells fold over",
            "a finer mesh near the curved surface (smaller tolerance, or more cells)",
        )
