"""Which points a sweep has: ranges and lists of values for keys of the problem file, and all their combinations."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from fokker_planck.cli.toml import KEY, value_of
from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described
from fokker_planck.quantity.light_dataclasses import dataclass

WANTED = "KEY=LOW:HIGH:COUNT, KEY=LOW:HIGH:COUNTlog or KEY=VALUE,VALUE,..., such as diffusion.epsilon=0.5:0.01:30log"
MOST_POINTS = 1_000_000
"""Of one sweep: a slip of the pen is refused before a table of it is made."""
_HALF_A_RANGE = re.compile(r"\s*[-+.\deE]+\s*:\s*[-+.\deE]+\s*(log|lin)?\s*")
_RANGE = re.compile(r"([^:,\[\]{}]+):([^:,\[\]{}]+):\s*(\d+)\s*(log|lin)?\s*")


@dataclass(frozen=True)
class Axis:
    """A key of the problem file and the values that it takes, each once, in their order."""

    key: str
    values: tuple[Any, ...]


def parsed_axis(text: str) -> Axis:
    """An axis as it is written behind ``--over``.

    >>> parsed_axis("diffusion.epsilon=0.1:0.001:3log").values
    (0.1, 0.01, 0.001)
    >>> parsed_axis("spectrum.count=2,4").values, parsed_axis("exit.start=[-1.0, 0.0],[0.5, 0.0]").values
    ((2, 4), ([-1.0, 0.0], [0.5, 0.0]))
    """
    key, equals, written = text.partition("=")
    if not equals or not KEY.fullmatch(key.strip()) or not written.strip():
        raise ProblemError("--over", described(text), WANTED)
    span = _RANGE.fullmatch(written)
    if span is not None:
        return Axis(key.strip(), _spaced(span[1], span[2], int(span[3]), span[4] == "log"))
    if _HALF_A_RANGE.fullmatch(written):
        raise ProblemError("--over", f"{described(text)}, without a count", WANTED)
    return checked_axis(key.strip(), [value_of(part.strip()) for part in _split(written)])


def checked_axis(key: str, values: object) -> Axis:
    """An axis from a list of values; a number alone is one value."""
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__iter__"):
        listed = [values]
    else:
        listed = list(values)
    plain = [_plain(value) for value in listed]
    if not plain:
        raise ProblemError(f"over.{key}", "no values", "at least one")
    return Axis(key, tuple(json.loads(text) for text in dict.fromkeys(json.dumps(value) for value in plain)))


def combined(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """All combinations, the last axis fastest."""
    keys = [axis.key for axis in axes]
    if not keys:
        raise ProblemError("--over", "nothing", WANTED)
    if len(set(keys)) < len(keys):
        raise ProblemError("--over", f"{', '.join(keys)}", "every key once")
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST_POINTS:
        raise ProblemError("--over", f"{count:,} points", f"{MOST_POINTS:,} at most")
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*(axis.values for axis in axes))]


def _spaced(low: str, high: str, count: int, logarithmic: bool) -> tuple[Any, ...]:
    ends = [value_of(text.strip()) for text in (low, high)]
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end) for end in ends)
    if not numbers or not 1 <= count <= MOST_POINTS or (logarithmic and min(ends) <= 0):
        raise ProblemError("--over", f"{low}:{high}:{count}{'log' if logarithmic else ''}", WANTED)
    import numpy as np

    space = np.geomspace if logarithmic else np.linspace
    values = [float(f"{value:.15g}") for value in space(float(ends[0]), float(ends[1]), count)]
    if all(isinstance(end, int) for end in ends) and all(value == round(value) for value in values):
        return tuple(round(value) for value in values)
    return tuple(dict.fromkeys(values))


def _split(text: str) -> list[str]:
    """At the commas outside of brackets and quotes."""
    parts, depth, quoted = [""], 0, ""
    for letter in text:
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in "'\"":
            quoted = letter
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _plain(value: Any) -> Any:
    """What JSON knows: numbers of numpy as those of Python."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    raise ProblemError("over", described(value), "numbers, texts, lists and tables")
