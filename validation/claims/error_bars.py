"""Reported error bars beside true errors, wherever the answer is known to many more digits."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from validation.claim import Check, Claim, Figure, Finding, Run, Table, at_least, at_most

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from benchmarks.error_bars import Case

NEGLIGIBLE = 1e-12
WIDEST = 50.0
# The integral by the higher of two rules is returned, and their difference bounds its error without estimating it.
WIDEST_OF_WEIGHTS = 1500.0
QUICK = {("quartic", 20), ("flat and sharp", 400), ("disc", 10)}
KINDS = (
    "times and eigenvalues on a line",
    "times and eigenvalues in the plane",
    "probabilities of wells on a line",
    "probabilities of wells in the plane",
)


def compute(run: Run) -> Finding:
    """Every case of the table of the documentation: error, bar, and how far the truth is uncertain."""
    from benchmarks.error_bars import cases

    chosen = [case for case in cases() if not run.quick or _quick(case)]
    found = {case: run.step(str(case), partial(solved, case)) for case in chosen}
    groups: dict[str, list[tuple[Case, list[float]]]] = {}
    for case, numbers in found.items():
        groups.setdefault(kind(case), []).extend((case, number) for number in numbers)
    checks: list[Check] = []
    rows = []
    for name in (name for name in KINDS if name in groups):
        seen = [(case, error, bar, doubt) for case, (error, bar, doubt) in groups[name] if error > NEGLIGIBLE]
        if not seen:  # weights on a line are right to rounding
            rows.append((name, len(groups[name]), 0, "", "", ""))
            continue
        least = min(seen, key=lambda one: (one[2] + one[3]) / one[1])
        most = max(seen, key=lambda one: one[2] / one[1])
        widest = WIDEST_OF_WEIGHTS if name == KINDS[3] else WIDEST
        checks += [
            at_least(f"{name}: narrowest bar over error ({least[0]})", (least[2] + least[3]) / least[1], 1.0, COVERS),
            at_most(f"{name}: widest bar over error ({most[0]})", most[2] / most[1], widest, USEFUL),
            at_most(f"{name}: bar over the tolerance asked", max(b / c.tolerance for c, _, b, _ in seen), 1.0, ASKED),
        ]
        ratios = sorted(bar / error for _, error, bar, _ in seen)
        rows.append((name, len(groups[name]), len(seen), *(f"{ratios[k]:.1f}" for k in (0, len(ratios) // 2, -1))))
    table = Table("Error bar over true error, where that is above 1e-12", COLUMNS, tuple(rows))
    return Finding(tuple(checks), (table,), (picture(groups),), REMARKS)


def _quick(case: Case) -> bool:
    return (case.family, case.inverse_noise) in QUICK and case.tolerance in (1e-4, 1e-8)


def solved(case: Case) -> list[list[float]]:
    """For each number that answers the question: relative error, error bar, uncertainty of the reference."""
    from benchmarks.error_bars import measured

    return [[one.error, one.bar, one.uncertainty] for one in measured(case)]


def kind(case: Case) -> str:
    """The group that a case belongs to."""
    from benchmarks.error_bars import WEIGHT

    return KINDS[2 * (case.question == WEIGHT) + case.dimension - 1]


def picture(groups: dict[str, list[Any]]) -> Figure:
    """Bars against errors, with the lines of equality and of fifty times the error."""
    from validation import drawing

    colours = (drawing.BLUE, drawing.ORANGE, drawing.GREEN, drawing.PURPLE)
    styles = dict(zip(KINDS, zip(colours, "os^D", strict=True), strict=True))

    def draw(ax: Axes) -> None:
        for name, numbers in groups.items():
            colour, marker = styles[name]
            ax.loglog(*_columns(numbers), marker, color=colour, markersize=4.0, alpha=0.8, label=name)
        ends = [NEGLIGIBLE, 1e-4]
        ax.loglog(ends, ends, "-", color=drawing.INK, linewidth=1.2)
        ax.loglog(ends, [WIDEST * end for end in ends], "--", color=drawing.MUTED, linewidth=1.2)
        ax.text(1e-6, 1.5e-7, "bar = error", ha="left", color=drawing.INK)
        ax.text(2e-10, 4e-8, "50 times", ha="right", color=drawing.MUTED)
        ax.set_xlim(NEGLIGIBLE / 2.0, 1e-4)
        ax.set_ylim(NEGLIGIBLE / 4.0, 1e-3)
        ax.set_xlabel("true relative error")
        ax.set_ylabel("reported error bar")
        ax.legend(loc="lower right", handletextpad=0.2, fontsize=9.0)

    caption = "Reported error bars against true errors; all points must lie between the two lines"
    description = "Doubly logarithmic: points along a band just above the diagonal, few of them near the upper line."
    return drawing.figure(caption, description, draw, height=300.0)


def _columns(numbers: Iterable[tuple[Case, list[float]]]) -> tuple[list[float], list[float]]:
    seen = [(error, bar) for _, (error, bar, _) in numbers if error > NEGLIGIBLE]
    return [error for error, _ in seen], [bar for _, bar in seen]


COVERS = "a bar below the error would be a lie; the reference's own uncertainty is added"
USEFUL = "a bar far above the error would be useless"
ASKED = "the solver stops when every bar is below the tolerance"
COLUMNS = ("numbers", "how many", "above 1e-12", "least", "median", "largest")
REMARKS = (
    "The bar is three times the difference of the answers of two polynomial degrees on the same mesh. The error of the "
    "higher one is a small part of that of the lower, so that nearly all ratios are three. Larger ones come where two "
    "degrees agree by chance and the indicator of the mesh keeps the bar up, smaller ones where both err alike.",
    "Errors below 1e-12 are rounding of references and answers alike and are not compared.",
)

CLAIM = Claim(
    name="error-bars",
    group="convergence",
    title="Error bars against true errors",
    statement=(
        "Every reported number carries an error bar. Wherever the truth is known and the error is above 1e-12, the bar "
        "is at least as large as the error, and at most fifty times."
    ),
    formula="|computed/exact - 1|  ≤  relative_error  ≤  50 |computed/exact - 1|",
    source=(
        "exact integrals in multiple precision (line), closed forms (disc, square), spectral elements of order 12 on "
        "two meshes (Müller-Brown and three-hole potentials)"
    ),
    compute=compute,
)
