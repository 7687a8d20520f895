"""What arithmetic and texts need to know of a number with its error."""

from __future__ import annotations

from typing import Protocol, Self


class Estimate(Protocol):
    """A number by its value or its natural logarithm, and the relative error that it is known to."""

    @property
    def value(self) -> float | None:
        """The number; None where it is no double."""
        ...

    @property
    def log(self) -> float | None:
        """Its natural logarithm; None where it is not positive."""
        ...

    @property
    def relative_error(self) -> float:
        """Estimate of ``|error| / |number|``; NaN where none is known."""
        ...

    @classmethod
    def of(cls, value: float, relative_error: float) -> Self:
        """That of an ordinary number."""
        ...

    @classmethod
    def of_log(cls, log: float, relative_error: float) -> Self:
        """That of exp(log)."""
        ...
