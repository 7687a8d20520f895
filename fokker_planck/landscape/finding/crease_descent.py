"""The bottom of a crease: a function known by its values alone goes down along it, brought back to it at every step.

Across a crease the slope jumps, and the function falls to it from both sides; along it the lowest values are smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.quantity.light_dataclasses import dataclass

Height = Callable[[Floats], Floats]

MOST_STEPS = 400
"""Steps along a crease, half of which lead across the whole sample; twenty more shrink to rounding."""
SMALLER, LARGER, FAR = 0.25, 2.0, 0.5
"""What a step becomes where nothing is lower, and where something is; of one, what is more than coming to a crease."""
COARSE = 0.01
"""Of the first step, below which a place is compared with those that are known."""
MOST_IDLE = 8
"""Steps after the last that led down, each a quarter: values fall by the square of a step, and two of 65,000ths are one
of rounding."""
AROUND, LEAST_AROUND, CLOSER = 0.1, 1e-3, 1.0 / 16.0
"""Of the distance of points, the radius of the circle on which slopes are compared, at the first and the last step, and
how much smaller the second is: there a jump is what it was, and what a slope changes smoothly by is a sixteenth."""
LEFT = 0.25
"""Of the differences of slopes on the larger circle, what has to be left of them on the smaller one for a jump."""
SECANT, CROSSED = 1.0 / 64.0, 1.0 / 16.0
"""Of the radius of the circle, the step of the slopes; of their differences, by how much those to both sides of a place
may differ where none is taken across a crease: of a quadratic function it is 1/128."""
NOISE = 100.0
"""Times what rounding leaves of a slope, what a jump has to be: with 16 slopes it was never more than 10."""
PRECISION = 1e-4
"""Of a step, times its part of the first one, to which points are brought back to the crease: what is left of the
slope across it, times that, is less than what the function falls by along it."""
SECTIONS = np.linspace(0.0, 1.0, 9)[1:-1, None]
"""Where a stretch across the crease is looked at: it shrinks to a quarter each time, in 27 times to rounding."""
CORNER = 0.02
"""The same of a step where a corner is looked for: the next one is a quarter, and reaches it."""
POLISHING = 3
"""Newton's steps on the lowest values along the crease, by one Hessian: the search before leaves the root of rounding,
the second a digit more than differences have, and the last one shows what those leave."""
SAFE = 10.0
"""Times the last of these steps, how far a place may be from the minimum: at most four of them were seen."""
UNIT = 2.0
"""Distances of points that are one for differences along the crease: their steps are up to a third of one."""
NEAR = 0.1
"""Of the distance of points, as far as Newton's method may lead: the search before leaves the root of rounding."""


@dataclass(frozen=True)
class Bottom:
    """A lowest place (dim,), whether the slope jumps there, and how far it may be from the minimum.

    ``hessian`` (dim, dim) is that of the lowest values along the crease, with nothing across it.
    """

    x: Floats
    creased: bool
    uncertainty: float
    hessian: Floats


@dataclass(frozen=True)
class Crease:
    """Orthonormal directions across (dim, m) and along it (dim, dim - m), and by how much the slope jumps."""

    normals: Floats
    tangents: Floats
    jump: float


def crease_at(height: Height, x: Floats, radius: float, digit: float) -> Crease:
    """Directions in which slopes around a place differ as much on a smaller circle; no normals where there are none."""
    dimension, moves = len(x), _moves(len(x))
    turned = np.linalg.qr(np.random.default_rng(1).standard_normal((dimension, dimension)))[0]
    around = turned @ (moves / np.linalg.norm(moves, axis=0))
    differing = []
    for part in (radius, CLOSER * radius):
        slopes, rounding = _slopes(height, x[:, None] + part * around, SECANT * part, digit)
        if not np.isfinite(slopes).all():
            return Crease(np.zeros((dimension, 0)), np.eye(dimension), 0.0)
        differing.append(np.linalg.svd(slopes - slopes.mean(axis=1, keepdims=True)))
    far, (directions, close, _) = differing[0][1], differing[1]
    enough = np.maximum(LEFT * far[: len(close)], NOISE * rounding)
    count = int(np.sum(np.logical_and.accumulate(close > enough)))
    return Crease(directions[:, :count], directions[:, count:], float(close[0]) if count else 0.0)


def _slopes(height: Height, places: Floats, step: float, digit: float) -> tuple[Floats, float]:
    """Slopes (dim, m) at those of the places (dim, n) beside which no crease is, and what rounding leaves of one."""
    dimension, count = places.shape
    steps = step * np.concatenate([np.zeros((dimension, 1)), np.eye(dimension), -np.eye(dimension)], axis=1)
    values = height((places[:, None, :] + steps[:, :, None]).reshape(dimension, -1)).reshape(-1, count)
    here, ahead, behind = values[0], values[1 : dimension + 1], values[dimension + 1 :]
    slopes, bent = (ahead - behind) / (2.0 * step), np.abs(ahead - here + (behind - here)).max(axis=0) / (2.0 * step)
    spread = np.ptp(slopes, axis=1).max()
    clear = bent <= CROSSED * spread
    rounding = (np.finfo(float).eps * np.abs(values).max() + spread * digit) / step
    return slopes[:, clear] if clear.sum() > dimension else slopes, float(rounding)


def is_creased(height: Height, x: Floats, size: float, extent: float) -> bool:
    """Whether the slope jumps at a place: the arguments are those of :func:`down_a_crease`."""
    return bool(crease_at(height, x, size * LEAST_AROUND, _digit(x, extent)).normals.size)


def down_a_crease(
    height: Height, x: Floats, size: float, extent: float, known: Callable[[Floats], bool] = lambda _: False
) -> Bottom | None:
    """The lowest place that ways along creases lead to; None where that is ``known``.

    Parameters
    ----------
    height
        values (n,) at points (dim, n), infinite where there are none
    x
        where to begin, (dim,), on a crease or not
    size
        of the first step
    extent
        of the domain, of which coordinates have sixteen digits
    known
        whether a place that is known to a hundredth of ``size`` needs no further digits

    Examples
    --------
    >>> from math import hypot
    >>> turned = np.array([[0.8, 0.6], [-0.6, 0.8]])
    >>> def height(x):
    ...     u, v = turned @ x
    ...     return (u**2 - 1)**2/4 + np.abs(v - 0.1)
    >>> bottom = down_a_crease(height, turned.T @ np.array([0.6, 0.1]), 0.05, 4.0)
    >>> hypot(*(turned @ bottom.x - [1.0, 0.1])) < 1e-12, bool(bottom.uncertainty < 1e-11)
    (True, True)
    """
    digit = _digit(x, extent)
    x, ended = _followed(height, x, size, digit, known)
    return None if ended else _polished(height, x, size, digit)


def roughly_down(height: Height, x: Floats, size: float, extent: float) -> Floats | None:
    """Where a crease beside a place leads to, to a tenth of ``size``; None where the slope does not jump around it."""
    digit = _digit(x, extent)
    if not crease_at(height, x, AROUND * size, digit).normals.size:
        return None
    return _followed(height, x, size, digit, lambda _: True)[0]


def _followed(
    height: Height, x: Floats, size: float, digit: float, known: Callable[[Floats], bool]
) -> tuple[Floats, bool]:
    """Where a descent ends, and whether that is ``known``, by which it ends sooner."""
    step, idle = size, 0
    for _ in range(MOST_STEPS):
        part = step / size
        crease = crease_at(height, x, size * max(AROUND * part**2, LEAST_AROUND), digit)
        precision = max(PRECISION * part * step, digit)
        if not crease.tangents.size:  # a corner, or the point of a cone, from all sides of which it falls
            precision = max(CORNER * step, digit)
        before = x
        x = _lower(height, x, _lowered(height, x[:, None], crease.normals, step, precision))
        trial = x[:, None] + step * crease.tangents @ _moves(crease.tangents.shape[1])
        best = _lower(height, x, _lowered(height, trial, crease.normals, step, precision))
        was, now = height(np.stack([x, best], axis=1))
        if now < was - _rounding(was, crease, digit):
            x, idle = best, 0
        if np.linalg.norm(x - before) >= FAR * step:
            step = min(LARGER * step, size)
            continue
        step, idle = SMALLER * step, idle + 1
        if step < digit or (idle > MOST_IDLE and crease.tangents.size):
            break
        if step <= COARSE * size and known(x):
            return x, True
    return x, False


def _digit(x: Floats, extent: float) -> float:
    """The last one of coordinates."""
    return float(np.finfo(float).eps * max(extent, float(np.abs(x).max())))


def _polished(height: Height, x: Floats, size: float, digit: float) -> Bottom:
    """A place by Newton's method on the lowest values along its crease, which are smooth where values say no more."""
    crease = crease_at(height, x, size * LEAST_AROUND, digit)
    creased, count = bool(crease.normals.size), crease.tangents.shape[1]
    if not count:
        return Bottom(x, creased, digit, np.zeros((len(x), len(x))))
    unit, value = UNIT * size, float(height(x[:, None])[0])
    rounding = _rounding(value, crease, digit)

    def brought_back(z: Floats) -> Floats:
        return _lowered(height, x[:, None] + unit * crease.tangents @ z, crease.normals, size, digit)

    def along(z: Floats) -> Floats:
        # differences take for rounding that of what they are given
        return height(brought_back(z)) + crease.jump * digit / np.finfo(float).eps

    curvature = differences.hessian(along, np.zeros((count, 1)))[:, :, 0]
    definite = bool(np.isfinite(curvature).all() and np.linalg.eigvalsh(curvature)[0] > 0.0)
    found = None
    for _ in range(POLISHING if definite else 0):
        slope = differences.gradient(along, np.zeros((count, 1)))[:, 0]
        ahead = brought_back(-np.linalg.solve(curvature, slope)[:, None])[:, 0]
        away = float(np.linalg.norm(ahead - x))
        if not away <= NEAR * size or not height(ahead[:, None])[0] <= value + rounding:
            break
        x, found = ahead, away
    level = _level(height, x, crease, size, digit)
    along_it = crease.tangents @ np.nan_to_num(curvature) @ crease.tangents.T / unit**2
    if found is not None:
        # chance may have the last step be none: what rounding leaves of slopes by differences is no less
        drowned = 0.25 * rounding / (differences.FIRST_STEPS[0] * float(np.linalg.eigvalsh(curvature)[0])) * unit
        level = min(max(SAFE * found, drowned, digit), level)
    return Bottom(x, creased, level, along_it)


def _level(height: Height, x: Floats, crease: Crease, size: float, digit: float) -> float:
    """How far along the crease values are those at a place to rounding: no comparison of them says more of it."""
    value = float(height(x[:, None])[0])
    moves = _moves(crease.tangents.shape[1])
    step = size if moves.size else 0.0
    while step > digit:
        trial = _lowered(height, x[:, None] + step * crease.tangents @ moves, crease.normals, step, digit)
        if height(trial).min() <= value + _rounding(value, crease, digit):
            return step
        step *= SMALLER
    return digit


def _rounding(value: float, crease: Crease, digit: float) -> float:
    """What values differ by that are the same: of the place across the crease a digit is lost, too."""
    return 4.0 * (np.finfo(float).eps * abs(value) + crease.jump * digit)


def _lower(height: Height, x: Floats, trial: Floats) -> Floats:
    """The lowest of a place and others (dim, n)."""
    places = np.concatenate([x[:, None], trial], axis=1)
    return np.asarray(places[:, np.argmin(height(places))])


def _lowered(height: Height, points: Floats, normals: Floats, reach: float, precision: float) -> Floats:
    """Points (dim, n), each moved across the crease, no further than ``reach`` along each normal, to the lowest place.

    One normal after the other, the lowest place along the later ones at every place along the first.
    """
    if not normals.shape[1] or not points.shape[1]:
        return points
    normal, others = normals[:, :1], normals[:, 1:]
    low, high = np.full(points.shape[1], -reach), np.full(points.shape[1], reach)
    columns = np.arange(points.shape[1])
    while np.max(high - low) > precision:
        places = low + SECTIONS * (high - low)
        trial = (points[:, None, :] + normal[:, :, None] * places).reshape(len(points), -1)
        heights = height(_lowered(height, trial, others, reach, precision)).reshape(places.shape)
        lowest = places[np.argmin(heights, axis=0), columns]
        width = (high - low) / (len(SECTIONS) + 1)
        low, high = lowest - width, lowest + width
    return _lowered(height, points + normal * (0.5 * (low + high)), others, reach, precision)


def _moves(dimension: int) -> Floats:
    """Steps along axes and diagonals, (dim, n)."""
    moves = [move for move in product((-1.0, 0.0, 1.0), repeat=dimension) if any(move)]
    return np.array(moves).reshape(len(moves), dimension).T
