"""Where the mesh is too coarse for a process without detailed balance, and by how much.

A number that an irreversible process answers with is a bilinear form a(u, z) of a right function u and a left one z.
With their errors e and f its own is a(e, f), which sqrt(a(e, e) a(f, f)) bounds up to the Peclet number of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import power_law_rest
from fokker_planck.fem.meshing import domain_triangulation
from fokker_planck.fem.triangulation import Triangulation
from fokker_planck.model.interfaces import interfaces_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.solvers.accuracy import COARSE, COARSE_DEGREE, Outcome, refined_until_verified
from fokker_planck.solvers.irreversible_setting import DriftSetting
from fokker_planck.solvers.material_corners import Medium
from fokker_planck.solvers.rounding import rounding_of_drift
from fokker_planck.solvers.self_consistent_gauge import resolved_below

DEGREE = {1: 6, 2: 6, 3: 4}
MOST_UNKNOWNS = {1: 500_000, 2: 600_000, 3: 250_000}
MOST_WHERE_COARSE = 40_000
"""In space for the tolerance ``COARSE`` and coarser ones: 130,000 unknowns take 42 s of CPU, most of it to factor the
matrix, and a question is to end within a minute: what is not reached has a wider bar and a warning, or is refused."""
MOST_CELLS = {1: 200_000, 2: 150_000, 3: 100_000}
CHANGE = {1: 4.0, 2: 12.0, 3: 14.0}
"""Of the exponent in a cell: with degree 6 twice that of degree 4, which took four times the unknowns."""
LEAST_ERROR = 1e-11

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
) -> Outcome:
    """Ask on finer and finer meshes, fine enough for the gauge to begin with, until the tolerance is reached.

    The first is that of :func:`first_mesh`.
    """
    problem = setting.problem
    coarse = problem.dimension == 3 and problem.resolution.tolerance >= COARSE
    most = MOST_WHERE_COARSE if coarse else MOST_UNKNOWNS[problem.dimension]
    mesh, degree = first_mesh(setting, regions, change), degree_of(problem)
    interfaces = interfaces_of(problem.process, problem.dimension, *problem.bounding_box())
    points = (*setting.attractors, *setting.saddles)
    places = np.array([point.position for point in points]).reshape(-1, problem.dimension).T
    rounding = rounding_of_drift(problem, places, np.array([point.jacobian for point in points]))
    return refined_until_verified(
        problem,
        mesh,
        degree,
        answer,
        _predicted,
        Medium(setting.diffusion.tensor, interfaces),
        least_error=LEAST_ERROR + rounding,
        most_unknowns=most,
        by_less=coarse,
    )


def degree_of(problem: Problem) -> int:
    """The polynomial degree that is asked for, or the usual one without detailed balance."""
    usual = DEGREE[problem.dimension]
    if problem.dimension == 3 and problem.resolution.tolerance >= COARSE:
        usual = COARSE_DEGREE
    return problem.resolution.degree or usual


def first_mesh(
    setting: DriftSetting, regions: Mapping[str, Set], change: Mapping[int, float] = CHANGE
) -> Triangulation:
    """The coarsest mesh in whose cells the gauge changes by no more than that below the ceiling, or the prescribed."""
    problem, dimension = setting.problem, setting.problem.dimension
    mesh = domain_triangulation(problem, regions)
    if problem.resolution.cells is not None:
        return mesh
    largest, most = change[dimension], MOST_CELLS[dimension]
    return resolved_below(mesh, setting.weighting, setting.places, setting.ceiling, largest, most)


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
    discretization = generator.discretization
    exponent = generator.exponent[discretization.dofs]
    levels = exponent.min(axis=1)
    local = np.sqrt(_missed(generator, pair.right, exponents)) * np.sqrt(_missed(generator, pair.left, exponents))
    result = np.zeros(len(discretization.triangulation.cells))
    with np.errstate(divide="ignore"):
        logs = np.log(local) - (levels - generator.lowest) + pair.log_scale - np.log(abs(pair.whole))
    result[discretization.cells] = np.exp(np.minimum(logs, 600.0))
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
    return result


def _missed(generator: Generator, values: Numbers, exponents: Floats | None) -> Floats:
    """Energy of the error in every cell of this rank, in the cell's own scale.

    What degrees p, p - 1 and p - 2 add is measured; degree p + 1 would add as much less again.
    """
    if np.iscomplexobj(values):
        return _missed(generator, values.real, exponents) + _missed(generator, values.imag, exponents)
    discretization = generator.discretization
    degree, dimension = discretization.degree, discretization.triangulation.dimension
    exponent = generator.exponent[discretization.dofs]
    half = np.exp(-0.5 * (exponent - exponent.min(axis=1, keepdims=True)))
    parts = [values - values[:, :1]]
    parts += [parts[0] @ _lower_degree_part(dimension, degree, degree - lower).T for lower in (1, 2, 3)]
    added = []
    for upper, lower in zip(parts[:-1], parts[1:], strict=True):
        scaled = (upper - lower - (upper - lower)[:, :1]) * half
        added.append(np.maximum((scaled * (generator.energy @ scaled[..., None])[..., 0]).sum(axis=1), 1e-300))
    last, before, earlier = added
    if exponents is not None:
        return np.asarray(np.where(np.isfinite(exponents), last * power_law_rest(degree, 1, exponents), 0.0))
    ratio = np.minimum(last / before, 1.0)
    if degree < 3:
        return np.asarray(last * ratio)
    return np.asarray(np.maximum(last * ratio, before * np.minimum(before / earlier, 1.0) ** 2))


def _lower_degree_part(dimension: int, degree: int, lower: int) -> Floats:
    """Matrix (n, n): nodal values to those of the interpolant of ``lower`` degree; below one, the mean."""
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    if lower < 1:
        return np.full((len(nodes), len(nodes)), 1.0 / len(nodes))
    down = _dolfinx.tabulate_lagrange(dimension, degree, _dolfinx.lagrange_nodes(dimension, lower))[0]
    up = _dolfinx.tabulate_lagrange(dimension, lower, nodes)[0]
    return np.asarray(up @ down)
