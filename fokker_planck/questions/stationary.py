"""The stationary density and the weight of every well: asked for, in a table, as JSON, as a field and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fokker_planck.landscape.types import Landscape
from fokker_planck.model.phase_space import has_every_question
from fokker_planck.model.problem import Problem
from fokker_planck.output.serialize import numbers_json, prediction_json, quantity_json
from fokker_planck.output.tables import COMPARISON, NOTHING, compared, empty_table, error_bar, point_text
from fokker_planck.questions.beside import predictions
from fokker_planck.questions.entry import Entry
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.results.steady import Stationary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table

    from fokker_planck.output.plots.picture import Picture


@counting
@quietly
def stationary_density(problem: Problem) -> Stationary:
    """div(D grad p + p D grad Phi) = 0 with no flux through the boundary: density and weights of the wells.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy

    Returns
    -------
    Stationary
        The density as a field, the weight of every well, the probability of every named set of the problem, and
        without detailed balance the current.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2*(1 + 0.4*x)/4"), fp.Isotropic(0.05))
    >>> line = fp.Problem(process, fp.Box([-2.0], [2.0]), fp.Resolution(tolerance=1e-10))
    >>> round(stationary_density(line).wells[0].probability.value, 9)     # the flat well: 0.6019150610
    0.601915061
    """
    from fokker_planck.solvers import stationary

    found = stationary.stationary_density(problem)
    beside = predictions.weights(problem, found.wells)
    wells = (replace(well, asymptotic=value) for well, value in zip(found.wells, beside, strict=True))
    return counting.said_with(replace(found, wells=tuple(wells)), problem)


def _json(answer: Stationary) -> dict[str, Any]:
    return {
        "wells": [
            {
                "minimum": numbers_json(well.minimum),
                "probability": well.probability.as_dict(),
                **({"merged": [numbers_json(place) for place in well.merged]} if well.merged else {}),
            }
            for well in answer.wells
        ],
        **({"sets": {name: quantity_json(value) for name, value in answer.sets.items()}} if answer.sets else {}),
    }


def _rows(answer: Stationary) -> list[dict[str, Any]]:
    beside = prediction_json(answer.wells)
    return [
        {"well": number, **well, "asymptotic": other["value"], "ratio": other["ratio"]}
        for number, well, other in zip(_numbers(answer), _json(answer)["wells"], beside, strict=True)
    ]


def _numbers(answer: Stationary) -> list[int]:
    """Of the wells in the landscape, else as they come."""
    return [well.number or place for place, well in enumerate(answer.wells, start=1)]


def _tables(answer: Stationary, _: float | None) -> list[Table]:
    table = empty_table("Stationary weights of the wells", ("well", "minimum"), ("probability", *COMPARISON))
    for number, well in zip(_numbers(answer), answer.wells, strict=True):
        shallow = f" and {len(well.merged)} shallower than the noise" if well.merged else ""
        table.add_row(str(number), point_text(well.minimum) + shallow, *compared(well.probability, well))
    if not answer.sets:
        return [table]
    sets = empty_table("Probabilities of the sets", ("set",), ("probability", COMPARISON[0]))
    for name, value in answer.sets.items():
        sets.add_row(name, *((NOTHING, NOTHING) if value is None else (value.digits, error_bar(value))))
    return [table, sets]


def _picture(answer: Stationary, beside: Sequence[Landscape | None], title: str) -> Picture:
    from fokker_planck.output.plots.picture import density_picture

    (landscape,) = beside
    return density_picture(answer, landscape, title)


def _draw(axes: Axes, answer: Stationary) -> None:
    from fokker_planck.output.plots.answers import draw_stationary

    draw_stationary(axes, answer)


def _draw_surfaces(axes: Axes, answer: Stationary) -> None:
    from fokker_planck.output.plots.surfaces import draw_density_surfaces

    draw_density_surfaces(axes, answer)


ENTRY: Entry[None, Stationary] = Entry(
    answer=Stationary,
    draw=_draw,
    kinds={"surfaces": _draw_surfaces},
    ask=lambda problem, _: stationary_density(problem),
    json=_json,
    rows=_rows,
    tables=_tables,
    applies=lambda problem: has_every_question(problem.process),
    prediction=lambda answer: prediction_json(answer.wells),
    fields=lambda answer: {"density": answer.field},
    picture=_picture,
    beside=("landscape",),  # whose saddles it marks
)
