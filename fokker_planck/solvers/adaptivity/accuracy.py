"""Refine until the answer of a higher degree agrees, and say how far the answer can be from the truth."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from math import factorial

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx, _petsc
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.meshing import Heights
from fokker_planck.fem.shapes.unfolding import unfolded
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats, Numbers
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.adaptivity.answer_types import Ask, InSteps, Kept, Outcome
from fokker_planck.solvers.adaptivity.beginning import Beginning, begin
from fokker_planck.solvers.adaptivity.close_starts import with_close_start
from fokker_planck.solvers.adaptivity.corners import exponents_of_cells, graded, singular_corners
from fokker_planck.solvers.adaptivity.course import Course, after_verification, refuse_unknown, shown
from fokker_planck.solvers.adaptivity.error_bars import (
    ALONE,
    LEAST_PREDICTABLE,
    LEAST_SHARE,
    LEAST_SHARE_OF_DEGENERATE,
    SAFETY,
    UNMOVED,
    WORST_ERROR,
    bars_by,
    bars_by_less,
    bars_by_rule_and_degree,
    beyond_less,
    by_chance,
    degrees_more,
    expected_by_less,
    least_bars,
    predicted_errors,
    rule_beyond,
    safety_of,
    shares_of_numbers,
    warn_of_coarseness,
    warn_or_refuse,
)
from fokker_planck.solvers.adaptivity.function_checks import check_functions
from fokker_planck.solvers.adaptivity.initial_mesh import CHANGE
from fokker_planck.solvers.adaptivity.last_mesh import last_in_vain, next_is_last
from fokker_planck.solvers.adaptivity.marking import growth_in_space, refined_where_unresolved
from fokker_planck.solvers.adaptivity.prescribed_mesh import prescribed_errors
from fokker_planck.solvers.adaptivity.roughness import (
    SINGULAR,
    SMOOTH,
    error_of_roughness,
    is_analytic,
    may_be_rough,
    roughness_of,
)
from fokker_planck.solvers.adaptivity.thin_layers import rounding_of_layers
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.results.steady import Statistics
from fokker_planck.solvers.setting.error_budget import ErrorBudget
from fokker_planck.solvers.setting.setting import Setting

logger = logging.getLogger(__name__)

MOST_LEVELS = 60
"""Meshes, after which no number of them will do: most answers take one to four."""
NARROWEST = 1e-9
"""Of its coordinate, which is known to 1e-16: next to an end at which the density is a power of the distance
eigenvalues went 5e-3 astray, at bars of 3e-5, as cells there were bisected on."""
MOST_RISES = 3
"""Meshes in a row of which each is expected to be worse than the one before: finer cells have more rounding, as next to
an end where D vanishes, and the best that was verified is what can be had."""

CORNERS = 1e-5
"""Of the error that the indicator predicts, below which what it predicts of corners is nothing, and says nothing of how
errors fall: on surfaces of cuts, where functions are constant, it is 5e-8 to 3e-6 of it (committors at barriers of 50
to 200), at corners of walls and targets 4e-4 to 9. It is in the bar in either case."""
LARGE = 5000
"""Cells from which on the matrices of the mesh before are handed back first, which takes a while."""
LONG = {1: 200_000, 2: 40_000, 3: 8_000}
"""Unknowns with which a mesh takes about two seconds, and is announced however little ago the one before was."""


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
        try:
            kept = _asked(problem, first, unfolded(mesh))
        except ConvergenceError:
            if course.level or not first.coarse or _unknowns(mesh, first.degree) > first.most_unknowns:
                raise
            # a first mesh that is made coarse to be refined may be too coarse for any answer
            mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool))
            continue
        course = _judged(problem, first, kept, course, tolerance)
        if course.errors is not None:
            return _outcome(problem, (course.shown or kept).ended, course.errors, course.level, started)
        mesh = _finer(problem, first, kept, course.everywhere, aim / course.expected)


def _judged(problem: Problem, first: Beginning, kept: Kept, course: Course, tolerance: float) -> Course:
    """The course after one more mesh, verified there where the tolerance may have been reached or no finer may come."""
    if course.level >= MOST_LEVELS or not np.isfinite(kept.predicted).all():
        raise ConvergenceError(
            f"no estimate of the error after {course.level + 1} meshes",
            "more noise, a smaller domain, or a smoother potential",
        )
    before, course = course.predicted, course.with_prediction(kept, tolerance)
    if course.risen >= MOST_RISES and course.best is not None:
        return shown(replace(course, level=course.level + 1), tolerance)
    exhausted, space = kept.discretization.count > first.most_unknowns, problem.dimension == 3
    expected = course.excess * SAFETY * kept.worst(kept.predicted)
    # rounding is in the indicator, too: what no bisection makes less is verified as it is
    unmoved = course.everywhere and expected > UNMOVED * course.foreseen
    course = replace(course, level=course.level + 1, foreseen=expected)
    # what is cut is a share of the largest: of a rate that is little beside others out of a well it is more
    others = first.left + first.cut / np.clip(kept.weights, 1e-300, 1.0)
    errors = np.full(len(kept.predicted), np.inf)
    by_less = space and (first.by_less or (exhausted and first.coarse)) and first.degree >= LEAST_PREDICTABLE
    if by_less:
        # at the end of the budget a bar may be any, before that one that would be refused tells nothing
        errors = _by_a_degree_less(problem, first, kept, np.inf if exhausted else WORST_ERROR)[0] + others
        # at the end of the budget a degree more, three times the work of this mesh, is not asked
        expected = min(expected, kept.worst(errors))
    # without detailed balance the indicator can expect hundreds of times the error
    last_but_one = space and first.by_less and next_is_last(first, kept)
    least = kept.worst(least_bars(kept)) + others.max(initial=0.0)
    # where rounding is known to count, finer cells have more of it: the first mesh may be the best there is
    tried = course.level == 1 and ((first.at_once and least <= tolerance) or bool(np.any(kept.rounding)))
    stalled = course.risen >= MOST_RISES
    due = exhausted or last_but_one or tried or stalled
    if not (due or first.degree < LEAST_PREDICTABLE or expected <= tolerance or unmoved):
        return replace(course, expected=expected)
    by_lower, kept = kept.worst(errors), kept.ended
    # what a degree less would have refused though the indicator promises it is worth a degree more; where coefficients
    # may be rough, whatever it leaves open
    promised = by_lower > (WORST_ERROR if kept.shares is None else tolerance)
    promised &= kept.worst(kept.predicted) <= tolerance
    if not np.isfinite(errors).all() or promised or (not exhausted and by_lower > tolerance):
        asked = replace(first, less_first=first.less_first and not by_less)
        errors = _verified(problem, asked, kept, tolerance - first.left - first.cut) + others
        exhausted |= last_but_one and last_in_vain(problem, first, kept, kept.worst(errors), before)
    return after_verification(first, kept, replace(course, expected=expected), errors, tolerance, exhausted)


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
    kept = _asked(problem, first, first.mesh).ended

    def ask(finer: Triangulation, degree: int) -> Numbers:
        return first.ask(discretize(finer, degree)).numbers

    more = degrees_more(problem.dimension, first.degree)
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


def _asked(problem: Problem, first: Beginning, mesh: Triangulation) -> Kept:
    """The answer on a mesh, with its estimated error in every cell, and of every number."""
    _make_room(mesh)
    _say(mesh, first.degree, "")
    discretization = discretize(mesh, first.degree)
    steps = first.ask if isinstance(first.ask, InSteps) else None
    ask = first.ask if steps is None else steps.begun
    found = ask(discretization)
    indicator, predicted = predicted_errors(found)
    nowhere = np.zeros(discretization.count, dtype=bool)
    corners = singular_corners(discretization, nowhere if found.absorbed is None else found.absorbed, first.medium)
    at_corners, slowest = np.zeros(len(predicted)), found.slowest
    if len(corners.exponents):
        exponents = exponents_of_cells(discretization, corners)
        at_corners = predicted_errors(found, exponents)[1]
        slowest = min(slowest, corners.slowest if (at_corners > CORNERS * predicted).any() else np.inf)
        poles = [mode.pole for modes in found.modes for mode in modes if mode.pole is not None]
        # a value at the corner itself is no energy: its error falls like p^(-2 alpha)
        own = min([slowest, *(0.5 * float(exponents[pole].min(initial=np.inf)) for pole in poles)])
        slowest = discretization.comm.allreduce(own, op=MPI.MIN)
    weights = np.ones(len(found.numbers)) if found.weights is None else found.weights
    numbers, payload = found.numbers, found.payload
    share = found.least_share
    if share is None:
        share = LEAST_SHARE_OF_DEGENERATE if is_degenerate(problem) else LEAST_SHARE[problem.dimension]
    rounding = 0.0 if found.rounding is None else found.rounding
    rounding = np.maximum(rounding, rounding_of_layers(problem, discretization, ask, numbers))
    told = (indicator, predicted, corners, at_corners, slowest, share)
    shares = shares_of_numbers(found) if problem.dimension == 3 and may_be_rough(problem) else None
    unended = None if steps is None else steps.ended
    return Kept(discretization, numbers, payload, weights, *told, rounding, found.more, shares, unended)


def _unknowns(mesh: Triangulation, degree: int) -> float:
    """About how many a mesh has with elements of that degree."""
    return len(mesh.cells) * degree**mesh.dimension / factorial(mesh.dimension)


def _say(mesh: Triangulation, degree: int, purpose: str) -> None:
    """What is about to be solved: to whoever listens, aloud where it takes long."""
    cells = len(mesh.cells)
    level = logging.INFO if _unknowns(mesh, degree) > LONG[mesh.dimension] else logging.DEBUG
    logger.log(level, f"{cells:,} cells of degree {degree}{purpose}")


def _verified(problem: Problem, first: Beginning, kept: Kept, enough: float) -> Floats:
    """Relative error of every number of an answer, (k,), by that of a higher degree on the same mesh.

    In space, where a degree more takes three times the factorisation, and in the plane without detailed balance, that
    of a degree less is asked first, see :func:`bars_by_less`. Where it is ``enough``, nothing else is asked; else what
    it lets expect remains, should the two higher ones agree by chance. In the plane two neighbouring degrees can be
    wrong alike where coefficients are no polynomials: then it is two more.
    """
    mesh, more = kept.discretization.triangulation, degrees_more(problem.dimension, first.degree)
    higher = first.degree + max(more, kept.more)
    expected = np.zeros(len(kept.numbers))
    less = first.less_first and first.degree >= LEAST_PREDICTABLE
    if less and problem.dimension == 2 and beyond_less(kept.predicted, kept.weights, enough):
        expected = ALONE * kept.predicted
    elif less:
        errors, expected = _by_a_degree_less(problem, first, kept, enough)
        if kept.worst(errors) <= enough:
            return errors
    rough = error_of_roughness(problem, mesh, first.degree) if problem.dimension == 2 else 0.0
    singular = rough > max(SINGULAR, SMOOTH * enough)
    if rough > SMOOTH * enough:
        higher, rough = max(higher, first.degree + 2), 0.0
    _make_room(mesh)
    _say(mesh, higher, ", to verify")
    finer = discretize(mesh, higher)
    analytic = is_analytic(problem)
    if not analytic:
        finer = replace(finer, rule=rule_beyond(problem.dimension, kept.discretization.rule, finer.rule))
    others = first.ask(finer).numbers
    bars = bars_by(kept, others)
    if singular and not analytic:
        by_rule = replace(kept.discretization, rule=finer.rule)
        bars = np.maximum(bars, bars_by_rule_and_degree(kept, first.ask(by_rule).numbers, others))
    # in space degrees 2 and 3 tell little of 4, which is asked where 3 is too coarse to be believed
    return bars if problem.dimension == 3 else np.maximum(bars, np.maximum(expected, rough))


def _by_a_degree_less(problem: Problem, first: Beginning, kept: Kept, enough: float = np.inf) -> tuple[Floats, Floats]:
    """Relative error of every number, (k,), by the difference to a degree less; infinite where it has other or none.

    And what is expected of it, without any safety, (k,).  It is not believed below what coefficients have that
    polynomials have not, see :mod:`~.roughness`, and not asked where that alone is more than ``enough``.
    """
    mesh, nothing = kept.discretization.triangulation, np.zeros(len(kept.numbers))
    rough = roughness_of(problem, kept)
    if (kept.worst(rough) if problem.dimension == 3 else float(rough.max())) > enough:
        return np.full(len(nothing), np.inf), nothing
    lower, kept = discretize(mesh, first.degree - 1), kept.ended
    try:
        found = first.ask(lower)
    except ConvergenceError:
        # a coarse mesh that serves with this degree need not with a degree less: rates between wells are negative there
        return np.full(len(nothing), np.inf), nothing
    predicted = predicted_errors(found)[1]
    bars = np.maximum(bars_by_less(kept, found.numbers, predicted), rough)
    if problem.dimension == 3:
        bars = np.maximum(bars, by_chance(kept, problem.resolution.tolerance))
    return bars, expected_by_less(kept, found.numbers, predicted)


def _make_room(mesh: Triangulation) -> None:
    """Before a mesh whose matrices take some room, hand back that of those before, which takes a while."""
    if len(mesh.cells) > LARGE:
        _petsc.release_memory()


def _outcome(problem: Problem, kept: Kept, errors: Floats, levels: int, started: float) -> Outcome:
    discretization = kept.discretization
    refuse_unknown(errors)
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
