"""``fokker-planck sweep PROBLEM.toml --over KEY=VALUES ...``: arguments, the bar, the table."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fokker_planck.cli.arguments import OneLineParser
from fokker_planck.cli.ending import ANSWERED, COMMAND, NOT_CONVERGED, ended

if TYPE_CHECKING:
    from fokker_planck.cli.sweeps.run import Seen

BETWEEN_LINES = 5.0
"""Seconds from one line of progress to the next where it is no terminal."""
EXAMPLE = f"""example:
  {COMMAND} sweep double_well_1d.toml --over diffusion.epsilon=0.5:0.01:30log --question exit-time

values: LOW:HIGH:COUNT, LOW:HIGH:COUNTlog (equal ratios), or a list VALUE,VALUE,...; several --over are combined.
Every point is kept in FILE when it is known; the same command goes on where an earlier one ended or was killed."""


def sweep_command(arguments: Sequence[str]) -> int:
    """Run the command with its ``arguments``; the exit status."""
    options = sweep_parser().parse_args(arguments)
    return ended(lambda: _answer(options))


def _answer(options: argparse.Namespace) -> tuple[str, int]:
    from fokker_planck.cli.sweeps.axes import parsed_axis
    from fokker_planck.cli.sweeps.run import default_file, prepared, run
    from fokker_planck.output.serialize import json_text

    axes = tuple(parsed_axis(text) for text in options.over)
    asked = prepared(Path(options.problem), options.set, options.question or (), axes)
    file = Path(options.output) if options.output else default_file(asked.path)
    found = run(asked, file, options.jobs, options.retry, None if options.quiet else _bar)
    status = NOT_CONVERGED if len(found.failures) == len(found.points) else ANSWERED
    if options.json:
        points = [
            {"settings": p.settings, "answers": p.result, "failure": p.reason, "warnings": p.warnings}
            for p in found.points
        ]
        return json_text({"file": str(file), "axes": dict(found.axes), "points": points}) + "\n", status
    failed = f", {len(found.failures)} of them without an answer" if found.failures else ""
    return f"{found}\n\n{len(found.points)} points{failed}, kept in {file}\n", status


def sweep_parser() -> OneLineParser:
    """The arguments of the command."""
    parser = OneLineParser(
        prog=f"{COMMAND} sweep",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Answers of a problem file at many values of its keys.",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    parser.add_argument("problem", metavar="PROBLEM.toml", help="the problem file")
    over = "values of a key of the file (any number of times)"
    parser.add_argument("--over", metavar="KEY=VALUES", action="append", required=True, help=over)
    asked = "which to ask (any number of times); without it those with a table in the file"
    parser.add_argument("--question", metavar="QUESTION", action="append", help=asked)
    parser.add_argument(
        "--jobs", metavar="N", type=int, help="processes beside each other; as many as cores without it"
    )
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="replace an entry everywhere")
    where = "the table, an SQLite file; results/PROBLEM.sweep.sqlite without it"
    parser.add_argument("-o", "--output", metavar="FILE", help=where)
    parser.add_argument("--retry", action="store_true", help="try points again that failed before")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")
    return parser


@contextlib.contextmanager
def _bar(known: int, count: int) -> Iterator[Seen]:
    """A bar with the remaining time on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns: tuple[Any, ...] = (
            TextColumn("sweep"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("sweep", total=count, completed=known, failed="")

            def moved(done: int, failed: int) -> None:
                progress.update(task, completed=done, failed=f"{failed} failed" if failed else "")

            yield moved
        return
    began = last = time.monotonic()
    if known:
        print(f"{COMMAND}: sweep: {known} of {count} points are kept already", file=sys.stderr, flush=True)

    def said(done: int, failed: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < BETWEEN_LINES and done < count:
            return
        last = now
        left = (now - began) / (done - known) * (count - done)
        more = f", {failed} failed" if failed else ""
        more += f", about {_duration(left)} left" if done < count else ""
        print(f"{COMMAND}: sweep: {done} of {count}{more}", file=sys.stderr, flush=True)

    yield said


def _duration(seconds: float) -> str:
    """In the units that a reader waits in.

    >>> _duration(12.3), _duration(75.0), _duration(7300.0)
    ('12 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
