"""Derivatives of callables by central differences of sixth order, with a step chosen at every point.

Four step sizes are tried. From the same samples follow the differences of order 2, 4 and 6; the error of the last is
estimated by extrapolating from one order to the next, plus the rounding of the values, and the best step is taken point
by point. For functions that vary on the scale of one: 1e-12 for first derivatives, 1e-9 for second ones, relative to
the size of the function; a step whose samples are not finite counts as the worst.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fokker_planck.formulas.arrays import Floats, Integers

ArrayFunction = Callable[[Floats], Floats]
# a derivative, the estimate of its truncation error, and that of rounding
Trial = tuple[Floats, Floats, Floats]

# multiples of the size of the coordinates, of one where that is more and not all points are as small
FIRST_STEPS = (2.0e-2, 5.0e-3, 1.0e-3, 1.0e-4)
SECOND_STEPS = (6.0e-2, 2.0e-2, 5.0e-3, 1.0e-3)
"""The same for second derivatives, with rounding over the square of the step: the best ones are longer."""
NO_DIGIT, FAR_ABOVE = 1e-3, 1e3
"""A derivative whose error is a thousandth of it, and a thousand times that of rounding, is known by no step so far:
shorter or longer ones are tried."""
FINER, MOST_FINER = 1e-3, 5
"""Smaller steps where the smallest is the best: down to 1e-19 of the coordinates, for lengths in any unit."""
FEW_DIGITS, COARSER = 1e-6, 10.0
"""Longer steps where rounding leaves fewer digits: a point 1e-10 from the origin says nothing about lengths."""

# weights of f(x + k h) -+ f(x - k h), k = 1, 2, 3, for the orders 2, 4, 6
_FIRST = np.array([[1 / 2, 0, 0], [2 / 3, -1 / 12, 0], [3 / 4, -3 / 20, 1 / 60]])
_SECOND = np.array([[1, 0, 0], [4 / 3, -1 / 12, 0], [3 / 2, -3 / 20, 1 / 90]])
"""Rows: orders 2, 4, 6, of the weights of f(x + k h) - 2 f(x) + f(x - k h) over h^2."""

AT_ONCE = 2048
"""Points times directions that are differentiated in one call: of one point a gradient takes 1.2 ms instead of the 2.9
of a call for each step and axis, of thousands 1.5 to 1.8 us a point, blocks of 256 6 us (measured for a quartic)."""

ROUGH_STEP = 1e-4
"""Of the coordinates: between truncation, the square of it, and rounding over it."""


def first_derivative(function: ArrayFunction, x: Floats, direction: Floats) -> Floats:
    """d/dt f(x + t direction) at t = 0.

    Parameters
    ----------
    function
        values of shape (..., n) at points of shape (dim, n)
    x
        (dim, n)
    direction
        (dim,)

    Examples
    --------
    >>> round(float(first_derivative(lambda x: np.sin(x[0]), np.array([[0.5]]), np.array([1.0]))[0]), 11)
    0.87758256189
    """
    return np.asarray(_along_each(_first, function, x, direction[None], FIRST_STEPS)[0])


def second_derivative(function: ArrayFunction, x: Floats, direction: Floats) -> Floats:
    """d^2/dt^2 f(x + t direction) at t = 0, for the same arguments as ``first_derivative``."""
    return np.asarray(_along_each(_second, function, x, direction[None], SECOND_STEPS)[0])


# f, points (dim, n), directions (dim, n), steps (n,)
Differences = Callable[[ArrayFunction, Floats, Floats, Floats], Trial]


def _first(function: ArrayFunction, points: Floats, directions: Floats, step: Floats) -> Trial:
    right, left = _samples(function, points, directions, step)
    candidate, error = _assessed(_FIRST, right - left, step)
    return candidate, error, _rounding(right, left) / step


def _second(function: ArrayFunction, points: Floats, directions: Floats, step: Floats) -> Trial:
    right, left = _samples(function, points, directions, step)
    candidate, error = _assessed(_SECOND, right - 2.0 * function(points) + left, step**2)
    return candidate, error, 4.0 * _rounding(right, left) / step**2


def _along_each(
    differences: Differences, function: ArrayFunction, x: Floats, directions: Floats, steps: tuple[float, ...]
) -> Floats:
    """Derivatives along directions (k, dim) at points (dim, n), of shape (k, ..., n).

    All directions and steps are asked for at once: of a few points a call of a function costs as much as thousands.
    """
    k, n = len(directions), x.shape[1]
    if not n:
        return np.stack([differences(function, x, x, np.zeros(0))[0]] * k)
    scales = np.array([_scale(x, direction) for direction in directions])
    block = max(1, AT_ONCE // k)
    parts = []
    for first in range(0, n, block):
        some = x[:, first : first + block]
        count = some.shape[1]
        along = np.repeat(directions.T, count, axis=1)
        found = _with_the_best_step(
            differences, function, np.tile(some, k), along, scales[:, first : first + block].ravel(), steps
        )
        parts.append(np.moveaxis(found.reshape(*found.shape[:-1], k, count), -2, 0))
    return np.concatenate(parts, axis=-1)


def _tried(
    differences: Differences,
    function: ArrayFunction,
    x: Floats,
    directions: Floats,
    steps: Floats,
) -> list[Trial]:
    """A trial for each row of the steps (s, n), from one call of the function."""
    count, n = steps.shape
    trial = differences(function, np.tile(x, count), np.tile(directions, count), steps.ravel())
    shaped = [np.moveaxis(np.broadcast_to(part, trial[0].shape).reshape(*trial[0].shape[:-1], count, n), -2, 0)
              for part in trial]  # fmt: skip
    return list(zip(*shaped, strict=True))


def _with_the_best_step(
    differences: Differences,
    function: ArrayFunction,
    x: Floats,
    directions: Floats,
    scale: Floats,
    steps: tuple[float, ...],
) -> Floats:
    """The derivative with the least estimate of its error, point by point; x and directions (dim, n), scale (n,).

    Where the smallest step is the best, or none gives a digit, the function varies on a smaller scale than its
    arguments have: smaller steps are tried there.
    """
    relative = np.array(steps)[:, None]

    def at(some: Integers | slice, scales: Floats) -> list[Trial]:
        return _tried(differences, function, x[:, some], directions[:, some], relative * scales)

    tried = at(slice(None), scale)
    result, least, unsettled = _best(tried)
    drowned = _drowned(tried, result)
    while True:
        again = np.flatnonzero(drowned.any(axis=tuple(range(drowned.ndim - 1))) & (scale < 1.0))
        if not len(again):
            break
        scale[again] = np.minimum(COARSER * scale[again], 1.0)
        tried = at(again, scale[again])
        better, error, still = _best(tried)
        improved = (error < least[..., again]) & drowned[..., again]
        result[..., again] = np.where(improved, better, result[..., again])
        unsettled[..., again] = np.where(improved, still, unsettled[..., again])
        least[..., again] = np.where(improved, error, least[..., again])
        drowned = np.zeros_like(drowned)
        drowned[..., again] = improved & _drowned(tried, better)
    for finer in range(1, MOST_FINER + 1):
        again = np.flatnonzero(unsettled.any(axis=tuple(range(unsettled.ndim - 1))))
        if not len(again):
            break
        tried = at(again, FINER**finer * scale[again])
        better, error, still = _best(tried)
        improved = (error < least[..., again]) | (unsettled[..., again] & ~still)
        result[..., again] = np.where(improved, better, result[..., again])
        least[..., again] = np.where(improved, error, least[..., again])
        unsettled = np.zeros_like(unsettled)
        unsettled[..., again] = still
    return result


def _drowned(trials: Sequence[Trial], result: Floats) -> npt.NDArray[np.bool_]:
    """Where the longest step shows no truncation beside rounding, which leaves few digits of the result."""
    _, truncation, rounding = trials[0]
    with np.errstate(invalid="ignore"):
        found: npt.NDArray[np.bool_] = (truncation <= rounding) & (rounding > FEW_DIGITS * np.abs(result))
    return found


def gradient(function: ArrayFunction, x: Floats) -> Floats:
    """All first derivatives, of shape (dim, ..., n)."""
    return _along_each(_first, function, x, np.eye(x.shape[0]), FIRST_STEPS)


def rough_gradient(function: ArrayFunction, x: Floats) -> Floats:
    """All first derivatives, of shape (dim, ..., n), by one step a coordinate, and one call of the function."""
    dimension, n = x.shape
    units = np.eye(dimension)
    steps = [ROUGH_STEP * _scale(x, unit) for unit in units]
    shifts = [sign * unit[:, None] * step for unit, step in zip(units, steps, strict=True) for sign in (1.0, -1.0)]
    values = function(np.concatenate([x + shift for shift in shifts], axis=1))
    parts = [values[..., k * n : (k + 1) * n] for k in range(2 * dimension)]
    return np.stack([(parts[2 * k] - parts[2 * k + 1]) / (2.0 * step) for k, step in enumerate(steps)])


def hessian(function: ArrayFunction, x: Floats) -> Floats:
    """All second derivatives of a function with values of shape (n,), of shape (dim, dim, n)."""
    dimension = x.shape[0]
    result = np.empty((dimension, dimension, x.shape[1]))
    unit = np.eye(dimension)
    pairs = [(i, j) for i in range(dimension) for j in range(i)]
    crossed = [unit[i] + sign * unit[j] for i, j in pairs for sign in (1.0, -1.0)]
    found = _along_each(_second, function, x, np.array([*unit, *crossed]), SECOND_STEPS)
    result[np.arange(dimension), np.arange(dimension)] = found[:dimension]
    for (i, j), along, across in zip(pairs, found[dimension::2], found[dimension + 1 :: 2], strict=True):
        # polarisation: f_ij = (f_(i+j)(i+j) - f_(i-j)(i-j)) / 4
        result[i, j] = result[j, i] = (along - across) / 4.0
    return result


def _scale(x: Floats, direction: Floats) -> Floats:
    """The size of the coordinates, one where they are smaller than those of other points, which may lie at zero."""
    used = np.abs(x[np.flatnonzero(direction)])
    common = min(1.0, float(used.max(initial=0.0))) or 1.0
    return np.asarray(np.maximum(common, used.max(axis=0)))


def _samples(function: ArrayFunction, x: Floats, directions: Floats, step: Floats) -> tuple[Floats, Floats]:
    """f(x + k step direction) and f(x - k step direction), k = 1, 2, 3, each of shape (3, ..., n)."""
    n = x.shape[1]
    shifts = [k * directions * step for k in (1, 2, 3, -1, -2, -3)]
    values = function(np.concatenate([x + shift for shift in shifts], axis=1))
    parts = np.stack([values[..., k * n : (k + 1) * n] for k in range(6)])
    return parts[:3], parts[3:]


def _assessed(weights: Floats, differences: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """The difference of order 6, and the size of its truncation error by extrapolation over the orders."""
    second, fourth, sixth = np.tensordot(weights, differences, axes=1) / scale
    coarse, fine = np.abs(fourth - second), np.abs(sixth - fourth)
    with np.errstate(all="ignore"):
        shrinking = np.where(coarse > 0.0, np.minimum(1.0, fine / coarse), 1.0)
    return sixth, fine * shrinking


def _rounding(right: Floats, left: Floats) -> Floats:
    size: Floats = np.max(np.abs(np.concatenate([right, left])), axis=0)
    return 2.0**-52 * size


def _best(trials: Sequence[Trial]) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """The candidate with the least error, that error, and whether smaller steps than these should be tried.

    So it is where the last trial, that of the smallest step, is the best, or where no digit is known beside rounding.
    """
    noise = np.nan_to_num(np.stack([trial[2] for trial in trials]), nan=np.inf, posinf=np.inf)
    errors = np.nan_to_num(np.stack([trial[1] for trial in trials]), nan=np.inf, posinf=np.inf) + noise
    chosen = np.argmin(errors, axis=0)
    result, least, rounding = (
        np.take_along_axis(some, chosen[None], axis=0)[0]
        for some in (np.stack([trial[0] for trial in trials]), errors, noise)
    )
    unknown = (least > NO_DIGIT * np.abs(result)) & (least > FAR_ABOVE * rounding)
    # an estimate may be small by chance, where a step spans many oscillations: two steps must agree
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.stack([trial[0] for trial in trials]) - result)
    unknown |= (apart <= NO_DIGIT * np.abs(result) + FAR_ABOVE * noise).sum(axis=0) < 2
    return result, least, ((chosen == len(trials) - 1) & (least > 0.0)) | unknown | ~np.isfinite(least)
