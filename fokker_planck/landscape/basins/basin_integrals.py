"""The integral of a weight over every basin of attraction.

``integral over basin k of w(x) dx``, k = 0, ..., K - 1, on a mesh of simplices, straight or curved.  A cell whose
corners belong to one basin is integrated as it is.  A cell that a separatrix cuts is the union of lines from the
corners in one basin to those in the other,

    x = (1 - t) a + t b,    mean over the cell = const * mean over a, b of integral (1 - t)^(s-1) t^(dim-s) ... dt,

a in the face of the s corners in one basin, b in the face of the others, and is integrated line by line, by Gauss's
rules on both sides of the point where the line crosses: with an order as high as the separatrix is smooth.  Two orders
show the error; cells in which it is too large, or which hold a part of a third basin, are halved.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.landscape.basins.cut_cells import Front, advanced, basins_around, crossed, shifted
from fokker_planck.landscape.basins.lines import Label
from fokker_planck.landscape.basins.log_quadrature import log_masses, whole_cells
from fokker_planck.landscape.basins.separatrix import Separatrices, labelled, near_separatrix, separatrices
from fokker_planck.landscape.basins.weighted_cells import StraightCells, WeightedCells
from fokker_planck.quantity.light_dataclasses import dataclass

LogWeight = Callable[[Floats], Floats]

MOST_LEVELS = {1: 3, 2: 16, 3: 3}
"""Halvings of cut cells; in the plane three basins meet in points, and each halving leaves a quarter around them: where
four do, the lightest e^-30 of the others, and no curves are known, 12 left a bar of 3.8e-6 at a tolerance of 1e-7, 16
leave 4e-8."""
ROUNDING = 1e-14
"""Of a sum of some 1e4 cells in logarithms: about a hundred units in the last place."""


def accuracy_of_separatrices(tolerance: float) -> float:
    """Of curves, relative to the extent: their error is in no estimate of that of an integral."""
    return max(1e-3 * tolerance, 1e-13)


@dataclass(frozen=True)
class BasinMasses:
    """What basins hold: ``logs`` (K,) of the integrals, minus infinity for an empty basin.

    A higher rule of quadrature changes them relatively by ``changes`` (K,), with their signs; ``doubts`` (K,) are what
    the separatrices leave open.
    """

    logs: Floats
    changes: Floats
    doubts: Floats

    @property
    def errors(self) -> Floats:
        """Estimates of the relative errors, (K,)."""
        return np.where(np.isfinite(self.logs), np.abs(self.changes) + self.doubts + ROUNDING, 0.0)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """Logarithms of the shares of the whole, (K,), and estimates of their relative errors, (K,)."""
        logs = self.logs - np.logaddexp.reduce(self.logs)
        shares = np.exp(logs)
        changes = self.changes - shares @ self.changes
        doubts = self.doubts * (1.0 - 2.0 * shares) + shares @ self.doubts  # (1 - P_k) d_k and of the others P_j d_j
        return logs, np.abs(changes) + doubts + ROUNDING


def basin_masses(
    points: Floats,
    cells: Integers,
    weight: LogWeight | WeightedCells,
    label: Label,
    n_wells: int,
    tolerance: float = 1e-8,
    beside: Floats | None = None,
    known: tuple[Integers, Separatrices] | None = None,
) -> BasinMasses:
    """The integrals of a weight over the basins, with estimates of their errors.

    Parameters
    ----------
    points
        vertices, (n, dim).
    cells
        simplices, (m, dim + 1).
    weight
        logarithm of the weight at points (dim, n), for straight cells, or the cells with their weight; any size,
        nothing overflows.
    label
        basin of points (dim, n), integers 0 <= k < n_wells; a :class:`BasinMap` is much faster than a callable that
        only gives numbers, because its saddles and margins lead to the separatrix.
    n_wells
        K.
    tolerance
        wanted relative error of every integral.
    beside
        logarithms of what the basins hold besides these cells, (K,), included in what is returned.
    known
        labels of all vertices, (n,), and the separatrices, where they have been found before.

    Returns
    -------
    BasinMasses
        Their logarithms and what is known of their errors.

    Examples
    --------
    >>> halves = basin_masses(np.linspace(-1.0, 1.0, 8)[:, None], np.arange(7)[:, None] + [0, 1],
    ...                       lambda x: -x[0], lambda x: (x[0] > 0.1).astype(int), 2).logs
    >>> round(float(np.exp(halves[1])), 12) == round(float(np.exp(-0.1) - np.exp(-1.0)), 12)
    True
    """
    points = np.asarray(points, dtype=float)
    cells = np.asarray(cells, dtype=np.int64)
    weighted = StraightCells(points[cells], weight) if callable(weight) else weight
    dimension = points.shape[1]
    share = 0.2 * max(tolerance, 1e-14)
    numbers = np.arange(len(cells))
    if n_wells == 1:
        lower, logs = log_masses(weighted, whole_cells(numbers, dimension), 0 * numbers, 1, share)
        total = logs if beside is None else np.logaddexp(logs, beside)
        return BasinMasses(total, -np.expm1(lower - logs) * np.exp(logs - total), np.zeros(1))
    if known is None:
        known = labelled(points, cells, separatrices(label, dimension, accuracy_of_separatrices(tolerance)))
    labels, between = known
    near = near_separatrix(cells, labels) | crossed(between, weighted, cells, labels)
    lower, whole = log_masses(weighted, whole_cells(numbers[~near], dimension), labels[cells[~near, 0]], n_wells, share)
    settled = whole if beside is None else np.logaddexp(whole, beside)
    around = basins_around(cells[near], labels, n_wells)
    front = Front(whole_cells(numbers[near], dimension), cells[near], labels, around, settled, np.zeros(n_wells))
    for level in range(MOST_LEVELS[dimension] + 1):
        if not len(front.parts):
            break
        front = advanced(front, weighted, between, tolerance, last=level == MOST_LEVELS[dimension])
    settled = front.settled
    changes = -np.expm1(shifted(lower) - shifted(whole)) * np.exp(np.minimum(whole - shifted(settled), 0.0))
    return BasinMasses(settled, changes, np.where(np.isfinite(settled), front.error, 0.0))
