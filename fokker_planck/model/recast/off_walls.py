"""A wall that lies in a set that absorbs plays no part in times: where the set touches it, the box is made larger.

A disc in the square around it: facets follow the circle and the wall, and between them no cell has a good shape. Not
for questions that ask for the mass of the whole box, as the rate of a committor does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.outside_box import ROOM
from fokker_planck.quantity.light_dataclasses import replace

TOUCHES = 1e-6
"""Of the width of the box, between a surface and a wall that it touches: a gap of ten times that is meshed."""
CROSSES = 1e-12
"""Of the width, by which a surface may cross a wall for all that, as rounding makes it: the cap beyond, as high and as
wide as the square root of that, changes a mean time by 1e-18 of itself. One of 1e-6 changes it by 1e-9."""
POINTS = {2: 401, 3: 61}
"""Along each direction of a wall: a surface that is nearest to it between them is found by a finer grid around."""
FINER, TIMES = 0.2, 9
"""Of the width of a grid, the next one's; and how often, after which its points are 1e-8 of the width apart."""


def off_walls(problem: Problem, absorbing: Sequence[Any]) -> Problem:
    """The same problem in a box whose walls no set that absorbs touches from beyond, or what was given.

    Where coefficients end at such a wall it stays.
    """
    box, sets = problem.domain, [each for each in absorbing if hasattr(each, "level") and hasattr(each, "gradient")]
    if not isinstance(box, Box) or box.dimension == 1 or problem.resolution.cells is not None or not sets:
        return problem
    corners = np.asarray([box.lower, box.upper])
    larger = corners.copy()
    for axis, side in product(range(box.dimension), (0, 1)):
        if box.periods[axis] is None and _only_touches(sets, corners, axis, side):
            larger[side, axis] += (2 * side - 1) * ROOM * (corners[1, axis] - corners[0, axis])
    if (larger == corners).all() or not _absorbed(sets, corners, larger):
        return problem
    lower, upper = (tuple(corner) for corner in larger.tolist())
    try:
        return replace(problem, domain=Box(lower, upper, box.boundary))
    except ProblemError:
        return problem


def _distance(sets: Sequence[Any], x: Floats) -> Floats:
    """How deep points (dim, n) lie in the union of the sets, to first order; negative outside."""
    slopes = [np.maximum(np.linalg.norm(each.gradient(x), axis=0), 1e-300) for each in sets]
    depths = [each.level(x) / slope for each, slope in zip(sets, slopes, strict=True)]
    return np.asarray(np.max(depths, axis=0))


def _only_touches(sets: Sequence[Any], corners: Floats, axis: int, side: int) -> bool:
    """Whether all of a wall lies in the sets, and their surface comes to it in single points."""
    width = corners[1] - corners[0]
    low, high = np.delete(corners, axis, axis=1)

    def depth(along: Floats) -> Floats:
        return _distance(sets, np.insert(along, axis, corners[side, axis], axis=0))

    least, deepest = np.inf, -np.inf
    span = high - low
    for _ in range(TIMES):
        along = _grid(low, high, POINTS[len(width)])
        depths = depth(along)
        best = along[:, int(np.argmin(depths))]
        least, deepest = min(least, float(depths.min())), max(deepest, float(depths.max()))
        if least < -CROSSES * width[axis]:
            return False
        span = FINER * span
        low, high = np.maximum(best - span / 2, low), np.minimum(best + span / 2, high)
    return bool(least < TOUCHES * width[axis] < deepest)


def _grid(low: Floats, high: Floats, count: int) -> Floats:
    """Points (dim, n) of a grid with so many along each direction."""
    lines = [np.linspace(a, b, count) for a, b in zip(low, high, strict=True)]
    return np.stack([line.ravel() for line in np.meshgrid(*lines, indexing="ij")])


def _absorbed(sets: Sequence[Any], corners: Floats, larger: Floats) -> bool:
    """Whether all between the walls and those moved lies in the sets."""
    x = _grid(larger[0], larger[1], POINTS[larger.shape[1]])
    beyond = ((x < corners[0][:, None]) | (x > corners[1][:, None])).any(axis=0)
    width = float(np.max(corners[1] - corners[0]))
    with np.errstate(all="ignore"):
        return bool((_distance(sets, x[:, beyond]) > -CROSSES * width).all())
