"""Errors that name a target by the key under which it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fokker_planck.errors import ProblemError

TARGET = "exit.target"
"""What solvers call whatever absorbs, for every question."""


@contextmanager
def target_called(key: str) -> Iterator[None]:
    """What is wrong with a target is said of ``key``.

    >>> with target_called("evolve.absorb"):
    ...     raise ProblemError("exit.target", "nothing", "a set")
    Traceback (most recent call last):
    fokker_planck.errors.ProblemError: evolve.absorb: found nothing; wanted a set
    """
    try:
        yield
    except ProblemError as error:
        if error.key != TARGET:
            raise
        raise ProblemError(key, error.found, error.wanted) from None
