"""The text of a formula before it means anything: its characters, its names, its parameters, its syntax tree."""

from __future__ import annotations

import ast
import keyword
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError

LONGEST_TEXT = 10_000
"""Characters of a formula, several pages: parsing and differentiating are not to take minutes."""
DEEPEST_NESTING = 40
"""Brackets in brackets: Python's own parser gives up at 200, with an error of its own."""
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
ALIASES = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "fabs": "abs"}
_RESERVED = frozenset(FUNCTIONS) | frozenset(CONSTANTS) | {"piecewise"}


# syntax that Python knows and formulas do not
REFUSED: dict[type[ast.AST], str] = {
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
        if name in _RESERVED or name in ALIASES:
            raise ProblemError(f"{place}.{name}", "a parameter named like a function or constant", "another name")
        checked[name] = _finite_number(value, f"{place}.{name}")
    return checked


def parameters_key(key: str) -> str:
    """The key of the parameters that go with a formula: potential.expression -> potential.parameters."""
    head = key.rpartition(".")[0]
    return f"{head}.parameters" if head else "parameters"


def parsed_text(text: object, key: str) -> ast.expr:
    """The syntax tree of a formula, of moderate size; raises ProblemError for what is no single formula."""
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
        raise too_deep(text, key)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(joined, mode="eval").body
    except (RecursionError, MemoryError):
        raise too_deep(text, key) from None
    except (SyntaxError, ValueError) as error:
        if "integer string" in str(error):
            raise ProblemError(key, "an integer of thousands of digits", "numbers below 1e308") from None
        column = getattr(error, "offset", None)
        place = f" at character {column}" if column else ""
        raise ProblemError(
            key, f"'{excerpt(joined)}', a syntax error{place}", f"{EXAMPLE}, every product written with *"
        ) from None


def excerpt(text: str, longest: int = 60) -> str:
    """The beginning of a long formula."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def too_deep(text: str, key: str) -> ProblemError:
    """The error for nesting that would exhaust the stack."""
    return ProblemError(key, f"too many nested brackets in '{excerpt(text)}'", f"at most {DEEPEST_NESTING} levels")


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


def _deepest_bracket(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest
