"""Where a wall in the plane holds the flow of a drift, and it leads away to both sides: saddles on a wall.

With x(s) the wall, t its tangent, n its outward normal and a the flow, such a place has

    a . t = 0,    d(a . t)/ds > 0,    a . n > 0.

What runs into the wall on one side of it slides into another basin than what does so on the other: the path that comes
to it from inside is a separatrix, though no fixed point of the flow lies on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.types import Saddle
from fokker_planck.landscape.well_flow import Downhill
from fokker_planck.model.domain import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Ball

SAMPLE = 1000
"""Places on a wall between which the flow along it is seen to turn: two turns nearer than that are missed, as they are
where a mesh is a hundred times as coarse, and the flow from there is followed then, at many times the cost."""
BISECTIONS = 50
"""Of a thousandth of a wall: to rounding."""


@dataclass(frozen=True)
class _Wall:
    """Places (2, k), tangents (2, k) and outward normals (2, k) at parameters (k,) from 0 to ``length``."""

    places: Callable[[Floats], Floats]
    tangents: Callable[[Floats], Floats]
    normals: Callable[[Floats], Floats]
    length: float


def held_saddles(problem: Problem, flow: Downhill) -> tuple[Saddle, ...]:
    """The saddles that straight walls of a box hold, or that of a disc; which minima they join is not known here.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> out = SimpleNamespace(gradient=lambda x: np.stack([0.3 - x[0], -1.0 + 0.0 * x[0]]),
    ...                       hessian=lambda x: np.zeros((2, 2, x.shape[1])))
    >>> box = SimpleNamespace(domain=Box([-1.0, 0.0], [1.0, 1.0]), dimension=2, periods=(None, None))
    >>> [[round(entry, 9) for entry in saddle.position] for saddle in held_saddles(box, out)]
    [[0.3, 1.0]]
    """
    return tuple(saddle for wall in _walls(problem) for saddle in _on(wall, flow))


def _walls(problem: Problem) -> Iterator[_Wall]:
    domain = problem.domain
    if problem.dimension != 2:
        return
    if isinstance(domain, Box):
        corners = np.array([domain.lower, domain.upper], dtype=float)
        for axis in (axis for axis in (0, 1) if problem.periods[axis] is None):
            for side in (0, 1):
                yield _edge(corners, axis, side)
    elif isinstance(domain, Ball):
        yield _circle(np.asarray(domain.center, dtype=float), float(domain.radius))


def _edge(corners: Floats, axis: int, side: int) -> _Wall:
    along, out = np.eye(2)[1 - axis], np.eye(2)[axis] * (2 * side - 1)
    start = corners[0].copy()
    start[axis] = corners[side, axis]

    def constant(vector: Floats) -> Callable[[Floats], Floats]:
        return lambda s: np.repeat(vector[:, None], len(s), axis=1)

    length = float(corners[1, 1 - axis] - corners[0, 1 - axis])
    return _Wall(lambda s: start[:, None] + along[:, None] * s, constant(along), constant(out), length)


def _circle(center: Floats, radius: float) -> _Wall:
    def normals(s: Floats) -> Floats:
        return np.stack([np.cos(s / radius), np.sin(s / radius)])

    def tangents(s: Floats) -> Floats:
        return np.stack([-np.sin(s / radius), np.cos(s / radius)])

    return _Wall(lambda s: center[:, None] + radius * normals(s), tangents, normals, 2.0 * np.pi * radius)


def _on(wall: _Wall, flow: Downhill) -> list[Saddle]:
    def along(s: Floats) -> Floats:
        return -np.einsum("in,in->n", flow.gradient(wall.places(s)), wall.tangents(s))

    s = np.linspace(0.0, wall.length, SAMPLE + 1)
    with np.errstate(all="ignore"):
        speed = along(s)
        turns = np.flatnonzero((speed[:-1] < 0.0) & (speed[1:] >= 0.0))
        low, high = s[turns], s[turns + 1]
        for _ in range(BISECTIONS if len(turns) else 0):
            middle = 0.5 * (low + high)
            before = along(middle) < 0.0
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        return [saddle for place in high for saddle in _held(wall, flow, along, place)]


def _held(wall: _Wall, flow: Downhill, along: Callable[[Floats], Floats], place: float) -> list[Saddle]:
    """The saddle at a parameter, if the wall holds the flow there."""
    here = np.array([place])
    x, normal = wall.places(here), wall.normals(here)[:, 0]
    push = -float(flow.gradient(x)[:, 0] @ normal)
    step = wall.length / SAMPLE
    rate = float(np.diff(along(place + step * np.array([-0.5, 0.5])))[0]) / step
    if not (push > 0.0 and rate > 0.0):
        return []
    return [
        Saddle(
            tuple(x[:, 0].tolist()),
            0.0,
            tuple(tuple(row) for row in flow.hessian(x)[:, :, 0].tolist()),
            (-rate,),
            "saddle",
            on_boundary=True,
            wall_slopes=(push,),
            wall_normals=(tuple(normal.tolist()),),
            unstable_direction=tuple(wall.tangents(here)[:, 0].tolist()),
        )
    ]
