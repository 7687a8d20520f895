"""Types of arrays, and of functions on points, shared by all: points are (dim, n) in functions, (n, dim) in meshes."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]
Complexes: TypeAlias = NDArray[np.complex128]
Numbers: TypeAlias = NDArray[Any]
"""Real or complex."""


class Function(Protocol):
    """A function on points (dim, n) with derivatives: a potential V, or a dimensionless exponent Phi."""

    def value(self, x: Floats) -> Floats:
        """Values, (n,)."""
        ...

    def gradient(self, x: Floats) -> Floats:
        """Gradients, (dim, n)."""
        ...

    def hessian(self, x: Floats) -> Floats:
        """Hessians, (dim, dim, n)."""
        ...


def distinct(numbers: Integers) -> Integers:
    """The different ones, ascending, of integers in any shape.

    ``numpy.unique`` asks the masked arrays of numpy first, which takes 6 ms to import, as long as the whole answer
    to some questions on a line.

    >>> distinct(np.array([[3, 1], [1, 2]])).tolist()
    [1, 2, 3]
    """
    ascending = np.sort(numbers, axis=None)
    new = np.ones(len(ascending), dtype=bool)
    new[1:] = ascending[1:] != ascending[:-1]
    return np.asarray(ascending[new])
