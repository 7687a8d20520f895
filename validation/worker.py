"""A process that computes one claim after the other, as it is told through a pipe."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from validation.outcome import compute
from validation.parent import leave_with_parent
from validation.registry import claim
from validation.state import Memory

STARTED, UNUSABLE, STEP, DONE = "started", "unusable", "step", "done"


def work(pipe: Connection, package: str, quick: bool, log: str) -> None:
    """Say which versions are at work here, then answer each (name of a claim, folder of its state) until None comes.

    What libraries print, also those in C, goes to the file ``log``.
    """
    leave_with_parent()
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(printed, stream)
    try:
        pipe.send((STARTED, versions()))
    except ImportError as error:
        pipe.send((UNUSABLE, str(error)))
        return
    while (task := pipe.recv()) is not None:
        name, folder = task
        memory = Memory(Path(folder), quick, partial(_tell, pipe, name))
        pipe.send((DONE, name, compute(claim(name, package), memory)))


def versions() -> dict[str, str]:
    """The versions of everything that a number may depend on."""
    import matplotlib
    import numpy
    import scipy
    from mpi4py import MPI  # noqa: F401  PETSc of a wheel finds its MPI library only where mpi4py has loaded it
    from petsc4py import PETSc
    from slepc4py import SLEPc

    import fokker_planck
    from fokker_planck.fem._dolfinx import dolfinx_version

    return {
        "fokker_planck": fokker_planck.__version__,
        "dolfinx": dolfinx_version(),
        "PETSc": ".".join(map(str, PETSc.Sys.getVersion())),
        "SLEPc": ".".join(map(str, SLEPc.Sys.getVersion())),
        "Python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "matplotlib": matplotlib.__version__,
    }


def _tell(pipe: Connection, name: str, step: str) -> None:
    _give_back_memory()
    pipe.send((STEP, name, step))


def _give_back_memory() -> None:
    """To the system what the last step has freed, before the next one asks for more."""
    with contextlib.suppress(OSError, AttributeError):  # no glibc
        ctypes.CDLL(None).malloc_trim(0)
