"""The surfaces on which the coefficients of a process jump or have a kink, and functions seen from one side of them.

What a formula gives on such a surface itself means nothing: heaviside(0) is 1/2. Every cell of a fitted mesh lies on
one side; its vertices and nodes on the surface are moved towards its centre before anything is evaluated there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.expression import Expression
from fokker_planck.model.jumps.breakpoints import surfaces_of
from fokker_planck.model.process import Overdamped, Process
from fokker_planck.model.sets.shapes import HalfSpace, Set
from fokker_planck.quantity.light_dataclasses import dataclass

# By how much of its way to the centre of its cell a point leaves a surface: rounding of the level, 1e-16 of the size of
# the domain, is small against that, and what a smooth coefficient changes on it small against all tolerances.
ASIDE = 1e-9
ON_SURFACE = 1e-12
"""Of the size of the domain, in distance: a thousand times the rounding of a level, a thousandth of ``ASIDE``."""
BISECTIONS = 40
"""Of the way on which a point is put aside, to 1e-12 of it."""


@dataclass(frozen=True)
class Interfaces:
    """Smooth surfaces between which all coefficients are smooth, in a box of diameter ``scale``."""

    surfaces: tuple[Set, ...] = ()
    scale: float = 1.0

    def __bool__(self) -> bool:
        return bool(self.surfaces)

    def moved_inside(self, x: Floats, towards: Floats) -> Floats:
        """Points (dim, n), those on a surface or beyond it moved to the side on which ``towards`` (dim, n) lie.

        >>> left = Interfaces((HalfSpace((1.0,), 0.5),)).moved_inside(np.array([[0.5, 0.2]]), np.array([[0.1, 0.1]]))
        >>> bool(left[0, 0] < 0.5), float(left[0, 1])
        (True, 0.2)
        """
        points = np.array(x, dtype=np.float64)
        for surface in self.surfaces:
            there = surface.level(towards)
            slope = np.maximum(np.linalg.norm(surface.gradient(points), axis=0), 1e-300)
            here = surface.level(points) * np.sign(there)
            wrong = np.flatnonzero((here <= ON_SURFACE * self.scale * slope) & (there != 0.0))
            if len(wrong):
                points[:, wrong] = _beyond_crossing(surface, points[:, wrong], towards[:, wrong])
        return points


def _beyond_crossing(surface: Set, x: Floats, towards: Floats) -> Floats:
    """Points a little beyond the last crossing of the segments from ``x`` to ``towards`` with the surface."""
    sign = np.sign(surface.level(towards))
    low, high = np.zeros(x.shape[1]), np.ones(x.shape[1])
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        good = surface.level(x + middle * (towards - x)) * sign > 0.0
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return np.asarray(x + np.minimum(high + ASIDE, 1.0) * (towards - x))


@dataclass(frozen=True)
class OneSided:
    """An exponent whose values, or those of its derivatives, jump across ``interfaces``."""

    whole: Any
    interfaces: Interfaces

    def value(self, x: Floats) -> Floats:
        """Values, (n,)."""
        return np.asarray(self.whole.value(x))

    def gradient(self, x: Floats) -> Floats:
        """Gradients, (dim, n)."""
        return np.asarray(self.whole.gradient(x))

    def hessian(self, x: Floats) -> Floats:
        """Hessians, (dim, dim, n)."""
        return np.asarray(self.whole.hessian(x))

    def derivative(self, orders: Sequence[int]) -> Callable[[npt.ArrayLike], Floats]:
        """A partial derivative, where the exponent has them all."""
        found: Callable[[npt.ArrayLike], Floats] = self.whole.derivative(orders)
        return found

    def seen_from(self, x: Floats, towards: Floats) -> Floats:
        """Values at points (dim, n) as the limit from the side of the points ``towards`` (dim, n), (n,)."""
        return self.value(self.interfaces.moved_inside(x, towards))

    __call__ = value


def interfaces_of(process: Process, dimension: int, lower: Sequence[float], upper: Sequence[float]) -> Interfaces:
    """The surfaces in a box; on a line the points, those of coefficients without a formula as far as they are known."""
    scale = float(np.linalg.norm(np.subtract(upper, lower)))
    if dimension == 1:
        places = process.kinks(float(lower[0]), float(upper[0]))
        return Interfaces(tuple(HalfSpace((1.0,), place) for place in places), scale)
    return Interfaces(surfaces_of(formulas_of(process, dimension), lower, upper), scale)


def formulas_of(process: Process, dimension: int) -> tuple[Expression, ...]:
    """All formulas that the coefficients of a process are made of."""
    drift = process.extra if isinstance(process, Overdamped) else process.whole
    parts = (process.potential, drift, process.field(dimension))
    return tuple(formula for part in parts for formula in getattr(part, "formulas", ()))
