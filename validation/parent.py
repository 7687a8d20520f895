"""A worker ends with the process that started it, however that one ends."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def leave_with_parent() -> None:
    """End this process when the one that started it has ended, by SIGKILL too; to be called first in a worker.

    A thread waits for the end of the parent. It only comes to its turn when libraries in C give the interpreter back,
    which a factorisation does after minutes; Linux itself kills at once.
    """
    threading.Thread(target=_wait_and_leave, daemon=True).start()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_and_leave() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # returns at once where the parent ended before prctl was called
        os._exit(1)
