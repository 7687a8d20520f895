"""How high a path on a graph must climb at the least: bottleneck heights through a minimum spanning tree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.graphs import MOST_EDGES, parents_in_tree, spanning_tree


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


def spanning_edges(values: Floats, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the ``edges`` (m, 2) that :func:`climb_heights` needs, whatever the sources: a minimum spanning tree.

    >>> hill = np.array([0.0, 3.0, 1.0])
    >>> len(spanning_edges(hill, np.array([[0, 1], [1, 2], [0, 2]])))   # of a path as high as the hill one is enough
    2
    """
    _, rank = _ranks(values)
    heights = np.maximum(rank[edges[:, 0]], rank[edges[:, 1]])
    one, other, _ = _spanning_tree(edges[:, 0], edges[:, 1], heights, len(values))
    return np.stack([one, other], axis=1).astype(np.int64)


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
    if len(heads) <= MOST_EDGES:
        kept = spanning_tree(heads, tails, heights, count)
        return heads[kept], tails[kept], heights[kept]
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    # zero is no edge there, so the ranks stand in it plus one
    tree = minimum_spanning_tree(coo_matrix((heights + 1.0, (heads, tails)), shape=(count, count)).tocsr()).tocoo()
    return tree.row.astype(np.int64), tree.col.astype(np.int64), tree.data - 1.0


def _rooted(
    heads: NDArray[np.int64], tails: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The vertices of a tree that are reached from the last one, and the vertex before each."""
    if len(heads) <= MOST_EDGES:
        return parents_in_tree(heads, tails, count, count - 1)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order

    tree = coo_matrix((np.ones(len(heads)), (heads, tails)), shape=(count, count)).tocsr()
    order, parent = breadth_first_order(tree, count - 1, directed=False)
    return order.astype(np.int64), parent.astype(np.int64)
