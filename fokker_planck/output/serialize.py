"""The JSON of the contract: every reported number a quantity, nothing that is not valid JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, SupportsFloat

if TYPE_CHECKING:
    from fokker_planck.quantity import Quantity, QuantityDict
    from fokker_planck.solvers.results.steady import Limits, Statistics


class Compared(Protocol):
    """A number with its asymptotic value beside it."""

    @property
    def asymptotic(self) -> Quantity | None:
        """The asymptotic value, where there is one."""

    @property
    def ratio(self) -> float | None:
        """Computed over asymptotic value."""


def quantity_json(quantity: Quantity | None) -> QuantityDict | None:
    """A quantity, null where there is none."""
    return None if quantity is None else quantity.as_dict()


def number_json(value: SupportsFloat | None) -> float | None:
    """A finite number, null for any other."""
    return float(value) if value is not None and math.isfinite(value) else None


def numbers_json(values: Iterable[SupportsFloat]) -> list[float | None]:
    """A position, or any row of numbers."""
    return [number_json(value) for value in values]


def number_name(value: float) -> str:
    """A number as a key: as short as ``%g`` where that is the number, else with every digit, so that no two share one.

    >>> number_name(0.5), number_name(1e6), number_name(0.99999999)
    ('0.5', '1e+06', '0.99999999')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def prediction_json(items: Iterable[Compared]) -> list[dict[str, Any]]:
    """The asymptotic value beside each number, and computed over asymptotic, as far as there is one."""
    return [{"value": quantity_json(item.asymptotic), "ratio": number_json(item.ratio)} for item in items]


def limits_json(limits: Limits) -> dict[str, Any]:
    """Other formulas beside numbers, by name; nothing where there are none."""
    return {"limits": {name: [quantity_json(value) for value in row] for name, row in limits}} if limits else {}


def statistics_json(statistics: Statistics) -> dict[str, Any]:
    """What an answer cost, and of Python functions how far they are from what the mesh sees."""
    seen = statistics.functions
    checked = {} if seen is None else {"functions": {"points": seen.points, "deviation": number_json(seen.deviation)}}
    return {
        "unknowns": int(statistics.unknowns),
        "cells": int(statistics.cells),
        "degree": int(statistics.degree),
        "levels": int(statistics.levels),
        "seconds": round(float(statistics.seconds), 3),
        **({} if statistics.missed is None else {"missed": statistics.missed}),
        **({} if statistics.work is None else {"work": work_json(statistics)}),
        **checked,
    }


def work_json(statistics: Statistics) -> dict[str, int]:
    """What was assembled, factored and solved for an answer, by count; empty where it needed no mesh."""
    return {} if statistics.work is None else asdict(statistics.work)


def json_text(content: Mapping[str, Any]) -> str:
    """One JSON object as text; what JSON does not know in an echoed problem file becomes a string or null."""
    return json.dumps(plain(content), indent=2, allow_nan=False, ensure_ascii=False)


def plain(content: Any) -> Any:
    """What JSON knows: other objects as texts, numbers that are not finite as null."""
    if isinstance(content, Mapping):
        return {_encodable(str(key)): plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [plain(item) for item in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if content is None or isinstance(content, (bool, int)):
        return content
    return _encodable(str(content))


def _encodable(text: str) -> str:
    r"""Text that UTF-8 holds: in the C locale Python keeps the bytes of arguments as halves of characters.

    >>> _encodable(b"\xc3\xa9t\xc3\xa9".decode("ascii", "surrogateescape"))
    'été'
    """
    if text.isascii():
        return text
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "replace")
    return encoded.decode("utf-8", "replace")
