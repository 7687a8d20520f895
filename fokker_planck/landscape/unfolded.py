"""Walls that turn a velocity around, taken away: behind each stands its mirror image, (x, v) to (2 b - x, -v).

A path that comes back from the wall is one that goes on in the image, so that on the line without walls, periodic with
twice the distance of the walls, a flow in phase space is followed like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import Saddle
from fokker_planck.quantity.light_dataclasses import dataclass, replace

SAMPLES = 4001
"""Positions at which a potential is climbed from a well: the highest seen is below the top, so that what is held by it
is held indeed."""
FALLS = 1e-9
"""Of the range of a potential, by which it must fall for the climb to be over: less is rounding."""


@dataclass(frozen=True)
class Unfolded:
    """A flow between walls at x = ``low`` and ``high`` on the line without them; points (2, n) are (x, v).

    >>> from types import SimpleNamespace
    >>> free = SimpleNamespace(gradient=lambda x: np.stack([-x[1], x[0]]))
    >>> Unfolded(free, -1.0, 1.0).gradient(np.array([[0.5, 1.5], [2.0, 2.0]])).tolist()
    [[-2.0, -2.0], [0.5, -0.5]]
    """

    function: Function
    low: float
    high: float

    def folded(self, x: Floats) -> tuple[Floats, Floats]:
        """The points between the walls (2, n), and -1 for those that were in an image, 1 for the others, (n,)."""
        width = self.high - self.low
        along = np.mod(x[0] - self.low, 2.0 * width)
        sign = np.where(along > width, -1.0, 1.0)
        return np.stack([self.low + np.minimum(along, 2.0 * width - along), sign * x[1]]), sign

    def value(self, x: Floats) -> Floats:
        """Values of the function, (n,)."""
        return self.function.value(self.folded(x)[0])

    def gradient(self, x: Floats) -> Floats:
        """Minus the flow, (2, n)."""
        inside, sign = self.folded(x)
        return np.asarray(sign * self.function.gradient(inside))

    def hessian(self, x: Floats) -> Floats:
        """Minus its Jacobian, (2, 2, n), the same in the image."""
        return self.function.hessian(self.folded(x)[0])

    def rounding(self, x: Floats) -> Floats:
        """What the function knows of its own rounding, (n,)."""
        known = getattr(self.function, "rounding", None)
        return np.zeros(x.shape[1]) if known is None else np.asarray(known(self.folded(x)[0]))


@dataclass(frozen=True)
class EnergyWell:
    """Where a particle has less energy than it takes to leave a well: friction alone brings it to rest in there.

    ``left`` and ``right`` are the tops beside the well or walls, ``level`` the energy of the lower top.
    """

    energy: Unfolded
    left: float
    right: float
    level: float
    units: tuple[float, float] = (1.0, 1.0)

    def contains(self, x: Floats, frame: Frame) -> Booleans:
        """Which of the points (2, n) are held, (n,)."""
        inside, _ = self.energy.folded(x * np.array(self.units)[:, None])
        held: Booleans = (inside[0] >= self.left) & (inside[0] <= self.right)
        return held & (self.energy.function.value(inside) < self.level)

    def in_units(self, units: Floats) -> EnergyWell:
        """The same of points z, x = S z."""
        return replace(self, units=tuple(units.tolist()))


def energy_well(energy: Unfolded, place: float) -> EnergyWell:
    """That of the well with a minimum at the position ``place``: V is climbed on both sides until it falls."""
    sides = []
    for end in (energy.low, energy.high):
        x = np.linspace(place, end, SAMPLES)
        V = np.asarray(energy.function.value(np.stack([x, np.zeros(SAMPLES)])))
        top = np.maximum.accumulate(V)
        falls = V < top - FALLS * np.ptp(V)
        over = bool(falls.any())
        number = int(np.argmax(V[: int(np.argmax(falls))])) if over else SAMPLES - 1
        sides.append((float(x[number]), float(V[number]) if over else np.inf))
    (left, low), (right, high) = sides
    return EnergyWell(energy, left, right, min(low, high))


def unfolded_frame(frame: Frame) -> Frame:
    """That of the line without walls in x."""
    (low, slowest), (high, fastest) = frame.lower, frame.upper
    return replace(
        frame, lower=(low, slowest), upper=(2.0 * high - low, fastest), periods=(2.0 * (high - low), None), hold=None
    )


def images_of(saddles: Sequence[Saddle], high: float) -> tuple[Saddle, ...]:
    """The saddles of the image behind the wall at ``high``, but for those on the wall."""
    return tuple(
        replace(saddle, position=(2.0 * high - saddle.position[0], -saddle.position[1]))
        for saddle in saddles
        if saddle.position[0] < high
    )
