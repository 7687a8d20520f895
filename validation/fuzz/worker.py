"""The process in which nonsense is tried: it may be ended by what it tries, and ends with the one that watches it."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import random
import resource
import signal
import tempfile
import threading
import traceback
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

SECONDS = 10.0
MEMORY = 4 << 30
"""Bytes of address space for one trial: what asks for more would ask for all there is."""
_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class TooLongError(Exception):
    """Raised by the timer of a trial."""


def work(pipe: Connection, seed: int, first: int, only: str | None) -> None:
    """Try numbers ``first``, ``first + 1``, ... of a seed; each is announced and its outcome sent, until killed.

    Sent are ("begins", number, kind, "") and ("ends", number, kind, (CPU seconds, refused, finding, its place)).
    """
    leave_with_parent()
    from validation.fuzz.trials import KINDS, LAST, SHARES

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    kinds, shares = list(SHARES), list(SHARES.values())
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        for number in range(first, first + 10**9):
            rng = random.Random(f"{seed}-{number}")
            kind = only or rng.choices(kinds, shares)[0]
            with contextlib.suppress(FileNotFoundError):
                (folder / LAST).unlink()
            pipe.send(("begins", number, kind, ""))
            before = _used()
            refused, finding, place = _tried(KINDS[kind], rng, folder)
            if finding:
                with contextlib.suppress(OSError):
                    text = (folder / LAST).read_text(encoding="utf-8", errors="replace")[:400]
                    finding = f"{finding}\n    {text!r}"
            pipe.send(("ends", number, kind, (_used() - before, refused, finding, place)))


def _tried(trial: object, rng: random.Random, folder: Path) -> tuple[bool, str, str]:
    """Whether it was refused, what was found if anything, and where."""
    from fokker_planck.errors import FokkerPlanckError

    try:
        with limited(SECONDS):
            trial(rng, folder)  # type: ignore[operator]
    except FokkerPlanckError as error:
        if "\n" in str(error):
            return True, f"an error of several lines: {error!r}", repr(error)[:40]
        return True, "", ""
    except (Exception, TooLongError) as error:  # what is looked for
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        return False, f"{type(error).__name__}: {str(error)[:600]} {place}", place
    return False, "", ""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLongError after as much processor time; where no instruction of Python comes, the system ends it."""

    def ring(*_: object) -> None:
        raise TooLongError(f"longer than {seconds:g} s of CPU")

    before = signal.signal(signal.SIGVTALRM, ring)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    own = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(own + 3.0 * seconds) + 1, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def leave_with_parent() -> None:
    """End this process when the one that started it has ended, however that was ended.

    The system does it where it can (Linux), also while a library computes; a thread does it elsewhere.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DEATH_OF_PARENT, signal.SIGKILL)

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _used() -> float:
    """Processor seconds of this process and of those that it waited for."""
    return sum(os.times()[:4])
