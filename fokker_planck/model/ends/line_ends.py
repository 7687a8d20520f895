"""The ends of a line at which the noise vanishes or the drift is infinite, by Feller's classification.

With the generator ``L u = w^-1 (u' / s')'`` let t be the distance to the end and

    D ~ t^q,      t a / D -> k      (a the noiseless drift, positive away from the end),
    s' = D^-alpha e^Phi ~ t^-c,     w = D^(alpha - 1) e^-Phi ~ t^(c - q),      c = alpha q + k.

The process arrives at the end in finite time (it is accessible) where ``int w S dt`` is finite, S the scale from the
end, and the mass near the end is finite where ``int w dt`` is:

    regular: both;   exit: accessible alone;   entrance and natural: not accessible.

Source: Feller, Ann. Math. 55 (1952) 468; Karlin and Taylor, A Second Course in Stochastic Processes (1981), 15.6.
"""

from __future__ import annotations

from math import inf

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.ends.beside_end import ROUNDED, SAME, TINY, Beside, drift_at, limit, noise_at, rounded
from fokker_planck.model.ends.departure_from_powers import departure_of
from fokker_planck.model.process import Process, alpha_of
from fokker_planck.quantity.light_dataclasses import dataclass

VANISHING = 1e-13
"""D at an end, over its largest value, below which it is rounding: the error of evaluating D there."""
BESIDE, GROWN = 1e-12, 0.01
"""Distance over the coordinate at which D is many times its value at an end where that is rounding, and how many."""
ROUNDINGS, PULL = 4.0, 0.01
"""Steps of rounding from an end, up to which a drift may be infinite, and t a / D at that distance t, beyond which
it is: of k/t it is k. A drift that is as strong but finite would need 1e13 units of the exponent along the line."""
SHARE = 1e-16
"""Time in the last stretch over that in the domain, (stretch/length)^(2 - q), where coordinates allow so little."""
SHORTEST, LONGEST = 1e-100, 1e-8
"""Of the length, what a stretch at an end is held between: next to zero the square of the shortest is still a double,
and over the longest D departs from its power by some 1e-8."""
STIFF = 1e-3
"""Resistance of a stretch over that of the line, at least, where few are in it: its rounding is like one
over it. A time under D = x^0.5 is 5e-6 off with a stretch of 5e-18, 1.3e-9 with one of 2e-11 and 5e-11 with 1e-8."""
ROUNDING_OF_ROOT, ROUNDING_OF_RESISTANCE = 5e-15, 1e-14
"""What that rounding leaves of times, over the root of a stretch and over its resistance, the less of both: errors were
1e-11 to 7e-11 for V = a log x with a from 0.05 to 0.4 of the noise."""
HIGH = 250.0
"""Change of the exponent up to the stretch at a natural end: e^-250 of the weight, e^-125 in modes, is left there."""
DEEP = 700.0
"""Change of the exponent up to the stretch where the drift rules: exp(-700) is nothing."""


@dataclass(frozen=True)
class LineEnd:
    """An end of the line where D vanishes or the drift is infinite.

    Parameters
    ----------
    place
        its coordinate
    inward
        1 at the left end, -1 at the right end
    noise_power
        q, D ~ t^q at the distance t
    scale_power
        c, s' ~ t^-c; infinite where the drift rules, that is where t a / D has no limit
    drift_power
        beta, a ~ t^beta, where the drift rules
    threshold
        where the continuous spectrum begins that the end brings, infinite where there is none
    stretch
        the width next to the end on which the coefficients are replaced by constants
    time
        what the process spends in the stretch: the absolute error of mean times for that replacement
    mass_error
        relative, of the whole mass: exponents at the end are known to some digits only, w is no power in the stretch
    arrival_error
        relative, of times: s' is no power in the stretch, whose stiffness is rounded
    strength
        t |a| / D at the edge of the stretch where the drift rules, large
    """

    place: float
    inward: float
    noise_power: float
    scale_power: float
    drift_power: float
    threshold: float
    stretch: float
    time: float = 0.0
    mass_error: float = 0.0
    arrival_error: float = 0.0
    strength: float = 0.0

    @property
    def accessible(self) -> bool:
        """Whether the process can arrive there in finite time."""
        if np.isinf(self.scale_power):
            return self.scale_power < 0.0 and self.drift_power < 1.0 - SAME
        return self.scale_power < 1.0 - SAME and self.noise_power < 2.0 - SAME

    @property
    def finite_mass(self) -> bool:
        """Whether the stationary density can be integrated up to the end."""
        return self.scale_power - self.noise_power > -1.0 + SAME

    @property
    def kind(self) -> str:
        """Feller's name."""
        if self.accessible:
            return "regular" if self.finite_mass else "exit"
        if np.isinf(self.scale_power):
            return "entrance" if self.scale_power > 0.0 and self.drift_power < 1.0 - SAME else "natural"
        return "entrance" if self.noise_power < 2.0 - SAME else "natural"

    @property
    def edge(self) -> float:
        """The inner end of the stretch."""
        return self.place + self.inward * self.stretch

    def within(self, x: Floats) -> npt.NDArray[np.bool_]:
        """Which of the points (n,) lie in the stretch, or beyond the end."""
        return np.asarray(self.inward * (x - self.edge) < 0.0)

    @property
    def log_mass_factor(self) -> float:
        """log of ``int_0^d w dt / (d w(d))`` over the stretch d, zero where the mass is infinite."""
        power = self.scale_power - self.noise_power
        if np.isinf(power):
            return -float(np.log1p(self.strength)) if power > 0.0 else 0.0
        return -float(np.log1p(power)) if self.finite_mass else 0.0

    @property
    def resistance_factor(self) -> float:
        """``int_0^d s' dt / (d s'(d))`` over the stretch d; where that is infinite, so little that it does not matter.

        The stretch must not be slower by itself than what goes on next to a natural end, at the rate (c - 1)^2 d/4, or
        than the drift where that rules: with the D of its edge it had slow modes of its own.  Where the drift leads to
        the end, d^2/(2 D) is the time that it takes.
        """
        if not np.isfinite(self.scale_power):
            return 2.0 / ((1.0 - self.drift_power) * self.strength) if self.accessible else 0.01
        return 1.0 / (1.0 - self.scale_power) if self.accessible else 0.01 / (1.0 + abs(self.scale_power))


def line_ends(process: Process, lower: float, upper: float) -> tuple[LineEnd, ...]:
    """The ends of [lower, upper] at which the noise vanishes or the drift is infinite.

    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> from fokker_planck.model.diffusion.state_dependent import Formula
    >>> [end.kind for end in line_ends(Overdamped(Potential("0"), Formula("x*(1 - x)")), 0.0, 1.0)]
    ['exit', 'exit']

    Raises ProblemError where D or the drift behaves like no power of the distance.
    """
    return tuple(
        _classified(process, place, inward, upper - lower)
        for place, inward in ((lower, 1.0), (upper, -1.0))
        if _is_singular(process, place, inward, upper - lower)
    )


def _is_singular(process: Process, place: float, inward: float, length: float) -> bool:
    at = np.array([place])
    inner = noise_at(process, place + inward * length * np.linspace(0.0, 1.0, 33)[1:-1])
    noise = float(noise_at(process, at)[0])
    beside = place + inward * (TINY * length if place == 0.0 else BESIDE * abs(place))
    # small is not zero, as where a line has been cut off close to a zero: D must grow at once
    vanishes = abs(noise) <= VANISHING * float(np.abs(inner).max())
    vanishes = vanishes and abs(noise) <= GROWN * float(noise_at(process, np.array([beside]))[0])
    return vanishes or _infinite_beside(process, place, noise)


def _infinite_beside(process: Process, place: float, noise: float) -> bool:
    """Whether the drift is infinite at the end, or so near that rounding of its coordinate is all that keeps it finite.

    The zero of sin(x) next to 3.141592653589793 lies 1e-16 beyond it, where cos(x)/sin(x) is 8e15.
    """
    drift = float(drift_at(process, np.array([place]))[0])
    step = ROUNDINGS * float(np.spacing(abs(place)))
    return not np.isfinite(drift) or place != 0.0 and abs(drift) * step > PULL * abs(noise)


def _classified(process: Process, place: float, inward: float, length: float) -> LineEnd:
    beside = Beside(process, place, inward, length)
    near = beside.near
    with np.errstate(all="ignore"):
        q, q_error = limit(beside.noise_power, beside.far, near)
        k, k_error = limit(beside.pull, beside.far, near)
        strength = np.abs(beside.pull(np.concatenate([near, 2.0 * near])))
        rising = float(np.log2(strength[0] / strength[1])) if strength.min() > 0.0 else 0.0
    if not q_error <= 0.05 or not np.isfinite(q):
        found = f"noise that vanishes at the end x = {place:.6g} of the domain like no power of the distance"
        raise ProblemError(process.field(1).key, found, "a D that vanishes like a power there, or not at all")
    if rising > 0.05 and strength[0] > 1.0:
        return _ruled_by_drift(beside, q, rising)
    if not k_error <= 0.05 or not np.isfinite(k):
        found = f"a drift over noise that has no limit at the end x = {place:.6g} of the domain"
        raise ProblemError("drift" if process.potential is None else "potential", found, "powers of the distance there")
    q = rounded(q, q_error)
    return _of_powers(beside, q, alpha_of(process) * q + rounded(k, k_error), q_error + k_error)


def _of_powers(beside: Beside, q: float, c: float, powers_error: float) -> LineEnd:
    """An end with D ~ t^q and s' ~ t^-c, both powers known to ``powers_error`` together."""
    place, power = beside.place, c - q
    least = SHORTEST if place == 0.0 else ROUNDED * abs(place) / beside.length
    below_two = max(2.0 - q, 1e-3)
    # at a natural end as far as there are numbers: next to a continuous spectrum modes reach far towards it
    natural = max(SHORTEST, float(np.exp(-HIGH / max(abs(power), 1e-3))))
    departure = departure_of(beside, q, c)
    share = SHARE ** (1.0 / below_two) if q < 2.0 - SAME else natural
    share = min(share, departure.harmless(power, c, place))
    stiff = power >= 0.0 and c < 1.0 - SAME
    if stiff:
        share = max(share, STIFF ** (1.0 / (1.0 - c)))
    share = float(np.clip(share, least, LONGEST))
    stretch = float(beside.distances(np.array([share]))[0])
    time, mass_error, threshold = 0.0, 0.0, inf
    if q < 2.0 - SAME:
        # int w S dt, and int s' M dt, M the mass from the end
        slowest = max(1.0 / (1.0 - c) if c < 1.0 - SAME else 0.0, 1.0 / (1.0 + power) if power > SAME - 1.0 else 0.0)
        time = slowest * stretch**2 / beside.noise(stretch) / (2.0 - q)
    if power > -1.0 + SAME:
        # that part of the mass which the exponent near the end decides
        rounding = 0.0 if place == 0.0 else 1e-16 * abs(place) / stretch
        mass_error = (powers_error / (1.0 + power) + rounding) * share ** (1.0 + power)
    of_mass, arrival_error = departure.errors(beside, stretch, q, c)
    if stiff:
        arrival_error += min(ROUNDING_OF_ROOT * share**-0.5, ROUNDING_OF_RESISTANCE * share ** (c - 1.0))
    if q > 2.0 - SAME:
        nearest = float(beside.near[0])
        threshold = (c - 1.0) ** 2 * (beside.noise(nearest) / nearest**2) / 4.0 if q < 2.0 + SAME else 0.0
    return LineEnd(place, beside.inward, q, c, inf, threshold, stretch, time, mass_error + of_mass, arrival_error)


def _ruled_by_drift(beside: Beside, q: float, rising: float) -> LineEnd:
    """An end where the drift is all that counts: Phi itself is infinite there like a power of the distance."""
    process, place, inward, length = beside.process, beside.place, beside.inward, beside.length
    t = length * np.geomspace(1e-14 if place == 0.0 else max(1e-14, ROUNDED * abs(place) / length), 0.1, 400)
    strength = beside.pull(t)
    change = np.cumsum((np.abs(strength) * np.gradient(np.log(t)))[::-1])[::-1]
    deep = np.flatnonzero(change > DEEP)
    number = int(deep[-1]) if len(deep) else 0
    sign = float(np.sign(strength[number]))
    drift_power = q - 1.0 - rising
    stretch = float(inward * ((place + inward * t[number]) - place))
    time = 0.0
    if sign < 0.0 and drift_power < 1.0 - SAME:
        # outwards the drift alone takes the process to the end
        time = stretch / abs(float(drift_at(process, np.array([place + inward * stretch]))[0])) / (1.0 - drift_power)
    return LineEnd(
        place, inward, q, sign * inf, drift_power, inf, stretch, time, strength=float(strength[number] * sign)
    )
