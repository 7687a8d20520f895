"""The reduced Markov chain between the wells of a process without detailed balance.

As in the reversible case L chi_m = sum_k chi_k R_km on the slow eigenfunctions, chi_m one at attractor m and zero at
the others; the rates R break detailed balance, and their eigenvalues may be complex.
"""

from __future__ import annotations

import mpmath

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import assemble
from fokker_planck.mesh.walls import refuse_slits
from fokker_planck.model.problem import Problem
from fokker_planck.solvers.held_attractors import refuse_flow_through_level
from fokker_planck.solvers.irreversible_accuracy import DriftAnswer, answered
from fokker_planck.solvers.irreversible_setting import DriftSetting, prepare_irreversible, refuse_unseen_wells
from fokker_planck.solvers.rates import values_at
from fokker_planck.solvers.reduced_chain import (
    MOST_STATES,
    rates_of,
    refuse_too_many,
    result_of,
    warn_of_the_left_out,
)
from fokker_planck.solvers.reduced_problem import reduced_pair
from fokker_planck.solvers.results import Rates
from fokker_planck.solvers.self_consistent_gauge import nearest_unknowns
from fokker_planck.solvers.setting import SHALLOWEST
from fokker_planck.solvers.wells import condense

POWERS = 6


def irreversible_rates(problem: Problem) -> Rates:
    """Rates between all pairs of wells and mean hitting times of the reduced chain."""
    refuse_slits(problem.domain, "rates")
    refuse_flow_through_level(problem, "rates")
    setting = prepare_irreversible(problem, wells=True)
    refuse_unseen_wells(setting, "rates")
    kept = irreversible_states(setting)
    if len(kept) < 2:
        found = f"{len(kept)} attractor of the drift with a barrier above the noise"
        wanted = f"at least two, of more than {SHALLOWEST:g} noise unit, to go between"
        raise ProblemError("drift", found, wanted)

    refuse_too_many(len(kept))
    chosen: list[int] = []

    def answer(discretization: Discretization) -> DriftAnswer:
        return _answer(setting, kept, chosen, discretization)

    outcome = answered(setting, {}, answer)
    warn_of_the_left_out(len(kept), len(chosen))
    found, digits = outcome.payload
    places = [setting.attractors[kept[k]].position for k in chosen]
    with mpmath.workdps(digits):
        return result_of(places, outcome.numbers, outcome.errors, found, outcome.statistics)


def irreversible_states(setting: DriftSetting) -> list[int]:
    """The attractors whose wells are deeper than one unit of epsilon."""
    return sorted(set(setting.states)) if setting.attractors else []


def _answer(setting: DriftSetting, kept: list[int], chosen: list[int], discretization: Discretization) -> DriftAnswer:
    """The chain on one mesh; the first one says which of the ``kept`` attractors are states."""
    generator = assemble(discretization, setting.weighting)
    wells = nearest_unknowns(discretization, setting.places)
    condensed = condense(generator, wells, [], setting.relaxation_rate)
    if len(condensed.wells) > len(setting.attractors):
        place = discretization.nodes[condensed.wells[-1]].round(4).tolist()
        raise ConvergenceError(
            f"the process also stays near {place}, where the drift has no stable fixed point",
            "ask for the spectrum or for transitions between sets; the chain is between fixed points",
        )
    if len(wells) < len(setting.attractors):
        raise ProblemError("drift", "two attractors too close to tell apart on the mesh", "a smaller tolerance")
    modes = reduced_pair(condensed, POWERS, 0.0, most_states=MOST_STATES)
    at_wells = values_at(condensed, modes, [setting.attractors[k].position for k in kept])
    with mpmath.workdps(modes.digits):
        found = rates_of(modes.values, at_wells, chosen)
    pairs = modes.pairs(condensed, range(1, len(chosen)))
    return DriftAnswer(found.logs, (found, modes.digits), generator, pairs, found.weights)
