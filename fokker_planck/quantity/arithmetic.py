"""Sums, products and powers of quantities, by their values or beyond doubles by logarithms, with worst-case errors.

The error estimates of two quantities are not taken to be independent: they mostly come from one mesh.  What is known
to r lies between (1 - r) and (1 + r) times its value, and the estimate of a result holds the farthest that these ends
can take it.
"""

from __future__ import annotations

import math
import sys

from fokker_planck.quantity.estimate import Estimate

LOG_LARGEST = math.log(sys.float_info.max)
LOG_SMALLEST = math.log(sys.float_info.min)
ROUNDING = 2.0**-52
"""The last place of a double: of a logarithm that is an error of the number relative to it."""


def sign(number: Estimate) -> int:
    """-1, 0 or 1."""
    if number.value is None:
        return 1
    return (number.value > 0.0) - (number.value < 0.0)


def log_size(number: Estimate) -> float:
    """log |number|, of a number that is not zero."""
    if number.log is not None:
        return number.log
    return math.log(abs(number.value or math.nan))


def of_signed_log[Number: Estimate](like: Number, signed: int, log: float, error: float) -> Number:
    """The quantity signed * exp(log), of the class of ``like``.

    Raises OverflowError where it is negative and fits no double: only the logarithms of positive numbers are kept.
    """
    if signed > 0:
        return type(like).of_log(log, error)
    if not LOG_SMALLEST <= log <= LOG_LARGEST:
        raise OverflowError(f"minus exp({log}) fits no double, and has no logarithm")
    return type(like).of(-math.exp(log), error)


def total[Number: Estimate](a: Number, b: Number) -> Number:
    """A + b: the errors r_a |a| and r_b |b| add up."""
    if a.value is not None and b.value is not None:
        value = a.value + b.value
        if _is_plain(value) or value == 0.0:
            return type(a).of(value, _error_of_sum(a, b, value))
    return _by_logs(a, b, sign(a), sign(b))


def difference[Number: Estimate](a: Number, b: Number) -> Number:
    """A - b, also of a b beyond doubles, which has no negative of its own."""
    if a.value is not None and b.value is not None:
        return total(a, type(b).of(-b.value, b.relative_error))
    return _by_logs(a, b, sign(a), -sign(b))


def _by_logs[Number: Estimate](a: Number, b: Number, sign_a: int, sign_b: int) -> Number:
    """sign_a |a| + sign_b |b|."""
    if not sign_a or not sign_b:
        zero, other, signed = (a, b, sign_b) if not sign_a else (b, a, sign_a)
        return of_signed_log(a, signed, log_size(other), other.relative_error if _is_exact(zero) else math.inf)
    (top, signed, error), (bottom, _, smaller_error) = sorted(
        ((log_size(a), sign_a, a.relative_error), (log_size(b), sign_b, b.relative_error)), reverse=True
    )
    if sign_a != sign_b and top == bottom:
        return type(a).of(0.0, math.inf)
    share = math.exp(bottom - top)
    log = top + math.log1p(share if sign_a == sign_b else -share)
    rounding = ROUNDING * max(abs(top), abs(bottom))
    error = math.exp(top - log) * (error + rounding + share * (smaller_error + rounding))
    return of_signed_log(a, signed, log, error)


def _error_of_sum(a: Estimate, b: Estimate, value: float) -> float:
    errors = [(abs(each.value or 0.0), each.relative_error) for each in (a, b)]
    if value == 0.0:
        return 0.0 if all(_is_exact(each) for each in (a, b)) else math.inf
    if any(size == 0.0 and math.isinf(error) for size, error in errors):
        return math.inf  # a difference of equal numbers, of whose error nothing is kept
    return sum(size / abs(value) * error for size, error in errors if size > 0.0)


def _is_exact(number: Estimate) -> bool:
    return number.relative_error == 0.0 or number.value == 0.0 and not math.isinf(number.relative_error)


def quotient[Number: Estimate](a: Number, b: Number) -> Number:
    """A / b: the divisor may be as small as (1 - r_b) b, which is no bound from r_b = 1 on."""
    return product(a, power(b, -1.0))


def product[Number: Estimate](a: Number, b: Number) -> Number:
    """A * b: (1 + r_a)(1 + r_b) - 1."""
    first, second = a.relative_error, b.relative_error
    error = first + second + (first * second if first and second else 0.0)
    if not sign(a) or not sign(b):
        return type(a).of(0.0, 0.0 if all(_is_exact(each) for each in (a, b) if not sign(each)) else math.inf)
    if a.value is not None and b.value is not None and _is_plain(a.value * b.value):
        return type(a).of(a.value * b.value, error)
    log = log_size(a) + log_size(b)
    return of_signed_log(a, sign(a) * sign(b), log, error + ROUNDING * max(abs(log_size(a)), abs(log_size(b))))


def power[Number: Estimate](a: Number, exponent: float) -> Number:
    """A^p for an exactly known p: what the ends (1 - r)^p and (1 + r)^p are away from one.

    Raises ZeroDivisionError for a negative power of zero, ValueError for a fractional power of a negative number.
    """
    if exponent == 0.0:
        return type(a).of(1.0, 0.0)
    if not sign(a):
        if exponent < 0.0:
            raise ZeroDivisionError("a negative power of zero")
        return type(a).of(0.0, 0.0 if _is_exact(a) else math.inf)
    if sign(a) < 0 and exponent != math.floor(exponent):
        raise ValueError(f"{a} has no real power {exponent:g}")
    signed = -1 if sign(a) < 0 and exponent % 2.0 == 1.0 else 1
    error = _error_of_power(a.relative_error, exponent)
    if a.value is not None:
        value = _double_power(abs(a.value), exponent)
        if _is_plain(value):
            return type(a).of(signed * value, error)
    log = exponent * log_size(a)
    return of_signed_log(a, signed, log, error + ROUNDING * abs(log))


def exponential[Number: Estimate](a: Number) -> Number:
    """exp(a), whose relative error is exp(r |a|) - 1."""
    if a.value is None:
        raise OverflowError(f"exp({a}) has a logarithm that fits no double")
    spread = a.relative_error * abs(a.value) if a.value else 0.0 if _is_exact(a) else math.inf
    return type(a).of_log(a.value, math.expm1(spread) if spread < LOG_LARGEST else math.inf)


def logarithm[Number: Estimate](a: Number, base: float = math.e) -> Number:
    """The logarithm of a: its error is that of the exponent, relative to it."""
    if a.log is None:
        raise ValueError(f"{a} has no logarithm")
    unit = math.log(base)
    value = a.log / unit
    ends = -math.log1p(-a.relative_error) if a.relative_error < 1.0 else math.inf
    if math.isnan(a.relative_error):
        ends = math.nan
    if value == 0.0:
        return type(a).of(0.0, math.inf if ends else 0.0)
    return type(a).of(value, ends / unit / abs(value))


def compared(a: Estimate, b: Estimate) -> int:
    """-1, 0 or 1 as a is less than, equal to or greater than b, by their values or logarithms alone."""
    if a.value is not None and b.value is not None:
        return (a.value > b.value) - (a.value < b.value)
    if sign(a) != sign(b) or not sign(a):
        return (sign(a) > sign(b)) - (sign(a) < sign(b))
    larger = (log_size(a) > log_size(b)) - (log_size(a) < log_size(b))
    return sign(a) * larger


def _is_plain(value: float) -> bool:
    """Whether a double is neither zero nor subnormal nor infinite."""
    return sys.float_info.min <= abs(value) <= sys.float_info.max


def _double_power(size: float, exponent: float) -> float:
    try:
        return math.pow(size, exponent)
    except OverflowError:
        return math.inf


def _error_of_power(error: float, exponent: float) -> float:
    if math.isnan(error):
        return math.nan
    if error == 0.0:
        return 0.0
    if error >= 1.0 and exponent < 0.0 or math.isinf(error):
        return math.inf
    try:
        above = math.expm1(exponent * math.log1p(error))
        below = math.expm1(exponent * math.log1p(-error)) if error < 1.0 else -1.0
    except OverflowError:
        return math.inf
    return max(abs(above), abs(below))
