"""The reduced Markov chain between the wells: L chi_l = sum_k chi_k R_kl on the slow eigenfunctions.

The K lowest eigenfunctions span a space in which one function chi_l is one at the minimum l and zero at the others.  On it L
acts as the matrix R, whose rows sum to zero, whose eigenvalues are the K lowest of L, and whose entry R_kl is the rate from well k to well
l.  It does not depend on a mesh or on the shape of any core set.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.triangulation import Floats
from fokker_planck.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.accuracy import Answer, answered
from fokker_planck.solvers.results import Rates
from fokker_planck.solvers.setting import Setting, heights_between_wells, prepare
from fokker_planck.solvers.spectrum import reduced_pair
from fokker_planck.solvers.wells import condense, well_nodes

NEGLIGIBLE = 1e-8


def rates(problem: Problem) -> Rates:
    """Rates between all pairs of wells and mean hitting times of the reduced chain."""
    setting = prepare(problem)
    minima = setting.landscape.minima
    if len(minima) < 2:
        raise ProblemError("potential", f"{len(minima)} well in the domain", "at least two wells to go between")

    def answer(discretization: Discretization) -> Answer:
        return _answer(setting, discretization)

    outcome = answered(setting, heights_between_wells(setting), {}, answer)
    signs, times, order = outcome.payload
    count = len(minima)
    table: list[list[Quantity | None]] = [[None] * count for _ in range(count)]
    hitting: list[list[Quantity | None]] = [[None] * count for _ in range(count)]
    pairs = [(k, l) for k in range(count) for l in range(count) if k != l]
    for number, (k, l) in enumerate(pairs):
        error = float(outcome.errors[number])
        quantity = Quantity.of_log(float(outcome.numbers[number]), error)
        table[k][l] = quantity if signs[number] > 0 else Quantity.of(-float(quantity), error)
        hitting[k][l] = Quantity.of_log(float(times[number]), float(outcome.errors.max()))
    return Rates(
        minima=tuple(minimum.position for minimum in minima),
        rates=tuple(tuple(row) for row in table),
        hitting_times=tuple(tuple(row) for row in hitting),
        statistics=outcome.statistics,
    )


def _answer(setting: Setting, discretization: Discretization) -> Answer:
    import mpmath

    generator = assemble(discretization, setting.balance)
    absorbed = np.zeros(discretization.count, dtype=bool)
    minima = setting.landscape.minima
    wells = well_nodes(discretization, minima, absorbed)
    nodes = discretization.nodes[wells]
    order = [int(np.argmin(((nodes - np.asarray(m.position)) ** 2).sum(axis=1))) for m in minima]
    if len(set(order)) < len(minima):
        raise ProblemError("potential", "two minima too close to tell apart on the mesh", "a smaller tolerance")
    condensed = condense(generator, wells, [], setting.relaxation_rate)
    size = len(condensed.wells)
    pair = reduced_pair(condensed)
    with mpmath.workdps(pair.digits):
        at_wells = mpmath.matrix(size, size)
        middle = mpmath.matrix(size, size)
        for k in range(size):
            middle[k, k] = -pair.values[k] if k else mpmath.mpf(0)
            for row in range(size):
                at_wells[row, k] = pair.vectors[row, k] * pair.scale[row]
        chain = at_wells * middle * mpmath.inverse(at_wells)
        count = len(minima)
        pairs = [(order[k], order[l]) for k in range(count) for l in range(count) if k != l]
        entries = [chain[k, l] for k, l in pairs]
        logs = np.array([float(mpmath.log(abs(entry))) if entry != 0 else -np.inf for entry in entries])
        signs = np.array([1.0 if entry >= 0 else -1.0 for entry in entries])
        times = _hitting_times(chain, pairs)
    modes = pair.cell_values(condensed, range(1, size))
    weights = _weights(logs, pairs)
    return Answer(np.where(np.isfinite(logs), logs, 0.0), (signs, times, order), generator, modes, weights)


def _weights(logs: Floats, pairs: list[tuple[int, int]]) -> Floats:
    """How much a rate counts among those out of its well, at most one: a negligible one need not be known to the tolerance."""
    out: dict[int, float] = {}
    for (k, _), log in zip(pairs, logs, strict=True):
        out[k] = float(np.logaddexp(out.get(k, -np.inf), log))
    return np.array([float(np.exp(log - out[k])) for (k, _), log in zip(pairs, logs, strict=True)])


def _hitting_times(chain: Any, pairs: list[tuple[int, int]]) -> Floats:
    """Logarithms of the mean times of the chain from k to l, for every pair."""
    import mpmath

    size = chain.rows
    result = {}
    for goal in range(size):
        rest = [k for k in range(size) if k != goal]
        matrix = mpmath.matrix(len(rest), len(rest))
        for i, k in enumerate(rest):
            for j, l in enumerate(rest):
                matrix[i, j] = -chain[k, l]
        times = mpmath.lu_solve(matrix, mpmath.matrix([mpmath.mpf(1)] * len(rest)))
        for i, k in enumerate(rest):
            result[k, goal] = float(mpmath.log(abs(times[i])))
    return np.array([result[pair] for pair in pairs])
