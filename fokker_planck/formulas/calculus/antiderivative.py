"""Integrals of a function on an interval, to rounding: Chebyshev series on panels halved until they converge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field

LineFunction = Callable[[Floats], Floats]

ORDER = 20
"""Chebyshev points a panel. Drift over noise that follows a Hessian takes 33,000 evaluations with 10, 3,800 with 20,
2,800 with 28, 3,300 with 40; a smooth quotient the fewer the fewer points (160, 320, 450, 1,360)."""
FIRST_PANELS = 16
"""Between two kinks: what is narrower than 1/320 of that stretch and not in ``finer`` may be missed."""
MOST_PANELS = 200_000
"""Beyond it the integrand is taken for one with poles inside: a line with kinks takes some hundreds."""
SMALL, RELATIVE, RELATIVE_OF_DIFFERENCES = 1e-16, 2e-15, 1e-10
"""Tails of the series that count as nothing: absolute, relative to the panel's integral (ten units in the last place),
and where values carry errors of finite differences, of which 1e-10 is noise."""
SMOOTH = 1e-4
"""Part of a panel's integral that noise may be: with larger tails both halves are as bad because of an oscillation."""
NEAR_AN_END = 1e-9
"""Of the interval: a pole within this of an end is the end's own, put aside by rounding and by halving."""
DEEPEST = 400
"""Halvings: next to a singular end at zero panels shrink to 1e-100 of the line, elsewhere rounding ends them first."""
BLOCK = 8192
"""Points evaluated at once, for the cache: a million take 0.19 s of CPU, with 1,024 at once 0.26, with 65,536 0.27."""


@lru_cache(maxsize=1)
def chebyshev() -> tuple[Floats, Floats]:
    """Nodes of the first kind, which avoid the ends, and the matrix from values to coefficients."""
    angles = np.pi * (np.arange(ORDER) + 0.5) / ORDER
    matrix = 2.0 / ORDER * np.cos(np.outer(np.arange(ORDER), angles))
    matrix[0] *= 0.5
    return np.cos(angles), matrix


@dataclass(frozen=True)
class Antiderivative:
    """F(x) = int_lower^x f on panels with the given ``ends``; ``coefficients`` (panels, ORDER + 1) of F less its start.

    Where f has a pole at an end of the interval, ``singular_left`` or ``singular_right`` is the sign of F there, else
    zero. The last stretch next to a pole, of the width of rounding, is left out: F is constant there.
    """

    function: LineFunction = field(compare=False, repr=False)
    ends: Floats
    starts: Floats
    coefficients: Floats
    singular_left: float = 0.0
    singular_right: float = 0.0

    @property
    def variation(self) -> float:
        """Sum of |F| over the panels: what rounding is relative to."""
        return float(np.abs(np.diff(self.starts)).sum())

    def __call__(self, x: Floats) -> Floats:
        """F at points (n,)."""
        points = np.asarray(x, dtype=np.float64)
        result = np.empty(len(points))
        for first in range(0, len(points), BLOCK):
            part = slice(first, first + BLOCK)
            result[part] = self._inside(points[part])
        low, high = self.ends[0], self.ends[-1]
        for outside, end, sign in ((points < low, low, self.singular_left), (points > high, high, self.singular_right)):
            if outside.any():
                result[outside] += 0.0 if sign else self._beyond(end, points[outside])
        return result

    def _inside(self, x: Floats) -> Floats:
        panel = np.clip(np.searchsorted(self.ends, x, side="right") - 1, 0, len(self.ends) - 2)
        left, right = self.ends[panel], self.ends[panel + 1]
        t = np.clip((2.0 * x - left - right) / (right - left), -1.0, 1.0)
        table = self.coefficients[panel].T
        current, before = np.zeros_like(t), np.zeros_like(t)
        for row in table[:0:-1]:
            current, before = row + 2.0 * t * current - before, current
        return np.asarray(self.starts[panel] + table[0] + t * current - before)

    def _beyond(self, end: float, x: Floats) -> Floats:
        nodes, weights = np.polynomial.legendre.leggauss(ORDER)
        along = end + 0.5 * (nodes + 1.0) * (x - end)[:, None]
        return np.asarray(self.function(along.ravel()).reshape(along.shape) @ weights * 0.5 * (x - end))


def _first_edges(lower: float, upper: float, kinks: Sequence[float], finer: npt.ArrayLike) -> Floats:
    """Ends of the first panels: of as many between any two kinks, and those that are given."""
    inner = sorted({float(point) for point in kinks if lower < point < upper})
    pieces = [np.linspace(a, b, FIRST_PANELS + 1) for a, b in zip([lower, *inner], [*inner, upper], strict=True)]
    more = np.asarray(finer, dtype=np.float64)
    return np.unique(np.concatenate([*pieces, more[(more > lower) & (more < upper)]]))


def antiderivative(
    function: LineFunction,
    lower: float,
    upper: float,
    kinks: Sequence[float] = (),
    exact: bool = True,
    finer: npt.ArrayLike = (),
) -> Antiderivative:
    """F(x) = int_lower^x f with an error of about 1e-15 of its variation.

    Parameters
    ----------
    function
        f at points (n,), smooth between the kinks; other jumps and kinks are found by halving
    lower, upper
        the interval
    kinks
        points inside at which panels end
    exact
        False where f carries the errors of finite differences
    finer
        more ends of the first panels, where f changes within less than these show

    Raises
    ------
    ConvergenceError
        Where f has a pole inside.

    Examples
    --------
    >>> F = antiderivative(lambda x: np.sign(x - 0.3) * np.cos(x), -1.0, 2.0)
    >>> bool(abs(float(np.diff(F(np.array([0.0, 1.0])))[0]) - (np.sin(1.0) - 2.0 * np.sin(0.3))) < 1e-14)
    True
    """
    edges = _first_edges(lower, upper, kinks, finer)
    left, right = edges[:-1], edges[1:]
    parent = np.full(len(left), np.inf)
    done: list[tuple[Floats, Floats, Floats]] = []
    poles: list[tuple[float, float]] = []
    relative = RELATIVE if exact else RELATIVE_OF_DIFFERENCES
    tiny = 4.0 * np.finfo(float).eps
    for depth in range(DEEPEST):
        series, error, size = _expanded(function, left, right)
        settled = error <= SMALL + relative * size
        # noise, not a kink: both halves of a panel are as bad as each other, and the panel was smooth to some digits
        if depth:
            mates = error.reshape(-1, 2)
            noisy = (mates.min(axis=1) >= 0.2 * mates.max(axis=1)) & (mates.sum(axis=1) >= 0.7 * parent[::2])
            settled |= np.repeat(noisy, 2) & (error <= SMOOTH * size)
        narrow = right - left <= tiny * np.maximum(np.abs(left), np.abs(right))
        stuck = ~settled & narrow
        poles += [(float(a), float(b)) for a, b in zip(left[stuck], right[stuck], strict=True)]
        done.append((left[settled], right[settled], series[settled]))
        again = ~settled & ~narrow
        if not again.any():
            break
        middle = 0.5 * (left[again] + right[again])
        parent = np.repeat(error[again], 2)
        left = np.stack([left[again], middle], axis=1).ravel()
        right = np.stack([middle, right[again]], axis=1).ravel()
        if len(left) + sum(len(a) for a, _, _ in done) > MOST_PANELS:
            raise _unbounded(float(left[0]))
    else:
        poles += [(float(a), float(b)) for a, b in zip(left, right, strict=True)]
    return _joined(function, done, poles, lower, upper)


def _expanded(function: LineFunction, left: Floats, right: Floats) -> tuple[Floats, Floats, Floats]:
    """Coefficients of the integral on each panel from its left end, the size of their tail, and of the largest."""
    nodes, matrix = chebyshev()
    half = 0.5 * (right - left)
    x = 0.5 * (left + right)[:, None] + half[:, None] * nodes
    values = function(x.ravel()).reshape(x.shape)
    series = np.where(np.isfinite(values).all(axis=1)[:, None], values, np.nan) @ matrix.T * half[:, None]
    size = np.abs(series).sum(axis=1)
    error = np.abs(series[:, -3:]).sum(axis=1)
    bad = ~np.isfinite(size)
    return integrated(series), np.where(bad, np.inf, error), np.where(bad, 0.0, size)


def integrated(series: Floats) -> Floats:
    """Coefficients (n, ORDER + 1) of the integral from -1 of series (n, ORDER): a_k = (c_(k-1) - c_(k+1)) / 2k."""
    padded = np.concatenate([series, np.zeros((len(series), 2))], axis=1)
    padded[:, 0] *= 2.0
    orders = np.arange(1, ORDER + 1)
    result = np.empty((len(series), ORDER + 1))
    result[:, 1:] = (padded[:, :ORDER] - padded[:, 2 : ORDER + 2]) / (2.0 * orders)
    result[:, 0] = (result[:, 1:] * np.where(orders % 2, 1.0, -1.0)).sum(axis=1)
    return result


def _joined(
    function: LineFunction,
    done: list[tuple[Floats, Floats, Floats]],
    poles: list[tuple[float, float]],
    lower: float,
    upper: float,
) -> Antiderivative:
    left, right, series = (np.concatenate([part[k] for part in done]) for k in range(3))
    order = np.argsort(left)
    left, right, series = left[order], right[order], series[order]
    near, poles_at = NEAR_AN_END * (upper - lower), [False, False]
    for a, b in sorted(poles):
        if b <= lower + near:
            keep, poles_at[0] = left >= b, True
        elif a >= upper - near:
            keep, poles_at[1] = right <= a, True
        else:
            raise _unbounded(a)
        left, right, series = left[keep], right[keep], series[keep]
    gaps = np.flatnonzero(left[1:] != right[:-1])
    if not len(left) or len(gaps):
        raise _unbounded(float(left[gaps[0] + 1]) if len(left) else lower)
    steps = series.sum(axis=1)
    total = np.cumsum(steps.astype(np.longdouble)).astype(float)
    starts = np.concatenate([[0.0], total])
    signs = (-float(np.sign(steps[0])) if poles_at[0] else 0.0, float(np.sign(steps[-1])) if poles_at[1] else 0.0)
    return Antiderivative(function, np.append(left, right[-1]), starts, series, *signs)


def _unbounded(place: float) -> ConvergenceError:
    return ConvergenceError(
        f"drift over noise is not integrable near x = {place:.6g}", "noise that does not vanish there"
    )
