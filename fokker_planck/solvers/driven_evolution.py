"""The evolution of a density where coefficients depend on time: p_t = L(t)* p, no flux through the boundary.

Densities of all times are p = exp(-psi) rho with one exponent psi, that of the stationary density at the largest noise
there is: at less of it densities are narrower, so that rho falls, and its norm int exp(-psi) rho^2 is finite, which it
is not in the exponent of a noise less than half.  Rates of escape are then known relative to the fastest rates of the
elements, not to themselves: what two degrees of elements differ by for that is in the bars.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.driven_generator import DrivenGenerator, drift_without_noise, driven
from fokker_planck.fem.fields.density_samples import samples_of
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulations.narrow import NarrowPlaces
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.diffusion.scaled import scaled_noise
from fokker_planck.model.initial import InEquilibrium
from fokker_planck.model.jumps.schedule_jumps import check_jumps
from fokker_planck.model.problem import Problem
from fokker_planck.model.schedule import Schedule
from fokker_planck.model.smoluchowski import Smoluchowski
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.evolution import Margins, Question, answered_by, result_of
from fokker_planck.solvers.time.driven.added_potential import narrow_parts
from fokker_planck.solvers.time.driven.driven_propagation import DrivenPropagation
from fokker_planck.solvers.time.evolving.asked import Asked, asked_off_seams
from fokker_planck.solvers.time.evolving.evolution_numbers import Measured
from fokker_planck.solvers.time.evolving.evolution_results import Evolution
from fokker_planck.solvers.time.stepping.marching import turning_of
from fokker_planck.solvers.time.stepping.quick_times import QuickTimes, quick_times

PROBES = 12
"""Points at which an added potential is looked at between the stages of a step."""
UNEQUAL = 1e4
"""The largest noise over the smallest, beyond which one mesh and one exponent do not serve: refused."""


@dataclass(frozen=True)
class Reference:
    """The ``problem`` at the ``largest`` factor of a ``schedule``, and that with twice the noise, ``more``.

    ``lift`` is how much the added potential changes psi, which has ``narrow`` parts; ``quick`` is when coefficients
    change quickly.
    """

    problem: Problem
    more: Problem
    schedule: Schedule
    largest: float
    smallest: float
    lift: float
    narrow: NarrowPlaces
    quick: QuickTimes

    def driven(self, generator: Generator, discretization: Discretization, weighting: Weighting) -> DrivenGenerator:
        """A(t) on a mesh."""
        alone = drift_without_noise(self.problem, self.more, discretization)
        return driven(generator, weighting, alone, self.schedule, self.largest)

    @property
    def margins(self) -> Margins:
        """What the mesh has to allow for."""
        return Margins(self.lift, self.smallest / self.largest, self.narrow)


def reference_of(problem: Problem, latest: float) -> Reference:
    """The process that densities up to a time are seen from.

    Raises ``ProblemError`` for noise that changes too much, or is of a kind that cannot be scaled.
    """
    schedule = problem.schedule
    if schedule is None:
        raise TypeError("a problem without a schedule")
    seen, _ = schedule.extremes(latest)
    unit = _unit_of(problem) * (1.0 if isinstance(problem.process, Smoluchowski) else seen)
    quick = quick_times(schedule, probes(problem), latest, seen, unit, problem.resolution.tolerance)
    smallest, largest = schedule.extremes(latest, quick.starts)
    if not largest <= UNEQUAL * smallest:
        found = f"factors between {smallest:.3g} and {largest:.3g}"
        raise ProblemError(
            "schedule.noise", found, f"factors that differ by no more than {UNEQUAL:g}, or earlier times"
        )

    check_jumps(problem, schedule, latest)
    pushed = schedule.potential is not None and not isinstance(problem.process, Underdamped)
    if pushed and is_degenerate(problem):
        found = "a potential beside noise that vanishes in some direction"
        wanted = "noise in every direction, momentum (dynamics.kind), or a potential that stays"
        raise ProblemError("schedule.potential", found, wanted)

    def with_noise(factor: float) -> Problem:
        process = problem.process
        scaled = replace(process, diffusion=scaled_noise(process.diffusion, factor))  # type: ignore[arg-type]
        return replace(problem, process=scaled, schedule=None)

    reference, more = with_noise(largest), with_noise(2.0 * largest) if schedule.noise is not None else problem
    unit, falls = _unit_of(reference), smallest / largest
    if isinstance(reference.process, Smoluchowski):
        falls = 1.0  # a factor of the noise is one of the drift, too
    lift = schedule.largest_lift(problem.sample(), latest, quick.starts) / unit
    narrow = narrow_parts(schedule, latest, unit * falls, *map(np.array, problem.bounding_box()))
    return Reference(reference, more, schedule, largest, smallest, lift, narrow, quick)


def _unit_of(problem: Problem) -> float:
    """What a potential is divided by in psi: the least noise in any direction, kT, or the epsilon of momentum."""
    process = problem.process
    if isinstance(process, Smoluchowski):
        return process.kT
    if isinstance(process, Underdamped):
        return process.diffusion.epsilon
    tensor = np.asarray(process.field(problem.dimension).tensor(problem.sample()))
    return max(float(np.linalg.eigvalsh(np.moveaxis(tensor, 2, 0))[:, 0].min()), 1e-300)


@dataclass
class DrivenQuestion(Question):
    """The evolution of a process whose coefficients change, on one mesh after another."""

    reference: Reference | None = None

    def answer(self, discretization: Discretization) -> Answer:
        """All numbers on one mesh."""
        propagation, measured, absorbed = self.prepared(discretization)
        states = propagation.states(self.asked.times)
        return self._answer(replace(measured, states=states), [], absorbed)

    def prepared(self, discretization: Discretization) -> tuple[DrivenPropagation, Measured, Booleans]:
        """The process on a mesh at its beginning, what measures its states, and the unknowns that are absorbed."""
        assert self.reference is not None
        generator, absorbed = self._generator(discretization)
        weighting = self.setting.weighting
        samples = samples_of(generator, weighting)
        stationary = None if absorbed.any() else self._stationary(generator, discretization)
        beginning = self._beginning(generator, samples, stationary)
        tolerance = self.setting.problem.resolution.tolerance
        turning, marches = turning_of(self.setting, generator)
        if not marches:
            turning *= self.reference.largest / self.reference.smallest
        propagation = DrivenPropagation(
            self.reference.driven(generator, discretization, weighting),
            ~absorbed,
            beginning.load,
            self._functionals(generator, samples, beginning.height),
            tolerance,
            bool(absorbed.any()),
            turning,
            probes(self.setting.problem),
            self.reference.quick,
            marches,
        )
        return propagation, Measured(generator, samples, beginning, None, [], tolerance), absorbed


def probes(problem: Problem) -> Floats:
    """Points of the domain (dim, n) at which coefficients are looked at."""
    sample = problem.sample()
    return np.asarray(sample[:, np.linspace(0, sample.shape[1] - 1, PROBES).astype(int)])


def evolution(problem: Problem, asked: Asked) -> Evolution:
    """Carry the initial state to all times, every number to the problem's tolerance."""
    if isinstance(asked.initial, InEquilibrium):
        found = "stationary, beside a schedule"
        raise ProblemError("evolve.initial", found, 'a density, such as { expression = "exp(-V/epsilon)" }')
    problem, asked = asked_off_seams(problem, asked)
    reference = reference_of(problem, asked.times[-1])
    question_of = partial(DrivenQuestion, reference=reference)
    return result_of(*answered_by(reference.problem, asked, question_of, reference.margins))
