"""Systems with a matrix given by its elements: unknowns inside cells are eliminated cell by cell.

With I the unknowns that belong to one cell alone and B the others, A_II is a block for every cell, and

    (A_BB - A_BI A_II^-1 A_IB) x_B = b_B - A_BI A_II^-1 b_I,      x_I = A_II^-1 (b_I - A_IB x_B).

Only the matrix on B is summed up and factored: at degree 7 in the plane a third of the entries, on a line two by two.
There a matrix that maps the constant function to zero is a chain of conductances, see :mod:`~.line_chain`.
A symmetric matrix is factored as L L^T, inside cells and between them, any other as L U; the transpose is solved with
the same factors.  A complex one is condensed as such, and what is left of it factored as a real one twice the size:
sixteen eigenvalues near a complex shift, 186,000 unknowns of degree 6 in the plane, take 20 s of CPU instead of 29.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx, _petsc
from fokker_planck.fem.algebra.complex_factorization import ComplexFactorization, as_real, interleaved
from fokker_planck.fem.algebra.conjugate_gradients import REACH
from fokker_planck.fem.algebra.iterated_solve import LARGEST_FACTOR, IteratedSolve
from fokker_planck.fem.algebra.line_chain import LineChain, conductances, line_chain
from fokker_planck.fem.algebra.scaled_cholesky import forward_substituted, in_own_scale, scaled_cholesky
from fokker_planck.fem.algebra.scaled_lu import scaled_lu
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import AT_ONCE
from fokker_planck.formulas.arrays import Booleans, Floats, Integers, Numbers
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass

DIRECT = 100_000
"""Unknowns on faces up to which a symmetric matrix in space is factored: 138,000 of degree 5 take 4 s and half of the
memory instead of 18 s, and a solve 4 s instead of 0.2 s."""
SPARSE_DEGREE, SPARSER = 3, 1.6
"""Times as many of that degree and less: 220,000 of them take 10 s to factor, and 113,000 took 25 s to solve seven
times by conjugate gradients, for rates at a barrier of 36."""
DEEP = 150.0
"""Of the exponent on the mesh, for each of which so many more unknowns are factored: a solution that decays takes a
stage for each exp(50), and a factor serves all. At barrier 500 (220,000 unknowns on faces, 1e-2) a factor takes 10 s
and 1.3 GB, a stage 9 s and 0.9 GB."""


@dataclass(frozen=True)
class Side:
    """What one triangular factor makes of a cell: with A_II = L U, ``half`` (m, i, i) and ``coupling`` (m, i, b).

    L^-1 and L^-1 A_IB for the rows, U^-T and U^-T A_BI^T for the columns.
    """

    half: Floats
    coupling: Floats


@dataclass(frozen=True)
class CondensedFactorization:
    """A_FF, factored; ``rest`` (N,) marks F.

    ``inside`` (m, i) and ``around`` (m, b) number the unknowns of every cell of this rank in its interior and on its
    faces; ``rows`` and ``columns`` are one for a symmetric matrix.
    """

    rest: Booleans
    inside: Integers
    around: Integers
    rows: Side
    columns: Side
    kept: Integers
    outer: _petsc.TwoSidedFactorization | ComplexFactorization | IteratedSolve | LineChain
    comm: MPI.Comm

    @property
    def reach(self) -> float:
        """Of the largest entry of a solution that decays, down to which its entries are known each for itself."""
        return REACH if isinstance(self.outer, IteratedSolve) and self.outer.iterated else 0.0

    def solve(self, right: Numbers, *, adjoint: bool = False, digits: int | None = None) -> Numbers:
        """A_FF^-1, or its transpose's, applied to the F part of vectors (N,) or (k, N); zero elsewhere.

        ``digits`` are those of an iteration, where a few are enough; a direct solve has its own.
        """
        first, second = (self.columns, self.rows) if adjoint else (self.rows, self.columns)
        rows = np.atleast_2d(right)
        if len(rows) > AT_ONCE:
            parts = [rows[k : k + AT_ONCE] for k in range(0, len(rows), AT_ONCE)]
            return np.concatenate([self.solve(part, adjoint=adjoint, digits=digits) for part in parts])
        load = np.where(self.rest, rows, 0.0)
        within = first.half @ load.T[self.inside]
        load -= self._summed(self.around, np.swapaxes(second.coupling, 1, 2) @ within, load.shape)
        result = np.zeros_like(load)
        if isinstance(self.outer, IteratedSolve):
            result[:, self.kept] = [self.outer.solve(one, digits) for one in load[:, self.kept]]
        else:
            result[:, self.kept] = self.outer.solve(load[:, self.kept], adjoint=adjoint)
        within -= first.coupling @ result.T[self.around]
        result += self._summed(self.inside, np.swapaxes(second.half, 1, 2) @ within, load.shape)
        return result.reshape(right.shape)

    def _summed(self, numbers: Integers, values: Numbers, shape: tuple[int, ...]) -> Numbers:
        """Entries (m, n, k) at unknowns (m, n), added up in k vectors of N, (k, N)."""
        if np.iscomplexobj(values):
            return self._summed(numbers, values.real, shape) + 1j * self._summed(numbers, values.imag, shape)
        total = np.zeros(shape)
        if numbers.shape[1] == 0:
            return total
        for row, part in zip(total, np.moveaxis(values, 2, 0), strict=True):
            row += np.bincount(numbers.ravel(), weights=part.ravel(), minlength=shape[1])
        if self.comm.size > 1:
            self.comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
        return total


def _iterated(
    discretization: Discretization, outer: Floats, rows: Side, numbers: Integers, exponent: Floats, size: int
) -> IteratedSolve | None:
    """What solves with S in space without a factor; None where it would not pay."""
    from fokker_planck.fem.algebra.vertex_stars import CellBlocks, vertex_stars

    stars = vertex_stars(discretization, CellBlocks(outer, rows.coupling, numbers), exponent, size)
    return None if stars is None else IteratedSolve(stars)


def condensed_factorization(
    discretization: Discretization,
    elements: Numbers,
    rest: Booleans,
    *,
    symmetric: bool = True,
    exponent: Floats | None = None,
    lost: Floats | float | None = None,
) -> CondensedFactorization:
    """Factor the matrix of the element matrices (m, n, n) on the unknowns that ``rest`` (N,) marks.

    Complex ones are ``symmetric`` no more.  ``lost`` (m, n) is what they map the constant function to, in unknowns
    scaled by the ``exponent`` (N,), one where that is least in a cell.  Raises ``ConvergenceError`` where a
    factorisation fails.
    """
    count = functions_on_faces(discretization.triangulation.dimension, discretization.degree)
    around, inside = discretization.dofs[:, :count], discretization.dofs[:, count:]
    free = rest[inside]
    block = elements[:, count:, count:] * free[:, :, None] * free[:, None, :]
    diagonal = np.arange(block.shape[1])
    block[:, diagonal, diagonal] += ~free
    towards = elements[:, count:, :count] * free[:, :, None]
    backwards = None if symmetric else np.swapaxes(elements[:, :count, count:], 1, 2) * free[:, :, None]
    rows, columns = _sides(block, free, towards, backwards)
    shared = rest.copy()
    shared[discretization.marked(inside)] = False
    numbers = np.where(shared, np.cumsum(shared) - 1, -1)[around]
    size, dimension = int(shared.sum()), discretization.triangulation.dimension
    outer: _petsc.TwoSidedFactorization | ComplexFactorization | IteratedSolve | LineChain | None = None
    if symmetric and exponent is not None and dimension == 3 and size > _most_factored(discretization.degree, exponent):
        outer = _iterated(discretization, elements[:, :count, :count], rows, numbers, exponent, size)
    kept = np.flatnonzero(shared)
    if outer is None:
        schur = elements[:, :count, :count] - np.swapaxes(columns.coupling, 1, 2) @ rows.coupling
        if dimension == 1 and symmetric and lost is not None and exponent is not None:
            before = np.einsum("cii->ci", elements[:, :count, :count])
            at_ends = _at_ends(discretization, rows, exponent, lost)
            cells = conductances(schur, before, exponent[around], at_ends, ~free.all(axis=1))
            outer = line_chain(discretization, numbers, cells, kept)
        else:
            outer = _factored(discretization.comm, size, numbers, schur, symmetric=symmetric, planar=dimension == 2)
    return CondensedFactorization(rest, inside, around, rows, columns, kept, outer, discretization.comm)


def _at_ends(discretization: Discretization, rows: Side, exponent: Floats, lost: Floats | float) -> Floats:
    """What a cell of a line loses, at its ends once the unknowns inside are eliminated, as rates, (m, 2)."""
    every = np.broadcast_to(lost, discretization.dofs.shape)
    within = (rows.half @ every[:, 2:, None])[:, :, 0]
    at_ends = every[:, :2] - np.einsum("cib,ci->cb", rows.coupling, within)
    local = exponent[discretization.dofs]
    return np.asarray(at_ends * np.exp(0.5 * (local[:, :2] - local.min(axis=1, keepdims=True))))


def _factored(
    comm: MPI.Comm, size: int, numbers: Integers, schur: Numbers, *, symmetric: bool, planar: bool
) -> _petsc.TwoSidedFactorization | ComplexFactorization:
    """The matrix on faces, of its element matrices (m, b, b)."""
    if np.iscomplexobj(schur):
        return ComplexFactorization(comm, size, numbers, schur, planar=planar)
    summed = _petsc.matrix(comm, size, numbers, schur, symmetric=symmetric)
    return (_petsc.Factorization if symmetric else _petsc.TwoSidedFactorization)(summed, planar=planar)


def is_positive(discretization: Discretization, elements: Numbers, rest: Booleans) -> bool:
    """Whether the Hermitian matrix of element matrices (m, n, n) is positive definite on ``rest`` (N,).

    It is where all blocks inside of cells are, and what is left on faces: of a matrix of degree 6 in the plane two
    fifths of the entries.
    """
    count = functions_on_faces(discretization.triangulation.dimension, discretization.degree)
    around, inside = discretization.dofs[:, :count], discretization.dofs[:, count:]
    free, schur, positive = rest[inside], elements[:, :count, :count], True
    if inside.shape[1]:
        diagonal = np.arange(inside.shape[1])
        block = elements[:, count:, count:] * free[:, :, None] * free[:, None, :]
        block[:, diagonal, diagonal] += ~free
        try:
            # no multiple of the identity may be added here, as where energies are known to be positive
            lower, scale = in_own_scale(block)
            coupling = forward_substituted(lower, elements[:, count:, :count] * (free * scale)[:, :, None])
            schur = schur - np.conj(np.swapaxes(coupling, 1, 2)) @ coupling
        except np.linalg.LinAlgError:
            positive = False
    if not discretization.comm.allreduce(positive, op=MPI.LAND):
        return False
    shared = rest.copy()
    shared[discretization.marked(inside)] = False
    numbers = np.where(shared, np.cumsum(shared) - 1, -1)[around]
    size, both = 2 * int(shared.sum()), interleaved(numbers)
    return _petsc.is_positive(discretization.comm, size, both, as_real(schur))


def _sides(block: Floats, free: Booleans, towards: Floats, backwards: Floats | None) -> tuple[Side, Side]:
    """Rows and columns from the matrices inside of cells, ``block`` (m, i, i): the same where the matrix is symmetric.

    ``towards`` (m, i, f) couples them to the faces, ``backwards`` (m, i, f) the faces to them; None by symmetry.
    """
    if backwards is None:
        factor = scaled_cholesky(block)
        rows = _side(factor.lower, towards * factor.scale[:, :, None], factor.scale * free)
        return rows, rows
    factors = scaled_lu(block)
    rows = _side(factors.lower, towards * factors.scale[:, :, None], factors.scale * free, factors.order)
    upper = np.swapaxes(factors.upper, 1, 2)
    return rows, _side(upper, backwards * factors.scale[:, :, None], factors.scale * free)


def _most_factored(degree: int, exponent: Floats) -> float:
    """Unknowns on faces up to which a symmetric matrix in space is factored."""
    direct = DIRECT * (SPARSER if degree <= SPARSE_DEGREE else 1.0)
    return min(direct * max(1.0, float(np.ptp(exponent)) / DEEP), max(direct, LARGEST_FACTOR))


def _side(lower: Floats, towards: Floats, diagonal: Floats, order: Integers | None = None) -> Side:
    """L^-1 applied to the couplings and to the scale, (m, i): row after row, as precise as elimination of unknowns.

    A product with A_II^-1 would not be.  ``order`` (m, i) is that in which L has the rows.
    """
    unit = np.eye(lower.shape[1]) * diagonal[:, :, None]
    both = np.concatenate([towards, unit], axis=2)
    if order is not None:
        both = np.take_along_axis(both, order[:, :, None], axis=1)
    solved, count = forward_substituted(lower, both), towards.shape[2]
    return Side(np.ascontiguousarray(solved[:, :, count:]), np.ascontiguousarray(solved[:, :, :count]))


def functions_on_faces(dimension: int, degree: int) -> int:
    """How many basis functions of a cell do not vanish on its faces; they come first."""
    reference = _dolfinx.lagrange_nodes(dimension, degree)
    coordinates = barycentric(reference)
    within = (coordinates > 1e-12).all(axis=1)
    if (np.diff(within.astype(int)) < 0).any():
        raise AssertionError("basis functions inside a cell do not come last")
    return int((~within).sum())
