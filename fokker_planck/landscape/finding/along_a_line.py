"""Which wells a saddle on a line or a ring lies between: the next ones, which no flow need be followed to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Saddle


def next_minima(saddles: Sequence[Saddle], minima: Sequence[CriticalPoint], frame: Frame) -> Integers:
    """Numbers of the minima behind and ahead of every saddle along its unstable direction, (2, n).

    -1 where another saddle, or an end of the line, comes before any minimum: something between them was not found.

    >>> at = lambda cls, x, **more: cls((x,), 0.0, ((1.0,),), (1.0,), "any", **more)
    >>> minima = [at(CriticalPoint, -1.0), at(CriticalPoint, 1.0)]
    >>> saddle = at(Saddle, 0.2, unstable_direction=(-1.0,))
    >>> next_minima([saddle], minima, Frame((-2.0,), (2.0,), (None,))).tolist()
    [[1], [0]]
    """
    wells, passes = (np.array([point.position[0] for point in points]) for points in (minima, saddles))
    ahead = np.sign([saddle.unstable_direction[0] for saddle in saddles])
    return np.array([_next(wells, passes, way, frame.periods[0]) for way in (-ahead, ahead)])


def _next(wells: Floats, passes: Floats, ways: Floats, period: float | None) -> Integers:
    """The number of the next well from each of the passes, upwards or downwards by ``ways``, (n,)."""
    found = np.full(len(passes), -1, dtype=np.int64)
    for way in (-1.0, 1.0):
        from_passes = np.flatnonzero(ways == way)
        to_wells = _distances(way * (wells - passes[from_passes, None]), period)
        to_passes = _distances(way * (passes - passes[from_passes, None]), period)
        nearest = np.argmin(to_wells, axis=1)
        reached = np.take_along_axis(to_wells, nearest[:, None], axis=1)[:, 0]
        found[from_passes] = np.where(reached < to_passes.min(axis=1), nearest, -1)
    return found


def _distances(forward: Floats, period: float | None) -> Floats:
    """How far it is to what lies so far forward, around a ring of that period; infinity where it lies behind."""
    if period is not None:
        forward = forward % period
    return np.where(forward > 0.0, forward, np.inf)
