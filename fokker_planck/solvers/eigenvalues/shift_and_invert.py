"""Eigenvalues of A u = lambda M u near a shift s, of either side, from one factorisation of A - s M.

(A - s M)^-1 M u = u / (lambda - s),     (A - s M)^-H M z = z / conj(lambda - s),

M being symmetric.  A Krylov space of the operator on the left finds the eigenvalues nearest to the shift.

Source: Ericsson and Ruhe, Math. Comp. 35 (1980) 1251.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.static_condensation import condensed_factorization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Numbers

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

    A real shift takes real arithmetic.  ``solve`` takes a vector (N,) and whether the adjoint is meant, for a complex
    shift the conjugate one.  What was ``found`` on the right side is not looked for again.
    """

    def __init__(self, generator: Generator, free: Booleans, shift: complex) -> None:
        self.generator, self.free, self.shift = generator, free, complex(shift)
        self.real = self.shift.imag == 0.0
        self.solve: Solve = _solve(generator, free, self.shift)
        self.found: tuple[Numbers, Numbers] | None = None

    def nearest(self, count: int, *, adjoint: bool = False) -> tuple[Numbers, Numbers]:
        """The ``count`` eigenvalues of A u = lambda M u nearest to s, by distance, and their vectors (k, n).

        With ``adjoint`` the vectors z of A^T z = lambda M z.
        """
        if self.found is not None and not adjoint and count <= len(self.found[0]):
            return self.found[0][:count], self.found[1][:count]
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
        if not adjoint:
            self.found = self.shift + values, vectors
        return self.shift + values, vectors


def _solve(generator: Generator, free: Booleans, shift: complex) -> Solve:
    """That of A - s M, or of its adjoint."""
    exact = shift.real if shift.imag == 0.0 else shift
    shifted = generator.stiffness - exact * generator.mass
    factored = condensed_factorization(generator.discretization, shifted, free, symmetric=False)

    def solve(vector: Numbers, adjoint: bool) -> Numbers:
        if not (adjoint and np.iscomplexobj(shifted)):
            return factored.solve(vector, adjoint=adjoint)
        return np.conj(factored.solve(np.conj(vector), adjoint=True))

    return solve


def times_mass(generator: Generator, vector: Numbers) -> Numbers:
    """M u of a scaled vector (N,), real or complex."""
    if not np.iscomplexobj(vector):
        return generator.apply_mass(vector)
    real, imaginary = np.ascontiguousarray(vector.real), np.ascontiguousarray(vector.imag)
    return np.asarray(generator.apply_mass(real) + 1j * generator.apply_mass(imaginary))
