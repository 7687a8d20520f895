"""Polynomials with given values at points of each cell, and their slopes at other points: as many as there are cells.

By monomials, each made of one before it by a product: the basis of an element, tabulated at points that differ from
cell to cell, takes fifteen times as long.  An interpolant is the same in every basis, and is found here with what is
left of its equations by rounding: of monomials on [-1, 1.3] no more than of any other basis of these degrees.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.formulas.arrays import Floats

CENTRE, SCALE = 0.35, 2.0
"""Of straight coordinates, from 0 to 1: monomials are of ``SCALE`` (x - ``CENTRE``)."""


def interpolants(degree: int, nodes: Floats, values: Floats) -> Floats:
    """Coefficients (cells, n) of the polynomials with ``values`` (cells, n) at ``nodes`` (cells, n, dim)."""
    powers = monomials(degree, np.moveaxis(nodes, 2, 0))
    return np.asarray(np.linalg.solve(np.swapaxes(powers, 1, 2), values[..., None])[..., 0])


def values_and_slopes(degree: int, coefficients: Floats, points: Floats) -> Floats:
    """Of the polynomials of each cell at its ``points`` (dim, cells, q): (cells, 1 + dim, q), slopes after values."""
    both = np.stack([coefficients @ table for table in _differentiated(len(points), degree)], axis=1)
    return np.asarray(both @ monomials(degree, points))


def at_nodes_of_element(degree: int, coefficients: Floats, dimension: int) -> Floats:
    """Of the polynomials of all cells at the nodes of the Lagrange element of the straight ones, (cells, n)."""
    nodes = _dolfinx.lagrange_nodes(dimension, degree).T
    return np.asarray(coefficients @ monomials(degree, nodes[:, None])[0])


def monomials(degree: int, points: Floats) -> Floats:
    """At points (dim, cells, q), (cells, n, q)."""
    centred, exponents = SCALE * (points - CENTRE), _exponents(len(points), degree)
    numbers = {each: number for number, each in enumerate(exponents)}
    result = np.empty((points.shape[1], len(exponents), points.shape[2]))
    result[:, 0] = 1.0
    for number, each in enumerate(exponents[1:], 1):
        axis = max(axis for axis, power in enumerate(each) if power)
        lower = tuple(power - (k == axis) for k, power in enumerate(each))
        np.multiply(result[:, numbers[lower]], centred[axis], out=result[:, number])
    return result


@lru_cache(maxsize=16)
def _exponents(dimension: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """Of all monomials up to a degree, ascending by it."""
    every = product(range(degree + 1), repeat=dimension)
    return tuple(sorted((each for each in every if sum(each) <= degree), key=sum))


@lru_cache(maxsize=16)
def _differentiated(dimension: int, degree: int) -> Floats:
    """What turns coefficients (n,) from the right into those of the polynomial and its slopes, (1 + dim, n, n)."""
    exponents = _exponents(dimension, degree)
    numbers = {each: number for number, each in enumerate(exponents)}
    result = np.zeros((1 + dimension, len(exponents), len(exponents)))
    result[0] = np.eye(len(exponents))
    for number, each in enumerate(exponents):
        for axis, power in enumerate(each):
            if power:
                lower = tuple(p - (k == axis) for k, p in enumerate(each))
                result[1 + axis, number, numbers[lower]] = SCALE * power
    return result
