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
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fokker_planck import __version__
from fokker_planck.output.interruption import ended_by_interrupts
from fokker_planck.output.parallel import World, fail_together, guessed_rank, launched, one_thread_a_rank, world
from fokker_planck.output.standard_streams import (
    errors_may_be_lost,
    fill_closed_streams,
    warn_in_one_line,
    write_answer,
)

if TYPE_CHECKING:
    from fokker_planck.cli.problem_file import CommittorQuestion, ExitQuestion, ProblemFile
    from fokker_planck.output.serialize import Answer

COMMAND = "fokker-planck"
QUESTIONS = {
    "solve": "everything that the file asks, as tables, with a result folder",
    "stationary": "stationary density and the weight of every well",
    "spectrum": "smallest eigenvalues of -L, the spectral gap first among them",
    "exit-time": "mean time from the start to the target",
    "rates": "rates and mean times between wells, and which saddle carries the flow",
    "committor": "transitions between the two sets of [committor]: rate, probabilities",
    "landscape": "minima, saddles, barriers, and which saddle joins which wells",
}
VALIDATE = "validate"
LATER = ("evolve", "sweep")
DEFAULT_COUNT = 4
BETWEEN_LINES = 0.5
"""Seconds from one line of progress to the next where it is no terminal: quick questions say one line."""
ANSWERED, FAILED, BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (of the process if None); the exit status."""
    fill_closed_streams()
    with errors_may_be_lost():
        return _answered(sys.argv[1:] if arguments is None else arguments)


def _answered(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] == VALIDATE:
        from fokker_planck.cli.validate import validate

        return validate(arguments[1:])
    options = _parser().parse_args(arguments)
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
        status = _status(error)
        if status is None:
            if ranks.size == 1:
                raise
            import traceback

            return fail_together(ranks, traceback.format_exc(), FAILED)
        return fail_together(ranks, f"{COMMAND}: {_one_line(error)}", status)


def _run(options: argparse.Namespace, ranks: World) -> str:
    """Everything between arguments and what standard output shows; all ranks go through it."""
    from fokker_planck.cli.problem_file import load_problem_file

    asked = load_problem_file(options.problem, options.set)
    folder = _folder(options)
    if folder is not None:
        from fokker_planck.output.folder import check_folder

        check_folder(folder)
    answers: dict[str, Answer] = {}
    for question in _questions(options.question, asked, bool(folder)):
        if question != options.question and not _applies(question, asked):
            continue
        with _progress(question, ranks, options.quiet), _named(question, options.question):
            answers[question] = _answer(question, asked)
    written: tuple[str, ...] = ()
    if folder is not None:
        from fokker_planck.output.folder import save

        with _progress("result files", ranks, options.quiet):
            written = save(folder, answers, title=asked.problem.title, problem=asked.raw, ranks=ranks)
    if not ranks.speaks:
        return ""
    return _json(options, asked, answers) if options.json else _tables(options, asked, answers, folder, written)


def _questions(question: str, asked: ProblemFile, with_folder: bool) -> tuple[str, ...]:
    if question == "solve":
        wanted = {
            "landscape": True,
            "stationary": True,
            "spectrum": asked.spectrum,
            "exit-time": asked.exit,
            "rates": True,
            "committor": asked.committor,
        }
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)
    if question == "stationary" and with_folder:
        return ("landscape", "stationary")  # the picture marks the saddles
    if question == "exit-time":
        _exit_question(asked)
    if question == "committor":
        _committor_question(asked)
    return (question,)


def _applies(question: str, asked: ProblemFile) -> bool:
    """Whether a question that the file does not ask itself makes sense for it."""
    from fokker_planck.questions import answers

    if question == "landscape":
        return answers.has_landscape(asked.problem)
    return question != "rates" or answers.has_rates(asked.problem)


def _answer(question: str, asked: ProblemFile) -> Answer:
    from fokker_planck.questions import answers

    if question == "landscape":
        return answers.landscape(asked.problem)
    if question == "stationary":
        return answers.stationary_density(asked.problem)
    if question == "spectrum":
        if asked.spectrum is None:
            return answers.spectrum(asked.problem, count=DEFAULT_COUNT)
        return answers.spectrum(asked.problem, count=asked.spectrum.count, target=asked.spectrum.target)
    if question == "rates":
        return answers.rates(asked.problem)
    if question == "committor":
        sets = _committor_question(asked)
        return answers.committor(asked.problem, sets.from_set, sets.to_set)
    wanted = _exit_question(asked)
    return answers.mean_exit_time(asked.problem, start=wanted.start, target=wanted.target)


def _exit_question(asked: ProblemFile) -> ExitQuestion:
    from fokker_planck.errors import ProblemError

    if asked.exit is None:
        raise ProblemError("exit", "no such table", "a table [exit] with start and target")
    return asked.exit


def _committor_question(asked: ProblemFile) -> CommittorQuestion:
    from fokker_planck.errors import ProblemError

    if asked.committor is None:
        raise ProblemError("committor", "no such table", "a table [committor] with from and to")
    return asked.committor


def _folder(options: argparse.Namespace) -> Path | None:
    if options.output is not None:
        from fokker_planck.errors import ProblemError

        if not options.output.strip():
            raise ProblemError("-o", "an empty name", "the name of a folder")
        return Path(options.output)
    return Path("results") / Path(options.problem).stem if options.question == "solve" else None


def _json(options: argparse.Namespace, asked: ProblemFile, answers: dict[str, Answer]) -> str:
    from fokker_planck.output.serialize import answer_json, json_text
    from fokker_planck.questions.answers import is_reversible

    if options.question == "solve":
        content: dict[str, Any] = {question: answer_json(answer) for question, answer in answers.items()}
        content["reversible"] = is_reversible(asked.problem)
    else:
        content = answer_json(answers[options.question])
    return json_text(content) + "\n"


def _tables(
    options: argparse.Namespace,
    asked: ProblemFile,
    answers: dict[str, Answer],
    folder: Path | None,
    written: tuple[str, ...],
) -> str:
    from fokker_planck.output.tables import render
    from fokker_planck.questions.answers import is_reversible

    shown = answers if options.question == "solve" else {options.question: answers[options.question]}
    noise = getattr(asked.problem.process.diffusion, "epsilon", None)
    text = render(
        shown,
        title=asked.problem.title,
        noise=noise,
        terminal=sys.stdout is not None and sys.stdout.isatty() and not launched(),
        reversible=is_reversible(asked.problem) if options.question == "solve" else None,
    )
    if folder is not None:
        text += f"\nwritten to {folder}{os.sep}: {', '.join(written)}\n"
    return text


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<12}{text}" for name, text in QUESTIONS.items())
    parser = _OneLineParser(
        prog=COMMAND,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Fokker-Planck equations by finite elements, beside their Eyring-Kramers asymptotics.",
        epilog=f"questions:\n{listed}\n\n"
        f"beside them: {COMMAND} {VALIDATE}, with options of its own, holds the solver to what theory claims\n\n"
        "exit status: 0 answered, 2 bad input, 3 not computable to the asked tolerance",
        allow_abbrev=False,
    )
    parser.add_argument("question", metavar="QUESTION", type=_question, help="one of: " + ", ".join(QUESTIONS))
    parser.add_argument("problem", metavar="PROBLEM.toml", help="the problem file")
    parser.add_argument(
        "--set",
        metavar="KEY.PATH=VALUE",
        action="append",
        default=[],
        help="replace one entry of the file, for example --set diffusion.epsilon=0.1 (any number of times)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="write results (JSON, .vtu, picture) here; solve writes to results/PROBLEM without it",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")
    parser.add_argument("--version", action="version", version=f"{COMMAND} {__version__}")
    return parser


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, as a wrong problem file is answered, and only on one rank."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{COMMAND}: {' '.join(message.split())}; try {COMMAND} --help\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        if guessed_rank() == 0:
            super()._print_message(message, file)


def _question(text: str) -> str:
    if text in QUESTIONS:
        return text
    known = f"one of {', '.join(QUESTIONS)}"
    if text == VALIDATE:
        raise argparse.ArgumentTypeError(f"found {VALIDATE} after an option; wanted it first: {COMMAND} {VALIDATE} ...")
    if text in LATER:
        raise argparse.ArgumentTypeError(f"found {text}, which this version does not answer; wanted {known}")
    raise argparse.ArgumentTypeError(f"found {text[:60]!r}; wanted {known}")


def _status(error: Exception) -> int | None:
    """Exit status of an error that is answered in one line; None for a fault of the program itself."""
    from fokker_planck.errors import ConvergenceError, FokkerPlanckError, MissingPackageError, ProblemError

    if isinstance(error, ProblemError | MissingPackageError):
        return BAD_INPUT
    if isinstance(error, ConvergenceError):
        return NOT_CONVERGED
    return FAILED if isinstance(error, FokkerPlanckError) else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


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


@contextlib.contextmanager
def _progress(step: str, ranks: World, quiet: bool) -> Iterator[None]:
    """Say on standard error what is being computed: a live line on a terminal, one plain line elsewhere."""
    if quiet or not ranks.speaks:
        yield
        return
    from fokker_planck.progress import listening

    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(f"{step} ...") as status:
            with listening(lambda doing, long: status.update(f"{step}: {doing} ...")):
                yield
        return
    print(f"{COMMAND}: {step}", file=sys.stderr, flush=True)
    last = time.monotonic()

    def line(doing: str, long: bool) -> None:
        nonlocal last
        if long or time.monotonic() - last > BETWEEN_LINES:
            print(f"{COMMAND}: {step}: {doing}", file=sys.stderr, flush=True)
            last = time.monotonic()

    with listening(line):
        yield


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
