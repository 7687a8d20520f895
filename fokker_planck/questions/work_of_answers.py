"""What an answer took, said with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fokker_planck.solvers.results import Statistics


class WithStatistics(Protocol):
    """An answer, a frozen dataclass, that says what it cost."""

    @property
    def statistics(self) -> Statistics:
        """What it cost."""


def with_work[**Asked, Answer: WithStatistics](ask: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Put what was assembled, factored and solved in answering a question into the statistics of the answer."""

    @wraps(ask)
    def counting(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        from fokker_planck.fem.work import counted

        with counted() as tally:
            found: Any = ask(*args, **kwargs)
        answer: Answer = replace(found, statistics=replace(found.statistics, work=tally.work))
        return answer

    return counting
