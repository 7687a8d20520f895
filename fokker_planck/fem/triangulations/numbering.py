"""Unknowns of Lagrange elements on a mesh that one process holds whole.

Where the vertices of every cell are listed in ascending order, two cells list those of a common edge or face alike, so
that the nodes inside, put in order by their weights there, need not be turned to match.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from fokker_planck.fem.triangulations.triangulation import row_numbers
from fokker_planck.formulas.arrays import Booleans, Floats, Integers

INSIDE = 1e-12
"""Of the weights of a node, above which it is not on the opposite facet: rounding of nodes is 1e-16."""


def unknowns_of_cells(vertices: Integers, weights: Floats) -> tuple[Integers, int]:
    """The unknown at every node of every cell, (m, n), and how many there are.

    Parameters
    ----------
    vertices
        of every cell, ascending, (m, dim + 1).
    weights
        barycentric coordinates of the nodes of the reference cell, (n, dim + 1).

    Examples
    --------
    Two triangles of degree two: four vertices and five edges.

    >>> halves = np.array([[2, 0, 0], [0, 2, 0], [0, 0, 2], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    >>> unknowns, count = unknowns_of_cells(np.array([[0, 1, 2], [1, 2, 3]]), halves)
    >>> count, len(set(unknowns[0]) & set(unknowns[1]))
    (9, 3)
    """
    unknowns = np.empty((len(vertices), len(weights)), dtype=np.int64)
    inside, count = weights > INSIDE, 0
    for size in range(1, vertices.shape[1] + 1):
        parts = list(combinations(range(vertices.shape[1]), size))
        rows = np.concatenate([vertices[:, part] for part in parts])
        numbers = row_numbers(rows).reshape(len(parts), -1)
        nodes = [_nodes_inside(weights, inside, part) for part in parts]
        for number, own in zip(numbers, nodes, strict=True):
            unknowns[:, own] = count + len(own) * number[:, None] + np.arange(len(own))
        count += len(nodes[0]) * (int(numbers.max(initial=-1)) + 1)
    return unknowns, count


def _nodes_inside(weights: Floats, inside: Booleans, part: tuple[int, ...]) -> Integers:
    """Nodes that have weights at these vertices of the cell and no other, in the order of the weights."""
    wanted = np.isin(np.arange(weights.shape[1]), part)
    own = np.flatnonzero((inside == wanted).all(axis=1))
    steps = np.round(weights[own][:, part] / INSIDE)
    return own[np.lexsort(steps.T[::-1])]
