"""What a formula with switches (abs, sign, min, max, piecewise) is without them, and where it is that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.intervals import enclosed
from fokker_planck.formulas.expression import Expression
from fokker_planck.formulas.parsing.switches import CHOICES, MODULI, SWITCHES, TWO_ARGUMENTS
from fokker_planck.quantity.light_dataclasses import dataclass, replace

MOST_BRANCHES = 16
"""Parts of a piecewise formula that are bounded each on its own: four switches make sixteen; with more, bounds are
taken of the whole, which are wider."""


@dataclass(frozen=True)
class Branch:
    """A ``formula`` without switches, and where it holds: where all conditions of one of the ``ways`` are >= 0."""

    formula: Expression
    ways: tuple[tuple[Expression, ...], ...] = ((),)

    def reaches(self, lower: Floats, upper: Floats) -> Booleans:
        """Boxes (dim, n) that are not proved to lie where it does not hold: beyond, log(1 - y) has its end in y = 1."""
        result = np.zeros(lower.shape[1], dtype=bool)
        for way in self.ways:
            holds = np.ones(lower.shape[1], dtype=bool)
            for condition in way:
                holds &= ~(enclosed(condition, lower, upper).high < 0.0)
            result |= holds
        return result


def smooth_branches(formula: Expression) -> tuple[Branch, ...]:
    """The formulas without switches (abs, min, piecewise and so on) of which f is one at every point; f itself if many.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> [str(part.formula.sympy) for part in smooth_branches(parse_expression("x + max(x**2, y)"))]
    ['x + y', 'x**2 + x']
    """
    if formula.smooth:
        return (Branch(formula),)
    from sympy import I

    done: list[tuple[Any, tuple[Any, ...]]] = []
    waiting: list[tuple[Any, tuple[Any, ...]]] = [(formula.sympy, ())]
    while waiting:
        here, conditions = waiting.pop()
        switch = next(_switches(here), None)
        if switch is None:
            # the formula is nowhere what is not real, log(-1) say: of abs(max(1, x)) the way below zero
            done += [] if here.has(I) else [(here, conditions)]
            continue
        if len(done) + len(waiting) >= MOST_BRANCHES:
            return (Branch(formula),)
        try:
            waiting += [(here.xreplace({switch: way}), (*conditions, where)) for way, where in _ways(switch)]
        except (ArithmeticError, AttributeError, TypeError, ValueError):  # sympy's, of erfc(1e300) say
            return (Branch(formula),)
    if len(done) <= 1:
        return (Branch(formula),)

    def as_formula(tree: Any, text: str) -> Expression:
        return replace(formula, text=text, tree=tree, _derivatives={}, _tapes={})

    branches = []
    for k, tree in enumerate(sorted({tree for tree, _ in done}, key=str)):
        ways = (conditions for same, conditions in done if same == tree)
        written = tuple(tuple(as_formula(where, str(where)) for where in way) for way in ways)
        branches.append(Branch(as_formula(tree, f"{formula.text} [{k}]"), written))
    return tuple(branches)


def _ways(switch: Any) -> list[tuple[Any, Any]]:
    """What a switch is, and what is >= 0 where it is that."""
    name = type(switch).__name__
    first, *others = switch.args
    if name in TWO_ARGUMENTS:
        ahead = switch.over(first, others[0])
        return [(first, ahead), (others[0], -ahead)]
    if name in CHOICES:
        return [(others[0], first), (others[1], -first)]
    if name in MODULI:
        return [(first, first), (-first, -first)]
    import sympy

    low = sympy.Integer(0 if name == "RealStep" else -1)
    return [(low, -first), (sympy.Integer(1), first)]


def _switches(tree: Any) -> Iterator[Any]:
    from sympy import preorder_traversal

    return (part for part in preorder_traversal(tree) if type(part).__name__ in SWITCHES)
