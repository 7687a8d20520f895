"""Cells that shrink towards a point where a surface that no noise crosses turns from one that is entered into one left.

There functions are homogeneous under (s, z) -> (r^3 s, r z), see :mod:`~.turning_points`.  The star of cells around
the vertex at such a point is divided by its own image under r = 1/2, and the star that comes of it again: a few cells
more each time, and none elsewhere.  What is left of a number by the last star, r wide, is like r^3: its volume is like
r^4, and what D d_z d_z makes of two functions like sqrt(r) there like 1/r.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fokker_planck.fem.triangulations.refinement import split_edges
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.fem.triangulations.turning_points import Turn, turns_of
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.simplices import volumes
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets.shapes import Set

DIGITS = 3.0
"""Stars, of which there is one for every so many powers of two of the tolerance: r^3 = 2^-3 is lost with each."""
AT_VERTEX = 1e-9
"""Of the extent: the mesh has a vertex at the point to rounding, or none."""


def graded_at_turns(mesh: Triangulation, problem: Problem, regions: Mapping[str, Set]) -> Triangulation:
    """The mesh in the plane with stars of cells at every point where a plane of a region turns."""
    if mesh.dimension != 2:
        return mesh
    count = int(np.ceil(-np.log2(problem.resolution.tolerance) / DIGITS))
    for turn in turns_of(problem, regions):
        apart = np.abs(mesh.points - turn.place).max(axis=1)
        vertex = int(np.argmin(apart))
        if apart[vertex] > AT_VERTEX * float(np.ptp(mesh.points, axis=0).max()):
            continue
        for number in range(count):
            finer = _divided(mesh, vertex, turn, number == 0)
            if finer is None:
                break
            mesh = finer
    return mesh


def _divided(mesh: Triangulation, vertex: int, turn: Turn, first: bool) -> Triangulation | None:
    """The star of a ``vertex`` divided by its image, first in the ratio of ``turn``; None where its shape forbids."""
    star = mesh.cells[(mesh.cells == vertex).any(axis=1)]
    others = np.setdiff1d(np.unique(star), [vertex])
    away = mesh.points[others] - mesh.points[vertex]
    scale = _first_scale(away, turn) if first else turn.scaled(0.5)
    if not _oriented_alike(mesh, star, others, away * scale):
        return None
    edges = np.stack([np.full(len(others), vertex), others], axis=1)
    return split_edges(mesh, edges, mesh.points[vertex] + away * scale)


def _first_scale(away: Floats, turn: Turn) -> Floats:
    """Of the largest image of a star that is as long, along the axis, as it is wide, (2,)."""
    extent = np.abs(away).max(axis=0)
    along, across = extent[turn.axis], extent[1 - turn.axis]
    radius = 0.5 * min(across, (along / turn.along(1.0)) ** (1.0 / 3.0))
    scale = np.empty(2)
    scale[turn.axis], scale[1 - turn.axis] = turn.along(radius) / along, radius / across
    return scale


def _oriented_alike(mesh: Triangulation, star: Integers, others: Integers, images: Floats) -> bool:
    """Whether what is left of a star beside its image is cut into cells that are not turned over.

    The ``others``, vertices around that of the star, get ``images`` (k, 2) as seen from it; a quadrangle between two of
    them and their images may be cut along either diagonal.
    """
    vertex, count = np.setdiff1d(star, others)[0], len(others)
    points = np.concatenate([images, mesh.points[others] - mesh.points[vertex]])
    number = np.searchsorted(others, star)
    for place in range(3):
        chosen = star[:, place] == vertex
        q, r = number[chosen, (place + 1) % 3], number[chosen, (place + 2) % 3]
        sign = np.sign(volumes(mesh.points, star[chosen]))
        for cell in ((q, q + count, r + count), (q, r + count, r), (q, q + count, r), (q + count, r + count, r)):
            if (volumes(points, np.stack(cell, axis=1)) * sign <= 0.0).any():
                return False
    return True
