"""The separatrices of a planar flow dx/dt = a(x), as curves: every saddle's stable manifold, followed backwards.

All of them are followed at once by Runge-Kutta steps along their length, dx/ds = -a/|a|, in which they attract their
neighbours, so that they are as exact as one step is.  A piece between two steps is a cubic curve with the right
directions at its ends, kept short enough for its middle to have the right direction, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.landscape.box_units import FlowInUnits, frame_in, units_of
from fokker_planck.landscape.flow.flow_steps import DORMAND_PRINCE, DORMAND_PRINCE_ERROR
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import Saddle
from fokker_planck.quantity.light_dataclasses import dataclass, replace

FIRST = 1e-5
"""Distance from the saddle at which a curve is begun along the eigenvector, relative to the extent of the domain: its
error there is the square of that, and 1e-10 is what is asked of the curves."""
LONGEST = 0.02
"""Longest piece, relative to the extent: cells cut by a curve are seldom smaller than that."""
MOST_STEPS = 4000
"""Of one curve; 40 extents in pieces of 0.02 are 2,000, the others are for where it turns."""
FARTHEST = 40.0
"""Length, in extents, after which a curve is given up: it winds around a cycle or a source for ever."""
OUTSIDE = 0.03
"""How far beyond the bounding box a curve is followed, relative to its edges."""
SLOWEST = 1e-8
"""Speed, relative to the greatest so far, at which a curve has come to its source: as near to it as it is exact."""
ASKEW = 0.2113
"""Where in a piece the slope of a cubic's error is largest: a third of the change of direction there is its error."""
PAIRS = 2_000_000
"""Pairs of a line and a piece that are compared at once: 100 MB."""


@dataclass(frozen=True)
class Curves:
    """Pieces of curves between basins: Bezier points (4, 2, k), and the two states beside each piece (2, k)."""

    points: Floats
    states: Integers

    def __len__(self) -> int:
        return int(self.points.shape[2])

    def crossings(self, start: Floats, way: Floats) -> tuple[Integers, Floats, Integers]:
        """How often lines ``start + t way`` (n, 2), 0 <= t <= 1, cross, where they do first, and by which piece; (n,).

        Where one piece may cross a line more than once, the count is 2.
        """
        count = np.zeros(len(start), dtype=np.int64)
        where, piece = np.full(len(start), np.nan), np.zeros(len(start), dtype=np.int64)
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        for begin in range(0, len(start), max(1, PAIRS // max(len(self), 1))):
            some = slice(begin, begin + max(1, PAIRS // max(len(self), 1)))
            a, w = start[some], way[some]
            near = np.ones((len(a), len(self)), dtype=bool)
            for axis in (0, 1):
                ends = np.sort(np.stack([a[:, axis], a[:, axis] + w[:, axis]]), axis=0)
                room = 1e-9 * (ends[1] - ends[0])
                near &= (ends[0] - room)[:, None] <= high[axis]
                near &= (ends[1] + room)[:, None] >= low[axis]
            line, number = np.nonzero(near)
            t, double = _meetings(self.points[:, :, number], a[line].T, w[line].T)
            hit = (t >= -ON_END) & (t <= 1.0 + ON_END)
            np.add.at(count, begin + line[hit], 1)
            np.maximum.at(count, begin + line[double], 2)
            order = np.flatnonzero(hit)[::-1]
            where[begin + line[order]], piece[begin + line[order]] = np.clip(t[order], 0.0, 1.0), number[order]
        return count, where, piece


ON_END = 1e-9
"""A line that ends on a curve crosses it: vertices of a mesh lie on separatrices by symmetry, up to rounding."""


def _meetings(bezier: Floats, a: Floats, w: Floats) -> tuple[Floats, Booleans]:
    """Where a line through ``a`` along ``w`` meets a piece, in units of ``w``, NaN if not; and whether it may twice."""
    height = w[0] * (bezier[:, 1] - a[1]) - w[1] * (bezier[:, 0] - a[0])
    above = height >= 0.0
    changes = (above[1:] != above[:-1]).sum(axis=0)
    t = np.full(a.shape[1], np.nan)
    one = np.flatnonzero(changes % 2 == 1)
    if len(one):
        h, points = height[:, one], bezier[:, :, one]
        low, high = np.zeros(len(one)), np.ones(len(one))
        s = h[0] / (h[0] - h[3])
        for _ in range(60):
            value = _bezier(h, s)
            same = (value >= 0.0) == above[0, one]
            low, high = np.where(same, s, low), np.where(same, high, s)
            slope = 3.0 * _bezier(np.diff(h, axis=0), s)
            with np.errstate(all="ignore"):
                step = s - value / slope
            fits = (step > low) & (step < high)
            following = np.where(fits, step, 0.5 * (low + high))
            if np.abs(following - s).max() < 1e-15:
                break
            s = following
        x = np.stack([_bezier(points[:, axis], s) for axis in (0, 1)])
        t[one] = np.einsum("in,in->n", x - a[:, one], w[:, one]) / np.einsum("in,in->n", w[:, one], w[:, one])
    along = np.einsum("kin,in->kn", bezier - a, w) / np.einsum("in,in->n", w, w)
    overlaps = (along.max(axis=0) > ON_END) & (along.min(axis=0) < 1.0 - ON_END)
    return t, (changes > 1) & overlaps


def _bezier(coefficients: Floats, s: Floats | float) -> Floats:
    """The Bernstein polynomial with coefficients (degree + 1, n) at s (n,), by de Casteljau's algorithm."""
    rows = list(coefficients)
    while len(rows) > 1:
        rows = [(1.0 - s) * first + s * second for first, second in zip(rows[:-1], rows[1:], strict=True)]
    return np.asarray(rows[0])


def stable_manifolds(
    function: Function, saddles: Sequence[Saddle], states: Sequence[int], frame: Frame, tolerance: float
) -> Curves | None:
    """The curves between different states; None where some saddle or curve is not of the kind that can be followed.

    Parameters
    ----------
    function
        with ``gradient``, minus the flow a, and ``hessian``, minus its Jacobian.
    saddles
        with the minima that each ``joins``.
    states
        the state of each minimum.
    frame
        of the domain.
    tolerance
        of the curves, relative to the extent of the domain.
    """
    units = units_of(frame)
    if units is not None:
        around = frame_in(frame, units)
        scaled = [replace(saddle, position=tuple((saddle.x / units).tolist())) for saddle in saddles]
        curves = stable_manifolds(FlowInUnits(function, units), scaled, states, around, tolerance)
        return None if curves is None else Curves(curves.points * units[:, None], curves.states)
    between = [saddle for saddle in saddles if states[saddle.joins[0]] != states[saddle.joins[1]]]
    starts: list[Floats] = []
    ways: list[Floats] = []
    for saddle in between:
        way = _stable_direction(function, saddle)
        if way is None:
            return None
        begun = [way] if saddle.wall_normals else [way, -way]
        starts += [saddle.x] * len(begun)
        ways += begun
    if not starts:
        return None
    beside = np.array([[states[k] for k in s.joins] for s in between for _ in range(1 if s.wall_normals else 2)]).T
    x, way = np.array(starts).T, np.array(ways).T
    first = FIRST * frame.extent
    # one that a wall holds has begun before it: edges of a mesh lie on that wall
    before = first * np.array([bool(s.wall_normals) for s in between for _ in range(1 if s.wall_normals else 2)])
    pieces = [_piece(x - before * way, x + first * way, way, way, first + before)]
    owners = [np.arange(x.shape[1])]
    traced = _followed(function, x + first * way, first, frame, tolerance)
    if traced is None:
        return None
    for which, piece in traced:
        pieces.append(piece)
        owners.append(which)
    points, owner = np.concatenate(pieces, axis=2), np.concatenate(owners)
    return _with_images(Curves(points, beside[:, owner]), frame)


def _stable_direction(function: Function, saddle: Saddle) -> Floats | None:
    """The unit vector along which the flow comes to the saddle, from inside of the domain; None if there is none."""
    if saddle.degenerate or len(saddle.position) != 2:
        return None
    if saddle.wall_normals:
        return -np.array(saddle.wall_normals[0]) if len(saddle.wall_normals) == 1 else None
    values, vectors = np.linalg.eig(function.hessian(saddle.x[:, None])[:, :, 0])
    if np.any(np.imag(values) != 0.0) or not values.real.min() < 0.0 < values.real.max():
        return None
    vector = vectors[:, np.argmax(values.real)].real
    return np.asarray(vector / np.linalg.norm(vector))


def _piece(x: Floats, y: Floats, before: Floats, after: Floats, length: Floats | float) -> Floats:
    """Bezier points (4, 2, k) of the cubic from x to y with unit tangents there."""
    return np.stack([x, x + length * before / 3.0, y - length * after / 3.0, y])


def _tried(
    direction: Callable[[Floats], tuple[Floats, Floats]], x: Floats, way: Floats, step: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """One step of each curve: its end, the direction and speed there, the cubic in between, and the error of both."""
    stages = [way]
    for row in DORMAND_PRINCE:
        y = x + step * sum(c * k for c, k in zip(row, stages, strict=True))
        after, speed = direction(y)
        stages.append(after)
    piece = _piece(x, y, way, after, step)
    place, tangent = _bezier(piece, ASKEW), 3.0 * _bezier(np.diff(piece, axis=0), ASKEW)
    true, _ = direction(place)
    turned = np.abs(tangent[0] * true[1] - tangent[1] * true[0])
    error = step * np.linalg.norm(sum(c * k for c, k in zip(DORMAND_PRINCE_ERROR, stages, strict=True)), axis=0)
    return y, after, speed, piece, np.maximum(error, 0.33 * turned)


def _followed(
    function: Function, x: Floats, first: float, frame: Frame, tolerance: float
) -> list[tuple[Integers, Floats]] | None:
    """The pieces of curves from points (2, k) on, with the number of the curve each belongs to."""
    lower, upper = np.array(frame.lower)[:, None], np.array(frame.upper)[:, None]
    walled = np.array([period is None for period in frame.periods])[:, None]
    room = OUTSIDE * (upper - lower)
    wanted, longest = tolerance * frame.extent, LONGEST * frame.extent

    def direction(place: Floats) -> tuple[Floats, Floats]:
        gradient = function.gradient(frame.wrapped(place))
        speed = np.linalg.norm(gradient, axis=0)
        return gradient / speed, speed

    active = np.arange(x.shape[1])
    step, travelled = np.full(x.shape[1], first), np.zeros(x.shape[1])
    pieces = []
    with np.errstate(all="ignore"):
        way, fastest = direction(x)
        for _ in range(MOST_STEPS):
            y, after, speed, piece, error = _tried(direction, x, way, step)
            error = np.where(np.isfinite(error), error / wanted, 1e10)
            good = error <= 1.0
            if good.any():
                pieces.append((active[good], piece[:, :, good]))
            fastest = np.maximum(fastest, np.where(good, speed, 0.0))
            ended = good & ((np.einsum("in,in->n", way, after) < 0.0) | (speed < SLOWEST * fastest))
            x, way = np.where(good, y, x), np.where(good, after, way)
            travelled = travelled + np.where(good, step, 0.0)
            step = np.minimum(step * np.clip(0.9 * error**-0.2, 0.2, 4.0), longest)
            gone = (((x < lower - room) | (x > upper + room)) & walled).any(axis=0)
            # a maximum: nothing comes from beyond it
            ended |= gone | (step < 1e-10 * frame.extent)
            if (travelled > FARTHEST * frame.extent).any():
                return None
            keep = ~ended
            active, x, way, step = active[keep], x[:, keep], way[:, keep], step[keep]
            travelled, fastest = travelled[keep], fastest[keep]
            if len(active) == 0:
                return pieces
    return None


def _with_images(curves: Curves, frame: Frame) -> Curves:
    """Curves on a periodic axis brought into the box, and a second time where they reach beyond it."""
    points, states = curves.points, curves.states
    for axis, period in enumerate(frame.periods):
        if period is None:
            continue
        points = points.copy()
        points[:, axis] -= period * np.floor((points[0, axis] - frame.lower[axis]) / period)
        low, high = points[:, axis].min(axis=0), points[:, axis].max(axis=0)
        room = 1e-6 * period
        left, right = low < frame.lower[axis] + room, high > frame.upper[axis] - room
        images = [points, points[:, :, left], points[:, :, right]]
        images[1][:, axis] += period
        images[2][:, axis] -= period
        points = np.concatenate(images, axis=2)
        states = np.concatenate([states, states[:, left], states[:, right]], axis=1)
    return Curves(points, states)
