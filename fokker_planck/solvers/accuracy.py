"""Refine until the answer of a higher degree agrees, and say how far the answer can be from the truth."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from math import factorial
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Floats
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx, _petsc
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.indicator import energy_errors
from fokker_planck.fem.meshing import Heights
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.shapes.curved_quality import unfolded
from fokker_planck.fem.triangulation import Triangulation
from fokker_planck.model.problem import Problem
from fokker_planck.progress import say
from fokker_planck.solvers.answer_types import Answer, Ask, Kept, Outcome
from fokker_planck.solvers.beginning import Beginning, begin
from fokker_planck.solvers.corners import corner_safety, exponents_of_cells, graded, singular_corners
from fokker_planck.solvers.ends import Ends
from fokker_planck.solvers.error_budget import ErrorBudget
from fokker_planck.solvers.function_checks import check_functions
from fokker_planck.solvers.initial_mesh import CHANGE
from fokker_planck.solvers.marking import MOST_GROWTH, refined_where_unresolved
from fokker_planck.solvers.material_corners import Medium
from fokker_planck.solvers.prescribed_mesh import REMEDY, WORST, prescribed_errors
from fokker_planck.solvers.results import Statistics
from fokker_planck.solvers.setting import Setting

HIGHER = {1: 2, 2: 1, 3: 1}
"""Degrees more by which an answer is verified: on a line two cost next to nothing, in space one takes three times the
factorisation."""
MOST_LEVELS = 60
"""Meshes, after which no number of them will do: most answers take one to four."""
WORST_ERROR = 0.1
"""Of a number, beyond which it is refused: not a digit of it would be known."""
SAFETY = 3.0
"""By what the difference to a higher degree is multiplied: that covers the error of the lower one where a degree
divides it by 1.5 or more, and most bars come out three times the error."""
LEAST_SHARE = 0.003
"""Of the error that the indicator predicts, which is within a factor of five on most meshes: the bar where two degrees
agree by chance, and lost in it where they do not."""
STAGNATION = 0.5
"""Of a verified error, left by a mesh on which the indicator expected less than the tolerance: where more is left it
does not see where the error is, and all cells are bisected from then on."""
FLAT, STALLED = 1e-9, 100.0
"""Where rounding in flat cells, estimated, is beyond ``FLAT``, a bar below ``STALLED`` times that which the next mesh
does not lower is of rounding: three bars of 1.1e-6, 2.4e-6 and 2.6e-6 came of 9e-8, for the time to cross 1 by 1e4."""
UNMOVED = 0.8
"""Of an error, which a bisection of all cells leaves where it is rounding; at a corner of exponent 1/2 0.7."""
MOST_STALLS = 3
"""Of the error in a row, after which it is reported as it is: each takes twice the unknowns of the one before."""
LEAST_PREDICTABLE = 3
"""Degree from which on the indicator, which compares pairs of degrees, is asked; below it every mesh is verified."""
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
    return refined_until_verified(setting.problem, first)


def refined_until_verified(problem: Problem, first: Beginning) -> Outcome:
    """Ask on finer and finer meshes until the estimated error is below the problem's tolerance.

    Each step bisects the cells in which the functions behind the answer are resolved worst.  When the indicator says
    that the tolerance may have been reached, the question is put once more on the same mesh with a higher degree, by
    whose error that of the answer exceeds the difference: a small part of it, which ``SAFETY`` covers.

    Args:
        problem: with the tolerance; where its mesh is prescribed, that is verified and never refined.
        first: the question, the mesh to begin with, and what of the error no finer one makes less.
    """
    started = time.perf_counter()
    tolerance, dimension = problem.resolution.tolerance, problem.dimension
    answer, mesh, degree, medium = first.ask, first.mesh, first.degree, first.medium
    cut, least_error = first.cut, first.least_error
    if problem.resolution.cells is not None:
        discretization, current, _, predicted = _asked(problem, mesh, degree, answer, medium)
        weights = np.ones(len(current.numbers)) if current.weights is None else current.weights
        safety = _safety(discretization, current)

        def ask(finer: Triangulation, more: int) -> Any:
            return answer(discretize(finer, more, problem.periods)).numbers

        errors = prescribed_errors(current.numbers, weights, mesh, degree, HIGHER[dimension], safety, ask)
        errors = np.maximum(errors, _least(current, predicted, degree)) + least_error
        _warn_of_coarseness(float((weights * errors).max(initial=0.0)))
        return _outcome(problem, current, errors, discretization, 1, started)
    floor = 2.0 * (least_error + cut)
    if floor > tolerance:
        # no mesh helps against what was left away
        warn_or_refuse(floor, tolerance)
        tolerance = floor
    aim = ErrorBudget(tolerance, dimension).aim
    excess, level, asked, everywhere = 1.0, 0, np.inf, degree < 2
    by_less = first.by_less and dimension == 3
    most = MOST_GROWTH if by_less else np.inf
    stalls, least, held, hoped = 0, np.inf, np.zeros(0), np.inf
    while True:
        mesh = unfolded(mesh)
        discretization, current, indicator, predicted = _asked(problem, mesh, degree, answer, medium)
        level += 1
        if level > MOST_LEVELS or not np.isfinite(predicted).all():
            raise ConvergenceError(
                f"no estimate of the error after {level} meshes",
                "more noise, a smaller domain, or a smoother potential",
            )
        weights = np.ones(len(predicted)) if current.weights is None else current.weights
        exhausted = discretization.count > first.most_unknowns
        expected = excess * SAFETY * float((weights * predicted).max())
        # rounding is in the indicator, too: what no bisection makes less is verified as it is
        unmoved, hoped = everywhere and expected > UNMOVED * hoped, expected
        # what is cut is a share of the largest: of a rate that is little beside others out of a well it is more
        others, errors = least_error + cut / np.maximum(weights, 1e-300), np.full(len(predicted), np.inf)
        if by_less and degree >= LEAST_PREDICTABLE:
            errors = _by_a_degree_less(problem, current, predicted, discretization, answer) + others
            # at the end of the budget a degree more, three times the work of this mesh, is not asked
            expected = min(expected, float((weights * errors).max(initial=0.0)))
        if exhausted or degree < LEAST_PREDICTABLE or expected <= tolerance or unmoved:
            by_lower = float((weights * errors).max(initial=0.0))
            # what a degree less would have refused though the indicator promises it is worth a degree more
            promised = by_lower > WORST_ERROR and float((weights * predicted).max(initial=0.0)) <= tolerance
            if not np.isfinite(errors).all() or promised or (not exhausted and by_lower > tolerance):
                errors = (
                    _verified(problem, current, predicted, discretization, answer, tolerance - least_error - cut)
                    + others
                )
            if everywhere and float((weights * errors).max()) > UNMOVED * least:
                # what no bisection of all cells makes less is rounding, and comes out small by chance at times
                stalls, held = stalls + 1, errors if len(held) != len(errors) else np.maximum(held, errors)
                errors = held
            elif everywhere:
                stalls, held = 0, errors
            before, asked = asked, float((weights * errors).max())
            least = min(least, asked) if everywhere else np.inf
            # of flat cells rounding is left, which finer ones do not mend
            exhausted |= stalls >= MOST_STALLS or (least_error > FLAT and before <= asked <= STALLED * least_error)
            if asked > tolerance and exhausted:
                warn_or_refuse(asked, tolerance)
            if asked <= tolerance or exhausted:
                return _outcome(problem, current, errors, discretization, level, started)
            excess, expected = excess * asked / expected, asked
            # the indicator does not see where the error is
            everywhere |= asked > STAGNATION * before
        if everywhere:
            mesh = refine(mesh, np.ones(len(indicator), dtype=bool))
        else:
            mesh = refined_where_unresolved(mesh, indicator, degree, aim / expected, most)
        if dimension == 2:
            mesh = graded(mesh, current.corners, min(aim / expected, 0.5))


def _asked(
    problem: Problem,
    mesh: Triangulation,
    degree: int,
    answer: Ask,
    medium: Medium,
) -> tuple[Discretization, Kept, Floats, Floats]:
    """The answer on a mesh, with its estimated error in every cell, and of every number."""
    _make_room(mesh)
    _say(mesh, degree, "")
    discretization = discretize(mesh, degree, problem.periods)
    found = answer(discretization)
    indicator, predicted = _predicted(found)
    nowhere = np.zeros(discretization.count, dtype=bool)
    corners = singular_corners(discretization, nowhere if found.absorbed is None else found.absorbed, medium)
    at_corners, slowest = np.zeros(len(predicted)), corners.slowest
    if len(corners.exponents):
        exponents = exponents_of_cells(discretization, corners)
        at_corners = _predicted(found, exponents)[1]
        poles = [mode.pole for modes in found.modes for mode in modes if mode.pole is not None]
        # a value at the corner itself is no energy: its error falls like p^(-2 alpha)
        own = min([slowest, *(0.5 * float(exponents[pole].min(initial=np.inf)) for pole in poles)])
        slowest = discretization.comm.allreduce(own, op=MPI.MIN)
    kept = Kept(found.numbers, found.payload, found.weights, found.absorbed, corners, at_corners, slowest)
    return discretization, kept, indicator, predicted


def _say(mesh: Triangulation, degree: int, purpose: str) -> None:
    cells = len(mesh.cells)
    unknowns = cells * degree**mesh.dimension / factorial(mesh.dimension)
    say(f"{cells:,} cells of degree {degree}{purpose}", long=unknowns > LONG[mesh.dimension])


def _verified(
    problem: Problem,
    current: Kept,
    predicted: Floats,
    discretization: Discretization,
    answer: Ask,
    enough: float,
) -> Floats:
    """Relative error of every number of an answer, (k,), by that of a higher degree on the same mesh.

    At a corner it falls slowly with the degree, by a power that the angle tells.  Should the two agree by chance, a
    share of what the indicator predicts remains, and all that it predicts at corners.

    In space, where a degree more takes three times the factorisation, that of a degree less is asked first: if a degree
    divides the error by 1/r, that of this answer is r/(1 - r) of the difference, which ``SAFETY`` covers up to r = 3/4,
    while it covers 1/(1 - r) of that to the higher one up to r = 2/3. Where it is ``enough``, nothing else is asked.
    """
    mesh, degree, more = discretization.triangulation, discretization.degree, HIGHER[problem.dimension]
    safety = _safety(discretization, current)
    if problem.dimension == 3 and degree >= LEAST_PREDICTABLE:
        weights = np.ones(len(predicted)) if current.weights is None else current.weights
        errors = _by_a_degree_less(problem, current, predicted, discretization, answer)
        if float((weights * errors).max(initial=0.0)) <= enough:
            return errors
    _make_room(mesh)
    _say(mesh, degree + more, ", to verify")
    higher = answer(discretize(mesh, degree + more, problem.periods)).numbers
    if len(higher) != len(current.numbers):
        return np.full(len(current.numbers), np.inf)
    difference = np.abs(np.expm1(current.numbers - higher))
    return np.asarray(np.maximum(safety * difference, _least(current, predicted, degree)))


def _by_a_degree_less(
    problem: Problem,
    current: Kept,
    predicted: Floats,
    discretization: Discretization,
    answer: Ask,
) -> Floats:
    """Relative error of every number, (k,), by the difference to a degree less; infinite where it has other or none."""
    degree = discretization.degree
    try:
        lower = answer(discretize(discretization.triangulation, degree - 1, problem.periods)).numbers
    except ConvergenceError:
        # a coarse mesh that serves with this degree need not with a degree less: rates between wells are negative there
        return np.full(len(current.numbers), np.inf)
    if len(lower) != len(current.numbers):
        return np.full(len(current.numbers), np.inf)
    difference = np.abs(np.expm1(current.numbers - lower))
    return np.asarray(np.maximum(_safety(discretization, current) * difference, _least(current, predicted, degree)))


def _least(current: Kept, predicted: Floats, degree: int) -> Floats:
    """What remains of the error should two answers agree by chance.

    At corners all that is predicted there: an error of another sign elsewhere can hide in the difference, of which the
    corner shows a part only, what shows of the corner, and no more of its error.
    """
    share = LEAST_SHARE * predicted if degree >= LEAST_PREDICTABLE else np.zeros(len(predicted))
    return np.asarray(np.maximum(share, current.at_corners))


def _safety(discretization: Discretization, current: Kept) -> float:
    """By what the difference to a higher degree is multiplied."""
    exponent, degree = current.slowest, discretization.degree
    more = HIGHER[discretization.triangulation.dimension]
    return max(SAFETY, corner_safety(degree, more, exponent)) if exponent < np.inf else SAFETY


def _make_room(mesh: Triangulation) -> None:
    """Before a mesh whose matrices take some room, hand back that of those before, which takes a while."""
    if len(mesh.cells) > LARGE:
        _petsc.release_memory()


def _predicted(current: Answer, exponents: Floats | None = None) -> tuple[Floats, Floats]:
    """Estimated error in every cell, of all modes together, and of every number, (k,).

    Given ``exponents`` (cells of this rank,), of the cells alone where they are finite: at corners.
    """
    distinct = {id(modes): modes for modes in current.modes}
    parts = {key: energy_errors(current.generator, modes, exponents) for key, modes in distinct.items()}
    if len(current.modes) != len(current.numbers):
        indicator = np.sum(list(parts.values()), axis=0)
        return indicator, np.full(len(current.numbers), indicator.sum())
    weights = dict.fromkeys(parts, 1.0)
    if current.weights is not None:
        for modes, weight in zip(current.modes, current.weights, strict=True):
            weights[id(modes)] = float(weight)
    indicator = np.sum([weights[key] * part for key, part in parts.items()], axis=0)
    return indicator, np.array([parts[id(modes)].sum() for modes in current.modes])


def _outcome(
    problem: Problem, answer: Kept, errors: Floats, discretization: Discretization, levels: int, started: float
) -> Outcome:
    statistics = statistics_of(discretization, levels, started)
    seen = check_functions(problem, discretization.triangulation, discretization.degree)
    statistics = replace(statistics, functions=seen)
    return Outcome(answer.numbers, errors, answer.payload, discretization, statistics)


def statistics_of(discretization: Discretization, levels: int, started: float) -> Statistics:
    """What an answer took, ``started`` being the reading of the clock at its beginning."""
    return Statistics(
        unknowns=discretization.count,
        cells=len(discretization.triangulation.cells),
        degree=discretization.degree,
        levels=levels,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.VERSION,
    )


def _warn_of_coarseness(error: float) -> None:
    """Say that a prescribed mesh is too coarse for the first digit; refuse where it tells nothing at all."""
    message = f"the prescribed mesh is so coarse that the relative error can be {error:.1g}"
    if not error < WORST:
        raise ConvergenceError(message, REMEDY)
    if error > WORST_ERROR:
        warnings.warn(f"{message}; {REMEDY}", stacklevel=3)


def warn_or_refuse(error: float, tolerance: float) -> None:
    """Say that the tolerance was missed; raise ``ConvergenceError`` where hardly a digit is known."""
    message = f"the finest mesh allowed reaches a relative error of {error:.1e}, not the tolerance of {tolerance:.1e}"
    if not error < WORST_ERROR:
        raise ConvergenceError(message, "more noise, a smaller domain, or a smoother potential")
    warnings.warn(message, stacklevel=3)
