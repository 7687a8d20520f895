"""The survival function of one start: S(t) = P(tau > t), by slow modes where nothing else is left, else by powers.

S_t = L S, S = 1 at t = 0, S = 0 on the target.  With the modes of -L killed there, L u_j = -lambda_j u_j and the left
ones z_j,

    S(t, x) = sum_j exp(-lambda_j t) u_j(x) int z_j / int u_j z_j,

all of it from the time on at which the modes that are not known have died out: so the tail has its digits relative to
itself, at times of 1e217 as well.  Before, the powers of a resolvent serve (:mod:`~.semigroup`).
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.condensation.point_load import point_load
from fokker_planck.solvers.time.stepping.semigroup import (
    LEFT_OUT,
    MORE_POWERS,
    POWERS,
    Resolvent,
    coefficients,
    evolved,
    latest_of,
    pole_for,
    powers_for,
    resolvent,
)
from fokker_planck.solvers.time.survival.survival_steps import (
    LAST,
    MOST_UNKNOWNS,
    ROUNDED,
    March,
    density_march,
    survival_march,
)
from fokker_planck.solvers.time.survival.tail_of_survival import DIED_OUT, Tail

QUARTER = 4.0
"""The times of one resolvent: up to a latest, down to a quarter of it."""
MOST_QUARTERS = 60
"""Down from the time at which modes take over, 1e-36 of it: what has happened before is no double's business."""
MOST_TURNING = 30
"""Quarters of a time that are looked at: 1e18 is between the last and the first."""
ENOUGH = 0.1
"""Of the tolerance, relative to S: where more can be off more powers are taken."""
OF_SERIES = 1e-3
"""Of the tolerance, what the first series that is tried is to leave of the beginning: more powers are taken where that
is too much of S, or of 1 - S. Of the quartic well in space at 1e-4 22 powers do, and half of the time of a law went
into 40."""
MORE_THAN_HALF = 4
"""Powers more than half of those of S, for the functions at half of the time: they leave the root of what S has, times
1e-2, and nothing but the estimate of the error rests on them."""
LEAST_PROBABILITY = 1e-11
"""Ten times what the series leaves: an earlier quantile is its rounding."""
TURNS_A_STEP = 5.0
"""By how much a mode may turn in a step: 40 powers leave 1e-8 then."""
OTHER, ROUNDING = 0.9, 10.0
"""Of the pole, for a second resolvent, and of the most that it changes S by: with detailed balance powers grow where
the weight is next to nothing, and rounding does not. From beside a saddle 80 units of epsilon up S was known to 2.7e-3
by the largest power, and to 3e-10 so, while it was 4e-12 off."""
LOOKED_AT = (0.25, 0.4, 0.6, 0.8, 1.0)
"""Of the latest time of a quarter, when both are compared: at one of them they may agree by chance."""
LARGE = 0.5
"""Of S, above which steps leave no less than one series, which leaves 1e-12."""
OF_STEP, LEAST_AIM = 0.01, 1e-10
"""Of the tolerance, what a step may leave of what is left after it, and the least of that: a hundred times what one
series leaves of the beginning, so that S may fall by as much in a step."""
OF_DUAL = 1e-3
"""The same of the dual functions, on which nothing but the estimate of the error rests."""


def times_of_turning(latest: float, turning: float) -> list[float]:
    """Every quarter of a time, down to where nothing that has not died out has turned."""
    earlier = [latest / QUARTER**k for k in range(1, MOST_TURNING + 1)]
    return [t for t in earlier if t * turning > 1.0]


@dataclass
class Survival:
    """S(t) at the ``start`` (dim, 1), for all t; resolvents are factored as times ask for them.

    ``turning`` is the largest c . D^-1 c of the current's velocity c: |Im lambda|^2 <= turning Re lambda.
    """

    generator: Generator
    free: Booleans
    start: Floats
    tail: Tail
    tolerance: float
    turning: float = 0.0
    known: dict[tuple[int, int], Floats] = field(default_factory=dict)
    rounding: dict[tuple[int, int], float] = field(default_factory=dict)
    march: March | None = None
    dual: March | None = None
    factored: Resolvent | None = None

    def doubt(self, t: float) -> float:
        """How far S(t) can be off beside the mesh: by what the series leaves out, and by rounding."""
        return 0.0 if t >= self.tail.start else self._early(t)[1]

    def log(self, t: float) -> float:
        """log S(t); where that is less than its own error, the log of this."""
        if t >= self.tail.start:
            return self.tail.log(float(np.log(t)))
        return min(float(np.log(max(self._early(t)))), 0.0)

    def log_density(self, t: float) -> float:
        """log -S'(t), of the density of the time; where that is less than its own error, the log of this."""
        if t >= self.tail.start:
            return self.tail.log(float(np.log(t)), slope=True)
        value, off = self._early(t, slope=True)
        return float(np.log(max(-value, off / t)))

    def functions(self, t: float) -> tuple[Floats, Floats, Floats]:
        """exp(t L) 1, exp(t L*) of the start, scaled vectors (N,), and the height of the second."""
        load = point_load(self.generator, self.start[:, 0])
        if self.marches(2.0 * t):
            if self.dual is None:
                self.dual = density_march(self.generator, self.free, load, OF_DUAL, self._first)
            with suppress(ConvergenceError):
                return self._march().state(t), self.dual.state(t), load.height
        if self.generator.symmetric:
            powers = self._powers_for(2.0 * t)
            inverse, powers = self._resolvent(self._quarter(2.0 * t, powers)[1]), powers // 2 + MORE_THAN_HALF
        else:
            inverse, powers = self._resolvent(pole_for(1.5 * t)), POWERS
        weights = coefficients(t, inverse.r, powers)
        right = evolved(inverse.series(mass_times_constant(self.generator), powers), weights)
        return right, evolved(inverse.series(load.scaled, powers, adjoint=True), weights), load.height

    def quantile(self, probability: float, likely: float) -> float:
        """log of the t with P(tau <= t) = ``probability``, looked for from the log of a ``likely`` time on."""
        from scipy.optimize import brentq

        if probability < LEAST_PROBABILITY:
            raise ProblemError("exit.quantiles", probability, f"probabilities of {LEAST_PROBABILITY:g} and more")
        wanted = float(np.log1p(-probability))
        lower = upper = min(likely, float(np.log(self.tail.start)))
        while self._at(upper) > wanted:
            # S is about exp(-lambda t) in the tail
            late = float(np.log(-wanted)) - self.tail.logs[0].real
            upper = max(late, upper) + 1.0 if upper > np.log(self.tail.start) else upper + float(np.log(QUARTER))
        while self._at(lower) <= wanted:
            upper, lower = lower, lower - float(np.log(QUARTER))
            if likely - lower > MOST_QUARTERS * np.log(QUARTER):
                raise ConvergenceError(f"no time by which {probability:g} has left", "another start")
        return float(brentq(lambda log_t: self._at(log_t) - wanted, lower, upper, xtol=1e-15, rtol=1e-15))

    def _at(self, log_t: float) -> float:
        if log_t >= np.log(self.tail.start):
            return self.tail.log(log_t)
        return self.log(float(np.exp(log_t)))

    def _early(self, t: float, *, slope: bool = False) -> tuple[float, float]:
        """S(t), or S'(t), and by how much S can be off."""
        if not self.marches(t):
            return self._at_once(t, slope=slope)
        try:
            return self._march().value(t, slope=slope)
        except ConvergenceError:
            return self._at_once(t, slope=slope)

    def marches(self, t: float) -> bool:
        """Whether one series from the beginning leaves more of S(t) than steps do, and these are not too many."""
        turns = float(np.sqrt(DIED_OUT * self.turning * t)) / TURNS_A_STEP
        if turns * self.generator.discretization.count > MOST_UNKNOWNS:
            return False
        value, off = self._at_once(t)
        known = off <= ENOUGH * self.tolerance * abs(value)
        return not known and (value < LARGE or off > LEFT_OUT)

    @property
    def _first(self) -> float:
        """How long a first step is in which nothing has turned that is left."""
        return 1.0 / self.turning if self.turning > 0.0 else np.inf

    def _march(self) -> March:
        if self.march is None:
            aim = max(LEAST_AIM, OF_STEP * self.tolerance)
            self.march = survival_march(self.generator, self.free, self.start, aim, self._first)
        return self.march

    def _at_once(self, t: float, *, slope: bool = False) -> tuple[float, float]:
        """The same by one series.

        What turns much faster than it decays is left out at a late time without a sign; at an earlier one it shows.
        """
        value, off = self._by_powers(t, slope=slope)
        return value, max(off, *(self._by_powers(earlier)[1] for earlier in times_of_turning(t, self.turning)), 0.0)

    @property
    def _fewest(self) -> int:
        """Powers of the first series that is tried: what the tolerance takes, where a solve takes time."""
        if self.generator.discretization.triangulation.dimension == 1 or not self.generator.symmetric:
            return POWERS
        return powers_for(OF_SERIES * self.tolerance)

    def _by_powers(self, t: float, *, slope: bool = False) -> tuple[float, float]:
        return self._by(self._powers_for(t), t, slope=slope)

    def _powers_for(self, t: float) -> int:
        """As few as leave little of S, or of 1 - S where there are less than the usual ones; else the most."""
        for powers in dict.fromkeys((self._fewest, POWERS)):
            value, off = self._by(powers, t)
            least = abs(value) if powers == POWERS else min(abs(value), abs(1.0 - value))
            if off <= max(ENOUGH * self.tolerance * least, LEFT_OUT):
                return powers
        return MORE_POWERS

    def _by(self, powers: int, t: float, *, slope: bool = False) -> tuple[float, float]:
        number, r = self._quarter(t, powers)
        if (number, powers) not in self.known:
            self.known[number, powers] = self._powers(r, powers)
        functions = self.known[number, powers]
        terms = coefficients(t, r, powers) * functions
        rounded = ROUNDED * float(np.abs(functions).max())
        if self.generator.symmetric and rounded > max(ENOUGH * self.tolerance * abs(terms.sum()), LEFT_OUT):
            rounded = min(rounded, max(ROUNDED * float(np.abs(terms).max()), self._rounding(number, r, powers)))
        off = max(LEFT_OUT, float(np.abs(terms[-LAST:]).max()), rounded)
        value = coefficients(t, r, powers, slope=True) @ functions if slope else terms.sum()
        return float(value), off

    def _rounding(self, number: int, r: float, powers: int) -> float:
        """What rounding is seen to do to S within a quarter, by another resolvent."""
        if (number, powers) not in self.rounding:
            functions, others = self.known[number, powers], self._powers(OTHER * r, powers)
            apart = [
                coefficients(t, r, powers) @ functions - coefficients(t, OTHER * r, powers) @ others
                for t in latest_of(r, powers) * np.array(LOOKED_AT)
            ]
            self.rounding[number, powers] = ROUNDING * float(np.abs(apart).max())
        return self.rounding[number, powers]

    def _quarter(self, t: float, powers: int) -> tuple[int, float]:
        """Which quarter of quarters of the time at which modes take over holds t, and the pole that serves it."""
        # a mean time may be no double
        log_unit = float(np.log(self.tail.start)) if np.isfinite(self.tail.start) else -self.tail.logs[0].real
        number = int(np.floor((log_unit - np.log(t)) / np.log(QUARTER)))
        return number, pole_for(float(np.exp(log_unit - number * np.log(QUARTER))), powers)

    def _powers(self, r: float, powers: int) -> Floats:
        """T_k(2 S - 1) 1 at the start, for every k."""
        generator = self.generator
        at_start = point_functional(generator.discretization, self.start[:, 0])
        there = np.flatnonzero(at_start)
        weights = at_start[there] * np.exp(0.5 * (generator.exponent[there] - generator.lowest))
        series = self._resolvent(r).series(mass_times_constant(generator), powers)
        return np.array([weights @ each[there] for each in series])

    def _resolvent(self, r: float) -> Resolvent:
        """The last one is kept: the numbers of one time ask for it one after the other."""
        if self.factored is None or self.factored.r != r:
            self.factored = None
            self.factored = resolvent(self.generator, self.free, r)
        return self.factored
