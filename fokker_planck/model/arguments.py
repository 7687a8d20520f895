"""Checks of plain arguments: finite numbers, counts, points. A failure names the key, the finding, what is wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError

#: Coordinates and parameters beyond this overflow as soon as they are squared and multiplied by a weight.
LARGEST = 1e100
AXES = ("x", "y", "z")
MOST_DIMENSIONS = 3
"""Meshes are of intervals, triangles and tetrahedra."""


def finite_number(key: str, value: Any, wanted: str = "a finite number") -> float:
    """``value`` as a float; a Boolean, a string, nan or inf is a :class:`ProblemError`.

    >>> finite_number("diffusion.epsilon", 2)
    2.0
    """
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ProblemError(key, described(value), wanted)
    if not abs(value) <= LARGEST:
        raise ProblemError(key, described(value), f"{wanted}, at most {LARGEST:g} in size")
    return float(value)


def positive_number(key: str, value: Any, wanted: str = "a number > 0") -> float:
    """``value`` as a float that is greater than zero."""
    number = finite_number(key, value, wanted)
    if number <= 0.0:
        raise ProblemError(key, value, wanted)
    return number


def whole_number(key: str, value: Any, least: int, most: int) -> int:
    """``value`` as an int from ``least`` to ``most``; 2.0 is not a whole number here, nor is True.

    >>> whole_number("spectrum.count", 4, 2, 1000)
    4
    """
    wanted = f"a whole number from {least} to {most}"
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProblemError(key, described(value), wanted)
    if not least <= value <= most:
        raise ProblemError(key, described(value), wanted)
    return value


def point(key: str, value: Any, dimension: int | None = None) -> tuple[float, ...]:
    """``value`` as the coordinates of a point; a single number stands for a point of the line.

    >>> point("exit.start", [-1, 0.5])
    (-1.0, 0.5)
    """
    wanted = "a list of one, two or three numbers" if dimension is None else _count(dimension)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise ProblemError(key, described(value), wanted)
    if (not 1 <= len(value) <= 3) if dimension is None else len(value) != dimension:
        raise ProblemError(key, list(value), wanted)
    return tuple(finite_number(f"{key}[{i}]", number) for i, number in enumerate(value))


def ascending(key: str, given: Any, wanted: str, lower: float, upper: float) -> tuple[float, ...]:
    """Numbers between two bounds, neither of which is allowed, each once: a time may be as long as doubles go.

    >>> ascending("exit.times", [3, 1.0, 3], "a list of times > 0", 0.0, math.inf)
    (1.0, 3.0)
    """
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise ProblemError(key, described(given), wanted)
    numbers = []
    for i, value in enumerate(given):
        if not isinstance(value, Real) or isinstance(value, bool):
            raise ProblemError(f"{key}[{i}]", described(value), wanted)
        if not lower < float(value) < upper:
            raise ProblemError(f"{key}[{i}]", float(value), wanted)
        numbers.append(float(value))
    return tuple(sorted(set(numbers)))


def same_length(key: str, value: Sequence[float], other: Sequence[float], name: str) -> None:
    """Refuse ``value`` unless it has as many entries as ``other``, which is called ``name``."""
    if len(value) != len(other):
        raise ProblemError(key, list(value), f"{_count(len(other))}, one for each of {name} = {list(other)}")


def _count(dimension: int) -> str:
    names = ", ".join(AXES[:dimension])
    return f"{dimension} numbers ({names})" if dimension > 1 else "one number (x)"


def described(value: object) -> object:
    """How a value of the wrong kind is named in an error, as somebody who wrote a TOML file would know it.

    >>> print(described("0.05"), described(True), described({"a": 1}), described(10**400), described(0.5))
    the text '0.05' the Boolean true the table {'a': 1} an integer of 401 digits 0.5
    """
    if isinstance(value, bool):
        return f"the Boolean {str(value).lower()}"
    if isinstance(value, str):
        return f"the text {value!r}"
    if isinstance(value, Mapping):
        return f"the table {dict(value)!r}"
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {int(value.bit_length() * math.log10(2.0)) + 1} digits"
    if value is None:
        return "nothing"
    return value
