"""The numbers of an exit law at a time, each with the functions that its error rests on, and what no mesh makes less.

An error e of u(s) = exp(s L) 1 and f of z(s) = exp(s L*) of the start change S(t) = (u(t/2), z(t/2)) by about
t a(e(t/2), f(t/2)).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.fem.algebra.long_range import LARGEST_LOG, times_exp
from fokker_planck.fem.indicator import Mode
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.condensation.point_load import point_load
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.time.survival.survival_function import Survival

Outside = Callable[[Floats], Floats]

EARLY = np.log(1e-3)
"""Of log t f(t): where so little leaves, the error of the density f counts as much as leaves, as that of S does."""
AGAIN = 0.25
"""Of a time later: of starts in a disc one in 150 was up to 11 bars off, none with this; half of all bars stay as they
are, a tenth grow by more than 2.3 times."""
UNKNOWN = 0.5
"""Of a number, an error beside that of the mesh beyond which the latter is not looked at."""
ROUNDING_OF_RATE = 1e-13
"""Of the rate: times how many mean times it is, of S."""
LEAST_WEIGHT, WELL_KNOWN = 1e-300, 0.1
"""Of what is unknown; of the tolerance, an error that no mesh makes less, beyond which a number counts less."""


@dataclass(frozen=True)
class Number:
    """A number of the law by its ``log``, the ``modes`` it rests on, and how its error counts.

    ``without`` is what of its error no finer mesh makes less; ``little`` tells that it is next to nothing.
    """

    log: complex
    modes: list[Mode]
    weight: float = 1.0
    without: float = 0.0
    little: bool = False


def at_time(survival: Survival, t: float, slowest: Eigenmode, outside: Outside) -> tuple[Number, Number]:
    """S(t) and -S'(t): early ones rest on functions of that time, late ones on the slowest mode."""
    log, density = survival.log(t), survival.log_density(t)
    if t >= survival.tail.start:
        # the relative error of the eigenvalue counts lambda t times
        own = ROUNDING_OF_RATE * float(np.exp(min(slowest.log.real + np.log(t), LARGEST_LOG)))
        own, own_density = (own + survival.tail.doubt(float(np.log(t)), slope=slope) for slope in (False, True))
        known, known_density = (_known(each, survival.tolerance) for each in (own, own_density))
        modes = [*slowest.modes]
        return Number(log, modes, known, own), Number(density, [*modes], known_density, own_density)
    doubt, leaving = survival.doubt(t), density + np.log(t)
    own, own_density = doubt / np.exp(log), doubt / np.exp(leaving)
    modes = _mode_at(survival, t, log, outside) if own < UNKNOWN else [*slowest.modes]
    known, known_density = (_known(each, survival.tolerance) for each in (own, own_density))
    little = leaving < EARLY
    counts = min(float(np.exp(leaving)), known_density) if little else known_density
    return Number(log, modes, known, own), Number(density, [*modes], counts, own_density, little)


def not_by_chance(t: float, survived: Quantity, density: Quantity) -> Quantity:
    """S(t) with a bar that holds ``AGAIN`` of what the bar of its slope makes of a time t later.

    At a moment when the error of S changes its sign two degrees agree though both are wrong; the slope's does not then.
    """
    if survived.value is None or density.value is None or not survived.value > 0.0:
        return survived
    share = min(1.0, t * density.value / survived.value)
    return replace(survived, relative_error=max(survived.relative_error, AGAIN * share * density.relative_error))


def _known(own: float, tolerance: float) -> float:
    """How an error counts that is hidden in one that no mesh makes less: no mesh is refined for it."""
    return max(LEAST_WEIGHT, min(1.0, WELL_KNOWN * tolerance / own)) if own > WELL_KNOWN * tolerance else 1.0


def quantile(survival: Survival, probability: float, mean: Number, outside: Outside) -> Number:
    """The log of the time by which that much has left."""
    log = survival.quantile(probability, mean.log.real)
    t = float(np.exp(min(log, LARGEST_LOG)))
    if t >= survival.tail.start:
        return Number(log, mean.modes)
    own = survival.doubt(t) / (np.exp(survival.log_density(t)) * t)
    return Number(
        log, _mode_at(survival, t, float(np.log1p(-probability)), outside), _known(own, survival.tolerance), own
    )


def _mode_at(survival: Survival, t: float, log: float, outside: Outside) -> list[Mode]:
    """What S(t) = (u(t/2), z(t/2)) rests on: u(s) = exp(s L) 1, and z(s) = exp(s L*) of the start."""
    generator = survival.generator
    dofs, up = generator.discretization.dofs, 0.5 * (generator.exponent - generator.lowest)
    right, left, height = survival.functions(0.5 * t)
    with np.errstate(divide="ignore"):
        scale = float((np.log(np.abs(left)) + height).max())
    dual, pole = times_exp(left, height - scale), point_load(generator, survival.start[:, 0]).pole
    return [Mode(outside(times_exp(right, up)[dofs]), outside(dual[dofs]), pole, log - np.log(t) - scale)]
