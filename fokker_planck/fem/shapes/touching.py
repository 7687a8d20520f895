"""Sets that absorb and only touch a wall: the gap between both is filled where it is too narrow for anything to enter.

At a distance s from the point where they touch the gap is s^2/(2R) wide.  Where a function vanishes on one side and has
no flux through the other, it falls along the gap like exp(-int pi/(2 width) ds) = exp(-pi R/s) for equal noise along
and across: next to the point it is nothing, whereas no cell has a good shape there.  A ball around the point, in which
the process is absorbed as well, meets set and wall at right angles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fokker_planck.fem.shapes.wedges import walls_of
from fokker_planck.fem.triangulations.triangulation import STRAIGHT, Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.sets.images import Images
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, Region
from fokker_planck.quantity.light_dataclasses import dataclass

FILLED = 0.05
"""Radius of the ball over R: what is left to enter there is exp(-pi/0.05) = 5e-28, and the gap is 1/800 of R wide, for
which the plane takes some fifty small cells."""
QUIETEST = 0.04
"""Noise across the gap over that along it, below which it is not filled: the radius falls with its root, and cells with
the square of the radius."""
NEARLY = 0.05
"""Gaps, or overlaps, up to this part of the width of the gap where it is filled up are filled as well: surfaces that
cross at a hundredth of a radian."""
NEWTON_STEPS, CLOSE = 30, 1e-10
"""Of the search of the point of a wall where a level is greatest, and the last of them, of the size of the domain."""
DIFFERENCE = 1e-4
"""Step of the differences, of the size of the domain: second ones are right to 1e-8, which is the place to 1e-8."""


@dataclass(frozen=True)
class _Touch:
    """The ``place`` (dim,) of a wall next to a surface, unit ``normal``, and by how much the surface misses the wall.

    The gap between them is ``radius``'s s^2/(2R) at least; ``curved`` is the radius of the surface itself.
    """

    place: Floats
    normal: Floats
    missed: float
    radius: float
    curved: float


def without_narrow_gaps(base: Triangulation, shape: Any, tensor: Callable[[Floats], Any]) -> Any:
    """The set that absorbs, united with balls around the points where it touches walls; itself where it does not.

    ``tensor`` is D at points (dim, n), (dim, dim, n).
    """
    shapes = shape.shapes if isinstance(shape, Images) else (shape,)
    if base.dimension == 1 or not all(isinstance(part, Ball | Ellipsoid | Region) for part in shapes):
        return shape
    filled = [
        Ball(tuple(touch.place.tolist()), radius)
        for part in shapes
        for touch in _touches(base, part)
        if (radius := _radius(touch, np.asarray(tensor(touch.place[:, None]))[:, :, 0])) > 0.0
    ]
    return Images((*shapes, *filled)) if filled else shape


def _radius(touch: _Touch, noise: Floats) -> float:
    """Of the ball that fills a gap, zero where the gap is too wide or noise along it too strong."""
    across = float(touch.normal @ noise @ touch.normal)
    share = across / float(np.linalg.eigvalsh(noise)[-1])
    if not share > QUIETEST:
        return 0.0
    radius = FILLED * min(touch.radius, touch.curved) * share**0.5
    return radius if abs(touch.missed) <= NEARLY * radius**2 / (2.0 * touch.radius) else 0.0


def _touches(base: Triangulation, shape: Any) -> Iterator[_Touch]:
    """For every wall the place where the level of the set is greatest, if it is next to zero and falls from there."""
    facets = base.facets
    curved = [surface for surface in base.surfaces if hasattr(surface, "level")]
    for wall in walls_of(base):
        number = next((n for n, s in enumerate(base.surfaces) if s is wall), STRAIGHT)
        on = np.unique(facets.vertices[(facets.surface == number) & facets.boundary])
        points = base.points[on]
        if wall not in curved:
            points = points[np.abs(wall.level(points.T)) < CLOSE * np.ptp(base.points, axis=0).max()]
        if len(points):
            touch = _nearest(wall, shape, points)
            if touch is not None:
                yield touch


def _nearest(wall: Any, shape: Any, points: Floats) -> _Touch | None:
    """By Newton's method along the wall, from the vertex (n, dim) of it with the greatest level."""
    x = points[np.argmax(shape.level(points.T))]
    reach = np.ptp(points, axis=0).max()
    step = DIFFERENCE * reach
    for _ in range(NEWTON_STEPS):
        along = _tangents(wall.gradient(x[:, None])[:, 0])
        slope, bend = _derivatives(lambda p: shape.level(wall.project(p)), x, along, step)
        if not np.linalg.eigvalsh(bend)[-1] < 0.0:
            return None
        move = -np.linalg.solve(bend, slope)
        x = wall.project((x + along.T @ move)[:, None])[:, 0]
        if np.linalg.norm(move) < CLOSE * reach:
            break
    else:
        return None
    if not ((x >= points.min(axis=0) - step) & (x <= points.max(axis=0) + step)).all():
        return None
    gradient = shape.gradient(x[:, None])[:, 0]
    steep, level = float(np.linalg.norm(gradient)), float(shape.level(x[:, None])[0])
    if not abs(level) < steep * reach:  # the set is centred on the wall, say, and does not only touch it
        return None
    own = _derivatives(shape.level, x, along, step)[1]
    bent = float(np.abs(np.linalg.eigvalsh(own)).max())
    closest = float(np.abs(np.linalg.eigvalsh(bend)).max())
    return _Touch(x, gradient / steep, -level / steep, steep / closest, steep / max(bent, steep / reach))


def _tangents(normal: Floats) -> Floats:
    """Orthonormal vectors (dim - 1, dim) along the wall."""
    return np.asarray(np.linalg.svd(normal[None, :] / np.linalg.norm(normal))[2][1:])


def _derivatives(function: Callable[[Floats], Floats], x: Floats, along: Floats, step: float) -> tuple[Floats, Floats]:
    """Slope (k,) and second derivatives (k, k) of a function along k directions (k, dim), by differences."""
    count = len(along)
    pairs = [(i, j) for i in range(count) for j in range(i, count)]
    signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    offsets = [a * along[i] + b * along[j] for i, j in pairs for a, b in signs]
    values = function((x + step * np.array(offsets)).T).reshape(len(pairs), 4)
    slope, bend = np.zeros(count), np.zeros((count, count))
    for (i, j), (pp, pm, mp, mm) in zip(pairs, values, strict=True):
        bend[i, j] = bend[j, i] = (pp - pm - mp + mm) / (4.0 * step**2)
        if i == j:
            slope[i] = (pp - mm) / (4.0 * step)
    return slope, bend
