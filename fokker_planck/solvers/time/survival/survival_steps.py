"""exp(t L) 1 by steps, each of them powers of one resolvent: where one series from the beginning is not enough.

What a step leaves out, and its rounding, is as large as u at its beginning at the most, not as u at time zero: a
survival function of 1e-40 has its digits.  A mode that turns as it decays is followed while no step is more than twice
as long as the one before: one that a longer step would leave out without a sign shows in the shorter one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.condensation.point_load import PointLoad
from fokker_planck.solvers.time.stepping.semigroup import LEFT_OUT, Resolvent, coefficients, pole_for, resolvent

LAST, ROUNDED = 4, 2e-16
"""Terms of the series at its end, the largest of which stands for what is left out, and rounding of the largest power:
against a drift of 57 units of epsilon powers grow to 5e6, 1e-10 was off and 1e-9 is said."""
AHEAD = 0.5
"""Of a step, after which the next one begins: that serves times from a quarter of itself on, so that twice as long a
one begins where the one before ends."""
EARLIEST = 0.25
"""Of a step, the earliest time that it serves."""
BEYOND_LAST = 2.0
"""Times what steps are seen to leave: the terms after the last ones add up. Against a drift that turns five times as
fast as it attracts, P(tau > 5) was 2.8e-7 off where these were 2.2e-7."""
MOST_STEPS, MOST_UNKNOWNS = 40, 150_000
"""Tried for one law, and of all of them together the unknowns: each is 41 solves, a second for 20,000 unknowns in the
plane. S falls to a hundredth and less in one where steps are not short for what turns."""
MOST_HALVINGS = 60
"""Of a step, 1e-18 of the first."""
ABOVE = 3.0
"""Units of epsilon above the start up to which a function is measured: farther up, where the process hardly ever is,
meshes need not be fine, and a survival function came out as 1e12 at 300 units."""


@dataclass(frozen=True)
class Step:
    """From ``begin``, where the state is ``off`` by that at the most, for times up to ``length`` later.

    ``state`` is None for the beginning itself, ``size`` that of the state.  ``terms`` (k,) are the functional of every
    power, and ``left`` is what the step leaves out.
    """

    begin: float
    length: float
    state: Floats | None
    terms: Floats
    off: float
    size: float
    left: float

    @property
    def r(self) -> float:
        """The pole of its resolvent."""
        return pole_for(self.length)

    def value(self, t: float, *, slope: bool = False) -> tuple[float, float]:
        """The functional at a time of this step, or its derivative, and how far the functional can be off."""
        weights = _weights(t - self.begin, self.r)
        parts = weights * self.terms
        left = max(np.abs(parts[-LAST:]).max(), ROUNDED * np.abs(self.terms).max(), LEFT_OUT * self.size)
        value = _weights(t - self.begin, self.r, slope=True) @ self.terms if slope else parts.sum()
        return float(value), BEYOND_LAST * (self.off + float(left))


@dataclass
class March:
    """From the ``load`` (N,) of the beginning, on the ``free`` unknowns, forward or ``adjoint``.

    ``size`` measures a state by a number that no step makes larger, ``functional`` is what is asked of it.  ``aim`` is
    what a step may leave out of what is left after it, ``first`` how long the first one may be.
    """

    generator: Generator
    free: Booleans
    load: Floats
    size: Callable[[Floats], float]
    functional: Callable[[Floats], float]
    aim: float
    first: float = np.inf
    adjoint: bool = False
    steps: list[Step] = field(default_factory=list)
    stuck: bool = False
    tried: int = 0
    factored: dict[float, Resolvent] = field(default_factory=dict)

    def value(self, t: float, *, slope: bool = False) -> tuple[float, float]:
        """The functional at a time, or its derivative, and how far the functional can be off."""
        return self._step_of(t).value(t, slope=slope)

    def state(self, t: float) -> Floats:
        """The vector (N,) at a time."""
        return self._carried(self._step_of(t), t)

    def _step_of(self, t: float) -> Step:
        """The step that serves a time; as many as it takes are taken."""
        if not self.steps:
            self._take(0.0, min(self.first, t), None, 0.0, 1.0)
        while t > self.steps[-1].begin + self.steps[-1].length:
            self._next(t)
        while t < EARLIEST * self.steps[0].length:
            earlier = self._tried(0.0, EARLIEST * self.steps[0].length, None, 0.0, 1.0)
            if earlier is None:
                self._refuse(t)
            self.steps.insert(0, earlier)
        return next(step for step in self.steps if t <= step.begin + step.length)

    def _next(self, latest: float) -> None:
        last = self.steps[-1]
        if self.stuck:
            self._refuse(latest)
        begin = last.begin + AHEAD * last.length
        state = self._carried(last, begin)
        self._take(begin, 2.0 * last.length, state, self._off(begin), self.size(state))

    def _off(self, t: float) -> float:
        """What is left then of all that steps have left out before."""
        ends = [step.begin + AHEAD * step.length for step in self.steps]
        return sum(step.left * self._lost(t - end) for step, end in zip(self.steps, ends, strict=True) if end <= t)

    def _lost(self, time: float) -> float:
        """What is left of the largest state, relative, after so long a time at the most."""
        return min(step.size for step in self.steps if step.begin <= time)

    def _take(self, begin: float, length: float, state: Floats | None, off: float, size: float) -> None:
        for _ in range(MOST_HALVINGS):
            step = self._tried(begin, length, state, off, size)
            if step is not None:
                self.steps.append(step)
                return
            length *= 0.5
        self._refuse(begin)

    def _tried(self, begin: float, length: float, state: Floats | None, off: float, size: float) -> Step | None:
        """The step of that length; None where it leaves out too much of what is there after it."""
        self.tried += 1
        if self.tried > min(MOST_STEPS, MOST_UNKNOWNS / len(self.load)):
            self._refuse(begin + length)
        inverse, weights = self._resolvent(length), _weights(length, pole_for(length))
        terms, sizes, after = [], [], np.zeros(len(self.load))
        for weight, power in zip(weights, inverse.series(self._load(state), adjoint=self.adjoint), strict=True):
            terms.append(self.functional(power))
            sizes.append(self.size(power))
            after += weight * power
        parts = np.abs(weights) * np.array(sizes)
        left = float(max(parts[-LAST:].max(), ROUNDED * max(sizes), LEFT_OUT * size))
        least = self.size(after)
        return Step(begin, length, state, np.array(terms), off, size, left) if left <= self.aim * least else None

    def _carried(self, step: Step, t: float) -> Floats:
        weights, total = _weights(t - step.begin, step.r), np.zeros(len(self.load))
        series = self._resolvent(step.length).series(self._load(step.state), adjoint=self.adjoint)
        for weight, power in zip(weights, series, strict=True):
            total += weight * power
        return total

    def _load(self, state: Floats | None) -> Floats:
        return self.load if state is None else self.generator.apply_mass(state)

    def _resolvent(self, length: float) -> Resolvent:
        if length not in self.factored:
            self.factored[length] = resolvent(self.generator, self.free, pole_for(length))
        return self.factored[length]

    def _refuse(self, t: float) -> NoReturn:
        self.stuck = True
        raise ConvergenceError(
            f"more than {MOST_STEPS} steps are needed to follow the process to t = {t:.3g}",
            "earlier times, or a drift that turns less",
        )


def _weights(t: float, r: float, *, slope: bool = False) -> Floats:
    """The coefficients of a step, which are those of every other one that is as long beside its pole."""
    found = coefficients(t / r, 1.0, slope=slope)
    return found / r if slope else found


def survival_march(generator: Generator, free: Booleans, start: Floats, aim: float, first: float = np.inf) -> March:
    """exp(t L) 1, asked for its value at the ``start`` (dim, 1), and measured by its largest one."""
    up = 0.5 * (generator.exponent - generator.lowest)
    at_start = point_functional(generator.discretization, start[:, 0])
    there = np.flatnonzero(at_start)
    weights = at_start[there] * np.exp(up[there])
    below = up <= up[there].max() + 0.5 * ABOVE
    return March(
        generator,
        free,
        mass_times_constant(generator),
        lambda vector: float(np.abs(times_exp(vector[below], up[below])).max()),
        lambda vector: float(weights @ vector[there]),
        aim,
        first,
    )


def density_march(generator: Generator, free: Booleans, load: PointLoad, aim: float, first: float = np.inf) -> March:
    """exp(t L*) of a point, measured by its mass in absolute value; it is asked for that, too."""
    level = 2.0 * float((load.height - 0.5 * generator.exponent)[0] + generator.lowest)
    mass = mass_times_constant(generator) * np.exp(0.5 * (level - generator.lowest))

    def size(vector: Floats) -> float:
        return float(mass @ np.abs(vector))

    return March(generator, free, load.scaled, size, size, aim, first, adjoint=True)
