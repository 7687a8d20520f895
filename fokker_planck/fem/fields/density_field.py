"""A density p = exp(-psi) rho that is given by its values at the nodes, between them by rho and psi each for itself.

rho is a polynomial in every cell, psi a formula, or one too: p, which may fall by e^17 across a cell, is what they make
of it, and no interpolant.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.fields.interpolation import evaluate_in_cells, interpolate
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Shifted:
    """psi of a ``weighting`` less its ``lowest`` value."""

    weighting: KnownWeight
    lowest: float

    def value(self, x: Floats) -> Floats:
        """At points (dim, n), (n,)."""
        return self.weighting.value(x) - self.lowest


@dataclass(frozen=True, repr=False)
class DensityField(Field):
    """p at the nodes, (N,), with psi there, ``exponent`` (N,), and everywhere, ``formula``; None where rho rules psi.

    ``exponent_by_cell`` (cells, n) where psi jumps between cells, or is known by polynomials of ``exponent_degree``.
    """

    exponent: Floats = field(default_factory=lambda: np.zeros(0))
    formula: Shifted | None = None
    exponent_by_cell: Floats | None = None
    exponent_degree: int | None = None

    def _at(self, points: Floats) -> Floats:
        discretization, dofs = self.discretization, self.discretization.dofs
        top = self.exponent[dofs].max(axis=1, keepdims=True)

        def ratio(cells: Integers) -> Floats:
            local = dofs[cells]
            return np.asarray(self.nodal[local] * np.exp(self.exponent[local] - top[cells]))

        def highest(cells: Integers) -> Floats:
            return np.broadcast_to(top[cells], (len(cells), dofs.shape[1]))

        relative = evaluate_in_cells(discretization, points, ratio)
        tops = evaluate_in_cells(discretization, points, highest)
        return np.asarray(relative * np.exp(tops - self._exponent_at(points)))

    def _exponent_at(self, points: Floats) -> Floats:
        jumps = self.exponent_by_cell
        if jumps is not None:
            space = replace(self.discretization, degree=self.exponent_degree or self.discretization.degree)
            return evaluate_in_cells(space, points, lambda cells: jumps[cells])
        if self.formula is None:
            return interpolate(self.discretization, self.exponent, points)
        return self.formula.value(points)
