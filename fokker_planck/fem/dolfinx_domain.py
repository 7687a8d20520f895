"""A mesh that dolfinx holds as the domain of a problem, its tags as sets."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.curved_facets import facet_lattice
from fokker_planck.mesh.high_order import EDGES, curved_cells
from fokker_planck.mesh.parts import Block, MeshData, mesh_of_blocks
from fokker_planck.model.arguments import described
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    import dolfinx.mesh

KINDS = {"interval": 1, "triangle": 2, "tetrahedron": 3}
"""The dimension of each kind of cell that there is a finite element for here."""
KEY = "domain"


@dataclass(frozen=True, eq=False)
class DolfinxMesh(MeshDomain):
    """The union of the cells of a ``dolfinx.mesh.Mesh``: intervals, triangles or tetrahedra, straight or curved.

    Parameters
    ----------
    mesh
        a ``dolfinx.mesh.Mesh``
    cell_tags, facet_tags
        ``dolfinx.mesh.MeshTags`` whose values name sets, see :meth:`cell_set` and :meth:`facet_set`

    Raises
    ------
    ProblemError
        For anything else than such a mesh, for tags of another dimension or another mesh; when it is read
    MeshFileError
        For cells that are no one conforming piece, as for mesh files.

    Examples
    --------
    >>> from mpi4py import MPI
    >>> import dolfinx
    >>> DolfinxMesh(dolfinx.mesh.create_unit_square(MPI.COMM_SELF, 4, 4)).data
    <MeshData: 32 cells and 25 points in 2 dimensions>
    """

    mesh: dolfinx.mesh.Mesh
    cell_tags: dolfinx.mesh.MeshTags | None = None
    facet_tags: dolfinx.mesh.MeshTags | None = None

    def __post_init__(self) -> None:
        if not _dolfinx.is_mesh(self.mesh):
            raise ProblemError(KEY, described(self.mesh), "a dolfinx.mesh.Mesh")
        kind = _dolfinx.cell_kind(self.mesh)
        if kind not in KINDS:
            raise ProblemError(KEY, f"a dolfinx mesh of {kind} cells", "intervals, triangles or tetrahedra")
        for name, tags, dimension in (("cell_tags", self.cell_tags, 0), ("facet_tags", self.facet_tags, 1)):
            if tags is None:
                continue
            if not all(hasattr(tags, each) for each in ("indices", "values", "dim", "topology")):
                raise ProblemError(f"{KEY}.{name}", described(tags), "a dolfinx.mesh.MeshTags")
            if tags.dim != KINDS[kind] - dimension:
                found = f"tags of entities of dimension {tags.dim}"
                raise ProblemError(f"{KEY}.{name}", found, f"dimension {KINDS[kind] - dimension}")
            if tags.topology is not self.mesh.topology and not _same(tags.topology, self.mesh.topology):
                raise ProblemError(f"{KEY}.{name}", "tags of another mesh", "those of this mesh")

    @cached_property
    def data(self) -> MeshData:
        """Points, cells and tagged parts, whole on every rank; all ranks of the mesh have to ask for it."""
        return mesh_data(self.mesh, self.cell_tags, self.facet_tags)


def mesh_data(
    mesh: dolfinx.mesh.Mesh,
    cell_tags: dolfinx.mesh.MeshTags | None = None,
    facet_tags: dolfinx.mesh.MeshTags | None = None,
) -> MeshData:
    """Points, cells and tagged parts of a mesh of dolfinx, in the order in which dolfinx was given them.

    That order is the same on any number of ranks, which dolfinx's own is not.
    """
    dimension, comm = mesh.topology.dim, mesh.comm
    nodes = _dolfinx.geometry_nodes(mesh)
    used = np.unique(_dolfinx.geometry_nodes(mesh, ghosts=True))
    number = np.full(len(mesh.geometry.x), -1, dtype=np.int64)
    number[used] = np.asarray(mesh.geometry.input_global_indices, dtype=np.int64)[used]
    tags = np.full(len(nodes), np.iinfo(np.int64).min)
    if cell_tags is not None:
        own = cell_tags.indices < len(nodes)
        tags[cell_tags.indices[own]] = cell_tags.values[own]
    facets, facet_values = np.zeros((0, dimension), dtype=np.int64), np.zeros(0, dtype=np.int64)
    if facet_tags is not None:
        facets = number[_dolfinx.facet_vertices(mesh, np.asarray(facet_tags.indices))]
        facet_values = np.asarray(facet_tags.values, dtype=np.int64)
    x = np.asarray(mesh.geometry.x, dtype=float)
    parts = comm.allgather((_dolfinx.original_cells(mesh), number[nodes], x[nodes], tags, facets, facet_values))
    order = np.argsort(np.concatenate([part[0] for part in parts]), kind="stable")
    numbers, places, tags = (np.concatenate([part[k] for part in parts])[order] for k in (1, 2, 3))
    facets, facet_values = (np.concatenate([part[k] for part in parts]) for k in (4, 5))
    facets, once = np.unique(np.sort(facets, axis=1), axis=0, return_index=True)
    corners, vertices = np.unique(numbers[:, : dimension + 1], return_inverse=True)
    vertices = vertices.reshape(len(numbers), dimension + 1)
    points = np.empty((len(corners), 3))
    points[vertices] = places[:, : dimension + 1]
    known = np.isin(facets, corners).all(axis=1)
    facets, facet_values = np.searchsorted(corners, facets[known]), facet_values[once][known]
    points, cells = _with_inner_nodes(points, vertices, places, _dolfinx.coordinate_element(mesh))
    blocks = [
        Block(dimension, vertices, _names(tags), curved_cells("dolfinx", cells, points, dimension, KEY)),
        Block(dimension - 1, facets, _names(facet_values)),
    ]
    return mesh_of_blocks(points, blocks, KEY, "the dolfinx mesh")


def _with_inner_nodes(points: Floats, vertices: Integers, places: Floats, element: Any) -> tuple[Floats, Integers]:
    """The vertices and, of cells of higher order, equally spaced nodes in the order of mesh files, cell by cell."""
    dimension, order = vertices.shape[1] - 1, int(element.degree)
    if dimension == 1 or order == 1:
        return points, vertices
    basis = _dolfinx.tabulate_geometry(element, dimension, _file_nodes(dimension, order))
    inner = np.einsum("na,cad->cnd", basis, places)[:, dimension + 1 :]
    numbers = len(points) + np.arange(inner.shape[0] * inner.shape[1]).reshape(inner.shape[:2])
    return np.concatenate([points, inner.reshape(-1, 3)]), np.concatenate([vertices, numbers], axis=1)


def _file_nodes(dimension: int, order: int) -> Floats:
    """Reference coordinates of the nodes of a cell as in mesh files: vertices, edge by edge, then the others."""
    corners = np.concatenate([np.zeros((1, dimension)), np.eye(dimension)])
    along = facet_lattice(2, order)[2:, 0, None]
    edges = EDGES[: 3 if dimension == 2 else 6]
    on_edges = [corners[a] + along * (corners[b] - corners[a]) for a, b in edges]
    lattice = np.array([p for p in np.ndindex(*(order + 1,) * dimension) if sum(p) <= order], dtype=float)
    zero = (np.column_stack([order - lattice.sum(axis=1), lattice]) == 0).sum(axis=1)
    return np.concatenate([corners, *on_edges, lattice[zero < dimension - 1] / order])


def _names(tags: Integers) -> dict[str, Booleans]:
    """For each tag which entities carry it; untagged ones have the least integer."""
    return {str(tag): tags == tag for tag in np.unique(tags) if tag != np.iinfo(np.int64).min}


def _same(first: Any, second: Any) -> bool:
    return getattr(first, "_cpp_object", first) is getattr(second, "_cpp_object", second)
