"""Mean exit time of a process without detailed balance: L tau = -1, tau = 0 on the target, no flux elsewhere."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import interpolate
from fokker_planck.fem.generator import assemble
from fokker_planck.model.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.exit_time import (
    TARGET,
    absorbed_unknowns,
    field_of_times,
    green_function,
    region_name,
    times_of,
)
from fokker_planck.solvers.initial_mesh import Ends, surroundings
from fokker_planck.solvers.irreversible_accuracy import DriftAnswer, Pair, answered
from fokker_planck.solvers.irreversible_setting import (
    DriftSetting,
    Goal,
    holds_nothing,
    prepare_irreversible,
    without_weight,
)
from fokker_planck.solvers.results import ExitTime
from fokker_planck.solvers.self_consistent_gauge import nearest_unknowns
from fokker_planck.solvers.wells import condense


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
        generator = assemble(discretization, setting.weighting)
        wells = nearest_unknowns(discretization, setting.places, absorbed)
        around = surroundings(setting, discretization, wells, absorbed)
        times = times_of(condense(generator, wells, [absorbed], setting.relaxation_rate, around))
        at_start = float(interpolate(discretization, times.relative, column)[0])
        dual = green_function(times.condensed, column[:, 0])
        pair = Pair(times.cell_values / at_start, dual.values, log_scale=dual.log_scale)
        number = np.array([np.log(at_start) + times.log_scale])
        return DriftAnswer(number, times.nodal, generator, [pair], absorbed=absorbed)

    ends = Ends((region_name(target),), tuple(start))
    outcome = answered(setting, {} if isinstance(target, str) else {TARGET: target}, answer, ends=ends)
    mean = Quantity.of_log(float(outcome.numbers[0]), float(outcome.errors[0]))
    field = field_of_times(outcome.discretization, *outcome.payload)
    return ExitTime(mean, tuple(start), name or str(target), field, outcome.statistics)
