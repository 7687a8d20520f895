"""A reported number: value, natural logarithm, and the relative error that it is known to."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from fokker_planck.errors import ConvergenceError

if TYPE_CHECKING:
    from typing import TypedDict

    class QuantityDict(TypedDict):
        """The JSON form of a quantity."""

        value: float | None
        log: float | None
        relative_error: float | None


LOG_LARGEST = math.log(sys.float_info.max)
LOG_SMALLEST = math.log(sys.float_info.min)
DIGITS_OF_A_DOUBLE = 15
"""Decimal digits that every double keeps."""
DIGITS_WITHOUT_ERROR_BAR = 4
"""As many as a formula of small noise is ever right to."""
LEAST_DIGITS = 3  # also at a bar of tens of percent, as that of an asymptotic value: 659 rather than 7e+02


@dataclass(frozen=True)
class Quantity:
    """A number with its error bar, also where it is too small or too large for a double.

    value : the number; None where a double would over- or underflow (subnormal numbers count as underflow)
    log : its natural logarithm; None where the number is not positive
    relative_error : estimate of |error| / |number|; NaN where none is known

    >>> print(Quantity.of_log(-3000.0, 1e-6))
    1.30784e-1303
    """

    value: float | None
    log: float | None
    relative_error: float

    def __post_init__(self) -> None:
        if self.relative_error < 0.0:
            raise ValueError(f"a relative error is not negative: {self.relative_error}")
        for number in (self.value, self.log):
            if number is not None and not math.isfinite(number):
                raise ConvergenceError(f"a computed number is {number}", "nothing can be said about it")
        if self.value is None and self.log is None:
            raise ValueError("a quantity has a value or a logarithm")

    @staticmethod
    def of(value: float, relative_error: float) -> Quantity:
        """The quantity of an ordinary number.

        Raises ConvergenceError where ``value`` is not finite.

        >>> Quantity.of(1.0, 1e-6)
        Quantity(value=1.0, log=0.0, relative_error=1e-06)
        """
        value = float(value)
        relative_error = float(relative_error)
        if value == 0.0 or abs(value) >= sys.float_info.min or not math.isfinite(value):
            return Quantity(value, math.log(value) if value > 0.0 else None, relative_error)
        if value < 0.0:
            return Quantity(value, None, _spoiled(relative_error, value))
        return Quantity(None, math.log(value), _spoiled(relative_error, value))

    @staticmethod
    def of_log(log: float, relative_error: float) -> Quantity:
        """The quantity exp(log); minus infinity stands for zero.

        >>> Quantity.of_log(-5000.0, 1e-6).value is None
        True
        """
        log = float(log)
        if log == -math.inf:
            return Quantity(0.0, None, float(relative_error))
        fits = LOG_SMALLEST <= log <= LOG_LARGEST
        return Quantity(math.exp(log) if fits else None, log, float(relative_error))

    def as_dict(self) -> QuantityDict:
        """The JSON form; an error that is not finite becomes None."""
        error = float(self.relative_error) if math.isfinite(self.relative_error) else None
        return {"value": self.value, "log": self.log, "relative_error": error}

    def scaled(self, factor: float) -> Quantity:
        """The quantity times an exactly known positive factor.

        >>> Quantity.of(3.0, 1e-6).scaled(2.0).value
        6.0
        """
        if not (factor > 0.0 and math.isfinite(factor)):
            raise ValueError(f"a quantity is scaled by a positive number, not {factor}")
        if self.value is not None:
            product = self.value * factor
            if product == 0.0 == self.value or sys.float_info.min <= abs(product) <= sys.float_info.max:
                return Quantity.of(product, self.relative_error)
        if self.log is None:
            return Quantity.of((self.value or 0.0) * factor, self.relative_error)
        return Quantity.of_log(self.log + math.log(factor), self.relative_error)

    def reciprocal(self) -> Quantity:
        """One over a positive quantity, with the same relative error.

        >>> Quantity.of(4.0, 1e-6).reciprocal().value
        0.25
        """
        if self.log is None:
            raise ValueError(f"{self.value} is not positive")
        if self.value is not None and sys.float_info.min <= 1.0 / self.value:
            return Quantity.of(1.0 / self.value, self.relative_error)
        return Quantity.of_log(-self.log, self.relative_error)

    def ratio(self, other: Quantity) -> float | None:
        """The quotient of this by ``other``; None where either is not positive or the ratio fits no double.

        >>> Quantity.of_log(-4000.0, 0.0).ratio(Quantity.of_log(-4001.0, 0.0))
        2.718281828459045
        """
        if self.log is None or other.log is None:
            return None
        difference = self.log - other.log
        return math.exp(difference) if LOG_SMALLEST <= difference <= LOG_LARGEST else None

    def __float__(self) -> float:
        if self.value is None:
            raise OverflowError(f"{self} does not fit a double: use its logarithm, {self.log}")
        return self.value

    def __str__(self) -> str:
        """The digits that the error bar justifies, three at least; four where there is no error bar.

        >>> print(Quantity.of(659.38, 0.2))
        659
        """
        if self.value == 0.0:
            return "0"
        mantissa, exponent = self._decimal()
        if math.isnan(self.relative_error):
            decimals = DIGITS_WITHOUT_ERROR_BAR - 1
        else:
            # rounding: that of the number itself, and that of its logarithm where only the logarithm is there
            rounding = 2.0**-52 * (1.0 if self.value is not None or self.log is None else max(1.0, abs(self.log)))
            error = max(self.relative_error, rounding) * abs(mantissa)
            decimals = DIGITS_OF_A_DOUBLE - 1 if error == 0.0 else math.floor(-math.log10(min(error, 1.0)))
        least = 0 if self.relative_error >= 1.0 else LEAST_DIGITS - 1
        decimals = max(least, min(decimals, DIGITS_OF_A_DOUBLE - 1))
        digits = f"{mantissa:.{decimals}f}"
        if abs(float(digits)) >= 10.0:
            exponent, decimals = exponent + 1, decimals + 1
            digits = f"{mantissa / 10.0:.{decimals}f}"
        if -4 <= exponent <= decimals:
            return f"{Decimal(digits).scaleb(exponent):f}"
        return f"{digits}e{exponent:+03d}"

    def _decimal(self) -> tuple[float, int]:
        """Mantissa in [1, 10) up to sign, and decimal exponent."""
        if self.value is not None:
            mantissa, _, exponent = f"{self.value:.16e}".partition("e")
            return float(mantissa), int(exponent)
        if self.log is None:
            raise ValueError("a quantity has a value or a logarithm")
        exponent_of_ten = math.floor(self.log / math.log(10.0))
        return math.exp(self.log - exponent_of_ten * math.log(10.0)), exponent_of_ten


def _spoiled(relative_error: float, subnormal: float) -> float:
    """The relative error after the rounding of a subnormal number."""
    return max(relative_error, 5e-324 / abs(subnormal))
