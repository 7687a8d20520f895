"""Newton's method from many starts at once: for critical points, and for fixed points of a drift.

x <- x + s(x) with a step s that is limited, from every start that has not gone too far.  A start is done where its step
vanishes, or is of rounding size and no longer shrinks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

ITERATIONS = 120
"""Newton's steps, all starts at once: regular points settle in ten, (-x^3, -y) in 39; beyond, some starts wander about
for ever (Maier and Stein's drift: 0.14 s of CPU for 120, 0.33 s for 480, the same three points)."""

Steps = Callable[[Floats, Integers], tuple[Floats, Booleans]]
"""Newton's steps (dim, m) at points (dim, m) that began at starts of these numbers (m,), and where no more can be had:
what is left there is rounding, (m,)."""


@dataclass(frozen=True)
class Pace:
    """Lengths by which Newton's method goes on, each for all starts or (n,), one for each.

    Parameters
    ----------
    longest
        of a step
    reach
        from the start; who goes further is lost
    nothing
        a step so short is the end
    rounding
        a step so short that is not below ``shrunk`` times the one before is the end, too
    shrunk
        that factor
    nearly
        a step so short serves when all are taken: the method creeps towards a degenerate point
    """

    longest: Floats
    reach: Floats
    nothing: float
    rounding: Floats
    shrunk: float
    nearly: Floats


@dataclass(frozen=True)
class Arrivals:
    """Where the starts went, ``x`` (dim, n), and what became of them.

    ``after`` (n,) is the number of steps after which one settled, none where it did not: ``NEVER``.  ``last`` (n,) is
    the length of its last step, ``going`` the numbers of those that were still on their way.
    """

    x: Floats
    after: Integers
    last: Floats
    going: Integers

    @property
    def settled(self) -> Booleans:
        """Which starts settled near where they began, (n,)."""
        return self.after < NEVER


NEVER = ITERATIONS + 1
"""In place of a number of steps."""


def newton(steps: Steps, starts: Floats, pace: Pace) -> Arrivals:
    """From every start (dim, n) to where ``steps`` leads.

    >>> def steps(x, which):
    ...     return -(x**2 - 2.0) / (2.0 * x), np.zeros(x.shape[1], dtype=bool)
    >>> everywhere = np.ones(2)
    >>> pace = Pace(everywhere, 4.0 * everywhere, 1e-15, 1e-8 * everywhere, 0.5, 1e-5 * everywhere)
    >>> newton(steps, np.array([[1.0, -1.0]]), pace).x.round(12).tolist()
    [[1.414213562373, -1.414213562373]]
    """
    x, count = np.array(starts, dtype=float), starts.shape[1]
    going, last, after = np.arange(count), np.full(count, np.inf), np.full(count, NEVER)
    with np.errstate(all="ignore"):
        for taken in range(ITERATIONS):
            step, level = steps(x[:, going], going)
            length = np.linalg.norm(step, axis=0)
            x[:, going] += step * np.minimum(1.0, pace.longest[going] / np.maximum(length, 1e-300))
            near = np.linalg.norm(x[:, going] - starts[:, going], axis=0) <= pace.reach[going]
            done = (length <= pace.rounding[going]) & (length >= pace.shrunk * last[going])
            done |= (length <= pace.nothing) | level
            after[going[done & near]] = taken
            last[going] = length
            going = going[~done & np.isfinite(length) & near]
            if len(going) == 0:
                break
        after[going[last[going] <= pace.nearly[going]]] = ITERATIONS
    return Arrivals(x, after, last, going)
