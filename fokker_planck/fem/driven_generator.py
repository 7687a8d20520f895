"""The generator of a process whose coefficients depend on time, in one reference exponent psi for all times.

With D(x, t) = sigma(t) D(x), the drift b0 that is there without noise, and V(x) + U(x, t),

    A(t) = A + (sigma(t) - 1) A' + int e^-psi (mu(t) grad U . grad u) v,
    A' = int e^-psi [D grad u . grad v - (w . grad u) v],       w = c - b0,

where mu is 1, or sigma(t) D/kT in a free energy, A, D and c are those of the process at sigma = 1, and all of them map
the constant function to zero.  At all other times the process is not symmetric in that exponent, even where it is in
detailed balance.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, advection
from fokker_planck.fem.reference_exponent import Weighted, Weighting
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.schedule import Schedule
from fokker_planck.model.smoluchowski import Smoluchowski
from fokker_planck.quantity.light_dataclasses import dataclass

BEYOND = 1.5
"""Times the largest noise that is known: the mesh ends where nothing is at that, which at half as much more is out by
some digits of those that it has to spare."""


@dataclass(frozen=True)
class DriftAlone:
    """b0 (dim, cells, q) without noise, and the ``mobility`` (dim, dim, cells, q) of a free energy."""

    drift: Floats
    mobility: Floats | None


@dataclass(frozen=True)
class DrivenGenerator:
    """A(t) by a ``schedule`` whose factor is ``largest`` where ``reference`` holds; ``by_noise`` (cells, n, n) is A'.

    The exponents and points of the reference are ``weighted``; its ``mobility`` (dim, dim, cells, q) is None for 1.
    """

    reference: Generator
    schedule: Schedule
    largest: float
    by_noise: Floats | None
    weighted: Weighted
    mobility: Floats | None = None

    def elements(self, t: float) -> Floats:
        """Scaled element matrices of A(t), (cells, n, n)."""
        result, sigma = self.reference.stiffness, float(self.schedule.factor([t])[0]) / self.largest
        if self.by_noise is not None:
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
            if self.mobility is not None:
                slope = sigma * np.einsum("ijcq,jcq->icq", self.mobility, slope)
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
    reference: Generator, weighting: Weighting, alone: DriftAlone, schedule: Schedule, largest: float
) -> DrivenGenerator:
    """A(t) from the ``reference`` at the largest factor, and what is there ``alone``, without noise."""
    discretization = reference.discretization
    weighted, by_noise = weighting.on(discretization), None
    if schedule.noise is not None:
        current = 0.0 if weighted.velocity is None else weighted.velocity
        by_noise = reference.energy - advection(discretization, weighted, current - alone.drift)
    return DrivenGenerator(reference, schedule, largest, by_noise, weighted, alone.mobility)


def drift_without_noise(problem: Problem, more: Problem, discretization: Discretization) -> DriftAlone:
    """By the drifts of a process and of that with twice its noise, which are b0 + s b1."""
    points = discretization.map.points
    flat = points.reshape(len(points), -1)
    once, twice = (each.process.drift(flat, problem.dimension) for each in (problem, more))
    mobility, process = None, problem.process
    if isinstance(process, Smoluchowski):
        tensor = process.field(problem.dimension).tensor(flat) / process.kT
        mobility = np.asarray(tensor).reshape(*tensor.shape[:2], *points.shape[1:])
    return DriftAlone(np.asarray(2.0 * once - twice).reshape(points.shape), mobility)
