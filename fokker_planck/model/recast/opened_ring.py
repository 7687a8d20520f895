"""A ring with a set that absorbs is a line: from the end of the set on one side of the start to that on the other.

On the line -a/D has an antiderivative, whatever goes around on the ring: the killed process is in detailed balance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.mesh.ring_line import RingLine
from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.going_on import goes_on
from fokker_planck.model.sets.line_set import LineSet
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import dataclass

SAMPLES = 2001
"""Places at which formulas are compared with what they are a period on: 6 in the shortest wave of a thousandth."""
ON_END = 1e-9
"""Of the period: an end so near to a part belongs to it."""


@dataclass(frozen=True)
class OpenedRing:
    """The ``problem`` on the line, ``parts`` as ends of it, and the ``line`` as a part of the ring."""

    problem: Problem
    parts: Mapping[str, Set]
    line: RingLine


def opened(problem: Problem, start: Sequence[float], target: Set | str, parts: Mapping[str, Set]) -> OpenedRing | None:
    """The ring opened at the ``target``, with the start where it is; None for what is no ring, or goes on otherwise.

    Raises ``ProblemError`` for a part of which the process meets no end.
    """
    period = problem.periods[0]
    if problem.dimension != 1 or period is None or isinstance(target, str) or problem.resolution.cells is not None:
        return None
    (low,), (high,) = problem.bounding_box()
    ends = {end for end in target.faces((low,), (high,))[0] if low <= end <= high}
    at_seam = target.contains(np.array([[low, high]]))
    if at_seam[0] != at_seam[1]:
        ends.add(low)
    if not ends:
        return None
    left = max(end - turn for end in ends for turn in (0.0, period) if end - turn < start[0])
    right = min(end + turn for end in ends for turn in (0.0, period) if end + turn > start[0])
    if not _goes_on(problem, left, right, low, period):
        return None
    try:
        line = Problem(problem.process, Box((left,), (right,)), problem.resolution, {}, problem.title)
    except ProblemError:
        return None
    faces = sorted({right, left + period, *_between(ends, right, left + period, period)})
    inside = _intervals(target, faces, low, period)
    return OpenedRing(line, _ends_of(parts, left, right, low, period), RingLine(left, right, period, inside))


def _between(ends: Iterable[float], first: float, last: float, period: float) -> list[float]:
    """Places a whole number of periods from an end, between two others."""
    return [place for end in ends for turn in (-1, 0, 1, 2) if first < (place := end + turn * period) < last]


def _intervals(target: Set, ends: Sequence[float], low: float, period: float) -> Floats:
    """Those between neighbouring ends that belong to the set, (k, 2)."""
    both = np.stack([ends[:-1], ends[1:]], axis=1)
    middle = low + np.mod(both.mean(axis=1) - low, period)
    return np.asarray(both[target.contains(middle[None])])


def _goes_on(problem: Problem, left: float, right: float, low: float, period: float) -> bool:
    """Whether drift and noise between the ends are what they are on the ring."""
    places = np.linspace(left, right, SAMPLES)[1:-1]
    on_ring = low + np.mod(places - low, period)
    return goes_on(problem, on_ring[None], places[None])


def _ends_of(parts: Mapping[str, Set], left: float, right: float, low: float, period: float) -> dict[str, Set]:
    """Each part by the ends of the line that it holds."""
    found: dict[str, Set] = {}
    for name, part in parts.items():
        held = [end for end in (left, right) if _holds(part, end, low, period)]
        if not held:
            reason = "a set that holds neither of the places where the process meets the target"
            raise ProblemError(f"exit.parts.{name}", reason, f"one with {left:.9g} or {right:.9g}")
        found[name] = LineSet(tuple((end, end) for end in held), str(part))
    return found


def _holds(part: Set, end: float, low: float, period: float) -> bool:
    place = low + (end - low) % period
    seen = [place, place + period] if place < low + ON_END * period else [place]
    return bool((part.level(np.array([seen])) >= -ON_END * period).any())
