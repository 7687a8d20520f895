"""Starts close to a curved surface that absorbs: cells there small enough, and what is left of its error in the bar.

Times and probabilities fall like the distance d of the start from the surface, so that an offset delta of its facets is
an error of delta / d.  Both degrees of elements share the facets, and with them the error: a circle of radius one in
cells of half of it is 2e-9 off, and a mean time from 1e-6 inside of it was 4e-3 off at a bar of 1e-7.  Half the cells
are off by 2^8 times less.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.surface_offsets import SeenFacets, absorbing_facets, seen_facets
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.adaptivity.beginning import Beginning
from fokker_planck.solvers.adaptivity.error_bars import WORST_ERROR
from fokker_planck.solvers.boundaries.ends import Goal

OF_TOLERANCE = 0.01
"""Of the tolerance, the error by facets from which on they are bisected: a hundredth is lost in every bar, and costs no
cell where d is a fifth of the radius of a circle, two at a tenth, and forty at a millionth."""
SAFETY = 2.0
"""Times the error by facets that the bar holds: quantiles fall like d^2, and the kernel is that of a half-space."""
ROUNDING = 1e-15
"""Of the largest coordinate, the error of a start's distance: four units of rounding."""
MOST_ROUNDS = 60
"""Of bisection, two of which halve a facet in the plane: ten are the most seen."""


def with_close_start(
    problem: Problem, first: Beginning, goals: Iterable[tuple[str, Goal]], start: tuple[float, ...] | None
) -> Beginning:
    """A beginning whose mesh follows the surfaces of the ``goals`` well enough for what begins at ``start``.

    A mesh that is prescribed stays as it is. ``by_facets`` holds what is left.

    Raises ConvergenceError where the start is as near to a surface as that is known.
    """
    if start is None or problem.dimension == 1:
        return first
    point, named = np.array(start), tuple(goals)
    metric = _root(first.medium.tensor(point[:, None])[..., 0])
    if metric is None:
        return first
    mesh = first.mesh
    seen = _seen(mesh, named, point, metric)
    wanted, free = OF_TOLERANCE * problem.resolution.tolerance, problem.resolution.cells is None
    for _ in range(MOST_ROUNDS if free else 0):
        floor = _rounding(mesh, seen)
        marked = np.zeros(len(mesh.cells), dtype=bool)
        marked[seen.cells[seen.shares > max(wanted, floor) / SAFETY]] = True
        if not marked.any():
            break
        mesh = refine(mesh, marked)
        seen = _seen(mesh, named, point, metric)
    error = SAFETY * float(seen.shares.sum()) + _rounding(mesh, seen)
    if free and not error < WORST_ERROR:
        reason = f"the start is so close to a curved surface ({seen.distance:.1e}) that its distance is not known"
        raise ConvergenceError(reason, "a start that is farther off, or in the set")
    return replace(first, mesh=mesh, by_facets=error)


def _root(tensor: Floats) -> Floats | None:
    """S with D = S S^T; None where noise vanishes in some direction, which no surface is small beside."""
    try:
        return np.asarray(np.linalg.cholesky(tensor))
    except np.linalg.LinAlgError:
        return None


def _seen(mesh: Triangulation, goals: tuple[tuple[str, Goal], ...], point: Floats, metric: Floats) -> SeenFacets:
    """The facets of all goals."""
    parts = [np.zeros(0, dtype=np.int64)] + [absorbing_facets(mesh, name, goal) for name, goal in goals]
    return seen_facets(mesh, np.unique(np.concatenate(parts)), point, metric)


def _rounding(mesh: Triangulation, seen: SeenFacets) -> float:
    """What rounding of coordinates is of the distance."""
    with np.errstate(divide="ignore"):
        return float(ROUNDING * np.abs(mesh.points).max() / np.float64(seen.distance))
