"""What is being done, said by whatever takes long to whoever listens: the command's standard error, or nobody."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

Listener = Callable[[str, bool], None]

_listeners: list[Listener] = []


def say(doing: str, *, long: bool = False) -> None:
    """Tell the listeners what begins now; ``long`` where it is known to take more than a second or two."""
    for listener in _listeners:
        listener(doing, long)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within, ``listener`` hears all that is said.

    >>> heard = []
    >>> with listening(lambda doing, long: heard.append(doing)):
    ...     say("mesh 1")
    >>> say("nobody hears this")
    >>> heard
    ['mesh 1']
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
