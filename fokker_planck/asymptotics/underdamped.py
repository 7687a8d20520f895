"""Rates between all wells of a potential with momentum, and the small eigenvalues and times that follow.

For ``dx = v dt, dv = -grad V dt - gamma v dt + sqrt(2 gamma eps) dW`` and Phi = V/eps, over every saddle z

``k_ij = F lambda_+(z)/(2 pi) sqrt(det Hess Phi(x_i)/|det Hess Phi(z)|) exp(Phi(x_i) - Phi(z))``

with ``lambda_+`` of ``kramers_langer`` and, on a line, the factor F of ``melnikov_meshkov``; in several dimensions
F = 1, and what the wells lack at small friction is in the error.  Parallel saddles add.  The chain has the eigenvalues,
weights and times of ``eyring_kramers`` and ``markov_chain``: the weights are those of the overdamped process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, expm1, log, pi, sqrt
from typing import Literal

import numpy as np

from fokker_planck.asymptotics.anharmonicity import neglected
from fokker_planck.asymptotics.barrier_action import barrier_action, turning_point
from fokker_planck.asymptotics.depopulation import log_factor_between
from fokker_planck.asymptotics.eyring_kramers import LOWEST_BARRIER, eigenvalues, log_local_integral
from fokker_planck.asymptotics.kramers_langer import unstable_rate
from fokker_planck.asymptotics.markov_chain import log_hitting_time
from fokker_planck.asymptotics.melnikov_meshkov import separatrix_error
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.landscape.types import Landscape, Saddle
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass

Friction = float | Callable[[Floats], Floats]
"""gamma: a number, or a function of points (dim, n) with values (n,)."""

Regime = Literal["any", "large", "small"]
"""Of the friction that a formula is for: Mel'nikov and Meshkov's, or one of its limits, Kramers and Langer's and that
of energy diffusion."""

ANOTHER_EXIT = 5.0
"""Units of epsilon: a saddle so much higher than another takes less than a hundredth of what leaves a well."""


@dataclass(frozen=True, eq=False)
class KineticRates:
    """Rates between wells per unit of kinetic time.

    Parameters
    ----------
    logs
        their natural logarithms, from row to column; minus infinity for none, NaN where no formula applies
    errors
        relative, (K, K); zero where there is no rate
    """

    logs: Floats
    errors: Floats

    def rate(self, start: int, stop: int) -> Quantity | None:
        """The rate from one well to another; None where no saddle joins them or no formula applies."""
        log_rate = float(self.logs[start, stop])
        return Quantity.of_log(log_rate, float(self.errors[start, stop])) if np.isfinite(log_rate) else None


def kinetic_rates(
    landscape: Landscape, exponent: Function, friction: Friction, epsilon: float, regime: Regime = "any"
) -> KineticRates:
    """Rates between the wells of V with momentum.

    Parameters
    ----------
    landscape
        of Phi = V/eps
    exponent
        Phi itself
    friction
        gamma
    epsilon
        the temperature
    regime
        "large" for F = 1, "small" for ``lambda_+ F = omega_b d e/(d + e)``, on a line alone; the error then has how far
        the formula is from the one for any friction

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fokker_planck.landscape.finding.search import find_landscape, sample_box
    >>> phi = SimpleNamespace(value=lambda x: 5*(x[0]**2 - 1)**2, gradient=lambda x: 20*(x**3 - x),
    ...                       hessian=lambda x: 20*(3*x**2 - 1)[None])   # (x**2 - 1)**2/4 at eps = 1/20
    >>> wells = find_landscape(phi, *sample_box([-2.0], [2.0]))
    >>> k = kinetic_rates(wells, phi, 0.5, 1/20).rate(0, 1)
    >>> round(2.216814138511e-3 / (2 * k.value), 3)                       # lambda_1 by a spectral method
    0.955
    """
    return _rates(landscape, exponent, friction, epsilon, frozenset(), regime)


def kinetic_exit_time(
    landscape: Landscape,
    exponent: Function,
    friction: Friction,
    epsilon: float,
    start: int,
    targets: Sequence[int],
    returning: bool | None = None,
    regime: Regime = "any",
) -> Quantity | None:
    """The mean kinetic time from one well to any of others, ``1/k`` where there is one way.

    Parameters
    ----------
    landscape, exponent, friction, epsilon
        as in :func:`kinetic_rates`
    start
        the well in which the way begins
    targets
        wells that are left no more
    returning
        whether what has crossed the saddle may come back before it is absorbed, as for a small target at the bottom of
        a well, or is absorbed at once, as by a half space beyond the saddle. They differ where friction is small: F is
        ``Upsilon(d) Upsilon(e)/Upsilon(d + e)`` in the first case, ``Upsilon(d)`` in the other. Unsaid, the time is
        their geometric mean, with half of what is between them in the error.
    regime
        as in :func:`kinetic_rates`

    Notes
    -----
    None where a well on the way is shallower than half a unit of epsilon, or a critical point is degenerate.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fokker_planck.landscape.finding.search import find_landscape, sample_box
    >>> phi = SimpleNamespace(value=lambda x: 5*(x[0]**2 - 1)**2, gradient=lambda x: 20*(x**3 - x),
    ...                       hessian=lambda x: 20*(3*x**2 - 1)[None])   # (x**2 - 1)**2/4 at eps = 1/20
    >>> wells = find_landscape(phi, *sample_box([-2.0], [2.0]))
    >>> once, later = (kinetic_exit_time(wells, phi, 1e-6, 1/20, 0, [1], back).value for back in (False, True))
    >>> round(later / once, 2)
    2.0
    """
    inner = [well for well in range(len(landscape.minima)) if well not in set(targets)]
    if start not in inner:
        raise ProblemError("start", start, f"a well outside of the targets {sorted(targets)}")
    if min(landscape.barriers[well] for well in inner) < LOWEST_BARRIER:
        return None
    times, error = [], 0.0
    for absorbing in {None: (True, False), True: (False,), False: (True,)}[returning]:
        found = _rates(landscape, exponent, friction, epsilon, frozenset(targets) if absorbing else frozenset(), regime)
        out = np.logaddexp.reduce(found.logs[np.ix_(inner, list(targets))], axis=1)
        if np.isnan(found.logs).any() or not np.isfinite(out).any():
            return None
        times.append(log_hitting_time(found.logs[np.ix_(inner, inner)], out, inner.index(start)))
        error = max(error, float(found.errors[inner].max()))
    if not np.isfinite(times).all():
        return None
    half = 0.5 * (max(times) - min(times))
    # a rate that may be less by a part e is a time that may be longer by e/(1 - e)
    longer = error / (1.0 - error) if error < 1.0 else float("inf")
    return Quantity.of_log(0.5 * (max(times) + min(times)), longer + expm1(half))


def _rates(
    landscape: Landscape,
    exponent: Function,
    friction: Friction,
    epsilon: float,
    absorbing: frozenset[int],
    regime: Regime,
) -> KineticRates:
    """From wells that are ``absorbing`` nothing returns."""
    if not epsilon > 0.0:
        raise ProblemError("epsilon", epsilon, "a number > 0")
    count = len(landscape.minima)
    weights = [log_local_integral(minimum) for minimum in landscape.minima]
    logs, errors = np.full((count, count), -np.inf), np.zeros((count, count))
    for saddle in landscape.saddles:
        first, second = saddle.joins
        if first == second:
            continue
        gamma = float(friction(saddle.x[:, None])[0]) if callable(friction) else friction
        if not 0.0 < gamma < np.inf:
            raise ProblemError("friction", gamma, "a finite number > 0 at every saddle")
        capacity, lacking = float("nan"), 0.0
        if not saddle.degenerate:
            over = log(unstable_rate(_free_hessian(saddle) * epsilon, gamma))
            filling, lacking, losses = _filling(landscape, exponent, saddle, friction, gamma, epsilon, absorbing)
            if regime != "any":
                limit = _limit(saddle, regime, over, losses, epsilon)
                apart = over + filling - limit
                over, filling, lacking = limit, 0.0, lacking * exp(apart) + abs(expm1(apart))
            capacity = log_local_integral(saddle) + over - log(2.0 * pi) + filling
        for start, stop in ((first, second), (second, first)):
            minimum = landscape.minima[start]
            rough = neglected([minimum, saddle], exponent, landscape.frame)
            error = max(1.0 / max(saddle.value - minimum.value, 1e-3), rough) + lacking
            with np.errstate(invalid="ignore"):
                logs[start, stop] = np.logaddexp(logs[start, stop], capacity - weights[start])
            errors[start, stop] = max(errors[start, stop], error)
    return KineticRates(logs, errors)


def _limit(saddle: Saddle, regime: Regime, over: float, losses: Sequence[float], epsilon: float) -> float:
    """``ln lambda_+`` where friction is large, ``ln(omega_b d e/(d + e))`` where it is small; NaN beyond a line."""
    if regime == "large":
        return over
    if len(saddle.position) > 1:
        return float("nan")
    loss = losses[0] if len(losses) == 1 else losses[0] / (1.0 + losses[0] / losses[1])
    return 0.5 * log(-saddle.hessian_eigenvalues[0] * epsilon) + log(loss)


def kinetic_eigenvalues(
    landscape: Landscape,
    exponent: Function,
    friction: Friction,
    epsilon: float,
    count: int | None = None,
    regime: Regime = "any",
) -> list[Quantity | None]:
    """Small real eigenvalues of -L with momentum, the zero first, one for each well.

    None where a well is shallower than half a unit of epsilon, or a critical point is degenerate.  The stated error of
    every eigenvalue is the largest of all rates.
    """
    size = len(landscape.minima)
    zero = Quantity.of(0.0, 0.0)
    found = kinetic_rates(landscape, exponent, friction, epsilon, regime)
    if np.isnan(found.logs).any() or size == 1:
        values: list[Quantity | None] = [zero, *[None] * (size - 1)]
    else:
        weights = np.array([log_local_integral(minimum) for minimum in landscape.minima])
        errors = [0.0, *[float(found.errors.max())] * (size - 1)]
        barriers = sorted(landscape.barriers, reverse=True)
        chain = eigenvalues(found.logs, weights, relative_errors=errors)
        kept = [value if barrier >= LOWEST_BARRIER else None for value, barrier in zip(chain, barriers, strict=True)]
        values = [zero, *kept[1:]]
    return values if count is None else values[:count]


def _free_hessian(saddle: Saddle) -> Floats:
    """Hess Phi at a saddle, along the wall if a wall holds it."""
    hessian = np.array(saddle.hessian)
    normals = [n for n, slope in zip(saddle.wall_normals, saddle.wall_slopes, strict=True) if slope > 0.0]
    if not normals:
        return hessian
    along = np.linalg.qr(np.array(normals).T, mode="complete")[0][:, len(normals) :]
    if along.shape[1] == 1:  # the second derivative along a wall that may be curved
        return np.array([[saddle.hessian_eigenvalues[0]]])
    return np.asarray(along.T @ hessian @ along)


def _filling(
    landscape: Landscape,
    exponent: Function,
    saddle: Saddle,
    friction: Friction,
    gamma: float,
    epsilon: float,
    absorbing: frozenset[int],
) -> tuple[float, float, list[float]]:
    """ln F, the relative error of F, and the losses in units of epsilon."""
    wells = [landscape.minima[well] for well in saddle.joins]
    if len(saddle.position) > 1:
        # the fastest oscillation of either well as a parabola loses least on one way
        curvatures = [max(well.hessian_eigenvalues, default=0.0) for well in wells]  # none in a corner of walls
        if min(curvatures) <= 0.0:
            return 0.0, 1.0, []
        losses = [
            2.0 * pi * gamma * (saddle.value - well.value) / sqrt(curvature * epsilon)
            for well, curvature in zip(wells, curvatures, strict=True)
        ]
        return 0.0, -expm1(log_factor_between(losses[0], losses[1])), losses
    # in units of epsilon: p = sqrt(eps) p', so that the action in Phi carries a factor
    losses, another = [], False
    for well in sorted(set(saddle.joins) - absorbing) or saddle.joins[:1]:
        loss, more = _loss(landscape, exponent, saddle, well, friction)
        losses.append(loss / sqrt(epsilon))
        another |= more
    beyond = losses[1] if len(losses) > 1 else None
    filling = log_factor_between(losses[0], beyond)
    frequency = sqrt(-saddle.hessian_eigenvalues[0] * epsilon)
    error = separatrix_error(min(losses), frequency / gamma)
    if another:
        error += expm1(filling - log_factor_between(0.5 * losses[0], None if beyond is None else 0.5 * beyond))
    return filling, error, losses


def _loss(
    landscape: Landscape, exponent: Function, saddle: Saddle, well: int, friction: Friction
) -> tuple[float, bool]:
    """``closed integral of gamma sqrt(2 (Phi(z) - Phi)) dq`` into a well, and whether another saddle is a way out."""
    top, frame = saddle.position[0], landscape.frame
    period = frame.periods[0]
    bottom = landscape.minima[well].position[0]
    side = _side(saddle, landscape, well)
    if period is not None:
        bottom = top + side * float(np.mod(side * (bottom - top), period))
    ends = (frame.lower[0], frame.upper[0])
    wall = None if period is not None else ends[side > 0.0]

    def phi(x: Floats) -> Floats:
        return np.asarray(exponent.value(frame.wrapped(np.asarray(x)[None])))

    end = turning_point(phi, saddle.value, bottom, side, abs(bottom - top), wall)

    def gamma(x: Floats) -> Floats:
        return np.asarray(friction(frame.wrapped(x[None])) if callable(friction) else np.full(x.shape, friction))

    loss = float(barrier_action(phi, top, end, gamma))
    return loss, _second_exit(landscape, saddle, end, side)


def _side(saddle: Saddle, landscape: Landscape, well: int) -> float:
    """On which side of the saddle a well is: on a ring of two wells the unstable direction leads to the second."""
    if landscape.frame.periods[0] is None:
        return float(np.sign(landscape.minima[well].position[0] - saddle.position[0]))
    towards = float(np.sign(saddle.unstable_direction[0])) or 1.0
    return towards if well == saddle.joins[1] else -towards


def _second_exit(landscape: Landscape, saddle: Saddle, end: float, side: float) -> bool:
    """Whether a saddle on the way, or beyond the turning point, is nearly as high and leads out as well."""
    period = landscape.frame.periods[0]
    low, high = sorted((saddle.position[0], end))
    room = 1e-9 * landscape.frame.extent
    for other in landscape.saddles:
        near = other.value - saddle.value
        if other is saddle and period is None or abs(near) > ANOTHER_EXIT:
            continue
        shifts = (0.0,) if period is None else (-period, 0.0, period)
        for shift in shifts:
            place = other.position[0] + shift
            if low + room < place < high - room:
                return True
            if side * (place - end) >= -room and _first_beyond(landscape, other.position[0] + shift, end, side):
                return True
    return False


def _first_beyond(landscape: Landscape, place: float, end: float, side: float) -> bool:
    """Whether no minimum lies between the turning point and a saddle: the slope that turns the particle is its own."""
    period = landscape.frame.periods[0]
    shifts = (0.0,) if period is None else (-period, 0.0, period)
    minima = [minimum.position[0] + shift for minimum in landscape.minima for shift in shifts]
    return not any(0.0 < side * (minimum - end) and side * (place - minimum) > 0.0 for minimum in minima)
