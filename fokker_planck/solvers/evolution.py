"""The evolution of a density: p_t = L* p = -div(b p) + grad grad : (D p), no flux through the boundary.

    E f(X_t) = int f p(t) dx,       p(t) = exp(t L*) p_0,

by powers of a resolvent and slow modes (:mod:`~.propagation`), on a mesh that resolves the density at every time asked.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.density_field import DensityField, Shifted
from fokker_planck.fem.fields.density_samples import Samples, samples_of
from fokker_planck.fem.generator import Generator, assemble, mass_times_constant
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.fem.triangulations.narrow import NarrowPlaces
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.initial import AtPoint, ByFormula, InEquilibrium, UniformIn
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.adaptivity.absorption import stopped
from fokker_planck.solvers.adaptivity.accuracy import refined_until_verified
from fokker_planck.solvers.adaptivity.answer_types import Answer, Outcome
from fokker_planck.solvers.adaptivity.beginning import begin, degree_of
from fokker_planck.solvers.adaptivity.close_starts import with_close_start
from fokker_planck.solvers.adaptivity.initial_mesh import CHANGE
from fokker_planck.solvers.adaptivity.mesh_for_functions import narrow_parts, seeing, surfaces_followed
from fokker_planck.solvers.adaptivity.spectral_scope import Scope
from fokker_planck.solvers.boundaries.end_conditions import singular_ends
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.density.density_ratio import density_ratio
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.eigenvalues.spectral_question import Question as Eigenvalues
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import Setting
from fokker_planck.solvers.time.evolving.asked import Asked, asked_off_seams
from fokker_planck.solvers.time.evolving.evolution_numbers import (
    MASS,
    Comparison,
    Measured,
    Names,
    StateNumbers,
    numbers_of,
    rules_apart,
    scales_of,
)
from fokker_planck.solvers.time.evolving.evolution_results import Evolution, state_of
from fokker_planck.solvers.time.evolving.evolution_setting import heights_of, setting_of, wells_in
from fokker_planck.solvers.time.evolving.initial_state import (
    INITIAL,
    Beginning,
    beginning_of,
    fine_enough,
    not_too_steep,
)
from fokker_planck.solvers.time.evolving.propagation import Propagation
from fokker_planck.solvers.time.evolving.well_probabilities import Wells
from fokker_planck.solvers.time.stepping.marching import turning_of
from fokker_planck.solvers.time.survival.early_spread import early_places
from fokker_planck.solvers.time.survival.slow_part import known_modes, slow_part
from fokker_planck.solvers.time.survival.way_down import way_down

LATE = 20.0
"""Over the rate at which wells settle: later than that slow modes are looked for."""
SET = "set "
"""Before the name of a set, as a region of the mesh."""


@dataclass(frozen=True)
class Kept:
    """What stays of one mesh: the numbers of all times, psi at the nodes, and the error of the beginning."""

    states: list[StateNumbers]
    exponent: Floats
    error: float


@dataclass
class Question:
    """The evolution on one mesh after another; ``scales`` of observables and ``compared`` come from the first ones."""

    setting: Setting
    asked: Asked
    wells: Wells
    eigenvalues: Eigenvalues
    compared: Comparison
    scales: dict[str, float] = field(default_factory=dict)

    def answer(self, discretization: Discretization) -> Answer:
        """All numbers on one mesh."""
        generator, absorbed = self._generator(discretization)
        samples = samples_of(generator, self.setting.weighting)
        stationary = None if absorbed.any() else self._stationary(generator, discretization)
        beginning = self._beginning(generator, samples, stationary)
        modes, faster = self._modes(generator, absorbed)
        propagation = self._propagation(generator, absorbed, samples, beginning, stationary)
        slow = slow_part(generator, modes, faster, propagation.load)
        if slow is not None:
            propagation.with_slow(slow, self.asked.times[-1])
        states = propagation.states(self.asked.times)
        tolerance = self.setting.problem.resolution.tolerance
        measured = Measured(generator, samples, beginning, stationary, states, tolerance)
        return self._answer(measured, modes, absorbed)

    def _answer(self, measured: Measured, modes: list[Eigenmode], absorbed: Booleans) -> Answer:
        """The numbers of all states: those of one time rest on the density then, those of slow modes on themselves."""
        asked, samples = self.asked, measured.samples
        if not self.scales:
            values = [samples.at(function) for function in asked.observables.values()]
            densities = [measured.density(state.vector) for state in measured.states]
            self.scales = dict(zip(asked.observables, scales_of(samples, densities, values), strict=True))
        wells = self.wells.on(samples.discretization)
        names = Names(list(asked.sets), list(asked.observables), self.scales, wells)
        by_rules = self.rules_apart(measured)
        found = [numbers_of(measured, *each, names) for each in zip(measured.states, by_rules, strict=True)]
        apart = self.compared.apart(measured, self.setting.weighting)
        numbers, functions, weights = list(np.log1p(apart)), [], [1.0] * len(apart)
        densities_alone = [[measured.mode(state.vector)] for state in measured.states]
        functions += densities_alone
        for each, alone in zip(found, densities_alone, strict=True):
            for line in each.lines.values():
                numbers.append(line.log)
                functions.append(alone)
                weights.append(line.weight)
        latest = asked.times[-1]
        for mode in modes:
            decayed = float(np.exp(min(mode.log.real + np.log(latest), 700.0)))
            numbers.append(mode.log)
            functions.append([*mode.modes])
            weights.append(float(np.clip(max(decayed * np.exp(-decayed), 1e-9), 0.0, 1.0)))
        relative = measured.generator.exponent - measured.generator.lowest
        kept = Kept(found, relative, measured.beginning.error)
        rounding = np.zeros(len(numbers))
        # below the tolerance it is what steps leave, of which finer meshes have no more
        off = np.array([state.off_mass for state in measured.states])
        rounding[: len(apart)] = np.where(off > measured.tolerance, off, 0.0)
        told = (measured.generator, functions, np.array(weights), absorbed)
        return Answer(np.array(numbers), kept, *told, rounding=rounding)

    def rules_apart(self, measured: Measured) -> Floats:
        """What finer rules of integration change the mean of every observable by, (times, observables)."""
        return rules_apart(measured, self.setting.weighting, list(self.asked.observables.values()))

    def _generator(self, discretization: Discretization) -> tuple[Generator, Booleans]:
        if self.asked.target is None:
            return assemble(discretization, self.setting.weighting), np.zeros(discretization.count, dtype=bool)
        end = stopped(self.setting, discretization, self.asked.target)
        return end.generator, end.absorbed

    def _stationary(self, generator: Generator, discretization: Discretization) -> Floats:
        """The vector of the stationary density, (N,), in height zero."""
        if isinstance(self.setting, FlowSetting):
            vector = density_ratio(self.setting, discretization).rho * generator.constant
        else:
            vector = generator.constant
        return np.asarray(vector / (vector @ mass_times_constant(generator)))

    def _beginning(self, generator: Generator, samples: Samples, stationary: Floats | None) -> Beginning:
        initial = self.asked.initial
        if not isinstance(initial, InEquilibrium):
            return beginning_of(initial, self.setting.problem, generator, samples)
        if stationary is None:
            free = self._free_equilibrium(generator)
            return Beginning(generator.apply_mass(free), 0.0)
        return Beginning(generator.apply_mass(stationary), 0.0)

    def _free_equilibrium(self, generator: Generator) -> Floats:
        """The stationary density of the process that nothing absorbs."""
        return self._stationary(generator, generator.discretization)

    def _propagation(
        self,
        generator: Generator,
        absorbed: Booleans,
        samples: Samples,
        beginning: Beginning,
        stationary: Floats | None,
    ) -> Propagation:
        measured = self._functionals(generator, samples, beginning.height)
        there = np.zeros(len(measured[0])) if stationary is None else stationary * np.exp(-beginning.height)
        tolerance = self.setting.problem.resolution.tolerance
        turning, marches = turning_of(self.setting, generator)
        return Propagation(generator, ~absorbed, beginning.load, measured, there, tolerance, turning, marches)

    def _functionals(self, generator: Generator, samples: Samples, height: float) -> Floats:
        """Mass, sets and means of vectors of that height, (n, N)."""
        mass = mass_times_constant(generator) * np.exp(height)
        sets = [samples.functional(samples.inside(SET + name), height) for name in self.asked.sets]
        means = [samples.functional(samples.at(function), height) for function in self.asked.observables.values()]
        return np.array([mass, *sets, *means])

    def _modes(self, generator: Generator, absorbed: Booleans) -> tuple[list[Eigenmode], float]:
        if not self.asked.times[-1] * self.setting.relaxation_rate > LATE:
            return [], np.inf
        return known_modes(self.eigenvalues, generator, absorbed)


@dataclass(frozen=True)
class Margins:
    """What the first mesh has to allow for beside the process: heights (of psi) that are climbed more, less noise.

    Cells are to see ``narrow`` places.
    """

    lift: float = 0.0
    narrowing: float = 1.0
    narrow: NarrowPlaces | None = None


NO_MARGINS = Margins()


def evolution(problem: Problem, asked: Asked) -> Evolution:
    """Carry the initial state to all times, every number to the problem's tolerance."""
    return result_of(*answered_by(*asked_off_seams(problem, asked), Question))


def answered_by[Kind: Question](
    problem: Problem, asked: Asked, question_of: Callable[..., Kind], margins: Margins = NO_MARGINS
) -> tuple[Kind, Outcome]:
    """A kind of question, made from what :class:`Question` holds, and its answer by meshes fine enough."""
    _refuse(problem)
    goals = Ends.at(asked.target).goals
    measured = {SET + name: shape for name, shape in asked.sets.items()}
    if isinstance(asked.initial, UniformIn):
        measured[INITIAL] = asked.initial.shape
    setting = setting_of(problem, asked.initial, goals, margins.lift)
    if singular_ends(setting.exponent):
        found = "a line at an end of which the noise vanishes or the drift is infinite"
        raise ProblemError("evolve", found, "a domain that ends before")
    begun = [asked.initial.function] if isinstance(asked.initial, ByFormula) else []
    followed = surfaces_followed(problem, [*begun, *asked.observables.values()])
    ends = Ends(goals, measured=(*measured.items(), *followed))
    eigenvalues = Eigenvalues(setting, asked.target, 0, Scope())
    question = question_of(setting, asked, wells_in(setting), eigenvalues, Comparison(degree_of(problem)))
    heights = heights_of(setting, ends, asked.initial, margins.lift)
    first = begin(setting, ends, question.answer, heights, 0, CHANGE, cut=False)
    places = early_places(setting, asked.initial, asked.times[0], margins.narrowing)
    # a potential in time leads elsewhere
    way = way_down(setting, asked.initial) if margins == NO_MARGINS else None
    mesh = not_too_steep(fine_enough(first.mesh, asked.initial, places), asked.initial, setting.weighting.value, way)
    mesh = seeing(mesh, narrow_parts(problem, asked.observables.values()), "the observables")
    if margins.narrow is not None:
        mesh = seeing(mesh, margins.narrow, "schedule.potential")
    start = asked.initial.point if isinstance(asked.initial, AtPoint) else None
    first = with_close_start(problem, replace(first, mesh=mesh), goals, start)
    return question, refined_until_verified(problem, first)


def _refuse(problem: Problem) -> None:
    if problem.resolution.cells is not None:
        # densities of two meshes are compared cell by cell, which a bisected one does not have in common
        cells = list(problem.resolution.cells)
        raise ProblemError("discretization.cells", cells, "none: evolve refines a mesh of its own")


def result_of(question: Question, outcome: Outcome) -> Evolution:
    """The numbers with their bars, and the densities as fields."""
    asked, kept = question.asked, outcome.payload
    errors, position = outcome.errors, len(asked.times)
    states, worst = [], 0.0
    for number, (time, found) in enumerate(zip(asked.times, kept.states, strict=True)):
        bars = errors[position : position + len(found.lines)]
        position += len(found.lines)
        density = _field(question.setting, outcome, kept, found.nodal, time)
        off = found.lines[MASS].own
        density_error = float(errors[number]) + kept.error + off
        states.append(state_of(time, found, bars, density, density_error, question.scales))
        if found.negative > density_error:
            worst = max(worst, found.negative)
    if worst > 0.0:
        warnings.warn(f"{worst:.1e} of the mass of a density lies below zero, beyond its error", stacklevel=3)
    minima = asked.told(question.wells.minima)
    return Evolution(tuple(states), minima, str(asked.initial), asked.name or None, outcome.statistics)


def _field(setting: Setting, outcome: Outcome, kept: Kept, nodal: Floats, time: float) -> DensityField:
    weighting, discretization = setting.weighting, outcome.discretization
    jumps, formula = None, None
    if isinstance(weighting, KnownWeight):
        formula = Shifted(weighting, float((weighting.value(discretization.nodes[:1].T) - kept.exponent[:1])[0]))
        if hasattr(weighting.exponent, "seen_from"):
            there = values_in_cells(weighting.exponent, discretization.cell_nodes, discretization.corners)
            jumps = there - formula.lowest
    return DensityField(
        f"density at t = {time:g}",
        discretization,
        nodal,
        exponent=kept.exponent,
        formula=formula,
        exponent_by_cell=jumps,
    )
