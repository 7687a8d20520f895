"""A function on a grid as triangles: squares inside of the domain halved, those across its outline cut along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.landscape.surface import Surface, leaves, leaving_edges

if TYPE_CHECKING:
    from matplotlib.tri import Triangulation


def triangulated(surface: Surface) -> tuple[Triangulation, Floats]:
    """The part of the plane where the function is known, and its values at the points of the triangulation."""
    from matplotlib.tri import Triangulation

    points, values = _points(surface)
    held, numbers = np.unique(_triangles(surface), return_inverse=True)
    return Triangulation(*points[:, held], numbers.reshape(-1, 3)), values[held]


def _points(surface: Surface) -> tuple[Floats, Floats]:
    """Those of the grid, then those of its rim: coordinates (2, n) and values (n,)."""
    grid = np.stack([part.ravel() for part in np.meshgrid(*map(np.array, surface.axes), indexing="ij")])
    first, second = leaving_edges(surface)
    part, value = np.array(surface.rim).reshape(-1, 2).T
    return np.concatenate([grid, first + part * (second - first)], axis=1), np.append(surface.grid.ravel(), value)


def _triangles(surface: Surface) -> Integers:
    """In every square a fan of its corners inside and the points at which its edges leave: (triangles, 3)."""
    around = _around_squares(surface)
    fans = []
    for pattern in np.unique(around >= 0, axis=0):
        polygons = around[((around >= 0) == pattern).all(axis=1)][:, pattern]
        fans += [polygons[:, [0, k, k + 1]] for k in range(1, polygons.shape[1] - 1)]
    return np.concatenate(fans)


def _around_squares(surface: Surface) -> Integers:
    """The corners and edges of every square in turn, (squares, 8): numbers of points, -1 where there is none."""
    inside = np.isfinite(surface.grid)
    corners = np.where(inside, np.arange(inside.size).reshape(inside.shape), -1)
    along_first, along_second = leaves(surface)
    first, second = np.full(along_first.shape, -1), np.full(along_second.shape, -1)
    first[along_first] = inside.size + np.arange(along_first.sum())
    second[along_second] = inside.size + along_first.sum() + np.arange(along_second.sum())
    turn = [corners[:-1, :-1], first[:, :-1], corners[1:, :-1], second[1:]]
    turn += [corners[1:, 1:], first[:, 1:], corners[:-1, 1:], second[:-1]]
    return np.stack([part.ravel() for part in turn], axis=1)
