"""What the rounding of V leaves of every number: |V| 2^-52 in units of epsilon, at the places that decide.

Adding a constant to V changes nothing but the digits that are left: of V + 1e9 with noise 0.05 no better answer than
4e-6 can be had.  A formula is asked without its constant terms, exactly; a function is asked as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.line_exponent import LineExponent
from fokker_planck.problem import Problem

if TYPE_CHECKING:
    from fokker_planck.solvers.setting import Setting

STEP = 1e-7
"""Of the extent of the domain: so near to each other smooth values of V differ by less than their rounding."""
BINOMIAL = np.array([1.0, -3.0, 3.0, -1.0])
UNLIKELY = 1e-14
"""Rounding below it is that of any sum, and is covered by what every bar has for rounding."""
DIFFERENCES = 4.0
"""By what slopes from finite differences of V, added up along a line, exceed the rounding of V itself."""
LARGEST = 1e-3
"""In units of epsilon: beyond it minima and saddles cannot be found any more by finite differences."""


def rounding_error(setting: Setting) -> float:
    """Relative error that the rounding of V brings to times, rates and weights."""
    potential, landscape = setting.problem.process.potential, setting.landscape
    if potential is None or not len(landscape.minima):
        return 0.0
    places = np.array([point.position for point in (*landscape.minima, *landscape.saddles)]).T
    tensors = np.moveaxis(setting.balance.diffusion.tensor(places), -1, 0)
    noise = float(np.min(np.linalg.eigvalsh(tensors)))
    if not noise > 0.0:
        return 0.0
    values = np.abs(potential.variation(places))
    least = float(np.max(np.spacing(values), initial=0.0))
    lower, upper = setting.problem.bounding_box()
    shift = np.zeros((len(places), 1))
    shift[0] = STEP * (upper[0] - lower[0])
    around = sum(c * potential.variation(places + k * shift) for k, c in enumerate(BINOMIAL))
    seen = float(np.max(np.abs(around), initial=0.0)) / float(np.abs(BINOMIAL).sum())
    indirect = isinstance(setting.balance.exponent, LineExponent) and not potential.exact
    found = (DIFFERENCES if indirect else 1.0) * max(least, seen if np.isfinite(seen) else 0.0) / noise
    return found if found > UNLIKELY else 0.0


def refuse_rounding(problem: Problem) -> None:
    """Raise ProblemError where V is a function whose rounding, all over the domain, drowns its landscape."""
    potential = problem.process.potential
    if potential is None or potential.expression is not None:
        return
    points = problem.sample()
    values = potential.value(points)
    noise = float(np.max(problem.process.field(problem.dimension).tensor(points)))
    size = float(np.min(np.abs(values[np.isfinite(values)]), initial=np.inf))
    if np.isfinite(size) and noise > 0.0 and float(np.spacing(size)) > LARGEST * noise:
        found = f"values of {size:.1e}, whose rounding is {float(np.spacing(size)) / noise:.1g} units of epsilon"
        raise ProblemError("potential", found, "V less its constant part")
