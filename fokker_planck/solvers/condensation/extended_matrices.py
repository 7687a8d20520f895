"""Matrices whose entries span hundreds of orders of magnitude, as rows of numbers of mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from fokker_planck.formulas.arrays import Floats

Matrix = list[list[Any]]
Eigenpairs = tuple[list[Any], list[list[Any]], list[list[Any]], float]
"""Eigenvalues, vectors of both sides, which are one with detailed balance, and what doubles leave of the slowest."""


def whole_in_doubles(flows: Any, energy: Floats) -> Floats:
    """The matrix of S and E beside each other."""
    count, size = flows.rows, flows.rows + len(energy)
    whole = np.zeros((size, size))
    whole[:count, :count] = [[float(flows[i, j]) for j in range(count)] for i in range(count)]
    whole[count:, count:] = energy
    return whole


def exact(matrix: Floats) -> Matrix:
    """Doubles, as they are."""
    return [[mpmath.mpf(entry) for entry in row] for row in matrix.tolist()]


def transposed(rows: Matrix) -> Matrix:
    """The columns."""
    return [list(column) for column in zip(*rows, strict=True)]


def product(first: Matrix, second: Matrix) -> Matrix:
    """Of two matrices by rows."""
    columns = transposed(second)
    return [[mpmath.fdot(zip(row, column, strict=True)) for column in columns] for row in first]


def whole_of(flows: Any, energy: Floats) -> Any:
    """The matrix of S and E beside each other."""
    count, size = flows.rows, flows.rows + len(energy)
    whole = mpmath.matrix(size, size)
    for i in range(size):
        for j in range(size):
            if i < count and j < count:
                whole[i, j] = flows[i, j]
            elif i >= count and j >= count:
                whole[i, j] = mpmath.mpf(float(energy[i - count, j - count]))
    return whole
