"""Quadrature on simplices: Gauss-Jacobi rules on a collapsed cube, and the division of a simplex into equal parts.

On the cube [0, 1]^d with coordinates t, the map ``x_1 = t_1, x_2 = (1 - t_1) t_2, ...`` covers the reference simplex
with Jacobian ``prod_k (1 - t_k)^(d - k)``, the weight of the Gauss-Jacobi rule in t_k.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import factorial

import numpy as np

from fokker_planck.formulas.arrays import Floats, Integers


@lru_cache(maxsize=32)
def simplex_rule(dimension: int, count: int) -> tuple[Floats, Floats]:
    """Barycentric points (q, dim + 1) and weights (q,) that sum to 1; exact for degree ``2 count - 1``.

    >>> points, weights = simplex_rule(2, 3)
    >>> round(float(weights @ points[:, 0]**2), 15)  # the mean of b^2 over a triangle is 1/6
    0.166666666666667
    """
    lines = [_jacobi_rule(count, dimension - axis - 1) for axis in range(dimension)]
    barycentric, weights = [], []
    for picks in product(range(count), repeat=dimension):
        left, weight, row = 1.0, 1.0, []
        for axis, pick in enumerate(picks):
            t = 0.5 * (1.0 + lines[axis][0][pick])
            weight *= float(lines[axis][1][pick]) * 0.5 ** (dimension - axis)
            row.append(left * t)
            left *= 1.0 - t
        barycentric.append([left, *row])
        weights.append(weight * factorial(dimension))
    return np.array(barycentric), np.array(weights)


def _jacobi_rule(count: int, power: int) -> tuple[Floats, Floats]:
    """Points and weights of the Gauss rule for (1 - t)^power on [-1, 1].

    The points are the eigenvalues of the symmetric tridiagonal matrix of the three-term recurrence of the orthonormal
    Jacobi polynomials (Golub and Welsch, 1969), the weights 1 / sum_k p_k^2 there, to 1e-14.

    >>> points, weights = _jacobi_rule(2, 1)
    >>> bool(abs(weights @ points**3 + 2 / 5) < 1e-15)  # of t^3 (1 - t)
    True
    """
    n = np.arange(1.0, count)
    double = 2.0 * n + power
    sums = np.append(float(power), double)
    middle = -float(power**2) / np.maximum(sums * (sums + 2.0), 1.0)  # zero for power zero
    beside = 2.0 * n * (n + power) / (double * np.sqrt(double**2 - 1.0))
    points = np.linalg.eigvalsh(np.diag(middle) + np.diag(beside, 1) + np.diag(beside, -1))
    before, last = np.zeros(count), np.ones(count)
    total = last**2
    for k in range(count - 1):
        before, last = last, ((points - middle[k]) * last - (beside[k - 1] if k else 0.0) * before) / beside[k]
        total += last**2
    return points, 2.0 ** (power + 1) / (power + 1) / total


# Vertex pairs whose midpoints (numbered dim + 1, ...) a simplex is divided at, and its 2^dim children.
_MIDPOINTS = {1: ((0, 1),), 2: ((0, 1), (0, 2), (1, 2)), 3: ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))}
_CHILDREN = {
    1: ((0, 2), (2, 1)),
    2: ((0, 3, 4), (3, 1, 5), (4, 5, 2), (3, 5, 4)),
    # Bey (1995): four corners, and the octahedron cut along the diagonal from midpoint 02 to midpoint 13.
    3: (
        (0, 4, 5, 6),
        (4, 1, 7, 8),
        (5, 7, 2, 9),
        (6, 8, 9, 3),
        (4, 5, 6, 8),
        (4, 5, 7, 8),
        (5, 6, 8, 9),
        (5, 7, 8, 9),
    ),
}


def halved(points: Floats, cells: Integers) -> tuple[Floats, Integers]:
    """Every cell in 2^dim parts at the midpoints of its edges, which neighbours share: new points, children in order.

    >>> halved(np.array([[0.0], [1.0]]), np.array([[0, 1]]))[1].tolist()
    [[0, 2], [2, 1]]
    """
    edges, children = children_of(cells, len(points))
    return np.concatenate([points, 0.5 * (points[edges[:, 0]] + points[edges[:, 1]])]), children


def children_of(cells: Integers, count: int) -> tuple[Integers, Integers]:
    """The edges (e, 2) whose midpoints become the vertices ``count``, ``count + 1``, ..., and the 2^dim parts of all.

    >>> [array.tolist() for array in children_of(np.array([[0, 1], [1, 2]]), 3)]
    [[[0, 1], [1, 2]], [[0, 3], [3, 1], [1, 4], [4, 2]]]
    """
    dimension = cells.shape[1] - 1
    pairs = np.sort(cells[:, np.array(_MIDPOINTS[dimension])], axis=2)
    edges, number = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    local = np.concatenate([cells, count + number.reshape(len(cells), -1)], axis=1)
    return edges, local[:, np.array(_CHILDREN[dimension])].reshape(-1, dimension + 1)
