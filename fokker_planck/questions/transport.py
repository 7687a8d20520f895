"""Drift and diffusion over many periods: asked for, in tables, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fokker_planck.model.arguments import AXES
from fokker_planck.model.problem import Problem
from fokker_planck.output.tables import empty_table
from fokker_planck.questions.entry import Entry
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.results.in_time import Estimate, Transport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable


@counting
@quietly
def effective_transport(problem: Problem) -> Transport:
    """v_i = int b_i p, -L chi_i = b_i - v_i, D_ij = int p (e_i + grad chi_i) . D (e_j + grad chi_j): periodic axes.

    Parameters
    ----------
    problem : Problem
        With at least one periodic axis, on a line, in the plane or in space; others may be reflecting, as the walls of
        a channel are.

    Returns
    -------
    Transport
        ``drift`` v and ``diffusion`` D along the periodic ``axes``: the displacement over a long time t, turns counted,
        has mean v t and covariance 2 D t.  Each number with its absolute error.

    Raises
    ------
    ProblemError
        Where no axis is periodic.
    ConvergenceError
        Where a solve fails.

    Source: Reimann et al., Phys. Rev. Lett. 87 (2001) 010602; Bensoussan, Lions and Papanicolaou (1978), chapter 3.

    >>> import fokker_planck as fp
    >>> import math
    >>> process = fp.Overdamped(fp.Potential("-cos(x)"), fp.Isotropic(1.0))
    >>> ring = fp.Problem(process, fp.Box([0.0], [2.0 * math.pi], "periodic"))
    >>> round(effective_transport(ring).diffusion[0][0].value, 9)      # 1/I_0(1)^2: Lifson and Jackson 1962
    0.62386036
    """
    from fokker_planck.solvers import transport as solver

    return counting.said_with(solver.effective_transport(problem), problem)


def _estimate(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "absolute_error": found.absolute_error}


def _json(answer: Transport) -> dict[str, Any]:
    return {
        "axes": [AXES[axis] for axis in answer.axes],
        "drift": [_estimate(each) for each in answer.drift],
        "diffusion": [[_estimate(entry) for entry in row] for row in answer.diffusion],
    }


def _tables(answer: Transport, _: float | None) -> list[TextTable]:
    table = empty_table("Over many periods", ("quantity",), ("value", "abs. error"))
    for axis, found in zip(answer.axes, answer.drift, strict=True):
        table.add_row(f"drift along {AXES[axis]}", f"{found.value:.10g}", f"{found.absolute_error:.1e}")
    for i, row in enumerate(answer.diffusion):
        for j, entry in enumerate(row[i:], start=i):
            name = f"diffusion {AXES[answer.axes[i]]}{AXES[answer.axes[j]]}"
            table.add_row(name, f"{entry.value:.10g}", f"{entry.absolute_error:.1e}")
    return [table]


def _draw(axes: Axes, answer: Transport) -> None:
    from fokker_planck.output.plots.in_time import draw_transport

    draw_transport(axes, answer)


ENTRY: Entry[None, Transport] = Entry(
    answer=Transport,
    ask=lambda problem, _: effective_transport(problem),
    draw=_draw,
    json=_json,
    tables=_tables,
    applies=lambda _: False,
)
