"""The law of the time tau to a target: moments, survival function, quantiles, rate, and the state before the exit.

    m_k = E tau^k:   L m_k = -k m_{k-1},   m_k = 0 on the target, m_0 = 1,   no flux through the rest of the boundary;
    S(t) = P(tau > t):   S_t = L S,   S = 1 at t = 0,   S = 0 on the target;
    L* q = -lambda q,   q = 0 on the target,   for the smallest lambda: S(t) tends to c exp(-lambda t).

q, a density, is the quasi-stationary one: that of a process which has not left after a long time.

Source: Darling and Siegert, Ann. Math. Statist. 24 (1953) 624; Collet, Martinez and San Martin, Quasi-stationary
Distributions (2013), chapter 6.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ProblemError
from fokker_planck.fem.cell_products import product
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import Field
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.interpolation import interpolate
from fokker_planck.fem.long_range import times_exp
from fokker_planck.fem.meshing import Heights
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.absorption import Stopped, absorbing, stopped
from fokker_planck.solvers.accuracy import answered
from fokker_planck.solvers.answer_types import Answer
from fokker_planck.solvers.condensed_solution import solution
from fokker_planck.solvers.descent import prepare_exit
from fokker_planck.solvers.eigenmodes import Eigenmode, normalised
from fokker_planck.solvers.end_conditions import singular_ends
from fokker_planck.solvers.ends import Ends, Goal
from fokker_planck.solvers.energy_levels import levels_of
from fokker_planck.solvers.exit_parts import logs_of_parts
from fokker_planck.solvers.exit_time import (
    HIGH_START,
    LARGEST_LOG,
    Times,
    exit_times,
    field_of_times,
    green_function,
    point_load,
)
from fokker_planck.solvers.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.marched_survival import MarchedSurvival
from fokker_planck.solvers.marching import turning_of
from fokker_planck.solvers.results_in_time import ExitLaw, PartOfExit, TimeOfLaw
from fokker_planck.solvers.setting import Setting
from fokker_planck.solvers.slow_modes import WRONG_SIGN, refuse_sign, slow_modes
from fokker_planck.solvers.spectral_question import Question as Eigenvalues
from fokker_planck.solvers.spectral_scope import Scope
from fokker_planck.solvers.survival import Survival, tail_of, told_apart
from fokker_planck.solvers.wells import Condensation

Outside = Callable[[Floats], Floats]

MORE_MODES = 4
"""Eigenvalues beside those of wells: with them the tail of the Ornstein-Uhlenbeck process takes over where S is 2e-2,
with one at 1e-7."""
LEAST_INSIDE = 0.8
"""Of the slowest rate inside wells, which is known to 5 %: all but slow modes are faster."""
CLEARLY_FASTER = 0.25
"""The same where noise vanishes in some direction, and that rate is a norm only."""
ROUNDING = 1e-12
"""Of numbers that are sums over modes, or come from several solves: the second moment has two."""
EARLY, LITTLE = np.log(1e-3), 1e-6
"""Of log t f(t): where so little leaves, the error of the density f counts so little."""


@dataclass(frozen=True)
class Law:
    """What is asked about the law: ``times`` (ascending), ``quantiles`` (probabilities), ``parts`` of the target."""

    times: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    parts: Mapping[str, Set] = field(default_factory=dict)


@dataclass(frozen=True)
class Number:
    """A number of the law by its ``log``, the ``modes`` it rests on, and how its error counts.

    ``without`` is what of its error no finer mesh makes less.
    """

    log: complex
    modes: list[Mode]
    weight: float = 1.0
    without: float = 0.0


@dataclass(frozen=True)
class Found:
    """What stays of one mesh: the functions, the numbers' own errors (k,), and the worst of those that count."""

    times: tuple[Floats, float]
    log_density: Floats
    without: Floats
    worst: float


@dataclass
class Question:
    """The law of one exit, asked on one mesh after another."""

    setting: Setting
    target: Goal
    start: Floats
    law: Law
    eigenvalues: Eigenvalues

    def answer(self, discretization: Discretization) -> Answer:
        """All numbers on one mesh."""
        end = stopped(self.setting, discretization, self.target)
        times = exit_times(self.setting, end)
        generator = times.generator
        modes, faster = self._modes(times.condensed, end.absorbed)
        tail, tolerance = tail_of(generator, modes, faster, self.start), self.setting.problem.resolution.tolerance
        turning, marches = turning_of(self.setting, generator)
        by = MarchedSurvival if marches else Survival
        survival = by(generator, ~end.absorbed, self.start, tail, tolerance, turning)
        of_mean = _modes_of_mean(end, times, self.start)
        slowest = modes[0]
        # what comes out backward is kept as a number that no other mesh agrees with, and refined
        backward = 1j * WRONG_SIGN if times.condensed.left_backward else 0.0
        numbers = [Number(log + backward, of_mean) for log in _moments(times, self.start)]
        numbers.append(Number(float(slowest.log.real), [*slowest.modes], without=slowest.no_less))
        by_time = [_at(survival, t, slowest, end.outside) for t in self.law.times]
        numbers += [survived for survived, _ in by_time] + [density for _, density in by_time]
        numbers += [_quantile(survival, probability, of_mean, end.outside) for probability in self.law.quantiles]
        if self.law.parts:
            logs = logs_of_parts(self.setting, end, self.law.parts, self.start)
            numbers += [Number(log, of_mean) for log in logs]
        found = Found(
            times.nodal,
            _log_quasi_stationary(generator, slowest, end.absorbed),
            np.array([number.without for number in numbers]),
            max(number.without for number in numbers if number.weight == 1.0),
        )
        return Answer(
            np.array([number.log for number in numbers]),
            found,
            generator,
            [number.modes for number in numbers],
            np.array([number.weight for number in numbers]),
            end.absorbed,
        )

    def _modes(self, condensed: Condensation, absorbed: Booleans) -> tuple[list[Eigenmode], float]:
        """The slowest modes of the killed process, ascending, and a rate than which all others are faster."""
        wells = len(condensed.wells)
        self.eigenvalues.wanted = wells + MORE_MODES
        if is_degenerate(self.setting.problem):
            slow = slow_modes(condensed, wells, self.eigenvalues.budget, degenerate=True)
            if slow and sum(mode.times for mode in slow) == wells:
                return slow, CLEARLY_FASTER * condensed.slowest_inside
            # a strip of the plane is wide where noise vanishes in some direction, and steps serve longer
            self.eigenvalues.wanted = max(wells + 1, 2)
        if not condensed.generator.symmetric:
            return told_apart(self.eigenvalues.of_both_sides(condensed, absorbed)[0])
        slow = slow_modes(condensed, wells, self.eigenvalues.budget)
        if slow and len(slow) == wells:
            return slow, LEAST_INSIDE * condensed.slowest_inside
        return told_apart(self.eigenvalues.orthogonal(condensed, absorbed))


def exit_law(problem: Problem, start: tuple[float, ...], target: Goal, law: Law, name: str = "") -> ExitLaw:
    """The law of the time from ``start`` to ``target``, every number to the problem's tolerance."""
    problem, target = absorbing(problem, target)
    ends = Ends.at(target, start)
    setting = prepare_exit(problem, ends)
    if singular_ends(setting.exponent):
        found = "a line at an end of which the noise vanishes or the drift is infinite"
        raise ProblemError("exit", found, "the question exit-time, which answers there")
    column = np.asarray(start)[:, None]
    question = Question(setting, target, column, law, Eigenvalues(setting, target, 0, Scope()))
    outcome = answered(setting, ends, question.answer, _heights(setting, ends) if law.parts else None)
    kept: Found = outcome.payload
    bars = outcome.errors + kept.without + ROUNDING
    if np.imag(outcome.numbers).any():
        refuse_sign()
    _warn_of_series(kept.worst, problem.resolution.tolerance)
    logs = np.real(outcome.numbers)
    quantities = iter([Quantity.of_log(float(log), float(bar)) for log, bar in zip(logs, bars, strict=True)])
    mean, variance, rate = (next(quantities) for _ in range(3))
    survival, densities = ([next(quantities) for _ in law.times] for _ in range(2))
    return ExitLaw(
        mean=mean,
        variance=variance,
        rate=rate,
        times=tuple(TimeOfLaw(*each) for each in zip(law.times, survival, densities, strict=True)),
        quantiles={probability: next(quantities) for probability in law.quantiles},
        parts={part: PartOfExit(next(quantities), next(quantities)) for part in law.parts},
        start=tuple(start),
        target=name or str(target),
        field=field_of_times(outcome.discretization, *kept.times),
        quasi_stationary=Field("quasi-stationary density", outcome.discretization, kept.log_density, logarithm=True),
        statistics=outcome.statistics,
    )


def _warn_of_series(worst: float, tolerance: float) -> None:
    """Say that early times are known less well than was asked."""
    if worst > tolerance:
        message = f"at early times the law is known to a relative error of {worst:.1e} at worst"
        warnings.warn(f"{message}: it is a small difference of large numbers there", stacklevel=3)


def _heights(setting: Setting, ends: Ends) -> Heights | None:
    """Of all of the domain: a part that is hardly ever met is there, too."""
    if not isinstance(setting, PotentialSetting):
        return None
    return replace(levels_of(setting, ends), ceiling=inf, trim=False)


def _modes_of_mean(end: Stopped, times: Times, start: Floats) -> list[Mode]:
    dual = green_function(times.condensed, start[:, 0])
    at_start = float(interpolate(times.generator.discretization, times.relative, start)[0])
    if not at_start > 0.0:
        raise BarrierTooHighError(*HIGH_START)
    right, left = end.outside(times.cell_values), end.outside(dual.values)
    return [Mode(right, left, dual.pole, np.log(at_start) - dual.log_scale)]


def _at(survival: Survival, t: float, slowest: Eigenmode, outside: Outside) -> tuple[Number, Number]:
    """S(t) and -S'(t): early ones rest on functions of that time, late ones on the slowest mode."""
    log, density = survival.log(t), survival.log_density(t)
    if t >= survival.tail.start:
        # the relative error of the eigenvalue counts lambda t times
        return Number(log, [*slowest.modes]), Number(density, [*slowest.modes])
    modes, doubt = _mode_at(survival, t, log, outside), survival.doubt(t)
    leaving = density + np.log(t)
    little = LITTLE if leaving < EARLY else 1.0
    survived = Number(log, modes, without=doubt / np.exp(log))
    return survived, Number(density, [*modes], little, doubt / np.exp(leaving))


def _quantile(survival: Survival, probability: float, of_mean: list[Mode], outside: Outside) -> Number:
    log = survival.quantile(probability)
    t = float(np.exp(min(log, LARGEST_LOG)))
    if t >= survival.tail.start:
        return Number(log, of_mean)
    leaving = np.exp(survival.log_density(t)) * t
    modes = _mode_at(survival, t, float(np.log1p(-probability)), outside)
    return Number(log, modes, without=survival.doubt(t) / leaving)


def _moments(times: Times, start: Floats) -> tuple[float, float]:
    """Logarithms of the mean and of the variance m_2 - m_1^2 at the start."""
    condensed, generator = times.condensed, times.generator
    discretization = generator.discretization
    scaled = times_exp(times.relative, -0.5 * (generator.exponent - generator.lowest))
    cells = times.relative[discretization.dofs]
    at_states, inside, scale = solution(condensed, generator.apply_mass(scaled), condensed.log_loads(cells))
    first = float(interpolate(discretization, times.relative, start)[0])
    second = float(interpolate(discretization, condensed.nodal(at_states, inside), start)[0])
    log_first = np.log(first) + times.log_scale
    log_second = np.log(2.0 * second) + scale + times.log_scale
    return float(log_first), float(log_second + np.log(-np.expm1(2.0 * log_first - log_second)))


def _mode_at(survival: Survival, t: float, log: float, outside: Outside) -> list[Mode]:
    """What S(t) = (u(t/2), z(t/2)) rests on: u(s) = exp(s L) 1, and z(s) = exp(s L*) of the start.

    An error e of u and f of z change S by int_0^t a(e(s), f(t - s)) ds, about t a(e(t/2), f(t/2)).
    """
    generator = survival.generator
    dofs, up = generator.discretization.dofs, 0.5 * (generator.exponent - generator.lowest)
    right, left, height = survival.functions(0.5 * t)
    with np.errstate(divide="ignore"):
        scale = float((np.log(np.abs(left)) + height).max())
    dual, pole = times_exp(left, height - scale), point_load(generator, survival.start[:, 0]).pole
    return [Mode(outside(times_exp(right, up)[dofs]), outside(dual[dofs]), pole, log - np.log(t) - scale)]


def _log_quasi_stationary(generator: Generator, mode: Eigenmode, absorbed: Booleans) -> Floats:
    """Nodal logarithms of q = e^-psi z / int e^-psi z, (N,); minus infinity on the target."""
    discretization = generator.discretization
    left = mode.modes[0].dual
    if left is None:
        nodal = normalised(generator, mode)[0]
    else:
        nodal = np.zeros(discretization.count)
        nodal[discretization.dofs] = left.real
        nodal *= np.sign(nodal[np.argmax(np.abs(nodal) * generator.constant)])
    log_whole = product(generator, 1.0, nodal[discretization.dofs]).log_of_sum()
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(np.where(absorbed, 0.0, nodal), 0.0))
    return np.asarray(logs - generator.exponent - log_whole)
