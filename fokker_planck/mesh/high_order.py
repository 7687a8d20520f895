"""Cells of second and higher order in a mesh file: which of them are curved, and what facets they give the boundary.

The nodes of a cell are its vertices, then those on its edges, then those inside; gmsh and meshio agree on that for
triangles of every order and for tetrahedra of the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import comb

import numpy as np
from numpy.typing import NDArray

from fokker_planck.errors import MeshFileError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.curved_facets import CurvedFacets, curved_facets
from fokker_planck.quantity.light_dataclasses import dataclass

STRAIGHT = 1e-10
"""A node this near to its place in the straight cell, in lengths of the an edge, is in it: files have 16 digits."""
HIGHEST = 7
"""Order of cells up to which the finite elements follow a boundary exactly: the degree of their maps."""
EDGES = ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3))
"""Corners of the edges of a triangle, the first three, and of a tetrahedron, as files number them."""
FACES = ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3))
"""Corners of the faces of a tetrahedron."""


@dataclass(frozen=True)
class CurvedCells:
    """Numbers of the nodes (m, n) of the cells of one block that has curved ones among them, and their order."""

    nodes: Integers
    dimension: int
    order: int


def curved_cells(kind: str, nodes: Integers, points: Floats, dimension: int, key: str) -> CurvedCells | None:
    """What a block of cells with ``nodes`` (m, n) has that is curved, None where all cells are straight.

    Raises :class:`MeshFileError` for curved cells with other nodes than the full set of an order up to seven, of
    tetrahedra of an order above two, and for nodes that are not finite.
    """
    if dimension < 2 or nodes.shape[1] == dimension + 1 or _straight(nodes, points, dimension):
        return None
    order = next((k for k in range(2, HIGHEST + 1) if comb(k + dimension, dimension) == nodes.shape[1]), None)
    if order is None or (dimension == 3 and order > 2):
        found = f"{len(nodes)} curved cells of type {kind}"
        raise MeshFileError(key, found, "triangles of all nodes up to order 7, or tetrahedra of order 2")
    if not np.isfinite(points[nodes]).all():
        raise MeshFileError(key, "points with coordinates that are not finite", "finite coordinates")
    return CurvedCells(nodes, dimension, order)


def curved_boundary(blocks: Sequence[CurvedCells], points: Floats, number: Integers) -> CurvedFacets | None:
    """The curved facets of the boundary, their vertices numbered anew by ``number``; None where there are none."""
    if not blocks:
        return None
    dimension = blocks[0].dimension
    order = max(block.order for block in blocks)
    points = np.asarray(points, dtype=float)[:, :dimension]
    parts = [_facets(block) for block in blocks]
    corners = np.concatenate([part[0] for part in parts])
    _, which, count = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True, return_counts=True)
    outer = count[which.ravel()] == 1
    found: list[CurvedFacets] = []
    start = 0
    for block, (vertices, nodes, inner) in zip(blocks, parts, strict=True):
        places = points[nodes]
        bent = _off_straight(places, block.order) & outer[start : start + len(vertices)]
        start += len(vertices)
        middle = points[inner].mean(axis=1)
        found.append(curved_facets(number[vertices[bent]], places[bent], middle[bent], block.order))
    powers = max(part.coefficients.shape[1] for part in found)
    padded = [np.pad(p.coefficients, ((0, 0), (0, powers - p.coefficients.shape[1]), (0, 0))) for p in found]
    whole = CurvedFacets(
        np.concatenate([part.vertices for part in found]),
        np.concatenate(padded),
        np.concatenate([part.inner for part in found]),
        order,
    )
    return whole if len(whole) else None


def bent_inside(blocks: Sequence[CurvedCells], points: Floats, number: Integers) -> Integers | None:
    """Facets between two cells that are not straight, by their vertices numbered anew; None where there are none."""
    if not blocks:
        return None
    points = np.asarray(points, dtype=float)[:, : blocks[0].dimension]
    parts = [(block, *_facets(block)) for block in blocks]
    corners = np.concatenate([vertices for _, vertices, _, _ in parts])
    bent = np.concatenate([_off_straight(points[nodes], block.order) for block, _, nodes, _ in parts])
    _, which, count = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True, return_counts=True)
    inner = bent & (count[which.ravel()] == 2)
    return np.unique(np.sort(number[corners[inner]], axis=1), axis=0) if inner.any() else None


def _straight(nodes: Integers, points: Floats, dimension: int) -> bool:
    """Whether the further nodes of every cell lie where a straight cell has them, in whatever order."""
    order = next((k for k in range(2, 20) if comb(k + dimension, dimension) >= nodes.shape[1]), 2)
    steps = np.array([e for e in product(range(order + 1), repeat=dimension) if sum(e) <= order]) / order
    weights = np.concatenate([1.0 - steps.sum(axis=1, keepdims=True), steps], axis=1)
    corners = points[nodes[:, : dimension + 1]]
    size = np.linalg.norm(corners[:, 1:] - corners[:, :1], axis=2).max(axis=1)
    for column in range(dimension + 1, nodes.shape[1]):
        place = points[nodes[:, column]]
        off = np.min([np.linalg.norm(weight @ corners - place, axis=1) for weight in weights], axis=0)
        if not (off <= STRAIGHT * size).all():
            return False
    return True


def _facets(block: CurvedCells) -> tuple[Integers, Integers, Integers]:
    """Vertices (k, dim), nodes and the vertices of the cell of every facet of every cell."""
    cells, order = block.nodes, block.order
    between = {}
    for i, edge in enumerate(EDGES[: 3 if block.dimension == 2 else 6]):
        first = block.dimension + 1 + i * (order - 1)
        between[edge] = cells[:, first : first + order - 1]
        between[edge[::-1]] = between[edge][:, ::-1]
    vertices, nodes = [], []
    for corners in EDGES[:3] if block.dimension == 2 else FACES:
        own = cells[:, list(corners)]
        around = [(a, b) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)][
            : 3 if len(corners) == 3 else 1
        ]
        vertices.append(own)
        nodes.append(np.concatenate([own, *(between[edge] for edge in around)], axis=1))
    inner = np.tile(cells[:, : block.dimension + 1], (len(vertices), 1))
    return np.concatenate(vertices), np.concatenate(nodes), inner


def _off_straight(places: Floats, order: int) -> NDArray[np.bool_]:
    """Which facets, given by their nodes (k, n, dim), lie off the straight ones on their vertices."""
    dimension = places.shape[2]
    ends = places[:, :dimension]
    tangents = np.swapaxes(ends[:, 1:] - ends[:, :1], 1, 2)
    offset = places - ends[:, :1]
    within = np.einsum("kij,knj->kni", np.linalg.pinv(tangents), offset)
    off = np.linalg.norm(offset - np.einsum("kij,knj->kni", tangents, within), axis=2).max(axis=1)
    return np.asarray(off > STRAIGHT * np.linalg.norm(tangents, axis=1).max(axis=1))
