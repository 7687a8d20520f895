"""Critical points from guesses: Newton's method on many points at once, then their kind from the Hessian.

On the walls of a box the same is done with the coordinates across the wall held fixed: ``free`` marks the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.newton.many_starts import Arrivals, Pace, newton
from fokker_planck.landscape.types import CriticalPoint, Saddle
from fokker_planck.quantity.light_dataclasses import dataclass

DEGENERATE = 1e-5
"""An eigenvalue below this fraction of the curvature around counts as zero."""

SLOPE_OF_ROUNDING = 300.0
"""Slopes from finite differences are rounding by up to 170 units in the last place of f over the extent of the domain,
as measured for a quartic plus 1e9; Newton's steps never become shorter than what that leaves of them."""
WAYS = 40
"""Combinations of flat directions along which f is looked at: with 10 of them a saddle of eight sectors of 45 degrees
is missed once in five hundred times, with these once in 5e11."""
NARROWEST = 0.1
"""Of the mesh width: what rounding blurs further is no critical point."""


@dataclass(frozen=True)
class Guesses:
    """Start points (dim, n), which of their coordinates may move (dim, n), and the mesh width there (n,)."""

    x: Floats
    free: Booleans
    width: Floats


def newton_step(gradient: Floats, hessian: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Newton's step (dim, n) from the gradients (dim, n) and Hessians (dim, dim, n), and the largest curvature (n,).

    A direction without curvature is left out of the step if the slope along it is rounding; else the step is huge.
    """
    finite = np.isfinite(gradient).all(axis=0) & np.isfinite(hessian).all(axis=(0, 1))
    eigenvalues, vectors = np.linalg.eigh(np.moveaxis(np.where(finite, hessian, 0.0), -1, 0))
    largest = np.abs(eigenvalues).max(axis=1)
    coordinates = np.einsum("nij,in->nj", vectors, np.where(finite, gradient, np.nan))
    usable = np.abs(eigenvalues) > 1e-12 * largest[:, None]
    level = np.abs(coordinates) <= 1e-9 * (largest * width)[:, None]
    beyond = np.where(level, 0.0, 1e100 * np.sign(coordinates))
    quotient = np.where(usable, coordinates / np.where(usable, eigenvalues, 1.0), beyond)
    return -np.einsum("nij,nj->in", vectors, quotient), largest


def slope_of_rounding(function: Function, x: Floats, frame: Frame) -> Floats:
    """The largest slope that may be rounding, (n,), of functions that say of what they take finite differences."""
    known = getattr(function, "rounding", None)
    return np.zeros(x.shape[1]) if known is None else np.asarray(SLOPE_OF_ROUNDING * known(x) / frame.extent)


def polish(function: Function, guesses: Guesses, frame: Frame) -> tuple[Floats, Booleans]:
    """Newton's method from every guess: where each went (dim, n), and whether it settled near its guess (n,).

    Where a Hessian is dear the way is gone with a rough one, and the last steps alone with what it is; who is lost on
    the way is lost.
    """
    rough = _rough_if_dear(function)
    if rough is None:
        return _polished(function, guesses, frame)
    before = _newton(function, rough, guesses, frame)
    near, x = before.settled, before.x
    near[before.going[before.last[before.going] <= NARROWEST * guesses.width[before.going]]] = True
    some = np.flatnonzero(near)
    if not len(some):
        return x, near
    nearer = Guesses(x[:, some], guesses.free[:, some], guesses.width[some])
    x[:, some], near[some] = _polished(function, nearer, frame)
    return x, near


def _rough_if_dear(function: Function) -> Callable[[Floats], Floats] | None:
    """Second derivatives to some digits, where those that are exact take much longer."""
    return getattr(function, "rough_hessian", None) if getattr(function, "dear_hessian", False) else None


def _newton(function: Function, second: Callable[[Floats], Floats], guesses: Guesses, frame: Frame) -> Arrivals:
    """With what gives second derivatives."""
    width, small = guesses.width, np.minimum(1e-8 * frame.extent, 1e-5 * guesses.width)

    def steps(x: Floats, which: Integers) -> tuple[Floats, Booleans]:
        free = guesses.free[:, which]
        gradient, hessian = function.gradient(x) * free, second(x) * free * free[:, None]
        return newton_step(gradient, hessian, width[which])[0], np.zeros(len(which), dtype=bool)

    # steps of rounding size that shrink no more are the end of the road, also at a degenerate point
    nearly = np.minimum(1e-6 * frame.extent, 1e-5 * width)
    return newton(steps, guesses.x, Pace(width, 4.0 * width, 1e-13 * frame.extent, small, 0.9, nearly))


def _polished(function: Function, guesses: Guesses, frame: Frame) -> tuple[Floats, Booleans]:
    """With the Hessian itself; what creeps at slopes of rounding has arrived."""
    width, arrived = guesses.width, _newton(function, function.hessian, guesses, frame)
    x, settled, last, going = arrived.x, arrived.settled, arrived.last, arrived.going
    left = going[~settled[going] & (last[going] <= NARROWEST * width[going])]
    if len(left):
        with np.errstate(all="ignore"):
            slope = np.linalg.norm(function.gradient(x[:, left]) * guesses.free[:, left], axis=0)
            settled[left[slope <= slope_of_rounding(function, x[:, left], frame)]] = True
    return x, settled


@dataclass(frozen=True)
class Kinds:
    """What polished points are.

    Parameters
    ----------
    index
        number of descending directions, -1 where the function passes through level (n,)
    degenerate
        whether some direction is flat (n,)
    eigenvalues
        of the Hessian in the free directions (n, dim)
    unstable
        direction of steepest descent (n, dim)
    meeting
        whether two directions or more are flat, and f falls along some combinations and rises along others (n,)
    """

    index: Integers
    degenerate: Booleans
    eigenvalues: Floats
    unstable: Floats
    meeting: Booleans


def classify(function: Function, x: Floats, free: Booleans, width: Floats) -> Kinds:
    """Count descending directions among the free ones; along flat ones look at the function half a mesh width away."""
    hessian = np.moveaxis(function.hessian(x) * free[:, None] * free[None, :], -1, 0)
    eigenvalues, vectors = np.linalg.eigh(hessian)
    around = _curvature_around(function, x, free, width)
    fixed = np.einsum("nij,in->nj", vectors**2, (~free).astype(float)) > 0.5
    null = (np.abs(eigenvalues) <= DEGENERATE * around[:, None]) & ~fixed
    descending = (eigenvalues < 0.0) & ~null & ~fixed
    through = np.zeros(x.shape[1], dtype=bool)
    noise = 1e-12 * np.abs(function.value(x)) + 1e-6 * around * width**2
    for which in range(x.shape[0]):
        points = np.flatnonzero(null[:, which])
        if len(points):
            relax = _across(eigenvalues[points], vectors[points], ~(null[points] | fixed[points]))
            step = 0.5 * width[points] * vectors[points, :, which].T
            forward = _change(function, x[:, points], step, relax, noise[points])
            backward = _change(function, x[:, points], -step, relax, noise[points])
            through[points] |= forward * backward < 0
            descending[points, which] = forward + backward < 0
    chosen = np.argmax(descending, axis=1)
    unstable = np.take_along_axis(vectors, chosen[:, None, None], axis=2)[:, :, 0]
    meeting = np.zeros(x.shape[1], dtype=bool)
    points = np.flatnonzero(null.sum(axis=1) > 1)
    if len(points):
        relax = _across(eigenvalues[points], vectors[points], ~(null[points] | fixed[points]))
        plane = 0.5 * width[points][:, None, None] * vectors[points] * null[points][:, None]
        meeting[points] = _rises_and_falls(function, x[:, points], plane, relax, noise[points])
    return Kinds(np.where(through, -1, descending.sum(axis=1)), null.any(axis=1), eigenvalues, unstable, meeting)


def _across(eigenvalues: Floats, vectors: Floats, curved: Booleans) -> Floats:
    """Of Newton's method across the flat directions: V diag(1/lambda) V^T on the others, (dim, dim, n)."""
    inverse = np.where(curved, 1.0 / np.where(curved, eigenvalues, 1.0), 0.0)
    return np.asarray(np.einsum("nij,nj,nkj->ikn", vectors, inverse, vectors))


def _rises_and_falls(function: Function, x: Floats, plane: Floats, relax: Floats, noise: Floats) -> Booleans:
    """Whether f does both, of points (dim, n), from each along combinations of the columns of ``plane``, (n, dim, dim).

    On a monkey's saddle every other of six sectors falls, and no pair of axes tells.
    """
    ways = np.random.default_rng(1).normal(size=(WAYS, len(x)))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    signs = np.array([_change(function, x, (plane @ way).T, relax, noise) for way in ways])
    return np.asarray((signs > 0).any(axis=0) & (signs < 0).any(axis=0))


def _curvature_around(function: Function, x: Floats, free: Booleans, width: Floats) -> Floats:
    around, second = np.zeros(x.shape[1]), _rough_if_dear(function) or function.hessian
    for axis in range(x.shape[0]):
        for shift in (-0.5, 0.0, 0.5):
            shifted = x.copy()
            shifted[axis] += shift * width * free[axis]
            with np.errstate(all="ignore"):
                nearby = np.abs(second(shifted) * free[:, None] * free[None, :]).max(axis=(0, 1))
            around = np.fmax(around, np.where(np.isfinite(nearby), nearby, 0.0))
    return around


def _change(function: Function, x: Floats, step: Floats, relax: Floats, noise: Floats) -> Integers:
    """Sign of f(x + step) - f(x), relaxed across the step; zero where lost in the noise."""
    y = x + step
    for _ in range(4):
        y = y - np.einsum("ikn,kn->in", relax, function.gradient(y))
    change = function.value(y) - function.value(x)
    return np.where(np.abs(change) <= noise, 0, np.sign(change)).astype(np.int64)


def describe(
    function: Function, x: Floats, free: Booleans, kinds: Kinds, numbers: Integers, outward: Floats
) -> list[CriticalPoint | Saddle]:
    """The critical points of these ``numbers`` of the arrays, as values; joins of saddles are filled in later.

    ``outward`` (dim, n) is -1, 0 or 1 for a point on the lower wall, on none, on the upper wall of each axis.  The
    function is asked once for all points: there may be thousands, and a call of a user's function costs by itself.
    """
    if not len(numbers):
        return []
    some = x[:, numbers]
    values, slopes, hessians = function.value(some), function.gradient(some), function.hessian(some)
    return [
        _described(x[:, number], free[:, number], kinds, number, outward[:, number], value, slope, hessian)
        for number, value, slope, hessian in zip(numbers, values, slopes.T, np.moveaxis(hessians, -1, 0), strict=True)
    ]


def _described(
    position: Floats,
    free: Booleans,
    kinds: Kinds,
    number: int,
    outward: Floats,
    value: float,
    slope: Floats,
    hessian: Floats,
) -> CriticalPoint | Saddle:
    walls, moving = np.flatnonzero(outward), np.flatnonzero(free)
    eigenvalues = np.linalg.eigvalsh(hessian[np.ix_(moving, moving)]) if len(moving) else np.zeros(0)
    normals = tuple(tuple(float(outward[axis] * (axis == k)) + 0.0 for k in range(len(position))) for axis in walls)
    common = {
        "position": tuple(float(entry) for entry in position),
        "value": float(value),
        "hessian": tuple(tuple(float(entry) for entry in row) for row in 0.5 * (hessian + hessian.T)),
        "hessian_eigenvalues": tuple(float(entry) for entry in eigenvalues),
        "degenerate": bool(kinds.degenerate[number]),
        "on_boundary": len(walls) > 0,
        "wall_slopes": tuple(0.0 if free[axis] else abs(float(slope[axis])) for axis in walls),
        "wall_normals": normals,
    }
    if kinds.index[number] == 0:
        return CriticalPoint(kind="minimum", **common)  # type: ignore[arg-type]
    direction = tuple(float(entry) for entry in kinds.unstable[number])
    return Saddle(kind="saddle", joins=(-1, -1), unstable_direction=direction, **common)  # type: ignore[arg-type]
