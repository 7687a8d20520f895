"""A sweep that has been run: its points as rows, a table, a frame, quantities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fokker_planck.cli.sweeps.axes import Axis, combined
from fokker_planck.cli.sweeps.store import Point, opened
from fokker_planck.errors import ProblemError
from fokker_planck.output.frames import flat, frame, quantities_in
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.quantity.units import NONE, Units

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from rich.table import Table

    from fokker_planck.quantity import Quantity

SHOWN = 3
"""Columns of numbers in the printed table, at most; the frame has all."""
OF_A_NUMBER, GAP = 14, 3
"""Columns of a page that a number takes, and between two."""


@dataclass(frozen=True, repr=False)
class Sweep:
    """Answers at all combinations of values.

    Parameters
    ----------
    axes
        values by key of the problem file
    points
        in the order of the combinations, the last axis fastest; those that failed have a ``reason``
    title
        of the problem
    file
        where they are kept
    units
        of the problem
    """

    axes: Mapping[str, Sequence[object]]
    points: tuple[Point, ...]
    title: str = ""
    file: Path | None = None
    units: Units = NONE

    @property
    def failures(self) -> tuple[Point, ...]:
        """The points without an answer."""
        return tuple(point for point in self.points if point.result is None)

    def rows(self) -> list[dict[str, object]]:
        """Flat rows: the settings, ``question.number`` with its ``_log`` and ``_relative_error``, and ``failure``."""
        return [
            {**flat(dict(point.settings)), **flat(dict(point.result or {})), "failure": point.reason}
            for point in self.points
        ]

    def to_frame(self) -> pandas.DataFrame:
        """The rows as a frame; raises MissingPackageError without pandas (the extra ``pandas``)."""
        return frame(self.rows())

    def quantities(self, column: str) -> list[Quantity | None]:
        """A column such as ``"exit-time.mean"``; None where a point failed or has no such number.

        Raises ProblemError where no point has a number of that name, if there is a point with an answer.
        """
        if column not in self.columns and not any(column in flat(dict(point.result or {})) for point in self.points):
            _refuse_unknown("column", column, self.columns)
        return [_quantities(point).get(column) for point in self.points]

    def plot(self, number: str | None = None, ax: Axes | None = None, arrhenius: bool = False) -> Axes:
        """Draw a number over the values of the axis that has most of them, beside its asymptotic value; the axes.

        Parameters
        ----------
        number
            its column, such as ``"exit-time.mean"``; the first if not said
        ax
            axes to draw in; without them a figure is made
        arrhenius
            over one over the values, where an exponential law is a straight line

        Raises
        ------
        ProblemError
            Where there is no such column, or where values are no numbers.
        """
        from fokker_planck.output.plots.canvas import canvas
        from fokker_planck.output.plots.series import draw_series

        first = sorted(self.columns, key=lambda name: name.count("."))
        name = checked_name(number, first)
        key = max(self.axes, key=lambda each: len(self.axes[each]))
        values = [point.settings[key] for point in self.points]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise ProblemError("picture", f"values of {key} that are no numbers", "an axis of numbers")
        if arrhenius and not min(values) > 0.0:
            raise ProblemError(
                "picture", f"values of {key} down to {min(values)}", "positive ones for an Arrhenius plot"
            )
        beside = f"{name.rpartition('.')[0]}.asymptotic"
        with canvas(ax, self.units) as axes:
            for position, (others, points) in enumerate(self._curves(key).items()):
                curve = [_quantities(point).get(name) for point in points]
                formula = [_quantities(point).get(beside) for point in points]
                places = [float(point.settings[key]) for point in points]
                draw_series(axes, places, curve, (key, name), formula, arrhenius, (position, others))
        return axes

    def _curves(self, key: str) -> dict[str, list[Point]]:
        """The points by what the other axes are set to."""
        curves: dict[str, list[Point]] = {}
        for point in self.points:
            others = ", ".join(f"{name} = {value}" for name, value in point.settings.items() if name != key)
            curves.setdefault(others, []).append(point)
        return curves

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all quantities."""
        return tuple(dict.fromkeys(name for point in self.points for name in _quantities(point)))

    def __str__(self) -> str:
        """The numbers next to the top of every answer, and below them what failed."""
        from fokker_planck.output.tables import printed

        return "\n".join([printed([([self._table()], None)]).rstrip("\n"), *self._reasons()])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        from fokker_planck.output.html import html_tables

        return html_tables([self._table()], "; ".join(self._reasons()))

    def _table(self) -> Table:
        from fokker_planck.output.plots.labels import in_units, measured
        from fokker_planck.output.plots.series import kind_of
        from fokker_planck.output.tables import NOTHING, empty_table, literal, short

        shown = self._shown()
        with in_units(self.units):
            headings = [text for name in shown for text in (measured(name, kind_of(name)), "rel. error")]
            keys = [measured(key, kind_of(key)) for key in self.axes]
            table = empty_table(literal(self.title) or "Sweep", keys, headings)
        for point in self.points:
            settings = [short(v) if isinstance(v, float) else literal(str(v)) for v in point.settings.values()]
            numbers = [_quantities(point).get(name) for name in shown]
            table.add_row(
                *settings, *(text for q in numbers for text in ((NOTHING, NOTHING) if q is None else _cells(q)))
            )
        return table

    def _shown(self) -> list[str]:
        """Names of the numbers that fit beside each other on a page, those next to the top of every answer."""
        from fokker_planck.output.tables import WIDTH_WITHOUT_TERMINAL

        names = sorted(self.columns, key=lambda name: name.count("."))[:SHOWN]
        found: list[str] = []
        room = WIDTH_WITHOUT_TERMINAL - sum(GAP + max(len(key), OF_A_NUMBER) for key in self.axes)
        for name in names:
            room -= GAP + max(len(name), OF_A_NUMBER) + GAP + len("rel. error")
            if room >= 0 or not found:
                found.append(name)
        return found

    def _reasons(self) -> list[str]:
        """Why points have no answer."""
        return [
            f"no answer at {', '.join(f'{key} = {value}' for key, value in point.settings.items())}: {point.reason}"
            for point in self.points
            if point.result is None
        ]

    def __repr__(self) -> str:
        return f"<Sweep: {len(self.points)} points, {len(self.failures)} failed>"


def load_sweep(path: str | Path) -> Sweep:
    """The sweep in a file, also while it is being written; raises ProblemError where it is none.

    Parameters
    ----------
    path
        of the file

    Returns
    -------
    Sweep
        The points that are known.
    """
    path = Path(path)
    with opened(path, writing=False) as store:
        about = store.about()
        axes = tuple(Axis(key, tuple(values)) for key, values in about.get("axes", []))
        points = store.points(combined(axes)) if axes else []
    return Sweep(
        {axis.key: axis.values for axis in axes},
        tuple(points),
        about.get("title", ""),
        path,
        units_in(about.get("problem")),
    )


def units_in(problem: object) -> Units:
    """The units of a problem file, from its tables as read; none of a function."""
    table = problem.get("units") if isinstance(problem, Mapping) else None
    return Units(**table) if isinstance(table, Mapping) else NONE


def checked_name(number: str | None, known: Sequence[str]) -> str:
    """A column of quantities, the first where none is named."""
    if not known:
        raise ProblemError("picture", "no number in any point", "a sweep with answers")
    if number is not None and number not in known:
        _refuse_unknown("number", number, known)
    return number or known[0]


def _refuse_unknown(key: str, name: str, known: Sequence[str]) -> None:
    """Raise ProblemError with the nearest of the known names, if there are any."""
    from fokker_planck.formulas.parsing.near import did_you_mean

    if known:
        raise ProblemError(key, f"{name!r}{did_you_mean(name, known)}", f"one of {', '.join(known)}")


def _cells(quantity: Quantity) -> tuple[str, str]:
    from fokker_planck.output.tables import error_bar

    return quantity.digits, error_bar(quantity)


def _quantities(point: Point) -> dict[str, Quantity]:
    return quantities_in(point.result)
