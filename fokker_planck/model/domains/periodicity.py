"""Whether a potential goes on across a periodic face as it began."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.potential import Potential

SAME_VALUE, SAME_SLOPE = 1e-9, 1e-6
"""Of the range of V, differences of V, and of its gradient over a period, that count as none: rounding of formulas, and
of slopes by differences."""


Seam = tuple[int, float, float]
"""The number of a periodic axis, and its two ends."""


def on_both_faces(x: Floats, seam: Seam) -> tuple[Floats, Floats]:
    """Points (dim, n) carried onto the one face of a periodic axis, and onto the other."""
    axis, low, high = seam
    left, right = x.copy(), x.copy()
    left[axis], right[axis] = low, high
    return left, right


def check_period(potential: Potential, key: str, seam: Seam, x: Floats, scale: float, remedy: str = "") -> None:
    """Raise ProblemError where V is not the same on both faces of an axis, as seen from points x (dim, n).

    The ``remedy`` stands in the text where values are equal and slopes are not.
    """
    (axis, low, high), (left, right) = seam, on_both_faces(x, seam)
    period = high - low
    jump = float(np.abs(potential.value(left) - potential.value(right)).max())
    kink = float(np.abs(potential.gradient(left) - potential.gradient(right)).max()) * period
    wanted = f"V and its gradient equal at {'xyz'[axis]} = {low:g} and {high:g}, for a periodic boundary"
    if jump > SAME_VALUE * scale:
        elsewhere = "; a jump may be anywhere else: begin the period beside it"
        raise ProblemError(key, f"a V that differs by {jump:.3g} across the period", wanted + elsewhere)
    if kink > SAME_SLOPE * scale and not _repeats_with_kinks(potential, x, period, scale):
        elsewhere = f"; {remedy or 'a kink may be anywhere else: begin the period beside it'}"
        raise ProblemError(key, f"a gradient that differs by {kink / period:.3g} across the period", wanted + elsewhere)


def _repeats_with_kinks(potential: Potential, x: Floats, period: float, scale: float) -> bool:
    """Whether a formula with kinks on a ring goes on beyond it as it began, so that one of the kinks is the seam."""
    if len(x) > 1 or all(formula.smooth for formula in potential.formulas):
        return False
    with np.errstate(all="ignore"):
        return bool(np.abs(potential.value(x + period) - potential.value(x)).max() <= SAME_VALUE * scale)
