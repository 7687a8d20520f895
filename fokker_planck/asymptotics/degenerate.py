"""Mean crossing times over saddles with a quartic direction, where the Eyring-Kramers formula diverges or vanishes.

In all of them ``T = int_well exp(-V/eps) / cap``, ``cap = eps int_across exp(-V/eps) / int_along exp(V/eps)``.
Source: Berglund and Gentz, Markov Process. Relat. Fields 16 (2010) 549, re-derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gamma, log, pi

import numpy as np

from fokker_planck.quantity import Quantity


def quartic_across(
    quartic: float, unstable: float, stable: Sequence[float], well: Sequence[float], barrier: float, epsilon: float
) -> Quantity:
    """V = -|l1| y1^2/2 + C4 y2^4 + sum_{j>=3} l_j y_j^2/2 at the saddle: a stable direction is quartic.

    ``T = 2 C4^(1/4) eps^(1/4) / Gamma(1/4) sqrt((2 pi)^3 l3...ld / (|l1| det Hess V(x))) exp(barrier/eps)``

    Parameters
    ----------
    quartic
        C4 > 0.
    unstable
        l1 < 0.
    stable
        l3, ..., ld.
    well
        Hessian eigenvalues at the bottom of the well, d of them.
    barrier
        V(z) - V(x).
    epsilon
        noise level.

    Examples
    --------
    >>> flat = quartic_across(0.25, -1.0, [], [2.0, 1.0], 0.25, 1e-2)
    >>> well, along, across = pi * 0.02 / 2**0.5, (pi * 0.02)**0.5, gamma(0.25) / 2 * 0.04**0.25  # int exp(-y^4/4eps)
    >>> round(flat.log - 25.0 - log(well * along / (0.01 * across)), 12)
    0.0
    """
    prefactor = log(2.0) + 0.25 * log(quartic * epsilon) - log(gamma(0.25))
    root = 3.0 * log(2.0 * pi) + _log_product(stable) - log(abs(unstable)) - _log_product(well)
    return Quantity.of_log(prefactor + 0.5 * root + barrier / epsilon, _error(barrier, epsilon))


def quartic_along(
    quartic: float, stable: Sequence[float], well: Sequence[float], barrier: float, epsilon: float
) -> Quantity:
    """V = -C4 y1^4 + sum_{j>=2} l_j y_j^2/2 at the saddle: the unstable direction is quartic.

    ``T = Gamma(1/4) / (2 C4^(1/4) eps^(1/4)) sqrt(2 pi l2...ld / det Hess V(x)) exp(barrier/eps)``

    >>> top = quartic_along(1.0, [], [2.0], 1.0, 1e-2)
    >>> round(top.log - 100.0 - log((pi * 0.01)**0.5 * gamma(0.25) / 2 * 0.01**0.25 / 0.01), 12)  # int exp(-x^4/eps)
    0.0
    """
    prefactor = log(gamma(0.25)) - log(2.0) - 0.25 * log(quartic * epsilon)
    root = log(2.0 * pi) + _log_product(stable) - _log_product(well)
    return Quantity.of_log(prefactor + 0.5 * root + barrier / epsilon, _error(barrier, epsilon))


def log_quartic_integral(second: float, fourth: float) -> float:
    """log of ``int exp(-(a y^2 + b y^4)) dy`` over the line, a of either sign, b > 0.

    ``sqrt(a/b)/2 e^q K_1/4(q)`` for a > 0, ``pi/2 sqrt(|a|/(2 b)) e^q (I_1/4(q) + I_-1/4(q))`` for a < 0,
    q = a^2/(8 b): the crossover between a Gaussian and a quartic direction, and beyond it to a pair of saddles.

    >>> round(log_quartic_integral(0.0, 1.0), 9) == round(log(gamma(0.25) / 2), 9)
    True
    >>> round(log_quartic_integral(1.0, 1e-12), 9) == round(0.5 * log(pi), 9)
    True
    """
    from scipy.special import ive, kve

    q = second**2 / (8.0 * fourth)
    if q < 1e-12:
        # The first two terms of the power series in a.
        leading = gamma(0.25) / 2.0 * fourth**-0.25
        return log(leading - second * gamma(0.75) / 2.0 * fourth**-0.75)
    if q > 1e8:
        # Gaussian, one well or two.
        return 0.5 * log(pi / second) if second > 0.0 else 2.0 * q + 0.5 * log(2.0 * pi / abs(second))
    if second > 0.0:
        return 0.5 * log(second / fourth) - log(2.0) + log(float(kve(0.25, q)))
    bessel = float(ive(0.25, q) + ive(-0.25, q))
    return log(0.5 * pi) + 0.5 * log(abs(second) / (2.0 * fourth)) + 2.0 * q + log(bessel)


def pitchfork_across(
    second: float,
    quartic: float,
    unstable: float,
    stable: Sequence[float],
    well: Sequence[float],
    barrier: float,
    epsilon: float,
) -> Quantity:
    """V = -|l1| y1^2/2 + l2 y2^2/2 + C4 y2^4 + ... with l2 small, of either sign: all of the pitchfork in one formula.

    Below it (l2 < 0) the point is no saddle but the ridge between two, whose rates add.

    >>> at, near = (pitchfork_across(l2, 0.25, -1.0, [], [2.0, 1.0], 0.25, 1e-2).log for l2 in (0.0, 1e-9))
    >>> abs(at - quartic_across(0.25, -1.0, [], [2.0, 1.0], 0.25, 1e-2).log) < 1e-12, abs(at - near) < 1e-7
    (True, True)
    """
    # int exp(-(l2 y^2/2 + C4 y^4)/eps) dy
    across = log_quartic_integral(0.5 * second / epsilon, quartic / epsilon)
    others = 0.5 * (len(stable) * log(2.0 * pi * epsilon) - _log_product(stable))
    along = 0.5 * log(2.0 * pi * epsilon / abs(unstable))
    inside = 0.5 * (len(well) * log(2.0 * pi * epsilon) - _log_product(well))
    log_time = inside + along - across - others - log(epsilon) + barrier / epsilon
    return Quantity.of_log(log_time, _error(barrier, epsilon))


def _log_product(numbers: Sequence[float]) -> float:
    return float(np.sum(np.log(np.asarray(numbers, dtype=float))))


def _error(barrier: float, epsilon: float) -> float:
    """The first neglected term is of the relative order (eps/barrier)^(1/2)."""
    return float((epsilon / barrier) ** 0.5) if barrier > 0.0 else float("nan")
