"""The generator of a process whose coefficients depend on time, in one reference exponent psi for all times.

With D(x, t) = sigma(t) D(x), the drift b0 that is there without noise, and V(x) + U(x, t),

    A(t) = A + (sigma(t) - 1) A' + int e^-psi (grad U . grad u) v,
    A' = int e^-psi [D grad u . grad v - (w . grad u) v],       w = c - b0,

where A, D and c are those of the process at sigma = 1, and all of them map the constant function to zero.  At all other
times the process is not symmetric in that exponent, even where it is in detailed balance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, advection
from fokker_planck.fem.reference_exponent import Weighted, Weighting
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.schedule import Schedule

BEYOND = 1.5
"""Times the largest noise that is known: the mesh ends where nothing is at that, which at half as much more is out by
some digits of those that it has to spare."""


@dataclass(frozen=True)
class DrivenGenerator:
    """A(t) by a ``schedule`` whose factor is ``largest`` where ``reference`` holds; ``by_noise`` (cells, n, n) is A'.

    The exponents and points of the reference are ``weighted``.
    """

    reference: Generator
    schedule: Schedule
    largest: float
    by_noise: Floats | None
    weighted: Weighted

    def elements(self, t: float) -> Floats:
        """Scaled element matrices of A(t), (cells, n, n)."""
        result = self.reference.stiffness
        if self.by_noise is not None:
            sigma = float(self.schedule.factor([t])[0]) / self.largest
            if sigma > BEYOND:
                raise ConvergenceError(
                    f"the noise at t = {t:.6g} is {sigma:.3g} times the largest that was seen beforehand",
                    "noise that changes less quickly, or earlier times",
                )
            result = result + (sigma - 1.0) * self.by_noise
        if self.schedule.potential is not None:
            discretization = self.reference.discretization
            points = discretization.map.points
            slope = self.schedule.gradient(points.reshape(len(points), -1), t).reshape(points.shape)
            result = result + advection(discretization, self.weighted, slope)
        return result

    def at(self, t: float) -> Generator:
        """The generator that holds at a time."""
        reference = self.reference
        stiffness = self.elements(t)
        if stiffness is reference.stiffness:
            return reference
        return Generator(reference.discretization, reference.exponent, stiffness, reference.mass, reference.energy)


def driven(
    reference: Generator, weighting: Weighting, drift_without_noise: Floats, schedule: Schedule, largest: float
) -> DrivenGenerator:
    """A(t) from the ``reference`` at the largest factor; ``drift_without_noise`` (dim, cells, q) is b0."""
    discretization = reference.discretization
    weighted, by_noise = weighting.on(discretization), None
    if schedule.noise is not None:
        current = 0.0 if weighted.velocity is None else weighted.velocity
        by_noise = reference.energy - advection(discretization, weighted, current - drift_without_noise)
    return DrivenGenerator(reference, schedule, largest, by_noise, weighted)


def drift_without_noise(problem: Problem, more: Problem, discretization: Discretization) -> Floats:
    """b0 (dim, cells, q) by the drifts of a process and of that with twice its noise, which are b0 + s b1."""
    points = discretization.map.points
    flat = points.reshape(len(points), -1)
    once, twice = (each.process.drift(flat, problem.dimension) for each in (problem, more))
    return np.asarray(2.0 * once - twice).reshape(points.shape)
