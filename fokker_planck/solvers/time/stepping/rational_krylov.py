"""exp(t L) f by the powers of one resolvent, orthonormal in M: for processes whose eigenvalues lie anywhere.

S = (M + r A)^-1 M has on the space of f, S f, S^2 f, ... the matrix H in an orthonormal basis V, and

    exp(t L) f ~ V exp(-(t / r) (H^-1 - 1)) e_1 |f|.

Unlike Chebyshev polynomials of S (:mod:`~.semigroup`) that needs no eigenvalues near the real axis; it is accurate in
the norm of M, which correlations are measured in, but not at every point for itself.

Source: van den Eshof and Hochbruck, SIAM J. Sci. Comput. 27 (2006) 1438; Moret and Novati, BIT 44 (2004) 595.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.eigenvalues.shift_and_invert import times_mass
from fokker_planck.solvers.time.stepping.semigroup import Resolvent

STEP, MOST = 8, 120
"""Vectors between two looks at what the last of them change, and the most: one costs a solve."""
ENDED = 1e-13
"""Of its length, what is left of a vector beside those before: the space holds all that it will."""
LEAST = 1e-14
"""Of |f|: what the last vectors change by rounding, at the times that the space serves."""


@dataclass(frozen=True)
class KrylovSpace:
    """``basis`` (m, N) of scaled vectors, orthonormal in M, with H (m, m), and |f|; ``change`` is that of the last.

    If ``raised`` f is S g, and exp(t L) g is meant.
    """

    r: float
    basis: Floats
    matrix: Floats
    length: float
    symmetric: bool
    change: float = np.inf
    raised: bool = False

    def at(self, t: float) -> Floats:
        """exp(t L) f, a scaled vector (N,)."""
        return np.asarray(self.coefficients(t) @ self.basis)

    def coefficients(self, t: float, size: int | None = None, *, slope: bool = False) -> Floats:
        """Of exp(t L) f in the basis, or by its first ``size`` vectors alone, (m,); of its derivative if ``slope``."""
        size = len(self.basis) if size is None else size
        result, matrix = np.zeros(len(self.basis)), self.matrix[:size, :size]
        if self.symmetric:
            values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
            values = np.clip(values, 1e-300, 1.0)
            rates = (1.0 / values - 1.0) / self.r
            factors = np.exp(-t * rates) * (-rates if slope else 1.0) / (values if self.raised else 1.0)
            result[:size] = vectors @ (factors * vectors[0])
        else:
            from scipy.linalg import expm

            inverse = np.linalg.inv(matrix)
            rates = (inverse - np.eye(size)) / self.r
            first = inverse[:, 0] if self.raised else np.eye(size)[0]
            result[:size] = expm(-t * rates) @ (-rates @ first if slope else first)
        return result * self.length

    def last_change(self, t: float) -> Floats:
        """What the last vectors change of exp(t L) f, (N,)."""
        size = len(self.basis)
        return np.asarray((self.coefficients(t) - self.coefficients(t, max(1, size - STEP // 2))) @ self.basis)


def krylov_space(
    resolvent: Resolvent,
    start: Floats,
    times: tuple[float, float],
    *,
    adjoint: bool = False,
    enough: float = LEAST,
    raised: bool = False,
) -> KrylovSpace:
    """The space of a scaled vector ``start`` (N,), large enough for the ``times`` between two.

    That is when the last vectors change less than ``enough`` of |f|, or are ``MOST``; what they change is said in any
    case.  With ``adjoint`` that of L* in M; ``raised`` says that ``start`` is S of what is meant.

    Raises ``ConvergenceError`` where ``start`` is zero.
    """
    generator = resolvent.generator
    length = norm(generator, start)
    if not length > 0.0:
        raise ConvergenceError("a function of the state does not vary", "another function")
    basis, images = np.empty((MOST, len(start))), np.empty((MOST, len(start)))
    matrix = np.zeros((MOST, MOST))
    basis[0], images[0] = start / length, generator.apply_mass(start / length)
    count = 0
    while True:
        vector = resolvent.factored.solve(images[count], adjoint=adjoint)
        count, before = count + 1, float(np.sqrt(abs(vector @ generator.apply_mass(vector))))
        for _ in range(2):
            along = images[:count] @ vector
            matrix[:count, count - 1] += along
            vector = vector - along @ basis[:count]
        image = generator.apply_mass(vector)
        left = float(np.sqrt(max(float(vector @ image), 0.0)))
        ended = left <= ENDED * before
        space = KrylovSpace(
            resolvent.r, basis[:count], matrix[:count, :count], length, generator.symmetric, raised=raised
        )
        if ended or count == MOST or count % STEP == 0:
            change = 0.0 if ended else max(_change(space, t) for t in times)
            if ended or count == MOST or change <= max(enough, LEAST) * length:
                return replace(space, basis=space.basis.copy(), matrix=space.matrix.copy(), change=change)
        matrix[count, count - 1] = left
        basis[count], images[count] = vector / left, image / left


def _change(space: KrylovSpace, t: float) -> float:
    """By how much the last vectors change exp(t L) f."""
    size = len(space.basis)
    return float(np.linalg.norm(space.coefficients(t) - space.coefficients(t, max(1, size - STEP // 2))))


def norm(generator: Generator, vector: Numbers) -> float:
    """Of a scaled vector (N,), real or complex, in M."""
    image = times_mass(generator, vector)
    return float(np.sqrt(max(complex(np.conj(vector) @ image).real, 0.0)))
