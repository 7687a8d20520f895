"""Committor: L q+ = 0 outside of two sets, q+ = 0 on the first and 1 on the second, no flux through the boundary.

q- is the committor of the process run backward in time, 1 on the first set and 0 on the second: 1 - q+ with detailed
balance; else p q- is in the kernel of the adjoint, p the stationary density.  The number of transitions per unit time
from the first set A to the second B, the share of time spent on reactive paths, and that in which A was the set visited
last, are

    nu = a(q+, p q-) = int p D grad q+ . grad q+ with detailed balance,      int p q+ q-,      int p q-.

Source: E and Vanden-Eijnden, J. Stat. Phys. 123 (2006) 503; Metzner, Schuette and Vanden-Eijnden, J. Chem. Phys.
125 (2006) 084110.
"""

from __future__ import annotations

import warnings
from functools import cached_property, partial

import mpmath
import numpy as np

from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.cell_products import by_cell, product
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.fields.within_sets import field_within
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.truncation.domain_truncation import is_cut
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.moved_seams import off_seams
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.absorption import Between, between
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.beginning import on_coarsest_mesh
from fokker_planck.solvers.adaptivity.initial_mesh import surfaces
from fokker_planck.solvers.adaptivity.spectral_scope import cut_between_wells
from fokker_planck.solvers.boundaries.end_conditions import refuse_infinite_time, singular_ends
from fokker_planck.solvers.boundaries.ends import FROM, TO, Ends, Goal
from fokker_planck.solvers.condensation.condensed_solution import solution
from fokker_planck.solvers.condensation.elimination import DIGITS
from fokker_planck.solvers.condensation.slowest_mode import Looked
from fokker_planck.solvers.condensation.states import Target
from fokker_planck.solvers.condensation.wells import Condensation, condense, well_nodes
from fokker_planck.solvers.density.density_of_known_flow import is_integrable
from fokker_planck.solvers.density.density_ratio import LEAST, density_ratio
from fokker_planck.solvers.exits.descent_time import LeftOut, left_out
from fokker_planck.solvers.results.steady import Committor
from fokker_planck.solvers.setting.deep_wells import NotDeepError, deep_in_target, deep_states, with_deep_wells
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import WHOLE, Setting, prepare

ROUNDING = 5e-12
"""Of the flow from set to set, a sum over the cells between them: 1.6e-12 to 2.9e-12 were measured against quadrature
at 22 units of epsilon, where the difference of two degrees is 1e-13; of twenty random pairs of wells at a tolerance of
1e-10 bars were 3.2 to 22 times the errors, and no error whose difference of degrees was smaller was above 2.6e-12."""

DEEP = 110.0
"""Units of epsilon from the lowest points to the lowest saddle, from which on what lies deep in a well is one state
with the set there: at 100 all of a well is solved for, to 1e-3, with up to 340,000 unknowns; at 200 the rate is lost.
"""
MARGIN = 30.0
"""Units of epsilon below the lowest saddle, from which on it is: what is deeper leaves the well first with exp(-30); to
the 50 that rates take the share of time on the way wants three times the cells."""
QUOTIENT = np.array([2.0, 1.0, 2.0])
"""Weights of the flow, of the time on the way and of that since a visit to the first set without detailed balance: rate
constants are quotients of the first and the last, and have the bars of both. With it the bar of the last is none."""
RESTS_ON = ((0,), (1, 2), (3,))
"""Which modes the flow, the time on the way and that since a visit to the first set rest on."""
LOOSE = 0.005
"""Weight of the share of time on the way where a part of it is known by the descent without noise alone."""
TOLD_APART = 16
"""Points of the domain at which two sets are put in an order: their level functions differ at the first one or two."""


@dataclass(frozen=True)
class Flow:
    """Nodal values of q+ and of rho q-, and logarithms of p q+ q-, (N,) each; rho, unless it is one."""

    forward: Floats
    backward: Floats
    log_density: Floats
    rho: Floats | None = None

    def fields(self, discretization: Discretization) -> list[Field]:
        """q+, the density of what is on the way, and q-, zero where rho is lost, unless it is 1 - q+."""
        nothing = {FROM: -np.inf, TO: -np.inf}
        forward = field_within("committor", discretization, self.forward, {FROM: 0.0, TO: 1.0})
        fields = [
            forward,
            field_within("reactive density", discretization, self.log_density, nothing, logarithm=True),
        ]
        if self.rho is not None:
            nodal = np.clip(self.backward / np.where(self.rho > LEAST, self.rho, np.inf), 0.0, 1.0)
            fields.append(field_within("backward committor", discretization, nodal, {FROM: 1.0, TO: 0.0}))
        return fields


@dataclass(frozen=True)
class WholeFlow:
    """The same functions on all cells below the energy cutoff, where a mesh was cut; found when they are asked for."""

    setting: FlowSetting
    ends: Ends
    sets: tuple[Set, Set]

    @cached_property
    def _fields(self) -> list[Field] | None:
        def fields(discretization: Discretization) -> list[Field]:
            flow: Flow = _answer(self.setting, discretization, self.sets, exact=_is_exact(self.setting)).payload
            return flow.fields(discretization)

        return on_coarsest_mesh(self.setting, self.ends.regions, fields)

    def continued(self, fields: list[Field]) -> list[Field]:
        """The fields, known beyond their mesh as well."""

        def beyond(number: int, x: Floats) -> Floats:
            if self._fields is None:
                return np.full(x.shape[1], np.nan)
            known = self._fields[number]
            return known.log(x) if known.logarithm else known(x)

        return [replace(field, beyond=partial(beyond, number)) for number, field in enumerate(fields)]


def committor(problem: Problem, origin: Set, goal: Set) -> Committor:
    """Committor from ``origin`` to ``goal``, transition rate, and the probabilities of transition path theory."""
    problem, (origin, goal) = off_seams(problem, (origin, goal), "committor")
    ends = _between(problem, origin, goal)
    setting = prepare(problem, ends)
    nowhere = np.zeros((problem.dimension, 0))
    refuse_infinite_time(
        setting.exponent, lambda x: origin.contains(x) | goal.contains(x), nowhere, None, "committor.to"
    )
    try:
        return _committor(with_deep_wells(setting, MARGIN, DEEP), ends, (origin, goal))
    except NotDeepError:
        return _committor(setting, ends, (origin, goal))


def _committor(setting: Setting, ends: Ends, sets: tuple[Set, Set]) -> Committor:
    descents, exact, looked = left_out(setting, sets), _is_exact(setting), Looked()

    def answer(discretization: Discretization) -> Answer:
        return _answer(setting, discretization, sets, descents, looked, exact=exact)

    outcome = answered(setting, ends, answer, cut=_can_be_cut(setting))
    flow: Flow = outcome.payload
    fields = flow.fields(outcome.discretization)
    if isinstance(setting, FlowSetting) and is_cut(outcome.discretization.triangulation):
        fields = WholeFlow(setting, ends, sets).continued(fields)
    doubts = [0.0, descents.error(*outcome.numbers[:2]) if descents else 0.0, 0.0]
    rate, reactive, last = (
        Quantity.of_log(float(log), float(error) + doubt + ROUNDING)
        for log, error, doubt in zip(outcome.numbers, outcome.errors, doubts, strict=True)
    )
    found = Committor(
        rate=rate,
        probability_reactive=reactive,
        probability_last_from=last,
        field=fields[0],
        reactive_density=fields[1],
        statistics=outcome.statistics,
        backward=fields[2] if len(fields) > 2 else None,
    )
    keeping = [end.place for end in singular_ends(setting.exponent) if not end.finite_mass]
    kept = {bool(sets[0].contains(np.array([[place]]))[0]) for place in keeping}
    return _without_return(found, kept) if kept else found


def _between(problem: Problem, origin: Set, goal: Set) -> Ends:
    """Both sets, in an order that does not depend on which is the first: meshes are fitted to one after the other.

    So there and back are asked on one mesh, and as many go there as back but for rounding.
    """
    points = problem.sample(TOLD_APART)
    named: list[tuple[str, Goal]] = [(FROM, origin), (TO, goal)]
    levels = [np.asarray(region.level(points)).tolist() for region in (origin, goal)]
    return Ends(tuple(named if levels[0] <= levels[1] else reversed(named)))


def _can_be_cut(setting: Setting) -> bool:
    """Whether what decides nothing may be left away: where the wells are known that the density is a chain of."""
    return cut_between_wells(setting, WHOLE) and len(setting.places) > 1


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


def _is_exact(setting: Setting) -> bool:
    """Whether the density is known wherever anything rests on it, but for a factor: it is then one more solve to find.

    With momentum it is where the exponent is: computed over high barriers it would be that of neither well.  Of other
    processes a circulation may cross the walls, and change it.
    """
    if not isinstance(setting, FlowSetting):
        return True
    return setting.known and (setting.problem.process.turns_at_walls or is_integrable(setting))


def _answer(
    setting: Setting,
    discretization: Discretization,
    sets: tuple[Set, Set],
    descents: LeftOut | None = None,
    looked: Looked | None = None,
    *,
    exact: bool,
) -> Answer:
    whole, rho, log_whole, larger = _with_density(setting, discretization, looked, exact)
    end = between(setting, whole, sets, rho, ("committor.from", "committor.to"))
    first, second = (
        deep_in_target(setting, discretization, region, members)
        for region, members in zip(sets, (end.first, end.second), strict=True)
    )
    end = replace(end, first=first, second=second)
    wells = well_nodes(discretization, setting.places, end.absorbed)
    targets = [Target(first, rho), Target(second, rho)]
    goals = list(zip((FROM, TO), end.sets, strict=True))
    cuts = surfaces(discretization, wells, setting.places, end.absorbed, goals)
    cuts = cuts or deep_states(setting, discretization, wells, first, second)
    condensed = condense(end.generator, wells, targets, setting.relaxation_rate, cuts, larger)
    found = transitions_of(condensed, log_whole, _log_mass(whole, rho, end.within_first))
    flow = replace(found.flow, rho=rho)
    right = end.outside(condensed.cell_values(found.at_states, np.zeros(discretization.count)))
    left = end.outside(flow.backward[discretization.dofs])
    logs = np.maximum(found.numbers[1:] + log_whole + whole.lowest, np.log(LEAST))
    # with detailed balance nu is a minimum of energies: its error is the square of that of q
    modes = [[Mode(right) if whole.symmetric else Mode(right, left, log_whole=found.log_current)]]
    modes += [[mode] for mode in _modes_of_fractions(condensed, flow, (right, left), logs, end)]
    numbers, weights = found.numbers, None if whole.symmetric else QUOTIENT
    if descents is not None:
        numbers, weights = numbers.copy(), np.array([1.0, LOOSE, 1.0])
        numbers[1] = np.logaddexp(numbers[1], numbers[0] + np.log(max(descents.time, LEAST)))
    return Answer(numbers, flow, end.generator, modes, weights, end.absorbed, end.slowest, rests_on=RESTS_ON)


def _log_mass(generator: Generator, rho: Floats | None, cells: Booleans) -> float:
    """log int e^-psi rho over some ``cells`` (cells,), weights relative to zero; minus infinity for none."""
    if not cells.any():
        return -np.inf
    inside = np.where(cells[:, None], 1.0 if rho is None else rho[generator.discretization.dofs], 0.0)
    return product(generator, 1.0, inside).log_of_sum()


def _with_density(
    setting: Setting, discretization: Discretization, looked: Looked | None, exact: bool
) -> tuple[Generator, Floats | None, float, Condensation | None]:
    """The generator with rho (N,) and the logarithm of Z = int e^-psi rho; no rho with detailed balance: it is one.

    And what rho was found with, if it had to be.
    """
    if isinstance(setting, FlowSetting) and not exact:
        ratio = density_ratio(setting, discretization, looked)
        return ratio.generator, ratio.rho, ratio.log_whole, ratio.condensed
    generator = assemble(discretization, setting.weighting)
    rho = None if generator.symmetric else np.ones(discretization.count)
    return generator, rho, product(generator, 1.0, 1.0).log_of_sum(), None


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


def transitions_of(condensed: Condensation, log_whole: float, log_within: float) -> Transitions:
    """nu = a(q+, rho q-)/Z, int p q+ q- and int p q-, with ``log_whole`` = log Z; the targets are the two sets.

    ``log_within`` is the logarithm of the mass inside of the first set that is none of the generator's.
    """
    generator, discretization = condensed.generator, condensed.generator.discretization
    log_values, log_duals, log_current = _at_states(condensed)
    forward, backward = condensed.log_sum(log_values), condensed.log_sum(log_duals, adjoint=True)
    q, rest = (by_cell(*function, discretization.dofs) for function in (forward, backward))
    log_reactive, log_last = (product(generator, first, rest).log_of_sum() for first in (q, 1.0))
    log_last = float(np.logaddexp(log_last, log_within))
    numbers = np.array([log_current - generator.lowest, log_reactive, log_last]) - log_whole
    with np.errstate(divide="ignore"):
        log_density = sum(np.log(np.maximum(r, 0.0)) + log for r, log in (forward, backward)) - generator.exponent
    flow = Flow(times_exp(*forward), times_exp(*backward), log_density - log_whole)
    return Transitions(numbers, flow, np.exp(log_values), log_current)


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


def _modes_of_fractions(
    condensed: Condensation, flow: Flow, by_cell: tuple[Floats, Floats], logs: Floats, end: Between
) -> list[Mode]:
    """What the two fractions of time rest on, for q+ and rho q- as nodal values and by cell; ``logs`` are theirs.

    With a(v, w) = m(v, rho q-) and a(u, v) = m(q+, v) for all v that vanish on the sets, an error e of q+ changes
    m(q+, rho q-) by a(e, w), an error f of rho q- by a(u, f); of m(1, rho q-) it is a(u, f) with a(u, v) = m(1, v).
    """
    generator = condensed.generator
    load_right = generator.apply_mass(flow.forward * generator.constant)
    load_left = generator.apply_mass(flow.backward * generator.constant)
    dual, scale = _solved(condensed, load_left, adjoint=True)
    modes = [Mode(by_cell[0], end.outside(dual), log_whole=logs[0] - scale)]
    for load, log in zip((load_right, condensed.load), logs, strict=True):
        function, scale = _solved(condensed, load, adjoint=False)
        modes.append(Mode(end.outside(function), by_cell[1], log_whole=log - scale))
    return modes


def _solved(condensed: Condensation, load: Floats, *, adjoint: bool) -> tuple[Floats, float]:
    """By cell, (cells, n), the function whose right or left products with a are ``load`` (N,), and a log scale."""
    generator, count = condensed.generator, len(condensed.wells)
    others = (condensed.potentials if adjoint else condensed.left_potentials)[:count]
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(others @ load, 0.0)) - 0.5 * (condensed.exponents[:count] - generator.lowest)
    at_states, inside, scale = solution(condensed, load, logs, adjoint=adjoint)
    if adjoint:
        return condensed.nodal(at_states, inside, adjoint=True)[generator.discretization.dofs], scale
    return condensed.cell_values(at_states, inside), scale
