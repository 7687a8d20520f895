"""The evolution of a density in time: asked for, in tables, as JSON, as fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import ascending
from fokker_planck.model.initial import AtPoint
from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import checked_set, checked_target
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.output.serialize import number_name, numbers_json
from fokker_planck.output.tables import empty_table, error_bar, literal, point_text, short
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.questions.posing.beginnings import WANTED, Start, initial_of, observables_of, written
from fokker_planck.questions.posing.called import target_called
from fokker_planck.solvers.time.evolving.evolution_results import Evolution, StateAtTime

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.model.sets.shapes import Set

KEYS = ("initial", "times", "observables", "absorb")
"""Of [evolve]."""


@counting
@quietly
def evolve(
    problem: Problem,
    initial: Start,
    times: Sequence[float],
    observables: Mapping[str, str | Callable[[Floats], Floats]] | None = None,
    absorb: Set | str | Literal["boundary"] | None = None,
) -> Evolution:
    """p_t = L* p = -div(b p) + grad grad : (D p), no flux through the boundary, p = p_0 at t = 0.

    Parameters
    ----------
    problem : Problem
        The process in its domain; its sets are measured.  With a ``schedule`` its coefficients depend on time.
    initial : mapping, (dim,), "stationary" or Evolution
        p_0: ``{"point": [..]}`` or the point itself, ``{"gaussian": {"mean": [..], "covariance": [[..], ..]}}``,
        ``{"set": "A"}`` or ``{"set": set}`` (uniform in it), ``{"expression": "..."}`` (or a callable on points
        (dim, n), up to a factor), "stationary", or the last density of an evolution before, also of one that was
        loaded, or ``{"result": folder}``.  All of it has mass one.
    times : sequence of float
        At which the density is wanted; positive, as late as doubles go.
    observables : mapping of str or callable
        Formulas, or functions of points (dim, n), whose means are wanted, by name; v is the velocity in phase space.
    absorb : Set or str
        A set that absorbs, the name of one of the problem's sets, or "boundary".

    Returns
    -------
    Evolution
        ``times`` with a state for each: ``mass``, probabilities of ``wells`` and ``sets``, means of ``observables``,
        ``distance`` from equilibrium (None beside a schedule), and the ``density``, with its error in total variation.

    Raises
    ------
    ProblemError
        For a beginning, time, observable or set that does not fit.
    ConvergenceError
        Where the series in powers of the resolvent does not converge, or no mesh does.

    >>> import fokker_planck as fp
    >>> line = fp.Problem(fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.5)), fp.Box([-8.0], [8.0]))
    >>> state = evolve(line, [1.0], [0.5], {"x": "x", "square": "x**2"}).times[0]
    >>> mean, square = (state.observables[name].value for name in ("x", "square"))
    >>> round(mean, 7), round(square - mean**2, 7)         # exp(-1/2) and (1 - exp(-1))/2
    (0.6065307, 0.3160603)
    """
    from fokker_planck.solvers import driven_evolution, evolution

    answer = evolution.evolution if problem.schedule is None else driven_evolution.evolution
    asked = _asked(problem, initial, times, observables or {}, absorb)
    with target_called("evolve.absorb"):
        found = answer(problem, asked)
    return counting.said_with(_with_absorbing_sets(found, problem.sets, asked.sets), problem)


def _with_absorbing_sets(found: Evolution, sets: Iterable[str], measured: Iterable[str]) -> Evolution:
    """With nothing in those of the ``sets`` that absorb, which are not measured: all there would be an error."""
    absorbing = {name: Quantity.of(0.0, 0.0) for name in sets if name not in measured}
    if not absorbing:
        return found
    states = [replace(state, sets={name: {**absorbing, **state.sets}[name] for name in sets}) for state in found.times]
    return replace(found, times=tuple(states))


def _asked(problem: Problem, initial: Any, times: Any, observables: Any, absorb: Any) -> Any:
    from fokker_planck.solvers.time.evolving.asked import Asked

    if isinstance(problem.process, Underdamped) and problem.process.planar:
        raise ProblemError("evolve", "an underdamped process of two coordinates", "one of a single coordinate")
    target = None if absorb is None else checked_target(problem, absorb, "evolve.absorb")
    start = initial_of(problem, initial)
    if isinstance(start, AtPoint) and target is not None and not isinstance(target, str):
        if target.contains(np.array(start.point)[:, None])[0]:
            raise ProblemError("evolve.initial.point", list(start.point), "a point outside of the set that absorbs")
    given = ascending("evolve.times", times, "a list of times > 0", 0.0, math.inf)
    if not given:
        raise ProblemError("evolve.times", "an empty list", "a list of times > 0")
    sets = {name: checked_set(problem, name, f"sets.{name}") for name in problem.sets}
    return Asked(
        initial=start,
        times=given,
        observables=observables_of(problem, observables),
        sets={name: each for name, each in sets.items() if each != target},
        target=target,
        name="" if absorb is None else absorb if isinstance(absorb, str) else repr(absorb),
    )


@dataclass(frozen=True)
class EvolveQuestion:
    """From ``initial`` to ``times``, with means of ``observables``; ``absorb`` is the name of a set, or boundary."""

    initial: Any
    times: tuple[float, ...]
    observables: Mapping[str, str] = field(default_factory=dict)
    absorb: str | None = None


def _read(problem: Problem, table: Table) -> EvolveQuestion:
    table.only(KEYS)
    initial = table.required("initial", WANTED)
    times = table.required("times", "a list of times > 0")
    formulas = table.table("observables")
    named = {name: written(problem, formulas.text(name, "a formula"), formulas.path(name)) for name in formulas.entries}
    if isinstance(initial, Mapping) and isinstance(initial.get("expression"), str):
        initial = {**initial, "expression": written(problem, initial["expression"], "evolve.initial.expression")}
    if isinstance(initial, Mapping) and isinstance(initial.get("result"), str):
        initial = {**initial, "result": str(table.folder / initial["result"])}
    absorb = table.text("absorb", "the name of a set, or boundary") if "absorb" in table.entries else None
    asked = _asked(problem, initial, times, named, absorb)
    return EvolveQuestion(initial, asked.times, named, absorb)


def _json(answer: Evolution) -> dict[str, Any]:
    return {
        "minima": [numbers_json(place) for place in answer.minima],
        "times": [state_json(state) for state in answer.times],
    }


def state_json(state: StateAtTime) -> dict[str, Any]:
    """The numbers of one time."""
    distance = state.distance
    return {
        "time": state.time,
        "mass": state.mass.as_dict(),
        "wells": [value.as_dict() for value in state.wells],
        "sets": {name: value.as_dict() for name, value in state.sets.items()},
        "observables": {
            name: {"value": mean.value, "absolute_error": mean.absolute_error}
            for name, mean in state.observables.items()
        },
        "distance": None
        if distance is None
        else {
            "total_variation": distance.total_variation.as_dict(),
            "relative_entropy": distance.relative_entropy.as_dict(),
            "chi_square": distance.chi_square.as_dict(),
        },
        "density_error": state.density_error,
    }


def _tables(answer: Evolution, _: float | None) -> list[TextTable]:
    until = "" if answer.target is None else f", absorbed by {literal(answer.target)}"
    title = f"Evolution from {literal(answer.initial)}{until}"
    return [states_table(title, answer.times, answer.minima)]


def states_table(title: str, states: Sequence[StateAtTime], minima: Sequence[tuple[float, ...]]) -> TextTable:
    """All numbers of some times, one below the other."""
    table = empty_table(title, ("time", "of what"), ("value", "error"))
    for state in states:
        for number, (name, value, error) in enumerate(_rows(minima, state)):
            table.add_row(short(state.time) if number == 0 else "", name, value, error)
    return table


def _rows(minima: Sequence[tuple[float, ...]], state: StateAtTime) -> list[tuple[str, str, str]]:
    def row(name: str, quantity: Quantity) -> tuple[str, str, str]:
        return name, str(quantity), error_bar(quantity)

    rows = [row("mass", state.mass)]
    if len(state.wells) > 1:
        places = map(point_text, minima)
        rows += [row(f"well {place}", value) for place, value in zip(places, state.wells, strict=True)]
    rows += [row(f"set {literal(name)}", value) for name, value in state.sets.items()]
    rows += [
        (f"mean of {literal(name)}", f"{mean.value:.9g}", f"{mean.absolute_error:.1e} absolute")
        for name, mean in state.observables.items()
    ]
    if state.distance is not None:
        rows.append(row("distance in total variation", state.distance.total_variation))
        rows.append(row("relative entropy", state.distance.relative_entropy))
        rows.append(row("chi-square", state.distance.chi_square))
    rows.append(("density", "", f"{state.density_error:.1e} of the mass"))
    return rows


def _checkpoint(answer: Evolution) -> dict[str, Any]:
    """The last density, to go on from; nothing where a result is saved again that was loaded without it."""
    from fokker_planck.fem.fields.density_checkpoint import arrays_of

    density = answer.times[-1].density
    return arrays_of(density) if hasattr(density, "discretization") else {}


def _resumed(answer: Evolution, arrays: Mapping[str, Any]) -> Evolution:
    from fokker_planck.fem.fields.density_checkpoint import density_of

    last = answer.times[-1]
    density, off = density_of(last.density.name, arrays)
    last = replace(last, density=density, density_error=last.density_error + off)
    return replace(answer, times=(*answer.times[:-1], last))


def _draw(axes: Axes, answer: Evolution) -> None:
    from fokker_planck.output.plots.evolution import draw_evolution

    draw_evolution(axes, answer)


def _draw_map(axes: Axes, answer: Evolution) -> None:
    from fokker_planck.output.plots.evolution import draw_map

    draw_map(axes, answer)


def _draw_probabilities(axes: Axes, answer: Evolution) -> None:
    from fokker_planck.output.plots.evolution import draw_probabilities

    draw_probabilities(axes, answer)


ENTRY = Entry(
    answer=Evolution,
    draw=_draw,
    kinds={"map": _draw_map, "probabilities": _draw_probabilities},
    ask=lambda problem, asked: evolve(problem, asked.initial, asked.times, asked.observables, asked.absorb),
    json=_json,
    rows=lambda answer: [state_json(state) for state in answer.times],
    tables=_tables,
    checkpoint=_checkpoint,
    resumed=_resumed,
    table=FileTable(_read, keys=("initial", "times")),
    fields=lambda answer: {f"density_at_{number_name(state.time)}": state.density for state in answer.times},
)
