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

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.cell_products import CellProducts, product
from fokker_planck.fem.field import interpolate, point_functional
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.solvers.answer_types import Numbers
from fokker_planck.solvers.eigenmodes import Eigenmode
from fokker_planck.solvers.semigroup import LEFT_OUT, coefficients, pole_for, resolvent

DIED_OUT = 32.0
"""Log of what a mode that is not known has lost when the others take over: 1e-14 of the slowest is left."""
QUARTER = 4.0
"""The times of one resolvent: up to a latest, down to a quarter of it."""
MOST_QUARTERS = 60
"""Down from the time at which modes take over, 1e-36 of it: what has happened before is no double's business."""


@dataclass(frozen=True)
class Tail:
    """S(t) and -S'(t) as sums over modes, from the time ``start`` on.

    ``logs`` are those of the modes as :class:`Eigenmode` has them, ``shares`` (k,) complex what each has of S(0), those
    of pairs counted for both.
    """

    start: float
    logs: tuple[complex, ...]
    shares: Numbers

    def log(self, t: float, *, slope: bool = False) -> float:
        """log S(t), or log -S'(t)."""
        slowest = float(np.exp(self.logs[0].real + np.log(t)))
        total = 0.0
        for log, share in zip(self.logs, self.shares, strict=True):
            exponent = np.exp(log.real + np.log(t)) * (1.0 + 1j * log.imag)
            factor = (1.0 + 1j * log.imag) * np.exp(log.real - self.logs[0].real) if slope else 1.0
            total += float((share * factor * np.exp(slowest - exponent)).real)
        if not total > 0.0:
            raise ConvergenceError(f"the tail of the law is not positive at t = {t:.3g}", "a finer tolerance")
        return float(np.log(total)) - slowest + (self.logs[0].real if slope else 0.0)


def tail_of(generator: Generator, modes: Sequence[Eigenmode], start: Floats) -> Tail:
    """From all ``modes`` but the fastest, ascending: from it on nothing is known of others.

    ``start`` (dim, 1) is where the process begins.
    """
    ordered = sorted(modes, key=lambda mode: mode.log.real)
    known = [mode for mode in ordered if mode.log.real < ordered[-1].log.real - 1e-3]
    if not known:
        raise ConvergenceError("the eigenvalues of the killed process cannot be told apart", "another domain")
    fastest = float(np.exp(ordered[-1].log.real))
    takes_over = DIED_OUT / (fastest - float(np.exp(known[0].log.real)))
    shares = np.array([_share(generator, mode, start) for mode in known])
    return Tail(takes_over, tuple(complex(mode.log) for mode in known), shares)


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


@dataclass
class Survival:
    """S(t) at the ``start`` (dim, 1), for all t; resolvents are factored as times ask for them."""

    generator: Generator
    free: Booleans
    start: Floats
    tail: Tail
    known: dict[int, Floats] = field(default_factory=dict)

    def log(self, t: float) -> float:
        """log S(t)."""
        if t >= self.tail.start:
            return self.tail.log(t)
        value = self._sum(t, slope=False)
        if not value > 0.0:
            raise ConvergenceError(f"S({t:.3g}) came out as {value:.1e}", "a finer tolerance, or a later time")
        return min(float(np.log(value)), 0.0)

    def log_density(self, t: float) -> float:
        """log -S'(t), of the density of the time; where it is rounding, the log of what rounding is."""
        if t >= self.tail.start:
            return self.tail.log(t, slope=True)
        return float(np.log(max(-self._sum(t, slope=True), LEFT_OUT / t)))

    def quantile(self, probability: float) -> float:
        """log of the t with P(tau <= t) = ``probability``."""
        from scipy.optimize import brentq

        wanted = float(np.log1p(-probability))
        upper = np.log(self.tail.start)
        if self.log(float(np.exp(upper))) > wanted:
            lower = upper
            # S is about exp(-lambda t) there
            upper = max(lower, np.log(-wanted) - self.tail.logs[0].real) + 1.0
            while self.tail.log(float(np.exp(upper))) > wanted:
                upper += 1.0
        else:
            lower = upper
            for _ in range(MOST_QUARTERS):
                upper, lower = lower, lower - np.log(QUARTER)
                if self.log(float(np.exp(lower))) > wanted:
                    break
            else:
                raise ConvergenceError(f"no time by which {probability:g} has left", "another start")
        return float(brentq(lambda log: self.log(float(np.exp(log))) - wanted, lower, upper, xtol=1e-15, rtol=1e-15))

    def _sum(self, t: float, *, slope: bool) -> float:
        number = int(np.floor(np.log(self.tail.start / t) / np.log(QUARTER)))
        r = pole_for(self.tail.start * QUARTER**-number)
        if number not in self.known:
            self.known[number] = self._powers(r)
        return float(coefficients(t, r, slope=slope) @ self.known[number])

    def _powers(self, r: float) -> Floats:
        """T_k(2 S - 1) 1 at the start, for every k."""
        generator = self.generator
        at_start = point_functional(generator.discretization, self.start[:, 0])
        there = np.flatnonzero(at_start)
        weights = at_start[there] * np.exp(0.5 * (generator.exponent[there] - generator.lowest))
        series = resolvent(generator, self.free, r).series(mass_times_constant(generator))
        return np.array([weights @ each[there] for each in series])
