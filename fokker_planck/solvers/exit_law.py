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
from collections.abc import Mapping
from math import inf

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError, ProblemError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.cell_products import product
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.interpolation import interpolate
from fokker_planck.fem.fields.within_sets import field_within
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.meshing import Heights
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.adaptivity.absorption import Stopped, stopped
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer, Outcome
from fokker_planck.solvers.adaptivity.spectral_scope import Scope
from fokker_planck.solvers.boundaries.end_conditions import singular_ends
from fokker_planck.solvers.boundaries.ends import TARGET, Ends, Goal
from fokker_planck.solvers.condensation.condensed_solution import solution
from fokker_planck.solvers.condensation.wells import Condensation
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode, normalised
from fokker_planck.solvers.eigenvalues.slow_modes import WRONG_SIGN, refuse_sign, slow_modes
from fokker_planck.solvers.eigenvalues.slowest_above import MOST_CUTOFFS, cutoff_needed
from fokker_planck.solvers.eigenvalues.spectral_question import Question as Eigenvalues
from fokker_planck.solvers.exit_time import (
    HIGH_START,
    Times,
    exit_times,
    field_of_times,
    green_function,
)
from fokker_planck.solvers.exits.descent import prepare_exit
from fokker_planck.solvers.exits.exit_parts import logs_of_parts
from fokker_planck.solvers.exits.recast_exit import recast_exit
from fokker_planck.solvers.results.in_time import ExitLaw, PartOfExit, TimeOfLaw
from fokker_planck.solvers.setting.energy_levels import levels_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting
from fokker_planck.solvers.time.stepping.marching import turning_of
from fokker_planck.solvers.time.survival.exit_law_numbers import (
    LEAST_WEIGHT,
    Number,
    Outside,
    at_time,
    not_by_chance,
    quantile,
)
from fokker_planck.solvers.time.survival.marched_survival import MarchedSurvival
from fokker_planck.solvers.time.survival.slow_part import CLEARLY_FASTER, LEAST_INSIDE, MORE_MODES
from fokker_planck.solvers.time.survival.survival_function import Survival
from fokker_planck.solvers.time.survival.tail_of_survival import Tail, no_tail, tail_of, told_apart

ROUNDING = 1e-12
"""Of numbers that are sums over modes, or come from several solves: the second moment has two."""

MORE_DEGREES = 2
"""By which survival is verified: on meshes of right triangles what depends on one coordinate alone gains nothing from
every second degree (between two walls in the plane, P(tau > 0.3) by degrees 3 to 9: 1e-4, 7e-7, 9e-7, 3.3e-9, 2.6e-9,
3e-12, 2e-12), so that one degree more agreed to a fifth of the error."""

HIGH = 1000.0
"""Units of epsilon of a start above the lowest point up to which the weight is kept: in it the process is symmetric,
and its modes are those of a symmetric matrix. A drift of 100 on a ring takes 628 in one turn; doubles end at 1400."""


@dataclass(frozen=True)
class Law:
    """What is asked about the law: ``times`` (ascending), ``quantiles`` (probabilities), ``parts`` of the target."""

    times: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    parts: Mapping[str, Set] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What stays of one mesh: the functions, the numbers' own errors (k,), and the worst of those that count.

    ``slowest`` is the slowest mode (N,) of the killed process, ``rate`` its rate, zero where that is no double;
    ``unknown`` says why neither was found.
    """

    times: tuple[Floats, float]
    log_density: Floats
    without: Floats
    worst: float
    slowest: Floats
    rate: float
    unknown: ConvergenceError | None


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
        # what comes out backward is kept as a number that no other mesh agrees with, and refined
        backward = 1j * WRONG_SIGN if times.condensed.left_backward else 0.0
        mean, variance = _moments(times, self.start)
        numbers = [Number(log + backward, _modes_of_mean(end, times, self.start)) for log in (mean, variance)]
        modes, tail, unknown = self._tail(times, end.absorbed, numbers[0])
        turning, marches = turning_of(self.setting, generator)
        by = MarchedSurvival if marches else Survival
        tolerance = self.setting.problem.resolution.tolerance
        survival = by(generator, ~end.absorbed, self.start, tail, tolerance, turning)
        numbers += self._of_time(survival, modes[0], numbers[0], end.outside)
        if self.law.parts:
            logs = logs_of_parts(self.setting, end, self.law.parts, self.start)
            numbers += [Number(log, numbers[0].modes) for log in logs]
        return Answer(
            np.array([number.log for number in numbers]),
            _found(times, modes[0], numbers, end.absorbed, unknown),
            generator,
            [number.modes for number in numbers],
            np.array([number.weight for number in numbers]),
            end.absorbed,
            more=MORE_DEGREES if self._by_a_degree_more(generator) else 0,
        )

    def _by_a_degree_more(self, generator: Generator) -> bool:
        """Whether survival is asked in the plane, of what is not verified by a degree less first."""
        asked = bool(self.law.times or self.law.quantiles)
        return asked and self.setting.problem.dimension == 2 and generator.symmetric

    def _tail(
        self, times: Times, absorbed: Booleans, mean: Number
    ) -> tuple[list[Eigenmode], Tail, ConvergenceError | None]:
        """The slowest modes with what they make of the law; without them the mean time stands for their rate."""
        try:
            modes, faster = self._modes(times.condensed, absorbed)
            return modes, tail_of(times.generator, modes, faster, self.start), None
        except ConvergenceError as error:
            if is_degenerate(self.setting.problem):
                raise
            # a mesh may be too coarse for modes where the drift turns: the next one is made for what is known
            self.eigenvalues.plan = None
            return [Eigenmode(-mean.log.real, times.relative, mean.modes, 1.0)], no_tail(-mean.log.real), error

    def _of_time(self, survival: Survival, slowest: Eigenmode, mean: Number, outside: Outside) -> list[Number]:
        """The rate, all survival functions, all densities, and all quantiles."""
        weight = 1.0 if np.isfinite(survival.tail.start) else LEAST_WEIGHT
        numbers = [Number(float(slowest.log.real), [*slowest.modes], weight, slowest.no_less)]
        by_time = [at_time(survival, t, slowest, outside) for t in self.law.times]
        numbers += [survived for survived, _ in by_time] + [density for _, density in by_time]
        late = replace(mean, modes=[*mean.modes, *slowest.modes])
        return numbers + [quantile(survival, each, late, outside) for each in self.law.quantiles]

    def _modes(self, condensed: Condensation, absorbed: Booleans) -> tuple[list[Eigenmode], float]:
        """The slowest modes of the killed process, ascending, and a rate than which all others are faster."""
        wells = len(condensed.wells)
        self.eigenvalues.wanted = wells + MORE_MODES
        if is_degenerate(self.setting.problem):
            slow = slow_modes(condensed, wells, self.eigenvalues.of_powers, degenerate=True)
            if slow and sum(mode.times for mode in slow) == wells:
                return slow, CLEARLY_FASTER * condensed.slowest_inside
            # a strip of the plane is wide where noise vanishes in some direction, and steps serve longer
            self.eigenvalues.wanted = max(wells + 1, 2)
        if not condensed.generator.symmetric:
            return told_apart(self.eigenvalues.of_both_sides(condensed, absorbed)[0])
        slow = slow_modes(condensed, wells, self.eigenvalues.of_powers)
        if slow and len(slow) == wells:
            return slow, LEAST_INSIDE * condensed.slowest_inside
        return told_apart(self.eigenvalues.orthogonal(condensed, absorbed))


def exit_law(problem: Problem, start: tuple[float, ...], target: Goal, law: Law, name: str = "") -> ExitLaw:
    """The law of the time from ``start`` to ``target``, every number to the problem's tolerance."""
    name = name or str(target)
    seen = recast_exit(problem, start, target, law.parts)
    law, line = replace(law, parts=seen.parts), seen.line
    ends = Ends.at(seen.target, seen.start)
    setting = prepare_exit(seen.problem, ends, HIGH)
    if singular_ends(setting.exponent):
        found = "a line at an end of which the noise vanishes or the drift is infinite"
        raise ProblemError("exit", found, "the question exit-time, which answers there")
    rate = Eigenvalues(setting, seen.target, 0, Scope(), as_functions=True)
    question = Question(setting, seen.target, np.asarray(seen.start)[:, None], law, rate)
    outcome = _outcome(question, ends)
    kept: Found = outcome.payload
    bars = outcome.errors + kept.without + ROUNDING
    if np.imag(outcome.numbers).any():
        refuse_sign()
    _warn_of_series(kept.worst, problem.resolution.tolerance)
    logs = np.real(outcome.numbers)
    quantities = iter([Quantity.of_log(float(log), float(bar)) for log, bar in zip(logs, bars, strict=True)])
    mean, variance, slowest = (next(quantities) for _ in range(3))
    survival, densities = ([next(quantities) for _ in law.times] for _ in range(2))
    survival = [not_by_chance(*each) for each in zip(law.times, survival, densities, strict=True)]
    named, nothing = "quasi-stationary density", {TARGET: -np.inf}
    density = field_within(named, outcome.discretization, kept.log_density, nothing, logarithm=True)
    return ExitLaw(
        mean=mean,
        variance=variance,
        rate=slowest,
        times=tuple(TimeOfLaw(*each) for each in zip(law.times, survival, densities, strict=True)),
        quantiles={probability: next(quantities) for probability in law.quantiles},
        parts={part: PartOfExit(next(quantities), next(quantities)) for part in law.parts},
        start=tuple(start),
        target=name,
        field=replace(field_of_times(outcome.discretization, *kept.times), ring=line),
        quasi_stationary=replace(density, ring=line),
        statistics=outcome.statistics,
    )


def _outcome(question: Question, ends: Ends) -> Outcome:
    """On meshes up to where the slowest mode reaches: that of what no well holds is everywhere."""
    heights = _heights(question.setting, ends) if question.law.parts else None
    outcome = answered(question.setting, ends, question.answer, heights)
    for _ in range(MOST_CUTOFFS):
        setting, kept = question.setting, outcome.payload
        ceiling = _ceiling(setting, ends, heights)
        if setting.problem.resolution.cells is not None or not np.isfinite(ceiling):
            break
        height = cutoff_needed(setting, ceiling, kept.rate, outcome.discretization.nodes, [kept.slowest])
        if height == ceiling:
            break
        if isinstance(setting, FlowSetting):
            question.setting = question.eigenvalues.setting = replace(setting, ceiling=height)
        else:
            heights = replace(heights or levels_of(setting, ends), ceiling=height, trim=False)
        outcome = answered(question.setting, ends, question.answer, heights)
    if outcome.payload.unknown is not None:
        reason = f"the rate at which it leaves in the end was not found: {outcome.payload.unknown.reason}"
        raise ConvergenceError(reason, "exit-time, which needs no rate, a drift that turns less, or a smaller domain")
    return outcome


def _ceiling(setting: Setting, ends: Ends, heights: Heights | None) -> float:
    """The energy cutoff of the meshes."""
    if isinstance(setting, FlowSetting):
        return setting.ceiling
    return (heights or levels_of(setting, ends)).ceiling


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


def _found(
    times: Times, slowest: Eigenmode, numbers: list[Number], absorbed: Booleans, unknown: ConvergenceError | None
) -> Found:
    return Found(
        times.nodal,
        _log_quasi_stationary(times.generator, slowest, absorbed),
        np.array([number.without for number in numbers]),
        max(number.without for number in numbers if not number.little),
        np.abs(slowest.nodal),
        float(np.exp(slowest.log.real)),
        unknown,
    )


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
