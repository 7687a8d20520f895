"""What rates between wells leave open where the places of minima are not known to rounding: on creases of functions.

A state is where its minimum is, and the modes of which the chain is made change beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from fokker_planck.formulas.arrays import Floats

Places = Sequence[tuple[float, ...]]


class States(Protocol):
    """Where the states of a chain are, and how far each may be from there."""

    @property
    def state_places(self) -> tuple[tuple[float, ...], ...]:
        """Of K states."""
        ...

    @property
    def state_uncertainties(self) -> tuple[float, ...]:
        """Lengths, K of them."""
        ...


def left_by_places(logs_at: Callable[[Places], Floats], logs: Floats, states: States) -> float:
    """The most that a rate changes by, relative, where each place is off along each axis by as much as it may be.

    ``logs_at`` gives logarithms of the rates (n,) for other places, nan where there are none, ``logs`` those at the
    places themselves; not-a-number if one of them is.

    >>> from types import SimpleNamespace
    >>> states = SimpleNamespace(state_places=((1.0,),), state_uncertainties=(1e-6,))
    >>> round(left_by_places(lambda places: np.array([2.0*places[0][0]]), np.array([2.0]), states), 9)
    2e-06
    """
    left = 0.0
    for number, off in enumerate(states.state_uncertainties):
        for axis in range(len(states.state_places[number]) if off > 0.0 else 0):
            changes = [0.0]
            for side in (-off, off):
                moved = [list(place) for place in states.state_places]
                moved[number][axis] += side
                logs_there = logs_at([tuple(place) for place in moved])
                changes.append(float(np.abs(np.expm1(logs_there - logs)).max(initial=0.0)))
            left += float(np.max(changes))
    return left
