"""How far a density p is from the stationary one, pi.

    total variation  1/2 int |p - pi|,    chi-square  int (p - pi)^2 / pi,    relative entropy  int p log(p / pi).

With p = pi (1 + d) they are integrals of pi f(d), f never negative, so that late distances, 1e-30 say, have their
digits as far as d has.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.fields.density_samples import Samples
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass

SMALL = 1e-3
"""Of d, below which (1 + d) log(1 + d) - d is its series: at 1e-3 the next term is 1e-16 of it."""
LEAST = 1e-290
"""Of pi, in what rounding may hide: there its ratio to pi is no double."""
LARGE = 1e3
"""Of d, above which (1 + d) log(1 + d) - d has its digits from the logarithms of p and pi."""

ROUNDED, SURELY = 1e-14, 100.0
"""Of the largest p - pi, what rounding leaves of it anywhere, and how many times that is no rounding.  Where rounding
stood beside a stationary density of 1e-70, chi-square was another on every mesh, and meshes never fine enough."""
LEVELS = {1: 30, 2: 2, 3: 1}
"""Halvings of cells in which p - pi changes its sign, only the parts where it does: on a line one part is left of each,
in the plane each takes twice as many, and what they hold falls by four."""
RULE = {1: 12, 2: 8, 3: 6}
"""Degree of the rule on a part."""
MOST_PARTS = 6_000
"""Beyond which no more are halved."""


@dataclass(frozen=True)
class Distances:
    """The three of them; the error of the first one, of the quadrature where p - pi changes its sign, ``at_zeros``.

    Chi-square by its logarithm: what begins 400 units of epsilon up has one of 1e317.  ``chi_unknown``
    and ``entropy_unknown`` are what the others can have from where p and pi both are below rounding.
    """

    total_variation: float
    log_chi_square: float
    relative_entropy: float
    at_zeros: float
    chi_unknown: float
    entropy_unknown: float


def distances(samples: Samples, log_stationary: Floats, vector: Floats, height: float) -> Distances:
    """Of p - pi, by its ``vector`` (N,) of that height, from pi, by its logarithms (cells, q)."""
    deviation, stationary = samples.density(vector, height), np.exp(log_stationary)
    comm = samples.discretization.comm
    rounded = ROUNDED * float(comm.allreduce(float(np.abs(deviation).max(initial=0.0)), op=MPI.MAX))
    unknown = (stationary < rounded) & (np.abs(deviation) < SURELY * rounded)
    known = np.isfinite(log_stationary) & ~unknown
    below = np.maximum(stationary, LEAST)
    with np.errstate(over="ignore", invalid="ignore"):
        most = SURELY * rounded * unknown
        chi_unknown = samples.integral(most * (most / below))
        entropy_unknown = samples.integral(np.asarray(most * np.log(np.maximum(most / below, 1.0)), dtype=np.float64))
    log_chi_square = _log_chi_square(samples, np.where(known, deviation, 0.0), log_stationary)
    entropy = np.where(known, _entropy(deviation, stationary, log_stationary), 0.0)
    mixed = _mixed(np.hstack([deviation, _at_corners(samples, vector, height)]))
    sizes = np.where(mixed[:, None], 0.0, np.abs(deviation))
    beside, error = _where_mixed(samples, np.flatnonzero(mixed), vector, height)
    beside, error = (float(comm.allreduce(each)) for each in (beside, error))
    whole = samples.integral(sizes) + beside
    relative_entropy = samples.integral(entropy)
    return Distances(0.5 * whole, log_chi_square, relative_entropy, 0.5 * error, chi_unknown, entropy_unknown)


def _log_chi_square(samples: Samples, deviation: Floats, log_stationary: Floats) -> float:
    comm = samples.discretization.comm
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(deviation != 0.0, 2.0 * np.log(np.abs(deviation)) - log_stationary, -np.inf)
    top = float(comm.allreduce(float(logs.max(initial=-np.inf)), op=MPI.MAX))
    if not np.isfinite(top):
        return -np.inf
    return top + float(np.log(samples.integral(np.exp(logs - top))))


def _entropy(deviation: Floats, stationary: Floats, log_stationary: Floats) -> Floats:
    """pi ((1 + d) log(1 + d) - d), also where d = (p - pi) / pi is no double."""
    near = np.abs(deviation) < LARGE * stationary
    ratio = np.divide(deviation, stationary, out=np.zeros_like(deviation), where=near)
    p = np.maximum(deviation + stationary, 1e-300)
    with np.errstate(invalid="ignore"):
        far = np.where(deviation > 0.0, p * (np.log(p) - log_stationary) - deviation, stationary)
    return np.where(near, stationary * _convex(np.maximum(ratio, -1.0)), far)


def _at_corners(samples: Samples, vector: Floats, height: float) -> Floats:
    """p - pi at the corners of all cells, (m, dim + 1): a zero may lie beyond the outermost point of a rule."""
    discretization = samples.discretization
    dimension = discretization.triangulation.dimension
    corners = np.vstack([np.zeros(dimension), np.eye(dimension)])
    count = len(discretization.dofs)
    places = np.broadcast_to(corners, (count, *corners.shape))
    there = samples.elsewhere(np.arange(count), places, np.zeros((count, dimension + 1)))
    return samples.density_at(there, vector, height)


def _mixed(values: Floats) -> Booleans:
    """Where a function changes its sign beyond rounding, (m,)."""
    least = 1e-14 * np.abs(values).max(initial=0.0)
    return np.asarray((values.max(axis=1) > least) & (values.min(axis=1) < -least))


def _where_mixed(samples: Samples, cells: Integers, vector: Floats, height: float) -> tuple[float, float]:
    """The integral of |p - pi| over some cells, part by part, and how far it can be off."""
    dimension = samples.discretization.triangulation.dimension
    reference, weights = _dolfinx.quadrature_points(dimension, RULE[dimension])
    # corners, of no weight, tell of zeros beyond the outermost point
    corners = np.vstack([np.zeros(dimension), np.eye(dimension)])
    coordinates = barycentric(np.vstack([reference, corners]))
    weights = np.append(weights, np.zeros(dimension + 1))
    parts = np.broadcast_to(corners, (len(cells), dimension + 1, dimension))
    total, shares = 0.0, np.ones(len(cells))
    for level in range(LEVELS[dimension] + 1):
        if not len(cells):
            return total, 0.0
        there = samples.elsewhere(cells, coordinates @ parts, shares[:, None] * weights)
        values = samples.density_at(there, vector, height)
        amounts = (np.abs(values) * there.volume).sum(axis=1)
        mixed = _mixed(values)
        total += float(amounts[~mixed].sum())
        if level == LEVELS[dimension] or mixed.sum() * 2**dimension > MOST_PARTS:
            # of a part that is cut in half, what points at a distance of one over their number leave
            return total + float(amounts[mixed].sum()), float(amounts[mixed].sum()) / RULE[dimension]
        parts, cells, shares = _halved(parts[mixed]), np.repeat(cells[mixed], 2**dimension), shares[mixed]
        shares = np.repeat(shares, 2**dimension) / 2**dimension
    raise AssertionError


def _halved(parts: Floats) -> Floats:
    """The 2^dim simplices (of one volume) into which all edges of simplices (m, dim + 1, dim) are halved."""
    dimension = parts.shape[2]
    points = [parts[:, k] for k in range(dimension + 1)]
    middle = {(i, j): 0.5 * (points[i] + points[j]) for i in range(dimension + 1) for j in range(i + 1, dimension + 1)}
    pieces: list[tuple[Floats, ...]]
    if dimension == 1:
        pieces = [(points[0], middle[0, 1]), (middle[0, 1], points[1])]
    elif dimension == 2:
        a, b, c = middle[0, 1], middle[0, 2], middle[1, 2]
        pieces = [(points[0], a, b), (a, points[1], c), (b, c, points[2]), (a, c, b)]
    else:
        corners = [[points[k] if i == k else middle[min(i, k), max(i, k)] for i in range(4)] for k in range(4)]
        ab, cd, ac, bd, ad, bc = (middle[pair] for pair in ((0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2)))
        around = [ac, ad, bd, bc]
        inner: list[tuple[Floats, ...]] = [(ab, cd, around[k], around[(k + 1) % 4]) for k in range(4)]
        pieces = [tuple(corner) for corner in corners] + inner
    return np.stack([np.stack(piece, axis=1) for piece in pieces], axis=1).reshape(-1, dimension + 1, dimension)


def _convex(d: Floats) -> Floats:
    """(1 + d) log(1 + d) - d."""
    series = d**2 * (0.5 - d * (1.0 / 6.0 - d * (1.0 / 12.0 - d * (1.0 / 20.0 - d / 30.0))))
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.where(d > -1.0, (1.0 + d) * np.log1p(np.maximum(d, -1.0)), 0.0) - d
    return np.where(np.abs(d) < SMALL, series, whole)
