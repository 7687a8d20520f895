"""How numbers are written: as many digits as their error bar, or the comparison that they are made for, justifies."""

from __future__ import annotations

import math
import re
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
BOUNDS = {"at most": "≤", "at least": "≥"}


def text(value: Any) -> str:
    """A cell of a table.

    >>> text(1 / 3), text(None), text(True), text(Quantity.of(4.0, 1e-3)), text(12345678)
    ('0.333333', '–', 'yes', '4.00', '12345678')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Quantity):
        return exact(value, 8) if value.relative_error == 0.0 else value.digits
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def is_number(value: Any) -> bool:
    """Whether a cell of a table holds a number, or a text that is one.

    >>> is_number(2), is_number("-1.5e-03"), is_number(True), is_number("1/20")
    (True, True, False, False)
    """
    if isinstance(value, str):
        return re.fullmatch(r"[-+\N{MINUS SIGN}]?\d+(\.\d*)?(e[-+]?\d+)?", value) is not None
    return isinstance(value, int | float | Quantity) and not isinstance(value, bool)


def bar(value: Any) -> str:
    """The relative error of a quantity that has one, else nothing.

    >>> bar(Quantity.of(4.0, 1e-3)), bar(4.0)
    ('±1e-03', '')
    """
    if not isinstance(value, Quantity) or value.relative_error == 0.0:
        return ""
    return f"±{value.relative_error:.0e}" if math.isfinite(value.relative_error) else "±?"


def exact(number: Quantity, digits: int) -> str:
    """A number without an error bar: as short as it is, or rounded.

    >>> exact(Quantity.of(0.25, 0.0), 6), exact(Quantity.of(1 / 3, 0.0), 6), exact(Quantity.of_log(-5000.0, 0.0), 3)
    ('0.25', '0.333333', '3.37e-2172')
    """
    if number.value is not None and float(f"{number.value:.6g}") == number.value:
        return f"{number.value:.6g}"
    return Quantity(number.value, number.log, 0.1 ** (digits - 1) / 10.0).digits


def computed(check: Check) -> str:
    """The computed number of a check, with the digits of its error bar, or more where it is held to more.

    >>> from validation.claim import equal
    >>> computed(equal("a formula, off by a tenth, as printed", Quantity.of(1 / 3, 0.1), 1 / 3, 1e-4, "rounding"))
    '0.333333'
    """
    fine = check.kind in BOUNDS or not check.tolerance < check.computed.relative_error
    return check.computed.digits if fine and check.computed.relative_error else exact(check.computed, _digits(check))


def expected(check: Check) -> str:
    """What the number must be, or the sign and value of its bound."""
    number = exact(check.expected, _digits(check)) if check.expected.relative_error == 0.0 else check.expected.digits
    return f"{BOUNDS[check.kind]} {number}" if check.kind in BOUNDS else number


def difference(check: Check) -> str:
    """How far the number is off; nothing where a bound is kept."""
    return "" if check.kind in BOUNDS and check.holds else _short(check.difference)


def allowed(check: Check) -> str:
    """How far it may be off."""
    return "" if check.kind in BOUNDS else _short(check.tolerance)


def share(check: Check) -> str:
    """How much of the tolerance is used.

    >>> from validation.claim import equal
    >>> share(equal("two", 2.002, 2.0, 1e-2, "an example"))
    '10 %'
    """
    if check.kind in BOUNDS or not check.tolerance > 0.0:
        return ""
    used = check.difference / check.tolerance
    if not math.isfinite(used):
        return ""
    return f"{100.0 * used:.0f} %" if used < 10.0 else f"{used:.2g} times"


def comparison(check: Check) -> str:
    """A check in one line.

    >>> from validation.claim import at_most, equal
    >>> comparison(equal("two", 2.002, 2.0, 1e-2, "an example"))
    '2.002, expected 2, off by 0.001 of 0.01 allowed'
    >>> comparison(at_most("two", 2.5, 2.0, "an example"))
    '2.5, expected ≤ 2, off by 0.5'
    """
    line = f"{computed(check)}, expected {expected(check)}"
    if difference(check):
        kind = " relatively" if check.kind == "relative" and not check.holds else ""
        line += f", off by {difference(check)}{kind}"
        if allowed(check):
            line += f" of {allowed(check)} allowed"
    return line


def pretty(number: str) -> str:
    """Powers of ten as in print.

    >>> pretty("1.3e-05"), pretty("≤ 2e+10"), pretty("exit time")
    ('1.3·10⁻⁵', '≤ 2·10¹⁰', 'exit time')
    """
    return re.sub(r"(?<=\d)e([+-])0*(\d+)\b", lambda found: f"·10{_power(found[1], found[2])}", number)


def _power(sign: str, digits: str) -> str:
    return (("-" if sign == "-" else "") + digits).translate(SUPERSCRIPTS)


def _short(number: float) -> str:
    if math.isinf(number):
        return "∞"
    return f"{number:.2g}"


def _digits(check: Check) -> int:
    """So many that the difference can be seen."""
    if check.kind in BOUNDS or not check.tolerance > 0.0:
        return 6
    scale = 1.0
    if check.kind == "absolute" and check.expected.value:
        scale = abs(check.expected.value)
    return max(4, min(12, 2 + math.ceil(-math.log10(check.tolerance / scale))))
