"""A function of one to three coordinates from its gradient: Chebyshev polynomials on the patches of a grid.

    phi(x) = sum_d int_{c_d}^{x_d} G_d(x_1 .. x_{d-1}, s, c_{d+1} ..) ds + constant of the patch,

c the centre of a patch, G a gradient.  G is sampled once at the Chebyshev points of every patch; patches are halved
along the axis on which the last coefficients are largest until these are rounding.

Source: Trefethen, Approximation Theory and Approximation Practice (2013), chapters 3, 4 and 19.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.parsing.tape import BLOCK
from fokker_planck.quantity.light_dataclasses import dataclass

POINTS = {1: 20, 2: 20, 3: 12}
"""Per axis of a patch: more take fewer patches of a smooth function, fewer are cheaper to evaluate; flat around it."""
FIRST = {1: 4, 2: 4, 3: 2}
"""Patches an axis at first, doubled until the last coefficients are small: fewer than needed cost one more round."""
MOST_SAMPLES = {1: 40_000, 2: 1_600_000, 3: 600_000}
"""Of the gradient: one to two seconds for noise that follows a Hessian, where integrals along lines took a committor in
the plane more than 75 s of CPU."""
TOLERANCE = 1e-13
"""Of the last coefficients, times the patch, relative to the function where that is larger than one."""
LINES, MOST_ALONG = 5, 2048
"""Parallel lines on which an axis is judged before the whole is sampled, and patches along them beyond which there are
too many for ``MOST_SAMPLES`` whatever the other axes need."""
PATIENCE = 4
"""Halvings in which the last coefficients must fall by ten: at a jump or a kink they never do."""


@dataclass(frozen=True)
class ChebyshevPatches:
    """The function on a box: ``coefficients`` (patches along every axis..., degrees along every axis...)."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    coefficients: Floats

    @property
    def counts(self) -> tuple[int, ...]:
        """Patches along every axis."""
        return self.coefficients.shape[: len(self.lower)]

    def inside(self, x: Floats) -> npt.NDArray[np.bool_]:
        """Which points (dim, n) lie in the box."""
        low, high = np.array(self.lower)[:, None], np.array(self.upper)[:, None]
        return np.asarray(((x >= low) & (x <= high)).all(axis=0))

    def value(self, x: Floats) -> Floats:
        """The function at points (dim, n) of the box, (n,)."""
        return self.derivative(x, (0,) * len(x))

    def derivative(self, x: Floats, orders: Sequence[int]) -> Floats:
        """A partial derivative at points (dim, n) of the box, (n,)."""
        points, counts = np.asarray(x, dtype=np.float64), np.array(self.counts)[:, None]
        lower = np.array(self.lower)[:, None]
        widths = (np.array(self.upper)[:, None] - lower) / counts
        patch = np.clip(np.floor((points - lower) / widths).astype(np.int64), 0, counts - 1)
        local = np.clip(2.0 * ((points - lower) / widths - patch) - 1.0, -1.0, 1.0)
        numbers = np.ravel_multi_index(tuple(patch), self.counts)
        flat = self.coefficients.reshape(-1, *self.coefficients.shape[len(counts) :])
        return values_of_patches(flat, numbers, local, orders) * float(
            np.prod((2.0 / widths[:, 0]) ** np.array(orders))
        )


def values_of_patches(
    coefficients: Floats, numbers: npt.NDArray[np.int64], local: Floats, orders: Sequence[int] | None = None
) -> Floats:
    """Polynomials (patches, degrees...), or derivatives by local coordinates, at points (dim, n) in [-1, 1] of patches.

    Patch by patch, many points of each at once: in blocks of points as they come nearly every one has all patches.
    """
    result, order = np.empty(len(numbers)), np.argsort(numbers, kind="stable")
    for start in range(0, len(numbers), BLOCK):
        block = order[start : start + BLOCK]
        result[block] = _in_order(coefficients, numbers[block], local[:, block], orders or (0,) * len(local))
    return result


def _in_order(coefficients: Floats, numbers: npt.NDArray[np.int64], local: Floats, orders: Sequence[int]) -> Floats:
    """The same of points in the order of their patches."""
    degree, count = coefficients.shape[-1] - 1, len(numbers)
    tables = [basis(t, degree, times) for t, times in zip(local, orders, strict=True)]
    ends = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1))
    flat = coefficients.reshape(len(coefficients), -1, degree + 1)
    values = np.empty(count)
    for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        sums = flat[numbers[start]] @ tables[-1][:, start:end]
        for table in reversed(tables[:-1]):
            sums = (sums.reshape(-1, degree + 1, end - start) * table[:, start:end]).sum(axis=1)
        values[start:end] = sums[0]
    return values


def from_gradient(
    gradient: Callable[[Floats], Floats],
    lower: Sequence[float],
    upper: Sequence[float],
    centre: Sequence[float],
) -> ChebyshevPatches | None:
    """phi with grad phi = ``gradient`` and phi(``centre``) = 0; None where the gradient is not smooth or finite enough.

    >>> waves = from_gradient(lambda x: np.array([np.cos(x[0]), 2 * x[1]]), (0.0, 0.0), (3.0, 1.0), (0.0, 0.0))
    >>> round(float(waves.value(np.array([[2.0], [0.5]]))[0]), 12), round(float(np.sin(2.0) + 0.25), 12)
    (1.159297426826, 1.159297426826)
    """
    dimension = len(lower)
    points, mean = POINTS[dimension], _mean(dimension)
    counts = _counts_along_lines(gradient, lower, upper, points)
    while counts is not None and prod(counts) * points**dimension <= MOST_SAMPLES[dimension]:
        samples = _sampled(gradient, lower, upper, counts, points)
        if not np.isfinite(samples).all():
            return None
        of_gradient = expanded(samples, dimension)
        patches = _joined(of_gradient, lower, upper, counts, centre)
        size = np.maximum(1.0, np.abs(patches.coefficients[mean]))
        half = 0.5 * np.subtract(upper, lower) / counts
        tails = [float((rest(of_gradient, half, axis) / size).max()) for axis in range(dimension)]
        if max(tails) <= TOLERANCE:
            return patches
        counts[int(np.argmax(tails))] *= 2
    return None


def _counts_along_lines(
    gradient: Callable[[Floats], Floats], lower: Sequence[float], upper: Sequence[float], points: int
) -> list[int] | None:
    """Patches that every axis needs, judged along a few lines parallel to it; None where no number is enough."""
    dimension, result = len(lower), []
    low, width = np.array(lower, dtype=float)[:, None], np.subtract(upper, lower)[:, None]
    nodes = 0.5 * (1.0 + np.cos(np.pi * (np.arange(points) + 0.5) / points))
    lines = np.random.default_rng(2).uniform(0.0, 1.0, (dimension, LINES))
    for axis in range(dimension):
        count, tails = FIRST[dimension], [np.inf] * PATIENCE
        while True:
            along = ((np.arange(count)[:, None] + nodes) / count).ravel()
            places = np.repeat(lines, len(along), axis=1)
            places[axis] = np.tile(along, LINES)
            values = np.asarray(gradient(low + width * places)).reshape(dimension, LINES, count, points)
            if not np.isfinite(values).all():
                return None
            size = max(1.0, float(np.abs(values[axis]).mean(axis=(1, 2)).max() * width[axis, 0]))
            last = np.abs(expanded(values, 1)[..., -2:]).max()
            tails.append(float(0.5 * np.max(width) / count * last / size))
            if tails[-1] <= TOLERANCE:
                break
            if tails[-1] > 0.1 * tails[-1 - PATIENCE] or count > MOST_ALONG:
                return None
            count *= 2
        result.append(count)
    return result


def _sampled(
    gradient: Callable[[Floats], Floats],
    lower: Sequence[float],
    upper: Sequence[float],
    counts: Sequence[int],
    points: int,
) -> Floats:
    """The gradient at the Chebyshev points of all patches, (dim, patches..., points...)."""
    nodes = 0.5 * (1.0 + np.cos(np.pi * (np.arange(points) + 0.5) / points))
    dimension = len(counts)
    axes = [
        low + (high - low) * (np.arange(count)[:, None] + nodes).ravel() / count
        for low, high, count in zip(lower, upper, counts, strict=True)
    ]
    grid = np.array([part.ravel() for part in np.meshgrid(*axes, indexing="ij")])
    values = np.asarray(gradient(grid)).reshape(dimension, *(n for count in counts for n in (count, points)))
    order = [0, *(1 + 2 * axis for axis in range(dimension)), *(2 + 2 * axis for axis in range(dimension))]
    return np.ascontiguousarray(values.transpose(order))


def expanded(samples: Floats, dimension: int) -> Floats:
    """Chebyshev coefficients along the last axes."""
    points = samples.shape[-1]
    angles = np.pi * (np.arange(points) + 0.5) / points
    matrix = 2.0 / points * np.cos(np.arange(points)[:, None] * angles)
    matrix[0] *= 0.5
    for axis in range(dimension):
        place = samples.ndim - dimension + axis
        samples = np.moveaxis(np.tensordot(matrix, samples, axes=(1, place)), 0, place)
    return samples


def _joined(
    expanded: Floats,
    lower: Sequence[float],
    upper: Sequence[float],
    counts: Sequence[int],
    centre: Sequence[float],
) -> ChebyshevPatches:
    """The function in every patch, and its constants from patch to patch through the middles of their faces."""
    dimension = len(counts)
    whole, at_middle = integrals(expanded, 0.5 * np.subtract(upper, lower) / counts), _at_middle(expanded.shape[-1])
    constants = np.zeros(tuple(counts))
    for axis in range(dimension):
        # on the far face in front of the middle, on the near face behind it
        far, near = _at_faces(whole, at_middle, axis, 1.0), _at_faces(whole, at_middle, axis, -1.0)
        line = [slice(None)] * dimension
        for later in range(axis + 1, dimension):
            line[later] = slice(0, 1)
        steps = np.delete(far, -1, axis) - np.delete(near, 0, axis)
        zero = np.zeros_like(np.take(steps, [0], axis)) if steps.shape[axis] else np.zeros(1)
        grown = np.concatenate([zero, np.cumsum(steps, axis)], axis) if steps.shape[axis] else np.zeros_like(far)
        constants = constants + grown[tuple(line)]
    mean = _mean(dimension)
    whole[mean] += constants
    found = ChebyshevPatches(tuple(map(float, lower)), tuple(map(float, upper)), whole)
    whole[mean] -= float(found.value(np.array(centre, dtype=float)[:, None])[0])
    return found


def rest(expanded: Floats, half: Floats, axis: int) -> Floats:
    """How much of the function the last coefficients along an axis hold in every patch, (patches...).

    Component d of the gradient is integrated along axis d, over ``half[d]`` of a patch that may be long and narrow.
    """
    dimension, points = len(half), expanded.shape[-1]
    last = np.take(expanded, [points - 2, points - 1], axis=1 + dimension + axis)
    largest = np.abs(last).max(axis=tuple(range(1 + dimension, 1 + 2 * dimension)))
    return np.asarray(np.max(half.reshape(-1, *[1] * dimension) * largest, axis=0))


def integrals(expanded: Floats, half: Floats) -> Floats:
    """Coefficients of the function in every patch, zero in its middle."""
    dimension, points = len(half), expanded.shape[-1]
    whole = np.zeros((*expanded.shape[1 : 1 + dimension], *(points + 1,) * dimension))
    at_middle = _at_middle(points)
    for axis in range(dimension):
        part = expanded[axis]
        for later in range(axis + 1, dimension):
            middle = np.tensordot(part, at_middle[:points], axes=(dimension + later, 0))
            part = np.expand_dims(middle, dimension + later)
        integral = np.moveaxis(
            np.tensordot(_antiderivative(points, at_middle), part, axes=(1, dimension + axis)), 0, dimension + axis
        )
        slices = (*(slice(None),) * dimension, *(slice(0, n) for n in integral.shape[dimension:]))
        whole[slices] += half[axis] * integral
    return whole


def _at_middle(points: int) -> Floats:
    """T_0 .. T_points at zero."""
    return np.array([np.cos(0.5 * np.pi * k) for k in range(points + 1)])


def _mean(dimension: int) -> Any:
    """Where the constant coefficients of all patches are."""
    return (..., *(0,) * dimension)


def _antiderivative(points: int, at_middle: Floats) -> Floats:
    """Matrix (n + 1, n) from coefficients to those of the integral from the middle."""
    columns = [chebyshev.chebint(np.eye(points)[k]) for k in range(points)]
    matrix = np.array([np.pad(column, (0, points + 1 - len(column))) for column in columns]).T
    matrix[0] = 0.0
    matrix[0] = -at_middle @ matrix
    return np.asarray(matrix)


def _at_faces(whole: Floats, at_middle: Floats, axis: int, side: float) -> Floats:
    """Values of every patch in the middle of a face, (patches...)."""
    dimension = whole.ndim // 2
    result = whole
    for other in reversed(range(dimension)):
        vector = side ** np.arange(len(at_middle)) if other == axis else at_middle
        result = np.tensordot(result, vector, axes=(dimension + other, 0))
    return np.asarray(result)


def basis(t: Floats, degree: int, order: int) -> Floats:
    """Derivatives of T_0 .. T_degree at t, (degree + 1, n)."""
    table = np.ones((degree + 1, len(t)))
    if degree:
        table[1] = t
    for k in range(2, degree + 1):
        table[k] = 2.0 * t * table[k - 1] - table[k - 2]
    if not order:
        return table
    return np.asarray(_differentiated(degree, order) @ table)


@lru_cache(maxsize=16)
def _differentiated(degree: int, order: int) -> Floats:
    """Row k: the coefficients of a derivative of T_k."""
    rows = [chebyshev.chebder(row, order) for row in np.eye(degree + 1)]
    return np.array([np.pad(row, (0, degree + 1 - len(row))) for row in rows])
