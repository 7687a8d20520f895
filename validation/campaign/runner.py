"""Run the campaign in processes that are ended when a problem takes too long; every trial is kept as it is done."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from validation.campaign.questions import mesh_of_box
from validation.campaign.random_problems import random_problem
from validation.campaign.trial import CRASHED, HELD, NO_QUESTION, REFUSED, SLOW, Trial
from validation.parent import leave_with_parent

SECONDS = 60.0  # of CPU a question may take before an answer or a refusal
MOST_REFUSED = 0.03


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    number: int
    asks: str = ""


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
                workers.append(_start(seed, waiting.pop(), folder, seconds))
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


def _work(pipe: Connection, seed: int, folder: str, seconds: float) -> None:
    leave_with_parent()
    from validation.campaign.trial import run

    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    while (number := pipe.recv()) is not None:
        pipe.send(run(seed, number, Path(folder), seconds, say=pipe.send))


def _start(seed: int, number: int, folder: Path, seconds: float) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, seed, str(folder), seconds), daemon=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    process.start()
    theirs.close()
    worker = _Worker(process, ours, number)
    _next(worker, number)
    return worker


def _next(worker: _Worker, number: int) -> None:
    worker.number = number
    worker.pipe.send(number)


def _end(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()


def _poll(worker: _Worker, seed: int, seconds: float) -> tuple[Trial | None, bool]:
    """The trial, if there is one, and whether its process is of no more use."""
    try:
        while worker.pipe.poll():
            said = worker.pipe.recv()
            if isinstance(said, Trial):
                return said, False
            worker.asks = said
    except (EOFError, OSError):
        worker.process.join()
        if worker.process.exitcode == -signal.SIGPROF:
            return _ended(worker, seed, SLOW, f"no answer after {seconds:g} s of CPU", seconds), True
        return _ended(worker, seed, CRASHED, f"the process ended with status {worker.process.exitcode}", 0.0), True
    return None, False


def _ended(worker: _Worker, seed: int, verdict: str, detail: str, seconds: float) -> Trial:
    problem = random_problem(seed, worker.number)
    return Trial(
        worker.number, problem.tables["title"], problem.question, verdict, "", f"{worker.asks}: {detail}", seconds
    )


def _keep(trial: Trial, seed: int, folder: Path) -> None:
    with (folder / f"trials-{seed}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(trial.as_dict()) + "\n")
    if trial.verdict not in (HELD, NO_QUESTION):
        name = folder / f"{trial.verdict}-{seed}-{trial.number}.toml"
        tables = random_problem(seed, trial.number).tables
        if tables["domain"]["kind"] == "mesh":
            mesh = mesh_of_box(tables["domain"], name.with_suffix(".msh"))
            tables = {**tables, "domain": {"kind": "mesh", "file": mesh.name}}
        name.write_text(_toml(tables), encoding="utf-8")


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
