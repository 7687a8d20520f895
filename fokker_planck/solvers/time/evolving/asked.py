"""What is asked of an evolution, and the same asked in a box whose seams no set touches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.initial import AtPoint, ByFormula, Initial, UniformIn
from fokker_planck.model.problem import Problem
from fokker_planck.model.question_arguments import within_periods
from fokker_planck.model.recast.moved_seams import off_seams
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.boundaries.ends import Goal

MOMENTS = 65
"""Times, evenly from zero to the last, at which an added potential is compared with itself a period of the box on."""


@dataclass(frozen=True)
class Asked:
    """What is asked of an evolution: from an ``initial`` state, at ascending ``times``, means of ``observables``.

    ``target`` absorbs, ``sets`` are measured.  Minima are told as points of the domain of ``told_in``.
    """

    initial: Initial
    times: tuple[float, ...]
    observables: Mapping[str, Callable[[Floats], Floats]] = field(default_factory=dict)
    sets: Mapping[str, Set] = field(default_factory=dict)
    target: Goal | None = None
    name: str = ""
    told_in: Problem | None = None

    def told(self, places: Sequence[tuple[float, ...]]) -> tuple[tuple[float, ...], ...]:
        """Points of the mesh as points of the domain that was given."""
        return tuple(places if self.told_in is None else [within_periods(self.told_in, place) for place in places])


def asked_off_seams(problem: Problem, asked: Asked) -> tuple[Problem, Asked]:
    """The same in a box whose seams none of its sets touches.

    Raises ``ProblemError`` where one does, and a formula, of the problem or of what is asked, does not go on beyond.
    """
    begun = asked.initial.shape if isinstance(asked.initial, UniformIn) else None
    moved, found = off_seams(problem, (asked.target, begun, *asked.sets.values()), "evolve", _formulas(problem, asked))
    if moved is problem:
        return problem, asked
    target, begun, *sets = found
    initial = asked.initial
    if isinstance(initial, UniformIn):
        initial = replace(initial, shape=begun)
    if isinstance(initial, AtPoint):
        initial = replace(initial, point=within_periods(moved, initial.point))
    named = dict(zip(asked.sets, sets, strict=True))
    return moved, replace(asked, initial=initial, target=target, sets=named, told_in=problem)


def _formulas(problem: Problem, asked: Asked) -> list[Callable[[Floats], Floats]]:
    """Of points, which have to go on beyond a seam beside the coefficients."""
    functions = [*asked.observables.values()]
    if isinstance(asked.initial, ByFormula):
        functions.append(asked.initial.function)
    if problem.schedule is not None and problem.schedule.potential is not None:
        times = np.linspace(0.0, asked.times[-1], MOMENTS)
        functions += [partial(problem.schedule.value, t=float(t)) for t in times]
    return functions
