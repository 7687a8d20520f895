"""Ways on rings and tori with a net force, unrolled: wells are repeated in every period, and paths run through them.

A path from a well over a saddle may end in another image of the same well, once around the ring; with a net force the
two ways around climb differently, and neither is the other backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np

from fokker_planck.asymptotics.quasipotential import SmallNoise
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.newton.fixed_points import FixedPoint
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.questions.beside import small_noise
from fokker_planck.solvers.setting.flow_setting import FlowSetting

SETTLED = 30.0
"""Times of settling at an attractor for which the drift is followed down: e^-30 of the way is left."""
STEPS = 3000
"""Times at which that way is looked at: its polygon is as long as the curve to 1e-4."""
THERE = 1e-2
"""Of the way from the saddle, within which the drift has led to an attractor."""


@dataclass(frozen=True)
class Descent:
    """The drift from a saddle to an attractor: its number, its image (dim,), and points on the way, (dim, n)."""

    well: int
    place: Floats
    points: Floats


def rolled(problem: Problem, x: Floats) -> Floats:
    """Points (dim, n) in the box again, along the axes that are periodic."""
    lower, _ = problem.bounding_box()
    back = np.array(x, dtype=float)
    for axis, (low, period) in enumerate(zip(lower, problem.periods, strict=True)):
        if period is not None:
            back[axis] = low + np.mod(back[axis] - low, period)
    return back


def unrolled(problem: Problem, noise: SmallNoise) -> SmallNoise:
    """The same process at all images."""

    def everywhere(function: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
        return lambda x: function(rolled(problem, x))

    known = {each.name: getattr(noise, each.name) for each in fields(noise)}
    return replace(noise, **{name: everywhere(function) for name, function in known.items() if function is not None})


def descents(setting: FlowSetting, saddle: FixedPoint) -> list[Descent | None]:
    """The ways down on both sides of a saddle; None where the drift leads out of the domain, or to no attractor."""
    step = small_noise.unstable_step(setting, saddle, saddle.x)
    return [descent(setting, saddle, saddle.x + 1e-3 * sign * step) for sign in (-1.0, 1.0)]


def descent(setting: FlowSetting, saddle: FixedPoint, begin: Floats) -> Descent | None:
    """The way down that begins beside a saddle, (dim,)."""
    from scipy.integrate import solve_ivp

    problem, process = setting.problem, setting.problem.process
    rates = [abs(value.real) for point in (saddle, *setting.attractors) for value in point.eigenvalues]
    last = SETTLED / min(rate for rate in rates if rate > 0.0)

    def drift(_: float, x: Floats) -> Floats:
        return np.asarray(process.noiseless_drift(rolled(problem, x[:, None]))[:, 0])

    way = solve_ivp(drift, (0.0, last), begin, "LSODA", t_eval=np.linspace(0.0, last, STEPS), rtol=1e-8, atol=1e-10)
    outside = any(problem.periods) and not problem.contains(rolled(problem, way.y)).all()
    if not way.success or outside:
        return None
    end = way.y[:, -1]
    periods = np.array([np.inf if period is None else period for period in problem.periods])
    wells = np.array([point.x for point in setting.attractors])
    turns = np.where(np.isfinite(periods), np.round((end - wells) / periods), 0.0)
    images = wells + np.where(turns == 0.0, 0.0, turns * np.where(np.isfinite(periods), periods, 0.0))
    distance = np.linalg.norm(images - end, axis=1)
    well = int(np.argmin(distance))
    if distance[well] > THERE * np.linalg.norm(images[well] - saddle.x):
        return None
    points = np.concatenate([saddle.x[:, None], way.y, images[well][:, None]], axis=1)
    return Descent(well, images[well], points)
