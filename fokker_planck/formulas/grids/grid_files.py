"""Values on regular grids from files: npz, the text of PLUMED, CSV."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

NAMES = ("x", "y", "z")
WANTED = "an .npz with x (y, z) and the values, PLUMED's text with #! FIELDS, or a .csv of x, (y, z,) value"
UNEVEN = 1e-6
"""Of a step: how much steps may differ. Text files keep six digits and more."""


@dataclass(frozen=True)
class Grid:
    """Values (n_1, ..., n_d, ...) on the product of ``axes``; ``periods`` where the file tells them, else None.

    ``periodic`` says of an axis whether the file says it is, None where it does not say.
    """

    axes: tuple[Floats, ...]
    values: Floats
    periodic: tuple[bool | None, ...]
    periods: tuple[float | None, ...]


def read_grid(path: Path, value: str = "F", key: str = "potential.grid") -> Grid:
    """The grid in a file; ``value`` is the name of the values in an npz.

    Raises ProblemError with the ``key`` where the file is no such grid.
    """
    try:
        if path.suffix == ".npz":
            return _of_npz(path, value, key)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProblemError(key, f"no such file: {path}", WANTED) from None
    except ProblemError:
        raise
    except (OSError, ValueError) as error:
        raise ProblemError(key, f"a file that cannot be read ({error})", WANTED) from None
    return _of_plumed(text, key) if text.lstrip().startswith("#!") else _of_table(text, key)


def _of_npz(path: Path, value: str, key: str) -> Grid:
    with np.load(path, allow_pickle=False) as found:
        arrays = {name: np.asarray(found[name]) for name in found.files}
    names = [name for name in NAMES if name in arrays]
    if not names or names != list(NAMES[: len(names)]) or value not in arrays:
        raise ProblemError(key, f"arrays {', '.join(arrays)}", f"x (y, z) and {value}")
    axes = tuple(checked_axis(arrays[name], name, key) for name in names)
    values = np.asarray(arrays[value], dtype=float)
    if values.shape[: len(axes)] != tuple(map(len, axes)):
        found_shape = f"{value} of shape {values.shape}"
        raise ProblemError(key, found_shape, f"shape {tuple(map(len, axes))}, the lengths of {', '.join(names)}")
    said = arrays.get("periodic")
    periodic = (None,) * len(axes) if said is None else tuple(bool(flag) for flag in np.broadcast_to(said, len(axes)))
    lengths = arrays.get("period")
    told = np.broadcast_to(np.nan if lengths is None else np.asarray(lengths, dtype=float), len(axes))
    return Grid(axes, values, periodic, tuple(float(length) if length > 0.0 else None for length in told))


def _of_plumed(text: str, key: str) -> Grid:
    """The text of ``sum_hills``: FIELDS names the columns, SET lines tell minima, maxima and periods."""
    lines = text.splitlines()
    fields = next((line.split()[2:] for line in lines if line.split()[:2] == ["#!", "FIELDS"]), [])
    sets = {part[2]: part[3] for line in lines if (part := line.split())[:2] == ["#!", "SET"] and len(part) >= 4}
    axes = [name for name in fields if f"min_{name}" in sets] or fields[:1]
    number = len(axes)
    if not fields or not 1 <= number <= 3 or len(fields) <= number:
        raise ProblemError(key, f"fields {' '.join(fields) or 'none'}", WANTED)
    grid = _of_rows([line.split() for line in lines if line.strip() and not line.startswith("#")], number, key)
    periodic = tuple(sets.get(f"periodic_{name}", "").lower() == "true" for name in axes)
    ends = [(_number(sets.get(f"min_{name}")), _number(sets.get(f"max_{name}"))) for name in axes]
    periods = tuple(
        high - low if wraps and low is not None and high is not None else None
        for wraps, (low, high) in zip(periodic, ends, strict=True)
    )
    return Grid(grid.axes, grid.values, periodic, periods)


def _of_table(text: str, key: str) -> Grid:
    """Rows of coordinates and a value, between commas, semicolons or spaces; a first line of names may be there."""
    rows = [re.split(r"[,;\s]+", line.strip()) for line in text.splitlines() if line.strip() and line[0] != "#"]
    if rows and any(_number(cell) is None for cell in rows[0]):
        rows = rows[1:]
    return _of_rows(rows, len(rows[0]) - 1 if rows else 0, key)


def _of_rows(rows: Sequence[Sequence[str]], number: int, key: str) -> Grid:
    """A grid from its points in any order, the first columns coordinates and the next one the value."""
    cells = [[_number(cell) for cell in row[: number + 1]] for row in rows]
    if not 1 <= number <= 3 or not cells or any(len(row) != number + 1 or None in row for row in cells):
        raise ProblemError(key, "rows that are not numbers, or of unequal length", WANTED)
    table = np.array(cells, dtype=float)
    axes, places = [], []
    for column in table[:, :number].T:
        order = np.sort(column)
        apart = np.diff(order)
        new = np.concatenate([[True], apart > 1e-6 * max(float(np.ptp(column)), 1e-300)])
        axis = order[new]
        axes.append(axis)
        places.append(np.abs(column[:, None] - axis[None, :]).argmin(axis=1) if len(axis) else column.astype(int))
    shape = tuple(map(len, axes))
    if math.prod(shape) != len(table) or len(set(zip(*(place.tolist() for place in places), strict=True))) < len(table):
        raise ProblemError(key, f"{len(table)} points, not a full grid of {' x '.join(map(str, shape))}", WANTED)
    values = np.empty(shape)
    values[tuple(places)] = table[:, number]
    checked = tuple(checked_axis(axis, NAMES[i], key) for i, axis in enumerate(axes))
    return Grid(checked, values, (None,) * number, (None,) * number)


def checked_axis(points: Any, name: str, key: str) -> Floats:
    """An ascending axis of equal steps."""
    axis = np.asarray(points, dtype=float)
    if axis.ndim != 1 or len(axis) < 2 or not np.isfinite(axis).all():
        raise ProblemError(key, f"an axis {name} of shape {axis.shape}", "a row of at least two numbers")
    steps = np.diff(axis)
    mean = float(axis[-1] - axis[0]) / (len(axis) - 1)
    if mean <= 0.0 or np.abs(steps - mean).max() > UNEVEN * len(axis) * mean:
        raise ProblemError(key, f"steps from {steps.min():g} to {steps.max():g} along {name}", "ascending, equal steps")
    return axis


CONSTANTS: Mapping[str, float] = {"pi": math.pi, "+pi": math.pi, "-pi": -math.pi, "2pi": 2.0 * math.pi}
"""As PLUMED writes ends of angles."""


def _number(text: str | None) -> float | None:
    """A number as it is written, with inf and nan; PLUMED writes pi."""
    if text is None:
        return None
    try:
        return CONSTANTS.get(text.lower()) or float(text)
    except ValueError:
        return None
