"""The place of an exit in the plane: asked for, in tables, as JSON, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described
from fokker_planck.model.problem import Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import EXIT_KEYS, checked_exit
from fokker_planck.output.serialize import numbers_json
from fokker_planck.output.tables import empty_table, error_bar, literal, point_text, short
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.results.of_place import ExitPlace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.model.sets.shapes import Set


@counting
@quietly
def exit_place(problem: Problem, start: Sequence[float] | float, target: Set | str | Literal["boundary"]) -> ExitPlace:
    """E phi(X_tau) = int phi rho ds: where on the target, in the plane, a process from ``start`` arrives.

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
    ExitPlace
        The density rho of X_tau along the curves of the target, and the share of every lowest point of these: of every
        saddle, where a curve is the boundary of a basin.

    Raises
    ------
    ProblemError
        For a start or target that does not fit, in other dimensions, and where noise vanishes in some direction
    ConvergenceError
        Where the solve fails.

    References
    ----------
    Matkowsky and Schuss, SIAM J. Appl. Math. 33 (1977) 365; Day, Stochastics 20 (1987) 121.

    Examples
    --------
    From the centre of a disc all directions are alike; the density is that of Poisson's kernel, 1/(2 pi):

    >>> import fokker_planck as fp
    >>> free = fp.Overdamped(fp.Potential("0", dimension=2), fp.Isotropic(0.5))
    >>> disc = fp.Problem(free, fp.Ball([0.0, 0.0], 1.0), fp.Resolution(tolerance=1e-5))
    >>> around = exit_place(disc, [0.0, 0.0], "boundary").curves[0]
    >>> round(min(around.density), 4), round(max(around.density), 4)
    (0.1592, 0.1592)
    """
    from fokker_planck.solvers import exit_place as solver

    place, shape = checked_exit(problem, start, target)
    name = target if isinstance(target, str) else repr(target)
    return counting.said_with(solver.exit_place(problem, place, shape, name), problem)


@dataclass(frozen=True)
class ExitPlaceQuestion:
    """Where on the set named ``target``, or on the "boundary"; ``place`` says that ``solve`` is to ask it, too."""

    start: tuple[float, ...]
    target: str
    place: bool = False


def _read(problem: Problem, table: Table) -> ExitPlaceQuestion:
    table.only(EXIT_KEYS)
    start = table.required("start", "the point from which the process starts")
    target = table.text("target", "the name of a set, or boundary")
    place, _ = checked_exit(problem, start, target)
    asked = table.entries.get("place", False)
    if not isinstance(asked, bool):
        raise ProblemError("exit.place", described(asked), "true or false")
    return ExitPlaceQuestion(place, target, asked)


def _json(answer: ExitPlace) -> dict[str, Any]:
    return {
        "shares": [
            {
                "probability": share.probability.as_dict(),
                "lowest": numbers_json(share.lowest),
                "curve": share.curve,
                "arc": numbers_json(share.arc),
            }
            for share in answer.shares
        ],
        "curves": [
            {
                "closed": curve.closed,
                "points": [numbers_json(point) for point in curve.points],
                "arclength": numbers_json(curve.arclength),
                "density": numbers_json(curve.density),
                "absolute_error": numbers_json(curve.absolute_error),
            }
            for curve in answer.curves
        ],
    }


def _rows(answer: ExitPlace) -> list[dict[str, Any]]:
    return list(_json(answer)["shares"])


def _tables(answer: ExitPlace, _: float | None) -> list[TextTable]:
    title = f"Place of the exit from {point_text(answer.start)} through {literal(answer.target)}"
    numbers = ("probability", "rel. error", "highest density", "error")
    table = empty_table(title, ("lowest point", "curve", "along it"), numbers)
    for share in answer.shares:
        curve = answer.curves[share.curve]
        known = max(zip(curve.density, curve.absolute_error, curve.arclength, strict=True), key=_within(share.arc))
        along = f"{short(share.arc[0])} to {short(share.arc[1])}"
        table.add_row(
            point_text(share.lowest, digits=4),
            str(share.curve + 1),
            along,
            share.probability.digits,
            error_bar(share.probability),
            short(known[0]),
            f"{known[1]:.1e}",
        )
    return [table]


def _within(arc: tuple[float, float]) -> Any:
    """By the density, where that belongs to the arc."""
    begin, stop = arc

    def density(point: tuple[float, float, float]) -> float:
        inside = begin <= point[2] <= stop if begin < stop else point[2] >= begin or point[2] <= stop
        return point[0] if inside else -1.0

    return density


def _draw(axes: Axes, answer: ExitPlace) -> None:
    from fokker_planck.output.plots.place import draw_along

    draw_along(axes, answer)


def _draw_plane(axes: Axes, answer: ExitPlace) -> None:
    from fokker_planck.output.plots.place import draw_in_plane

    draw_in_plane(axes, answer)


ENTRY = Entry(
    answer=ExitPlace,
    draw=_draw,
    kinds={"plane": _draw_plane},
    ask=lambda problem, asked: exit_place(problem, asked.start, asked.target),
    json=_json,
    rows=_rows,
    tables=_tables,
    table=FileTable(_read, keys=("start", "target"), in_solve=lambda asked: asked.place),
)
