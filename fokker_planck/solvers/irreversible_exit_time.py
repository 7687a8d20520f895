"""Mean exit time of a process without detailed balance: L tau = -1, tau = 0 on the target, no flux elsewhere.

On the wells S tau = G^T M 1 with the left potentials G, and tau = sum_k tau_k h_k + A_FF^-1 M 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import Field, interpolate, point_functional
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.model.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.exit_time import TARGET, absorbed_unknowns
from fokker_planck.solvers.irreversible_accuracy import DriftAnswer, Pair, answered
from fokker_planck.solvers.irreversible_setting import (
    DriftSetting,
    Goal,
    holds_nothing,
    prepare_irreversible,
    without_weight,
)
from fokker_planck.solvers.irreversible_wells import Target, TwoSided, condense
from fokker_planck.solvers.results import ExitTime
from fokker_planck.solvers.self_consistent_gauge import nearest_unknowns

LARGEST_LOG = 690.0


@dataclass(frozen=True)
class Times:
    """Nodal mean times: ``relative`` (N,) times exp(``log_scale``); at the states, and what comes in addition."""

    relative: Floats
    log_scale: float
    at_states: Floats
    inside: Floats
    condensed: TwoSided


def irreversible_exit_time(problem: Problem, start: tuple[float, ...], target: Goal, name: str = "") -> ExitTime:
    """Mean time to reach ``target`` from ``start``, and the field of mean times, to the problem's tolerance."""
    try:
        setting = prepare_irreversible(problem, [target], start)
    except ConvergenceError:
        if not holds_nothing(problem):
            raise
        setting = without_weight(problem)
    return exit_time_in(setting, start, target, name)


def exit_time_in(setting: DriftSetting, start: tuple[float, ...], target: Goal, name: str = "") -> ExitTime:
    """The same in a gauge that is known to serve."""
    column = np.asarray(start)[:, None]

    def answer(discretization: Discretization) -> DriftAnswer:
        absorbed = absorbed_unknowns(discretization, target)
        times = exit_times(setting, discretization, absorbed)
        at_start = float(interpolate(discretization, times.relative, column)[0])
        right = times.condensed.right_cells(times.at_states, times.inside) / at_start
        left = _green_function(times.condensed, column[:, 0])[discretization.dofs]
        number = np.array([np.log(at_start) + times.log_scale])
        return DriftAnswer(number, times, times.condensed.generator, [Pair(right, left)], absorbed=absorbed)

    outcome = answered(setting, {} if isinstance(target, str) else {TARGET: target}, answer)
    mean = Quantity.of_log(float(outcome.numbers[0]), float(outcome.errors[0]))
    field = _field(outcome.discretization, outcome.payload)
    return ExitTime(mean, tuple(start), name or str(target), field, outcome.statistics)


def exit_times(setting: DriftSetting, discretization: Discretization, absorbed: Booleans) -> Times:
    """The whole field of mean times to the unknowns that are ``absorbed``, (N,)."""
    generator = assemble(discretization, setting.weighting)
    wells = nearest_unknowns(discretization, setting.places, absorbed)
    condensed = condense(generator, wells, [Target(absorbed)], setting.relaxation_rate)
    logs = log_at_wells(condensed, condensed.left @ condensed.load, adjoint=False)
    scale = max([0.0, *logs])
    at_states = np.append(np.exp(logs - scale), 0.0)
    inside = condensed.inside(condensed.load) * _height(generator, scale)
    return Times(condensed.right_sum(at_states, inside), scale, at_states, inside, condensed)


def _height(generator: Generator, scale: float) -> Floats:
    """From scaled unknowns, relative to the lowest exponent, to nodal values over exp(``scale``)."""
    return np.asarray(np.exp(0.5 * (generator.exponent - generator.lowest) - scale))


def _green_function(condensed: TwoSided, start: Floats) -> Floats:
    """Nodal values (N,) of z with a(v, z) = v(start) for all v, weights being relative to the lowest."""
    generator = condensed.generator
    functional = point_functional(generator.discretization, start)
    level = float(generator.exponent[functional != 0.0].min())
    right = functional * np.exp(0.5 * (generator.exponent - level))
    logs = log_at_wells(condensed, np.maximum(condensed.right @ right, 1e-300), adjoint=True, level=level)
    inside = condensed.inside(right, adjoint=True) * np.exp(0.5 * (generator.exponent + level) - generator.lowest)
    return condensed.left_sum(np.append(np.exp(np.minimum(logs, LARGEST_LOG)), 0.0), inside)


def log_at_wells(condensed: TwoSided, right: Floats, *, adjoint: bool, level: float | None = None) -> Floats:
    """log u at the wells from S u = f, or S^T u = f, the small system in multiple precision.

    ``right`` (n,) holds products of scaled potentials with a vector that is scaled by the exponent ``level``, the
    lowest if not given.
    """
    import mpmath

    count = len(condensed.wells)
    if not count:
        return np.zeros(0)
    with mpmath.workdps(condensed.digits()):
        half = condensed.half_weights()
        outer = mpmath.exp(mpmath.mpf(0.0 if level is None else level - condensed.generator.lowest) / 2)
        vector: Any = mpmath.matrix([mpmath.mpf(float(right[well])) * half[well] * outer for well in range(count)])
        matrix = condensed.reduced_generator()[:count, :count]
        solution = mpmath.lu_solve(matrix.T if adjoint else matrix, vector)
        return np.array([float(mpmath.log(abs(value))) for value in solution])


def _field(discretization: Discretization, times: Times) -> Field:
    if times.log_scale < LARGEST_LOG:
        return Field("mean exit time", discretization, times.relative * np.exp(times.log_scale))
    with np.errstate(divide="ignore", invalid="ignore"):
        nodal = np.log(np.maximum(times.relative, 0.0)) + times.log_scale
    return Field("mean exit time", discretization, nodal, logarithm=True)
