"""Places on a line at which a Python function jumps, found by its samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fokker_planck.formulas.arrays import Floats

SAMPLES = 4001
"""Points between which jumps are looked for, as many as for the zeros of functions: two within 1/4,000 of the interval
count as none if they undo each other."""
JUMP = 1e-3
"""Of the range of the function, what counts as a jump: as in several dimensions. What is left of a steep slope at
neighbouring doubles is less, unless it rises within 1e-12 of the interval."""
BISECTIONS = 64
"""From 1/4,000 of an interval down to neighbouring doubles anywhere but within 1e-7 of the origin, where it is to 5e-24
of the interval."""


def breaks_of(function: Callable[[Floats], npt.ArrayLike], lower: float, upper: float) -> tuple[float, ...]:
    """The points between ``lower`` and ``upper`` at which a function of points (1, n) jumps, to the last digit.

    Values have any shape (..., n). Where nothing jumps this costs one call with 4,001 points; what is not finite on one
    side is left to those who ask for it.

    >>> breaks_of(lambda x: np.where(x[0] < 0.2, 1.0, 3.0) + np.tanh(1e6 * x[0]), -1.0, 2.0)
    (0.2,)
    >>> breaks_of(lambda x: 2.0 + np.sin(x[0]), -1.0, 2.0)
    ()
    """
    x = np.linspace(lower, upper, SAMPLES)

    def values(places: Floats) -> Floats:
        return np.asarray(function(places[None]), dtype=np.float64).reshape(-1, len(places))

    sampled = values(x)
    finite = sampled[np.isfinite(sampled)]
    least = JUMP * float(np.ptp(finite)) if finite.size else 0.0
    if least == 0.0:
        return ()
    some = np.flatnonzero(_changes(sampled[:, :-1], sampled[:, 1:]) > least)
    if not some.size:
        return ()
    low, high = x[some], x[some + 1]
    left, right = sampled[:, some], sampled[:, some + 1]
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        at = values(middle)
        first = _changes(left, at) > _changes(at, right)
        low, left = np.where(first, low, middle), np.where(first, left, at)
        high, right = np.where(first, middle, high), np.where(first, at, right)
    jumps = _changes(left, right) > least
    found = [min(pair, key=lambda place: len(repr(place))) for pair in zip(low.tolist(), high.tolist(), strict=True)]
    return tuple(place for place, jump in zip(found, jumps, strict=True) if jump and lower < place < upper)


def _changes(left: Floats, right: Floats) -> Floats:
    """By how much any value changes, (n,); nothing where it is not finite."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(np.abs(right - left), nan=0.0, posinf=0.0).max(axis=0, initial=0.0))
