"""Where a formula on the line changes its branch: the zeros of what stands inside abs, sign, heaviside, min and max."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.bounds.line_zeros import zeros_on_line
from fokker_planck.formulas.expression import Expression
from fokker_planck.formulas.parsing.grammar import symbols
from fokker_planck.formulas.parsing.switches import CHOICES, ONE_ARGUMENT, STEPS, TWO_ARGUMENTS
from fokker_planck.formulas.parsing.tape import UnsupportedFunctionError, compile_tape

SAMPLES = 4001
"""On the interval where zeros of a callable are looked for: two of them within 1/4,000 of it are not seen; formulas are
proved by bounds instead."""
SAME = 4.0 * np.finfo(float).eps
"""Of the largest coordinate: zeros of two parts of a formula that are written alike differ by a few units in the last
place. With 1e-12 of the interval a layer that was narrower was left out, whatever it held."""
MOST_CHANGES = 1500
"""Of sign between ``SAMPLES`` random points, which some 2,800 zeros make: to isolate 95,000 takes 10 s, and no mesh
follows them. Points side by side would see a wave of that length as one of a few hundred."""


def kinks_of(formulas: Sequence[Expression], lower: float, upper: float) -> tuple[float, ...]:
    """The points between ``lower`` and ``upper`` at which some formula in x passes from one branch to another.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> kinks_of([parse_expression("x*abs(x - 0.25) + max(x, -1)")], -2.0, 2.0)
    (-1.0, 0.25)
    """
    trees = {tree for formula in formulas if not formula.smooth for tree in _switches(formula.sympy)}
    found: list[float] = []
    for tree in sorted(trees, key=str):
        found += zeros_of_tree(tree, formulas[0], lower, upper)
    return distinct(found, lower, upper)


def breaks_in(formula: Expression, name: str, latest: float) -> list[float]:
    """The values of one variable, between zero and a ``latest``, at which a part that has no other changes its branch.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> breaks_in(parse_expression("heaviside(t - 3)*x + abs(x - 1)", ("t", "x")), "t", 10.0)
    [3.0]
    """
    if formula.smooth:
        return []
    trees = {tree for tree in _switches(formula.sympy) if {str(symbol) for symbol in tree.free_symbols} == {name}}
    axis, found = list(map(str, formula.names)).index(name), []
    for tree in sorted(trees, key=str):
        found += zeros_of_tree(tree, formula, 0.0, latest, axis)
    return found


def zeros_of_tree(tree: Any, formula: Expression, lower: float, upper: float, axis: int = 0) -> list[float]:
    """Where a part of a formula, in one coordinate, vanishes: proved to be all, if bounds come to an end.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> formula = parse_expression("max(1 - abs(x - 0.25)/1e-9, 0)")
    >>> [round(x - 0.25, 12) for x in kinks_of([formula], -1.0, 1.0)]
    [-1e-09, 0.0, 1e-09]
    """
    part = replace(formula, tree=tree, variables=(formula.names[axis],), _derivatives={}, _tapes={})
    function = _function(tree, formula.names, axis)
    changes = changes_of_sign(function, lower, upper)
    if changes > MOST_CHANGES:
        raise ProblemError(
            formula.key,
            f"more than {changes} places at which {tree} changes its sign, and the formula jumps or has a kink",
            "so few that a mesh can follow them",
        )
    try:
        return [x for x in zeros_on_line(part, axis, lower, upper) if lower < x < upper]
    except (ConvergenceError, ProblemError):
        return zeros(function, lower, upper)


def distinct(points: Iterable[float], lower: float, upper: float) -> tuple[float, ...]:
    """The points in order, those that differ by rounding once: the shortest to write.

    >>> distinct([0.2, 0.19999999999999998, 1.0], 0.0, 1.0)
    (0.2, 1.0)
    """
    kept: list[float] = []
    rounding = SAME * max(abs(lower), abs(upper))
    for point in sorted(points):
        if kept and point - kept[-1] <= rounding:
            kept[-1] = min(kept[-1], point, key=lambda x: len(repr(x)))
        else:
            kept.append(float(point))
    return tuple(kept)


def zeros(function: Any, lower: float, upper: float) -> list[float]:
    """Where a function of points (n,) changes its sign, to rounding, as far as a fine grid shows.

    >>> zeros(lambda x: x**3 - 2.0, 0.0, 2.0)[0] == 2.0 ** (1 / 3)
    True
    """
    from scipy.optimize import brentq

    x = np.linspace(lower, upper, SAMPLES)
    values = function(x)
    found = [float(x[k]) for k in np.flatnonzero(values == 0.0)]
    if len(found) > SAMPLES // 2:
        return []
    for k in np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0.0):
        # clipped, and whatever the last step was: at a pole secants have no end
        root, _ = brentq(
            lambda t: float(np.clip(function(np.array([t]))[0], -1e300, 1e300)),
            x[k], x[k + 1], xtol=1e-300, rtol=1e-15, maxiter=500, full_output=True, disp=False,
        )  # fmt: skip
        found.append(_shortest(function, float(root)))
    return sorted(point for point in found if lower < point < upper)


def changes_of_sign(function: Any, lower: float, upper: float) -> int:
    """How often a function changes its sign between ``SAMPLES`` points at random, the same ones every time."""
    x = np.sort(np.random.default_rng(0).uniform(lower, upper, SAMPLES))
    with np.errstate(all="ignore"):
        values = np.sign(function(x))
    return int((values[:-1] * values[1:] < 0.0).sum())


def _shortest(function: Any, root: float) -> float:
    """A root that is a short decimal, as it was typed, if the function vanishes there, too."""
    for digits in range(1, 16):
        rounded = float(f"{root:.{digits}g}")
        if abs(rounded - root) <= 4e-16 * abs(root) and function(np.array([rounded]))[0] == 0.0:
            return rounded
    return root


def _switches(tree: Any) -> set[Any]:
    found = set()
    for part in _parts(tree):
        name = type(part).__name__
        if name in (*ONE_ARGUMENT, *CHOICES):
            found.add(part.args[0])
        elif name in TWO_ARGUMENTS:
            found.add(part.args[0] - part.args[1])
    return found


def has_steps(formula: Expression, names: Sequence[str]) -> bool:
    """Whether a formula has a sign or a step of something in these coordinates.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> [has_steps(parse_expression(text), "x") for text in ("heaviside(x - 1)", "abs(x) + sign(y)")]
    [True, False]
    """
    if formula.smooth:
        return False
    wanted = {str(name) for name in names}
    steps = [part for part in _parts(formula.sympy) if type(part).__name__ in STEPS]
    return any(wanted & {str(symbol) for symbol in step.free_symbols} for step in steps)


def _parts(tree: Any) -> Any:
    from sympy import preorder_traversal

    return preorder_traversal(tree)


def _function(tree: Any, names: Sequence[str], axis: int = 0) -> Any:
    try:
        tape = compile_tape([tree], [symbols(names)[axis]])
    except (UnsupportedFunctionError, RecursionError):
        return np.ones_like
    return lambda x: tape(np.asarray(x, dtype=np.float64)[None])[0]
