"""The last mesh that is allowed, and when it is not made: where it can say no more than the one before it."""

from __future__ import annotations

from fokker_planck.model.problem import Problem
from fokker_planck.solvers.adaptivity.answer_types import Kept
from fokker_planck.solvers.adaptivity.beginning import LAST_BUT_ONE, Beginning
from fokker_planck.solvers.adaptivity.marking import BEYOND
from fokker_planck.solvers.adaptivity.roughness import roughness_left


def next_is_last(first: Beginning, kept: Kept) -> bool:
    """Whether a mesh is the one before the last that is allowed, and the indicator leaves anything of the answer."""
    return kept.discretization.count > LAST_BUT_ONE * first.most_unknowns and kept.worst(kept.predicted) < 1.0


def last_in_vain(problem: Problem, first: Beginning, kept: Kept, verified: float, before: float) -> bool:
    """Whether the last mesh allowed can have no smaller bar than this one, whose error has been ``verified``.

    There a degree less is asked alone, whose bar is no less than what is left of rough coefficients, unless the
    indicator promises the tolerance: which it will not where to fall by the square of what it fell by from ``before``
    is not enough.  Of an eigenvalue under noise that follows a Hessian a mesh of 32,000 unknowns had 0.17 verified and
    11 of roughness, and that of 115,000, after which 0.17 was refused, took as long as all before it.
    """
    predicted, tolerance = kept.worst(kept.predicted), problem.resolution.tolerance
    if verified <= tolerance or predicted * min(predicted / max(before, 1e-300), 1.0) ** 2 <= tolerance:
        return False
    growth = max(BEYOND * first.most_unknowns / kept.discretization.count, 1.0)
    return roughness_left(problem, kept, growth) > verified
