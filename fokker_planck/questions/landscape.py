"""Minima, saddles and barriers of the potential: asked for, in tables, as JSON."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Function
from fokker_planck.landscape.descent_paths import descent_paths
from fokker_planck.landscape.finding.survey import survey
from fokker_planck.landscape.flow.well_flow import Downhill, WellFlow, has_potential_wells
from fokker_planck.landscape.paths import PathOverSaddle
from fokker_planck.landscape.surface import surface_of
from fokker_planck.landscape.types import CriticalPoint, Landscape
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.drift_potential import drift_potential
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.output.serialize import number_json, numbers_json
from fokker_planck.output.tables import NOTHING, empty_table, point_text, row_text, short
from fokker_planck.questions.entry import Entry
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.setting.kinetics_of_problem import refuse_schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table


@quietly
def energy_landscape(problem: Problem) -> Landscape:
    """grad V = 0: minima and saddles of the potential in the domain, which wells each saddle joins, and the barriers.

    Over every saddle leads the minimum energy path ``dphi/dt = -grad V``; of a free energy ``-D grad F``, the metric of
    the noise. Where a drift is given on a line, V is minus its integral. With momentum it is the energy in phase space,
    V(x) + v^2/2, whose barriers are those of V; of a V of two coordinates V itself.

    Parameters
    ----------
    problem
        a potential, or a drift on a line, and its domain

    Returns
    -------
    Landscape
        A :class:`Landscape` in units of V.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> energy_landscape(fp.Problem(process, fp.Box([-2.0], [2.0]))).barriers[1]
    0.25
    """
    refuse_schedule(problem)
    function = _height(problem)
    if function is None:
        found = "a drift that is no gradient, or whose potential is not given"
        raise ProblemError("drift", found, "-grad V alone, or a process on a line, for a landscape")
    landscape = survey(problem, function)
    downhill = function
    if has_potential_wells(problem.process):
        downhill = Downhill(WellFlow(problem.process, problem.dimension), function)
    surface = surface_of(function, landscape.frame, problem.contains)
    return replace(landscape, paths=descent_paths(downhill, landscape), surface=surface, units=problem.units)


@quietly
def has_landscape(problem: Problem) -> bool:
    """Whether there is a function down which the process runs, so that :func:`energy_landscape` can be asked for."""
    return _height(problem) is not None


def _height(problem: Problem) -> Function | None:
    """What the process runs down without noise; None where there is no such function."""
    if isinstance(problem.process, Underdamped):
        return problem.process.potential
    return drift_potential(problem.process, problem.dimension, problem.bounding_box(), problem.periods)


def _json(landscape: Landscape) -> dict[str, Any]:
    barriers = [number_json(barrier) for barrier in landscape.barriers]
    return {
        "minima": [
            {**_point_json(point), "barrier": barrier, **_marks_json(point)}
            for point, barrier in zip(landscape.minima, barriers, strict=True)
        ],
        "saddles": [
            {
                **_point_json(point),
                "joins": [int(index) for index in point.joins],
                **_marks_json(point),
                "path": _path_json(path),
            }
            for point, path in zip(landscape.saddles, _paths(landscape), strict=True)
        ],
        "barriers": barriers,
    }


def _paths(landscape: Landscape) -> tuple[PathOverSaddle | None, ...]:
    """One for each saddle, also where none were asked for."""
    return landscape.paths or (None,) * len(landscape.saddles)


def _path_json(path: PathOverSaddle | None) -> dict[str, Any] | None:
    if path is None:
        return None
    return {
        "wells": list(path.wells),
        "summit": path.summit,
        "arclength": numbers_json(path.arclength),
        "points": [numbers_json(point) for point in path.points],
        "values": numbers_json(path.values),
    }


def _point_json(point: CriticalPoint) -> dict[str, Any]:
    return {
        "position": numbers_json(point.position),
        "value": number_json(point.value),
        "hessian_eigenvalues": numbers_json(point.hessian_eigenvalues),
    }


def _marks_json(point: CriticalPoint) -> dict[str, bool]:
    return {"degenerate": bool(point.degenerate), "on_boundary": bool(point.on_boundary)}


def _rows(answer: Landscape) -> list[dict[str, Any]]:
    content = _json(answer)
    rows = [
        {"kind": kind, **each} for kind, key in (("minimum", "minima"), ("saddle", "saddles")) for each in content[key]
    ]
    return [{key: value for key, value in row.items() if key != "path"} for row in rows]


def _tables(answer: Landscape, noise: float | None) -> list[Table]:
    """Minima, and saddles where there are any; barriers over eps where there is one ``noise``."""
    over_noise = () if noise is None else ("barrier/eps",)
    marked = any(_marks(point) for point in (*answer.minima, *answer.saddles))
    last = ("Hessian eigenvalues", "remark") if marked else ("Hessian eigenvalues",)
    minima = empty_table("Minima of V", ("well", "position"), ("V", "barrier", *over_noise), last)
    for number, (point, barrier) in enumerate(zip(answer.minima, answer.barriers, strict=True), start=1):
        heights = [_climb(barrier, unit) for unit in ((1.0,) if noise is None else (1.0, noise))]
        remark = [_marks(point)] if marked else []
        row = [point_text(point.position), short(point.value), *heights, row_text(point.hessian_eigenvalues), *remark]
        minima.add_row(str(number), *row)
    saddles = empty_table("Saddles of V", ("saddle", "position"), ("V",), ("joins wells", *last))
    for number, saddle in enumerate(answer.saddles, start=1):
        joined = " - ".join(str(index + 1) for index in saddle.joins)
        remark = [_marks(saddle)] if marked else []
        row = [point_text(saddle.position), short(saddle.value), joined, row_text(saddle.hessian_eigenvalues), *remark]
        saddles.add_row(str(number), *row)
    return [minima, saddles] if answer.saddles else [minima]


def _climb(barrier: float | None, unit: float) -> str:
    return NOTHING if barrier is None or not math.isfinite(barrier) else short(barrier / unit)


def _marks(point: CriticalPoint) -> str:
    return ", ".join(
        word for word, applies in (("degenerate", point.degenerate), ("on boundary", point.on_boundary)) if applies
    )


def _draw(axes: Axes, answer: Landscape) -> None:
    from fokker_planck.output.plots.landscape import draw_landscape

    draw_landscape(axes, answer)


def _draw_profile(axes: Axes, answer: Landscape) -> None:
    from fokker_planck.output.plots.landscape import draw_profile

    draw_profile(axes, answer)


def _draw_tree(axes: Axes, answer: Landscape) -> None:
    from fokker_planck.output.plots.landscape import draw_tree

    draw_tree(axes, answer)


ENTRY: Entry[None, Landscape] = Entry(
    answer=Landscape,
    draw=_draw,
    kinds={"profile": _draw_profile, "tree": _draw_tree},
    ask=lambda problem, _: energy_landscape(problem),
    json=_json,
    rows=_rows,
    tables=_tables,
    applies=lambda problem: has_landscape(problem),
)
