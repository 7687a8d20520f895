"""Committors of a process without detailed balance, forward q+ and backward q-, and the transitions between two sets.

L q+ = 0 outside of the sets, q+ = 0 on the first and 1 on the second; q- is the committor of the process run backward
in time, 1 on the first set and 0 on the second, and p q- is in the kernel of the adjoint.  The number of transitions
per unit time, the shares of time on reactive paths and since the first set, are

    nu = a(q+, p q-),      int p q+ q-,      int p q-.

Source: E and Vanden-Eijnden, J. Stat. Phys. 123 (2006) 503; Metzner, Schuette and Vanden-Eijnden, J. Chem. Phys.
125 (2006) 084110.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.fem.discretization import Discretization, unknowns_in
from fokker_planck.fem.field import Field
from fokker_planck.fem.long_range import times_exp
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.committor import FROM, TO, Flow, _check_apart, transitions_of
from fokker_planck.solvers.irreversible_accuracy import DriftAnswer, Pair, answered
from fokker_planck.solvers.irreversible_setting import DriftSetting, prepare_irreversible
from fokker_planck.solvers.irreversible_stationary import LEAST, density_ratio
from fokker_planck.solvers.results import Committor
from fokker_planck.solvers.self_consistent_gauge import nearest_unknowns
from fokker_planck.solvers.wells import Condensation, Target, condense, log_solution_at_wells


def irreversible_committor(problem: Problem, origin: Set, goal: Set) -> Committor:
    """Both committors, transition rate, and the probabilities of transition path theory."""
    setting = prepare_irreversible(problem, [origin, goal])

    def answer(discretization: Discretization) -> DriftAnswer:
        start, end = unknowns_in(discretization, FROM, origin), unknowns_in(discretization, TO, goal)
        _check_apart(start, end)
        return _answer(setting, discretization, start, end)

    outcome = answered(setting, {FROM: origin, TO: goal}, answer)
    flow, ratio = outcome.payload
    rate, reactive, last = (
        Quantity.of_log(float(log), float(error)) for log, error in zip(outcome.numbers, outcome.errors, strict=True)
    )
    backward = np.clip(flow.backward / np.where(ratio.rho > LEAST, ratio.rho, np.inf), 0.0, 1.0)
    return Committor(
        rate=rate,
        probability_reactive=reactive,
        probability_last_from=last,
        field=Field("committor", outcome.discretization, flow.forward),
        reactive_density=Field("reactive density", outcome.discretization, flow.log_density, logarithm=True),
        statistics=outcome.statistics,
        backward=Field("backward committor", outcome.discretization, backward),
    )


def _answer(setting: DriftSetting, discretization: Discretization, start: Booleans, end: Booleans) -> DriftAnswer:
    ratio = density_ratio(setting, discretization)
    generator = ratio.generator
    wells = nearest_unknowns(discretization, setting.places, start | end)
    targets = [Target(start, ratio.rho), Target(end, ratio.rho)]
    condensed = condense(generator, wells, targets, setting.relaxation_rate)
    found = transitions_of(condensed, ratio.log_whole)
    right = condensed.cell_values(found.at_states, np.zeros(discretization.count))
    left = found.flow.backward[discretization.dofs]
    pairs = [Pair(right, left, log_scale=-found.log_current)]
    logs = np.maximum(found.numbers[1:] + ratio.log_whole + generator.lowest, np.log(LEAST))
    pairs += _pairs_of_fractions(condensed, found.flow, (right, left), logs)
    return DriftAnswer(found.numbers, (found.flow, ratio), generator, pairs, absorbed=start | end)


def _pairs_of_fractions(
    condensed: Condensation, flow: Flow, by_cell: tuple[Floats, Floats], logs: Floats
) -> list[Pair]:
    """What the two fractions of time rest on, for q+ and rho q- as nodal values and by cell; ``logs`` are theirs.

    With a(v, w) = m(v, rho q-) and a(u, v) = m(q+, v) for all v that vanish on the sets, an error e of q+ changes
    m(q+, rho q-) by a(e, w), an error f of rho q- by a(u, f); of m(1, rho q-) it is a(u, f) with a(u, v) = m(1, v).
    """
    generator = condensed.generator
    load_right = generator.apply_mass(flow.forward * generator.constant)
    load_left = generator.apply_mass(flow.backward * generator.constant)
    dual, scale = _solved(condensed, load_left, adjoint=True)
    pairs = [Pair(by_cell[0], dual, log_scale=scale - logs[0])]
    for load, log in zip((load_right, condensed.load), logs, strict=True):
        function, scale = _solved(condensed, load, adjoint=False)
        pairs.append(Pair(function, by_cell[1], log_scale=scale - log))
    return pairs


def _solved(condensed: Condensation, load: Floats, *, adjoint: bool) -> tuple[Floats, float]:
    """By cell, (cells, n), the function whose right or left products with a are ``load`` (N,), and a log scale."""
    generator, count = condensed.generator, len(condensed.wells)
    others = (condensed.potentials if adjoint else condensed.left_potentials)[:count]
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(others @ load, 0.0)) - 0.5 * (condensed.exponents[:count] - generator.lowest)
    logs = log_solution_at_wells(condensed, logs, adjoint=adjoint)
    scale = max([0.0, *logs])
    at_states = np.append(np.exp(logs - scale), [0.0, 0.0])
    height = 0.5 * (generator.exponent - generator.lowest) - scale
    inside = times_exp(condensed.solve_inside(load, adjoint=adjoint), height)
    if adjoint:
        return condensed.nodal(at_states, inside, adjoint=True)[generator.discretization.dofs], scale
    return condensed.cell_values(at_states, inside), scale
