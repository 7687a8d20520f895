"""A function on the vertices of a graph: steepest-descent basins and the passes between them; graphs on boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers, distinct
from fokker_planck.formulas.graphs import components
from fokker_planck.landscape.frame import Frame
from fokker_planck.mesh.kuhn import grid_points, kuhn_edges
from fokker_planck.quantity.light_dataclasses import dataclass

PER_AXIS = {1: 2001, 2: 151, 3: 41}
"""Vertices per axis of the default sample of a box, by dimension."""


def sample_box(
    lower: Sequence[float],
    upper: Sequence[float],
    per_axis: Sequence[int] | int | None = None,
    periods: Sequence[float | None] | None = None,
) -> tuple[Floats, Integers]:
    """Vertices (n, dim) of a regular grid on a box and the edges (m, 2) of its division into Kuhn simplices.

    On a periodic axis the far end is left out and edges go around.

    >>> points, edges = sample_box([0.0, 0.0], [1.0, 1.0], per_axis=3)
    >>> points.shape, edges.shape
    ((9, 2), (16, 2))
    """
    dimension = len(lower)
    counts = [PER_AXIS[dimension]] * dimension if per_axis is None else list(np.broadcast_to(per_axis, dimension))
    periodic = [period is not None for period in (periods or [None] * dimension)]
    axes = [
        np.linspace(low, high, count + around)[:count]
        for low, high, count, around in zip(lower, upper, counts, periodic, strict=True)
    ]
    return grid_points(axes), kuhn_edges([len(axis) for axis in axes], periodic)


@dataclass(frozen=True)
class SampleGraph:
    """Finite values on vertices (n, dim) joined by edges (m, 2)."""

    points: Floats
    edges: Integers
    values: Floats
    frame: Frame

    @cached_property
    def lengths(self) -> Floats:
        """Edge lengths, the shortest way around a periodic axis."""
        first, second = (self.points[self.edges[:, side]] for side in (0, 1))
        separation = first - second
        if any(self.frame.periods):
            separation = self.frame.difference(first.T, second.T).T
        return np.asarray(np.maximum(np.sqrt(np.einsum("mi,mi->m", separation, separation)), 1e-300))

    @cached_property
    def widths(self) -> Floats:
        """The longest edge at every vertex."""
        width = np.zeros(len(self.points))
        if not len(self.edges):
            return width + self.frame.extent
        # To one part in thousands, which is sorted in no time.
        logs = np.log(self.lengths)
        steps = (logs - logs.min()) * (65535.0 / max(float(np.ptp(logs)), 1e-3))
        order = np.argsort(steps.astype(np.uint16), kind="stable")
        # Later assignments win: the longest edge of each vertex.
        width[self.edges[order].ravel()] = np.repeat(self.lengths[order], 2)
        return np.asarray(np.where(width > 0.0, width, self.frame.extent))

    @cached_property
    def plateaus(self) -> Integers:
        """A number for every vertex, common to vertices that a path of equal values (to rounding) joins."""
        first, second = self.values[self.edges].T
        level = np.abs(first - second) <= 4e-16 * np.maximum(np.abs(first), np.abs(second))
        count = len(self.points)
        if not level.any():
            return np.arange(count)
        flat = self.edges[level]
        return components(flat[:, 0], flat[:, 1], count)

    @cached_property
    def basins(self) -> Integers:
        """The plateau in which steepest descent along edges ends, for every vertex."""
        plateaus = self.plateaus
        count = int(plateaus.max()) + 1
        first, second = self.edges.T
        drop = self.values[first] - self.values[second]
        uphill, downhill = np.where(drop > 0, first, second), np.where(drop > 0, second, first)
        steep = plateaus[uphill] != plateaus[downhill]
        slope = np.abs(drop[steep]) / self.lengths[steep]
        order = np.argsort(slope, kind="stable")
        target = np.arange(count)
        # Later assignments win: the steepest edge of each plateau.
        target[plateaus[uphill[steep]][order]] = plateaus[downhill[steep]][order]
        while True:
            further = target[target]
            if np.array_equal(further, target):
                return np.asarray(target[plateaus], dtype=np.int64)
            target = further

    @cached_property
    def bottoms(self) -> Integers:
        """One vertex in each plateau that no edge leads down from: the lowest, in a wide plateau a central one."""
        found = []
        for basin in distinct(self.basins):
            members = np.flatnonzero(self.plateaus == basin)
            offset = self.frame.difference(self.points[members].T, self.points[members[0]][:, None])
            found.append(members[np.argmin(np.linalg.norm(offset - offset.mean(axis=1, keepdims=True), axis=0))])
        return np.array(found, dtype=np.int64)

    def with_deepest(self, most: int) -> SampleGraph:
        """The graph with at most ``most`` minima: shallower basins flow over their lowest saddle into a deeper one.

        Basins are joined in the order of their passes, the shallower of two dying at the pass (persistence).
        """
        bottoms = self.bottoms
        if len(bottoms) <= most:
            return self
        height = dict(zip(self.basins[bottoms].tolist(), self.values[bottoms].tolist(), strict=True))
        parent = {basin: basin for basin in height}

        def root(basin: int) -> int:
            while parent[basin] != basin:
                parent[basin] = parent[parent[basin]]
                basin = parent[basin]
            return basin

        deaths: list[tuple[float, int, int]] = []
        for top, first, second, _vertex in self.passes(self.basins):
            low, high = sorted((root(first), root(second)), key=lambda basin: height[basin])
            if low != high:
                deaths.append((top - height[high], high, low))
                parent[high] = low
        gone = {high: low for _depth, high, low in sorted(deaths)[: len(bottoms) - most]}

        def survivor(basin: int) -> int:
            while basin in gone:
                basin = gone[basin]
            return basin

        kept = {basin: survivor(basin) for basin in height}
        return _Joined(self.points, self.edges, self.values, self.frame, self, kept)

    @cached_property
    def wide(self) -> Booleans:
        """Vertices in plateaus of more than a pair of vertices."""
        return np.asarray(np.bincount(self.plateaus)[self.plateaus] > 2)

    def passes(self, labels: Integers) -> list[tuple[float, int, int, int]]:
        """The lowest edge between each two labels that touch: (height, label, label, higher vertex), ascending."""
        first, second = self.edges.T
        crossing = labels[first] != labels[second]
        first, second = first[crossing], second[crossing]
        height = np.maximum(self.values[first], self.values[second])
        lowest: dict[tuple[int, int], tuple[float, int]] = {}
        for k in np.argsort(height, kind="stable"):
            pair = tuple(sorted((int(labels[first[k]]), int(labels[second[k]]))))
            higher = first[k] if self.values[first[k]] >= self.values[second[k]] else second[k]
            lowest.setdefault((pair[0], pair[1]), (float(height[k]), int(higher)))
        return sorted((top, *pair, vertex) for pair, (top, vertex) in lowest.items())


@dataclass(frozen=True)
class _Joined(SampleGraph):
    """The ``whole`` graph with fewer basins: ``kept`` says for each of its basins which one it flows into."""

    whole: SampleGraph
    kept: Mapping[int, int]

    @cached_property
    def plateaus(self) -> Integers:
        return self.whole.plateaus

    @cached_property
    def basins(self) -> Integers:
        values, places = np.unique(self.whole.basins, return_inverse=True)
        return np.array([self.kept[int(basin)] for basin in values], dtype=np.int64)[places]

    @cached_property
    def bottoms(self) -> Integers:
        bottoms = self.whole.bottoms
        return bottoms[[self.kept[int(basin)] == basin for basin in self.whole.basins[bottoms]]]
