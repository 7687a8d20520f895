"""Mean exit time from far above everything, on a way that only leads down: L tau = -1 without any weight.

From the top of a hill hundreds of noise units high no well holds the process back, and tau is a few times the time of
the noiseless descent.  The weight exp(-Phi) is no help there: at the top it is nothing next to that of the foot, and
fills the slopes with cells that tau has no need of.  With the gauge psi = 0,

    a(u, v) = int [ D grad u . grad v - ((b - div D) . grad u) v ] dx,

tau is resolved where it bends, whatever the height of the hill.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from fokker_planck.model.sets import Set
from fokker_planck.solvers.irreversible_exit_time import exit_time_in
from fokker_planck.solvers.irreversible_setting import without_weight
from fokker_planck.solvers.results import ExitTime
from fokker_planck.solvers.setting import Setting, reaches

HIGH = 100.0


def only_descends(setting: Setting, start: tuple[float, ...], target: Set | Literal["boundary"]) -> bool:
    """Whether the start is far above the lowest point, and no well is left in which the process could stay."""
    exponent, minima = setting.balance.exponent, setting.landscape.minima
    at_start = float(exponent.value(np.asarray(start)[:, None])[0])
    if not at_start - min(minimum.value for minimum in minima) > HIGH:
        return False
    reached: Callable[[np.ndarray], np.ndarray] = reaches(setting.problem, target)
    return bool(reached(np.array([minimum.position for minimum in minima]).T).all())


def descending_exit_time(
    setting: Setting, start: tuple[float, ...], target: Set | Literal["boundary"], name: str
) -> ExitTime:
    """The mean time to reach ``target`` from ``start``, and the field of mean times, to the problem's tolerance."""
    return exit_time_in(without_weight(setting.problem), start, target, name)
