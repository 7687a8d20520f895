"""What the question about periodic driving returns."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from typing import TYPE_CHECKING

from fokker_planck.quantity.answer import Answer
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.results.in_time import Estimate

if TYPE_CHECKING:
    from fokker_planck.fem.fields.density_field import DensityField
    from fokker_planck.solvers.results.steady import Statistics
    from fokker_planck.solvers.time.evolving.evolution_results import StateAtTime


@dataclass(frozen=True)
class Harmonic:
    """E f = mean + cosine cos(2 pi t/T) + sine sin(2 pi t/T) + higher harmonics."""

    mean: Estimate
    cosine: Estimate
    sine: Estimate

    @property
    def amplitude(self) -> Estimate:
        """Of the first harmonic, (cosine^2 + sine^2)^(1/2)."""
        error = hypot(self.cosine.absolute_error, self.sine.absolute_error)
        return Estimate(hypot(self.cosine.value, self.sine.value), error)


@dataclass(frozen=True)
class Multiplier:
    """An eigenvalue of what one period makes of densities; ``absolute_error`` holds for both of its parts."""

    real: float
    imag: float
    absolute_error: float


@dataclass(frozen=True)
class PeriodicState(Answer):
    """The density that repeats itself with the ``period`` of its coefficients.

    Attributes
    ----------
    period
        T
    times
        the state at times of the period
    minima
        of the wells, in the order in which states name their probabilities
    observables, sets
        mean over a period and first harmonic, of observables and of probabilities of sets
    multipliers
        by descending size, without the one that is one: after n periods the distance from the periodic state is the
        first of them to the n-th power
    statistics
        what it cost
    """

    period: float
    times: tuple[StateAtTime, ...]
    minima: tuple[tuple[float, ...], ...]
    observables: Mapping[str, Harmonic]
    sets: Mapping[str, Harmonic]
    multipliers: tuple[Multiplier, ...]
    statistics: Statistics

    @property
    def field(self) -> DensityField:
        """The density at the end of the period, and at its beginning."""
        return self.times[-1].density
