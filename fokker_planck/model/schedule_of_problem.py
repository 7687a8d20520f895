"""What a schedule has to be for a problem: finite, and periodic where its domain is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import described
from fokker_planck.model.domains.periodicity import Seam, on_both_faces
from fokker_planck.model.phase_space import check_schedule_of_momentum
from fokker_planck.model.process import Process
from fokker_planck.model.schedule import Schedule
from fokker_planck.model.underdamped import Underdamped

_TIMES_OF_SCHEDULE = (0.0, 0.3, 1.7, 31.4)
"""At which an added potential is looked at: it has to repeat itself at all of them."""


def check_schedule(schedule: Schedule, process: Process, seams: Sequence[Seam], x: Floats) -> None:
    """The added potential fits the coordinates, as seen at points x (dim, n), and repeats itself across the seams."""
    if not isinstance(schedule, Schedule):
        raise ProblemError("schedule", described(schedule), 'a Schedule, such as Schedule(noise="1/(1 + t)")')
    if isinstance(process, Underdamped):
        check_schedule_of_momentum(process, schedule)
    schedule.check(x)
    if schedule.potential is None:
        return
    for axis, low, high in seams:
        left, right = on_both_faces(x, (axis, low, high))
        for t in _TIMES_OF_SCHEDULE:
            apart = np.abs(schedule.value(left, t) - schedule.value(right, t)).max()
            kink = np.abs(schedule.gradient(left, t) - schedule.gradient(right, t)).max() * (high - low)
            if max(apart, kink) > 1e-6 * (1e-300 + np.abs(schedule.value(x, t)).max()):
                found = f"a potential that differs across the period of {'xyz'[axis]} at t = {t:g}"
                raise ProblemError("schedule.potential", found, "equal values and slopes on both sides")
