"""Where a question ends and begins: what absorbs, by the name of its region of the mesh, and the start of an exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets.shapes import Ball, Set
from fokker_planck.quantity.light_dataclasses import dataclass

Goal = Set | Literal["boundary"]

TARGET, FROM, TO = "target", "from", "to"
NEAR, NEAR_OTHERS = 0.05, 0.02
"""Of the radius of a ball, and of the width of other domains than boxes: no point of a sample lies on their boundary,
and those so near stand for it; what is climbed from there to the boundary itself is seen on a straight way."""
PLACES_ON_WAY = 4
"""On a way that short: V of degree 20 rises by a third of its height there, step by step."""
BISECTIONS = 20
"""Of such a way, to its end on the boundary: 1e-6 of it, in which 500 units of epsilon rise by less than 1e-3."""


@dataclass(frozen=True)
class Ends:
    """The sets that absorb, by the name of their region, and where an exit starts; none for the whole domain.

    The mesh is fitted to sets that are ``measured``, too: nothing ends there.
    """

    goals: tuple[tuple[str, Goal], ...] = ()
    start: tuple[float, ...] | None = None
    measured: tuple[tuple[str, Set], ...] = ()

    @classmethod
    def at(cls, target: Goal | None, start: tuple[float, ...] | None = None) -> Ends:
        """One set that absorbs, or none."""
        return cls() if target is None else cls(((region_name(target), target),), start)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the regions that absorb, or "boundary"."""
        return tuple(name for name, _ in self.goals)

    @property
    def regions(self) -> dict[str, Set]:
        """What the mesh is fitted to."""
        return {**{name: goal for name, goal in self.goals if not isinstance(goal, str)}, **dict(self.measured)}


def region_name(target: Goal) -> str:
    """What the absorbing part is called in the mesh."""
    return target if isinstance(target, str) else TARGET


def reaches(problem: Problem, target: Goal) -> Callable[[Floats], Booleans]:
    """Which points (dim, n) of the sample count as reaching the target."""
    if not isinstance(target, str):
        return target.contains
    domain = problem.domain
    lower, upper = (np.asarray(corner)[:, None] for corner in problem.bounding_box())
    width = upper - lower

    def near_boundary(x: Floats) -> Booleans:
        if isinstance(domain, Ball) and problem.dimension > 1:
            return domain.level(x) < NEAR * domain.radius
        if isinstance(domain, MeshDomain | Sublevel) and not has_ends(problem):
            return ~problem.contains(x + NEAR_OTHERS * width) | ~problem.contains(x - NEAR_OTHERS * width)
        walled = np.array([period is None for period in problem.periods])[:, None]
        return ((np.minimum(x - lower, upper - x) < 1e-9 * width) & walled).any(axis=0)

    return near_boundary


def has_ends(problem: Problem) -> bool:
    """Whether the domain is an interval whose ends are points of the sample: what is near them can be far below."""
    return isinstance(problem.domain, MeshDomain) and problem.dimension == 1


def reached_points(problem: Problem, target: Goal, points: Floats, edges: Integers) -> Booleans:
    """Which points (n, dim) of a sample with its ``edges`` (m, 2) count as reaching the target.

    Where the target is so narrow that it lies between them, those from which its level may come to zero before their
    neighbours, as far as it changes towards any of these.
    """
    reached = np.asarray(reaches(problem, target)(points.T), dtype=bool)
    if reached.any() or isinstance(target, str):
        return reached
    level = np.asarray(target.level(points.T))
    slopes = np.abs(level[edges[:, 0]] - level[edges[:, 1]])
    change = np.zeros(len(level))
    for here in edges.T:
        np.maximum.at(change, here, slopes)
    reached = level + change >= 0.0
    if not reached.any():
        reached[np.argmax(level)] = True
    return reached


def graph_to(problem: Problem, goal: Goal, points: Floats, edges: Integers) -> tuple[Floats, Integers, Booleans]:
    """A sample with its ``edges``, and which of its points count as reaching the goal, as :func:`reached_points` does.

    To a boundary on which none of its points lie, ways of more points lead from those near it: near steep walls much is
    left to climb there (of the eighth power of the distance to the middle a seventh on two hundredths of the width).
    """
    reached = reached_points(problem, goal, points, edges)
    if not isinstance(goal, str) or isinstance(problem.domain, Box) or has_ends(problem) or not reached.any():
        return points, edges, reached
    near = np.flatnonzero(reached)
    ends = _on_boundary(problem, points[near].T).T
    shares = np.linspace(0.0, 1.0, PLACES_ON_WAY + 1)[1:, None, None]
    ways = points[near] + shares * (ends - points[near])
    numbers = np.concatenate([near[None], len(points) + np.arange(PLACES_ON_WAY * len(near)).reshape(-1, len(near))])
    links = np.stack([numbers[:-1].ravel(), numbers[1:].ravel()], axis=1)
    points = np.concatenate([points, ways.reshape(-1, points.shape[1])])
    reached = np.zeros(len(points), dtype=bool)
    reached[numbers[-1]] = True
    return points, np.concatenate([edges, links]).astype(np.int64), reached


def _on_boundary(problem: Problem, x: Floats) -> Floats:
    """Points of the boundary near those inside (dim, n): the first along an axis or a diagonal; of a ball, outwards."""
    domain = problem.domain
    if isinstance(domain, Ball) and problem.dimension > 1:
        return np.asarray(domain.project(x))
    width = np.subtract(*problem.bounding_box()[::-1])
    steps = NEAR_OTHERS * np.concatenate([np.diag(width), width[None]])
    best, ends = np.full(x.shape[1], np.inf), x.copy()
    for step in (*steps, *-steps):
        low, high = np.zeros(x.shape[1]), np.ones(x.shape[1])
        leaves = ~problem.contains(x + step[:, None])
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            inside = problem.contains(x + step[:, None] * middle)
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        nearer = leaves & (low < best)
        best[nearer] = low[nearer]
        ends[:, nearer] = (x + step[:, None] * low)[:, nearer]
    return ends
