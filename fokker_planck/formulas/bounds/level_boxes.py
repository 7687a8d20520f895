"""Boxes that hold every zero of a formula: no part of a surface f = 0 is missed, however small."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.intervals import enclosed
from fokker_planck.formulas.expression import Expression
from fokker_planck.quantity.light_dataclasses import dataclass

# Boxes in all: a smooth curve in the plane takes some hundreds, a surface in space some ten thousands.
MOST_BOXES = 300_000
# A box is not split below this part of the domain, nor below four units in the last place of its coordinates: what is
# smaller than that no mesh can hold, since its cells would lose their shape to rounding.
SMALLEST = 1e-13
# Values below so many times the rounding of one of them have no certain sign; a few halvings are saved or wasted.
NOISE = 4.0


@dataclass(frozen=True)
class LevelBoxes:
    """Boxes that together hold every zero of f.

    Parameters
    ----------
    lower, upper
        corners, (dim, n): f is continuous there and strictly monotone along some axis, so that the surface is a graph
        over a face of the box, and no part of it is closed within
    doubtful_lower, doubtful_upper
        boxes in which that could not be proved: the smallest, where f = 0 touches or crosses itself or f jumps, and
        larger ones in which all of f is lost in the rounding of its terms
    complete
        whether they hold every zero; if not, they hold those parts that take few boxes
    """

    lower: Floats
    upper: Floats
    doubtful_lower: Floats
    doubtful_upper: Floats
    complete: bool = True

    @property
    def size(self) -> Floats:
        """The longest edge of every box in which the surface is a graph, (n,): what a mesh must see it with."""
        return np.asarray((self.upper - self.lower).max(axis=0, initial=0.0))

    @property
    def centres(self) -> Floats:
        """The centres of all boxes, doubtful ones last, (dim, n)."""
        lower, upper = (
            np.concatenate(pair, axis=1)
            for pair in ((self.lower, self.doubtful_lower), (self.upper, self.doubtful_upper))
        )
        return np.asarray(0.5 * lower + 0.5 * upper)


def boxes_meeting(
    expression: Expression,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    largest: float = np.inf,
    smallest: float = SMALLEST,
    most: int = MOST_BOXES,
    breaks: bool = False,
    partly: bool = False,
) -> LevelBoxes:
    """All zeros of f in the box from ``lower`` to ``upper`` (dim,), in boxes where the surface f = 0 is a graph.

    A box is dropped where interval bounds prove that f has one sign, kept where f is proved to be strictly monotone
    along an axis, and halved otherwise. Boxes of f = 0 with edges above ``largest`` are halved, too. With
    ``breaks`` the places where f jumps, has a pole or begins to be defined end up in doubtful boxes, whatever the sign
    of f there.

    Raises ConvergenceError where more than ``most`` boxes are needed, but with ``partly``: a corner along a curve in
    space, for one, may take any number of them, and all else has been found by then.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> found = boxes_meeting(parse_expression("1e-5 - abs(x - 0.7123)"), [-1.0], [1.0])
    >>> int(((found.lower < 0.71231) & (0.71231 < found.upper)).sum()), found.doubtful_lower.shape
    (1, (1, 0))
    """
    start, stop = np.atleast_1d(np.asarray(lower, dtype=float)), np.atleast_1d(np.asarray(upper, dtype=float))
    # an axis along which the box is flat is never cut
    extent = np.where(stop > start, stop - start, 1.0)
    used = np.array([name in expression.variables for name in expression.names])[: len(start)]
    below, above = start[:, None], stop[:, None]
    kept: list[tuple[Floats, Floats]] = []
    doubtful: list[tuple[Floats, Floats]] = []
    seen = 0
    while below.shape[1] and (seen := seen + below.shape[1]) <= most:
        found = enclosed(expression, below, above)
        # where f is nowhere defined there is no zero either
        meets = (found.low <= 0.0) & (found.high >= 0.0)
        if breaks:
            meets |= ~found.continuous & ~np.isnan(found.low)
        below, above = below[:, meets], above[:, meets]
        monotone = found.monotone[:, meets].any(axis=0)
        width = (above - below) * used[:, None]
        small = (width <= largest).all(axis=0)
        divisible = (width > _shortest(below, above, smallest * extent)).any(axis=0)
        done = monotone & small
        kept.append((below[:, done], above[:, done]))
        lost = ~done
        lost[lost] = _lost(expression, below[:, lost], above[:, lost], found.low[meets][lost], found.high[meets][lost])
        divisible &= ~lost
        stuck = ~done & ~divisible
        doubtful.append((below[:, stuck], above[:, stuck]))
        below, above = halved(below[:, ~done & divisible], above[:, ~done & divisible], extent, used)
    if below.shape[1] and not partly:
        reason = f"more than {most} boxes are needed to find every part of {expression.text} = 0"
        raise ConvergenceError(reason, "a formula whose zeros are a surface, without flat parts at zero")
    return LevelBoxes(*_joined(kept), *_joined(doubtful), complete=not below.shape[1])


def _shortest(lower: Floats, upper: Floats, wanted: Floats) -> Floats:
    """The edges below which boxes are not split, (dim, n): those ``wanted`` (dim,), or four units in the last place."""
    return np.maximum(4.0 * np.spacing(np.maximum(np.abs(lower), np.abs(upper))), wanted[:, None])


def _lost(expression: Expression, lower: Floats, upper: Floats, low: Floats, high: Floats) -> npt.NDArray[np.bool_]:
    """Where the values in a box, within [low, high], are no larger than what rounding leaves of one of them."""
    if not lower.shape[1]:
        return np.zeros(0, dtype=bool)
    centre = 0.5 * lower + 0.5 * upper
    middle = enclosed(expression, centre, centre)
    rounding = middle.high - middle.low
    return np.asarray(np.isfinite(rounding) & (np.maximum(-low, high) <= NOISE * rounding))


def halved(lower: Floats, upper: Floats, extent: Floats, used: npt.ArrayLike = True) -> tuple[Floats, Floats]:
    """Every box (dim, n) cut in two across its longest edge in units of the domain, along axes that matter."""
    count = lower.shape[1]
    axis = np.argmax((upper - lower) / extent[:, None] * np.reshape(used, (-1, 1)), axis=0)
    rows = np.arange(count)
    middle = 0.5 * lower[axis, rows] + 0.5 * upper[axis, rows]
    below, above = np.tile(lower, 2), np.tile(upper, 2)
    above[axis, rows] = middle
    below[axis, count + rows] = middle
    return below, above


def _joined(parts: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    return np.concatenate([a for a, _ in parts], axis=1), np.concatenate([b for _, b in parts], axis=1)
