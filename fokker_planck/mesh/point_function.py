"""What is called at points: a function kept by numbers on a mesh, its values or their logarithms."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats


class PointFunction:
    """A function of points (dim, n), kept by its values, or, with ``logarithm``, by those of its logarithm.

    Who inherits says its ``dimension`` and, in ``_at``, the number kept for every point, nan where there is none.
    """

    logarithm: bool

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point."""
        raise NotImplementedError

    def _at(self, points: Floats) -> Floats:
        raise NotImplementedError

    def __call__(self, x: Floats) -> Floats:
        """Values at points of shape (dim, n), on a line (n,) or a number; nan outside, unless they are known there."""
        return self._values(self._kept(x))

    def log(self, x: Floats) -> Floats:
        """Natural logarithms of the values at points of shape (dim, n); nan where values are nan or below zero."""
        return self._logs(self._kept(x))

    def _kept(self, x: Floats) -> Floats:
        x = np.asarray(x, dtype=float)
        if x.ndim == 2 and len(x) == 3:
            x = x[: self.dimension]  # as dolfinx gives points of a plane
        if self.dimension == 1 and x.ndim < 2 and x.shape != (1,):
            x = x[None]  # a number, or a row of them
        if x.ndim == 0 or len(x) != self.dimension:
            raise ProblemError("points", f"an array of shape {x.shape}", f"shape ({self.dimension}, n)")
        return self._at(x.reshape(self.dimension, -1)).reshape(x.shape[1:])

    def _values(self, numbers: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(numbers) if self.logarithm else numbers

    def _logs(self, numbers: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return numbers if self.logarithm else np.log(numbers)
