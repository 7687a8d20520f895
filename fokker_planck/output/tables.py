"""Tables as text: value, error bar, asymptotic value and their ratio, each number with the digits it has."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, SupportsFloat

from fokker_planck.output.plots.labels import measured

if TYPE_CHECKING:
    from rich.table import Table

    from fokker_planck.output.serialize import Compared
    from fokker_planck.quantity import Quantity
    from fokker_planck.solvers.results.steady import Limits, Statistics

NOTHING = "-"
COMPARISON = ("rel. error", "Eyring-Kramers", "ratio")
MEASURED = {
    **dict.fromkeys(("mean time", "mean time to it", "mean time then", "time", "t"), "time"),
    **dict.fromkeys(("rate", "eigenvalue"), "rate"),
    **dict.fromkeys(("V", "barrier"), "energy"),
    **dict.fromkeys(("position", "minimum", "start", "from", "between", "length"), "length"),
}
"""Headings, and what stands below them."""
TWO_FORMULAS = "Formulas for large and for small friction"
WIDTH_WITHOUT_TERMINAL = 120
"""Columns, in files and pipes: the width to which this project's own lines are held."""


def printed(
    sections: Iterable[tuple[Sequence[Table], Statistics | None]],
    title: str = "",
    terminal: bool = False,
    reversible: bool | None = None,
) -> str:
    """Tables of answers, each with what it cost, as text; ``terminal`` is colour and the width of the terminal.

    ``reversible`` says whether the process is in detailed balance, None to leave it out.
    """
    from rich.console import Console

    width = shutil.get_terminal_size().columns if terminal else WIDTH_WITHOUT_TERMINAL
    out = StringIO()
    console = Console(file=out, highlight=False, force_terminal=terminal, width=width)
    if title:
        console.print(f"[bold]{literal(title)}[/bold]")
    if reversible is not None:
        console.print(f"reversible: {'yes' if reversible else 'no'}")
    for tables, statistics in sections:
        for each in tables:
            if out.tell():
                console.print()
            console.print(each)
        if statistics is not None:
            console.print(f"[dim]{cost(statistics)}[/dim]")
        if statistics is not None and statistics.missed is not None:
            console.print(f"[yellow]{literal(statistics.missed)}[/yellow]")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def cost(statistics: Statistics) -> str:
    """The size of the finest discretisation in one line."""
    meshes = "1 mesh" if statistics.levels == 1 else f"{statistics.levels} meshes"
    took = ""
    work = statistics.work
    if work is not None and work.assemblies:
        took = f"{work.assemblies} assembled, {work.factorisations} factored, {work.solves} solved, "
    return (
        f"{statistics.unknowns:,} unknowns, {statistics.cells:,} cells of degree {statistics.degree}, "
        f"{meshes}, {took}{statistics.seconds:.2f} s"
    )


def _with_unit(heading: str) -> str:
    return measured(heading, MEASURED[heading]) if heading in MEASURED else heading


def empty_table(title: str, labels: Sequence[str], values: Sequence[str], remarks: Sequence[str] = ()) -> Table:
    """A table without rows: ``labels`` and ``remarks`` are columns of text, ``values`` between them of numbers.

    Headings of times, rates, energies and places have the unit of the problem, where it has one.
    """
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.show_edge = False
    for heading in labels:
        table.add_column(_with_unit(heading), overflow="fold")
    for heading in values:
        table.add_column(_with_unit(heading), justify="right", no_wrap=True)
    for heading in remarks:
        table.add_column(heading, overflow="fold")
    return table


def compared(quantity: Quantity, item: Compared) -> list[str]:
    """A number and the three columns of ``COMPARISON``."""
    ratio = NOTHING if item.ratio is None else f"{item.ratio:.6g}"
    return [quantity.digits, error_bar(quantity), significant(item.asymptotic), ratio]


def comparison(formula: str) -> tuple[str, str, str]:
    """The headings of ``COMPARISON`` with the name of another formula."""
    before, _, after = COMPARISON
    return before, formula, after


def limits_tables(labels: Sequence[str], rows: Sequence[Sequence[str]], limits: Limits) -> list[Table]:
    """A table of other formulas beside the numbers of ``rows``, those with some value; none without formulas."""
    if not limits:
        return []
    table = empty_table(TWO_FORMULAS, labels, [heading for name, _ in limits for heading in (name, "rel. error")])
    for number, row in enumerate(rows):
        values = [column[number] for _, column in limits]
        if any(value is not None for value in values):
            cells = [(significant(value), NOTHING if value is None else error_bar(value)) for value in values]
            table.add_row(*row, *(cell for pair in cells for cell in pair))
    return [table]


def significant(quantity: Quantity | None, digits: int = 6) -> str:
    """A quantity with a fixed number of digits, also where it over- or underflows a double.

    >>> from fokker_planck.quantity import Quantity
    >>> significant(Quantity.of_log(-2000.0, 1e-3), 4)
    '2.577e-869'
    >>> significant(Quantity.of(46.5201923, 0.1))
    '46.5202'
    """
    if quantity is None:
        return NOTHING
    if quantity.value is not None or quantity.log is None:
        return NOTHING if quantity.value is None else f"{quantity.value:.{digits}g}"
    power = quantity.log / math.log(10.0)
    exponent = math.floor(power)
    mantissa = f"{10.0 ** (power - exponent):.{digits - 1}f}"
    if mantissa.startswith("10"):
        mantissa, exponent = f"{1.0:.{digits - 1}f}", exponent + 1
    return f"{mantissa}e{exponent:+03d}"


def error_bar(quantity: Quantity) -> str:
    """The relative error with two digits.

    >>> from fokker_planck.quantity import Quantity
    >>> error_bar(Quantity.of(2.0, 3.14e-8)), error_bar(Quantity.of(0.0, 0.0))
    ('3.1e-08', '0')
    """
    error = quantity.relative_error
    if error == 0.0:
        return "0"
    return f"{error:.1e}" if math.isfinite(error) else NOTHING


def point_text(point: Iterable[SupportsFloat], digits: int = 7) -> str:
    """A position with as many digits as a reader can use.

    >>> point_text((-1.0, 1e-17))
    '(-1, 0)'
    """
    return f"({row_text(point, digits)})"


def row_text(values: Iterable[SupportsFloat], digits: int = 7) -> str:
    """Numbers beside each other."""
    return ", ".join(short(float(value), digits) for value in values)


def short(value: float, digits: int = 7) -> str:
    """A number that is shown for orientation; what is next to zero is zero."""
    return f"{0.0 if abs(value) < 1e-12 else value:.{digits}g}"


def literal(text: str) -> str:
    """A name of the user's, in which brackets are no markup."""
    from rich.markup import escape

    return escape(text)
