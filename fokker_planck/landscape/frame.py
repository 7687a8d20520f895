"""The box around a domain as the flow and the searches need it: walls, periods, what holds a point inside."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass, replace

if TYPE_CHECKING:
    from fokker_planck.landscape.flow.holds import Hold


@dataclass(frozen=True)
class Frame:
    """The bounding box of a domain, the periods of its axes (None for none), and whether the domain fills the box.

    ``hold`` moves points (dim, n) outside of a domain with curved walls to the nearest point of a wall.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    periods: tuple[float | None, ...]
    box: bool = True
    hold: Hold | None = None

    @cached_property
    def walled(self) -> Booleans:
        """Axes on which the box has walls, (dim,)."""
        return np.array([self.box and period is None for period in self.periods])

    @cached_property
    def extent(self) -> float:
        """The longest edge of the box."""
        return float(np.max(np.array(self.upper) - np.array(self.lower)))

    def confine(self, x: Floats) -> Floats:
        """Points (dim, n) brought back by whole periods, or onto the nearest wall."""
        if self.hold is not None:
            x = self.hold(x)
        if not (self.walled.any() or any(self.periods)):
            return x
        moved = np.array(x)
        for axis, (low, high, period) in enumerate(zip(self.lower, self.upper, self.periods, strict=True)):
            if period is not None:
                moved[axis] = low + np.mod(moved[axis] - low, period)
            elif self.box:
                moved[axis] = np.clip(moved[axis], low, high)
        return moved

    def wrapped(self, x: Floats) -> Floats:
        """Points (dim, n) moved by whole periods into the box; other axes are left alone."""
        return replace(self, box=False, hold=None).confine(x)

    def holds(self, x: Floats) -> Booleans:
        """Which of the points (dim, n) are between the walls, with room for rounding, (n,)."""
        room = 1e-9 * self.extent
        inside = np.ones(x.shape[1], dtype=bool)
        for axis in np.flatnonzero(self.walled):
            inside &= (x[axis] >= self.lower[axis] - room) & (x[axis] <= self.upper[axis] + room)
        return inside

    def pulled_in(self, x: Floats) -> Floats:
        """Points (dim, n) off the walls by less than matters, so that a test for membership accepts them."""
        middle = 0.5 * (np.array(self.lower) + np.array(self.upper))
        return np.asarray(x + 1e-9 * (middle[:, None] - x) * self.walled[:, None])

    def walls_met(self, x: Floats) -> Floats:
        """For points (dim, n) and every axis -1 on the lower wall, 1 on the upper, 0 elsewhere, (dim, n)."""
        room = 1e-9 * self.extent
        outward = np.zeros(x.shape)
        for axis in np.flatnonzero(self.walled):
            outward[axis] = 1.0 * (x[axis] >= self.upper[axis] - room) - (x[axis] <= self.lower[axis] + room)
        return outward

    def difference(self, a: Floats, b: Floats) -> Floats:
        """The shortest ``a - b`` among periodic images, arrays whose first axis is the coordinate."""
        delta = np.array(a - b, dtype=float)
        for axis, period in enumerate(self.periods):
            if period is not None:
                delta[axis] -= period * np.round(delta[axis] / period)
        return delta
