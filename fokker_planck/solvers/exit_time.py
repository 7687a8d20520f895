"""Mean exit time: L tau = -1 in the domain, tau = 0 on the target, no flux through the rest of the boundary."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.algebra.long_range import LARGEST_LOG, times_exp
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.fields.interpolation import interpolate
from fokker_planck.fem.fields.within_sets import field_within
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.question_arguments import within_periods
from fokker_planck.model.recast.moved_seams import off_seams
from fokker_planck.model.recast.off_walls import off_walls
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.absorption import Stopped, absorbing, stopped
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.initial_mesh import members_of, surfaces
from fokker_planck.solvers.boundaries.end_conditions import end_error, out_of_stretch, refuse_natural_start
from fokker_planck.solvers.boundaries.ends import TARGET, Ends, Goal
from fokker_planck.solvers.condensation.condensed_solution import log_solution_at_wells, solution
from fokker_planck.solvers.condensation.point_load import point_load
from fokker_planck.solvers.condensation.wells import Condensation, condense, well_nodes
from fokker_planck.solvers.eigenvalues.slow_modes import WRONG_SIGN, refuse_sign
from fokker_planck.solvers.exits.descent import prepare_exit
from fokker_planck.solvers.results.steady import ExitTime
from fokker_planck.solvers.setting.deep_wells import NotDeepError, deep_in_target, deep_states, with_deep_wells
from fokker_planck.solvers.setting.setting import Setting

HIGH_START = (
    "the start lies so far above the lowest point that its weight is no double",
    "more noise, or a domain that does not reach down so far",
)


def mean_exit_time(problem: Problem, start: tuple[float, ...], target: Goal, name: str = "") -> ExitTime:
    """Mean time to reach ``target`` from ``start``, and the field of mean times, to the problem's tolerance."""
    problem, target = absorbing(problem, target)
    problem, (target,) = off_seams(problem, (target,), "exit.target")
    problem = off_walls(problem, (target,))
    place = within_periods(problem, tuple(start))
    refuse_natural_start(problem, place)
    setting = prepare_exit(problem, Ends.at(target, place))
    try:
        found = _mean_exit_time(with_deep_wells(setting), place, target, name)
    except NotDeepError:
        found = _mean_exit_time(setting, place, target, name)
    return replace(found, start=tuple(start))


def _mean_exit_time(setting: Setting, start: tuple[float, ...], target: Goal, name: str) -> ExitTime:
    column, before, doubt = np.asarray(start)[:, None], 0.0, 0.0
    if len(start) == 1:
        edge, before, doubt = out_of_stretch(setting.exponent, start[0])
        column = np.array([[edge]])

    def answer(discretization: Discretization) -> Answer:
        end = stopped(setting, discretization, target)
        end = replace(end, absorbed=deep_in_target(setting, discretization, target, end.absorbed, column[:, 0]))
        times = exit_times(setting, end)
        at_start = float(interpolate(discretization, times.relative, column)[0])
        if not at_start > 0.0:
            raise BarrierTooHighError(*HIGH_START)
        dual = green_function(times.condensed, column[:, 0])
        # a(tau, z) is tau at the start
        right, left = end.outside(times.cell_values), end.outside(dual.values)
        mode = Mode(right, left, dual.pole, np.log(at_start) - dual.log_scale)
        # what comes out backward is kept as a number that no other mesh agrees with, and refined
        backward = 1j * WRONG_SIGN if times.condensed.left_backward else 0.0
        number = np.array([np.log(at_start) + times.log_scale + backward])
        return Answer(number, times.nodal, times.generator, [[mode]], absorbed=end.absorbed, slowest=end.slowest)

    outcome = answered(setting, Ends.at(target, start), answer)
    field = field_of_times(outcome.discretization, *outcome.payload)
    log = float(outcome.numbers[0].real)
    if outcome.numbers[0].imag:
        refuse_sign()
    error = float(outcome.errors[0]) + end_error(setting.exponent, float(np.exp(min(-log, LARGEST_LOG))))
    if before > 0.0:
        log = float(np.logaddexp(log, np.log(before)))
        error += doubt * float(np.exp(-log))
    return ExitTime(Quantity.of_log(log, error), tuple(start), name or str(target), field, outcome.statistics)


def field_of_times(discretization: Discretization, relative: Floats, log_scale: float) -> Field:
    """The mean times ``relative`` (N,) exp(``log_scale``), or their logarithms where doubles do not hold them."""
    if log_scale < LARGEST_LOG:
        return field_within("mean exit time", discretization, relative * np.exp(log_scale), {TARGET: 0.0})
    with np.errstate(divide="ignore", invalid="ignore"):
        nodal = np.log(np.maximum(relative, 0.0)) + log_scale
    return field_within("mean exit time", discretization, nodal, {TARGET: -np.inf}, logarithm=True)


@dataclass(frozen=True)
class Times:
    """Nodal mean times: ``relative`` (N,) times exp(``log_scale``); ``cell_values`` by cell, less constants."""

    relative: Floats
    log_scale: float
    generator: Generator
    cell_values: Floats
    condensed: Condensation

    @property
    def nodal(self) -> tuple[Floats, float]:
        """The times alone, without what they came from."""
        return self.relative, self.log_scale


def exit_times(setting: Setting, end: Stopped) -> Times:
    """The whole field of mean times until a process is stopped."""
    discretization = end.generator.discretization
    wells = well_nodes(discretization, setting.places, end.absorbed)
    goal = members_of(discretization, end.target)
    cuts = surfaces(discretization, wells, setting.places, end.absorbed, goal)
    cuts = cuts or deep_states(setting, discretization, wells, end.absorbed)
    return times_of(condense(end.generator, wells, [end.absorbed], setting.relaxation_rate, cuts))


def times_of(condensed: Condensation) -> Times:
    """tau = sum_k tau_k h_k + A_FF^-1 M 1 with S tau = G^T M 1 on the wells (Bovier et al. 2004, section 3)."""
    at_states, inside, scale = solution(condensed, condensed.load, condensed.log_loads())
    times = condensed.nodal(at_states, inside)
    return Times(times, scale, condensed.generator, condensed.cell_values(at_states, inside), condensed)


@dataclass(frozen=True)
class GreenFunction:
    """``values`` by cell, (cells, n), times exp(``log_scale``), weights being relative to the lowest exponent.

    ``pole`` (cells,) marks the cells that touch the start.
    """

    values: Floats
    log_scale: float
    pole: Booleans


def green_function(condensed: Condensation, start: Floats) -> GreenFunction:
    """z with a(v, z) = v(start) for all v: the dual of the mean time at the start, where it has its pole.

    With detailed balance up to a constant in each cell.
    """
    generator = condensed.generator
    load = point_load(generator, start)
    at_start = [float(load.functional @ condensed.unscaled(well)) for well in range(len(condensed.wells))]
    with np.errstate(divide="ignore"):
        logs = log_solution_at_wells(condensed, np.log(np.maximum(at_start, 0.0)), adjoint=True)
    inside = condensed.solve_inside(load.scaled, adjoint=True)
    with np.errstate(divide="ignore"):
        scale = max([float((np.log(np.abs(inside)) + load.height).max()), *logs])
    inside = times_exp(inside, load.height - scale)
    at_states, dofs = np.append(np.exp(logs - scale), 0.0), generator.discretization.dofs
    if generator.symmetric:
        return GreenFunction(condensed.cell_values(at_states, inside), scale, load.pole)
    return GreenFunction(condensed.nodal(at_states, inside, adjoint=True)[dofs], scale, load.pole)
