"""First meshes of boxes and balls, before any refinement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.triangulation import (
    STRAIGHT,
    Facets,
    Triangulation,
    boundary_facets,
    oriented,
    row_numbers,
)
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.curved_facets import CurvedFacets
from fokker_planck.mesh.kuhn import grid_points, kuhn_cells

ROUNDING = 8.0 * np.finfo(float).eps
"""Of a place, 0.7 - 0.05 and 0.65 say: a cell between two that differ by no more has no inverse."""


def axis_points(lower: float, upper: float, cells: int, breaks: Sequence[float] = ()) -> Floats:
    """Points of one axis: about ``cells`` equal intervals that meet at the given ``breaks``.

    >>> axis_points(0.0, 1.0, 4, [0.3]).round(3).tolist()
    [0.0, 0.3, 0.533, 0.767, 1.0]
    >>> axis_points(0.0, 1.0, 2, [0.65, 0.7 - 0.05]).round(3).tolist()
    [0.0, 0.65, 1.0]
    """
    knots = [lower]
    for place in (*sorted(float(b) for b in breaks if lower < b < upper), upper):
        if place - knots[-1] > ROUNDING * abs(place):
            knots.append(place)
    knots[-1] = upper
    pieces = []
    for left, right in zip(knots[:-1], knots[1:], strict=True):
        count = max(1, round(cells * (right - left) / (upper - lower)))
        pieces.append(np.linspace(left, right, count + 1)[:-1])
    return np.concatenate([*pieces, [upper]])


SAME_POINT = 1e-9
"""Of an axis: points that stand closer to each other are one, and an end of a set a billionth of the axis off."""


def symmetric_axis(axis: Floats) -> Floats:
    """The points of an axis from -c to c and their opposites, zero among them.

    >>> symmetric_axis(np.array([-1.0, 0.5, 1.0])).tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    half = np.unique(np.abs(np.append(axis, 0.0)))
    # points that only rounding tells from their opposites are one
    half = half[np.append(np.diff(half) > SAME_POINT * half[-1], True)]
    half[0] = 0.0
    return np.concatenate([-half[:0:-1], half])


def grid_triangulation(axes: Sequence[Floats], periodic: Sequence[bool], *, turned: bool = False) -> Triangulation:
    """Kuhn's triangulation of the grid with the given ``axes``: dim! simplices a box, one diagonal direction.

    Where walls are ``turned``, (x, v) and (x, -v) are images on both walls of the first axis; the second is symmetric.
    """
    shape, points = [len(axis) for axis in axes], grid_points(axes)
    numbers = np.arange(len(points)).reshape(shape)
    wrapped = numbers
    for i, is_periodic in enumerate(periodic):
        if is_periodic:
            wrapped = np.take(wrapped, np.r_[np.arange(shape[i] - 1), 0], axis=i)
    if turned:
        wrapped = wrapped.copy()
        wrapped[[0, -1]] = np.minimum(wrapped[[0, -1]], wrapped[[0, -1], ::-1])
    # numbered without gaps: arrays over the classes are as long as there are classes
    made = _finished(points, kuhn_cells(shape), row_numbers(wrapped.reshape(-1, 1)))
    ends = [(float(axis[0]), float(axis[-1])) if around else None for axis, around in zip(axes, periodic, strict=True)]
    return replace(made, seams=tuple(ends)) if any(periodic) else made


def _finished(points: Floats, cells: Integers, vertex_class: Integers, surfaces: tuple[Any, ...] = ()) -> Triangulation:
    facets = boundary_facets(cells, vertex_class)
    surface = np.full(len(facets), 0 if surfaces else STRAIGHT, dtype=np.int64)
    return Triangulation(
        points,
        oriented(points, cells),
        vertex_class,
        Facets(facets, surface, np.ones(len(facets), dtype=bool)),
        surfaces,
    )


def triangulation_of_arrays(
    points: Floats, cells: Integers, regions: dict[str, Booleans], curved: CurvedFacets | None = None
) -> Triangulation:
    """A mesh read from a file, with those facets of its boundary that are curved."""
    finished = _finished(points, cells, np.arange(len(points)))
    facets, surfaces = finished.facets, () if curved is None else (curved,)
    if curved is not None:
        rows = np.concatenate([np.sort(curved.vertices, axis=1), np.sort(facets.vertices, axis=1)])
        number = row_numbers(rows)
        bent = np.isin(number[len(curved) :], number[: len(curved)])
        facets = replace(facets, surface=np.where(bent, 0, STRAIGHT))
    return Triangulation(finished.points, finished.cells, finished.vertex_class, facets, surfaces, dict(regions))


def ball_triangulation(ball: Any) -> Triangulation:
    """A hexagon (plane) or an icosahedron (space), vertices on the sphere, cells meeting in the centre.

    Facets remember the sphere, so that refinement follows it.
    """
    centre, radius = np.asarray(ball.center, dtype=float), float(ball.radius)
    if len(centre) == 2:
        angles = np.arange(6) * np.pi / 3.0
        directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        shell = np.array([[i, (i + 1) % 6] for i in range(6)])
    else:
        directions, shell = _icosahedron()
    points = np.concatenate([centre[None], centre + radius * directions])
    cells = np.concatenate([np.zeros((len(shell), 1), dtype=np.int64), shell + 1], axis=1)
    return _finished(points, cells, np.arange(len(points)), (ball,))


def _icosahedron() -> tuple[Floats, Integers]:
    golden = (1.0 + np.sqrt(5.0)) / 2.0
    corners = []
    for s, t in product((-1.0, 1.0), repeat=2):
        corners += [(0.0, s, t * golden), (s, t * golden, 0.0), (t * golden, 0.0, s)]
    points = np.asarray(corners)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    near = np.isclose(distance, 2.0)
    faces = [
        (i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[i, k]
    ]
    return points / np.linalg.norm(points[0]), np.asarray(faces, dtype=np.int64)
