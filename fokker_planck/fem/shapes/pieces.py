"""Level functions taken apart into smooth ones: {g = 0} is part of the union of their zero sets.

A formula with min, max or abs has a corner where its zero set passes from one branch to another, and there both
branches vanish: the corner is a crossing of two smooth surfaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.level_set_projection import onto_surface
from fokker_planck.formulas.parsing.switches import CHOICES, MODULI, STEPS, SWITCHES
from fokker_planck.model.sets.images import Images
from fokker_planck.model.sets.shapes import HalfSpace, Region, Set
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.formulas.expression import Expression

#: Formulas are taken apart up to this many branches, then followed as they are.
MOST_BRANCHES = 128
#: Polynomials of a higher degree are followed whole: factors of those of degree 12 are found in milliseconds.
HIGHEST_FACTORED = 12


@dataclass(frozen=True)
class Piece:
    """g_i = 0, a smooth piece of the surface of a region: number ``index`` of :func:`smooth_pieces`."""

    region: Region
    index: int

    @property
    def dimension(self) -> int:
        """Least number of coordinates."""
        return self.region.dimension

    @cached_property
    def formula(self) -> Expression:
        """g_i with its derivatives."""
        from fokker_planck.formulas.expression import Expression

        whole = self.region.formula
        tree = branches(whole.sympy)[self.index]
        names = tuple(str(symbol) for symbol in tree.free_symbols)
        used = tuple(name for name in whole.names if name in names)
        return Expression(f"{whole.text} [{self.index}]", whole.names, (), whole.key, whole.orders, used, tree)

    def level(self, x: Floats) -> Floats:
        """g_i at points of shape (dim, n)."""
        return self.formula(x)

    def gradient(self, x: Floats) -> Floats:
        """Gradient of g_i, shape (dim, n)."""
        import numpy as np

        return np.array([self.formula.derivative(i)(x) for i in range(len(x))])

    def project(self, x: Floats) -> Floats:
        """A point of g_i = 0 near each point."""
        return onto_surface(self.level, self.gradient, x)

    def __reduce__(self) -> tuple[Any, ...]:
        return Piece, (self.region, self.index)


def smooth_pieces(shapes: Iterable[Set]) -> tuple[Any, ...]:
    """The smooth surfaces that make up those of the sets, each once.

    >>> from fokker_planck.model.sets.shapes import Ball
    >>> len(smooth_pieces([Ball([0.0, 0.0], 1.0), Region("0.1 - abs(x)"), Region("min(x, y)")]))
    5
    """
    found: dict[Any, None] = {}
    for shape in shapes:
        parts: list[Any] = list(shape.shapes) if isinstance(shape, Images) else [shape]
        if isinstance(shape, Region) and isinstance(shape.expression, str):
            trees = branches(shape.formula.sympy)
            if trees not in ((shape.formula.sympy,), (-shape.formula.sympy,)):
                parts = [Piece(shape, index) for index in range(len(trees))]
        for piece in parts:
            if not any(piece is known or piece == known for known in found):
                found[piece] = None
    return tuple(found)


def is_flat(piece: Any) -> bool:
    """Whether the surface is a line or a plane, so that nothing is curved."""
    if isinstance(piece, HalfSpace) or piece.dimension == 1 and not isinstance(piece, (Region, Piece)):
        return True
    if not isinstance(piece, Piece) and not (isinstance(piece, Region) and isinstance(piece.expression, str)):
        return False
    tree: Any = piece.formula.sympy
    polynomial = tree.as_poly(*tree.free_symbols) if tree.free_symbols else None
    return polynomial is not None and polynomial.total_degree() <= 1


def branches(tree: Any) -> tuple[Any, ...]:
    """The smooth functions of which one is the ``tree`` at every point, factor by factor, and the arguments of steps.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> branches(parse_expression("max(0.1 - abs(x), y)").sympy)
    (1/10 - x, x + 1/10, y)
    """
    done: dict[Any, None] = {}
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        switch = _innermost(here)
        if switch is None:
            for factor in _factors(here):
                if factor.free_symbols and factor not in done and -factor not in done:
                    done[factor] = None
            continue
        if len(done) + len(waiting) > MOST_BRANCHES:
            return (tree,)
        name = type(switch).__name__
        if name in STEPS:
            waiting += [
                switch.args[0],
                here.xreplace({switch: switch.func(-1)}),
                here.xreplace({switch: switch.func(1)}),
            ]
        elif name in CHOICES:
            waiting += [switch.args[0], *(here.xreplace({switch: way}) for way in switch.args[1:])]
        elif name in MODULI:
            waiting += [here.xreplace({switch: sign * switch.args[0]}) for sign in (-1, 1)]
        else:
            waiting += [here.xreplace({switch: argument}) for argument in switch.args]
    return tuple(sorted(done, key=str)) or (tree,)


def _factors(tree: Any) -> list[Any]:
    """The factors of a product, and the bases of powers: what vanishes where it does, to first order if at all."""
    if tree.is_Mul:
        return [factor for part in tree.args for factor in _factors(part)]
    if tree.is_Pow and tree.exp.is_Number and tree.exp > 0:
        return _factors(tree.base)
    return _polynomial_factors(tree)


def _polynomial_factors(tree: Any) -> list[Any]:
    """(x + 2 y)^2 - 1 is two lines: a surface in two sheets is one where each follows its own."""
    variables = tuple(tree.free_symbols)
    polynomial = tree.as_poly(*variables) if variables and tree.is_Add else None
    if polynomial is None or not 2 <= polynomial.total_degree() <= HIGHEST_FACTORED or not _rational(polynomial):
        return [tree]
    factors = [factor.as_expr() for factor, _ in polynomial.factor_list()[1]]
    return factors if len(factors) > 1 else [tree]


def _rational(polynomial: Any) -> bool:
    return bool(polynomial.domain.is_ZZ or polynomial.domain.is_QQ)


def _innermost(tree: Any) -> Any:
    """A switch whose arguments hold none, or nothing."""
    from sympy import postorder_traversal

    return next((part for part in postorder_traversal(tree) if type(part).__name__ in SWITCHES), None)
