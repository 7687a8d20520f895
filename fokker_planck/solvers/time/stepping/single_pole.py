"""exp(t L*) in steps of equal length, each by a few powers of one resolvent: with h the length and r = ``POLE`` h,

    exp(h L) ~ sum_{j < 12} L_j(h / r) (1 - S)^j S,        S = (M + r A)^-1 M,

L_j Laguerre's polynomials: the rational function of that single pole which meets exp to order 11 and vanishes at
infinity.  On the left half-plane it is no larger than 1 (but for 6e-9), so that what turns, or is carried down a slope
faster than it spreads, is followed as well as what decays; the polynomials of :mod:`~.semigroup`, which take one series
for all the way, grow on both, and what they add up to is lost in rounding.  A beginning that is no function of the
elements smooths out by itself.

Source: Nørsett, BIT 14 (1974) 348, on approximations with one real pole; Hairer and Wanner, Solving Ordinary
Differential Equations II, IV.6.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.time.stepping.semigroup import Resolvent, resolvent

logger = logging.getLogger(__name__)

POWERS, POLE = 12, 0.17
"""Of a step, and r over its length: a mode that turns by 1 in a step is right to 2e-9, by half of that to 5e-13. Of
other numbers of powers with the best pole each, 8 take twice the solves to 1e-8, and 16 as many."""
FEWEST, MOST = 4, {1: 1024, 2: 512, 3: 256}
"""Steps to a time, at first, and at most, the last ones twice that: on a line some seconds, else minutes."""
SOON, MOST_STALLS = 64, 3
"""Steps from which on they are to get better, and how often they may not: what is rounding would go on to thousands."""
TURNED, BEYOND = 6.0, 7.0
"""Of what is left at the end, the angle by which it turns in the longest step: that dies out there by mistake, but not
in steps of half the length, so that the two differ; and the log of what it may have more of at the beginning than 1."""
ROUNDED = 0.5
"""Of what steps and steps of half the length differ by, what it has to fall below from one to the next: else it is
rounding that is left."""


@dataclass(frozen=True)
class Stepped:
    """The ``vectors`` (N,) at the times asked for, and how far they may be off, ``apart`` (N,) for each."""

    vectors: list[Floats]
    apart: list[Floats]


@dataclass(frozen=True)
class Steps:
    """From a ``load`` (N,) on the ``free`` unknowns; ``size`` (N,) measures vectors in total variation.

    ``turning`` is the largest c . D^-1 c of the current's velocity c: |Im lambda|^2 <= turning Re lambda.
    """

    generator: Generator
    free: Booleans
    load: Floats
    size: Floats
    turning: float = 0.0

    def to(self, times: Sequence[float], enough: float, most: float) -> Stepped:
        """At ascending ``times``, by steps and steps of half the length until these differ by ``enough``.

        Where rounding keeps them from it, or there would be too many, as near as they come.  Raises
        ``ConvergenceError`` where that is more than ``most``.
        """
        dimension = self.generator.discretization.triangulation.dimension
        count, before = self._fewest(times[-1], enough), np.inf
        if count > MOST[dimension]:
            raise ConvergenceError(
                f"before t = {times[-1]:.3g} the state may turn faster than {MOST[dimension]} steps follow",
                "earlier times, or a drift that turns less",
            )
        last, stalls = self._in(count, times), 0
        while True:
            count *= 2
            if count > SOON:
                logger.debug("%d steps to t = %.3g", count, times[-1])
            found = self._in(count, times)
            apart = [np.abs(new - old) for new, old in zip(found, last, strict=True)]
            worst = max(float(self.size @ each) for each in apart)
            stuck = worst > ROUNDED * before and worst <= most
            stalls = stalls + 1 if count > SOON and worst > ROUNDED * before else 0
            if worst <= enough or stuck or count > MOST[dimension] or stalls == MOST_STALLS:
                break
            before, last = worst, found
        if worst > most:
            raise ConvergenceError(
                f"{count // 2} steps and {count} of half the length differ by {worst:.1e} of the mass at "
                f"t = {times[-1]:.3g}",
                "earlier times, a looser tolerance, or a beginning nearer to where the process rests",
            )
        return Stepped(found, apart)

    def _fewest(self, latest: float, enough: float) -> int:
        """Steps in each of which nothing of which ``enough`` is left at the end turns by more than ``TURNED``.

        What turns faster dies out in steps and half steps alike, without a sign, also where it is there.
        """
        decayed = BEYOND - float(np.log(enough))
        return max(FEWEST, int(np.ceil(np.sqrt(self.turning * decayed * latest) / TURNED)))

    def _in(self, count: int, times: Sequence[float]) -> list[Floats]:
        length = times[-1] / count
        inverse = resolvent(self.generator, self.free, POLE * length)
        load, found = self.load, []
        for number in range(count):
            start = number * length
            last = number == count - 1
            wanted = [t for t in times if start < t <= start + length or (last and t > start)]
            shares = np.array([(t - start) / length for t in wanted[: len(wanted) - last]] + [1.0])
            vectors = _at(inverse, load, shares)
            found += [*vectors] if last else [*vectors[:-1]]
            load = self.generator.apply_mass(vectors[-1])
        return found


def _at(inverse: Resolvent, load: Floats, shares: Floats) -> Floats:
    """The vectors (n, N) after ``shares`` (n,) of a step."""
    weights = laguerre(shares / POLE)
    found = np.zeros((len(shares), len(load)))
    for weight, vector in zip(weights, _powers(inverse, load), strict=True):
        found += weight[:, None] * vector
    return found


def _powers(inverse: Resolvent, load: Floats) -> Iterator[Floats]:
    """(1 - S)^j S f, scaled vectors (N,), for j below ``POWERS``."""
    vector = inverse.factored.solve(load, adjoint=True)
    yield vector
    for _ in range(POWERS - 1):
        vector = vector - inverse.factored.solve(inverse.generator.apply_mass(vector), adjoint=True)
        yield vector


def laguerre(x: Floats, count: int = POWERS) -> Floats:
    """L_j(x) for j below ``count``, (count, n).

    >>> s = 1.0 / (1.0 + POLE * 0.5)                                # of a decay by exp(-1/2) in a step
    >>> series = sum(laguerre(np.array([1.0 / POLE]))[:, 0] * (1.0 - s) ** np.arange(POWERS)) * s
    >>> bool(abs(series - np.exp(-0.5)) < 1e-12)
    True
    """
    found = np.ones((count, len(x)))
    if count > 1:
        found[1] = 1.0 - x
    for j in range(1, count - 1):
        found[j + 1] = ((2 * j + 1 - x) * found[j] - j * found[j - 1]) / (j + 1)
    return found
