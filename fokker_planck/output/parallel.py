"""Ranks of an MPI run as the outward files need them: what starts them, who prints, and how one that fails ends all."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from fokker_planck.quantity.light_dataclasses import dataclass

_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")


@dataclass(frozen=True)
class World:
    """The ranks of this run; ``errands`` is a communicator that no computation uses (None in a serial run)."""

    rank: int = 0
    size: int = 1
    errands: Any = None

    @property
    def speaks(self) -> bool:
        """Whether this rank prints and writes files."""
        return self.rank == 0


def guessed_rank() -> int:
    """The rank as the launcher's environment tells it, before anything heavy is imported; 0 in a serial run."""
    for name in _RANK_VARIABLES:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return 0


def guessed_size() -> int:
    """The number of ranks as the launcher's environment tells it; 1 in a serial run."""
    for name in _RANK_VARIABLES:
        value = os.environ.get(name.replace("RANK", "SIZE"), "")
        if value.isdigit():
            return int(value)
    return 1


def launched() -> bool:
    """Whether a launcher such as mpirun started this process; Open MPI gives it a terminal where the user has none."""
    return any(name in os.environ for name in _RANK_VARIABLES)


def launcher() -> str | None:
    """Path of the ``mpiexec`` that belongs to the mpi4py of this interpreter; None where there is none.

    The launcher of another MPI starts ranks that do not find each other, or none at all.  PyPI's MPICH, conda's and
    Debian's MPI put theirs beside the interpreter, and a virtual environment may stand on one of the latter two; what
    comes first on the PATH may belong to any of them.
    """
    beside = (Path(sys.executable).parent, Path(sys.prefix, "bin"), Path(sys.base_prefix, "bin"))
    folders = os.pathsep.join(map(str, beside))
    return shutil.which("mpiexec", path=folders) or shutil.which("mpiexec")


def one_thread_a_rank() -> None:
    """Keep the ranks' threads of BLAS from fighting over the cores; call this before numpy is imported."""
    if launched():
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def world() -> World:
    """All ranks of this run, or a serial world where mpi4py is missing."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError):  # RuntimeError: mpi4py without a usable MPI library
        return World()
    communicator = MPI.COMM_WORLD
    if communicator.size == 1:
        return World()
    return World(communicator.rank, communicator.size, communicator.Dup())


def fail_together(ranks: World, line: str, status: int, patience: float = 3.0) -> int:
    """End a run whose rank at hand failed with ``line``; the exit status, if every rank failed likewise.

    Bad input fails on all ranks alike: rank 0 prints, the others keep silent, all return ``status``. Where a rank fails
    alone the others wait for it in some collective call: after ``patience`` seconds it speaks up and aborts them.
    """
    if ranks.speaks:
        print(line, file=sys.stderr, flush=True)
    if ranks.errands is None:
        return status
    all_failed = ranks.errands.Ibarrier()
    deadline = time.monotonic() + patience
    while not all_failed.Test():
        if time.monotonic() > deadline:
            if not ranks.speaks:
                print(line, file=sys.stderr, flush=True)
            ranks.errands.Abort(status)
        time.sleep(0.01)
    return status


def from_first_rank(ranks: World, value: object) -> Any:
    """The value that rank 0 holds, on every rank."""
    return value if ranks.errands is None else ranks.errands.bcast(value, root=0)
