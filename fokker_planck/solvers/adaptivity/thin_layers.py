"""What the widths of thin layers on a line, which are known to the rounding of their places, leave of a number."""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.discretization import Discretization
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.thin_layers import layers_of
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.adaptivity.answer_types import Ask

TRIED = 1e-2
"""Of the width of the layer that is known worst, by how much it is wider: what the square of that changes is a
hundredth of what is found."""
UNLIKELY = 1e-13
"""Of a number, or of a width, below which it is what every bar has for rounding."""


def rounding_of_layers(problem: Problem, discretization: Discretization, ask: Ask, numbers: Numbers) -> Floats | float:
    """Of every number of an answer that is a logarithm, (k,), by the same question with wider layers."""
    if problem.dimension > 1:
        return 0.0
    lower, upper = (float(end[0]) for end in problem.bounding_box())
    layers = layers_of(problem.process, lower, upper)
    worst = float(layers.unknown.max())
    if worst <= UNLIKELY:
        return 0.0
    unknown = layers.of(discretization.corners.mean(axis=1)[:, 0])
    wider = ask(replace(discretization, widened=1.0 + TRIED * unknown / worst)).numbers
    if len(wider) != len(numbers):
        return np.full(len(numbers), np.inf)
    with np.errstate(invalid="ignore"):
        found = np.abs(np.expm1(wider - numbers)) * worst / TRIED
    # what is lost on a mesh has no difference; what is lost with wider layers alone is not known
    found = np.where(np.isnan(found), np.where(np.isfinite(numbers), np.inf, 0.0), found)
    return found if (found > UNLIKELY).any() else 0.0
