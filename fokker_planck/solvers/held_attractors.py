"""Where a wall of the domain holds the flow of a drift: places that attract, and are no fixed points of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.domain import Box
from fokker_planck.errors import ProblemError
from fokker_planck.gradient_flow import SKIN, capture_of, descend
from fokker_planck.landscape import Floats, Frame
from fokker_planck.problem import Problem
from fokker_planck.survey import held_by
from fokker_planck.well_flow import Downhill, WellFlow

if TYPE_CHECKING:
    from fokker_planck.landscape import CriticalPoint

SAMPLE = 100
"""Points from which the flow is followed: a basin of a fiftieth of the domain is missed once in seven times."""
STEPS = 250
"""Of the flow: the explicit ones and as many stiff ones; on a limit cycle it does not end at all."""
ASIDE = 1e-3
"""In extents of the domain: how far points are moved off the lines of symmetry that they may lie on."""
AT_REST = 1e-4
"""Speed along a wall, over that with which the flow runs into it, below which it has come to rest there."""
SLOW = 1e-4
"""Speed, over that in the middle of the domain, below which no wall is needed for the flow to end."""
APART = 0.15
"""In extents of the domain: ends of the flow along a wall nearer than that are one, as where a drift is uniform."""


def frame_of(problem: Problem) -> Frame:
    """The bounding box of the domain, with what holds a flow in it."""
    lower, upper = problem.bounding_box()
    box = isinstance(problem.domain, Box) or problem.dimension == 1
    return Frame(tuple(lower), tuple(upper), tuple(problem.periods), box, None if box else held_by(problem))


def refuse_held_attractors(problem: Problem, attractors: tuple[CriticalPoint, ...], question: str) -> None:
    """Raise :class:`ProblemError` where the flow has two ends or more and a wall holds one of them.

    Basins are those of fixed points; without this a well that only a wall holds would go unnoticed.
    """
    frame = frame_of(problem)
    flow = Downhill(WellFlow(problem.process, problem.dimension), _Flat())
    captures = capture_of(flow, attractors, frame)
    start = problem.sample(SAMPLE)
    # off lines of symmetry, on which a flow would end at a saddle
    start = frame.confine(start + ASIDE * frame.extent * np.sqrt(np.arange(2.0, 2.0 + len(start)))[:, None])
    path = descend(flow, start, captures, frame, tolerance=1e-5, steps=STEPS)
    lost = path.ends[:, path.labels < 0]
    with np.errstate(all="ignore"):
        free = np.linalg.norm(flow.gradient(lost), axis=0)
        held = free > SLOW * np.median(np.linalg.norm(flow.gradient(start), axis=0))
        ahead = SKIN * frame.extent
        along = np.linalg.norm(frame.confine(lost - ahead * flow.gradient(lost) / free) - lost, axis=0) / ahead
    places = _apart(lost[:, held & (along <= AT_REST) & problem.contains(frame.pulled_in(lost))], frame)
    if len(places) and len(places) + len(attractors) > 1:
        place = ", ".join(f"{entry:.4g}" for entry in places[0])
        found = f"{len(places) + len(attractors)} ends of its flow, of which a wall holds that at ({place})"
        raise ProblemError("drift", found, f"for {question} a domain that holds all wells inside, or one well")


def _apart(x: Floats, frame: Frame) -> list[Floats]:
    """One of each group of points (dim, n) that a chain of steps no longer than ``APART`` joins."""
    from scipy.sparse.csgraph import connected_components

    if not x.shape[1]:
        return []
    distance = np.linalg.norm(frame.difference(x[:, :, None], x[:, None, :]), axis=0)
    groups = connected_components(distance <= APART * frame.extent, directed=False)[1]
    return [x[:, int(np.argmax(groups == group))] for group in range(int(groups.max()) + 1)]


class _Flat:
    """A height that says nothing: the flow is followed, not climbed."""

    def value(self, x: Floats) -> Floats:
        """Zero at points (dim, n), (n,)."""
        return np.zeros(x.shape[1])
