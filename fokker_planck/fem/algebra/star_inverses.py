"""Inverses of small symmetric matrices, kept as their triangles: B = sum_v R_v^T A_v^-1 R_v, star by star.

A preconditioner may be rough: where a matrix is far from singular, it is factored and kept in single precision.
Triangles in one column take half of the room of whole matrices, and of the time, which is that of reading them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

SINGLE = 1e4
"""Of the largest entry of an inverse in the scale of the diagonal, above which it is factored and kept in double
precision: where a well lies within one star nothing holds it but what leaves across steep slopes, and single precision,
good to 1e-7 of that, would make B indefinite."""


@dataclass(frozen=True)
class StarInverses:
    """The upper triangles ``packed``, column after column, of inverses of so many rows, their ``widths``.

    ``members`` (k,) are the unknowns of one star after the other, ``largest`` is the largest entry of all inverses.
    """

    kind: Any
    members: Integers
    widths: tuple[int, ...]
    packed: tuple[NDArray[Any], ...]
    largest: float

    def times(self, vector: Floats) -> NDArray[Any]:
        """Of every star times its part of a vector of all unknowns, one star after the other, (k,).

        >>> inverse = packed_inverse(np.array([[2.0, 1.0], [1.0, 2.0]]))[0]
        >>> stars = StarInverses(np.float32, np.array([1, 0]), (2,), (inverse,), 0.7)
        >>> stars.times(np.array([6.0, 3.0])).round(3).tolist()
        [0.0, 3.0]
        """
        from scipy.linalg import blas

        multiply = blas.sspmv if self.kind is np.float32 else blas.dspmv
        held = vector[self.members].astype(self.kind)
        image, first = np.empty_like(held), 0
        for width, triangle in zip(self.widths, self.packed, strict=True):
            last = first + width
            image[first:last] = multiply(width, 1.0, triangle, held[first:last])
            first = last
        return image


def packed_inverse(matrix: Floats) -> tuple[NDArray[Any], float]:
    """The triangle of the inverse of a symmetric matrix (n, n) with a diagonal of ones, and its largest entry.

    In single precision where that does; the largest entry is infinite where rounding has made the matrix indefinite.
    """
    from scipy.linalg import lapack

    inverse, status = lapack.spotrf(matrix.T.astype(np.float32), overwrite_a=1)
    if status == 0:
        inverse, status = lapack.spotri(inverse, overwrite_c=1)
        largest = float(inverse.diagonal().max(initial=0.0))
        if status == 0 and largest < SINGLE:
            return lapack.strttp(inverse)[0], largest
    inverse, status = lapack.dpotrf(matrix.T)
    if status == 0:
        inverse, status = lapack.dpotri(inverse, overwrite_c=1)
        if status == 0:
            return lapack.dtrttp(inverse)[0], float(inverse.diagonal().max(initial=0.0))
    return np.zeros(0), np.inf
