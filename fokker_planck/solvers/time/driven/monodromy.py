"""What one period of its coefficients makes of a density: y(t + T) = P y(t).

P has the eigenvalue one, with the periodic state, which is a density at every time; its other eigenvalues mu, Floquet's
multipliers, lie in the unit disc, and what is left of any beginning falls like |mu_1|^n after n periods.  Both come of
a Krylov space of P, each vector of which is one period in time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Complexes, Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.time.driven.driven_propagation import LEAST, SWEPT, DrivenPropagation
from fokker_planck.solvers.time.stepping.radau import Step, Stepper, radau_nodes

MOST_VECTORS = 60
"""Of the Krylov space: a driving of a twentieth of the time in which a well settles takes 25."""
MOST_KEPT = 60
"""Halves of steps that stay factored, four factors each: every one holds communicators, of which MPICH has 2048, and
410 factors were the last before it had none. Those beyond are factored anew for every vector."""
ENOUGH = 1e-2
"""Of the tolerance, to which eigenvalues of the Krylov space are those of P."""


@dataclass(frozen=True)
class Leading:
    """The periodic ``state`` (N,), mass one, the largest ``multipliers`` but one, and what of each a residual leaves.

    ``conditions`` (k,) say how much more than P itself they may be off.
    """

    state: Floats
    multipliers: Complexes
    errors: Floats
    conditions: Floats


@dataclass
class Monodromy:
    """P by the steps that ``propagation`` has taken through one period, the first ``kept`` where there is memory."""

    propagation: DrivenPropagation
    kept: bool
    _steps: list[Step] = field(default_factory=list, init=False)

    @property
    def halves(self) -> list[tuple[float, float]]:
        """When every half of a step begins, and how long it is."""
        return [(t + k * 0.5 * step, 0.5 * step) for t, step in self.propagation.taken for k in (0, 1)]

    def through(self, vector: Floats, look: Callable[[float, float, Floats], None] | None = None) -> Floats:
        """P times a vector (N,); every half of a step is shown: when it begins, its length, its stages (q, N)."""
        propagation = self.propagation
        stepper = Stepper(propagation.driven, propagation.free, propagation.size)
        enough = max(SWEPT * propagation.tolerance / len(self.halves), LEAST) * float(propagation.size @ np.abs(vector))
        for number, (t, tau) in enumerate(self.halves):
            step = self._steps[number] if number < len(self._steps) else stepper.prepared(t, tau)
            if self.kept and number == len(self._steps) < MOST_KEPT:
                self._steps.append(step)
            stages = step.stages(propagation.driven.reference.apply_mass(vector), enough)
            if stages is None:
                raise ConvergenceError(f"a step of {tau:.1e} at t = {t:.3g} does not converge", "a looser tolerance")
            vector = stages[-1]
            if look is not None:
                look(t, tau, stages)
        return vector

    def leading(self, start: Floats, count: int) -> Leading:
        """The periodic state and so many multipliers, by Arnoldi's process in the norm of m."""
        apply_mass, mass = self.propagation.driven.reference.apply_mass, self.propagation.functionals[0]
        basis, images = [start / np.sqrt(start @ apply_mass(start))], []
        images.append(apply_mass(basis[0]))
        small = np.zeros((MOST_VECTORS + 1, MOST_VECTORS))
        for m in range(1, MOST_VECTORS + 1):
            vector = self.through(basis[-1])
            for _ in range(2):
                parts = np.array(images) @ vector
                small[:m, m - 1] += parts
                vector = vector - parts @ np.array(basis)
            length = float(np.sqrt(max(float(vector @ apply_mass(vector)), 0.0)))
            small[m, m - 1] = length
            found = _ritz(small[:m, :m], length, count)
            slowest = float(np.abs(found.values[1:2]).sum())
            enough = ENOUGH * self.propagation.tolerance * max(1.0 - slowest, 0.0)
            if length < LEAST or (m > count and found.errors[: count + 1].max() <= enough):
                state = np.real(found.first @ np.array(basis))
                return Leading(
                    state / (mass @ state),
                    found.values[1 : count + 1],
                    found.errors[1 : count + 1],
                    found.conditions[1 : count + 1],
                )
            basis.append(vector / length)
            images.append(apply_mass(basis[-1]))
        raise ConvergenceError(
            f"{MOST_VECTORS} periods do not settle the periodic state: {found.errors[0]:.1e} is left",
            "fewer multipliers, a looser tolerance, or several periods for one",
        )


@dataclass(frozen=True)
class Ritz:
    """Eigenvalues of the small matrix, the one nearest to one first, then by size; errors, conditions, first vector."""

    values: Complexes
    errors: Floats
    conditions: Floats
    first: Complexes


def _ritz(small: Floats, length: float, count: int) -> Ritz:
    values, vectors = np.linalg.eig(small)
    one = int(np.argmin(np.abs(values - 1.0)))
    size, turned = np.abs(values).round(12).tolist(), np.imag(values).tolist()
    rank = sorted(range(len(values)), key=lambda k: (k != one, -size[k], -turned[k]))
    conditions = np.linalg.norm(np.linalg.pinv(vectors), axis=1)
    errors = conditions * length * np.abs(vectors[-1])
    first = vectors[:, one]
    return Ritz(values[rank].astype(complex), errors[rank], conditions[rank], first)


@dataclass
class OverPeriod:
    """Integrals of functionals (n, N) over a period: 1/T int F y dt, 2/T int F y cos(2 pi t/T) dt, and of the sine."""

    functionals: Floats
    period: float
    marks: Sequence[float]
    means: Floats
    there: dict[float, Floats]

    @classmethod
    def of(cls, functionals: Floats, period: float, marks: Sequence[float]) -> OverPeriod:
        """Nothing so far; states are wanted at the ``marks``."""
        return cls(functionals, period, marks, np.zeros((3, len(functionals))), {})

    def __call__(self, t: float, tau: float, stages: Floats) -> None:
        """Add half of a step."""
        nodes = radau_nodes()
        times, weights = t + tau * nodes.places, tau / self.period * nodes.integrals[-1]
        values = stages @ self.functionals.T
        angle = 2.0 * np.pi * times / self.period
        waves = np.array([np.ones(len(times)), 2.0 * np.cos(angle), 2.0 * np.sin(angle)])
        self.means += (waves * weights) @ values
        for mark in self.marks:
            if abs(t + tau - mark) <= 1e-9 * self.period:
                self.there[mark] = stages[-1]
