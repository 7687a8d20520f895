"""What answers cost in assemblies, factorisations and solves: told where they happen, counted by whoever answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """Counts of what takes the time of an answer.

    Parameters
    ----------
    assemblies
        of a generator on a mesh, energy and mass together
    factorisations
        of sparse matrices, or set-ups of the preconditioner that stands for one
    solves
        of linear systems with these, without those inside an eigenvalue solver
    iterations
        of conjugate gradients in these, none where all were solved directly
    unknowns
        of the largest mesh, those of a higher degree that verifies an answer included
    """

    assemblies: int = 0
    factorisations: int = 0
    solves: int = 0
    iterations: int = 0
    unknowns: int = 0

    def __add__(self, other: Work) -> Work:
        """Both together.

        >>> Work(assemblies=2, unknowns=50) + Work(assemblies=1, solves=4, unknowns=80)
        Work(assemblies=3, factorisations=0, solves=4, iterations=0, unknowns=80)
        """
        return Work(
            self.assemblies + other.assemblies,
            self.factorisations + other.factorisations,
            self.solves + other.solves,
            self.iterations + other.iterations,
            max(self.unknowns, other.unknowns),
        )


@dataclass
class Tally:
    """The work done so far since it was opened."""

    work: Work = Work()


_open: list[Tally] = []


def done(
    *, assemblies: int = 0, factorisations: int = 0, solves: int = 0, iterations: int = 0, unknowns: int = 0
) -> None:
    """Tell all open tallies what has been done."""
    for tally in _open:
        tally.work += Work(assemblies, factorisations, solves, iterations, unknowns)


@contextlib.contextmanager
def counted() -> Iterator[Tally]:
    """Count what is done within, also where tallies lie within each other.

    >>> with counted() as outer:
    ...     done(assemblies=1, unknowns=10)
    ...     with counted() as inner:
    ...         done(solves=2)
    >>> (outer.work.assemblies, outer.work.solves), (inner.work.assemblies, inner.work.solves)
    ((1, 2), (0, 2))
    """
    tally = Tally()
    _open.append(tally)
    try:
        yield tally
    finally:
        del _open[next(k for k, other in enumerate(_open) if other is tally)]  # two that are equal are not the same
