"""Simplices as arrays: their volumes, and rows of vertices that are the same facet."""

from __future__ import annotations

from math import factorial

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers


def volumes(points: Floats, cells: Integers) -> Floats:
    """Signed volume of each cell (m, dim + 1): det(x_1 - x_0, ..., x_dim - x_0) / dim!

    >>> volumes(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([[0, 1, 2], [0, 2, 1]])).tolist()
    [0.5, -0.5]
    """
    corners = points[cells]
    return np.asarray(np.linalg.det(corners[:, 1:] - corners[:, :1]) / factorial(cells.shape[1] - 1))


def barycentric(reference: Floats) -> Floats:
    """Coordinates (..., dim + 1) with respect to all corners, which sum to one, from those (..., dim) of all but one.

    >>> barycentric(np.array([0.25, 0.5])).tolist()
    [0.25, 0.25, 0.5]
    """
    return np.concatenate([1.0 - reference.sum(axis=-1, keepdims=True), reference], axis=-1)


def simplex_volumes(corners: Floats) -> Floats:
    """Volumes (m,), without sign, of simplices given by their corners (m, dim + 1, dim)."""
    count, size, dimension = corners.shape
    return np.abs(volumes(corners.reshape(-1, dimension), np.arange(count * size).reshape(count, size)))


def rows_among(rows: Integers, others: Integers) -> Booleans:
    """Which rows (n, k), as sets of numbers, are among the others (m, k).

    >>> rows_among(np.array([[0, 1], [2, 1]]), np.array([[1, 2]])).tolist()
    [False, True]
    """
    known = {tuple(row) for row in np.sort(others, axis=1).tolist()}
    return np.array([tuple(row) in known for row in np.sort(rows, axis=1).tolist()], dtype=bool)
