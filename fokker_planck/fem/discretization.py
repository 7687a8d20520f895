"""A triangulation with a Lagrange space on it: degrees of freedom, nodes and quadrature points in true coordinates.

The mesh, the element matrices and the factorisations are distributed over the ranks; vectors of nodal values are
kept whole on each (a million numbers at most), so that everything after a solve is plain numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.cell_map import CellMap, cell_map, points_in_cells, quadrature
from fokker_planck.fem.triangulations.coinciding_walls import wall_facets
from fokker_planck.fem.triangulations.curving import DEGREE, CurvedCells, curved_cells
from fokker_planck.fem.triangulations.fitting import ON_SURFACE
from fokker_planck.fem.triangulations.numbering import unknowns_of_cells
from fokker_planck.fem.triangulations.triangulation import Triangulation, edge_table, local_edges, row_numbers
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.model.sets.tagged_sets import TaggedCells, TaggedFacets
from fokker_planck.quantity.light_dataclasses import dataclass, replace

PART_OF_A_CELL = 1e-2
"""Share of a cell's size within which an unknown lies on a surface: nodes of degree 12 are further apart."""


@dataclass(frozen=True)
class Discretization:
    """Mesh and space.

    Of this rank: ``cells`` (m,) their numbers in the triangulation, ``vertices`` (m, dim + 1), ``dofs`` (m, n)
    their unknowns, ``cell_nodes`` (m, n, dim).  Of all ranks: ``nodes`` (N, dim), the true coordinates of the
    unknowns.  ``rule`` is the degree of quadrature.  Straight cells may be ``widened`` (m,), by so much in all that is
    integrated over them, to see what their widths change.
    """

    triangulation: Triangulation
    degree: int
    comm: MPI.Comm
    cells: Integers
    vertices: Integers
    curved: CurvedCells
    dofs: Integers
    cell_nodes: Floats
    nodes: Floats
    rule: int
    widened: Floats | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For pickling: all but the communicator, which names processes of this run."""
        if self.comm.size > 1:
            raise TypeError("a discretization that is spread over several ranks: pickle results of one rank")
        return {name: value for name, value in self.__dict__.items() if name != "comm"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """With the communicator of this one process."""
        self.__dict__.update(state, comm=MPI.COMM_SELF)

    @property
    def count(self) -> int:
        """Number of unknowns before absorbing sets are taken out."""
        return len(self.nodes)

    def marked(self, dofs: Integers) -> Booleans:
        """Which unknowns are among those that any rank names, (N,)."""
        result = np.zeros(self.count, dtype=bool)
        result[dofs.ravel()] = True
        if self.comm.size > 1:
            self.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.LOR)
        return result

    def touching(self, marked: Booleans) -> Booleans:
        """The unknowns of all cells, on all ranks, that hold an unknown ``marked`` (N,)."""
        return self.marked(self.dofs[marked[self.dofs].any(axis=1)])

    @property
    def map(self) -> CellMap:
        """The map at the quadrature points, made anew each time: kept, it would be a fifth of what a mesh takes."""
        return cell_map(self.corners, self.curved, self.rule)

    @property
    def reference_points(self) -> Floats:
        """Quadrature points on the reference simplex, (n, dim)."""
        return quadrature(self.triangulation.dimension, self.rule)[0]

    @property
    def corners(self) -> Floats:
        """Vertices of every straight cell of this rank, (m, dim + 1, dim)."""
        return self.triangulation.points[self.vertices]

    def __repr__(self) -> str:
        return f"<Discretization: {len(self.triangulation.cells)} cells of degree {self.degree}, {self.count} unknowns>"


SAME_LENGTH = 1e-6
"""Of an edge and its image, which differ by the rounding of their ends."""
SAME_PLACE = 1e-6
"""Of barycentric coordinates: those of two nodes of one facet differ by more than 1e-2, equal ones by rounding."""
ROOM = {1: 36, 2: 8, 3: 4}
"""Degrees for the weight, by the dimension.  On a line of prescribed cells across which Phi changes by more than 60,
far up the walls, a room of 12 makes modes of a rate near zero, and spectra were refused; one of 36 is right to 490.
In the plane twice the room takes four times the points: there the spectra of such meshes are still refused."""


def quadrature_degree(degree: int, dimension: int) -> int:
    """Degree of the rule: exact for the products of basis functions, with room for the weight."""
    return 2 * degree + ROOM[dimension]


def discretize(
    triangulation: Triangulation,
    degree: int,
    comm: MPI.Comm = MPI.COMM_WORLD,
) -> Discretization:
    """Put Lagrange elements of ``degree`` on the triangulation; dolfinx spreads it over several ranks.

    Unknowns at images of one place, on the two faces of a periodic axis say, become one.
    """
    dimension = triangulation.dimension
    cells, ordered, dofs, count = (_whole if comm.size == 1 else _spread)(triangulation, degree, comm)
    rule = quadrature_degree(degree, dimension)
    geometry = curved_cells(triangulation, ordered, _dolfinx.lagrange_nodes(dimension, DEGREE))
    corners = triangulation.points[ordered]
    bent = replace(geometry, cells=np.arange(len(geometry.cells)))
    cell_map(corners[geometry.cells], bent, rule)  # refuses folded cells
    cell_nodes = nodes_in_cells(corners, geometry, degree)
    nodes = _shared(comm, count, dofs, cell_nodes)
    if comm.size > 1:
        dofs, nodes = _merged(_masters_of_corners(comm, degree, ordered, dofs, cell_nodes, nodes), dofs, nodes)
    discretization = Discretization(
        triangulation=triangulation,
        degree=degree,
        comm=comm,
        cells=cells,
        vertices=ordered,
        curved=geometry,
        dofs=dofs,
        cell_nodes=cell_nodes,
        nodes=nodes,
        rule=rule,
    )
    if len(triangulation.points) == int(triangulation.vertex_class.max(initial=-1)) + 1:
        return discretization
    _check_seams(triangulation)
    dofs, nodes = _merged(_masters_of_seams(discretization, degree), dofs, nodes)
    return replace(discretization, dofs=dofs, nodes=nodes)


def nodes_in_cells(corners: Floats, curved: CurvedCells, degree: int) -> Floats:
    """True coordinates of the Lagrange nodes of cells with these ``corners`` (m, dim + 1, dim), (m, n, dim)."""
    return points_in_cells(corners, curved, _dolfinx.lagrange_nodes(corners.shape[2], degree))


def unknowns_in(discretization: Discretization, name: str, region: Any = None) -> Booleans:
    """The unknowns of all cells inside a fitted set, and those on its surface, (N,).

    Given the ``region`` itself, unknowns on its surface count also where the set only touches the domain, at a wall
    say, and has no cell. Tags of a mesh are those of its cells and facets: a slit has two sides at one place.
    """
    cells = discretization.triangulation.regions[name][discretization.cells]
    inside = discretization.marked(discretization.dofs[cells])
    if region is None:
        return inside
    walls = wall_facets(discretization.triangulation, name)
    if len(walls):
        inside |= unknowns_on_facets(discretization, walls)
    if isinstance(region, TaggedCells | TaggedFacets):
        return inside
    nodes = discretization.nodes.T
    slope = np.maximum(np.linalg.norm(region.gradient(nodes), axis=0), 1e-300)
    size = np.full(discretization.count, np.inf)
    np.minimum.at(size, discretization.dofs, _sizes(discretization)[:, None])
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, size, op=MPI.MIN)
    # rounding of coordinates, but never a whole cell: next to a singular end cells are tiny
    near = np.minimum(ON_SURFACE * float(np.ptp(nodes, axis=1).max()), PART_OF_A_CELL * size)
    return np.asarray(inside | (np.abs(region.level(nodes)) <= near * slope))


def _sizes(discretization: Discretization) -> Floats:
    """Longest edge of every straight cell of this rank, (m,)."""
    corners = discretization.corners
    return np.asarray(np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3).max(axis=(1, 2), initial=0.0))


def unknowns_on_boundary(discretization: Discretization) -> Booleans:
    """The unknowns on the boundary of the domain, (N,); facets where the mesh was only cut off do not count."""
    facets = discretization.triangulation.facets
    return unknowns_on_facets(discretization, facets.vertices[facets.boundary])


def unknowns_on_facets(discretization: Discretization, facets: Integers) -> Booleans:
    """The unknowns on facets given by their vertices (k, dim), (N,)."""
    keys = np.sort(facets, axis=1)
    dimension = discretization.triangulation.dimension
    reference = _dolfinx.lagrange_nodes(dimension, discretization.degree)
    coordinates = barycentric(reference)
    found = []
    for opposite in range(dimension + 1):
        rows = np.sort(np.delete(discretization.vertices, opposite, axis=1), axis=1)
        number = row_numbers(np.concatenate([keys, rows]))
        on = np.isin(number[len(keys) :], number[: len(keys)])
        found.append(discretization.dofs[on][:, np.abs(coordinates[:, opposite]) < 1e-12].ravel())
    return discretization.marked(np.concatenate(found))


def _whole(triangulation: Triangulation, degree: int, _: MPI.Comm) -> tuple[Integers, Integers, Integers, int]:
    """Numbers of the cells, their vertices and unknowns, and the number of unknowns, on one process."""
    vertices = np.sort(triangulation.cells, axis=1)
    nodes = barycentric(_dolfinx.lagrange_nodes(triangulation.dimension, degree))
    return np.arange(len(vertices)), vertices, *unknowns_of_cells(vertices, nodes)


def _spread(triangulation: Triangulation, degree: int, comm: MPI.Comm) -> tuple[Integers, Integers, Integers, int]:
    """The same of this rank's cells, and the number of unknowns of all ranks, by dolfinx."""
    # vertices in the order that one process has: in space not every rule is the same from all four
    mesh = _dolfinx.create_mesh(comm, triangulation.points, np.sort(triangulation.cells, axis=1))
    cells = _dolfinx.original_cells(mesh)
    vertices = _in_local_order(triangulation, cells, _dolfinx.cell_vertices(mesh))
    space = _dolfinx.lagrange_space(mesh, degree)
    return cells, vertices, _dolfinx.cell_dofs(space), _dolfinx.dof_count(space)


def _in_local_order(triangulation: Triangulation, cells: Integers, corners: Floats) -> Integers:
    """Vertices of this rank's cells in the order in which dolfinx holds them."""
    given = triangulation.cells[cells]
    distance = ((corners[:, :, None] - triangulation.points[given][:, None]) ** 2).sum(axis=3)
    return np.take_along_axis(given, np.argmin(distance, axis=2), axis=1)


def places_in(discretization: Discretization, cells: Integers, reference: Floats) -> tuple[Floats, Floats]:
    """True coordinates of reference points of some cells, (m, q, dim) both, and |det| of the map there, (m, q)."""
    corners, curved = discretization.corners[cells], discretization.curved
    dimension = corners.shape[2]
    points = barycentric(reference) @ corners
    straight = np.abs(np.linalg.det(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)))
    stretch = np.repeat(straight[:, None], reference.shape[1], axis=1)
    position = np.full(len(discretization.cells), -1, dtype=np.int64)
    position[curved.cells] = np.arange(len(curved.cells))
    bent = np.flatnonzero(position[cells] >= 0)
    if len(bent):
        nodes = curved.nodes[position[cells[bent]]]
        table = _dolfinx.tabulate_lagrange(dimension, DEGREE, reference[bent].reshape(-1, dimension), 1)
        table = table.reshape(dimension + 1, len(bent), reference.shape[1], -1)
        points[bent] = np.einsum("mqa,mad->mqd", table[0], nodes)
        stretch[bent] = np.abs(np.linalg.det(np.einsum("jmqa,mad->mqdj", table[1:], nodes)))
    return points, stretch


def _shared(comm: MPI.Comm, count: int, dofs: Integers, cell_nodes: Floats) -> Floats:
    nodes = np.full((count, cell_nodes.shape[2]), -np.inf)
    nodes[dofs.ravel()] = cell_nodes.reshape(-1, cell_nodes.shape[2])
    if comm.size > 1:
        comm.Allreduce(MPI.IN_PLACE, nodes, op=MPI.MAX)
    return nodes


def _merged(master: Integers, dofs: Integers, nodes: Floats) -> tuple[Integers, Floats]:
    """Unknowns numbered anew after each has become its ``master`` (N,)."""
    kept, dofs_of = np.unique(master, return_inverse=True)
    return dofs_of.reshape(-1)[dofs], nodes[kept]


def _masters_of_corners(
    comm: MPI.Comm, degree: int, vertices: Integers, dofs: Integers, cell_nodes: Floats, nodes: Floats
) -> Integers:
    """One unknown, (N,), for all that stand at the same vertex or, in space, at the same place of the same edge.

    dolfinx numbers them twice where cells of two ranks meet there and at no facet, as they may beside what is cut off.
    """
    dimension = nodes.shape[1]
    reference = _dolfinx.lagrange_nodes(dimension, degree)
    on = barycentric(reference) > 1e-12
    corners = on.sum(axis=1) < dimension
    if not corners.any():
        return np.arange(len(nodes))
    around = np.sort(np.where(on[corners], vertices[:, None, :], -1), axis=2)
    places = np.round(cell_nodes[:, corners] / (1e-9 * float(np.ptp(nodes, axis=0).max()))).astype(np.int64)
    places[:, on[corners].sum(axis=1) == 1] = 0
    rows = np.concatenate([around, places], axis=2).reshape(-1, 2 * dimension + 1)
    return _least_of_equals(comm, dofs[:, corners].ravel(), rows, len(nodes))


def _check_seams(triangulation: Triangulation) -> None:
    """Edges that are one are as long as each other: an image is the edge shifted, or mirrored."""
    table, corners = edge_table(triangulation.vertex_class[triangulation.cells]), triangulation.cell_points
    first, second = np.array(local_edges(corners.shape[1])).T
    length = np.linalg.norm(corners[:, first] - corners[:, second], axis=2).ravel()
    least, most = np.full(len(table.vertices), np.inf), np.zeros(len(table.vertices))
    np.minimum.at(least, table.of_cells.ravel(), length)
    np.maximum.at(most, table.of_cells.ravel(), length)
    if (most > least * (1.0 + SAME_LENGTH)).any():
        raise ConvergenceError(
            "images on a periodic seam of the mesh do not match", "sets that end farther from the seam, or shifted axes"
        )


def _masters_of_seams(discretization: Discretization, degree: int) -> Integers:
    """For every unknown the one that is kept for it and for all its images, (N,).

    Images stand at the same place of the same facet, edge or vertex, named by the classes of its vertices: a curved
    cell on one side of a seam may have been straightened while that on the other was not.
    """
    triangulation, vertices = discretization.triangulation, discretization.vertices
    reference = _dolfinx.lagrange_nodes(triangulation.dimension, degree)
    coordinates = barycentric(reference)
    part = np.round(coordinates / SAME_PLACE).astype(np.int64)
    doubled = (np.bincount(triangulation.vertex_class) > 1)[triangulation.vertex_class][vertices]
    cells, nodes = np.nonzero((doubled[:, None] & (part > 0)[None]).any(axis=2))
    classes = np.where(part[nodes] > 0, triangulation.vertex_class[vertices[cells]], -1)
    order = np.argsort(classes, axis=1)
    rows = [np.take_along_axis(columns, order, axis=1) for columns in (classes, part[nodes])]
    return _least_of_equals(
        discretization.comm, discretization.dofs[cells, nodes], np.concatenate(rows, axis=1), discretization.count
    )


def _least_of_equals(comm: MPI.Comm, numbers: Integers, rows: Integers, count: int) -> Integers:
    """For each of ``count`` unknowns the least of those that have an equal row, on any rank, (count,)."""
    numbers, first = np.unique(numbers, return_index=True)
    gathered = comm.allgather((numbers, rows[first]))
    numbers = np.concatenate([part[0] for part in gathered])
    keys = row_numbers(np.concatenate([part[1] for part in gathered]))
    least = np.full(int(keys.max(initial=-1)) + 1, count)
    np.minimum.at(least, keys, numbers)
    master = np.arange(count)
    master[numbers] = least[keys]
    return master
