"""The command where its streams are closed, full or of another encoding, where files cannot be, and where it is killed.

Whatever comes: an answer or one line, never a traceback; a status that is documented; and a result folder that is
whole, or none.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from validation.fuzz import nonsense
from validation.fuzz.patience import Patience, processor_seconds

ENDED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS = 60.0
"""Of processor time; the dearest of these calls takes five."""
SMALL = """title = "small"
[potential]
expression = "{potential}"
[diffusion]
kind = "isotropic"
epsilon = 0.1
[domain]
kind = "box"
lower = {lower}
upper = {upper}
[discretization]
tolerance = 1e-2
[sets.B]
halfspace = {{ normal = {normal}, offset = 0.9 }}
[exit]
start = {start}
target = "B"
"""
LINE = SMALL.format(potential="(x**2 - 1)**2/4", lower=[-2.0], upper=[2.0], normal=[1.0], start=[-1.0])
PLANE = SMALL.format(
    potential="(x**2 - 1)**2/4 + y**2/2", lower=[-2.0, -1.5], upper=[2.0, 1.5], normal=[1.0, 0.0], start=[-1.0, 0.0]
)
REDIRECTIONS = (
    "", "", ">&-", "2>&-", ">&- 2>&-", "<&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1", "| true",
    "2>&1 | true", "| { read -r line || true; }", "| { read -r -n 10 some || true; }", "2> >(true)", "&>/dev/null",
)  # fmt: skip
"""By the shell alone: it has to work where no program is on the PATH."""
ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {}, {}, {"LANG": "C", "LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "xx_YY.nothing"}, {"TERM": "dumb"},
    {"HOME": "/nonexistent"}, {"TMPDIR": "/nonexistent"}, {"COLUMNS": "3"}, {"COLUMNS": "x"}, {"PATH": "/nonexistent"},
    {"OMP_NUM_THREADS": "many"}, {"MPLBACKEND": "no such"}, {"XDG_CACHE_HOME": "/dev/null"},
)  # fmt: skip
FOLDERS = ("out", "out", "a/b/c/out", "/proc/none/out", "/dev/full/out", "/sys/out", "problem.toml", "problem.toml/out",
           "ou\nt", "-", "~", ".", "été", "x" * 250)  # fmt: skip
PROBLEMS = ("/dev/null", "/dev/zero", "/dev/urandom", ".", "/nonexistent", "", "-", "problem.toml/x", "été.toml")
FULL_DISK = (
    "import sys, resource; from mpi4py import MPI; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
    "from fokker_planck.cli.command import main; sys.exit(main())"
)
"""The command where no file may become larger than ``size``: what writing to a full disk is; MPI's own files may."""


@dataclass(frozen=True)
class Call:
    """A call of the command in a folder: its arguments, how the shell redirects it, and when a signal comes.

    ``after`` is counted in its processor seconds; ``largest_file`` is what a disk that is nearly full has room for.
    """

    arguments: tuple[str, ...]
    redirection: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    signal: signal.Signals | None = None
    after: float = 0.0
    largest_file: int | None = None


@dataclass(frozen=True)
class Ended:
    """How it ended: the exit status (negative for a signal), and what it wrote to both streams."""

    status: int
    output: str
    errors: str


class StreamsError(Exception):
    """What a command must not do."""


def try_streams(rng: random.Random, folder: Path) -> None:
    """Call the command once, in a folder of its own, and look at what it leaves."""
    place = folder / "streams"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    call = _drawn(rng)
    nonsensical = call.arguments[0] == "landscape" and rng.random() < 0.4  # what makes sense of it may take long
    text = nonsense.problem_text(rng) if nonsensical else rng.choice([LINE, LINE, PLANE])
    (place / "problem.toml").write_text(text, encoding="utf-8", errors="replace")
    (folder / "last.txt").write_text(f"{call}\n{text}", encoding="utf-8", errors="replace")
    ended = run(call, place)
    if found := faults(call, ended, place):
        raise StreamsError(f"{'; '.join(found)} [{ended.status}] {ended.errors[-300:]!r}")


def _drawn(rng: random.Random) -> Call:
    question = rng.choice(["landscape", "landscape", "spectrum", "stationary", "exit-time", "solve", "solve"])
    arguments = [question, "problem.toml" if rng.random() < 0.9 else rng.choice(PROBLEMS)]
    arguments += ["--json"] * (rng.random() < 0.3) + ["-q"] * (rng.random() < 0.3)
    if question == "solve" or rng.random() < 0.3:
        arguments += ["-o", rng.choice(FOLDERS)]
    if question == "landscape" and rng.random() < 0.3:
        arguments += ["--set", nonsense.override(rng)]
    killed = rng.random() < 0.4
    return Call(
        tuple(argument.replace("\0", "") for argument in arguments),
        "" if killed else rng.choice(REDIRECTIONS),
        rng.choice(ENVIRONMENTS),
        rng.choice(ENDED_BY) if killed else None,
        rng.uniform(0.3, 3.0),
        rng.choice([0, 1000, 20_000]) if rng.random() < 0.1 else None,
    )


def run(call: Call, folder: Path, say: Callable[[str], bool] | None = None) -> Ended:
    """Run it to its end, or send it the signal after ``call.after`` seconds of CPU, or at a line that ``say`` picks."""
    full = [] if call.largest_file is None else ["-c", FULL_DISK.format(size=call.largest_file)]
    command = [sys.executable, *(full or ["-m", "fokker_planck"]), *call.arguments]
    environment = {**os.environ, "PYTHONPATH": str(nonsense.ROOT), "MPLBACKEND": "Agg", **call.environment}

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)

    if call.redirection:
        bash = shutil.which("bash") or "bash"
        command = [bash, "-c", f'set -o pipefail; "$@" {call.redirection}', "bash", *command]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", preexec_fn=prepare, start_new_session=True,
    )  # fmt: skip
    heard = ""
    patience = Patience(process.pid, SECONDS)
    try:
        if say is not None and process.stderr is not None:
            for line in process.stderr:
                heard += line
                if say(line):
                    break
        elif call.signal is not None:
            _wait(process, call.after)
        if call.signal is not None:
            process.send_signal(call.signal)
        output, errors = _ended(process, patience)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Ended(process.returncode, output, heard + errors)


def _wait(process: subprocess.Popen[str], seconds: float) -> None:
    """Until it has had so much processor time, so that a busy machine interrupts it where an idle one does."""
    began = time.monotonic()
    while process.poll() is None:
        used = processor_seconds(process.pid)
        if (time.monotonic() - began if used is None else used) >= seconds:
            return
        time.sleep(0.02)


def _ended(process: subprocess.Popen[str], patience: Patience) -> tuple[str, str]:
    """What it has written to both streams when it ends."""
    while True:
        try:
            return process.communicate(timeout=1.0)
        except subprocess.TimeoutExpired:
            if why := patience.over():
                raise StreamsError(why) from None


def faults(call: Call, ended: Ended, folder: Path) -> list[str]:
    """All that is wrong with the end of a call."""
    found = []
    documented = {0, 1, 2, 3, 130}
    if call.signal is not None:
        documented |= {-call.signal, 128 + call.signal, -signal.SIGKILL, -signal.SIGTERM}
    if "|" in call.redirection:
        documented.add(141)
    if ended.status not in documented:
        found.append(f"exit status {ended.status}")
    started = call.signal is None or call.after > 1.0  # before, the interpreter itself is interrupted
    if started and re.search(
        r"Traceback|Exception ignored|Fatal Python error|PETSC ERROR", ended.errors + ended.output
    ):
        found.append("a traceback")
    if re.search(r"RuntimeWarning|DeprecationWarning|UserWarning", ended.errors):
        found.append("a warning of a library")
    if call.signal is None and call.redirection == "":
        if ended.status != 0 and len(ended.errors.strip().splitlines()) < 1:
            found.append("a failure without a word")
        if ended.status == 0 and "--json" in call.arguments:
            try:
                json.loads(ended.output)
            except ValueError:
                found.append("no JSON")
    return found + half_written(folder)


def half_written(folder: Path) -> list[str]:
    """Result folders under a folder that are not whole, and drafts that were left."""
    found = []
    for path in folder.rglob("*"):
        if path.is_dir() and re.fullmatch(r"\..*-\d+-\w+", path.name):
            found.append(f"a draft was left: {path.name}")
        if path.name == "result.json":
            try:
                files = json.loads(path.read_text(encoding="utf-8"))["files"]
            except (ValueError, KeyError):
                found.append("result.json is not whole")
                continue
            missing = [name for name in files if not (path.parent / name).is_file()]
            if missing:
                found.append(f"files of a result are missing: {missing}")
        if path.suffix in (".vtu", ".png") and not (path.parent / "result.json").exists():
            found.append(f"{path.name} without its result")
    return found
