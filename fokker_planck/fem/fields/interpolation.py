"""Values at points of functions given by their nodal values: exactly, or nearly where that is enough."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.point_location import locate, nearly_located, reference_coordinates
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.locator import Locator
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass

FEW = 1
"""Steps of Newton's method where the place may be off by hundredths of a cell: each takes 2 s for 60,000 points."""
BESIDE = 0.1
"""Of a cell, in barycentric coordinates: beside it a polynomial is still near what it continues."""


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
        values[self.found] = plain(self.basis, nodal[self.dofs])
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
        cells = nearly_located(discretization, points)
        found = np.flatnonzero(cells >= 0)
        reference = reference_coordinates(discretization, cells[found], points[:, found].T, FEW)
    else:
        cells = Locator(discretization.triangulation.points, discretization.vertices).find(points)
        found = np.flatnonzero(cells >= 0)
        reference = reference_coordinates(discretization, cells[found], points[:, found].T)
    inside = barycentric(reference).min(axis=1) >= -BESIDE
    found, reference = found[inside], reference[inside]
    basis = _dolfinx.tabulate_lagrange(len(points), discretization.degree, reference)[0]
    return Nearly(discretization, points.shape[1], found, basis, discretization.dofs[cells[found]])


def evaluate(discretization: Discretization, points: Floats, local: Callable[[Integers], Floats]) -> Floats:
    """As :func:`interpolate`, with the nodal values of a cell, (n, dofs per cell), from its unknowns."""
    return evaluate_in_cells(discretization, points, lambda cells: local(discretization.dofs[cells]))


def plain(basis: Floats, values: Floats) -> Floats:
    """Values (n,) from basis functions (n, dofs per cell) at points and nodal values there."""
    return np.asarray((basis * values).sum(axis=1))


def logarithms(basis: Floats, values: Floats) -> Floats:
    """The same of logarithms; in cells where the function vanishes at a node, the logarithm of its own interpolant."""
    vanishing = np.isneginf(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = plain(basis, np.where(vanishing, 0.0, values))
        some = np.flatnonzero(vanishing.any(axis=1))
        if len(some):
            top = np.maximum(values[some].max(axis=1, keepdims=True), -1e300)
            inside = np.maximum(plain(basis[some], np.exp(values[some] - top)), 0.0)
            result[some] = np.log(inside) + top[:, 0]
    return result


def evaluate_in_cells(
    discretization: Discretization,
    points: Floats,
    local: Callable[[Integers], Floats],
    combine: Callable[[Floats, Floats], Floats] = plain,
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
