"""What an answer took, and where it misses the tolerance, said with it."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, ContextDecorator
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from fokker_planck.questions.keeping.missed_tolerance import missed
from fokker_planck.questions.registry import entry_of

if TYPE_CHECKING:
    from fokker_planck.fem.work import Tally
    from fokker_planck.model.problem import Problem
    from fokker_planck.solvers.results.steady import Statistics


class WithStatistics(Protocol):
    """An answer, a frozen dataclass, that says what it cost."""

    @property
    def statistics(self) -> Statistics:
        """What it cost."""


class Counting(ContextDecorator):
    """Counts what is assembled, factored and solved while the decorated function answers a question.

    A context that decorates, not a function around another one: nobody who follows a number passes through here.
    """

    def __init__(self) -> None:
        self._open: list[tuple[AbstractContextManager[Tally], Tally]] = []

    def __enter__(self) -> None:
        """Open a tally."""
        from fokker_planck.fem.work import counted

        context = counted()
        self._open.append((context, context.__enter__()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._open.pop()[0].__exit__(kind, error, trace)

    def said_with[Answer: WithStatistics](self, answer: Answer, problem: Problem) -> Answer:
        """The answer with all that has been done for it in its statistics.

        Warns where one of its error bars is beyond the tolerance of the ``problem``; to a mesh that is prescribed
        it says nothing.
        """
        found: Any = answer
        line = None
        if problem.resolution.cells is None:
            line = missed(entry_of(answer).json(answer), problem.resolution.tolerance)
        if line is not None:
            warnings.warn(line, stacklevel=5)  # whoever asked, above the contexts that decorate a question
        work = self._open[-1][1].work
        statistics = replace(found.statistics, work=work, missed=line, units=problem.units)
        result: Answer = replace(found, statistics=statistics)
        return result


counting = Counting()
