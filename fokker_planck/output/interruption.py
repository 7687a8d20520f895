"""Ctrl-C ends a run within two seconds, also while a library that knows nothing of Python factors a matrix.

Python acts on a signal between two of its own instructions, which a factorisation or an eigenvalue solve keeps waiting
for as long as it takes.  But the signal itself writes a byte to a file at once (``signal.set_wakeup_fd``); a shell that
waits for it ends the process where that has not ended by itself after ``PATIENCE`` seconds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator

PATIENCE = 1.5
_WATCH = """trap '' INT
[ "$(head -c1 | wc -c)" -eq 1 ] || exit 0
timeout {patience} cat > /dev/null
[ $? -eq 124 ] || exit 0
[ -t 2 ] && printf '\\033[?25h' >&2
printf '{command}: interrupted\\n' >&2
kill -TERM {process}
"""


@contextlib.contextmanager
def ended_by_interrupts(command: str) -> Iterator[None]:
    """Within, an interrupt that Python does not get to act on ends the process all the same."""
    tools = all(shutil.which(tool) for tool in ("sh", "head", "wc", "timeout", "cat"))
    if not tools or threading.current_thread() is not threading.main_thread():
        yield
        return
    script = _WATCH.format(patience=PATIENCE, command=command, process=os.getpid())
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watcher = subprocess.Popen(["sh", "-c", script], stdin=reading, stdout=subprocess.DEVNULL, close_fds=True)
    os.close(reading)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)
        watcher.wait()
