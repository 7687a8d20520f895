"""Transitions between two sets: asked for, in a table, as JSON, as fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fokker_planck.errors import ProblemError
from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import checked_set
from fokker_planck.output.serialize import quantity_json
from fokker_planck.output.tables import NOTHING, empty_table, error_bar
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.questions.work_of_answers import counting
from fokker_planck.solvers.results import Committor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.model.sets import Set


@counting
@quietly
def committor(problem: Problem, origin: Set | str, goal: Set | str) -> Committor:
    """L q = 0, q = 0 on ``origin`` and 1 on ``goal``, no flux through the boundary: rate and probabilities.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy
    origin, goal
        the sets A and B, or names of the problem's sets; they may not touch

    Returns
    -------
    Committor
        The number of transitions per unit time (not divided by a population), the probability to be on a reactive path,
        the probability that ``origin`` was visited last, and the fields.

    References
    ----------
    E and Vanden-Eijnden 2006.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("0"), fp.Isotropic(2.0))
    >>> line = fp.Problem(process, fp.Box([0.0], [1.0]))
    >>> found = committor(line, fp.HalfSpace([-1.0], -0.25), fp.HalfSpace([1.0], 0.75))     # q linear: nu = 2 / (1/2)
    >>> round(found.rate.value, 12), round(found.probability_last_from.value, 12)
    (4.0, 0.5)
    """
    from fokker_planck.solvers import committor as solver

    first, second = checked_set(problem, origin, "committor.from"), checked_set(problem, goal, "committor.to")
    found = solver.committor(problem, first, second)
    noise = problem.process.field(problem.dimension)
    return counting.said_with(replace(found, sets=(first, second), noise=noise), problem)


@dataclass(frozen=True)
class CommittorQuestion:
    """Probability to reach the set named ``to_set`` before the one named ``from_set``."""

    from_set: str
    to_set: str


def _read(problem: Problem, table: Table) -> CommittorQuestion:
    table.only(("from", "to"))
    names = [table.text(name, "the name of a set") for name in ("from", "to")]
    first, second = (checked_set(problem, table.entries[key], table.path(key)) for key in ("from", "to"))
    x = problem.sample()
    if names[0] == names[1] or (first.contains(x) & second.contains(x)).any():
        raise ProblemError("committor.to", names[1], f"a set that has no point in common with {names[0]}")
    return CommittorQuestion(*names)


def _json(answer: Committor) -> dict[str, Any]:
    return {
        "rate": answer.rate.as_dict(),
        "probability_reactive": answer.probability_reactive.as_dict(),
        "probability_last_from": quantity_json(answer.probability_last_from),
    }


def _tables(answer: Committor, _: float | None) -> list[TextTable]:
    table = empty_table("Transitions from one set to the other", ("quantity",), ("value", "rel. error"))
    for name, quantity in (
        ("transitions per unit time", answer.rate),
        ("share of time on the way (reactive)", answer.probability_reactive),
        ("share of time since a visit to the first set", answer.probability_last_from),
    ):
        known = (NOTHING, NOTHING) if quantity is None else (quantity.digits, error_bar(quantity))
        table.add_row(name, *known)
    return [table]


def _draw(axes: Axes, answer: Committor) -> None:
    from fokker_planck.output.plots.transitions import draw_committor

    draw_committor(axes, answer)


ENTRY = Entry(
    answer=Committor,
    draw=_draw,
    ask=lambda problem, asked: committor(problem, asked.from_set, asked.to_set),
    json=_json,
    tables=_tables,
    table=FileTable(_read, keys=("from", "to")),
    fields=lambda answer: {"committor": answer.field, "reactive_density": answer.reactive_density},
)
