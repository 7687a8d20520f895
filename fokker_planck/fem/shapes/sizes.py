"""How long edges of a mesh of space should be: on a surface as its curvature asks, elsewhere as in the coarse mesh.

A curved cell of high order follows a sphere of radius R with edges of half of it.  What a question wants finer it
bisects later; every cell here is one too many for a question of few digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.shapes.cutting import edge_sizes
from fokker_planck.fem.shapes.patches import Fitted
from fokker_planck.fem.shapes.pieces import is_flat
from fokker_planck.fem.shapes.wedges import turn_beside, walls_of
from fokker_planck.fem.triangulations.triangulation import Triangulation, local_edges
from fokker_planck.formulas.arrays import Booleans, Floats

#: Angle (radians) by which the normal turns along one edge. Cells follow with the cube of one over it: 0.5 leaves 1,900
#: cells for a ball in a ball, and all of the determinant that is asked for; with 0.7 and half of the cells every
#: fourth cell beside the ball has to be mended, which brings them back.
TURN_OF_EDGE = 0.5
#: Shorter edges, of the longest, do not tell how the normal turns: cuts leave some.
SHORTEST = 1e-4
#: By how much edges are shortened at a cell that is not good.
SMALLER = 0.7


def sizes_in_space(base: Triangulation, fitted: Fitted, pieces: Sequence[Any]) -> Floats:
    """Wanted length of edges at the vertices of a mesh that surfaces have cut out of ``base``, (n,)."""
    from scipy.spatial import cKDTree

    points = fitted.triangulation.points
    size = edge_sizes(base)[cKDTree(base.points).query(points)[1]]
    others = [*pieces, *walls_of(fitted.triangulation)]
    for number, piece in enumerate(pieces):
        facets = fitted.facets[fitted.piece == number]
        if is_flat(piece) or not len(facets):
            continue
        edges = np.concatenate([facets[:, list(pair)] for pair in local_edges(3)])
        length = np.linalg.norm(points[edges[:, 1]] - points[edges[:, 0]], axis=1)
        normal = _normal(piece, points)
        chord = np.linalg.norm(normal[edges[:, 1]] - normal[edges[:, 0]], axis=1)
        angle = 2.0 * np.arcsin(np.minimum(0.5 * chord, 1.0))
        tells = length > SHORTEST * length.max()
        radius = np.full(len(points), np.inf)
        for end in edges[tells].T:
            np.minimum.at(radius, end, length[tells] / np.maximum(angle[tells], 1e-300))
        bent = np.flatnonzero(np.isfinite(radius))
        turn = np.full(len(bent), TURN_OF_EDGE)
        for other in others:
            if other is not piece:
                turn = np.minimum(turn, turn_beside(other, points[bent], normal[bent], radius[bent]))
        size[bent] = np.minimum(size[bent], turn * radius[bent])
    return np.asarray(size)


def _normal(piece: Any, points: Floats) -> Floats:
    normal = piece.gradient(points.T).T
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)[:, None])


def smaller_at(mesh: Triangulation, wrong: Booleans) -> Floats:
    """Wanted length of edges at the vertices, (n,): as it is, but shorter at the cells that are ``wrong`` (m,).

    At each of their vertices it is at most the shortest edge there: what a surface cuts off a corner of the domain has
    short edges that cannot grow, and cells around them are flat unless they are short as well.
    """
    size = edge_sizes(mesh)
    size[np.unique(mesh.cells[wrong])] *= SMALLER
    for a, b in local_edges(4):
        length = np.linalg.norm(mesh.points[mesh.cells[wrong, a]] - mesh.points[mesh.cells[wrong, b]], axis=1)
        for end in (a, b):
            np.minimum.at(size, mesh.cells[wrong, end], length)
    return size
