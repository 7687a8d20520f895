"""What an answer took, said with it."""

from __future__ import annotations

from contextlib import AbstractContextManager, ContextDecorator
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fokker_planck.fem.work import Tally
    from fokker_planck.solvers.results import Statistics


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

    def said_with[Answer: WithStatistics](self, answer: Answer) -> Answer:
        """The answer with all that has been done for it in its statistics."""
        found: Any = answer
        result: Answer = replace(found, statistics=replace(found.statistics, work=self._open[-1][1].work))
        return result


counting = Counting()
