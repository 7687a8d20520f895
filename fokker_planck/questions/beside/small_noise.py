"""Bouchet and Reygner's rates beside those of a process without detailed balance, over the saddles of its drift.

``k_ij = sum_z 1/tau_z`` over the saddles z between the basins of i and j, tau_z as in
:mod:`fokker_planck.asymptotics.bouchet_reygner`, with a = D/eps and eps the mean of the diagonal of D at the attractor.
A number is given where all saddles around an attractor have one: where the quasipotential is smooth along the paths.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.boundaries.held_attractors import HeldPoint

if TYPE_CHECKING:
    from fokker_planck.asymptotics.bouchet_reygner import ExitLaw
    from fokker_planck.asymptotics.quasipotential import SmallNoise
    from fokker_planck.landscape.newton.fixed_points import FixedPoint
    from fokker_planck.model.sets.shapes import Set
    from fokker_planck.solvers.setting.flow_setting import FlowSetting

MOST_POINTS = 1_500_000
"""At which a drift is evaluated for paths beside one answer, where noise depends on the state: for noise that follows a
Hessian, the dearest, some 30 s. A path takes 0.1 to 0.5 million."""
BY_DIFFERENCES = 10
"""Points for which one counts where slopes of D are differences of it, of some dozens of points each."""
STEP = 1e-3
"""Of the extent of the domain, off a saddle along its unstable direction: far beyond rounding, well within what the
saddle looks like from there."""
FAR = 0.99
"""The part of those at a saddle's far side that goes on, from which the exit is over: the law itself is right to
percents."""
ON_SURFACE = 1e-9
"""Of the range of a target's level: a saddle so near to a target's boundary lies on it."""


@dataclass(frozen=True)
class Crossing:
    """A saddle with the law of the exit over it, and where the drift leads from its far side.

    Parameters
    ----------
    goal
        the number of an attractor, or None for outside of the domain
    """

    saddle: FixedPoint
    goal: int | None
    law: ExitLaw
    epsilon: float

    @property
    def rate(self) -> Quantity:
        """The rate, as a quantity."""
        return self.law.mean_time(self.epsilon).reciprocal()


@dataclass
class Allowance:
    """Points at which coefficients may still be evaluated."""

    left: int = MOST_POINTS

    def spend(self, points: int) -> None:
        """Raise ConvergenceError where nothing is left."""
        self.left -= points
        if self.left < 0:
            raise ConvergenceError("paths of least action take too long beside the answer", "ask for them alone")


def crossings(setting: FlowSetting, attractor: int, allowance: Allowance | None = None) -> list[Crossing] | None:
    """The ways out of the basin of an attractor; None where the formula does not hold on one of them, or takes long."""
    if is_degenerate(setting.problem) and not setting.known:
        return None  # least actions follow the flow where there is no noise, which no path of theirs does
    place = setting.attractors[attractor].x
    noise, epsilon = small_noise_at(setting, place, allowance or Allowance())
    found = []
    for saddle in setting.saddles:
        sides = sides_of(setting, saddle)
        if attractor not in sides or sides[0] == sides[1]:
            continue
        goal = sides[1 - sides.index(attractor)]
        try:
            law = _law(setting, noise, epsilon, place, saddle.x)
        except (ConvergenceError, ProblemError):
            return None
        found.append(Crossing(saddle, goal, law, epsilon))
    return found or None


def _law(setting: FlowSetting, noise: SmallNoise, epsilon: float, place: Floats, saddle: Floats) -> ExitLaw:
    """The law over a saddle, from the exponent where that is known: a path of least action takes longer."""
    from fokker_planck.asymptotics.bouchet_reygner import exit_law
    from fokker_planck.asymptotics.known_quasipotential import exit_law_of_quasipotential

    exponent = getattr(setting.weighting, "exponent", None) if setting.known and setting.diffusion.constant else None
    if exponent is not None and hasattr(exponent, "hessian"):
        value, gradient, hessian = (
            _scaled(epsilon, part) for part in (exponent.value, exponent.gradient, exponent.hessian)
        )
        try:
            return exit_law_of_quasipotential(noise, value, gradient, hessian, place, saddle)
        except (ConvergenceError, ProblemError):
            pass  # an exponent that is no quasipotential, or a flow that ends elsewhere
    return exit_law(noise, place, saddle)


def _scaled(factor: float, function: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    return lambda x: factor * np.asarray(function(x))


def predicted_rates(setting: FlowSetting, states: list[int]) -> tuple[tuple[Quantity | None, ...], ...]:
    """Rates between attractors, from row to column; None where there is no saddle between them, or no formula."""
    table: list[list[Quantity | None]] = [[None] * len(states) for _ in states]
    if any(isinstance(point, HeldPoint) for point in setting.attractors):
        return tuple(tuple(row) for row in table)  # over saddles on walls, which are not looked for
    allowance = Allowance()
    for row, state in enumerate(states):
        ways = crossings(setting, state, allowance) or []
        for column, other in enumerate(states):
            rates = [way.rate for way in ways if way.goal == other]
            if rates and column != row:
                table[row][column] = _sum(rates)
    return tuple(tuple(row) for row in table)


def predicted_exit_time(setting: FlowSetting, start: tuple[float, ...], target: Set | str) -> Quantity | None:
    """The mean time from a basin to a target that holds all that lies beyond the saddles around it; None elsewhere."""
    if not setting.attractors:
        return None
    attractor = 0
    if setting.basins is not None:
        attractor = int(setting.basins(np.asarray(start, dtype=float)[:, None])[0])
    ways = crossings(setting, attractor)
    if ways is None:
        return None
    rates = []
    for way in ways:
        share = _share_that_returns(setting, way, target)
        if share is None:
            return None
        rates.append(way.rate.scaled(1.0 / share))
    return _sum(rates).reciprocal()


def _share_that_returns(setting: FlowSetting, way: Crossing, target: Set | str) -> float | None:
    """tau to the target over that to far beyond the saddle: one half on the separatrix, one far behind it.

    In the linear drift at the saddle, who stands at the distance s beyond the separatrix goes on with the probability
    (1 + erf(s sqrt(lambda_+ / (2 eps w . a w)))) / 2, s = w . (x - z) with w J = lambda_+ w.
    """
    saddle = way.saddle.x
    if isinstance(target, str):
        on_wall = not setting.problem.contains((saddle + unstable_step(setting, way.saddle, saddle))[:, None])[0]
        return 0.5 if way.goal is None and on_wall else None
    level = float(target.level(saddle[:, None])[0])
    scale = float(np.ptp(target.level(setting.problem.sample())))
    if abs(level) <= ON_SURFACE * scale:
        return None if is_degenerate(setting.problem) else 0.5
    if level > 0.0 or way.goal is None or not target.contains(setting.attractors[way.goal].x[:, None])[0]:
        return None
    goal = setting.attractors[way.goal].x
    towards = unstable_step(setting, way.saddle, goal)
    towards /= np.linalg.norm(towards)
    distances = np.linspace(0.0, 2.0, 801) * np.linalg.norm(goal - saddle)
    inside = target.contains(saddle[:, None] + towards[:, None] * distances)
    reach = float(distances[np.argmax(inside)]) if inside.any() else float(np.linalg.norm(goal - saddle))
    values, left = np.linalg.eig(np.array(way.saddle.jacobian).T)
    unstable = int(np.argmax(values.real))
    w = left[:, unstable].real
    tensor = setting.diffusion.tensor(saddle[:, None])[:, :, 0]
    s = reach * abs(float(w @ towards))
    share = 0.5 * (1.0 + erf(s * sqrt(float(values[unstable].real) / (2.0 * float(w @ tensor @ w)))))
    return share if share > FAR else None


def small_noise_at(setting: FlowSetting, place: Floats, allowance: Allowance) -> tuple[Any, float]:
    """The process as drift and a = D/eps, and eps, the mean of the diagonal of D at a place (dim,)."""
    from fokker_planck.asymptotics.quasipotential import SmallNoise

    process, dimension, field = setting.problem.process, setting.problem.dimension, setting.diffusion
    epsilon = float(np.trace(field.tensor(place[:, None])[:, :, 0])) / dimension

    def tensor(x: Floats) -> Floats:
        return np.asarray(field.tensor(x)) / epsilon

    def correction(x: Floats) -> Floats:
        return np.asarray(process.drift(x, dimension) - process.noiseless_drift(x)) / epsilon

    if field.constant:
        isotropic = bool(np.allclose(tensor(place[:, None])[:, :, 0], np.eye(dimension), rtol=0.0, atol=1e-14))
        plain = None if isotropic else tensor
        flat = None if isotropic else lambda x: np.zeros((dimension, dimension, dimension, x.shape[1]))
        return SmallNoise(process.noiseless_drift, process.noiseless_jacobian, plain, tensor_gradient=flat), epsilon

    exact = getattr(field, "gradient", None)  # by differences a path takes minutes, where D has a root in it
    cost = BY_DIFFERENCES if exact is None else 1

    def drift(x: Floats) -> Floats:
        allowance.spend(cost * x.shape[1])
        return np.asarray(process.noiseless_drift(x))

    slopes = None if exact is None else lambda x: np.asarray(exact(x)) / epsilon
    return SmallNoise(drift, process.noiseless_jacobian, tensor, correction, slopes), epsilon


def unstable_step(setting: FlowSetting, saddle: FixedPoint, towards: Floats) -> Floats:
    """A small step along the unstable direction of a saddle, (dim,), to the side of a point."""
    values, vectors = np.linalg.eig(np.array(saddle.jacobian))
    way = vectors[:, np.argmax(values.real)].real
    side = float(way @ (towards - saddle.x))
    if side == 0.0 and setting.attractors:  # away from where the process stays
        everywhere = (point.x for point in setting.attractors)  # those that count for the question may be none
        nearest = min(everywhere, key=lambda place: float(np.linalg.norm(place - saddle.x)))
        side = -float(way @ (nearest - saddle.x))
    extent = float(np.linalg.norm(np.ptp(setting.problem.sample(), axis=1)))
    return np.asarray(STEP * extent * np.sign(side or 1.0) * way / np.linalg.norm(way))


def sides_of(setting: FlowSetting, saddle: FixedPoint) -> list[int | None]:
    """Where the drift leads from the two sides of a saddle: attractors, or None outside of the domain."""
    step = unstable_step(setting, saddle, saddle.x)
    sides, basins = (saddle.x - step, saddle.x + step), setting.basins
    if basins is not None and all(setting.problem.contains(point[:, None])[0] for point in sides):
        joins = [known.joins for known in basins.landscape.saddles if known.position == saddle.position]
        if joins:
            return [basins.state_of[side] for side in joins[0]]
    result: list[int | None] = []
    for point in sides:
        if not setting.problem.contains(point[:, None])[0]:
            result.append(None)
        elif setting.basins is None:
            result.append(0)
        else:
            result.append(int(setting.basins(point[:, None])[0]))
    return result


def _sum(rates: list[Quantity]) -> Quantity:
    total = np.logaddexp.reduce([rate.log for rate in rates if rate.log is not None])
    return Quantity.of_log(float(total), max(rate.relative_error for rate in rates))
