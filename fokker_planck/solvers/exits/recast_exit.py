"""An exit as it is asked: in a box whose seams no set touches, and of a ring as of the line between its ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fokker_planck.mesh.ring_line import RingLine
from fokker_planck.model.problem import Problem
from fokker_planck.model.question_arguments import within_periods
from fokker_planck.model.recast.moved_seams import off_seams_with
from fokker_planck.model.recast.off_walls import off_walls
from fokker_planck.model.recast.opened_ring import opened
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.adaptivity.absorption import absorbing
from fokker_planck.solvers.boundaries.ends import Goal


@dataclass(frozen=True)
class RecastExit:
    """From ``start`` to ``target`` and ``parts`` of it in a ``problem``, on the ``line`` that a ring was opened to."""

    problem: Problem
    start: tuple[float, ...]
    target: Goal
    parts: Mapping[str, Set]
    line: RingLine | None


def recast_exit(problem: Problem, start: Sequence[float], target: Goal, parts: Mapping[str, Set]) -> RecastExit:
    """The same exit, where it can be meshed.

    Raises ``ProblemError`` where a target touches a seam beyond which something does not go on.
    """
    problem, target = absorbing(problem, target)
    problem, target, parts = off_seams_with(problem, target, parts, "exit.target")
    problem = off_walls(problem, (target,))
    place = within_periods(problem, tuple(start))
    ring = opened(problem, place, target, parts)
    if ring is None:
        return RecastExit(problem, place, target, parts, None)
    return RecastExit(ring.problem, place, "boundary", ring.parts, ring.line)
