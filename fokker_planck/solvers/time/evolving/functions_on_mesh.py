"""Functions of the state on one mesh, less their stationary means: what correlations are made of.

A smooth formula is known by its values at the nodes.  Any other, and a function of Python, is known by its integrals:
y is its projection onto the elements and z that of p Z f,

    (y, v) = int e^-psi f v dx,       (z, v) = int e^-psi rho f v dx       for all elements v,

with which (z, exp(t L) g) is as good as the elements know exp(t L) g, and C(0) = int p f g is integrated.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.algebra.static_condensation import condensed_factorization
from fokker_planck.fem.fields.density_samples import Samples, samples_of
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.expression import Expression
from fokker_planck.model.observable import Observable
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.time.evolving.relaxation import Relaxation

Pair = tuple[Observable, Observable]

RULES_APART = 3.0
"""Times what two finer rules of integration change, at most: of a kink at random in a cell the error of the first rule
is more in 2.7 % of the cases, with one finer rule in 17 %."""
CONSTANT = 1e-28
"""Of the square of the mean: a variance below it is rounding."""


@dataclass(frozen=True)
class Centred:
    """f - <f>: ``scaled`` (N,), ``weighted`` by p Z (N,), with its ``mean`` and ``variance``."""

    scaled: Floats
    weighted: Floats
    mean: float
    variance: float

    @property
    def deviation(self) -> float:
        """The square root of the variance."""
        return float(np.sqrt(self.variance))


def is_smooth(observable: Observable) -> bool:
    """Whether values at the nodes say all, as they do of formulas without kinks and jumps."""
    return isinstance(observable.function, Expression) and observable.function.smooth


def centred(state: Relaxation, observable: Observable, samples: Samples) -> Centred:
    """A function less its mean.

    Raises ``ProblemError`` for one that does not vary.
    """
    generator = state.generator
    if is_smooth(observable):
        scaled, mean = state.centred(observable(generator.discretization.nodes.T))
        weighted = state.weighted(scaled)
        variance = float(weighted @ generator.apply_mass(scaled)) / state.whole
    else:
        values, density = samples.at(observable), samples.density(state.rho, 0.0)
        mean = samples.integral(values * density) / state.whole
        values = values - mean
        variance = samples.integral(values**2 * density) / state.whole
        scaled = _by_mass(state, samples.functional(values, 0.0))
        weighted = scaled if generator.symmetric else _by_mass(state, samples.load(values * density, 0.0))
    if not variance > CONSTANT * mean**2:
        raise ProblemError(observable.key, observable.text, "a function that varies in the stationary state")
    return Centred(scaled, weighted, mean, variance)


def covariance(state: Relaxation, both: Pair, parts: tuple[Centred, Centred], samples: Samples) -> float:
    """<f g> - <f> <g>."""
    if is_smooth(both[0]) or is_smooth(both[1]):
        # a projection is all that the elements, to which a smooth function belongs, see of the other
        return float(parts[0].weighted @ state.generator.apply_mass(parts[1].scaled)) / state.whole
    return _integrated(state, both, parts, samples)


def product(state: Relaxation, both: Pair, parts: tuple[Centred, Centred], samples: Samples) -> Floats:
    """(f - <f>) (g - <g>), scaled, (N,): not of projections, which swing beside a jump as the functions do not."""
    if is_smooth(both[0]) and is_smooth(both[1]):
        raised = times_exp(parts[0].scaled, 0.5 * (state.generator.exponent - state.generator.lowest))
        return np.asarray(raised * parts[1].scaled)
    first, second = (samples.at(function) - part.mean for function, part in zip(both, parts, strict=True))
    return _by_mass(state, samples.functional(first * second, 0.0))


def rules_apart(state: Relaxation, both: Pair, parts: tuple[Centred, Centred], weighting: Weighting) -> float:
    """What finer rules of integration change means and covariance by, in deviations; of smooth functions nothing."""
    if is_smooth(both[0]) and is_smooth(both[1]):
        return 0.0
    own, found = state.generator.discretization, []
    for rule in (own.rule, own.rule + 2, own.rule + own.degree):
        samples = samples_of(state.generator, weighting, rule)
        density = samples.density(state.rho, 0.0) / state.whole
        means = [
            samples.integral(samples.at(f) * density) / part.deviation for f, part in zip(both, parts, strict=True)
        ]
        scale = parts[0].deviation * parts[1].deviation
        found.append([*means, _integrated(state, both, parts, samples) / scale])
    return float(RULES_APART * np.abs(np.array(found) - found[0]).max())


def _integrated(state: Relaxation, both: Pair, parts: tuple[Centred, Centred], samples: Samples) -> float:
    first, second = (samples.at(f) - part.mean for f, part in zip(both, parts, strict=True))
    return samples.integral(first * second * samples.density(state.rho, 0.0)) / state.whole


def _by_mass(state: Relaxation, load: Floats) -> Floats:
    """y with M y = load, (N,)."""
    generator = state.generator
    every = np.ones(len(load), dtype=bool)
    factored = condensed_factorization(
        generator.discretization, generator.mass, every, symmetric=True, exponent=generator.exponent
    )
    return factored.solve(load)
