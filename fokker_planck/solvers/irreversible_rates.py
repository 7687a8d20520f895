"""The reduced Markov chain between the wells of a process without detailed balance.

As in the reversible case L chi_m = sum_k chi_k R_km on the slow eigenfunctions, chi_m one at attractor m and zero at
the others; the rates R break detailed balance, and their eigenvalues may be complex.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from fokker_planck.arrays import Floats
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import interpolate
from fokker_planck.fem.generator import assemble
from fokker_planck.mesh.walls import refuse_slits
from fokker_planck.model.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.held_attractors import refuse_flow_through_level
from fokker_planck.solvers.irreversible_accuracy import DriftAnswer, answered
from fokker_planck.solvers.irreversible_reduced import SlowModes, slow_modes
from fokker_planck.solvers.irreversible_setting import DriftSetting, prepare_irreversible, refuse_unseen_wells
from fokker_planck.solvers.reduced_chain import (
    chain_of,
    log_hitting_times,
    metastable,
    pairs_of,
    refuse_too_many,
    table_of,
    warn_of_the_left_out,
    weights_of_rates,
)
from fokker_planck.solvers.results import Rates
from fokker_planck.solvers.self_consistent_gauge import nearest_unknowns
from fokker_planck.solvers.setting import SHALLOWEST
from fokker_planck.solvers.wells import Condensation, condense

POWERS = 6


def irreversible_rates(problem: Problem) -> Rates:
    """Rates between all pairs of wells and mean hitting times of the reduced chain."""
    refuse_slits(problem.domain, "rates")
    refuse_flow_through_level(problem, "rates")
    setting = prepare_irreversible(problem)
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
    signs, chain, digits = outcome.payload
    count = len(chosen)
    pairs = pairs_of(count)
    with mpmath.workdps(digits):
        times = log_hitting_times(chain, pairs)
    hitting: list[list[Quantity | None]] = [[None] * count for _ in range(count)]
    for number, (k, m) in enumerate(pairs):
        hitting[k][m] = Quantity.of_log(float(times[number]), float(outcome.errors.max()))
    return Rates(
        minima=tuple(setting.attractors[kept[k]].position for k in chosen),
        rates=table_of(outcome.numbers, outcome.errors, signs, pairs, count),
        hitting_times=tuple(tuple(row) for row in hitting),
        statistics=outcome.statistics,
    )


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
    count = len(kept)
    modes = slow_modes(condensed, POWERS)
    values = _values_at(setting.places[kept], condensed, modes)
    with mpmath.workdps(modes.digits):
        at_wells = mpmath.matrix(count, count)
        for k in range(count):
            for row in range(count):
                at_wells[row, k] = mpmath.fsum(values[row][i] * modes.right[i, k] for i in range(len(values[row])))
        if not chosen:
            chosen.extend(metastable(modes.values, at_wells))
        count = len(chosen)
        chain = chain_of(modes.values, at_wells, chosen)
        if chain is None:
            raise ConvergenceError("the slow modes do not tell the wells apart", "a smaller tolerance or more noise")
        chain = chain.apply(mpmath.re)
        pairs = pairs_of(count)
        entries = [chain[k, m] for k, m in pairs]
        logs = np.array([float(mpmath.log(abs(entry))) if entry != 0 else -np.inf for entry in entries])
        signs = np.array([float(mpmath.sign(entry)) for entry in entries])
    weights = weights_of_rates(logs, pairs)
    answer_pairs = modes.pairs(condensed, range(1, count))
    payload = (signs, chain, modes.digits)
    return DriftAnswer(np.where(np.isfinite(logs), logs, 0.0), payload, generator, answer_pairs, weights)


def _values_at(places: Floats, condensed: Condensation, modes: SlowModes) -> list[list[Any]]:
    """What the coefficients of a mode are worth at every attractor, in mpmath: the basis functions' values there."""
    generator, count = condensed.generator, len(condensed.wells)
    if len(condensed.wells) < len(places):
        raise ProblemError("drift", "two attractors too close to tell apart on the mesh", "a smaller tolerance")
    height = np.exp(0.5 * (generator.exponent - generator.lowest))
    functions = [condensed.unscaled(k) for k in range(count)]
    functions += [vector * height for vector in modes.right_basis[count:]]
    table = np.array([interpolate(generator.discretization, function, places.T) for function in functions])
    with mpmath.workdps(modes.digits):
        scale = [*modes.scale, *([mpmath.mpf(1)] * (len(functions) - count))]
        return [
            [mpmath.mpf(float(value)) * factor for value, factor in zip(row, scale, strict=True)] for row in table.T
        ]
