"""Error bars over true errors at corners of 90, 180, 270 and 315 degrees, at every degree and tolerance.

Claim: no error exceeds its bar, and no bar is more than twenty times its error.  Run:
``python -m benchmarks.corners`` (``--page docs/accuracy.md`` puts the table into the page).  Exit status 1 otherwise.
The claim ``corner-singularities`` holds more problems of the kind, at four of the tolerances.
"""

import argparse
import sys
import time
from pathlib import Path

import mpi4py.MPI  # noqa: F401 - before dolfinx

from benchmarks.compare import replaced
from benchmarks.tables import Table, show
from validation.bars import NEGLIGIBLE, UNASKED, WIDEST, Case, solved
from validation.claims.corner_singularities import DEGREES, corner_cases

TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
# One problem an angle, straight or turned. Where both sides of a straight wall absorb nothing is singular: at 180
# degrees it is the end of a part that does.
CHOSEN = {
    0.0: ("absorbing corner of 90°", "absorbing corner of 315°"),
    0.3: ("a part of a wall that absorbs", "reflecting corner of 270°, turned by 0.3, gap"),
}


def measured() -> tuple[Table, list[str]]:
    """The table, and what is outside its bar or has a bar that is too wide."""
    rows, wrong = [], []
    for turn, names in CHOSEN.items():
        for case in corner_cases(turn):
            if case.name.startswith(names):
                cells = [row_of(case, tolerance, wrong) for tolerance in TOLERANCES]
                rows.append((case.name, *cells))
                print(case.name, *cells, f"{time.process_time():.0f} s of CPU", file=sys.stderr, flush=True)
    head = ("problem", *(f"{tolerance:.0e}" for tolerance in TOLERANCES))
    return Table("corners", "Error bar over true error, degrees 2 to 8", head, tuple(rows)), wrong


def row_of(case: Case, tolerance: float, wrong: list[str]) -> str:
    """The least and largest ratio of all degrees, as far as the tolerance had to be worked for; faults are added."""
    ratios = []
    for degree in DEGREES:
        error, bar = solved(case, tolerance, degree)
        asked = bar > max(NEGLIGIBLE, UNASKED * tolerance)
        if error > bar + case.doubt or asked and bar > WIDEST * (error + case.doubt):
            wrong.append(f"{case.name}, {tolerance:.0e}, degree {degree}: {error:.1e}, bar {bar:.1e}")
        if asked:
            ratios.append(bar / max(error, 1e-16))
    return f"{min(ratios):.1f} to {max(ratios):.1f}" if ratios else ""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corners")
    parser.add_argument("--page", type=Path, help="a page whose table is to be replaced")
    asked_for = parser.parse_args(arguments)
    table, wrong = measured()
    show(table)
    if asked_for.page is not None:
        asked_for.page.write_text(replaced(asked_for.page.read_text(), [table]))
    for one in wrong:
        print(f"WRONG: {one}", file=sys.stderr)
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main())
