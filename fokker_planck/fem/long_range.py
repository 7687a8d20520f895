"""Vectors whose entries span more orders of magnitude than a double, and solves that produce them.

The equilibrium potential of a well, in the generator's scaled unknowns, falls to exp(-barrier) on the way to the next
well.  A solve gives every entry with its own accuracy down to the smallest double; from there it is continued: what
is known is taken as given, its residual at the front, now of order one, is the right-hand side of the next solve
with the same factorisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np

from fokker_planck.fem.triangulation import Booleans, Floats, Integers

TIER = 800.0 * log(2.0)
SMALLEST = 1e-250
MOST_TIERS = 60


@dataclass(frozen=True)
class LongRange:
    """The numbers ``mantissas * exp(-TIER * tiers)``, arrays of one shape.

    >>> LongRange(np.array([2.0]), np.array([3])).times_exp(3 * TIER).tolist()
    [2.0]
    """

    mantissas: Floats
    tiers: Integers

    def times_exp(self, exponent: Floats | float) -> Floats:
        """The numbers times exp(``exponent``), wherever that product is a double."""
        return times_exp(self.mantissas, exponent - TIER * self.tiers)

    def in_tier(self, tier: int) -> Floats:
        """The numbers times exp(TIER * ``tier``); right where their own tier is at most one above."""
        return np.asarray(np.ldexp(self.mantissas, -800 * np.clip(self.tiers - tier, -1, 2)))

    @property
    def logs(self) -> Floats:
        """Natural logarithms of the absolute values."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.abs(self.mantissas)) - TIER * self.tiers)


def times_exp(values: Floats, exponent: Floats | float) -> Floats:
    """``values * exp(exponent)`` where a factor alone may leave the range of a double, but not the product.

    >>> times_exp(np.array([-1e-300, 0.0]), 700.0).tolist() == [-1e-300 * np.exp(700.0), 0.0]
    True
    """
    exponent = np.asarray(exponent, dtype=float)
    if np.abs(exponent).max(initial=0.0) < 300.0:
        return np.asarray(values * np.exp(exponent))
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(np.sign(values) * np.exp(np.log(np.abs(values)) + exponent))


def decaying_solution(
    apply: Callable[[Floats], Floats],
    solve: Callable[[Floats], Floats],
    touching: Callable[[Booleans], Booleans],
    given: Floats,
) -> LongRange:
    """u with u = ``given`` where that is not free, A u = 0 where it is.

    Args:
        apply: A times a vector, (N,).
        solve: A_FF^-1 times the free part of a vector, zero elsewhere.
        touching: all unknowns that are neighbours of the marked ones, and those.
        given: the values that are not free, zero on F; (N,).
    """
    mantissas = given + solve(-apply(given))
    tiers = np.zeros(len(mantissas), dtype=np.int64)
    known = touching(np.abs(mantissas) >= SMALLEST)
    for tier in range(1, MOST_TIERS):
        if known.all():
            break
        reached = LongRange(np.where(known, mantissas, 0.0), tiers).in_tier(tier - 1)
        front = touching(~known)
        residual = np.ldexp(np.where(front, -apply(reached), 0.0), 800)
        onward = np.where(known, 0.0, solve(residual))
        fresh = ~known & touching(np.abs(onward) >= SMALLEST)
        if not fresh.any():
            break
        mantissas, tiers = np.where(known, mantissas, onward), np.where(known, tiers, tier)
        known |= fresh
    return LongRange(mantissas, tiers)
