"""The reduced Markov chain between the wells: L chi_m = sum_k chi_k R_km on the slow eigenfunctions.

The K lowest eigenfunctions span a space in which one function chi_m is one at the minimum m and zero at the others.
On it L acts as the matrix R, whose rows sum to zero, whose eigenvalues are the K lowest of L, and whose entry R_km
is the rate from well k to well m.  It does not depend on a mesh or on the shape of any core set.  Wells shallower
than one noise unit are no states of the chain: the process does not stay in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import point_functional
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.landscape.types import CriticalPoint
from fokker_planck.mesh.walls import refuse_slits
from fokker_planck.model.problem import Problem
from fokker_planck.solvers.accuracy import answered
from fokker_planck.solvers.answer_types import Answer
from fokker_planck.solvers.end_conditions import refuse_endless
from fokker_planck.solvers.held_attractors import refuse_flow_through_level
from fokker_planck.solvers.potential_steps import warn_of_steps
from fokker_planck.solvers.reduced_chain import (
    ROUNDING,
    rates_of,
    refuse_too_many,
    result_of,
    warn_of_the_left_out,
)
from fokker_planck.solvers.reduced_problem import ReducedPair, reduced_pair
from fokker_planck.solvers.results import Rates
from fokker_planck.solvers.setting import SHALLOWEST, Setting, heights_between_wells, prepare
from fokker_planck.solvers.spectrum import SHIFT, ordinary_modes
from fokker_planck.solvers.wells import Condensation, condense, well_nodes

POWERS = 6
HIGHEST = 600.0
FEW = 10
"""States, up to which their modes are found in multiple precision: 10 take 2 s, 20 take 30 s, more the cube of it."""
LEAST_RATIO = 1e-6
"""Of the eigenvalues of a chain, down to which doubles hold them: by shift and invert a vector is known to 1e-12."""
SOLVED = 1e-12
DIGITS = 30


def rates(problem: Problem) -> Rates:
    """Rates between all pairs of wells and mean hitting times of the reduced chain."""
    setting = prepare(problem)
    refuse_endless(setting.balance.exponent, "rates")
    refuse_slits(problem.domain, "rates")
    refuse_flow_through_level(problem, "rates")
    warn_of_steps(setting)
    minima = states(setting)
    if len(minima) < 2:
        found = f"{len(minima)} well deeper than the noise in the domain"
        wanted = f"at least two wells of more than {SHALLOWEST:g} noise unit to go between"
        raise ProblemError("potential", found, wanted)
    refuse_too_many(len(minima))
    kept: list[int] = []

    def answer(discretization: Discretization) -> Answer:
        return _answer(setting, minima, kept, discretization)

    outcome = answered(setting, heights_between_wells(setting), {}, answer)
    warn_of_the_left_out(len(minima), len(kept))
    found, digits, left_out = outcome.payload
    places = [minima[k].position for k in kept]
    with mpmath.workdps(digits):
        return result_of(places, outcome.numbers, outcome.errors + left_out, found, outcome.statistics)


def states(setting: Setting) -> tuple[CriticalPoint, ...]:
    """The minima that are states of the chain, in the order of the landscape."""
    return setting.deep_minima


def _answer(
    setting: Setting, minima: tuple[CriticalPoint, ...], kept: list[int], discretization: Discretization
) -> Answer:
    """The chain on one mesh; the first one says which minima are ``kept``, and the others keep to it."""
    generator = assemble(discretization, setting.balance)
    absorbed = np.zeros(discretization.count, dtype=bool)
    modes = _in_doubles(setting, minima, generator, absorbed) if len(minima) > FEW else None
    modes = modes or _by_condensation(setting, minima, generator, absorbed)
    with mpmath.workdps(modes.digits):
        found = rates_of(modes.values, modes.at_wells, kept)
    functions = [[Mode(values)] for values in modes.by_cell(len(kept))]
    payload = (found, modes.digits, modes.left_out(len(kept)))
    return Answer(found.logs, payload, generator, functions, found.weights)


@dataclass(frozen=True)
class SlowModes:
    """Eigenvalues, the zero first, and values of their functions at the minima, (K, K), modes in columns.

    In mpmath, or in doubles where these hold them.
    ``by_cell`` gives the functions of so many modes, without the constant, cell by cell, ``left_out`` the relative
    error of a chain of so many.
    """

    values: list[Any]
    at_wells: Any
    digits: int
    by_cell: Callable[[int], list[Floats]]
    left_out: Callable[[int], float]


def _by_condensation(
    setting: Setting, minima: tuple[CriticalPoint, ...], generator: Generator, absorbed: Booleans
) -> SlowModes:
    """The modes in multiple precision, however small their eigenvalues."""
    wells = well_nodes(generator.discretization, minima, absorbed)
    if len(wells) < len(minima):
        raise ProblemError("potential", "two minima too close to tell apart on the mesh", "a smaller tolerance")
    condensed = condense(generator, wells, [], setting.relaxation_rate)
    pair = reduced_pair(condensed, POWERS, ROUNDING, most_states=FEW)
    at_wells = values_at(condensed, pair, [minimum.position for minimum in minima])

    def left_out(size: int) -> float:
        return float(pair.values[size - 1] / condensed.slowest_inside) ** (2 * pair.powers + 1)

    return SlowModes(
        pair.values, at_wells, pair.digits, lambda size: pair.cell_values(condensed, range(1, size)), left_out
    )


def values_at(condensed: Condensation, pair: ReducedPair, places: Sequence[tuple[float, ...]]) -> Any:
    """The slow modes at as many wells, (K, K), modes in columns, in mpmath."""
    nodes, count = condensed.generator.discretization.nodes[condensed.wells], len(places)
    with mpmath.workdps(pair.digits):
        at_wells = mpmath.matrix(count, count)
        for row, place in enumerate(places):
            well = int(np.argmin(((nodes - np.asarray(place)) ** 2).sum(axis=1)))
            basis = [mpmath.mpf(float(value)) for value in _basis_at(condensed, pair, well, place)]
            for k in range(count):
                total = mpmath.fsum(value * pair.vectors[k][j] for j, value in enumerate(basis))
                at_wells[row, k] = total * pair.scale[well]
    return at_wells


def _in_doubles(
    setting: Setting, minima: tuple[CriticalPoint, ...], generator: Generator, absorbed: Booleans
) -> SlowModes | None:
    """The modes of many shallow wells by shift and invert; None where doubles do not hold the smallest eigenvalue."""
    count, discretization = len(minima), generator.discretization
    shift = SHIFT * setting.relaxation_rate
    modes = ordinary_modes(generator, absorbed, np.zeros((0, discretization.count)), count - 1, shift)
    logs = modes.logs[: count - 1]
    if logs[0] - logs[-1] < np.log(LEAST_RATIO):
        return None
    at_wells = np.ones((count, count))
    for row, minimum in enumerate(minima):
        functional = point_functional(discretization, np.asarray(minimum.position))
        if not functional.any():
            functional[well_nodes(discretization, [minimum], absorbed)[0]] = 1.0
        at_wells[row, 1:] = [float(functional @ nodal) for nodal in modes.nodal[: count - 1]]
    values = [0.0, *np.exp(logs).tolist()]
    rounding = SOLVED * float(np.exp(logs[-1] - logs[0]))
    return SlowModes(values, at_wells, DIGITS, lambda size: modes.cell_values[: size - 1], lambda size: rounding)


def _basis_at(condensed: Condensation, pair: ReducedPair, well: int, place: tuple[float, ...]) -> Floats:
    """Values of the reduced basis at a minimum itself, which need not be a node of the mesh; scaled to its well."""
    generator = condensed.generator
    height = np.exp(0.5 * np.minimum(generator.exponent - condensed.exponents[well], HIGHEST))
    functional = point_functional(generator.discretization, np.asarray(place))
    touched = np.flatnonzero(functional)
    if not len(touched):
        # a minimum on a curved wall may lie beside the mesh by rounding
        return np.asarray(pair.basis[:, condensed.wells[well]])
    return np.asarray(pair.basis[:, touched] @ (functional * height)[touched])
