"""Complex matrices in real arithmetic: A + iB as [[A, -B], [B, A]], real and imaginary parts interleaved."""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _petsc
from fokker_planck.formulas.arrays import Floats, Integers, Numbers


class ComplexFactorization:
    """A complex matrix, given by element matrices (m, n, n), factored as the real one of u and v, u + i v."""

    def __init__(self, comm: MPI.Comm, size: int, dofs: Integers, elements: Numbers, *, planar: bool = False) -> None:
        operator = _petsc.matrix(comm, 2 * size, interleaved(dofs), as_real(elements), symmetric=False)
        self._factored = _petsc.TwoSidedFactorization(operator, planar=planar)

    def solve(self, right: Numbers, *, adjoint: bool = False) -> Numbers:
        """A x = b, or A^T x = b, no conjugate taken, for right-hand sides (k, n)."""
        given = np.conj(right) if adjoint else np.asarray(right, dtype=np.complex128)
        flat = np.ascontiguousarray(given).view(np.float64)
        found = np.ascontiguousarray(self._factored.solve(flat, adjoint=adjoint)).view(np.complex128)
        return np.conj(found) if adjoint else found


def interleaved(dofs: Integers) -> Integers:
    """The numbers (m, 2 n) of real parts, behind them those of imaginary ones; negative where ``dofs`` (m, n) are."""
    return np.concatenate([2 * dofs, np.where(dofs < 0, -1, 2 * dofs + 1)], axis=1)


def as_real(elements: Numbers) -> Floats:
    """[[Re, -Im], [Im, Re]] of complex element matrices, (m, 2 n, 2 n)."""
    real, imaginary = elements.real, elements.imag
    rows = [np.concatenate([real, -imaginary], axis=2), np.concatenate([imaginary, real], axis=2)]
    return np.concatenate(rows, axis=1)
