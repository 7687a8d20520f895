"""Where the flow dx/dt = -grad f ends: adaptive steps for many points at once.

The steps are explicit at first; points that are still under way after a while are in a narrow valley, where the
explicit method must creep, and go on by a Rosenbrock method, which is stable at any step.

A point is *captured* once it is in a ball (in the metric of the Hessian) around a minimum inside of which f has been
seen to increase outward along every ray, so that the flow cannot leave it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fokker_planck.arrays import Booleans, Floats, Function, Integers
from fokker_planck.landscape.box_units import FlowInUnits, frame_in, units_of
from fokker_planck.landscape.critical_points import slope_of_rounding
from fokker_planck.landscape.flow_steps import HeldFlow, Moving
from fokker_planck.landscape.types import CriticalPoint, Frame

EXPLICIT_STEPS = 120
"""Before steps become implicit, which are dearer and stand stiffness: a valley 10,000 times steeper across takes 0.8 s
of CPU with 30, 1.0 with 120, 2.3 with 480; 26 wells 0.45, 0.41, 0.37."""
STALLED = 60
"""Implicit steps in slopes of rounding after which a point rests: slopes from finite differences never vanish."""
NARROW_VALLEY = 3.0
"""Root of a quotient of curvatures above which rays are drawn towards the valley: below it, 72 of them see into it."""
SAME_PLACE = 1e-9
"""Of the extent, within which two critical points are one and the same."""


@dataclass(frozen=True)
class Capture:
    """The ball ``(x - centre) . metric (x - centre) <= radius**2`` from which the flow goes to ``centre``."""

    centre: Floats
    metric: Floats
    radius: float

    def contains(self, x: Floats, frame: Frame) -> Booleans:
        """Which of the points (dim, n) lie in the ball, (n,)."""
        delta = frame.difference(x, self.centre[:, None])
        inside: Booleans = np.einsum("in,ij,jn->n", delta, self.metric, delta) <= self.radius**2
        return inside


def capture_of(
    function: Function, minima: Sequence[CriticalPoint], frame: Frame, saddles: Sequence[CriticalPoint] = ()
) -> tuple[Capture, ...]:
    """The largest checked capture ball of every minimum, which holds no other critical point that is known."""
    return tuple(_capture(function, number, minima, frame, saddles) for number in range(len(minima)))


def _capture(
    function: Function, number: int, minima: Sequence[CriticalPoint], frame: Frame, saddles: Sequence[CriticalPoint]
) -> Capture:
    point = minima[number]
    dimension = len(point.position)
    metric = np.array(point.hessian)
    if point.degenerate or point.wall_slopes or np.linalg.eigvalsh(metric)[0] <= 0.0:
        units = units_of(frame)
        metric = np.eye(dimension) if units is None else np.diag(units**-2.0)
    outward = _rays(metric)
    reach = [frame.extent * np.sqrt(np.linalg.eigvalsh(metric)[-1])]
    for other in (*minima[:number], *minima[number + 1 :], *saddles):
        delta = frame.difference(other.x, point.x)
        reach.append(np.sqrt(delta @ metric @ delta))
    reach = [distance for distance in reach if distance > SAME_PLACE * reach[0]]
    for period, scale in zip(frame.periods, np.diag(metric), strict=True):
        if period is not None:
            reach.append(0.5 * period * np.sqrt(scale))
    # A ball much larger than its shells are apart is not trusted: 60 shells, and the last of a falling run is dropped.
    radii = min(reach) * np.concatenate([np.geomspace(1e-4, 1e-2, 5), np.linspace(0.02, 1.0, 55)])
    climbs = _climbs(function, point, metric, radii[None, :, None] * outward[:, None, :], frame)
    good = len(radii) if climbs.all() else int(np.argmin(climbs))
    if good > 0:
        return Capture(point.x, metric, 0.9 * float(radii[good - 1]))
    # a well much narrower than its distance to the next
    radii = min(reach) * np.geomspace(1e-12, 1e-4, 41)
    climbs = _climbs(function, point, metric, radii[None, :, None] * outward[:, None, :], frame)
    first = int(np.argmax(climbs))
    good = first + int(np.argmin(np.append(climbs[first:], False)))
    return Capture(point.x, metric, 0.9 * float(radii[good - 1]) if good > first else 1e-9 * frame.extent)


def _climbs(function: Function, point: CriticalPoint, metric: Floats, shells: Floats, frame: Frame) -> Booleans:
    """Whether the function rises outward everywhere on each shell around a minimum, given by offsets (dim, m, k)."""
    dimension, count, _ = shells.shape
    flat = (point.x[:, None, None] + shells).reshape(dimension, -1)
    with np.errstate(all="ignore"):
        slope = np.einsum("ik,ij,jk->k", flat - point.x[:, None], metric, function.gradient(flat))
    bounded = np.ones(flat.shape[1], dtype=bool)
    for axis in np.flatnonzero(frame.walled):
        bounded &= (flat[axis] >= frame.lower[axis]) & (flat[axis] <= frame.upper[axis])
    for normal in point.wall_normals:
        bounded &= np.array(normal) @ (flat - point.x[:, None]) <= 0.0
    climbs = (slope > 0.0) | ~bounded
    if frame.hold is not None:
        # Outside there is no flow; but what is seen from the minimum only across a wall need not come down to it.
        inside = (frame.hold(flat) == flat).all(axis=0).reshape(count, -1)
        climbs = (climbs.reshape(count, -1) & np.logical_and.accumulate(inside, axis=0)) | ~inside
    return np.all(climbs.reshape(count, -1), axis=1)


def _rays(metric: Floats) -> Floats:
    """Vectors (dim, k) of length one in the metric, along which f is seen to increase.

    In the metric the slope along a ray is that of the stiff directions, but for rays within the root of the quotient of
    the eigenvalues of the soft ones: in a valley, where f can fall, only rays drawn together by that quotient lie.
    """
    eigenvalues, vectors = np.linalg.eigh(metric)
    ratio = np.sqrt(eigenvalues / eigenvalues[0])
    spread = _directions(len(metric))
    powers = [0.0] if ratio[-1] < NARROW_VALLEY else [0.0, 0.5, 1.0, 1.5]
    drawn = np.concatenate([spread / ratio[:, None] ** power for power in powers], axis=1)
    drawn /= np.linalg.norm(drawn, axis=0)
    return np.asarray(vectors @ (drawn / np.sqrt(eigenvalues)[:, None]))


def _directions(dimension: int) -> Floats:
    """Unit vectors spread over the sphere, (dim, k)."""
    if dimension == 1:
        return np.array([[-1.0, 1.0]])
    if dimension == 2:
        angles = 2.0 * np.pi * np.arange(72) / 72.0
        return np.array([np.cos(angles), np.sin(angles)])
    step = np.arange(400) + 0.5
    height = 1.0 - 2.0 * step / 400.0
    angles = np.pi * (1.0 + 5.0**0.5) * step
    around = np.sqrt(1.0 - height**2)
    return np.array([around * np.cos(angles), around * np.sin(angles), height])


@dataclass(frozen=True)
class Descent:
    """Where the flow led each point.

    labels : number of the capture ball, -1 for none (n,)
    ends : where it stopped (dim, n)
    times : how long it took, to the end of the last step or, if asked for, to the ball (n,)
    slowest : the slowest point on the way, which is near a saddle for a point near a separatrix (dim, n)
    """

    labels: Integers
    ends: Floats
    times: Floats
    slowest: Floats


def descend(
    function: Function,
    x: Floats,
    captures: Sequence[Capture],
    frame: Frame,
    tolerance: float = 1e-8,
    steps: int = 2000,
    timed: bool = False,
    least_slope: float = 0.0,
) -> Descent:
    """Follow dx/dt = -grad f from points (dim, n), held back by the walls of the box.

    Args:
        function: f.
        x: start points, (dim, n).
        captures: balls at which to stop.
        frame: periods and walls.
        tolerance: local error of one step relative to the extent of the domain.
        steps: when to give up.
        timed: find out when a ball was entered, not only at the end of which step.
        least_slope: below which a path ends where it is.
    """
    units = units_of(frame)
    if units is not None:
        column = units[:, None]
        scaled = [Capture(c.centre / units, c.metric * (column * units), c.radius) for c in captures]
        path = descend(
            FlowInUnits(function, units), x / column, scaled, frame_in(frame, units), tolerance, steps, timed
        )
        return Descent(path.labels, path.ends * column, path.times, path.slowest * column)
    labels = np.full(x.shape[1], -1, dtype=np.int64)
    ends = frame.confine(np.asarray(x, dtype=float))
    slowest, times = ends.copy(), np.zeros(x.shape[1])
    active = np.arange(x.shape[1])
    flow = HeldFlow(function, frame, tolerance * frame.extent)
    with np.errstate(all="ignore"):
        now = before = flow.start(ends.copy())
        least = np.linalg.norm(now.force, axis=0)
        taken, clock = np.zeros(len(active)), np.zeros(len(active))
        resting = np.zeros(len(active), dtype=np.int64)
        for count in range(steps):
            done = np.zeros(len(active), dtype=bool)
            for number, capture in enumerate(captures):
                inside = capture.contains(now.position, frame)
                if inside.any():
                    labels[active[inside]] = number
                    if timed:
                        share = _entry(capture, frame, before.chosen(inside), now.chosen(inside), taken[inside])
                        clock[inside] -= taken[inside] * (1.0 - share)
                    done |= inside
            speed = np.linalg.norm(now.force, axis=0)
            slower = speed < least
            least = np.where(slower, speed, least)
            slowest[:, active[slower]] = now.position[:, slower]
            # Stalled: no further than rounding in a step as long as the walls and the stability of the method allow.
            done |= (
                (resting >= STALLED)
                | ~np.isfinite(speed)
                | (speed * now.step < 1e-15 * frame.extent)
                | (speed <= least_slope)
                | _gone(now.position, frame)
            )
            if done.any():
                ends[:, active[done]], times[active[done]] = now.position[:, done], clock[done]
                keep = ~done
                active, now = active[keep], now.chosen(keep)
                least, clock, resting = least[keep], clock[keep], resting[keep]
            if len(active) == 0:
                break
            before = now
            now, accepted = (flow.explicit if count < EXPLICIT_STEPS else flow.implicit)(before)
            taken = np.where(accepted, before.step, 0.0)
            clock = clock + taken
            if count >= EXPLICIT_STEPS:
                level = np.linalg.norm(now.force, axis=0) <= slope_of_rounding(function, now.position, frame)
                resting = np.where(level, resting + 1, 0)
    ends[:, active], times[active] = now.position, clock
    return Descent(labels, ends, times, slowest)


def _gone(x: Floats, frame: Frame) -> Booleans:
    """Points that the flow has carried far out of a domain without flat walls to hold them."""
    gone = np.zeros(x.shape[1], dtype=bool)
    for axis, (low, high, period) in enumerate(zip(frame.lower, frame.upper, frame.periods, strict=True)):
        if period is None and not frame.box:
            gone |= (x[axis] < low - 0.5 * (high - low)) | (x[axis] > high + 0.5 * (high - low))
    return gone


def _entry(capture: Capture, frame: Frame, before: Moving, after: Moving, step: Floats) -> Floats:
    """At which fraction of its step each path, a cubic through both ends, entered the ball."""
    start = frame.difference(before.position, capture.centre[:, None])
    stop = start + frame.difference(after.position, before.position)
    low, high = np.zeros(len(step)), np.ones(len(step))
    for _ in range(12):  # to a four-thousandth of a step: times are guesses of how near a separatrix is
        s = 0.5 * (low + high)
        path = start + s**2 * (3.0 - 2.0 * s) * (stop - start)
        path += step * s * (1.0 - s) * ((1.0 - s) * before.force - s * after.force)
        inside = np.einsum("in,ij,jn->n", path, capture.metric, path) <= capture.radius**2
        low, high = np.where(inside, low, s), np.where(inside, s, high)
    return 0.5 * (low + high)
