"""Derivatives of callables by central differences of sixth order, with a step chosen at every point.

Four step sizes are tried. From the same samples follow the differences of order 2, 4 and 6; the error of the last is
estimated by extrapolating from one order to the next, plus the rounding of the values, and the best step is taken point
by point. For functions that vary on the scale of one: 1e-12 for first derivatives, 1e-9 for second ones, relative to
the size of the function; a step whose samples are not finite counts as the worst.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ArrayFunction = Callable[[FloatArray], FloatArray]

# multiples of max(1, |x_i|)
FIRST_STEPS = (2.0e-2, 5.0e-3, 1.0e-3, 1.0e-4)
SECOND_STEPS = (6.0e-2, 2.0e-2, 5.0e-3, 1.0e-3)

# weights of f(x + k h) -+ f(x - k h), k = 1, 2, 3, for the orders 2, 4, 6
_FIRST = np.array([[1 / 2, 0, 0], [2 / 3, -1 / 12, 0], [3 / 4, -3 / 20, 1 / 60]])
_SECOND = np.array([[1, 0, 0], [4 / 3, -1 / 12, 0], [3 / 2, -3 / 20, 1 / 90]])


def first_derivative(function: ArrayFunction, x: FloatArray, direction: FloatArray) -> FloatArray:
    """d/dt f(x + t direction) at t = 0.

    function : values of shape (..., n) at points of shape (dim, n)
    x : (dim, n); direction : (dim,)

    >>> round(float(first_derivative(lambda x: np.sin(x[0]), np.array([[0.5]]), np.array([1.0]))[0]), 11)
    0.87758256189
    """
    candidates, errors = [], []
    for relative in FIRST_STEPS:
        step = relative * _scale(x, direction)
        right, left = _samples(function, x, direction, step)
        candidate, error = _assessed(_FIRST, right - left, step)
        candidates.append(candidate)
        errors.append(error + _rounding(right, left) / step)
    return _best(candidates, errors)


def second_derivative(function: ArrayFunction, x: FloatArray, direction: FloatArray) -> FloatArray:
    """d^2/dt^2 f(x + t direction) at t = 0, for the same arguments as ``first_derivative``."""
    candidates, errors = [], []
    centre = function(x)
    for relative in SECOND_STEPS:
        step = relative * _scale(x, direction)
        right, left = _samples(function, x, direction, step)
        candidate, error = _assessed(_SECOND, right - 2.0 * centre + left, step**2)
        candidates.append(candidate)
        errors.append(error + 4.0 * _rounding(right, left) / step**2)
    return _best(candidates, errors)


def gradient(function: ArrayFunction, x: FloatArray) -> FloatArray:
    """All first derivatives, of shape (dim, ..., n)."""
    return np.stack([first_derivative(function, x, axis) for axis in np.eye(x.shape[0])])


def hessian(function: ArrayFunction, x: FloatArray) -> FloatArray:
    """All second derivatives of a function with values of shape (n,), of shape (dim, dim, n)."""
    dimension = x.shape[0]
    result = np.empty((dimension, dimension, x.shape[1]))
    unit = np.eye(dimension)
    for i in range(dimension):
        result[i, i] = second_derivative(function, x, unit[i])
        for j in range(i):
            # polarisation: f_ij = (f_(i+j)(i+j) - f_(i-j)(i-j)) / 4
            along = second_derivative(function, x, unit[i] + unit[j])
            across = second_derivative(function, x, unit[i] - unit[j])
            result[i, j] = result[j, i] = (along - across) / 4.0
    return result


def _scale(x: FloatArray, direction: FloatArray) -> FloatArray:
    used = x[np.flatnonzero(direction)]
    scale: FloatArray = np.maximum(1.0, np.max(np.abs(used), axis=0))
    return scale


def _samples(
    function: ArrayFunction, x: FloatArray, direction: FloatArray, step: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """f(x + k step direction) and f(x - k step direction), k = 1, 2, 3, each of shape (3, ..., n)."""
    n = x.shape[1]
    shifts = [k * direction[:, None] * step for k in (1, 2, 3, -1, -2, -3)]
    values = function(np.concatenate([x + shift for shift in shifts], axis=1))
    parts = np.stack([values[..., k * n : (k + 1) * n] for k in range(6)])
    return parts[:3], parts[3:]


def _assessed(weights: FloatArray, differences: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The difference of order 6, and the size of its truncation error by extrapolation over the orders."""
    second, fourth, sixth = np.tensordot(weights, differences, axes=1) / scale
    coarse, fine = np.abs(fourth - second), np.abs(sixth - fourth)
    with np.errstate(all="ignore"):
        shrinking = np.where(coarse > 0.0, np.minimum(1.0, fine / coarse), 1.0)
    return sixth, fine * shrinking


def _rounding(right: FloatArray, left: FloatArray) -> FloatArray:
    size: FloatArray = np.max(np.abs(np.concatenate([right, left])), axis=0)
    return 2.0**-52 * size


def _best(candidates: list[FloatArray], errors: list[FloatArray]) -> FloatArray:
    stacked = np.nan_to_num(np.stack(errors), nan=np.inf, posinf=np.inf)
    chosen = np.argmin(stacked, axis=0)
    result: FloatArray = np.take_along_axis(np.stack(candidates), chosen[None], axis=0)[0]
    return result
