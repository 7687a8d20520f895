"""Answers by name of question as text and as JSON, each by the entry of its question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fokker_planck.output.tables import printed
from fokker_planck.questions.registry import entry_of

if TYPE_CHECKING:
    from fokker_planck.solvers.results import Statistics


def answer_json(answer: object, name: str | None = None) -> dict[str, Any]:
    """The object that ``fokker-planck QUESTION --json`` prints for one answer."""
    return entry_of(answer, name).json(answer)


def render(
    answers: Mapping[str, object],
    title: str = "",
    noise: float | None = None,
    terminal: bool = False,
    reversible: bool | None = None,
) -> str:
    """Answers as tables; ``noise`` = eps of isotropic noise adds barriers over eps, ``terminal`` colour.

    ``reversible`` says whether the process is in detailed balance, None to leave it out.
    """
    sections = (
        (entry_of(answer, name).tables(answer, noise), statistics_of(answer)) for name, answer in answers.items()
    )
    return printed(sections, title, terminal, reversible)


def statistics_of(answer: object) -> Statistics | None:
    """What an answer cost; None for one that needed no mesh."""
    return getattr(answer, "statistics", None)
