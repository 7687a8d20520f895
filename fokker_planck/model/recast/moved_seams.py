"""A periodic axis begins anywhere: where a set touches its seam, from inside, the box is moved along the axis.

Cells follow seams as they follow surfaces, and where both touch no cell has a good shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.going_on import goes_on, same_values
from fokker_planck.model.sets.images import Images, with_images
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, Set
from fokker_planck.quantity.light_dataclasses import replace

TOUCHES = 1e-6
"""Of the period, the gap between a set and a seam that is none: with one of as much, or an overlap, sets are meshed."""
MOVES = (0.01, 0.017, 0.023, 0.031)
"""Of the period, by how much a seam is moved, the first that no set touches: further than gaps count, and little, since
coefficients are compared over that strip alone."""
FAR_MOVES = tuple(k / 16 for k in range(1, 16))
"""Of the period, in space: of a ball that is across a seam by a hundredth no mesh of moderate size follows the cap."""
PLACES = 500
"""Points of the strip at which coefficients are compared with what they are a period on."""
Functions = Sequence[Callable[[Floats], Floats]]


def off_seams(
    problem: Problem, sets: Sequence[Any], key: str, functions: Functions = ()
) -> tuple[Problem, Sequence[Any]]:
    """The same problem in a box whose seams none of the ``sets`` touches, and these; what was given if none does.

    Raises ``ProblemError`` with the ``key`` where a set touches a seam beyond which coefficients, ``functions`` (of
    points (dim, n)) or sets that are no balls do not go on.
    """
    own = [_own(each) for each in sets]
    box, round_ones = problem.domain, [shape for shape in own if isinstance(shape, Ball | Ellipsoid)]
    if not isinstance(box, Box) or problem.dimension == 1 or problem.resolution.cells is not None:
        return problem, tuple(sets)
    functions = (*functions, *(each.level for each in own if _by_level(each)))
    moved = problem
    for axis, period in enumerate(box.periods):
        if period is None or not _touched(round_ones, axis, box.lower[axis], period):
            continue
        where = f"a set that touches the seam {'xyz'[axis]} = {box.lower[axis]:g} of a periodic axis"
        starts = [box.lower[axis] + share * period for share in (MOVES if problem.dimension < 3 else FAR_MOVES)]
        if problem.dimension == 3:
            starts.sort(key=lambda start: _clearance(round_ones, axis, start, period), reverse=True)
        free = next((start for start in starts if not _touched(round_ones, axis, start, period)), None)
        if free is None or not _goes_on(problem, axis, free, functions):
            raise ProblemError(key, where, "a box that begins elsewhere along it, or formulas with its period")
        lower, upper = (list(corner) for corner in moved.bounding_box())
        lower[axis], upper[axis] = free, free + period
        named = {name: _brought_in(each, axis, free, period) for name, each in moved.sets.items()}
        moved = replace(moved, domain=Box(tuple(lower), tuple(upper), box.boundary), sets=named)
    return (problem, tuple(sets)) if moved is problem else (moved, [in_box_of(moved, each) for each in sets])


def off_seams_with(
    problem: Problem, shape: Any, beside: Mapping[str, Set], key: str, functions: Functions = ()
) -> tuple[Problem, Any, dict[str, Set]]:
    """As :func:`off_seams` of one set that is meshed, with others, by name, that are only looked into."""
    levels = (each.level for each in map(_own, beside.values()) if _by_level(each))
    moved, (target,) = off_seams(problem, (shape,), key, (*functions, *levels))
    if moved is problem:
        return problem, shape, dict(beside)
    return moved, target, {name: in_box_of(moved, each) for name, each in beside.items()}


def in_box_of(problem: Problem, shape: Any) -> Any:
    """A set by those of its images that reach into the box of the problem."""
    return with_images(_own(shape), *problem.bounding_box(), problem.periods)


def _own(shape: Any) -> Any:
    """The set that the others are images of."""
    return shape.shapes[0] if isinstance(shape, Images) else shape


def _by_level(shape: Any) -> bool:
    """Whether it is a set without images, which is what its level says wherever the box begins."""
    return not isinstance(shape, str | Ball | Ellipsoid) and shape is not None


def _touched(shapes: Iterable[Ball | Ellipsoid], axis: int, start: float, period: float) -> bool:
    """Whether an end of a set along the axis is a whole number of periods from the start."""
    for shape in shapes:
        reach = shape.radius if isinstance(shape, Ball) else shape.semi_axes[axis]
        for end in (shape.center[axis] - reach, shape.center[axis] + reach):
            turns = (end - start) / period
            if abs(turns - round(turns)) < TOUCHES:
                return True
    return False


def _brought_in(shape: Set, axis: int, start: float, period: float) -> Set:
    """The image of a ball whose centre lies in the box that begins at the start; any other set as it is."""
    if not isinstance(shape, Ball | Ellipsoid):
        return shape
    center = list(shape.center)
    center[axis] -= period * float(np.floor((center[axis] - start) / period))
    return replace(shape, center=tuple(center))


def _clearance(shapes: Iterable[Ball | Ellipsoid], axis: int, start: float, period: float) -> float:
    """The least distance of a seam from the middle of a set along the axis, less what the set reaches there."""
    found = period
    for shape in shapes:
        reach = shape.radius if isinstance(shape, Ball) else shape.semi_axes[axis]
        away = (shape.center[axis] - start) / period
        found = min(found, abs(away - round(away)) * period - reach)
    return found


def _goes_on(problem: Problem, axis: int, start: float, functions: Functions) -> bool:
    """Whether drift, noise and functions beyond the far face are what they are beyond the near one, up to the start."""
    lower, upper = (np.array(corner, dtype=float) for corner in problem.bounding_box())
    period, near = upper[axis] - lower[axis], upper.copy()
    near[axis] = start
    x = lower[:, None] + (near - lower)[:, None] * np.random.default_rng(1).uniform(size=(len(lower), PLACES))
    beyond: Floats = x.copy()
    beyond[axis] += period
    return goes_on(problem, x, beyond) and same_values(functions, x, beyond)
