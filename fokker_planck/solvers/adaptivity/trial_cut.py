"""What decides nothing is cut away from a first mesh, and what that changes is asked at once.

Exponents that say what matters leave factors open, so that they are not believed: more is cut away, by ``NARROWER``,
and what that changes bounds what less does.  With another degree at once it verifies the answer, too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.indicator import energy_shares
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.answer_types import Answer, Ask
from fokker_planck.solvers.adaptivity.error_bars import (
    HIGHER,
    LEAST_BY_LESS,
    LEAST_PREDICTABLE,
    beyond_less,
    predicted_errors,
)
from fokker_planck.solvers.adaptivity.initial_mesh import where_it_matters
from fokker_planck.solvers.adaptivity.roughness import SMOOTH, error_of_roughness, is_analytic
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting

NARROWER, LESS, MOST_CUTS = 100.0, 1e-6, 3
"""By how much more is cut to see what that changes; by how much less is cut where it changes too much, and how often
before nothing is cut (three wells, of which that in the middle leaves e^19 times more easily to one side: once). At
barrier 500 1e-3 was too little, and with a third cut an exit time took 4.8 s of CPU instead of 2.6."""
BELIEVED = 1000.0
"""Times what functions have in cells that are gone, what these change where another degree was asked on the rest: of
committors, rates, times and weights of the rotated quartic well at barriers of 50 and 200, 100 to 1e8 times as much
cut away as usual, a sixtieth to 200 times that was measured."""

GAINED = 300.0
"""Times what the answer of a degree more on the narrow mesh may differ by, beyond which that is not asked where a
degree less differs by so much: the mesh is too coarse for either. A degree divides the error by twenty to sixty; eleven
wells at 1.2e-4 differed by 600 times as much from a degree less and by 500 times from a degree more, in 8 s of CPU."""


@dataclass(frozen=True)
class Narrower:
    """A ``mesh`` from which more was cut away, and which cells (m,) of the wider one it lacks."""

    mesh: Triangulation
    gone: Booleans


def verified_by_less(problem: Problem, degree: int) -> bool:
    """Whether a degree less verifies an answer without detailed balance, where that is enough.

    Not where noise vanishes in some direction: there the error does not fall steadily with the degree.
    """
    planar = problem.dimension == 2 and not is_degenerate(problem)
    return degree >= LEAST_PREDICTABLE and (planar or problem.dimension == 3)


@dataclass
class Remembered:
    """The question, with the answers by degree on the mesh where a cut was tried kept for the loop, which begins there.

    Those of other degrees may be the ones with more cut away.
    """

    answer: Ask
    mesh: Triangulation
    found: dict[int, Answer]

    def __call__(self, discretization: Discretization) -> Answer:
        """The answer on a mesh, for the second time without asking."""
        if discretization.triangulation is self.mesh and discretization.degree in self.found:
            return self.found.pop(discretization.degree)
        return self.answer(discretization)


def cut_to_size(
    setting: FlowSetting, ends: Ends, change: Mapping[int, float], ask: Ask, degree: int
) -> tuple[Ask, Triangulation, float] | None:
    """The question, a mesh without what does not matter to it, and by how much the answer can be off for that.

    None where it is too much.
    """
    share = budget_of(setting.problem).tried
    for _ in range(MOST_CUTS):
        uncut = where_it_matters(setting, ends, change, share, degree)
        if uncut is None:
            return None
        narrow = Narrower(uncut.cut(NARROWER), ~uncut.kept(NARROWER)[uncut.kept()])
        mesh = uncut.cut()
        try:
            asked = Remembered(ask, mesh, {degree: ask(discretize(mesh, degree))})
            error = _changed(setting.problem, asked, narrow, degree)
        except (ConvergenceError, ProblemError):
            # a state without cells, or wells that nothing joins: exponents are wrong about this process
            return None
        if np.isfinite(error):
            return asked, mesh, error
        share *= LESS
    return None


def _changed(problem: Problem, asked: Remembered, narrow: Narrower, degree: int) -> float:
    """By how much the answer is off for what is cut away, infinite if that is too much; what was asked is kept.

    A degree less on the ``narrow`` mesh verifies the answer if that changes little, or no more than is allowed with all
    that is in the bar then.  If it is the degree that changes more, what the answer has in the cells that are gone
    tells that apart, or the mesh itself with a degree less, where it may verify the answer; elsewhere a degree more on
    the narrow mesh does, and is asked at once where a degree less cannot.
    """
    budget, known, ask, tolerance = budget_of(problem), asked.found, asked.answer, problem.resolution.tolerance
    answer, below, above = known[degree], degree - 1, degree + HIGHER[2]
    if verified_by_less(problem, degree):
        answer = known[degree] = replace(answer, predicted=predicted_errors(answer))
        each = predicted_errors(answer)[1]
        predicted, error = LEAST_BY_LESS[2] * float(each.max(initial=0.0)), np.inf
        alone = beyond_less(each, answer.weights, tolerance) and _verified_by_one_more(problem, asked.mesh, answer)
        if not alone:
            known |= _asked(ask, narrow.mesh, below)
            error = _apart(answer, known.get(below))
            if error <= budget.changed_with_degree or _bars_with(answer, known.get(below), error) <= tolerance:
                return error
        if max(error, predicted) <= tolerance:
            held = BELIEVED * _held(answer, narrow.gone)
            if held > budget.changed:
                narrower = known[below]
                known |= _asked(ask, asked.mesh, below)
                held = _apart(known[below], narrower)
            if held <= budget.changed:
                return held
        elif alone or (
            error <= GAINED * budget.changed_with_degree and _verified_by_one_more(problem, asked.mesh, answer)
        ):
            more = _asked(ask, narrow.mesh, above)
            error = _apart(answer, more.get(above))
            if error <= budget.changed_with_degree:
                known |= more
                return error
    error = _apart(answer, ask(discretize(narrow.mesh, degree)))
    return error if error <= budget.changed else np.inf


def _held(answer: Answer, gone: Booleans) -> float:
    """What the worst of an answer's numbers rests on in the cells that are ``gone``, (m,), relative to it."""
    entries = answer.rests_on or [[k] for k in range(len(answer.modes))]
    held = [float(energy_shares(answer.generator, modes)[gone].sum()) for modes in answer.modes]
    return max(sum(held[k] for k in each) for each in entries)


def _worst(answer: Answer, errors: Floats) -> float:
    """The largest of the errors (k,) of its numbers, each as much as it counts."""
    return float(((1.0 if answer.weights is None else answer.weights) * errors).max(initial=0.0))


def _bars_with(answer: Answer, less: Answer | None, cut: float) -> float:
    """About the worst bar by the answer of a degree ``less``, with what the cut changes, which it has in it, on top."""
    if less is None or len(less.numbers) != len(answer.numbers):
        return np.inf
    difference = np.abs(np.expm1(less.numbers - answer.numbers))
    return _worst(answer, np.maximum(difference, LEAST_BY_LESS[2] * predicted_errors(answer)[1]) + cut)


def _verified_by_one_more(problem: Problem, mesh: Triangulation, answer: Answer) -> bool:
    """Whether a degree more, by the usual rule, is what verifies this answer, if a degree less does not."""
    plain, degree = answer.more <= HIGHER[2] and is_analytic(problem), answer.generator.discretization.degree
    return plain and error_of_roughness(problem, mesh, degree) <= SMOOTH * budget_of(problem).changed


def _asked(ask: Ask, mesh: Triangulation, degree: int) -> dict[int, Answer]:
    """The answer of another degree by that; none where a coarse mesh does not serve with it."""
    try:
        return {degree: ask(discretize(mesh, degree))}
    except ConvergenceError:
        return {}


def _apart(found: Answer, other: Answer | None) -> float:
    """The largest relative difference of the numbers of two answers, infinite where they have not the same.

    Of one that counts little, in units of what it counts beside: it is in its bar in units of its own.  A rate that is
    1e-14 of those out of its well changed by a factor of 33, and had nothing cut from meshes of eleven wells.
    """
    if other is None or len(found.numbers) != len(other.numbers):
        return np.inf
    weights = 1.0 if found.weights is None else np.minimum(found.weights, 1.0)
    return float((weights * np.abs(np.expm1(other.numbers - found.numbers))).max(initial=0.0))
