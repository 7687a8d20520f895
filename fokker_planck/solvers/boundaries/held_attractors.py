"""Where a wall of the domain holds the flow of a drift: places that attract, and are no fixed points of it.

At rest on a wall with outward normals n_k, the flow a leads out, a = sum_k s_k n_k with s_k > 0, and what is left of it
along the wall leads back to the place.  Such a place is a well like any other: its basin is where the flow that slides
along the walls comes to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.landscape.finding.survey import held_by
from fokker_planck.landscape.flow.captures import capture_of
from fokker_planck.landscape.flow.gradient_flow import FlowSettings, descend
from fokker_planck.landscape.flow.holds import SKIN
from fokker_planck.landscape.flow.well_flow import Downhill, WellFlow
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.newton.fixed_points import FixedPoint
from fokker_planck.landscape.types import CriticalPoint
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass

SAMPLE = 400
"""Points from which the flow is followed, all at once: a basin of a two-hundredth is missed once in seven times."""
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
ONE_PLACE = 1e-3
"""In extents: how near to each other the ends of paths come that end in one point, followed twice as far."""
LEAST_BALL = 1e-4
"""In extents, the radius around a held place within which the flow is seen to come closer: without any, no path would
be said to have arrived."""
DIFFERENCE = 1e-4
"""In extents, for the change of the flow along a wall: it says how fast the well settles, and enters no number."""
RAY = 200
"""Steps of a ray across the domain, so that thin parts outside are not jumped over."""
APART = 0.15
"""In extents of the domain: ends of the flow along a wall nearer than that are one, as where a drift is uniform."""


def frame_of(problem: Problem) -> Frame:
    """The bounding box of the domain, with what holds a flow in it."""
    lower, upper = problem.bounding_box()
    box = isinstance(problem.domain, Box) or problem.dimension == 1
    return Frame(tuple(lower), tuple(upper), tuple(problem.periods), box, None if box else held_by(problem))


@dataclass(frozen=True)
class HeldPoint(FixedPoint):
    """A place on a wall where the flow along it comes to rest; ``eigenvalues`` are those along the wall.

    ``outward`` are the unit normals of the walls met there, ``push`` the speeds with which the flow leads into each.
    """

    outward: tuple[tuple[float, ...], ...] = ()
    push: tuple[float, ...] = ()


@dataclass(frozen=True)
class HeldWells:
    """The ``wells`` that walls hold, and ``others`` (dim,): places that attract, but not as a point that is found.

    ``astray`` (dim,) is where the flow is still on its way at last, inside: on a cycle, or to a fixed point not found.
    """

    wells: tuple[HeldPoint, ...] = ()
    others: tuple[Floats, ...] = ()
    astray: tuple[Floats, ...] = ()


def held_wells(problem: Problem, attractors: tuple[CriticalPoint, ...]) -> HeldWells:
    """Where the flow from points all over the domain ends on a wall, and in none of the ``attractors``."""
    frame = frame_of(problem)
    flow = Downhill(WellFlow(problem.process, problem.dimension), _Flat())
    captures = capture_of(flow, attractors, frame)
    start = problem.sample(SAMPLE)
    # off lines of symmetry, on which a flow would end at a saddle
    start = frame.confine(start + ASIDE * frame.extent * np.sqrt(np.arange(2.0, 2.0 + len(start)))[:, None])
    path = descend(flow, start, captures, frame, FlowSettings(1e-5, STEPS))
    # where a wall holds them they come to rest to the tolerance of a step only, and still move by more than AT_REST
    path = descend(flow, path.ends[:, path.labels < 0], captures, frame, FlowSettings(1e-8, STEPS))
    lost = path.ends[:, path.labels < 0]
    usual = float(np.median(np.linalg.norm(flow.gradient(start), axis=0)))
    at_rest = _at_rest(flow, lost, frame, usual)
    places = _apart(lost[:, at_rest & problem.contains(frame.pulled_in(lost))], frame)
    astray = tuple(lost[:, ~at_rest].T)
    wells, others = [], []
    for group in places:
        # one place, to which all come closer as they are followed further
        closer = descend(flow, group, (), frame, FlowSettings(1e-8, STEPS)).ends
        middle = closer[:, :1]
        spread = float(np.linalg.norm(frame.difference(closer, middle), axis=0).max())
        point = _held_point(flow, frame, middle[:, 0]) if spread <= ONE_PLACE * frame.extent else None
        if point is None:
            others.append(group[:, 0])
        else:
            wells.append(point)
    known = (*attractors, *(as_minimum(point, float(len(attractors) + k)) for k, point in enumerate(wells)))
    balls = capture_of(flow, known, frame)[len(attractors) :]
    caught = [ball.radius > LEAST_BALL * frame.extent for ball in balls]
    others += [point.x for point, good in zip(wells, caught, strict=True) if not good]
    kept = tuple(point for point, good in zip(wells, caught, strict=True) if good)
    return HeldWells(kept, tuple(others), astray)


def refuse_unfound(places: Sequence[Floats], count: int, question: str) -> None:
    """Raise :class:`ProblemError` where the flow has two ends or more, ``count`` of them known, and these are not."""
    if places and len(places) + count > 1:
        place = ", ".join(f"{entry:.4g}" for entry in places[0])
        found = f"{len(places) + count} ends of its flow, of which that at ({place}) is on a wall, or no fixed point"
        raise ProblemError("drift", found, f"for {question} a domain that holds all wells inside, or one well")


def as_minimum(point: HeldPoint, value: float) -> CriticalPoint:
    """The place as the basins of a flow know it."""
    size = len(point.position)
    return CriticalPoint(
        position=point.position,
        value=value,
        hessian=tuple(tuple(row) for row in np.eye(size).tolist()),
        hessian_eigenvalues=tuple(-entry.real for entry in point.eigenvalues),
        kind="minimum",
        on_boundary=True,
        wall_slopes=point.push,
        wall_normals=point.outward,
    )


def _at_rest(flow: Downhill, x: Floats, frame: Frame, usual: float) -> Booleans:
    """Which points (dim, n) a wall holds: the flow leads out, and next to none of it along the wall."""
    with np.errstate(all="ignore"):
        speed = np.linalg.norm(flow.gradient(x), axis=0)
        ahead = SKIN * frame.extent
        along = np.linalg.norm(frame.confine(x - ahead * flow.gradient(x) / speed) - x, axis=0) / ahead
    return np.asarray((speed > SLOW * usual) & (along <= AT_REST))


def _held_point(flow: Downhill, frame: Frame, x: Floats) -> HeldPoint | None:
    """The place with the walls that it is on; None on an edge of a curved wall, or where the flow leads along it."""
    outward = [sign * np.eye(len(x))[axis] for axis, sign in enumerate(frame.walls_met(x[:, None])[:, 0]) if sign]
    if frame.hold is not None:
        contact = frame.hold.meet(x[:, None], np.ones(1, dtype=bool))
        if contact.edge[0]:
            return None
        outward += [contact.outward[:, 0]] if np.any(contact.outward[:, 0]) else []
    free = -flow.gradient(x[:, None])[:, 0]
    normals = [normal for normal in outward if normal @ free > 0.0]
    if not normals:
        return None
    tangents = np.linalg.svd(np.array(normals))[2][np.linalg.matrix_rank(np.array(normals)) :].T
    step = DIFFERENCE * frame.extent
    sides = frame.confine(x[:, None] + step * np.concatenate([tangents, -tangents], axis=1))
    force = -flow.gradient(sides)
    ahead = SKIN * frame.extent / np.linalg.norm(force, axis=0)
    velocity = tangents.T @ (frame.confine(sides + ahead * force) - sides) / ahead
    count = tangents.shape[1]
    eigenvalues = (
        np.linalg.eigvals((velocity[:, :count] - velocity[:, count:]) / (2.0 * step)) if count else np.zeros(0)
    )
    if count and float(eigenvalues.real.max()) >= 0.0:
        return None
    push = tuple(float(normal @ free) for normal in normals)
    if not count:
        # a corner: nothing is left along it, and what presses into it says how fast it is reached
        eigenvalues = np.array([-min(push) / frame.extent])
    return HeldPoint(
        position=tuple(x.tolist()),
        jacobian=tuple(tuple(row) for row in -flow.hessian(x[:, None])[:, :, 0]),
        eigenvalues=tuple(complex(entry) for entry in sorted(eigenvalues, key=lambda entry: -entry.real)),
        outward=tuple(tuple(normal.tolist()) for normal in normals),
        push=push,
    )


def _apart(x: Floats, frame: Frame) -> list[Floats]:
    """The groups (dim, k) of points (dim, n) that a chain of steps no longer than ``APART`` joins."""
    from scipy.sparse.csgraph import connected_components

    if not x.shape[1]:
        return []
    distance = np.linalg.norm(frame.difference(x[:, :, None], x[:, None, :]), axis=0)
    groups = connected_components(distance <= APART * frame.extent, directed=False)[1]
    return [x[:, groups == group] for group in range(int(groups.max()) + 1)]


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
