"""The coefficients of a process next to an end of its line: powers of the distance, and how they are read off."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np
import numpy.typing as npt

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.process import Process
from fokker_planck.quantity.light_dataclasses import dataclass

LineFunction = Callable[[Floats], Floats]

LEVELS = 9
"""Distances L/64, L/128, ... from which limits at the end are extrapolated: the last is far from rounding, L/16384."""
ROOTS = (1.0, 0.5, 1.0 / 3.0, 0.25)
"""Powers of the distance in which coefficients are expanded: whole ones, and those of roots of x."""
SETTLED = 1e-9
"""Agreement of two extrapolations that is taken for convergence; analytic coefficients reach 1e-12."""
TINY = 1e-40
"""Distance to an end at zero, over the length, at which limits are read off: even a fourth root is 1e-10 there."""
SAME = 1e-6
"""Exponents closer than that to the border between two kinds of ends are on it."""
WHOLE = 2.0**52
"""Doubles from which on there are no halves; twice the largest is none."""
ROUNDED = 1e-10
"""Shortest stretch over the coordinate of an end: there D, with an error of rounding, is known to 1e-6."""


def noise_at(process: Process, x: Floats) -> Floats:
    """D at points (n,) of a line."""
    with np.errstate(all="ignore"):
        return np.asarray(process.field(1).tensor(x[None])[0, 0], dtype=np.float64)


def drift_at(process: Process, x: Floats) -> Floats:
    """The noiseless drift at points (n,) of a line."""
    with np.errstate(all="ignore"):
        return np.asarray(process.noiseless_drift(x[None])[0], dtype=np.float64)


@dataclass(frozen=True)
class Beside:
    """The process next to the end ``place`` of a line of some ``length``, at distances t on its ``inward`` side."""

    process: Process
    place: float
    inward: float
    length: float

    def distances(self, shares: npt.NDArray[np.floating]) -> Floats:
        """Of the length, as coordinates are doubles: t is the distance of the point at which D is evaluated."""
        return np.asarray(self.inward * ((self.place + self.inward * (shares * self.length)) - self.place))

    def at(self, t: Floats) -> Floats:
        """The points at these distances."""
        return self.place + self.inward * t

    def noise(self, t: float) -> float:
        """D at one distance."""
        return float(noise_at(self.process, np.array([self.place + self.inward * t]))[0])

    def noise_power(self, t: Floats) -> Floats:
        """q with D ~ t^q, from t to 2 t."""
        values = noise_at(self.process, self.at(np.concatenate([t, 2.0 * t])))
        return np.asarray(np.log2(values[len(t) :] / values[: len(t)]))

    def pull(self, t: Floats) -> Floats:
        """t a / D, the drift counted inwards."""
        x = self.at(t)
        return np.asarray(self.inward * drift_at(self.process, x) * t / noise_at(self.process, x))

    @property
    def far(self) -> Floats:
        """The distances from which limits are extrapolated."""
        return self.distances(2.0 ** -(6.0 + np.arange(LEVELS)))

    @property
    def near(self) -> Floats:
        """The least distance at which coefficients say something, (1,)."""
        least = TINY if self.place == 0.0 else max(1e-8 * abs(self.place) / self.length, 1e-12)
        near = self.distances(np.array([least]))
        return near if near[0] > 0.0 else self.far[-1:]


def limit(function: LineFunction, far: Floats, near: Floats) -> tuple[float, float]:
    """The limit at distance zero and how far it can be off: extrapolated from afar, or read off nearby."""
    values = function(far)
    best, error = float(function(near)[0]), inf
    for root in ROOTS:
        table = values.copy()
        ends = [table[-1]]
        for order in range(1, len(far)):
            ratio = (far[:-order] / far[order:]) ** root
            table = table[1:] + (table[1:] - table[:-1]) / (ratio - 1.0)
            ends.append(table[-1])
        # of successive extrapolations those that agree best: later ones amplify rounding
        gaps = np.abs(np.diff(ends))
        if np.isfinite(gaps).any():
            order = int(np.nanargmin(gaps))
            if gaps[order] < error:
                best_here, error_here = float(ends[order + 1]), float(gaps[order])
                if error_here < error:
                    extrapolated, error = best_here, error_here
    if error <= SETTLED and near[0] > 2.0**7 * TINY * far[0]:
        return extrapolated, error
    # not analytic: what is there at the smallest distance, off by about what an eighth of the way on still changes
    pair = function(np.concatenate([near, 8.0 * near]))
    change = float(abs(pair[1] - pair[0]))
    return (best, 4.0 * change) if change < error or not np.isfinite(error) else (extrapolated, error)


def rounded(value: float, error: float) -> float:
    """The number itself, or the whole or half one that it stands for."""
    if not abs(value) < WHOLE:
        return value
    simple = round(2.0 * value) / 2.0
    return simple if abs(value - simple) <= max(1e-9, 2.0 * error) else value
