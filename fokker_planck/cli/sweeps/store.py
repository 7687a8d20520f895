"""The table of a sweep in one SQLite file: a point is in it whole or not at all, whenever the power goes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fokker_planck.cli.sweeps.axes import Axis
from fokker_planck.errors import ProblemError
from fokker_planck.quantity.light_dataclasses import dataclass

FORMAT = 1
"""Of the tables in a file: one that another format was written in is another sweep."""
DONE, FAILED = "done", "failed"
WANTED = "a sweep of this program, or a file that does not exist yet"
TABLES = """
create table about (key text primary key, value text not null);
create table points (settings text primary key, state text not null, result text, reason text, warnings text not null,
    seconds real not null);
"""


@dataclass(frozen=True)
class Point:
    """One point of a sweep.

    Parameters
    ----------
    settings
        values by key
    result
        the JSON of every question by its name; None where the point failed, for the ``reason``
    """

    settings: Mapping[str, Any]
    result: Mapping[str, Any] | None
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0


def key_of(settings: Mapping[str, Any]) -> str:
    """What a point is known by: doubles are written to their last digit."""
    return json.dumps(dict(settings), sort_keys=True)


class Store:
    """A sweep file that is open; :func:`opened` makes it, and sees to it that only one run writes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection

    def about(self) -> dict[str, Any]:
        """What the sweep is of: ``format``, ``axes``, ``questions``, ``problem``, ``title``, ``version``."""
        return {key: json.loads(value) for key, value in self._connection.execute("select key, value from about")}

    def describe(self, about: Mapping[str, Any]) -> None:
        """Write what it is of."""
        with self._connection:
            rows = [(key, json.dumps(value)) for key, value in about.items()]
            self._connection.executemany("insert or replace into about values (?, ?)", rows)

    def known(self) -> set[str]:
        """The keys of all points that are kept."""
        return {key for (key,) in self._connection.execute("select settings from points")}

    def forget_failures(self) -> None:
        """Points that failed are to be tried again."""
        with self._connection:
            self._connection.execute("delete from points where state = ?", (FAILED,))

    def keep(self, point: Point) -> None:
        """Keep one point, to the disk, before the next is asked for."""
        state = FAILED if point.result is None else DONE
        result = None if point.result is None else json.dumps(point.result)
        row = (key_of(point.settings), state, result, point.reason, json.dumps(point.warnings), point.seconds)
        with self._connection:
            self._connection.execute("insert or ignore into points values (?, ?, ?, ?, ?, ?)", row)

    def points(self, order: Iterable[Mapping[str, Any]]) -> list[Point]:
        """Those of ``order`` that are kept, in it, and their settings as there: the file has the keys by name."""
        asked = "select settings, result, reason, warnings, seconds from points"
        kept = {
            key: (json.loads(result) if result else None, reason, tuple(json.loads(said)), seconds)
            for key, result, reason, said, seconds in self._connection.execute(asked)
        }
        return [Point(settings, *kept[key]) for settings in order if (key := key_of(settings)) in kept]


@contextlib.contextmanager
def opened(path: Path, writing: bool) -> Iterator[Store]:
    """The sweep in a file, made where there is none and it is to be written.

    Raises ProblemError where the file is something else, cannot be written, or another run writes it.
    """
    if not writing and not path.is_file():
        raise ProblemError(str(path), "no such file", "the file of a sweep")
    with contextlib.ExitStack() as open_until:
        try:
            if writing:
                path.parent.mkdir(parents=True, exist_ok=True)
                open_until.enter_context(_alone(path))
            name = path if writing else f"file:{path.resolve().as_posix().replace('?', '%3f')}?mode=ro"
            connection = open_until.enter_context(contextlib.closing(sqlite3.connect(name, uri=not writing)))
            tables = {row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")}
            if not tables and writing:
                connection.executescript(f"begin; {TABLES} commit;")
            elif tables != {"about", "points"}:
                raise ProblemError(str(path), "another database", WANTED)
        except (OSError, sqlite3.Error) as error:
            raise ProblemError(str(path), f"a file that cannot be used ({error})", WANTED) from None
        yield Store(path, connection)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of a file that stands beside it; a process that is killed lets it go."""
    import fcntl

    with path.with_name(f"{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProblemError(str(path), "a file that another run writes", "one run at a time") from None
        yield


def axes_json(axes: Sequence[Axis]) -> list[list[Any]]:
    """Axes as they are kept."""
    return [[axis.key, list(axis.values)] for axis in axes]
