"""Whether a process goes on across a periodic seam as it began: formulas need not have the period of their domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem

SAME = 1e-9
"""Of the largest coefficient, by which it may differ a period on: rounding of formulas and of their periods."""


def goes_on(problem: Problem, here: Floats, there: Floats) -> bool:
    """Whether drift, noise and V, if there is one, at points (dim, n) are what they are at others, a period on.

    V of a process around a ring need not be, where its slope is: drift and noise are all that moves on a line.
    """
    process = problem.process
    coefficients = [process.noiseless_drift, process.field(problem.dimension).tensor]
    if process.potential is not None and problem.dimension > 1:
        coefficients.append(process.potential.value)
    return same_values(coefficients, here, there)


def same_values(functions: Iterable[Callable[[Floats], Floats]], here: Floats, there: Floats) -> bool:
    """Whether functions of points (dim, n) are at some what they are at others."""
    for function in functions:
        with np.errstate(all="ignore"):
            first, second = np.asarray(function(here)), np.asarray(function(there))
        if not np.abs(first - second).max() <= SAME * max(float(np.abs(second).max()), 1e-300):
            return False
    return True
