"""The only file that knows which version of dolfinx is installed.

Everything else of the library speaks to dolfinx through these functions.  Supported: 0.9 and later; differences are
settled by the version or by a signature.  Elements and quadrature come from its basix; dolfinx itself, which takes half
a second to import, is loaded for meshes spread over several processes, and for functions and meshes of its own.
"""

from __future__ import annotations

import inspect
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from fokker_planck.errors import ProblemError

# isort: split
# mpi4py.MPI stands above: it loads the MPI library, to which the wheel of dolfinx links without finding it itself.
import basix

_OLDEST = (0, 9)
"""The oldest version of dolfinx that is tested; basix has the same number."""
if tuple(int(part) for part in basix.__version__.split(".")[:2]) < _OLDEST:
    raise ProblemError("dolfinx", basix.__version__, "dolfinx {}.{} or later".format(*_OLDEST))

_PACKAGES = ("fenics-dolfinx", "dolfinx-solver-real")
"""What dolfinx is installed as, its own name and the wheel's."""

_CELLS = {1: "interval", 2: "triangle", 3: "tetrahedron"}


def _dimension(cell: str) -> int:
    return {name: dimension for dimension, name in _CELLS.items()}[cell]


@cache
def dolfinx_version() -> str:
    """The version of dolfinx, for which it is imported only where its package does not tell."""
    if "dolfinx" not in sys.modules:
        for package in _PACKAGES:
            with suppress(metadata.PackageNotFoundError):
                return metadata.version(package)
    import dolfinx

    return str(dolfinx.__version__)


def create_mesh(comm: MPI.Comm, points: NDArray[np.float64], cells: NDArray[np.int64], degree: int = 1) -> Any:
    """Distribute a simplicial mesh that every rank holds whole; rank 0 hands it over.

    Cells of a higher ``degree`` are given by their Lagrange nodes, in the order of :func:`lagrange_nodes`.
    """
    import basix.ufl
    import dolfinx.mesh
    import ufl

    cell = _CELLS[points.shape[1]]
    mine = slice(None) if comm.rank == 0 else slice(0, 0)
    given = np.ascontiguousarray(cells[mine], dtype=np.int64)
    x = np.ascontiguousarray(points[mine], dtype=np.float64)
    domain = ufl.Mesh(basix.ufl.element("Lagrange", cell, degree, shape=(_dimension(cell),)))
    renamed = "e" in inspect.signature(dolfinx.mesh.create_mesh).parameters  # by 0.10
    keywords = {"cells": given, "x": x, "e" if renamed else "domain": domain}
    with _quietly():
        return dolfinx.mesh.create_mesh(comm, **keywords)


def original_cells(mesh: Any) -> NDArray[np.int64]:
    """For every cell of this rank: its number in the arrays given to ``create_mesh``."""
    count = mesh.topology.index_map(mesh.topology.dim).size_local
    return np.asarray(mesh.topology.original_cell_index, dtype=np.int64)[:count]


def geometry_nodes(mesh: Any, ghosts: bool = False) -> NDArray[np.int64]:
    """Of every cell of this rank the rows of ``mesh.geometry.x`` that are its nodes, vertices first, (cells, nodes)."""
    count = None if ghosts else mesh.topology.index_map(mesh.topology.dim).size_local
    geometry = mesh.geometry
    dofmap = geometry.dofmaps[0] if hasattr(geometry, "dofmaps") else geometry.dofmap  # the latter up to 0.10
    table = np.asarray(dofmap)
    return np.asarray(table.reshape(-1, table.shape[-1])[:count], dtype=np.int64)


def coordinate_element(mesh: Any) -> Any:
    """The element of the map from the reference cell, with its ``degree`` and ``variant``."""
    geometry = mesh.geometry
    return geometry.cmaps[0] if hasattr(geometry, "cmaps") else geometry.cmap


def cell_vertices(mesh: Any) -> NDArray[np.float64]:
    """Vertex coordinates of every cell of this rank in dolfinx's local order, (cells, dim + 1, dim)."""
    dimension = mesh.topology.dim
    return np.asarray(mesh.geometry.x)[geometry_nodes(mesh)[:, : dimension + 1], :dimension]


def lagrange_space(mesh: Any, degree: int, continuous: bool = True) -> Any:
    """Lagrange elements of the given degree, continuous or cell by cell."""
    import basix.ufl
    import dolfinx.fem

    element = basix.ufl.element("Lagrange", _CELLS[mesh.topology.dim], degree, discontinuous=not continuous)
    with _quietly():
        return dolfinx.fem.functionspace(mesh, element)


def function(space: Any, cell_values: NDArray[np.float64], name: str) -> Any:
    """The ``dolfinx.fem.Function`` with these values at the nodes of every cell of this rank, (cells, dofs a cell)."""
    import dolfinx.fem

    found = dolfinx.fem.Function(space, name=name, dtype=np.float64)
    found.x.array[np.asarray(space.dofmap.list)[: len(cell_values)].ravel()] = cell_values.ravel()
    found.x.scatter_forward()
    return found


def is_mesh(given: object) -> bool:
    """Whether that is a mesh of dolfinx."""
    import dolfinx.mesh

    return isinstance(given, dolfinx.mesh.Mesh)


def cell_kind(mesh: Any) -> str:
    """Name of the cells of a mesh; "mixed" where there are several kinds."""
    kinds = mesh.topology.cell_types if hasattr(mesh.topology, "cell_types") else [mesh.topology.cell_type]
    return str(kinds[0].name) if len(kinds) == 1 else "mixed"


def facet_vertices(mesh: Any, facets: NDArray[np.int32]) -> NDArray[np.int64]:
    """Rows of ``mesh.geometry.x`` that are the vertices of facets of this rank, (facets, dim)."""
    dimension = mesh.topology.dim
    for pair in ((dimension - 1, dimension), (dimension, dimension - 1)):
        mesh.topology.create_connectivity(*pair)
    to_cells = mesh.topology.connectivity(dimension - 1, dimension)
    to_facets = mesh.topology.connectivity(dimension, dimension - 1)
    corners = basix.topology(getattr(basix.CellType, _CELLS[dimension]))[dimension - 1]
    nodes = geometry_nodes(mesh, ghosts=True)
    rows = np.empty((len(facets), dimension), dtype=np.int64)
    for row, facet in enumerate(facets.tolist()):
        cell = int(to_cells.links(facet)[0])
        local = int(np.flatnonzero(to_facets.links(cell) == facet)[0])
        rows[row] = nodes[cell, corners[local]]
    return rows


def quadrature_points(dimension: int, degree: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (n, dim) and weights (n,) of the default rule on the reference simplex, as the forms use them."""
    cell = getattr(basix.CellType, _CELLS[dimension])
    points, weights = basix.make_quadrature(cell, degree)
    return np.asarray(points), np.asarray(weights)


def lagrange_nodes(dimension: int, degree: int) -> NDArray[np.float64]:
    """Reference coordinates (n, dim) of the nodes of the Lagrange element, in the order of its basis."""
    return np.asarray(_lagrange_element(dimension, degree).points)


def lattice(dimension: int, degree: int) -> NDArray[np.int64]:
    """The same nodes as they are numbered, (n, dim), in steps of one over the degree, where none is warped."""
    even = _lagrange_element(dimension, degree, basix.LagrangeVariant.equispaced)
    return np.rint(degree * np.asarray(even.points)).astype(np.int64)


@cache
def _lagrange_element(dimension: int, degree: int, variant: Any = basix.LagrangeVariant.gll_warped) -> Any:
    cell = getattr(basix.CellType, _CELLS[dimension])
    return basix.create_element(basix.ElementFamily.P, cell, degree, variant)


def tabulate_lagrange(
    dimension: int, degree: int, points: NDArray[np.float64], derivatives: int = 0
) -> NDArray[np.float64]:
    """Lagrange basis functions at reference points: (1 + ..., points, functions), derivatives after values."""
    return np.asarray(_lagrange_element(dimension, degree).tabulate(derivatives, points))[..., 0]


def tabulate_geometry(element: Any, dimension: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Basis functions of a coordinate element at reference points, (points, functions)."""
    cell = getattr(basix.CellType, _CELLS[dimension])
    variant = basix.LagrangeVariant(int(element.variant))
    lagrange = basix.create_element(basix.ElementFamily.P, cell, int(element.degree), variant)
    return np.asarray(lagrange.tabulate(0, points))[0, :, :, 0]


def cell_dofs(space: Any) -> NDArray[np.int64]:
    """Global numbers of the degrees of freedom of every cell of this rank, (cells, dofs per cell)."""
    count = space.mesh.topology.index_map(space.mesh.topology.dim).size_local
    table = np.asarray(space.dofmap.list)[:count]
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
