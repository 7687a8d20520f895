"""Refine until the answer of a higher degree agrees, and say how far the answer can be from the truth."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.meshing import Heights
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.shapes.unfolding import unfolded
from fokker_planck.fem.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.answer_types import Ask, Kept, Numbers, Outcome
from fokker_planck.solvers.asked_on_mesh import asked, by_a_degree_less, verified_bars
from fokker_planck.solvers.beginning import Beginning, begin
from fokker_planck.solvers.close_starts import with_close_start
from fokker_planck.solvers.corners import graded
from fokker_planck.solvers.ends import Ends
from fokker_planck.solvers.error_bars import (
    HIGHER,
    LEAST_PREDICTABLE,
    SAFETY,
    UNMOVED,
    WORST_ERROR,
    Standstill,
    least_bars,
    safety_of,
    warn_of_coarseness,
    warn_or_refuse,
)
from fokker_planck.solvers.error_budget import ErrorBudget
from fokker_planck.solvers.function_checks import check_functions
from fokker_planck.solvers.initial_mesh import CHANGE
from fokker_planck.solvers.marking import growth_in_space, refined_where_unresolved
from fokker_planck.solvers.prescribed_mesh import prescribed_errors
from fokker_planck.solvers.results import Statistics
from fokker_planck.solvers.setting import Setting

MOST_LEVELS = 60
"""Meshes, after which no number of them will do: most answers take one to four."""
STAGNATION = 0.5
"""Of a verified error, left by a mesh on which the indicator expected less than the tolerance: where more is left it
does not see where the error is, and all cells are bisected from then on."""
FLAT, STALLED = 1e-9, 100.0
"""Where rounding in flat cells, estimated, is beyond ``FLAT``, a bar below ``STALLED`` times that which the next mesh
does not lower is of rounding: three bars of 1.1e-6, 2.4e-6 and 2.6e-6 came of 9e-8, for the time to cross 1 by 1e4."""
MOST_STALLS = 3
"""Of the error in a row, after which it is reported as it is: each takes twice the unknowns of the one before."""
NARROWEST = 1e-9
"""Of its coordinate, which is known to 1e-16: next to an end at which the density is a power of the distance
eigenvalues went 5e-3 astray, at bars of 3e-5, as cells there were bisected on."""
WORSE = 10.0
"""Times the bar of the best mesh, from which on that is shown."""
MOST_RISES = 3
"""Meshes in a row of which each is expected to be worse than the one before: finer cells have more rounding, as next to
an end where D vanishes, and the best that was verified is what can be had."""


def answered(
    setting: Setting,
    ends: Ends,
    answer: Ask,
    heights: Heights | None = None,
    least_unknowns: int = 0,
    change: Mapping[int, float] | None = None,
    *,
    cut: bool = False,
) -> Outcome:
    """Ask on finer and finer meshes until the tolerance is reached; see :func:`begin` for the first of them."""
    first = begin(setting, ends, answer, heights, least_unknowns, change or CHANGE, cut=cut)
    first = with_close_start(setting.problem, first, ends.goals, ends.start)
    return refined_until_verified(setting.problem, first)


def refined_until_verified(problem: Problem, first: Beginning) -> Outcome:
    """Ask on finer and finer meshes until the estimated error is below the problem's tolerance.

    Each step bisects the cells in which the functions behind the answer are resolved worst. When the indicator says
    that the tolerance may have been reached, the question is put once more on the same mesh with a higher degree, by
    whose error that of the answer exceeds the difference: a small part of it, which ``SAFETY`` covers.

    Parameters
    ----------
    problem
        with the tolerance; where its mesh is prescribed, that is verified and never refined.
    first
        the question, the mesh to begin with, and what of the error no finer one makes less.
    """
    started = time.perf_counter()
    if problem.resolution.cells is not None:
        return _verified_as_it_is(problem, first, started)
    tolerance = _attainable(problem, first)
    aim = ErrorBudget(tolerance, problem.dimension).aim
    mesh, course = first.mesh, Course(everywhere=first.degree < 2)
    while True:
        kept = asked(problem, first, unfolded(mesh))
        course = _judged(problem, first, kept, course, tolerance)
        if course.errors is not None:
            return _outcome(problem, course.shown or kept, course.errors, course.level, started)
        mesh = _finer(problem, first, kept, course.everywhere, aim / course.expected)


@dataclass(frozen=True)
class Course:
    """What the meshes so far have told, ``level`` of them.

    ``excess`` is the error last verified over that which was expected there, ``foreseen`` what the indicator says of
    the last mesh, times that, ``verified`` the last verified error, and ``expected`` what is known best.
    ``risen`` counts meshes in a row for which the indicator itself says more, and ``best`` was verified with the least
    errors, ``best_errors``; it is ``shown`` where finer meshes are worse.
    ``everywhere`` says that the indicator does not see where the error is.  ``errors`` are those to be reported, once
    no finer mesh is to come.
    """

    level: int = 0
    excess: float = 1.0
    foreseen: float = np.inf
    verified: float = np.inf
    expected: float = np.inf
    everywhere: bool = False
    standstill: Standstill = field(default_factory=Standstill)
    errors: Floats | None = None
    predicted: float = np.inf
    risen: int = 0
    best: Kept | None = None
    best_errors: Floats = field(default_factory=lambda: np.zeros(0))
    shown: Kept | None = None

    def with_prediction(self, predicted: float, tolerance: float) -> Course:
        """With what the indicator says of one mesh more; what it says before it sees anything may rise, too."""
        risen = self.predicted < predicted <= tolerance
        return replace(self, predicted=predicted, risen=self.risen + 1 if risen else 0)


def _judged(problem: Problem, first: Beginning, kept: Kept, course: Course, tolerance: float) -> Course:
    """The course after one more mesh, verified there where the tolerance may have been reached or no finer may come."""
    if course.level >= MOST_LEVELS or not np.isfinite(kept.predicted).all():
        raise ConvergenceError(
            f"no estimate of the error after {course.level + 1} meshes",
            "more noise, a smaller domain, or a smoother potential",
        )
    course = course.with_prediction(kept.worst(kept.predicted), tolerance)
    if course.risen >= MOST_RISES and course.best is not None:
        return _shown(replace(course, level=course.level + 1), tolerance)
    exhausted, space = kept.discretization.count > first.most_unknowns, problem.dimension == 3
    expected = course.excess * SAFETY * kept.worst(kept.predicted)
    # rounding is in the indicator, too: what no bisection makes less is verified as it is
    unmoved = course.everywhere and expected > UNMOVED * course.foreseen
    course = replace(course, level=course.level + 1, foreseen=expected)
    # what is cut is a share of the largest: of a rate that is little beside others out of a well it is more
    others = first.left + first.cut / np.maximum(kept.weights, 1e-300)
    errors = np.full(len(kept.predicted), np.inf)
    if space and (first.by_less or (exhausted and first.coarse)) and first.degree >= LEAST_PREDICTABLE:
        errors = by_a_degree_less(problem, first, kept) + others
        # at the end of the budget a degree more, three times the work of this mesh, is not asked
        expected = min(expected, kept.worst(errors))
    # without detailed balance the indicator can expect hundreds of times the error
    least = kept.worst(least_bars(kept)) + others.max(initial=0.0)
    tried = first.at_once and course.level == 1 and least <= tolerance
    stalled = course.risen >= MOST_RISES
    if not (exhausted or first.degree < LEAST_PREDICTABLE or expected <= tolerance or unmoved or tried or stalled):
        return replace(course, expected=expected)
    by_lower = kept.worst(errors)
    # what a degree less would have refused though the indicator promises it is worth a degree more
    promised = by_lower > WORST_ERROR and kept.worst(kept.predicted) <= tolerance
    if not np.isfinite(errors).all() or promised or (not exhausted and by_lower > tolerance):
        errors = verified_bars(problem, first, kept, tolerance - first.left - first.cut) + others
    return _after_verification(first, kept, replace(course, expected=expected), errors, tolerance, exhausted)


def _shown(course: Course, tolerance: float) -> Course:
    """The end of a course at its best mesh, which does not reach the tolerance."""
    assert course.best is not None
    warn_or_refuse(course.best.worst(course.best_errors), tolerance)
    return replace(course, errors=course.best_errors, shown=course.best)


def _after_verification(
    first: Beginning, kept: Kept, course: Course, errors: Floats, tolerance: float, exhausted: bool
) -> Course:
    """The course once the ``errors`` of a mesh are known: to be reported, or to go on from."""
    standstill = course.standstill
    if course.everywhere:
        standstill = standstill.then(kept, errors)
        errors = standstill.held
    before, verified = course.verified, kept.worst(errors)
    if course.best is None or verified < course.best.worst(course.best_errors):
        course = replace(course, best=kept, best_errors=errors)
    assert course.best is not None
    # of flat cells rounding is left, which finer ones do not mend
    flat = first.least_error > FLAT and before <= verified <= STALLED * first.least_error
    exhausted |= standstill.count >= MOST_STALLS or flat
    if verified > tolerance and exhausted:
        least = course.best.worst(course.best_errors)
        if verified > WORSE * least:
            return replace(_shown(course, tolerance), standstill=standstill, verified=verified)
        warn_or_refuse(verified, tolerance)
    return replace(
        course,
        excess=verified / max(course.expected, 1e-300),
        verified=verified,
        expected=verified,
        # the indicator does not see where the error is
        everywhere=course.everywhere or verified > STAGNATION * before,
        standstill=standstill,
        errors=errors if verified <= tolerance or exhausted else None,
    )


def _finer(problem: Problem, first: Beginning, kept: Kept, everywhere: bool, fraction: float) -> Triangulation:
    """The next mesh, on which ``fraction`` of the error is to be left."""
    mesh, count = kept.discretization.triangulation, kept.discretization.count
    if everywhere:
        mesh = refine(mesh, _wide_enough(mesh))
    else:
        growth = growth_in_space(first.coarse, count, first.most_unknowns) if problem.dimension == 3 else (0.0, np.inf)
        mesh = refined_where_unresolved(mesh, kept.indicator, first.degree, fraction, growth)
    return graded(mesh, kept.corners, min(fraction, 0.5)) if problem.dimension == 2 else mesh


def _wide_enough(mesh: Triangulation) -> Booleans:
    """Cells of which all are bisected; on a line not where the points of a rule are known to few digits of a cell."""
    wide = np.ones(len(mesh.cells), dtype=bool)
    if mesh.dimension > 1:
        return wide
    places = mesh.points[mesh.cells][:, :, 0]
    wide = np.ptp(places, axis=1) > NARROWEST * np.abs(places).max(axis=1)
    return wide if wide.any() else np.ones_like(wide)


def _verified_as_it_is(problem: Problem, first: Beginning, started: float) -> Outcome:
    """The answer on a mesh that is prescribed."""
    kept = asked(problem, first, first.mesh)

    def ask(finer: Triangulation, degree: int) -> Numbers:
        return first.ask(discretize(finer, degree)).numbers

    more = HIGHER[problem.dimension]
    errors = prescribed_errors(kept.numbers, kept.weights, first.mesh, first.degree, more, safety_of(kept), ask)
    errors = np.maximum(errors, least_bars(kept)) + first.left
    warn_of_coarseness(kept.worst(errors))
    return _outcome(problem, kept, errors, 1, started)


def _attainable(problem: Problem, first: Beginning) -> float:
    """The tolerance, or what can be had of it: no mesh helps against what was left away."""
    tolerance, floor = problem.resolution.tolerance, 2.0 * (first.left + first.cut)
    if floor > tolerance:
        warn_or_refuse(floor, tolerance)
    return max(tolerance, floor)


def _outcome(problem: Problem, kept: Kept, errors: Floats, levels: int, started: float) -> Outcome:
    discretization = kept.discretization
    statistics = Statistics(
        unknowns=discretization.count,
        cells=len(discretization.triangulation.cells),
        degree=discretization.degree,
        levels=levels,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.dolfinx_version(),
        functions=check_functions(problem, discretization.triangulation, discretization.degree),
    )
    return Outcome(kept.numbers, errors, kept.payload, discretization, statistics)
