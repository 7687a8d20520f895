"""Times at which coefficients change quickly, by proved bounds of their formulas: steps are no longer than that there.

A pulse between the times at which a step looks at coefficients was as if it were not there: a push of a hundredth of a
unit of time, 0.024 of a mean, at a bar of 3e-13.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.narrow_features import seen_boxes
from fokker_planck.model.schedule import Schedule
from fokker_planck.quantity.light_dataclasses import dataclass

SAMPLED = 1e-6
"""Of the time: spans as long as that are no longer halved when there are 200,000 of them."""
WIDER = 6.0
"""A step over the span in which a coefficient differs by a tenth of a unit from a quadratic: two of a pulse's widths,
of which each half is looked at 24 times."""


@dataclass(frozen=True)
class QuickTimes:
    """When spans of time begin, ascending, and how long a step in each may be, (n,); the ``unit`` of the potential."""

    starts: Floats
    longest: Floats
    unit: float

    def end(self, here: float, wanted: float) -> float:
        """Where a step that goes on from one time to another ends at the latest."""
        first = max(int(np.searchsorted(self.starts, here, side="right")) - 1, 0)
        last = int(np.searchsorted(self.starts, wanted, side="left"))
        starts, longest = self.starts[first:last], self.longest[first:last]
        return float(np.min(np.maximum(starts, here + longest), initial=wanted))


def quick_times(
    schedule: Schedule, points: Floats, latest: float, smallest: float, unit: float, tolerance: float
) -> QuickTimes:
    """Of a schedule up to a time, whose potential is looked at in ``points`` (dim, n) and divided by a ``unit``.

    The factor of the noise is looked at in units of the ``smallest`` one. Raises ConvergenceError for a formula that
    cannot be bounded at some time.
    """
    noise, potential = schedule.in_time(points)
    units = [(formula, smallest) for formula in noise] + [(formula, unit) for formula in potential]
    starts, longest = [np.zeros(0)], [np.zeros(0)]
    for formula, one in units:
        found = seen_boxes(
            formula,
            1.0 / one,
            [0.0],
            [latest],
            sampled=SAMPLED * latest,
            tolerance=tolerance,
            importance=lambda low, high: np.ones(len(low)),
        )
        starts.append(found.centres[0] - 0.5 * found.edges[0])
        longest.append(WIDER * found.size)
    rank = np.argsort(np.concatenate(starts), kind="stable")
    return QuickTimes(np.concatenate(starts)[rank], np.concatenate(longest)[rank], unit)
