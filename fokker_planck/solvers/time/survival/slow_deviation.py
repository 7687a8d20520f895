"""What slow modes make of the deviation from a stationary state, and when that is compared with powers or steps.

From the time on at which all modes that are not known have died out it is all that is left, or from the first one at
which it is found to be.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.time.survival.tail_of_survival import DIED_OUT

AGREE = 1e-7
"""Of the mass, by which powers and slow modes may differ where they meet, before modes are not believed."""
EARLIER, OF_LATEST = 10, 0.25
"""Halvings of the time at which others must have died out, from the last of which on steps try to meet the slow modes,
and up to which part of the latest time: at friction 1/2 others have died out after 90 to 180, not only after 5,600, and
a density in time at a barrier of 20 units takes 9 s of CPU instead of 167."""
SETTLED = 0.1
"""Of what was apart at half of the time: where more is left, it is rounding, or what steps leave."""


@dataclass(frozen=True)
class SlowPart:
    """From ``start`` on: vectors z_j, (k, N) complex, each times exp(-t exp(logs_j) (1 + i ..)); pairs count once."""

    start: float
    logs: tuple[complex, ...]
    vectors: Floats

    def deviation(self, t: float) -> Floats:
        """sum_j at a time, (N,)."""
        total = np.zeros(self.vectors.shape[1])
        for log, vector in zip(self.logs, self.vectors, strict=True):
            exponent = np.exp(np.log(t) + log.real) * (1.0 + 1j * log.imag)
            total = total + (np.exp(-exponent) * vector).real
        return total

    def meetings(self, latest: float, *, early: bool) -> list[float]:
        """The times, ascending, at which it is compared before it is believed: its start, or ``early`` ones before."""
        if not early:
            return [self.start] if self.start < latest else []
        tried = [self.start * 0.5**k for k in range(EARLIER, -1, -1)]
        return [t for t in tried if t <= OF_LATEST * latest]


def takes_over(faster: float, slowest: float) -> float:
    """The time from which on modes that are ``faster`` have died out beside the ``slowest``."""
    return DIED_OUT / (faster - slowest)
