"""Integrals over many parts of weighted cells, summed by owner, as logarithms: weights may be of any size.

Each simplex is integrated by Gauss rules of rising order until two agree; what does not settle is halved.  The sums by
both are returned: that by the higher one is the better, and the other shows how far from the truth it can be.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.basins.weighted_cells import StraightCells, WeightedCells
from fokker_planck.mesh.quadrature import halved, simplex_rule
from fokker_planck.quantity.light_dataclasses import dataclass

ORDERS = {1: (4, 8, 12, 16), 2: (2, 4, 6, 9), 3: (2, 3, 5, 7)}
"""Degrees of rules that are tried on a part before it is halved. A Gaussian of width 0.05 in a line of cells of 0.5
takes 320 evaluations with four rules, 960 with the first two; one in the plane 17,000 and 1.7 million."""
BLOCK = 200_000
"""Points at once: ten arrays of them take 16 MB."""
DEEPEST = 10
"""Halvings, to a thousandth of a cell: at this depth the difference of the last two rules stays in the estimate."""


@dataclass(frozen=True)
class Parts:
    """Simplices inside of cells: the number of the cell (m,), barycentric coordinates (m, dim + 1, dim + 1) in it."""

    cell: Integers
    corners: Floats

    def __len__(self) -> int:
        return len(self.cell)

    def chosen(self, which: Booleans | Integers) -> Parts:
        """Some of them."""
        return Parts(self.cell[which], self.corners[which])

    def halved(self) -> Parts:
        """Each in 2^dim parts of the same volume, in order."""
        size = self.corners.shape[1]
        points, children = halved(self.corners.reshape(-1, size), np.arange(len(self) * size).reshape(-1, size))
        return Parts(np.repeat(self.cell, 2 ** (size - 1)), points[children])


def whole_cells(number: Integers, dimension: int) -> Parts:
    """Cells (m,) themselves as parts."""
    return Parts(number, np.broadcast_to(np.eye(dimension + 1), (len(number), dimension + 1, dimension + 1)))


def log_masses(
    cells: WeightedCells,
    parts: Parts,
    owner: Integers,
    n_owners: int,
    tolerance: float,
    scale: Floats | None = None,
) -> tuple[Floats, Floats]:
    """log of the integral over the parts of each owner, by a rule and by the next higher one.

    Parameters
    ----------
    cells
        with their weight.
    parts
        m simplices in them.
    owner
        0 <= k < n_owners for each part, (m,).
    n_owners
        K.
    tolerance
        wanted error of each owner's integral, relative to it or to exp(scale), whichever is larger.
    scale
        logarithms (K,).

    Examples
    --------
    >>> corners = np.array([[[0.0], [1.0]], [[1.0], [2.0]]])
    >>> cells, numbers = StraightCells(corners, lambda x: 1000.0 * x[0]), np.array([0, 1])
    >>> logs, verified = log_masses(cells, whole_cells(numbers, 1), numbers, 2, 1e-12)
    >>> [round(float(value), 9) for value in logs - 1000.0 * np.array([1, 2])]  # -log(1000)
    [-6.907755279, -6.907755279]
    """
    dimension = cells.dimension
    accepted, verified = np.full(n_owners, -np.inf), np.full(n_owners, -np.inf)
    floor = np.full(n_owners, -np.inf) if scale is None else scale
    reference = np.maximum(floor, -1e300)
    for depth in range(DEEPEST + 1):
        before: Floats | None = None
        for order in ORDERS[dimension]:
            if len(owner) == 0:
                break
            now = log_integrals(cells, parts, order)
            total = np.logaddexp(np.logaddexp(accepted, log_sum_by(now, owner, n_owners)), floor)
            reference = np.where(np.isfinite(total), total, 0.0)
            if before is not None:
                change = np.abs(np.exp(now - reference[owner]) - np.exp(np.minimum(before - reference[owner], 700.0)))
                change = np.where(np.isfinite(change), change, 0.0)
                last = depth == DEEPEST and order == ORDERS[dimension][-1]
                settled = np.ones(len(owner), dtype=bool) if last else affordable(change, owner, 0.1 * tolerance)
                accepted = np.logaddexp(accepted, log_sum_by(before[settled], owner[settled], n_owners))
                verified = np.logaddexp(verified, log_sum_by(now[settled], owner[settled], n_owners))
                parts, owner, now = parts.chosen(~settled), owner[~settled], now[~settled]
            before = now
        if len(owner) == 0:
            break
        parts, owner = parts.halved(), np.repeat(owner, 2**dimension)
    return accepted, verified


def log_sum_by(logs: Floats, owner: Integers, n_owners: int) -> Floats:
    """log of the sum of exp(logs) for every owner, minus infinity for one that has none."""
    top = np.full(n_owners, -np.inf)
    np.maximum.at(top, owner, logs)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        sums = np.log(np.bincount(owner, weights=np.exp(logs - shift[owner]), minlength=n_owners))
    return np.asarray(sums + shift)


def log_integrals(cells: WeightedCells, parts: Parts, order: int) -> Floats:
    """log of the integral over each part by one rule, (m,)."""
    rule, weights = simplex_rule(cells.dimension, order)
    block = max(1, BLOCK // len(weights))
    logs = []
    for start in range(0, len(parts), block):
        some = parts.chosen(np.arange(start, min(start + block, len(parts))))
        logs.append(log_mean(cells.log_density(some.cell, rule @ some.corners), weights))
        with np.errstate(divide="ignore"):
            logs[-1] += np.log(np.abs(np.linalg.det(some.corners)))
    return np.concatenate(logs) if logs else np.zeros(0)


def log_mean(logs: Floats, weights: Floats) -> Floats:
    """log of the mean of exp(logs) over the last axis."""
    top = logs.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(logs - top) @ weights) + top[..., 0])


def affordable(change: Floats, owner: Integers, budget: float) -> Booleans:
    """The largest set of simplices, smallest errors first, whose errors sum up to the budget of their owner."""
    order = np.lexsort((change, owner))
    running = np.cumsum(change[order])
    starts = np.searchsorted(owner[order], owner[order])
    with np.errstate(invalid="ignore"):
        running -= running[starts] - change[order][starts]
    affordable = np.zeros(len(owner), dtype=bool)
    affordable[order] = running <= budget
    return affordable


__all__ = [
    "Parts",
    "StraightCells",
    "affordable",
    "log_integrals",
    "log_masses",
    "log_mean",
    "log_sum_by",
    "whole_cells",
]
