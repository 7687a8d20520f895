"""Closed forms entry by entry: what is asked of the solver in one, two and three dimensions, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check, Run, Table, equal, near

REACH = {1: 1e-8, 2: 1e-6, 3: 1e-4}
WHERE = {1: "on a line", 2: "in the plane", 3: "in space"}
BECAUSE = {dimension: f"wanted of every closed form {WHERE[dimension]}" for dimension in REACH}
ALLOWED = 1e-11  # beside bars: rounding of references that are sums of a hundred modes, in numbers of order one


@dataclass(frozen=True)
class Number:
    """A number of the solver beside the exact one, and which error is meant: relative, or absolute of a mean."""

    what: str
    found: Any
    exact: float | Quantity

    @property
    def error(self) -> float:
        """Absolute of an estimate, relative of a quantity."""
        if isinstance(self.found, Quantity):
            return equal("", self.found, self.exact, inf, "").difference
        return abs(self.found[0] - float(self.exact))  # type: ignore[arg-type]

    @property
    def bar(self) -> float:
        """What the solver says of it."""
        return float(self.found.relative_error if isinstance(self.found, Quantity) else self.found[1])

    def check(self, name: str, dimension: int) -> Check:
        """Within what is wanted in so many dimensions."""
        what = f"{name} {WHERE[dimension]}: {self.what}"
        if isinstance(self.found, Quantity):
            return equal(what, self.found, self.exact, REACH[dimension], BECAUSE[dimension])
        return near(what, self.found[0], self.exact, REACH[dimension], BECAUSE[dimension])


@dataclass(frozen=True)
class Entry:
    """One closed form in ``dimension`` coordinates: what is ``solved``, and ``exact``; ``quick`` in a few seconds."""

    name: str
    dimension: int
    solved: Callable[[], list[Any]]
    exact: Callable[[], list[tuple[str, Any]]]
    quick: bool = False


def estimate(found: Any) -> tuple[float, float]:
    """Of a number that may be negative: what a step can keep."""
    return found.value, found.absolute_error


def checks_of(run: Run, entries: Sequence[Entry]) -> tuple[list[Check], Table]:
    """Every number of every entry within what is wanted and within its bar, and a table of the worst of each."""
    checks: list[Check] = []
    rows = []
    for entry in entries:
        if run.quick and not entry.quick:
            continue
        found = run.step(f"{entry.name} {WHERE[entry.dimension]}", entry.solved)
        numbers = [Number(what, f, e) for (what, e), f in zip(entry.exact(), found, strict=True)]
        checks += [number.check(entry.name, entry.dimension) for number in numbers]
        inside = max(number.error / (number.bar + ALLOWED) for number in numbers)
        checks.append(near(f"{entry.name} {WHERE[entry.dimension]}: error over bar", inside, 0.0, 1.0, HONEST))
        worst = max(numbers, key=lambda number: number.error)
        row = (
            entry.name,
            WHERE[entry.dimension],
            f"{worst.error:.1e}",
            f"{worst.bar:.1e}",
            worst.what,
            f"{inside:.2g}",
        )
        rows.append(row)
    heads = ("entry", "", "largest error", "its bar", "of", "largest error over bar")
    return checks, Table("Each closed form, the worst of its numbers", heads, tuple(rows))


HONEST = "an error bar that holds, with 1e-11 for rounding of the reference"
