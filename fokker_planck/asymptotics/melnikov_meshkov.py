"""The rate over a saddle of the line with momentum, for any friction: Mel'nikov and Meshkov, and its limit gamma -> 0.

``k = (lambda_+/omega_b) (omega_a/(2 pi)) F exp(-dV/eps)``,

``F = Upsilon(d)`` out of a metastable well, ``F = Upsilon(d) Upsilon(e)/Upsilon(d + e)`` between two wells, d and e the
energies in units of epsilon that friction takes from the saddle through the one well and the other (``depopulation``).
For large friction F = 1 (``kramers_langer``); for small friction the energy diffuses,

``k = (gamma I_b/eps) (omega_a/(2 pi)) exp(-dV/eps)``    (metastable; two wells: I_b J_b/(I_b + J_b) for I_b)

with I_b and J_b the actions of the wells at the energy of the saddle (``barrier_action``).  Between lies the turnover.

It knows one way out of a well.  Where a second saddle is as high, or the turning point is one, friction counts from
saddle to saddle, and the factor lies between that of the whole loss and of its half.

Source: Kramers, Physica 7 (1940) 284, equations 25 and 28; Mel'nikov and Meshkov, J. Chem. Phys. 85 (1986) 1018;
Mel'nikov, Phys. Rep. 209 (1991) 1; Haenggi, Talkner and Borkovec, Rev. Mod. Phys. 62 (1990) 251, sections IV to VI.
"""

from __future__ import annotations

from math import exp, expm1, log, log1p, pi

import numpy as np

from fokker_planck.asymptotics.barrier_action import LineFunction, well_action
from fokker_planck.asymptotics.depopulation import factor, log_factor_between
from fokker_planck.asymptotics.kramers_langer import unstable_rate
from fokker_planck.errors import ProblemError
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass

SEPARATRIX = 16.0
"""In the logarithm of the time that orbits near the separatrix take, ``ln(16 omega_b I_b/eps)/omega_b``: that of the
quartic well.  What is neglected there is 4.4 eps of the rate at eps = 1/40, friction 0.02; the bar is twice that."""


@dataclass(frozen=True)
class LineBarrier:
    """A well of the line, the saddle out of it, and what friction does there.

    Parameters
    ----------
    height
        V(saddle) - V(minimum)
    well_frequency, saddle_frequency
        omega_a = sqrt(V''(minimum)), omega_b = sqrt(-V''(saddle))
    friction
        gamma at the saddle
    loss
        the energy lost from the saddle through the well and back, gamma I_b for a constant friction
    loss_beyond
        the same in the well on the other side; None where nothing returns from there
    """

    height: float
    well_frequency: float
    saddle_frequency: float
    friction: float
    loss: float
    loss_beyond: float | None = None

    def __post_init__(self) -> None:
        beyond = 1.0 if self.loss_beyond is None else self.loss_beyond
        for name in ("height", "well_frequency", "saddle_frequency", "friction", "loss"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise ProblemError(name, getattr(self, name), "a finite number > 0")
        if not 0.0 < beyond < np.inf:
            raise ProblemError("loss_beyond", beyond, "a finite number > 0, or nothing")


def line_barrier(
    potential: LineFunction,
    curvature: LineFunction,
    saddle: float,
    minimum: float,
    friction: float | LineFunction,
    beyond: float | None = None,
    walls: tuple[float | None, float | None] = (None, None),
) -> LineBarrier:
    """The numbers of a barrier from V and V''.

    Parameters
    ----------
    potential, curvature
        V and V'' at points (n,)
    saddle, minimum
        where the way out begins and ends
    friction
        gamma, a number or a function of points (n,)
    beyond
        the minimum on the other side of the saddle, if what has crossed may return
    walls
        reflecting walls on the left and on the right

    Examples
    --------
    >>> quartic = line_barrier(lambda x: (x**2 - 1)**2/4, lambda x: 3*x**2 - 1, 0.0, -1.0, 0.5, beyond=1.0)
    >>> quartic.height, round(quartic.well_frequency**2, 12), quartic.saddle_frequency
    (0.25, 2.0, 1.0)
    >>> round(quartic.loss, 12), round(quartic.loss_beyond, 12)           # gamma 4/3
    (0.666666666667, 0.666666666667)
    """
    places = np.array([saddle, minimum])
    (top, bottom), (at_saddle, at_minimum) = potential(places).tolist(), curvature(places).tolist()
    if not (at_saddle < 0.0 < at_minimum):
        raise ProblemError("saddle, minimum", (saddle, minimum), "V'' < 0 at the one and > 0 at the other")

    def lost(well: float) -> float:
        wall = walls[1] if well > saddle else walls[0]
        if callable(friction):
            return float(well_action(potential, saddle, well, wall, friction))
        return friction * float(well_action(potential, saddle, well, wall))

    return LineBarrier(
        height=top - bottom,
        well_frequency=float(np.sqrt(at_minimum)),
        saddle_frequency=float(np.sqrt(-at_saddle)),
        friction=float(friction(places[:1])[0]) if callable(friction) else friction,
        loss=lost(minimum),
        loss_beyond=None if beyond is None else lost(beyond),
    )


def rate(barrier: LineBarrier, epsilon: float) -> Quantity:
    """``k = (lambda_+/omega_b) (omega_a/(2 pi)) F exp(-dV/eps)`` per unit of kinetic time, for any friction.

    The smallest eigenvalue of a symmetric double well is 2 k.  The error is stated as epsilon over the barrier, and at
    small friction that of the orbits near the separatrix beside it: of the quartic well 0.80 to 1.17 of the formula was
    found at barriers of 2 to 14 units of epsilon and frictions 0.02 to 10, always within.

    >>> quartic = LineBarrier(0.25, 2**0.5, 1.0, friction=0.5, loss=2/3, loss_beyond=2/3)
    >>> round(2.216814138511e-3 / (2 * rate(quartic, 1/20).value), 3)         # lambda_1 by a spectral method
    0.955
    """
    return Quantity.of_log(_log_rate(barrier, epsilon), _error(barrier, epsilon))


def energy_diffusion_rate(barrier: LineBarrier, epsilon: float) -> Quantity:
    """``k = (gamma I_b/eps) (omega_a/(2 pi)) exp(-dV/eps)``: the limit of small friction, ``gamma I_b`` the loss d.

    Between two wells with losses d and e, ``d e/(d + e)`` for d.  The error is that of :func:`rate` and how far the two
    are apart: 8 % where friction takes 1/100 of a unit of epsilon, with the root of that.

    >>> alone, double = (LineBarrier(0.25, 2**0.5, 1.0, 1e-4, 4e-4/3, beyond) for beyond in (None, 4e-4/3))
    >>> round(energy_diffusion_rate(alone, 1/20).ratio(energy_diffusion_rate(double, 1/20)), 12)
    2.0
    """
    _positive(epsilon)
    loss = barrier.loss
    if barrier.loss_beyond is not None:
        loss = barrier.loss / (1.0 + barrier.loss / barrier.loss_beyond)
    value = log(loss / epsilon * barrier.well_frequency / (2.0 * pi)) - barrier.height / epsilon
    apart = _log_rate(barrier, epsilon) - value
    return Quantity.of_log(value, exp(apart) * _error(barrier, epsilon) + abs(expm1(apart)))


def kramers_rate(barrier: LineBarrier, epsilon: float) -> Quantity:
    """``k = (lambda_+/omega_b) (omega_a/(2 pi)) exp(-dV/eps)``: F = 1, for losses far beyond a unit of epsilon.

    The error is that of :func:`rate` and how far the two are apart.

    >>> quartic = LineBarrier(0.25, 2**0.5, 1.0, friction=1.5, loss=2.0, loss_beyond=2.0)
    >>> round(kramers_rate(quartic, 1/20).log + 5.0 - log(2**0.5 / (4 * pi)), 12)     # lambda_+ = 1/2
    0.0
    """
    apart = _log_filling(barrier, epsilon)
    error = exp(apart) * _error(barrier, epsilon) - expm1(apart)
    return Quantity.of_log(_log_rate(barrier, epsilon) - apart, error)


def _log_rate(barrier: LineBarrier, epsilon: float) -> float:
    over = unstable_rate(-(barrier.saddle_frequency**2), barrier.friction) / barrier.saddle_frequency
    attempts = barrier.well_frequency / (2.0 * pi)
    return log(over * attempts) + _log_filling(barrier, epsilon) - barrier.height / epsilon


def _log_filling(barrier: LineBarrier, epsilon: float) -> float:
    _positive(epsilon)
    beyond = None if barrier.loss_beyond is None else barrier.loss_beyond / epsilon
    return log_factor_between(barrier.loss / epsilon, beyond)


def separatrix_error(loss: float, turns: float) -> float:
    """``(1 - Upsilon(d)) (1 + ln(1 + 16 S))/S, S = d omega_b/gamma``: what orbits near the separatrix change.

    Orbits an energy eps below the saddle take ``ln(16 S)/omega_b`` longer than the loss on the separatrix knows of; it
    matters as far as the well is depopulated.

    Parameters
    ----------
    loss
        d, in units of epsilon
    turns
        omega_b/gamma
    """
    width = loss * turns
    return (1.0 - factor(loss)) * (1.0 + log1p(SEPARATRIX * width)) / width


def _error(barrier: LineBarrier, epsilon: float) -> float:
    loss = barrier.loss if barrier.loss_beyond is None else min(barrier.loss, barrier.loss_beyond)
    turns = barrier.saddle_frequency / barrier.friction
    return epsilon / barrier.height + separatrix_error(loss / epsilon, turns)


def _positive(epsilon: float) -> None:
    if not epsilon > 0.0:
        raise ProblemError("epsilon", epsilon, "a number > 0")
