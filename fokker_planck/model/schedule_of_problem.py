"""What a schedule has to be for a problem: finite, and periodic where its domain is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described
from fokker_planck.model.phase_space import check_schedule_of_momentum
from fokker_planck.model.schedule import Schedule
from fokker_planck.model.underdamped import Underdamped

if TYPE_CHECKING:
    from fokker_planck.model.problem import Problem

_TIMES_OF_SCHEDULE = (0.0, 0.3, 1.7, 31.4)
"""At which an added potential is looked at: it has to repeat itself at all of them."""


def check_schedule(problem: Problem, schedule: Schedule) -> None:
    """The added potential fits the coordinates and repeats itself as the domain does."""
    if not isinstance(schedule, Schedule):
        raise ProblemError("schedule", described(schedule), 'a Schedule, such as Schedule(noise="1/(1 + t)")')
    if isinstance(problem.process, Underdamped):
        check_schedule_of_momentum(problem.process, schedule)
    x = problem.sample()
    schedule.check(x)
    low, high = problem.bounding_box()
    for axis, period in enumerate(problem.periods):
        if period is not None and schedule.potential is not None:
            left, right = x.copy(), x.copy()
            left[axis], right[axis] = low[axis], high[axis]
            for t in _TIMES_OF_SCHEDULE:
                apart = np.abs(schedule.value(left, t) - schedule.value(right, t)).max()
                kink = np.abs(schedule.gradient(left, t) - schedule.gradient(right, t)).max() * period
                if max(apart, kink) > 1e-6 * (1e-300 + np.abs(schedule.value(x, t)).max()):
                    found = f"a potential that differs across the period of {'xyz'[axis]} at t = {t:g}"
                    raise ProblemError("schedule.potential", found, "equal values and slopes on both sides")
