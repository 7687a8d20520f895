"""Cells that a separatrix may cut, summed up as far as the tolerance allows, and halved where it does not."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.basins.line_sums import LINES, CutParts, cut_masses
from fokker_planck.landscape.basins.lines import Lines
from fokker_planck.landscape.basins.log_quadrature import Parts, affordable, log_integrals, log_masses, whole_cells
from fokker_planck.landscape.basins.separatrix import Separatrices, labels_beyond
from fokker_planck.landscape.basins.weighted_cells import WeightedCells
from fokker_planck.mesh.quadrature import children_of
from fokker_planck.quantity.light_dataclasses import dataclass, replace

MOST_LINES = {1: 10**6, 2: 10**6, 3: 15_000}
"""Lines that the next halving may ask for: in space the flow is followed from some ten points of each, 2 ms a line."""
CUT, RULES_APART = {1: 0.06, 2: 0.06, 3: 0.2}, 3.0
"""The part of the tolerance that cells may be off by in which a separatrix is, and times what two rules differ by.
Where one touches an edge at a saddle wells were 1.9e-7 off at a bar of 1.4e-7 with 0.2 and once that, and are 1.4e-8
off at 1.2e-7 in the same time; with 0.02 they were 2e-10, but weights of two wells took half as long again."""
LIGHT = 0.02
"""The part of the tolerance that cells may hold which are shared out by their corners alone."""


@dataclass(frozen=True)
class Front:
    """Parts of cells that are still to be divided, (m, dim + 1) their vertices with ``labels`` by number.

    ``around`` (m, K) says which basins their cells or those that touch them reach by a corner, ``settled`` (K,) are
    logarithms of what has been summed up, ``error`` (K,) the relative errors in that.
    """

    parts: Parts
    vertices: Integers
    labels: Integers
    around: Booleans
    settled: Floats
    error: Floats


@dataclass(frozen=True)
class _Weighed:
    """The parts of a front, (m,), before any of them is cut.

    Parameters
    ----------
    marks
        basins of their corners, (m, dim + 1)
    masses
        logarithms of their integrals, by a rule of order 4
    importance
        of each, relative to the lightest basin of its corners
    distinct
        how many basins these are
    most
        the importance of each for any basin around it: where four meet, a cell may hold a tip of one that has no corner
    light
        whether it may be shared out by its corners
    """

    marks: Integers
    masses: Floats
    importance: Floats
    most: Floats
    distinct: Integers
    light: Booleans


@dataclass(frozen=True)
class _Judged:
    """What each part gives to the basins: ``logs`` (m, K), off by ``doubt`` (m,) of the lightest of them.

    ``plain`` (m,) are those in one basin, which are integrated as they are; ``total`` (K,) is what is known of each.
    """

    logs: Floats
    doubt: Floats
    plain: Booleans
    total: Floats


def advanced(front: Front, cells: WeightedCells, between: Separatrices, tolerance: float, *, last: bool) -> Front:
    """Sum up what can be, and halve the rest."""
    dimension, n_wells = cells.dimension, len(front.settled)
    weighed = _weighed(front, cells, tolerance)
    judged = _judged(front, weighed, cells, between, tolerance)
    logs, doubt, plain = judged.logs, judged.doubt, judged.plain
    owner = weighed.marks[plain, 0]
    smallest = max(0.02 * tolerance, 1e-15)
    _, owned = log_masses(cells, front.parts.chosen(plain), owner, n_wells, smallest, _scale(judged.total))
    settled = np.logaddexp(front.settled, owned)
    done = affordable(np.where(plain, np.inf, doubt), np.zeros(len(doubt), dtype=np.int64), CUT[dimension] * tolerance)
    rest = ~plain & ~done
    last |= rest.sum() * 2**dimension * LINES[dimension][1] ** (dimension - 1) > MOST_LINES[dimension]
    if last and rest.any():
        lost = rest & ~np.isfinite(doubt)
        logs[lost] = _by_corners(weighed.masses[lost], weighed.marks[lost], n_wells)
        doubt[lost] = weighed.most[lost]
        done, rest = done | rest, np.zeros(len(rest), dtype=bool)
    settled = np.logaddexp(settled, np.logaddexp.reduce(logs[done], axis=0, initial=-np.inf))
    error = front.error + doubt[done].sum()
    left = Front(front.parts.chosen(rest), front.vertices[rest], front.labels, front.around[rest], settled, error)
    return _halved(left, cells, between) if rest.any() else left


def _weighed(front: Front, cells: WeightedCells, tolerance: float) -> _Weighed:
    marks = front.labels[front.vertices]
    masses = log_integrals(cells, front.parts, 4)
    # what the basins hold to first order, so that one that has no cell to itself is not taken for empty
    roughly = np.logaddexp.reduce(_by_corners(masses, marks, len(front.settled)), axis=0, initial=-np.inf)
    held = np.logaddexp(front.settled, roughly)
    lightest, of_all = held[marks].min(axis=1), np.where(front.around, held, np.inf).min(axis=1)
    with np.errstate(over="ignore"):
        importance, most = (np.exp(np.minimum(masses - shifted(least), 700.0)) for least in (lightest, of_all))
    ordered = np.sort(marks, axis=1)
    distinct = 1 + np.sum(ordered[:, 1:] != ordered[:, :-1], axis=1)
    light = affordable(most, np.zeros(len(masses), dtype=np.int64), LIGHT * tolerance) & (distinct > 1)
    return _Weighed(marks, masses, importance, most, distinct, light)


def _judged(front: Front, weighed: _Weighed, cells: WeightedCells, between: Separatrices, tolerance: float) -> _Judged:
    marks, importance, light, n_wells = weighed.marks, weighed.importance, weighed.light, len(front.settled)
    logs = np.full((len(marks), n_wells), -np.inf)
    doubt = np.where(light, weighed.most, np.inf)
    logs[light] = _by_corners(weighed.masses[light], marks[light], n_wells)
    two = np.flatnonzero((weighed.distinct == 2) & ~light)
    resolution = np.clip(0.02 * tolerance / np.maximum(importance[two] * max(len(two), 1), 1e-300), 1e-13, 0.05)
    if cells.dimension == 1:
        resolution[:] = 1e-16
    parts = CutParts(front.parts.cell[two], front.parts.corners[two], front.vertices[two], marks[two], resolution)
    cut, change, grazed = cut_masses(parts, cells, between, n_wells)
    logs[two] = cut
    known = np.where(np.isnan(logs), -np.inf, logs)
    total = np.logaddexp(front.settled, np.logaddexp.reduce(known, axis=0, initial=-np.inf))
    scale = shifted(total)
    with np.errstate(over="ignore", invalid="ignore"):
        rough, fine = np.exp(change - scale), np.exp(cut - scale)
        apart = np.nan_to_num(np.abs(fine - rough).max(axis=1), nan=np.inf)
        doubt[two] = RULES_APART * apart + importance[two] * resolution
    flagged, whole = _holding(front.vertices, grazed), weighed.distinct == 1
    if cells.dimension > 1:
        flagged[np.flatnonzero(whole)] |= crossed(
            between, cells, front.vertices[whole], front.labels, front.parts.chosen(whole)
        )
    doubt[flagged & ~light] = np.inf
    tips = _hiding(front, weighed, cells, between) & ~light
    logs[tips & whole] = _by_corners(weighed.masses[tips & whole], marks[tips & whole], n_wells)
    doubt[tips] = np.where(np.isfinite(doubt[tips]), np.maximum(doubt[tips], weighed.most[tips]), doubt[tips])
    doubt[tips & whole] = weighed.most[tips & whole]
    return _Judged(logs, doubt, whole & ~flagged & ~tips, total)


def _hiding(front: Front, weighed: _Weighed, cells: WeightedCells, between: Separatrices) -> Booleans:
    """Parts in one or two basins, next to a third, that may hold a tip of it: where no curves tell of that, (m,).

    In the plane such tips are around points; with those of four basins a weight was 4.6e-6 off at a bar of 1.6e-8.  In
    space they are along lines, and there are too many.
    """
    if not _by_points(cells, between):
        return np.zeros(len(front.vertices), dtype=bool)
    hiding: Booleans = (front.around.sum(axis=1) > 2) & (weighed.distinct < 3)
    return hiding


def _by_points(cells: WeightedCells, between: Separatrices) -> bool:
    return cells.dimension == 2 and between.curves is None


def _halved(front: Front, cells: WeightedCells, between: Separatrices) -> Front:
    """The parts in 2^dim parts each, with the basins of their new vertices."""
    size = cells.dimension + 1
    edges, children = children_of(front.vertices, len(front.labels))
    parts = front.parts.halved()
    # every new vertex is the middle of an edge; one of the parts that have it says where that is
    fresh = children >= len(front.labels)
    number, part, corner = children[fresh] - len(front.labels), *np.nonzero(fresh)
    middle = np.zeros((len(edges), size))
    owner = np.zeros(len(edges), dtype=np.int64)
    middle[number], owner[number] = parts.corners[part, corner], parts.cell[part]
    start = np.zeros((len(edges), size))
    known = np.full(len(edges), -1)
    for end in range(size):
        begins = children[part, end] == edges[number, 0]
        known[number[begins]] = front.labels[edges[number[begins], 0]]
        start[number[begins]] = parts.corners[part[begins], end]
        middle[number[begins]], owner[number[begins]] = (
            parts.corners[part[begins], corner[begins]],
            parts.cell[part[begins]],
        )
    fresh_labels = labels_beyond(between, Lines(cells, owner, start, middle), known)
    labels = np.concatenate([front.labels, fresh_labels])
    if _by_points(cells, between):  # all parts next to a third basin are here
        around = basins_around(children, labels, front.around.shape[1])
    else:
        around = np.repeat(front.around, 2**cells.dimension, axis=0)
    return replace(front, parts=parts, vertices=children, labels=labels, around=around)


def basins_around(vertices: Integers, labels: Integers, n_wells: int) -> Booleans:
    """Which basins the corners (m, dim + 1) of each cell, or of one that touches it, are in, (m, K)."""
    reached = np.zeros((len(labels), n_wells), dtype=bool)
    marks = labels[vertices]
    for corner in vertices.T:
        for mark in marks.T:
            reached[corner, mark] = True
    around: Booleans = reached[vertices].any(axis=1)
    return around


def _scale(logs: Floats) -> Floats:
    return np.where(np.isfinite(logs), logs, -1e300)


def shifted(logs: Floats) -> Floats:
    """The same, with zero for the logarithm of nothing."""
    return np.where(np.isfinite(logs), logs, 0.0)


def _by_corners(masses: Floats, marks: Integers, n_wells: int) -> Floats:
    """Logarithms (m, K) of masses (m,) shared out equally among the basins of the corners (m, dim + 1)."""
    shares = (marks[:, :, None] == np.arange(n_wells)).mean(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(masses[:, None] + np.log(shares))


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


def crossed(
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
