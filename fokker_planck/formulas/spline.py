"""A smooth function through values on a regular grid: tensor-product cubic splines, periodic axes included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from fokker_planck.arrays import Booleans, Floats

PER_AXIS = {1: 4097, 2: 129, 3: 45}
ORDER = 3
SMOOTHINGS = 40


@dataclass(frozen=True)
class GridFunction:
    """The cubic spline through ``values`` on a grid that fills a box, its far faces included.

    lower, upper : corners of the box, (dim,)
    values : as many axes as the box
    periodic : for every axis whether the function is periodic; then the values on its two faces are the same

    Outside of the box it is continued by its value on the nearest face, or periodically.

    >>> axis = np.linspace(0.0, 1.0, 9)
    >>> cube = GridFunction((0.0,), (1.0,), axis**3, (False,))
    >>> round(float(cube.value(np.array([[0.3]]))[0]), 12)
    0.027
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    values: Floats
    periodic: tuple[bool, ...]

    @property
    def axes(self) -> list[Floats]:
        """Coordinates of the grid planes."""
        return [np.linspace(a, b, n) for a, b, n in zip(self.lower, self.upper, self.values.shape, strict=True)]

    @property
    def points(self) -> Floats:
        """The grid points, (dim, n), in the order of ``values.ravel()``."""
        return np.array([part.ravel() for part in np.meshgrid(*self.axes, indexing="ij")])

    @cached_property
    def _splines(self) -> tuple[list[Floats], Floats]:
        """Knots of every axis and the coefficients of the products of B-splines."""
        from scipy.interpolate import make_interp_spline

        knots, coefficients = [], self.values
        for axis, (places, wraps) in enumerate(zip(self.axes, self.periodic, strict=True)):
            moved = np.moveaxis(coefficients, axis, 0)
            if wraps:
                step = places[1] - places[0]
                before, after = places[0] - step * np.arange(ORDER, 0, -1), places[-1] + step * np.arange(1, ORDER + 1)
                knots.append(np.concatenate([before, places, after]))
                coefficients = np.moveaxis(_cyclic_coefficients(moved[:-1]), 0, axis)
                continue
            spline = make_interp_spline(places, moved, k=ORDER)
            knots.append(np.asarray(spline.t))
            coefficients = np.moveaxis(np.asarray(spline.c), 0, axis)
        return knots, coefficients

    def value(self, x: Floats) -> Floats:
        """Values at points (dim, n), (n,)."""
        points = np.asarray(x, dtype=float)
        knots, coefficients = self._splines
        bounds = zip(points, self.lower, self.upper, self.periodic, strict=True)
        inside = [
            low + np.mod(c - low, high - low) if wraps else np.clip(c, low, high) for c, low, high, wraps in bounds
        ]
        parts = [_b_splines(t, c) for t, c in zip(knots, inside, strict=True)]
        result = np.zeros(points.shape[1])
        for shifts in product(range(ORDER + 1), repeat=len(parts)):
            weight = np.ones(points.shape[1])
            for (_, basis), shift in zip(parts, shifts, strict=True):
                weight = weight * basis[shift]
            place = tuple(first + shift for (first, _), shift in zip(parts, shifts, strict=True))
            result += weight * coefficients[place]
        return result


def _cyclic_coefficients(values: Floats) -> Floats:
    """c with (c_{i-1} + 4 c_i + c_{i+1}) / 6 = f_i around the first axis of f (n, ...), with those beyond both ends.

    The system is circulant, so a Fourier transform solves it for all columns at once; scipy's spline solves it column
    by column in Python, two seconds for a grid in space.
    """
    count = len(values)
    symbol = (2.0 + np.cos(2.0 * np.pi * np.fft.rfftfreq(count))) / 3.0
    waves = np.fft.rfft(values, axis=0) / symbol.reshape(-1, *[1] * (values.ndim - 1))
    around = np.fft.irfft(waves, n=count, axis=0)
    return np.asarray(around[np.arange(-1, count + 2) % count])


def zero_on(lower: Sequence[float], upper: Sequence[float], periodic: Sequence[bool]) -> GridFunction:
    """The function that is zero, on the usual grid of a box."""
    dimension = len(lower)
    return GridFunction(tuple(lower), tuple(upper), np.zeros((PER_AXIS[dimension],) * dimension), tuple(periodic))


def extended(values: Floats, known: Booleans) -> Floats:
    """Values on a grid where they are ``known``, continued from there: that of the nearest known point, smoothed."""
    from scipy.ndimage import distance_transform_edt, uniform_filter

    if known.all() or not known.any():
        return np.where(known, values, 0.0)
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    result = values[tuple(nearest)]
    for _ in range(SMOOTHINGS):
        result = np.where(known, result, uniform_filter(result, 5))
    return np.asarray(result)


def _b_splines(knots: Floats, x: Floats) -> tuple[npt.NDArray[np.int64], list[Floats]]:
    """Number of the first B-spline that does not vanish at each x, and the values of it and its followers.

    Source: de Boor, A Practical Guide to Splines (1978), chapter X, (8).
    """
    interval = np.clip(np.searchsorted(knots, x, side="right") - 1, ORDER, len(knots) - ORDER - 2)
    basis = [np.ones(len(x))]
    for degree in range(1, ORDER + 1):
        saved, fresh = np.zeros(len(x)), []
        for j in range(degree):
            right, left = knots[interval + j + 1] - x, x - knots[interval + j + 1 - degree]
            share = basis[j] / (right + left)
            fresh.append(saved + right * share)
            saved = left * share
        basis = [*fresh, saved]
    return interval - ORDER, basis
