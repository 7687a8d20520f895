"""What standard error shows of a run: a live bar on a terminal, a line a claim elsewhere, or nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from validation.outcome import Outcome

COMMAND = "fokker-planck"


class Progress(Protocol):
    """Is told of everything that begins and ends."""

    def __enter__(self) -> Self:
        """The run begins."""

    def __exit__(self, *error: object) -> None:
        """The run is over, or interrupted."""

    def begins(self, name: str) -> None:
        """A claim begins."""

    def step(self, name: str, step: str) -> None:
        """A step of a claim begins."""

    def ended(self, outcome: Outcome, done: int, count: int) -> None:
        """A claim has ended: the one of this number, of so many."""


def progress(count: int, quiet: bool) -> Progress:
    """The one that fits to standard error."""
    if quiet:
        return Silent()
    return Bar(count) if sys.stderr.isatty() else Lines()


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begins(self, name: str) -> None:
        pass

    def step(self, name: str, step: str) -> None:
        pass

    def ended(self, outcome: Outcome, done: int, count: int) -> None:
        pass


class Lines(Silent):
    """A line a claim."""

    def ended(self, outcome: Outcome, done: int, count: int) -> None:
        print(f"{COMMAND}: {done}/{count} {line(outcome)}", file=sys.stderr, flush=True)


class Bar(Silent):
    """A bar of all claims, and a line for each that is being computed; a claim that fails is said at once."""

    def __init__(self, count: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Rich

        self._rich = Rich(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[so_far]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._all = self._rich.add_task("claims", total=count, so_far=f"0/{count}")
        self._lines: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._rich.stop()

    def begins(self, name: str) -> None:
        self._lines[name] = self._rich.add_task(name, total=None, so_far="")

    def step(self, name: str, step: str) -> None:
        self._rich.update(self._lines[name], description=f"{name}: {step}"[:70])

    def ended(self, outcome: Outcome, done: int, count: int) -> None:
        if outcome.claim.name in self._lines:
            self._rich.remove_task(self._lines.pop(outcome.claim.name))
        self._rich.update(self._all, completed=done, so_far=f"{done}/{count}")
        if not outcome.holds:
            self._rich.console.print(f"{COMMAND}: {line(outcome)}", markup=False, highlight=False)


def line(outcome: Outcome) -> str:
    """Name, verdict, time; for a claim that fails the reason."""
    from validation.numbers import comparison

    text = f"{outcome.claim.name} {'holds' if outcome.holds else 'FAILS'}, {outcome.seconds:.1f} s"
    if outcome.error:
        return f"{text}: {outcome.error}"
    if not outcome.holds and outcome.worst is not None:
        return f"{text}: {outcome.worst.what}: {comparison(outcome.worst)}"
    return text
