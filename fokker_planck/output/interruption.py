"""Ctrl-C ends a run within two seconds, also in a library that factors a matrix; files are whole, or not there.

Python acts on a signal between two of its own instructions, which a factorisation or an eigenvalue solve keeps waiting
for as long as it takes.  But the signal itself writes a byte to a file at once (``signal.set_wakeup_fd``); a shell that
waits for it ends the process where that has not ended by itself after ``PATIENCE`` seconds.
"""

from __future__ import annotations

import contextlib
import enum
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.machinery import ExtensionFileLoader
from types import FrameType

PATIENCE = 1.5
"""Seconds: with the start of the shell this is the two seconds after which a user presses Ctrl-C again."""
SOON = 0.01
"""Seconds, in which the interpreter leaves the class of an enumeration, a matter of microseconds, or is asked again."""
_WATCH = """trap '' INT
[ "$(head -c1 | wc -c)" -eq 1 ] || exit 0
timeout {patience} cat > /dev/null
[ $? -eq 124 ] || exit 0
[ -t 2 ] && printf '\\033[?25h' >&2
printf '{command}: interrupted\\n' >&2
kill -TERM {process}
"""


class _EndedError(BaseException):
    """A signal that would have ended the process came while it had something to remove."""


@dataclass
class _Ending:
    """Signals that came while something was half-written: they end the process, but not before that is whole or gone.

    Parameters
    ----------
    waiting
        their numbers
    holding
        whether they wait for the end of :meth:`held`
    """

    waiting: list[int] = field(default_factory=list)
    holding: bool = False

    def ring(self, number: int, _: FrameType | None) -> None:
        """A signal comes."""
        self.waiting.append(number)
        if not self.holding and len(self.waiting) == 1:  # a second one does not stop the removal
            raise _EndedError

    def come_again(self, lost: BaseException) -> None:
        """Send anew, from another thread and a little later, the signal whose exception went nowhere."""
        number = signal.SIGINT if isinstance(lost, KeyboardInterrupt) else self.waiting.pop()
        threading.Timer(SOON, os.kill, (os.getpid(), number)).start()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Within, they and an interrupt wait until the end."""
        interrupt = signal.getsignal(signal.SIGINT)
        interrupts: list[int] = []
        if callable(interrupt):
            signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
        self.holding = True
        try:
            yield
        finally:
            self.holding = False
            if callable(interrupt):
                signal.signal(signal.SIGINT, interrupt)
        if self.waiting:
            raise _EndedError
        if interrupts:
            raise KeyboardInterrupt


@contextlib.contextmanager
def ended_with_nothing_left() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Within, SIGTERM and SIGHUP end the process only after ``finally`` clauses have removed what is half-written.

    Yields a context in which they, and an interrupt, wait until it is left: for what is done whole or not at all.
    """
    if threading.current_thread() is not threading.main_thread():
        yield contextlib.nullcontext
        return
    ending, before = _Ending(), {}
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, ending.ring)
    try:
        with _not_lost(ending):
            yield ending.held
    except _EndedError:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.raise_signal(ending.waiting[0])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _not_lost(ending: _Ending) -> Iterator[None]:
    """Within, a signal that comes while a weak reference's callback or a ``__del__`` runs comes again after it.

    Python lets no exception out of these: it prints a traceback, and goes on.
    """
    before = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, (_EndedError, KeyboardInterrupt)):
            ending.come_again(lost.exc_value)
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextlib.contextmanager
def _where_it_may_be_raised() -> Iterator[None]:
    """Within, an interrupt is not raised in a class of enumerations or while a library in C is loaded, but after it.

    Bindings of C++ call Python there, where no exception may pass: the process was aborted, or crashed.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_: int, frame: FrameType | None) -> None:
        if _below_bindings(frame):
            signal.setitimer(signal.ITIMER_REAL, SOON)
            return
        raise KeyboardInterrupt

    alarm = signal.signal(signal.SIGALRM, ring)
    signal.signal(signal.SIGINT, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, alarm)


def _below_bindings(frame: FrameType | None) -> bool:
    """Whether Python code is run by an enumeration, or by a library in C that is being loaded."""
    if frame is not None and frame.f_code.co_filename == enum.__file__:
        return True
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), ExtensionFileLoader):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def ended_by_interrupts(command: str) -> Iterator[None]:
    """Within, an interrupt that Python does not get to act on ends the process all the same."""
    tools = all(shutil.which(tool) for tool in ("sh", "head", "wc", "timeout", "cat"))
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not tools:
        with _where_it_may_be_raised():
            yield
        return
    script = _WATCH.format(patience=PATIENCE, command=command, process=os.getpid())
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watcher = subprocess.Popen(["sh", "-c", script], stdin=reading, stdout=subprocess.DEVNULL, close_fds=True)
    os.close(reading)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        with _where_it_may_be_raised():
            yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)
        watcher.wait()
