"""A formula evaluated with as many digits as asked for: what doubles leave of a multiple root is not its sign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

DIGITS = 60
"""Of which 20 are left to cancellation: terms that cancel to 1e-40 of the largest still have a sign, a double's 53 bits
of input being known exactly."""

MOST_PRODUCTS = 1_000_000
"""A power with a larger whole exponent is taken by exp and log, which takes the same time whatever the exponent."""


def sign_at(tree: Any, values: Mapping[Any, float], digits: int = DIGITS) -> int | None:
    """Sign of a sympy tree at doubles that stand for its symbols; None where it is not real or not known here.

    Numbers are the decimals that were typed. What is below 10^-(digits - 20) of the largest term counts as zero.

    >>> import sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> sign_at(x**3 - 3*x**2 + 3*x - 1, {x: 1.0 + 1e-9})
    1
    """
    import mpmath

    with mpmath.workdps(digits):
        try:
            value = _value(tree, {symbol: mpmath.mpf(number) for symbol, number in values.items()})
        except (ValueError, ZeroDivisionError, OverflowError, LookupError, TypeError):
            return None
        if not isinstance(value, mpmath.mpf) or not mpmath.isfinite(value):
            return None
        if abs(value) <= mpmath.mpf(10) ** (20 - digits):
            return 0
        return 1 if value > 0 else -1


def _value(tree: Any, symbols: Mapping[Any, Any]) -> Any:
    """Of a part; ValueError where that is not real: formulas are of real numbers, and |log(-2)| is none."""
    import mpmath

    found = _computed(tree, symbols)
    if not isinstance(found, mpmath.mpf | int):
        raise ValueError(f"{found} is not real")
    return found


def _computed(tree: Any, symbols: Mapping[Any, Any]) -> Any:
    import mpmath

    if tree in symbols:
        return symbols[tree]
    if tree.is_Rational:
        return mpmath.mpf(int(tree.p)) / int(tree.q)
    if tree.is_Float or tree.is_NumberSymbol:
        return mpmath.mpmathify(tree.evalf(DIGITS))
    arguments = [_value(part, symbols) for part in tree.args]
    if tree.is_Add:
        return mpmath.fsum(arguments)
    if tree.is_Mul:
        return mpmath.fprod(arguments)
    if tree.is_Pow:
        base, exponent = arguments
        if abs(exponent) > MOST_PRODUCTS and base > 0:  # a whole one is multiplied out, bit by bit
            return mpmath.exp(exponent * mpmath.log(base))
        return base**exponent
    return _functions()[type(tree).__name__](*arguments)


def _functions() -> dict[str, Callable[..., Any]]:
    import mpmath

    same = (
        "exp log sin cos tan sec csc cot sinh cosh tanh sech csch coth asin acos atan atan2 asinh acosh atanh erf erfc"
    )
    return {name: getattr(mpmath, name) for name in same.split()} | {
        "Abs": abs, "RealAbs": abs, "sign": mpmath.sign, "RealSign": mpmath.sign,
        "RealStep": lambda u: (1 + mpmath.sign(u)) / 2, "RealMax": max, "RealMin": min,
        "RealSelect": lambda level, u, v: u if level >= 0 else v,
        "RealSide": lambda level, u, v: u if level > 0 else v if level < 0 else (u + v) / 2,
    }  # fmt: skip
