"""Kuhn's triangulation of a grid: dim! simplices a box, all with the same diagonal direction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product

import numpy as np

from fokker_planck.formulas.arrays import Floats, Integers


def grid_points(axes: Sequence[Floats]) -> Floats:
    """The points (n, dim) of a grid, the last axis running fastest."""
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def kuhn_cells(shape: Sequence[int]) -> Integers:
    """Rows of vertices (m, dim + 1) of a grid with so many points on each axis; every path along the edges of a box.

    >>> kuhn_cells([2, 2]).tolist()
    [[0, 2, 3], [0, 1, 3]]
    """
    numbers, dimension = np.arange(int(np.prod(shape))).reshape(shape), len(shape)
    cells = []
    for order in permutations(range(dimension)):
        corner = [0] * dimension
        path = [tuple(corner)]
        for axis in order:
            corner[axis] = 1
            path.append(tuple(corner))
        cells.append(np.stack([_shifted(numbers, step).ravel() for step in path], axis=1))
    return np.concatenate(cells).astype(np.int64)


def _shifted(numbers: Integers, corner: Sequence[int]) -> Integers:
    return numbers[tuple(slice(c, n - 1 + c) for c, n in zip(corner, numbers.shape, strict=True))]


def kuhn_edges(shape: Sequence[int], periodic: Sequence[bool]) -> Integers:
    """The edges (m, 2) of these simplices, also around ``periodic`` axes, whose far end the grid does not repeat.

    >>> kuhn_edges([2, 2], [False, False]).tolist()
    [[0, 1], [2, 3], [0, 2], [1, 3], [0, 3]]
    """
    numbers, dimension = np.arange(int(np.prod(shape))).reshape(shape), len(shape)
    edges = []
    for step in product((0, 1), repeat=dimension):
        if not any(step):
            continue
        start = stop = numbers
        for axis, move in enumerate(step):
            if move and not periodic[axis]:
                keep = [slice(None)] * dimension
                keep[axis] = slice(0, -1)
                start = start[tuple(keep)]
                keep[axis] = slice(1, None)
                stop = stop[tuple(keep)]
            elif move:
                stop = np.roll(stop, -1, axis=axis)
        edges.append(np.stack([start.ravel(), stop.ravel()], axis=1))
    return np.concatenate(edges).astype(np.int64)
