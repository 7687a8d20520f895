"""JSON objects of answers as flat rows, and rows as a frame of pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fokker_planck.errors import MissingPackageError
from fokker_planck.quantity import Quantity

if TYPE_CHECKING:
    import pandas

QUANTITY = {"value", "log", "relative_error"}


def flat(content: Any, name: str = "") -> dict[str, Any]:
    """A JSON object as one row: ``a.b`` for entries of tables, ``a.0`` for those of lists.

    A quantity ``a`` has columns ``a``, ``a_log``, ``a_relative_error``.

    >>> flat({"mean": {"value": 2.0, "log": 0.7, "relative_error": 1e-6}, "start": [1.0, 3.0]})
    {'mean': 2.0, 'mean_log': 0.7, 'mean_relative_error': 1e-06, 'start.0': 1.0, 'start.1': 3.0}
    """
    if isinstance(content, Mapping) and set(content) == QUANTITY:
        return {
            name: content["value"],
            f"{name}_log": content["log"],
            f"{name}_relative_error": content["relative_error"],
        }
    items = enumerate(content) if isinstance(content, list | tuple) else None
    if isinstance(content, Mapping):
        items = content.items()  # type: ignore[assignment]
    if items is None:
        return {name: content}
    row: dict[str, Any] = {}
    for key, value in items:
        row |= flat(value, f"{name}.{key}" if name else str(key))
    return row


def quantities_in(content: Any) -> dict[str, Quantity]:
    """The quantities of a JSON object by the names that :func:`flat` gives them; those without a number are left out.

    >>> print(quantities_in({"mean": {"value": 2.0, "log": 0.69, "relative_error": 1e-3}, "start": [1.0]})["mean"])
    2.000 ± 0.002
    """
    found: dict[str, Quantity] = {}

    def look(part: Any, name: str) -> None:
        if isinstance(part, Mapping) and set(part) == QUANTITY:
            if part["value"] is not None or part["log"] is not None:
                error = part["relative_error"]
                found[name] = Quantity(part["value"], part["log"], float("nan") if error is None else error)
            return
        items = enumerate(part) if isinstance(part, list) else ()
        for key, value in part.items() if isinstance(part, Mapping) else items:
            look(value, f"{name}.{key}" if name else str(key))

    look(content, "")
    return found


def frame(rows: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """A frame with the columns of all rows; raises MissingPackageError without pandas."""
    try:
        import pandas
    except ImportError:
        raise MissingPackageError("pandas", "pandas") from None
    return pandas.DataFrame([dict(row) for row in rows])
