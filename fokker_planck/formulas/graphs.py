"""Graphs and neighbours of few points without scipy, whose import takes longer than the work; of many, with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fokker_planck.formulas.arrays import Floats, Integers, distinct

MOST_PAIRS = 300_000
"""Of points whose distances are all computed: 10 ms and 10 MB, where scipy takes 200 ms to be imported."""


def components(first: npt.ArrayLike, second: npt.ArrayLike, count: int) -> Integers:
    """A number for each of ``count`` vertices, common to those that edges join, in the order of their first vertices.

    The least number of a neighbour is taken, and then that of the vertex of this number, until nothing changes: some
    ten passes for paths of a thousand edges.

    >>> components([0, 3], [2, 4], 5).tolist()
    [0, 1, 0, 2, 2]
    """
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    label = np.arange(count)
    while len(a):
        least = np.minimum(label[a], label[b])
        before = label.copy()
        np.minimum.at(label, label[a], least)
        np.minimum.at(label, label[b], least)
        label = label[label]
        if np.array_equal(label, before):
            break
    while not np.array_equal(label, label[label]):
        label = label[label]
    return np.unique(label, return_inverse=True)[1].reshape(count)


def nearest(points: Floats, wanted: Floats, neighbours: int, reach: float = np.inf) -> tuple[Floats, Integers]:
    """The nearest ``points`` (n, dim) of each that is ``wanted`` (m, dim), within reach: distances and numbers (m, k).

    Where there are fewer, the distance is infinite and the number n.

    >>> distance, near = nearest(np.array([[0.0], [1.0], [5.0]]), np.array([[0.9]]), 2)
    >>> distance.round(12).tolist(), near.tolist()
    ([[0.1, 0.9]], [[1, 0]])
    """
    count = len(points)
    if count * len(wanted) > MOST_PAIRS:
        from scipy.spatial import cKDTree

        distance, near = cKDTree(points).query(wanted, k=neighbours, distance_upper_bound=reach)
        return distance.reshape(len(wanted), -1), near.reshape(len(wanted), -1)
    every = np.sqrt(np.sum((wanted[:, None] - points[None]) ** 2, axis=2))
    some = min(neighbours, count)
    every_one = np.tile(np.arange(count), (len(wanted), 1))
    near = np.argpartition(every, some - 1, axis=1)[:, :some] if some < count else every_one
    distance = np.take_along_axis(every, near, axis=1)
    order = np.argsort(distance, axis=1, kind="stable")
    near, distance = np.take_along_axis(near, order, axis=1), np.take_along_axis(distance, order, axis=1)
    beyond = ~(distance < reach)
    return np.where(beyond, np.inf, distance), np.where(beyond, count, near)


def pairs_within(points: Floats, reach: float, periods: Sequence[float | None]) -> Integers:
    """Pairs (m, 2) of points (n, dim) that are no farther apart than ``reach``; periodic axes begin at zero.

    >>> pairs_within(np.array([[0.0], [0.95], [0.5]]), 0.1, [1.0]).tolist()
    [[0, 1]]
    """
    if len(points) ** 2 > MOST_PAIRS:
        from scipy.spatial import cKDTree

        box = [0.0 if period is None else period for period in periods]
        tree = cKDTree(points, boxsize=box if any(periods) else None)
        return np.asarray(tree.query_pairs(reach, output_type="ndarray"), dtype=np.int64)
    first, second = np.triu_indices(len(points), 1)
    apart = np.abs(points[first] - points[second])
    for axis, period in enumerate(periods):
        if period is not None:
            apart[:, axis] = np.minimum(apart[:, axis], period - apart[:, axis])
    near = np.sqrt(np.sum(apart**2, axis=1)) <= reach
    return np.stack([first[near], second[near]], axis=1)


def spanning_tree(heads: Integers, tails: Integers, heights: Floats, count: int) -> Integers:
    """Numbers of the edges of a tree (or forest) with the least heights on ``count`` vertices, lowest edges first.

    Boruvka (1926): every tree of the forest takes its lowest edge to another, until there is none. Of equal heights the
    first edge is the lower one.

    >>> spanning_tree(np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([3.0, 1.0, 2.0]), 3).tolist()
    [1, 2]
    """
    order = np.argsort(heights, kind="stable")
    ends = np.stack([heads, tails])[:, order]
    label, ranks, kept = np.arange(count), np.arange(len(order)), np.zeros(len(order), dtype=bool)
    while True:
        trees = label[ends[:, ranks]]
        between = trees[0] != trees[1]
        ranks, trees = ranks[between], trees[:, between]
        if not len(ranks):
            return np.asarray(order[kept])
        lowest = np.full(count, len(order))
        for side in trees:
            np.minimum.at(lowest, side, ranks)
        taken = distinct(lowest[lowest < len(order)])
        kept[taken] = True
        first, second = label[ends[:, taken]]
        label = components(first, second, count)[label]


def parents_in_tree(heads: Integers, tails: Integers, count: int, root: int) -> tuple[Integers, Integers]:
    """The vertices of a tree that are reached from its root, and the vertex before each, (count,), of the root itself.

    >>> parents_in_tree(np.array([0, 1]), np.array([1, 2]), 4, 2)[1].tolist()[:3]
    [1, 2, 2]
    """
    ends, others = np.concatenate([heads, tails]), np.concatenate([tails, heads])
    order = np.argsort(ends, kind="stable")
    others, starts = others[order], np.searchsorted(ends[order], np.arange(count + 1))
    parent = np.full(count, -1)
    parent[root] = root
    layers = [np.array([root])]
    while len(layers[-1]):  # as far from the root as each other
        layer = layers[-1]
        sizes = starts[layer + 1] - starts[layer]
        first = np.repeat(starts[layer] - np.cumsum(sizes) + sizes, sizes)
        near, before = others[first + np.arange(len(first))], np.repeat(layer, sizes)
        new = parent[near] < 0
        parent[near[new]] = before[new]
        layers.append(near[new])
    return np.concatenate(layers), parent
