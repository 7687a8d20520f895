"""The weak forms of the library, all of them.

For a process in detailed balance, with exponent Phi, diffusion D and weight w = exp(-Phi),

    a(u, v) = int w D grad u . grad v dx,        m(u, v) = int w u v dx,

so that a(u, v) = m(-L u, v) for every v where the boundary reflects (w D grad u . n = 0).  Where detailed balance
is broken, with any weight w = exp(-psi), the drift that is left over comes in addition:

    a(u, v) = int w D grad u . grad v dx - int w (c . grad u) v dx,      c = b - div D + D grad psi.

What is made is the element matrix of every cell, to be scaled cell by cell before anything is summed.  On a simplex
all of them are values of the coefficients at the quadrature points times one table of products of basis functions,
which a single matrix product multiplies for all cells: nothing is compiled, for no potential and no degree.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

CELLS_AT_ONCE = 4096
"""The same as in the indicator, for the same reason: 1,024 and 16,384 take the same time, within a fifth."""


@dataclass(frozen=True)
class Products:
    """Products of basis functions at the quadrature points of the reference simplex, row after row of a table.

    Columns are the entries (a, b) with a <= b of a symmetric element matrix; ``entries`` (n, n) says where each entry
    of the whole one stands.  ``energy`` (pairs i <= j, q, columns) is d_i a d_j b, symmetrised; ``mass`` (q, columns).
    """

    energy: Floats
    mass: Floats
    entries: Integers
    values: Floats
    slopes: Floats
    weights: Floats


def stiffness_matrices(corners: Floats, degree: int, rule: int, tensor: Floats) -> Floats:
    """Element matrices of a, (cells, n, n), for ``tensor`` (dim, dim, cells, q): w D times the volume factor.

    ``corners`` (cells, dim + 1, dim) are those of the straight cells, and the tensor is in straight coordinates.
    """
    products = _products(corners.shape[2], degree, rule)
    dimension, pulled = corners.shape[2], _pulled_back(corners)
    volume = _volumes(corners)[:, None] * products.weights
    pairs = [(i, j) for i in range(dimension) for j in range(i, dimension)]
    table = products.energy.reshape(-1, products.mass.shape[1])
    result = np.empty((len(corners), *products.entries.shape))
    for cells in _blocks(len(corners)):
        # J^-1 (w D) J^-T at every point
        half = np.einsum("cik,kjcq->ijcq", pulled[cells], tensor[:, :, cells])
        rows = [np.einsum("jcq,cj->cq", half[i], pulled[cells, k]) * volume[cells] for i, k in pairs]
        _expanded(np.concatenate(rows, axis=1) @ table, products.entries, result[cells])
    return result


def mass_matrices(corners: Floats, degree: int, rule: int, density: Floats) -> Floats:
    """Element matrices of m, (cells, n, n); ``density`` (cells, q) is w times the volume factor."""
    products = _products(corners.shape[2], degree, rule)
    volume = _volumes(corners)[:, None] * products.weights
    result = np.empty((len(corners), *products.entries.shape))
    for cells in _blocks(len(corners)):
        _expanded((density[cells] * volume[cells]) @ products.mass, products.entries, result[cells])
    return result


def advection_matrices(corners: Floats, degree: int, rule: int, velocity: Floats) -> Floats:
    """Element matrices of int (velocity . grad u) v dx; ``velocity`` (dim, cells, q) in straight coordinates.

    Rows belong to the test function v.
    """
    products = _products(corners.shape[2], degree, rule)
    count, dimension = products.entries.shape[0], corners.shape[2]
    table = (products.values[None, :, :, None] * products.slopes[:, :, None, :]).reshape(-1, count**2)
    pulled, volume = _pulled_back(corners), _volumes(corners)[:, None] * products.weights
    result = np.empty((len(corners), count, count))
    for cells in _blocks(len(corners)):
        along = np.einsum("cik,kcq->icq", pulled[cells], velocity[:, cells]) * volume[cells]
        rows = np.concatenate([along[i] for i in range(dimension)], axis=1)
        result[cells] = (rows @ table).reshape(-1, count, count)
    return result


def _expanded(upper: Floats, entries: Integers, result: Floats) -> None:
    """Whole symmetric matrices from their upper triangles, row by row."""
    np.take(upper, entries, axis=1, out=result, mode="clip")  # in the other modes ``out`` would be copied


def _blocks(count: int) -> list[slice]:
    return [slice(first, min(first + CELLS_AT_ONCE, count)) for first in range(0, count, CELLS_AT_ONCE)]


def _pulled_back(corners: Floats) -> Floats:
    """Inverse of the map from the reference simplex to every straight cell, (cells, dim, dim)."""
    return np.asarray(np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)))


def _volumes(corners: Floats) -> Floats:
    """Determinant of the map from the reference simplex, (cells,)."""
    return np.asarray(np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])))


@lru_cache(maxsize=8)
def _products(dimension: int, degree: int, rule: int) -> Products:
    points, weights = _dolfinx.quadrature_points(dimension, rule)
    table = _dolfinx.tabulate_lagrange(dimension, degree, points, 1)
    values, slopes = table[0], table[1:]
    count = values.shape[1]
    first, second = np.triu_indices(count)
    entries = np.empty((count, count), dtype=np.int64)
    entries[first, second] = entries[second, first] = np.arange(len(first))
    energy = []
    for i in range(dimension):
        for j in range(i, dimension):
            one = slopes[i][:, first] * slopes[j][:, second]
            energy.append(one if i == j else one + slopes[j][:, first] * slopes[i][:, second])
    return Products(np.array(energy), values[:, first] * values[:, second], entries, values, slopes, weights)
