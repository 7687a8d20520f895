"""Minimum energy paths: from every saddle the flow down to the minima on its two sides.

    dphi/dt = -M(phi) grad V(phi),      M the metric of the noise,

from a point beside the saddle on its unstable direction (E, Ren and Vanden-Eijnden 2002, whose strings relax to these
curves).  In detailed balance with little noise the process climbs along them, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function, Integers
from fokker_planck.landscape.flow.captures import Capture, capture_of
from fokker_planck.landscape.flow.flow_steps import Moving
from fokker_planck.landscape.flow.gradient_flow import FlowSettings, descend
from fokker_planck.landscape.paths import PathOverSaddle, lengths_along
from fokker_planck.landscape.types import Landscape, Saddle

BESIDE = 1e-5
"""Of the extent, off a saddle where a curve begins: its error there is the square of that."""
NEIGHBOUR = 1e-3
"""Of the distance to the nearest other critical point, which may be a narrow well: no curve begins farther off."""
ROUGH = (1e-3, 1e-2, 3e-2)
"""Of the extent, in turn, where the saddle is a point of a grid on a crest, half a step of which is 0.003."""
ENDED = 1e-3
"""Of the radius of a ball that the flow cannot leave, where a curve is closed by a straight piece: within a thousandth
of its length it turns by less than can be drawn."""
POINTS = 41
"""On each side of a saddle, at equal distances: the polygon through them is as long as the curve to 1e-3 (Müller-Brown:
2e-4)."""
FINE = 8
"""Points of a cubic piece between two steps of the flow, the longest of which are a tenth of the extent."""


@dataclass
class _Trail:
    """Where the flow passed, as it is told: which paths (k,), their places and directions (dim, k), step by step."""

    which: list[Integers] = field(default_factory=list)
    places: list[Floats] = field(default_factory=list)
    forces: list[Floats] = field(default_factory=list)

    def __call__(self, active: Integers, now: Moving, clock: Floats) -> None:
        self.which.append(active)
        self.places.append(now.position)
        self.forces.append(now.force)


def descent_paths(function: Function, landscape: Landscape) -> tuple[PathOverSaddle | None, ...]:
    """For every saddle the curve from one well over it to the other; None where the flow leads to the same one twice.

    Parameters
    ----------
    function
        V by its ``value``, and what the flow runs against, M grad V and its Jacobian, as ``gradient`` and ``hessian``.
    landscape
        minima and saddles of V.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fokker_planck.landscape.finding.search import find_landscape, sample_box
    >>> well = SimpleNamespace(value=lambda x: (x[0]**2 - 1)**2/4, gradient=lambda x: x**3 - x,
    ...                        hessian=lambda x: (3*x**2 - 1)[None])
    >>> (path,) = descent_paths(well, find_landscape(well, *sample_box([-2.0], [2.0])))
    >>> path.wells, round(path.length, 9), round(max(path.values), 9)
    ((0, 1), 2.0, 0.25)
    """
    if not landscape.saddles:
        return ()
    captures = [
        replace(ball, radius=ENDED * ball.radius)
        for ball in capture_of(function, landscape.minima, landscape.frame, landscape.saddles)
    ]
    offsets = np.array([_offset(function, landscape, saddle) for saddle in landscape.saddles]).T
    found = _followed(function, landscape, captures, list(range(len(landscape.saddles))), offsets)
    for distance in ROUGH:
        lost = [k for k, path in enumerate(found) if path is None and landscape.saddles[k].degenerate]
        if not lost:
            break
        ways = np.array([landscape.saddles[k].unstable_direction for k in lost]).T
        again = _followed(function, landscape, captures, lost, distance * landscape.frame.extent * ways)
        found = [again[lost.index(k)] if k in lost else path for k, path in enumerate(found)]
    return tuple(found)


def _offset(function: Function, landscape: Landscape, saddle: Saddle) -> Floats:
    """The step off a saddle along the direction in which the flow leaves it, to the side of its second well, (dim,)."""
    frame = landscape.frame
    others = [point.x for point in (*landscape.minima, *landscape.saddles) if point is not saddle]
    apart = [float(np.linalg.norm(frame.difference(place, saddle.x))) for place in others]
    reach = min([BESIDE * frame.extent, *(NEIGHBOUR * distance for distance in apart if distance > 0.0)])
    way = np.array(saddle.unstable_direction)
    if not saddle.degenerate and not saddle.wall_normals:
        rates, vectors = np.linalg.eig(np.nan_to_num(function.hessian(saddle.x[:, None])[:, :, 0]))
        unstable = vectors[:, int(np.argmin(rates.real))].real
        way = unstable * np.sign(unstable @ way or 1.0)
    return np.asarray(reach * way / (np.linalg.norm(way) + 1e-300))


def _followed(
    function: Function, landscape: Landscape, captures: Sequence[Capture], numbers: Sequence[int], offsets: Floats
) -> list[PathOverSaddle | None]:
    """The paths over some of the saddles, begun at ``offsets`` (dim, k) on both sides of them."""
    places = np.array([landscape.saddles[k].position for k in numbers]).T
    starts, trail = np.concatenate([places - offsets, places + offsets], axis=1), _Trail()
    flow = descend(function, starts, captures, landscape.frame, FlowSettings(), trail)
    which = np.concatenate(trail.which) if trail.which else np.zeros(0, dtype=np.int64)
    visited = [np.concatenate(parts, axis=1) if parts else starts[:, :0] for parts in (trail.places, trail.forces)]
    count = len(numbers)
    result: list[PathOverSaddle | None] = []
    for place, number in enumerate(numbers):
        ends = [int(flow.labels[place]), int(flow.labels[count + place])]
        if min(ends) < 0 or ends[0] == ends[1]:
            result.append(None)
            continue
        sides = [
            _side(landscape, number, end, *(part[:, which == own] for part in visited))
            for end, own in zip(ends, (place, count + place), strict=True)
        ]
        path = _joined(function, landscape, number, sides)
        whole = replace(path, wells=(ends[0], ends[1]))
        result.append(whole if ends[0] < ends[1] else whole.reversed())
    return result


def _side(landscape: Landscape, number: int, end: int, places: Floats, forces: Floats) -> Floats:
    """The curve from a saddle down to a minimum, (dim, POINTS), at equal distances, with no jump across faces."""
    frame, saddle = landscape.frame, landscape.saddles[number].x[:, None]
    minimum = landscape.minima[end].x[:, None]
    corners = np.concatenate([saddle, places, minimum], axis=1)
    steps = frame.difference(corners[:, 1:], corners[:, :-1])
    corners = np.concatenate([saddle, saddle + np.cumsum(steps, axis=1)], axis=1)
    sizes = np.linalg.norm(steps, axis=0)
    speed = np.linalg.norm(forces, axis=0)
    tangents = np.concatenate([steps[:, :1], forces, steps[:, -1:]], axis=1)
    sizes_there = np.concatenate([sizes[:1], speed, sizes[-1:]])
    tangents = np.divide(tangents, sizes_there, out=np.zeros_like(tangents), where=sizes_there > 0.0)
    s = np.linspace(0.0, 1.0, FINE, endpoint=False)[:, None]
    before, after = (2.0 * s**3 - 3.0 * s**2 + 1.0), (3.0 * s**2 - 2.0 * s**3)
    rise, fall = s * (1.0 - s) ** 2 * sizes, s**2 * (s - 1.0) * sizes
    ends = (corners[:, None, :-1], corners[:, None, 1:], tangents[:, None, :-1], tangents[:, None, 1:])
    pieces = ends[0] * before + ends[1] * after + ends[2] * rise + ends[3] * fall  # (dim, FINE, steps)
    curve = np.concatenate([np.swapaxes(pieces, 1, 2).reshape(len(corners), -1), corners[:, -1:]], axis=1)
    lengths = lengths_along(curve)
    even = np.linspace(0.0, lengths[-1], POINTS)
    result = np.array([np.interp(even, lengths, row) for row in curve])
    result[:, -1] = corners[:, -1]
    return result


def _joined(function: Function, landscape: Landscape, number: int, sides: Sequence[Floats]) -> PathOverSaddle:
    """Up one side and down the other."""
    points = np.concatenate([sides[0][:, ::-1], sides[1][:, 1:]], axis=1)
    values = np.asarray(function.value(landscape.frame.confine(points)), dtype=float)
    values[POINTS - 1] = landscape.saddles[number].value
    return PathOverSaddle(
        wells=(0, 0),
        saddle=number,
        summit=POINTS - 1,
        arclength=tuple(lengths_along(points).tolist()),
        points=tuple(tuple(row) for row in points.T.tolist()),
        values=tuple(values.tolist()),
    )
