"""Bars held to true errors, case by case: above them, and not far above."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from validation.claim import Finding, Run, Table, at_least, at_most

if TYPE_CHECKING:
    from fokker_planck.quantity import Quantity

WIDEST = 20.0
NEGLIGIBLE, UNASKED = 3e-9, 1e-3
"""A bar below the first, or below this part of the tolerance, is not too wide: nobody asked for the digits between it
and the error, which came by the way (43 times the error at 3e-5 of the tolerance, degree 8, was the widest of them)."""
COVERS = "a bar below the error would be a lie; the reference's own uncertainty is added"
USEFUL = "a bar far above the error would be useless"
ASKED = "the solver stops when every bar is below the tolerance"


@dataclass(frozen=True)
class Case:
    """A question with the right answer: ``ask(tolerance, degree)``, known to ``doubt``."""

    name: str
    ask: Callable[[float, int | None], Quantity]
    exact: float
    doubt: float = 1e-12


def held(
    run: Run, cases: Iterable[Case], tolerances: Sequence[float], degrees: Sequence[int | None], remarks: Sequence[str]
) -> Finding:
    """Every case at every tolerance and degree, and the narrowest and widest bar over error of each."""
    rows, narrowest, widest, missed = [], [], [], []
    for case in cases:
        ratios = []
        for tolerance, degree in itertools.product(tolerances, degrees):
            label = f"{case.name}, {tolerance:.0e}" + (f", degree {degree}" if degree else "")
            error, bar = run.step(label, partial(solved, case, tolerance, degree))
            ratios.append((bar + case.doubt) / max(error, 1e-16))
            narrowest.append((ratios[-1], label))
            missed.append((bar / tolerance, label))
            if bar > max(NEGLIGIBLE, UNASKED * tolerance):
                widest.append((bar / (error + case.doubt), label))
        rows.append((case.name, len(ratios), f"{min(ratios):.2f}", f"{max(ratios):.3g}"))
    least, most, late = min(narrowest), max(widest, default=(0.0, "none above rounding")), max(missed)
    checks = (
        at_least(f"narrowest bar over error ({least[1]})", least[0], 1.0, COVERS),
        at_most(f"widest bar over error ({most[1]})", most[0], WIDEST, USEFUL),
        at_most(f"bar over the tolerance asked ({late[1]})", late[0], 1.0, ASKED),
    )
    table = Table("Error bar over true error", ("case", "how often", "least", "largest"), tuple(rows))
    return Finding(checks, (table,), (), tuple(remarks))


def solved(case: Case, tolerance: float, degree: int | None) -> list[float]:
    """Relative error and error bar."""
    found = case.ask(tolerance, degree)
    assert found.value is not None
    return [abs(found.value / case.exact - 1.0), found.relative_error]
