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
    return _continued(apply, solve, front, starts, trusted)


def _continued(
    apply: Callable[[Floats], Floats],
    solve: Callable[[Floats], Floats],
    front: Callable[[Booleans], Booleans],
    starts: Floats,
    trusted: Callable[[Floats], Booleans],
) -> list[LongRange]:
    """First solutions (k, N), stage by stage beyond the range of doubles; ``front`` is what is free there.

    A stage of all that go on is one solve, in which the factor is read once: at barriers of hundreds of units most of
    fifteen wells take two stages or more, each of which took as long as the first solve of all.
    """
    found = [_Continued(start, np.zeros(len(start), dtype=np.int64), trusted(start)) for start in starts]
    going = list(range(len(found)))
    for _ in range(MOST_STAGES):
        going = [row for row in going if not found[row].known.all()]
        if not going:
            break
        images = apply(np.array([found[row].reached for row in going]))
        loads = [np.where(front(found[row].known), -image, 0.0) for row, image in zip(going, images, strict=True)]
        largest = [float(np.abs(load).max()) for load in loads]
        usable = [number for number, size in enumerate(largest) if 0.0 < size < LARGEST]
        if not usable:
            break
        shifts = [int(np.log2(largest[number])) for number in usable]
        onward = solve(np.array([np.ldexp(loads[k], -shift) for k, shift in zip(usable, shifts, strict=True)]))
        steps = zip((going[number] for number in usable), shifts, onward, strict=True)
        following = [(row, found[row].after(shift, values, trusted)) for row, shift, values in steps]
        going = [row for row, after in following if after is not None]
        for row, after in following:
            found[row] = found[row] if after is None else after
    return [LongRange(one.mantissas, one.powers) for one in found]


@dataclass(frozen=True)
class _Continued:
    """A solution so far, (N,): what is ``known`` of it, and the ``power`` of two that its last stage was over."""

    mantissas: Floats
    powers: Integers
    known: Booleans
    power: int = 0

    @property
    def reached(self) -> Floats:
        """What is known, over the power."""
        return LongRange(np.where(self.known, self.mantissas, 0.0), self.powers).over(self.power)

    def after(self, shift: int, onward: Floats, trusted: Callable[[Floats], Booleans]) -> _Continued | None:
        """With what one more solve gave in units of 2^``shift``; None where that is nothing new."""
        onward, power = np.where(self.known, 0.0, onward), self.power + shift
        fresh = ~self.known & trusted(onward)
        if not fresh.any():
            return None
        mantissas, powers = np.where(self.known, self.mantissas, onward), np.where(self.known, self.powers, power)
        return _Continued(mantissas, powers, self.known | fresh, power)
