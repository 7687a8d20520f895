"""Minima of one plateau are one: a function that is constant around a minimum has others all along the rim.

Newton's method finds those on the rim, where the Hessian is that of the outer side; nothing is to be climbed between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.formulas.graphs import components
from fokker_planck.landscape.finding.sample_graph import SampleGraph
from fokker_planck.landscape.types import CriticalPoint
from fokker_planck.quantity.light_dataclasses import replace

NEAR = 2.5
"""Edges of the graph within which the rim of a plateau has vertices of it, and two minima are looked at: one to the
next vertex along each axis of the plane or of space, and as much again for a rim that cuts corners."""
LEVEL = 1e-9
"""Of what the function changes by over the edges around, a climb of less than which is none: a spline overshoots by
1e-16 of its values, and a well that is a billionth as deep as the graph's steps is not seen by it anyway."""
BETWEEN = np.linspace(0.0, 1.0, 33)[1:-1]
"""Where the function is looked at on the way from one to another, of a length of some edges."""


def one_on_each_plateau(function: Function, graph: SampleGraph, minima: Sequence[CriticalPoint]) -> list[CriticalPoint]:
    """The minima, of those that level ways join one alone, flagged ``degenerate``: a flat one in the middle.

    Ways lead straight from one minimum to another that is near, and over vertices of equal values.
    """
    if len(minima) < 2:
        return list(minima)
    values = np.array([point.value for point in minima])
    places = np.array([point.position for point in minima])
    steps = _steps(function, graph, places)
    vertices = np.flatnonzero(graph.wide)
    plateaus, number = np.unique(graph.plateaus[vertices], return_inverse=True)
    links = [
        *_level_ways(function, graph, (places, values, steps), (places, values, np.arange(len(minima)))),
        *_level_ways(
            function,
            graph,
            (places, values, steps),
            (graph.points[vertices], graph.values[vertices], number + len(minima)),
        ),
    ]
    if not links:
        return list(minima)
    first, second = np.array(links, dtype=np.int64).T
    group = components(first, second, len(minima) + len(plateaus))[: len(minima)]
    central = [_distances(graph, graph.points[graph.bottoms], place).min() for place in places]
    bent = [max(map(abs, point.hessian_eigenvalues)) * steps[0][k] ** 2 for k, point in enumerate(minima)]
    kept = []
    for each in dict.fromkeys(group.tolist()):
        members = np.flatnonzero(group == each).tolist()
        chosen = min(members, key=lambda k: (bent[k] > LEVEL * steps[1][k], central[k]))
        kept.append(minima[chosen] if len(members) == 1 else replace(minima[chosen], degenerate=True))
    return kept


def _steps(function: Function, graph: SampleGraph, places: Floats) -> tuple[Floats, Floats]:
    """For each place (n, dim) the width of the graph there, and what the function changes by within that."""
    width = np.array([graph.widths[np.argmin(_distances(graph, graph.points, place))] for place in places])
    change = np.zeros(len(places))
    for axis in range(places.shape[1]):
        for sign in (-1.0, 1.0):
            beside = places.copy()
            beside[:, axis] += sign * NEAR * width
            with np.errstate(all="ignore"):
                away = function.value(graph.frame.confine(beside.T)) - function.value(places.T)
            change = np.fmax(change, np.where(np.isfinite(away), np.abs(away), 0.0))
    return width, change


def _distances(graph: SampleGraph, points: Floats, place: Floats) -> Floats:
    return np.asarray(np.linalg.norm(graph.frame.difference(points.T, place[:, None]), axis=0))


def _level_ways(
    function: Function,
    graph: SampleGraph,
    minima: tuple[Floats, Floats, tuple[Floats, Floats]],
    others: tuple[Floats, Floats, Integers],
) -> list[tuple[int, int]]:
    """Pairs of a minimum and the number of another point, between which the function stays as low as at the minimum."""
    places, values, (width, change) = minima
    points, heights, numbers = others
    found = []
    for k, place in enumerate(places):
        room = LEVEL * change[k]
        near = np.flatnonzero(
            (np.abs(heights - values[k]) <= room) & (_distances(graph, points, place) <= NEAR * width[k])
        )
        for other in near:
            if numbers[other] != k and _is_level(
                function, graph, place, points[other], max(values[k], heights[other]) + room
            ):
                found.append((k, int(numbers[other])))
    return found


def _is_level(function: Function, graph: SampleGraph, start: Floats, end: Floats, height: float) -> bool:
    way = graph.frame.difference(end[:, None], start[:, None])
    x = graph.frame.wrapped(start[:, None] + way * BETWEEN)
    level: Booleans = function.value(x) <= height
    return bool(level.all())
