"""The energy cutoff of a question without detailed balance, and which wells count for an exit time or a committor.

A shallow well beyond a saddle far above that of the target does not.

With heights in units of epsilon, c(s, t) that of the saddle from the start to the target and c(s, w) that to a well w,

    tau  >=  exp(c(n, t) - psi(n))                                                   for a well n on the way,
    what w adds  =  P(w before t) exp(c(w, t) - psi(w))  ~  exp(c(s, t) - psi(w))     where c(s, w) > c(s, t).

A deeper well counts however high the saddle to it is: it is visited seldom, but for long.  To follow the density to a
well that does not count can be most of the work, and more than can be done.

Between two sets a well beyond the saddle between them counts neither, if all that it holds is little beside what is on
that saddle,

    int p q+ q-  >=  exp(-c(A, B)),    int p q-  >=  exp(-c(A, B)),    and w holds  exp(-psi(w)),    c(A, w) > c(A, B).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.minimax import climb_heights
from fokker_planck.solvers.followed_exponent import LEAST_MARGIN

APART = 15.0
"""Units of epsilon above the energy cutoff, from which a saddle is out of reach: a little more than the change of the
exponent in a cell while the density is followed, in which a ridge may lie unseen."""


@dataclass(frozen=True)
class EnergyCutoff:
    """The height above which nothing counts: the highest saddle between wells, goals and start, and a margin.

    ``points`` (n, dim) and ``edges`` are a sample of the domain, ``wells`` (K,) its nearest points, ``reached`` marks
    every goal on it; ``start`` is that of an exit, ``above`` the margin.
    """

    points: Floats
    edges: Integers
    wells: Integers
    reached: tuple[Booleans, ...]
    start: tuple[float, ...] | None
    above: float

    def __call__(self, weighting: Weighting) -> float:
        """The height with this exponent, of the wells that count with it."""
        values = weighting.value(self.points.T)
        lowest = int(np.argmin(values))
        heights = [float(values[lowest])]
        counted = self.wells[self._counted(values)].tolist()
        stays = counted or [lowest]
        if len(stays) > 1:
            first = np.zeros(len(values), dtype=bool)
            first[stays[0]] = True
            climbs = climb_heights(values, self.edges, first)
            heights += [float(climbs[well]) for well in stays]
        for members in self.reached:
            if members.any():
                climbs = climb_heights(values, self.edges, members)
                heights += [float(climbs[well]) for well in stays] + [float(values[members].min())]
        if self.start is not None:
            heights.append(float(weighting.value(np.asarray(self.start)[:, None])[0]))
        return max(value for value in heights if np.isfinite(value)) + self.above

    def counted(self, weighting: Weighting) -> Booleans:
        """Which of the wells count, (K,)."""
        return self._counted(weighting.value(self.points.T))

    def _counted(self, values: Floats) -> Booleans:
        if self.start is None and len(self.reached) == 2 and all(members.any() for members in self.reached):
            above = max(self.above, LEAST_MARGIN)
            return counted_between(values, self.edges, self.wells, self.reached[0], self.reached[1], above)
        target = np.any(self.reached, axis=0)
        if self.start is None or len(self.wells) < 2 or not np.any(target):
            return np.ones(len(self.wells), dtype=bool)
        above, start = max(self.above, LEAST_MARGIN), nearest_vertex(self.points, np.asarray(self.start))
        return counted_wells(values, self.edges, self.wells, start, target, above)


def nearest_vertex(points: Floats, place: Floats) -> int:
    """The number of the one of the points (n, dim) that is nearest to a place (dim,)."""
    return int(np.argmin(((points - place) ** 2).sum(axis=1)))


def counted_wells(
    values: Floats, edges: Integers, wells: Integers, start: int, target: Booleans, above: float
) -> Booleans:
    """Which of the ``wells`` (K,), vertices of a graph, count, (K,).

    Args:
        values: the exponent at the vertices, (n,).
        edges: pairs of neighbours, (m, 2).
        wells: their vertices.
        start: that of the start.
        target: marks the vertices of the target, (n,).
        above: the margin above a saddle at which the density is negligible.

    >>> hills = np.array([9.0, 0.0, 30.0, 20.0, 99.0, 60.0, 99.0, -1.0])
    >>> edges = np.array([[k, k + 1] for k in range(7)])
    >>> counted_wells(hills, edges, np.array([1, 3, 5, 7]), 1, hills == 9.0, 10.0).tolist()   # 5 is shallow, and far
    [True, True, False, True]
    """
    at_start = np.zeros(len(values), dtype=bool)
    at_start[start] = True
    from_start = climb_heights(values, edges, at_start)[wells]
    to_target = climb_heights(values, edges, target)
    near = from_start <= to_target[start]
    least = float(np.max(to_target[wells][near] - values[wells][near], initial=0.0))
    out_of_reach = from_start > to_target[start] + above + APART
    adds_nothing = values[wells] > to_target[start] - least + above
    return np.asarray(~(out_of_reach & adds_nothing))


def counted_between(
    values: Floats, edges: Integers, wells: Integers, first: Booleans, second: Booleans, above: float
) -> Booleans:
    """Which of the ``wells`` (K,), vertices of a graph, count for transitions between two sets of vertices, (K,).

    >>> hills = np.array([0.0, 20.0, 1.0, 90.0, 80.0, 90.0, -1.0])
    >>> edges = np.array([[k, k + 1] for k in range(6)])
    >>> sets = hills == 0.0, hills == 1.0
    >>> counted_between(hills, edges, np.array([0, 2, 4, 6]), *sets, 10.0).tolist()   # 4 is shallow, and far
    [True, True, False, True]
    """
    from_first, from_second = (climb_heights(values, edges, members) for members in (first, second))
    between = float(from_first[second].min())
    detour = np.maximum(from_first, from_second)[wells]
    return np.asarray(~((detour > between + above + APART) & (values[wells] > between + above)))
