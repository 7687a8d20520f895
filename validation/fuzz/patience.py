"""Whether a process that says nothing computes, waits for a busy machine, or hangs: its processor time tells."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

IDLE = 120.0
"""Seconds without a hundredth of a processor after which a process hangs.

Among a hundred others on two processors it still gets two seconds; what waits for a pipe or a lock gets none.
"""
LEAST = 0.01
MOST = 3600.0
"""Seconds of wall time after which a process that has no processor time to be looked up (no /proc) is given up."""


def processor_seconds(process: int) -> float | None:
    """Seconds that a process, its descendants, and those of them that were waited for have used; None without /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    parents: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # the name of the command, in parentheses, may hold anything
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            ticks[int(entry.name)] = sum(map(int, fields[11:15]))
    total, left = 0, [process]
    while left:
        one = left.pop()
        total += ticks.get(one, 0)
        left += parents.get(one, [])
    return total / os.sysconf("SC_CLK_TCK")


@dataclass
class Patience:
    """Asked now and then, whether a process is to be waited for any longer.

    process : its number
    seconds : of processor time that it may use from now on
    """

    process: int
    seconds: float
    _first: float | None = field(init=False)
    _seen: float = field(init=False)
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._first = processor_seconds(self.process)
        self._seen, self._since = self._first or 0.0, time.monotonic()

    def over(self) -> str:
        """Why it is not waited for any longer, or nothing."""
        used, now = processor_seconds(self.process), time.monotonic()
        if used is None or self._first is None:
            return f"no end within {MOST:g} s" if now - self._since > MOST else ""
        if used - self._first > self.seconds:
            return f"no end within {self.seconds:g} s of CPU"
        if abs(used - self._seen) > LEAST:  # less, where a child that nobody waited for has ended
            self._seen, self._since = used, now
        return f"it waits for something, and has done nothing for {IDLE:g} s" if now - self._since > IDLE else ""
