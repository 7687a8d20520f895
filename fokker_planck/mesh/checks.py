"""Is an array of simplices a mesh: cells with volume, neighbours that share whole facets, one piece?"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import MeshFileError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.locator import Locator
from fokker_planck.mesh.simplices import volumes

# Squares of it, as distances take them, stay doubles.
LARGEST_COORDINATE = 1e150


#: A cell whose volume is this small beside the cube of its longest edge (the square, the edge) has none.
FLATTEST = 1e-10


def facets_of(cells: Integers) -> Integers:
    """The dim + 1 facets of every cell, each without one of its vertices: shape (m (dim + 1), dim), cell by cell."""
    count = cells.shape[1]
    return np.stack([np.delete(cells, i, axis=1) for i in range(count)], axis=1).reshape(-1, count - 1)


def outer_facets(cells: Integers) -> Integers:
    """The facets that belong to one cell only, shape (k, dim).

    >>> outer_facets(np.array([[0, 1], [1, 2]])).ravel().tolist()
    [0, 2]
    """
    facets = facets_of(cells)
    _, number, count = np.unique(np.sort(facets, axis=1), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(facets[count[number.ravel()] == 1])


def check_mesh(points: Floats, cells: Integers, key: str) -> None:
    """Refuse what is no conforming mesh of one piece; cells have been turned to positive orientation.

    Raises :class:`MeshFileError` with what is wrong and where.
    """
    _check_cells(points, cells, key)
    facets = facets_of(cells)
    _check_points(points, outer_facets(cells), key)
    _, number, count = np.unique(np.sort(facets, axis=1), axis=0, return_inverse=True, return_counts=True)
    number = number.ravel()
    if count.max() > 2:
        worst = points[facets[np.argmax(count[number] > 2)]].mean(axis=0)
        raise MeshFileError(key, f"a facet near {_place(worst)} shared by {count.max()} cells", "at most two cells")
    _check_sides(points, cells, facets, number, count, key)
    _check_hanging_nodes(points, facets[count[number] == 1], key)
    _check_one_piece(len(cells), number, cells.shape[1], key)
    _check_overlap(points, cells, key)


def _check_points(points: Floats, boundary: Integers, key: str) -> None:
    """Vertices may share a place on the two sides of a slit, facet against facet, and nowhere else."""
    from scipy.spatial import cKDTree

    largest = float(np.abs(points).max())
    if largest > LARGEST_COORDINATE:
        raise MeshFileError(key, f"a coordinate of size {largest:.3g}", f"coordinates below {LARGEST_COORDINATE:g}")
    size = float(np.ptp(points, axis=0).max())
    pairs = cKDTree(points).query_pairs(1e-13 * size, output_type="ndarray")
    if not len(pairs):
        return
    place = np.arange(len(points))
    for first, second in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
        place[second] = place[first]
    rows = np.sort(place[boundary], axis=1)
    _, number, count = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    sides = count[number.ravel()] > 1
    single = ~np.isin(place[pairs[:, 0]], rows[sides])
    if single.any():
        where = points[pairs[int(np.argmax(single)), 0]]
        raise MeshFileError(key, f"two vertices at {_place(where)}", "one vertex at a place: merge duplicate nodes")


def _check_cells(points: Floats, cells: Integers, key: str) -> None:
    ordered = np.sort(cells, axis=1)
    repeated = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if repeated.any():
        where = points[cells[int(np.argmax(repeated))]].mean(axis=0)
        raise MeshFileError(key, f"a cell near {_place(where)} with a vertex twice", "different vertices")
    corners = points[cells]
    longest = np.max(np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3), axis=(1, 2))
    flatness = np.abs(volumes(points, cells)) / longest ** points.shape[1]
    if flatness.min() <= FLATTEST:
        where = corners[int(np.argmin(flatness))].mean(axis=0)
        raise MeshFileError(key, f"a cell near {_place(where)} without volume", "cells of positive volume")
    if len(np.unique(ordered, axis=0)) < len(cells):
        raise MeshFileError(key, f"{len(cells) - len(np.unique(ordered, axis=0))} cells twice", "each cell once")


def _check_sides(
    points: Floats, cells: Integers, facets: Integers, number: Integers, count: Integers, key: str
) -> None:
    """Two cells that share a facet lie on different sides of it."""
    order = np.argsort(number, kind="stable")
    shared = order[count[number[order]] == 2].reshape(-1, 2)
    if not len(shared):
        return
    corners = points[facets[shared[:, 0]]]
    sides = []
    for which in (0, 1):
        opposite = points[cells.ravel()[shared[:, which]]]
        sides.append(np.linalg.det(np.concatenate([corners[:, 1:], opposite[:, None]], axis=1) - corners[:, :1]))
    folded = np.sign(sides[0]) == np.sign(sides[1])
    if folded.any():
        where = corners[int(np.argmax(folded))].mean(axis=0)
        raise MeshFileError(key, f"cells that overlap near {_place(where)}", "cells beside each other")


def _check_overlap(points: Floats, cells: Integers, key: str) -> None:
    """The middle of a cell lies in no other one, as where a strip that winds around a centre comes to itself again."""
    middles = points[cells].mean(axis=1)
    elsewhere = Locator(points, cells).find(middles.T) != np.arange(len(cells))
    if elsewhere.any():
        where = middles[int(np.argmax(elsewhere))]
        raise MeshFileError(key, f"cells that overlap near {_place(where)}", "cells beside each other")


def _check_hanging_nodes(points: Floats, boundary: Integers, key: str) -> None:
    """No vertex of the boundary lies within a facet of the boundary that it does not belong to."""
    if points.shape[1] == 1:
        return
    from scipy.spatial import cKDTree

    vertices = np.unique(boundary)
    corners = points[boundary]
    middle = corners.mean(axis=1)
    radius = np.max(np.linalg.norm(corners - middle[:, None], axis=2), axis=1)
    near = cKDTree(points[vertices]).query_ball_point(middle, radius * (1.0 + 1e-9))
    facet = np.repeat(np.arange(len(boundary)), [len(found) for found in near])
    vertex = vertices[np.concatenate([np.asarray(found, dtype=np.int64) for found in near])]
    # what stands where a vertex of the facet stands is the other side of a slit
    same = np.linalg.norm(points[boundary[facet]] - points[vertex][:, None], axis=2) <= 1e-13 * np.ptp(points)
    foreign = ~((boundary[facet] == vertex[:, None]) | same).any(axis=1)
    facet, vertex = facet[foreign], vertex[foreign]
    if not len(facet):
        return
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)[facet]
    offset = points[vertex] - corners[facet, 0]
    coordinates = np.einsum("nij,nj->ni", np.linalg.pinv(edges), offset)
    height = np.linalg.norm(offset - np.einsum("nij,nj->ni", edges, coordinates), axis=1)
    within = (coordinates >= -1e-9).all(axis=1) & (coordinates.sum(axis=1) <= 1.0 + 1e-9)
    hanging = within & (height <= 1e-9 * radius[facet])
    if hanging.any():
        where = points[vertex[int(np.argmax(hanging))]]
        raise MeshFileError(key, f"a hanging node at {_place(where)}", "neighbours that share whole facets")


def _check_one_piece(cell_count: int, number: Integers, facets_a_cell: int, key: str) -> None:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    cell = np.repeat(np.arange(cell_count), facets_a_cell)
    incidence = csr_matrix((np.ones(len(cell), dtype=np.int8), (cell, number)))
    pieces, _ = connected_components(incidence.astype(np.int32) @ incidence.astype(np.int32).T, directed=False)
    if pieces > 1:
        raise MeshFileError(key, f"{pieces} pieces that share no facet", "one connected piece")


def _place(x: Floats) -> str:
    return "(" + ", ".join(f"{c:.6g}" for c in x) + ")"
