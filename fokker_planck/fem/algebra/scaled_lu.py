"""LU factors of the matrices of many cells at once, in the scale of their diagonals.

    P S A S = L U,

S the diagonal scale of :mod:`~.scaled_cholesky`.  Energy dominates inside a cell, so that the pivots of
the diagonal serve, as those of a symmetric matrix would, and keep small entries as they are; rows change places only
where a pivot has all but vanished.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

LEAST_PIVOT = 0.1
"""Of the largest entry below it: an entry of L is never above its inverse, so that a step costs a digit at most."""


@dataclass(frozen=True)
class ScaledLU:
    """P S A S = L U with ``lower`` L (unit diagonal) and ``upper`` U (m, n, n), ``order`` (m, n) the rows of P A.

    ``scale`` (m, n) is the diagonal of S.
    """

    lower: Floats
    upper: Floats
    order: Integers
    scale: Floats


def scaled_lu(matrices: Floats) -> ScaledLU:
    """Factor regular matrices (m, n, n); raises ``ConvergenceError`` where one is singular.

    >>> factors = scaled_lu(np.array([[[4.0, 4e-8], [-2e-8, 1e-14]]]))
    >>> factors.lower[0].tolist(), factors.upper[0].round(12).tolist()
    ([[1.0, 0.0], [-0.1, 1.0]], [[1.0, 0.2], [0.0, 1.02]])
    """
    count, size = matrices.shape[:2]
    diagonal = np.abs(np.einsum("cii->ci", matrices))
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    work = matrices * scale[:, :, None] * scale[:, None, :]
    order = np.tile(np.arange(size), (count, 1))
    for column in range(size):
        below = np.abs(work[:, column:, column])
        swapped = np.flatnonzero(below[:, 0] < LEAST_PIVOT * below.max(axis=1))
        if len(swapped):
            other = column + np.argmax(below[swapped], axis=1)
            for rows in (work, order):
                rows[swapped, column], rows[swapped, other] = rows[swapped, other], rows[swapped, column].copy()
        pivot = work[:, column, column]
        if not (np.abs(pivot) > 0.0).all() or not np.isfinite(pivot).all():
            raise ConvergenceError("a cell of the mesh has a singular matrix", "a finer mesh, or more noise")
        work[:, column + 1 :, column] /= pivot[:, None]
        work[:, column + 1 :, column + 1 :] -= work[:, column + 1 :, column, None] * work[:, column, None, column + 1 :]
    return ScaledLU(np.tril(work, -1) + np.eye(size), np.triu(work), order, scale)
