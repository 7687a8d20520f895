"""The integral of a weight over every basin of attraction.

``integral over basin k of exp(log_weight(x)) dx``, k = 0, ..., K - 1, on a mesh of straight simplices.  A cell whose
corners belong to one basin is integrated as it is.  A cell that a separatrix cuts is divided at the points where its
edges cross; the flat pieces between these leave an error of second order in the size of the cut cells, which are
halved, and extrapolated, until the integrals settle.  All sums are kept as logarithms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fokker_planck.basin_map import BasinMap, basin_of
from fokker_planck.landscape import Booleans, Floats, Integers
from fokker_planck.log_quadrature import affordable, log_integrals, log_masses
from fokker_planck.separatrix import Division, Label, Pieces, cut, labelled, near_separatrix, with_margin
from fokker_planck.simplex_quadrature import halved

LogWeight = Callable[[Floats], Floats]

MOST_LEVELS = {1: 3, 2: 7, 3: 4}
SAFETY = 3.0
ROUNDING = 1e-14


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
        return np.where(np.isfinite(self.logs), SAFETY * np.abs(self.changes) + self.doubts + ROUNDING, 0.0)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """Logarithms of the shares of the whole, (K,), and estimates of their relative errors, (K,)."""
        logs = self.logs - np.logaddexp.reduce(self.logs)
        shares = np.exp(logs)
        changes = self.changes - shares @ self.changes
        doubts = self.doubts * (1.0 - 2.0 * shares) + shares @ self.doubts  # (1 - P_k) d_k and of the others P_j d_j
        return logs, SAFETY * np.abs(changes) + doubts + ROUNDING


def basin_masses(
    points: Floats,
    cells: Integers,
    log_weight: LogWeight,
    label: Label,
    n_wells: int,
    tolerance: float = 1e-8,
    beside: Floats | None = None,
) -> BasinMasses:
    """The integrals of exp(log_weight) over the basins, with estimates of their errors.

    Args:
        points: vertices, (n, dim).
        cells: straight simplices, (m, dim + 1).
        log_weight: logarithm of the weight at points (dim, n); any size, nothing overflows.
        label: basin of points (dim, n), integers 0 <= k < n_wells; a :class:`BasinMap` is much faster than a callable
            that only gives numbers, because its margins lead to the separatrix in a few steps.
        n_wells: K.
        tolerance: wanted relative error of every integral.
        beside: logarithms of what the basins hold besides these cells, (K,), included in what is returned.

    Returns:
        Their logarithms and what is known of their errors.

    >>> halves = basin_masses(np.linspace(-1.0, 1.0, 8)[:, None], np.arange(7)[:, None] + [0, 1],
    ...                       lambda x: -x[0], lambda x: (x[0] > 0.1).astype(int), 2).logs
    >>> round(float(np.exp(halves[1])), 12) == round(float(np.exp(-0.1) - np.exp(-1.0)), 12)
    True
    """
    points = np.asarray(points, dtype=float)
    cells = np.asarray(cells, dtype=np.int64)
    dimension = points.shape[1]
    share = 0.2 * max(tolerance, 1e-14)
    inside = np.zeros(len(cells), dtype=np.int64) if n_wells == 1 else None
    if inside is not None:
        logs, verified = log_masses(points[cells], inside, log_weight, 1, share)
        return BasinMasses(logs, np.expm1(verified - logs), np.zeros(1))
    labels, margins = labelled(points, cells, label)
    near = near_separatrix(cells, labels)
    whole, verified = log_masses(points[cells[~near]], labels[cells[~near, 0]], log_weight, n_wells, share)
    settled, error = whole, np.zeros(n_wells)
    if beside is not None:
        settled = np.logaddexp(settled, beside)
    cells = cells[near]
    parents: Floats | None = None
    for level in range(MOST_LEVELS[dimension]):
        # Cells that weigh nothing next to the wells they lie between are cut as they come.
        importance = _importance(points, cells, labels, log_weight, settled)
        light = affordable(importance, np.zeros(len(cells), dtype=np.int64), 0.02 * tolerance)
        resolution = 0.05 * tolerance / np.maximum(importance * max(len(cells), 1), 1e-300)
        resolution = np.full(len(cells), 1e-16) if dimension == 1 else np.clip(resolution, 1e-12, 0.1)
        resolution[light] = 0.25
        if dimension > 1:
            error = error + importance[light].sum()
        division = cut(points, cells, labels, margins, label, resolution)
        parts, doubt = _part_masses(division, len(cells), n_wells, log_weight, share, settled)
        grazed = np.zeros(len(cells), dtype=bool) if dimension == 1 else _grazed(points, cells, labels, label)
        if parents is not None:
            children = np.logaddexp.reduce(parts.reshape(-1, 2**dimension, n_wells), axis=1)
            total = np.logaddexp(settled, log_sum(children))
            change = np.abs(np.exp(children - _shifted(total)) - np.exp(parents - _shifted(total)))
            # In space the pieces are flat, and the difference of two levels removes their error of second order.
            if dimension == 3:
                children = _extrapolated(parents, children)
            largest = np.where(grazed.reshape(-1, 2**dimension).any(axis=1), np.inf, change.max(axis=1))
            done = affordable(largest, np.zeros(len(largest), dtype=np.int64), 0.2 * tolerance)
            if level + 1 == MOST_LEVELS[dimension]:
                done[:] = True
            settled = np.logaddexp(settled, log_sum(children[done]))
            error = error + change[done].sum(axis=0)
            again = np.repeat(~done, 2**dimension)
            cells, parts, doubt, grazed = cells[again], parts[again], doubt[again], grazed[again]
        if dimension == 2 and len(cells):
            doubt = np.where(grazed, np.inf, doubt)
            sure = affordable(doubt, np.zeros(len(cells), dtype=np.int64), 0.2 * tolerance)
            settled = np.logaddexp(settled, log_sum(parts[sure]))
            error = error + doubt[sure].sum()
            cells, parts = cells[~sure], parts[~sure]
        if len(cells) == 0:
            break
        count = len(points)
        points, cells = halved(points, cells)
        fresh = with_margin(label, points[count:])
        labels, margins = np.concatenate([labels, fresh[0]]), np.concatenate([margins, fresh[1]])
        parents = parts
    changes = np.expm1(_shifted(verified) - _shifted(whole)) * np.exp(np.minimum(whole - _shifted(settled), 0.0))
    return BasinMasses(settled, changes, np.where(np.isfinite(settled), error, 0.0))


def log_sum(logs: Floats) -> Floats:
    """log of the sum of exp(logs) over the first axis; minus infinity for an empty sum."""
    return np.asarray(np.logaddexp.reduce(logs, axis=0, initial=-np.inf))


def _part_masses(
    division: Division, count: int, n_wells: int, log_weight: LogWeight, share: float, settled: Floats
) -> tuple[Floats, Floats]:
    """log of the mass of each cell in each basin (m, K); in the plane the likely error relative to the basins (m,)."""

    def masses(pieces: Pieces) -> Floats:
        owner = pieces.cell * n_wells + pieces.owner
        scale = np.tile(settled, count)
        tolerance = max(share / max(count, 1), 1e-15)
        logs, _verified = log_masses(pieces.corners, owner, log_weight, count * n_wells, tolerance, scale)
        return logs.reshape(count, n_wells)

    plain, straight = masses(division.plain), masses(division.straight)
    if division.bent is division.straight:
        return np.logaddexp(plain, straight), np.full(count, np.inf)
    bent = masses(division.bent)
    whole = np.logaddexp(settled, log_sum(np.logaddexp(plain, bent)))
    # The extrapolated mass is taken to be ten times better than the step to it, a cell of three basins to be wrong.
    change = 0.1 * np.abs(np.exp(bent - _shifted(whole)) - np.exp(straight - _shifted(whole)))
    change[division.crowded] = np.exp(bent[division.crowded] - _shifted(whole))
    return np.logaddexp(plain, _extrapolated(straight, bent)), change.max(axis=1)


def _grazed(points: Floats, cells: Integers, labels: Integers, label: Label) -> Booleans:
    """Cells with an edge whose ends are in one basin and whose middle is in another."""
    ends = np.sort(cells[:, np.array(list(combinations(range(cells.shape[1]), 2)))], axis=2)
    unique, edge = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    crossed = np.zeros(len(unique), dtype=bool)
    same = np.flatnonzero(labels[unique[:, 0]] == labels[unique[:, 1]])
    if len(same):
        middle = 0.5 * (points[unique[same, 0]] + points[unique[same, 1]])
        crossed[same] = np.asarray(label(middle.T)) != labels[unique[same, 0]]
    return np.asarray(crossed[edge.reshape(len(cells), -1)].any(axis=1))


def _shifted(logs: Floats) -> Floats:
    """The same, with zero for the logarithm of nothing."""
    return np.where(np.isfinite(logs), logs, 0.0)


def _extrapolated(coarse: Floats, fine: Floats) -> Floats:
    """(4 fine - coarse) / 3 of logarithms: the error of second order removed."""
    change = -np.expm1(np.clip(_shifted(coarse) - _shifted(fine), -1.0, 0.7)) / 3.0
    return np.where(np.isfinite(coarse), fine + np.log1p(change), fine)


def _importance(
    points: Floats, cells: Integers, labels: Integers, log_weight: LogWeight, settled: Floats
) -> Floats:
    """The weight of cells relative to the lightest of the wells at their corners, infinite next to an empty one."""
    lightest = settled[labels[cells]].min(axis=1)
    with np.errstate(over="ignore"):
        relative = np.exp(log_integrals(points[cells], log_weight, 4) - np.where(np.isfinite(lightest), lightest, 0.0))
    return np.where(np.isfinite(lightest), relative, np.inf)


__all__ = ["BasinMap", "basin_masses", "basin_of"]
