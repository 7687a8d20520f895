"""Run the campaign in processes that are ended when a problem takes too long; every trial is kept as it is done."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from validation.campaign.random_problems import random_problem
from validation.campaign.trial import CRASHED, HELD, NO_QUESTION, REFUSED, SLOW, Trial
from validation.parent import leave_with_parent

SECONDS = 60.0  # of CPU a question may take before an answer or a refusal
QUESTIONS_A_TRIAL = 3.0  # the problem and what it is held to
MOST_REFUSED = 0.03


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    number: int
    began: float


def campaign(
    seed: int,
    numbers: Sequence[int],
    folder: Path,
    jobs: int,
    report: Callable[[Trial], None],
    seconds: float = SECONDS,
) -> list[Trial]:
    """All trials, in the order of their numbers; those that are not held leave their problem file in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting, done = list(numbers)[::-1], {}
    workers: list[_Worker] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < jobs:
                workers.append(_start(seed, waiting.pop(), folder))
            wait([worker.pipe for worker in workers], timeout=1.0)
            for worker in list(workers):
                trial, ended = _poll(worker, seed, seconds)
                if trial is None:
                    continue
                done[trial.number] = trial
                _keep(trial, seed, folder)
                report(trial)
                if ended or not waiting:
                    _end(worker)
                    workers.remove(worker)
                else:
                    _next(worker, waiting.pop())
    finally:
        for worker in workers:
            worker.process.kill()
    return [done[number] for number in sorted(done)]


def summary(trials: Sequence[Trial]) -> str:
    """Counts by verdict, and the slowest."""
    counts = Counter(trial.verdict for trial in trials)
    slowest = max(trials, key=lambda trial: trial.seconds)
    listed = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
    return f"{len(trials)} problems: {listed}; slowest {slowest.seconds:.1f} s of CPU (problem {slowest.number})"


def holds(trials: Sequence[Trial]) -> bool:
    """Whether no answer is outside its bar, nothing crashed or was slow, and little was refused.

    Problems that ask for rates where there are no two wells do not count.
    """
    counts = Counter(trial.verdict for trial in trials)
    asked = len(trials) - counts.pop(NO_QUESTION, 0)
    refused = counts.pop(REFUSED, 0)
    return set(counts) <= {HELD} and refused <= max(1, MOST_REFUSED * asked)


def _work(pipe: Connection, seed: int, folder: str) -> None:
    leave_with_parent()
    from validation.campaign.trial import run

    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    while (number := pipe.recv()) is not None:
        pipe.send(run(seed, number, Path(folder)))


def _start(seed: int, number: int, folder: Path) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, seed, str(folder)), daemon=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    process.start()
    theirs.close()
    worker = _Worker(process, ours, number, 0.0)
    _next(worker, number)
    return worker


def _next(worker: _Worker, number: int) -> None:
    worker.number, worker.began = number, _cpu_seconds(worker.process.pid)
    worker.pipe.send(number)


def _end(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()


def _poll(worker: _Worker, seed: int, seconds: float) -> tuple[Trial | None, bool]:
    """The trial, if there is one, and whether its process is of no more use."""
    spent = _cpu_seconds(worker.process.pid) - worker.began
    try:
        if worker.pipe.poll():
            trial = worker.pipe.recv()
            if trial.seconds > seconds and trial.verdict in (HELD, REFUSED):
                trial = _ended(worker, seed, SLOW, f"{trial.seconds:.0f} s of CPU")
            return trial, False
    except (EOFError, OSError):
        worker.process.join()
        return _ended(worker, seed, CRASHED, f"the process ended with status {worker.process.exitcode}"), True
    if spent > QUESTIONS_A_TRIAL * seconds:
        return _ended(worker, seed, SLOW, f"no answer after {spent:.0f} s of CPU"), True
    return None, False


def _ended(worker: _Worker, seed: int, verdict: str, detail: str) -> Trial:
    problem = random_problem(seed, worker.number)
    spent = _cpu_seconds(worker.process.pid) - worker.began
    return Trial(worker.number, problem.tables["title"], problem.question, verdict, "", detail, max(spent, 0.0))


def _cpu_seconds(pid: int) -> float:
    """Of a process so far; wall time where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.monotonic()


def _keep(trial: Trial, seed: int, folder: Path) -> None:
    with (folder / f"trials-{seed}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(trial.as_dict()) + "\n")
    if trial.verdict not in (HELD, NO_QUESTION):
        name = folder / f"{trial.verdict}-{seed}-{trial.number}.toml"
        name.write_text(_toml(random_problem(seed, trial.number).tables), encoding="utf-8")


def _toml(tables: dict[str, Any]) -> str:
    """The tables of a problem as a file that the command line takes."""
    lines = [f"title = {json.dumps(tables['title'])}"]
    for name, table in tables.items():
        if name == "title" or not table:
            continue
        if name == "sets":
            for label, shape in table.items():
                lines += ["", f"[sets.{label}]", *(f"{key} = {_value(value)}" for key, value in shape.items())]
        else:
            lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(entry)}" for key, entry in value.items()) + " }"
    return json.dumps(value)
