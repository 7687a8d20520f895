"""``python -m validation.campaign --count 200 --seed 1``: exit status 0 if every bar held, 4 if not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from validation.campaign.random_problems import random_problem
from validation.campaign.runner import SECONDS, campaign, holds, summary
from validation.campaign.trial import HELD, NO_QUESTION, Trial


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign, say what is not held as it is found, and a summary."""
    parser = argparse.ArgumentParser(prog="campaign", description="random problems against quadrature and identities")
    parser.add_argument("--count", type=int, default=200, help="how many problems (200)")
    parser.add_argument("--seed", type=int, default=1, help="which campaign (1); from 1000 on about time")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    parser.add_argument("--only", type=int, nargs="*", help="the problems with these numbers alone")
    parser.add_argument("--dimension", type=int, choices=(1, 2, 3), help="those in so many dimensions alone")
    parser.add_argument("--first", type=int, default=0, help="the number of the first problem (0)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of CPU for a question ({SECONDS:g})")
    parser.add_argument("--folder", type=Path, default=Path("results") / "campaign")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is held, too")
    options = parser.parse_args(arguments)

    def report(trial: Trial) -> None:
        if trial.verdict not in (HELD, NO_QUESTION) or options.verbose:
            print(
                f"{trial.verdict:8} {trial.number:4} {trial.question:10} {trial.title} "
                f"[{trial.reference}] {trial.seconds:.1f} s {trial.detail}",
                flush=True,
            )

    numbers: Iterable[int] = options.only or range(options.first, options.first + options.count)
    if options.dimension:
        numbers = [n for n in numbers if random_problem(options.seed, n).dimension == options.dimension]
    trials = campaign(options.seed, list(numbers), options.folder.resolve(), options.jobs, report, options.seconds)
    print(summary(trials))
    return 0 if holds(trials) else 4


if __name__ == "__main__":
    sys.exit(main())
