"""Answers in a result folder: JSON with their provenance, fields for ParaView, a picture of each.

A folder holds ``result.json``, ``stationary.vtu``, ``spectrum.vtu``, ``exit-time.vtu``, ``committor.vtu`` for the
questions that were asked, ``density.png``, and ``QUESTION.png`` for the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described
from fokker_planck.output.folder import Contents, grid_of, polynomials_of, provenance, write_folder
from fokker_planck.output.parallel import World, world
from fokker_planck.output.plots.labels import in_units
from fokker_planck.output.records import record
from fokker_planck.output.saved_field import POLYNOMIALS
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.quantity.units import NONE, Units
from fokker_planck.questions.keeping.report import answer_figure, statistics_of
from fokker_planck.questions.registry import entry_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fokker_planck.output.plots.picture import Picture
    from fokker_planck.questions.entry import Entry


def save(
    folder: str | Path,
    answers: Mapping[str, object],
    *,
    title: str = "",
    problem: Mapping[str, object] | None = None,
    units: Units | None = None,
) -> tuple[str, ...]:
    """Write answers by name of question into ``folder``; the names of the files written.

    ``problem`` is echoed into the JSON. A folder that exists keeps its other files, while those of an earlier result
    are replaced. Under MPI every rank calls this, rank 0 writes.

    Parameters
    ----------
    folder
        made if it is not there
    answers
        by name of question
    title
        of the problem
    problem
        its file as a table, echoed into the JSON
    units
        for the labels of the pictures

    Returns
    -------
    tuple[str, ...]
        The names of the files.

    Raises
    ------
    ProblemError
        (key ``-o``) where the folder cannot be written.
    """
    return saved(world(), Folder(folder, title, problem or {}, units or NONE), answers)


@dataclass(frozen=True)
class Folder:
    """Where results go, and what is said of the problem there: its title, its file as read, its units."""

    path: str | Path
    title: str = ""
    problem: Mapping[str, object] = field(default_factory=dict)
    units: Units = NONE


def saved(ranks: World, folder: Folder, answers: Mapping[str, object]) -> tuple[str, ...]:
    """The same, on ranks that a command has already looked up."""
    if not isinstance(answers, Mapping) or not answers:
        raise ProblemError("answers", described(answers), 'answers by name of question, as in {"rates": answer}')
    entries = {name: entry_of(answer, name) for name, answer in answers.items()}
    fields = {name: each.fields(answers[name]) for name, each in entries.items()}
    grids = {f"{name}.vtu": grid_of(named) for name, named in fields.items()}
    costs = {name: cost for name, answer in answers.items() if (cost := statistics_of(answer)) is not None}
    result: dict[str, Any] = {
        "title": folder.title,
        "units": asdict(folder.units),
        "answers": {name: each.json(answers[name]) for name, each in entries.items()},
        "eyring_kramers": {name: each.prediction(answers[name]) for name, each in entries.items()},
        **_further(entries, answers),
        "provenance": provenance(costs, folder.problem, ranks.size),
        "records": {name: record(answer, fields[name]) for name, answer in answers.items()},
    }
    there = {name: grid for name, grid in grids.items() if grid is not None}
    kept: dict[str, Mapping[str, Any]]
    kept = {f"{name}{POLYNOMIALS}": arrays for name, named in fields.items() if (arrays := polynomials_of(named))}
    kept |= {
        f"{name}.npz": resumable for name, each in entries.items() if (resumable := each.checkpoint(answers[name]))
    }
    with in_units(folder.units):
        picture, figures = _picture(entries, answers, folder.title), _figures(entries, answers, folder.title)
        return write_folder(folder.path, Contents(result, there, picture, figures, kept), ranks)


def _figures(entries: Mapping[str, Entry[Any, Any]], answers: Mapping[str, object], title: str) -> dict[str, Figure]:
    """A picture of every answer but those of which :func:`_picture` makes one, as far as there is something to draw."""
    found = {}
    for name, each in entries.items():
        if each.picture is None:
            with contextlib.suppress(ProblemError):
                found[f"{name}.png"] = answer_figure(answers[name], title)
    return found


def _further(entries: Mapping[str, Entry[Any, Any]], answers: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    """What some questions add to the result, by the key there and the name of the question."""
    found: dict[str, dict[str, Any]] = {}
    for name, each in entries.items():
        for key, value in each.further(answers[name]).items():
            found.setdefault(key, {})[name] = value
    return found


def _picture(entries: Mapping[str, Entry[Any, Any]], answers: Mapping[str, object], title: str) -> Picture | None:
    """That of the first answer which has one."""
    for name, each in entries.items():
        if each.picture is not None:
            return each.picture(answers[name], [answers.get(other) for other in each.beside], title)
    return None
