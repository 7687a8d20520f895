"""How a study shows itself: numbers over the axes that it was made for, as a table, as a frame, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import batched
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.output.frames import frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from rich.table import Table

    from fokker_planck.quantity import Quantity

#: Quantities, and None where a number was refused or not asked for.
QuantityArray: TypeAlias = npt.NDArray[np.object_]
Axis: TypeAlias = Floats | Integers

BESIDE_EACH_OTHER = 2
"""Numbers with their error bars in a table: three and three axes are wider than a page of 120 columns."""
MOST_CURVES = 6
"""On one pair of axes: as many as there are colours that all eyes tell apart."""


class Study:
    """Numbers over axes: ``print(study)`` shows tables, ``study.to_frame()`` is a frame, ``study.plot()`` a picture."""

    __slots__ = ()

    @property
    def axes(self) -> Mapping[str, Axis]:
        """The values of every axis by its name, in the order of the axes of all arrays."""
        raise NotImplementedError

    @property
    def numbers(self) -> Mapping[str, QuantityArray]:
        """Arrays of quantities over the axes by name, those of which there is any; None where one is missing."""
        raise NotImplementedError

    def rows(self) -> list[dict[str, float | None]]:
        """A row for every place on the axes; a number ``gap`` has columns ``gap_log``, ``gap_relative_error``, too."""
        found = []
        for place in np.ndindex(self._shape):
            row: dict[str, float | None] = {**self._settings(place)}
            for name, array in self.numbers.items():
                quantity: Quantity | None = array.item(*place)
                parts = (None,) * 3 if quantity is None else (quantity.value, quantity.log, quantity.relative_error)
                row |= dict(zip((name, f"{name}_log", f"{name}_relative_error"), parts, strict=True))
            found.append(row)
        return found

    def to_frame(self) -> pandas.DataFrame:
        """The rows as a frame; raises MissingPackageError without pandas (the extra ``pandas``)."""
        return frame(self.rows())

    def plot(self, number: str | None = None, along: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw the logarithm of a number along an axis, a curve for every value of the other axes; the axes.

        Parameters
        ----------
        number
            one of ``numbers``; the first if not said
        along
            one of ``axes``; that with most values if not said
        ax
            axes to draw in; without them a figure is made

        Raises
        ------
        ProblemError
            Where there is no such number or axis.
        """
        from fokker_planck.output.plots.canvas import canvas
        from fokker_planck.output.plots.series import draw_series

        name = _known("number", number, list(self.numbers))
        longest = max(self.axes, key=lambda each: len(self.axes[each]))
        key = _known("along", along, list(self.axes)) if along is not None else longest
        axis, curves = list(self.axes).index(key), np.delete(np.array(self._shape), list(self.axes).index(key))
        with canvas(ax) as axes:
            for position, place in enumerate(list(np.ndindex(*curves.tolist()))[:MOST_CURVES]):
                whole = (*place[:axis], slice(None), *place[axis:])
                others = self._settings((*place[:axis], 0, *place[axis:]))
                told = [f"{_words(other)} {others[other]:g}" for other in self.axes if other != key]
                varied = [text for text, n in zip(told, curves.tolist(), strict=True) if n > 1]
                curve = (position, ", ".join(varied))
                draw_series(
                    axes,
                    self.axes[key].tolist(),
                    self.numbers[name][whole].tolist(),
                    (_words(key), _words(name)),
                    curve=curve,
                )
        return axes

    def __str__(self) -> str:
        from fokker_planck.output.tables import printed

        return printed([(self._tables(), None)]).rstrip("\n")

    def _repr_html_(self) -> str:
        """The tables, for a notebook."""
        from fokker_planck.output.html import html_tables

        return html_tables(self._tables())

    def __repr__(self) -> str:
        sizes = " x ".join(str(len(values)) for values in self.axes.values())
        return f"<{type(self).__name__}: {', '.join(self.numbers)} at {sizes} {', '.join(map(_words, self.axes))}>"

    def _tables(self) -> list[Table]:
        from fokker_planck.output.tables import NOTHING, empty_table, error_bar

        found = []
        for names in batched(self.numbers, BESIDE_EACH_OTHER):
            headings = [text for name in names for text in (_words(name), "rel. error")]
            table = empty_table("", [_words(key) for key in self.axes], headings)
            for place in np.ndindex(self._shape):
                told = (self.numbers[name].item(*place) for name in names)
                cells = [text for q in told for text in ((NOTHING, NOTHING) if q is None else (q.digits, error_bar(q)))]
                table.add_row(*(f"{value:g}" for value in self._settings(place).values()), *cells)
            found.append(table)
        return found

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.axes.values())

    def _settings(self, place: tuple[int, ...]) -> dict[str, float]:
        return {key: values[index].item() for (key, values), index in zip(self.axes.items(), place, strict=True)}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _known(key: str, name: str | None, known: list[str]) -> str:
    """The name, the first if None."""
    if not known:
        raise ProblemError(key, "no numbers", "a study with some answer")
    if name is not None and name not in known:
        raise ProblemError(key, f"{name!r}{did_you_mean(name, known)}", f"one of {', '.join(known)}")
    return known[0] if name is None else name


def of_wells(name: str, array: QuantityArray) -> dict[str, QuantityArray]:
    """An array over axes and wells as one for every well, by its number."""
    return {f"{name}_{well + 1}": array[..., well] for well in range(array.shape[-1])}


def some(arrays: Mapping[str, QuantityArray]) -> dict[str, QuantityArray]:
    """Those that have a number anywhere."""
    return {name: array for name, array in arrays.items() if any(each is not None for each in array.ravel())}
