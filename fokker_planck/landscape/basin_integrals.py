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
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.basins import BasinMap, basin_of
from fokker_planck.landscape.log_quadrature import Parts, affordable, log_integrals, log_masses, log_mean, whole_cells
from fokker_planck.landscape.separatrix import (
    Label,
    Lines,
    Separatrices,
    crossings,
    labelled,
    labels_beyond,
    near_separatrix,
    separatrices,
)
from fokker_planck.landscape.weighted_cells import StraightCells, WeightedCells
from fokker_planck.mesh.quadrature import children_of, simplex_rule

LogWeight = Callable[[Floats], Floats]

MOST_LEVELS = {1: 3, 2: 12, 3: 3}
"""Halvings of cut cells; in the plane three basins meet in points, and each halving leaves a quarter around them."""
LINES = {1: (1, 1), 2: (4, 6), 3: (3, 4)}
"""Gauss points on each edge from which lines start or at which they end, for the estimate and for the value."""
MOST_LINES = {1: 10**6, 2: 10**6, 3: 15_000}
"""Lines that the next halving may ask for: in space the flow is followed from some ten points of each, 2 ms a line."""
ALONG = (7, 10)
"""Gauss points along both parts of a line, for the estimate and for the value: Phi changes by up to 14 in a cell."""
LIGHT = 0.02
"""The part of the tolerance that cells may hold which are shared out by their corners alone."""
SAFETY = 1.0
"""What is returned is the sum by the higher rule: the change to it is an error that has been removed."""
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
    weight: LogWeight | WeightedCells,
    label: Label,
    n_wells: int,
    tolerance: float = 1e-8,
    beside: Floats | None = None,
    known: tuple[Integers, Separatrices] | None = None,
) -> BasinMasses:
    """The integrals of a weight over the basins, with estimates of their errors.

    Args:
        points: vertices, (n, dim).
        cells: simplices, (m, dim + 1).
        weight: logarithm of the weight at points (dim, n), for straight cells, or the cells with their weight; any
            size, nothing overflows.
        label: basin of points (dim, n), integers 0 <= k < n_wells; a :class:`BasinMap` is much faster than a callable
            that only gives numbers, because its saddles and margins lead to the separatrix.
        n_wells: K.
        tolerance: wanted relative error of every integral.
        beside: logarithms of what the basins hold besides these cells, (K,), included in what is returned.
        known: labels of all vertices, (n,), and the separatrices, where they have been found before.

    Returns:
        Their logarithms and what is known of their errors.

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
    near = near_separatrix(cells, labels) | _crossed(between, weighted, cells, labels)
    lower, whole = log_masses(weighted, whole_cells(numbers[~near], dimension), labels[cells[~near, 0]], n_wells, share)
    settled = whole if beside is None else np.logaddexp(whole, beside)
    front = Front(whole_cells(numbers[near], dimension), cells[near], labels, settled, np.zeros(n_wells))
    for level in range(MOST_LEVELS[dimension] + 1):
        if not len(front.parts):
            break
        front = _advanced(front, weighted, between, tolerance, last=level == MOST_LEVELS[dimension])
    settled = front.settled
    changes = -np.expm1(_shifted(lower) - _shifted(whole)) * np.exp(np.minimum(whole - _shifted(settled), 0.0))
    return BasinMasses(settled, changes, np.where(np.isfinite(settled), front.error, 0.0))


@dataclass(frozen=True)
class Front:
    """Parts of cells that are still to be divided, (m, dim + 1) their vertices with ``labels`` by number.

    ``settled`` (K,) are logarithms of what has been summed up, ``error`` (K,) the relative errors in that.
    """

    parts: Parts
    vertices: Integers
    labels: Integers
    settled: Floats
    error: Floats


def _advanced(front: Front, cells: WeightedCells, between: Separatrices, tolerance: float, *, last: bool) -> Front:
    """Sum up what can be, and halve the rest."""
    dimension, n_wells = cells.dimension, len(front.settled)
    marks = front.labels[front.vertices]
    masses = log_integrals(cells, front.parts, 4)
    # what the basins hold to first order, so that one that has no cell to itself is not taken for empty
    roughly = np.logaddexp.reduce(_by_corners(masses, marks, n_wells), axis=0, initial=-np.inf)
    lightest = np.logaddexp(front.settled, roughly)[marks].min(axis=1)
    with np.errstate(over="ignore"):
        importance = np.exp(np.minimum(masses - _shifted(lightest), 700.0))
    ordered = np.sort(marks, axis=1)
    distinct = 1 + np.sum(ordered[:, 1:] != ordered[:, :-1], axis=1)
    light = affordable(importance, np.zeros(len(masses), dtype=np.int64), LIGHT * tolerance) & (distinct > 1)
    logs = np.full((len(masses), n_wells), -np.inf)
    doubt = np.where(light, importance, np.inf)
    logs[light] = _by_corners(masses[light], marks[light], n_wells)
    two = np.flatnonzero((distinct == 2) & ~light)
    resolution = np.clip(0.02 * tolerance / np.maximum(importance[two] * max(len(two), 1), 1e-300), 1e-13, 0.05)
    if dimension == 1:
        resolution[:] = 1e-16
    cut, change, grazed = _cut(front, two, marks[two], cells, between, n_wells, resolution)
    logs[two] = cut
    known = np.where(np.isnan(logs), -np.inf, logs)
    total = np.logaddexp(front.settled, np.logaddexp.reduce(known, axis=0, initial=-np.inf))
    scale = _shifted(total)
    with np.errstate(over="ignore", invalid="ignore"):
        rough, fine = np.exp(change - scale), np.exp(cut - scale)
        doubt[two] = np.nan_to_num(np.abs(fine - rough).max(axis=1), nan=np.inf) + importance[two] * resolution
    flagged = _holding(front.vertices, grazed)
    if dimension > 1:
        flagged[np.flatnonzero(distinct == 1)] |= _crossed(
            between, cells, front.vertices[distinct == 1], front.labels, front.parts.chosen(distinct == 1)
        )
    doubt[flagged & ~light] = np.inf
    plain = (distinct == 1) & ~flagged
    _, owned = log_masses(
        cells, front.parts.chosen(plain), marks[plain, 0], n_wells, max(0.02 * tolerance, 1e-15), _scale(total)
    )
    settled = np.logaddexp(front.settled, owned)
    done = affordable(np.where(plain, np.inf, doubt), np.zeros(len(doubt), dtype=np.int64), 0.2 * tolerance)
    rest = ~plain & ~done
    last |= rest.sum() * 2**dimension * LINES[dimension][1] ** (dimension - 1) > MOST_LINES[dimension]
    if last and rest.any():
        lost = rest & ~np.isfinite(doubt)
        logs[lost], doubt[lost] = _by_corners(masses[lost], marks[lost], n_wells), importance[lost]
        done, rest = done | rest, np.zeros(len(rest), dtype=bool)
    settled = np.logaddexp(settled, np.logaddexp.reduce(logs[done], axis=0, initial=-np.inf))
    error = front.error + doubt[done].sum()
    if not rest.any():
        return Front(front.parts.chosen(rest), front.vertices[rest], front.labels, settled, error)
    edges, children = children_of(front.vertices[rest], len(front.labels))
    parts = front.parts.chosen(rest).halved()
    # every new vertex is the middle of an edge; one of the parts that have it says where that is
    fresh = children >= len(front.labels)
    number, part, corner = children[fresh] - len(front.labels), *np.nonzero(fresh)
    middle = np.zeros((len(edges), dimension + 1))
    owner = np.zeros(len(edges), dtype=np.int64)
    middle[number], owner[number] = parts.corners[part, corner], parts.cell[part]
    start = np.zeros((len(edges), dimension + 1))
    known = np.full(len(edges), -1)
    for end in range(dimension + 1):
        begins = children[part, end] == edges[number, 0]
        known[number[begins]] = front.labels[edges[number[begins], 0]]
        start[number[begins]] = parts.corners[part[begins], end]
        middle[number[begins]], owner[number[begins]] = (
            parts.corners[part[begins], corner[begins]],
            parts.cell[part[begins]],
        )
    fresh_labels = labels_beyond(between, Lines(cells, owner, start, middle), known)
    labels = np.concatenate([front.labels, fresh_labels])
    return Front(parts, children, labels, settled, error)


def _scale(logs: Floats) -> Floats:
    return np.where(np.isfinite(logs), logs, -1e300)


def _shifted(logs: Floats) -> Floats:
    """The same, with zero for the logarithm of nothing."""
    return np.where(np.isfinite(logs), logs, 0.0)


def _by_corners(masses: Floats, marks: Integers, n_wells: int) -> Floats:
    """Logarithms (m, K) of masses (m,) shared out equally among the basins of the corners (m, dim + 1)."""
    shares = (marks[:, :, None] == np.arange(n_wells)).mean(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(masses[:, None] + np.log(shares))


def _cut(
    front: Front,
    chosen: Integers,
    marks: Integers,
    cells: WeightedCells,
    between: Separatrices,
    n_wells: int,
    resolution: Floats,
) -> tuple[Floats, Floats, list[Integers]]:
    """Masses (m, K) of parts of two basins by the fine and by the coarse rule, and faces that are not in one basin."""
    fine, coarse = (np.full((len(chosen), n_wells), -np.inf) for _ in range(2))
    grazed: list[Integers] = []
    size = cells.dimension + 1
    first = marks == marks[:, :1]
    few = np.where((2 * first.sum(axis=1) <= size)[:, None], first, ~first)
    order = np.argsort(~few, axis=1, kind="stable")
    for count in range(1, size // 2 + 1):
        members = np.flatnonzero(few.sum(axis=1) == count)
        if not len(members):
            continue
        swap = order[members]
        corners = np.take_along_axis(front.parts.corners[chosen[members]], swap[:, :, None], axis=1)
        ends = np.take_along_axis(marks[members], swap, axis=1)[:, [0, -1]]
        vertices = np.take_along_axis(front.vertices[chosen[members]], swap, axis=1)
        number = front.parts.cell[chosen[members]]
        for result, lines, along in zip((coarse, fine), LINES[cells.dimension], ALONG, strict=True):
            if cells.dimension == 1 and result is coarse:
                continue
            sums, bad = _line_sums(cells, number, corners, count, ends, between, lines, along, resolution[members])
            result[members[:, None], ends] = sums
            result[members[bad]] = np.nan
            grazed.append(vertices[bad][:, count:])
            if count > 1:
                grazed.append(vertices[bad][:, :count])
    if cells.dimension == 1:
        coarse = fine
    return fine, coarse, grazed


def _line_sums(
    cells: WeightedCells,
    number: Integers,
    corners: Floats,
    count: int,
    ends: Integers,
    between: Separatrices,
    lines: int,
    along: int,
    resolution: Floats,
) -> tuple[Floats, Booleans]:
    """Logarithms (m, 2) of the masses before and behind the crossings, and where some line has no single one (m,)."""
    size, dimension = corners.shape[1], corners.shape[1] - 1
    start, start_weight = _face_rule(count, lines)
    stop, stop_weight = _face_rule(size - count, lines)
    pairs = [(i, j) for i in range(len(start)) for j in range(len(stop))]
    first = np.zeros((len(pairs), size))
    last = np.zeros((len(pairs), size))
    first[:, :count] = start[[i for i, _ in pairs]]
    last[:, count:] = stop[[j for _, j in pairs]]
    weight = np.array([start_weight[i] * stop_weight[j] for i, j in pairs])
    begin, end = first @ corners, last @ corners
    many = len(pairs)
    bundle = Lines(cells, np.repeat(number, many), begin.reshape(-1, size), end.reshape(-1, size))
    root = crossings(between, bundle, np.repeat(ends, many, axis=0), np.repeat(resolution, many)).reshape(-1, many)
    bad = ~np.isfinite(root).all(axis=1)
    root = np.where(np.isfinite(root), root, 0.5)
    nodes, node_weight = np.polynomial.legendre.leggauss(along)
    nodes, node_weight = 0.5 * (1.0 + nodes), 0.5 * node_weight
    constant = factorial(dimension) / (factorial(count - 1) * factorial(dimension - count))
    with np.errstate(divide="ignore"):
        volume = np.log(np.abs(np.linalg.det(corners)))
    sums = []
    for t, length in ((root[..., None] * nodes, root), (root[..., None] + (1.0 - root[..., None]) * nodes, 1.0 - root)):
        barycentric = begin[:, :, None] + t[..., None] * (end - begin)[:, :, None]
        density = constant * (1.0 - t) ** (count - 1) * t ** (dimension - count) * length[..., None]
        logs = cells.log_density(number, barycentric.reshape(len(number), -1, size))
        with np.errstate(divide="ignore"):
            logs = logs + np.log(density.reshape(logs.shape))
        sums.append(log_mean(logs, (weight[:, None] * node_weight).ravel()) + volume)
    return np.stack(sums, axis=1), bad


def _face_rule(corners: int, count: int) -> tuple[Floats, Floats]:
    """Barycentric points on a face with so many corners, and weights that sum to 1."""
    return simplex_rule(corners - 1, count) if corners > 1 else (np.ones((1, 1)), np.ones(1))


def _holding(vertices: Integers, faces: list[Integers]) -> Booleans:
    """Which parts, given by their vertices, have all vertices of one of the faces."""
    result = np.zeros(len(vertices), dtype=bool)
    ordered = np.sort(vertices, axis=1)
    for some in faces:
        wanted = np.unique(np.sort(some, axis=1), axis=0)
        if len(wanted):
            for columns in combinations(range(vertices.shape[1]), wanted.shape[1]):
                result |= _among(ordered[:, columns], wanted)
    return result


def _among(rows: Integers, table: Integers) -> Booleans:
    """Which rows (m, k) are rows of the table, (m,)."""
    both = np.concatenate([rows, table])
    key = both[:, 0]
    for column in both.T[1:]:
        # numbered anew, so that products of four numbers of vertices do not overflow
        key = np.unique(key, return_inverse=True)[1] * (int(both.max()) + 1) + column
    return np.asarray(np.isin(key[: len(rows)], key[len(rows) :]))


def _crossed(
    between: Separatrices, cells: WeightedCells, vertices: Integers, labels: Integers, parts: Parts | None = None
) -> Booleans:
    """Parts with an edge that a known separatrix crosses though both of its ends are in one basin, (m,)."""
    result = np.zeros(len(vertices), dtype=bool)
    if between.curves is None or not len(vertices):
        return result
    some = whole_cells(np.arange(len(vertices)), cells.dimension) if parts is None else parts
    size = vertices.shape[1]
    for i in range(size):
        for j in range(i):
            same = np.flatnonzero(labels[vertices[:, i]] == labels[vertices[:, j]])
            bundle = Lines(cells, some.cell[same], some.corners[same, i], some.corners[same, j])
            # without the ends, which may lie on a separatrix
            inner = Lines(cells, bundle.cell, *_shortened(bundle.start, bundle.stop))
            result[same[between.known_crossings(inner)[0] > 0]] = True
    return result


def _shortened(start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    return start + 1e-7 * (stop - start), stop + 1e-7 * (start - stop)


__all__ = ["BasinMap", "basin_masses", "basin_of"]
