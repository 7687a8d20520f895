"""How a command ends: exit status, and the one line on standard error."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable

from fokker_planck.output.standard_streams import write_answer

COMMAND = "fokker-planck"
ANSWERED, FAILED, BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: those of the documentation; 2 is argparse's for a wrong command line, 130 the shell's for Ctrl-C."""

BETWEEN_COLLECTIONS = 100_000
"""Objects made before cycles are looked for: imports make that many, and looking every 700 takes 15 ms of 0.5 s."""


def collect_seldom() -> None:
    """Collect less often in this process, and at its end not at all: the system takes back all memory at once.

    The last collection goes through everything that was imported, 60 ms of the 0.5 s that a question on a line takes.
    """
    gc.set_threshold(BETWEEN_COLLECTIONS)
    atexit.register(gc.freeze)


def status_of(error: Exception) -> int | None:
    """Exit status of an error that is answered in one line; None for a fault of the program itself."""
    from fokker_planck.errors import ConvergenceError, FokkerPlanckError, MissingPackageError, ProblemError

    if isinstance(error, ProblemError | MissingPackageError):
        return BAD_INPUT
    if isinstance(error, ConvergenceError):
        return NOT_CONVERGED
    return FAILED if isinstance(error, FokkerPlanckError) else None


def in_one_line(error: Exception) -> str:
    """What is said of it."""
    return f"{COMMAND}: {' '.join(str(error).split())}"


def ended(answer: Callable[[], tuple[str, int]]) -> int:
    """Print what ``answer`` returns beside the exit status, or what went wrong; for commands of one process."""
    try:
        text, status = answer()
        write_answer(text)
        return status
    except KeyboardInterrupt:
        print(f"{COMMAND}: interrupted", file=sys.stderr, flush=True)
        return INTERRUPTED
    except Exception as error:
        found = status_of(error)
        if found is None:
            raise
        print(in_one_line(error), file=sys.stderr, flush=True)
        return found
