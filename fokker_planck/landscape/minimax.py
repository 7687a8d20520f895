"""How high a path on a graph must climb at the least: bottleneck heights through a minimum spanning tree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fokker_planck.formulas.arrays import Floats


def climb_heights(values: Floats, edges: NDArray[np.int64], sources: NDArray[np.bool_]) -> Floats:
    """min over paths to a source of the highest value on the path, for every vertex (n,); infinite where there is none.

    Args:
        values: the function at the vertices, (n,).
        edges: pairs of neighbours, (m, 2).
        sources: the vertices to reach, (n,).

    >>> hill = np.array([0.0, 3.0, 1.0, 2.0])
    >>> climb_heights(hill, np.array([[0, 1], [1, 2], [2, 3]]), np.array([False, False, False, True])).tolist()
    [3.0, 3.0, 2.0, 2.0]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    count = len(values)
    hub = np.flatnonzero(sources)
    heads = np.concatenate([edges[:, 0], np.full(len(hub), count)])
    tails = np.concatenate([edges[:, 1], hub])
    heights = np.concatenate([np.maximum(values[edges[:, 0]], values[edges[:, 1]]), values[hub]])
    levels, rank = np.unique(heights, return_inverse=True)
    graph = coo_matrix((rank.reshape(-1) + 1.0, (heads, tails)), shape=(count + 1, count + 1)).tocsr()
    tree = minimum_spanning_tree(graph)
    order, parent = breadth_first_order(tree, count, directed=False)
    forest = tree.tocoo()
    highest = np.full(count + 1, np.inf)
    child = np.where(parent[forest.row] == forest.col, forest.row, forest.col)
    highest[child] = forest.data
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
    result[found] = levels[highest[:count][found].astype(int) - 1]
    return result
