"""More exact answers on a line: stationary density, hitting probabilities, flows between points, bounds of a rate.

With the scale density ``e^s`` and the speed density ``e^m`` of :class:`Line`, ``Z = int e^m``, for a < b:

- ``q(x) = int_a^x e^s / int_a^b e^s`` is the probability to meet b before a: the committor, 0 at a, 1 at b;
- ``1/(Z int_a^b e^s)`` is the number of transitions from a to b per unit time;
- with T(x) the mean time to the absorbing points and averages over the normalised density between them, the smallest
  eigenvalue of -L with these points absorbing is enclosed by ``1/max T <= lambda <= <T>/<T^2> <= 1/<T>``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.asymptotics.line_quadrature import LineFunction, gauss, log_integral
from fokker_planck.asymptotics.one_dimensional import Line, multiplicative
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity


def drifting(
    drift: LineFunction,
    diffusion: LineFunction,
    lower: float,
    upper: float,
    alpha: float = 0.0,
    breaks: Sequence[float] = (),
) -> Line:
    """dX = b(X) dt + sqrt(2 D(X)) dW, the noise read with alpha = 0 (Ito), 1/2 (Stratonovich), 1 (Klimontovich).

    A line has a potential whatever b and D are: ``V' = -b``.

    >>> jacobi = drifting(lambda x: -x, lambda x: 0.1 * (1 - x**2), -0.9, 0.9)
    >>> round(jacobi.probability(-0.9, 0.0).value, 12)
    0.5
    """
    return multiplicative(lambda x: -drift(x), diffusion, lower, upper, alpha, breaks)


def log_density(line: Line, x: Floats) -> Floats:
    """log of the stationary density at points (n,), its integral over the line being one.

    >>> from fokker_planck.asymptotics.one_dimensional import isotropic
    >>> gaussian = isotropic(lambda x: x**2 / 2, 0.5, -12.0, 12.0)
    >>> round(float(np.exp(log_density(gaussian, np.array([0.0]))[0])) * np.pi**0.5, 13)
    1.0
    """
    return np.asarray(line.log_speed(np.asarray(x, dtype=float)) - line.log_mass(line.lower, line.upper))


def well_probabilities(line: Line, tops: Sequence[float]) -> tuple[Quantity, ...]:
    """Stationary probabilities of the intervals into which the ``tops`` divide the line, from left to right."""
    ends = [line.lower, *sorted(tops), line.upper]
    return tuple(line.probability(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True))


def hitting_probability(line: Line, start: float, left: float, right: float, first: str = "right") -> Quantity:
    """The probability to meet the point on the right before that on the left; of the other if ``first`` is "left".

    Ask for the small one of the two: the other is one minus it.

    >>> flat = multiplicative(lambda x: 0.0 * x, lambda x: 1.0 + 0.0 * x, 0.0, 1.0)
    >>> round(hitting_probability(flat, 0.25, 0.0, 1.0).value, 14)
    0.25
    """
    if first not in ("left", "right"):
        raise ValueError(f'first is "left" or "right", not {first!r}')
    _check(line, left, right)
    if not left <= start <= right:
        raise ValueError(f"the start {start} is not between {left} and {right}")
    near, far = (left, start) if first == "right" else (start, right)

    def log_value(some: Line) -> float:
        part = log_integral(some.log_scale, some.panels(near, far), some.order)
        return part - log_integral(some.log_scale, some.panels(left, right), some.order)

    return line.estimated(log_value)


def transition_rate(line: Line, left: float, right: float) -> Quantity:
    """How often per unit time the stationary process goes from one point to the other; as often back.

    Source: E and Vanden-Eijnden, J. Stat. Phys. 123 (2006) 503, in one dimension.

    >>> from fokker_planck.asymptotics.one_dimensional import isotropic
    >>> quartic = isotropic(lambda x: (x**2 - 1)**2 / 4, 1 / 20, -2.0, 2.0)
    >>> there = quartic.mean_exit_time(-1.0, right=1.0).value
    >>> round(2.0 * there * transition_rate(quartic, -1.0, 1.0).value, 12)  # there and back, over and over
    1.0
    """
    _check(line, left, right)

    def log_value(some: Line) -> float:
        resistance = log_integral(some.log_scale, some.panels(left, right), some.order)
        return -resistance - some.log_mass(some.lower, some.upper)

    return line.estimated(log_value)


def probability_last_left(line: Line, left: float, right: float) -> Quantity:
    """The share of time in which the point on the left was met more recently than that on the right."""
    _check(line, left, right)

    def log_value(some: Line) -> float:
        x, weights, _before, after, whole = _cumulative(some, some.log_scale, some.panels(left, right))
        between = _log_sum(weights + some.log_speed(x) + after - whole)
        return float(np.logaddexp(between, some.log_mass(some.lower, left)) - some.log_mass(some.lower, some.upper))

    return line.estimated(log_value)


def probability_reactive(line: Line, left: float, right: float) -> Quantity:
    """The share of time spent on the way from the point on the left to that on the right; as much on the way back."""
    _check(line, left, right)

    def log_value(some: Line) -> float:
        x, weights, before, after, whole = _cumulative(some, some.log_scale, some.panels(left, right))
        between = _log_sum(weights + some.log_speed(x) + before + after - 2.0 * whole)
        return between - some.log_mass(some.lower, some.upper)

    return line.estimated(log_value)


def eigenvalue_bounds(line: Line, left: float | None = None, right: float | None = None) -> tuple[Quantity, Quantity]:
    """Bounds ``1/max T`` and ``<T>/<T^2>`` of the smallest eigenvalue with one or two absorbing points.

    A side without absorbing point reflects at the end of the line.  In a well with a high barrier both bounds are the
    rate of leaving it, the lower one up to a term of the size of exp(-barrier).

    >>> brownian = multiplicative(lambda x: 0.0 * x, lambda x: 1.0 + 0.0 * x, 0.0, 1.0)
    >>> low, high = eigenvalue_bounds(brownian, 0.0, 1.0)  # the eigenvalue is pi^2
    >>> round(low.value, 10), round(high.value, 10)
    (8.0, 10.0)
    """
    if left is None and right is None:
        raise ValueError("no absorbing point")
    low = line.lower if left is None else left
    high = line.upper if right is None else right
    _check(line, low, high)

    def averages(some: Line) -> tuple[float, float, float, float]:
        x, weights, times = log_exit_times(some, left, right)
        density = weights + some.log_speed(x)
        return _log_sum(density), _log_sum(density + times), _log_sum(density + 2.0 * times), float(x[np.argmax(times)])

    def upper(some: Line) -> float:
        _mass, first, second, _longest = averages(some)
        return first - second

    if left is None or right is None:
        longest = low if left is None else high
    else:
        from scipy.optimize import minimize_scalar

        guess = averages(line)[3]
        span = 0.05 * (high - low)
        bracket = (max(low, guess - span), min(high, guess + span))
        found = minimize_scalar(
            lambda x: -(line.mean_exit_time(float(x), left, right).log or -np.inf),
            bounds=bracket,
            method="bounded",
            options={"xatol": 1e-9 * (high - low)},
        )
        longest = float(found.x)
    return line.mean_exit_time(longest, left, right).reciprocal(), line.estimated(upper)


def log_exit_times(line: Line, left: float | None, right: float | None) -> tuple[Floats, Floats, Floats]:
    """Points between the absorbing ones, logarithms of weights of a quadrature on them, and log T there, (n,) each."""
    ends = line.panels(line.lower if left is None else left, line.upper if right is None else right)
    x, weights, mass_before, mass_after, _mass = _cumulative(line, line.log_speed, ends)
    scale = line.log_scale(x)
    if left is None or right is None:
        inner = mass_before if left is None else mass_after
        _x, _w, before, after, _all = _cumulative_values(scale + inner, ends, line.order)
        return x, weights, after if left is None else before
    _x, _w, scale_before, scale_after, whole = _cumulative_values(scale, ends, line.order)
    speed = line.log_speed(x)
    _x, _w, below, _above, _all = _cumulative_values(speed + scale_before, ends, line.order)
    _x, _w, _below, above, _all = _cumulative_values(speed + scale_after, ends, line.order)
    return x, weights, np.logaddexp(scale_after + below, scale_before + above) - whole


def _check(line: Line, left: float, right: float) -> None:
    if not line.lower <= left < right <= line.upper:
        raise ValueError(f"wanted {line.lower} <= left < right <= {line.upper}, found left {left}, right {right}")


def _log_sum(logs: Floats) -> float:
    top = float(logs.max())
    return float(np.log(np.sum(np.exp(logs - top))) + top)


def _cumulative(line: Line, exponent: LineFunction, ends: Floats) -> tuple[Floats, Floats, Floats, Floats, float]:
    nodes, _weights, _matrix = gauss(line.order)
    x = (ends[:-1, None] + np.diff(ends)[:, None] * nodes).ravel()
    return _cumulative_values(exponent(x), ends, line.order)


def _cumulative_values(values: Floats, ends: Floats, order: int) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Nodes, log weights, and logs of the integrals of exp(values) up to each node, from it on, and of all."""
    nodes, weights, matrix = gauss(order)
    width = np.diff(ends)[:, None]
    x = ends[:-1, None] + width * nodes
    table = values.reshape(x.shape)
    top = table.max(axis=1, keepdims=True)
    relative = np.exp(table - top)
    with np.errstate(divide="ignore"):
        panel = np.log(relative @ weights * width[:, 0]) + top[:, 0]
        before = np.log(np.maximum(relative @ matrix.T, 0.0) * width) + top
        # The nodes lie symmetrically: integrals from a node on are those up to its mirror image of the mirrored values.
        after = np.log(np.maximum(relative[:, ::-1] @ matrix.T, 0.0)[:, ::-1] * width) + top
    left = np.concatenate([[-np.inf], np.logaddexp.accumulate(panel)])
    right = np.concatenate([np.logaddexp.accumulate(panel[::-1])[::-1], [-np.inf]])
    before = np.logaddexp(before, left[:-1, None])
    after = np.logaddexp(after, right[1:, None])
    return x.ravel(), np.log(weights * width).ravel(), before.ravel(), after.ravel(), float(left[-1])
