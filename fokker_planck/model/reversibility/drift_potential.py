"""The function down which a process runs where there is no noise: V, or on a line the integral of any drift."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.formulas.calculus.antiderivative import Antiderivative, antiderivative
from fokker_planck.model.process import Overdamped, Process
from fokker_planck.quantity.light_dataclasses import dataclass

NET_FORCE = 1e-10
"""Of the variation of U around a ring: rounding of the integral, 1e-15 of it, and of a period that was typed in
decimals."""


@dataclass(frozen=True)
class DriftPotential:
    """U(x) = -int a on [lower, upper], a the noiseless drift on a line.

    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> from fokker_planck.model.drift import Drift
    >>> from fokker_planck.model.process import Drifting
    >>> U = DriftPotential(Drifting(Drift(["x - x**3"]), Isotropic(1.0)), -2.0, 2.0)
    >>> round(float(np.diff(U.value(np.array([[-1.0, 0.0]])))[0]), 14)
    0.25
    """

    process: Process
    lower: float
    upper: float
    period: float | None = None

    @cached_property
    def integral(self) -> Antiderivative:
        """U, up to a constant."""
        kinks = self.process.kinks(self.lower, self.upper)
        return antiderivative(lambda x: -self.process.noiseless_drift(x[None])[0], self.lower, self.upper, kinks)

    def value(self, x: Floats) -> Floats:
        """U, (n,)."""
        place = np.asarray(x, dtype=np.float64)[0]
        if self.period is not None:
            place = self.lower + np.mod(place - self.lower, self.period)
        return self.integral(place) - self._level

    @cached_property
    def _level(self) -> float:
        """U in the middle where it is infinite at an end, else zero: U is zero at the lower end."""
        found = self.integral
        if not (found.singular_left or found.singular_right):
            return 0.0
        return float(found(np.array([0.5 * (self.lower + self.upper)]))[0])

    __call__ = value

    def gradient(self, x: Floats) -> Floats:
        """-a, (1, n)."""
        return -self.process.noiseless_drift(np.asarray(x, dtype=np.float64))

    def hessian(self, x: Floats) -> Floats:
        """-a', (1, 1, n)."""
        return -self.process.noiseless_jacobian(np.asarray(x, dtype=np.float64))


def drift_potential(
    process: Process,
    dimension: int,
    box: tuple[Sequence[float], Sequence[float]],
    periods: Sequence[float | None] | None = None,
) -> Function | None:
    """V where the drift is -grad V, on a line the integral of the drift; None where there is no such function."""
    if isinstance(process, Overdamped) and process.extra is None:
        return process.potential
    if dimension != 1:
        return None
    period = periods[0] if periods is not None else None
    found = DriftPotential(process, float(box[0][0]), float(box[1][0]), period)
    winding = float(found.integral(np.array([found.upper]))[0])
    if period is not None and abs(winding) > NET_FORCE * (1.0 + found.integral.variation):
        return None
    return found
