"""Answers as tables: value, error bar, Eyring-Kramers value and their ratio, one table a question."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from fokker_planck.landscape.types import Landscape
from fokker_planck.output.serialize import pairs, predicted
from fokker_planck.questions.answers import WellRates
from fokker_planck.solvers.results import Committor, ExitTime, Rates, Spectrum, Stationary, Statistics, quotient

if TYPE_CHECKING:
    from rich.table import Table

    from fokker_planck.output.serialize import Answer
    from fokker_planck.quantity import Quantity

NOTHING = "-"
COMPARISON = ("rel. error", "Eyring-Kramers", "ratio")
WIDTH_WITHOUT_TERMINAL = 120


def render(
    answers: Mapping[str, Answer],
    title: str = "",
    noise: float | None = None,
    terminal: bool = False,
    reversible: bool | None = None,
) -> str:
    """One table a question as text; ``noise`` = eps of isotropic noise adds barriers over eps, ``terminal`` colour.

    ``reversible`` says whether the process is in detailed balance, None to leave it out.
    """
    from rich.console import Console
    from rich.markup import escape

    width = shutil.get_terminal_size().columns if terminal else WIDTH_WITHOUT_TERMINAL
    out = StringIO()
    console = Console(file=out, highlight=False, force_terminal=terminal, width=width)
    if title:
        console.print(f"[bold]{escape(title)}[/bold]")
    if reversible is not None:
        console.print(f"reversible: {'yes' if reversible else 'no'}")
    for answer in answers.values():
        for table in tables(answer, noise):
            if out.tell():
                console.print()
            console.print(table)
        if not isinstance(answer, Landscape):
            console.print(f"[dim]{cost(answer.statistics)}[/dim]")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def tables(answer: Answer, noise: float | None = None) -> list[Table]:
    """The tables of one answer: two of a landscape (minima, saddles) and of rates (pairs, their saddles), else one."""
    if isinstance(answer, Stationary):
        return [_stationary_table(answer)]
    if isinstance(answer, Spectrum):
        return [_spectrum_table(answer)]
    if isinstance(answer, ExitTime):
        return [_exit_table(answer)]
    if isinstance(answer, Committor):
        return [_committor_table(answer)]
    if isinstance(answer, Rates):
        return _rates_tables(answer)
    return _landscape_tables(answer, noise)


def cost(statistics: Statistics) -> str:
    """The size of the finest discretisation in one line."""
    meshes = "1 mesh" if statistics.levels == 1 else f"{statistics.levels} meshes"
    return (
        f"{statistics.unknowns:,} unknowns, {statistics.cells:,} cells of degree {statistics.degree}, "
        f"{meshes}, {statistics.seconds:.2f} s"
    )


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


def point_text(point: Iterable[Any], digits: int = 7) -> str:
    """A position with as many digits as a reader can use.

    >>> point_text((-1.0, 1e-17))
    '(-1, 0)'
    """
    return "(" + ", ".join(_short(float(coordinate), digits) for coordinate in point) + ")"


def _stationary_table(answer: Stationary) -> Table:
    table = _table("Stationary weights of the wells", ("well", "minimum"), ("probability", *COMPARISON))
    for number, well in enumerate(answer.wells, start=1):
        shallow = f" and {len(well.merged)} shallower than the noise" if well.merged else ""
        table.add_row(str(number), point_text(well.minimum) + shallow, *_compared(well.probability, well))
    return table


def _spectrum_table(answer: Spectrum) -> Table:
    is_complex = any(eigenvalue.imag != 0.0 for eigenvalue in answer.eigenvalues)
    values = ("real part", "imaginary part") if is_complex else ("eigenvalue",)
    absorbed = answer.target is not None
    title = f"Spectrum of -L, absorbed at {_literal(answer.target or '')}" if absorbed else "Spectrum of -L"
    table = _table(title, ("n",), (*values, *COMPARISON))
    for number, eigenvalue in enumerate(answer.eigenvalues, start=1 if absorbed else 0):
        real, *rest = _compared(eigenvalue.real, eigenvalue)
        imaginary = [f"{eigenvalue.imag:.10g}"] if is_complex else []
        table.add_row(str(number), real, *imaginary, *rest)
    return table


def _exit_table(answer: ExitTime) -> Table:
    table = _table("Mean exit time", ("start", "target"), ("mean time", *COMPARISON))
    table.add_row(point_text(answer.start), _literal(answer.target), *_compared(answer.mean, answer))
    return table


def _committor_table(answer: Committor) -> Table:
    table = _table("Transitions from one set to the other", ("quantity",), ("value", "rel. error"))
    for name, quantity in (
        ("transitions per unit time", answer.rate),
        ("share of time on the way (reactive)", answer.probability_reactive),
        ("share of time since a visit to the first set", answer.probability_last_from),
    ):
        known = (NOTHING, NOTHING) if quantity is None else (str(quantity), error_bar(quantity))
        table.add_row(name, *known)
    return table


def _rates_tables(answer: Rates) -> list[Table]:
    wells = [point_text(minimum, digits=4) for minimum in answer.minima]
    headings = ("rate", *COMPARISON, "mean time to it")
    rates = _table("Rates between wells", ("from", "to"), headings)
    for k, m in pairs(answer):
        rate, time, beside = answer.rates[k][m], answer.hitting_times[k][m], predicted(answer, k, m)
        ratio = quotient(rate, beside) if rate is not None else None
        rates.add_row(
            wells[k],
            wells[m],
            NOTHING if rate is None else str(rate),
            NOTHING if rate is None else error_bar(rate),
            significant(beside),
            NOTHING if ratio is None else f"{ratio:.6g}",
            NOTHING if time is None else str(time),
        )
    flows = answer.flows if isinstance(answer, WellRates) else ()
    saddles = _table("Saddles that carry the flow (Eyring-Kramers)", ("between", "and", "saddle"), ("share",))
    for flow in flows:
        first, second = flow.between
        saddles.add_row(wells[first], wells[second], point_text(flow.saddle), f"{100.0 * flow.share:.4g} %")
    return [rates, saddles] if flows else [rates]


def _landscape_tables(answer: Landscape, noise: float | None) -> list[Table]:
    over_noise = () if noise is None else ("barrier/eps",)
    marked = any(_marks(point) for point in (*answer.minima, *answer.saddles))
    last = ("Hessian eigenvalues", "remark") if marked else ("Hessian eigenvalues",)
    minima = _table("Minima of V", ("well", "position"), ("V", "barrier", *over_noise), last)
    for number, (point, barrier) in enumerate(zip(answer.minima, answer.barriers, strict=True), start=1):
        heights = [_height(barrier, unit) for unit in ((1.0,) if noise is None else (1.0, noise))]
        remark = [_marks(point)] if marked else []
        row = [point_text(point.position), _short(point.value), *heights, _row(point.hessian_eigenvalues), *remark]
        minima.add_row(str(number), *row)
    saddles = _table("Saddles of V", ("saddle", "position"), ("V",), ("joins wells", *last))
    for number, point in enumerate(answer.saddles, start=1):
        joined = " - ".join(str(index + 1) for index in point.joins)
        remark = [_marks(point)] if marked else []
        row = [point_text(point.position), _short(point.value), joined, _row(point.hessian_eigenvalues), *remark]
        saddles.add_row(str(number), *row)
    return [minima, saddles] if answer.saddles else [minima]


def _table(title: str, labels: Sequence[str], values: Sequence[str], remarks: Sequence[str] = ()) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.show_edge = False
    for heading in labels:
        table.add_column(heading, overflow="fold")
    for heading in values:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in remarks:
        table.add_column(heading, overflow="fold")
    return table


def _compared(quantity: Quantity, item: Any) -> list[str]:
    ratio = NOTHING if item.ratio is None else f"{item.ratio:.6g}"
    return [str(quantity), error_bar(quantity), significant(item.asymptotic), ratio]


def _short(value: float, digits: int = 7) -> str:
    return f"{0.0 if abs(value) < 1e-12 else value:.{digits}g}"


def _row(values: Iterable[Any]) -> str:
    return ", ".join(_short(float(value)) for value in values)


def _height(barrier: float | None, unit: float = 1.0) -> str:
    return NOTHING if barrier is None or not math.isfinite(barrier) else _short(barrier / unit)


def _marks(point: Any) -> str:
    return ", ".join(
        word for word, applies in (("degenerate", point.degenerate), ("on boundary", point.on_boundary)) if applies
    )


def _literal(text: str) -> str:
    from rich.markup import escape

    return escape(text)
