"""Nodes of formulas that are polynomials or little more, with their sums, products and powers.

They show what the compiler of tapes asks of trees of sympy. Numbers are exact fractions; sums and products are flat,
with equal parts gathered, as in sympy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

from fokker_planck.quantity.light_dataclasses import dataclass

MOST_BITS = 1000
"""Of numerators and denominators: so they fit a double. What is longer is left to sympy."""
HIGHEST_POWER = 64
"""Of a light tree; tapes square up to it, and higher ones are rare."""


class NotLightError(Exception):
    """A formula that is left to sympy."""


@dataclass(frozen=True)
class Node:
    """A part of a formula."""

    is_Rational: ClassVar[bool] = False
    is_Float: ClassVar[bool] = False
    is_NumberSymbol: ClassVar[bool] = False
    is_Add: ClassVar[bool] = False
    is_Mul: ClassVar[bool] = False
    is_Pow: ClassVar[bool] = False

    def could_extract_minus_sign(self) -> bool:
        """Whether it is written with a minus sign."""
        return False

    def __neg__(self) -> Node:
        return product(Number(Fraction(-1)), self)

    @cached_property
    def _hash(self) -> int:
        return hash((type(self).__name__, self._parts))

    @property
    def _parts(self) -> tuple[Any, ...]:
        return ()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._hash == other._hash and self._parts == other._parts


@dataclass(frozen=True, eq=False)
class Number(Node):
    """An exact fraction."""

    value: Fraction
    is_Rational: ClassVar[bool] = True

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (self.value,)

    @property
    def is_Integer(self) -> bool:
        """Whether it is whole."""
        return self.value.denominator == 1

    @property
    def p(self) -> int:
        """Numerator."""
        return self.value.numerator

    def could_extract_minus_sign(self) -> bool:
        """Whether it is negative."""
        return self.value < 0

    def __float__(self) -> float:
        return float(self.value)

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, Number) else other)

    __hash__ = Node.__hash__

    def __lt__(self, other: float) -> bool:
        return self.value < other

    def __rtruediv__(self, one: int) -> Number:
        return Number(one / self.value)


@dataclass(frozen=True, eq=False)
class Coordinate(Node):
    """One of the coordinates by its number."""

    axis: int

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (self.axis,)


@dataclass(frozen=True, eq=False)
class Several(Node):
    """What is made of two or more parts."""

    args: tuple[Node, ...]

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self.args


class Sum(Several):
    """The sum of its parts."""

    is_Add: ClassVar[bool] = True


class Product(Several):
    """The product of its parts; a number is the first of them."""

    is_Mul: ClassVar[bool] = True

    def as_coeff_Mul(self) -> tuple[Number, Node]:
        """The number, and the product of the others."""
        coefficient, rest = split(self)
        return Number(coefficient), rest

    def could_extract_minus_sign(self) -> bool:
        """Whether its number is negative."""
        return split(self)[0] < 0


@dataclass(frozen=True, eq=False)
class Power(Node):
    """A whole power, at least the second."""

    base: Node
    exponent: int
    is_Pow: ClassVar[bool] = True

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (self.base, self.exponent)

    @property
    def exp(self) -> Number:
        """The exponent."""
        return Number(Fraction(self.exponent))

    def as_base_exp(self) -> tuple[Node, Number]:
        """Base and exponent."""
        return self.base, self.exp


class Applied(Several):
    """A function of one argument, by the name of its class."""


FUNCTIONS: Mapping[str, Callable[[tuple[Node, ...]], Applied]] = {
    name: type(name, (Applied,), {}) for name in ("exp", "sin", "cos", "sinh", "cosh", "tanh")
}
"""Smooth everywhere, with derivatives among each other."""


def total(*terms: Node) -> Node:
    """Their sum, with numbers added and equal terms gathered."""
    constant, gathered = Fraction(0), dict[Node, Fraction]()
    for term in terms:
        for part in term.args if isinstance(term, Sum) else (term,):
            coefficient, rest = split(part)
            if isinstance(rest, Number):
                constant += coefficient
            else:
                gathered[rest] = gathered.get(rest, Fraction(0)) + coefficient
    parts = [_scaled(coefficient, rest) for rest, coefficient in gathered.items() if coefficient != 0]
    if constant != 0 or not parts:
        parts.insert(0, number(constant))
    return parts[0] if len(parts) == 1 else Sum(tuple(parts))


def product(*factors: Node) -> Node:
    """Their product, with numbers multiplied and powers of equal bases gathered; a number times a sum is a sum."""
    coefficient, gathered = Fraction(1), dict[Node, int]()
    for factor in factors:
        for part in factor.args if isinstance(factor, Product) else (factor,):
            if isinstance(part, Number):
                coefficient *= part.value
                continue
            base, exponent = (part.base, part.exponent) if isinstance(part, Power) else (part, 1)
            gathered[base] = gathered.get(base, 0) + exponent
    if coefficient == 0:
        return Number(Fraction(0))
    if max(gathered.values(), default=0) > HIGHEST_POWER:
        raise NotLightError
    parts = [base if exponent == 1 else Power(base, exponent) for base, exponent in gathered.items()]
    if not parts:
        return number(coefficient)
    if len(parts) == 1 and isinstance(parts[0], Sum) and coefficient != 1:
        return total(*(product(Number(coefficient), part) for part in parts[0].args))
    return _scaled(coefficient, parts[0] if len(parts) == 1 else Product(tuple(parts)))


def power(base: Node, exponent: int) -> Node:
    """A whole power from the first on."""
    if exponent == 1:
        return base
    if isinstance(base, Number):
        if base.value.numerator.bit_length() * exponent > MOST_BITS:
            raise NotLightError
        return number(base.value**exponent)
    if isinstance(base, Product):
        return product(*(power(part, exponent) for part in base.args))
    if isinstance(base, Power):
        return power(base.base, base.exponent * exponent)
    if exponent > HIGHEST_POWER:
        raise NotLightError
    return Power(base, exponent)


def split(part: Node) -> tuple[Fraction, Node]:
    """The number in front of a term, and the rest, which is one for a number alone."""
    if isinstance(part, Number):
        return part.value, Number(Fraction(1))
    if isinstance(part, Product) and isinstance(part.args[0], Number):
        rest = part.args[1:]
        return part.args[0].value, rest[0] if len(rest) == 1 else Product(rest)
    return Fraction(1), part


def _scaled(coefficient: Fraction, rest: Node) -> Node:
    """A number times what holds none."""
    if coefficient == 1:
        return rest
    factors = rest.args if isinstance(rest, Product) else (rest,)
    return Product((number(coefficient), *factors))


def number(value: Fraction) -> Number:
    """A fraction that is not too long."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise NotLightError
    return Number(value)
