"""The numbers of a correlation: as the adaptive loop takes them, and with their errors."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.algebra.long_range import LARGEST_LOG
from fokker_planck.fem.indicator import Mode
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.results.in_time import Estimate


@dataclass(frozen=True)
class Number:
    """A number of the answer with the ``modes`` it rests on, and how far it can be off beside the mesh, ``doubt``.

    One with a ``scale`` is known by its ``value``, in absolute terms beside that; else by its ``log``, that of its
    absolute value plus i arg.
    """

    modes: list[Mode]
    value: complex = 0.0
    log: complex = 0.0
    scale: float | None = None
    doubt: float = 0.0


def log_of(number: Number, scale: float | None) -> complex:
    """The number as the adaptive loop takes it: beside a scale log(2 + x), whose error is absolute."""
    if scale is not None:
        value = number.value if number.scale is not None else np.exp(number.log)
        return complex(np.log(2.0 + value / scale))
    if number.scale is not None:
        return complex(np.log(complex(number.value) if number.value else 1e-300))
    return complex(number.log)


def known_of(number: complex, bar: float, doubt: float, scale: float | None) -> tuple[complex, float]:
    """Value and absolute error."""
    if scale is None:
        if number.real > LARGEST_LOG:
            raise BarrierTooHighError("the integral of a correlation is no double", "more noise")
        value = np.exp(number.real) * complex(np.cos(number.imag), np.sin(number.imag))
        return value, float(abs(value) * (bar + doubt))
    value = (np.exp(number) - 2.0) * scale
    return complex(value), float(scale * (abs(np.exp(number)) * bar + doubt))


def estimate_of(known: tuple[complex, float]) -> Estimate:
    """The real part, with its error."""
    return Estimate(float(known[0].real), known[1])
