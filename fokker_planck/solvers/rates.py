"""The reduced Markov chain between the wells: L chi_m = sum_k chi_k R_km on the slow eigenfunctions.

The K lowest eigenfunctions span a space in which one function chi_m is one at the minimum m and zero at the others.
On it L acts as the matrix R, whose rows sum to zero, whose eigenvalues are the K lowest of L, and whose entry R_km
is the rate from well k to well m.  It does not depend on a mesh or on the shape of any core set.  Wells shallower
than one noise unit are no states of the chain: the process does not stay in them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import interpolate
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.triangulation import Floats
from fokker_planck.landscape import CriticalPoint
from fokker_planck.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.accuracy import Answer, answered
from fokker_planck.solvers.end_conditions import refuse_endless
from fokker_planck.solvers.reduced_problem import ReducedPair, reduced_pair
from fokker_planck.solvers.results import Rates
from fokker_planck.solvers.setting import SHALLOWEST, Setting, heights_between_wells, prepare
from fokker_planck.solvers.wells import Condensation, condense, well_nodes

POWERS = 6
ROUNDING = 2e-15
HIGHEST = 600.0


def rates(problem: Problem) -> Rates:
    """Rates between all pairs of wells and mean hitting times of the reduced chain."""
    setting = prepare(problem)
    refuse_endless(setting.balance.exponent, "rates")
    minima = states(setting)
    if len(minima) < 2:
        found = f"{len(minima)} well deeper than the noise in the domain"
        wanted = f"at least two wells of more than {SHALLOWEST:g} noise unit to go between"
        raise ProblemError("potential", found, wanted)

    def answer(discretization: Discretization) -> Answer:
        return _answer(setting, minima, discretization)

    outcome = answered(setting, heights_between_wells(setting), {}, answer)
    signs, times = outcome.payload
    count = len(minima)
    table: list[list[Quantity | None]] = [[None] * count for _ in range(count)]
    hitting: list[list[Quantity | None]] = [[None] * count for _ in range(count)]
    pairs = [(k, m) for k in range(count) for m in range(count) if k != m]
    largest = [max(outcome.numbers[n] for n, pair in enumerate(pairs) if pair[0] == k) for k in range(count)]
    for number, (k, m) in enumerate(pairs):
        # an entry is a sum with the other rates of its well: it knows no more than their rounding
        rounding = ROUNDING * float(np.exp(np.clip(largest[k] - outcome.numbers[number], 0.0, 700.0)))
        table[k][m] = _entry(float(outcome.numbers[number]), float(outcome.errors[number]) + rounding, signs[number])
        hitting[k][m] = Quantity.of_log(float(times[number]), float(outcome.errors.max()))
    return Rates(
        minima=tuple(minimum.position for minimum in minima),
        rates=tuple(tuple(row) for row in table),
        hitting_times=tuple(tuple(row) for row in hitting),
        statistics=outcome.statistics,
    )


def _entry(log: float, error: float, sign: float) -> Quantity:
    """A rate; one far below the others of its well can come out as zero, or negative by what the chain leaves out."""
    quantity = Quantity.of_log(log, error) if sign != 0.0 else Quantity.of(0.0, 0.0)
    if sign >= 0.0:
        return quantity
    return Quantity.of(-(quantity.value or 0.0), error)


def states(setting: Setting) -> tuple[CriticalPoint, ...]:
    """The minima that are states of the chain, in the order of the landscape."""
    landscape = setting.landscape
    return tuple(
        minimum for minimum, barrier in zip(landscape.minima, landscape.barriers, strict=True) if barrier >= SHALLOWEST
    )


def _answer(setting: Setting, minima: tuple[CriticalPoint, ...], discretization: Discretization) -> Answer:
    import mpmath

    generator = assemble(discretization, setting.balance)
    absorbed = np.zeros(discretization.count, dtype=bool)
    wells = well_nodes(discretization, setting.landscape.minima, absorbed)
    nodes = discretization.nodes[wells]
    order = [int(np.argmin(((nodes - np.asarray(m.position)) ** 2).sum(axis=1))) for m in minima]
    if len(set(order)) < len(minima):
        raise ProblemError("potential", "two minima too close to tell apart on the mesh", "a smaller tolerance")
    condensed = condense(generator, wells, [], setting.relaxation_rate)
    pair, count = reduced_pair(condensed, POWERS, ROUNDING), len(minima)
    with mpmath.workdps(pair.digits):
        at_wells, middle = mpmath.matrix(count, count), mpmath.matrix(count, count)
        for row, minimum in enumerate(minima):
            basis = _basis_at(condensed, pair, order[row], minimum)
            for k in range(count):
                total = mpmath.fsum(mpmath.mpf(float(value)) * pair.vectors[k][j] for j, value in enumerate(basis))
                at_wells[row, k] = total * pair.scale[order[row]]
        for k in range(count):
            middle[k, k] = -pair.values[k] if k else mpmath.mpf(0)
        chain = at_wells * middle * mpmath.inverse(at_wells)
        pairs = [(k, m) for k in range(count) for m in range(count) if k != m]
        entries = [chain[k, m] for k, m in pairs]
        logs = np.array([float(mpmath.log(abs(entry))) if entry != 0 else -np.inf for entry in entries])
        signs = np.array([float(mpmath.sign(entry)) for entry in entries])
        times = log_hitting_times(chain, pairs)
    modes = [[Mode(values)] for values in pair.cell_values(condensed, range(1, count))]
    weights = weights_of_rates(logs, pairs)
    return Answer(np.where(np.isfinite(logs), logs, 0.0), (signs, times), generator, modes, weights)


def _basis_at(condensed: Condensation, pair: ReducedPair, well: int, minimum: CriticalPoint) -> Floats:
    """Values of the reduced basis at a minimum itself, which need not be a node of the mesh; scaled to its well."""
    generator = condensed.generator
    height = np.exp(0.5 * np.minimum(generator.exponent - condensed.exponents[well], HIGHEST))
    place = np.asarray(minimum.position)[:, None]
    values = np.array([interpolate(generator.discretization, row * height, place)[0] for row in pair.basis])
    # a minimum on a curved wall may lie beside the mesh by rounding
    return values if np.isfinite(values).all() else np.asarray(pair.basis[:, condensed.wells[well]])


def weights_of_rates(logs: Floats, pairs: list[tuple[int, int]]) -> Floats:
    """How much a rate counts among those out of its well: a negligible one need not be known to the tolerance."""
    out: dict[int, float] = {}
    for (k, _), log in zip(pairs, logs, strict=True):
        out[k] = float(np.logaddexp(out.get(k, -np.inf), log))
    return np.array([float(np.exp(log - out[k])) for (k, _), log in zip(pairs, logs, strict=True)])


def log_hitting_times(chain: Any, pairs: list[tuple[int, int]]) -> Floats:
    """Logarithms of the mean times of the chain from k to m, for every pair."""
    import mpmath

    size = chain.rows
    result = {}
    for goal in range(size):
        rest = [k for k in range(size) if k != goal]
        matrix = mpmath.matrix(len(rest), len(rest))
        for i, k in enumerate(rest):
            for j, m in enumerate(rest):
                matrix[i, j] = -chain[k, m]
        times = mpmath.lu_solve(matrix, mpmath.matrix([mpmath.mpf(1)] * len(rest)))
        for i, k in enumerate(rest):
            result[k, goal] = float(mpmath.log(abs(times[i])))
    return np.array([result[pair] for pair in pairs])
