"""Vectors whose entries span more orders of magnitude than a double, and solves that produce them.

The equilibrium potential of a well, in the generator's scaled unknowns, falls to exp(-barrier) on the way to the next
well.  A solve gives every entry with its own accuracy down to the smallest double; from there it is continued: what
is known is taken as given, its residual at the front, now of order one, is the right-hand side of the next solve
with the same factorisation.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

SMALLEST = 1e-250
"""What a solve leaves above this is taken as known: there is room down to 1e-308 for the factors of rows between."""
CLEAR = 1e-200
"""What is above this vouches for its neighbours: smaller beside it is a change of sign, no underflow."""
SMALLEST_STEEP = 1e-130
"""The same where neighbours differ by up to exp(350) = 1e152, so that products with them are doubles still."""
LARGEST_LOG = 690.0
"""Of what is kept as a double: a factor of exp(19) below the largest of them, for what is multiplied with it."""
LARGEST = 1e200
"""Where a residual is cut off: times an entry of a matrix of 1e100 it is a double still."""
MOST_STAGES = 100
"""Of 250 powers of ten each: beyond a barrier of 57,000 units of epsilon the end is reported as lost."""


@dataclass(frozen=True)
class LongRange:
    """The numbers ``mantissas * 2**powers``, arrays of one shape.

    >>> LongRange(np.array([2.0]), np.array([-3000])).times_exp(3000 * log(2.0)).round(9).tolist()
    [2.0]
    """

    mantissas: Floats
    powers: Integers

    def times_exp(self, exponent: Floats | float) -> Floats:
        """The numbers times exp(``exponent``), wherever that product is a double."""
        return times_exp(self.mantissas, np.asarray(exponent + log(2.0) * self.powers, dtype=np.float64))

    def over(self, power: int) -> Floats:
        """The numbers divided by 2**``power``, cut off at ``LARGEST``."""
        with np.errstate(over="ignore"):
            quotient = np.ldexp(self.mantissas, np.clip(self.powers - power, -2200, 2200))
        return np.clip(quotient, -LARGEST, LARGEST)

    @property
    def logs(self) -> Floats:
        """Natural logarithms of the absolute values."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.abs(self.mantissas)) + log(2.0) * self.powers)


def times_exp(values: Floats, exponent: Floats | float) -> Floats:
    """``values * exp(exponent)`` where a factor alone may leave the range of a double, but not the product.

    >>> found = times_exp(np.array([-1e-300, 0.0]), 720.0)     # exp(720) is beyond the range
    >>> float(np.log(-found[0]).round(9)), float(found[1])     # 720 - 300 log(10)
    (29.224472102, 0.0)
    """
    exponent = np.asarray(exponent, dtype=float)
    if np.abs(exponent).max(initial=0.0) < 300.0:
        return np.asarray(values * np.exp(exponent))
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(np.sign(values) * np.exp(np.log(np.abs(values)) + exponent))


def decaying_solutions(
    apply: Callable[[Floats], Floats],
    solve: Callable[[Floats], Floats],
    touching: Callable[[Booleans], Booleans],
    given: Floats,
    free: Booleans,
    *,
    gentle: bool = True,
    reach: float = 0.0,
) -> list[LongRange]:
    """For every row of ``given`` the u that is as given where that is not free, with A u = 0 where it is.

    Parameters
    ----------
    apply
        A times vectors, (k, N) or (N,).
    solve
        A_FF^-1 times the free part of vectors, zero elsewhere, (k, N) or (N,): the first solves are those of all rows.
    touching
        all unknowns that are neighbours of the marked ones, and those.
    given
        the values that are not free, zero on F; (k, N).
    free
        marks F, (N,).
    gentle
        neighbours differ by few orders of magnitude, a tiny value beside a large one is a change of sign; otherwise by
        up to exp(350).
    reach
        of the largest entry, down to which ``solve`` gives every entry with its own accuracy.
    """

    def trusted(values: Floats) -> Booleans:
        if reach:
            return ~free | (np.abs(values) >= reach * np.abs(values).max())
        large = np.abs(values) >= (SMALLEST if gentle else SMALLEST_STEEP)
        return ~free | large | touching(np.abs(values) >= CLEAR) if gentle else ~free | large

    def front(known: Booleans) -> Booleans:
        return touching(~known) & free

    starts = given + solve(-apply(given)) if len(given) else given
    return [_continued(apply, solve, front, start, trusted) for start in starts]


def _continued(
    apply: Callable[[Floats], Floats],
    solve: Callable[[Floats], Floats],
    front: Callable[[Booleans], Booleans],
    mantissas: Floats,
    trusted: Callable[[Floats], Booleans],
) -> LongRange:
    """A first solution, stage by stage beyond the range of doubles; ``front`` is what is free there."""
    powers, power = np.zeros(len(mantissas), dtype=np.int64), 0
    known = trusted(mantissas)
    for _ in range(MOST_STAGES):
        if known.all():
            break
        reached = LongRange(np.where(known, mantissas, 0.0), powers).over(power)
        residual = np.where(front(known), -apply(reached), 0.0)
        largest = float(np.abs(residual).max())
        if not 0.0 < largest < LARGEST:
            break
        shift = int(np.log2(largest))
        onward = np.where(known, 0.0, solve(np.ldexp(residual, -shift)))
        fresh = ~known & trusted(onward)
        if not fresh.any():
            break
        power += shift
        mantissas, powers = np.where(known, mantissas, onward), np.where(known, powers, power)
        known |= fresh
    return LongRange(mantissas, powers)
