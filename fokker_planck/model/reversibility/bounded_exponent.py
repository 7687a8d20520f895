"""The exponent of a process as one formula, where it has one: what interval bounds need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fokker_planck.formulas.expression import Expression
from fokker_planck.formulas.parsing.grammar import symbols
from fokker_planck.model.potential import Potential
from fokker_planck.model.reversibility.potential_of_density import ScaledPotential, SeparatedPotential


def formula_of(function: Any) -> tuple[Expression, float] | None:
    """The f and c with Phi = c f, up to a constant; None where Phi comes from a function of Python or an integral.

    >>> from fokker_planck.model.reversibility.potential_of_density import ScaledPotential
    >>> formula, scale = formula_of(ScaledPotential(Potential("x**2/2"), 0.05))
    >>> str(formula), scale
    ('x**2/2', 20.0)
    """
    potential = function if isinstance(function, Potential) else getattr(function, "potential", None)
    if not isinstance(potential, Potential) or not potential.formulas:
        return None
    (formula,) = potential.formulas
    if isinstance(function, Potential):
        return formula, 1.0
    if isinstance(function, ScaledPotential):
        return formula, 1.0 / function.epsilon
    if isinstance(function, SeparatedPotential):
        return _sum_over_eigenspaces(function, formula), 1.0
    return None


def _sum_over_eigenspaces(exponent: SeparatedPotential, formula: Expression) -> Expression:
    """Sum of V(c + P_g (x - c)) / d_g: the exponent less a constant."""
    from sympy import Rational

    axes = symbols(formula.names)[: len(exponent.centre)]
    centre = [Rational(repr(float(c))) for c in exponent.centre]
    total: Any = 0
    for level, projection in zip(exponent.levels, exponent.projections, strict=True):
        moved = {}
        for i, axis in enumerate(axes):
            row = [Rational(repr(float(entry))) for entry in projection[i]]
            rest = [int(i == j) - entry for j, entry in enumerate(row)]
            moved[axis] = sum(p * x + q * c for p, x, q, c in zip(row, axes, rest, centre, strict=True))
        total += formula.sympy.xreplace(moved) / Rational(repr(float(level)))
    variables = tuple(str(axis) for axis in axes if total.has(axis))
    text = f"{formula.text} over the noise"
    return replace(formula, text=text, tree=total, variables=variables, _derivatives={}, _tapes={})
