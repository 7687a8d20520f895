"""Where the flow dx/dt = -grad f ends: adaptive steps for many points at once.

The steps are explicit at first; points that are still under way after a while are in a narrow valley, where the
explicit method must creep, and go on by a Rosenbrock method, which is stable at any step.

A point is *captured* once it is in a ball around a minimum that the flow cannot leave
(:mod:`~.captures`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.landscape.box_units import FlowInUnits, frame_in, units_of
from fokker_planck.landscape.flow.flow_steps import HeldFlow, Moving
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.newton.critical_points import slope_of_rounding
from fokker_planck.quantity.light_dataclasses import dataclass, replace

EXPLICIT_STEPS = 120
"""Before steps become implicit, which are dearer and stand stiffness: a valley 10,000 times steeper across takes 0.8 s
of CPU with 30, 1.0 with 120, 2.3 with 480; 26 wells 0.45, 0.41, 0.37."""
STALLED = 60
"""Implicit steps in slopes of rounding after which a point rests: slopes from finite differences never vanish."""


class Captures(Protocol):
    """A set that the flow does not leave but for the minimum in it."""

    def contains(self, x: Floats, frame: Frame) -> Booleans:
        """Which of the points (dim, n) lie in it, (n,)."""
        ...

    def in_units(self, units: Floats) -> Captures:
        """The same of points z, x = S z, S the diagonal (dim,)."""
        ...


@dataclass(frozen=True)
class Descent:
    """Where the flow led each point.

    Parameters
    ----------
    labels
        number of the capture ball, -1 for none (n,)
    ends
        where it stopped (dim, n)
    times
        how long it took, to the end of the last step or, if asked for, to the ball (n,)
    """

    labels: Integers
    ends: Floats
    times: Floats


@dataclass(frozen=True)
class FlowSettings:
    """How far and how well a flow is followed.

    Parameters
    ----------
    tolerance
        local error of one step relative to the extent of the domain
    steps
        when to give up
    timed
        find out when a ball was entered, not only at the end of which step
    least_slope
        below which a path ends where it is
    patience
        steps in a row that lead no further than rounding, before a path ends for that: on a crease that it has just
        come to steps are short at first
    """

    tolerance: float = 1e-8
    steps: int = 2000
    timed: bool = False
    least_slope: float = 0.0
    patience: int = 0


USUAL = FlowSettings()


def descend(
    function: Function,
    x: Floats,
    captures: Sequence[Captures],
    frame: Frame,
    settings: FlowSettings = USUAL,
    seen: Callable[[Integers, Moving, Floats], None] | None = None,
) -> Descent:
    """Follow dx/dt = -grad f from points (dim, n), held back by the walls of the box.

    Parameters
    ----------
    function
        f.
    x
        start points, (dim, n).
    captures
        balls at which to stop.
    frame
        periods and walls.
    settings
        how far, and how well.
    seen
        told after every step the numbers of the paths that are under way, where they are, and since when.
    """
    units = units_of(frame)
    if units is not None:
        column = units[:, None]
        scaled = [capture.in_units(units) for capture in captures]
        within = replace(settings, least_slope=settings.least_slope * float(units.min()))
        told = None if seen is None else lambda active, now, clock: seen(active, _out_of(now, column), clock)
        path = descend(FlowInUnits(function, units), x / column, scaled, frame_in(frame, units), within, told)
        return Descent(path.labels, path.ends * column, path.times)
    flow = HeldFlow(function, frame, settings.tolerance * frame.extent, creased=settings.patience > 0)
    with np.errstate(all="ignore"):
        paths = _Paths.started(flow, x)
        for count in range(settings.steps):
            paths.end(_arrived(paths, captures, frame, settings.timed) | _stopped(paths, frame, settings))
            if len(paths.active) == 0:
                break
            paths.step(flow.explicit if count < EXPLICIT_STEPS else flow.implicit)
            if seen is not None:
                seen(paths.active, paths.now, paths.clock)
            if count >= EXPLICIT_STEPS:
                force, level = paths.now.force, slope_of_rounding(function, paths.now.position, frame)
                paths.resting = np.where(np.linalg.norm(force, axis=0) <= level, paths.resting + 1, 0)
    paths.end(np.ones(len(paths.active), dtype=bool))
    return Descent(paths.labels, paths.ends, paths.times)


def _out_of(now: Moving, column: Floats) -> Moving:
    """Places and forces in units of their own in those of x."""
    return replace(now, position=now.position * column, force=now.force * column)


@dataclass
class _Paths:
    """Paths on their way, changed in place: what is known of all n, and the state of those ``active``, by number (m,).

    Parameters
    ----------
    labels, ends, times
        as in :class:`Descent`
    now, before
        where they are, and were before the last step
    taken, clock
        how long that step took (m,), and all of them
    resting, stalled
        steps in a row in a force of rounding, and no further than rounding (m,)
    """

    labels: Integers
    ends: Floats
    times: Floats
    active: Integers
    now: Moving
    before: Moving
    taken: Floats
    clock: Floats
    resting: Integers
    stalled: Integers

    @classmethod
    def started(cls, flow: HeldFlow, x: Floats) -> _Paths:
        """From points (dim, n)."""
        count, start = x.shape[1], flow.frame.confine(np.array(x, dtype=float))
        now = flow.start(start.copy())
        return cls(
            labels=np.full(count, -1, dtype=np.int64), ends=start, times=np.zeros(count),
            active=np.arange(count), now=now, before=now, taken=np.zeros(count), clock=np.zeros(count),
            resting=np.zeros(count, dtype=np.int64), stalled=np.zeros(count, dtype=np.int64),
        )  # fmt: skip

    def end(self, done: Booleans) -> None:
        """Take note of those that are ``done``, (m,), and go on with the others."""
        if not done.any():
            return
        self.ends[:, self.active[done]], self.times[self.active[done]] = self.now.position[:, done], self.clock[done]
        keep = ~done
        self.active, self.now = self.active[keep], self.now.chosen(keep)
        self.clock, self.resting, self.stalled = self.clock[keep], self.resting[keep], self.stalled[keep]

    def step(self, method: Callable[[Moving], tuple[Moving, Booleans]]) -> None:
        """One step of all that are active."""
        self.before = self.now
        self.now, accepted = method(self.before)
        self.taken = np.where(accepted, self.before.step, 0.0)
        self.clock = self.clock + self.taken


def _arrived(paths: _Paths, captures: Sequence[Captures], frame: Frame, timed: bool) -> Booleans:
    """Which of the active paths are in a ball, (m,): labelled by it, and their clocks put back to when they entered."""
    done = np.zeros(len(paths.active), dtype=bool)
    for number, capture in enumerate(captures):
        inside = capture.contains(paths.now.position, frame)
        if inside.any():
            paths.labels[paths.active[inside]] = number
            if timed:
                step = paths.taken[inside]
                share = _entry(capture, frame, paths.before.chosen(inside), paths.now.chosen(inside), step)
                paths.clock[inside] -= step * (1.0 - share)
            done |= inside
    return done


def _stopped(paths: _Paths, frame: Frame, settings: FlowSettings) -> Booleans:
    """Which of the active paths lead no further, (m,).

    Stalled: no further than rounding in a step as long as the walls and the stability of the method allow.
    """
    now, speed = paths.now, np.linalg.norm(paths.now.force, axis=0)
    paths.stalled = np.where(speed * now.step < 1e-15 * frame.extent, paths.stalled + 1, 0)
    return (
        (paths.resting >= STALLED)
        | ~np.isfinite(speed + now.step)
        | (paths.stalled > settings.patience)
        | (speed <= settings.least_slope)
        | _gone(now.position, frame)
    )


def _gone(x: Floats, frame: Frame) -> Booleans:
    """Points that the flow has carried far out of a domain without flat walls to hold them."""
    gone = np.zeros(x.shape[1], dtype=bool)
    for axis, (low, high, period) in enumerate(zip(frame.lower, frame.upper, frame.periods, strict=True)):
        if period is None and not frame.box:
            gone |= (x[axis] < low - 0.5 * (high - low)) | (x[axis] > high + 0.5 * (high - low))
    return gone


def _entry(capture: Captures, frame: Frame, before: Moving, after: Moving, step: Floats) -> Floats:
    """At which fraction of its step each path, a cubic through both ends, entered the ball."""
    start = before.position
    stop = start + frame.difference(after.position, before.position)
    low, high = np.zeros(len(step)), np.ones(len(step))
    for _ in range(12):  # to a four-thousandth of a step: times are guesses of how near a separatrix is
        s = 0.5 * (low + high)
        path = start + s**2 * (3.0 - 2.0 * s) * (stop - start)
        path += step * s * (1.0 - s) * ((1.0 - s) * before.force - s * after.force)
        inside = capture.contains(path, frame)
        low, high = np.where(inside, low, s), np.where(inside, s, high)
    return 0.5 * (low + high)
