"""Answers as the JSON of the contract: every reported number a quantity, nothing that is not valid JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fokker_planck.landscape.types import Landscape
from fokker_planck.questions.answers import WellRates
from fokker_planck.solvers.results import Committor, ExitTime, Rates, Spectrum, Stationary, Statistics, quotient

if TYPE_CHECKING:
    from fokker_planck.quantity import Quantity, QuantityDict

Answer = Stationary | Spectrum | ExitTime | Committor | Rates | Landscape


def answer_json(answer: Answer) -> dict[str, Any]:
    """The object that ``fokker-planck QUESTION --json`` prints for one answer."""
    if isinstance(answer, Stationary):
        return {
            "wells": [
                {
                    "minimum": _floats(well.minimum),
                    "probability": well.probability.as_dict(),
                    **({"merged": [_floats(place) for place in well.merged]} if well.merged else {}),
                }
                for well in answer.wells
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
    if isinstance(answer, Committor):
        return {
            "rate": answer.rate.as_dict(),
            "probability_reactive": answer.probability_reactive.as_dict(),
            "probability_last_from": _quantity(answer.probability_last_from),
        }
    if isinstance(answer, Rates):
        return {
            "wells": [{"minimum": _floats(minimum)} for minimum in answer.minima],
            "rates": [[_leaving(row) if entry is None else entry.as_dict() for entry in row] for row in answer.rates],
            "asymptotic": [
                [_quantity(predicted(answer, k, m)) for m in range(len(answer.minima))]
                for k in range(len(answer.minima))
            ],
        }
    return _landscape_json(answer)


def asymptotic_json(answer: Answer) -> list[dict[str, Any]]:
    """The Eyring-Kramers value beside each number of an answer, and computed over asymptotic, as far as there is one.

    For rates in the order of :func:`pairs`; empty for a landscape and a committor.
    """
    if isinstance(answer, Rates):
        beside = [(answer.rates[k][m], predicted(answer, k, m)) for k, m in pairs(answer)]
        return [
            {"value": _quantity(value), "ratio": _number(quotient(rate, value)) if rate is not None else None}
            for rate, value in beside
        ]
    if isinstance(answer, Stationary):
        compared: Iterable[Any] = answer.wells
    elif isinstance(answer, Spectrum):
        compared = answer.eigenvalues
    elif isinstance(answer, ExitTime):
        compared = (answer,)
    else:
        compared = ()
    return [{"value": _quantity(item.asymptotic), "ratio": _number(item.ratio)} for item in compared]


def pairs(answer: Rates) -> list[tuple[int, int]]:
    """All (from, to) of a reduced chain, row by row, without the diagonal."""
    count = len(answer.minima)
    return [(k, m) for k in range(count) for m in range(count) if k != m]


def predicted(answer: Rates, k: int, m: int) -> Quantity | None:
    """The Eyring-Kramers rate from k to m, None where there is none."""
    return answer.asymptotic[k][m] if answer.asymptotic is not None else None


def chain_json(answer: Rates) -> dict[str, Any]:
    """What the result folder tells of a reduced chain beyond its rates: mean hitting times, saddles between wells."""
    flows = answer.flows if isinstance(answer, WellRates) else ()
    return {
        "hitting_times": [[_quantity(entry) for entry in row] for row in answer.hitting_times],
        "saddles": [
            {"between": [int(k) for k in flow.between], "position": _floats(flow.saddle), "share": _number(flow.share)}
            for flow in flows
        ],
    }


def statistics_json(statistics: Statistics) -> dict[str, Any]:
    """What an answer cost, and of Python functions how far they are from what the mesh sees."""
    seen = statistics.functions
    checked = {} if seen is None else {"functions": {"points": seen.points, "deviation": _number(seen.deviation)}}
    return {
        "unknowns": int(statistics.unknowns),
        "cells": int(statistics.cells),
        "degree": int(statistics.degree),
        "levels": int(statistics.levels),
        "seconds": round(float(statistics.seconds), 3),
        **checked,
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


def _leaving(row: Sequence[Quantity | None]) -> QuantityDict:
    """The diagonal entry of a row of rates, minus the sum of the others; no value where these fit no double."""
    others = [entry for entry in row if entry is not None]
    known = [(entry.value, entry.relative_error) for entry in others if entry.value is not None]
    total = sum(value for value, _ in known)
    if total == 0.0 or not math.isfinite(total):
        return {"value": None, "log": None, "relative_error": None}
    error = sum(abs(value) * relative_error for value, relative_error in known)
    return {"value": -total, "log": None, "relative_error": _number(error / abs(total))}


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
