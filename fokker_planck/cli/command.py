"""The command ``fokker-planck QUESTION PROBLEM.toml``: tables or one JSON object, a result folder, an exit status.

Exit status: 0 answered; 2 bad input (one line on standard error that names key, finding and remedy); 3 the numbers
could not be computed to the asked tolerance; 2 as well where a package is missing; 1 a fault of the program;
130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fokker_planck import __version__
from fokker_planck.cli.arguments import OneLineParser
from fokker_planck.cli.ending import ANSWERED, COMMAND, FAILED, INTERRUPTED, collect_seldom, in_one_line, status_of
from fokker_planck.cli.progress_line import progress_line
from fokker_planck.output.interruption import ended_by_interrupts
from fokker_planck.output.parallel import World, fail_together, launched, one_thread_a_rank, world
from fokker_planck.output.standard_streams import (
    errors_may_be_lost,
    fill_closed_streams,
    warn_in_one_line,
    write_answer,
)
from fokker_planck.questions.registry import QUESTIONS, entry

if TYPE_CHECKING:
    from fokker_planck.cli.problem_file import ProblemFile
    from fokker_planck.model.process import Process

SOLVE = "solve"
COMMANDS = {
    SOLVE: "everything that the file asks, as tables, with a result folder",
    **{name: listed.summary for name, listed in QUESTIONS.items()},
}
BESIDE = {
    "examples": ("problem files to begin with, listed and copied", "examples:examples_command"),
    "plot": ("the picture of a result folder or of a sweep", "plot:plot_command"),
    "sweep": ("answers at many values of keys, kept as they come", "sweeps.command:sweep_command"),
    "completion": ("the script by which bash, zsh or fish complete this command", "completion:completion_command"),
    "validate": ("holds the solver to what theory claims", "validate:validate"),
}
"""Commands with arguments of their own: what they do, and who does it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (of the process if None, which then ends with it); the exit status."""
    if arguments is None:
        collect_seldom()
    fill_closed_streams()
    with errors_may_be_lost():
        return _answered(sys.argv[1:] if arguments is None else arguments)


def _answered(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in BESIDE:
        module, _, name = BESIDE[arguments[0]][1].partition(":")
        beside: int = getattr(import_module(f"fokker_planck.cli.{module}"), name)(arguments[1:])
        return beside
    helped = arguments[0] if arguments and arguments[0] in COMMANDS and {"-h", "--help"} & set(arguments) else None
    options = question_parser(helped).parse_args(arguments)
    options.set += [options.tolerance] if options.tolerance else []
    one_thread_a_rank()
    # PETSc would take a reader of a pipe that has gone, and Ctrl-C, for crashes of its own
    os.environ["PETSC_OPTIONS"] = f"{os.environ.get('PETSC_OPTIONS', '')} -no_signal_handler".strip()
    # pictures are files: of no other backend is anything asked, whatever the environment names
    os.environ["MPLBACKEND"] = "agg"
    ranks = World()
    try:
        ranks = world()
        watched = ended_by_interrupts(COMMAND) if ranks.size == 1 else contextlib.nullcontext()
        with watched, warnings.catch_warnings():
            warn_in_one_line(COMMAND, ranks.speaks)
            with _numbers_only_on_stdout(options.json):
                text = _run(options, ranks)
        if ranks.speaks:
            write_answer(text)
        return ANSWERED
    except KeyboardInterrupt:
        return fail_together(ranks, f"{COMMAND}: interrupted", INTERRUPTED)
    except Exception as error:
        status = status_of(error)
        if status is None:
            if ranks.size == 1:
                raise
            import traceback

            return fail_together(ranks, traceback.format_exc(), FAILED)
        return fail_together(ranks, in_one_line(error), status)


def _run(options: argparse.Namespace, ranks: World) -> str:
    """Everything between arguments and what standard output shows; all ranks go through it."""
    from fokker_planck.cli.problem_file import load_problem_file

    asked = load_problem_file(options.problem, [*options.set, *_between(options)])
    folder = _folder(options)
    if folder is not None:
        from fokker_planck.output.folder import check_folder

        check_folder(folder)
    answers: dict[str, object] = {}
    for question in _questions(options.question, asked, bool(folder)):
        with _progress(question, ranks, options), _named(question, options.question):
            answers[question] = _answer(question, asked)
    written: tuple[str, ...] = ()
    if folder is not None:
        from fokker_planck.questions.keeping.result_folder import Folder, saved

        with _progress("result files", ranks, options):
            about = Folder(folder, asked.problem.title, asked.raw, asked.problem.units)
            written = saved(ranks, about, answers)
    if not ranks.speaks:
        return ""
    return _json(options, asked, answers) if options.json else _tables(options, asked, answers, folder, written)


def _questions(question: str, asked: ProblemFile, with_folder: bool) -> Iterator[str]:
    """The questions to answer, of ``solve`` those that have their table in the file or need none; each when it is due.

    Whether one makes sense may take a while to find out, and the answers before it do not wait for that.
    """
    from fokker_planck.cli.problem_file import parameters_of

    if question == SOLVE:
        for name, listed in QUESTIONS.items():
            if asked.problem.schedule is not None and not listed.in_time:
                continue
            if name in asked.questions:
                table = entry(name).table
                if table is None or table.in_solve(asked.questions[name]):
                    yield name
            elif listed.table is None and entry(name).applies(asked.problem):
                yield name
        return
    parameters_of(question, asked)  # which a file has to have is said before anything is computed
    for name in entry(question).beside if with_folder else ():
        if entry(name).applies(asked.problem):
            yield name
    yield question


def _answer(question: str, asked: ProblemFile) -> object:
    from fokker_planck.cli.problem_file import parameters_of

    answer: object = entry(question).ask(asked.problem, parameters_of(question, asked))
    return answer


def _folder(options: argparse.Namespace) -> Path | None:
    if options.output is not None:
        from fokker_planck.errors import ProblemError

        if not options.output.strip():
            raise ProblemError("-o", "an empty name", "the name of a folder")
        return Path(options.output)
    return Path("results") / Path(options.problem).stem if options.question == SOLVE else None


def _json(options: argparse.Namespace, asked: ProblemFile, answers: dict[str, object]) -> str:
    from fokker_planck.output.serialize import json_text
    from fokker_planck.questions.detailed_balance import is_reversible

    if options.question == SOLVE:
        content: dict[str, Any] = {question: entry(question).json(answer) for question, answer in answers.items()}
        content["reversible"] = is_reversible(asked.problem)
    else:
        content = entry(options.question).json(answers[options.question])
    return json_text(content) + "\n"


def _tables(
    options: argparse.Namespace,
    asked: ProblemFile,
    answers: dict[str, object],
    folder: Path | None,
    written: tuple[str, ...],
) -> str:
    from fokker_planck.questions.detailed_balance import is_reversible
    from fokker_planck.questions.keeping.report import render

    shown = answers if options.question == SOLVE else {options.question: answers[options.question]}
    process = asked.problem.process
    noise = getattr(process, "kT", getattr(process.diffusion, "epsilon", None))
    text = render(
        shown,
        title=asked.problem.title,
        noise=noise,
        terminal=sys.stdout is not None and sys.stdout.isatty() and not launched(),
        reversible=is_reversible(asked.problem) if options.question == SOLVE else None,
        units=asked.problem.units,
    )
    if asked.problem.units.sentence:
        text += f"\n{asked.problem.units.sentence}\n"
    text += _note(process)
    if folder is not None:
        text += f"\nwritten to {folder}{os.sep}: {', '.join(written)}\n"
    return text


def _note(process: Process) -> str:
    """What the error bars do not contain, of a process made from data."""
    from fokker_planck.model.grid_data import NOTE, spline_of

    sources = (getattr(process.potential, "source", None), process.diffusion)
    return f"\n{NOTE}\n" if any(spline_of(source) is not None for source in sources) else ""


def question_parser(question: str | None = None) -> OneLineParser:
    """The arguments of all questions, with help on one of them."""
    listed = "\n".join(f"  {name:<12}{text}" for name, text in COMMANDS.items())
    beside = "\n".join(f"  {name:<12}{text}" for name, (text, _) in BESIDE.items())
    general = (
        f"questions ({COMMAND} QUESTION --help says more of one):\n{listed}\n\n"
        f"beside them, with options of their own ({COMMAND} sweep --help):\n{beside}\n\n"
        "exit status: 0 answered, 2 bad input, 3 not computable to the asked tolerance"
    )
    parser = OneLineParser(
        prog=COMMAND,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Fokker-Planck equations by finite elements, beside their Eyring-Kramers asymptotics."
        if question is None
        else f"{question}: {COMMANDS[question]}",
        epilog=general if question is None else _help_on(question),
        allow_abbrev=False,
    )
    parser.add_argument("question", metavar="QUESTION", type=_question, help="one of: " + ", ".join(COMMANDS))
    parser.add_argument("problem", metavar="PROBLEM.toml", help="the problem file")
    over = "replace one entry of the file, for example --set diffusion.epsilon=0.1 (any number of times)"
    parser.add_argument("--set", metavar="KEY.PATH=VALUE", action="append", default=[], help=over)
    tolerance = "wanted relative error of every number: --set discretization.tolerance=NUMBER"
    parser.add_argument("--tolerance", metavar="NUMBER", type=_tolerance, help=tolerance)
    between = "committor: from well A to well B as landscape numbers them: --set committor.from='well A' and so on"
    parser.add_argument("--wells", metavar=("A", "B"), nargs=2, type=int, help=between)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    folder = "write results (JSON, .vtu, picture) here; solve writes to results/PROBLEM without it"
    parser.add_argument("-o", "--output", metavar="DIR", help=folder)
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")
    loudness.add_argument("-v", "--verbose", action="store_true", help="every step on standard error, with seconds")
    parser.add_argument("--version", action="version", version=f"{COMMAND} {__version__}")
    return parser


def _between(options: argparse.Namespace) -> list[str]:
    """What ``--wells 1 2`` is short for."""
    if options.wells and options.question != "committor":
        from fokker_planck.errors import ProblemError

        raise ProblemError("--wells", f"the question {options.question}", "committor, which is about two of them")
    return [f"committor.{end}=well {n}" for end, n in zip(("from", "to"), options.wells or (), strict=False)]


def _help_on(question: str) -> str:
    listed = QUESTIONS.get(question)
    if listed is None:
        return f"example:\n  {COMMAND} examples double_well_2d\n  {COMMAND} {question} double_well_2d.toml -o answers"
    table = f"It is asked by the table [{listed.table}] of the file.\n\n" if listed.table else ""
    name = listed.example
    return f"{table}example:\n  {COMMAND} examples {name}\n  {COMMAND} {question} {name}.toml {listed.options}".rstrip()


def _tolerance(text: str) -> str:
    try:
        return f"discretization.tolerance={float(text)!r}"
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text[:60]!r}; wanted a number such as 1e-6") from None


def _question(text: str) -> str:
    if text in COMMANDS:
        return text
    known = f"one of {', '.join(COMMANDS)}"
    if text in BESIDE:
        raise argparse.ArgumentTypeError(f"found {text} after an option; wanted it first: {COMMAND} {text} ...")
    from fokker_planck.formulas.parsing.near import did_you_mean

    near = did_you_mean(text, (*COMMANDS, *BESIDE))
    raise argparse.ArgumentTypeError(f"found {text[:60]!r}{near}; wanted {known}")


@contextlib.contextmanager
def _named(question: str, asked_for: str) -> Iterator[None]:
    """Where several questions are answered, say which one could not be."""
    from fokker_planck.errors import ConvergenceError

    try:
        yield
    except ConvergenceError as error:
        if question == asked_for:
            raise
        raise type(error)(f"{question}: {error.reason}", error.remedy) from error


def _progress(step: str, ranks: World, options: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """Say what is being computed, once for all ranks and only where that is wanted."""
    if options.quiet or not ranks.speaks:
        return contextlib.nullcontext()
    return progress_line(COMMAND, step, everything=options.verbose)


@contextlib.contextmanager
def _numbers_only_on_stdout(strictly: bool) -> Iterator[None]:
    """Send what libraries print to standard output, also those in C, to standard error while numbers are computed."""
    if not strictly or sys.stdout is None:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _flush_c()
        os.dup2(kept, 1)
        os.close(kept)


def _flush_c() -> None:
    """Empty the buffers of C's stdout: what a library wrote while it was sent elsewhere must not follow later."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError, TypeError):  # no C library that can be asked
        ctypes.CDLL(None).fflush(None)
