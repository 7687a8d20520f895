"""Correlations in the stationary state and their spectrum: asked for, in tables, as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fokker_planck.model.arguments import ascending
from fokker_planck.model.observable import Function, observable
from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.output.tables import empty_table, error_bar, literal, short
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.results.in_time import Correlation, Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

KEYS = ("f", "g", "times", "frequencies")
"""Of [correlation]."""
FUNCTION = "a text such as 'x**2'"


@counting
@quietly
def correlation(
    problem: Problem,
    f: str | Function,
    g: str | Function | None = None,
    times: Sequence[float] = (),
    frequencies: Sequence[float] = (),
) -> Correlation:
    """C(t) = <f(X_0) g(X_t)> - <f> <g> in the stationary state; S(omega) = int C(t) e^(-i omega t) dt over all t.

    Parameters
    ----------
    problem : Problem
        The process in its domain.
    f, g : str or callable
        Functions of the state: texts in x, y, z (x and v in phase space), or callables of points (dim, n).  ``g`` is
        ``f`` unless it is given.
    times : sequence of float
        At which C is wanted, t > 0.
    frequencies : sequence of float
        Angular ones, omega >= 0, at which S is wanted.

    Returns
    -------
    Correlation
        ``covariance`` C(0), ``times``, ``spectrum``, ``integral`` int_0^oo C(t) dt, and with one function the
        autocorrelation ``time``, integral over C(0).  Numbers that may be negative have absolute errors.  C_fg(-t) is
        C_gf(t), so that S is real for one function, or with detailed balance; S(0) = 2 ``integral`` for one.

    Raises
    ------
    ProblemError
        For a function, time or frequency that does not fit.
    ConvergenceError
        Where a solve fails.

    Source: Risken, The Fokker-Planck Equation (1989), section 7.2.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.5))
    >>> found = correlation(fp.Problem(process, fp.Box([-6.0], [6.0])), "x", times=[1.0], frequencies=[2.0])
    >>> round(found.times[0].covariance.value, 6), round(found.spectrum[0].density.value, 6)     # exp(-1)/2, 1/5
    (0.18394, 0.2)
    >>> round(found.time.value, 6)
    1.0
    """
    from fokker_planck.solvers import correlation as solver

    first = observable(problem, f, "correlation.f")
    second = first if g is None or g == f else observable(problem, g, "correlation.g")
    wanted = solver.Wanted(first, second, _times(times), _frequencies(frequencies))
    return counting.said_with(solver.correlation(problem, wanted), problem)


def _times(given: Any) -> tuple[float, ...]:
    return ascending("correlation.times", given, "a list of times > 0", 0.0, math.inf)


def _frequencies(given: Any) -> tuple[float, ...]:
    return ascending("correlation.frequencies", given, "a list of frequencies >= 0", -math.ulp(0.0), math.inf)


@dataclass(frozen=True)
class CorrelationQuestion:
    """The functions, by their texts, with times and frequencies."""

    f: str
    g: str | None = None
    times: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()


def _read(problem: Problem, table: Table) -> CorrelationQuestion:
    table.only(KEYS)
    first = table.text("f", FUNCTION)
    second = table.text("g", FUNCTION, "") or None
    for key, text in (("f", first), ("g", second)):
        if text is not None:
            observable(problem, text, f"correlation.{key}")
    times, frequencies = (table.entries.get(name, ()) for name in ("times", "frequencies"))
    return CorrelationQuestion(first, second, _times(times), _frequencies(frequencies))


def _estimate(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "absolute_error": found.absolute_error}


def _json(answer: Correlation) -> dict[str, Any]:
    return {
        "functions": list(answer.functions),
        "means": [_estimate(mean) for mean in answer.means],
        "covariance": _estimate(answer.covariance),
        "integral": _estimate(answer.integral),
        "time": None if answer.time is None else answer.time.as_dict(),
        "times": [{"time": each.time, **_estimate(each.covariance)} for each in answer.times],
        "spectrum": [
            {"frequency": each.frequency, **_estimate(each.density), "imag": each.imag} for each in answer.spectrum
        ],
    }


def _tables(answer: Correlation, _: float | None) -> list[TextTable]:
    first, second = answer.functions
    title = f"Correlations of {literal(first)} with {'itself' if first == second else literal(second)}"
    whole = empty_table(title, ("quantity",), ("value", "abs. error"))
    rows = [(f"mean of {literal(first)}", answer.means[0])]
    rows += [(f"mean of {literal(second)}", answer.means[1])] if first != second else []
    rows += [("C(0)", answer.covariance), ("integral of C", answer.integral)]
    for name, found in rows:
        whole.add_row(name, *_cells(found))
    tables = [whole]
    if answer.time is not None:
        relative = empty_table("Autocorrelation time", ("integral over C(0)",), ("rel. error",))
        relative.add_row(answer.time.digits, error_bar(answer.time))
        tables.append(relative)
    if answer.times:
        by_time = empty_table("In time", ("t",), ("C(t)", "abs. error"))
        for each in answer.times:
            by_time.add_row(short(each.time), *_cells(each.covariance))
        tables.append(by_time)
    if answer.spectrum:
        spectrum = empty_table("Spectrum", ("omega",), ("S(omega)", "abs. error", "imaginary part"))
        for line in answer.spectrum:
            spectrum.add_row(short(line.frequency), *_cells(line.density), f"{line.imag:.6g}")
        tables.append(spectrum)
    return tables


def _cells(found: Estimate) -> tuple[str, str]:
    return f"{found.value:.10g}", f"{found.absolute_error:.1e}"


def _draw(axes: Axes, answer: Correlation) -> None:
    from fokker_planck.output.plots.in_time import draw_correlation

    draw_correlation(axes, answer)


ENTRY = Entry(
    answer=Correlation,
    draw=_draw,
    ask=lambda problem, asked: correlation(problem, asked.f, asked.g, asked.times, asked.frequencies),
    json=_json,
    tables=_tables,
    table=FileTable(_read, keys=("f",)),
    rows=lambda answer: _json(answer)["times"] + _json(answer)["spectrum"],
)
