"""Python functions among the coefficients: looked at along lines for jumps, which no mesh can be fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.process import Overdamped, Process

# Lines between points of the domain, and intervals on each: a jump on a surface that crosses the domain is met by most
# lines, one around a piece of a thousandth of the domain by a few. Some milliseconds for a function of numpy.
LINES, INTERVALS = 200, 64
# Halvings of the interval that changes most: what still changes at 1e-13 of the domain is a jump.
BISECTIONS = 36
# Change over the whole range of the function that counts.
JUMP = 1e-3


def check_functions(process: Process, dimension: int, points: Floats) -> None:
    """Raise ProblemError where a coefficient that is a Python function jumps between some of the points (dim, n)."""
    for key, function in _functions(process, dimension):
        place = jump_between(function, points)
        if place is not None:
            found = "a function that jumps at (" + ", ".join(f"{c:.6g}" for c in place) + ")"
            raise ProblemError(
                key, found, "a formula with heaviside, whose surfaces are found, or a continuous function"
            )


def jump_between(function: Callable[[Floats], Floats], points: Floats) -> Floats | None:
    """A place, (dim,), where a function of points (dim, n) with values (k, n) jumps; None where none is seen.

    >>> corners = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    >>> jump_between(lambda x: np.where(x[:1] > 0.37, 1.0, 2.0), corners).round(9)[0].tolist()
    0.37
    >>> jump_between(lambda x: np.tanh(1e4 * (x[:1] - 0.37)), corners) is None
    True
    """
    chosen = np.random.default_rng(1).integers(0, points.shape[1], (2, LINES))
    start, stop = points[:, chosen[0]], points[:, chosen[1]]
    shares = np.linspace(0.0, 1.0, INTERVALS + 1)
    along = start[:, :, None] + (stop - start)[:, :, None] * shares
    values = np.asarray(function(along.reshape(len(points), -1))).reshape(-1, *along.shape[1:])
    finite = values[np.isfinite(values)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    with np.errstate(invalid="ignore"):
        change = np.nan_to_num(np.abs(np.diff(values, axis=2)).max(axis=0), nan=0.0, posinf=0.0)
    line = np.flatnonzero(change.max(axis=1) > JUMP * spread)
    if not len(line) or spread == 0.0:
        return None
    interval = np.argmax(change[line], axis=1)
    low, high = along[:, line, interval], along[:, line, interval + 1]
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        left, centre, right = np.split(np.asarray(function(np.concatenate([low, middle, high], axis=1))), 3, axis=-1)
        left, centre, right = (part.reshape(-1, len(line)) for part in (left, centre, right))
        with np.errstate(invalid="ignore"):
            first = np.abs(centre - left).max(axis=0) > np.abs(right - centre).max(axis=0)
            last = np.abs(right - left).max(axis=0)
        low, high = np.where(first, low, middle), np.where(first, middle, high)
    jumps = np.flatnonzero(last > JUMP * spread)
    return np.asarray(0.5 * (low + high)[:, jumps[0]]) if len(jumps) else None


def _functions(process: Process, dimension: int) -> Iterator[tuple[str, Callable[[Floats], Floats]]]:
    potential, field = process.potential, process.field(dimension)
    drift = process.extra if isinstance(process, Overdamped) else process.whole
    if potential is not None and not potential.formulas:
        yield "potential", lambda x: potential.value(x)[None]
    if drift is not None and not drift.formulas:
        yield drift.key, drift.value
    if field.key == "diffusion" and not field.constant:
        yield field.key, lambda x: field.tensor(x).reshape(dimension**2, -1)
