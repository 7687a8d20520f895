"""What polynomials of the elements' degree miss of the coefficients of a process, cell by cell.

A solution has in every cell what its coefficients have there. Where these are no polynomials, as noise
sqrt(h^2 + f^2) with branch points beside the real plane, its last degrees fall fast and then slowly: neither the
indicator, which extrapolates them, nor a degree less, whose error is that of this one, tells what is left.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.ito_drift import ItoDrift, noise_and_velocity
from fokker_planck.solvers.adaptivity.answer_types import Kept

LEAST_NOISE = 1e-6
"""Of the trace of D, added to it: 1e-6 of what is missed."""
SMOOTH = 0.01
"""Of the tolerance, below which what coefficients have beyond polynomials is nothing but a part of the bar. Beyond, an
answer in the plane is verified by two degrees more: what lies in the middle of two cells is seen by every second one,
and a gap was 1.3e-6 off with degree 6, 1.2e-6 with 7 and 1.8e-8 with 8, at a bar of 2.0e-7 by one more."""
SINGULAR = 1e-6
"""Of the square of what polynomials miss of coefficients, from which on these have a kink or a cone inside of a cell: a
cone has 3e-3 to 0.6. There the rule, too, errs by a power of the degree, and is told apart from it."""
BEYOND = 2
"""Degrees of the rule beyond those that products of functions need, so that it sees what is next to them."""
CELLS_AT_ONCE = 4096
"""So that values at their points stay below a few megabytes."""


def error_of_roughness(problem: Problem, mesh: Triangulation, degree: int) -> float:
    """Bound of the relative error of numbers where coefficients are no polynomials in the cells; zero if not asked.

    The largest square of :func:`missed_by_polynomials`, infinite where a coefficient is not finite: 9 to 560 times the
    error of gaps, times and rates under noise sqrt(h^2 + f^2) and sqrt(0.02 + r^2), and under 1e-24 where coefficients
    are polynomials. In space, where a degree more takes three times the factorisation, constant noise is not asked.
    """
    if not may_be_rough(problem):
        return 0.0
    largest = float(_squares(problem, mesh, degree).max())
    return largest if np.isfinite(largest) else np.inf


def errors_of_roughness(problem: Problem, mesh: Triangulation, degree: int, shares: Floats) -> Floats:
    """The same of every number in space, (k,), each cell with what slopes there are to it, ``shares`` (k, cells).

    Cells far up a wall, a length of which is many units of the exponent, hold nothing: a committor under noise that
    follows a Hessian had 6.7 in one of them, and no degree less was believed of any number. Of its rate and fractions
    of time, and those of another, this is 1.6 to 290 times the error on the meshes that were asked.
    """
    if not may_be_rough(problem):
        return np.zeros(len(shares))
    squares = _squares(problem, mesh, degree)
    return np.array([float(row[row > 0.0] @ squares[row > 0.0]) for row in shares])


def roughness_of(problem: Problem, kept: Kept) -> Floats:
    """What a bar by a degree less is at least, (k,); in space by what the cells are to each number."""
    mesh, degree = kept.discretization.triangulation, kept.discretization.degree
    if kept.shares is None:
        return np.full(len(kept.numbers), error_of_roughness(problem, mesh, degree))
    return errors_of_roughness(problem, mesh, degree, kept.shares)


def roughness_left(problem: Problem, kept: Kept, growth: float) -> float:
    """What :func:`roughness_of` is at least of the worst number, on a mesh in space with ``growth`` times the unknowns.

    What polynomials miss of smooth coefficients falls as the length of the cells to the degree, and it is squared.
    """
    if kept.shares is None:
        return 0.0
    return kept.worst(roughness_of(problem, kept)) * growth ** (-2.0 * kept.discretization.degree / problem.dimension)


def may_be_rough(problem: Problem) -> bool:
    """Whether coefficients are asked for what polynomials miss of them: in space not where noise is constant."""
    return problem.dimension < 3 or not getattr(problem.process.field(problem.dimension), "constant", False)


def _squares(problem: Problem, mesh: Triangulation, degree: int) -> Floats:
    """Of what is missed, (m,), infinite where that is not finite."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        squares = missed_by_polynomials(problem, mesh, degree) ** 2
    return np.where(np.isfinite(squares), squares, np.inf)


def missed_by_polynomials(problem: Problem, mesh: Triangulation, degree: int) -> Floats:
    """Part of D^-1 that no polynomial of one ``degree`` less has, and of D^-1 (b - div D) that none of that degree has.

    (m,): in the mean square over every cell, D^-1 relative to its largest eigenvalue there, D^-1 (b - div D) to one
    over the length of the cell. On a line u' is D^-1 exp(int D^-1 (b - div D)) times a current that changes slowly: so
    much is missed of a slope, which has a degree less than its function.
    """
    dimension, corners = mesh.dimension, mesh.cell_points
    reference, weights = _positive_rule(dimension, 2 * degree + BEYOND)
    root = np.sqrt(weights / weights.sum())
    slopes, functions = (
        np.linalg.qr(root[:, None] * _dolfinx.tabulate_lagrange(dimension, k, reference, 0)[0])[0]
        for k in (degree - 1, degree)
    )
    drift, noise = ItoDrift(problem.process, dimension), problem.process.field(dimension)
    result = np.zeros(len(corners))
    for first in range(0, len(corners), CELLS_AT_ONCE):
        block = corners[first : first + CELLS_AT_ONCE]
        points = np.moveaxis(barycentric(reference) @ block, 2, 0)
        tensor, velocity = noise_and_velocity(drift, noise, points.reshape(dimension, -1))
        shape = points.shape[1:]
        # noise that is the same everywhere is inverted once
        uniform = bool((tensor == tensor[:, :, :1]).all())
        inverse = _inverse(tensor[:, :, :1] if uniform else tensor)
        length = np.linalg.norm(block[:, :, None] - block[:, None], axis=3).max(axis=(1, 2))
        of_drift = _rest(_times(inverse, velocity).reshape(-1, *shape) * root, functions) * length
        of_noise = 0.0 if uniform else _missed_of_noise(inverse.reshape(dimension, dimension, *shape), root, slopes)
        result[first : first + CELLS_AT_ONCE] = of_noise + of_drift
    return result


def _missed_of_noise(inverse: Floats, root: Floats, slopes: Floats) -> Floats:
    """Part of D^-1 (dim, dim, m, q) that is orthogonal to the ``slopes``, over its largest eigenvalue, (m,)."""
    largest = np.linalg.eigvalsh(np.moveaxis(inverse @ root**2, 2, 0))[:, -1]
    return np.asarray(_rest(inverse.reshape(-1, *inverse.shape[2:]) * root, slopes) / largest)


def _times(inverse: Floats, velocity: Floats) -> Floats:
    """D^-1 (dim, dim, n), or one for all points, times vectors (dim, n)."""
    if inverse.shape[2] == 1:
        return np.asarray(inverse[:, :, 0] @ velocity)
    return np.einsum("ijn,jn->in", inverse, velocity)


def _positive_rule(dimension: int, degree: int) -> tuple[Floats, Floats]:
    """Points and weights exact to the degree or more, as norms need them: in space rules of degree 7 and 8 subtract."""
    reference, weights = _dolfinx.quadrature_points(dimension, degree)
    return (reference, weights) if weights.min() > 0.0 else _positive_rule(dimension, degree + 1)


def _inverse(tensor: Floats) -> Floats:
    """D^-1 (dim, dim, n), with a little noise where there is none in a direction."""
    stacked = np.moveaxis(tensor, 2, 0)
    least = LEAST_NOISE * np.trace(stacked, axis1=1, axis2=2)[:, None, None] * np.eye(len(tensor))
    return np.moveaxis(np.linalg.inv(stacked + least), 0, 2)


def _rest(values: Floats, basis: Floats) -> Floats:
    """Norm of what is orthogonal to the ``basis`` (q, n) of values (k, m, q), the largest of the k, (m,)."""
    rest = values - (values @ basis) @ basis.T
    return np.asarray(np.sqrt((rest**2).sum(axis=2)).max(axis=0))


def is_analytic(problem: Problem) -> bool:
    """Whether all coefficients are known to be: formulas of sums, products, exponentials and waves, no other powers."""
    process, dimension = problem.process, problem.dimension
    field, drift = process.field(dimension), process.extra if isinstance(process, Overdamped) else process.whole
    parts = [part for part in (process.potential, drift, None if field.constant else field) if part is not None]
    formulas = [getattr(part, "formulas", ()) for part in parts]
    return all(some and all(formula.smooth for formula in some) for some in formulas)
