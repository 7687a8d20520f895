"""The command ``fokker-planck validate``: run claims, write the report, say which hold.

Exit status: 0 all hold; 4 a claim fails; 2 bad input; 1 a package is missing; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from fokker_planck.errors import FokkerPlanckError, MissingPackageError, ProblemError, one_line
from fokker_planck.output.parallel import guessed_rank, guessed_size, launched
from validation.registry import CLAIMS, chosen, claims

COMMAND = "fokker-planck"
FOLDER = Path("results") / "validation"
ALL_HOLD, UNUSABLE, BAD_INPUT, A_CLAIM_FAILS, INTERRUPTED = 0, 1, 2, 4, 130


def main(arguments: Sequence[str] | None = None, package: str = CLAIMS) -> int:
    """Run the command with ``arguments`` (of the process if None) on the claims of a package; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        sys.stdout.write(_run(options, package))
        sys.stdout.flush()
        return options.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return options.status
    except KeyboardInterrupt:
        return _said("interrupted; what is finished is kept, and the same command goes on from there", INTERRUPTED)
    except (ProblemError, MissingPackageError) as error:
        return _said(str(error), BAD_INPUT)
    except FokkerPlanckError as error:
        return _said(str(error), UNUSABLE)


def _run(options: argparse.Namespace, package: str) -> str:
    """What standard output shows; ``options.status`` becomes the exit status."""
    from validation import terminal

    options.status = ALL_HOLD
    if guessed_size() > 1:
        wanted = "one process: without mpirun (--processes computes several claims at a time)"
        raise ProblemError("validate", f"{guessed_size()} ranks", wanted)
    wanted_claims = chosen(options.claims, options.quick, claims(package))
    if options.list:
        listed = [
            {"name": claim.name, "group": claim.group, "title": claim.title, "quick": claim.quick}
            for claim in wanted_claims
        ]
        return json.dumps({"claims": listed}) + "\n" if options.json else terminal.listed(wanted_claims)
    if not wanted_claims:
        raise ProblemError("claim", "none", "a claim to run")
    return _validated(options, wanted_claims, package)


def _validated(options: argparse.Namespace, wanted: Sequence[Any], package: str) -> str:
    from validation import report, terminal
    from validation.progress import progress
    from validation.runner import run
    from validation.state import forget, locked

    report.check_packages()
    if options.page is not None:
        if options.quick or options.claims:
            raise ProblemError("--page", "a part of the claims", "all of them, without --quick and without names")
        report.check_page(options.page)
    folder = options.report if options.report is not None else FOLDER
    with locked(folder):
        results, state = run(
            wanted,
            options.quick,
            folder,
            progress(len(wanted), options.quiet),
            processes=options.processes,
            selected=bool(options.claims),
            package=package,
        )
        page = report.write_report(folder, results)
        if options.page is not None:
            report.put_into_page(options.page, results)
        forget(state, [claim.name for claim in wanted])
    options.status = ALL_HOLD if results.holds else A_CLAIM_FAILS
    if options.json:
        content = report.as_json(results) | {"report": str(page)}
        return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    return terminal.table(results, page, sys.stdout.isatty() and not launched())


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog=f"{COMMAND} validate",
        description="Compute what theory and publications claim, and report claim by claim whether it holds.",
        epilog="exit status: 0 all claims hold, 4 a claim fails, 2 bad input, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("claims", metavar="CLAIM", nargs="*", help="names of claims; all of them without any")
    parser.add_argument("--quick", action="store_true", help="a part of the numbers, in a minute or two")
    parser.add_argument("--report", metavar="DIR", type=Path, help=f"write the report here instead of {FOLDER}")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--list", action="store_true", help="list the claims, compute nothing")
    parser.add_argument("--page", metavar="FILE.md", type=Path, help="put the summary of a full run into this page")
    parser.add_argument(
        "--processes", metavar="N", type=_count, help="so many claims at a time; without it two, if there are two cores"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")
    return parser


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, and only on one rank."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{COMMAND}: {one_line(message)}; try {COMMAND} validate --help\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        if guessed_rank() == 0:
            super()._print_message(message, file)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"found {text[:20]!r}; wanted a number of processes")
    return int(text)


def _said(line: str, status: int) -> int:
    if guessed_rank() == 0:
        print(f"{COMMAND}: {one_line(line)}", file=sys.stderr, flush=True)
    return status
