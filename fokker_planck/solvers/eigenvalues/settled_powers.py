"""Whether another power of A_FF^-1 M would change the rates between wells, of a process with detailed balance.

A bound by powers asks for two to three times as many as it takes: on the span of them all, as in Lanczos's process,
eigenvalues settle much faster.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.condensation.krylov import Widening
from fokker_planck.solvers.condensation.wells import Condensation

IN_DOUBLES = 1e-5
"""Of the largest rate, down to which doubles show a change of ``ROUNDING`` of one: those below are far from what is
inside, and settle first."""
ROUNDING = 1e-11
"""Of a rate in doubles, which is that small beside the fastest of what is inside where powers are asked for."""
FIRST = 5
"""Powers before which it is not asked: what is inside comes in with the first few."""
SLOWEST = 0.9
"""Ratio of two changes, at most, with which what comes after them is no more than ten times the last."""


@dataclass
class Settled:
    """Asked after each power whether rates lack no more than is ``allowed``, relative, of which nothing is no question.

    ``left`` is what they lack, infinite as long as that is not known.
    """

    condensed: Condensation
    allowed: float
    powers: int = 0
    left: float = np.inf
    _rates: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    _change: float = np.inf

    def __call__(self, widening: Widening) -> bool:
        """Whether that was the last."""
        self.powers += 1
        if self.powers < FIRST or self.allowed * (1.0 - SLOWEST) < ROUNDING:
            return False
        before, self._rates = self._rates, self._between_wells(widening)
        if before.shape != self._rates.shape or not self._rates.size:
            return False
        seen = np.abs(self._rates) > IN_DOUBLES * np.abs(self._rates).max()
        earlier, self._change = self._change, float(np.abs(self._rates / before - 1.0)[seen].max())
        ratio = max(self._change / earlier, 0.5) if np.isfinite(earlier) and earlier > 0.0 else np.inf
        if self._change <= self.allowed * (1.0 - SLOWEST) and (ratio <= SLOWEST or earlier <= ROUNDING):
            self.left = max(self._change, ROUNDING) / (1.0 - SLOWEST)
        return bool(np.isfinite(self.left))

    def _between_wells(self, widening: Widening) -> Floats:
        """Y diag(lambda) Y^-1 (K, K) of what the slow modes have of the wells' potentials; empty if not in doubles."""
        from scipy.linalg import eigh

        generator, count = self.condensed.generator, len(self.condensed.wells)
        functions = np.concatenate([self.condensed.potentials[:count], widening.basis])
        mass = functions @ np.concatenate([generator.apply_mass(functions[:count]), widening.masses]).T
        energy = functions @ generator.apply_stiffness(functions).T
        try:
            values, vectors = eigh(0.5 * (energy + energy.T), 0.5 * (mass + mass.T))
            at_wells = vectors[:count, :count]
            return np.asarray(at_wells * values[:count] @ np.linalg.inv(at_wells))
        except np.linalg.LinAlgError:
            return np.zeros((0, 0))
