"""How far the weight and the scale density depart from their powers next to an end of a line."""

from __future__ import annotations

import numpy as np

from fokker_planck.model.ends.beside_end import ROOTS, ROUNDED, SAME, Beside, noise_at
from fokker_planck.model.process import alpha_of
from fokker_planck.quantity.light_dataclasses import dataclass

KEPT, KEPT_OF_RESISTANCE = 1e-17, 1e-13
"""Of the mass and of the resistance of a line, what may be wrong in a stretch because w and s' depart there from their
powers: where they are hardly integrable, like t^-0.9, most digits lie within 1e-8 of the end. Only what arrives there
feels the resistance, and everything a shorter stretch, beside which stiffness times rounding is d^(c - q - 1) 1e-16."""
DEPARTING = 1e-5
"""Of the length, where such a departure is seen: it is 1e-5 there, of roots 3e-3, and rounding of D 1e-11 at most."""
SEEN = 1e-9
"""A departure below which it is rounding, and tells no order: D = x^0.5 had a stretch of 5e-18, a time 5e-6 off."""
FAR = 0.9
"""Of the length, up to where times are summed: the other end may be infinite as well, but for rounding."""
PANELS = 400
"""Of the logarithm of the distance, for the part of the mass that is in a stretch: to some percent."""
LARGEST = 700.0
"""Of the exponent of a weight, either way: what exp can do."""


@dataclass(frozen=True)
class Departure:
    """By how much w and s' depart from their powers: by ``size`` at the distance ``seen``, like t^``order`` below."""

    size: float
    seen: float
    length: float
    order: float

    def harmless(self, power: float, c: float, place: float) -> float:
        """The share of the length up to which nothing depends on it, or no more than on the rounding of distances."""
        parts = ((KEPT, 1.0 + power), (KEPT_OF_RESISTANCE, 1.0 - c))
        share = min((kept ** (1.0 / (self.order + part)) for kept, part in parts if part > SAME), default=1.0)
        if place == 0.0 or self.size == 0.0:
            return float(share)
        rounded = (np.spacing(abs(place)) * self.seen**self.order / self.size) ** (1.0 / (1.0 + self.order))
        return float(max(share, rounded / self.length))

    def errors(self, beside: Beside, stretch: float, q: float, c: float) -> tuple[float, float]:
        """What it makes of the mass, and of the time that it takes to arrive at the end, relative."""
        t = np.geomspace(stretch, FAR * self.length, PANELS)
        with np.errstate(all="ignore"):
            noise, pull = noise_at(beside.process, beside.at(t)), beside.pull(t)
            step = np.gradient(np.log(t))
            alpha = alpha_of(beside.process)
            effective = np.nan_to_num(np.cumsum(pull * step), nan=0.0, posinf=0.0, neginf=0.0)
            log_scale = -alpha * np.log(noise / noise[0]) - (effective - effective[0])
            weight = np.exp(np.clip(-np.log(noise / noise[0]) - log_scale, -LARGEST, LARGEST))
            resistance = np.exp(np.clip(log_scale, -LARGEST, LARGEST))
        inside = np.isfinite(weight) & np.isfinite(resistance)
        mass, slow = (np.where(inside, part, 0.0) * t * step / stretch for part in (weight, resistance))
        beyond = np.cumsum(mass[::-1])[::-1]
        size = self.size * (stretch / self.seen) ** self.order
        in_mass = size / (1.0 + c - q) / (mass.sum() + 1.0 / (1.0 + c - q)) if c - q > SAME - 1.0 else 0.0
        in_time = 0.0
        if c < 1.0 - SAME and q < 2.0 - SAME:
            whole = beyond[0] / (1.0 - c)
            in_time = size * whole / (whole + float((slow * beyond).sum()))
        return float(in_mass), float(in_time)


def departure_of(beside: Beside, q: float, c: float) -> Departure:
    """Read off the local powers of w and s' at two distances."""
    least = max(DEPARTING, ROUNDED * abs(beside.place) / beside.length)
    t = beside.distances(np.array([least, 8.0 * least]))
    alpha = alpha_of(beside.process)
    with np.errstate(all="ignore"):
        noise, pull = beside.noise_power(t), beside.pull(t)
    scale, weight = alpha * noise + pull, (alpha - 1.0) * noise + pull
    sizes = np.maximum(np.abs(scale - c), np.abs(weight - (c - q)))
    if not (np.isfinite(sizes).all() and sizes[0] > 0.0):
        return Departure(0.0, float(t[0]), beside.length, 1.0)
    order = 1.0
    if sizes[0] > SEEN:
        order = float(np.clip(np.log(sizes[1] / sizes[0]) / np.log(8.0), min(ROOTS), 1.0))
    return Departure(float(sizes[0]), float(t[0]), beside.length, order)
