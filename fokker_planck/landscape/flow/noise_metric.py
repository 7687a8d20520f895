"""Steepest descent of an exponent in the metric of the noise: ``dx/dt = -D(x) grad Psi(x)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class InNoiseMetric:
    """D grad Psi as the ``gradient`` of a :class:`Function` that the flow runs against; ``tensor`` gives D.

    The ``hessian`` leaves out what the slopes of D add, which vanishes at critical points: steps are a little shorter
    for that, ends and directions are right.
    """

    exponent: Function
    tensor: Any

    def value(self, x: Floats) -> Floats:
        """Psi, (n,)."""
        return self.exponent.value(x)

    def gradient(self, x: Floats) -> Floats:
        """D grad Psi, (dim, n)."""
        return np.asarray(np.einsum("ijn,jn->in", self.tensor(x), self.exponent.gradient(x)))

    def hessian(self, x: Floats) -> Floats:
        """D Hess Psi, (dim, dim, n)."""
        return np.asarray(np.einsum("ikn,kjn->ijn", self.tensor(x), self.exponent.hessian(x)))
