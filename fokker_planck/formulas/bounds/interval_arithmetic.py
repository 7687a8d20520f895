"""Interval arithmetic on arrays: [low, high] encloses every value of an operation on every point of its arguments.

An interval is a pair of arrays. Ends are rounded outwards, far enough to enclose the exact value and what numpy
computes for it, too. Where an operation is undefined on a part of its arguments (a root of something that may be
negative) the interval encloses the values on the other part; where it is undefined everywhere both ends are NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from fokker_planck.quantity.light_dataclasses import dataclass

EPSILON = float(np.finfo(float).eps)
LARGEST, LEAST_NORMAL = float(np.finfo(float).max), float(np.finfo(float).tiny)
"""Doubles."""
# Relative error allowed to an elementary function: numpy promises up to 4 units in the last place for its vectorised
# functions, scipy's erf and erfc are within 3 (measured against mpmath); wider costs nothing that a box would notice.
ELEMENTARY = 8.0 * EPSILON
# The double nearest to a rational exponent p/q is off by half a unit, which u**(p/q) multiplies by the logarithm of a
# result below 1e308: at most 745 units.
ROOT = 1e3 * EPSILON
TURN = 2.0 * np.pi
"""The period of sine and cosine."""


@dataclass(frozen=True)
class Interval:
    """Ends of an interval for every box; ``continuous`` where the function is so on the whole box, and defined."""

    low: Any
    high: Any
    continuous: Any = True


def exact(value: float) -> Interval:
    """A coefficient: the decimal that was typed and the double next to it.

    >>> exact(0.25) == Interval(0.25, 0.25)
    True
    >>> exact(0.1).low < 0.1 < exact(0.1).high
    True
    """
    if abs(value) < 2.0**30 and (value * 2.0**20).is_integer():
        return Interval(value, value)
    return Interval(float(np.nextafter(value, -np.inf)), float(np.nextafter(value, np.inf)))


def add(u: Interval, v: Interval) -> Interval:
    """u + v."""
    return _outward(u.low + v.low, u.high + v.high, u, v)


def subtract(u: Interval, v: Interval) -> Interval:
    """u - v."""
    return _outward(u.low - v.high, u.high - v.low, u, v)


def negate(u: Interval) -> Interval:
    """-u, exactly."""
    return Interval(-u.high, -u.low, u.continuous)


def multiply(u: Interval, v: Interval) -> Interval:
    """u v, with 0 times infinity 0: an infinite end stands for numbers beyond every bound, not for infinity."""
    corners = (u.low * v.low, u.low * v.high, u.high * v.low, u.high * v.high)
    low = np.fmin(np.fmin(corners[0], corners[1]), np.fmin(corners[2], corners[3]))
    high = np.fmax(np.fmax(corners[0], corners[1]), np.fmax(corners[2], corners[3]))
    nothing = np.isnan(low)
    if np.any(nothing):
        defined = np.logical_not(np.isnan(u.low) | np.isnan(v.low))
        low, high = np.where(nothing & defined, 0.0, low), np.where(nothing & defined, 0.0, high)
    return _outward(low, high, u, v)


def divide(u: Interval, v: Interval) -> Interval:
    """u/v: everything where v may pass through zero, one-sided where it only touches it."""
    if np.ndim(v.low) == 0 and v.low > 0.0:
        # by a coefficient, as in x**2/4: half of the time of many formulas
        low, high = np.minimum(u.low / v.low, u.low / v.high), np.maximum(u.high / v.low, u.high / v.high)
        return _outward(low, high, u, v)
    below, above = np.where(v.low == 0.0, 0.0, v.low), np.where(v.high == 0.0, -0.0, v.high)
    corners = (u.low / below, u.low / above, u.high / below, u.high / above)
    low = np.fmin(np.fmin(corners[0], corners[1]), np.fmin(corners[2], corners[3]))
    high = np.fmax(np.fmax(corners[0], corners[1]), np.fmax(corners[2], corners[3]))
    apart = _away_from_zero(v)
    through = (v.low < 0.0) & (v.high > 0.0) | np.isnan(low)
    defined = np.logical_not(np.isnan(u.low) | np.isnan(v.low))
    low = np.where(through & defined, -np.inf, low)
    high = np.where(through & defined, np.inf, high)
    return _outward(low, high, u, v, apart)


def power(u: Interval, exponent: float) -> Interval:
    """u**n for an integer n > 0, even powers not below zero; u**(p/q) of what is not negative."""
    if exponent == int(exponent):
        # repeated squaring makes an error at every product
        error = max(ELEMENTARY, exponent * EPSILON)
        low, high = np.power(u.low, exponent), np.power(u.high, exponent)
        if exponent % 2 == 0:
            both = (u.low < 0.0) & (u.high > 0.0)
            low, high = np.where(both, 0.0, np.minimum(low, high)), np.maximum(low, high)
            return _within(_widened(low, high, error, u.continuous), 0.0, np.inf)
        return _widened(low, high, error, u.continuous)
    defined = np.where(u.high < 0.0, np.nan, 1.0)
    low = np.power(np.maximum(u.low, 0.0) * defined, exponent)
    high = np.power(np.maximum(u.high, 0.0) * defined, exponent)
    widened = _widened(low, high, ELEMENTARY if exponent == 0.5 else ROOT, u.continuous & (u.low >= 0.0))
    return _within(widened, 0.0, np.inf)


def varying_power(u: Interval, v: Interval) -> Interval:
    """u**v, whose extremes lie at the corners where u >= 0; |u| bounds it where only whole exponents give a number."""
    negative = u.low < 0.0
    least = np.where(negative, 0.0, u.low)
    most = np.maximum(np.abs(u.low), np.abs(u.high))
    corners = [np.power(base, exponent) for base in (least, most) for exponent in (v.low, v.high)]
    low, high = corners[0], corners[0]
    for corner in corners[1:]:
        low, high = np.minimum(low, corner), np.maximum(high, corner)
    low = np.where(negative, -high, low)
    return _widened(low, high, ROOT, u.continuous & v.continuous & (u.low > 0.0))


def maximum(u: Interval, v: Interval) -> Interval:
    """max(u, v), exactly."""
    return Interval(np.maximum(u.low, v.low), np.maximum(u.high, v.high), u.continuous & v.continuous)


def minimum(u: Interval, v: Interval) -> Interval:
    """min(u, v), exactly."""
    return Interval(np.minimum(u.low, v.low), np.minimum(u.high, v.high), u.continuous & v.continuous)


def absolute(u: Interval) -> Interval:
    """|u|, exactly."""
    low, high = np.abs(u.low), np.abs(u.high)
    both = (u.low < 0.0) & (u.high > 0.0)
    return Interval(np.where(both, 0.0, np.minimum(low, high)), np.maximum(low, high), u.continuous)


def sign(u: Interval) -> Interval:
    """-1, 0 or 1."""
    return Interval(np.sign(u.low), np.sign(u.high), u.continuous & _away_from_zero(u))


def step(u: Interval) -> Interval:
    """0, 1/2 or 1."""
    return Interval(np.heaviside(u.low, 0.5), np.heaviside(u.high, 0.5), u.continuous & _away_from_zero(u))


def select(level: Interval, u: Interval, v: Interval) -> Interval:
    """u where level >= 0, else v; both where the sign is open."""
    first, second = level.low >= 0.0, level.high < 0.0
    low = np.where(first, u.low, np.where(second, v.low, np.fmin(u.low, v.low)))
    high = np.where(first, u.high, np.where(second, v.high, np.fmax(u.high, v.high)))
    continuous = np.where(first, u.continuous, np.where(second, v.continuous, False))
    return Interval(low, high, continuous & level.continuous)


def sine(u: Interval, shift: float = 0.0, function: Callable[..., Any] = np.sin) -> Interval:
    """sin(u), with its crests at pi/2 + ``shift`` + 2 pi k."""
    low, high = function(u.low), function(u.high)
    low, high = np.minimum(low, high), np.maximum(low, high)
    high = np.where(_meets(u, 0.25 * TURN + shift, TURN), 1.0, high)
    low = np.where(_meets(u, 0.75 * TURN + shift, TURN), -1.0, low)
    endless = np.isinf(u.low) | np.isinf(u.high)
    low, high = np.where(endless, -1.0, low), np.where(endless, 1.0, high)
    return _within(_widened(low, high, ELEMENTARY, u.continuous), -1.0, 1.0)


def cosine(u: Interval) -> Interval:
    """cos(u)."""
    return sine(u, -0.25 * TURN, np.cos)


def tangent(u: Interval) -> Interval:
    """tan(u): everything across a pole."""
    pole = _meets(u, 0.25 * TURN, 0.5 * TURN)
    low, high = np.where(pole, -np.inf, np.tan(u.low)), np.where(pole, np.inf, np.tan(u.high))
    return _widened(low, high, ELEMENTARY, u.continuous & np.logical_not(pole))


def cotangent(u: Interval) -> Interval:
    """cot(u): everything across a pole."""
    pole = _meets(u, 0.0, 0.5 * TURN)
    low, high = np.where(pole, -np.inf, 1.0 / np.tan(u.high)), np.where(pole, np.inf, 1.0 / np.tan(u.low))
    return _widened(low, high, ELEMENTARY, u.continuous & np.logical_not(pole))


def hyperbolic_cosine(u: Interval) -> Interval:
    """cosh(u), that of |u|."""
    size = absolute(u)
    return _within(_widened(np.cosh(size.low), np.cosh(size.high), ELEMENTARY, u.continuous), 1.0, np.inf)


def angle(y: Interval, x: Interval) -> Interval:
    """atan2(y, x): the extremes of a box at its corners, unless it meets the half-line where the angle jumps."""
    corners = [np.arctan2(a, b) for a in (y.low, y.high) for b in (x.low, x.high)]
    low, high = corners[0], corners[0]
    for corner in corners[1:]:
        low, high = np.minimum(low, corner), np.maximum(high, corner)
    cut = (x.low <= 0.0) & (y.low <= 0.0) & (y.high >= 0.0)
    low, high = np.where(cut, -np.pi, low), np.where(cut, np.pi, high)
    return _widened(low, high, ELEMENTARY, y.continuous & x.continuous & np.logical_not(cut))


def _rising(
    function: Callable[..., Any], lowest: float = -np.inf, highest: float = np.inf, open_at: tuple[float, ...] = ()
) -> Callable[[Interval], Interval]:
    """A function that rises from one end of its domain to the other; ``open_at`` lists ends where it is infinite."""

    def enclosed(u: Interval) -> Interval:
        outside = (u.high < lowest) | (u.low > highest)
        nowhere = np.where(outside, np.nan, 1.0)
        low = function(np.maximum(u.low, lowest) * nowhere if lowest > -np.inf else u.low * nowhere)
        high = function(np.minimum(u.high, highest) * nowhere if highest < np.inf else u.high * nowhere)
        inside = u.continuous & (u.low >= lowest) & (u.high <= highest)
        for end in open_at:
            inside = inside & (u.low != end) & (u.high != end)
        return _widened(low, high, ELEMENTARY, inside)

    return enclosed


def _falling(function: Callable[..., Any], lowest: float, highest: float) -> Callable[[Interval], Interval]:
    rising = _rising(lambda u: function(-u), -highest, -lowest)
    return lambda u: rising(negate(u))


def _bounded(enclosed: Callable[[Interval], Interval], lowest: float, highest: float) -> Callable[[Interval], Interval]:
    return lambda u: _within(enclosed(u), lowest, highest)


def _reciprocal(enclosed: Callable[[Interval], Interval]) -> Callable[[Interval], Interval]:
    return lambda u: divide(Interval(1.0, 1.0), enclosed(u))


def _special(name: str) -> Callable[..., Any]:
    """A function of scipy, which is imported at its first use."""

    def function(u: Any) -> Any:
        from scipy import special

        return getattr(special, name)(u)

    return function


@cache
def unary() -> dict[str, Callable[[Interval], Interval]]:
    """The functions of one argument that a tape may hold, by the name that it has there."""
    infinity = np.inf
    sinh, tanh = _rising(np.sinh), _bounded(_rising(np.tanh), -1.0, 1.0)
    return {
        "negate": negate, "Abs": absolute, "RealAbs": absolute, "sign": sign, "RealSign": sign, "RealStep": step,
        "exp": _bounded(_rising(np.exp), 0.0, infinity), "log": _rising(np.log, 0.0, infinity, (0.0,)),
        "sin": sine, "cos": cosine, "tan": tangent, "cot": cotangent,
        "sec": _reciprocal(cosine), "csc": _reciprocal(sine),
        "sinh": sinh, "cosh": hyperbolic_cosine, "tanh": tanh,
        "sech": _reciprocal(hyperbolic_cosine), "csch": _reciprocal(sinh), "coth": _reciprocal(tanh),
        "asin": _rising(np.arcsin, -1.0, 1.0), "acos": _falling(np.arccos, -1.0, 1.0),
        "atan": _bounded(_rising(np.arctan), -2.0, 2.0), "asinh": _rising(np.arcsinh),
        "acosh": _rising(np.arccosh, 1.0, infinity), "atanh": _rising(np.arctanh, -1.0, 1.0, (-1.0, 1.0)),
        "erf": _bounded(_rising(_special("erf")), -1.0, 1.0),
        "erfc": _bounded(_falling(_special("erfc"), -infinity, infinity), 0.0, 2.0),
    }  # fmt: skip


BINARY: dict[str, Callable[[Interval, Interval], Interval]] = {
    "add": add, "subtract": subtract, "multiply": multiply, "divide": divide, "pow": varying_power,
    "RealMax": maximum, "RealMin": minimum, "atan2": angle,
}  # fmt: skip


def _outward(low: Any, high: Any, u: Interval, v: Interval, also: Any = True) -> Interval:
    """One unit further: the four operations are rounded to the nearest double."""
    return Interval(_lower(low, EPSILON), _higher(high, EPSILON), u.continuous & v.continuous & also)


def _lower(low: Any, error: float) -> Any:
    """Less by a relative error of at least a unit, and by the least normal double; the largest one for infinity.

    A third of the time of ``nextafter``, which took more than all that is rounded: 5 us for 4,096 numbers, not 22.
    """
    finite = np.minimum(low, LARGEST)
    return finite - (np.abs(finite) * error + LEAST_NORMAL)


def _higher(high: Any, error: float) -> Any:
    finite = np.maximum(high, -LARGEST)
    return finite + (np.abs(finite) * error + LEAST_NORMAL)


def _widened(low: Any, high: Any, error: float, continuous: Any) -> Interval:
    """Further by a relative error and a unit, which matters below the normal doubles and beyond the largest one."""
    return Interval(_lower(low, error + EPSILON), _higher(high, error + EPSILON), continuous)


def _within(u: Interval, lowest: float, highest: float) -> Interval:
    return Interval(np.maximum(u.low, lowest), np.minimum(u.high, highest), u.continuous)


def _away_from_zero(u: Interval) -> Any:
    return (u.low > 0.0) | (u.high < 0.0)


def _meets(u: Interval, point: float, period: float) -> Any:
    """Whether [low, high] meets point + k period for some integer k, to rounding."""
    first, last = (u.low - point) / period, (u.high - point) / period
    slack = 4.0 * EPSILON * (1.0 + np.maximum(np.abs(first), np.abs(last)))
    return np.floor(last + slack) >= np.ceil(first - slack)
