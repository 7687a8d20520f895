"""Eigenvalues of A u = lambda M u near a shift s, of either side, from one factorisation of A - s M.

(A - s M)^-1 M u = u / (lambda - s),     (A - s M)^-H M z = z / conj(lambda - s),

M being symmetric.  A Krylov space of the operator on the left finds the eigenvalues nearest to the shift.

Source: Ericsson and Ruhe, Math. Comp. 35 (1980) 1251.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.static_condensation import condensed_factorization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats

Numbers = NDArray[Any]
Solve = Callable[..., Any]

ACCURATE = 1e-12
"""Of 1 / (lambda - s), relative: rounding leaves 1e-14, and a hundredth of the steps would be saved by 1e-11."""
MOST_RESTARTS = 300
"""Of a Krylov space, of which spectra take one or two: more is an eigenvalue that does not converge."""
LENGTH, SPARE = {True: 3, False: 2}, {True: 30, False: 20}
"""Of a Krylov space, for every eigenvalue asked for, and besides; shorter where arithmetic is complex and each step
takes four times as long.  From a real space of 2 k + 1 vectors eigenvalues of a matrix far from normal came out wrong,
and as converged."""


class ShiftedPencil:
    """A - s M on the ``free`` unknowns (N,), factored.

    A real shift takes real arithmetic, and unknowns inside cells are eliminated first; for a complex one real and
    imaginary parts are interleaved.  ``solve`` takes a vector (N,) and whether the adjoint is meant, for a complex
    shift the conjugate one.
    """

    def __init__(self, generator: Generator, free: Booleans, shift: complex) -> None:
        self.generator, self.free, self.shift = generator, free, complex(shift)
        self.real = self.shift.imag == 0.0
        self.solve: Solve = (
            _real_solve(generator, free, self.shift.real) if self.real else _solve(generator, free, self.shift)
        )

    def nearest(self, count: int, *, adjoint: bool = False) -> tuple[Numbers, Numbers]:
        """The ``count`` eigenvalues of A u = lambda M u nearest to s, by distance, and their vectors (k, n).

        With ``adjoint`` the vectors z of A^T z = lambda M z.
        """
        size, dtype = int(self.free.sum()), np.dtype(np.float64 if self.real else np.complex128)
        whole = np.zeros(len(self.free), dtype=dtype)

        def step(vector: Numbers) -> Numbers:
            whole[self.free] = np.asarray(vector).ravel()
            return np.asarray(self.solve(times_mass(self.generator, whole), adjoint)[self.free])

        def pairs(apply: Any) -> Any:
            from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

            operator = LinearOperator((size, size), matvec=apply, dtype=dtype)
            start = (np.cos(np.arange(size) * 0.7) + 0.3).astype(dtype)
            length = min(LENGTH[self.real] * count + SPARE[self.real], size - 1)
            try:
                return eigs(operator, count, which="LM", v0=start, ncv=length, tol=ACCURATE, maxiter=MOST_RESTARTS)
            except ArpackError as error:
                found = f"eigenvalues near {self.shift:.4g} did not converge ({error})"
                raise ConvergenceError(found, _petsc.REMEDY) from None

        inverse, vectors = _petsc.led_by_first_rank(self.generator.discretization.comm, step, pairs)
        order = np.argsort(-np.abs(inverse), kind="stable")
        values, vectors = 1.0 / inverse[order], vectors.T[order]
        if adjoint and not self.real:
            values, vectors = np.conj(values), np.conj(vectors)
        return self.shift + values, vectors


def _real_solve(generator: Generator, free: Booleans, shift: float) -> Solve:
    shifted = generator.stiffness - shift * generator.mass
    factored = condensed_factorization(generator.discretization, shifted, free, symmetric=False)

    def solve(vector: Floats, adjoint: bool) -> Floats:
        return factored.solve(vector, adjoint=adjoint)

    return solve


def _solve(generator: Generator, free: Booleans, shift: complex) -> Solve:
    """That of A - s M or its adjoint, from the real matrix of u and v interleaved, z = u + i v."""
    discretization, size = generator.discretization, int(free.sum())
    numbers = np.where(free, np.cumsum(free) - 1, -1)[discretization.dofs]
    both = np.concatenate([2 * numbers, np.where(numbers < 0, -1, 2 * numbers + 1)], axis=1)
    real, imaginary = generator.stiffness - shift.real * generator.mass, shift.imag * generator.mass
    rows = [np.concatenate([real, imaginary], axis=2), np.concatenate([-imaginary, real], axis=2)]
    doubled = _petsc.matrix(discretization.comm, 2 * size, both, np.concatenate(rows, axis=1), symmetric=False)
    factored = _petsc.TwoSidedFactorization(doubled)

    def solve(vector: Numbers, adjoint: bool) -> Numbers:
        flat, result = np.empty(2 * size), np.zeros(len(free), dtype=complex)
        flat[0::2], flat[1::2] = vector[free].real, vector[free].imag
        flat = factored.solve(flat, adjoint=adjoint)
        result[free] = flat[0::2] + 1j * flat[1::2]
        return result

    return solve


def times_mass(generator: Generator, vector: Numbers) -> Numbers:
    """M u of a scaled vector (N,), real or complex."""
    if not np.iscomplexobj(vector):
        return generator.apply_mass(vector)
    real, imaginary = np.ascontiguousarray(vector.real), np.ascontiguousarray(vector.imag)
    return np.asarray(generator.apply_mass(real) + 1j * generator.apply_mass(imaginary))
