"""Where a process in the plane leaves: the density rho of X_tau along the curves of the target, and shares of it.

    a(v, z) = v(start) for all v that vanish on the target,     int phi rho ds = -a(E phi, z) for phi on the target,

E phi being any function that is phi there: see :mod:`fokker_planck.fem.absorbing_curves`. A curve is divided at the
crests of psi, minus the logarithm of the stationary density, on it: every lowest point, a saddle where the curve is
that of a basin, has a share of its own.

Meshes are refined for rho where 1/64, 2/64, ... of every share have left.  An error e of z changes what leaves through
the unknown i, r_i, by a(u, e), with L u = 0 and u the basis function of i on the target: of all unknowns together u is
the sum of these over r_i, with signs that alternate, those counted less at which rho is far below the typical
c = exp(int rho log rho / int rho).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.absorbing_curves import Curve, absorbing_curves, leaving
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.cell_products import LogScaled
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.meshing import Heights
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.question_arguments import within_periods
from fokker_planck.model.recast.moved_seams import off_seams
from fokker_planck.model.recast.off_walls import off_walls
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.absorption import Stopped, stopped
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer, Outcome
from fokker_planck.solvers.adaptivity.error_bars import HIGHER, SAFETY
from fokker_planck.solvers.boundaries.ends import Ends, Goal
from fokker_planck.solvers.condensation.wells import Condensation
from fokker_planck.solvers.exit_time import GreenFunction, exit_times, green_function
from fokker_planck.solvers.exits.boundary_density import CORNER, AlongCurve, Arc, density_along, turns_of
from fokker_planck.solvers.exits.descent import prepare_exit
from fokker_planck.solvers.exits.gates import Gate, gates_of
from fokker_planck.solvers.results.of_place import ExitCurve, ExitPlace, ShareOfExit
from fokker_planck.solvers.setting.energy_levels import levels_of
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting

ROUNDING = 1e-12
"""Of what leaves, beside what all of the target lacks of one: 1e-13 without barriers, 1e-10 over 400 epsilon."""
LEAST_SHARE = 1e-250
"""Of all that leaves, below which a share is no double, and is not looked at."""
FURTHER = 30.0
"""Units of epsilon beyond the energy cutoff of a mean time: shares of 1e-25 are seen, those of 1e-200 take hundreds of
thousands of cells that nothing else needs."""
QUANTILES = tuple(k / 64 for k in range(1, 64))
"""Of every share: there rho is asked for to the tolerance. With nine of them a stretch of 5 % was 3e-4 off at 1e-5."""
AT_A_POINT = 2.5
"""Times the usual safety: a density is off by up to 2.1 of the usual bars where it rests on one that is not known, by
1.7 beside a jump of the drift, and by 0.4 elsewhere."""
FAR_BELOW = 20.0
"""Units of log rho below its typical value, from which on nothing is refined for it."""


@dataclass(frozen=True)
class Found:
    """What one mesh tells: rho along every curve, and the gates of each."""

    curves: tuple[AlongCurve, ...]
    gates: tuple[tuple[int, Gate], ...]


@dataclass(frozen=True)
class Question:
    """The place of one exit, asked on one mesh after another."""

    setting: Setting
    target: Goal
    start: tuple[float, ...]

    def answer(self, discretization: Discretization) -> Answer:
        """Logarithms of all shares, and of how concentrated each is, with the functions that these rest on."""
        end = stopped(self.setting, discretization, self.target)
        condensed = exit_times(self.setting, end).condensed
        generator, dual = condensed.generator, green_function(condensed, np.asarray(self.start))
        shares = leaving(generator, _log_scaled(dual), end.absorbed)
        curves = tuple(density_along(c, shares) for c in absorbing_curves(discretization, end.absorbed))
        refuse_corners(along.curve for along in curves)
        every = [(number, gate) for number, along in enumerate(curves) for gate in gates_of(along, generator.exponent)]
        gates = tuple(each for each in every if curves[each[0]].integral(each[1].arc) > LEAST_SHARE)
        found, logs = Found(curves, gates), [log for each in gates for log in _logs(curves, *each)]
        modes = [[_mode(condensed, end, dual, _data(curves, *each))] for each in gates]
        by_number = [each for each in modes for _ in range(1 + len(QUANTILES))]
        return Answer(np.array(logs), found, generator, by_number, absorbed=end.absorbed, slowest=end.slowest)


def exit_place(problem: Problem, start: tuple[float, ...], target: Goal, name: str = "") -> ExitPlace:
    """The density of the place of the exit from ``start`` through ``target``, and the share of every lowest point."""
    if problem.dimension != 2:
        found = f"a process in {problem.dimension} dimension{'s' if problem.dimension > 1 else ''}"
        raise ProblemError("exit", found, "one in the plane, or exit-law with [exit] parts")
    if is_degenerate(problem):
        raise ProblemError("exit", "noise that vanishes in some direction", "exit-law with [exit] parts")
    problem, (target,) = off_seams(problem, (target,), "exit.target")
    problem = off_walls(problem, (target,))
    place = within_periods(problem, tuple(start))
    ends = Ends.at(target, place)
    setting = prepare_exit(problem, ends)
    question = Question(setting, target, place)
    outcome = answered(setting, ends, question.answer, _heights(setting, ends))
    kept: Found = outcome.payload
    higher = _again(question, outcome)
    logs, bars = (values[:: 1 + len(QUANTILES)] for values in (np.real(outcome.numbers), outcome.errors))
    rounded = ROUNDING + abs(1.0 - sum(along.integral(Arc.between(along.curve)) for along in kept.curves))
    shares = [Quantity.of_log(float(log), float(bar) + rounded) for log, bar in zip(logs, bars, strict=True)]
    return ExitPlace(
        curves=tuple(_curve(*each) for each in zip(kept.curves, higher, strict=True)),
        shares=tuple(_share_of_exit(kept.curves, *each, share) for each, share in zip(kept.gates, shares, strict=True)),
        start=tuple(start),
        target=name or str(target),
        statistics=outcome.statistics,
    )


def _heights(setting: Setting, ends: Ends) -> Heights | None:
    """Beyond what decides the mean time, whose energy cutoff leaves out what it does not need."""
    if not isinstance(setting, PotentialSetting):
        return None
    levels = levels_of(setting, ends)
    return replace(levels, ceiling=levels.ceiling + FURTHER, trim=False)


def _log_scaled(dual: GreenFunction) -> LogScaled:
    return LogScaled(dual.values, np.full(len(dual.values), dual.log_scale))


def _logs(curves: tuple[AlongCurve, ...], number: int, gate: Gate) -> list[float]:
    """The logarithm of a share, and those of rho where a tenth, two tenths, ... of it have left."""
    along = curves[number]
    return [float(np.log(along.integral(gate.arc))), *along.log_at_shares(gate.arc, QUANTILES)]


def _data(curves: tuple[AlongCurve, ...], number: int, gate: Gate) -> list[Floats]:
    """What u is at the unknowns of every edge of every curve, (m, n)."""
    along = curves[number]

    def times_log(rho: Floats) -> Floats:
        return np.asarray(rho * np.log(np.maximum(np.abs(rho), LEAST_SHARE)))

    log_typical = along.integral(gate.arc, times_log) / along.integral(gate.arc)
    above = np.where(along.on(gate.arc), along.logs - log_typical, -np.inf)
    weight = np.where(above > -FAR_BELOW, 1.0 / (1.0 + np.exp(-np.maximum(above, -FAR_BELOW))), 0.0)
    edges, count = along.logs.shape
    signs = (-1.0) ** (np.arange(edges)[:, None] * (count - 1) + np.arange(count))
    data = [np.zeros_like(other.logs) for other in curves]
    data[number] = signs * weight / (weight.sum() * along.leaving)
    return data


def _mode(condensed: Condensation, end: Stopped, dual: GreenFunction, data: list[Floats]) -> Mode:
    """u with L u = 0 and the ``data`` on the target, beside z."""
    generator = condensed.generator
    discretization = generator.discretization
    on_target = np.zeros(discretization.count)
    for curve, values in zip(absorbing_curves(discretization, end.absorbed), data, strict=True):
        on_target[curve.dofs] = values
    scaled = times_exp(on_target, -0.5 * (generator.exponent - generator.lowest))
    inside = condensed.solve_inside(-generator.apply_stiffness(scaled))
    values = on_target + times_exp(inside, 0.5 * (generator.exponent - generator.lowest))
    return Mode(end.outside(values[discretization.dofs]), end.outside(dual.values), dual.pole, -dual.log_scale)


def refuse_corners(curves: Iterable[Curve]) -> None:
    """Raise where a curve turns away from the process by more than ``CORNER`` from an edge to the next."""
    for curve in curves:
        if (turns_of(curve) < -CORNER).any():
            wanted = "one whose corners, if any, hold the process in them: at others the density is infinite"
            raise ProblemError("exit.target", "a target with a corner that reaches into the process", wanted)


def _again(question: Question, outcome: Outcome) -> tuple[AlongCurve, ...]:
    """rho along the curves once more, of a higher degree on the same mesh."""
    discretization = outcome.discretization
    finer = discretize(discretization.triangulation, discretization.degree + HIGHER[2], discretization.comm)
    found: Found = question.answer(finer).payload
    return found.curves


def _curve(along: AlongCurve, higher: AlongCurve) -> ExitCurve:
    """A curve by its unknowns, with the bar of rho: what a higher degree changes there or as far as an edge away.

    At one unknown alone two degrees agree by chance.
    """
    keep = np.ones(along.logs.shape, dtype=bool)
    keep[:-1, -1] = False
    every = np.arange(len(keep))
    changed = np.abs(along.nodal - higher.at(every, along.parameters))[keep]
    reach = along.logs.shape[1] - 1
    padded = np.pad(changed, reach, mode="wrap" if along.curve.closed else "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    bars = AT_A_POINT * SAFETY * around + ROUNDING * np.abs(along.nodal[keep])
    return ExitCurve(
        closed=along.curve.closed,
        points=tuple(map(tuple, along.curve.at(every, along.parameters)[0][keep].tolist())),
        arclength=tuple(along.lengths[keep].tolist()),
        density=tuple(along.nodal[keep].tolist()),
        absolute_error=tuple(bars.tolist()),
    )


def _share_of_exit(curves: tuple[AlongCurve, ...], number: int, gate: Gate, probability: Quantity) -> ShareOfExit:
    along, arc = curves[number], gate.arc
    edge, t = gate.lowest
    x, y = along.curve.at(np.array([edge]), np.array([[t]]))[0][0, 0].tolist()
    ends = (int(arc.edges[0]), float(arc.low[0])), (int(arc.edges[-1]), float(arc.high[-1]))
    begin, stop = (along.length_at(place) for place in ends)
    return ShareOfExit(probability, (x, y), number, (begin, stop))
