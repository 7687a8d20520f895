"""What an interrupted run leaves for the next one: every finished step and finding, until a source changes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fokker_planck.errors import ProblemError
from validation.encoding import as_text, from_text


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder and have it alone; the lock ends with the process, however that ends.

    Raises ProblemError where the folder cannot be written, or another run is at work in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")
    except OSError as error:
        raise ProblemError("--report", str(folder), f"a folder that can be written ({error.strerror})") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            wanted = "another folder, or to wait for the run that is at work in this one"
            raise ProblemError("--report", str(folder), wanted) from error
        yield


def write(path: Path, text: str) -> None:
    """Write a file that is there as a whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def fingerprint(folders: Iterable[Path], versions: Mapping[str, str]) -> str:
    """A mark of all sources that a number depends on."""
    mark = hashlib.sha256(json.dumps(dict(versions), sort_keys=True).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            mark.update(f"{path.relative_to(folder)}\n".encode())
            mark.update(path.read_bytes())
    return mark.hexdigest()[:16]


def open_state(folder: Path, mode: str, mark: str) -> Path:
    """The folder for what is finished in this mode ("quick" or "full"); what other sources left there is removed."""
    here = folder / "state" / f"{mode}-{mark}"
    here.mkdir(parents=True, exist_ok=True)
    for left in here.parent.glob(f"{mode}-*"):
        if left != here:
            shutil.rmtree(left, ignore_errors=True)
    return here


def forget(state: Path, names: Iterable[str]) -> None:
    """Remove what these claims left: they are reported, so the next run measures anew."""
    for name in names:
        shutil.rmtree(state / name, ignore_errors=True)
    for empty in (state, state.parent):
        with contextlib.suppress(OSError):
            empty.rmdir()


@dataclass(frozen=True)
class Memory:
    """What is finished of one claim, a file a step.

    quick : as the claim asks it of its run
    told : is handed the name of each step that begins
    """

    folder: Path
    quick: bool
    told: Callable[[str], None] = lambda name: None
    seen: dict[str, float] = field(default_factory=dict)

    def step(self, name: str, compute: Callable[[], Any]) -> Any:
        """``compute()`` or what it returned before; the same, since both have been JSON."""
        if name in self.seen:
            raise ValueError(f"the step {name!r} came twice; a name must hold all that its value depends on")
        self.told(name)
        kept = self._kept(name)
        if kept is None:
            start = time.monotonic()
            value = compute()
            kept = {"name": name, "value": value, "seconds": time.monotonic() - start}
            text = as_text(kept)
            self.folder.mkdir(parents=True, exist_ok=True)
            write(self._path(name), text)
            kept = from_text(text) | {"seconds": 0.0}
        self.seen[name] = kept["seconds"]
        return kept["value"]

    @property
    def seconds_before(self) -> float:
        """What the steps took that an earlier run had finished."""
        return sum(self.seen.values())

    def finding(self) -> Any:
        """What :meth:`keep_finding` kept, None if nothing."""
        kept = self._kept("")
        return None if kept is None else kept["value"]

    def keep_finding(self, content: Any) -> None:
        """Keep all there is to say of this claim."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write(self._path(""), as_text({"name": "", "value": content}))

    def _path(self, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24] if name else 'finding'}.json"

    def _kept(self, name: str) -> dict[str, Any] | None:
        try:
            kept = from_text(self._path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none, or one that a crash of the machine left incomplete
            return None
        return kept if isinstance(kept, dict) and kept.get("name") == name else None
