"""The periodic state of a process that is driven periodically: asked for, in tables, as JSON, as fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import ascending, positive_number, whole_number
from fokker_planck.model.initial import InEquilibrium
from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import checked_set
from fokker_planck.output.serialize import number_name, numbers_json
from fokker_planck.output.tables import empty_table, literal
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.evolve import state_json, states_table
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.questions.posing.beginnings import observables_of
from fokker_planck.solvers.time.driven.periodic_results import Harmonic, PeriodicState

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.solvers.results.in_time import Estimate

KEYS = ("period", "times", "observables", "count")
"""Of [periodic]."""
MOST = 20
"""Multipliers: each asks for some periods more."""
PERIOD = "a time > 0 after which the schedule repeats itself"


@counting
@quietly
def periodic_state(
    problem: Problem,
    period: float,
    observables: Mapping[str, str | Callable[[Floats], Floats]] | None = None,
    times: Sequence[float] | None = None,
    count: int = 2,
) -> PeriodicState:
    """p_t = L(t)* p with p(t + T) = p(t), mass one, no flux through the boundary.

    With P y(t) = y(t + T) for every solution y, the multipliers are the eigenvalues of P but one.

    Parameters
    ----------
    problem : Problem
        The process in its domain, with a ``schedule`` that repeats itself; its sets are measured.
    period : float
        T.
    observables : mapping of str or callable
        Formulas, or functions of points (dim, n), by name: their means over a period and their first harmonic.
    times : sequence of float
        Of the period, at which the state is wanted; its quarters if absent, and always its end.
    count : int
        How many multipliers.

    Returns
    -------
    PeriodicState
        States at ``times``, ``observables`` and ``sets`` with mean and first harmonic, ``multipliers``.

    Raises
    ------
    ProblemError
        Without a schedule, or for a time after which it does not repeat itself.
    ConvergenceError
        Where too many periods pass before errors are forgotten, as at high barriers.

    >>> import fokker_planck as fp
    >>> schedule = fp.Schedule(potential="-sin(2*t)*x")
    >>> well = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.5))
    >>> line = fp.Problem(well, fp.Box([-8.0], [8.0]), fp.Resolution(1e-4), schedule=schedule)
    >>> found = periodic_state(line, 3.14159265358979, {"x": "x"}, count=1)
    >>> round(found.observables["x"].amplitude.value, 6)                  # (1 + 2^2)^(-1/2)
    0.447214
    >>> round(found.multipliers[0].real, 6)                               # exp(-pi)
    0.043214
    """
    from fokker_planck.solvers import periodic_state as solver

    asked = _asked(problem, period, observables or {}, times, count)
    return counting.said_with(solver.periodic_state(problem, *asked), problem)


def _asked(problem: Problem, period: Any, observables: Any, times: Any, count: Any) -> Any:
    from fokker_planck.solvers.periodic_state import quarters
    from fokker_planck.solvers.time.evolving.asked import Asked

    length = positive_number("periodic.period", period, PERIOD)
    wanted = f"a list of times between 0 and the period, {length:g}"
    given = None if times is None else ascending("periodic.times", times, wanted, 0.0, math.nextafter(length, math.inf))
    asked = Asked(
        initial=InEquilibrium(),
        times=quarters(length, given),
        observables=observables_of(problem, observables, "periodic"),
        sets={name: checked_set(problem, name, f"sets.{name}") for name in problem.sets},
    )
    return length, asked, whole_number("periodic.count", count, 1, MOST)


@dataclass(frozen=True)
class PeriodicQuestion:
    """The state of that ``period`` at ``times``, with ``observables`` and ``count`` multipliers."""

    period: float
    times: tuple[float, ...] | None = None
    observables: Mapping[str, str] = field(default_factory=dict)
    count: int = 2


def _read(problem: Problem, table: Table) -> PeriodicQuestion:
    table.only(KEYS)
    formulas = table.table("observables")
    named = {name: formulas.text(name, "a formula") for name in formulas.entries}
    period, times, count = table.required("period", PERIOD), table.entries.get("times"), table.entries.get("count", 2)
    length, asked, number = _asked(problem, period, named, times, count)
    return PeriodicQuestion(length, None if times is None else asked.times, named, number)


def _estimate(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "absolute_error": found.absolute_error}


def _harmonic(found: Harmonic) -> dict[str, Any]:
    names = ("mean", "cosine", "sine", "amplitude")
    return {name: _estimate(getattr(found, name)) for name in names}


def _json(answer: PeriodicState) -> dict[str, Any]:
    return {
        "period": answer.period,
        "minima": [numbers_json(place) for place in answer.minima],
        "observables": {name: _harmonic(found) for name, found in answer.observables.items()},
        "sets": {name: _harmonic(found) for name, found in answer.sets.items()},
        "multipliers": [
            {"real": each.real, "imag": each.imag, "absolute_error": each.absolute_error} for each in answer.multipliers
        ],
        "times": [state_json(state) for state in answer.times],
    }


def _tables(answer: PeriodicState, _: float | None) -> list[TextTable]:
    over = empty_table(f"Over a period of {answer.period:g}", ("of what", ""), ("value", "abs. error"))
    named = [(f"mean of {literal(name)}", found) for name, found in answer.observables.items()]
    named += [(f"set {literal(name)}", found) for name, found in answer.sets.items()]
    for name, found in named:
        for number, part in enumerate(("mean", "cosine", "sine", "amplitude")):
            estimate = getattr(found, part)
            over.add_row(name if number == 0 else "", part, f"{estimate.value:.9g}", f"{estimate.absolute_error:.1e}")
    multipliers = empty_table("Floquet multipliers", ("real part",), ("imaginary part", "abs. error"))
    for each in answer.multipliers:
        multipliers.add_row(f"{each.real:.9g}", f"{each.imag:.6g}", f"{each.absolute_error:.1e}")
    states = states_table("The periodic state", answer.times, answer.minima)
    return [*([over] if named else []), multipliers, states]


def _draw(axes: Axes, answer: PeriodicState) -> None:
    from fokker_planck.output.plots.evolution import draw_evolution

    draw_evolution(axes, answer)


ENTRY = Entry(
    answer=PeriodicState,
    draw=_draw,
    ask=lambda problem, asked: periodic_state(problem, asked.period, asked.observables, asked.times, asked.count),
    json=_json,
    tables=_tables,
    table=FileTable(_read, keys=("period",)),
    fields=lambda answer: {f"density_at_{number_name(state.time)}": state.density for state in answer.times},
)
