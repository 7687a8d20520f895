"""The energy cutoff of a question without detailed balance, and which wells count for a mean exit time.

A shallow well beyond a saddle far above that of the target does not.

With heights in units of epsilon, c(s, t) that of the saddle from the start to the target and c(s, w) that to a well w,

    tau  >=  exp(c(n, t) - psi(n))                                                   for a well n on the way,
    what w adds  =  P(w before t) exp(c(w, t) - psi(w))  ~  exp(c(s, t) - psi(w))     where c(s, w) > c(s, t).

A deeper well counts however high the saddle to it is: it is visited seldom, but for long.  To follow the density to a
well that does not count can be most of the work, and more than can be done.
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
