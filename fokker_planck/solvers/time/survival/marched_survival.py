"""The survival function of one start where noise vanishes in some direction: early times by :mod:`~.marching`.

Functions are asked for on all of the quarters of a time below that at which modes take over, as for other processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.generator import mass_times_constant
from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.condensation.point_load import point_load
from fokker_planck.solvers.time.stepping.marching import March, MarchedTwice
from fokker_planck.solvers.time.stepping.semigroup import LEFT_OUT
from fokker_planck.solvers.time.survival.survival_function import QUARTER, Survival

ENOUGH = 1e-3
"""Of the tolerance, what a space may leave of S in the norm of M."""
LOOSE = 1e-4
"""Of the functions on which nothing but the estimate of the error rests."""


@dataclass
class MarchedSurvival(Survival):
    """S(t) by steps; ``turning`` is the fastest frequency of the flow."""

    marched: dict[int, MarchedTwice] = field(default_factory=dict)

    def doubt(self, t: float) -> float:
        """How far S(t) can be off beside the mesh: by what half of the step changes."""
        return 0.0 if t >= self.tail.start else LEFT_OUT + self._steps(t).apart(t)

    def log(self, t: float) -> float:
        """log S(t)."""
        if t >= self.tail.start:
            return self.tail.log(float(np.log(t)))
        value = float(self._steps(t).fine.values(t)[0])
        if not value > 0.0:
            raise ConvergenceError(f"S({t:.3g}) came out as {value:.1e}", "a finer tolerance, or a later time")
        return min(float(np.log(value)), 0.0)

    def log_density(self, t: float) -> float:
        """log -S'(t); where it is rounding, the log of what rounding is."""
        if t >= self.tail.start:
            return self.tail.log(float(np.log(t)), slope=True)
        slope = float(self._steps(t).fine.values(t, slope=True)[0])
        return float(np.log(max(-slope, (LEFT_OUT + self._steps(t).apart(t)) / t)))

    def functions(self, t: float) -> tuple[Floats, Floats, Floats]:
        """exp(t L) 1, exp(t L*) of the start, scaled vectors (N,), and the height of the second."""
        load, whole = point_load(self.generator, self.start[:, 0]), mass_times_constant(self.generator)
        result = []
        for right, adjoint in ((whole, False), (load.scaled, True)):
            enough = LOOSE * float(np.sqrt(whole @ self.generator.constant))
            nothing = np.zeros((1, len(right)))
            march = March(self.generator, self.free, right, nothing, self.turning, enough, adjoint)
            result.append(march.to(t, [t]).vectors[t])
        return result[0], result[1], load.height

    def _steps(self, t: float) -> MarchedTwice:
        """Those that serve a time, and steps of half the length."""
        number = int(np.floor(np.log(self.tail.start / t) / np.log(QUARTER)))
        if number not in self.marched:
            generator, whole = self.generator, mass_times_constant(self.generator)
            at_start = point_functional(generator.discretization, self.start[:, 0])
            up = np.where(at_start != 0.0, 0.5 * (generator.exponent - generator.lowest), 0.0)
            enough = ENOUGH * self.tolerance * float(np.sqrt(whole @ generator.constant))
            functional = times_exp(at_start, up)[None, :]
            march = March(generator, self.free, whole, functional, self.turning, enough)
            self.marched[number] = march.twice(self.tail.start * QUARTER**-number)
        return self.marched[number]
