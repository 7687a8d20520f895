"""The law of the time tau to a target: moments, survival function, quantiles, rate, and the state before the exit.

    m_k = E tau^k:   L m_k = -k m_{k-1},   m_k = 0 on the target, m_0 = 1,   no flux through the rest of the boundary;
    S(t) = P(tau > t):   S_t = L S,   S = 1 at t = 0,   S = 0 on the target;
    L* q = -lambda q,   q = 0 on the target,   for the smallest lambda: S(t) tends to c exp(-lambda t).

q, a density, is the quasi-stationary one: that of a process which has not left after a long time.

Source: Darling and Siegert, Ann. Math. Statist. 24 (1953) 624; Collet, Martinez and San Martin, Quasi-stationary
Distributions (2013), chapter 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.cell_products import product
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import Field, interpolate, point_functional
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.long_range import times_exp
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.absorption import stopped
from fokker_planck.solvers.accuracy import answered
from fokker_planck.solvers.answer_types import Answer
from fokker_planck.solvers.descent import prepare_exit
from fokker_planck.solvers.eigenmodes import Eigenmode, normalised
from fokker_planck.solvers.end_conditions import end_error, singular_ends
from fokker_planck.solvers.ends import Ends, Goal
from fokker_planck.solvers.exit_parts import Parts, parts_of
from fokker_planck.solvers.exit_time import Times, exit_times, field_of_times, green_function
from fokker_planck.solvers.results import ExitLaw, PartOfExit, TimeOfLaw
from fokker_planck.solvers.semigroup import LEFT_OUT, coefficients, evolved, pole_for, resolvent
from fokker_planck.solvers.setting import Setting
from fokker_planck.solvers.spectral_scope import Scope
from fokker_planck.solvers.spectrum import Question
from fokker_planck.solvers.survival import Survival, tail_of
from fokker_planck.solvers.wells import Condensation, solution

MORE_MODES = 4
"""Eigenvalues beside those of wells: with them the tail of the Ornstein-Uhlenbeck process takes over where S is 2e-2,
with one at 1e-7."""
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
class Found:
    """What stays of one mesh beside the numbers."""

    times: tuple[Floats, float]
    log_density: Floats
    without: Floats


def exit_law(problem: Problem, start: tuple[float, ...], target: Goal, law: Law, name: str = "") -> ExitLaw:
    """The law of the time from ``start`` to ``target``, every number to the problem's tolerance."""
    ends = Ends.at(target, start)
    setting, column = prepare_exit(problem, ends), np.asarray(start)[:, None]
    if singular_ends(setting.exponent):
        found = "a line on which the noise vanishes or the drift is infinite at an end"
        raise ProblemError("exit", found, "exit-time, which answers there")
    modes = _Modes(setting, target)

    def answer(discretization: Discretization) -> Answer:
        return _answer(setting, discretization, target, column, law, modes)

    outcome = answered(setting, ends, answer)
    kept: Found = outcome.payload
    logs = outcome.numbers
    error = outcome.errors + kept.without + ROUNDING
    error = error + end_error(setting.exponent, float(np.exp(min(-float(logs[0]), 690.0))))
    quantities = [Quantity.of_log(float(log), float(bar)) for log, bar in zip(logs, error, strict=True)]
    count, asked = len(law.times), len(law.quantiles)
    mean, variance, rate = quantities[:3]
    survival = quantities[3 : 3 + count]
    densities = quantities[3 + count : 3 + 2 * count]
    quantiles = quantities[3 + 2 * count : 3 + 2 * count + asked]
    rest = quantities[3 + 2 * count + asked :]
    named = zip(law.parts, rest[0::2], rest[1::2], strict=True)
    return ExitLaw(
        mean=mean,
        variance=variance,
        rate=rate,
        times=tuple(TimeOfLaw(t, s, f) for t, s, f in zip(law.times, survival, densities, strict=True)),
        quantiles=dict(zip(law.quantiles, quantiles, strict=True)),
        parts={part: PartOfExit(probability, time) for part, probability, time in named},
        start=tuple(start),
        target=name or str(target),
        field=field_of_times(outcome.discretization, *kept.times),
        quasi_stationary=Field("quasi-stationary density", outcome.discretization, kept.log_density, logarithm=True),
        statistics=outcome.statistics,
    )


class _Modes:
    """The slowest modes of the killed process, on one mesh after another."""

    def __init__(self, setting: Setting, target: Goal) -> None:
        self.question = Question(setting, target, 0, Scope())

    def on(self, condensed: Condensation, absorbed: Booleans) -> list[Eigenmode]:
        """Those of the wells, and ``MORE_MODES``."""
        self.question.wanted = len(condensed.wells) + MORE_MODES
        if condensed.generator.symmetric:
            return self.question.orthogonal(condensed, absorbed)
        return self.question.of_both_sides(condensed, absorbed)[0]


def _answer(
    setting: Setting, discretization: Discretization, target: Goal, start: Floats, law: Law, modes: _Modes
) -> Answer:
    end = stopped(setting, discretization, target)
    times = exit_times(setting, end)
    generator, condensed = times.generator, times.condensed
    found = sorted(modes.on(condensed, end.absorbed), key=lambda mode: mode.log.real)
    survival = Survival(generator, ~end.absorbed, start, tail_of(generator, found, start))
    log_mean, log_variance = _moments(times, start)
    dual = green_function(condensed, start[:, 0])
    at_start = float(interpolate(discretization, times.relative, start)[0])
    of_mean = [
        Mode(end.outside(times.cell_values), end.outside(dual.values), dual.pole, np.log(at_start) - dual.log_scale)
    ]
    slowest = found[0]
    logs = [survival.log(t) for t in law.times]
    densities = [survival.log_density(t) for t in law.times]
    quantiles = [survival.quantile(probability) for probability in law.quantiles]
    numbers = [log_mean, log_variance, float(slowest.log.real), *logs, *densities, *quantiles]
    # of densities where hardly anything has left or is left rounding is what there is
    early = [
        t < survival.tail.start and density + np.log(t) < EARLY for density, t in zip(densities, law.times, strict=True)
    ]
    weights = [1.0, 1.0, 1.0, *(1.0 for _ in logs), *(LITTLE if e else 1.0 for e in early), *(1.0 for _ in quantiles)]
    by_time = [
        _mode_at(survival, t, log) if t < survival.tail.start else [*slowest.modes]
        for t, log in zip(law.times, logs, strict=True)
    ]
    by_quantile = [
        _mode_at(survival, float(np.exp(log)), float(np.log1p(-p))) if np.exp(log) < survival.tail.start else of_mean
        for p, log in zip(law.quantiles, quantiles, strict=True)
    ]
    groups = [of_mean, of_mean, [*slowest.modes], *by_time, *by_time, *by_quantile]
    without = [0.0, 0.0, slowest.no_less, *(_rounding(survival, t, log) for t, log in zip(law.times, logs, strict=True))]
    without += [LEFT_OUT / (np.exp(d) * t) if t < survival.tail.start else 0.0 for d, t in zip(densities, law.times)]
    without += [_rounding(survival, float(np.exp(log)), float(np.log1p(-p))) for p, log in zip(law.quantiles, quantiles)]
    if law.parts:
        parts: Parts = parts_of(setting, end, law.parts, start)
        numbers += parts.numbers
        weights += [1.0] * len(parts.numbers)
        groups += [of_mean] * len(parts.numbers)
        without += [0.0] * len(parts.numbers)
    payload = Found(times.nodal, _log_quasi_stationary(generator, slowest, end.absorbed), np.array(without))
    return Answer(np.array(numbers), payload, generator, groups, np.array(weights), end.absorbed)


def _rounding(survival: Survival, t: float, log: float) -> float:
    return LEFT_OUT / float(np.exp(log)) if t < survival.tail.start else 0.0


def _moments(times: Times, start: Floats) -> tuple[float, float]:
    """Logarithms of the mean and of the variance m_2 - m_1^2 at the start."""
    condensed, generator = times.condensed, times.generator
    discretization = generator.discretization
    scaled = times_exp(times.relative, -0.5 * (generator.exponent - generator.lowest))
    cells = times.relative[discretization.dofs]
    lefts = [condensed.unscaled(well, adjoint=True)[discretization.dofs] for well in range(len(condensed.wells))]
    logs = np.array([product(generator, left, cells).log_of_sum() + generator.lowest for left in lefts])
    at_states, inside, scale = solution(condensed, generator.apply_mass(scaled), logs)
    first = float(interpolate(discretization, times.relative, start)[0])
    second = float(interpolate(discretization, condensed.nodal(at_states, inside), start)[0])
    log_first = np.log(first) + times.log_scale
    log_second = np.log(2.0 * second) + scale + times.log_scale
    return float(log_first), float(log_second + np.log(-np.expm1(2.0 * log_first - log_second)))


def _mode_at(survival: Survival, t: float, log: float) -> list[Mode]:
    """What S(t) = (u(t/2), z(t/2)) rests on: u(s) = exp(s L) 1, and z(s) = exp(s L*) of the start.

    An error e of u and f of z change S by int_0^t a(e(s), f(t - s)) ds, about t a(e(t/2), f(t/2)).
    """
    generator = survival.generator
    discretization, half = generator.discretization, 0.5 * t
    inverse = resolvent(generator, survival.free, pole_for(1.5 * half))
    up = 0.5 * (generator.exponent - generator.lowest)
    weights = coefficients(half, inverse.r)
    right = evolved(inverse.series(mass_times_constant(generator)), weights)
    functional = point_functional(discretization, survival.start[:, 0])
    level = float(generator.exponent[functional != 0.0].min())
    load = times_exp(functional, np.where(functional != 0.0, 0.5 * (generator.exponent - level), 0.0))
    left = evolved(inverse.series(load, adjoint=True), weights)
    height = 0.5 * (generator.exponent + level) - generator.lowest
    with np.errstate(divide="ignore"):
        scale = float((np.log(np.abs(left)) + height).max())
    dofs = discretization.dofs
    pole = (functional != 0.0)[dofs].any(axis=1)
    return [Mode(times_exp(right, up)[dofs], times_exp(left, height - scale)[dofs], pole, log - np.log(t) - scale)]


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
