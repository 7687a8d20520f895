"""The potential V and its exact derivatives, at many points at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ArrayFunction = Callable[[FloatArray], npt.ArrayLike]


@dataclass(frozen=True, eq=False)
class Potential:
    """V(x) from an expression or from a callable on arrays of shape (dim, n)."""

    source: str | ArrayFunction
    parameters: Mapping[str, float] | None = None
    gradient_source: ArrayFunction | str | None = None
    hessian_source: ArrayFunction | None = None
    given_dimension: int | None = None

    def value(self, x: FloatArray) -> FloatArray:
        """V at x, (n,)."""
        raise NotImplementedError

    def gradient(self, x: FloatArray) -> FloatArray:
        """grad V at x, (dim, n)."""
        raise NotImplementedError

    def hessian(self, x: FloatArray) -> FloatArray:
        """Second derivatives at x, (dim, dim, n)."""
        raise NotImplementedError

    @property
    def dimension(self) -> int:
        """Least number of coordinates that V needs."""
        raise NotImplementedError
