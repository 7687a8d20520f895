"""The generator of a process whose coefficients depend on time, in one reference exponent psi for all times.

With D(x, t) = sigma(t) D(x), the drift b0 that is there without noise, and V(x) + U(x, t),

    A(t) = A + (sigma(t) - 1) A' + int e^-psi (mu(t) grad U . grad u) v,
    A' = int e^-psi [D grad u . grad v - (w . grad u) v] = A + int e^-psi (b0 . grad u) v,       w = c - b0,

where mu is 1, sigma(t) D/kT in a free energy, or what turns a slope in x into a force on v where there is momentum, A,
D and c are those of the process at sigma = 1, and all of them map the constant function to zero.  At all other times
the process is not symmetric in that exponent, even where it is in detailed balance.
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
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass

BEYOND = 1.5
"""Times the largest noise that is known: the mesh ends where nothing is at that, which at half as much more is out by
some digits of those that it has to spare."""
FORCE_ON_VELOCITY = np.array([[0.0, 0.0], [1.0, 0.0]])
"""mu where there is momentum: dv = -U_x dt."""


@dataclass(frozen=True)
class DriftAlone:
    """b0 (dim, cells, q) without noise, and the ``mobility`` mu (dim, dim, cells, q), None for 1.

    ``by_noise`` says that the mobility has the factor of the noise, as in a free energy.
    """

    drift: Floats
    mobility: Floats | None = None
    by_noise: bool = False


@dataclass(frozen=True)
class DrivenGenerator:
    """A(t) by a ``schedule`` whose factor is ``largest`` where ``reference`` holds; ``by_noise`` (cells, n, n) is A'.

    The exponents and points of the reference are ``weighted``; ``alone`` is what is there without noise.
    """

    reference: Generator
    schedule: Schedule
    largest: float
    by_noise: Floats | None
    weighted: Weighted
    alone: DriftAlone

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
            if self.alone.mobility is not None:
                slope = np.einsum("ijcq,jcq->icq", self.alone.mobility, slope)
            if self.alone.by_noise:
                slope = sigma * slope
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
        # where noise vanishes in some direction the generator's energy is another one, that of its error
        by_noise = reference.stiffness + advection(discretization, weighted, alone.drift)
    return DrivenGenerator(reference, schedule, largest, by_noise, weighted, alone)


def drift_without_noise(problem: Problem, more: Problem, discretization: Discretization) -> DriftAlone:
    """By the drifts of a process and of that with twice its noise, which are b0 + s b1."""
    points = discretization.map.points
    flat = points.reshape(len(points), -1)
    once, twice = (each.process.drift(flat, problem.dimension) for each in (problem, more))
    drift, process = np.asarray(2.0 * once - twice).reshape(points.shape), problem.process
    if isinstance(process, Smoluchowski):
        tensor = process.field(problem.dimension).tensor(flat) / process.kT
        return DriftAlone(drift, np.asarray(tensor).reshape(*tensor.shape[:2], *points.shape[1:]), by_noise=True)
    if isinstance(process, Underdamped):
        on_velocity = np.broadcast_to(FORCE_ON_VELOCITY[:, :, None, None], (2, *points.shape))
        return DriftAlone(drift, on_velocity)
    return DriftAlone(drift)
