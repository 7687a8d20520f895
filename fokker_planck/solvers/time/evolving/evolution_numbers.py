"""The numbers of an evolution on one mesh, each with what of its error no finer mesh makes less, and the answer of all.

Probabilities and distances are kept by their logarithms, those below ``SMALL`` to the tolerance times that; means of
observables, which may be of any sign, as log(2 + value / scale).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.fields.density_samples import Samples, samples_of
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode, against_all
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.time.evolving.distances import distances
from fokker_planck.solvers.time.evolving.functions_on_mesh import RULES_APART
from fokker_planck.solvers.time.evolving.initial_state import Beginning
from fokker_planck.solvers.time.evolving.state import State
from fokker_planck.solvers.time.evolving.well_probabilities import WellsOnMesh

MASS = ("mass", "")
SMALL = 0.1
"""Of probabilities and distances: smaller ones are known to the tolerance times this, not to that of their own size."""
LEAST = 1e-300
"""Stands for the logarithm of zero."""
LEAST_WEIGHT, WELL_KNOWN = 1e-9, 0.1
"""Of what is next to nothing; of the tolerance, an error that no mesh makes less, beyond which a number counts less."""
MOST_LOG = 700.0
"""Of what is a double."""
NOTHING = 1e-20
"""A probability of a set that is known to be no more is given as that, before slow modes have digits of their own:
tails of 1e-151 were others by e^34 on every mesh, and meshes never fine enough."""
COMPARED = 2
"""Times the degree of the elements: of the rule by which densities of two degrees are compared."""


@dataclass(frozen=True)
class Measured:
    """The states of one mesh with what is needed to measure them; ``stationary`` in height zero."""

    generator: Generator
    samples: Samples
    beginning: Beginning
    stationary: Floats | None
    states: Sequence[State]
    tolerance: float

    def density(self, vector: Floats) -> Floats:
        """At the samples, (cells, q)."""
        return self.samples.density(vector, self.beginning.height)

    def nodal(self, vector: Floats) -> Floats:
        """At the nodes, (N,)."""
        relative = self.generator.exponent - self.generator.lowest
        return np.asarray(vector * np.exp(self.beginning.height - 0.5 * relative))

    def mode(self, vector: Floats) -> Mode:
        """The function rho of a state, whose error is one of the density in total variation."""
        local = self.samples.local
        top = local.max(axis=1)
        values = vector[self.samples.discretization.dofs] * np.exp(0.5 * (local - top[:, None]))
        against = against_all(self.generator) + self.beginning.height + 0.5 * top
        return Mode(values, log_whole=0.0, against=against)


@dataclass(frozen=True)
class Line:
    """A number: its ``value``, what of its error no mesh makes less, ``own``, the ``log`` compared, and its weight.

    A value that is no double is infinite, and ``own`` relative to it.
    """

    value: float
    own: float
    log: float
    weight: float = 1.0

    @classmethod
    def of_probability(cls, value: float, own: float, tolerance: float, most: float = 1.0) -> Line:
        """A probability or a distance, which is not negative, with ``most`` of a weight."""
        log = float(np.log(max(value, own, LEAST)))
        # no mesh is refined for what is lost in an error of its own
        enough = WELL_KNOWN * tolerance
        known = enough / max(own / max(value, LEAST), enough)
        return cls(value, own, log, float(np.clip(value / SMALL, LEAST_WEIGHT, min(most, max(known, LEAST_WEIGHT)))))


@dataclass(frozen=True)
class StateNumbers:
    """Of one time: ``lines`` by what they are about; the vector, its density at the nodes, what is negative of it."""

    lines: Mapping[tuple[str, str], Line]
    nodal: Floats
    negative: float


@dataclass(frozen=True)
class Names:
    """What is measured at every time: ``sets``, ``observables`` with their ``scales``, the wells of this mesh."""

    sets: Sequence[str]
    observables: Sequence[str]
    scales: Mapping[str, float]
    wells: WellsOnMesh | None


def numbers_of(measured: Measured, state: State, by_rules: Floats, names: Names) -> StateNumbers:
    """All numbers of one state but the comparison of densities; means are off ``by_rules`` of integration."""
    density, nodal = measured.density(state.vector), measured.nodal(state.vector)
    if not np.isfinite(density).all():
        raise BarrierTooHighError("a density is no double", "more noise")
    off = state.off_mass + measured.beginning.error
    lines = {MASS: Line.of_probability(float(state.values[0]), float(state.off[0]), measured.tolerance)}
    if names.wells is not None:
        found, errors = names.wells.probabilities(measured.samples, density, nodal)
        for number, (value, error) in enumerate(zip(found, errors, strict=True)):
            lines["well", str(number)] = Line.of_probability(float(value), float(error) + off, measured.tolerance)
    rest = zip(state.values[1:].tolist(), state.off[1:].tolist(), strict=True)
    nothing = 0.0 if state.by_modes else NOTHING
    for name, (value, own) in zip(names.sets, rest, strict=False):
        own = max(own + measured.beginning.error, nothing)
        lines["set", name] = Line.of_probability(value, own, measured.tolerance)
    for name, by_rule, (value, own) in zip(names.observables, by_rules.tolist(), rest, strict=True):
        scale = names.scales[name]
        own += measured.beginning.error * scale + by_rule
        lines["observable", name] = Line(value, own, np.log(2.0 + value / scale))
    if measured.stationary is not None:
        lines.update(_distances(measured, measured.stationary, state, density))
    return StateNumbers(lines, nodal, measured.samples.integral(np.maximum(-density, 0.0)))


def _distances(measured: Measured, equilibrium: Floats, state: State, density: Floats) -> dict[tuple[str, str], Line]:
    samples, height = measured.samples, measured.beginning.height
    off = state.off_deviation + measured.beginning.error
    log_stationary, deviation = samples.log_density(equilibrium, 0.0), samples.density(state.deviation, height)
    found = distances(samples, log_stationary, state.deviation, height)
    known = np.where(density > 1e-12 * density.max(), np.abs(deviation), 0.0)
    with np.errstate(divide="ignore"):
        logs = np.log(known) - np.where(np.isfinite(log_stationary), log_stationary, np.inf)
    largest = float(samples.discretization.comm.allreduce(float(logs.max()), op=MPI.MAX))
    tolerance, ratio = measured.tolerance, float(np.exp(min(largest, MOST_LOG)))
    own = {
        "total_variation": (found.total_variation, off + found.at_zeros),
        "relative_entropy": (found.relative_entropy, off * float(np.logaddexp(0.0, largest)) + found.entropy_unknown),
    }
    lines = {("distance", name): Line.of_probability(value, error, tolerance) for name, (value, error) in own.items()}
    chi_square, most = float(np.exp(min(found.log_chi_square, MOST_LOG))), 1.0 / (1.0 + ratio)
    if found.log_chi_square < MOST_LOG:
        error = 2.0 * off * ratio + found.chi_unknown
        lines["distance", "chi_square"] = Line.of_probability(chi_square, error, tolerance, most)
    else:
        relative = 2.0 * off * float(np.exp(largest - found.log_chi_square))
        lines["distance", "chi_square"] = Line(np.inf, relative, found.log_chi_square, LEAST_WEIGHT)
    return lines


def scales_of(samples: Samples, densities: Sequence[Floats], values: Sequence[Floats]) -> list[float]:
    """A typical size of every observable by its ``values`` (cells, q): the largest root of its mean square."""
    result = []
    for each in values:
        squares = [samples.integral(each**2 * np.maximum(density, 0.0)) for density in densities]
        result.append(float(np.sqrt(max(squares))) or 1.0)
    return result


def rules_apart(measured: Measured, weighting: Weighting, functions: Sequence[Callable[[Floats], Floats]]) -> Floats:
    """What finer rules of integration change the means of functions by, (times, functions).

    Functions of Python, and formulas that oscillate, may have what the points of one rule do not see.
    """
    rules, own = [measured.samples], measured.samples.discretization
    if functions:
        rules += [samples_of(measured.generator, weighting, rule) for rule in (own.rule + 2, own.rule + own.degree)]
    found = np.zeros((len(rules), len(measured.states), len(functions)))
    for samples, means in zip(rules, found, strict=True):
        values = [samples.at(function) for function in functions]
        for row, state in zip(means, measured.states, strict=True):
            density = samples.density(state.vector, measured.beginning.height)
            row[:] = [samples.integral(each * density) for each in values]
    return np.asarray(RULES_APART * np.abs(found - found[0]).max(axis=0))


@dataclass
class Comparison:
    """Densities of one mesh and of the usual ``degree``, which those of other degrees are compared with.

    The distance of the two in total variation is the error of the first, but for a small part of it.
    """

    degree: int
    mesh: Triangulation | None = None
    densities: list[Floats] = field(default_factory=list)

    def apart(self, measured: Measured, weighting: Weighting) -> list[float]:
        """1/2 int |p - q| for every time, q the densities kept; zero, and kept, where a mesh is new."""
        discretization = measured.samples.discretization
        samples = samples_of(measured.generator, weighting, COMPARED * self.degree)
        densities = [samples.density(state.vector, measured.beginning.height) for state in measured.states]
        if discretization.degree == self.degree and discretization.triangulation is not self.mesh:
            self.mesh, self.densities = discretization.triangulation, densities
        if discretization.degree == self.degree and discretization.triangulation is self.mesh:
            return [0.0] * len(densities)
        return [
            0.5 * samples.integral(np.abs(one - other)) for one, other in zip(densities, self.densities, strict=True)
        ]
