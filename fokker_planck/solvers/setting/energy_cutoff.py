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

from collections.abc import Sequence

import numpy as np

from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.minimax import climb_heights, passes_between
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.reference_density.followed_exponent import LEAST_MARGIN

APART = 15.0
"""Units of epsilon above the energy cutoff, from which a saddle is out of reach: a little more than the change of the
exponent in a cell while the density is followed, in which a ridge may lie unseen."""

CLEAR = 40.0
"""Units of epsilon below the top of a ring, from which on nothing is cut off: the current goes over the top, and a cut
across it holds what arrives (half a unit below a top of 349: an eigenvalue of 5e-4 that is none). Where a cut
leaves this much above it, the current is exp(-40) of the noise."""


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

    def __call__(self, weighting: Weighting, *, roughly: bool = False) -> tuple[float, Booleans]:
        """The height with this exponent, and which of the wells count with it, (K,): the height is of these alone.

        ``roughly`` where an exponent is on its way: linear between the points of its grid.
        """
        value = getattr(weighting, "rough_value", weighting.value) if roughly else weighting.value
        values = np.asarray(value(self.points.T))
        places = self.wells.tolist()
        if self.start is not None:
            places.append(nearest_vertex(self.points, np.asarray(self.start)))
        kept, edges = passes_between(values, self.edges, places, self.reached)
        reached = tuple(members[kept] for members in self.reached)
        wells = np.searchsorted(kept, self.wells)
        few = replace(self, points=self.points[kept], edges=edges, wells=wells, reached=reached)
        height, counts = few._with_values(weighting, values[kept])
        return clear_of_top(height, values, self.points.shape[1]), counts

    def _with_values(self, weighting: Weighting, values: Floats) -> tuple[float, Booleans]:
        """The same, from the exponent at all of the points."""
        to_goals = [climb_heights(values, self.edges, members) for members in self.reached]
        counts = self._counted(values, to_goals)
        lowest = int(np.argmin(values))
        stays = self.wells[counts].tolist() or [lowest]
        heights = [float(values[lowest])]
        if len(stays) > 1:
            heights += _from(values, self.edges, stays[0])[stays].tolist()
        for climbs in to_goals:
            # no climb leads lower than to the lowest point of a goal
            heights += [*climbs[stays].tolist(), float(climbs.min())]
        if self.start is not None:
            heights.append(float(weighting.value(np.asarray(self.start)[:, None])[0]))
        return max(value for value in heights if np.isfinite(value)) + self.above, counts

    def _counted(self, values: Floats, to_goals: Sequence[Floats]) -> Booleans:
        above = max(self.above, LEAST_MARGIN)
        depths, wells = values[self.wells], self.wells
        if self.start is None and len(self.reached) == 2 and all(members.any() for members in self.reached):
            between = float(to_goals[0][self.reached[1]].min())
            return counted_between(depths, np.max(to_goals, axis=0)[wells], between, above)
        if self.start is None or not len(wells) or not np.any(self.reached):
            return np.ones(len(wells), dtype=bool)
        start, to_target = nearest_vertex(self.points, np.asarray(self.start)), np.min(to_goals, axis=0)
        return counted_wells(depths, _from(values, self.edges, start)[wells], to_target[wells], to_target[start], above)


def clear_of_top(height: float, values: Floats, dimension: int) -> float:
    """A cutoff on a ring, or infinity where that is near the top of the exponent's ``values`` (n,); else the same.

    >>> clear_of_top(80.0, np.array([0.0, 100.0]), 1), clear_of_top(80.0, np.array([0.0, 100.0]), 2)
    (inf, 80.0)
    """
    return np.inf if dimension == 1 and height > float(values.max()) - CLEAR else height


def _from(values: Floats, edges: Integers, vertex: int) -> Floats:
    here = np.zeros(len(values), dtype=bool)
    here[vertex] = True
    return climb_heights(values, edges, here)


def nearest_vertex(points: Floats, place: Floats) -> int:
    """The number of the one of the points (n, dim) that is nearest to a place (dim,)."""
    return int(np.argmin(((points - place) ** 2).sum(axis=1)))


def counted_wells(
    depths: Floats, from_start: Floats, to_target: Floats, start_to_target: float, above: float
) -> Booleans:
    """Which of the wells count for an exit, (K,).

    Parameters
    ----------
    depths
        the exponent in them, (K,).
    from_start
        the highest on the way there from the start, (K,).
    to_target
        the highest on the way from there to the target, (K,).
    start_to_target
        the same from the start.
    above
        the margin above a saddle at which the density is negligible.

    Examples
    --------
    >>> depths, from_start = np.array([0.0, 20.0, -1.0]), np.array([0.0, 39.0, 99.0])   # the second is shallow, and far
    >>> counted_wells(depths, from_start, np.array([9.0, 39.0, 99.0]), 9.0, 10.0).tolist()
    [True, False, True]
    """
    near = from_start <= start_to_target
    least = float(np.max((to_target - depths)[near], initial=0.0))
    out_of_reach = from_start > start_to_target + above + APART
    adds_nothing = depths > start_to_target - least + above
    return np.asarray(~(out_of_reach & adds_nothing))


def counted_between(depths: Floats, detours: Floats, between: float, above: float) -> Booleans:
    """Which of the wells count for transitions between two sets, (K,).

    Parameters
    ----------
    depths
        the exponent in them, (K,).
    detours
        the highest on the way there from one set and on to the other, (K,).
    between
        the highest on the way from one set to the other.
    above
        the margin above a saddle at which the density is negligible.

    Examples
    --------
    >>> counted_between(np.array([0.0, 80.0, -1.0]), np.array([20.0, 90.0, 90.0]), 20.0, 10.0).tolist()
    [True, False, True]
    """
    return np.asarray(~((detours > between + above + APART) & (depths > between + above)))
