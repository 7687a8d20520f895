"""A line that is a ring opened at a set: functions on the line as functions of places of the ring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class RingLine:
    """The line from ``lower`` to ``upper`` of a ring with a ``period``; ``in_set`` (k, 2) the intervals that absorb.

    These stand between ``upper`` and ``lower`` one period on.  Plain numbers, which go into files as they are.
    """

    lower: float
    upper: float
    period: float
    in_set: Floats

    def around(self, on_line: Callable[[Floats], Floats], points: Floats, absorbed: float) -> Floats:
        """A function of places (1, m) of the line at ``points`` (1, n) of the ring, ``absorbed`` in the set.

        It is nan between other parts of the set, where it is not known.

        >>> ring = RingLine(1.0, 3.0, 4.0, np.array([[3.0, 4.5]]))
        >>> ring.around(lambda x: x[0], np.array([[2.0, 6.0, 3.5, 4.75, -0.5]]), 0.0).tolist()
        [2.0, 2.0, 0.0, nan, 0.0]
        """
        places = points[0] + np.ceil((self.lower - points[0]) / self.period) * self.period
        found = np.full(len(places), np.nan)
        inside = places <= self.upper
        found[inside] = on_line(places[None, inside])
        for first, last in self.in_set:
            found[(places >= first) & (places <= last)] = absorbed
        return found

    def as_array(self) -> Floats:
        """The numbers in a row, of which :meth:`of_array` makes it again."""
        return np.concatenate([[self.lower, self.upper, self.period], np.ravel(self.in_set)])

    @classmethod
    def of_array(cls, numbers: Floats) -> RingLine:
        """What :meth:`as_array` gave."""
        lower, upper, period, *ends = np.asarray(numbers, dtype=float).tolist()
        return cls(lower, upper, period, np.reshape(ends, (-1, 2)))
