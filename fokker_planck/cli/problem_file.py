"""Problem files: TOML read, checked key by key, and turned into a problem and the questions asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fokker_planck.cli.process_tables import process_of
from fokker_planck.cli.schema import DOMAINS, SHAPES, TOP, Table, refuse_unsolved
from fokker_planck.cli.toml import overridden, read_toml
from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import whole_number
from fokker_planck.model.domain import Box, Domain, MeshFile, Sublevel
from fokker_planck.model.problem import MOST_EIGENVALUES, Problem, Resolution, checked_exit, checked_set, checked_target
from fokker_planck.model.sets import Ball, Ellipsoid, HalfSpace, Region, Set


@dataclass(frozen=True)
class SpectrumQuestion:
    """How many eigenvalues, the zero among them; or of the process that is absorbed at the ``target``."""

    count: int = 4
    target: str | None = None


@dataclass(frozen=True)
class ExitQuestion:
    """Mean time from ``start`` to the set named ``target``, or to the "boundary"."""

    start: tuple[float, ...]
    target: str


@dataclass(frozen=True)
class CommittorQuestion:
    """Probability to reach the set named ``to_set`` before the one named ``from_set``."""

    from_set: str
    to_set: str


@dataclass(frozen=True)
class ProblemFile:
    """A problem file: the problem, the questions it asks (None where it does not), its tables as read, its path."""

    problem: Problem
    spectrum: SpectrumQuestion | None
    exit: ExitQuestion | None
    committor: CommittorQuestion | None
    raw: dict[str, Any]
    path: Path


def load_problem(path: str | Path, overrides: Sequence[str] = ()) -> Problem:
    """The problem in a file; see :func:`load_problem_file`."""
    return load_problem_file(path, overrides).problem


def load_problem_file(path: str | Path, overrides: Sequence[str] = ()) -> ProblemFile:
    """Read a problem file, check every key, and make the problem and its questions.

    Parameters: ``path`` of the file; ``overrides`` "key.path=value", applied before anything is checked, where value is
    TOML or, failing that, a bare text. The file of a mesh is looked for beside the problem file.

    Raises :class:`ProblemError`, which names the key, what it holds and what is wanted. A file can run no code:
    expressions are parsed into a tree of known functions.

    >>> file = load_problem_file("examples/double_well_2d.toml", ["diffusion.epsilon=0.1"])
    >>> file.problem.process.diffusion, file.exit.target
    (Isotropic(epsilon=0.1), 'right')
    """
    path = Path(path)
    raw = overridden(read_toml(path), overrides)
    return problem_file(raw, path)


def problem_file(raw: Mapping[str, Any], path: Path) -> ProblemFile:
    """The problem and its questions from the tables of a file at ``path``."""
    top = Table("", raw)
    top.only(TOP)
    refuse_unsolved(top)
    title = top.text("title", "a text", "")
    process = process_of(top)
    domain = _domain(top.table("domain", f"a table [domain] with kind, one of {', '.join(DOMAINS)}"), path.parent)
    resolution = _resolution(top.table("discretization"))
    sets = {name: _set(top.table("sets"), name) for name in top.table("sets").entries}
    try:
        problem = Problem(process, domain, resolution, sets, title)
    except ProblemError as error:
        if error.key == "potential.expression" and "name" in raw.get("potential", {}):
            raise ProblemError("potential.name", error.found, error.wanted) from None  # the file has no expression
        raise
    return ProblemFile(
        problem=problem,
        spectrum=_spectrum(problem, top.table("spectrum")) if "spectrum" in raw else None,
        exit=_exit(problem, top.table("exit")) if "exit" in raw else None,
        committor=_committor(problem, top.table("committor")) if "committor" in raw else None,
        raw=dict(raw),
        path=path,
    )


def _domain(table: Table, folder: Path) -> Domain:
    kind = table.word("kind", tuple(DOMAINS))
    keys = DOMAINS[kind]
    table.only(("kind", *keys), f"for kind {kind}")
    if kind == "box":
        lower, upper = (table.required(name, "a list of numbers, one for each axis") for name in ("lower", "upper"))
        return Box(lower, upper, table.entries.get("boundary", "reflecting"))
    if kind == "ball":
        center = table.required("center", "a list of numbers, one for each axis")
        return Ball(center, table.required("radius", "a number > 0"), key="domain")
    if kind == "mesh":
        return MeshFile(folder / table.text("file", "the path of a mesh file"))
    level = table.required("level", "a number, the highest V in the domain")
    return Sublevel(level, table.entries.get("lower"), table.entries.get("upper"))


def _resolution(table: Table) -> Resolution:
    table.only(("tolerance", "degree", "cells"))
    return Resolution(**table.entries)


def _set(sets: Table, name: str) -> Set:
    wanted = f"a table with one of {', '.join(SHAPES)}"
    table = sets.table(name, wanted)
    table.only(tuple(SHAPES), "in a set")
    if len(table.entries) != 1:
        found = f"{len(table.entries)} shapes ({', '.join(table.entries)})" if table.entries else "an empty table"
        raise ProblemError(table.key, found, f"exactly one of {', '.join(SHAPES)}")
    (shape,) = table.entries
    if shape == "region":
        return Region(table.text("region", "an expression such as 'x - 0.8'"), key=table.path("region"))
    inner = table.table(shape, f"a table with {' and '.join(SHAPES[shape])}")
    inner.only(SHAPES[shape], f"in a {shape}")
    first, second = (inner.required(entry, f"{entry} of the {shape}") for entry in SHAPES[shape])
    if shape == "ball":
        return Ball(first, second, key=inner.key)
    if shape == "ellipsoid":
        return Ellipsoid(first, second, key=inner.key)
    return HalfSpace(first, second, key=inner.key)


def _spectrum(problem: Problem, table: Table) -> SpectrumQuestion:
    table.only(("count", "target"))
    target = None
    if "target" in table.entries:
        target = table.text("target", "the name of a set, or boundary")
        checked_target(problem, target, "spectrum.target")
    least = 2 if target is None else 1
    count = whole_number("spectrum.count", table.entries.get("count", 4), least, MOST_EIGENVALUES[problem.dimension])
    return SpectrumQuestion(count, target)


def _exit(problem: Problem, table: Table) -> ExitQuestion:
    table.only(("start", "target"))
    start = table.required("start", "the point from which the process starts")
    target = table.text("target", "the name of a set, or boundary")
    place, _ = checked_exit(problem, start, target)
    return ExitQuestion(place, target)


def _committor(problem: Problem, table: Table) -> CommittorQuestion:
    table.only(("from", "to"))
    names = [table.text(name, "the name of a set") for name in ("from", "to")]
    first, second = (checked_set(problem, table.entries[key], table.path(key)) for key in ("from", "to"))
    x = problem.sample()
    if names[0] == names[1] or (first.contains(x) & second.contains(x)).any():
        raise ProblemError("committor.to", names[1], f"a set that has no point in common with {names[0]}")
    return CommittorQuestion(*names)
