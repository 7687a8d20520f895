"""Transitions between two sets: asked for, in a table, as JSON, as fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fokker_planck.errors import FokkerPlanckError, ProblemError
from fokker_planck.model.phase_space import has_every_question
from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import checked_set
from fokker_planck.output.plots.labels import measured
from fokker_planck.output.serialize import number_json, quantity_json
from fokker_planck.output.tables import NOTHING, empty_table, error_bar, significant
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.questions.beside import predictions
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.questions.posing.well_sets import number_of, well_places, well_set, wells_within
from fokker_planck.solvers.results.steady import EYRING_KRAMERS, Committor, quotient

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.model.sets.shapes import Set


@counting
@quietly
def committor(problem: Problem, origin: Set | str, goal: Set | str) -> Committor:
    """L q = 0, q = 0 on ``origin`` and 1 on ``goal``, no flux through the boundary: rate and probabilities.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy
    origin, goal
        the sets A and B, or names of the problem's sets; they may not touch. "well 1" is an ellipsoid of one standard
        deviation around the first well, wells in the order of weights and rates

    Returns
    -------
    Committor
        The number of transitions per unit time (not divided by a population), the probability to be on a reactive path,
        the probability that ``origin`` was visited last, rate constants, and the fields.

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

    first, second = _set(problem, origin, "committor.from"), _set(problem, goal, "committor.to")
    if number_of(origin) is not None and number_of(origin) == number_of(goal):
        raise ProblemError("committor.to", goal, f"another well than {origin}")
    found = solver.committor(problem, first, second)
    noise, beside = problem.process.field(problem.dimension), _asymptotic(problem, (first, second))
    shown = replace(found, sets=(first, second), noise=noise, asymptotic=beside.values, formula=beside.formula)
    return counting.said_with(shown, problem)


def _set(problem: Problem, given: Set | str, key: str) -> Set:
    """The set itself, or the one of that name, or a well by its number."""
    number = number_of(given)
    if number is None or given in problem.sets:
        return checked_set(problem, given, key)
    return checked_set(problem, well_set(problem, number, key), key)


def _asymptotic(problem: Problem, sets: tuple[Set, Set]) -> predictions.Beside:
    """The rate constant by a formula, where each set holds one well."""
    try:
        places = well_places(problem) if has_every_question(problem.process) else ()
    except FokkerPlanckError:  # of domains in which wells are not known, or cannot be found: the answer stands
        places = ()
    pair = wells_within(places, sets)
    return (
        predictions.Beside(None, EYRING_KRAMERS) if pair is None else predictions.rate_constant(problem, places, *pair)
    )


@dataclass(frozen=True)
class CommittorQuestion:
    """Probability to reach the set named ``to_set`` before the one named ``from_set``."""

    from_set: str
    to_set: str


def _read(problem: Problem, table: Table) -> CommittorQuestion:
    table.only(("from", "to"))
    names = [table.text(name, 'the name of a set, or "well 1"') for name in ("from", "to")]
    if any(number_of(name) is not None and name not in problem.sets for name in names):
        for key, name in zip(("from", "to"), names, strict=True):
            if number_of(name) is None or name in problem.sets:
                checked_set(problem, name, table.path(key))
        return CommittorQuestion(*names)
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
        "rate_constant": quantity_json(constant := answer.rate_constant),
        "rate_constant_back": quantity_json(answer.rate_constant_back),
        "asymptotic": quantity_json(answer.asymptotic),
        "ratio": None if constant is None else number_json(quotient(constant, answer.asymptotic)),
    }


def _prediction(answer: Committor) -> list[dict[str, Any]]:
    """Of the rate constant, where there is a formula."""
    shown = _json(answer)
    return [] if answer.asymptotic is None else [{"value": shown["asymptotic"], "ratio": shown["ratio"]}]


def _tables(answer: Committor, _: float | None) -> list[TextTable]:
    table = empty_table("Transitions from one set to the other", ("quantity",), ("value", "rel. error"))
    for name, quantity in (
        (measured("transitions per unit time", "rate"), answer.rate),
        ("share of time on the way (reactive)", answer.probability_reactive),
        ("share of time since a visit to the first set", answer.probability_last_from),
        (measured("rate constant", "rate"), answer.rate_constant),
        (measured("rate constant of the way back", "rate"), answer.rate_constant_back),
    ):
        known = (NOTHING, NOTHING) if quantity is None else (quantity.digits, error_bar(quantity))
        table.add_row(name, *known)
    if answer.asymptotic is not None and answer.rate_constant is not None:
        ratio = quotient(answer.rate_constant, answer.asymptotic)
        name = f"rate constant, {answer.formula}" + ("" if ratio is None else f" (ratio {ratio:.6g})")
        table.add_row(name, significant(answer.asymptotic), NOTHING)
    return [table]


def _draw(axes: Axes, answer: Committor) -> None:
    from fokker_planck.output.plots.transitions import draw_committor

    draw_committor(axes, answer)


def _draw_surfaces(axes: Axes, answer: Committor) -> None:
    from fokker_planck.output.plots.surfaces import draw_committor_surfaces

    draw_committor_surfaces(axes, answer)


ENTRY = Entry(
    answer=Committor,
    draw=_draw,
    kinds={"surfaces": _draw_surfaces},
    ask=lambda problem, asked: committor(problem, asked.from_set, asked.to_set),
    json=_json,
    tables=_tables,
    table=FileTable(_read, keys=("from", "to")),
    prediction=_prediction,
    fields=lambda answer: {
        "committor": answer.field,
        "reactive_density": answer.reactive_density,
        **({} if answer.backward is None else {"backward_committor": answer.backward}),
    },
)
