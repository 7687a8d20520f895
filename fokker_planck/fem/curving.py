"""Curved cells: the map F from a straight cell onto the one whose facets lie on the true surface.

A cell with facets on a surface is moved by hierarchical blending (Szabo and Babuska 1991): first its curved edges,
then what is left on its curved faces, each faded into the cell by its bubble.  F is kept as Lagrange nodes of
degree ``DEGREE``; its derivative enters the coefficients of the forms, so that the mesh that dolfinx sees stays
straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.crossings import curved_edges
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
    count = len(triangulation.points)
    edges = [(surface, _keys(pairs, count)) for surface, pairs in curved_edges(triangulation)]
    for local in combinations(range(dimension + 1), 2):
        keys = _keys(cells[:, list(local)], count)
        for surface, known in edges:
            hit = np.flatnonzero(np.isin(keys, known))
            if len(hit):
                touched[hit] = True
                corners = triangulation.points[cells[hit][:, list(local)]]
                feet, fade = _feet(weights[:, list(local)])
                displacement[hit] += _towards_surface(surface, corners, feet) * fade
    for face in combinations(range(dimension + 1), 3) if dimension == 3 else ():
        keys = _keys(cells[:, list(face)], count)
        for number, surface in enumerate(triangulation.surfaces):
            facets = triangulation.facets.vertices[triangulation.facets.surface == number]
            hit = np.flatnonzero(np.isin(keys, _keys(facets, count)))
            if len(hit):
                faces = cells[hit][:, list(face)]
                displacement[hit] += _face(surface, edges, faces, triangulation.points, weights[:, list(face)])
    curved = np.flatnonzero(touched)
    straight = np.einsum("nk,ckd->cnd", weights, triangulation.points[cells[curved]])
    return CurvedCells(curved, straight + displacement[curved])


def _keys(vertices: Integers, count: int) -> Integers:
    ordered = np.sort(vertices, axis=1)
    key = ordered[:, 0]
    for column in range(1, ordered.shape[1]):
        key = key * count + ordered[:, column]
    return key


def _face(
    surface: Any, edges: Sequence[tuple[Any, Integers]], faces: Integers, points: Floats, weights: Floats
) -> Floats:
    """Displacement of the nodes of cells by a curved face (k, 3), beyond that by its edges.

    The face is carried onto its surface from where its edges have brought it, so that it lies there whatever else its
    edges follow.
    """
    feet, fade = _feet(weights)
    corners = points[faces]
    moved = np.zeros((len(faces), len(feet), points.shape[1]))
    for pair in combinations(range(3), 2):
        keys = _keys(faces[:, list(pair)], len(points))
        edge_feet, edge_fade = _feet(feet[:, list(pair)])
        for follows, known in edges:
            hit = np.flatnonzero(np.isin(keys, known))
            if len(hit):
                moved[hit] += _towards_surface(follows, corners[hit][:, list(pair)], edge_feet) * edge_fade
    if hasattr(surface, "follow"):
        return np.asarray((_towards_surface(surface, corners, feet) - moved) * fade)
    start = np.einsum("nk,ckd->cnd", feet, corners) + moved
    return np.asarray((_projected(surface, start) - start) * fade)


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
    return np.asarray(_projected(surface, points) - points)


def _projected(surface: Any, points: Floats) -> Floats:
    return np.asarray(surface.project(points.reshape(-1, points.shape[2]).T).T.reshape(points.shape))


def check_orientation(determinants: Floats, cells: Integers) -> None:
    """Raise where F folds a cell over (determinant not positive)."""
    folded = (determinants <= 0.0).any(axis=1)
    if folded.any():
        raise ProblemError(
            "domain",
            f"{int(folded.sum())} of {len(cells)} curved cells fold over",
            "a finer mesh near the curved surface (smaller tolerance, or more cells)",
        )
