"""Measurements, each in a process of its own, and series of them on finer and finer meshes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.exact import exact
from fokker_planck.output.parallel import launcher

TOP = Path(__file__).resolve().parents[1]
WANTED = 1e-6
TIME_LIMIT = 300.0
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "FIPY_SOLVERS": "scipy",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_btl": "^tcp",
    "OMPI_MCA_pml": "ob1",
}


@dataclass(frozen=True)
class Measurement:
    """One answer and its cost: ``seconds`` after the imports, ``process_seconds`` of the whole process.

    ``error`` is the relative error, ``claimed`` the error bar that came with the answer (None: there was none);
    ``failure`` says why there is no answer.
    """

    method: str
    question: str
    barrier: float
    size: float
    ranks: int = 1
    value: float | None = None
    error: float | None = None
    claimed: float | None = None
    unknowns: int | None = None
    seconds: float | None = None
    process_seconds: float | None = None
    megabytes: float | None = None
    failure: str | None = None

    @property
    def right(self) -> bool:
        """The error is at most the wanted one."""
        return self.error is not None and self.error <= WANTED

    def as_json(self) -> dict[str, Any]:
        """What is known, without the empty fields."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@cache
def measure(method: str, question: str, barrier: float, size: float, ranks: int = 1, runs: int = 1) -> Measurement:
    """The fastest of so many runs, since others can only slow one.  What is asked again is not run again."""
    return _fastest([_once(Measurement(method, question, barrier, size, ranks)) for _ in range(runs)])


def _fastest(tried: Sequence[Measurement]) -> Measurement:
    return min(tried, key=lambda one: one.seconds if one.seconds is not None else float("inf"))


def _once(asked: Measurement) -> Measurement:
    command = [launcher() or "mpiexec", "-n", str(asked.ranks)] if asked.ranks > 1 else []
    command += [sys.executable, "-m", "benchmarks.one_measurement"]
    command += [asked.method, asked.question, repr(asked.barrier), repr(asked.size)]
    start = time.perf_counter()
    try:
        run = subprocess.run(command, cwd=TOP, env=_environment(), capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        return replace(asked, failure=f"not done after {TIME_LIMIT:.0f} s")
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode != 0 or not lines:
        said = run.stderr.strip().splitlines() or ["nothing said"]
        return replace(asked, failure=f"exit status {run.returncode}: {said[-1]}")
    found = replace(asked, **json.loads(lines[-1]), process_seconds=time.perf_counter() - start)
    if found.value is None:
        return found
    return replace(found, error=abs(found.value / exact(asked.question, asked.barrier) - 1.0))


def _environment() -> dict[str, str]:
    """That of this process, where ``benchmarks`` can be imported whatever PYTHONSAFEPATH says."""
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(TOP)]))
    return os.environ | ENVIRONMENT | {"PYTHONPATH": path}


@dataclass(frozen=True)
class Series:
    """Finer and finer meshes of one method: up to the first two that are right one after the other, or to the limit.

    Two, since rounding puts an answer within 1e-6 by accident now and then.
    """

    meshes: tuple[Measurement, ...]

    @property
    def reached(self) -> Measurement | None:
        """The coarsest mesh that is right and whose successor is, too."""
        pairs = zip(self.meshes, self.meshes[1:], strict=False)
        return next((one for one, finer in pairs if one.right and finer.right), None)

    @property
    def best(self) -> Measurement:
        """The mesh to report: the one that reached the wanted error, or else the one that came nearest."""
        errors = [one for one in self.meshes if one.error is not None]
        return self.reached or min(errors, key=lambda one: one.error or 0.0, default=self.meshes[-1])

    @property
    def seconds_to_know(self) -> float | None:
        """Time of the mesh that reached it and of the finer one by which a user sees that it did."""
        if self.reached is None:
            return None
        both = [self.reached, self.meshes[self.meshes.index(self.reached) + 1]]
        return sum(one.seconds or 0.0 for one in both)


def series(method: str, question: str, barrier: float, sizes: Sequence[float], seconds: float, runs: int = 1) -> Series:
    """Meshes in turn until two in a row are right, or one fails or takes ``seconds``; the best one ``runs`` times."""
    meshes: list[Measurement] = []
    for size in sizes:
        meshes.append(measure(method, question, barrier, size))
        done = Series(tuple(meshes)).reached is not None
        if done or meshes[-1].seconds is None or meshes[-1].seconds > seconds or _at_the_wall(meshes):
            break
    found = Series(tuple(meshes))
    if runs > 1 and found.best.value is not None:
        again = [_once(Measurement(method, question, barrier, found.best.size)) for _ in range(runs - 1)]
        meshes[found.meshes.index(found.best)] = _fastest([found.best, *again])
    return Series(tuple(meshes))


def _at_the_wall(meshes: Sequence[Measurement]) -> bool:
    """Three finer meshes in a row have brought nothing."""
    errors = [one.error for one in meshes if one.error is not None]
    return len(errors) > 3 and min(errors[-3:]) > min(errors[:-3])
