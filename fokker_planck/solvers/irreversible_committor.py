"""Committors of a process without detailed balance, forward q+ and backward q-, and the transitions between two sets.

L q+ = 0 outside of the sets, q+ = 0 on the first and 1 on the second; q- is the committor of the process run backward
in time, 1 on the first set and 0 on the second, and p q- is in the kernel of the adjoint.  The number of transitions
per unit time, the shares of time on reactive paths and since the first set, are

    nu = a(q+, p q-),      int p q+ q-,      int p q-.

Source: E and Vanden-Eijnden, J. Stat. Phys. 123 (2006) 503; Metzner, Schuette and Vanden-Eijnden, J. Chem. Phys.
125 (2006) 084110.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.fem.discretization import Discretization, unknowns_in
from fokker_planck.fem.field import Field
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.committor import FROM, TO, _check_apart
from fokker_planck.solvers.irreversible_accuracy import DriftAnswer, Pair, answered
from fokker_planck.solvers.irreversible_exit_time import log_at_wells
from fokker_planck.solvers.irreversible_setting import DriftSetting, prepare_irreversible
from fokker_planck.solvers.irreversible_stationary import LEAST, DensityRatio, density_ratio
from fokker_planck.solvers.irreversible_wells import Target, TwoSided, condense
from fokker_planck.solvers.results import Committor
from fokker_planck.solvers.self_consistent_gauge import nearest_unknowns


@dataclass(frozen=True)
class Flow:
    """Nodal values of q+, of rho q- and of the density they come with, (N,)."""

    forward: Floats
    backward: Floats
    density: DensityRatio


def irreversible_committor(problem: Problem, origin: Set, goal: Set) -> Committor:
    """Both committors, transition rate, and the probabilities of transition path theory."""
    setting = prepare_irreversible(problem, [origin, goal])

    def answer(discretization: Discretization) -> DriftAnswer:
        start, end = unknowns_in(discretization, FROM, origin), unknowns_in(discretization, TO, goal)
        _check_apart(start, end)
        return _answer(setting, discretization, start, end)

    outcome = answered(setting, {FROM: origin, TO: goal}, answer)
    flow: Flow = outcome.payload
    rate, reactive, last = (
        Quantity.of_log(float(log), float(error)) for log, error in zip(outcome.numbers, outcome.errors, strict=True)
    )
    backward = np.clip(flow.backward / np.where(flow.density.rho > LEAST, flow.density.rho, np.inf), 0.0, 1.0)
    density = (
        np.log(np.maximum(flow.forward, LEAST))
        + np.log(np.maximum(flow.backward, LEAST))
        - flow.density.generator.exponent
        - flow.density.log_whole
    )
    return Committor(
        rate=rate,
        probability_reactive=reactive,
        probability_last_from=last,
        field=Field("committor", outcome.discretization, flow.forward),
        reactive_density=Field("reactive density", outcome.discretization, density, logarithm=True),
        statistics=outcome.statistics,
        backward=Field("backward committor", outcome.discretization, backward),
    )


def _answer(setting: DriftSetting, discretization: Discretization, start: Booleans, end: Booleans) -> DriftAnswer:
    ratio = density_ratio(setting, discretization)
    generator = ratio.generator
    wells = nearest_unknowns(discretization, setting.places, start | end)
    targets = [Target(start, ratio.rho), Target(end, ratio.rho)]
    condensed = condense(generator, wells, targets, setting.relaxation_rate)
    values, duals, log_flow = _at_states(condensed)
    nothing = np.zeros(discretization.count)
    forward, backward = condensed.right_sum(values, nothing), condensed.left_sum(duals, nothing)
    log_whole = ratio.log_whole + generator.lowest
    weighted = backward * generator.constant
    reactive = float(weighted @ generator.apply_mass(forward * generator.constant))
    last = float(weighted @ condensed.load)
    numbers = np.array([log_flow, np.log(max(reactive, LEAST)), np.log(max(last, LEAST))]) - log_whole
    dofs = discretization.dofs
    right, left = condensed.right_cells(values, nothing), backward[dofs]
    pairs = [Pair(right, left, float(np.exp(log_flow)))]
    pairs += _pairs_of_shares(condensed, (forward, right), (backward, left), (reactive, last))
    return DriftAnswer(numbers, Flow(forward, backward, ratio), generator, pairs, absorbed=start | end)


def _pairs_of_shares(
    condensed: TwoSided, forward: tuple[Floats, Floats], backward: tuple[Floats, Floats], shares: tuple[float, float]
) -> list[Pair]:
    """What the two shares of time rest on, for q+ and rho q- as nodal values and by cell.

    With a(v, w) = m(v, rho q-) and a(u, v) = m(q+, v) for all v that vanish on the sets, an error e of q+ changes
    m(q+, rho q-) by a(e, w), an error f of rho q- by a(u, f); of m(1, rho q-) it is a(u, f) with a(u, v) = m(1, v).
    """
    generator = condensed.generator
    reactive, last = (max(share, LEAST) for share in shares)
    load_right = generator.apply_mass(forward[0] * generator.constant)
    load_left = generator.apply_mass(backward[0] * generator.constant)
    dual, scale = _solved(condensed, load_left, adjoint=True)
    pairs = [Pair(forward[1], dual, reactive * float(np.exp(-scale)))]
    for load, share in ((load_right, reactive), (condensed.load, last)):
        function, scale = _solved(condensed, load, adjoint=False)
        pairs.append(Pair(function, backward[1], share * float(np.exp(-scale))))
    return pairs


def _solved(condensed: TwoSided, load: Floats, *, adjoint: bool) -> tuple[Floats, float]:
    """By cell, (cells, n), the function whose right or left products with a are ``load`` (N,), and a log scale."""
    generator = condensed.generator
    others = condensed.right if adjoint else condensed.left
    logs = log_at_wells(condensed, np.maximum(others @ load, LEAST), adjoint=adjoint)
    scale = max([0.0, *logs])
    at_states = np.append(np.exp(logs - scale), [0.0, 0.0])
    height = np.exp(0.5 * (generator.exponent - generator.lowest) - scale)
    inside = condensed.inside(load, adjoint=adjoint) * height
    if adjoint:
        return condensed.left_sum(at_states, inside)[generator.discretization.dofs], scale
    return condensed.right_cells(at_states, inside), scale


def _at_states(condensed: TwoSided) -> tuple[Floats, Floats, float]:
    """q+ and rho q- at wells and sets, (n,) each, and log of a(q+, rho q-), in multiple precision."""
    import mpmath

    count = len(condensed.wells)
    with mpmath.workdps(condensed.digits()):
        s = condensed.reduced_generator()
        forward = [mpmath.mpf(0)] * (count + 1) + [mpmath.mpf(1)]
        backward = [mpmath.mpf(0)] * count + [mpmath.mpf(float(condensed.references[count])), mpmath.mpf(0)]
        if count:
            inner = s[:count, :count]
            right = mpmath.matrix([-s[k, count + 1] for k in range(count)])
            left = mpmath.matrix([-backward[count] * s[count, k] for k in range(count)])
            forward[:count] = list(mpmath.lu_solve(inner, right))
            backward[:count] = list(mpmath.lu_solve(inner.T, left))
        flow = -backward[count] * mpmath.fsum(s[count, k] * forward[k] for k in range(count + 2) if k != count)
        return (
            np.array([float(value) for value in forward]),
            np.array([float(value) for value in backward]),
            float(mpmath.log(abs(flow))),
        )
