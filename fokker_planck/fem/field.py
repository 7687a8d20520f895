"""A finite-element function that can be evaluated at points and handed to plots and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.curving import DEGREE
from fokker_planck.fem.discretization import Discretization
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.landscape.box_units import LONG
from fokker_planck.mesh.locator import Locator

if TYPE_CHECKING:
    import dolfinx.fem

OUTSIDE = 1e-9
"""Of a reference coordinate: rounding of an inverted map, in a cell a million times longer than wide 1e-10."""
TOGETHER = 20_000
"""Points of curved cells that are looked for at once: their basis functions in space take 25 MB."""
FEW = 1
"""Steps of Newton's method where the place may be off by hundredths of a cell: each takes 2 s for 60,000 points."""
BESIDE = 0.1
"""Of a cell, in barycentric coordinates: beside it a polynomial is still near what it continues."""
BULGE = 0.1
"""By how much of its size a curved cell may stand out of the box around its nodes of degree 4: a quarter of a circle in
one edge stands out by less than 0.001. Only pairs of a cell and a point in its box are looked at."""


@dataclass(frozen=True, repr=False)
class Field:
    """Nodal values of a function, (N,), on a discretization.

    Called at points it gives the function's values, and ``log`` their natural logarithm.  Where ``logarithm`` is set
    the nodal values are those of the logarithm: a density, or a mean time, need not fit a double.  A function that
    jumps between cells is given by its values in every cell of this rank as well, ``by_cell`` (cells, n).
    """

    name: str
    discretization: Discretization
    nodal: Floats
    logarithm: bool = False
    by_cell: Floats | None = None

    def __call__(self, x: Floats) -> Floats:
        """Values at points of shape (dim, n); nan outside of the mesh."""
        return self._values(self._interpolated(x))

    def log(self, x: Floats) -> Floats:
        """Natural logarithms of the values at points of shape (dim, n); nan outside of the mesh and below zero."""
        return self._logs(self._interpolated(x))

    def to_dolfinx(self, log: bool = False) -> dolfinx.fem.Function:
        """The ``dolfinx.fem.Function`` with the same values (or logarithms) at the nodes, on the mesh of the solution.

        A function that is kept by its logarithm equals it at the nodes, and between them up to interpolation.  To have
        it on a mesh of one's own: ``function.interpolate(field)``.  Under MPI all ranks call this.
        """
        from fokker_planck.fem.dolfinx_function import dolfinx_function

        return dolfinx_function(self, log)

    def triangulation(self) -> tuple[Floats, Integers, Floats]:
        """Points (n, dim), cells (m, dim + 1) and values (n,) of the linear interpolant on the mesh of the nodes."""
        points, cells, dofs = self._subdivided
        return points, cells, self._values(self.nodal[dofs])

    def _interpolated(self, x: Floats) -> Floats:
        x, dimension = np.asarray(x, dtype=float), self.discretization.triangulation.dimension
        if len(x) == 3 and x.ndim == 2:
            x = x[:dimension]  # as dolfinx gives points of a plane
        if x.ndim == 0 or len(x) != dimension:
            raise ProblemError("points", f"an array of shape {x.shape}", f"shape ({dimension}, n)")
        points = x.reshape(dimension, -1)
        by_cell, dofs = self.by_cell, self.discretization.dofs

        def local(cells: Integers) -> Floats:
            return self.nodal[dofs[cells]] if by_cell is None else by_cell[cells]

        combine = _logarithms if self.logarithm else _plain
        return evaluate_in_cells(self.discretization, points, local, combine).reshape(x.shape[1:])

    def _values(self, numbers: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(numbers) if self.logarithm else numbers

    def _logs(self, numbers: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return numbers if self.logarithm else np.log(numbers)

    @property
    def in_a_box(self) -> bool:
        """Whether the boundary of the domain, as far as the mesh still has it, lies on the sides of one box."""
        mesh = self.discretization.triangulation
        walls = mesh.points[mesh.facets.vertices[mesh.facets.boundary]]
        if not len(walls):
            return False
        lower, upper = walls.min(axis=(0, 1)), walls.max(axis=(0, 1))
        slack = 1e-9 * (upper - lower)
        on_side = (walls < lower + slack).all(axis=1) | (walls > upper - slack).all(axis=1)
        return bool(on_side.any(axis=1).all())

    @property
    def values(self) -> Floats:
        """Values at the vertices of :meth:`triangulation`."""
        return self.triangulation()[2]

    @property
    def log_values(self) -> Floats:
        """Natural logarithms of the values at the vertices of :meth:`triangulation`."""
        return self._logs(self.nodal[self._subdivided[2]])

    @cached_property
    def _subdivided(self) -> tuple[Floats, Integers, Integers]:
        discretization = self.discretization
        pattern = _subdivision(discretization.triangulation.dimension, discretization.degree)
        cells, nodes = discretization.dofs, discretization.cell_nodes
        if discretization.comm.size > 1:
            cells = np.concatenate(discretization.comm.allgather(cells))
            nodes = np.concatenate(discretization.comm.allgather(nodes))
        flat = nodes.reshape(-1, nodes.shape[2])
        keys = np.round(flat / (1e-10 * max(np.ptp(flat, axis=0).max(), 1e-300))).astype(np.int64)
        _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        number = inverse.reshape(cells.shape)
        return flat[first], number[:, pattern].reshape(-1, pattern.shape[1]), cells.ravel()[first]

    def __repr__(self) -> str:
        return f"<Field {self.name!r} on {self.discretization!r}>"


def _subdivision(dimension: int, degree: int) -> Integers:
    """Split the reference simplex into the small simplices of its nodes, (pieces, dim + 1)."""
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    if dimension == 1:
        order = np.argsort(nodes[:, 0])
        return np.stack([order[:-1], order[1:]], axis=1)
    from scipy.spatial import Delaunay

    pieces = Delaunay(nodes).simplices.astype(np.int64)
    edges = nodes[pieces[:, 1:]] - nodes[pieces[:, :1]]
    return pieces[np.abs(np.linalg.det(edges)) > 1e-6 / degree**dimension]


def interpolate(discretization: Discretization, nodal: Floats, points: Floats) -> Floats:
    """Values at ``points`` (dim, n) of the function with the given nodal values; nan outside of the mesh."""
    return evaluate(discretization, points, lambda dofs: nodal[dofs])


@dataclass(frozen=True)
class Nearly:
    """Values at points, as :func:`interpolate` has them, where they need not be exact; see :func:`nearly`.

    ``found`` (k,) are the points of this rank, of ``count``; ``basis`` (k, n) the basis functions there, ``dofs``
    (k, n) whose they are.
    """

    discretization: Discretization
    count: int
    found: Integers
    basis: Floats
    dofs: Integers

    def __call__(self, nodal: Floats) -> Floats:
        """Values (count,) of the function with these nodal values; nan where there is no mesh."""
        values, comm = np.full(self.count, np.nan), self.discretization.comm
        values[self.found] = _plain(self.basis, nodal[self.dofs])
        if comm.size > 1:
            for other in comm.allgather(values):
                values = np.where(np.isnan(values), other, values)
            values = comm.bcast(values)
        return values


def nearly(discretization: Discretization, points: Floats) -> Nearly:
    """Interpolation at a grid of a hundred thousand points (dim, n), which may be off by a few hundredths of a cell.

    A point is looked for in one cell, the straight one that holds it or else the nearest curved one, and there in
    ``FEW`` steps of Newton's method; beside the mesh a polynomial is continued by up to ``BESIDE``. Where no
    cell is curved it is the interpolation itself.
    """
    curved = discretization.curved
    if len(curved.cells):
        cells = _nearest(discretization, points)
        found = np.flatnonzero(cells >= 0)
        reference = _reference_coordinates(discretization, cells[found], points[:, found].T, FEW)
    else:
        cells, reference = locate(discretization, points)
        found = np.flatnonzero(cells >= 0)
        reference = reference[found]
    inside = _barycentric(reference).min(axis=1) >= -BESIDE
    found, reference = found[inside], reference[inside]
    basis = _dolfinx.tabulate_lagrange(len(points), discretization.degree, reference)[0]
    return Nearly(discretization, points.shape[1], found, basis, discretization.dofs[cells[found]])


def _nearest(discretization: Discretization, points: Floats) -> Integers:
    """The straight cell that holds each point, or else the nearest of the curved ones; -1 far from them."""
    from scipy.spatial import cKDTree

    curved = discretization.curved
    cells = Locator(discretization.triangulation.points, discretization.vertices).find(points)
    outside = np.flatnonzero(cells < 0)
    centers = curved.nodes.mean(axis=1)
    reach = float(np.linalg.norm(curved.nodes - centers[:, None], axis=2).max())
    away, near = cKDTree(centers).query(points[:, outside].T, distance_upper_bound=reach)
    cells[outside[np.isfinite(away)]] = curved.cells[near[np.isfinite(away)]]
    return cells


def evaluate(discretization: Discretization, points: Floats, local: Callable[[Integers], Floats]) -> Floats:
    """As :func:`interpolate`, with the nodal values of a cell, (n, dofs per cell), from its unknowns."""
    return evaluate_in_cells(discretization, points, lambda cells: local(discretization.dofs[cells]))


def _plain(basis: Floats, values: Floats) -> Floats:
    return np.asarray((basis * values).sum(axis=1))


def _logarithms(basis: Floats, values: Floats) -> Floats:
    """As they are; in cells where the function vanishes at a node, the logarithm of its own interpolant."""
    vanishing = np.isneginf(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = _plain(basis, np.where(vanishing, 0.0, values))
        some = np.flatnonzero(vanishing.any(axis=1))
        if len(some):
            top = np.maximum(values[some].max(axis=1, keepdims=True), -1e300)
            inside = np.maximum(_plain(basis[some], np.exp(values[some] - top)), 0.0)
            result[some] = np.log(inside) + top[:, 0]
    return result


def evaluate_in_cells(
    discretization: Discretization,
    points: Floats,
    local: Callable[[Integers], Floats],
    combine: Callable[[Floats, Floats], Floats] = _plain,
) -> Floats:
    """As :func:`interpolate`, with the nodal values of a cell, (n, dofs per cell), from its number on this rank.

    ``combine`` makes values at points, (n,), of basis functions there and nodal values, (n, dofs per cell) each.
    """
    cells, reference = locate(discretization, points)
    found = np.flatnonzero(cells >= 0)
    values = np.full(points.shape[1], np.nan)
    if len(found):
        basis = _dolfinx.tabulate_lagrange(len(points), discretization.degree, reference[found])[0]
        values[found] = combine(basis, local(cells[found]))
    if discretization.comm.size > 1:
        for other in discretization.comm.allgather(values):
            values = np.where(np.isnan(values), other, values)
        values = discretization.comm.bcast(values)
    return values


def point_functional(discretization: Discretization, point: Floats) -> Floats:
    """The vector r, (N,), with r . u = u(point) for nodal values u of a function; ``point`` (dim,) in the mesh."""
    cells, reference = locate(discretization, np.asarray(point, dtype=float)[:, None])
    found = discretization.comm.allgather(bool(cells[0] >= 0))
    result = np.zeros(discretization.count)
    if cells[0] >= 0 and found.index(True) == discretization.comm.rank:
        basis = _dolfinx.tabulate_lagrange(len(point), discretization.degree, reference)[0]
        np.add.at(result, discretization.dofs[cells[0]], basis[0])
    return np.asarray(discretization.comm.allreduce(result)) if discretization.comm.size > 1 else result


def locate(discretization: Discretization, points: Floats) -> tuple[Integers, Floats]:
    """Cell of this rank that holds each point (or -1), and reference coordinates in it, (n, dim)."""
    from scipy.spatial import cKDTree

    count, most = points.shape[1], len(discretization.dofs)
    cells, reference = np.full(count, -1), np.zeros((count, len(points)))
    if not most:
        return cells, reference
    centers, lower, upper = discretization.cell_nodes.mean(axis=1), *_boxes(discretization)
    # beyond this distance from its centre no cell holds a point: most of a grid around a narrow domain is out of reach
    reach = float(np.linalg.norm(np.maximum(upper - centers, centers - lower), axis=1).max())
    tree = cKDTree(centers)
    best, open_ = np.full(count, np.inf), np.arange(count)
    for neighbours in (4, 16, 64, 256):
        if not len(open_):
            break
        wanted = points[:, open_].T
        distance, near = tree.query(wanted, k=min(neighbours, most), distance_upper_bound=reach)
        distance, near = distance.reshape(len(open_), -1), near.reshape(len(open_), -1)
        row, column = np.nonzero(np.isfinite(distance))
        candidates = near[row, column]
        around = ((wanted[row] >= lower[candidates]) & (wanted[row] <= upper[candidates])).all(axis=1)
        row, column, candidates = row[around], column[around], candidates[around]
        coordinates = _reference_coordinates(discretization, candidates, wanted[row])
        excess = -np.minimum(coordinates.min(axis=1), 1.0 - coordinates.sum(axis=1))
        order = np.lexsort((column, excess, row))
        rows, first = np.unique(row[order], return_index=True)
        chosen = order[first]
        best[open_[rows]], cells[open_[rows]] = excess[chosen], candidates[chosen]
        reference[open_[rows]] = coordinates[chosen]
        open_ = open_[(best[open_] > OUTSIDE) & np.isfinite(distance).all(axis=1)]
    left = np.flatnonzero(best > OUTSIDE)
    cells[left] = -1
    if len(left) and _has_long_cells(discretization):
        # the centre of a cell much longer than wide may be farther than those of hundreds that do not hold the point
        held = Locator(discretization.triangulation.points, discretization.vertices).find(points[:, left])
        some = left[held >= 0]
        cells[some] = held[held >= 0]
        reference[some] = _reference_coordinates(discretization, cells[some], points[:, some].T)
    return cells, reference


def _boxes(discretization: Discretization) -> tuple[Floats, Floats]:
    """Corners (m, dim) of the box around each cell, with room for what its nodes do not show of a curved one."""
    nodes, bent = discretization.cell_nodes, discretization.curved
    lower, upper = nodes.min(axis=1), nodes.max(axis=1)
    if len(bent.cells):
        lower[bent.cells] = np.minimum(lower[bent.cells], bent.nodes.min(axis=1))
        upper[bent.cells] = np.maximum(upper[bent.cells], bent.nodes.max(axis=1))
    slack = BULGE * (upper - lower)
    return lower - slack, upper + slack


def _has_long_cells(discretization: Discretization) -> bool:
    """Whether the box around some cell of this rank is much longer than wide, or cells are stretched askew."""
    edges = np.ptp(discretization.corners, axis=1)
    stretched = discretization.triangulation.stretch is not None
    return stretched or bool((edges.max(axis=1) > LONG * edges.min(axis=1)).any())


def _reference_coordinates(discretization: Discretization, cells: Integers, points: Floats, steps: int = 12) -> Floats:
    """Invert the map of each cell: affine where it is straight, Newton's method from there where it is curved."""
    corners = discretization.triangulation.points[discretization.vertices]
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    reference = np.einsum("nij,nj->ni", inverse[cells], points - corners[cells, 0])
    curved = discretization.curved
    if not len(curved.cells):
        return reference
    position = np.full(len(corners), -1)
    position[curved.cells] = np.arange(len(curved.cells))
    # a curved cell lies above the least barycentric coordinates, in the straight cell, of its own nodes
    of_nodes = np.einsum("nij,nkj->nki", inverse[curved.cells], curved.nodes - corners[curved.cells, :1])
    least = _barycentric(of_nodes).min(axis=1) - BULGE
    bent = np.flatnonzero(position[cells] >= 0)
    bent = bent[(_barycentric(reference[bent]) >= least[position[cells[bent]]]).all(axis=1)]
    for some in np.array_split(bent, len(bent) // TOGETHER + 1):
        nodes = curved.nodes[position[cells[some]]]
        reference[some] = _newton(nodes, points[some], np.clip(reference[some], -0.2, 1.2), steps)
    return reference


def _barycentric(reference: Floats) -> Floats:
    """Of all corners, (..., dim + 1)."""
    return np.concatenate([1.0 - reference.sum(axis=-1, keepdims=True), reference], axis=-1)


def _newton(nodes: Floats, points: Floats, reference: Floats, steps: int) -> Floats:
    """Of the points that are not there yet, for those outside of a cell may never be."""
    active = np.arange(len(points))
    for _ in range(steps):
        basis = _dolfinx.tabulate_lagrange(points.shape[1], DEGREE, reference[active], 1)
        residual = points[active] - np.einsum("na,nad->nd", basis[0], nodes[active])
        jacobian = np.einsum("jna,nad->ndj", basis[1:], nodes[active])
        step = np.linalg.solve(jacobian, residual[..., None])[..., 0]
        reference[active] += np.clip(step, -0.5, 0.5)
        active = active[np.abs(step).max(axis=1) >= 1e-13]
        if not len(active):
            break
    return reference
