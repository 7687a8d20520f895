"""Several workers beside each other: points handed out one at a time, answers as they come."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

TRIES = 2
"""Times that a point may end its worker: one that does so again fails, what else ended it may have been chance."""


@dataclass
class _Worker:
    process: subprocess.Popen[str]
    settings: Mapping[str, Any] | None = None

    @property
    def said(self) -> IO[str]:
        if self.process.stdout is None:
            raise ValueError("a worker without standard output")
        return self.process.stdout

    def ask(self, line: object) -> None:
        if self.process.stdin is None:
            raise ValueError("a worker without standard input")
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()


@dataclass
class _Crew:
    """The workers of one sweep, and what they are to be told first."""

    setup: Mapping[str, Any]
    waiting: deque[Mapping[str, Any]]
    tries: dict[str, int] = field(default_factory=dict)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    workers: list[_Worker] = field(default_factory=list)

    def start(self) -> None:
        worker = _Worker(_process())
        self.workers.append(worker)
        self.selector.register(worker.said, selectors.EVENT_READ, worker)
        self._tell(worker, self.setup)
        self.hand_out(worker)

    def hand_out(self, worker: _Worker) -> None:
        worker.settings = self.waiting.popleft() if self.waiting else None
        if worker.settings is not None:
            self._tell(worker, worker.settings)

    def _tell(self, worker: _Worker, line: object) -> None:
        try:
            worker.ask(line)
        except BrokenPipeError:
            pass  # it has ended, which is seen where its answer would be

    def drop(self, worker: _Worker) -> str:
        """Take a worker that has ended off the list; how it ended."""
        self.selector.unregister(worker.said)
        self.workers.remove(worker)
        status = worker.process.wait()
        return (
            f"the process that computed it ended by signal {-status}" if status < 0 else f"ended with status {status}"
        )

    def end(self) -> None:
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.wait()
        self.selector.close()


def in_workers(
    setup: Mapping[str, Any],
    points: Iterable[Mapping[str, Any]],
    jobs: int,
    resting: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Settings and answers of all points, in the order in which they are known; ``resting`` is called meanwhile."""
    crew = _Crew(setup, deque(points))
    try:
        for _ in range(min(jobs, len(crew.waiting))):
            crew.start()
        while any(worker.settings is not None for worker in crew.workers):
            ready = crew.selector.select(timeout=0.5)
            resting()
            for key, _ in ready:
                found = _heard(crew, key.data)
                if found is not None:
                    yield found
    finally:
        crew.end()


def _heard(crew: _Crew, worker: _Worker) -> tuple[Mapping[str, Any], dict[str, Any]] | None:
    """What a worker has answered; None where it has ended and its point is tried again."""
    line, settings = worker.said.readline(), worker.settings
    if line.endswith("\n") and settings is not None:
        crew.hand_out(worker)
        return settings, json.loads(line)
    how = crew.drop(worker)
    if settings is None:
        return None
    name = json.dumps(settings)
    crew.tries[name] = crew.tries.get(name, 0) + 1
    again = crew.tries[name] < TRIES
    if again:
        crew.waiting.appendleft(settings)
    if crew.waiting:
        crew.start()
    return None if again else (settings, {"result": None, "reason": how, "warnings": [], "seconds": 0.0})


def _process() -> subprocess.Popen[str]:
    """A worker in a session of its own, which Ctrl-C does not reach, with one thread of BLAS."""
    top = str(Path(__file__).resolve().parents[3])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (top, os.environ.get("PYTHONPATH")))),
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PETSC_OPTIONS": f"{os.environ.get('PETSC_OPTIONS', '')} -no_signal_handler".strip(),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "fokker_planck.cli.sweeps.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        start_new_session=True,
    )
