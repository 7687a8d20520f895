"""Minima and index-one saddles of a function, which saddle joins which minima, and the tree in which wells merge.

A *well* is the basin of attraction of one minimum.  Two wells merge at their communication height, the least height
that a path between them must reach; the barrier of a minimum is the climb to the height at which its well merges with
that of a deeper one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from math import inf
from typing import Literal

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.paths import PathOverSaddle
from fokker_planck.landscape.surface import Surface
from fokker_planck.quantity.answer import Answer
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.quantity.units import NONE, Units


@dataclass(frozen=True)
class CriticalPoint:
    """Where the gradient vanishes, or where a reflecting wall holds it.

    ``hessian`` is the whole matrix; ``hessian_eigenvalues`` ascend, and on a wall that holds a nonzero slope they are
    those of the restriction to the wall, ``wall_slopes`` being the inward slopes (one for each wall met there) and
    ``wall_normals`` the outward unit normals. ``degenerate``: some eigenvalue vanishes, no Gaussian integral exists.

    Attributes
    ----------
    position
        x, dim numbers
    value
        V(x)
    hessian
        rows of Hess V(x), (dim, dim)
    hessian_eigenvalues
        in ascending order
    kind
        "minimum", "saddle" or "maximum"
    degenerate
        whether an eigenvalue is too small for its sign to count
    on_boundary
        whether it lies on the boundary of the domain
    wall_slopes, wall_normals
        of V outwards on the walls that it touches, and these walls' normals
    uncertainty
        how far the bottom of a crease may be from ``position``, a length; zero where that is rounding
    """

    position: tuple[float, ...]
    value: float
    hessian: tuple[tuple[float, ...], ...]
    hessian_eigenvalues: tuple[float, ...]
    kind: Literal["minimum", "saddle"]
    degenerate: bool = False
    on_boundary: bool = False
    wall_slopes: tuple[float, ...] = ()
    wall_normals: tuple[tuple[float, ...], ...] = ()
    uncertainty: float = 0.0

    @property
    def x(self) -> Floats:
        """The position as an array, (dim,)."""
        return np.array(self.position)

    def scaled(self, factor: float) -> CriticalPoint:
        """The same point of the function times ``factor`` > 0."""
        return replace(
            self,
            value=self.value * factor,
            hessian=tuple(tuple(entry * factor for entry in row) for row in self.hessian),
            hessian_eigenvalues=tuple(eigenvalue * factor for eigenvalue in self.hessian_eigenvalues),
            wall_slopes=tuple(slope * factor for slope in self.wall_slopes),
        )


@dataclass(frozen=True)
class Saddle(CriticalPoint):
    """A pass: one negative eigenvalue; descending both ways along it leads to the minima ``joins``.

    The unit vector ``unstable_direction`` points to the side of ``joins[1]``.

    Attributes
    ----------
    position, value, hessian, hessian_eigenvalues, kind, degenerate, on_boundary, wall_slopes, wall_normals, uncertainty
        as of a ``CriticalPoint``
    joins
        two indices into the minima
    unstable_direction
        the eigenvector of the negative eigenvalue, from the first to the second of these wells
    """

    joins: tuple[int, int] = (0, 0)
    unstable_direction: tuple[float, ...] = ()


@dataclass(frozen=True)
class Merge:
    """At height ``value`` the well ``absorbed`` becomes part of the well ``survivor``, over the numbered saddle."""

    value: float
    survivor: int
    absorbed: int
    saddle: int


@dataclass(frozen=True)
class Landscape(Answer):
    """Minima in ascending value and saddles in ascending value, with the merge tree of the wells.

    Attributes
    ----------
    minima
        in ascending order of V
    saddles
        of index one, in ascending order of V
    frame
        the box of the domain and its periods
    paths
        for every saddle the minimum energy path over it, None where none could be followed; empty where none were asked
        for
    surface
        V on a grid, for the picture; None in space
    units
        of the problem, for tables and pictures

    Examples
    --------
    >>> well = dict(hessian=((2.0,),), hessian_eigenvalues=(2.0,), kind="minimum")
    >>> minima = (CriticalPoint((-1.0,), 0.0, **well), CriticalPoint((1.0,), 0.1, **well))
    >>> top = Saddle((0.0,), 0.25, ((-1.0,),), (-1.0,), "saddle", joins=(0, 1), unstable_direction=(1.0,))
    >>> landscape = Landscape(minima, (top,), Frame((-2.0,), (2.0,), (None,)))
    >>> landscape.barriers, landscape.communication_height(0, 1)
    ((inf, 0.15), 0.25)
    """

    minima: tuple[CriticalPoint, ...]
    saddles: tuple[Saddle, ...]
    frame: Frame
    paths: tuple[PathOverSaddle | None, ...] = ()
    surface: Surface | None = None
    units: Units = NONE

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.frame.lower)

    @cached_property
    def merges(self) -> tuple[Merge, ...]:
        """The merge tree, from the lowest saddle up; wells that no saddle connects never merge."""
        deepest = list(range(len(self.minima)))
        found = []
        for number, saddle in enumerate(self.saddles):
            first, second = sorted(_root(deepest, well) for well in saddle.joins)
            if first != second:
                deepest[second] = first
                found.append(Merge(saddle.value, first, second, number))
        return tuple(found)

    @cached_property
    def barriers(self) -> tuple[float, ...]:
        """For each minimum the climb to reach a deeper one; infinite for the deepest (of each connected part)."""
        heights = [inf] * len(self.minima)
        for merge in self.merges:
            heights[merge.absorbed] = merge.value - self.minima[merge.absorbed].value
        return tuple(heights)

    def communication_height(self, first: int, second: int) -> float:
        """The least height that a path between two minima reaches; infinite where no path of saddles joins them."""
        if first == second:
            return self.minima[first].value
        deepest = list(range(len(self.minima)))
        for merge in self.merges:
            deepest[merge.absorbed] = merge.survivor
            if _root(deepest, first) == _root(deepest, second):
                return merge.value
        return inf

    def saddles_between(self, first: int, second: int) -> tuple[Saddle, ...]:
        """All saddles that join two wells directly, the lowest first."""
        return tuple(saddle for saddle in self.saddles if set(saddle.joins) == {first, second})

    def nearest_minimum(self, position: Iterable[float]) -> int:
        """Index of the minimum nearest to a point."""
        x = np.array(list(position), dtype=float)
        delta = self.frame.difference(np.array([m.position for m in self.minima]).T, x[:, None])
        return int(np.argmin(np.sum(delta**2, axis=0)))

    def scaled(self, factor: float) -> Landscape:
        """The landscape of the function times ``factor`` > 0: of Phi = V/eps with ``factor = 1/eps``."""
        return replace(
            self,
            minima=tuple(minimum.scaled(factor) for minimum in self.minima),
            saddles=tuple(saddle.scaled(factor) for saddle in self.saddles),  # type: ignore[misc]
            paths=tuple(None if path is None else path.scaled(factor) for path in self.paths),
            surface=None,
        )

    def __repr__(self) -> str:
        return f"<Landscape: {len(self.minima)} minima, {len(self.saddles)} saddles, dimension {self.dimension}>"


TIE = 1e-6
"""Units of epsilon within which two saddles are equally high: positions of critical points leave 1e-9."""


SHALLOWEST = 1.0
"""Units of epsilon that a well must be deep to be a state: out of shallower ones the process goes as it comes."""


def states_of(
    values: Sequence[float],
    joins: Sequence[tuple[int, int]],
    heights: Sequence[float],
    least: float,
    ties: Literal["as they are", "forwards", "backwards"] = "as they are",
) -> tuple[int, ...]:
    """For each minimum the one that stands for its state: shallow minima belong to a deeper neighbour's.

    Parameters
    ----------
    values
        of the minima.
    joins
        two minima that each saddle joins.
    heights
        of these saddles.
    least
        climb to a deeper minimum below which a minimum is no state of its own.
    ties
        saddles as high as each other to rounding, which decide where such a minimum belongs, in the order of their
        heights, or of their numbers either way.

    Examples
    --------
    >>> states_of([0.0, 0.1, 0.3], [(0, 1), (1, 2)], [5.0, 1.0], 1.0)
    (0, 1, 1)
    >>> states_of([0.0, 0.0, 3.0], [(0, 1), (1, 2)], [2.0, 3.5], 1.0)
    (0, 1, 1)
    """
    deepest, state = list(range(len(values))), list(range(len(values)))
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    if ties != "as they are":
        sorted_heights = np.array([heights[k] for k in order])
        level = dict(zip(order, np.cumsum(np.diff(sorted_heights, prepend=sorted_heights[:1]) > TIE), strict=True))
        sign = 1 if ties == "forwards" else -1
        order.sort(key=lambda k: (level[k], sign * k))
    for number in order:
        sides = sorted((values[root], root, well) for well in joins[number] for root in [_root(deepest, well)])
        (_, first, beside), (_, second, _) = sides
        if first != second:
            deepest[second] = first
            if heights[number] - values[second] < least:
                # its neighbour's, which need not be that of the deepest well behind it
                state[second] = _root(state, beside)
    return tuple(_root(state, well) for well in range(len(values)))


def numbered(states: Sequence[int]) -> tuple[int, ...]:
    """States named by their deepest minima numbered 0, 1, ... in that order."""
    order = sorted(set(states))
    return tuple(order.index(state) for state in states)


def assemble_landscape(minima: list[CriticalPoint], saddles: list[Saddle], frame: Frame) -> Landscape:
    """Sort both lists by value and renumber the joins accordingly."""
    order = _ascending(minima)
    number = {old: new for new, old in enumerate(order)}
    renumbered = []
    for saddle in saddles:
        first, second = number[saddle.joins[0]], number[saddle.joins[1]]
        direction = saddle.unstable_direction
        if first > second:
            first, second, direction = second, first, tuple(-entry for entry in direction)
        renumbered.append(replace(saddle, joins=(first, second), unstable_direction=direction))
    return Landscape(tuple(minima[k] for k in order), tuple(renumbered[k] for k in _ascending(renumbered)), frame)


def _ascending(points: Sequence[CriticalPoint]) -> list[int]:
    """Order by value; values equal to rounding are ordered by position, so that the order is reproducible."""
    order = sorted(range(len(points)), key=lambda k: points[k].value)
    scale = max((abs(point.value) for point in points), default=0.0)
    rank = [0] * len(points)
    for before, after in zip(order, order[1:], strict=False):
        rank[after] = rank[before] + (points[after].value - points[before].value > 1e-11 * scale)
    return sorted(order, key=lambda k: (rank[k], points[k].position))


def _root(parent: list[int], item: int) -> int:
    while parent[item] != item:
        item = parent[item]
    return item
