"""Points carried onto the surface g = 0 of a smooth function, and the differences that stand in for its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fokker_planck.formulas.arrays import Booleans, Floats

Function: TypeAlias = Callable[[Floats], Floats]

_STEPS = 40
"""Newton's steps: 7 take points of a box to a circle, 11 to a level of the quartic well, the rest is for flat
levels."""
_HALVINGS = 8
"""Of a step that does not lessen |g|: 1/256 of Newton's step lessens it, but at a critical point."""
#: A step of this many units of rounding of the coordinates is no step: Newton's method has ended.
_ROUNDING = 4e-16
#: A step as short as this, relative to the coordinates, is the last and is not halved: Newton's method converges
#: quadratically, so that beyond it rounding decides. To halve them eight times took two thirds of all evaluations.
_SHORT = 1e-13
#: A step this much shorter than the one before shows quadratic convergence: the next would be their quotient times
#: shorter again, and is not made where that is below rounding, one of five.
_QUADRATIC = 1e-2
#: Unit normals with a larger Gram determinant are independent enough for its equations (a third of the time of an SVD).
_INDEPENDENT = 1e-6


def onto_surface(level: Function, gradient: Function, x: Floats) -> Floats:
    """A point of g = 0 near each point of ``x``, shape (dim, n), by x <- x - g grad g / |grad g|².

    A step that does not lessen |g| is halved. Where no step does, the point stays: at a critical point of g, say.

    >>> circle = lambda x: 1.0 - np.sum(x**2, axis=0)
    >>> onto_surface(circle, lambda x: -2.0 * x, np.array([[0.9], [0.0]])).round(12).tolist()
    [[1.0], [0.0]]
    """
    x = np.array(x, dtype=float)
    with np.errstate(all="ignore"):
        value = np.array(level(x), dtype=float)
        active = np.flatnonzero(np.isfinite(value) & (value != 0.0))
        before = np.zeros(len(active))
        for _ in range(_STEPS):
            if not len(active):
                break
            here = x[:, active]
            slope = gradient(here)
            square = np.sum(slope**2, axis=0)
            step = np.where(square > 0.0, value[active] / np.where(square > 0.0, square, 1.0), 0.0) * slope
            size, scale = np.abs(step).max(axis=0), np.abs(here).max(axis=0)
            longer = (size > _ROUNDING * scale) & np.isfinite(size)
            if not longer.all():
                active, here, step = active[longer], here[:, longer], step[:, longer]
                size, scale, before = size[longer], scale[longer], before[longer]
            quotient = size / before
            last = (quotient < _QUADRATIC) & (size * quotient**2 < _ROUNDING * scale)
            long = size > _SHORT * scale
            goes_on = _moved(level, x, value, active, here, step, long) & long & ~last
            active, before = active[goes_on], size[goes_on]
    return x


def _moved(
    level: Function,
    x: Floats,
    value: Floats,
    active: NDArray[np.int64],
    here: Floats,
    step: Floats,
    long: Booleans,
) -> Booleans:
    """Take the longest of the halved steps that lessens |g|, in place; which of the ``active`` points moved.

    Only ``long`` steps are halved.
    """
    waiting = np.arange(len(active))
    moved = np.zeros(len(active), dtype=bool)
    factor = 1.0
    for _ in range(_HALVINGS):
        if not len(waiting):
            break
        trial = here[:, waiting] - factor * step[:, waiting]
        found = np.asarray(level(trial))
        better = np.abs(found) < np.abs(value[active[waiting]])
        x[:, active[waiting[better]]] = trial[:, better]
        value[active[waiting[better]]] = found[better]
        moved[waiting[better]] = True
        waiting = waiting[~better & long[waiting]]
        factor /= 2.0
    return moved


def onto_surfaces(
    levels: Sequence[Function], gradients: Sequence[Function], counts: Booleans, x: Floats, steps: int = _STEPS
) -> Floats:
    """A point near each point of ``x``, shape (dim, n), where all the functions g_i that count there vanish.

    At most so many ``steps`` of Newton's method, the shortest that there are. ``counts`` (functions, n) says which of
    the functions a point has to meet.

    >>> circle, line = lambda x: 1.0 - np.sum(x**2, axis=0), lambda x: x[1] - 0.6
    >>> slopes = [lambda x: -2.0 * x, lambda x: np.array([[0.0], [1.0]]) + 0.0 * x]
    >>> corner = onto_surfaces([circle, line], slopes, np.ones((2, 1), bool), np.array([[0.7], [0.5]]))
    >>> corner.round(12).ravel().tolist()
    [0.8, 0.6]
    """
    x = np.array(x, dtype=float)
    active = np.flatnonzero(counts.any(axis=0))
    with np.errstate(all="ignore"):
        for _ in range(steps):
            if not len(active):
                break
            here, used = x[:, active], counts[:, active]
            values, rows = _normalised(levels, gradients, used, here)
            usable = np.isfinite(rows).all(axis=(1, 2)) & np.isfinite(values).all(axis=1)
            step = np.zeros_like(here)
            step[:, usable] = _shortest(rows[usable], values[usable]).T
            x[:, active] = here - step
            active = active[np.abs(step).max(axis=0) > _SHORT * np.abs(here).max(axis=0)]
    return x


def _normalised(
    levels: Sequence[Function], gradients: Sequence[Function], used: Booleans, x: Floats
) -> tuple[Floats, Floats]:
    """g / |grad g| (n, k) and grad g / |grad g| (n, k, dim) of the functions that each point has to meet, k at most."""
    most = int(used.sum(axis=0).max(initial=0))
    values, rows = np.zeros((x.shape[1], most)), np.zeros((x.shape[1], most, len(x)))
    place = np.cumsum(used, axis=0) - 1
    for number in np.flatnonzero(used.any(axis=1)).tolist():
        own = np.flatnonzero(used[number])
        slope = np.asarray(gradients[number](x[:, own]))
        length = np.maximum(np.linalg.norm(slope, axis=0), 1e-300)
        values[own, place[number, own]] = np.asarray(levels[number](x[:, own])) / length
        rows[own, place[number, own]] = (slope / length).T
    return values, rows


def _shortest(rows: Floats, values: Floats) -> Floats:
    """The shortest step d (n, dim) with rows d = values, in the sense of least squares where rows are dependent."""
    if rows.shape[1] == 1:  # a unit normal, or zero
        return np.asarray(values * rows[:, 0])
    if rows.shape[1] == 2:
        cosine = np.einsum("nd,nd->n", rows[:, 0], rows[:, 1])
        determinant = 1.0 - cosine**2
        if (determinant > _INDEPENDENT).all():
            weights = (values - cosine[:, None] * values[:, ::-1]) / determinant[:, None]
            return np.asarray(weights[:, :1] * rows[:, 0] + weights[:, 1:] * rows[:, 1])
    gram = np.einsum("nid,njd->nij", rows, rows)
    own = np.arange(gram.shape[1])
    unused = gram[:, own, own] == 0.0
    gram[:, own, own] += unused
    regular = np.linalg.det(gram) > _INDEPENDENT
    step = np.empty((len(rows), rows.shape[2]))
    weights = np.linalg.solve(gram[regular], values[regular][..., None])[..., 0]
    step[regular] = np.einsum("ni,nid->nd", weights, rows[regular])
    if not regular.all():
        inverse = np.linalg.pinv(rows[~regular], rcond=1e-8)
        step[~regular] = np.einsum("nij,nj->ni", inverse, values[~regular])
    return step


def central_differences(function: Function, x: Floats) -> Floats:
    """Gradient of ``function`` at ``x``, shape (dim, n), by central differences of sixth order.

    >>> bool(abs(central_differences(lambda x: np.sin(x[0]), np.array([[1.0]]))[0, 0] - np.cos(1.0)) < 1e-12)
    True
    """
    x = np.asarray(x, dtype=float)
    slope = np.zeros_like(x)
    # relative to the size of the coordinates, of those of all points where some lie at zero
    step = 2e-3 * np.maximum(min(1.0, float(np.abs(x).max(initial=0.0))) or 1.0, np.abs(x))
    for i in range(len(x)):
        for weight, k in ((45.0, 1), (-9.0, 2), (1.0, 3)):
            shift = np.zeros_like(x)
            shift[i] = k * step[i]
            slope[i] += weight * (function(x + shift) - function(x - shift))
        slope[i] /= 60.0 * step[i]
    return slope
