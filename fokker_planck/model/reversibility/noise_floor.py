"""How much of a barrier is the doing of the floor of Hessian noise.

Next to an inflection point u = 0 with the slope V' = s and V'' = k u, noise theta (V''^2 + floor^2)^(1/2) contributes
``(2 s / (k theta)) log(1/floor)`` to the effective potential: the time to get across goes like that power of the floor.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.bounds.kinks import zeros
from fokker_planck.model.diffusion.hessian import HessianField
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.quantity.light_dataclasses import dataclass

SAMPLES = 2001
"""On the way, for the largest curvature and the barrier: the note that they go into prints three digits."""
SMALL_FLOOR = 0.1
"""Of the largest curvature: the power of the floor is that of a small one; a larger floor is noise in its own right."""


@dataclass(frozen=True)
class FloorShare:
    """Of a path on the line: the ``barrier`` in units of epsilon, and the ``places``, inflection points on its climb.

    The time is proportional to floor**(-``power``) while the floor is small.
    """

    barrier: float
    power: float
    share: float
    places: tuple[float, ...]

    def __str__(self) -> str:
        where = ", ".join(f"{place:.6g}" for place in self.places)
        return (
            f"the noise nearly vanishes at x = {where}, and {min(self.share, 1.0):.0%} of a barrier of "
            f"{self.barrier:.4g} units of epsilon is the floor's doing: half the floor would multiply the mean time by "
            f"about {2.0**self.power:.3g}"
        )


def floor_share(exponent: LineExponent, start: float, end: float) -> FloorShare | None:
    """What the floor does to the way from ``start`` to ``end``; None where the noise has none or it is not small.

    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> quartic = Potential("(x**2 - 1)**2/4")                        # 2 V'/k = 2/9 at the inflection point
    >>> from fokker_planck.model.diffusion.hessian import Hessian
    >>> psi = LineExponent(Overdamped(quartic, Hessian(0.01, floor=1e-3)), -2.0, 2.0)
    >>> round(floor_share(psi, -1.0, 0.0).power, 6)
    22.222222
    """
    field = exponent.field
    if not isinstance(field, HessianField) or field.floor == 0.0:
        return None
    low, high = min(start, end), max(start, end)
    places = [x for x in zeros(lambda x: field.potential.hessian(x[None])[0, 0], low, high) if low < x < high]
    if not places:
        return None
    way = np.linspace(start, end, SAMPLES)
    curvature = float(np.abs(field.potential.hessian(way[None])[0, 0]).max())
    phi = exponent.effective(way)
    barrier = float((phi - np.minimum.accumulate(phi)).max())
    x = np.array(places)[None]
    uphill = field.potential.gradient(x)[0] * np.sign(end - start)
    bend = np.abs(field.potential.third_derivatives(x)[0, 0, 0])
    climbed = (uphill > 0.0) & (bend > 0.0)
    if field.floor > SMALL_FLOOR * curvature or not climbed.any() or barrier <= 0.0:
        return None
    power = float(np.sum(2.0 * uphill[climbed] / (field.scale * bend[climbed])))
    share = power * float(np.log(curvature / field.floor)) / barrier
    return FloorShare(barrier, power, share, tuple(x[0, climbed].tolist()))
