"""Integrals of exp(log_weight) over many simplices, summed by owner, as logarithms: weights may be of any size.

Each simplex is integrated by Gauss rules of rising order until two agree; what does not settle is halved.  The sum by
the lower of the two is returned: that by the higher one then shows its error, neither more nor less.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.landscape import Booleans, Floats, Integers
from fokker_planck.simplex_quadrature import halved, simplex_rule, simplex_volumes

ORDERS = {1: (4, 8, 12, 16), 2: (2, 4, 6, 9), 3: (2, 3, 5, 7)}
BLOCK = 200_000
DEEPEST = 10


def log_masses(
    corners: Floats,
    owner: Integers,
    log_weight: Callable[[Floats], Floats],
    n_owners: int,
    tolerance: float,
    scale: Floats | None = None,
) -> tuple[Floats, Floats]:
    """log of the integral of exp(log_weight) over the simplices of each owner, by a rule and by the next higher one.

    Args:
        corners: (m, dim + 1, dim).
        owner: 0 <= k < n_owners for each simplex, (m,).
        log_weight: of points (dim, n).
        n_owners: K.
        tolerance: wanted error of each owner's integral, relative to it or to exp(scale), whichever is larger.
        scale: logarithms (K,).

    >>> corners = np.array([[[0.0], [1.0]], [[1.0], [2.0]]])
    >>> logs, verified = log_masses(corners, np.array([0, 1]), lambda x: 1000.0 * x[0], 2, 1e-12)
    >>> [round(float(value), 9) for value in logs - 1000.0 * np.array([1, 2])]  # -log(1000)
    [-6.907755279, -6.907755279]
    """
    dimension = corners.shape[2]
    accepted, verified = np.full(n_owners, -np.inf), np.full(n_owners, -np.inf)
    floor = np.full(n_owners, -np.inf) if scale is None else scale
    reference = np.maximum(floor, -1e300)
    for depth in range(DEEPEST + 1):
        before: Floats | None = None
        for order in ORDERS[dimension]:
            if len(owner) == 0:
                break
            now = log_integrals(corners, log_weight, order)
            total = np.logaddexp(np.logaddexp(accepted, log_sum_by(now, owner, n_owners)), floor)
            reference = np.where(np.isfinite(total), total, 0.0)
            if before is not None:
                change = np.abs(np.exp(now - reference[owner]) - np.exp(np.minimum(before - reference[owner], 700.0)))
                change = np.where(np.isfinite(change), change, 0.0)
                last = depth == DEEPEST and order == ORDERS[dimension][-1]
                settled = np.ones(len(owner), dtype=bool) if last else affordable(change, owner, 0.1 * tolerance)
                accepted = np.logaddexp(accepted, log_sum_by(before[settled], owner[settled], n_owners))
                verified = np.logaddexp(verified, log_sum_by(now[settled], owner[settled], n_owners))
                corners, owner, now = corners[~settled], owner[~settled], now[~settled]
            before = now
        if len(owner) == 0:
            break
        points = corners.reshape(-1, dimension)
        points, cells = halved(points, np.arange(len(points)).reshape(-1, dimension + 1))
        corners, owner = points[cells], np.repeat(owner, 2**dimension)
    return accepted, verified


def log_sum_by(logs: Floats, owner: Integers, n_owners: int) -> Floats:
    """log of the sum of exp(logs) for every owner, minus infinity for one that has none."""
    top = np.full(n_owners, -np.inf)
    np.maximum.at(top, owner, logs)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        sums = np.log(np.bincount(owner, weights=np.exp(logs - shift[owner]), minlength=n_owners))
    return np.asarray(sums + shift)


def log_integrals(corners: Floats, log_weight: Callable[[Floats], Floats], order: int) -> Floats:
    """log of the integral over each simplex by one rule, (m,)."""
    barycentric, weights = simplex_rule(corners.shape[2], order)
    block = max(1, BLOCK // len(weights))
    logs = []
    for start in range(0, len(corners), block):
        part = corners[start : start + block]
        x = np.einsum("qv,mvd->dmq", barycentric, part)
        values = log_weight(x.reshape(len(x), -1)).reshape(x.shape[1:])
        top = values.max(axis=1)
        top = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            logs.append(np.log(np.exp(values - top[:, None]) @ weights * simplex_volumes(part)) + top)
    return np.concatenate(logs) if logs else np.zeros(0)


def affordable(change: Floats, owner: Integers, budget: float) -> Booleans:
    """The largest set of simplices, smallest errors first, whose errors sum up to the budget of their owner."""
    order = np.lexsort((change, owner))
    running = np.cumsum(change[order])
    starts = np.searchsorted(owner[order], owner[order])
    running -= running[starts] - change[order][starts]
    affordable = np.zeros(len(owner), dtype=bool)
    affordable[order] = running <= budget
    return affordable
