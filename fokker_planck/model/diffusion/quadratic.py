"""Noise that is quadratic in every coordinate, or in the distance from a centre."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import MOST_DIMENSIONS, finite_number
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.diffusion.diagonal_tensors import diagonal
from fokker_planck.model.potential import Potential
from fokker_planck.quantity.light_dataclasses import dataclass, field

FORMS = ("axes", "radial")
Numbers = float | Sequence[float]


@dataclass(frozen=True)
class Quadratic:
    """D_ii = offset_i + slope_i (x_i - center_i) + curvature_i (x_i - center_i)^2, or radially, with form="radial",

    ``D = (offset + curvature |x - center|^2) I``.

    Parameters
    ----------
    offset, curvature, center, slope
        numbers, or one for each axis; kept as floats or tuples
    form
        "radial" for the second of the two formulas, else "axes"

    Raises
    ------
    ProblemError
        With a key under ``diffusion``. Where D is negative shows when it meets a domain.

    References
    ----------
    Meng, Gong, Chen, Ma and Liu (2020), equation of the power-law dynamic.

    Examples
    --------
    >>> Quadratic(1.0, 4.0, center=-1.0).field(None, 1).tensor(np.array([[0.0]])).ravel().tolist()
    [5.0]
    """

    offset: Numbers
    curvature: Numbers
    center: Numbers = 0.0
    slope: Numbers = 0.0
    form: str = "axes"

    def __post_init__(self) -> None:
        for name in ("offset", "curvature", "center", "slope"):
            object.__setattr__(self, name, _numbers(f"diffusion.{name}", getattr(self, name)))
        if self.form not in FORMS:
            raise ProblemError("diffusion.form", self.form, f"one of {', '.join(FORMS)}")
        if self.form == "radial":
            for name in ("offset", "curvature"):
                if isinstance(getattr(self, name), tuple):
                    raise ProblemError(f"diffusion.{name}", list(getattr(self, name)), "one number, for form radial")
            if self.slope != 0.0:
                raise ProblemError("diffusion.slope", self.slope, "no slope, for form radial")
        lengths = {len(value) for value in self._given() if isinstance(value, tuple)}
        if len(lengths) > 1:
            found = f"lists of {' and '.join(str(n) for n in sorted(lengths))} numbers"
            raise ProblemError("diffusion", found, "single numbers, or lists of one length")

    def _given(self) -> tuple[Numbers, ...]:
        return (self.offset, self.curvature, self.center, self.slope)

    @property
    def dimension(self) -> int | None:
        """Length of the lists given, None where all are single numbers."""
        return next((len(value) for value in self._given() if isinstance(value, tuple)), None)

    def field(self, potential: Potential | None, dimension: int) -> DiffusionField:
        """D(x) in that many coordinates; raises ProblemError where the lists have another length."""
        if self.dimension not in (None, dimension):
            raise ProblemError("diffusion", f"lists of {self.dimension} numbers", f"{dimension}, one for each axis")
        return QuadraticField(self, dimension)


@dataclass(frozen=True)
class QuadraticField:
    """The field of a :class:`Quadratic` in ``size`` coordinates."""

    rule: Quadratic
    size: int
    constant: bool = field(default=False, init=False)
    key: str = field(default="diffusion.curvature", init=False)

    @cached_property
    def _columns(self) -> list[Floats]:
        return [np.broadcast_to(np.asarray(value), (self.size,))[:, None] for value in self.rule._given()]

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at points (dim, n), of shape (dim, dim, n)."""
        offset, curvature, center, slope = self._columns
        y = np.asarray(x, dtype=np.float64) - center
        if self.rule.form == "radial":
            return diagonal(np.broadcast_to(offset + curvature * np.sum(y**2, axis=0), y.shape))
        return diagonal(offset + (slope + curvature * y) * y)

    def divergence(self, x: npt.ArrayLike) -> Floats:
        """slope + 2 curvature (x - center), (dim, n); of either form."""
        _offset, curvature, center, slope = self._columns
        return np.asarray(slope + 2.0 * curvature * (np.asarray(x, dtype=np.float64) - center))

    def gradient(self, x: npt.ArrayLike) -> Floats:
        """d D_ij / d x_k at points (dim, n), (k, i, j, n)."""
        slopes, axes = self.divergence(x), np.arange(self.size)
        result = np.zeros((self.size, self.size, *slopes.shape))
        if self.rule.form == "radial":
            result[:, axes, axes] = slopes[:, None]
        else:
            result[axes, axes, axes] = slopes
        return result

    def divergence_jacobian(self, x: npt.ArrayLike) -> Floats:
        """2 curvature on the diagonal, (dim, dim, n)."""
        return diagonal(np.broadcast_to(2.0 * self._columns[1], np.shape(x)))

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """None."""
        return ()


def _numbers(key: str, value: Any) -> Numbers:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        if not 1 <= len(value) <= MOST_DIMENSIONS:
            raise ProblemError(key, list(value), "a number, or one for each axis")
        return tuple(finite_number(f"{key}[{i}]", entry) for i, entry in enumerate(value))
    return finite_number(key, value, "a number, or one for each axis")
