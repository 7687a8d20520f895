"""Run claims in worker processes, those that take long first, with what an interrupted run has left."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import platform
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from fokker_planck.errors import FokkerPlanckError
from validation.claim import Claim
from validation.outcome import Outcome, Results, outcome
from validation.progress import Progress
from validation.registry import CLAIMS
from validation.state import Memory, fingerprint, open_state
from validation.worker import DONE, STARTED, STEP, UNUSABLE, work

MOST_PROCESSES = 2  # unless more are asked for: two claims in memory at once
# What a running MPI leaves in the environment, and what makes a worker take itself for a part of that run.
MPI_TRACES = (
    "OMPI_COMM_", "OMPI_UNIVERSE", "OMPI_ARGV", "OMPI_MCA_ess", "OMPI_MCA_orte_", "OMPI_MCA_pmix", "PMIX_", "PMI_",
    "PRTE_LAUNCHED", "OPAL_",
)  # fmt: skip


class WorkerError(FokkerPlanckError):
    """The processes that compute cannot be started."""


@dataclass
class Worker:
    """A process, our end of its pipe, and the claim that it is at."""

    process: BaseProcess
    pipe: Connection
    at: str | None = None
    since: float = 0.0


@dataclass
class Run:
    """What is left to do, and what is done."""

    claims: dict[str, Claim]
    waiting: deque[str]
    state: Path | None = None
    versions: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    recalled: int = 0


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    claims: Sequence[Claim],
    quick: bool,
    folder: Path,
    progress: Progress,
    processes: int | None = None,
    selected: bool = False,
    package: str = CLAIMS,
) -> tuple[Results, Path]:
    """The outcomes of all claims, and the folder of the state, which :func:`~validation.state.forget` empties.

    folder : where the state is kept; the caller holds its lock
    """
    start, date = time.monotonic(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    log = folder / "log.txt"
    log.unlink(missing_ok=True)
    going = Run({claim.name: claim for claim in claims}, deque(_longest_first(claims, folder)))
    count = min(processes or min(MOST_PROCESSES, cores()), len(claims))
    workers = [_start(package, quick, log) for _ in range(count)]
    try:
        with progress:
            while len(going.outcomes) < len(claims):
                for ready in wait([worker.pipe for worker in workers]):
                    worker = next(one for one in workers if one.pipe is ready)
                    if not _listen(worker, going, quick, folder, package, progress):
                        workers.remove(worker)
                        if going.waiting:
                            workers.append(_start(package, quick, log))
        _dismiss(workers)
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
    if going.state is None:
        raise WorkerError("no claim was run")
    results = Results(
        outcomes=tuple(going.outcomes[claim.name] for claim in claims),
        quick=quick,
        selected=selected,
        date=date,
        seconds=time.monotonic() - start,
        machine=machine(),
        versions=going.versions,
        recalled=going.recalled,
    )
    return results, going.state


def machine() -> str:
    """Processor, cores, memory and system in one line."""
    processor = platform.machine()
    with contextlib.suppress(OSError, IndexError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")][0]
    memory = ""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = f"{platform.system()} {platform.release()}"
    return f"{processor}, {cores()} core{'s' if cores() > 1 else ''}{memory}, {system}"


def _listen(worker: Worker, going: Run, quick: bool, folder: Path, package: str, progress: Progress) -> bool:
    """Take one message of a worker and give it the next claim; False where the worker has ended."""
    try:
        kind, *said = worker.pipe.recv()
    except (EOFError, OSError):
        _ended(worker, going, progress)
        return False
    if kind == UNUSABLE:
        raise WorkerError(f"the claims cannot be computed here: {said[0]}")
    if kind == STEP:
        progress.step(*said)
        return True
    if kind == STARTED and going.state is None:
        _recall(going, said[0], quick, folder, package, progress)
    if kind == DONE:
        name, content = said
        _finish(going, outcome(going.claims[name], content), progress)
    assert going.state is not None
    worker.at = going.waiting.popleft() if going.waiting else None
    if worker.at is not None:
        worker.since = time.monotonic()
        progress.begins(worker.at)
        worker.pipe.send((worker.at, str(going.state / worker.at)))
    return True


def _recall(going: Run, versions: dict[str, str], quick: bool, folder: Path, package: str, progress: Progress) -> None:
    """Open the state, which depends on the versions, and take from it the claims that are finished."""
    import importlib

    import fokker_planck
    import validation

    sources = [Path(path) for module in (fokker_planck, validation) for path in module.__path__]
    sources += [Path(path) for path in importlib.import_module(package).__path__]
    sources.append(Path(validation.__path__[0]).parent / "benchmarks")  # claims may measure what these do
    mode = "quick" if quick else "full"
    going.versions = versions
    going.state = open_state(folder, mode, fingerprint(sources, versions))
    for name in list(going.waiting):
        content = Memory(going.state / name, quick).finding()
        if content is not None:
            going.waiting.remove(name)
            going.recalled += 1
            _finish(going, outcome(going.claims[name], content), progress)


def _finish(going: Run, found: Outcome, progress: Progress) -> None:
    going.outcomes[found.claim.name] = found
    progress.ended(found, len(going.outcomes), len(going.claims))


def _ended(worker: Worker, going: Run, progress: Progress) -> None:
    """A worker is gone: its claim has failed, the others go on; one that never started is an error of all."""
    worker.process.join()
    code = worker.process.exitcode or 0
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    if worker.at is None:
        if len(going.outcomes) < len(going.claims) and going.state is None:
            raise WorkerError(f"a process that computes claims could not start ({how}); see log.txt beside the report")
        return
    error = f"the process that computed it ended ({how}); see log.txt beside the report"
    seconds = time.monotonic() - worker.since
    _finish(going, Outcome(going.claims[worker.at], None, error, "", seconds), progress)


def _dismiss(workers: Sequence[Worker], patience: float = 5.0) -> None:
    """Let the processes end by themselves, so that MPI leaves nothing behind, but not for long."""
    deadline = time.monotonic() + patience
    for worker in workers:
        with contextlib.suppress(OSError):
            worker.pipe.send(None)
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))


def _start(package: str, quick: bool, log: Path) -> Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, package, quick, str(log)), daemon=True)
    with _environment_of_workers():
        process.start()
    theirs.close()
    return Worker(process, ours)


@contextlib.contextmanager
def _environment_of_workers() -> Iterator[None]:
    """One thread each, no part of an MPI run around this process, and Ctrl-C left to this process."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("OMP_NUM_THREADS", *MPI_TRACES))}
    for name in kept:
        del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = "1"
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        del os.environ["OMP_NUM_THREADS"]
        os.environ.update(kept)


def _longest_first(claims: Sequence[Claim], folder: Path) -> list[str]:
    """Names in the order in which they begin: by the seconds of the last report here, those without one first."""
    seconds: dict[str, float] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        last = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        seconds = {one["name"]: float(one["seconds"]) for one in last["claims"]}
    return [claim.name for claim in sorted(claims, key=lambda one: (-seconds.get(one.name, 1e9), one.quick))]
