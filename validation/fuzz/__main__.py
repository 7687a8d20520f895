"""``python -m validation.fuzz --minutes 60 --seed 1``: nothing but the library's own errors, and soon.

Minutes are those of a processor.  Exit status 4 where anything else was raised, a process died of what it tried, or a
refusal took longer than ``SECONDS`` of CPU.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import sys
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from validation.fuzz.patience import Patience
from validation.fuzz.trials import KINDS
from validation.fuzz.worker import SECONDS, work

PATIENCE = 120.0
"""Processor seconds without a word after which a trial has no end: twice what the command may take."""


@dataclass
class Tally:
    """What was tried: numbers and processor seconds by kind, refusals, findings by their place."""

    tried: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    findings: dict[str, str] = field(default_factory=dict)

    def found(self, kind: str, number: int, what: str, place: str) -> None:
        """Enter a finding; one of each place is printed."""
        if place not in self.findings:
            self.findings[place] = what
            print(f"{kind} {number}: {what}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Try until the time is over, or an interrupt comes; every finding is printed with the number that repeats it."""
    parser = argparse.ArgumentParser(prog="fuzz", description="nonsense is refused, in one line and soon")
    parser.add_argument("--minutes", type=float, default=1.0, help="of processor time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[*KINDS])
    parser.add_argument("--first", type=int, default=1, help="the number of the first trial, to repeat one")
    options = parser.parse_args(arguments)
    tally, number = Tally(), options.first
    with contextlib.suppress(KeyboardInterrupt):
        while sum(tally.seconds.values()) < 60.0 * options.minutes:
            number = _with_one_worker(options, number, tally)
    kinds = ", ".join(f"{kind} {tally.tried[kind]} in {tally.seconds[kind] / 60.0:.2f} min" for kind in tally.tried)
    tried = sum(tally.tried.values())
    print(f"{tried} tried, {tally.refused} refused, {len(tally.findings)} found (seed {options.seed}): {kinds}")
    return 4 if tally.findings else 0


def _with_one_worker(options: argparse.Namespace, number: int, tally: Tally) -> int:
    """Listen to one process until the time is over or it has died of a trial; the number to go on with."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, options.seed, number, options.only), daemon=True)
    process.start()
    theirs.close()
    kind, at = "none", number
    try:
        while sum(tally.seconds.values()) < 60.0 * options.minutes:
            said = _heard(ours, process)
            if isinstance(said, str):
                tally.found(kind, at, said, f"{kind} {said}")
                tally.tried[kind] += 1
                tally.seconds[kind] += 3.0 * SECONDS
                return at + 1
            what, at, kind, outcome = said
            if what == "ends":
                used, refused, finding, place = outcome
                tally.tried[kind] += 1
                tally.seconds[kind] += used
                tally.refused += refused
                if finding:
                    tally.found(kind, at, finding, place)
    finally:
        process.kill()
        process.join()
    return at + 1


def _heard(pipe: Connection, process: BaseProcess) -> tuple[str, int, str, tuple[float, bool, str, str]] | str:
    """The next message, or what there is to say of a process that sends none."""
    patience: Patience | None = None  # asking the system took twice as long as what is tried
    try:
        while not pipe.poll(1.0):
            patience = patience or Patience(process.pid or 0, PATIENCE)
            if why := patience.over():
                return why
        message: tuple[str, int, str, tuple[float, bool, str, str]] = pipe.recv()
    except EOFError:
        process.join(5.0)
        return f"the process ended with exit code {process.exitcode}"
    return message


if __name__ == "__main__":
    sys.exit(main())
