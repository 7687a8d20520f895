"""Trees of polynomials and a few smooth functions of them, without sympy, whose import takes longer than many answers.

They are turned into trees of sympy where more is asked of them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from fokker_planck.formulas.parsing.light_nodes import (
    FUNCTIONS,
    HIGHEST_POWER,
    Applied,
    Coordinate,
    Node,
    NotLightError,
    Number,
    Power,
    Product,
    Several,
    Sum,
    number,
    power,
    product,
    total,
)

Names: TypeAlias = Mapping[str, Node]


def light_tree(root: ast.expr, names: Sequence[str], parameters: Mapping[str, float]) -> Node | None:
    """The tree of a formula that Python has parsed; None where it is of another kind, or wrong.

    >>> import ast
    >>> tree = light_tree(ast.parse("(x**2 - 1)**2/4", mode="eval").body, ("x", "y"), {})
    >>> str(sympy_tree(derivative(tree, 0), ("x", "y")))
    'x*(x**2 - 1)'
    """
    try:
        known: dict[str, Node] = {name: Coordinate(axis) for axis, name in enumerate(names)}
        known.update({name: number(Fraction(repr(value))) for name, value in parameters.items()})
        return _read(root, known)
    except (NotLightError, RecursionError):
        return None


def _read(node: ast.expr, known: Names) -> Node:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _literal(node.value)
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _read(node.operand, known)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        return _combined(node.op, _read(node.left, known), _read(node.right, known))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        if len(node.args) == 1 and not node.keywords:
            argument = _read(node.args[0], known)
            if not isinstance(argument, Number):
                return FUNCTIONS[node.func.id]((argument,))
    raise NotLightError


def _literal(value: Any) -> Number:
    """A typed number; those beyond doubles are wrong, which sympy's reader says."""
    try:
        return number(Fraction(repr(float(value))))
    except (OverflowError, ValueError):
        raise NotLightError from None


def _combined(operator: ast.operator, left: Node, right: Node) -> Node:
    if isinstance(operator, ast.Add):
        return total(left, right)
    if isinstance(operator, ast.Sub):
        return total(left, -right)
    if isinstance(operator, ast.Mult):
        return product(left, right)
    if isinstance(operator, ast.Div) and isinstance(right, Number) and right.value != 0:
        return product(left, Number(1 / right.value))
    if isinstance(operator, ast.Pow) and isinstance(right, Number) and right.is_Integer:
        if 1 <= right.value <= HIGHEST_POWER:
            return power(left, int(right.value))
    raise NotLightError


def derivative(tree: Node, axis: int) -> Node:
    """The partial derivative; raises NotLightError where numbers grow too long."""
    if isinstance(tree, Coordinate):
        return Number(Fraction(int(tree.axis == axis)))
    if isinstance(tree, Sum):
        return total(*(derivative(part, axis) for part in tree.args))
    if isinstance(tree, Product):
        ways = ((derivative(part, axis), (*tree.args[:i], *tree.args[i + 1 :])) for i, part in enumerate(tree.args))
        return total(*(product(slope, *others) for slope, others in ways))
    if isinstance(tree, Power):
        slope = derivative(tree.base, axis)
        return product(Number(Fraction(tree.exponent)), power(tree.base, tree.exponent - 1), slope)
    if isinstance(tree, Applied):
        return product(_outer(type(tree).__name__, tree.args[0]), derivative(tree.args[0], axis))
    return Number(Fraction(0))


def _outer(name: str, argument: Node) -> Node:
    """The derivative of a function at its argument."""
    one, applied = Number(Fraction(1)), {other: made((argument,)) for other, made in FUNCTIONS.items()}
    slopes: dict[str, Callable[[], Node]] = {
        "exp": lambda: applied["exp"],
        "sin": lambda: applied["cos"],
        "cos": lambda: -applied["sin"],
        "sinh": lambda: applied["cosh"],
        "cosh": lambda: applied["sinh"],
        "tanh": lambda: total(one, -power(applied["tanh"], 2)),
    }
    return slopes[name]()


def without_constant(tree: Node) -> Node:
    """The tree less the number that is added to it."""
    if isinstance(tree, Number):
        return Number(Fraction(0))
    parts = [part for part in tree.args if not isinstance(part, Number)] if isinstance(tree, Sum) else [tree]
    return parts[0] if len(parts) == 1 else Sum(tuple(parts))


def sympy_tree(tree: Node, names: Sequence[str]) -> Any:
    """The same as a tree of sympy."""
    import sympy

    if isinstance(tree, Number):
        return sympy.Rational(tree.value.numerator, tree.value.denominator)
    if isinstance(tree, Coordinate):
        return sympy.Symbol(names[tree.axis], real=True)
    if isinstance(tree, Power):
        return sympy.Pow(sympy_tree(tree.base, names), tree.exponent)
    parts = [sympy_tree(part, names) for part in tree.args] if isinstance(tree, Several) else []
    if isinstance(tree, Sum):
        return sympy.Add(*parts)
    return sympy.Mul(*parts) if isinstance(tree, Product) else getattr(sympy, type(tree).__name__)(*parts)
