"""Problem files: TOML read, checked key by key, and turned into a problem and the questions asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fokker_planck.cli.process_tables import process_of
from fokker_planck.cli.schedule_table import schedule_of
from fokker_planck.cli.schema import DOMAINS, SHAPES, TOP
from fokker_planck.cli.toml import overridden, read_toml
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.parsing.names import PHASE_SPACE, renamed
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.domain import Domain
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.problem_table import Table, named_in_file
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region, Set
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.quantity.units import Units
from fokker_planck.questions.registry import QUESTIONS, entry

"""What formulas of underdamped problems call the second coordinate, and what it is called here."""


@dataclass(frozen=True)
class ProblemFile:
    """A problem file: the problem, its tables as read, its path.

    Parameters
    ----------
    questions
        by name, what each question that has a table there is asked with
    """

    problem: Problem
    questions: Mapping[str, Any]
    raw: dict[str, Any]
    path: Path


def load_problem(path: str | Path, overrides: Sequence[str] = ()) -> Problem:
    """The problem in a file; see :func:`load_problem_file`.

    Parameters
    ----------
    path
        of the file
    overrides
        "key.path=value", applied before anything is checked

    Returns
    -------
    Problem
        The problem, without its questions.
    """
    return load_problem_file(path, overrides).problem


def load_problem_file(path: str | Path, overrides: Sequence[str] = ()) -> ProblemFile:
    """Read a problem file, check every key, and make the problem and its questions.

    Parameters: ``path`` of the file; ``overrides`` "key.path=value", applied before anything is checked, where value is
    TOML or, failing that, a bare text. The file of a mesh is looked for beside the problem file.

    Raises :class:`ProblemError`, which names the key, what it holds and what is wanted. A file can run no code:
    expressions are parsed into a tree of known functions.

    >>> file = load_problem_file("examples/double_well_2d.toml", ["diffusion.epsilon=0.1"])
    >>> file.problem.process.diffusion, file.questions["exit-time"].target
    (Isotropic(epsilon=0.1), 'right')
    """
    path = Path(path)
    raw = overridden(read_toml(path), overrides)
    return problem_file(raw, path)


def problem_file(raw: Mapping[str, Any], path: Path) -> ProblemFile:
    """The problem and its questions from the tables of a file at ``path``."""
    top = Table("", raw, path.parent)
    top.only(TOP)
    title = top.text("title", "a text", "")
    process = process_of(top, path.parent)
    domain = _domain(top.table("domain", f"a table [domain] with kind, one of {', '.join(DOMAINS)}"), path.parent)
    resolution = _resolution(top.table("discretization"))
    coordinates = PHASE_SPACE if isinstance(process, Underdamped) and not process.planar else {}
    sets = {name: _set(top.table("sets"), name, coordinates) for name in top.table("sets").entries}
    try:
        problem = Problem(process, domain, resolution, sets, title, schedule_of(top), _units(top))
    except ProblemError as error:
        if error.key == "potential.expression" and "name" in raw.get("potential", {}):
            raise ProblemError("potential.name", error.found, error.wanted) from None  # the file has no expression
        raise
    return ProblemFile(
        problem=problem,
        questions=_questions(problem, top),
        raw=dict(raw),
        path=path,
    )


def _units(top: Table) -> Units:
    table = top.table("units")
    table.only(("length", "time", "energy", "names"))
    return Units(**table.entries)


def _domain(table: Table, folder: Path) -> Domain:
    kind = table.word("kind", tuple(DOMAINS))
    keys = DOMAINS[kind]
    table.only(("kind", *keys), f"for kind {kind}")
    if kind == "box":
        lower, upper = (table.required(name, "a list of numbers, one for each axis") for name in ("lower", "upper"))
        return Box(lower, upper, table.entries.get("boundary", "reflecting"))
    if kind == "ball":
        center = table.required("center", "a list of numbers, one for each axis")
        with named_in_file("ball", table.key):
            return Ball(center, table.required("radius", "a number > 0"))
    if kind == "mesh":
        return MeshFile(folder / table.text("file", "the path of a mesh file"))
    level = table.required("level", "a number, the highest V in the domain")
    return Sublevel(level, table.entries.get("lower"), table.entries.get("upper"))


def _resolution(table: Table) -> Resolution:
    table.only(("tolerance", "degree", "cells"))
    return Resolution(**table.entries)


def _set(sets: Table, name: str, coordinates: Mapping[str, str]) -> Set:
    wanted = f"a table with one of {', '.join(SHAPES)}"
    table = sets.table(name, wanted)
    table.only(tuple(SHAPES), "in a set")
    if len(table.entries) != 1:
        found = f"{len(table.entries)} shapes ({', '.join(table.entries)})" if table.entries else "an empty table"
        raise ProblemError(table.key, found, f"exactly one of {', '.join(SHAPES)}")
    (shape,) = table.entries
    if shape == "region":
        key = table.path("region")
        with named_in_file("region", key):
            written = table.text("region", "an expression such as 'x - 0.8'")
            return Region(renamed(written, coordinates, key)).called(key)
    inner = table.table(shape, f"a table with {' and '.join(SHAPES[shape])}")
    inner.only(SHAPES[shape], f"in a {shape}")
    first, second = (inner.required(entry, f"{entry} of the {shape}") for entry in SHAPES[shape])
    with named_in_file(shape, inner.key):
        if shape == "ball":
            return Ball(first, second)
        return Ellipsoid(first, second) if shape == "ellipsoid" else HalfSpace(first, second)


def _questions(problem: Problem, top: Table) -> dict[str, Any]:
    """What each question with a table in the file is asked with."""
    found = {}
    for name, listed in QUESTIONS.items():
        table = entry(name).table if listed.table in top.entries else None
        if table is not None and listed.table is not None:
            found[name] = table.read(problem, top.table(listed.table))
    return found


def parameters_of(question: str, asked: ProblemFile) -> Any:
    """What the file asks a question with; raises ProblemError where it should and does not."""
    if question in asked.questions:
        return asked.questions[question]
    name, table = QUESTIONS[question].table, entry(question).table
    if name is None or table is None:
        return None
    if table.default is None:
        raise ProblemError(name, "no such table", f"a table [{name}] with {' and '.join(table.keys)}")
    return table.default
