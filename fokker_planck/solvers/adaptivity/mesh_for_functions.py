"""Meshes that see the functions a question is about: their jumps and kinks, and what of them is narrow.

Neither stands in the exponent, by which cells are chosen: the mean of |x| was 3.9e-8 off at a bar of 1.1e-8 where its
kink lay within a cell, and what is narrower than all cells was missed by all meshes alike.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.first_triangulation import SURFACE
from fokker_planck.fem.triangulations.narrow import WIDER, NarrowPlaces, too_wide
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.intervals import bounds
from fokker_planck.formulas.bounds.kinks import kinks_of
from fokker_planck.formulas.bounds.narrow_features import seen_boxes
from fokker_planck.formulas.expression import Expression
from fokker_planck.model.jumps.breakpoints import surfaces_of
from fokker_planck.model.jumps.interfaces import interfaces_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets.shapes import HalfSpace, Set

SAMPLED = 1e-3
"""Of the domain: boxes as wide as that are no longer halved when there are 200,000 of them."""
MOST_CELLS = 60_000
"""As of a mesh that follows what is there at the beginning of an evolution."""
LEAST_SPAN = 1e-3
"""Of what bounds over the whole domain allow a function to span, where it hides between the points of the sample."""
OF_RANGE = 0.1
"""Of what a function spans in a sample of the domain: one unit of it, of which a cell sees a third and more."""


def surfaces_followed(problem: Problem, functions: Iterable[object]) -> tuple[tuple[str, Set], ...]:
    """Where formulas among the functions jump or have a kink, as sets that the mesh is fitted to and then forgets.

    Where there are more than a mesh can follow none is.
    """
    formulas = [each for each in functions if isinstance(each, Expression) and not each.smooth]
    lower, upper = problem.bounding_box()
    try:
        if problem.dimension == 1:
            places = kinks_of(formulas, float(lower[0]), float(upper[0]))
            found: Iterable[Set] = tuple(HalfSpace((1.0,), place) for place in places)
        else:
            found = surfaces_of(formulas, lower, upper)
    except ProblemError:
        return ()
    taken = {*interfaces_of(problem.process, problem.dimension, lower, upper).surfaces, *problem.sets.values()}
    return tuple((f"{SURFACE}{k} of what is asked", each) for k, each in enumerate(found) if each not in taken)


def narrow_parts(problem: Problem, functions: Iterable[object]) -> NarrowPlaces:
    """Where formulas among the functions may change within less than a cell, each beside what it spans.

    Raises ConvergenceError where one changes within less than any mesh follows.
    """
    lower, upper = (np.asarray(corner, dtype=float) for corner in problem.bounding_box())
    sample, formulas = problem.sample(), []
    for formula in functions:
        if isinstance(formula, Expression):
            low, high = bounds(formula, lower[:, None], upper[:, None])
            most = float(high[0] - low[0])
            span = max(float(np.ptp(formula(sample))), LEAST_SPAN * most if np.isfinite(most) else 0.0)
            formulas.append((formula, OF_RANGE * span or 1.0))
    return narrow_in_units(formulas, lower, upper)


def narrow_in_units(formulas: Iterable[tuple[Expression, float]], lower: Floats, upper: Floats) -> NarrowPlaces:
    """Where one of the formulas, in its unit, may change within less than a cell, by proved bounds."""
    points, widths = [np.zeros((len(lower), 0))], [np.zeros(0)]
    for formula, unit in formulas:
        found = seen_boxes(formula, 1.0 / unit, lower, upper, sampled=SAMPLED * float(np.max(upper - lower)))
        points.append(found.centres)
        widths.append(WIDER * found.size)
    return NarrowPlaces(np.concatenate(points, axis=1), np.concatenate(widths))


def seeing(mesh: Triangulation, places: NarrowPlaces, key: str) -> Triangulation:
    """Refined until no cell is wider than what it holds allows; the ``key`` is that of the formula."""
    while (wide := too_wide(mesh, places.points, places.widths)).any():
        if len(mesh.cells) > MOST_CELLS:
            raise ConvergenceError(
                f"more than {MOST_CELLS} cells are needed to follow {key}", "one that is less narrow"
            )
        mesh = refine(mesh, wide)
    return mesh
