"""The periodic state of a process that is driven periodically: p_t = L(t)* p with p(t + T) = p(t)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.formulas.arrays import Booleans, Complexes, Floats
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.answer_types import Answer, Outcome
from fokker_planck.solvers.driven_evolution import DrivenQuestion, probes, reference_of
from fokker_planck.solvers.evolution import answered_by, result_of
from fokker_planck.solvers.results.in_time import Estimate
from fokker_planck.solvers.time.driven.driven_propagation import DrivenPropagation
from fokker_planck.solvers.time.driven.monodromy import Leading, Monodromy, OverPeriod
from fokker_planck.solvers.time.driven.periodic_results import Harmonic, Multiplier, PeriodicState
from fokker_planck.solvers.time.evolving.asked import Asked, asked_off_seams
from fokker_planck.solvers.time.evolving.evolution_numbers import Measured

REPEATED = 1e-9
"""Of the largest coefficient: what differs more after a period than that does not repeat itself."""
LOOKED_AT = 200
"""Times of a period at which that is looked at."""
TILT = 0.3
"""Of the stationary density, by which the first vector differs from it to either side: modes that are odd have to be in
it, whatever symmetry the process has."""


@dataclass(frozen=True)
class Means:
    """What of the periodic state is no state: ``means`` (3, n) of functionals, multipliers, and what both are off."""

    means: Floats
    means_off: Floats
    multipliers: Complexes
    multipliers_off: Floats


@dataclass
class PeriodicQuestion(DrivenQuestion):
    """The periodic state on one mesh after another, with ``count`` multipliers."""

    count: int = 2

    def answer(self, discretization: Discretization) -> Answer:
        """All numbers on one mesh."""
        propagation, measured, absorbed = self.prepared(discretization)
        period = self.asked.times[-1]
        tilted = self._tilted(measured, discretization)
        start = tilted / (propagation.functionals[0] @ tilted)
        propagation.by_steps(measured.generator.apply_mass(start), 0.0, self.asked.times)
        monodromy = Monodromy(propagation, kept=discretization.triangulation.dimension == 1)
        leading = monodromy.leading(start, self.count)
        over = OverPeriod.of(propagation.functionals, period, self.asked.times)
        end = monodromy.through(leading.state, over)
        once = propagation.off
        _check_settled(propagation, leading, end)
        states = [propagation.state(t, over.there[t]) for t in self.asked.times]
        offs = propagation.state(period, end).off
        found = Means(over.means, offs, leading.multipliers, leading.errors + leading.conditions * once)
        return self._with_means(replace(measured, states=states), found, absorbed)

    def _tilted(self, measured: Measured, discretization: Discretization) -> Floats:
        nodes = discretization.nodes
        middle, width = nodes.mean(axis=0), np.ptp(nodes, axis=0)
        tilt = 1.0 + TILT * np.tanh(4.0 * ((nodes - middle) / width).sum(axis=1))
        vector = self._stationary(measured.generator, discretization) * tilt
        return np.asarray(vector * np.exp(-measured.beginning.height))

    def _with_means(self, measured: Measured, found: Means, absorbed: Booleans) -> Answer:
        """The numbers of the states, and behind them those of means and multipliers."""
        answer = self._answer(measured, [], absorbed)
        found.means_off[1 + len(self.asked.sets) :] += self.rules_apart(measured).max(axis=0)
        scales = self.scales_of_means
        means = np.log(2.0 + found.means[:, 1:] / scales).ravel()
        parts = np.log(2.0 + np.concatenate([found.multipliers.real, found.multipliers.imag]))
        numbers = np.concatenate([answer.numbers, means, parts])
        count = len(numbers) - len(answer.numbers)
        alone = [measured.mode(measured.states[-1].vector)]
        weights = np.ones(len(answer.numbers)) if answer.weights is None else answer.weights
        rounding = np.zeros(len(answer.numbers)) if answer.rounding is None else answer.rounding
        return replace(
            answer,
            numbers=numbers,
            payload=(answer.payload, found),
            modes=[*answer.modes, *([alone] * count)],
            weights=np.concatenate([weights, np.ones(count)]),
            rounding=np.concatenate([rounding, np.zeros(count)]),
        )

    @property
    def scales_of_means(self) -> Floats:
        """Of sets and observables, (n,): probabilities are of order one."""
        return np.array([*np.ones(len(self.asked.sets)), *self.scales.values()])


def _check_settled(propagation: DrivenPropagation, leading: Leading, end: Floats) -> None:
    """What the state differs by after a period, and what errors of one add up to before they are forgotten."""
    apart = float(propagation.size @ np.abs(end - leading.state))
    slowest = float(np.abs(leading.multipliers).max(initial=0.0))
    remembered = 1.0 + float(leading.conditions.max(initial=1.0)) * slowest / max(1.0 - slowest, 1e-16)
    propagation.off = (propagation.off + apart) * remembered
    if propagation.off > propagation.tolerance:
        raise ConvergenceError(
            f"the periodic state is known to {propagation.off:.1e} of the mass; it takes {remembered:.1e} periods "
            "to forget an error",
            "a looser tolerance, more noise, or a slower driving",
        )


def periodic_state(problem: Problem, period: float, asked: Asked, count: int) -> PeriodicState:
    """The periodic state with ``count`` multipliers; times of ``asked`` end with the period."""
    _check_period(problem, period)
    problem, asked = asked_off_seams(problem, asked)
    reference = reference_of(problem, period)
    question_of = partial(PeriodicQuestion, reference=reference, count=count)
    question, outcome = answered_by(reference.problem, asked, question_of, reference.margins)
    return _result(question, outcome, period)


def _result(question: PeriodicQuestion, outcome: Outcome, period: float) -> PeriodicState:
    kept, found = outcome.payload
    states = result_of(question, replace(outcome, payload=kept))
    scales, count = question.scales_of_means, len(found.multipliers)
    bars = outcome.errors[len(outcome.errors) - 3 * len(scales) - 2 * count :]
    of_means = bars[: 3 * len(scales)].reshape(3, -1) * (2.0 * scales + found.means[:, 1:])
    of_means = of_means + np.array([1.0, 2.0, 2.0])[:, None] * found.means_off[1:]
    real, imaginary = bars[3 * len(scales) :].reshape(2, -1)
    harmonics = [
        Harmonic(*(Estimate(float(v), float(e)) for v, e in zip(values, errors, strict=True)))
        for values, errors in zip(found.means[:, 1:].T, of_means.T, strict=True)
    ]
    errors = np.maximum(real * (2.0 + found.multipliers.real), imaginary * (2.0 + found.multipliers.imag))
    multipliers = tuple(
        Multiplier(float(value.real), float(value.imag), float(error + off))
        for value, error, off in zip(found.multipliers, errors, found.multipliers_off, strict=True)
    )
    sets = len(question.asked.sets)
    return PeriodicState(
        period=period,
        times=states.times,
        minima=states.minima,
        observables=dict(zip(question.asked.observables, harmonics[sets:], strict=True)),
        sets=dict(zip(question.asked.sets, harmonics[:sets], strict=True)),
        multipliers=multipliers,
        statistics=outcome.statistics,
    )


def _check_period(problem: Problem, period: float) -> None:
    """The schedule repeats itself with that period."""
    schedule = problem.schedule
    if schedule is None:
        raise ProblemError("schedule", "nothing that depends on time", "a schedule that repeats itself")
    if schedule.table:
        raise ProblemError("schedule.noise", "a table, which ends", "a formula that repeats itself")
    times = np.linspace(0.0, period, LOOKED_AT)
    now, then = schedule.factor(times), schedule.factor(times + period)
    if np.abs(now - then).max() > REPEATED * now.max():
        raise _not_repeated(period, "noise")
    if schedule.potential is not None:
        points = probes(problem)
        values = [np.array([_differences(schedule, points, t + s) for t in times]) for s in (0.0, period)]
        if np.abs(values[0] - values[1]).max() > REPEATED * max(np.abs(values[0]).max(), 1e-300):
            raise _not_repeated(period, "potential")


def _differences(schedule: Any, points: Floats, t: float) -> Floats:
    values = schedule.value(points, t)
    return np.asarray(values - values[0])


def _not_repeated(period: float, what: str) -> ProblemError:
    return ProblemError("periodic.period", period, f"a period of schedule.{what}, which differs after it")


def quarters(period: float, times: Sequence[float] | None) -> tuple[float, ...]:
    """The times of a period at which states are wanted, its quarters without others, and its end."""
    given = [0.25 * period, 0.5 * period, 0.75 * period] if times is None else times
    return tuple(sorted({*given, period}))
