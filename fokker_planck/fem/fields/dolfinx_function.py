"""Fields as functions of dolfinx, on the mesh they were computed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.triangulations.curving import DEGREE
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.simplices import barycentric

if TYPE_CHECKING:
    import dolfinx.fem

    from fokker_planck.fem.discretization import Discretization


def dolfinx_function(name: str, discretization: Discretization, values: Floats, jumps: bool) -> dolfinx.fem.Function:
    """The ``dolfinx.fem.Function`` with these values at the nodes of every cell of this rank, (cells, n).

    Its space is that of the solution: Lagrange elements of the same degree, cell by cell where the function ``jumps``.
    Where the mesh follows a curved surface its cells are curved, by polynomials of degree seven; elsewhere they are
    straight. All ranks of the run have to call this.
    """
    mesh = _mesh(discretization)
    space = _dolfinx.lagrange_space(mesh, discretization.degree, continuous=not jumps)
    values, corners = _on_cells(discretization, _dolfinx.original_cells(mesh), values)
    return _dolfinx.function(space, _reordered(discretization, mesh, values, corners), name)


def _on_cells(discretization: Discretization, wanted: Integers, values: Floats) -> tuple[Floats, Floats]:
    """Values and corners of the ``wanted`` cells of this rank: dolfinx may distribute one mesh in two ways."""
    comm, own = discretization.comm, (discretization.cells, values, discretization.corners)
    if comm.allreduce(int(not np.array_equal(wanted, discretization.cells))) == 0:
        return own[1], own[2]
    numbers, values, corners = (np.concatenate(parts) for parts in zip(*comm.allgather(own), strict=True))
    place = np.empty(len(numbers), dtype=np.int64)
    place[numbers] = np.arange(len(numbers))
    return values[place[wanted]], corners[place[wanted]]


def _mesh(discretization: Discretization) -> Any:
    """The mesh of a discretization in dolfinx, its curved cells curved."""
    triangulation, comm = discretization.triangulation, discretization.comm
    if comm.allreduce(len(discretization.curved.cells)) == 0:
        return _dolfinx.create_mesh(comm, triangulation.points, triangulation.cells)
    points, cells = _curved_nodes(discretization)
    return _dolfinx.create_mesh(comm, points, cells, DEGREE)


def _curved_nodes(discretization: Discretization) -> tuple[Floats, Integers]:
    """Places (n, dim) of the nodes of degree seven, and their numbers for every cell of all ranks, (cells, nodes).

    A node is told by the vertices around it and its weights there, so that the two sides of a slit keep their own.
    """
    dimension = discretization.triangulation.dimension
    reference = _dolfinx.lagrange_nodes(dimension, DEGREE)
    weights = barycentric(reference)
    places = weights @ discretization.corners
    places[discretization.curved.cells] = discretization.curved.nodes
    steps = np.round(weights * 1e6).astype(np.int64)
    around = np.where(steps > 0, discretization.vertices[:, None], -1)
    order = np.argsort(around, axis=2)
    keys = np.concatenate(
        [np.take_along_axis(around, order, axis=2), np.take_along_axis(np.broadcast_to(steps, around.shape), order, 2)],
        axis=2,
    )
    parts = discretization.comm.allgather((discretization.cells, keys, places))
    cells = np.argsort(np.concatenate([part[0] for part in parts]))
    keys, places = (np.concatenate([part[k] for part in parts])[cells] for k in (1, 2))
    _, first, number = np.unique(keys.reshape(-1, keys.shape[2]), axis=0, return_index=True, return_inverse=True)
    return places.reshape(-1, dimension)[first], number.reshape(keys.shape[:2])


def _reordered(discretization: Discretization, mesh: Any, values: Floats, corners: Floats) -> Floats:
    """Values at the nodes of every cell, whose vertices the mesh may have in another order, (cells, nodes)."""
    distance = np.linalg.norm(_dolfinx.cell_vertices(mesh)[:, :, None] - corners[:, None], axis=3)
    place = np.argmin(distance, axis=2)  # of each vertex of the mesh among those of the discretization
    if (place == np.arange(place.shape[1])).all():
        return values
    dimension = discretization.triangulation.dimension
    reference = _dolfinx.lagrange_nodes(dimension, discretization.degree)
    weights = np.round(barycentric(reference), 6)
    number = {tuple(row): k for k, row in enumerate(weights.tolist())}
    moved = np.empty_like(values)
    for pattern in np.unique(place, axis=0):
        some = (place == pattern).all(axis=1)
        own = np.empty_like(weights)
        own[:, pattern] = weights
        moved[some] = values[some][:, [number[tuple(row)] for row in own.tolist()]]
    return moved
