"""Derivatives of formulas with kinks whose jumps are spread over a width, so that a flow slides along a crease.

The gradient of ``abs(u)`` is sign(u) grad u. Here the sign is u/sqrt(u^2 + w^2), with w = |(w_x du/dx, w_y du/dy, ...)|
for widths w_x, w_y, ... of the axes: wherever u is, it turns over those widths in places, whatever the size of u. As
they tend to zero, the flow along such a gradient tends to that of Filippov, which slides along what it cannot leave.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

from fokker_planck.formulas.expression import Expression, joint_tape
from fokker_planck.formulas.parsing.grammar import symbols
from fokker_planck.formulas.parsing.tape import Tape
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class RoundedDerivatives:
    """Tapes of ``slopes``, and ``curvatures`` (the upper triangle by rows), of coordinates and widths stacked."""

    dimension: int
    slopes: Tape
    curvatures: Tape


@lru_cache(maxsize=64)
def rounded_derivatives(formula: Expression, dimension: int) -> RoundedDerivatives | None:
    """Those in the first so many coordinates; None where no derivative jumps.

    >>> import numpy as np
    >>> from fokker_planck.formulas.expression import parse_expression
    >>> tapes = rounded_derivatives(parse_expression("3*abs(2*x)"), 1)
    >>> tapes.slopes(np.array([[-1.0, 0.0, 1e-3], [1e-3, 1e-3, 1e-3]])).round(3).tolist()
    [[-6.0, 0.0, 4.243]]
    >>> rounded_derivatives(parse_expression("x**2"), 1) is None
    True
    """
    if formula.smooth:
        return None
    axes = formula.names[:dimension]
    names = (*axes, *(f"width of {name}" for name in axes))
    slopes = [_spread(formula.derivative(axis), names, dimension) for axis in range(dimension)]
    if all(slope is None for slope in slopes):
        return None
    known = [slope or _as_it_is(formula.derivative(axis), names) for axis, slope in enumerate(slopes)]
    pairs = combinations_with_replacement(range(dimension), 2)
    return RoundedDerivatives(dimension, joint_tape(known), joint_tape([known[i].derivative(j) for i, j in pairs]))


def _spread(slope: Expression, names: tuple[str, ...], dimension: int) -> Expression | None:
    """A derivative with its jumps spread over the widths; None where it has none."""
    from sympy import Integer, sqrt

    from fokker_planck.formulas.parsing.real_functions import RealBlend, RealSelect, RealSide, RealSign, RealStep

    axes, widths = symbols(names[:dimension]), symbols(names[dimension:])
    sides = {RealSign: (Integer(1), Integer(-1)), RealStep: (Integer(1), Integer(0))}

    def blended(jump: Any) -> Any:
        level = jump.args[0]
        width = sqrt(sum((w * level.diff(axis)) ** 2 for w, axis in zip(widths, axes, strict=True)))
        return RealBlend(level, width, *sides.get(type(jump), jump.args[1:]))

    tree = slope.sympy.replace(lambda part: isinstance(part, (RealSelect, RealSide, RealSign, RealStep)), blended)
    return None if tree == slope.sympy else replace(_as_it_is(slope, names), tree=tree)


def _as_it_is(slope: Expression, names: tuple[str, ...]) -> Expression:
    """The same with the widths among its coordinates."""
    return replace(slope, tree=slope.sympy, names=names, variables=names, _derivatives={}, _tapes={})
