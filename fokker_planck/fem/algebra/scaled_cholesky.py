"""Cholesky factors of the matrices of many cells at once, in the scale of their diagonals.

Where Phi changes by much across a cell its entries differ by many orders of magnitude; the error of a factor in this
scale is that of a small relative change of every entry (Demmel 1989).
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass

SHIFTS = (0.0, 1e-15, 1e-14, 1e-13, 1e-12, 1e-10, 1e-8)
"""Of the diagonal, which is one: from rounding to what still leaves eight digits; a larger one is an error
elsewhere."""


@dataclass(frozen=True)
class ScaledCholesky:
    """S A S = L L^T with ``lower`` L (m, n, n) and ``scale`` (m, n), the diagonal of S."""

    lower: Floats
    scale: Floats


def scaled_cholesky(matrices: Floats) -> ScaledCholesky:
    """Factor symmetric positive definite matrices (m, n, n).

    Should rounding have made some indefinite, the least of the multiples of the identity in ``SHIFTS`` that mends that
    is added to all in their scale.  Raises ``ConvergenceError`` where none does.

    >>> factor = scaled_cholesky(np.array([[[4.0, 2e-8], [2e-8, 1e-14]]]))
    >>> factor.scale.tolist(), factor.lower[0].round(12).tolist()
    ([[0.5, 10000000.0]], [[1.0, 0.0], [0.1, 0.994987437107]])
    """
    for shift in SHIFTS:
        try:
            return ScaledCholesky(*in_own_scale(matrices, shift))
        except np.linalg.LinAlgError:
            continue
    raise ConvergenceError("rounding has made the energy of a cell negative", "a finer mesh, or more noise")


def in_own_scale(matrices: Numbers, shift: float = 0.0) -> tuple[Numbers, Floats]:
    """Cholesky factor and scale of Hermitian matrices (m, n, n), a multiple of the identity added in their scale.

    Raises ``LinAlgError`` where one is not positive definite.
    """
    diagonal = np.einsum("cii->ci", matrices).real
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scaled = matrices * scale[:, :, None] * scale[:, None, :]
    return np.linalg.cholesky(scaled + shift * np.eye(scaled.shape[1])), scale


def forward_substituted(lower: Numbers, right: Numbers) -> Numbers:
    """L^-1 times ``right`` (m, n, k), row after row for all matrices at once."""
    result = np.empty_like(right)
    for row in range(lower.shape[1]):
        known = (lower[:, row, None, :row] @ result[:, :row])[:, 0]
        result[:, row] = (right[:, row] - known) / lower[:, row, row, None]
    return result
