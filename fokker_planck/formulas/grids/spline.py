"""A smooth function through values on a regular grid: tensor-product cubic splines, periodic axes included."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

PER_AXIS = {1: 4097, 2: 129, 3: 45}
"""Grid points of an exponent that is followed, of tens of units over the domain; 65, 129 and 257 in the plane gave the
same nine digits of an exit time without detailed balance (noise 0.005), in 6.3, 7.4 and 6.5 s of CPU."""
ORDER = 3
"""Cubic: slopes of psi, which the forms need, are continuous; values are right to h^4."""
SMOOTHINGS = 40
"""Rounds of averaging over five neighbours, a variance of two steps each: continued values are smooth over some nine
steps. Twelve rounds over nine neighbours take a third of the time, but are rougher: an exit of a process whose noise
vanishes in some direction took 87 s of CPU instead of 8."""
BLOCK = 1024
"""Points at a time, so that their coefficients stay in the cache: 95 ns a point in the plane and 125 for both slopes,
with 32768 twice as much; scipy's general splines take 230 and 470."""

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
    def _coefficients(self) -> Floats:
        """Those of the products of B-splines at the grid points and at one more beyond either end of every axis."""
        coefficients = np.asarray(self.values, dtype=np.float64)
        for axis, wraps in enumerate(self.periodic):
            moved = np.moveaxis(coefficients, axis, 0)
            found = _cyclic_coefficients(moved[:-1]) if wraps else _open_coefficients(moved)
            coefficients = np.moveaxis(found, 0, axis)
        return np.ascontiguousarray(coefficients)

    def value(self, x: Floats) -> Floats:
        """Values at points (dim, n), (n,)."""
        return np.asarray(self._evaluated(x, np.zeros((1, len(self.lower)), dtype=int))[0])

    def rough_value(self, x: Floats) -> Floats:
        """The same linear between the points of the grid, in a fifth of the time, (n,)."""
        from scipy.ndimage import map_coordinates

        cells, ways = self._located(np.asarray(x, dtype=np.float64))
        return np.asarray(map_coordinates(self.values, cells + ways, order=1, mode="nearest"))

    def finer_value(self, x: Floats) -> Floats:
        """The same with what cubics leave of a smooth function: (d^4 f / dx_k^4) h_k^4 t^2 (1 - t)^2 / 24, (n,).

        Of the fourth differences around a point none counts for more than twice the least, and none where their signs
        differ: there the function is not smooth on this grid.
        """
        result, (cells, ways) = self.value(x), self._located(np.asarray(x, dtype=np.float64))
        corners = np.indices((2,) * len(self.lower)).reshape(len(self.lower), -1, 1)
        shares = np.prod(np.where(corners, ways[:, None], 1.0 - ways[:, None]), axis=0)
        for differences, way in zip(self._fourth_differences, ways, strict=True):
            around = differences[tuple(cells[:, None] + corners)]
            low, high = around.min(axis=0), around.max(axis=0)
            mean = np.clip((shares * around).sum(axis=0), np.minimum(2.0 * high, 0.0), np.maximum(2.0 * low, 0.0))
            result += mean * (way * (1.0 - way)) ** 2 / 24.0
        return result

    @cached_property
    def _fourth_differences(self) -> list[Floats]:
        """Along every axis, of the shape of the values; next to faces those of the nearest point that has them."""
        result = []
        for axis, wraps in enumerate(self.periodic):
            values = np.moveaxis(self.values, axis, 0)
            if wraps:
                values = np.concatenate([values[-3:-1], values, values[1:3]])
            found = np.diff(values, 4, axis=0)
            if not wraps:
                found = np.concatenate([found[:1], found[:1], found, found[-1:], found[-1:]])
            result.append(np.moveaxis(found, 0, axis))
        return result

    def gradient(self, x: Floats) -> Floats:
        """Its gradient at points (dim, n), (dim, n); outside of the box that at the nearest face."""
        return self._evaluated(x, np.eye(len(self.lower), dtype=int))

    def _evaluated(self, x: Floats, orders: Integers) -> Floats:
        """Partial derivatives of these ``orders`` (k, dim), none of them above one, at points (dim, n), (k, n)."""
        x, shape = np.asarray(x, dtype=np.float64), self._coefficients.shape
        strides = np.cumprod((1, *shape[:0:-1]))[::-1]
        near = np.tensordot(strides, np.indices((ORDER + 1,) * len(shape)), 1)[..., None]
        per_unit = np.subtract(self.values.shape, 1) / np.subtract(self.upper, self.lower)
        result = np.empty((len(orders), x.shape[1]))
        for first in range(0, x.shape[1], BLOCK):
            some = slice(first, first + BLOCK)
            cells, ways = self._located(x[:, some])
            here = self._coefficients.take(near + strides @ cells)
            for number, order in enumerate(orders):
                part = here
                for way, once in zip(ways[::-1], order[::-1], strict=True):
                    part = np.einsum("...bn,bn->...n", part, _slopes(way) if once else _splines(way))
                result[number, some] = part * np.prod(per_unit**order)
        return result

    def _located(self, x: Floats) -> tuple[Integers, Floats]:
        """The cell of the grid that holds each point (dim, n), by axis, and the way through it; (dim, n) both."""
        along, cells = np.empty(x.shape), np.empty(x.shape, dtype=np.int64)
        for axis, (low, high, wraps) in enumerate(zip(self.lower, self.upper, self.periodic, strict=True)):
            most, away = self.values.shape[axis] - 1, x[axis] - low
            inside = np.mod(away, high - low) if wraps else np.minimum(np.maximum(away, 0.0), high - low)
            along[axis] = inside * (most / (high - low))
            with np.errstate(invalid="ignore"):
                # no number at a place that is none
                cells[axis] = np.maximum(np.minimum(along[axis].astype(np.int64), most - 1), 0)
        return cells, along - cells


def _splines(t: Floats) -> Floats:
    """The four cubic B-splines that are not zero a way t (n,) through an interval, (4, n)."""
    rest, square = 1.0 - t, t * t
    first, last = rest * rest * rest / 6.0, square * t / 6.0
    second = 2.0 / 3.0 - square * (1.0 - 0.5 * t)
    return np.array([first, second, 1.0 - first - second - last, last])


def _slopes(t: Floats) -> Floats:
    """Their derivatives."""
    rest = 1.0 - t
    first, last = -0.5 * rest * rest, 0.5 * t * t
    second = t * (1.5 * t - 2.0)
    return np.array([first, second, -first - second - last, last])


def _open_coefficients(values: Floats) -> Floats:
    """c with (c_{i-1} + 4 c_i + c_{i+1}) / 6 = f_i along the first axis of f (n, ...), and no knots next to the ends.

    There the third derivative does not jump: the fourth differences of c that reach to both ends are zero.
    """
    from scipy.linalg import solve_banded

    count, width = len(values), 4
    bands = np.zeros((2 * width + 1, count + 2))
    bands[width - 1, 2:], bands[width, 1:-1], bands[width + 1, :-2] = 1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0
    for order, entry in enumerate((1.0, -4.0, 6.0, -4.0, 1.0)):
        bands[width - order, order] = bands[width + order, count + 1 - order] = entry
    right = np.zeros((count + 2, *values.shape[1:]))
    right[1:-1] = values
    return np.asarray(solve_banded((width, width), bands, right.reshape(count + 2, -1))).reshape(right.shape)


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
