"""A smooth function through values on a regular grid: tensor-product cubic splines, periodic axes included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers

PER_AXIS = {1: 4097, 2: 129, 3: 45}
"""Grid points of an exponent that is followed, of tens of units over the domain; 65, 129 and 257 in the plane gave the
same nine digits of an exit time without detailed balance (noise 0.005), in 6.3, 7.4 and 6.5 s of CPU."""
ORDER = 3
"""Cubic: slopes of psi, which the forms need, are continuous; values are right to h^4."""
SMOOTHINGS = 40
"""Rounds of averaging over five neighbours, a variance of two steps each: continued values are smooth over some nine
steps."""

REACH = 8
"""Steps of the grid beyond a wall over which a function goes on with its slope: a kink of a cubic spline shows in its
slopes a quarter as much with every step, 1e-5 after eight."""


@dataclass(frozen=True)
class GridFunction:
    """The cubic spline through ``values`` on a grid that fills a box, its far faces included.

    Parameters
    ----------
    lower, upper
        corners of the box, (dim,)
    values
        as many axes as the box
    periodic
        for every axis whether the function is periodic; then the values on its two faces are the same

    Notes
    -----
    Outside of the box it is continued by its value on the nearest face, or periodically.

    Examples
    --------
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

    @property
    def edges(self) -> Integers:
        """Pairs of neighbouring grid points, (m, 2)."""
        numbers = np.arange(self.values.size).reshape(self.values.shape)
        planes = [np.moveaxis(numbers, axis, 0) for axis in range(numbers.ndim)]
        return np.concatenate([np.stack([plane[:-1].ravel(), plane[1:].ravel()], axis=1) for plane in planes])

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
        return self._evaluated(x, [0] * len(self.lower))

    def gradient(self, x: Floats) -> Floats:
        """Its gradient at points (dim, n), (dim, n); outside of the box that at the nearest face."""
        return np.array([self._evaluated(x, orders) for orders in np.eye(len(self.lower), dtype=int).tolist()])

    def _evaluated(self, x: Floats, orders: list[int]) -> Floats:
        from scipy.interpolate import NdBSpline

        knots, coefficients = self._splines
        bounds = zip(np.asarray(x, dtype=float), self.lower, self.upper, self.periodic, strict=True)
        inside = [
            low + np.mod(c - low, high - low) if wraps else np.clip(c, low, high) for c, low, high, wraps in bounds
        ]
        return np.asarray(NdBSpline(tuple(knots), coefficients, ORDER)(np.stack(inside, axis=1), nu=orders))


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


def reflected(values: Floats, inside: Booleans) -> Floats:
    """Values on a grid, those that are not ``inside`` by f(x) = 2 f(p) - f(2 p - x), p the nearest point inside.

    So a function has no kink at a wall that is oblique to the grid: one of slopes of 300 a unit of length would be off
    by units beside it.  Further out than ``REACH``, or where 2 p - x is not inside, it goes on as it ends there.

    >>> line = np.arange(9.0)
    >>> reflected(np.where(line < 5, line, 0.0), line < 5).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """
    from scipy.ndimage import distance_transform_edt

    if inside.all() or not inside.any():
        return values
    outside = np.argwhere(~inside)
    nearest = distance_transform_edt(~inside, return_distances=False, return_indices=True)[:, ~inside].T
    beyond = outside - nearest
    far = np.linalg.norm(beyond, axis=1, keepdims=True)
    mirrored = nearest - np.rint(beyond * np.minimum(1.0, REACH / far)).astype(np.int64)
    mirrored = np.clip(mirrored, 0, np.array(values.shape) - 1)
    at_wall, within = values[tuple(nearest.T)], tuple(mirrored.T)
    result = values.copy()
    result[~inside] = np.where(inside[within], 2.0 * at_wall - values[within], at_wall)
    return result
