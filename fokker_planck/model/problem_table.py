"""One table of a problem file, and readers that name the key where a value is of the wrong kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fokker_planck.errors import ProblemError, UnknownKeyError
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.model.arguments import described, finite_number
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One table of the file and the dotted key under which it stands there; paths in it begin at ``folder``."""

    key: str
    entries: Mapping[str, Any]
    folder: Path = Path()

    def path(self, name: str) -> str:
        """The dotted key of an entry."""
        return f"{self.key}.{name}" if self.key else name

    def only(self, known: Sequence[str], where: str = "") -> None:
        """Refuse the first key that is not known, with the nearest known one."""
        for name in self.entries:
            if name not in known:
                place = where or (f"in [{self.key}]" if self.key else "at the top of the file")
                found = f"an unknown key{did_you_mean(name, known)}"
                raise UnknownKeyError(self.path(name), found, f"{place} one of {', '.join(known)}")

    def required(self, name: str, wanted: str) -> Any:
        """The entry, whatever its type."""
        if name not in self.entries:
            raise ProblemError(self.path(name), "nothing", wanted)
        return self.entries[name]

    def text(self, name: str, wanted: str, default: str | None = None) -> str:
        """A string entry."""
        if name not in self.entries and default is not None:
            return default
        value = self.required(name, wanted)
        if not isinstance(value, str):
            raise ProblemError(self.path(name), described(value), wanted)
        return value

    def word(self, name: str, known: Sequence[str], default: str | None = None) -> str:
        """A string entry that is one of the known words."""
        wanted = f"one of {', '.join(known)}"
        value = self.text(name, wanted, default)
        if value not in known:
            raise ProblemError(self.path(name), f"{value!r}{did_you_mean(value, known)}", wanted)
        return value

    def table(self, name: str, wanted: str | None = None) -> Table:
        """A table entry; missing, it is empty, or an error where ``wanted`` says what it is for."""
        if name not in self.entries and wanted is None:
            return Table(self.path(name), {}, self.folder)
        value = self.required(name, wanted or "a table")
        if not isinstance(value, Mapping):
            raise ProblemError(self.path(name), described(value), wanted or "a table")
        return Table(self.path(name), value, self.folder)

    def numbers(self, name: str) -> dict[str, float]:
        """A table of finite numbers, as they stand (a whole number stays one); empty if missing."""
        table = self.table(name)
        for entry, value in table.entries.items():
            finite_number(table.path(entry), value)
        return dict(table.entries)


@contextmanager
def named_in_file(own: str, key: str) -> Iterator[None]:
    """Within, what errors call ``own`` or ``own.entry`` is called as it stands in the file: ``key``, ``key.entry``."""
    try:
        yield
    except ProblemError as error:
        if error.key != own and not error.key.startswith(f"{own}."):
            raise
        raise type(error)(key + error.key.removeprefix(own), error.found, error.wanted) from None
