"""The survival function of one start: S(t) = P(tau > t), by slow modes where nothing else is left, else by powers.

S_t = L S, S = 1 at t = 0, S = 0 on the target.  With the modes of -L killed there, L u_j = -lambda_j u_j and the left
ones z_j,

    S(t, x) = sum_j exp(-lambda_j t) u_j(x) int z_j / int u_j z_j,

all of it from the time on at which the modes that are not known have died out: so the tail has its digits relative to
itself, at times of 1e217 as well.  Before, the powers of a resolvent serve (:mod:`~.semigroup`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.cell_products import CellProducts, product
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.fem.interpolation import interpolate, point_functional
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.solvers.answer_types import Numbers
from fokker_planck.solvers.eigenmodes import Eigenmode
from fokker_planck.solvers.exit_time import point_load
from fokker_planck.solvers.semigroup import LEFT_OUT, MORE_POWERS, POWERS, coefficients, evolved, pole_for, resolvent

DIED_OUT = 32.0
"""Log of what a mode that is not known has lost when the others take over: 1e-14 of the slowest is left."""
EQUAL = 1e-3
"""Relative distance of eigenvalues that are one to a mesh: those of a disc come in pairs."""
QUARTER = 4.0
"""The times of one resolvent: up to a latest, down to a quarter of it."""
MOST_QUARTERS = 60
"""Down from the time at which modes take over, 1e-36 of it: what has happened before is no double's business."""
LAST, ROUNDED = 4, 2e-16
"""Terms of the series at its end, the largest of which stands for what is left out, and rounding of the largest power:
against a drift of 57 units of epsilon powers grow to 5e6, 1e-10 was off and 1e-9 is said."""
MOST_TURNING = 30
"""Quarters of a time that are looked at: 1e18 is between the last and the first."""
ENOUGH = 0.1
"""Of the tolerance, relative to S: where more can be off more powers are taken."""


@dataclass(frozen=True)
class Tail:
    """S(t) and -S'(t) as sums over modes, from the time ``start`` on.

    ``logs`` are those of the modes as :class:`Eigenmode` has them, ``shares`` (k,) complex what each has of S(0), those
    of pairs counted for both.
    """

    start: float
    logs: tuple[complex, ...]
    shares: Numbers

    def log(self, log_t: float, *, slope: bool = False) -> float:
        """log S(t), or log -S'(t), at a time that need not be a double."""
        slowest = float(np.exp(self.logs[0].real + log_t))
        total = 0.0
        for log, share in zip(self.logs, self.shares, strict=True):
            exponent = np.exp(log.real + log_t) * (1.0 + 1j * log.imag)
            factor = (1.0 + 1j * log.imag) * np.exp(log.real - self.logs[0].real) if slope else 1.0
            total += float((share * factor * np.exp(slowest - exponent)).real)
        if not total > 0.0:
            raise ConvergenceError(f"the tail of the law is not positive at log t = {log_t:.4g}", "a finer tolerance")
        return float(np.log(total)) - slowest + (self.logs[0].real if slope else 0.0)


def tail_of(generator: Generator, modes: Sequence[Eigenmode], faster: float, start: Floats) -> Tail:
    """From ``modes``, ascending, where all others are ``faster`` than that; from the ``start`` (dim, 1)."""
    takes_over = DIED_OUT / (faster - float(np.exp(modes[0].log.real)))
    shares = np.array([_share(generator, mode, start) for mode in modes])
    return Tail(takes_over, tuple(complex(mode.log) for mode in modes), shares)


def told_apart(modes: Sequence[Eigenmode]) -> tuple[list[Eigenmode], float]:
    """All modes but the fastest and its equals, ascending, and the rate of that: of others nothing is known.

    Raises ``ConvergenceError`` where all are equal.
    """
    if not modes:
        raise ConvergenceError("no slow mode of the killed process was found", "more noise, or a weaker drift")
    ordered = sorted(modes, key=lambda mode: mode.log.real)
    last = ordered[-1].log.real
    known = [mode for mode in ordered if mode.log.real < last - EQUAL]
    if not known:
        raise ConvergenceError("the eigenvalues of the killed process cannot be told apart", "another domain")
    return known, float(np.exp(last))


def _share(generator: Generator, mode: Eigenmode, start: Floats) -> complex:
    """u(x) int z / int u z, twice that for one of a pair."""
    discretization = generator.discretization
    left = mode.modes[0].dual
    cells = mode.nodal[discretization.dofs]
    dual = cells if left is None else left
    whole, log_whole = _signed(generator, None, dual)
    norm, log_norm = _signed(generator, cells, dual)
    at_start = complex(interpolate(discretization, mode.nodal.real, start)[0])
    if np.iscomplexobj(mode.nodal):
        at_start += 1j * float(interpolate(discretization, mode.nodal.imag, start)[0])
    found = mode.times * at_start * whole / norm * np.exp(log_whole - log_norm)
    if not np.isfinite(found):
        raise BarrierTooHighError("the share of a slow mode at the start is no double", "more noise")
    return complex(found)


def _signed(generator: Generator, u: Numbers | None, z: Numbers) -> tuple[complex, float]:
    """m(u, z), m(1, z) without u, as a number of order one times the exponential of a logarithm."""
    parts: list[tuple[complex, CellProducts]] = []
    for unit, second in _parts(z):
        if u is None:
            parts.append((unit, product(generator, 1.0, second)))
        else:
            parts += [(unit * other, product(generator, first, second)) for other, first in _parts(u)]
    top = max(contribution.log_of_sum() for _, contribution in parts)
    comm = generator.discretization.comm
    total = sum(unit * comm.allreduce(float(each.relative_to(top).sum())) for unit, each in parts)
    return complex(total), top


def _parts(values: Numbers) -> list[tuple[complex, Floats]]:
    return [(1.0, values.real), (1j, values.imag)] if np.iscomplexobj(values) else [(1.0, values)]


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

    def doubt(self, t: float) -> float:
        """How far S(t) can be off beside the mesh: by what the series leaves out, and by rounding.

        What turns much faster than it decays is left out at a late time without a sign; at an earlier one it shows.
        """
        if t >= self.tail.start:
            return 0.0
        return max(self._early(t)[1], *(self._early(earlier)[1] for earlier in times_of_turning(t, self.turning)), 0.0)

    def log(self, t: float) -> float:
        """log S(t)."""
        if t >= self.tail.start:
            return self.tail.log(float(np.log(t)))
        value = self._early(t)[0]
        if not value > 0.0:
            raise ConvergenceError(f"S({t:.3g}) came out as {value:.1e}", "a finer tolerance, or a later time")
        return min(float(np.log(value)), 0.0)

    def log_density(self, t: float) -> float:
        """log -S'(t), of the density of the time; where it is rounding, the log of what rounding is."""
        if t >= self.tail.start:
            return self.tail.log(float(np.log(t)), slope=True)
        return float(np.log(max(-self._early(t, slope=True)[0], LEFT_OUT / t)))

    def functions(self, t: float) -> tuple[Floats, Floats, Floats]:
        """exp(t L) 1, exp(t L*) of the start, scaled vectors (N,), and the height of the second."""
        generator, load = self.generator, point_load(self.generator, self.start[:, 0])
        inverse = resolvent(generator, self.free, pole_for(1.5 * t))
        weights = coefficients(t, inverse.r)
        right = evolved(inverse.series(mass_times_constant(generator)), weights)
        left = evolved(inverse.series(load.scaled, adjoint=True), weights)
        return right, left, load.height

    def quantile(self, probability: float) -> float:
        """log of the t with P(tau <= t) = ``probability``."""
        from scipy.optimize import brentq

        wanted, middle = float(np.log1p(-probability)), float(np.log(self.tail.start))
        if self._at(middle) > wanted:
            # S is about exp(-lambda t) there
            lower, upper = middle, max(middle, float(np.log(-wanted)) - self.tail.logs[0].real) + 1.0
            while self._at(upper) > wanted:
                upper += 1.0
        else:
            upper, lower = middle, middle - float(np.log(QUARTER))
            while self._at(lower) <= wanted:
                upper, lower = lower, lower - float(np.log(QUARTER))
                if middle - lower > MOST_QUARTERS * np.log(QUARTER):
                    raise ConvergenceError(f"no time by which {probability:g} has left", "another start")
        return float(brentq(lambda log_t: self._at(log_t) - wanted, lower, upper, xtol=1e-15, rtol=1e-15))

    def _at(self, log_t: float) -> float:
        if log_t >= np.log(self.tail.start):
            return self.tail.log(log_t)
        return self.log(float(np.exp(log_t)))

    def _early(self, t: float, *, slope: bool = False) -> tuple[float, float]:
        """S(t), or S'(t), and by how much S can be off."""
        value, off = self._by(POWERS, t, slope=slope)
        if off > max(ENOUGH * self.tolerance * abs(value), LEFT_OUT):
            value, off = self._by(MORE_POWERS, t, slope=slope)
        return value, off

    def _by(self, powers: int, t: float, *, slope: bool) -> tuple[float, float]:
        number = int(np.floor(np.log(self.tail.start / t) / np.log(QUARTER)))
        r = pole_for(self.tail.start * QUARTER**-number, powers)
        if (number, powers) not in self.known:
            self.known[number, powers] = self._powers(r, powers)
        functions = self.known[number, powers]
        terms = coefficients(t, r, powers) * functions
        off = max(LEFT_OUT, np.abs(terms[-LAST:]).max(), ROUNDED * np.abs(functions).max())
        value = coefficients(t, r, powers, slope=True) @ functions if slope else terms.sum()
        return float(value), float(off)

    def _powers(self, r: float, powers: int) -> Floats:
        """T_k(2 S - 1) 1 at the start, for every k."""
        generator = self.generator
        at_start = point_functional(generator.discretization, self.start[:, 0])
        there = np.flatnonzero(at_start)
        weights = at_start[there] * np.exp(0.5 * (generator.exponent[there] - generator.lowest))
        series = resolvent(generator, self.free, r).series(mass_times_constant(generator), powers)
        return np.array([weights @ each[there] for each in series])
