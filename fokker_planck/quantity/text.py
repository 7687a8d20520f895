"""How quantities are written: the digits that an error estimate leaves, and the estimate beside them."""

from __future__ import annotations

import decimal
import math

from fokker_planck.quantity.estimate import Estimate

DIGITS_OF_A_DOUBLE = 15
"""Decimal digits that every double keeps."""
DIGITS_WITHOUT_ERROR_BAR = 4
"""As many as a formula of small noise is ever right to."""
LEAST_DIGITS = 3  # also at a bar of tens of percent, as that of an asymptotic value: 659 rather than 7e+02
IN_PERCENT = 0.01
"""The relative error from which it is said in percent, as such estimates are: of the number, whose digits end there."""
IN_POWERS = 10.0
"""The relative error beyond which percents would be a row of digits that nobody reads."""
DIGITS_OF_PYTHON = 6
"""Of a double in a format that says none."""
NUMBER_TYPES = frozenset("eEfFgGn%")
_WIDE = decimal.Context(prec=25, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)
"""Ten digits more than a double has, for numbers of any size."""


def digits(number: Estimate) -> str:
    """The digits that the error estimate justifies, three at least; four where there is none.

    >>> from fokker_planck.quantity import Quantity
    >>> digits(Quantity.of(659.38, 0.2))
    '659'
    """
    if number.value == 0.0:
        return "0"
    mantissa, exponent = _decimal(number)
    if math.isnan(number.relative_error):
        decimals = DIGITS_WITHOUT_ERROR_BAR - 1
    else:
        # rounding: that of the number itself, and that of its logarithm where only the logarithm is there
        rounding = 2.0**-52 * (1.0 if number.value is not None or number.log is None else max(1.0, abs(number.log)))
        error = max(number.relative_error, rounding) * abs(mantissa)
        decimals = DIGITS_OF_A_DOUBLE - 1 if error == 0.0 else math.floor(-math.log10(min(error, 1.0)))
    least = 0 if number.relative_error >= 1.0 else LEAST_DIGITS - 1
    return _written(mantissa, exponent, max(least, min(decimals, DIGITS_OF_A_DOUBLE - 1)))


def with_uncertainty(number: Estimate) -> str:
    """The number and what it may be off by: one digit, rounded up, percents of the number, one digit again beyond 1000.

    >>> from fokker_planck.quantity import Quantity
    >>> with_uncertainty(Quantity.of(729.67069194, 1e-7)), with_uncertainty(Quantity.of(659.38, 0.2))
    ('729.67069 ± 0.00008', '659 ± 20 %')
    >>> with_uncertainty(Quantity.of(2e-49, 4.3e11)), with_uncertainty(Quantity.of(7.0, 5.0))
    ('2e-49 ± 9e-38', '7 ± 500 %')
    """
    error = number.relative_error
    if math.isnan(error) or error == 0.0 or number.value == 0.0 and not math.isinf(error):
        return digits(number)
    if math.isinf(error):
        return f"{digits(number)} ± inf"
    if error > IN_POWERS:
        mantissa, exponent = _decimal(number)
        power = math.log10(error) + math.log10(abs(mantissa))
        below = math.floor(power)
        return f"{digits(number)} ± {_written(10.0 ** (power - below), exponent + below, 0)}"
    if error >= IN_PERCENT:
        percents = 100.0 * error
        return f"{digits(number)} ± {f'{percents:.0f}' if percents >= 100.0 else f'{percents:.2g}'} %"
    mantissa, exponent = _decimal(number)
    absolute = error * abs(mantissa)
    decimals = min(math.ceil(-math.log10(absolute)), DIGITS_OF_A_DOUBLE - 1)
    units = max(1, math.ceil(round(absolute * 10.0**decimals, 6)))
    if units >= 10:
        decimals, units = decimals - 1, 1
    whole = _written(mantissa, exponent, decimals)
    if "e" in whole:
        shift = int(whole.partition("e")[2])  # that of a mantissa that was rounded up to ten
        decimals += shift - exponent
        return f"{whole} ± {units}e{shift - decimals:+03d}"
    return f"{whole} ± {decimal.Decimal(units).scaleb(exponent - decimals):f}"


def formatted(number: Estimate, written: str) -> str:
    """By a format of numbers, also beyond doubles; one of texts is that of value and uncertainty.

    >>> from fokker_planck.quantity import Quantity
    >>> f"{Quantity.of_log(-3000.0, 1e-6):.3e}", f"{Quantity.of(2.0, 0.1):>12}"
    ('1.308e-1303', ' 2.00 ± 10 %')
    """
    if not written or not (written[-1] in NUMBER_TYPES or "." in written):
        return format(str(number), written)
    if number.value is not None:
        return format(number.value, written)
    with decimal.localcontext(_WIDE):
        number_itself = decimal.Decimal(number.log or 0.0).exp()
        if "." not in written and written[-1] in "eEgG":  # as of a double, not all digits that there are
            written = f"{written[:-1]}.{DIGITS_OF_PYTHON}{written[-1]}"
        return format(number_itself, written)


def _written(mantissa: float, exponent: int, decimals: int) -> str:
    """Plainly for exponents from -4 to the number of decimals, else with an exponent."""
    text = f"{mantissa:.{decimals}f}"
    if abs(float(text)) >= 10.0:
        exponent, decimals = exponent + 1, decimals + 1
        text = f"{mantissa / 10.0:.{decimals}f}"
    if -4 <= exponent <= decimals:
        return f"{decimal.Decimal(text).scaleb(exponent):f}"
    return f"{text}e{exponent:+03d}"


def _decimal(number: Estimate) -> tuple[float, int]:
    """Mantissa in [1, 10) up to sign, and decimal exponent."""
    if number.value is not None:
        mantissa, _, exponent = f"{number.value:.16e}".partition("e")
        return float(mantissa), int(exponent)
    if number.log is None:
        raise ValueError("a quantity has a value or a logarithm")
    exponent_of_ten = math.floor(number.log / math.log(10.0))
    return math.exp(number.log - exponent_of_ten * math.log(10.0)), exponent_of_ten
