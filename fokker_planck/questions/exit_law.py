"""The law of the time to a target: asked for, in tables, as JSON, as fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import ascending, described
from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import EXIT_KEYS, checked_exit, checked_set
from fokker_planck.output.plots.labels import measured
from fokker_planck.output.serialize import number_name
from fokker_planck.output.tables import empty_table, error_bar, literal, point_text, short
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.results.in_time import ExitLaw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.model.sets.shapes import Set
    from fokker_planck.quantity import Quantity


@counting
@quietly
def exit_law(
    problem: Problem,
    start: Sequence[float] | float,
    target: Set | str | Literal["boundary"],
    times: Sequence[float] = (),
    quantiles: Sequence[float] = (),
    parts: Mapping[str, Set | str] | Sequence[str] = (),
) -> ExitLaw:
    """S_t = L S, S = 1 at t = 0, S = 0 on the target, no flux through the rest: S(t) = P(tau > t) from ``start``.

    Parameters
    ----------
    problem : Problem
        The process in its domain.
    start : (dim,)
        A point of the domain outside of the target.
    target : Set or str
        A set, the name of one of the problem's sets, or "boundary".
    times : sequence of float
        At which survival function and density of tau are wanted; positive, in the problem's unit of time.
    quantiles : sequence of float
        Probabilities between 0 and 1 of which the quantiles are wanted.
    parts : mapping of Set or str, or names of sets
        Disjoint parts of the target: through which of them, and how long that takes.

    Returns
    -------
    ExitLaw
        ``mean`` and ``variance``, with L m_k = -k m_(k-1); ``rate``, at which S falls in the end, and the
        ``quasi_stationary`` density then; ``times``, ``quantiles``, ``parts``.  Whatever the barrier: beyond the fast
        times S comes from the slow modes.

    Raises
    ------
    ProblemError
        For a start, target, time, probability or part that does not fit.
    ConvergenceError
        Where a solve fails.

    Source: Darling and Siegert, Ann. Math. Statist. 24 (1953) 624.

    >>> import fokker_planck as fp
    >>> brownian = fp.Problem(fp.Overdamped(fp.Potential("0"), fp.Isotropic(0.5)), fp.Box([-1.0], [1.0]))
    >>> law = exit_law(brownian, 0.0, "boundary", times=[1.0], quantiles=[0.5])
    >>> round(law.mean.value, 9), round(law.variance.value, 9), round(law.rate.value, 9)     # 1, 2/3, pi^2/8
    (1.0, 0.666666667, 1.23370055)
    >>> round(law.times[0].survival.value, 9)          # (4/pi) sum (-1)^k/(2k+1) exp(-(2k+1)^2 pi^2/8)
    0.37077743
    """
    from fokker_planck.solvers import exit_law as solver

    place, shape = checked_exit(problem, start, target)
    law = solver.Law(_times(times), _probabilities(quantiles), _parts(problem, parts))
    name = target if isinstance(target, str) else repr(target)
    return counting.said_with(solver.exit_law(problem, place, shape, law, name), problem)


def _times(given: Any) -> tuple[float, ...]:
    wanted = "a list of times > 0"
    return ascending("exit.times", given, wanted, 0.0, math.inf)


def _probabilities(given: Any) -> tuple[float, ...]:
    return ascending("exit.quantiles", given, "a list of probabilities between 0 and 1", 0.0, 1.0)


def _parts(problem: Problem, given: Any) -> dict[str, Set]:
    wanted = 'a table of sets by name, such as { left = "L", right = "R" }'
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise ProblemError("exit.parts", described(given), wanted)
    named = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
    return {name: checked_set(problem, part, f"exit.parts.{name}") for name, part in named.items()}


@dataclass(frozen=True)
class ExitLawQuestion:
    """The law of the time from ``start`` to ``target``: ``parts`` are names of sets by what they are called."""

    start: tuple[float, ...]
    target: str
    times: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


def _read(problem: Problem, table: Table) -> ExitLawQuestion:
    table.only(EXIT_KEYS)
    start = table.required("start", "the point from which the process starts")
    target = table.text("target", "the name of a set, or boundary")
    place, _ = checked_exit(problem, start, target)
    parts = table.table("parts")
    named = {name: parts.text(name, "the name of a set") for name in parts.entries}
    _parts(problem, named)
    times, quantiles = (table.entries.get(name, ()) for name in ("times", "quantiles"))
    return ExitLawQuestion(place, target, _times(times), _probabilities(quantiles), named)


def _json(answer: ExitLaw) -> dict[str, Any]:
    return {
        "mean": answer.mean.as_dict(),
        "variance": answer.variance.as_dict(),
        "rate": answer.rate.as_dict(),
        "survival": [
            {"time": each.time, "value": each.survival.as_dict(), "density": each.density.as_dict()}
            for each in answer.times
        ],
        "quantiles": {number_name(probability): time.as_dict() for probability, time in answer.quantiles.items()},
        "parts": {
            name: {"probability": part.probability.as_dict(), "mean": part.mean.as_dict()}
            for name, part in answer.parts.items()
        },
    }


def _tables(answer: ExitLaw, _: float | None) -> list[TextTable]:
    title = f"Law of the exit time from {point_text(answer.start)} to {literal(answer.target)}"
    law = empty_table(title, ("quantity",), ("value", "rel. error"))
    rows: list[tuple[str, Quantity]] = [
        (measured("mean", "time"), answer.mean),
        ("variance", answer.variance),
        (measured("rate in the end", "rate"), answer.rate),
    ]
    rows += [
        (measured(f"quantile {number_name(probability)}", "time"), time)
        for probability, time in answer.quantiles.items()
    ]
    for name, quantity in rows:
        law.add_row(name, quantity.digits, error_bar(quantity))
    tables = [law]
    if answer.times:
        survival = empty_table("Survival", ("time",), ("not left", "rel. error", "density of the time", "rel. error"))
        for each in answer.times:
            known = (each.survival, each.density)
            survival.add_row(short(each.time), *(text for q in known for text in (q.digits, error_bar(q))))
        tables.append(survival)
    if answer.parts:
        parts = empty_table("Where it leaves", ("part",), ("probability", "rel. error", "mean time then", "rel. error"))
        for name, part in answer.parts.items():
            known = (part.probability, part.mean)
            parts.add_row(literal(name), *(text for q in known for text in (q.digits, error_bar(q))))
        tables.append(parts)
    return tables


def _draw(axes: Axes, answer: ExitLaw) -> None:
    from fokker_planck.output.plots.answers import draw_law

    draw_law(axes, answer)


def _draw_surfaces(axes: Axes, answer: ExitLaw) -> None:
    from fokker_planck.output.plots.surfaces import draw_time_surfaces

    draw_time_surfaces(axes, answer)


ENTRY = Entry(
    answer=ExitLaw,
    draw=_draw,
    kinds={"surfaces": _draw_surfaces},
    ask=lambda problem, asked: exit_law(problem, asked.start, asked.target, asked.times, asked.quantiles, asked.parts),
    json=_json,
    tables=_tables,
    table=FileTable(
        _read, keys=("start", "target"), in_solve=lambda asked: bool(asked.times or asked.quantiles or asked.parts)
    ),
    fields=lambda answer: {
        "mean_exit_time": answer.field,
        "quasi_stationary_density": answer.quasi_stationary,
    },
)
