"""How high a path on a graph must climb at the least: bottleneck heights through a minimum spanning tree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.graphs import parents_in_tree, spanning_tree


def climb_heights(values: Floats, edges: NDArray[np.int64], sources: NDArray[np.bool_]) -> Floats:
    """min over paths to a source of the highest value on the path, for every vertex (n,); infinite where there is none.

    Parameters
    ----------
    values
        the function at the vertices, (n,).
    edges
        pairs of neighbours, (m, 2).
    sources
        the vertices to reach, (n,).

    Examples
    --------
    >>> hill = np.array([0.0, 3.0, 1.0, 2.0])
    >>> climb_heights(hill, np.array([[0, 1], [1, 2], [2, 3]]), np.array([False, False, False, True])).tolist()
    [3.0, 3.0, 2.0, 2.0]
    """
    count = len(values)
    hub = np.flatnonzero(sources)
    heads = np.concatenate([edges[:, 0], np.full(len(hub), count)])
    tails = np.concatenate([edges[:, 1], hub])
    levels, rank = _ranks(values)
    heights = np.concatenate([np.maximum(rank[edges[:, 0]], rank[edges[:, 1]]), rank[hub]])
    one, other, height = _spanning_tree(heads, tails, heights, count + 1)
    order, parent = _rooted(one, other, count + 1)
    highest = np.full(count + 1, np.inf)
    highest[np.where(parent[one] == other, one, other)] = height
    highest[count], parent[count] = 0.0, count
    reached = np.zeros(count + 1, dtype=bool)
    reached[order] = True
    highest[~reached], parent[~reached] = np.inf, count
    # along the path to the root in steps that double: a path of a thousand edges takes ten
    while (parent != count).any():
        highest = np.maximum(highest, highest[parent])
        parent = parent[parent]
    found = np.isfinite(highest[:count])
    result = np.full(count, np.inf)
    result[found] = levels[highest[:count][found].astype(int)]
    return result


def passes_between(
    values: Floats, edges: NDArray[np.int64], places: Sequence[int], sets: Sequence[NDArray[np.bool_]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A small graph on which :func:`climb_heights` is the same: minima, and the lowest pass of each pair of basins.

    From every vertex a path leads down to a minimum, so that a way climbs no higher through the minima of the vertices
    that it visits.

    Parameters
    ----------
    values, edges
        as there.
    places
        vertices that stay.
    sets
        of vertices (n,) each, of which the lowest in every basin stay: as sources, all of them mean the same.

    Returns
    -------
    kept, edges
        the vertices that stay, (k,), in order, and pairs of their numbers, (m, 2).

    Examples
    --------
    >>> hill = np.array([0.0, 1.0, 3.0, 2.0, 1.0])
    >>> kept, edges = passes_between(hill, np.array([[0, 1], [1, 2], [2, 3], [3, 4]]), [3], [])
    >>> kept.tolist(), edges.tolist()
    ([0, 2, 3, 4], [[0, 1], [1, 3], [2, 3]])
    """
    # stable, so that a plateau is a single basin
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    lowest = rank.copy()
    for here, there in (edges.T, edges.T[::-1]):
        np.minimum.at(lowest, here, rank[there])
    basin = order[lowest]
    while (basin[basin] != basin).any():
        basin = basin[basin]
    sides = np.sort(basin[edges], axis=1)
    across = np.flatnonzero(sides[:, 0] != sides[:, 1])
    heights = rank[edges[across]].max(axis=1)
    by_height = across[np.argsort(heights)]
    pairs, first = np.unique(sides[by_height], axis=0, return_index=True)
    tops = order[rank[edges[by_height[first]]].max(axis=1)] if len(pairs) else np.zeros(0, dtype=np.int64)
    stay = [np.asarray(places, dtype=np.int64)]
    for members in sets:
        inside = order[members[order]]
        stay.append(inside[np.unique(basin[inside], return_index=True)[1]])
    downhill = np.concatenate(stay)
    links = [np.stack([pairs[:, k], tops], axis=1) for k in (0, 1)]
    joined = np.concatenate([*links, np.stack([downhill, basin[downhill]], axis=1)])
    joined = np.unique(np.sort(joined[joined[:, 0] != joined[:, 1]], axis=1), axis=0)
    kept = np.unique(np.concatenate([basin, tops, downhill]))
    return kept, np.searchsorted(kept, joined)


def _ranks(values: Floats) -> tuple[Floats, Floats]:
    """The values in ascending order, and where each of them stands."""
    order = np.argsort(values)
    rank = np.empty(len(values))
    rank[order] = np.arange(len(values))
    return values[order], rank


def _spanning_tree(
    heads: NDArray[np.int64], tails: NDArray[np.int64], heights: Floats, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Both ends and the height of the edges of a minimum spanning tree of a graph with so many vertices."""
    kept = spanning_tree(heads, tails, heights, count)
    return heads[kept], tails[kept], heights[kept]


def _rooted(
    heads: NDArray[np.int64], tails: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The vertices of a tree that are reached from the last one, and the vertex before each."""
    return parents_in_tree(heads, tails, count, count - 1)
