"""What takes long, said on standard error while it runs: what the loggers of the package tell, shortened to a line.

Every step is logged at DEBUG, at INFO where it is known to take more than a second or two.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator

PACKAGE = logging.getLogger("fokker_planck")
BETWEEN_LINES = 0.5
"""Seconds from one line of progress to the next where it is no terminal: quick questions say one line."""


class _Heard(logging.Handler):
    """Hands every message of the package to ``hear``, with its level."""

    def __init__(self, hear: Callable[[str, int], None]) -> None:
        super().__init__(logging.DEBUG)
        self.hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on what one record says."""
        self.hear(record.getMessage(), record.levelno)


@contextlib.contextmanager
def _hearing(hear: Callable[[str, int], None]) -> Iterator[None]:
    """Within, ``hear`` is told all that the package logs.

    >>> heard = []
    >>> with _hearing(lambda doing, level: heard.append(doing)):
    ...     PACKAGE.debug("mesh 1")
    >>> PACKAGE.debug("nobody hears this")
    >>> heard
    ['mesh 1']
    """
    handler, before = _Heard(hear), PACKAGE.level
    PACKAGE.addHandler(handler)
    PACKAGE.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        PACKAGE.setLevel(before)
        PACKAGE.removeHandler(handler)


@contextlib.contextmanager
def progress_line(command: str, step: str, everything: bool = False) -> Iterator[None]:
    """Say on standard error what is being computed: a live line on a terminal, one plain line elsewhere.

    ``everything`` is a line for every step, with the seconds since the question was asked.
    """
    if everything:
        began = time.monotonic()
        print(f"{command}: {step}", file=sys.stderr, flush=True)
        with _hearing(lambda doing, _: _said(command, step, f"{time.monotonic() - began:8.3f} s  {doing}")):
            yield
        _said(command, step, f"{time.monotonic() - began:8.3f} s  done")
        return
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(f"{step} ...") as status:
            with _hearing(lambda doing, _: status.update(f"{step}: {doing} ...")):
                yield
        return
    print(f"{command}: {step}", file=sys.stderr, flush=True)
    last = time.monotonic()

    def line(doing: str, level: int) -> None:
        nonlocal last
        if level >= logging.INFO or time.monotonic() - last > BETWEEN_LINES:
            print(f"{command}: {step}: {doing}", file=sys.stderr, flush=True)
            last = time.monotonic()

    with _hearing(line):
        yield


def _said(command: str, step: str, what: str) -> None:
    print(f"{command}: {step}: {what}", file=sys.stderr, flush=True)
