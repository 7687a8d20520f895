"""Where a wall of the domain holds the flow of a drift: places that attract, and are no fixed points of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.arrays import Floats
from fokker_planck.errors import ProblemError
from fokker_planck.landscape.gradient_flow import capture_of, descend
from fokker_planck.landscape.holds import SKIN
from fokker_planck.landscape.survey import held_by
from fokker_planck.landscape.types import Frame
from fokker_planck.landscape.well_flow import Downhill, WellFlow
from fokker_planck.model.domain import Box, Sublevel
from fokker_planck.model.problem import Problem

if TYPE_CHECKING:
    from fokker_planck.landscape.types import CriticalPoint

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
DEEP = 60.0
"""Units of epsilon between the wells and a level from which on what the flow does there moves no weight."""
RAY = 200
"""Steps of a ray across the domain, so that thin parts outside are not jumped over."""
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


def refuse_flow_through_level(problem: Problem, question: str) -> None:
    """Raise :class:`ProblemError` where the flow leads out through the surface of a sublevel set.

    A flow down V never does; with a drift beside it, or noise that varies, it would have to slide along that surface.
    """
    domain, potential = problem.domain, problem.process.potential
    if not isinstance(domain, Sublevel) or problem.dimension == 1 or potential is None:
        return
    surface = _surface_points(problem)
    flow, slope = WellFlow(problem.process, problem.dimension).value(surface), potential.gradient(surface)
    noise = np.linalg.eigvalsh(np.moveaxis(problem.process.field(problem.dimension).tensor(surface), -1, 0))[:, -1]
    depth = (domain.level - float(potential.value(problem.sample(SAMPLE)).min())) / noise
    steep = np.linalg.norm(flow, axis=0) * np.linalg.norm(slope, axis=0)
    outward = ((flow * slope).sum(axis=0) > AT_REST * steep) & (depth < DEEP)
    if outward.any():
        place = ", ".join(f"{entry:.4g}" for entry in surface[:, int(np.argmax(outward))])
        found = f"a surface through which the flow to the wells leads out, at ({place})"
        raise ProblemError("domain.level", found, f"for {question} a level at which the drift leads inwards, or a box")


def _surface_points(problem: Problem) -> Floats:
    """Where rays from points of the domain leave it first, (dim, n)."""
    lower, upper = (np.asarray(corner) for corner in problem.bounding_box())
    inside = problem.sample(SAMPLE)
    ways = np.random.default_rng(1).standard_normal(inside.shape)
    ways *= np.linalg.norm(upper - lower) / np.linalg.norm(ways, axis=0)
    steps = np.linspace(0.0, 1.0, RAY + 1)
    along = inside[:, :, None] + ways[:, :, None] * steps
    within = problem.contains(along.reshape(len(inside), -1)).reshape(-1, RAY + 1)
    first = np.argmin(within, axis=1)
    left = ~within.all(axis=1) & (first > 0)
    low, high = steps[first[left] - 1], steps[first[left]]
    for _ in range(30):
        middle = 0.5 * (low + high)
        held = problem.contains(inside[:, left] + ways[:, left] * middle)
        low, high = np.where(held, middle, low), np.where(held, high, middle)
    return np.asarray(inside[:, left] + ways[:, left] * low)
