"""The term of order eps that follows the Eyring-Kramers formula in one dimension.

``T = 2 pi / sqrt(V''(a) |V''(b)|) exp((V(b) - V(a))/eps) (1 + eps (A_a + A_b) + O(eps^2))``

with the well bottom a and the barrier top b, by Laplace's method to second order.
"""

from __future__ import annotations

from math import log, pi

from fokker_planck.quantity import Quantity


def well_term(second: float, third: float, fourth: float) -> float:
    """``A_a = 5 V'''^2 / (24 V''^3) - V'''' / (8 V''^2)`` from the derivatives of V at the bottom of a well.

    >>> well_term(2.0, 6.0, 6.0)  # (x**2 - 1)**2/4 at -1 and 1
    0.75
    """
    return 5.0 * third**2 / (24.0 * second**3) - fourth / (8.0 * second**2)


def barrier_term(second: float, third: float, fourth: float) -> float:
    """``A_b = 5 V'''^2 / (24 |V''|^3) + V'''' / (8 V''^2)`` from the derivatives of V at the top of a barrier.

    >>> barrier_term(-1.0, 0.0, 6.0)  # (x**2 - 1)**2/4 at 0
    0.75
    """
    return 5.0 * third**2 / (24.0 * abs(second) ** 3) + fourth / (8.0 * second**2)


def mean_crossing_time(
    barrier: float, well: tuple[float, float, float], top: tuple[float, float, float], epsilon: float
) -> Quantity:
    """The mean time from the bottom of a well over a barrier and far beyond, to second order in one dimension.

    Parameters
    ----------
    barrier
        V(b) - V(a).
    well
        second, third and fourth derivative of V at a.
    top
        the same at b.
    epsilon
        noise level.

    Returns
    -------
    Quantity
        The time, with the square of the term of order eps as its error.

    Examples
    --------
    >>> quartic = mean_crossing_time(0.25, (2.0, -6.0, 6.0), (-1.0, 0.0, 6.0), 1 / 400)
    >>> round(quartic.log - log(1.198831920041948353544300e44), 4)  # the exact time at eps = 1/400
    -0.0
    """
    term = epsilon * (well_term(*well) + barrier_term(*top))
    if term <= -1.0:
        return Quantity.of_log(log(2.0 * pi) - 0.5 * log(well[0] * abs(top[0])) + barrier / epsilon, 1.0)
    leading = log(2.0 * pi) - 0.5 * log(well[0] * abs(top[0])) + barrier / epsilon
    return Quantity.of_log(leading + log(1.0 + term), 4.0 * term**2)
