"""The grammar of formulas: a whitelist of syntax, turned node by node into a sympy tree.

Python's own parser reads the text; nothing is ever evaluated as Python. Number arithmetic is done in doubles before
sympy sees it, so that no formula can ask for an integer with a million digits.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError

LONGEST_TEXT = 10_000
DEEPEST_NESTING = 40
LARGEST_EXPONENT = 1000
# exact integers beyond this are rounded (numbers) or refused (coefficients)
MOST_BITS = 8192
EXAMPLE = "a formula such as (x**2 - 1)**2/4 + k*y**2/2"

CONSTANTS = {"pi": math.pi, "e": math.e}


def _heaviside(u: float) -> float:
    return 0.5 if u == 0.0 else float(u > 0.0)


def _sign(u: float) -> float:
    return float((u > 0.0) - (u < 0.0))


# name -> (function of doubles, least and most arguments)
FUNCTIONS: dict[str, tuple[Any, int, int]] = {
    **{name: (getattr(math, name), 1, 1) for name in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan",
        "asinh", "acosh", "atanh", "erf", "erfc")},
    "abs": (abs, 1, 1), "sign": (_sign, 1, 1), "heaviside": (_heaviside, 1, 1),
    "atan2": (math.atan2, 2, 2), "min": (min, 2, 20), "max": (max, 2, 20),
}  # fmt: skip
_ALIASES = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "fabs": "abs"}
_RESERVED = frozenset(FUNCTIONS) | frozenset(CONSTANTS)


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
        return self.error("too many nested brackets", f"at most {DEEPEST_NESTING} levels")


def read_formula(
    text: str, names: Sequence[str], parameters: Mapping[str, float], key: str
) -> tuple[tuple[str, ...], Any]:
    """The coordinates that occur in a formula, and its sympy tree.

    Raises ProblemError with ``key``, or the key of the parameter that is wrong.

    >>> read_formula("k*x**2/2", ("x", "y"), {"k": 3.0}, "potential.expression")
    (('x',), 3*x**2/2)
    """
    root = _parsed(text, key)
    used = {node.id for node in ast.walk(root) if isinstance(node, ast.Name)}
    unused = sorted(set(parameters) - used)
    if unused:
        raise ProblemError(
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


def checked_parameters(parameters: Mapping[str, float] | None, names: Sequence[str], key: str) -> dict[str, float]:
    """Parameters as doubles; raises ProblemError for names and values that cannot be parameters."""
    place = parameters_key(key)
    if parameters is not None and not isinstance(parameters, Mapping):
        raise ProblemError(place, parameters, "a table of names and numbers")
    checked: dict[str, float] = {}
    for name, value in (parameters or {}).items():
        if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
            raise ProblemError(place, f"the parameter name {name!r}", "a name of letters, digits and underscores")
        if name in names:
            raise ProblemError(f"{place}.{name}", "a parameter named like a coordinate", "another name")
        if name in _RESERVED or name in _ALIASES:
            raise ProblemError(f"{place}.{name}", "a parameter named like a function or constant", "another name")
        checked[name] = _finite_number(value, f"{place}.{name}")
    return checked


def parameters_key(key: str) -> str:
    """The key of the parameters that go with a formula: potential.expression -> potential.parameters."""
    head = key.rpartition(".")[0]
    return f"{head}.parameters" if head else "parameters"


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


def excerpt(text: str, longest: int = 60) -> str:
    """The beginning of a long formula."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _finite_number(value: object, key: str) -> float:
    wanted = "a finite number"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ProblemError(key, value, wanted)
    try:
        number = float(value)
    except OverflowError:
        raise ProblemError(key, "an integer that no double holds", wanted) from None
    if not math.isfinite(number):
        raise ProblemError(key, number, wanted)
    return number


def _known_names(names: Sequence[str], parameters: Mapping[str, float]) -> dict[str, Term]:
    from sympy import E, pi

    known = {name: Term(symbol) for name, symbol in zip(names, symbols(names), strict=True)}
    known.update({name: Term(_exact(value), value) for name, value in parameters.items()})
    known.update({"pi": Term(pi, math.pi), "e": Term(E, math.e)})
    return known


def _parsed(text: object, key: str) -> ast.expr:
    if not isinstance(text, str):
        raise ProblemError(key, text, f"a string, {EXAMPLE}")
    if not text.strip():
        raise ProblemError(key, "an empty string", EXAMPLE)
    if len(text) > LONGEST_TEXT:
        raise ProblemError(key, f"{len(text)} characters", f"at most {LONGEST_TEXT}")
    strange = next((c for c in text if not (c.isascii() and (c.isprintable() or c in "\t\r\n")) or c in "#\\;"), None)
    if strange is not None:
        # unicode minus signs and superscripts come with copied formulas
        raise ProblemError(key, f"the character {strange!r}", "plain letters, digits, brackets and + - * / **")
    if "^" in text:
        raise ProblemError(key, f"the operator ^ in '{excerpt(text)}'", "powers written with **, as in x**2")
    joined = " ".join(text.split())
    if _deepest_bracket(joined) > DEEPEST_NESTING:
        raise Scope(text, key, {}).too_deep()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(joined, mode="eval").body
    except (RecursionError, MemoryError):
        raise Scope(text, key, {}).too_deep() from None
    except (SyntaxError, ValueError) as error:
        if "integer string" in str(error):
            raise ProblemError(key, "an integer of thousands of digits", "numbers below 1e308") from None
        column = getattr(error, "offset", None)
        place = f" at character {column}" if column else ""
        raise ProblemError(
            key, f"'{excerpt(joined)}', a syntax error{place}", f"{EXAMPLE}, every product written with *"
        ) from None


def _deepest_bracket(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


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
    raise scope.error(_REFUSED.get(type(node), "something that is no arithmetic"))


_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "an attribute (a dot after a name)",
    ast.Subscript: "square brackets after a name",
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment",
    ast.Compare: "a comparison",
    ast.IfExp: "a condition",
    ast.BoolOp: "a logical operator",
    ast.UnaryOp: "a logical operator",
    ast.Tuple: "a comma",
    ast.List: "a list",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "a string",
    ast.Starred: "a starred argument",
    ast.Await: "the word await",
    ast.Yield: "the word yield",
}


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
    if name in FUNCTIONS:
        raise scope.error(f"the function {name} without its argument", f"{name}(...)")
    raise scope.error(f"the unknown name '{name}'", _suggestion(name, list(scope.names)))


def _suggestion(name: str, known: Sequence[str]) -> str:
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
        return _checked(_exact(number), number, scope)
    return _checked(base.tree**exponent.tree, number, scope)


def _call(node: ast.Call, scope: Scope, depth: int) -> Term:
    if not isinstance(node.func, ast.Name):
        raise scope.error("a bracket after something that is no function", "products written with *, as in 2*(x + 1)")
    name = node.func.id
    if name not in FUNCTIONS:
        if name in scope.names:
            raise scope.error(f"'{name}' followed by a bracket", f"a product written with *, as in {name}*(...)")
        wanted = _ALIASES[name] if name in _ALIASES else _suggestion(name, list(FUNCTIONS))
        raise scope.error(f"the unknown function '{name}'", wanted)
    function, least, most = FUNCTIONS[name]
    if node.keywords or not least <= len(node.args) <= most:
        count = "one argument" if most == 1 else "two arguments" if most == 2 else f"{least} to {most} arguments"
        raise scope.error(f"{name} with {len(node.args) + len(node.keywords)} arguments", f"{name} with {count}")
    terms = [_converted(argument, scope, depth + 1) for argument in node.args]
    number = None
    numbers = [t.number for t in terms if t.number is not None]
    if len(numbers) == len(terms):
        number = _in_doubles(lambda: function(*numbers), scope)
    return _checked(_applied(name, [t.tree for t in terms]), number, scope)


def _applied(name: str, trees: list[Any]) -> Any:
    import sympy

    from fokker_planck import real_functions

    simple = {"abs": real_functions.RealAbs, "sign": real_functions.RealSign, "heaviside": real_functions.RealStep}
    if name in simple:
        return simple[name](*trees)
    if name in ("min", "max"):
        pair = real_functions.RealMin if name == "min" else real_functions.RealMax
        result = trees[0]
        for tree in trees[1:]:
            result = pair(result, tree)
        return result
    return getattr(sympy, name)(*trees)


def _in_doubles(compute: Any, scope: Scope) -> float:
    try:
        return float(compute())
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        raise scope.error("a number that is infinite or not real", "a finite real formula") from None


def _checked(tree: Any, number: float | None, scope: Scope) -> Term:
    """The term, with numbers finite and of a size that stays cheap."""
    if number is None:
        return Term(tree)
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
    if not number.is_Rational or _bits(number) > MOST_BITS:
        return False
    try:
        return math.isfinite(int(number.p) / int(number.q))
    except OverflowError:
        return False
