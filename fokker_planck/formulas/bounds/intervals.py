"""Bounds of a formula over boxes: proof that it has no zero in a cell, or changes by no more than so much there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.interval_arithmetic import BINARY, Interval, exact, power, select, unary
from fokker_planck.formulas.expression import Expression
from fokker_planck.formulas.parsing.switches import CHOICES
from fokker_planck.formulas.parsing.tape import BLOCK, Tape
from fokker_planck.quantity.light_dataclasses import dataclass


def bounds(expression: Expression, lower: npt.ArrayLike, upper: npt.ArrayLike) -> tuple[Floats, Floats]:
    """low <= f(x) <= high for every x with lower <= x <= upper at which f is defined.

    The natural interval extension and the mean-value form f(c) + f'(box) (box - c), whichever is narrower at each end;
    the latter only where f is continuous on the whole box. c is the centre, but in coordinates in which f is proved to
    rise or fall the end where it is least (for the lower bound) or greatest (for the upper one).

    Parameters
    ----------
    expression
        f.
    lower
        the least coordinates of the boxes, (dim, n).
    upper
        the greatest ones.

    Returns
    -------
    tuple[Floats, Floats]
        Low and high, (n,); infinite where no bound is found, across a pole say, and NaN where f is defined nowhere.

    Notes
    -----
    R. E. Moore, R. B. Kearfott, M. J. Cloud, Introduction to Interval Analysis, SIAM 2009, chapters 5 and 6.

    Examples
    --------
    >>> from fokker_planck.formulas.expression import parse_expression
    >>> low, high = bounds(parse_expression("x**2 - y"), [[-1.0], [0.0]], [[2.0], [1.0]])
    >>> low.round(12).tolist(), high.round(12).tolist()
    ([-1.0], [4.0])
    """
    low, high, _ = enclosure(expression, lower, upper)
    return low, high


def enclosure(expression: Expression, lower: npt.ArrayLike, upper: npt.ArrayLike) -> tuple[Floats, Floats, Booleans]:
    """As :func:`bounds`, and where f is proved to be defined and continuous on the whole box."""
    found = enclosed(expression, lower, upper)
    return found.low, found.high, found.continuous


@dataclass(frozen=True)
class Enclosed:
    """What is proved of f on every box.

    Parameters
    ----------
    low, high
        bounds of the values, (n,)
    continuous
        where f is defined and continuous on the whole box, (n,)
    slope_low, slope_high
        bounds of the partial derivatives, (dim, n), infinite where f is not differentiable
    """

    low: Floats
    high: Floats
    continuous: Booleans
    slope_low: Floats
    slope_high: Floats

    @property
    def monotone(self) -> Booleans:
        """Where f strictly rises or falls along axis i, (dim, n)."""
        return np.asarray(((self.slope_low > 0.0) | (self.slope_high < 0.0)) & self.continuous)


def enclosed(expression: Expression, lower: npt.ArrayLike, upper: npt.ArrayLike) -> Enclosed:
    """Bounds of f and of its partial derivatives on the boxes with these corners, (dim, n) each."""
    below, above = np.atleast_2d(np.asarray(lower, dtype=float)), np.atleast_2d(np.asarray(upper, dtype=float))
    if below.ndim != 2 or below.shape != above.shape or below.shape[0] < expression.dimension:
        raise ValueError(f"corners of shapes {below.shape} and {above.shape} for {expression.dimension} coordinates")
    dimension, count = below.shape
    low, high, continuous = np.empty(count), np.empty(count), np.empty(count, dtype=bool)
    slopes = np.zeros((2, dimension, count))
    for start in range(0, count, BLOCK):
        block = slice(start, min(start + BLOCK, count))
        low[block], high[block], continuous[block], slopes[:, :, block] = _block(
            expression, below[:, block], above[:, block]
        )
    return Enclosed(low, high, continuous, slopes[0], slopes[1])


def gradient_bounds(expression: Expression, lower: npt.ArrayLike, upper: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Bounds of every partial derivative, shapes (dim, n); at kinks they enclose the slopes of both sides."""
    below, above = np.atleast_2d(np.asarray(lower, dtype=float)), np.atleast_2d(np.asarray(upper, dtype=float))
    parts = [bounds(expression.derivative(axis), below, above) for axis in range(len(below))]
    return np.array([low for low, _ in parts]), np.array([high for _, high in parts])


def _block(expression: Expression, lower: Floats, upper: Floats) -> tuple[Floats, Floats, Booleans, Floats]:
    slopes = np.zeros((2, *lower.shape))
    with np.errstate(all="ignore"):
        value, *derivatives = run_intervals(_tape(expression), lower, upper)
        low, high, continuous = value
        used = len(derivatives)
        if not derivatives:
            slopes[0, : expression.dimension], slopes[1, : expression.dimension] = -np.inf, np.inf
            return low, high, continuous, slopes
        for axis, (slope_low, slope_high, _) in enumerate(derivatives):
            slopes[0, axis] = np.where(continuous & ~np.isnan(slope_low), slope_low, -np.inf)
            slopes[1, axis] = np.where(continuous & ~np.isnan(slope_high), slope_high, np.inf)
        rising, falling = slopes[0, :used] >= 0.0, slopes[1, :used] <= 0.0
        centre = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
        radius = np.nextafter(np.maximum(upper - centre, centre - lower), np.inf)[:used]
        # products and sums of at most three terms
        steepest = np.maximum(np.abs(slopes[0, :used]), np.abs(slopes[1, :used]))
        reach = np.where(rising | falling, 0.0, steepest * radius).sum(axis=0) * (1.0 + 1e-14)
        usable = continuous & np.isfinite(reach)
        if usable.any():
            for up in (False, True):
                start = centre.copy()
                towards, away = (rising, falling) if up else (falling, rising)
                start[:used] = np.where(towards, upper[:used], np.where(away, lower[:used], centre[:used]))
                ((least, most, _),) = run_intervals(expression.tape(0), start, start)
                if up:
                    high = np.where(usable, np.fmin(high, np.nextafter(most + reach, np.inf)), high)
                else:
                    low = np.where(usable, np.fmax(low, np.nextafter(least - reach, -np.inf)), low)
    return low, high, continuous, slopes


def _tape(expression: Expression) -> Tape:
    """The formula and, where it can be differentiated, its partial derivatives, evaluated together."""
    try:
        return expression.tape(1)
    except ProblemError:
        return expression.tape(0)


def run_intervals(tape: Tape, lower: Floats, upper: Floats) -> Sequence[tuple[Floats, Floats, Booleans]]:
    """The natural interval extension of every function on a tape: low, high and where it is continuous, each (n,)."""
    count = lower.shape[1]
    registers: list[Any] = [Interval(lower[i], upper[i]) for i in range(tape.coordinates)]
    registers.extend(exact(c) for c in tape.constants)
    functions = unary()
    for instruction in tape.instructions:
        arguments = [registers[i] for i in instruction.arguments]
        if instruction.operation == "power":
            result = power(arguments[0], instruction.exponent)
        elif instruction.operation in CHOICES:
            result = select(*arguments)
        elif len(arguments) == 2:
            result = BINARY[instruction.operation](*arguments)
        else:
            result = functions[instruction.operation](*arguments)
        registers.append(result)
        for finished in instruction.last_used:
            registers[finished] = None
    outputs = [registers[i] for i in tape.outputs]
    return [
        (
            np.broadcast_to(np.asarray(out.low, dtype=float), count),
            np.broadcast_to(np.asarray(out.high, dtype=float), count),
            np.broadcast_to(np.asarray(out.continuous, dtype=bool), count),
        )
        for out in outputs
    ]
