"""What a claim is: a statement with its source and formula, and a computation that puts numbers beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fokker_planck.quantity import Quantity

GROUPS = {
    "eyring-kramers": "Eyring-Kramers and its relatives",
    "convergence": "Convergence and error bars",
    "seeds": "The papers on stochastic gradient descent",
    "published": "Published numbers",
    "witness": "Direct simulation",
}


@dataclass(frozen=True)
class Check:
    """One number beside what it must be.

    kind : "relative", |computed/expected - 1| <= tolerance; "absolute", |computed - expected| <= tolerance;
        "at most", computed <= expected; "at least", computed >= expected
    because : where the tolerance, or the bound, comes from
    """

    what: str
    computed: Quantity
    expected: Quantity
    kind: str
    tolerance: float
    because: str

    @property
    def difference(self) -> float:
        """What is compared with the tolerance, or for a bound by how much it is missed."""
        if self.kind == "relative":
            if self.computed.log is None or self.expected.log is None:
                return abs(_number(self.computed) / _number(self.expected) - 1.0)
            return abs(math.expm1(min(self.computed.log - self.expected.log, 700.0)))
        if self.kind == "absolute":
            return abs(_number(self.computed) - _number(self.expected))
        return 0.0 if self.holds else abs(_number(self.computed) - _number(self.expected))

    @property
    def holds(self) -> bool:
        """Whether the claim survives this number."""
        if self.kind == "at most":
            return _number(self.computed) <= _number(self.expected)
        if self.kind == "at least":
            return _number(self.computed) >= _number(self.expected)
        return self.difference <= self.tolerance


def equal(what: str, computed: Quantity | float, expected: Quantity | float, tolerance: float, because: str) -> Check:
    """|computed/expected - 1| <= tolerance, through logarithms, so that 1e-2000 is compared like any number.

    >>> equal("two", 2.0 + 1e-9, 2.0, 1e-8, "rounding").holds
    True
    """
    return Check(what, _quantity(computed), _quantity(expected), "relative", tolerance, because)


def near(what: str, computed: Quantity | float, expected: Quantity | float, tolerance: float, because: str) -> Check:
    """|computed - expected| <= tolerance."""
    return Check(what, _quantity(computed), _quantity(expected), "absolute", tolerance, because)


def at_most(what: str, computed: Quantity | float, bound: float, because: str) -> Check:
    """Computed <= bound."""
    return Check(what, _quantity(computed), _quantity(bound), "at most", 0.0, because)


def at_least(what: str, computed: Quantity | float, bound: float, because: str) -> Check:
    """Computed >= bound."""
    return Check(what, _quantity(computed), _quantity(bound), "at least", 0.0, because)


@dataclass(frozen=True)
class Table:
    """Rows of text, numbers and quantities under a heading; ``caption`` says what they are."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A drawing as SVG text that follows the page's colours; ``description`` for those who cannot see it."""

    caption: str
    description: str
    svg: str


@dataclass(frozen=True)
class Finding:
    """What the computation of a claim returns; ``remarks`` are paragraphs: where it holds, where it breaks and why."""

    checks: tuple[Check, ...]
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every check does, and there is one."""
        return bool(self.checks) and all(check.holds for check in self.checks)


class Run(Protocol):
    """How a claim is run: in full or quickly, with a memory for what takes long."""

    @property
    def quick(self) -> bool:
        """Whether a part of the numbers must do: a few seconds."""

    def step(self, name: str, compute: Callable[[], Any]) -> Any:
        """``compute()``, or what it returned before an interruption: numbers, texts, quantities, lists, dicts."""


@dataclass(frozen=True)
class Claim:
    """A statement that the solver can test.

    name : as the command takes it, words joined by hyphens, the same as the file's with underscores
    group : a key of ``GROUPS``
    statement : what is claimed, in words that need no other page
    formula : as plain text with Unicode letters
    source : author, year, equation
    quick : whether ``--quick`` runs it
    """

    name: str
    group: str
    title: str
    statement: str
    formula: str
    source: str
    compute: Callable[[Run], Finding]
    quick: bool = True

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise ValueError(f"{self.name}: the group {self.group!r} is none of {', '.join(GROUPS)}")


def worst(checks: Sequence[Check]) -> Check:
    """The check that fails, or comes nearest to it."""

    def nearness(check: Check) -> float:
        if not check.holds:
            return math.inf
        return check.difference / check.tolerance if check.tolerance > 0.0 else 0.0

    return max(checks, key=nearness)


def _quantity(number: Quantity | float) -> Quantity:
    return number if isinstance(number, Quantity) else Quantity.of(number, 0.0)


def _number(quantity: Quantity) -> float:
    if quantity.value is not None:
        return quantity.value
    return 0.0 if quantity.log is not None and quantity.log < 0.0 else math.inf
