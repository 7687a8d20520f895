"""Walkers in pairs by Euler and Maruyama's method, all by hand: nothing of the package, no mesh, no formula of its own.

A pair sees the same noise, one walker in steps h, the other in steps h/2: twice the second mean minus the first is the
limit of step zero up to terms of second order. Whether the target was touched within a step is drawn from the chance
of a Brownian bridge, exp(-2 d d'/(g**2 t)), d and d' the distances before and after (Gobet 2000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Walk:
    """dX = a(X) dt + g(X) dW with a number g at every point.

    drift, spread : a, (dim, n), and g = sqrt(2 D), (n,) or a number, at points (dim, n)
    at_end : whether g is taken where the step ends, which is Klimontovich's reading, or where it begins, Ito's
    """

    start: tuple[float, ...]
    drift: Callable[[FloatArray], FloatArray]
    spread: Callable[[FloatArray], FloatArray | float]
    at_end: bool = False

    def coefficients(self, x: FloatArray, noise: FloatArray) -> tuple[FloatArray, FloatArray | float]:
        """a and g for one step with that increment of W."""
        g = self.spread(x)
        return self.drift(x), self.spread(x + g * noise) if self.at_end else g


def exit_times(
    walk: Walk, distance: Callable[[FloatArray], FloatArray], step: float, pairs: int, seed: int
) -> FloatArray:
    """When walkers first touch what is at no distance: with steps h, and with h/2, (2, pairs).

    >>> free = Walk((0.0,), lambda x: 0.5 + 0.0 * x, lambda x: 1.0)     # to 1 at the speed 1/2
    >>> times = exit_times(free, lambda x: 1.0 - x[0], 0.1, 4000, 1)
    >>> bool(abs(times.mean() - 2.0) < 4 * sqrt(8.0 / 4000))            # variance 1/v**3
    True
    """
    generator, part = np.random.default_rng(seed), step / 2.0
    arrived = np.full((2, pairs), np.inf)
    walking, moment = np.arange(pairs), 0
    x = np.repeat(np.asarray(walk.start)[None, :, None], 2, axis=0).repeat(pairs, axis=2)
    while len(walking):
        noise = generator.standard_normal((2, *x.shape[1:])) * sqrt(part)
        luck = generator.standard_exponential((2, len(walking)))
        whole = walk.coefficients(x[0], noise[0] + noise[1])
        for half in (0, 1):
            moment += 1
            for one, (a, g) in enumerate((whole, walk.coefficients(x[1], noise[half]))):
                new = x[one] + a * part + g * noise[half]
                before, after = distance(x[one]), distance(new)
                touched = (after <= 0.0) | (2.0 * before * after < luck[half] * g * g * part)
                first = walking[touched]
                arrived[one, first] = np.minimum(arrived[one, first], (moment - 0.5) * part)
                x[one] = new
        if moment % 64 == 0:
            on = np.isinf(arrived[:, walking]).any(axis=0)
            walking, x = walking[on], x[:, :, on]
    return arrived


def shares(walk: Walk, border: float, step: float, times: tuple[float, float], pairs: int, seed: int) -> FloatArray:
    """Which share of the second of the times, after the first, walkers on a line were right of the border, (2, pairs).

    >>> swing = Walk((0.0,), lambda x: -x, lambda x: sqrt(2.0))         # normal with variance one
    >>> bool(abs(shares(swing, 1.0, 0.1, (5.0, 50.0), 200, 1).mean() - 0.1587) < 0.01)
    True
    """
    generator, part = np.random.default_rng(seed), step / 2.0
    x = np.repeat(np.asarray(walk.start)[None, :, None], 2, axis=0).repeat(pairs, axis=2)
    waiting, counted = (round(time / step) for time in times)
    counts = np.zeros((2, pairs))
    for number in range(waiting + counted):
        noise = generator.standard_normal((2, *x.shape[1:])) * sqrt(part)
        a, g = walk.coefficients(x[0], noise[0] + noise[1])
        x[0] += a * step + g * (noise[0] + noise[1])
        for half in (0, 1):
            a, g = walk.coefficients(x[1], noise[half])
            x[1] += a * part + g * noise[half]
        if number >= waiting:
            counts += x[:, 0] > border
    return counts / counted
