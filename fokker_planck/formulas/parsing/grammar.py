"""The grammar of formulas: a whitelist of syntax, turned node by node into a sympy tree.

Python's own parser reads the text; nothing is ever evaluated as Python. Number arithmetic is done in doubles before
sympy sees it, so that no formula can ask for an integer with a million digits.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fokker_planck.errors import ProblemError, UnknownKeyError
from fokker_planck.formulas.parsing.piecewise import is_piecewise, selected
from fokker_planck.formulas.parsing.text import (
    ALIASES,
    DEEPEST_NESTING,
    EXAMPLE,
    FUNCTIONS,
    REFUSED,
    excerpt,
    parameters_key,
    parsed_text,
    too_deep,
)
from fokker_planck.quantity.light_dataclasses import dataclass

LARGEST_EXPONENT = 1000
"""Of a typed number as a power: x^1000 leaves doubles for every |x| above 2.04 and below 0.49, more is a slip."""
# An exponent with a larger denominator, such as 1e-320, is kept as a double: sympy looks for roots of so high an order
# factor by factor, without an end for (1.03*x)**(-37/999963). Below it x**(1/3) stays exact.
LARGEST_ROOT = 10_000
# exact integers beyond this are rounded (numbers) or refused (coefficients)
MOST_BITS = 8192


@dataclass(frozen=True)
class Term:
    """A part of a formula: its sympy tree, and its value where it is a number."""

    tree: Any
    number: float | None = None


@dataclass(frozen=True)
class Scope:
    """What the names of a formula stand for, and how to complain about it."""

    text: str
    key: str
    names: Mapping[str, Term]

    def error(self, found: str, wanted: str = EXAMPLE) -> ProblemError:
        """The error with the formula attached."""
        return ProblemError(self.key, f"{found} in '{excerpt(self.text)}'", wanted)

    def too_deep(self) -> ProblemError:
        """The error for nesting that would exhaust the stack."""
        return too_deep(self.text, self.key)


def read_formula(
    text: str, names: Sequence[str], parameters: Mapping[str, float], key: str
) -> tuple[tuple[str, ...], Any]:
    """The coordinates that occur in a formula, and its sympy tree.

    Raises ProblemError with ``key``, or the key of the parameter that is wrong.

    >>> read_formula("k*x**2/2", ("x", "y"), {"k": 3.0}, "potential.expression")
    (('x',), 3*x**2/2)
    """
    root = parsed_text(text, key)
    used = {node.id for node in ast.walk(root) if isinstance(node, ast.Name)}
    unused = sorted(set(parameters) - used)
    if unused:
        raise UnknownKeyError(
            f"{parameters_key(key)}.{unused[0]}",
            "a parameter that the expression does not use",
            "only parameters that it uses",
        )
    scope = Scope(text, key, _known_names(names, parameters))
    try:
        tree = _converted(root, scope, 0).tree
        check_tree(tree, text, key)
    except RecursionError:
        raise scope.too_deep() from None
    return tuple(name for name in names if name in used), tree


def check_tree(tree: Any, text: str, key: str) -> None:
    """Raise ProblemError where a sympy tree is not a finite real formula."""
    from sympy import I, Number, nan, oo, zoo

    if tree.has(I) or tree.has(zoo) or tree.has(nan) or tree.has(oo) or tree.has(-oo):
        raise ProblemError(key, f"a part that is infinite or not real in '{excerpt(text)}'", "a finite real formula")
    for number in tree.atoms(Number):
        if not _fits(number):
            raise ProblemError(key, f"a coefficient beyond every double in '{excerpt(text)}'", "moderate numbers")


def symbols(names: Sequence[str]) -> tuple[Any, ...]:
    """The real sympy symbols of the coordinates."""
    from sympy import Symbol

    return tuple(Symbol(name, real=True) for name in names)


def _known_names(names: Sequence[str], parameters: Mapping[str, float]) -> dict[str, Term]:
    from sympy import E, pi

    known = {name: Term(symbol) for name, symbol in zip(names, symbols(names), strict=True)}
    known.update({name: Term(_exact(value), value) for name, value in parameters.items()})
    known.update({"pi": Term(pi, math.pi), "e": Term(E, math.e)})
    return known


def _converted(node: ast.expr, scope: Scope, depth: int) -> Term:
    if depth > DEEPEST_NESTING:
        raise scope.too_deep()
    if isinstance(node, ast.Constant):
        return _literal(node.value, scope)
    if isinstance(node, ast.Name):
        return _named(node.id, scope)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        term = _converted(node.operand, scope, depth + 1)
        if isinstance(node.op, ast.UAdd):
            return term
        return _checked(-term.tree, None if term.number is None else -term.number, scope)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return _sum(node, scope, depth)
        if isinstance(node.op, (ast.Mult, ast.Div)):
            return _product(node, scope, depth)
        if isinstance(node.op, ast.Pow):
            return _power(_converted(node.left, scope, depth + 1), _converted(node.right, scope, depth + 1), scope)
        raise scope.error("an unknown operator", "only + - * / and **")
    if isinstance(node, ast.Call):
        return _call(node, scope, depth)
    raise scope.error(REFUSED.get(type(node), "something that is no arithmetic"))


def _literal(value: object, scope: Scope) -> Term:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind = {bool: "a truth value", complex: "an imaginary number", str: "a string", bytes: "a string"}
        raise scope.error(kind.get(type(value), f"the word {value!r}"), "numbers, names and functions only")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return _checked(None, number, scope)


def _named(name: str, scope: Scope) -> Term:
    if name in scope.names:
        return scope.names[name]
    if name in FUNCTIONS or name == "piecewise":
        raise scope.error(f"the function {name} without its argument", f"{name}(...)")
    raise scope.error(f"the unknown name '{name}'", _suggestion(name, list(scope.names)))


def _suggestion(name: str, known: Sequence[str]) -> str:
    import difflib  # of use where something is refused

    close = difflib.get_close_matches(name, known, n=1)
    listed = f"one of {', '.join(known)}"
    return f"{close[0]}? It is {listed}" if close else listed


def _sum(node: ast.expr, scope: Scope, depth: int) -> Term:
    from sympy import Add

    terms = []
    for operator, part in _chain(node, (ast.Add, ast.Sub)):
        term = _converted(part, scope, depth + 1)
        if isinstance(operator, ast.Sub):
            term = Term(-term.tree, None if term.number is None else -term.number)
        terms.append(term)
    numbers = [t.number for t in terms if t.number is not None]
    total = sum(numbers) if len(numbers) == len(terms) else None
    return _checked(Add(*(t.tree for t in terms)), total, scope)


def _product(node: ast.expr, scope: Scope, depth: int) -> Term:
    from sympy import Mul

    trees, product = [], 1.0
    all_numbers = True
    for operator, part in _chain(node, (ast.Mult, ast.Div)):
        term = _converted(part, scope, depth + 1)
        dividing = isinstance(operator, ast.Div)
        if dividing and (term.number == 0.0 or term.tree.is_zero):
            raise scope.error("a division by zero", "a finite real formula")
        all_numbers = all_numbers and term.number is not None
        if all_numbers and term.number is not None:
            product = product / term.number if dividing else product * term.number
        trees.append(1 / term.tree if dividing else term.tree)
    return _checked(Mul(*trees), product if all_numbers else None, scope)


def _chain(node: ast.expr, operators: tuple[type[ast.operator], ...]) -> Iterator[tuple[ast.operator | None, ast.expr]]:
    """The operands of a - b + c - ..., each with the operator before it; a long sum is not a deep one."""
    parts: list[tuple[ast.operator | None, ast.expr]] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, operators):
        parts.append((node.op, node.right))
        node = node.left
    parts.append((None, node))
    return reversed(parts)


def _power(base: Term, exponent: Term, scope: Scope) -> Term:
    number = None
    if exponent.number is not None and abs(exponent.number) > LARGEST_EXPONENT:
        raise scope.error("a huge power", f"exponents up to {LARGEST_EXPONENT}")
    if base.number is not None and exponent.number is not None:
        number = _in_doubles(lambda: math.pow(base.number or 0.0, exponent.number or 0.0), scope)
    if base.number is not None and base.number <= 0.0 and exponent.number is None:
        raise scope.error("a power of a number that is not positive", "a positive base for a varying exponent")
    bits = max((_bits(n) for n in _numbers(base.tree)), default=0)
    if exponent.number is not None and bits * abs(exponent.number) > MOST_BITS:
        if number is None:
            raise scope.error("a huge power of a coefficient", "smaller exponents or shorter coefficients")
        return _checked(None, number, scope)
    if exponent.number is None and (base.tree.is_Pow or base.tree.is_Rational):
        # (c**x)**(n/x) becomes c**n, and c**(x + n) is c**x times c**n
        largest = max((abs(float(n)) for n in _numbers(exponent.tree)), default=0.0)
        if bits * largest > MOST_BITS:
            raise scope.error("a huge power of a coefficient", "smaller exponents or shorter coefficients")
    if number is not None and not (exponent.tree.is_Integer and base.tree.is_Rational):
        return _checked(None, number, scope)
    return _checked(base.tree ** _moderate(exponent.tree), number, scope)


def _moderate(exponent: Any) -> Any:
    """The exponent, as a double where it is a fraction of many digits."""
    from sympy import Float

    many = exponent.is_Rational and int(exponent.q) > LARGEST_ROOT
    return Float(float(exponent)) if many else exponent


def _call(node: ast.Call, scope: Scope, depth: int) -> Term:
    if not isinstance(node.func, ast.Name):
        raise scope.error("a bracket after something that is no function", "products written with *, as in 2*(x + 1)")
    name = node.func.id
    if is_piecewise(node):
        tree = selected(node, lambda part: _converted(part, scope, depth + 1), scope.error)
        return _checked(tree, float(tree) if tree.is_Number else None, scope)
    if name not in FUNCTIONS:
        if name in scope.names:
            raise scope.error(f"'{name}' followed by a bracket", f"a product written with *, as in {name}*(...)")
        wanted = ALIASES[name] if name in ALIASES else _suggestion(name, [*FUNCTIONS, "piecewise"])
        raise scope.error(f"the unknown function '{name}'", wanted)
    function, least, most = FUNCTIONS[name]
    if node.keywords or not least <= len(node.args) <= most:
        count = "one argument" if most == 1 else "two arguments" if most == 2 else f"{least} to {most} arguments"
        raise scope.error(f"{name} with {len(node.args) + len(node.keywords)} arguments", f"{name} with {count}")
    terms = [_converted(argument, scope, depth + 1) for argument in node.args]
    numbers = [t.number for t in terms if t.number is not None]
    if len(numbers) == len(terms):
        # in doubles alone: sympy would look for closed forms of numbers of any size
        return _checked(None, _in_doubles(lambda: function(*numbers), scope), scope)
    return _checked(_applied(name, [t.tree for t in terms]), None, scope)


def _applied(name: str, trees: list[Any]) -> Any:
    import sympy

    from fokker_planck.formulas.parsing import real_functions

    simple = {"abs": real_functions.RealAbs, "sign": real_functions.RealSign, "heaviside": real_functions.RealStep}
    if name in simple:
        return simple[name](*trees)
    if name in ("min", "max"):
        pair = real_functions.RealMin if name == "min" else real_functions.RealMax
        result = trees[0]
        for tree in trees[1:]:
            result = pair(result, tree)
        return result
    return real_functions.arcus_tangent(trees[0]) if name == "atan" else getattr(sympy, name)(*trees)


def _in_doubles(compute: Any, scope: Scope) -> float:
    try:
        return float(compute())
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        raise scope.error("a number that is infinite or not real", "a finite real formula") from None


def _checked(tree: Any, number: float | None, scope: Scope) -> Term:
    """The term, with numbers finite and of a size that stays cheap: also one whose coordinates have cancelled."""
    if number is None and not tree.is_Number:
        return Term(tree)
    if number is None:
        number = _in_doubles(lambda: float(tree), scope)
    if not math.isfinite(number):
        raise scope.error("a number that no double holds", "numbers below 1e308")
    if tree is None or any(_bits(n) > MOST_BITS for n in _numbers(tree)):
        tree = _exact(number)
    return Term(tree, number)


def _exact(value: float) -> Any:
    """The shortest decimal that is this double, as a fraction: 0.1 is 1/10."""
    from sympy import Rational

    return Rational(repr(value))


def _numbers(tree: Any) -> Any:
    from sympy import Rational

    return tree.atoms(Rational)


def _bits(number: Any) -> int:
    return max(abs(int(number.p)).bit_length(), int(number.q).bit_length())


def _fits(number: Any) -> bool:
    if number.is_Float:
        return math.isfinite(float(number))
    if not number.is_Rational or _bits(number) > MOST_BITS:
        return False
    try:
        return math.isfinite(int(number.p) / int(number.q))
    except OverflowError:
        return False
