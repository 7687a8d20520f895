"""A formula in the coordinates, with its exact derivatives, evaluated at many points at once."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.parsing import light_tree as light_trees
from fokker_planck.formulas.parsing.grammar import check_tree, read_formula, symbols
from fokker_planck.formulas.parsing.light_nodes import Coordinate, Node, NotLightError
from fokker_planck.formulas.parsing.tape import Tape, UnsupportedFunctionError, compile_tape
from fokker_planck.formulas.parsing.text import checked_parameters, excerpt, parsed_text
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace

COORDINATES = ("x", "y", "z")


@dataclass(frozen=True)
class Expression:
    """A formula in the coordinates, with exact derivatives of every order.

    Parameters
    ----------
    text
        as it was typed
    names
        the coordinates, in the order of the rows of the arrays of points
    parameters
        pairs of name and value
    orders
        how often it has been differentiated with respect to each coordinate
    variables
        the coordinates that occur in the text
    tree
        the formula with the parameters put in: a light tree where it is a polynomial or little more, else one of sympy
    """

    text: str
    names: tuple[str, ...]
    parameters: tuple[tuple[str, float], ...]
    key: str
    orders: tuple[int, ...]
    variables: tuple[str, ...] = field(compare=False)
    tree: Any = field(compare=False, repr=False)
    _derivatives: dict[int, Expression] = field(default_factory=dict, compare=False, repr=False)
    _tapes: dict[int, Tape] = field(default_factory=dict, compare=False, repr=False)

    @property
    def dimension(self) -> int:
        """Least number of coordinates that the formula needs, at least one."""
        return max((self.names.index(v) + 1 for v in self.variables), default=1)

    def derivative(self, axis: int) -> Expression:
        """The partial derivative with respect to coordinate number ``axis``; at kinks the mean of both sides.

        >>> parse_expression("x**2*y").derivative(0)(np.array([[3.0], [2.0]]))
        array([12.])
        """
        if not 0 <= axis < len(self.names):
            raise ValueError(f"the coordinates are numbered 0 to {len(self.names) - 1}, not {axis}")
        if axis not in self._derivatives:
            orders = tuple(k + (i == axis) for i, k in enumerate(self.orders))
            tree = _differentiated(self, axis)
            self._derivatives[axis] = Expression(
                self.text, self.names, self.parameters, self.key, orders, self.variables, tree
            )
        return self._derivatives[axis]

    @cached_property
    def sympy(self) -> Any:
        """The formula as a sympy expression with the parameters put in."""
        return light_trees.sympy_tree(self.tree, self.names) if self.smooth else self.tree

    @property
    def smooth(self) -> bool:
        """Whether it is known, without sympy, to have no branches."""
        return isinstance(self.tree, Node)

    @property
    def without_constant(self) -> Expression:
        """The formula less the terms in which no coordinate occurs, dropped before anything is rounded."""
        if self.smooth:
            rest: Any = light_trees.without_constant(self.tree)
        else:
            _, rest = self.tree.as_independent(*symbols(self.names), as_Add=True)
        return replace(self, tree=rest, _derivatives={}, _tapes={})

    def __call__(self, x: npt.ArrayLike) -> Floats:
        """Values at the points ``x`` of shape (dim, n), of shape (n,); not-a-number where it is undefined."""
        values: Floats = run_tape(self.tape(0), self, x)[0]
        return values

    def tape(self, order: int) -> Tape:
        """Values alone (order 0), or values and the first partial derivatives together (order 1).

        Raises ProblemError where the formula cannot be differentiated.
        """
        if order not in self._tapes:
            slopes = [self.derivative(axis) for axis in range(self.dimension)] if order else []
            self._tapes[order] = joint_tape([self, *slopes])
        return self._tapes[order]

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.text, self.names, self.parameters, self.key, self.orders)

    def __str__(self) -> str:
        return self.text


def parse_expression(
    text: str,
    variables: Sequence[str] = COORDINATES,
    parameters: Mapping[str, float] | None = None,
    key: str = "potential.expression",
) -> Expression:
    """The formula in ``text``: + - * / **, numbers, names and functions, and nothing else.

    Parameters
    ----------
    text
        for example ``(x**2 - 1)**2/4 + k*y**2/2``
    variables
        names of the coordinates, in order
    parameters
        values of the other names; every one must be used
    key
        the entry of the problem that errors name

    Raises
    ------
    ProblemError
        For everything else.

    Notes
    -----
    Functions: exp log sqrt sin cos tan sinh cosh tanh asin acos atan atan2 asinh acosh atanh erf erfc abs sign
    heaviside min max, and piecewise(condition, value, ..., otherwise). Constants: pi e.

    Examples
    --------
    >>> parse_expression("(x**2 - 1)**2/4")(np.array([[0.0, 1.0, 2.0]])).tolist()
    [0.25, 0.0, 2.25]
    """
    names = tuple(variables)
    checked = checked_parameters(parameters, names, key)
    root = parsed_text(text, key)
    words = {node.id for node in ast.walk(root) if isinstance(node, ast.Name)}
    used: tuple[str, ...] = tuple(name for name in names if name in words)
    tree: Any = light_trees.light_tree(root, names, checked) if words >= set(checked) else None
    if tree is None:
        used, tree = read_formula(text, names, checked, key)
    return Expression(text, names, tuple(checked.items()), key, (0,) * len(names), used, tree)


def joint_tape(expressions: Sequence[Expression]) -> Tape:
    """One evaluation for several formulas in the same coordinates; common parts are computed once."""
    first = expressions[0]
    try:
        dimension = max(e.dimension for e in expressions)
        if all(e.smooth for e in expressions):
            return compile_tape([e.tree for e in expressions], [Coordinate(i) for i in range(dimension)])
        return compile_tape([e.sympy for e in expressions], symbols(first.names)[:dimension])
    except UnsupportedFunctionError as error:
        raise _not_differentiable(first, f"the function {error}") from None
    except RecursionError:
        raise _not_differentiable(first, "too many nested brackets") from None


def run_tape(tape: Tape, formula: Expression, x: npt.ArrayLike) -> Floats:
    """Values of all functions on the tape at points of shape (dim, n), of shape (functions, n)."""
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(f"points have shape (dimension, n), not {points.shape}")
    if points.shape[0] < tape.coordinates and formula.variables:
        raise ProblemError(
            formula.key,
            f"the variable {formula.variables[-1]} in '{excerpt(formula.text)}'",
            f"only {', '.join(formula.names[: points.shape[0]])}, the problem has dimension {points.shape[0]}",
        )
    return tape(points)


def _differentiated(formula: Expression, axis: int) -> Any:
    if formula.smooth:
        with suppress(NotLightError, RecursionError):
            return light_trees.derivative(formula.tree, axis)
    from sympy import Derivative

    try:
        derivative = formula.sympy.diff(symbols(formula.names)[axis])
        # sympy writes log(u**2) with its own Abs, whose derivatives jump
        derivative = derivative.replace(lambda t: type(t).__name__ == "DiracDelta", lambda t: t * 0)
    except RecursionError:
        raise _not_differentiable(formula, "too many nested brackets") from None
    if derivative.has(Derivative):
        raise _not_differentiable(formula, "a part without a derivative")
    check_tree(derivative, formula.text, formula.key)
    return derivative


def _not_differentiable(formula: Expression, found: str) -> ProblemError:
    return ProblemError(formula.key, f"{found} in '{excerpt(formula.text)}'", "a formula that can be differentiated")


def _rebuilt(
    text: str, names: tuple[str, ...], parameters: tuple[tuple[str, float], ...], key: str, orders: tuple[int, ...]
) -> Expression:
    result = parse_expression(text, names, dict(parameters), key)
    for axis, count in enumerate(orders):
        for _ in range(count):
            result = result.derivative(axis)
    return result
