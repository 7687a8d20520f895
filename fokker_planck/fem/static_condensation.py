"""Systems with a symmetric matrix given by its elements: unknowns inside cells are eliminated cell by cell.

With I the unknowns that belong to one cell alone and B the others, A_II is a block for every cell, and

    (A_BB - A_BI A_II^-1 A_IB) x_B = b_B - A_BI A_II^-1 b_I,      x_I = A_II^-1 (b_I - A_IB x_B).

Only the matrix on B is summed up and factored: at degree 7 in the plane a third of the entries, on a line two by two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.fem import _dolfinx, _petsc
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.scaled_cholesky import forward_substituted, scaled_cholesky


@dataclass(frozen=True)
class CondensedFactorization:
    """A_FF, factored; ``rest`` (N,) marks F.

    ``inside`` (m, i) and ``around`` (m, b) number the unknowns of every cell of this rank in its interior and on its
    faces; with A_II = L L^T, ``half`` (m, i, i) is L^-1 and ``coupling`` (m, i, b) is L^-1 A_IB.
    """

    rest: Booleans
    inside: Integers
    around: Integers
    half: Floats
    coupling: Floats
    kept: Integers
    outer: _petsc.Factorization
    comm: MPI.Comm

    def solve(self, right: Floats) -> Floats:
        """A_FF^-1 applied to the F part of a vector (N,); zero elsewhere."""
        load = np.where(self.rest, right, 0.0)
        within = (self.half @ load[self.inside][..., None])[..., 0]
        load -= self._summed(self.around, (within[:, None, :] @ self.coupling)[:, 0], len(load))
        result = np.zeros(len(load))
        result[self.kept] = self.outer.solve(load[self.kept])
        within -= (self.coupling @ result[self.around][..., None])[..., 0]
        return result + self._summed(self.inside, (within[:, None, :] @ self.half)[:, 0], len(load))

    def _summed(self, numbers: Integers, values: Floats, size: int) -> Floats:
        if numbers.shape[1] == 0:
            return np.zeros(size)
        total = np.bincount(numbers.ravel(), weights=values.ravel(), minlength=size)
        if self.comm.size > 1:
            self.comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
        return np.asarray(total, dtype=float)


def condensed_factorization(discretization: Discretization, elements: Floats, rest: Booleans) -> CondensedFactorization:
    """Factor the matrix of the element matrices (m, n, n) on the unknowns that ``rest`` (N,) marks.

    Raises ``ConvergenceError`` where a factorisation fails.
    """
    count = functions_on_faces(discretization.triangulation.dimension, discretization.degree)
    around, inside = discretization.dofs[:, :count], discretization.dofs[:, count:]
    free = rest[inside]
    block = elements[:, count:, count:] * free[:, :, None] * free[:, None, :]
    diagonal = np.arange(block.shape[1])
    block[:, diagonal, diagonal] += ~free
    towards = elements[:, count:, :count] * free[:, :, None]
    factor = scaled_cholesky(block)
    # as precise as the elimination of one unknown after the other, which a product with A_II^-1 would not be
    unit = np.eye(block.shape[1]) * (factor.scale * free)[:, :, None]
    both = np.concatenate([towards * factor.scale[:, :, None], unit], axis=2)
    solved = forward_substituted(factor.lower, both)
    coupling, half = np.ascontiguousarray(solved[:, :, :count]), np.ascontiguousarray(solved[:, :, count:])
    schur = elements[:, :count, :count] - np.swapaxes(coupling, 1, 2) @ coupling
    shared = rest.copy()
    shared[discretization.marked(inside)] = False
    numbers = np.where(shared, np.cumsum(shared) - 1, -1)
    outer = _petsc.Factorization(_petsc.matrix(discretization.comm, int(shared.sum()), numbers[around], schur))
    return CondensedFactorization(
        rest=rest,
        inside=inside,
        around=around,
        half=half,
        coupling=coupling,
        kept=np.flatnonzero(shared),
        outer=outer,
        comm=discretization.comm,
    )


def functions_on_faces(dimension: int, degree: int) -> int:
    """How many basis functions of a cell do not vanish on its faces; they come first."""
    reference = _dolfinx.lagrange_nodes(dimension, degree)
    barycentric = np.concatenate([1.0 - reference.sum(axis=1, keepdims=True), reference], axis=1)
    within = (barycentric > 1e-12).all(axis=1)
    if (np.diff(within.astype(int)) < 0).any():
        raise AssertionError("basis functions inside a cell do not come last")
    return int((~within).sum())
