"""Eigenvalues l and axes Q of symmetric matrices H = Q diag(l) Q^T at many points, of at most three dimensions.

In the plane in closed form.  In space by Jacobi's rotations of all points at once: three axes a sweep, each a few
operations on whole arrays, and exact to rounding also where eigenvalues meet, where closed forms lose half of the
digits.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats

MOST_SWEEPS = 12
"""Of rotations: they converge quadratically, and of 80,000 random matrices none took more than five."""
NEGLIGIBLE = 1e-17
"""Of the largest entry: what is left beside the diagonal then changes no eigenvalue by a unit in the last place."""
ROTATIONS = ((0, 1, 2), (0, 2, 1), (1, 2, 0))
"""Both axes of the plane that is turned, and the third."""


def principal_axes(matrices: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues (dim, n), in no order, and axes (dim, dim, n), the second index that of the eigenvalue.

    Parameters
    ----------
    matrices
        symmetric, (dim, dim, n); eigenvalues are not-a-number where an entry is not finite

    Returns
    -------
    tuple[Floats, Floats]
        l and Q

    References
    ----------
    Golub and Van Loan, Matrix Computations, section 8.5.

    Examples
    --------
    >>> values, axes = principal_axes(np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 5.0]])[:, :, None])
    >>> np.sort(values[:, 0]).round(12).tolist()
    [1.0, 3.0, 5.0]
    """
    finite = np.isfinite(matrices).all(axis=(0, 1))
    usable = np.where(finite, matrices, 0.0)
    values, axes = {1: _of_line, 2: _of_plane, 3: _of_space}[len(matrices)](usable)
    return np.where(finite, values, np.nan), axes


def _of_line(matrices: Floats) -> tuple[Floats, Floats]:
    return matrices[0], np.ones_like(matrices)


def _of_plane(matrices: Floats) -> tuple[Floats, Floats]:
    """With half the angle of the first axis by its cosine or sine, whichever is no difference: a third of the time."""
    mean, half = 0.5 * (matrices[0, 0] + matrices[1, 1]), 0.5 * (matrices[0, 0] - matrices[1, 1])
    between = matrices[0, 1]
    apart = np.hypot(half, between)
    alike = apart == 0.0
    below = np.where(alike, 1.0, apart)
    larger = np.sqrt(0.5 + 0.5 * np.where(alike, 1.0, np.abs(half) / below))
    smaller = between / (2.0 * below * larger)
    first = half >= 0.0
    cosine = np.where(first, larger, np.abs(smaller))
    sine = np.where(first, smaller, np.copysign(larger, between))
    return np.stack([mean + apart, mean - apart]), np.stack([np.stack([cosine, -sine]), np.stack([sine, cosine])])


def _of_space(matrices: Floats) -> tuple[Floats, Floats]:
    turned, axes = matrices, np.zeros_like(matrices)
    axes[[0, 1, 2], [0, 1, 2]] = 1.0
    least = NEGLIGIBLE * np.abs(matrices).max(axis=(0, 1))
    for _ in range(MOST_SWEEPS):
        beside = np.maximum(np.maximum(np.abs(turned[0, 1]), np.abs(turned[0, 2])), np.abs(turned[1, 2]))
        if (beside <= least).all():
            break
        for rotation in ROTATIONS:
            _rotate(turned, axes, *rotation)
    return turned[[0, 1, 2], [0, 1, 2]], axes


def _rotate(turned: Floats, axes: Floats, first: int, second: int, third: int) -> None:
    """Make the entry of two axes zero, in place; of the symmetric matrices only the upper triangle is kept."""
    between = turned[first, second]
    apart = turned[second, second] - turned[first, first]
    below = np.abs(apart) + np.sqrt(apart * apart + 4.0 * between * between)
    tangent = np.where(apart < 0.0, -2.0, 2.0) * between / np.where(below > 0.0, below, 1.0)
    cosine = 1.0 / np.sqrt(1.0 + tangent * tangent)
    sine, moved = tangent * cosine, tangent * between
    turned[first, first] -= moved
    turned[second, second] += moved
    turned[first, second] = 0.0
    one, other = (min(first, third), max(first, third)), (min(second, third), max(second, third))
    turned[one], turned[other] = (
        cosine * turned[one] - sine * turned[other],
        sine * turned[one] + cosine * turned[other],
    )
    old, new = axes[:, first].copy(), axes[:, second].copy()
    axes[:, first], axes[:, second] = cosine * old - sine * new, sine * old + cosine * new
