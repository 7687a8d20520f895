"""Where the mesh is too coarse for a process without detailed balance, and by how much.

A number that an irreversible process answers with is a bilinear form a(u, z) of a right function u and a left one z.
With their errors e and f its own is a(e, f), which sqrt(a(e, e) a(f, f)) bounds up to the Peclet number of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import dual_errors
from fokker_planck.fem.triangulation import Triangulation
from fokker_planck.model.interfaces import interfaces_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.solvers.accuracy import COARSE, COARSE_DEGREE, refined_until_verified
from fokker_planck.solvers.answer_types import Outcome
from fokker_planck.solvers.initial_mesh import CHANGE, Ends, can_be_cut, first_mesh, where_it_matters
from fokker_planck.solvers.irreversible_setting import DriftSetting
from fokker_planck.solvers.material_corners import Medium
from fokker_planck.solvers.rounding import rounding_of_drift
from fokker_planck.solvers.self_consistent_gauge import BEYOND, BEYOND_CUTOFF

DEGREE = {1: 6, 2: 6, 3: 4}
MOST_UNKNOWNS = {1: 500_000, 2: 600_000, 3: 250_000}
MOST_WHERE_COARSE = 40_000
"""In space for the tolerance ``COARSE`` and coarser ones: 130,000 unknowns take 42 s of CPU, most of it to factor the
matrix, and a question is to end within a minute: what is not reached has a wider bar and a warning, or is refused."""
LEAST_ERROR = 1e-11
NEGLIGIBLE, NARROWER, CUT, MOST_CUTS = 1e-2, 10.0, 0.1, 3
"""Of the tolerance, what all cells that are cut away may hold together (the answer changes by a seventh of it, quartic
well with a rotation, barriers 50 to 200); by how much more is cut to see what that changes; of the tolerance, by how
much that may be; and how often less is tried before nothing is cut."""

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Pair:
    """A right and a left function by cell, (cells, n), up to a constant in each; the number is a(u, z) = ``whole``.

    Energies are relative to the lowest exponent of the generator; the product of both functions is still to be
    multiplied by exp(``log_scale``).
    """

    right: Numbers
    left: Numbers
    whole: float = 1.0
    log_scale: float = 0.0


@dataclass(frozen=True)
class DriftAnswer:
    """``numbers`` (k,) are natural logarithms, perhaps complex; ``pairs`` what they rest on, one each or all of all.

    ``weights`` (k,), at most one, lower the accuracy asked of some numbers.
    """

    numbers: Numbers
    payload: Any
    generator: Generator
    pairs: Sequence[Pair]
    weights: Floats | None = None
    absorbed: Booleans | None = None


def answered(
    setting: DriftSetting,
    regions: Mapping[str, Set],
    answer: Callable[[Discretization], DriftAnswer],
    change: Mapping[int, float] = CHANGE,
    ends: Ends | None = None,
) -> Outcome:
    """Ask on finer and finer meshes, fine enough for the gauge to begin with, until the tolerance is reached.

    The first is that of :func:`first_mesh`; given the ``ends`` of the question, what does not matter is cut away.
    """
    problem = setting.problem
    coarse = problem.dimension == 3 and problem.resolution.tolerance >= COARSE
    most = MOST_WHERE_COARSE if coarse else MOST_UNKNOWNS[problem.dimension]
    degree, ask = degree_of(problem), _Remembered(answer)
    trial = _cut_to_size(setting, regions, ends, change, ask) if ends is not None and can_be_cut(setting) else None
    mesh, cut = trial if trial is not None else (first_mesh(setting, regions, change), 0.0)
    interfaces = interfaces_of(problem.process, problem.dimension, *problem.bounding_box())
    points = (*setting.attractors, *setting.saddles)
    places = np.array([point.position for point in points]).reshape(-1, problem.dimension).T
    rounding = rounding_of_drift(problem, places, np.array([point.jacobian for point in points]))
    return refined_until_verified(
        problem,
        mesh,
        degree,
        ask,
        _predicted,
        Medium(setting.diffusion.tensor, interfaces),
        cut + BEYOND_CUTOFF * exp(-BEYOND[problem.dimension]) * problem.resolution.tolerance,
        least_error=LEAST_ERROR + rounding,
        most_unknowns=most,
        by_less=coarse,
    )


@dataclass
class _Remembered:
    """The question, with the last answer kept for the mesh it was given on: the loop begins where the cut was tried."""

    answer: Callable[[Discretization], DriftAnswer]
    mesh: Triangulation | None = None
    degree: int = 0
    found: DriftAnswer | None = None

    def __call__(self, discretization: Discretization) -> DriftAnswer:
        kept, self.found = self.found, None
        if kept is not None and discretization.triangulation is self.mesh and discretization.degree == self.degree:
            return kept
        return self.answer(discretization)

    def keep(self, mesh: Triangulation, degree: int, periods: tuple[float | None, ...]) -> Numbers:
        """The numbers on a mesh, and the answer for the next that asks there."""
        self.mesh, self.degree, self.found = mesh, degree, self.answer(discretize(mesh, degree, periods))
        return np.asarray(self.found.numbers)


def _cut_to_size(
    setting: DriftSetting, regions: Mapping[str, Set], ends: Ends, change: Mapping[int, float], ask: _Remembered
) -> tuple[Triangulation, float] | None:
    """A mesh without what does not matter, and by how much an answer can be off for it; None where that is too much.

    The chain that says what matters diffuses more than the process, so that it is not believed: more is cut away, by
    ``NARROWER``, and what that changes bounds what less does.
    """
    problem, degree = setting.problem, degree_of(setting.problem)
    share = NEGLIGIBLE * problem.resolution.tolerance
    for _ in range(MOST_CUTS):
        uncut = where_it_matters(setting, regions, ends, change, share, degree)
        if uncut is None:
            return None
        mesh = uncut.cut()
        try:
            less = np.asarray(ask.answer(discretize(uncut.cut(NARROWER), degree, problem.periods)).numbers)
            whole = ask.keep(mesh, degree, problem.periods)
        except (ConvergenceError, ProblemError):
            # a state without cells, or wells that nothing joins: the chain is wrong about this process
            return None
        if len(whole) == len(less):
            error = float(np.abs(np.expm1(less - whole)).max(initial=0.0))
            if error <= CUT * problem.resolution.tolerance:
                return mesh, error
        share /= NARROWER
    return None


def degree_of(problem: Problem) -> int:
    """The polynomial degree that is asked for, or the usual one without detailed balance."""
    usual = DEGREE[problem.dimension]
    if problem.dimension == 3 and problem.resolution.tolerance >= COARSE:
        usual = COARSE_DEGREE
    return problem.resolution.degree or usual


def _predicted(current: DriftAnswer, exponents: Floats | None = None) -> tuple[Floats, Floats]:
    parts = [pair_errors(current.generator, pair, exponents) for pair in current.pairs]
    sums = np.array([part.sum() for part in parts])
    one_each = len(sums) == len(current.numbers)
    weights = current.weights if current.weights is not None and one_each else np.ones(len(parts))
    indicator = np.sum([part * weight for part, weight in zip(parts, weights, strict=True)], axis=0)
    return indicator, sums if one_each else np.full(len(current.numbers), sums.sum())


def pair_errors(generator: Generator, pair: Pair, exponents: Floats | None = None) -> Floats:
    """sqrt(a_c(e, e) a_c(f, f)) / |whole| for every cell of the mesh, on every rank.

    Given ``exponents`` (cells of this rank,), of the cells alone where they are finite: at corners.
    """
    log_whole = float(np.log(abs(pair.whole))) - pair.log_scale - generator.lowest
    return dual_errors(generator, pair.right, pair.left, log_whole, exponents)
