"""A set on a line: intervals and points, with their exact ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.high_precision import sign_at
from fokker_planck.formulas.bounds.intervals import bounds
from fokker_planck.formulas.bounds.line_zeros import zeros_on_line
from fokker_planck.formulas.expression import Expression
from fokker_planck.formulas.parsing.grammar import symbols
from fokker_planck.quantity.light_dataclasses import dataclass, field

# Samples of a function that is no formula: two zeros closer than this part of the domain may be missed.
SAMPLES = 4001


@dataclass(frozen=True)
class LineSet:
    """The union of the closed intervals [a_k, b_k], a point where a_k = b_k.

    Its level is the distance to the nearest end, positive inside. ``text`` is what the set was given as.

    >>> LineSet(((-1.0, -0.5), (0.25, 0.25))).contains(np.array([[-0.7, 0.0, 0.25]])).tolist()
    [True, False, True]
    """

    intervals: tuple[tuple[float, float], ...]
    text: str = field(default="", compare=False)

    @property
    def dimension(self) -> int:
        """One."""
        return 1

    def level(self, x: Floats) -> Floats:
        """The greatest of min(x - a_k, b_k - x) at points (1, n), (n,)."""
        depth = [np.minimum(x[0] - a, b - x[0]) for a, b in self.intervals]
        return np.asarray(np.max(depth, axis=0))

    def gradient(self, x: Floats) -> Floats:
        """1 where the nearest end lies to the left of a point inside, and so on; (1, n)."""
        depth = np.array([np.minimum(x[0] - a, b - x[0]) for a, b in self.intervals])
        nearest = np.argmax(depth, axis=0)
        a, b = (np.array(ends)[nearest] for ends in zip(*self.intervals, strict=True))
        return np.where(x[0] - a <= b - x[0], 1.0, -1.0)[None]

    def contains(self, x: Floats) -> Booleans:
        """Which of the points belong to an interval, to rounding."""
        return np.asarray(self.level(x) >= -2e-15 * np.abs(x[0]))

    def project(self, x: Floats) -> Floats:
        """The nearest end."""
        ends = np.array(sorted({end for interval in self.intervals for end in interval}))
        return np.asarray(ends[np.argmin(np.abs(x[0][:, None] - ends), axis=1)][None])

    def faces(self, _lower: object = None, _upper: object = None) -> dict[int, tuple[float, ...]]:
        """All ends."""
        return {0: tuple(sorted({end for interval in self.intervals for end in interval}))}

    def __str__(self) -> str:
        return self.text or repr(self)


def set_of_formula(formula: Expression, lower: float, upper: float, key: str) -> LineSet | None:
    """Where f >= 0 in [lower, upper], every part of it however small; None where that is nowhere.

    Raises :class:`ProblemError` with ``key`` for a formula with more zeros than can be isolated.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> set_of_formula(parse_expression("1e-9 - abs(x - 0.25)"), -1.0, 1.0, "set").intervals
    ((0.249999999, 0.250000001),)
    """
    try:
        places = zeros_on_line(formula, 0, lower, upper)
    except ConvergenceError as error:
        raise ProblemError(key, error.reason, error.remedy) from None
    (symbol,) = symbols(formula.names)[:1]

    def holds(x: float) -> bool:
        point = np.array([[x]])
        value = float(formula(point)[0])
        low, high = bounds(formula, point, point)
        if low[0] <= 0.0 <= high[0]:
            sign = sign_at(formula.sympy, {symbol: x})
            value = value if sign is None else float(sign)
        return value >= 0.0

    def touches(x: float) -> bool:
        return float(formula(np.array([[x]]))[0]) >= 0.0

    return _set_between(places, lower, upper, holds, touches, formula.text)


def set_of_function(function: Callable[[Floats], Floats], lower: float, upper: float, text: str = "") -> LineSet | None:
    """Where a function on points (1, n) is >= 0, as far as 4001 samples of it and its greatest values nearby show."""
    x = np.linspace(lower, upper, SAMPLES)
    values = np.asarray(function(x[None]), dtype=float)
    places = [float(place) for place in x[values == 0.0]]
    inside = values >= 0.0
    for k in np.flatnonzero(inside[1:] != inside[:-1]).tolist():
        places.append(_crossing(function, float(x[k]), float(x[k + 1])))
    left_of, right_of = np.r_[-np.inf, values[:-1]], np.r_[values[1:], -np.inf]
    tops = (values >= left_of) & (values >= right_of) & ((values > left_of) | (values > right_of)) & (values < 0.0)
    for k in np.flatnonzero(tops).tolist():
        left, right = float(x[max(k - 1, 0)]), float(x[min(k + 1, SAMPLES - 1)])
        top, value = _greatest(function, left, right)
        if value >= 0.0:
            places += [_crossing(function, left, top), _crossing(function, top, right), top]

    def holds(at: float) -> bool:
        return bool(function(np.array([[at]]))[0] >= 0.0)

    return _set_between(tuple(sorted(set(places))), lower, upper, holds, holds, text)


def _greatest(function: Callable[[Floats], Floats], left: float, right: float) -> tuple[float, float]:
    """Where the function is greatest between two points with one maximum between them, and how great."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda t: -float(function(np.array([[t]]))[0]),
        bounds=(left, right), method="bounded", options={"xatol": 1e-15 * max(abs(left), abs(right))},
    )  # fmt: skip
    return float(found.x), -float(found.fun)


def _crossing(function: Callable[[Floats], Floats], a: float, b: float) -> float:
    """Where a function passes between negative and not, by bisection: it may jump there, or be no number."""
    inside = bool(function(np.array([[a]]))[0] >= 0.0)
    if bool(function(np.array([[b]]))[0] >= 0.0) == inside:
        return a if inside else b
    for _ in range(200):
        middle = 0.5 * (a + b)
        if middle in (a, b):
            break
        if bool(function(np.array([[middle]]))[0] >= 0.0) == inside:
            a = middle
        else:
            b = middle
    return a if inside else b


def _set_between(
    places: tuple[float, ...],
    lower: float,
    upper: float,
    holds: Callable[[float], bool],
    touches: Callable[[float], bool],
    text: str,
) -> LineSet | None:
    """The stretches between neighbouring places where ``holds``, joined, and the single places that touch zero."""
    knots = sorted({lower, *places, upper})
    found: list[tuple[float, float]] = []
    for a, b in zip(knots[:-1], knots[1:], strict=True):
        if holds(0.5 * (a + b)):
            if found and found[-1][1] == a:
                found[-1] = (found[-1][0], b)
            else:
                found.append((a, b))
        elif (a in places or a == lower) and not (found and found[-1][1] == a) and touches(a):
            found.append((a, a))
    if not (found and found[-1][1] == upper) and touches(upper):
        found.append((upper, upper))
    return LineSet(tuple(found), text) if found else None
