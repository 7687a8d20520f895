"""Findings and steps as JSON that gives back what went in: quantities and numbers to the last bit, tuples as lists."""

from __future__ import annotations

import json
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check, Figure, Finding, Table

QUANTITY = "__quantity__"


def as_text(value: Any) -> str:
    """One line of JSON; numbers of numpy become those of Python.

    >>> as_text({"time": Quantity.of(2.0, 1e-9), "pair": (1, None)})
    '{"time": {"__quantity__": [2.0, 0.6931471805599453, 1e-09]}, "pair": [1, null]}'
    """
    return json.dumps(value, default=_plain)


def from_text(text: str) -> Any:
    """What :func:`as_text` wrote.

    >>> from_text(as_text([Quantity.of_log(-5000.0, 1e-6)]))
    [Quantity(value=None, log=-5000.0, relative_error=1e-06)]
    """
    return json.loads(text, object_hook=_quantity)


def as_dict(finding: Finding) -> dict[str, Any]:
    """A finding as dicts and lists that :func:`as_text` takes."""
    return {
        "checks": [
            [check.what, check.computed, check.expected, check.kind, check.tolerance, check.because]
            for check in finding.checks
        ],
        "tables": [[table.caption, table.columns, table.rows] for table in finding.tables],
        "figures": [[figure.caption, figure.description, figure.svg] for figure in finding.figures],
        "remarks": finding.remarks,
    }


def as_finding(content: dict[str, Any]) -> Finding:
    """The finding that :func:`as_dict` took apart."""
    return Finding(
        checks=tuple(Check(*check) for check in content["checks"]),
        tables=tuple(
            Table(caption, tuple(columns), tuple(tuple(row) for row in rows))
            for caption, columns, rows in content["tables"]
        ),
        figures=tuple(Figure(*figure) for figure in content["figures"]),
        remarks=tuple(content["remarks"]),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Quantity):
        return {QUANTITY: [value.value, value.log, value.relative_error]}
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"found a {type(value).__name__}; wanted numbers, texts, quantities, and lists and dicts of them")


def _quantity(content: dict[str, Any]) -> Any:
    return Quantity(*content[QUANTITY]) if QUANTITY in content else content
