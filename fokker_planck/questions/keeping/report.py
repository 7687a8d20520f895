"""Answers by name of question as text and as JSON, each by the entry of its question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.output.frames import flat, frame
from fokker_planck.output.html import html_tables
from fokker_planck.output.plots.labels import in_units
from fokker_planck.output.tables import cost, printed
from fokker_planck.quantity.units import NONE
from fokker_planck.questions.registry import entry_of

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fokker_planck.quantity.units import Units
    from fokker_planck.questions.entry import Entry
    from fokker_planck.solvers.results.steady import Statistics


def answer_json(answer: object, name: str | None = None) -> dict[str, Any]:
    """The object that ``fokker-planck QUESTION --json`` prints for one answer."""
    return entry_of(answer, name).json(answer)


def answer_text(answer: object) -> str:
    """The tables that the command prints for one answer."""
    return render({"": answer}, units=units_of(answer)).rstrip("\n")


def answer_html(answer: object) -> str:
    """The same tables for a notebook."""
    statistics = statistics_of(answer)
    said = () if statistics is None else (cost(statistics), statistics.missed)
    with in_units(units_of(answer)):
        return html_tables(entry_of(answer).tables(answer, None), "; ".join(line for line in said if line is not None))


def answer_frame(answer: object) -> pandas.DataFrame:
    """The numbers of one answer as a frame."""
    return frame(rows_of(answer))


def answer_plot(answer: object, ax: Axes | None = None, kind: str = "", units: Units | None = None) -> Axes:
    """The picture of one answer on its axes, or another ``kind`` of picture, in ``units`` or those of its problem."""
    from fokker_planck.output.plots.canvas import canvas
    from fokker_planck.output.saved_field import LostField

    entry = entry_of(answer)
    draw = _drawn_by(entry, kind)
    for field in entry.fields(answer).values():
        if isinstance(field, LostField):
            raise field.error
    with canvas(ax, units or units_of(answer), wide=_in_slices(answer, kind)) as axes:
        draw(axes, answer)
    return axes


def answer_figure(answer: object, title: str = "", kind: str = "", units: Units | None = None) -> Figure:
    """The same in a figure of its own, for a file, with the title of the problem above it."""
    import matplotlib
    from matplotlib.figure import Figure

    from fokker_planck.output.plots.canvas import ONE, THREE_SLICES
    from fokker_planck.output.plots.density import TYPOGRAPHY
    from fokker_planck.output.plots.labels import text

    with matplotlib.rc_context(TYPOGRAPHY):
        slices = _in_slices(answer, kind)
        figure = Figure(figsize=THREE_SLICES if slices else ONE, layout="constrained" if slices else "compressed")
        answer_plot(answer, figure.add_subplot(), kind, units)
        if title:
            figure.suptitle(text(title), fontsize=12)
    return figure


def _in_slices(answer: object, kind: str) -> bool:
    """Whether it has fields of three coordinates, of which slices are drawn."""
    return not kind and any(getattr(field, "dimension", 0) == 3 for field in entry_of(answer).fields(answer).values())


def _drawn_by(entry: Entry[Any, Any], kind: str) -> Callable[[Axes, Any], None]:
    if kind and kind not in entry.kinds:
        found = f"{kind!r}{did_you_mean(kind, entry.kinds)}"
        raise ProblemError("kind", found, f"one of {', '.join(entry.kinds)}" if entry.kinds else "none: there is one")
    return entry.kinds[kind] if kind else entry.draw


def rows_of(answer: object) -> list[dict[str, Any]]:
    """The same numbers as flat rows."""
    entry = entry_of(answer)
    return [flat(each) for each in entry.rows(answer)] if entry.rows is not None else [flat(entry.json(answer))]


def render(
    answers: Mapping[str, object],
    title: str = "",
    noise: float | None = None,
    terminal: bool = False,
    reversible: bool | None = None,
    units: Units | None = None,
) -> str:
    """Answers as tables, with ``units`` in their headings; ``noise`` = eps of isotropic noise adds barriers over eps.

    ``terminal`` is colour, ``reversible`` says whether the process is in detailed balance, None to leave it out.
    """
    sections = (
        (entry_of(answer, name).tables(answer, noise), statistics_of(answer)) for name, answer in answers.items()
    )
    with in_units(units):
        return printed(sections, title, terminal, reversible)


def units_of(answer: object) -> Units | None:
    """Those of the problem that was asked about; None without any, where those of around hold."""
    found: Units = getattr(statistics_of(answer) or answer, "units", NONE)
    return None if found == NONE else found


def statistics_of(answer: object) -> Statistics | None:
    """What an answer cost; None for one that needed no mesh."""
    return getattr(answer, "statistics", None)
