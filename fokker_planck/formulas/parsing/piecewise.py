"""``piecewise(condition, value, condition, value, ..., otherwise)``: the value of the first condition that holds.

A condition compares two formulas, ``u < v``, ``u <= v``, ``u > v``, ``u >= v`` or a chain such as ``0 < x < 1``;
``and``, ``or`` and ``not`` join conditions.  One comparison becomes the sign of a difference, so that its surface is
found like that of ``heaviside``; joined ones become a number that is one where they hold.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from fokker_planck.errors import ProblemError

WANTED = "piecewise(condition, value, condition, value, ..., otherwise), as in piecewise(x < 0, 1, x < y, 2, 3)"
MOST_COMPARISONS = 32
"""In one ``piecewise``: every one is a surface that the mesh follows, and a mesh has room for some dozens."""


class Part(Protocol):
    """A part of a formula: its sympy tree, and its value where it is a number."""

    @property
    def tree(self) -> Any:
        """As sympy has it."""

    @property
    def number(self) -> float | None:
        """None where a coordinate occurs."""


Reader = Callable[[ast.expr], Part]
Complaint = Callable[[str, str], ProblemError]


def is_piecewise(node: ast.AST) -> bool:
    """Whether a syntax tree is a call of ``piecewise``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "piecewise"


def selected(node: ast.Call, read: Reader, error: Complaint) -> Any:
    """The sympy tree of a call of ``piecewise``; ``read`` turns a part of the syntax tree into one of a formula."""
    if node.keywords or len(node.args) < 3 or len(node.args) % 2 == 0:
        raise error(f"piecewise with {len(node.args) + len(node.keywords)} arguments", WANTED)
    if sum(len(part.ops) for part in ast.walk(node) if isinstance(part, ast.Compare)) > MOST_COMPARISONS:
        raise error(f"more than {MOST_COMPARISONS} comparisons", "fewer pieces")
    conditions = [_condition(part, read, error) for part in node.args[:-1:2]]
    values = [read(part).tree for part in (*node.args[1::2], node.args[-1])]
    result = values[-1]
    for (level, holds_at_zero), value in reversed(list(zip(conditions, values[:-1], strict=True))):
        result = _choice(level, holds_at_zero, value, result)
    return result


def _choice(level: Any, holds_at_zero: bool, value: Any, otherwise: Any) -> Any:
    """``value`` where ``level`` > 0, or >= 0 if it ``holds_at_zero``."""
    from fokker_planck.formulas.parsing.real_functions import RealSelect

    return RealSelect(level, value, otherwise) if holds_at_zero else RealSelect(-level, otherwise, value)


def _condition(node: ast.expr, read: Reader, error: Complaint) -> tuple[Any, bool]:
    """A level, and whether the condition holds where it is zero; it does where it is positive."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _comparison(node.left, node.ops[0], node.comparators[0], read, error)
    return _indicator(node, read, error) - _half(), True


def _indicator(node: ast.expr, read: Reader, error: Complaint) -> Any:
    """One where a condition holds, else zero."""
    from sympy import Integer

    if isinstance(node, ast.Compare):
        sides: Sequence[ast.expr] = [node.left, *node.comparators]
        pairs = zip(sides[:-1], node.ops, sides[1:], strict=True)
        return _all([_comparison(u, operator, v, read, error) for u, operator, v in pairs])
    if isinstance(node, ast.BoolOp):
        parts = [_condition(value, read, error) for value in node.values]
        if isinstance(node.op, ast.And):
            return _all(parts)
        result = Integer(0)
        for level, holds_at_zero in reversed(parts):
            result = _choice(level, holds_at_zero, Integer(1), result)
        return result
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return 1 - _indicator(node.operand, read, error)
    raise error("a piece without a condition", WANTED)


def _all(conditions: Sequence[tuple[Any, bool]]) -> Any:
    from sympy import Integer

    result = Integer(1)
    for level, holds_at_zero in reversed(conditions):
        result = _choice(level, holds_at_zero, result, Integer(0))
    return result


def _comparison(u: ast.expr, operator: ast.cmpop, v: ast.expr, read: Reader, error: Complaint) -> tuple[Any, bool]:
    if not isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        raise error("a comparison that is none of < <= > >=", WANTED)
    left, right = read(u), read(v)
    if isinstance(operator, (ast.Lt, ast.LtE)):
        left, right = right, left
    if left.number is not None and right.number is not None:
        from sympy import Integer

        difference = left.number - right.number
        return Integer((difference > 0.0) - (difference < 0.0)), isinstance(operator, (ast.LtE, ast.GtE))
    return left.tree - right.tree, isinstance(operator, (ast.LtE, ast.GtE))


def _half() -> Any:
    from sympy import Rational

    return Rational(1, 2)
