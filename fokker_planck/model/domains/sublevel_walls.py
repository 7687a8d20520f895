"""Walls between the points of the grid on which a sublevel set is sought: found by bounds of the formula for V.

Grid points on both sides of a wall V > level that is thinner than their distance look connected.  Boxes that hold all
of the surface V = level (:mod:`~.level_boxes`) are no wider than such a wall, and some of their
points lie inside of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.level_boxes import boxes_meeting
from fokker_planck.formulas.bounds.line_zeros import zeros_on_line
from fokker_planck.formulas.expression import Expression


def parts_on_line(formula: Expression, level: float, lower: float, upper: float) -> int:
    """How many intervals of [lower, upper] have V <= level, by all zeros of V - level, proved.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> parts_on_line(parse_expression("x**2 + exp(-((x - 0.3)/1e-6)**2)"), 0.5, -1.0, 1.0)
    2
    """
    zeros = [x for x in zeros_on_line(_less(formula, level), 0, lower, upper) if lower < x < upper]
    ends = np.array([lower, *zeros, upper])
    below = formula((0.5 * (ends[1:] + ends[:-1]))[None]) <= level
    return int(below[0]) + int((below[1:] & ~below[:-1]).sum())


def parts_between_walls(
    formula: Expression, level: float, lower: Floats, upper: Floats, inside: Booleans
) -> tuple[int, Floats | None]:
    """How many parts the grid points ``inside`` make when no step leads across a thin wall, and a place of one.

    Cells of the grid that hold a point with V > level, though all of their corners are inside, are not stepped through.
    """
    from scipy.ndimage import label

    count = np.array(inside.shape) - 1
    step = (upper - lower) / count
    boxes = boxes_meeting(_less(formula, level), lower, upper)
    sizes = np.concatenate([boxes.size, (boxes.doubtful_upper - boxes.doubtful_lower).max(axis=0, initial=0.0)])
    thin = sizes < step.min()
    if not thin.any():
        return 1, None
    centres, reach = boxes.centres[:, thin], 0.5 * sizes[thin]
    # the surface passes through the box: on one side of it V > level
    around = [centres]
    for axis in range(len(centres)):
        for side in (-1.0, 1.0):
            moved = centres.copy()
            moved[axis] += side * reach
            around.append(moved)
    points = np.concatenate(around, axis=1)
    points = points[:, ((points > lower[:, None]) & (points < upper[:, None])).all(axis=0)]
    above = points[:, ~(formula(points) <= level)]
    cells = np.minimum(((above - lower[:, None]) / step[:, None]).astype(int), (count - 1)[:, None])
    whole = np.ones(count, dtype=bool)
    some = np.zeros(count, dtype=bool)
    for corner in np.ndindex(*(2,) * len(count)):
        view = inside[tuple(slice(c, c + n) for c, n in zip(corner, count, strict=True))]
        whole &= view
        some |= view
    blocked = np.zeros(count, dtype=bool)
    blocked[tuple(cells)] = True
    hidden = blocked & whole
    if not hidden.any():
        return 1, None
    numbers, _ = label(some & ~blocked)
    sizes_of_parts = np.bincount(numbers.ravel())[1:]
    # next to the wall and to the surface single cells are cut off that are no parts
    parts = int((sizes_of_parts > max(8, 1e-3 * sizes_of_parts.max(initial=0))).sum())
    where = np.argwhere(hidden)[0]
    place: Any = lower + (where + 0.5) * step
    return parts, place


def _less(formula: Expression, level: float) -> Expression:
    """V - level."""
    from dataclasses import replace

    from sympy import Rational

    tree = formula.sympy - Rational(repr(float(level)))
    return replace(formula, text=f"{formula.text} - {level!r}", tree=tree, _derivatives={}, _tapes={})
