"""The tables of the benchmarks, as rich prints them and as the page holds them."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measurement import WANTED, Measurement, Series

NAMES = {
    "fokker_planck": "this library",
    "scikit_fem_p2": "scikit-fem P2",
    "scikit_fem_p4": "scikit-fem P4, careful",
    "scharfetter_gummel": "Scharfetter-Gummel",
    "fipy_volumes": "FiPy",
}


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; ``name`` is what the page calls it."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table as Markdown."""
        lines = [self.head, ("---",) * len(self.head), *self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def show(table: Table) -> None:
    """Print with rich, as wide as it needs to be."""
    from rich.console import Console
    from rich.table import Table as RichTable

    drawn = RichTable(title=table.title, title_justify="left")
    for k, column in enumerate(table.head):
        drawn.add_column(column, justify="left" if k in (0, 1) else "right", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*row)
    Console(width=140).print(drawn)


def rival_table(question: str, found: Sequence[Series], this: str) -> Table:
    """Every method at every barrier: the coarsest mesh that reaches the wanted error, or the best there is."""
    rows = []
    ours: Measurement | None = None
    for one in (each for each in found if each.best.question == question):
        best = one.best
        ours = best if best.method == this else ours
        if best.value is None:
            rows.append((_number(best.barrier), NAMES[best.method], best.failure or "", *("",) * 7))
            continue
        reached = best.right if best.method == this else one.reached is not None
        verdict = "yes" if reached else "once" if best.right else "no"
        to_know = best.seconds if best.method == this else one.seconds_to_know
        finest = None if best.method == this else one.meshes[-1].error
        ratio = best.seconds / ours.seconds if ours and ours.seconds and best.seconds and reached else None
        rows.append(
            (
                _number(best.barrier), NAMES[best.method], verdict, _error(best.error),
                _error(best.claimed), _error(finest), str(best.unknowns), _seconds(best.seconds), _seconds(to_know),
                "" if ratio is None else f"{ratio:.2f}", _number(best.megabytes),
            )
        )  # fmt: skip
    head = ("barrier", "method", "1e-6", "error", "claimed", "finest", "unknowns", "s", "s to know", "times ours", "MB")
    padded = tuple((*row, *("",) * (len(head) - len(row))) for row in rows)
    return Table(f"compared {question}", f"{question}: to a relative error of {WANTED:.0e}", head, padded)


def alone_table(question: str, alone: Sequence[Measurement]) -> Table:
    """Cost against the barrier, on one process and on two."""
    chosen = [one for one in alone if one.question == question]
    barriers = list(dict.fromkeys(one.barrier for one in chosen))
    rows = [_serial_and_parallel(_number(b), [one for one in chosen if one.barrier == b]) for b in barriers]
    return Table(f"alone {question}", f"{question}: this library, tolerance 1e-6", ("barrier", *_COST), tuple(rows))


def tolerance_table(barrier: float, found: Sequence[Measurement]) -> Table:
    """Cost against the tolerance, meshes adapted."""
    sizes = list(dict.fromkeys(one.size for one in found))
    rows = [_serial_and_parallel(f"{size:.0e}", [one for one in found if one.size == size]) for size in sizes]
    return Table("tolerances", f"gap at barrier {barrier:.0f}: this library", ("tolerance", *_COST), tuple(rows))


def cells_table(barrier: float, found: Sequence[Measurement]) -> Table:
    """Cost against the number of unknowns, meshes uniform."""
    sizes = list(dict.fromkeys(one.size for one in found))
    rows = [_serial_and_parallel(_number(size), [one for one in found if one.size == size]) for size in sizes]
    title = f"gap at barrier {barrier:.0f}: this library on uniform meshes"
    return Table("uniform", title, ("cells per unit length", *_COST), tuple(rows))


_COST = ("unknowns", "error", "claimed", "s", "MB", "s on two", "MB on two", "same to")


def _serial_and_parallel(label: str, found: Sequence[Measurement]) -> tuple[str, ...]:
    one, two = (next((each for each in found if each.ranks == ranks), None) for ranks in (1, 2))
    if one is None or one.value is None:
        return (label, (one and one.failure) or "", *("",) * 7)
    errors = _error(one.error), _error(one.claimed)
    row = (label, str(one.unknowns), *errors, _seconds(one.seconds), _number(one.megabytes))
    if two is None or two.value is None:
        return (*row, (two and two.failure) or "", "", "")
    return (*row, _seconds(two.seconds), _number(two.megabytes), _error(abs(two.value / one.value - 1.0)))


def machine() -> str:
    """Processor and cores, for the record."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1] for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].strip() if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, one thread a process"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
