"""Standard output that is closed, full, a broken pipe or ASCII only, and warnings as one line each."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from fokker_planck.errors import FokkerPlanckError, one_line

# What the tables are drawn with, where a terminal knows ASCII alone.
ASCII = str.maketrans({"─": "-", "━": "-", "│": "|", "╶": "-", "╴": "-", "²": "^2", "…": "...", "±": "+-"})


class OutputError(FokkerPlanckError):
    """The answer could not be written to standard output."""


def fill_closed_streams() -> None:
    """Open the null device in place of closed standard streams.

    Else the next file that is opened takes the number of the closed one, and what a library prints goes into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")


@contextlib.contextmanager
def errors_may_be_lost() -> Iterator[None]:
    """What standard error did not take is given up at the end: Python 3.13 would try again and exit with status 120."""
    try:
        yield
    finally:
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def write_answer(text: str) -> None:
    """Write the answer to standard output, in its encoding; a reader that has gone is no error.

    Raises :class:`OutputError` where it is closed or full: an answer that nobody could read is not answered.
    """
    stream = sys.stdout
    if stream is None:
        raise OutputError("standard output is closed: the answer cannot be shown; -o DIR writes it to a folder")
    try:
        stream.write(_encodable(text, stream))
        stream.flush()
    except BrokenPipeError:
        _abandon()
    except OSError as error:
        _abandon()
        raise OutputError(f"standard output cannot be written ({error.strerror})") from None


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return text.translate(ASCII).encode("ascii", "replace").decode("ascii")
    return text


def _abandon() -> None:
    """Nothing more is written, not even when Python empties its buffers at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def warn_in_one_line(command: str, speaks: bool) -> None:
    """Show warnings as lines of the command's own, on one rank; floating-point noise of libraries is none."""

    def show(message: Any, *rest: Any, **further: Any) -> None:
        if speaks and sys.stderr is not None:
            print(f"{command}: warning: {one_line(str(message))}", file=sys.stderr, flush=True)

    warnings.showwarning = show
    for category in (RuntimeWarning, DeprecationWarning, PendingDeprecationWarning, FutureWarning):
        warnings.filterwarnings("ignore", category=category)
