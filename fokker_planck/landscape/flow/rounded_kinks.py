"""A function to flow down with its kinks rounded, as far as they are known from the formula of a potential."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.formulas.rounded_kinks import RoundedDerivatives, rounded_derivatives
from fokker_planck.model.jumps.interfaces import OneSided
from fokker_planck.model.potential import Potential
from fokker_planck.model.reversibility.potential_of_density import ScaledPotential, SeparatedPotential
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class RoundedKinks:
    """``function`` with ``factor @ grad V`` for its gradient, V with kinks rounded over ``widths`` (dim,) of the axes.

    Values are those of the function: what falls along the flow falls there, too, up to the widths.
    """

    function: Function
    factor: Floats
    widths: Floats
    derivatives: RoundedDerivatives

    def value(self, x: Floats) -> Floats:
        """Of the function itself, (n,)."""
        return self.function.value(x)

    def gradient(self, x: Floats) -> Floats:
        """(dim, n)."""
        slopes = np.zeros(x.shape)
        slopes[: self.derivatives.dimension] = self.derivatives.slopes(self._with_widths(x))
        return np.asarray(self.factor @ slopes)

    def hessian(self, x: Floats) -> Floats:
        """The Jacobian of the gradient but for the slopes of widths, (dim, dim, n)."""
        used = self.derivatives.dimension
        curvatures = np.zeros((len(x), *x.shape))
        pairs = combinations_with_replacement(range(used), 2)
        for (i, j), values in zip(pairs, self.derivatives.curvatures(self._with_widths(x)), strict=True):
            curvatures[i, j] = curvatures[j, i] = values
        return np.asarray(np.einsum("ik,kjn->ijn", self.factor, curvatures))

    def _with_widths(self, x: Floats) -> Floats:
        used = self.derivatives.dimension
        return np.concatenate([x[:used], np.broadcast_to(self.widths[:used, None], (used, x.shape[1]))])


def rounded(function: Function, widths: Floats) -> Function:
    """A function with the kinks of the formula that it is made of rounded over widths (dim,); else as it is.

    >>> roof = rounded(Potential("abs(y)"), np.array([1e-3, 1e-3]))
    >>> roof.gradient(np.array([[0.0, 0.0], [0.0, 1.0]])).round(5).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    >>> round(float(roof.hessian(np.array([[0.0], [0.0]]))[1, 1, 0]), 6)
    1000.0
    """
    whole = function.whole if isinstance(function, OneSided) else function
    if isinstance(whole, Potential):
        potential, factor = whole, np.eye(len(widths))
    elif isinstance(whole, ScaledPotential):
        potential, factor = whole.potential, np.eye(len(widths)) / whole.epsilon
    elif isinstance(whole, SeparatedPotential):
        parts = zip(whole.levels, whole.projections, strict=True)
        potential, factor = whole.potential, sum((np.array(p) / d for d, p in parts), np.zeros((len(widths),) * 2))
    else:
        return function
    for formula in potential.formulas:
        derivatives = rounded_derivatives(formula, min(formula.dimension, len(widths)))
        return function if derivatives is None else RoundedKinks(function, factor, widths, derivatives)
    return function
