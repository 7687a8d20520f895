"""How long a particle takes, without noise, from the height at which a well is one state down into a set in it.

Over a very high barrier what lies deep in a well is one state with the set there (:mod:`~.deep_wells`), and of the
time on the way from one set to another that between the set and this height is left out.  From the saddle down the
process follows the flow, and by reversal of time it climbs as it falls, with the velocity turned around: what is left
out is the rate times the times of both descents, but for terms of order epsilon.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.newton.fixed_points import FixedPoint
from fokker_planck.model.sets.shapes import Set
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.setting.deep_wells import deep_level
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import Setting

ASIDE = 1e-4
"""From a saddle, relative to the box: the path from there is that of the saddle to eight digits."""
LONGEST = 200.0
"""Times the inverse of the slowest rate of settling: a descent through exp(200) in energy."""
SPREAD = 10.0
"""Units of epsilon by which a path with noise is off that without at the height where the descent begins."""
DOUBT = 0.25
"""Of a descent, by which noise may change it: at a barrier of 100, friction 1, from 50 units below the saddle to balls
of radius 0.3 around the minima of the quartic well it takes 0.769, and 0.731 with noise."""
ACCURACY = 1e-8
"""Relative, of the path: far more than the descent without noise knows of that with it."""


@dataclass(frozen=True)
class LeftOut:
    """The ``time`` left out of one way from set to set, and how much it may be off, ``doubt``."""

    time: float = 0.0
    doubt: float = 0.0

    def error(self, log_rate: float, log_whole: float) -> float:
        """What the doubt is of a share of time exp(``log_whole``), relative, of so many ways per unit time."""
        return self.doubt * float(np.exp(log_rate - log_whole))


def left_out(setting: Setting, sets: tuple[Set, Set]) -> LeftOut | None:
    """Of ways from the first set to the second, by both descents; None where no well is one state with its set.

    Raises
    ------
    ConvergenceError
        Where no path from the lowest saddle leads into a set.
    """
    level = deep_level(setting) if isinstance(setting, FlowSetting) else -np.inf
    if not np.isfinite(level):
        return None
    assert isinstance(setting, FlowSetting)
    below, above = (
        sum(descent_time(setting, goal, height, climbing=goal is sets[0]) for goal in sets)
        for height in (level, level + SPREAD)
    )
    return LeftOut(below, DOUBT * below + above - below)


def descent_time(setting: FlowSetting, goal: Set, level: float, *, climbing: bool = False) -> float:
    """From psi = ``level`` on the ways down from the lowest saddle into the ``goal``; zero if it is met before.

    Parameters
    ----------
    setting
        of an underdamped process
    goal
        which the path ends in, with the velocity turned around for one that is ``climbing`` out of it
    level
        of psi
    climbing
        whether the time is that of the climb out of the goal

    Raises
    ------
    ConvergenceError
        Where no path from the lowest saddle leads there.
    """
    lowest = min(setting.saddles, key=lambda saddle: float(setting.weighting.value(saddle.x[:, None])[0]))
    turned = np.array([1.0, -1.0 if climbing else 1.0])
    lower, upper = setting.problem.bounding_box()
    aside = ASIDE * float(np.max(np.subtract(upper, lower))) * _unstable(lowest)
    found = [_along(setting, goal, level, lowest.x + side * aside, turned) for side in (1.0, -1.0)]
    times = [time for time in found if time is not None]
    if not times:
        raise ConvergenceError("no path without noise leads from the lowest saddle into a set of the committor", "sets")
    return max(times)


def _unstable(saddle: FixedPoint) -> Floats:
    """The direction in which the flow leaves a saddle, of length one."""
    values, vectors = np.linalg.eig(np.array(saddle.jacobian))
    direction = vectors[:, int(np.argmax(values.real))].real
    return np.asarray(direction / np.linalg.norm(direction))


def _along(setting: FlowSetting, goal: Set, level: float, start: Floats, turned: Floats) -> float | None:
    """The time on one path from the level to the goal; None for one that does not end there."""
    from scipy.integrate import solve_ivp

    process = setting.problem.process
    assert isinstance(process, Underdamped)

    def height(_: float, x: Floats) -> float:
        return float(setting.weighting.value(x[:, None])[0]) - level

    def inside(_: float, x: Floats) -> float:
        return float(np.asarray(goal.level((turned * x)[:, None]))[0])

    inside.terminal = True  # type: ignore[attr-defined]
    longest = LONGEST / setting.relaxation_rate
    path = solve_ivp(
        lambda _, x: process.noiseless_drift(x[:, None])[:, 0],
        (0.0, longest),
        start,
        events=(height, inside),
        rtol=ACCURACY,
        atol=ACCURACY,
    )
    crossed, arrived = path.t_events
    if not len(arrived):
        return None
    return float(max(arrived[0] - crossed[0], 0.0)) if len(crossed) else 0.0
