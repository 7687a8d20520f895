"""Committor: L q = 0 outside of two sets, q = 0 on the first and 1 on the second, no flux through the boundary.

With stationary density p, the number of transitions per unit time from the first set A to the second B, the share
of time spent on reactive paths, and the share of time in which A was the set visited last, are

    nu = int p D grad q . grad q,      int p q (1 - q),      int p (1 - q).

Source: E and Vanden-Eijnden, J. Stat. Phys. 123 (2006) 503; Metzner, Schuette and Vanden-Eijnden, J. Chem. Phys.
125 (2006) 084110.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import mpmath
import numpy as np

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.errors import ProblemError
from fokker_planck.fem.cell_products import LogScaled, product
from fokker_planck.fem.discretization import Discretization, unknowns_in
from fokker_planck.fem.field import Field
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.long_range import times_exp
from fokker_planck.fem.meshing import Heights
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.accuracy import answered
from fokker_planck.solvers.answer_types import Answer
from fokker_planck.solvers.elimination import DIGITS
from fokker_planck.solvers.end_conditions import refuse_infinite_time, singular_ends
from fokker_planck.solvers.results import Committor
from fokker_planck.solvers.setting import Setting, heights_to_target, prepare
from fokker_planck.solvers.wells import Condensation, condense, well_nodes

FROM, TO = "from", "to"
ROUNDING = 5e-12
"""Of the flow from set to set, a sum over the cells between them: 1.6e-12 to 2.9e-12 were measured against quadrature
at 22 units of epsilon, where the difference of two degrees is 1e-13; of twenty random pairs of wells at a tolerance of
1e-10 bars were 3.2 to 22 times the errors, and no error whose difference of degrees was smaller was above 2.6e-12."""


@dataclass(frozen=True)
class Flow:
    """Nodal values of q+ and of rho q-, and logarithms of p q+ q-, (N,) each; q- is 1 - q+ with detailed balance."""

    forward: Floats
    backward: Floats
    log_density: Floats


def committor(problem: Problem, origin: Set, goal: Set) -> Committor:
    """Committor from ``origin`` to ``goal``, transition rate, and the probabilities of transition path theory."""
    setting = prepare(problem)
    exponent = setting.balance.exponent
    nowhere = np.zeros((problem.dimension, 0))
    refuse_infinite_time(exponent, lambda x: origin.contains(x) | goal.contains(x), nowhere, None, "committor.to")

    def answer(discretization: Discretization) -> Answer:
        start, end = unknowns_in(discretization, FROM, origin), unknowns_in(discretization, TO, goal)
        _check_apart(start, end)
        return _answer(setting, discretization, start, end)

    outcome = answered(setting, _heights(setting, origin, goal), {FROM: origin, TO: goal}, answer)
    flow: Flow = outcome.payload
    rate, reactive, last = (
        Quantity.of_log(float(log), float(error) + ROUNDING)
        for log, error in zip(outcome.numbers, outcome.errors, strict=True)
    )
    found = Committor(
        rate=rate,
        probability_reactive=reactive,
        probability_last_from=last,
        field=Field("committor", outcome.discretization, flow.forward),
        reactive_density=Field("reactive density", outcome.discretization, flow.log_density, logarithm=True),
        statistics=outcome.statistics,
    )
    kept = {bool(origin.contains(np.array([[end.place]]))[0]) for end in singular_ends(exponent) if not end.finite_mass}
    return _without_return(found, kept) if kept else found


def _without_return(found: Committor, kept_by_first: set[bool]) -> Committor:
    """The committor where a set (the first, the second, or either) holds an end that keeps what arrives.

    In the long run there are no transitions, and the set visited last is the one that keeps.
    """
    message = (
        "committor: a set holds an end that keeps what arrives, in the long run nothing goes from one to the other"
    )
    warnings.warn(f"{message}; the committor itself is the probability of ending in the second", stacklevel=2)
    none, nowhere = Quantity.of(0.0, 0.0), found.reactive_density
    last = None if len(kept_by_first) > 1 else Quantity.of(float(kept_by_first == {True}), 0.0)
    return replace(
        found,
        rate=none,
        probability_reactive=none,
        probability_last_from=last,
        reactive_density=replace(nowhere, nodal=np.full_like(nowhere.nodal, -np.inf)),
    )


def _check_apart(start: Booleans, end: Booleans) -> None:
    if (start & end).any():
        raise ProblemError("committor.to", "a set that meets the set of committor.from", "two sets that are apart")
    for name, members in (("from", start), ("to", end)):
        if not members.any():
            raise ProblemError(f"committor.{name}", "a set with no point in the domain", "a set inside the domain")


def _heights(setting: Setting, origin: Set, goal: Set) -> Heights:
    first = heights_to_target(setting, None, origin.contains, FROM)
    second = heights_to_target(setting, None, goal.contains, TO)
    return replace(
        second,
        passes=first.passes + second.passes,
        ceiling=max(first.ceiling, second.ceiling),
        targets=(FROM, TO),
        fill_targets=True,
    )


def _answer(setting: Setting, discretization: Discretization, start: Booleans, end: Booleans) -> Answer:
    generator = assemble(discretization, setting.balance)
    wells = well_nodes(discretization, setting.deep_minima, start | end)
    condensed = condense(generator, wells, [start, end], setting.relaxation_rate)
    found = transitions_of(condensed, product(generator, 1.0, 1.0).log_of_sum())
    mode = Mode(condensed.cell_values(found.at_states, np.zeros(discretization.count)))
    return Answer(found.numbers, found.flow, generator, [[mode]], absorbed=start | end)


@dataclass(frozen=True)
class Transitions:
    """Logarithms of the rate and of the two fractions of time, (3,), with q+ and rho q- they rest on.

    ``at_states`` (n,) are the values of q+; ``log_current`` is the logarithm of a(q+, rho q-), weights relative to the
    lowest exponent.
    """

    numbers: Floats
    flow: Flow
    at_states: Floats
    log_current: float


def transitions_of(condensed: Condensation, log_whole: float) -> Transitions:
    """nu = a(q+, rho q-)/Z, int p q+ q- and int p q-, with ``log_whole`` = log Z; the targets are the two sets."""
    generator, discretization = condensed.generator, condensed.generator.discretization
    log_values, log_duals, log_current = _at_states(condensed)
    forward, backward = condensed.log_sum(log_values), condensed.log_sum(log_duals, adjoint=True)
    q, rest = (_by_cell(discretization, *function) for function in (forward, backward))
    log_reactive, log_last = (product(generator, first, rest).log_of_sum() for first in (q, 1.0))
    numbers = np.array([log_current - generator.lowest, log_reactive, log_last]) - log_whole
    with np.errstate(divide="ignore"):
        log_density = sum(np.log(np.maximum(r, 0.0)) + log for r, log in (forward, backward)) - generator.exponent
    flow = Flow(times_exp(*forward), times_exp(*backward), log_density - log_whole)
    return Transitions(numbers, flow, np.exp(log_values), log_current)


def _by_cell(discretization: Discretization, relative: Floats, logs: Floats) -> LogScaled:
    """The function ``relative`` exp(``logs``) of the nodes, (N,) each, by cell, in the scale of the largest value."""
    local = logs[discretization.dofs]
    largest = local.max(axis=1)
    return LogScaled(relative[discretization.dofs] * np.exp(local - largest[:, None]), largest)


def _at_states(condensed: Condensation) -> tuple[Floats, Floats, float]:
    """log q+ and log rho q- at wells and sets, (n,) each, and the logarithm of the flow from A to B.

    S q+ = (rates to B), S^T z = z_A (rates from A) at the wells, z being rho q-.
    """
    count = len(condensed.wells)
    with mpmath.workdps(DIGITS):
        rates, reference = condensed.rates(), mpmath.mpf(float(condensed.references[count]))
        chain = condensed.elimination()
        forward = chain.solve([rates[k][count + 1] for k in range(count)])
        backward = chain.solve_adjoint([reference * rate for rate in rates[count][:count]])
        forward[count + 1], backward[count] = mpmath.mpf(1), reference
        current = reference * mpmath.fsum(rates[count][k] * forward[k] for k in range(count + 2))
        logs, duals = (
            np.array([float(mpmath.log(value)) if value > 0 else -np.inf for value in some])
            for some in (forward, backward)
        )
        return logs, duals, float(mpmath.log(current)) if current > 0 else -np.inf
