"""Where a question ends and begins: what absorbs, by the name of its region of the mesh, and the start of an exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.model.domain import MeshDomain, Sublevel
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Ball, Set
from fokker_planck.quantity.light_dataclasses import dataclass

Goal = Set | Literal["boundary"]

TARGET, FROM, TO = "target", "from", "to"
NEAR, NEAR_OTHERS = 0.05, 0.02
"""Of the radius of a ball, and of the width of other domains than boxes: no point of a sample lies on their boundary,
and those so near stand for it; the height that counts is then taken on the boundary itself."""


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
