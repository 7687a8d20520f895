"""Where lines through cells go from one basin into another.

In the plane separatrices are curves that have been followed, on a line they are saddles; a line that crosses them once
needs no more.  For all others the flow is asked at points of the line: each search keeps a bracket, two points in the
two basins, and ends when that is short enough, whatever its guesses are worth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.graphs import components
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.basins.stable_manifolds import ON_END, Curves, stable_manifolds
from fokker_planck.landscape.basins.weighted_cells import WeightedCells
from fokker_planck.quantity.light_dataclasses import dataclass

Label = Callable[[Floats], Integers]

SECTIONS = 16
"""Parts of a bracket that are told apart at once where there are no margins to guess by."""
GUESSES = 8
"""Rounds of guesses before brackets are cut blindly: smooth margins settle in three to five."""
BEYOND = 0.05
"""How far beyond the guess, relative to the way to it, the flow is asked: brackets close from both sides."""
WITNESSES = 12
"""Vertices whose flow is followed in each part of a mesh between curves, to see that no separatrix is missing."""
ON_CURVE = 1e-7
"""Fraction of an edge from its end within which a curve passes through the vertex: curves are exact to 1e-9."""
NEWTON = 5
"""Tangents to a line in a curved cell before it is given to the flow: each squares an error of a few hundredths."""


def with_margin(label: Label, points: Floats) -> tuple[Integers, Floats]:
    """Labels of points (n, dim), and margins: NaN where the map has none."""
    if isinstance(label, BasinMap):
        return label.with_margin(points.T)
    return np.asarray(label(points.T), dtype=np.int64), np.full(len(points), np.nan)


def near_separatrix(cells: Integers, labels: Integers) -> Booleans:
    """Cells with corners in two basins, and those that touch one of these: a separatrix may graze them."""
    marks = labels[cells]
    mixed = np.any(marks != marks[:, :1], axis=1)
    touched = np.zeros(len(labels), dtype=bool)
    touched[cells[mixed]] = True
    near: Booleans = touched[cells].any(axis=1)
    return near


@dataclass(frozen=True)
class Lines:
    """Lines in cells (n,) from and to barycentric coordinates (n, dim + 1), straight in these."""

    cells: WeightedCells
    cell: Integers
    start: Floats
    stop: Floats

    def __len__(self) -> int:
        return len(self.cell)

    def chosen(self, which: Booleans | Integers) -> Lines:
        """Some of them."""
        return Lines(self.cells, self.cell[which], self.start[which], self.stop[which])

    def at(self, t: Floats) -> Floats:
        """Places (n, dim) at the fractions (n,)."""
        barycentric = self.start + t[:, None] * (self.stop - self.start)
        return np.asarray(self.cells.places(self.cell, barycentric[:, None, :])[:, :, 0].T)


@dataclass(frozen=True)
class Separatrices:
    """Which basin a point is in, and where the boundaries between basins are, if that is known."""

    label: Label
    curves: Curves | None = None
    places: Floats | None = None

    def known_crossings(self, lines: Lines, labels: Integers | None = None) -> tuple[Integers, Floats]:
        """How often each line crosses the separatrices that are known, and where it does if once; (n,).

        A crossing between other basins than ``labels`` (n, 2) does not count.
        """
        start, stop = lines.at(np.zeros(len(lines))), lines.at(np.ones(len(lines)))
        if self.curves is None:
            if self.places is None or not len(self.places):
                return np.zeros(len(lines), dtype=np.int64), np.full(len(lines), np.nan)
            t = (self.places[None, :] - start) / (stop - start)
            hit = (t >= -ON_END) & (t <= 1.0 + ON_END)
            return hit.sum(axis=1), np.clip(t[np.arange(len(t)), np.argmax(hit, axis=1)], 0.0, 1.0)
        count, where, piece = self.curves.crossings(start, stop - start)
        if labels is not None:
            fits = np.sort(self.curves.states[:, piece].T, axis=1) == np.sort(labels, axis=1)
            count = np.where((count == 1) & ~fits.all(axis=1), 0, count)
        bent = np.flatnonzero((count == 1) & lines.cells.curved[lines.cell])
        for _ in range(NEWTON if len(bent) else 0):
            some, t = lines.chosen(bent), where[bent]
            low, high = np.maximum(t - 1e-3, 0.0), np.minimum(t + 1e-3, 1.0)
            first, last = some.at(low), some.at(high)
            way = (last - first) / (high - low)[:, None]
            # the tangent from a tenth of the line before to a tenth behind
            base = some.at(t) - 0.1 * way
            found, further, _ = self.curves.crossings(base, 0.2 * way)
            where[bent] = t + np.where(found == 1, 0.2 * further - 0.1, np.nan)
        inside = (where >= -ON_END) & (where <= 1.0 + ON_END)
        return np.where(np.isfinite(where) & ~inside, 0, count), np.clip(where, 0.0, 1.0)


def separatrices(label: Label, dimension: int, tolerance: float) -> Separatrices:
    """Separatrices as curves or points where the map has saddles that can be followed, to a relative ``tolerance``."""
    if not isinstance(label, BasinMap) or dimension == 3:
        return Separatrices(label)
    saddles, states = label.landscape.saddles, label.state_of
    if dimension == 2:
        return Separatrices(label, stable_manifolds(label.function, saddles, states, label.landscape.frame, tolerance))
    between = [saddle for saddle in saddles if states[saddle.joins[0]] != states[saddle.joins[1]]]
    if any(saddle.degenerate for saddle in between):
        return Separatrices(label)
    return Separatrices(label, places=np.array([saddle.position[0] for saddle in between]))


def labelled(points: Floats, cells: Integers, between: Separatrices) -> tuple[Integers, Separatrices]:
    """Labels of all vertices, and the separatrices without those that do not separate what the flow tells apart."""
    label = between.label
    if not isinstance(label, BasinMap):
        return np.asarray(label(points.T), dtype=np.int64), between
    if between.curves is not None:
        labels = _by_components(points, cells, between.curves, label)
        if labels is not None:
            return labels, between
        between = Separatrices(label)
    labels = label.roughly(points.T)
    exact = np.zeros(len(points), dtype=bool)
    while True:
        wanted = np.zeros(len(points), dtype=bool)
        wanted[cells[near_separatrix(cells, labels)]] = True
        wanted &= ~exact
        if not wanted.any():
            return labels, between
        labels[wanted] = label(points[wanted].T)
        exact |= wanted


def _by_components(points: Floats, cells: Integers, curves: Curves, label: BasinMap) -> Integers | None:
    """Labels of vertices from those of a few in each part of the mesh that no curve divides; None if these differ."""
    pairs = np.sort(np.concatenate([cells[:, [0, 1]], cells[:, [0, 2]], cells[:, [1, 2]]]), axis=1)
    edges = np.unique(pairs, axis=0)
    count, where, _ = curves.crossings(points[edges[:, 0]], points[edges[:, 1]] - points[edges[:, 0]])
    # vertices on a curve, where the flow tells nothing, are left to themselves
    on = np.zeros(len(points), dtype=bool)
    on[edges[where < ON_CURVE, 0]] = True
    on[edges[where > 1.0 - ON_CURVE, 1]] = True
    free = edges[(count == 0) & ~on[edges].any(axis=1)]
    component = components(free[:, 0], free[:, 1], len(points))
    total = int(component.max(initial=-1)) + 1
    order = np.argsort(component, kind="stable")
    first = np.searchsorted(component[order], np.arange(total))
    size = np.bincount(component, minlength=total)
    spread = [order[first + np.minimum(k * size // WITNESSES, size - 1)] for k in range(WITNESSES)]
    asked = np.unique(np.concatenate(spread))
    found = label(points[asked].T)
    lowest, highest = np.full(total, np.iinfo(np.int64).max), np.full(total, -1)
    np.minimum.at(lowest, component[asked], found)
    np.maximum.at(highest, component[asked], found)
    return None if (lowest != highest).any() else lowest[component]


def labels_beyond(between: Separatrices, lines: Lines, labels: Integers) -> Integers:
    """Labels at the far ends of lines that begin in basins ``labels`` (n,)."""
    stop = lines.at(np.ones(len(lines)))
    if between.curves is None:
        return np.asarray(between.label(stop.T), dtype=np.int64)
    start = lines.at(np.zeros(len(lines)))
    count, where, piece = between.curves.crossings(start, stop - start)
    beside = between.curves.states[:, piece]
    sure = (count == 0) | ((count == 1) & (beside == labels).any(axis=0) & (where > 1e-6) & (where < 1.0 - 1e-6))
    sure &= ~lines.cells.curved[lines.cell]
    # of a line that ends on a curve, at a saddle say, which it may touch there, neither count nor label tell a side
    sure &= ~_on_curve(between.curves, start, stop - start) & ~_on_curve(between.curves, stop, stop - start)
    found = np.where(count == 0, labels, np.where(beside[0] == labels, beside[1], beside[0]))
    if not sure.all():
        found[~sure] = between.label(stop[~sure].T)
    return np.asarray(found, dtype=np.int64)


def crossings(separatrices: Separatrices, lines: Lines, labels: Integers, resolution: Floats) -> Floats:
    """The fractions (n,) at which lines from basin ``labels[:, 0]`` into ``labels[:, 1]`` leave the first one.

    NaN where the far end turns out to be in another basin.  ``resolution`` (n,) is the fraction of the line to which
    the flow is asked.
    """
    count, root = separatrices.known_crossings(lines, labels)
    root = np.where(count == 1, root, np.nan)
    # curves that were found to divide the mesh as the flow does are believed: no line but a bent one crosses unseen
    left = np.flatnonzero(count != 1)
    if separatrices.curves is None and len(left):
        root[left] = _by_flow(separatrices.label, lines.chosen(left), labels[left], resolution[left])
    elif separatrices.curves is not None and len(left):
        start, stop = (lines.chosen(left).at(np.full(len(left), t)) for t in (0.0, 1.0))
        for end, place in ((start, 0.0), (stop, 1.0)):
            root[left[_on_curve(separatrices.curves, end, stop - start)]] = place
    return root


def _on_curve(curves: Curves, points: Floats, ways: Floats) -> Booleans:
    """Whether a curve passes through points (n, 2), as near as ``ON_CURVE`` of the lines ``ways`` (n, 2) from them."""
    across = np.stack([-ways[:, 1], ways[:, 0]], axis=1)
    near = np.zeros(len(points), dtype=bool)
    for way in (across, ways):
        near |= curves.crossings(points - ON_CURVE * way, 2.0 * ON_CURVE * way)[0] > 0
    return near


def _by_flow(label: Label, lines: Lines, labels: Integers, resolution: Floats) -> Floats:
    """The same by asking the flow."""
    count = len(lines)
    # For both sides the last two places where the margin is known, and the margins there.
    place = np.stack([np.zeros((2, count)), np.ones((2, count))])
    margin = np.full((2, 2, count), np.nan)
    found, both = with_margin(label, np.concatenate([lines.at(place[0, 1]), lines.at(place[1, 1])]))
    margin[:, 1] = both.reshape(2, count)
    fits = (found[:count] == labels[:, 0]) & (found[count:] == labels[:, 1])
    # An end that lies on the separatrix, as vertices do by symmetry, may be told to be on either side.
    with np.errstate(invalid="ignore"):
        at_start = ~fits & (found[:count] == labels[:, 1]) & (margin[0, 1] <= resolution * margin[1, 1])
        at_stop = ~fits & (found[count:] == labels[:, 0]) & (margin[1, 1] <= resolution * margin[0, 1])
    place[1, 1, at_start], place[0, 1, at_stop] = 0.0, 1.0
    active = np.flatnonzero(fits & np.isfinite(margin[:, 1]).all(axis=0))
    for _ in range(GUESSES):
        if len(active) == 0:
            break
        t = _guess(place[:, :, active], margin[:, :, active], resolution[active])
        now, value = with_margin(label, lines.chosen(active).at(t))
        side = np.where(now == labels[active, 0], 0, 1)
        place[side, 0, active], margin[side, 0, active] = place[side, 1, active], margin[side, 1, active]
        place[side, 1, active], margin[side, 1, active] = t, value
        active = active[place[1, 1, active] - place[0, 1, active] > resolution[active]]
    low, high = place[0, 1], place[1, 1]
    while True:
        wide = np.flatnonzero(fits & (high - low > np.maximum(resolution, 1e-15)))
        if len(wide) == 0:
            return np.where(fits | at_start | at_stop, 0.5 * (low + high), np.nan)
        fractions = low[wide] + (high[wide] - low[wide]) * np.arange(1, SECTIONS)[:, None] / SECTIONS
        many = lines.chosen(np.tile(wide, SECTIONS - 1))
        inside = np.asarray(label(many.at(fractions.ravel()).T)).reshape(fractions.shape) == labels[wide, 0]
        part = np.where(inside.all(axis=0), SECTIONS - 1, np.argmin(inside, axis=0))
        width = (high[wide] - low[wide]) / SECTIONS
        low[wide], high[wide] = low[wide] + width * part, low[wide] + width * (part + 1)


def _guess(place: Floats, margin: Floats, resolution: Floats) -> Floats:
    """Where the margin seems to vanish, and a little beyond; the middle of the bracket where that is not inside."""
    low, high = place[0, 1], place[1, 1]
    with np.errstate(all="ignore"):
        between = (low * margin[1, 1] + high * margin[0, 1]) / (margin[0, 1] + margin[1, 1])
        along = place[:, 1] + margin[:, 1] * (place[:, 1] - place[:, 0]) / (margin[:, 0] - margin[:, 1])
    side = np.where(margin[0, 1] <= margin[1, 1], 0, 1)[None]
    along = np.take_along_axis(along, side, 0)[0]
    guess = np.where((along > low) & (along < high), along, between)
    nearest = np.where(side[0] == 0, low, high)
    towards = np.sign(guess - nearest)
    guess = guess + towards * np.maximum(0.4 * resolution, BEYOND * np.abs(guess - nearest))
    return np.asarray(np.where((guess > low) & (guess < high), guess, 0.5 * (low + high)))
