"""The smallest eigenvalues of -L: asked for, in a table, as JSON, with eigenfunctions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fokker_planck.model.arguments import whole_number
from fokker_planck.model.problem import MOST_EIGENVALUES, Problem
from fokker_planck.model.problem_table import Table
from fokker_planck.model.question_arguments import checked_target
from fokker_planck.output.serialize import limits_json, number_json, prediction_json
from fokker_planck.output.tables import compared, comparison, empty_table, limits_tables, literal
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.questions.beside import predictions
from fokker_planck.questions.entry import Entry, FileTable
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.questions.posing.called import target_called
from fokker_planck.solvers.results.steady import Spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.model.sets.shapes import Set


@counting
@quietly
def spectrum(problem: Problem, count: int = 4, target: Set | str | Literal["boundary"] | None = None) -> Spectrum:
    """-L u = lambda u with no flux through the boundary: the ``count`` smallest eigenvalues, the zero among them.

    With a ``target``, a set, the name of one of the problem's sets, or "boundary", u = 0 there: the process is
    absorbed, zero is no eigenvalue, and the smallest is the rate at which what has not arrived yet arrives.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy
    count
        how many eigenvalues
    target
        where the process is absorbed: a set, the name of one, or "boundary"; None for nowhere

    Returns
    -------
    Spectrum
        The eigenvalues with their eigenfunctions.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> round(spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), count=2).gap.value, 10)   # 2.776140636573e-3
    0.0027761406
    >>> round(spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), 1, fp.HalfSpace([1.0], 0.0)).gap.value, 10)
    0.0027761406
    """
    from fokker_planck.solvers import spectrum as solver

    count = whole_number("spectrum.count", count, 2 if target is None else 1, MOST_EIGENVALUES[problem.dimension])
    shape = None if target is None else checked_target(problem, target, "spectrum.target")
    name = target if isinstance(target, str) else repr(target)
    with target_called("spectrum.target"):
        found = solver.spectrum(problem, count, shape, name)
    beside = predictions.eigenvalues(problem, len(found.eigenvalues), absorbed=target is not None)
    eigenvalues = (replace(e, asymptotic=value) for e, value in zip(found.eigenvalues, beside.values, strict=True))
    found = replace(found, eigenvalues=tuple(eigenvalues), formula=beside.formula, limits=beside.limits)
    return counting.said_with(found, problem)


@dataclass(frozen=True)
class SpectrumQuestion:
    """How many eigenvalues, the zero among them; or of the process that is absorbed at the ``target``."""

    count: int = 4
    target: str | None = None


def _read(problem: Problem, table: Table) -> SpectrumQuestion:
    table.only(("count", "target"))
    target = None
    if "target" in table.entries:
        target = table.text("target", "the name of a set, or boundary")
        checked_target(problem, target, "spectrum.target")
    least = 2 if target is None else 1
    count = whole_number("spectrum.count", table.entries.get("count", 4), least, MOST_EIGENVALUES[problem.dimension])
    return SpectrumQuestion(count, target)


def _json(answer: Spectrum) -> dict[str, Any]:
    return {
        "eigenvalues": [
            {"real": eigenvalue.real.as_dict(), "imag": number_json(eigenvalue.imag)}
            for eigenvalue in answer.eigenvalues
        ],
        "gap": answer.gap.as_dict(),
    }


def _rows(answer: Spectrum) -> list[dict[str, Any]]:
    beside = prediction_json(answer.eigenvalues)
    return [
        {**eigenvalue, "asymptotic": other["value"], "ratio": other["ratio"]}
        for eigenvalue, other in zip(_json(answer)["eigenvalues"], beside, strict=True)
    ]


def _tables(answer: Spectrum, _: float | None) -> list[TextTable]:
    is_complex = any(eigenvalue.imag != 0.0 for eigenvalue in answer.eigenvalues)
    values = ("real part", "imaginary part") if is_complex else ("eigenvalue",)
    absorbed = answer.target is not None
    title = f"Spectrum of -L, absorbed at {literal(answer.target or '')}" if absorbed else "Spectrum of -L"
    table = empty_table(title, ("n",), (*values, *comparison(answer.formula)))
    numbers = range(1 if absorbed else 0, len(answer.eigenvalues) + (1 if absorbed else 0))
    for number, eigenvalue in zip(numbers, answer.eigenvalues, strict=True):
        real, *rest = compared(eigenvalue.real, eigenvalue)
        imaginary = [f"{eigenvalue.imag:.10g}"] if is_complex else []
        table.add_row(str(number), real, *imaginary, *rest)
    return [table, *limits_tables(("n",), [(str(number),) for number in numbers], answer.limits)]


def _draw(axes: Axes, answer: Spectrum) -> None:
    from fokker_planck.output.plots.answers import draw_spectrum

    draw_spectrum(axes, answer)


def _draw_surfaces(axes: Axes, answer: Spectrum) -> None:
    from fokker_planck.output.plots.surfaces import draw_eigenfunction_surfaces

    draw_eigenfunction_surfaces(axes, answer)


ENTRY = Entry(
    answer=Spectrum,
    draw=_draw,
    kinds={"surfaces": _draw_surfaces},
    ask=lambda problem, asked: spectrum(problem, count=asked.count, target=asked.target),
    json=_json,
    rows=_rows,
    tables=_tables,
    table=FileTable(_read, default=SpectrumQuestion()),
    prediction=lambda answer: prediction_json(answer.eigenvalues),
    further=lambda answer: limits_json(answer.limits),
    fields=lambda answer: {f"eigenfunction_{n}": field for n, field in enumerate(answer.eigenfunctions)},
)
