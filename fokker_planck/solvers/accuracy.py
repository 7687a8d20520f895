"""Refine until successive answers agree, and say how far the last can be from the truth."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode, energy_errors, shares_of_cells
from fokker_planck.fem.meshing import Heights, domain_triangulation, quadrature_error, resolved
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.triangulation import Floats, Triangulation
from fokker_planck.sets import Set
from fokker_planck.solvers.results import Statistics
from fokker_planck.solvers.setting import MARGIN, Setting

DEGREE = {1: 6, 2: 4, 3: 4}
MOST_UNKNOWNS = {1: 2_000_000, 2: 1_200_000, 3: 250_000}
LEAST_ERROR = 2e-13
WORST_ERROR = 0.1
WEIGHT_SHARE = 0.05
FLOOR = 0.02
SAFETY = {1: 40.0, 2: 1.5, 3: 1.5}
CUT = 100.0
LEAST_PREDICTABLE = 3
TRUST = (0.4, 5.0)
AGAIN = "bisect again"


@dataclass(frozen=True)
class Answer:
    """``numbers`` (k,) are natural logarithms of what is reported; the ``payload`` travels along.

    ``weights`` (k,), at most one, lower the accuracy asked of some numbers.  ``modes`` are the functions that must
    be resolved for the numbers to be right, cell by cell as :func:`energy_errors` takes them.
    """

    numbers: Floats
    payload: Any
    generator: Generator
    modes: Sequence[Mode]
    weights: Floats | None = None


@dataclass(frozen=True)
class Outcome:
    """The answer on the finest discretisation, with an estimate of the relative error of every number, (k,)."""

    numbers: Floats
    errors: Floats
    payload: Any
    discretization: Discretization
    statistics: Statistics


def answered(
    setting: Setting, heights: Heights, regions: Mapping[str, Set], answer: Callable[[Discretization], Answer]
) -> Outcome:
    """Ask on finer and finer meshes until the estimated error is below the problem's tolerance.

    Each step bisects the cells in which the modes of the answer are resolved worst.  For degree p in d dimensions
    the error of an eigenvalue or a mean time falls like N^(-2p/d) with the number of unknowns N; the estimate
    assumes half of that exponent, so that it errs on the large side.  With a fixed mesh, the difference to the
    answer of one degree less is the estimate.
    """
    started = time.perf_counter()
    resolution, dimension = setting.problem.resolution, setting.problem.dimension
    degree = resolution.degree or DEGREE[dimension]
    base = domain_triangulation(setting.problem, regions)
    if resolution.cells is not None:
        return _on_fixed_mesh(setting, base, degree, answer, started)
    tolerance = resolution.tolerance
    triangulation = resolved(base, setting.balance.exponent, heights, degree, WEIGHT_SHARE * tolerance)
    last: tuple[Floats, Floats] | None = None
    level, last_count = 0, 0
    while True:
        discretization = discretize(triangulation, degree, setting.problem.periods)
        current = answer(discretization)
        level += 1
        indicator, predicted = _predicted(current)
        if last is not None:
            change = np.abs(np.expm1(current.numbers - last[0]))
            trust = np.clip(change / np.maximum(last[1], 1e-300), *TRUST)
            errors = SAFETY[dimension] * trust * predicted
            if degree < LEAST_PREDICTABLE:
                errors = change / ((discretization.count / last_count) ** (degree / dimension) - 1.0)
            errors += weight_errors(current, setting.balance.exponent)
            errors += LEAST_ERROR + CUT * tolerance * exp(-MARGIN)
            asked = errors if current.weights is None else errors * current.weights
            enough = bool((asked <= tolerance).all())
            if enough or discretization.count > MOST_UNKNOWNS[dimension]:
                if not enough:
                    _warn_or_refuse(float(errors.max()), tolerance)
                return _outcome(current, errors, discretization, level, started)
        last, last_count = (current.numbers, predicted), discretization.count
        floor = FLOOR * tolerance / len(indicator)
        if degree < LEAST_PREDICTABLE:
            triangulation = refine(triangulation, np.ones(len(indicator), dtype=bool))
            continue
        triangulation = _refined_where_unresolved(triangulation, indicator, degree, floor)


def _predicted(current: Answer) -> tuple[Floats, Floats]:
    """Estimated error in every cell, of all modes together, and of every number, (k,)."""
    parts = [energy_errors(current.generator, mode) for mode in current.modes]
    indicator = np.sum(parts, axis=0)
    sums = np.array([part.sum() for part in parts])
    one_each = len(sums) == len(current.numbers)
    return indicator, sums if one_each else np.full(len(current.numbers), sums.sum())


def weight_errors(current: Answer, exponent: Any) -> float:
    """Relative error by quadrature of exp(-Phi): that of every cell, times the cell's share of mass and of energy."""
    discretization = current.generator.discretization
    corners = discretization.triangulation.points[discretization.vertices]
    errors = quadrature_error(corners, exponent, discretization.degree)
    shares = shares_of_cells(current.generator, current.modes)
    return float(discretization.comm.allreduce(float(errors @ shares)))


def _refined_where_unresolved(
    triangulation: Triangulation, indicator: Floats, degree: int, floor: float
) -> Triangulation:
    """Bisect the worst cells twice and those within a bisection's gain of them once."""
    gain = 2.0 ** (2.0 * degree / triangulation.dimension)
    worst = float(indicator.max())
    marked, twice = indicator > max(worst / gain**2, floor), indicator > max(worst / gain, floor)
    if not marked.any():
        marked = np.ones(len(indicator), dtype=bool)
    again = replace(triangulation, regions={**triangulation.regions, AGAIN: twice})
    once = refine(again, marked)
    done = refine(once, once.regions[AGAIN])
    return replace(done, regions={name: mask for name, mask in done.regions.items() if name != AGAIN})


def _on_fixed_mesh(
    setting: Setting,
    triangulation: Triangulation,
    degree: int,
    answer: Callable[[Discretization], Answer],
    started: float,
) -> Outcome:
    discretization = discretize(triangulation, degree, setting.problem.periods)
    current = answer(discretization)
    other = discretize(triangulation, degree - 1 if degree > 1 else 2, setting.problem.periods)
    errors = np.abs(np.expm1(current.numbers - answer(other).numbers)) + LEAST_ERROR
    return _outcome(current, errors, discretization, 1, started)


def _outcome(answer: Answer, errors: Floats, discretization: Discretization, levels: int, started: float) -> Outcome:
    statistics = Statistics(
        unknowns=discretization.count,
        cells=len(discretization.triangulation.cells),
        degree=discretization.degree,
        levels=levels,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.VERSION,
    )
    return Outcome(answer.numbers, errors, answer.payload, discretization, statistics)


def _warn_or_refuse(error: float, tolerance: float) -> None:
    message = f"the finest mesh allowed reaches a relative error of {error:.1e}, not the tolerance of {tolerance:.1e}"
    if not error < WORST_ERROR:
        raise ConvergenceError(message, "more noise, a smaller domain, or a smoother potential")
    warnings.warn(message, stacklevel=3)
