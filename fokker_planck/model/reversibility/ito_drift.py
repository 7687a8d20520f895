"""The Ito drift b of a process as a vector field, and with the noise beside it what a current is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.diffusion.constant import tensor_and_divergence
from fokker_planck.model.process import Process, alpha_of
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class ItoDrift:
    """The drift b of a process in so many coordinates, as a vector field."""

    process: Process
    dimension: int

    def value(self, x: Floats) -> Floats:
        """B at points (dim, n), of the same shape."""
        return self.process.drift(x, self.dimension)

    def jacobian(self, x: Floats) -> Floats:
        """d_j b_i, (dim, dim, n)."""
        return self.process.drift_jacobian(x, self.dimension)

    __call__ = value

    def less(self, x: Floats, divergence: Floats) -> Floats:
        """b - div D at points (dim, n), with div D as it is there."""
        share = alpha_of(self.process) - 1.0
        plain = self.process.noiseless_drift(x)
        return plain + share * divergence if share else plain


def noise_and_velocity(drift: Any, diffusion: Any, x: Floats) -> tuple[Floats, Floats]:
    """D, (dim, dim, n), and b - div D, (dim, n), at points: what a current is made of, the noise asked once.

    >>> from fokker_planck.model.diffusion.state_dependent import Formula
    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> process = Overdamped(Potential("x**2/2"), Formula("1 + x**2"), "stratonovich")
    >>> noise, velocity = noise_and_velocity(ItoDrift(process, 1), process.field(1), np.array([[3.0]]))
    >>> noise.ravel().tolist(), velocity.ravel().tolist()    # -3 + 6/2 - 6
    ([10.0], [-6.0])
    """
    tensor, divergence = tensor_and_divergence(diffusion, x)
    if isinstance(drift, ItoDrift):
        return tensor, drift.less(x, divergence)
    return tensor, np.asarray(drift(x)) - divergence
