"""Splines through values on a regular grid of one to three axes, smooth enough for finite elements of high degree."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

DEGREE = 5
"""Four continuous derivatives: elements of degree 6 gain nothing from more, and with cubic splines they would see the
jumps of the third derivative at every plane of the grid."""
BEYOND = 1e-9
"""Of an axis: how far outside of the grid a point still counts as on its face."""


@dataclass(frozen=True, eq=False, repr=False)
class GridSpline:
    """The spline through ``values`` (n_1, ..., n_d, ...) at equal steps from ``lower`` to ``upper``, both included.

    On a periodic axis the values on the two faces are the same.  Trailing axes are components.

    >>> axis = np.linspace(0.0, 1.0, 9)
    >>> bowl = GridSpline((0.0,), (1.0,), axis**4, (False,))
    >>> x = np.array([[0.3]])
    >>> [round(float(f(x).ravel()[0]), 9) for f in (bowl.value, bowl.gradient, bowl.hessian)]
    [0.0081, 0.108, 1.08]
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    values: Floats
    periodic: tuple[bool, ...]

    def __repr__(self) -> str:
        sizes = " x ".join(str(count) for count in self.values.shape[: self.dimension])
        return f"<GridSpline: {sizes} values from {self.lower} to {self.upper}>"

    @property
    def dimension(self) -> int:
        """Number of axes."""
        return len(self.lower)

    @cached_property
    def _spline(self) -> tuple[tuple[Floats, ...], Floats, tuple[int, ...]]:
        """Knots, coefficients and degrees."""
        from scipy.interpolate import make_interp_spline

        knots, degrees, coefficients = [], [], np.asarray(self.values, dtype=float)
        for axis, (low, high, wraps) in enumerate(zip(self.lower, self.upper, self.periodic, strict=True)):
            count = coefficients.shape[axis]
            degree = min(DEGREE, count - 1 if wraps or count % 2 == 0 else count - 2)
            moved = np.moveaxis(coefficients, axis, 0)
            kind = "periodic" if wraps else None
            spline = make_interp_spline(np.linspace(low, high, count), moved, k=degree, bc_type=kind)
            knots.append(np.asarray(spline.t))
            degrees.append(degree)
            coefficients = np.moveaxis(np.asarray(spline.c), 0, axis)
        return tuple(knots), np.ascontiguousarray(coefficients), tuple(degrees)

    def value(self, x: Floats) -> Floats:
        """Values at points (dim, n), (n, ...); nan outside of the grid."""
        points = np.asarray(x, dtype=float)
        found = self._evaluated(points, [0] * self.dimension)
        for c, low, high, wraps in zip(points, self.lower, self.upper, self.periodic, strict=True):
            if not wraps:
                room = BEYOND * (high - low)
                found[(c < low - room) | (c > high + room)] = np.nan
        return found

    def gradient(self, x: Floats) -> Floats:
        """Slopes at points (dim, n), (dim, n, ...); outside of the grid as at the nearest face."""
        return np.array([self._evaluated(x, row) for row in np.eye(self.dimension, dtype=int).tolist()])

    def hessian(self, x: Floats) -> Floats:
        """Second derivatives at points (dim, n), (dim, dim, n, ...)."""
        rows = np.eye(self.dimension, dtype=int)
        first = self._evaluated(x, (rows[0] + rows[0]).tolist())
        result = np.empty((self.dimension, self.dimension, *first.shape))
        for i in range(self.dimension):
            for j in range(i + 1):
                result[i, j] = result[j, i] = self._evaluated(x, (rows[i] + rows[j]).tolist())
        return result

    def _evaluated(self, x: Floats, orders: list[int]) -> Floats:
        from scipy.interpolate import NdBSpline

        knots, coefficients, degrees = self._spline
        bounds = zip(np.asarray(x, dtype=float), self.lower, self.upper, self.periodic, strict=True)
        inside = [
            low + np.mod(c - low, high - low) if wraps else np.clip(c, low, high) for c, low, high, wraps in bounds
        ]
        return np.array(NdBSpline(knots, coefficients, degrees)(np.stack(inside, axis=1), nu=orders))


def smoothed(values: Floats, steps: Floats, periodic: tuple[bool, ...], length: float) -> Floats:
    """Values averaged with a Gaussian of that standard deviation; both faces of a periodic axis stay equal."""
    from scipy.ndimage import gaussian_filter1d

    result = np.asarray(values, dtype=float)
    for axis, (step, wraps) in enumerate(zip(steps, periodic, strict=True)):
        sigma = length / float(step)
        if not wraps:
            result = gaussian_filter1d(result, sigma, axis=axis, mode="nearest")
            continue
        once = gaussian_filter1d(np.delete(result, -1, axis=axis), sigma, axis=axis, mode="wrap")
        result = np.concatenate([once, np.take(once, [0], axis=axis)], axis=axis)
    return result
