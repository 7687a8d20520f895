"""The mean exit time: asked for, in a table, as JSON, as a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import EXIT_KEYS, checked_exit
from fokker_planck.output.serialize import limits_json, number_json, prediction_json, quantity_json
from fokker_planck.output.tables import compared, comparison, empty_table, limits_tables, literal, point_text
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.questions.beside import predictions
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.results.steady import ExitTime

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.model.sets.shapes import Set


@counting
@quietly
def mean_exit_time(
    problem: Problem, start: Sequence[float] | float, target: Set | str | Literal["boundary"]
) -> ExitTime:
    """L tau = -1, tau = 0 on the target, no flux through the rest of the boundary: tau(start), and the field tau.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy
    start
        a point (dim,) of the domain outside of the target
    target
        a set, the name of one of the problem's sets, or "boundary"

    Returns
    -------
    ExitTime
        The mean time from the start, with its asymptotic value, and the times from everywhere.

    Raises
    ------
    ProblemError
        For a start or target that does not fit
    ConvergenceError
        Where the solve fails.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> well = fp.Problem(process, fp.Box([-2.0], [2.0]))
    >>> round(mean_exit_time(well, -1.0, fp.HalfSpace([1.0], 1.0)).mean.value, 5)            # 729.6706919423
    729.67069
    """
    from fokker_planck.solvers import exit_time

    place, shape = checked_exit(problem, start, target)
    name = target if isinstance(target, str) else repr(target)
    found = exit_time.mean_exit_time(problem, place, shape, name)
    beside = predictions.exit_time(problem, place, shape)
    found = replace(found, asymptotic=beside.values, formula=beside.formula, limits=beside.limits)
    return counting.said_with(found, problem)


@dataclass(frozen=True)
class ExitQuestion:
    """Mean time from ``start`` to the set named ``target``, or to the "boundary"."""

    start: tuple[float, ...]
    target: str


def _read(problem: Problem, table: Table) -> ExitQuestion:
    table.only(EXIT_KEYS)
    start = table.required("start", "the point from which the process starts")
    target = table.text("target", "the name of a set, or boundary")
    place, _ = checked_exit(problem, start, target)
    return ExitQuestion(place, target)


def _json(answer: ExitTime) -> dict[str, Any]:
    return {
        "mean": answer.mean.as_dict(),
        "asymptotic": quantity_json(answer.asymptotic),
        "ratio": number_json(answer.ratio),
    }


def _tables(answer: ExitTime, _: float | None) -> list[TextTable]:
    table = empty_table("Mean exit time", ("start", "target"), ("mean time", *comparison(answer.formula)))
    labels = (point_text(answer.start), literal(answer.target))
    table.add_row(*labels, *compared(answer.mean, answer))
    return [table, *limits_tables(("start", "target"), [labels], answer.limits)]


def _draw(axes: Axes, answer: ExitTime) -> None:
    from fokker_planck.output.plots.answers import draw_exit_time

    draw_exit_time(axes, answer)


def _draw_surfaces(axes: Axes, answer: ExitTime) -> None:
    from fokker_planck.output.plots.surfaces import draw_time_surfaces

    draw_time_surfaces(axes, answer)


ENTRY = Entry(
    answer=ExitTime,
    draw=_draw,
    kinds={"surfaces": _draw_surfaces},
    ask=lambda problem, asked: mean_exit_time(problem, start=asked.start, target=asked.target),
    json=_json,
    tables=_tables,
    table=FileTable(_read, keys=("start", "target")),
    prediction=lambda answer: prediction_json([answer]),
    further=lambda answer: limits_json(answer.limits),
    fields=lambda answer: {"mean_exit_time": answer.field},
)
