"""What the rounding of V leaves of every number: |V| 2^-52 in units of epsilon, at the places that decide.

Adding a constant to V changes nothing but the digits that are left: of V + 1e9 with noise 0.05 no better answer than
4e-6 can be had.  A formula is asked without its constant terms, exactly; a function is asked as it stands.

And what that of places leaves: of x = 3.3, known to 4e-16, a well 1e-7 wide knows 4e-9 of its width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.types import Landscape
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance
from fokker_planck.model.reversibility.thin_layers import beyond_jumps

STEP = 1e-7
"""Of the extent of the domain: so near to each other smooth values of V differ by less than their rounding."""
PART = 1e-6
"""Of the width sqrt(epsilon / V'') of a minimum or saddle, where that says a shorter step: third differences over
it are 1e-18 units of epsilon for a smooth V, below the rounding of any number, however narrow the well is."""
FEWEST = 4.0
"""Of the distance to the next double: shorter steps do not tell one place from the next."""
STEPS = 12
"""Values at every place: differences of four in a row, so that the jumps of coarsely rounded values are not missed."""
BINOMIAL = np.array([1.0, -3.0, 3.0, -1.0])
"""A third difference, in which a smooth function leaves nothing and rounding sqrt(20) of itself."""
UNLIKELY = 1e-14
"""Rounding below it is that of any sum, and is covered by what every bar has for rounding."""
DIFFERENCES = 4.0
"""By what slopes from finite differences of V, added up along a line, exceed the rounding of V itself."""
LARGEST = 1e-3
"""In units of epsilon: beyond it no three digits are left."""
LARGEST_BY_DIFFERENCES = 5e-6
"""The same where slopes are finite differences: of a quartic of 5 units of epsilon plus 1e9 (2.4e-6) both wells are
found, plus 4e9 (9.5e-6) flows wander in rounding and minima are lost."""
OF_LANDSCAPE = 2e-6
"""As much, relative to the height of V in half of the domain above its least value, whatever the noise."""


def rounding_error(problem: Problem, balance: DetailedBalance, landscape: Landscape) -> float:
    """Relative error that the rounding of V brings to times, rates and weights, by the landscape of its exponent."""
    points = (*landscape.minima, *landscape.saddles)
    places = np.array([point.position for point in points]).reshape(-1, problem.dimension).T
    curvatures = np.array([np.abs(point.hessian).max() for point in points])  # of V over epsilon
    exact = problem.process.potential is None or problem.process.potential.exact
    indirect = isinstance(balance.exponent, LineExponent) and not exact
    of_places = _of_places(places, curvatures) + _beyond_jumps(problem)
    return of_places + _at(problem, balance.diffusion.tensor, places, curvatures, indirect)


def _beyond_jumps(problem: Problem) -> float:
    """What the places of jumps on a line leave of the exponent beyond them."""
    if problem.dimension > 1:
        return 0.0
    lower, upper = (float(end[0]) for end in problem.bounding_box())
    found = beyond_jumps(problem.process, lower, upper)
    return found if found > UNLIKELY else 0.0


def _of_places(places: Floats, curvatures: Floats) -> float:
    """What the last digit of places (dim, n) is of the widths of minima and saddles, 1 / sqrt(V'' / epsilon), (n,).

    Beside them V is a slope: at a width from the middle an error d of a point of a rule changes the exponent by d over
    the width. With 1e-6 for that of exp(-((x - 3.3)/1e-6)^2), 30 units deep, this is 3.4e-9, and the mean time was
    1.7e-10 off at a bar of 1.8e-11, for the errors of many points add up to less.
    """
    if not len(curvatures):
        return 0.0
    found = float((np.spacing(np.abs(places).max(axis=0)) * np.sqrt(curvatures)).max())
    return found if UNLIKELY < found < np.inf else 0.0


def rounding_of_drift(problem: Problem, places: Floats, jacobians: Floats) -> float:
    """The same without detailed balance: for fixed points (dim, n) of a drift with these derivatives, (n, dim, dim).

    Where V is a function without a gradient of its own the drift is its finite differences, and the exponent of the
    density adds them up.
    """
    potential, of_jumps = problem.process.potential, _beyond_jumps(problem)
    if potential is None:
        return of_jumps
    if not places.shape[1]:
        if potential.exact:
            return of_jumps
        # fixed points may have been lost in the rounding of slopes
        places, jacobians = problem.sample(), np.zeros((1, 1, 1))
    tensor = problem.process.field(problem.dimension).tensor
    noise = np.einsum("iin->n", tensor(places)) / problem.dimension
    curvatures = np.abs(jacobians).max(axis=(1, 2)) / np.maximum(noise, 1e-300)
    return of_jumps + _at(problem, tensor, places, curvatures, indirect=not potential.exact)


def _at(
    problem: Problem, tensor: Callable[[Floats], Floats], places: Floats, curvatures: Floats, indirect: bool
) -> float:
    """Of V at places (dim, n) with these second derivatives in units of epsilon, (n,), over the least noise there."""
    potential = problem.process.potential
    if potential is None or not places.shape[1]:
        return 0.0
    tensors = np.moveaxis(tensor(places), -1, 0)
    noise = float(np.min(np.linalg.eigvalsh(tensors)))
    if not noise > 0.0:
        return 0.0
    least = float(np.max(np.spacing(np.abs(potential.variation(places))), initial=0.0))
    lower, upper = problem.bounding_box()
    steps = _steps(places[0], curvatures, upper[0] - lower[0])
    # of a place on a jump or a kink of V only one side is smooth
    around = np.minimum(*(_third_differences(potential.variation, places, way * steps) for way in (1.0, -1.0)))
    seen = float(np.max(around, initial=0.0)) / float(np.abs(BINOMIAL).sum())
    found = (DIFFERENCES if indirect else 1.0) * max(least, seen if np.isfinite(seen) else 0.0) / noise
    return found if found > UNLIKELY else 0.0


def _third_differences(function: Callable[[Floats], Floats], places: Floats, steps: Floats) -> Floats:
    """The largest beside each of the places (dim, n), along the first axis, (n,)."""
    values = []
    for k in range(1, STEPS + 1):
        shifted = places.copy()
        shifted[0] += k * steps
        values.append(function(shifted))
    around = sum(c * np.array(values[k : STEPS - 3 + k]) for k, c in enumerate(BINOMIAL))
    return np.asarray(np.abs(around).max(axis=0))


def _steps(places: Floats, curvatures: Floats, extent: float) -> Floats:
    """Steps so short that V, with these second derivatives in units of epsilon, is smooth over them, (n,).

    They are whole multiples of the spacing of doubles: the places themselves add no rounding.
    """
    with np.errstate(divide="ignore"):
        widths = 1.0 / np.sqrt(curvatures)
    steps = np.fmin(STEP * extent, PART * widths)
    spacing = np.spacing(2.0 * np.maximum(np.abs(places), steps))
    return np.asarray(np.maximum(np.ceil(steps / spacing), FEWEST) * spacing)


def refuse_rounding(problem: Problem) -> None:
    """Raise ProblemError where V is a function whose rounding, all over the domain, drowns its landscape."""
    potential = problem.process.potential
    if potential is None or potential.expression is not None:
        return
    points = problem.sample()
    values = potential.value(points)
    noise = float(np.max(problem.process.field(problem.dimension).tensor(points)))
    finite = values[np.isfinite(values)]
    size = float(np.min(np.abs(finite), initial=np.inf))
    largest = LARGEST * noise
    if not potential.exact and len(finite) and np.ptp(finite) > 0.0:
        height = float(np.median(finite) - np.min(finite))
        largest = min(LARGEST_BY_DIFFERENCES * noise, OF_LANDSCAPE * height or np.inf)
    if np.isfinite(size) and noise > 0.0 and float(np.spacing(size)) > largest:
        found = f"values of {size:.1e}, whose rounding is {float(np.spacing(size)) / noise:.1g} units of epsilon"
        raise ProblemError("potential", found, "V less its constant part")
