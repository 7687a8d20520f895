"""All zeros of a formula in one coordinate: isolated by interval bounds, then found to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.high_precision import sign_at
from fokker_planck.formulas.bounds.level_boxes import boxes_meeting
from fokker_planck.formulas.expression import Expression
from fokker_planck.formulas.parsing.grammar import symbols

# Zeros closer than this, relative to their size, are one: a few units in the last place.
SAME = 1e-15
# Near x = 0, where doubles go on for ever, intervals are not halved below this part of the domain.
FINEST = 1e-16
# What doubles cannot tell apart is looked at with more digits at so many places; a polynomial's zeros are exact anyway.
PLACES = 257
HALVINGS = 110
"""Of an interval of doubles down to two neighbours: 53 by their digits, the others where a zero is near x = 0."""
MOST_SECANTS = 500
"""Brent's method takes some ten; where more than 500 do not end, halving does."""
MOST_HALVINGS = 1200
"""Doubles around zero are halved 1075 times before none is left between."""


def zeros_on_line(expression: Expression, axis: int, lower: float, upper: float) -> tuple[float, ...]:
    """Every x in [lower, upper] with f(x) = 0, for f of coordinate number ``axis`` alone.

    Places where f jumps, has a pole or begins to be defined are among them: between neighbours f has one sign.

    An interval in which f vanishes is represented by its ends. Where the sign of f drowns in rounding, at multiple
    roots of expanded polynomials, it is taken with 60 digits.

    Raises ConvergenceError where there are too many to be isolated.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> zeros_on_line(parse_expression("(x - 0.6123)**9*(exp(x) - exp(-0.5))"), 0, -1.0, 1.0)
    (-0.5, 0.6123)
    """
    low, high = np.zeros(len(expression.names)), np.zeros(len(expression.names))
    low[axis], high[axis] = lower, upper
    boxes = boxes_meeting(expression, low, high, smallest=FINEST, breaks=True)

    def value(x: float) -> float:
        point = np.zeros((len(expression.names), 1))
        point[axis] = x
        # clipped: an infinity would spoil the secant
        return float(np.clip(expression(point)[0], -1e300, 1e300))

    found = []
    for a, b in zip(boxes.lower[axis], boxes.upper[axis], strict=True):
        at_a, at_b = value(a), value(b)
        if at_a == 0.0 or at_b == 0.0:
            found.append(float(a if at_a == 0.0 else b))
        elif at_a * at_b < 0.0:
            found.append(_shortest(value, _sign_change(value, float(a), float(b))))
    symbol = symbols(expression.names)[axis]
    for a, b in _clusters(boxes.doubtful_lower[axis], boxes.doubtful_upper[axis]):
        if b - a <= max(16.0 * np.spacing(max(abs(a), abs(b))), 16.0 * FINEST * (upper - lower)):
            found.append(0.0 if a <= 0.0 <= b else _shortest(value, 0.5 * (a + b)))
        else:
            found += _with_more_digits(expression.sympy, symbol, a, b)
    return _distinct(found, lower, upper)


def _sign_change(value: Callable[[float], float], a: float, b: float) -> float:
    """Where f changes its sign between a and b, to the next double."""
    from scipy.optimize import brentq

    root, state = brentq(value, a, b, xtol=1e-300, rtol=9e-16, maxiter=MOST_SECANTS, full_output=True, disp=False)
    if state.converged:
        return float(root)
    # a step, or next to a zero of 1e-300, where there are as many doubles between it and one as between one and 1e300
    positive = value(a) > 0.0
    for _ in range(MOST_HALVINGS):
        middle = 0.5 * (a + b)
        if middle in (a, b):
            break
        a, b = (middle, b) if (value(middle) > 0.0) == positive else (a, middle)
    return b


def _clusters(lower: Floats, upper: Floats) -> list[tuple[float, float]]:
    """Runs of intervals that touch each other."""
    joined: list[tuple[float, float]] = []
    for k in np.argsort(lower, kind="stable"):
        a, b = float(lower[k]), float(upper[k])
        if joined and a <= joined[-1][1] + np.spacing(abs(a)):
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return joined


def _with_more_digits(tree: Any, symbol: Any, a: float, b: float) -> list[float]:
    """The zeros in an interval where f is below its rounding; the ends of stretches where it vanishes identically."""
    polynomial = tree.as_poly(symbol) if tree.is_polynomial(symbol) else None
    if polynomial is not None and (polynomial.domain.is_QQ or polynomial.domain.is_ZZ) and not polynomial.is_zero:
        return _of_polynomial(polynomial, a, b)
    places = np.linspace(a, b, PLACES)
    signs = [sign_at(tree, {symbol: float(x)}) for x in places]
    if any(sign is None for sign in signs):
        raise ConvergenceError(
            f"the zeros of a formula between {a:.17g} and {b:.17g} are lost in rounding",
            "a formula whose terms do not cancel, factored say",
        )
    found = []
    for x, y, before, after in zip(places[:-1], places[1:], signs[:-1], signs[1:], strict=True):
        if before != after:
            found.append(_bisected(tree, symbol, float(x), float(y), before))
    return found


def _bisected(tree: Any, symbol: Any, a: float, b: float, before: int | None) -> float:
    """Where the sign, ``before`` at a, becomes another one."""
    for _ in range(HALVINGS):
        middle = 0.5 * (a + b)
        if middle in (a, b):
            break
        if sign_at(tree, {symbol: middle}) == before:
            a = middle
        else:
            b = middle
    return _rounded(a, b)


def _of_polynomial(polynomial: Any, a: float, b: float) -> list[float]:
    """Exactly isolated (Vincent, Akritas and Strzebonski, as sympy has it), multiple roots once."""
    from sympy import Rational

    width = Rational(float(np.spacing(max(abs(a), abs(b), 1e-300)))) / 16
    isolated = polynomial.intervals(eps=width, inf=Rational(a), sup=Rational(b))
    return [_rounded(float(low), float(high)) for (low, high), _multiplicity in isolated]


def _rounded(a: float, b: float) -> float:
    """The shortest decimal between two neighbouring doubles, ends included."""
    middle = 0.5 * (a + b)
    for digits in range(1, 17):
        candidate = float(f"{middle:.{digits}g}")
        if a <= candidate <= b:
            return candidate
    return middle


def _shortest(value: Any, root: float) -> float:
    """A zero that is a short decimal, as it was typed, if f vanishes there, too."""
    for digits in range(1, 17):
        rounded = float(f"{root:.{digits}g}")
        if abs(rounded - root) <= 2e-15 * abs(root) and value(rounded) == 0.0:
            return rounded
    return root


def _distinct(points: list[float], lower: float, upper: float) -> tuple[float, ...]:
    kept: list[float] = []
    for point in sorted(points):
        if kept and point - kept[-1] <= SAME * max(abs(point), abs(kept[-1])):
            kept[-1] = min(kept[-1], point, key=lambda x: len(repr(x)))
        elif lower <= point <= upper:
            kept.append(point)
    return tuple(kept)
