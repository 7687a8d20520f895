"""Small noise in the plane beyond detailed balance, worked out along an axis of symmetry.

V = v(x) + m(x) y²/2 with D = theta a(x, y), a = (H² + δ²)^(1/2), is no process in detailed balance. With
p = C exp(-W/theta) the leading orders of L* p = 0 are  ∇W·a∇W = ∇V·∇W  and, along x' = -∇V + 2a∇W up to the pass,
d log C/dt = tr Hess V - tr(a Hess W) - 2 (div a)·∇W.  On the axis y = 0 they are ordinary differential equations for
W' = v'/a_xx, for the curvature k = W_yy across, and for C. The mean time over the pass z from the minimum x is

    (2π/|v''(z)|) √(|det Hess W(z)|/det Hess W(x)) (C(x)/C(z)) exp((W(z) - W(x))/theta).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import copysign, hypot, log, pi
from typing import Any

Function = Callable[[float], float]


@dataclass(frozen=True)
class Well:
    """v', v'', m and its constant slope ``tilt``, the floor δ."""

    slope: Function
    curvature: Function
    across: Function
    tilt: float
    floor: float


@dataclass(frozen=True)
class Climb:
    """From a minimum to the pass: ``height`` is W(z) - W(x); weight and time are exp(log + height/theta).

    ``log_weight`` : of the well, up to what is common to all wells of the pass
    ``log_time`` : of the mean time over the pass and far beyond
    """

    height: float
    log_weight: float
    log_time: float


def climb(well: Well, bottom: float, top: float) -> Climb:
    """The way along the axis from a minimum to the pass.

    >>> flat = Well(lambda x: x**3 - x, lambda x: 3 * x**2 - 1, lambda x: 1.0, 0.0, 1e6)     # D = 1e6 theta I
    >>> found = climb(flat, -1.0, 0.0)
    >>> round(1e6 * found.height, 5), abs(found.log_time - log(2 * pi / 2**0.5)) < 1e-6
    (0.25, True)
    """
    import numpy as np
    from scipy.integrate import solve_ivp

    step = copysign(1e-5, top - bottom)

    def rate(x: float, state: Any) -> Any:
        k, _, _ = state
        along, across, mixed, bent = _noise(well, x)
        v, m, c = well.slope(x), well.across(x), well.tilt
        W1 = v / along
        # second order in y of the first equation, and the second one
        curved = 2.0 / v * (0.5 * c * W1 + m * k - across * k**2 - 2.0 * mixed * W1 * k - 0.5 * bent * W1**2)
        return np.array([curved, (m - across * k) / v - 2.0 * mixed / along, W1])

    start = np.array([well.across(bottom) / _noise(well, bottom)[1], 0.0, 0.0])
    way = (bottom + step, top - step)
    found = solve_ivp(rate, way, start, method="LSODA", rtol=1e-11, atol=1e-13)
    _, log_c, height = found.y[:, -1]
    ends = {}
    for x in (bottom, top):
        along, across, _, _ = _noise(well, x)
        ends[x] = (along, well.curvature(x) / along * well.across(x) / across)
    drop = log(ends[top][0] / ends[bottom][0]) - float(log_c)  # log C(x)/C(z)
    root = 0.5 * log(abs(ends[top][1]) / ends[bottom][1])
    weight = drop - 0.5 * log(ends[bottom][1])
    return Climb(float(height), weight, log(2.0 * pi / abs(well.curvature(top))) + root + drop)


def _noise(well: Well, x: float) -> tuple[float, float, float, float]:
    """On the axis a_xx, a_yy, d a_xy/dy and d² a_xx/dy², from the square root of a two by two matrix."""
    h, m = well.curvature(x), well.across(x)
    along, across = hypot(h, well.floor), hypot(m, well.floor)
    total = along + across
    mixed = well.tilt * (h + m) / total
    bent = well.tilt**2 * across * (total**2 - (h + m) ** 2) / (along * across * total**2)
    return along, across, mixed, bent
