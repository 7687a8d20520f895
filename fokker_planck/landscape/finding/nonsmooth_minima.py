"""Minima that Newton's method does not find: where a curved wall holds the function, or where it is not smooth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.landscape.finding.boundary_minima import height_of_wall, wall_minimum
from fokker_planck.landscape.finding.crease_descent import Bottom, Height, down_a_crease, is_creased, roughly_down
from fokker_planck.landscape.finding.sample_graph import SampleGraph
from fokker_planck.landscape.flow.captures import capture_of
from fokker_planck.landscape.flow.gradient_flow import FlowSettings, descend
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.minimax import climb_heights
from fokker_planck.landscape.types import CriticalPoint
from fokker_planck.quantity.light_dataclasses import replace

Inside = Callable[[Floats], Booleans]

ASIDE = 1e-3
"""Of the distance of the graph's points, how far from a saddle the flow begins that is to leave it."""
BESIDE = 1e-6
"""The same, how far from a minimum the slope is looked at: a smooth one has a hundredth of what is next to none."""
ON_A_CREASE = 2.0
"""Times the slope and the distance of points, what a graph climbs along a level crease that passes between its points:
half of that on the ring of ``abs(r - 1)``; between two wells on one crease, five units deep, four times that."""
FLAT = 1e-9
"""Of the height of the lower half of the domain: a slope that leads down by less, all across it, is a plateau."""


def wall_minima(
    function: Function, graph: SampleGraph, contains: Inside, known: list[CriticalPoint]
) -> list[CriticalPoint]:
    """Minima of the graph from which the function falls out of the domain, polished along its wall."""
    frame = graph.frame
    found: list[CriticalPoint] = []
    for vertex in graph.bottoms:
        x, width = graph.points[vertex], float(graph.widths[vertex])
        slope = function.gradient(x[:, None])[:, 0]
        steep = float(np.linalg.norm(slope))
        if not steep > 0.0 or contains((x - 2.0 * width * slope / steep)[:, None])[0]:
            continue
        # On a wall of constant height each vertex would give the same minimum again.
        height = height_of_wall(function, contains, x, width)
        if any(_flat(other, width) and abs(other.value - height) <= 1e-9 * width * steep for other in found):
            continue
        point = wall_minimum(function, contains, x, width)
        if point is None and _lowest_around(function, contains, x, width):
            point = _rough_point(function, x, True)
        if point is not None and not any(_same(point, other, width, frame) for other in known + found):
            found.append(point)
    return found


def _same(point: CriticalPoint, other: CriticalPoint, width: float, frame: Frame) -> bool:
    """One place, or two on a stretch of wall along which the function is constant."""
    level = abs(point.value - other.value) <= 1e-9 * width * max(point.wall_slopes, default=0.0)
    distance = float(np.linalg.norm(frame.difference(other.x, point.x)))
    return (level and _flat(point, width) and _flat(other, width)) or distance <= 0.1 * width


def _flat(point: CriticalPoint, width: float) -> bool:
    """Held by a curved wall along which the function does not change."""
    held = point.degenerate and len(point.wall_slopes) == 1
    return held and min(point.hessian_eigenvalues) <= 1e-3 * point.wall_slopes[0] / width


def _lowest_around(function: Function, contains: Inside, x: Floats, width: float) -> bool:
    """No point of the domain in a spray of points around x is lower: x is at an edge or a corner of the domain."""
    spray = np.random.default_rng(1).standard_normal((len(x), 400))
    spray *= width * np.geomspace(1e-3, 1.0, 400) / np.linalg.norm(spray, axis=0)
    around = x[:, None] + spray
    around = around[:, contains(around)]
    return bool(np.all(function.value(around) >= function.value(x[:, None])[0]))


def _rough_point(function: Function, x: Floats, on_boundary: bool, bottom: Bottom | None = None) -> CriticalPoint:
    """A minimum as it was found, without derivatives that mean anything there; the ``bottom`` of a crease with its own.

    Finite differences across a crease are the jump of the slope over their step, of either sign.
    """
    known = getattr(function, "rounding", None)
    if bottom is not None and known is not None and known(x[:, None])[0] > 0.0:
        hessian = bottom.hessian
    else:
        hessian = np.nan_to_num(function.hessian(x[:, None])[:, :, 0])
    return CriticalPoint(
        position=tuple(float(entry) for entry in x),
        value=float(function.value(x[:, None])[0]),
        hessian=tuple(tuple(float(entry) for entry in row) for row in hessian),
        hessian_eigenvalues=tuple(float(entry) for entry in np.linalg.eigvalsh(hessian)),
        kind="minimum",
        degenerate=True,
        on_boundary=on_boundary,
        uncertainty=0.0 if bottom is None else bottom.uncertainty,
    )


def unpolished_minima(
    function: Function,
    graph: SampleGraph,
    contains: Inside,
    known: list[CriticalPoint],
    saddles: Sequence[CriticalPoint] = (),
) -> list[CriticalPoint]:
    """Minima of the graph from which the flow reaches no known minimum: the function is not smooth there.

    A graph that is too coarse for a narrow valley has minima all along it, and on a saddle the flow rests.
    """
    frame = graph.frame
    extra: list[CriticalPoint] = []
    for vertex, start, end in _loose_ends(function, graph, known, saddles):
        if not frame.box:
            # Next to a curved wall: either its minimum is known by now, or the wall's steps made up this one.
            slope = function.gradient(start[:, None])[:, 0]
            ahead = start - 2.0 * graph.widths[vertex] * slope / (np.linalg.norm(slope) + 1e-300)
            # in the point of a cusp, (x**2 + y**2)**0.75, there is no slope
            if np.isfinite(ahead).all() and not contains(ahead[:, None])[0]:
                continue
        if np.isfinite(end).all() and frame.holds(end[:, None])[0] and contains(frame.pulled_in(end[:, None]))[0]:
            start = end
        width = float(graph.widths[vertex])
        bottom = _bottom(function, _compass(function, start, width, frame), width, frame, known + extra)
        if bottom is None:
            continue
        x, smooth = bottom.x, not bottom.creased and _is_smooth(function, bottom.x, width)
        value = float(function.value(x[:, None])[0])
        room = 1e-12 * np.abs(graph.values).max() + 1e-9 * np.ptp(graph.values)
        level = [other for other in known + extra if smooth and other.degenerate and abs(other.value - value) <= room]
        if not _on_one_plateau(function, x, level, vertex, graph):
            on_boundary = bool(frame.walls_met(x[:, None]).any())
            extra.append(_rough_point(function, x, on_boundary, bottom if bottom.creased else None))
    return extra


def _bottom(
    function: Function, x: Floats, width: float, frame: Frame, others: Sequence[CriticalPoint]
) -> Bottom | None:
    """The bottom that a crease through a place leads to, or the place itself where there is none; None where known."""

    def known(place: Floats) -> bool:
        return _number_of(place, others, width, frame) >= 0

    height = _height(function, frame)
    if len(x) == 1 or (not is_creased(height, x, width, frame.extent) and _is_smooth(function, x, width)):
        return None if known(x) else Bottom(x, False, 0.0, np.zeros((len(x), len(x))))
    found = down_a_crease(height, x, width, frame.extent, known)
    if found is None or known(found.x):
        return None
    return replace(found, x=frame.confine(found.x[:, None])[:, 0])


def down_to(function: Function, x: Floats, width: float, minima: Sequence[CriticalPoint], frame: Frame) -> int:
    """The number of the minimum that a crease leads to from where the flow stalled beside it; -1 where none is known.

    On creases of functions of which there are finite differences alone the flow stands still.
    """
    if len(x) == 1 or not frame.box:
        return -1
    end = roughly_down(_height(function, frame), x, width, frame.extent)
    return -1 if end is None else _number_of(end, minima, width, frame)


def _number_of(place: Floats, minima: Sequence[CriticalPoint], width: float, frame: Frame) -> int:
    """Of the minimum at a place, -1 where there is none."""
    held = frame.confine(place[:, None])[:, 0]
    distances = [float(np.linalg.norm(frame.difference(each.x, held))) for each in minima]
    nearest = int(np.argmin(distances)) if distances else -1
    return nearest if distances and distances[nearest] <= 0.1 * width else -1


def _loose_ends(
    function: Function, graph: SampleGraph, known: list[CriticalPoint], saddles: Sequence[CriticalPoint]
) -> Iterator[tuple[int, Floats, Floats]]:
    """Minima of the graph from which the flow reaches no known one: the vertex, its beginning, its end."""
    frame = graph.frame
    bottoms = graph.bottoms[np.argsort(graph.values[graph.bottoms], kind="stable")]
    captures = capture_of(function, known, frame, saddles)
    # on a plateau that a spline makes rippled, paths would creep for thousands of steps
    half = len(graph.values) // 2
    flat = FLAT * float(np.partition(graph.values, half)[half] - graph.values.min()) / frame.extent
    settings = FlowSettings(1e-5, least_slope=flat)
    flow = descend(function, graph.points[bottoms].T, captures, frame, settings)
    resting = _resting_on(saddles, flow.ends, frame)
    loose = (flow.labels < 0) & (resting < 0)
    yield from zip(bottoms[loose], graph.points[bottoms[loose]], flow.ends.T[loose], strict=True)
    own, sides = _beside_saddles(graph, bottoms, saddles, resting)
    beside = descend(function, sides, captures, frame, settings)
    loose = (beside.labels < 0) & (_resting_on(saddles, beside.ends, frame) < 0)
    yield from zip(own[loose], sides.T[loose], beside.ends.T[loose], strict=True)


def _is_smooth(function: Function, x: Floats, width: float) -> bool:
    """Whether the slope at a minimum is next to none across a cell of the graph."""
    steepness = float(np.linalg.norm(function.gradient(x[:, None])))
    return bool(steepness <= 1e-4 * width * np.abs(function.hessian(x[:, None])).max())


def _on_one_plateau(
    function: Function, x: Floats, level: Sequence[CriticalPoint], vertex: int, graph: SampleGraph
) -> bool:
    """Whether a minimum belongs to one of those as high as it: of a smooth function it does, where there is any.

    On the crease of ``abs(y - 0.1)`` itself there is no slope, as the sign of zero is zero: two wells on it are apart
    where the graph climbs between them by more than it does along any crease, its slope times the distance of points.
    """
    width = float(graph.widths[vertex])
    steps = BESIDE * width * np.concatenate([np.eye(len(x)), -np.eye(len(x))], axis=1)
    with np.errstate(all="ignore"):
        slope = float(np.nanmax(np.linalg.norm(function.gradient(x[:, None] + steps), axis=0), initial=0.0))
    if not level or slope <= 1e-4 * width * np.abs(function.hessian(x[:, None])).max():
        return bool(level)
    climbs = climb_heights(graph.values, graph.edges, np.arange(len(graph.points)) == vertex)
    points = graph.points.T
    nodes = [
        int(np.argmin(np.linalg.norm(graph.frame.difference(points, other.x[:, None]), axis=0))) for other in level
    ]
    return bool(np.min(climbs[nodes] - [other.value for other in level]) <= ON_A_CREASE * slope * width)


def _resting_on(saddles: Sequence[CriticalPoint], ends: Floats, frame: Frame) -> Integers:
    """The number of the smooth saddle at which the flow ended, to rounding, (n,), -1 where at none."""
    result = np.full(ends.shape[1], -1, dtype=np.int64)
    for number, saddle in enumerate(saddles):
        if not saddle.degenerate:
            away = [float(np.linalg.norm(frame.difference(saddle.x, end))) for end in ends.T]
            result[np.array(away) <= 1e-7 * frame.extent] = number
    return result


def _beside_saddles(
    graph: SampleGraph, bottoms: Integers, saddles: Sequence[CriticalPoint], resting: Integers
) -> tuple[Integers, Floats]:
    """Points (dim, n) on both sides of saddles that the graph takes for minima, and the vertices that these are, (n,).

    The wells between which such a saddle lies are narrower than the graph; where they are not smooth, as those of
    ``max(abs(x), 0.01 - 3 x^2)``, Newton's method finds none.
    """
    own, points = [], []
    for vertex, number in zip(bottoms, resting, strict=True):
        if number >= 0:
            step = ASIDE * float(graph.widths[vertex]) * np.linalg.eigh(np.array(saddles[number].hessian))[1][:, 0]
            own += [vertex, vertex]
            points += [saddles[number].x + step, saddles[number].x - step]
    return np.array(own, dtype=np.int64), np.array(points).reshape(-1, graph.points.shape[1]).T


def _compass(function: Function, x: Floats, step: float, frame: Frame) -> Floats:
    """Descent by trial along the axes and diagonals, for a function that need not be smooth."""
    moves = np.array([move for move in product((-1.0, 0.0, 1.0), repeat=len(x)) if any(move)]).T
    best, value = x, float(function.value(x[:, None])[0])
    for _ in range(400):
        trial = frame.confine(best[:, None] + step * moves)
        with np.errstate(all="ignore"):
            heights = function.value(trial)
        lowest = int(np.nanargmin(heights))
        if heights[lowest] < value:
            best, value = trial[:, lowest], float(heights[lowest])
        else:
            step *= 0.5
            if step < 1e-12 * frame.extent:
                break
    return best


def _height(function: Function, frame: Frame) -> Height:
    """Values at points (dim, n) held by the box, infinite where there are none."""

    def height(points: Floats) -> Floats:
        with np.errstate(all="ignore"):
            values = function.value(frame.confine(points))
        return np.where(np.isfinite(values), values, np.inf)

    return height
