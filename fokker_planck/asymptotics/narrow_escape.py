"""Narrow escape: the time a free particle takes to find a small window in a reflecting wall.

Disc of radius R, diffusion constant D, window an arc of half-angle a; exact for every a:

- from the centre ``T = (R^2/D) [1/4 - ln sin(a/2)]``,
- on average over the disc ``T = (R^2/D) [1/8 - ln sin(a/2)]``,
- from the point opposite to the window, the longest of all, ``T = (R^2/D) ln cot(a/4)``.

Ball of radius R and volume W, window a round cap of radius a: ``T = W/(4 D a) [1 + (a/(pi R)) ln(R/a) + O(a)]``.

Sources: Singer, Schuss and Holcman, J. Stat. Phys. 122 (2006) 437 (ball) and 465 (disc); Caginalp and Chen, Arch.
Ration. Mech. Anal. 203 (2012) 329 (exact for the disc).
"""

from __future__ import annotations

from math import log, pi, sin, tan

from fokker_planck.errors import ProblemError
from fokker_planck.quantity import Quantity


def from_the_centre(half_angle: float, radius: float = 1.0, diffusion: float = 1.0) -> float:
    """Mean time from the centre of a disc to an arc of the given half-angle.

    >>> round(from_the_centre(0.1), 13)
    3.2461489749484
    """
    return _unit(half_angle, radius, diffusion) * (0.25 - log(sin(0.5 * half_angle)))


def from_anywhere(half_angle: float, radius: float = 1.0, diffusion: float = 1.0) -> float:
    """Mean time to the arc, the start being anywhere in the disc with equal probability.

    >>> round(from_anywhere(0.1), 13)
    3.1211489749484
    """
    return _unit(half_angle, radius, diffusion) * (0.125 - log(sin(0.5 * half_angle)))


def from_the_other_side(half_angle: float, radius: float = 1.0, diffusion: float = 1.0) -> float:
    """Mean time from the point of the disc's edge that is opposite to the middle of the arc.

    >>> round(from_the_other_side(0.1), 13)
    3.6886710903933
    """
    return -_unit(half_angle, radius, diffusion) * log(tan(0.25 * half_angle))


def in_a_ball(window: float, radius: float = 1.0, diffusion: float = 1.0) -> Quantity:
    """Mean time to a round window in the surface of a ball, to leading order and its logarithm.

    The start may be anywhere but near the window.  The error stated is window/radius.

    >>> round(in_a_ball(0.1).value, 4)  # (4/3 pi)/0.4 (1 + 0.1 ln(10)/pi)
    11.2395
    """
    if not (diffusion > 0.0 and radius > 0.0):
        raise ProblemError("radius, diffusion", (radius, diffusion), "positive numbers")
    if not 0.0 < window < 0.5 * radius:
        raise ProblemError("window", window, "a radius below half of that of the ball")
    small = window / radius
    leading = 4.0 * pi * radius**3 / 3.0 / (4.0 * diffusion * window)
    return Quantity.of(leading * (1.0 - small * log(small) / pi), small)


def _unit(half_angle: float, radius: float, diffusion: float) -> float:
    if not 0.0 < half_angle <= pi:
        raise ProblemError("half_angle", half_angle, "an angle between 0 and pi")
    if not (diffusion > 0.0 and radius > 0.0):
        raise ProblemError("radius, diffusion", (radius, diffusion), "positive numbers")
    return radius**2 / diffusion
