"""The reduced Markov chain between the wells: L chi_m = sum_k chi_k R_km on the slow eigenfunctions.

The K lowest eigenfunctions span a space in which one function chi_m is one at the minimum m and zero at the others.
On it L acts as the matrix R, whose rows sum to zero, whose eigenvalues are the K lowest of L, and whose entry R_km
is the rate from well k to well m.  It does not depend on a mesh or on the shape of any core set.  Wells shallower
than one unit of epsilon are no states of the chain: the process does not stay in them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.truncation.domain_truncation import is_cut
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.error_bars import WORST_ERROR
from fokker_planck.solvers.adaptivity.initial_mesh import surfaces
from fokker_planck.solvers.adaptivity.spectral_scope import cut_between_wells
from fokker_planck.solvers.condensation.reduced_chain import (
    COUNTS,
    MOST_STATES,
    ROUNDING,
    ChainRates,
    Chosen,
    pairs_of,
    rates_of,
    refuse_chain,
    refuse_count,
    result_of,
    warn_of_the_left_out,
)
from fokker_planck.solvers.condensation.slowest_mode import Looked
from fokker_planck.solvers.condensation.uncertain_places import Places, left_by_places
from fokker_planck.solvers.condensation.wells import Condensation, condense, well_nodes
from fokker_planck.solvers.eigenvalues.orthogonal_modes import orthogonal_modes
from fokker_planck.solvers.eigenvalues.reduced_problem import ReducedPair, reduced_pair
from fokker_planck.solvers.eigenvalues.values_at_wells import values_at
from fokker_planck.solvers.momentum import kinetic_rates
from fokker_planck.solvers.results.steady import Rates
from fokker_planck.solvers.setting.deep_wells import deep_states, with_deep_wells
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.setting import WHOLE, Setting, prepare_for_wells

FEWEST_POWERS, MOST_POWERS, FUNCTIONS = 6, 20, 48
"""Of A_FF^-1 M at most, between these, so that all wells together have so many: p of them leave out the power 2p + 1 of
the quotient of a rate and that of settling, and each is a solve a well. Two wells left half as fast as they settle are
known to 1e-12 then, and to 1e-4 with six."""
FEW = 10
"""States, up to which their modes are found in multiple precision: 10 take 2 s, 20 take 30 s, more the cube of it."""
MOST_IN_PRECISION = 12
"""States of detailed balance, whose modes are found so where doubles do not hold them: 11 take a minute in all."""
LEAST_RATIO = 1e-6
"""Of the eigenvalues of a chain, down to which doubles hold them: by shift and invert a vector is known to 1e-12."""
SOLVED = 1e-12
"""Relative error by shift and invert of the largest eigenvalue; of others as much more as they are less."""
LESS, SURE = 5, 1e-8
"""Powers of A_FF^-1 M that are left away to see what they bring, where what is left out may be more than that; a third
of them where they are few (eight shallow wells in space, six powers: a bound of 0.35 for 3e-6). States
that are single points of phase space are met late, so that what is inside seems slower than the rates between them: at
a friction of 0.05 the bound for twenty powers was 8e8, and five powers less change the rates by 1e-9."""
SLOWEST = 0.98
"""Ratio of two such changes, at most: what comes after them is up to fifty times the last."""
DIGITS = 30
"""Decimal digits of the algebra that follows doubles: nothing cancels in it that they have."""


def rates(problem: Problem) -> Rates:
    """Rates between all pairs of wells and mean hitting times of the reduced chain."""
    if isinstance(problem.process, Underdamped) and problem.process.planar:
        return kinetic_rates.rates(problem)
    setting = with_deep_wells(prepare_for_wells(problem, "rates"))
    places = setting.state_places
    refuse_count(len(places), setting.key)
    chosen, looked = Chosen([]), Looked()

    def answer(discretization: Discretization) -> Answer:
        return _answer(setting, chosen, looked, discretization)

    outcome = answered(setting, WHOLE, answer, cut=cut_between_wells(setting, WHOLE))
    if not chosen.kept:
        refuse_chain()
    kept, found, digits, tell = outcome.payload
    warn_of_the_left_out(len(places), replace(chosen, kept=kept), found, outcome.errors)
    left_out = tell()
    if left_out > WORST_ERROR:
        warnings.warn(
            f"the wells are left about as fast as the process settles in them: relative errors of rates reach "
            f"{left_out:.2g}",
            stacklevel=3,
        )
    with mpmath.workdps(digits):
        errors = found.errors_shared(outcome.errors + left_out)
        chain = result_of([places[k] for k in kept], outcome.numbers, errors, found, outcome.statistics)
    return replace(chain, numbers=tuple(setting.state_numbers[k] for k in kept))


def _answer(setting: Setting, chosen: Chosen, looked: Looked, discretization: Discretization) -> Answer:
    """The chain on one mesh, of the places that are ``chosen`` there, or on the mesh that it verifies."""
    generator = assemble(discretization, setting.weighting)
    modes = _in_doubles(setting, generator) if generator.symmetric and len(setting.state_places) > FEW else None
    modes = modes or _by_condensation(setting, generator, None if generator.symmetric else looked)
    degenerate, cells = is_degenerate(setting.problem), len(discretization.triangulation.cells)
    with mpmath.workdps(modes.digits):
        states, found = _chain(modes, chosen, cells, even_if_none=degenerate)
    # told of the last mesh alone: it takes as long as the rates
    payload = (states, found, modes.digits, partial(modes.left_out, states, found))
    functions = [[mode] for mode in modes.functions(len(states))]
    if modes.between is not None:
        own = [[mode] for mode in modes.between(states, found)]
        # where each rate has its own, eigenvalues say nothing that these do not
        functions = own if len(own) == len(found.logs) else functions + own
    return Answer(found.logs, payload, generator, functions, found.weights)


def _chain(modes: SlowModes, chosen: Chosen, cells: int, *, even_if_none: bool) -> tuple[list[int], ChainRates]:
    """Its states and rates; ``even_if_none`` as if all places were states, where no two are.

    Of degenerate noise a first mesh may hold nothing but rounding, of any sign, which the next one mends.
    """
    try:
        chosen.look(modes.values, modes.at_wells, cells)
        return chosen.kept, rates_of(modes.values, modes.at_wells, chosen.kept)
    except ConvergenceError:
        if chosen.kept or not even_if_none:
            raise
        everywhere = list(range(modes.at_wells.rows))
        return everywhere, rates_of(modes.values, modes.at_wells, everywhere)


@dataclass(frozen=True)
class SlowModes:
    """Eigenvalues, the zero first, and values of their functions at the states, (K, K), modes in columns.

    In mpmath, or in doubles where these hold them.
    ``functions`` gives what so many eigenvalues rest on, without the zero, ``left_out`` the relative error of a chain
    of the states kept, ``between``, without detailed balance, what the rates between the states kept rest on.
    """

    values: list[Any]
    at_wells: Any
    digits: int
    functions: Callable[[int], list[Mode]]
    left_out: Callable[[list[int], ChainRates], float]
    between: Callable[[list[int], ChainRates], list[Mode]] | None = None


def _by_condensation(setting: Setting, generator: Generator, looked: Looked | None) -> SlowModes:
    """The modes in multiple precision, however small their eigenvalues."""
    discretization, symmetric = generator.discretization, generator.symmetric
    # of both sides many are too many for multiple precision: those that are no states are left to what is inside,
    # but where the domain was cut, for cuts belong to wells
    alone = symmetric or is_cut(discretization.triangulation)
    places = setting.places if alone else np.array(setting.state_places)
    wells = well_nodes(discretization, places)
    if len(wells) < len(places):
        raise ProblemError(setting.key, "two minima too close to tell apart on the mesh", "a smaller tolerance")
    nothing = np.zeros(discretization.count, dtype=bool)
    cuts = surfaces(discretization, wells, setting.places, nothing)
    cuts = cuts or deep_states(setting, discretization, wells)
    condensed = condense(generator, wells, [], setting.relaxation_rate, cuts, looked)
    if len(condensed.wells) > len(wells) and not symmetric:
        place = discretization.nodes[condensed.wells[-1]].round(4).tolist()
        raise ConvergenceError(
            f"the process also stays near {place}, where the drift has no stable fixed point",
            "ask for the spectrum or for transitions between sets; the chain is between fixed points",
        )
    # without detailed balance the condition of the modes enters, and those of many are not found in doubles
    left = ROUNDING if symmetric else budget_of(setting.problem).left_out_of_pairs
    most = MOST_IN_PRECISION if symmetric else MOST_STATES
    powers = min(MOST_POWERS, max(FEWEST_POWERS, FUNCTIONS // len(condensed.wells)))
    pair = reduced_pair(condensed, powers, left, most_states=most)
    at_wells = values_at(condensed, pair, setting.state_places)

    def functions(size: int) -> list[Mode]:
        return pair.modes(condensed, range(1, size))

    def left_out(kept: list[int], found: ChainRates) -> float:
        share = float(abs(pair.values[len(kept) - 1]) / condensed.slowest_inside) ** (2 * pair.powers + 1)
        less = min(LESS, pair.powers // 3)
        if share > SURE and less:
            fewer = (reduced_pair(condensed, pair.powers - k * less, left, most_states=most) for k in (1, 2))
            logs = [_logs(each.values, values_at(condensed, each, setting.state_places), kept) for each in fewer]
            share = min(share, _left(np.array(found.logs), *logs))

        def elsewhere(places: Places) -> Floats:
            return _logs(pair.values, values_at(condensed, pair, places), kept)

        return share + pair.rounding + left_by_places(elsewhere, np.array(found.logs), setting)

    def between(kept: list[int], found: ChainRates) -> list[Mode]:
        return _between(condensed, pair, at_wells, kept, found)

    return SlowModes(pair.values, at_wells, pair.digits, functions, left_out, None if symmetric else between)


def _logs(values: Any, at_wells: Any, kept: list[int]) -> Floats:
    """Of the rates that modes give; nan where they give none."""
    try:
        return np.array(rates_of(values, at_wells, kept).logs)
    except ConvergenceError:
        return np.full(len(kept) * (len(kept) - 1), np.nan)


def _left(logs: Floats, fewer: Floats, fewest: Floats) -> float:
    """What rates lack, relative, that change by so much as powers are added: a geometric series goes on as it went."""
    last, before = np.abs(np.expm1(fewer - logs)), np.abs(np.expm1(fewest - fewer))
    if not np.isfinite(last + before).all():
        return np.inf
    ratio = np.clip(last / np.maximum(before, np.finfo(float).tiny), 0.5, SLOWEST)
    return float((last * ratio / (1.0 - ratio)).max(initial=0.0))


def _between(
    condensed: Condensation, pair: ReducedPair, at_wells: Any, kept: list[int], found: ChainRates
) -> list[Mode]:
    """What rates that count rest on: R_km = -a(chi_m, zeta_k), of right modes chi = U X^-1 and left ones zeta = X Z.

    An eigenvalue does not: in a deep well the mode of a shallow one is so small that its energy there is none, though
    the rate out of the deep well is read from it.
    """
    size, wells, states = len(kept), len(condensed.wells), len(condensed.exponents)
    generator, dofs = condensed.generator, condensed.generator.discretization.dofs
    height = 0.5 * (generator.exponent - generator.lowest)

    def parts(column: Any, basis: Floats) -> tuple[Floats, Floats]:
        at_states = [float(value * scale) for value, scale in zip(column[:wells], pair.scale, strict=True)]
        inside = np.array([float(value) for value in column[wells:]])
        return np.array(at_states + [0.0] * (states - wells)), times_exp(inside @ basis[wells:], height)

    with mpmath.workdps(pair.digits):
        rows = mpmath.matrix([[at_wells[state, k] for k in range(size)] for state in kept])
        right = _rows_times(mpmath.inverse(rows).T, pair.vectors[:size])
        left = _rows_times(rows, pair.left_vectors[:size])
        chi = [condensed.cell_values(*parts(column, pair.basis)) for column in right]
        zeta = [condensed.nodal(*parts(row, pair.left_basis), adjoint=True)[dofs] for row in left]
    modes = []
    for (k, m), log, weight in zip(pairs_of(size), found.logs, found.weights, strict=True):
        if weight >= COUNTS:
            modes.append(Mode(chi[m], zeta[k], log_whole=float(log)))
    return modes


def _rows_times(matrix: Any, vectors: list[list[Any]]) -> list[list[Any]]:
    """Real combinations of vectors, by the rows of a matrix; of pairs what is imaginary cancels."""
    count, size = len(vectors), len(vectors[0])
    return [
        [mpmath.re(mpmath.fsum(matrix[row, k] * vectors[k][i] for k in range(count))) for i in range(size)]
        for row in range(count)
    ]


def _in_doubles(setting: Setting, generator: Generator) -> SlowModes | None:
    """The modes of many shallow wells by shift and invert; None where doubles do not hold the smallest eigenvalue."""
    count, discretization = len(setting.state_places), generator.discretization
    absorbed = np.zeros(discretization.count, dtype=bool)
    try:
        modes = orthogonal_modes(generator, absorbed, [], count - 1, setting.relaxation_rate)[: count - 1]
    except ConvergenceError:  # the smallest came out as rounding, of any sign
        return None
    logs = np.array([mode.log for mode in modes])
    if logs[0] - logs[-1] < np.log(LEAST_RATIO):
        return None
    values = [0.0, *np.exp(logs).tolist()]

    def at(places: Places) -> Floats:
        found = np.ones((count, count))
        for row, place in enumerate(places):
            functional = point_functional(discretization, np.asarray(place))
            if not functional.any():
                functional[well_nodes(discretization, np.array([place]))[0]] = 1.0
            found[row, 1:] = [float(functional @ mode.nodal) for mode in modes]
        return found

    def left_out(kept: list[int], found: ChainRates) -> float:
        return rounding + left_by_places(lambda each: _logs(values, at(each), kept), np.array(found.logs), setting)

    rounding = SOLVED * float(np.exp(logs[-1] - logs[0]))

    def functions(size: int) -> list[Mode]:
        return [function for mode in modes[: size - 1] for function in mode.modes]

    return SlowModes(values, at(setting.state_places), DIGITS, functions, left_out)
