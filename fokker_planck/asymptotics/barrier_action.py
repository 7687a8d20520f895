"""The action at the energy of the saddle, and the energy that friction takes on that way.

``I_b = closed integral of p dq = 2 int_saddle^end sqrt(2 (V(saddle) - V(q))) dq``

from the saddle to the turning point behind the minimum, where V is as high as at the saddle, or to a reflecting wall,
which turns the velocity around.  A particle that starts over the saddle at rest loses ``closed integral of gamma p dq``
before it is back: ``gamma I_b`` for a constant friction.  Source: Kramers, Physica 7 (1940) 284, on small viscosity.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity

LineFunction = Callable[[Floats], Floats]

STEPS = 64
"""Parts of the distance from saddle to minimum in which the way outwards is searched for the turning point: what is
narrower is not seen, unless the quadrature meets it."""
GROWTH = 1.05
"""Of the steps after that: a turning point a million times further than the minimum takes 400 of them."""
MOST_STEPS = 1000
"""Of these: 1e20 times the distance from saddle to minimum, where nothing that holds is left."""
HALVES = ((0.0, 0.5 * np.pi), (0.5 * np.pi, np.pi))
"""Of the angle by which the way from saddle to turning point is told: the bottom of a parabola is between them."""
ABOVE = 1e-9
"""Of the depth of the well: V may be so far above the saddle on the way, and a peak so far below it is a turning point:
what the formulas for the rate make of it differs by rounding."""


def barrier_action(
    potential: LineFunction, saddle: float, end: float, friction: LineFunction | None = None
) -> Quantity:
    """``closed integral of gamma(q) p dq = 2 |int_saddle^end gamma sqrt(2 (V(saddle) - V)) dq|``.

    Parameters
    ----------
    potential
        V at points (n,)
    saddle, end
        the turning point, or wall, behind the well
    friction
        gamma at points (n,); without it the action

    Raises
    ------
    ProblemError
        Where V is higher than at the saddle on the way.

    Examples
    --------
    >>> quartic = barrier_action(lambda x: (x**2 - 1)**2/4, 0.0, 2**0.5)
    >>> round(quartic.value, 12), quartic.relative_error < 1e-9
    (1.333333333333, True)
    """
    height, half = _at(potential, saddle), 0.5 * (end - saddle)
    # the depth of the well, known before rounding at its ends is judged by it
    lowest = min(height, _at(potential, saddle + half))

    def integrand(angle: float) -> float:
        nonlocal lowest
        # dq = sin(angle) d(angle) takes the root at the turning point away
        place = saddle + half * (1.0 - np.cos(angle))
        value = _at(potential, place)
        lowest = min(lowest, value)
        if not value - height <= ABOVE * (height - lowest) + 1e-14 * abs(height):
            raise ProblemError("end", end, f"a well below the saddle; V at {place:.6g} is {value:.6g}")
        loss = 1.0 if friction is None else _at(friction, place)
        return float(2.0 * np.sqrt(2.0 * max(height - value, 0.0)) * abs(half) * np.sin(angle) * loss)

    from scipy.integrate import quad

    parts = [quad(integrand, *ends, epsabs=0.0, epsrel=1e-12, limit=400, full_output=1)[:2] for ends in HALVES]
    value, error = sum(part[0] for part in parts), sum(part[1] for part in parts)
    if not (np.isfinite(value) and value > 0.0):
        raise ConvergenceError(f"the action from {saddle} to {end} is {value}", "a V that is finite on the way")
    return Quantity.of(value, max(error / value, 1e-15))


def well_action(
    potential: LineFunction,
    saddle: float,
    minimum: float,
    wall: float | None = None,
    friction: LineFunction | None = None,
) -> Quantity:
    """:func:`barrier_action` of the well around a minimum, its turning point found.

    Parameters
    ----------
    potential, saddle, friction
        as in :func:`barrier_action`
    minimum
        any point of the well that is lower than the saddle
    wall
        a reflecting wall behind the minimum, if there is one

    Examples
    --------
    >>> round(well_action(lambda x: x**2/2 - x**3/3, 1.0, 0.0).value, 12)            # cubic: 6/5
    1.2
    >>> round(well_action(lambda x: (x**2 - 1)**2/4, 0.0, 1.0, wall=1.0).value, 12)  # (4/3)(1 - 2^(-3/2))
    0.861928812542
    """
    height = _at(potential, saddle)
    if not _at(potential, minimum) < height:
        raise ProblemError("minimum", minimum, f"a point where V is lower than at the saddle {saddle}")
    side, length = (1.0 if minimum > saddle else -1.0), abs(minimum - saddle)
    return barrier_action(potential, saddle, turning_point(potential, height, minimum, side, length, wall), friction)


def turning_point(
    potential: LineFunction, height: float, minimum: float, side: float, length: float, wall: float | None = None
) -> float:
    """Where V first is ``height`` on one side of a minimum, or the wall if that comes first.

    Parameters
    ----------
    potential
        V at points (n,)
    height
        that V is to have
    minimum
        where the way begins
    side
        1 to the right, -1 to the left
    length
        over which V changes
    wall
        a reflecting wall behind the minimum, if there is one

    Raises
    ------
    ProblemError
        Where there is neither.

    Examples
    --------
    >>> round(turning_point(lambda x: (x**2 - 1)**2/4, 0.25, 1.0, 1.0, 1.0) ** 2, 12)
    2.0
    """
    from scipy.optimize import minimize_scalar

    last = inf if wall is None else side * (wall - minimum)
    if last < 0.0:
        raise ProblemError("wall", wall, f"a wall behind the minimum {minimum}")
    reach = length / STEPS * GROWTH ** np.maximum(np.arange(MOST_STEPS) - STEPS, 0)
    steps = np.minimum(np.concatenate([[0.0], np.cumsum(reach)]), last)
    if wall is not None:
        steps = steps[: int(np.argmax(steps == last)) + 1]

    def rise(step: float) -> float:
        return _at(potential, minimum + side * step) - height

    depth, rises = -rise(0.0), [rise(0.0)]
    for number, step in enumerate(steps[1:].tolist(), start=1):
        rises.append(rise(step))
        if rises[-1] >= 0.0:
            return minimum + side * _crossing(rise, float(steps[number - 1]), step)
        if number > 1 and rises[-2] > max(rises[-3], rises[-1]):
            # a peak between the steps, as high as the saddle perhaps
            ends = float(steps[number - 2]), step
            peak = minimize_scalar(lambda s: -rise(s), bounds=ends, method="bounded", options={"xatol": 1e-9 * length})
            if -peak.fun >= 0.0:
                return minimum + side * _crossing(rise, ends[0], float(peak.x))
            if -peak.fun >= -ABOVE * depth:
                return minimum + side * float(peak.x)
    if wall is None:
        raise ProblemError("minimum", minimum, "a well in which V rises to the height of the saddle, or a wall")
    return float(wall)


def _crossing(rise: Callable[[float], float], below: float, above: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(rise, below, above, xtol=1e-300, rtol=1e-15))


def _at(function: LineFunction, place: float) -> float:
    return float(function(np.array([place]))[0])
