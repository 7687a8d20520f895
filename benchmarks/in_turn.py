"""The gap at moderate barriers: this library, error bar included, and the careful script, in turn in one process.

Claim: at 10 units of epsilon this library takes no longer, with its error bar, than the careful script on the mesh that
is just fine enough, and less than half of what the script takes with the next finer mesh, by which a user would see
that it was. Run: ``python -m benchmarks.in_turn``. Medians, and the median of the ratios, so that a machine whose
speed drifts does no harm; what happens once in a process (imports, tables) is not counted.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

from benchmarks.one_measurement import rival, this_library

ROUNDS = 15
# Question, barrier, cells per unit of length that reach 1e-6, and those of the next finer mesh that confirms it
CASES = [("gap", 10.0, 6, 8), ("gap", 20.0, 12, 16), ("gap-turned", 10.0, 8, 12), ("gap-turned", 20.0, 12, 16)]


def seconds(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return time.perf_counter() - start


def main() -> None:
    """Print a line for each case."""
    for question, barrier, enough, finer in CASES:
        ours, theirs, to_know = [], [], []
        for _ in range(ROUNDS + 1):
            ours.append(seconds(partial(this_library, question, barrier, 1e-6)))
            theirs.append(seconds(partial(rival, "scikit_fem_p4", question, barrier, enough)))
            to_know.append(theirs[-1] + seconds(partial(rival, "scikit_fem_p4", question, barrier, finer)))
        # the first round is not counted
        ratio, ratio_to_know = (
            statistics.median(a / b for a, b in zip(ours[1:], other[1:], strict=True)) for other in (theirs, to_know)
        )
        print(
            f"{question}, barrier {barrier:.0f}: this library {statistics.median(ours[1:]):.3f} s, "
            f"careful P4 {statistics.median(theirs[1:]):.3f} s, to know {statistics.median(to_know[1:]):.3f} s; "
            f"ours over theirs {ratio:.2f}, over theirs to know {ratio_to_know:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
