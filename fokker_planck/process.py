"""The process dX = -grad V dt + sqrt(2 D) dW, and its generator in detailed-balance form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fokker_planck.diffusion import Diffusion
from fokker_planck.potential import Potential

FloatArray = npt.NDArray[np.float64]


class Exponent(Protocol):
    """A smooth function with its first two derivatives at points of shape (dim, n)."""

    def value(self, x: FloatArray) -> FloatArray:
        """Values, (n,)."""

    def gradient(self, x: FloatArray) -> FloatArray:
        """Gradients, (dim, n)."""

    def hessian(self, x: FloatArray) -> FloatArray:
        """Hessians, (dim, dim, n)."""


@dataclass(frozen=True)
class Overdamped:
    """dX = -grad V(X) dt + sqrt(2 D(X)) dW."""

    potential: Potential
    diffusion: Diffusion
    interpretation: str = "ito"


@dataclass(frozen=True)
class DetailedBalance:
    """L u = e^Phi div(e^-Phi D grad u): the exponent Phi and the tensor D."""

    exponent: Exponent
    diffusion: Diffusion


def detailed_balance(process: Overdamped, dimension: int, probe: FloatArray) -> DetailedBalance:
    """The detailed-balance form of a reversible process."""
    raise NotImplementedError
