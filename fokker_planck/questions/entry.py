"""What the program knows of a question: how a problem file asks it, who answers it, how its answer is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fokker_planck.quantity.light_dataclasses import dataclass, field

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table as TextTable

    from fokker_planck.fem.fields.field import Field
    from fokker_planck.model.problem import Problem
    from fokker_planck.model.problem_table import Table
    from fokker_planck.output.plots.picture import Picture


def _nothing(_: object) -> dict[str, Any]:
    return {}


def _no_prediction(_: object) -> list[dict[str, Any]]:
    return []


def _always(_: Problem) -> bool:
    return True


def _every(_: object) -> bool:
    return True


@dataclass(frozen=True)
class FileTable[Asked]:
    """The table of a problem file in which a question finds what it is asked with.

    Attributes
    ----------
    read
        checks the table and makes of it what ``Entry.ask`` takes
    keys
        that have to be there
    default
        what is asked where a file has no such table, None where it has to have one
    in_solve
        whether ``solve`` asks what has been read: two questions may share a table
    """

    read: Callable[[Problem, Table], Asked]
    keys: tuple[str, ...] = ()
    default: Asked | None = None
    in_solve: Callable[[Asked], bool] = _every


@dataclass(frozen=True)
class Entry[Asked, Answer]:
    """A question from the problem file to the screen and the result folder; one stands in the module of each question.

    Attributes
    ----------
    answer
        the type of its answers
    ask
        answers it for a problem, with what the file's ``table`` says (None for a question without a table)
    json
        what ``fokker-planck QUESTION --json`` prints
    tables
        what it prints without, given eps of isotropic noise, or None
    draw
        the answer alone on a pair of axes
    table
        of a problem file; a question without one is asked by every ``solve``
    applies
        whether it makes sense for a problem whose file does not ask it
    rows
        the objects that are the rows of its frame; None where ``json`` is the only row
    prediction
        the asymptotic value and its ratio beside each number, for the result folder
    further
        other objects of ``result.json``, by the key there
    fields
        functions for ParaView, by name
    checkpoint
        arrays by name, from which it can be gone on with
    resumed
        an answer that was read back, with those arrays
    picture
        of an answer, with the answers to ``beside`` (and None for those not asked) and a title
    kinds
        other pictures of it, by what they are called
    beside
        questions whose answers the picture shows too
    """

    answer: type[Answer]
    ask: Callable[[Problem, Asked], Answer]
    json: Callable[[Answer], dict[str, Any]]
    tables: Callable[[Answer, float | None], list[TextTable]]
    draw: Callable[[Axes, Answer], None]
    table: FileTable[Asked] | None = None
    applies: Callable[[Problem], bool] = _always
    rows: Callable[[Answer], list[dict[str, Any]]] | None = None
    prediction: Callable[[Answer], list[dict[str, Any]]] = _no_prediction
    further: Callable[[Answer], dict[str, Any]] = _nothing
    fields: Callable[[Answer], Mapping[str, Field]] = _nothing
    checkpoint: Callable[[Answer], Mapping[str, Any]] = _nothing
    resumed: Callable[[Answer, Mapping[str, Any]], Answer] | None = None
    picture: Callable[[Answer, Sequence[Any], str], Picture] | None = None
    kinds: Mapping[str, Callable[[Axes, Answer], None]] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
