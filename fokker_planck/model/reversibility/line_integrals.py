"""Integrals along many lines at once, each with twice the pieces until it settles."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats, Integers

ORDER = 12
"""Gauss points a piece. Noise that follows a Hessian, floor 0.1: 2,000 lines take 2.0 million evaluations with 12, 1.6
with 24, while with 6 the smooth part of a line is cut as finely as ``MOST_PIECES`` allows and does not settle."""
MOST_PIECES = 256
"""Beyond it the integrand is taken for one that has no integral: on 3,000 points of a line noise all but vanishes."""
TOLERANCE = 1e-13
"""Of the integral, or of what it is added to: some hundred times the rounding of a sum over a line."""
BLOCK = 200_000
"""Points at once, some ten arrays of 1.6 MB; 5,000 to two million at once took the same time within a third."""


@lru_cache(maxsize=1)
def nodes_and_weights() -> tuple[Floats, Floats]:
    """Of Gauss's rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(ORDER)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def settled_integrals(
    integrated: Callable[[Integers, int], Floats],
    sizes: Floats,
    first: int = 1,
    stretches: int = 1,
    *,
    partial: bool = False,
) -> Floats:
    """The integrals along n lines, (n,).

    Parameters
    ----------
    integrated
        of some of the lines, by their numbers (m,), with so many pieces a stretch: (m,).
    sizes
        what each integral is added to, the rounding of which it need not be below, (n,).
    first
        pieces to begin with.
    stretches
        of each line, between the surfaces that it crosses.
    partial
        lets those that do not settle be not-a-number.

    Raises
    ------
    ConvergenceError
        Where one does not settle, unless ``partial``. One that is not finite stays so.

    Examples
    --------
    >>> ends = np.array([1.0, 2.0])
    >>> def of_cosine(lines, pieces):
    ...     nodes, weights = nodes_and_weights()
    ...     t = ((np.arange(pieces)[:, None] + nodes) / pieces).ravel()
    ...     return ends[lines] * (np.cos(ends[lines, None] * t) @ np.tile(weights / pieces, pieces))
    >>> bool(np.abs(settled_integrals(of_cosine, np.ones(2)) - np.sin(ends)).max() < 1e-15)
    True
    """
    result = np.zeros(len(sizes))
    todo, last, pieces = np.arange(len(sizes)), np.full(len(sizes), np.nan), first
    while len(todo):
        blocks = np.array_split(todo, max(1, len(todo) * pieces * ORDER * stretches // BLOCK))
        now = np.concatenate([integrated(block, pieces) for block in blocks])
        settled = ~(np.abs(now - last) > TOLERANCE * np.maximum(sizes[todo], np.abs(now))) & np.isfinite(last)
        settled |= ~np.isfinite(now)
        result[todo[settled]] = now[settled]
        todo, last, pieces = todo[~settled], now[~settled], 2 * pieces
        if pieces > MOST_PIECES and len(todo):
            if partial:
                result[todo] = np.nan
                return result
            raise ConvergenceError(
                "the exponent of the stationary density could not be integrated along straight lines",
                "coefficients that vary less, or noise that nowhere nearly vanishes",
            )
    return result
