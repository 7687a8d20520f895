"""The exponent of the stationary density on a ring around which a net force drives the process.

With Psi' = (D' - b) / D on the line of which the ring is a period L, and a constant current,

    p(x) ~ exp(-Psi(x)) int_x^(x + L) exp(Psi) / D dy,

which is periodic.  The integral is a sum of exponentials of linear functions, by their logarithms: whatever the
barriers, psi is right to what a panel leaves of a straight line.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.process import Process
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.quantity.light_dataclasses import dataclass

PANELS = 20_000
"""Of a period: of a Psi that changes by 10,000 units and bends once in a hundredth of the ring, each leaves 1e-2 of a
unit of a straight line.  It takes 10 ms."""


@dataclass(frozen=True)
class RingExponent:
    """psi at ``places`` (n,), of which the last is a period after the first, linear between them.

    >>> from fokker_planck.model.drift import Drift
    >>> from fokker_planck.model.process import Drifting
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> wind = Drifting(Drift(["1 + 0.5*sin(x)"]), Isotropic(1e-4))         # without noise p = 1/b, 1/(1 - 0.5)
    >>> psi = ring_exponent(wind, 0.0, 2 * np.pi)
    >>> round(float(np.exp(-np.diff(psi.value(np.array([[0.0, 1.5 * np.pi]]))))[0]), 3)
    2.0
    """

    places: Floats
    values: Floats

    def value(self, x: Floats) -> Floats:
        """Psi at points (1, n), (n,)."""
        lower, upper = self.places[0], self.places[-1]
        place = lower + np.mod(np.asarray(x, dtype=np.float64)[0] - lower, upper - lower)
        return np.asarray(np.interp(place, self.places, self.values))

    __call__ = value


def ring_exponent(process: Process, lower: float, upper: float) -> RingExponent:
    """Psi on the ring [lower, upper], least value zero."""
    line = LineExponent(process, lower, upper)
    places = np.linspace(lower, upper, PANELS + 1)
    whole = line.value(places[None])
    noise = line.field.tensor(places[None])[0, 0]
    logs = _panels(whole, noise, places)
    before = np.logaddexp.accumulate(np.append(-np.inf, logs))
    after = np.logaddexp.accumulate(np.append(-np.inf, logs[::-1]))[::-1]
    values = whole - np.logaddexp(after, before + whole[-1] - whole[0])
    return RingExponent(places, values - values.min())


def _panels(exponent: Floats, noise: Floats, places: Floats) -> Floats:
    """Logarithms of the integrals of exp(Psi) / D over the panels, Psi being straight in each, (n - 1,)."""
    change = np.abs(np.diff(exponent))
    highest = np.maximum(exponent[1:], exponent[:-1])
    flat = change < 1e-6  # (1 - exp(-c)) / c is 1 - c/2 there, to 1e-13
    share = np.where(flat, 1.0 - 0.5 * change, -np.expm1(-change) / np.where(flat, 1.0, change))
    return np.asarray(highest + np.log(share * np.diff(places) * 0.5 * (1.0 / noise[1:] + 1.0 / noise[:-1])))
