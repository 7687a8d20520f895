"""In which coordinates z = T x cells are to be as wide as long, where a density is known near fixed points only.

Near one of the flow it is exp(-x . S^-1 x / 2) with J S + S J^T = -2 D, J being the Jacobian of the drift.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.newton.fixed_points import FixedPoint
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem

NARROW = 5.0
"""Ratio of the axes of T below which cells stay as they are: bisection alone wastes little then, and long cells cost
digits. On 1000 x^2 + y^2 with a saddle, where T is 1 : 30, it saves a factor of ten of the cells in space."""
CANCELLING = 0.1
"""Of the fastest rate at a fixed point: a sum of two rates below that makes the spread there that of a long way."""


def stretch_of_flow(problem: Problem, points: Sequence[FixedPoint]) -> Floats | None:
    """T with T^T T the mean of |S^-1| over the fixed points, D^-1 without any; None where T is nearly round."""
    if problem.dimension == 1 or is_degenerate(problem) and not points:
        return None
    field, metrics = problem.process.field(problem.dimension), []
    for point in points:
        spread = _spread(np.array(point.jacobian), field.tensor(point.x[:, None])[..., 0])
        if spread is not None:
            eigenvalues, vectors = np.linalg.eigh(spread)
            metrics.append((vectors / np.abs(eigenvalues)) @ vectors.T)
    return from_mean(metrics if points else [np.linalg.inv(noise_amid(problem))])


def _spread(jacobian: Floats, noise: Floats) -> Floats | None:
    """S, indefinite at a saddle; None where two eigenvalues of J cancel each other."""
    rates = np.linalg.eigvals(jacobian)
    sums = np.abs(rates[:, None] + rates)
    if not sums.min() > CANCELLING * np.abs(rates).max():
        return None
    from scipy.linalg import solve_continuous_lyapunov

    spread = solve_continuous_lyapunov(jacobian, -2.0 * noise)
    eigenvalues = np.abs(np.linalg.eigvalsh(0.5 * (spread + spread.T)))
    return 0.5 * (spread + spread.T) if eigenvalues.min() > 1e-12 * eigenvalues.max() else None


def from_mean(metrics: Sequence[Floats]) -> Floats | None:
    """T with T^T T the mean of metrics, its shortest axis one; None for none of them, or where it is nearly round."""
    if not metrics:
        return None
    eigenvalues, vectors = np.linalg.eigh(np.mean(metrics, axis=0))
    axes = np.sqrt(eigenvalues / eigenvalues[0])
    if not np.isfinite(axes).all() or axes[-1] < NARROW:
        return None
    return np.asarray((vectors * axes) @ vectors.T)


def noise_amid(problem: Problem) -> Floats:
    """D in the middle of the domain, (dim, dim)."""
    middle = 0.5 * np.add(*problem.bounding_box())
    return np.asarray(problem.process.field(problem.dimension).tensor(middle[:, None])[..., 0])
