"""Time and memory to a relative error of 1e-6: this library beside what a user would write instead, and alone.

Claim: on the two-dimensional double well this library is right, and says so, at every barrier; the others are not
beyond 20 to 30 units of epsilon.  Run: ``make bench``; ``make bench BENCH_ARGS=--quick`` for a part in about a minute;
``BENCH_ARGS="--page docs/benchmarks.md"`` puts the tables into the page.

Writes results/benchmarks/measurements.json and tables.md.  Exit status 1 if an answer of this library is wrong or
its error bar does not hold.
"""

import argparse
import json
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.double_well import QUESTIONS
from benchmarks.measurement import TOP, WANTED, Measurement, Series, measure, series
from benchmarks.tables import Table, alone_table, cells_table, machine, rival_table, show, tolerance_table

THIS = "fokker_planck"
SIZES = {
    "scikit_fem_p2": (8, 12, 16, 24, 32, 48, 64, 96),
    "scikit_fem_p4": (3, 4, 6, 8, 12, 16, 24, 32),
    "scharfetter_gummel": (16, 32, 64, 128, 192),
    "fipy_volumes": (8, 12, 16, 24, 32, 48, 64, 96),
}


@dataclass(frozen=True)
class Plan:
    """What is measured: barriers in units of epsilon, tolerances, cells per length; a rival's mesh gets ``seconds``."""

    questions: tuple[str, ...] = QUESTIONS
    barriers: tuple[float, ...] = (5.0, 10.0, 20.0, 30.0)
    high: tuple[float, ...] = (50.0, 100.0, 200.0, 500.0)
    tolerances: tuple[float, ...] = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
    cells: tuple[float, ...] = (8.0, 16.0, 32.0)
    seconds: float = 15.0
    runs: int = 2


FULL = Plan()
QUICK = Plan(("gap", "exit-time"), (10.0,), (100.0,), (1e-4, 1e-6), (8.0,), seconds=2.0, runs=1)


def compared(plan: Plan) -> Iterator[Series]:
    """This library and then every rival, for each question and barrier."""
    for question in plan.questions:
        for barrier in plan.barriers:
            yield Series((measure(THIS, question, barrier, WANTED, runs=plan.runs),))
            for method, sizes in SIZES.items():
                yield series(method, question, barrier, sizes, plan.seconds, plan.runs)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare")
    parser.add_argument("--quick", action="store_true", help="one barrier, coarse limits, one run each")
    parser.add_argument("--page", type=Path, help="a page whose tables are to be replaced")
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    print(f"{machine()}; each number from a process of its own, the fastest of {plan.runs}", flush=True)
    for question in plan.questions:  # unmeasured: fills the caches of the file system
        measure(THIS, question, 5.0, 1e-3)
    found = list(_reported(compared(plan)))
    barriers = (*plan.barriers, *plan.high)
    alone = [
        measure(THIS, question, barrier, WANTED, ranks, plan.runs)
        for question in plan.questions
        for barrier in barriers
        for ranks in (1, 2)
    ]
    middle = plan.high[min(1, len(plan.high) - 1)]
    finer = [measure(THIS, "gap", middle, size, ranks, plan.runs) for size in plan.tolerances for ranks in (1, 2)]
    uniform = [measure(THIS, "gap", 20.0, size, ranks, plan.runs) for size in plan.cells for ranks in (1, 2)]
    tables = [rival_table(question, found, THIS) for question in plan.questions]
    tables += [alone_table(question, alone) for question in plan.questions]
    tables += [tolerance_table(middle, finer), cells_table(20.0, uniform)]
    for table in tables:
        show(table)
    _write(plan, found, [*alone, *finer, *uniform], tables, asked.page)
    return _verdict([one.best for one in found if one.best.method == THIS] + alone + finer)


def _reported(found: Iterator[Series]) -> Iterator[Series]:
    """A line as each series ends, on standard error."""
    for one in found:
        best = one.best
        said = best.failure or f"error {best.error:.1e}, {best.unknowns} unknowns, {best.seconds:.2f} s"
        print(f"{best.question}, barrier {best.barrier:.0f}, {best.method}: {said}", file=sys.stderr, flush=True)
        yield one


def _write(plan: Plan, found: list[Series], alone: list[Measurement], tables: list[Table], page: Path | None) -> None:
    folder = TOP / "results" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine(),
        "python": platform.python_version(),
        "runs": plan.runs,
        "series": [[one.as_json() for one in each.meshes] for each in found],
        "alone": [one.as_json() for one in alone],
    }
    (folder / "measurements.json").write_text(json.dumps(content, indent=1) + "\n")
    (folder / "tables.md").write_text("\n".join(f"{table.title}\n\n{table.markdown()}" for table in tables))
    print(f"written: {folder.relative_to(TOP)}/measurements.json, tables.md")
    if page is not None:
        page.write_text(replaced(page.read_text(), tables))
        print(f"written: {page}")


def replaced(text: str, tables: list[Table]) -> str:
    """The page with every table between ``<!-- table NAME -->`` and ``<!-- end -->``, and the machine, made anew."""
    contents = {f"table {table.name}": table.markdown() for table in tables} | {"machine": f"{machine()}.\n"}

    def renewed(found: re.Match[str]) -> str:
        return found[1] + contents.get(found[2], found[3]) + found[4]

    return re.sub(r"(<!-- (table [^>]+|machine) -->\n)(.*?)(<!-- end -->)", renewed, text, flags=re.DOTALL)


def _verdict(ours: list[Measurement]) -> int:
    """1 if an answer of this library is missing, or off by more than it says."""
    bad = [one for one in ours if one.error is None or one.claimed is None or one.error > max(one.claimed, 1e-12)]
    for one in bad:
        print(f"WRONG: {one.as_json()}", file=sys.stderr)
    return min(len(bad), 1)


if __name__ == "__main__":
    sys.exit(main())
