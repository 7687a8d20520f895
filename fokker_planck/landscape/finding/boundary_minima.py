"""Minima that a curved reflecting wall holds: where the function falls towards the wall and is least along it.

Only membership in the domain is known.  Near a point p of the domain from which -grad f leads out, the wall is the
graph of a height s over the plane across that direction n, ``x(t) = p - r n + E t + s(t) n``, found by bisection;
Newton's method with differences minimises f(x(t)).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function
from fokker_planck.landscape.types import CriticalPoint, Saddle
from fokker_planck.quantity.light_dataclasses import dataclass, replace

LEVEL = 1e-5
"""Slope along the wall, over that into it, that counts as none; at a corner of a right angle one of them is 0.7."""
SHARP = 20.0
"""Curvature of f along the wall, in slopes over widths of the sample, from which a bend of the wall is a corner."""


@dataclass(frozen=True)
class Wall:
    """The wall of a domain around a point, as a graph over the tangent plane there."""

    contains: Callable[[Floats], Booleans]
    base: Floats
    normal: Floats
    tangents: Floats
    reach: float
    steepness: float

    def points(self, t: Floats) -> Floats:
        """Points (dim, k) of the wall over t (dim - 1, k); NaN where the ray does not cross the wall."""
        foot = self.base[:, None] + self.tangents @ t
        low, high = np.zeros(t.shape[1]), np.full(t.shape[1], self.reach)

        def inside(height: Floats) -> Booleans:
            return self.contains(foot + self.normal[:, None] * height)

        crossed = inside(low) & ~inside(high)
        for _ in range(60):
            middle = 0.5 * (low + high)
            within = inside(middle)
            low, high = np.where(within, middle, low), np.where(within, high, middle)
        return np.where(crossed, foot + low * self.normal[:, None], np.nan)


def wall_minimum(
    function: Function, contains: Callable[[Floats], Booleans], start: Floats, width: float
) -> CriticalPoint | None:
    """The minimum on the wall near a point of the domain from which f falls towards the outside; None at a corner.

    >>> from types import SimpleNamespace
    >>> slope = SimpleNamespace(value=lambda x: -x[0], gradient=lambda x: np.array([[-1.0], [0.0]]) + 0 * x,
    ...                         hessian=lambda x: np.zeros((2, 2, x.shape[1])))
    >>> held = wall_minimum(slope, lambda x: np.sum(x**2, axis=0) <= 1.0, np.array([0.97, 0.05]), 0.04)
    >>> [round(entry, 9) + 0.0 for entry in held.position], round(held.hessian_eigenvalues[0], 6)
    ([1.0, 0.0], 1.0)
    """
    x = start
    for round_ in range(4):
        wall = _wall(function, contains, x, width)
        if wall is None:
            return None
        t = _minimise(function, wall, width, (0.1, 0.03, 0.01, 0.003)[round_] * width)
        if t is None:
            return None
        x = wall.points(t[:, None])[:, 0]
        if not np.isfinite(x).all() or np.linalg.norm(x - start) > 6.0 * width:
            return None
    wall = _wall(function, contains, x, width)
    if wall is None:
        return None
    curvature = np.linalg.eigvalsh(_derivatives(function, wall, np.zeros(len(x) - 1), 0.02 * width)[1])
    gradient = function.gradient(x[:, None])[:, 0]
    hessian = function.hessian(x[:, None])[:, :, 0]
    slope = float(np.linalg.norm(gradient))
    if np.any(curvature >= SHARP * slope / width):
        return None
    flat = bool(np.any(curvature <= 1e-5 * slope / width))
    return CriticalPoint(
        position=tuple(float(entry) for entry in x),
        value=float(function.value(x[:, None])[0]),
        hessian=tuple(tuple(float(entry) for entry in row) for row in 0.5 * (hessian + hessian.T)),
        hessian_eigenvalues=tuple(float(entry) for entry in curvature),
        kind="minimum",
        degenerate=flat,
        on_boundary=True,
        wall_slopes=(slope,),
        wall_normals=(tuple(float(entry) for entry in -gradient / slope),),
    )


@dataclass(frozen=True)
class _Negated:
    """-f, of which the minima along a wall are the maxima of f."""

    function: Function

    def value(self, x: Floats) -> Floats:
        return -self.function.value(x)


def wall_saddle(
    function: Function, contains: Callable[[Floats], Booleans], start: Saddle, width: float
) -> Saddle | None:
    """The saddle in the plane that a curved wall holds near ``start``: f falls to the outside and is greatest along it.

    None where there is none.
    """
    x = start.x
    for step in (0.1, 0.03, 0.01, 0.003, 0.001):
        wall = _wall(function, contains, x, width)
        t = None if wall is None else _minimise(_Negated(function), wall, width, step * width)
        if wall is None or t is None:
            return None
        x = wall.points(t[:, None])[:, 0]
        if not np.isfinite(x).all() or np.linalg.norm(x - start.x) > 6.0 * width:
            return None
    wall = _wall(function, contains, x, width)
    if wall is None:
        return None
    curvature = float(_derivatives(function, wall, np.zeros(1), 0.02 * width)[1][0, 0])
    gradient = function.gradient(x[:, None])[:, 0]
    slope = float(np.linalg.norm(gradient))
    if not -SHARP * slope / width < curvature < -1e-5 * slope / width:
        return None
    hessian = function.hessian(x[:, None])[:, :, 0]
    along = wall.tangents[:, 0] * np.sign(wall.tangents[:, 0] @ np.array(start.unstable_direction) or 1.0)
    return replace(
        start,
        position=tuple(float(entry) for entry in x),
        value=float(function.value(x[:, None])[0]),
        hessian=tuple(tuple(float(entry) for entry in row) for row in hessian),
        hessian_eigenvalues=(curvature,),
        degenerate=False,
        on_boundary=True,
        wall_slopes=(slope,),
        wall_normals=(tuple(float(entry) for entry in -gradient / slope),),
        unstable_direction=tuple(float(entry) for entry in along),
    )


def height_of_wall(function: Function, contains: Callable[[Floats], Booleans], x: Floats, width: float) -> float:
    """The value of f where the ray of steepest descent from a point meets the wall; NaN if it does not."""
    wall = _wall(function, contains, x, width)
    return float("nan") if wall is None else float(function.value(wall.points(np.zeros((len(x) - 1, 1))))[0])


def _wall(function: Function, contains: Callable[[Floats], Booleans], x: Floats, width: float) -> Wall | None:
    gradient = function.gradient(x[:, None])[:, 0]
    steepness = float(np.linalg.norm(gradient))
    if not np.isfinite(steepness) or steepness == 0.0:
        return None
    normal = -gradient / steepness
    tangents = np.linalg.qr(normal[:, None], mode="complete")[0][:, 1:]
    wall = Wall(contains, x - 2.0 * width * normal, normal, tangents, 5.0 * width, steepness)
    return wall if np.isfinite(wall.points(np.zeros((len(x) - 1, 1)))).all() else None


def _derivatives(function: Function | _Negated, wall: Wall, t: Floats, step: float) -> tuple[Floats, Floats]:
    """Gradient and Hessian of f along the wall, by central differences."""
    size = len(t)
    unit = step * np.eye(size)
    stencil = [np.zeros(size)]
    stencil += [sign * unit[i] for i in range(size) for sign in (1.0, -1.0)]
    stencil += [a * unit[0] + b * unit[1] for a in (1.0, -1.0) for b in (1.0, -1.0)] if size == 2 else []
    f = function.value(wall.points(t[:, None] + np.array(stencil).T))
    gradient = np.array([(f[1 + 2 * i] - f[2 + 2 * i]) / (2.0 * step) for i in range(size)])
    hessian = np.diag([(f[1 + 2 * i] - 2.0 * f[0] + f[2 + 2 * i]) / step**2 for i in range(size)])
    if size == 2:
        hessian[0, 1] = hessian[1, 0] = (f[5] - f[6] - f[7] + f[8]) / (4.0 * step**2)
    return gradient, hessian


def _minimise(function: Function | _Negated, wall: Wall, width: float, step: float) -> Floats | None:
    t = np.zeros(wall.tangents.shape[1])
    for _ in range(30):
        gradient, hessian = _derivatives(function, wall, t, step)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return None
        if float(np.linalg.norm(gradient)) <= 1e-10 * wall.steepness:
            break
        eigenvalues, vectors = np.linalg.eigh(hessian)
        scale = max(float(np.abs(eigenvalues).max()), 1e-300)
        # Downhill also where f curves down along the wall.
        move = -vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(eigenvalues), 1e-6 * scale))
        with np.errstate(over="ignore"):  # along a wall without curvature a step is as good as infinite
            length = float(np.linalg.norm(move))
        t = t + move * min(1.0, width / max(length, 1e-300))
        if float(np.linalg.norm(t)) > 6.0 * width:
            return None
        if length < 1e-9 * width:
            break
    # At a corner the steps go to and fro: there is no point where the slope along the wall vanishes.
    return t if float(np.linalg.norm(gradient)) <= LEVEL * wall.steepness else None
