"""Running a sweep: what is kept already, what is left, and each point kept when it is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from fokker_planck.cli.sweeps.axes import Axis, checked_axis, combined
from fokker_planck.cli.sweeps.result import Sweep, units_in
from fokker_planck.cli.sweeps.store import FORMAT, Point, Store, axes_json, key_of, opened
from fokker_planck.cli.sweeps.workers import in_workers
from fokker_planck.errors import ProblemError, UnknownKeyError
from fokker_planck.quantity.light_dataclasses import dataclass


class Seen(Protocol):
    """Who is told how far a sweep is."""

    def __call__(self, done: int, failed: int) -> None:
        """So many points are known, so many of them without an answer."""


@dataclass(frozen=True)
class Asked:
    """A sweep as it is asked for: the tables of the problem file, its path, the questions, the axes."""

    raw: Mapping[str, Any]
    path: Path
    questions: tuple[str, ...]
    axes: tuple[Axis, ...]


def sweep(
    problem: str | Path | Callable[..., object],
    over: Mapping[str, Sequence[object]],
    questions: str | Sequence[str] = (),
    file: str | Path | None = None,
    jobs: int | None = None,
    retry: bool = False,
) -> Sweep:
    """Answers at all combinations of values, each kept in ``file`` as soon as it is known.

    Parameters
    ----------
    problem
        a problem file, or a function of the values by their names that returns an answer
    over
        values by key of the file (or name of an argument)
    questions
        which to ask of a file; those with a table in it if not said
    file
        an SQLite file; one that holds a part of the sweep is gone on with, also after the process was killed
    jobs
        processes, for a problem file; as many as there are cores if not said
    retry
        whether points that failed before are tried again

    Returns
    -------
    Sweep
        The points with their answers.

    Raises
    ------
    ProblemError
        Where the file holds another sweep, or the problem file is wrong at all points alike.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> def gap(noise):
    ...     process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(noise))
    ...     return fp.spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), count=2)
    >>> [round(q.log, 5) for q in fp.sweep(gap, over={"noise": [0.05, 0.0005]}).quantities("spectrum.gap")]
    [-5.88669, -500.79891]
    """
    axes = tuple(checked_axis(key, values) for key, values in over.items())
    if callable(problem):
        return _by_function(problem, axes, file, jobs, retry)
    names = (questions,) if isinstance(questions, str) else tuple(questions)
    asked = prepared(Path(problem), (), names, axes)
    return run(asked, Path(file) if file is not None else default_file(asked.path), jobs, retry)


def default_file(path: Path) -> Path:
    """Beside the result folders of ``solve``."""
    return Path("results") / f"{path.stem}.sweep.sqlite"


def prepared(path: Path, overrides: Sequence[str], questions: Sequence[str], axes: Sequence[Axis]) -> Asked:
    """The sweep of a problem file; what is wrong at its first point for other reasons than the values is said here."""
    from fokker_planck.cli.problem_file import parameters_of, problem_file
    from fokker_planck.cli.toml import overridden, read_toml, replaced
    from fokker_planck.questions.registry import QUESTIONS, checked_question, entry

    raw = overridden(read_toml(path), overrides)
    first = combined(axes)[0]
    names = tuple(checked_question(name) for name in dict.fromkeys(questions))
    try:
        asked = problem_file(replaced(raw, first), path)
        if not names:
            tables = {name: entry(name).table for name in QUESTIONS if name in asked.questions}
            chosen = [name for name, table in tables.items() if table and table.in_solve(asked.questions[name])]
            names = tuple(chosen) or ("stationary",)
        for name in names:
            parameters_of(name, asked)
    except ProblemError as error:
        swept = any(error.key == key or error.key.startswith((f"{key}.", f"{key}[")) for key in first)
        if not swept or not names or (isinstance(error, UnknownKeyError) and not _known_elsewhere(error.key, first)):
            raise
    return Asked(raw, path, names, tuple(axes))


def _known_elsewhere(unknown: str, keys: Iterable[str]) -> bool:
    """Whether another swept key stands above or beside it, such as a kind whose other values have that key."""
    return any(key != unknown and unknown.startswith(f"{key.rpartition('.')[0]}.") for key in keys)


def run(asked: Asked, file: Path, jobs: int | None = None, retry: bool = False, bar: Any = None) -> Sweep:
    """Answer what is left of a sweep and keep it; ``bar`` makes a context that is told how far it is."""
    about = {"problem": dict(asked.raw), "questions": list(asked.questions)}
    with opened(file, writing=True) as store:
        left, points = _left(store, about, asked.axes, retry)
        setup = {"raw": dict(asked.raw), "path": str(asked.path.absolute()), "questions": asked.questions}
        counted = _checked_jobs(jobs)
        _kept(store, in_workers(setup, left, counted), len(points) - len(left), len(points), bar)
        return _result(store, asked.axes, points, str(asked.raw.get("title", "")))


def _by_function(
    ask: Callable[..., object], axes: tuple[Axis, ...], file: str | Path | None, jobs: int | None, retry: bool
) -> Sweep:
    if jobs not in (None, 1):
        raise ProblemError("jobs", jobs, "1 for a function, which other processes do not have")
    _check_arguments(ask, combined(axes)[0])
    about = {"problem": f"{ask.__module__}.{ask.__qualname__}", "questions": []}
    if file is None:
        points = [Point(settings, **_asked(ask, settings)) for settings in combined(axes)]
        return Sweep({axis.key: axis.values for axis in axes}, tuple(points))
    with opened(Path(file), writing=True) as store:
        left, points_asked = _left(store, about, axes, retry)
        answers = ((settings, _asked(ask, settings)) for settings in left)
        _kept(store, answers, len(points_asked) - len(left), len(points_asked), None)
        return _result(store, axes, points_asked, "")


def _check_arguments(ask: Callable[..., object], settings: Mapping[str, Any]) -> None:
    """A misspelt argument is said before the first point."""
    import inspect

    try:
        signature = inspect.signature(ask)
    except (TypeError, ValueError):  # built in: no signature is known
        return
    try:
        signature.bind(**settings)
    except TypeError as error:
        wanted = f"values of the arguments {', '.join(signature.parameters)}"
        raise ProblemError("over", f"{', '.join(settings)} ({error})", wanted) from None


def _asked(ask: Callable[..., object], settings: Mapping[str, Any]) -> dict[str, Any]:
    from fokker_planck.errors import FokkerPlanckError, one_line
    from fokker_planck.output.serialize import plain
    from fokker_planck.questions.registry import QUESTIONS, entry, entry_of

    try:
        answer = ask(**settings)
    except FokkerPlanckError as error:
        return {"result": None, "reason": one_line(str(error))}
    if isinstance(answer, Mapping):
        found = {str(key): value.as_dict() if hasattr(value, "as_dict") else value for key, value in answer.items()}
        return {"result": plain(found), "reason": None}
    if hasattr(answer, "as_dict"):
        return {"result": {"value": answer.as_dict()}, "reason": None}
    one = entry_of(answer)
    name = next(name for name in QUESTIONS if entry(name) is one)
    return {"result": {name: plain(one.json(answer))}, "reason": None}


def _left(
    store: Store, about: Mapping[str, Any], axes: Sequence[Axis], retry: bool
) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """The points that are not kept yet, and all; raises ProblemError where the file is of another sweep."""
    from fokker_planck import __version__

    points, before = combined(axes), store.about()
    wanted = {**about, "format": FORMAT, "version": __version__}
    for key, value in wanted.items():
        if before and before.get(key) != value:
            other = "other questions" if key == "questions" else f"another {key}"
            raise ProblemError(str(store.path), f"a sweep with {other}", "another file: -o FILE")
    if before and {key for key, _ in before["axes"]} != {axis.key for axis in axes}:
        raise ProblemError(str(store.path), "a sweep over other keys", "another file: -o FILE")
    store.describe({**wanted, "axes": axes_json(axes), "title": str(_title(about))})
    if retry:
        store.forget_failures()
    known = store.known()
    return [settings for settings in points if key_of(settings) not in known], points


def _title(about: Mapping[str, Any]) -> object:
    problem = about["problem"]
    return problem.get("title", "") if isinstance(problem, Mapping) else ""


def _kept(
    store: Store,
    answers: Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]],
    known: int,
    count: int,
    bar: Callable[[int, int], AbstractContextManager[Seen]] | None,
) -> None:
    failed = 0
    shown: AbstractContextManager[Seen] = nullcontext(_unseen) if bar is None else bar(known, count)
    with shown as see:
        for number, (settings, line) in enumerate(answers, start=1):
            store.keep(Point(settings, **line))
            failed += line["result"] is None
            see(known + number, failed)


def _unseen(done: int, failed: int) -> None:
    """Nobody watches."""


def _result(store: Store, axes: Sequence[Axis], points: Sequence[Mapping[str, Any]], title: str) -> Sweep:
    units = units_in(store.about().get("problem"))
    return Sweep({axis.key: axis.values for axis in axes}, tuple(store.points(points)), title, store.path, units)


def _checked_jobs(jobs: int | None) -> int:
    if jobs is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise ProblemError("jobs", jobs, "a whole number of processes, at least 1")
    return jobs
