"""The only file that knows which version of dolfinx is installed.

Everything else of the library speaks to dolfinx through these functions.  Supported: 0.5, 0.9 and 0.11; differences
are settled once at import, by the version or by a signature.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import basix
import dolfinx
import dolfinx.fem
import dolfinx.jit
import dolfinx.mesh
import numpy as np
import ufl
from mpi4py import MPI
from numpy.typing import NDArray

VERSION: str = dolfinx.__version__
_RELEASE = tuple(int(part) for part in VERSION.split(".")[:2])
_CELLS = {1: "interval", 2: "triangle", 3: "tetrahedron"}

if _RELEASE < (0, 7):

    def _lagrange(cell: str, degree: int) -> Any:
        return ufl.FiniteElement("Lagrange", cell, degree)

    def _coordinates(cell: str) -> Any:
        return ufl.Mesh(ufl.VectorElement("Lagrange", ufl.Cell(cell, geometric_dimension=_dimension(cell)), 1))

    _compiled_elements: dict[Any, Any] = {}

    def _function_space(mesh: Any, element: Any) -> Any:
        """What the class does, but an element is looked up on disk once, not for every mesh."""
        if element not in _compiled_elements:
            _compiled_elements[element] = dolfinx.jit.ffcx_jit(mesh.comm, element)
        (for_element, for_dofmap), module, _ = _compiled_elements[element]

        def address(compiled: Any) -> Any:
            return module.ffi.cast("uintptr_t", module.ffi.addressof(compiled))

        native = dolfinx.cpp.fem.FiniteElement(address(for_element))
        dofmap = dolfinx.cpp.fem.create_dofmap(mesh.comm, address(for_dofmap), mesh.topology, native)
        return dolfinx.fem.FunctionSpace(mesh, element, dolfinx.cpp.fem.FunctionSpace(mesh._mesh, native, dofmap))

    _rows = dolfinx.cpp.graph.AdjacencyList_int64  # an array it would take, too, after writing it into an error message
else:
    import basix.ufl

    def _lagrange(cell: str, degree: int) -> Any:
        return basix.ufl.element("Lagrange", cell, degree)

    def _coordinates(cell: str) -> Any:
        return ufl.Mesh(basix.ufl.element("Lagrange", cell, 1, shape=(_dimension(cell),)))

    _function_space = dolfinx.fem.functionspace

    def _rows(cells: NDArray[np.int64]) -> Any:
        return cells


def _dimension(cell: str) -> int:
    return {name: dimension for dimension, name in _CELLS.items()}[cell]


_DOMAIN_KEYWORD = "e" if "e" in inspect.signature(dolfinx.mesh.create_mesh).parameters else "domain"


def create_mesh(comm: MPI.Comm, points: NDArray[np.float64], cells: NDArray[np.int64]) -> Any:
    """Distribute a straight simplicial mesh that every rank holds whole; rank 0 hands it over."""
    cell = _CELLS[points.shape[1]]
    mine = slice(None) if comm.rank == 0 else slice(0, 0)
    given = _rows(np.ascontiguousarray(cells[mine], dtype=np.int64))
    x = np.ascontiguousarray(points[mine], dtype=np.float64)
    keywords = {"cells": given, "x": x, _DOMAIN_KEYWORD: _coordinates(cell)}
    with _quietly():
        return dolfinx.mesh.create_mesh(comm, **keywords)


def original_cells(mesh: Any) -> NDArray[np.int64]:
    """For every cell of this rank: its number in the arrays given to ``create_mesh``."""
    count = mesh.topology.index_map(mesh.topology.dim).size_local
    return np.asarray(mesh.topology.original_cell_index, dtype=np.int64)[:count]


def cell_vertices(mesh: Any) -> NDArray[np.float64]:
    """Vertex coordinates of every cell of this rank in dolfinx's local order, (cells, dim + 1, dim)."""
    dimension = mesh.topology.dim
    count = mesh.topology.index_map(dimension).size_local
    geometry = mesh.geometry
    dofmap = geometry.dofmaps[0] if hasattr(geometry, "dofmaps") else geometry.dofmap
    if callable(dofmap):
        dofmap = dofmap()
    table = np.asarray(getattr(dofmap, "array", dofmap)).reshape(-1, dimension + 1)
    return np.asarray(geometry.x)[table[:count], :dimension]


def lagrange_space(mesh: Any, degree: int) -> Any:
    """Continuous Lagrange elements of the given degree."""
    with _quietly():
        return _function_space(mesh, _lagrange(_CELLS[mesh.topology.dim], degree))


def quadrature_points(dimension: int, degree: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (n, dim) and weights (n,) of the default rule on the reference simplex, as the forms use them."""
    cell = getattr(basix.CellType, _CELLS[dimension])
    points, weights = basix.make_quadrature(cell, degree)
    return np.asarray(points), np.asarray(weights)


def lagrange_nodes(dimension: int, degree: int) -> NDArray[np.float64]:
    """Reference coordinates (n, dim) of the nodes of the Lagrange element, in the order of its basis."""
    return np.asarray(_lagrange_element(dimension, degree).points)


def _lagrange_element(dimension: int, degree: int) -> Any:
    cell = getattr(basix.CellType, _CELLS[dimension])
    return basix.create_element(basix.ElementFamily.P, cell, degree, basix.LagrangeVariant.gll_warped)


def tabulate_lagrange(
    dimension: int, degree: int, points: NDArray[np.float64], derivatives: int = 0
) -> NDArray[np.float64]:
    """Lagrange basis functions at reference points: (1 + ..., points, functions), derivatives after values."""
    table = np.asarray(_lagrange_element(dimension, degree).tabulate(derivatives, points))
    return table[..., 0] if table.ndim == 4 else table


def cell_dofs(space: Any) -> NDArray[np.int64]:
    """Global numbers of the degrees of freedom of every cell of this rank, (cells, dofs per cell)."""
    count = space.mesh.topology.index_map(space.mesh.topology.dim).size_local
    table = space.dofmap.list
    table = np.asarray(getattr(table, "array", table)).reshape(-1, space.dofmap.dof_layout.num_dofs)[:count]
    flat = np.ascontiguousarray(table.ravel(), dtype=np.int32)
    return np.asarray(space.dofmap.index_map.local_to_global(flat), dtype=np.int64).reshape(table.shape)


def dof_count(space: Any) -> int:
    """Number of degrees of freedom on all ranks together."""
    return int(space.dofmap.index_map.size_global)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the compilers' running commentary (build steps, advice on quadrature) out of the user's terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
