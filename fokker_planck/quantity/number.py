"""A reported number: value, natural logarithm, and the relative error that it is known to; it counts as numbers do."""

from __future__ import annotations

import math
import sys
from numbers import Real
from typing import Self, TypedDict

from fokker_planck.errors import ConvergenceError
from fokker_planck.quantity import arithmetic, text
from fokker_planck.quantity.arithmetic import LOG_LARGEST, LOG_SMALLEST
from fokker_planck.quantity.light_dataclasses import dataclass


class QuantityDict(TypedDict):
    """The JSON form of a quantity."""

    value: float | None
    log: float | None
    relative_error: float | None


@dataclass(frozen=True, eq=False)
class Quantity:
    """A number with its error bar, also where it is too small or too large for a double.

    Attributes
    ----------
    value
        the number; None where a double would over- or underflow (subnormal numbers count as underflow)
    log
        its natural logarithm; None where the number is not positive
    relative_error
        estimate of ``|error| / |number|``; NaN where none is known

    Notes
    -----
    It is added, multiplied, divided, raised to powers and compared as numbers are, with others and with plain numbers,
    which are known exactly. Relative errors of products add up, errors of sums do: the worst case, since two answers of
    one mesh are not independent. Order is by the numbers alone.

    Examples
    --------
    >>> rate = Quantity.of_log(-3000.0, 1e-6)
    >>> print(rate, 2.0 / rate)
    1.307839e-1303 ± 2e-1309 1.529240e+1303 ± 2e+1297
    >>> f"{rate:.3e}", rate < 1e-300
    ('1.308e-1303', True)
    >>> print(Quantity.of(3.0, 1e-3) - Quantity.of(1.0, 1e-3))
    2.000 ± 0.004
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
        if self.log is not None:
            object.__setattr__(self, "log", Logarithm(self.log, self.relative_error))

    @classmethod
    def of(cls, value: float, relative_error: float) -> Self:
        """The quantity of an ordinary number.

        Raises ConvergenceError where ``value`` is not finite.

        >>> Quantity.of(1.0, 1e-6)
        Quantity(value=1.0, log=0.0, relative_error=1e-06)
        """
        value = float(value)
        relative_error = float(relative_error)
        if value == 0.0 or abs(value) >= sys.float_info.min or not math.isfinite(value):
            return cls(value, math.log(value) if value > 0.0 else None, relative_error)
        if value < 0.0:
            return cls(value, None, _spoiled(relative_error, value))
        return cls(None, math.log(value), _spoiled(relative_error, value))

    @classmethod
    def of_log(cls, log: float, relative_error: float) -> Self:
        """The quantity exp(log); minus infinity stands for zero.

        >>> Quantity.of_log(-5000.0, 1e-6).value is None
        True
        """
        log = float(log)
        if log == -math.inf:
            return cls(0.0, None, float(relative_error))
        fits = LOG_SMALLEST <= log <= LOG_LARGEST
        return cls(math.exp(log) if fits else None, log, float(relative_error))

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

    def __int__(self) -> int:
        return int(float(self))

    def __round__(self, decimals: int | None = None) -> float:
        """The value, rounded: a plain number."""
        return round(float(self), decimals)

    def __float__(self) -> float:
        if self.value is None:
            raise OverflowError(f"{self} does not fit a double: use its logarithm, {self.log}")
        return self.value

    @property
    def digits(self) -> str:
        """The digits that the error estimate justifies, without it; three at least, four where there is none."""
        return text.digits(self)

    def __str__(self) -> str:
        """Value and uncertainty.

        >>> print(Quantity.of(659.38, 0.2))
        659 ± 20 %
        """
        return text.with_uncertainty(self)

    def __format__(self, written: str) -> str:
        return text.formatted(self, written)

    def __neg__(self) -> Quantity:
        return self * -1.0

    def __pos__(self) -> Quantity:
        return self

    def __abs__(self) -> Quantity:
        return self if arithmetic.sign(self) >= 0 else -self

    def __add__(self, other: Quantity | float) -> Quantity:
        term = _operand(other)
        return NotImplemented if term is None else arithmetic.total(self, term)

    __radd__ = __add__

    def __sub__(self, other: Quantity | float) -> Quantity:
        term = _operand(other)
        return NotImplemented if term is None else arithmetic.difference(self, term)

    def __rsub__(self, other: float) -> Quantity:
        term = _operand(other)
        return NotImplemented if term is None else term - self

    def __mul__(self, other: Quantity | float) -> Quantity:
        factor = _operand(other)
        return NotImplemented if factor is None else arithmetic.product(self, factor)

    __rmul__ = __mul__

    def __truediv__(self, other: Quantity | float) -> Quantity:
        divisor = _operand(other)
        return NotImplemented if divisor is None else arithmetic.quotient(self, divisor)

    def __rtruediv__(self, other: float) -> Quantity:
        number = _operand(other)
        return NotImplemented if number is None else arithmetic.quotient(number, self)

    def __pow__(self, exponent: float) -> Quantity:
        if not isinstance(exponent, Real):
            return NotImplemented
        return arithmetic.power(self, float(exponent))

    def __rpow__(self, base: float) -> Quantity:
        if not isinstance(base, Real) or not base > 0.0:
            return NotImplemented
        return arithmetic.exponential(self * math.log(base))

    def conjugate(self) -> Quantity:
        """Itself; ``numpy.std`` asks for it."""
        return self

    def sqrt(self) -> Quantity:
        """The square root; ``numpy.sqrt`` takes it."""
        return arithmetic.power(self, 0.5)

    def exp(self) -> Quantity:
        """The exponential of this number; ``numpy.exp`` takes it."""
        return arithmetic.exponential(self)

    def log10(self) -> Quantity:
        """The logarithm to base ten; ``numpy.log10`` takes it, as ``numpy.log`` the natural one."""
        return arithmetic.logarithm(self, 10.0)

    def __eq__(self, other: object) -> bool:
        """The same number to the same error; a plain number equals the value."""
        if isinstance(other, Quantity):
            return (self.value, self.log, self.relative_error) == (other.value, other.log, other.relative_error)
        return self.value == other if isinstance(other, Real) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.log if self.value is None else self.value)

    def __lt__(self, other: Quantity | float) -> bool:
        order = _order(self, other)
        return NotImplemented if order is None else order < 0

    def __le__(self, other: Quantity | float) -> bool:
        order = _order(self, other)
        return NotImplemented if order is None else order <= 0

    def __gt__(self, other: Quantity | float) -> bool:
        order = _order(self, other)
        return NotImplemented if order is None else order > 0

    def __ge__(self, other: Quantity | float) -> bool:
        order = _order(self, other)
        return NotImplemented if order is None else order >= 0


class Logarithm(float):
    """The natural logarithm of a quantity: a number, which called gives itself with its error, as numpy.log does.

    >>> import numpy as np
    >>> rates = np.array([Quantity.of_log(-3000.0, 1e-3), Quantity.of(0.5, 1e-3)])
    >>> print(*np.log(rates), rates[0].log)
    -3000.000 ± 0.002 -0.693 ± 0.002 -3000.0
    """

    def __new__(cls, value: float, relative_error: float = math.nan) -> Self:
        """The number, and the relative error of what it is the logarithm of."""
        made = super().__new__(cls, value)
        made._relative_error = relative_error
        return made

    _relative_error: float

    def __call__(self) -> Quantity:
        """The logarithm with its error."""
        return arithmetic.logarithm(Quantity.of_log(self, self._relative_error))


def _operand(other: object) -> Quantity | None:
    """A quantity as it is, a real number as one that is known exactly; None for anything else."""
    if isinstance(other, Quantity):
        return other
    return Quantity.of(float(other), 0.0) if isinstance(other, Real) else None


def _order(number: Quantity, other: object) -> float | None:
    """Negative, zero or positive as the number is less than, equal to or greater than ``other``; None for no number."""
    if not isinstance(other, Quantity) and isinstance(other, Real) and not math.isfinite(other):
        return -float(other)  # not a number is neither
    against = _operand(other)
    return None if against is None else arithmetic.compared(number, against)


def _spoiled(relative_error: float, subnormal: float) -> float:
    """The relative error after the rounding of a subnormal number."""
    return max(relative_error, 5e-324 / abs(subnormal))
