"""In which cell of a mesh of simplices does a point lie?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fokker_planck.formulas.arrays import Floats, Integers

#: Barycentric coordinates as negative as this still count as inside: points on facets belong to a cell.
SLACK = 1e-10
_MOST_BINS = 2_000_000
"""Of the grid over the cells, 16 MB of offsets: with two bins a cell and axis that is half a million cells."""
#: Pairs of a point and a cell that are tested at once, some 100 MB; more are tested cell by cell of each bin.
_MOST_PAIRS = 500_000


class Locator:
    """The cells of a mesh sorted into a grid of bins, so that a point is tested against few of them.

    Parameters
    ----------
    points
        (n, dim)
    cells
        (m, dim + 1), of straight simplices

    Examples
    --------
    >>> locator = Locator(np.array([[0.0], [1.0], [3.0]]), np.array([[0, 1], [1, 2]]))
    >>> locator.find(np.array([[0.5, 2.0, 3.5]])).tolist()
    [0, 1, -1]
    """

    def __init__(self, points: Floats, cells: Integers) -> None:
        self.points = np.asarray(points, dtype=float)
        self.cells = np.asarray(cells, dtype=np.int64)
        corners = self.points[self.cells]
        self._origin = corners[:, 0]
        self._inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
        dimension = self.points.shape[1]
        self._lower = self.points.min(axis=0)
        extent = self.points.max(axis=0) - self._lower
        bins = int(np.clip(2.0 * len(self.cells) ** (1.0 / dimension), 1, _MOST_BINS ** (1.0 / dimension)))
        self._shape = np.full(dimension, bins)
        self._width = np.where(extent > 0.0, extent, 1.0) / bins
        margin = SLACK * np.max(extent)
        first = self._bin(corners.min(axis=1) - margin)
        last = self._bin(corners.max(axis=1) + margin)
        owner, bin_numbers = self._covered(first, last)
        order = np.argsort(bin_numbers, kind="stable")
        self._candidates = owner[order]
        self._starts = np.searchsorted(bin_numbers[order], np.arange(bins**dimension + 1))

    def find(self, x: Floats) -> Integers:
        """Number of a cell that holds each of the points x, shape (dim, n); -1 outside of the mesh."""
        x = np.asarray(x, dtype=float).T
        found = np.full(len(x), -1, dtype=np.int64)
        upper = self._lower + self._width * self._shape
        margin = SLACK * np.max(upper - self._lower)
        near = np.flatnonzero(np.all((x >= self._lower - margin) & (x <= upper + margin), axis=1))
        number = self._flat(self._bin(x[near]))
        start, stop = self._starts[number], self._starts[number + 1]
        if int((stop - start).sum()) <= _MOST_PAIRS:
            count = stop - start
            row = np.repeat(np.arange(len(near)), count)
            cell = self._candidates[np.arange(len(row)) + np.repeat(start - np.cumsum(count) + count, count)]
            inside = self._holds(cell, x[near[row]])
            found[near[row[inside]][::-1]] = cell[inside][::-1]  # the first of several is assigned last
            return found
        for turn in range(int((stop - start).max(initial=0))):
            todo = np.flatnonzero((start + turn < stop) & (found[near] < 0))
            cell = self._candidates[start[todo] + turn]
            inside = self._holds(cell, x[near[todo]])
            found[near[todo[inside]]] = cell[inside]
        return found

    def _holds(self, cell: Integers, x: Floats) -> NDArray[np.bool_]:
        """Whether each of the cells (n,) holds its point (n, dim)."""
        rest = np.einsum("nij,nj->ni", self._inverse[cell], x - self._origin[cell])
        return np.asarray(np.all(rest >= -SLACK, axis=1) & (rest.sum(axis=1) <= 1.0 + SLACK))

    def barycentric(self, x: Floats, cell: Integers) -> Floats:
        """Barycentric coordinates, shape (n, dim + 1), of the points x, shape (dim, n), in the given cells."""
        rest = np.einsum("nij,nj->ni", self._inverse[cell], np.asarray(x, dtype=float).T - self._origin[cell])
        return np.concatenate([1.0 - rest.sum(axis=1, keepdims=True), rest], axis=1)

    def _bin(self, x: Floats) -> Integers:
        return np.asarray(np.clip(np.floor((x - self._lower) / self._width), 0, self._shape - 1), dtype=np.int64)

    def _flat(self, index: Integers) -> Integers:
        number = np.zeros(len(index), dtype=np.int64)
        for axis, count in enumerate(self._shape):
            number = number * count + index[:, axis]
        return number

    def _covered(self, first: Integers, last: Integers) -> tuple[Integers, Integers]:
        """Every (cell, bin) with the bin between ``first`` and ``last`` of the cell on every axis."""
        spans = last - first + 1
        counts = np.prod(spans, axis=1)
        owner = np.repeat(np.arange(len(first)), counts)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.empty((len(owner), first.shape[1]), dtype=np.int64)
        for axis in reversed(range(first.shape[1])):
            place, index[:, axis] = np.divmod(place, spans[owner, axis])
        return owner, self._flat(index + first[owner])
