"""Answers as the JSON of the contract: every reported number a quantity, nothing that is not valid JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fokker_planck.landscape import Landscape
from fokker_planck.solvers.results import ExitTime, Spectrum, Stationary, Statistics

if TYPE_CHECKING:
    from fokker_planck.quantity import Quantity, QuantityDict

Answer = Stationary | Spectrum | ExitTime | Landscape


def answer_json(answer: Answer) -> dict[str, Any]:
    """The object that ``fokker-planck QUESTION --json`` prints for one answer."""
    if isinstance(answer, Stationary):
        return {
            "wells": [
                {"minimum": _floats(well.minimum), "probability": well.probability.as_dict()} for well in answer.wells
            ]
        }
    if isinstance(answer, Spectrum):
        return {
            "eigenvalues": [
                {"real": eigenvalue.real.as_dict(), "imag": _number(eigenvalue.imag)}
                for eigenvalue in answer.eigenvalues
            ],
            "gap": answer.gap.as_dict(),
        }
    if isinstance(answer, ExitTime):
        return {
            "mean": answer.mean.as_dict(),
            "asymptotic": _quantity(answer.asymptotic),
            "ratio": _number(answer.ratio),
        }
    return _landscape_json(answer)


def asymptotic_json(answer: Answer) -> list[dict[str, Any]]:
    """The Eyring-Kramers value beside each number of an answer, and computed over asymptotic; empty for a landscape."""
    if isinstance(answer, Stationary):
        compared: Iterable[Any] = answer.wells
    elif isinstance(answer, Spectrum):
        compared = answer.eigenvalues
    elif isinstance(answer, ExitTime):
        compared = (answer,)
    else:
        compared = ()
    return [{"value": _quantity(item.asymptotic), "ratio": _number(item.ratio)} for item in compared]


def statistics_json(statistics: Statistics) -> dict[str, Any]:
    """What an answer cost."""
    return {
        "unknowns": int(statistics.unknowns),
        "cells": int(statistics.cells),
        "degree": int(statistics.degree),
        "levels": int(statistics.levels),
        "seconds": round(float(statistics.seconds), 3),
    }


def json_text(content: Mapping[str, Any]) -> str:
    """One JSON object as text; what JSON does not know in an echoed problem file becomes a string or null."""
    return json.dumps(_plain(content), indent=2, allow_nan=False, ensure_ascii=False)


def _landscape_json(landscape: Landscape) -> dict[str, Any]:
    return {
        "minima": [
            {
                "position": _floats(point.position),
                "value": _number(point.value),
                "hessian_eigenvalues": _floats(point.hessian_eigenvalues),
                "barrier": _number(barrier),
                "degenerate": bool(point.degenerate),
                "on_boundary": bool(point.on_boundary),
            }
            for point, barrier in zip(landscape.minima, landscape.barriers, strict=True)
        ],
        "saddles": [
            {
                "position": _floats(point.position),
                "value": _number(point.value),
                "hessian_eigenvalues": _floats(point.hessian_eigenvalues),
                "joins": [int(index) for index in point.joins],
                "degenerate": bool(point.degenerate),
                "on_boundary": bool(point.on_boundary),
            }
            for point in landscape.saddles
        ],
        "barriers": [_number(barrier) for barrier in landscape.barriers],
    }


def _quantity(quantity: Quantity | None) -> QuantityDict | None:
    return None if quantity is None else quantity.as_dict()


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _floats(values: Iterable[Any]) -> list[float | None]:
    return [_number(value) for value in values]


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(item) for item in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if content is None or isinstance(content, (bool, int, str)):
        return content
    return str(content)
