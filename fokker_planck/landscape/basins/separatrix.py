"""Where lines through cells go from one basin into another.

In the plane separatrices are curves that have been followed, on a line they are saddles; a line that crosses them once
needs no more.  For all others the flow is asked at points of the line: each search keeps a bracket, two points in the
two basins, and ends when that is short enough, whatever its guesses are worth.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.graphs import components
from fokker_planck.landscape.basins.line_search import Asked, by_flow
from fokker_planck.landscape.basins.lines import Label, Lines
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.basins.stable_manifolds import ON_END, Curves, stable_manifolds
from fokker_planck.quantity.light_dataclasses import dataclass, field

WITNESSES, ON_WALLS = 12, 100
"""Vertices whose flow is followed in each part of a mesh between curves, and on the walls, to see that no separatrix is
missing; those beside minima are, too. Where a curve from a wall was missing, twelve of a part that held two basins were
in one: a well of weight e^-46 was given to another but for a twentieth."""
ON_CURVE = 1e-7
"""Fraction of an edge from its end within which a curve passes through the vertex: curves are exact to 1e-9."""
NEWTON = 5
"""Tangents to a line in a curved cell before it is given to the flow: each squares an error of a few hundredths."""


def near_separatrix(cells: Integers, labels: Integers) -> Booleans:
    """Cells with corners in two basins, and those that touch one of these: a separatrix may graze them."""
    marks = labels[cells]
    mixed = np.any(marks != marks[:, :1], axis=1)
    touched = np.zeros(len(labels), dtype=bool)
    touched[cells[mixed]] = True
    near: Booleans = touched[cells].any(axis=1)
    return near


@dataclass(frozen=True)
class Separatrices:
    """Which basin a point is in, and where the boundaries between basins are, if that is known.

    What the flow has told of lines is kept in ``asked``: those of one mesh are asked for with every degree.
    """

    label: Label
    curves: Curves | None = None
    places: Floats | None = None
    asked: Asked = field(default_factory=Asked)

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
    minima = np.array([minimum.position for minimum in label.landscape.minima])
    beside = [int(np.argmin(((points - place) ** 2).sum(axis=1))) for place in minima]
    asked = np.unique(np.concatenate([*spread, np.array(beside, dtype=np.int64), _some_on_walls(cells)]))
    found = label(points[asked].T)
    lowest, highest = np.full(total, np.iinfo(np.int64).max), np.full(total, -1)
    np.minimum.at(lowest, component[asked], found)
    np.maximum.at(highest, component[asked], found)
    return None if (lowest != highest).any() else lowest[component]


def _some_on_walls(cells: Integers) -> Integers:
    """Vertices of triangles (m, 3) on edges of one of them alone, no more than ``ON_WALLS``."""
    pairs = np.sort(np.concatenate([cells[:, [0, 1]], cells[:, [0, 2]], cells[:, [1, 2]]]), axis=1)
    edges, count = np.unique(pairs, axis=0, return_counts=True)
    walls = np.unique(edges[count == 1])
    chosen: Integers = walls[:: max(1, len(walls) // ON_WALLS)]
    return chosen


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
        root[left] = by_flow(separatrices.label, lines.chosen(left), labels[left], resolution[left], separatrices.asked)
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
