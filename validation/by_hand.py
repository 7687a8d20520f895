"""Eyring-Kramers rates between wells from a formula of V alone: derivatives by sympy, small matrices by mpmath.

Nothing of this comes from the package, whose own predictions are held to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fokker_planck.quantity import Quantity

Point = Sequence[float]


def value(formula: str, point: Point) -> float:
    """V at a point.

    >>> value("x**2*y", (2.0, 3.0))
    12.0
    """
    return float(_at(_parsed(formula), point))


def hessian(formula: str, point: Point) -> NDArray[np.float64]:
    """The matrix of second derivatives of V at a point.

    >>> hessian("x**2*y", (2.0, 3.0)).tolist()
    [[6.0, 4.0], [4.0, 0.0]]
    """
    import sympy

    V, axes = _parsed(formula), sympy.symbols("x y z")[: len(point)]
    return np.array([[float(_at(sympy.diff(V, a, b), point)) for b in axes] for a in axes])


def polished(formula: str, point: Point) -> tuple[float, ...]:
    """The critical point of V next to a point, by Newton's method.

    >>> [round(x, 12) for x in polished("(x**2 - 1)**2/4 + y**2", (0.9, 0.1))]
    [1.0, 0.0]
    """
    import sympy

    V, axes = _parsed(formula), sympy.symbols("x y z")[: len(point)]
    slopes = [sympy.diff(V, a) for a in axes]
    bends = [[sympy.diff(slope, b) for b in axes] for slope in slopes]
    x = np.array(point, dtype=float)
    for _ in range(20):
        matrix = np.array([[float(_at(entry, x)) for entry in row] for row in bends])
        x = x - np.linalg.solve(matrix, [float(_at(slope, x)) for slope in slopes])
    return tuple(float(c) for c in x)


def rate(formula: str, bottom: Point, saddle: Point, noise: float) -> Quantity:
    """|lambda_-|/(2 pi) sqrt(det Hess V(x)/|det Hess V(z)|) exp(-(V(z) - V(x))/noise).

    >>> round(rate("(x**2 - 1)**2/4", (-1.0,), (0.0,), 0.05).value * 659.3822923750, 9)
    1.0
    """
    well, top = hessian(formula, bottom), hessian(formula, saddle)
    unstable = -float(np.linalg.eigvalsh(top)[0])
    determinants = np.linalg.slogdet(well)[1] - np.linalg.slogdet(top)[1]
    height = value(formula, saddle) - value(formula, bottom)
    return Quantity.of_log(log(unstable / (2.0 * pi)) + 0.5 * float(determinants) - height / noise, 0.0)


def total(rates: Sequence[Quantity]) -> Quantity:
    """The sum of positive quantities.

    >>> total([Quantity.of_log(-2000.0, 0.0)] * 2).log == -2000.0 + log(2.0)
    True
    """
    logs = [float(rate.log or 0.0) for rate in rates]
    return Quantity.of_log(float(np.logaddexp.reduce(logs)), 0.0)


def chain(rates: dict[tuple[int, int], Sequence[Quantity]]) -> list[Quantity]:
    """The eigenvalues but zero of the chain with these rates from well to well, ascending, to all their digits.

    Parallel rates are listed; the chain is in detailed balance only as far as they are.

    >>> one = [Quantity.of_log(-1000.0, 0.0)]
    >>> chain({(0, 1): one, (1, 0): one})[0].log == -1000.0 + log(2.0)
    True
    """
    import mpmath

    size = 1 + max(start for start, _ in rates)
    logs = [float(one.log or 0.0) for ways in rates.values() for one in ways]
    with mpmath.workdps(40 + int(2.0 * (max(logs) - min(logs)))):
        matrix = mpmath.zeros(size)
        for (start, stop), ways in rates.items():
            for one in ways:
                number = mpmath.exp(mpmath.mpf(float(one.log or 0.0)))
                matrix[start, stop] -= number
                matrix[start, start] += number
        found = sorted(mpmath.re(number) for number in mpmath.eig(matrix, left=False, right=False))
        return [Quantity.of_log(float(mpmath.log(number)), 0.0) for number in found[1:]]


def _parsed(formula: str) -> Any:
    import sympy

    return sympy.sympify(formula)


def _at(expression: Any, point: Any) -> Any:
    import sympy

    numbers = [sympy.Float(float(c), 30) for c in point]
    return expression.evalf(30, subs=dict(zip(sympy.symbols("x y z")[: len(numbers)], numbers, strict=True)))
