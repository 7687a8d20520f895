"""All eigenvalues of A u = lambda M u with real parts up to a bound, none passed over: a strip covered by discs.

A shift-and-invert solve returns the eigenvalues nearest to its shift, hence all of a disc.  Of eigenvalues with
Re lambda <= sigma the numerical range bounds the frequency: where for some slope t

    t H + (Y - t sigma) M + i K  and  t H + (Y - t sigma) M - i K  are positive definite,  A = H + K,

H symmetric and K skew, |Im lambda| < Y + t (Re lambda - sigma) <= Y.  Pivots of a factorisation tell.  So the
rectangle of width sigma and height Y is covered by discs with centres on the imaginary axis, and what lies in it is
counted.  A is real: the lower half plane mirrors the upper one.

Source: Kato, Perturbation Theory for Linear Operators (1966), V.3.2 (numerical range); Ericsson and Ruhe, Math. Comp.
35 (1980) 1251 (shift and invert).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Numbers
from fokker_planck.quantity.light_dataclasses import dataclass

logger = logging.getLogger(__name__)


WIDER = 1.05
"""The strip beyond the last eigenvalue asked for: what a finer mesh may bring before it."""
INSIDE = 1.0 - 1e-4
"""Of the distance to the farthest eigenvalue found, so that its equals do not count as missing."""
SLACK = 0.02
"""Of the radius: how far eigenvalues of a matrix far from normal come out differently from another shift."""
GROWTH = 1.5
"""Between heights that are tried: more discs than needed by as much, for a factorisation or two less."""
MOST_HEIGHTS = 24
"""Each ``GROWTH`` times the last, 17,000 times the first: frequencies beyond have no bound worth its discs."""
FIRST_DISC = 30
"""Eigenvalues asked of the shift on the real axis, where arithmetic is real and four times as fast."""
PER_DISC = 16
"""Eigenvalues asked of a disc: fewer would take more factorisations, more a longer Krylov space."""
MOST_PER_DISC = 128
"""Eigenvalues asked of a disc at the most: the Krylov space and its orthogonalisation grow with them."""
MOST_DISCS = 60
"""Of a strip: each is a factorisation in complex arithmetic."""
MOST_TRIES = 4
"""With one number of eigenvalues before more are asked of a disc that does not reach down to the one before."""
REAL = 1e-9
"""Imaginary parts below this fraction of the modulus are rounding."""


@dataclass(frozen=True)
class Disc:
    """The eigenvalues within ``radius`` of ``centre``, by distance, with their multiplicity."""

    centre: complex
    radius: float
    values: Numbers

    def reach(self, width: float) -> float:
        """How far up and down from its centre the strip of a ``width`` lies inside; negative where nowhere."""
        across = max(abs(width - self.centre.real), abs(self.centre.real))
        return float(np.sqrt(self.radius**2 - across**2)) if self.radius > across else -1.0

    def holds(self, values: Numbers, slack: float = 0.0) -> NDArray[np.bool_]:
        """Which of the values lie inside, the radius longer by the fraction ``slack``."""
        return np.asarray(np.abs(values - self.centre) <= (1.0 + slack) * self.radius)


@dataclass(frozen=True)
class Strip:
    """All ``values`` with Re <= ``width`` and Im >= 0, by real part; none lies above ``height``.

    ``discs`` are those that cover it.
    """

    width: float
    height: float
    values: Numbers
    discs: tuple[Disc, ...]


Nearest = Callable[[complex, int], Numbers]
"""The so many eigenvalues nearest to a shift."""

Bounded = Callable[[float, float, float], bool]
"""Whether t H + (Y - t sigma) M +- i K are positive definite, for sigma, Y and t."""


def all_in_strip(
    nearest: Nearest, bounded: Bounded, total: int, unit: float, most: int, fastest: float = np.inf
) -> Strip:
    """The ``total`` eigenvalues of smallest real part (a complex pair counts as two), and those about as small.

    Parameters
    ----------
    nearest
        eigenvalues near a shift, at most ``most`` of them.
    bounded
        the test of the numerical range.
    total
        how many are wanted.
    unit
        the size of the first eigenvalue's real part, or less; the first shift is its negative.
    most
        number of unknowns.
    fastest
        a bound on c . D^-1 c for the current's velocity c, with which |Im lambda|^2 <= ``fastest`` Re lambda.

    Raises
    ------
    ConvergenceError
        Where the strip cannot be covered.
    """
    discs: list[Disc] = []
    asked = min(max(total + 4, FIRST_DISC), most)
    while True:
        first = disc(nearest, complex(-unit), asked)
        width = _width([first], total, unit)
        if width is not None and first.reach(width) > 0.0:
            break
        if asked == most:
            raise ConvergenceError(f"there are fewer than {total} eigenvalues on this mesh", "a finer mesh")
        asked = min(2 * asked, most)
    discs.append(first)
    height, proven = 0.0, np.inf
    while True:
        width = _width(discs, total, unit)
        assert width is not None
        low = _uncovered(discs, width)
        if width < proven:
            # no factorisation is worth a bound below what the discs cover already
            least = max((1.0 - SLACK) * low, float(upper(discs, width).imag.max()))
            height, proven = frequency_bound(bounded, width, least, float(np.sqrt(fastest * width))), width
        if low >= height:
            values = upper(discs, width)
            return Strip(width, height, values[np.argsort(values.real, kind="stable")], tuple(discs))
        if len(discs) >= MOST_DISCS:
            raise ConvergenceError(
                f"eigenvalues with real parts up to {width:.3g} may have frequencies up to {height:.3g}, "
                f"which {MOST_DISCS} shifts do not search",
                "a smaller count",
            )
        logger.debug(f"eigenvalues with frequencies from {low:.3g} up to {height:.3g}")
        discs.append(_next_disc(nearest, discs, low, height, width, most))


def disc(nearest: Nearest, centre: complex, asked: int) -> Disc:
    """The disc that holds what a solve for ``asked`` eigenvalues returns, without the farthest."""
    values = np.asarray(nearest(centre, asked))
    distance = np.abs(values - centre)
    radius = INSIDE * float(distance.max())
    inside = distance <= radius
    return Disc(centre, radius, values[inside][np.argsort(distance[inside], kind="stable")])


def upper(discs: list[Disc], width: float) -> Numbers:
    """The distinct eigenvalues of the closed upper half plane with real parts up to ``width``."""
    found = np.zeros(0, dtype=complex)
    for number, current in enumerate(discs):
        values = current.values[current.values.imag >= -REAL * np.abs(current.values)]
        for earlier in discs[:number]:
            values = values[~earlier.holds(values)]
        found = np.concatenate([found, values[values.real <= width]])
    real = np.abs(found.imag) <= REAL * np.abs(found)
    return np.where(real, found.real, found)


def frequency_bound(bounded: Bounded, width: float, least: float, known: float = np.inf) -> float:
    """Y with |Im lambda| <= Y for all eigenvalues with Re lambda <= ``width``, from ``least`` upwards.

    What is ``known`` to be one needs no test.
    """
    height = max(least, 0.25 * width)
    for _ in range(MOST_HEIGHTS):
        if known <= height:
            return known
        for share in (0.95, 0.5):
            # a sector |Im| = C Re has the whole of the slope, a parabola |Im|^2 = C Re has half of it at its tangent
            if bounded(width, height, share * height / width):
                return height
        height *= GROWTH
    raise ConvergenceError(
        f"no bound is found on the frequencies of eigenvalues with real parts up to {width:.3g}",
        "more noise or a smaller domain",
    )


def _width(discs: list[Disc], total: int, unit: float) -> float | None:
    """The width of the strip that holds ``total`` of the eigenvalues found; None where there are fewer."""
    values = upper(discs, np.inf)
    parts = np.sort(np.concatenate([values.real, values[values.imag != 0.0].real]))
    return None if len(parts) < total else WIDER * max(float(parts[total - 1]), 0.0) + 1e-3 * unit


def _uncovered(discs: list[Disc], width: float) -> float:
    """The lowest frequency at which the strip is not inside the discs found, begun at zero."""
    low = 0.0
    for current in sorted(discs, key=lambda one: one.centre.imag - one.reach(width)):
        reach = current.reach(width)
        if reach > 0.0 and current.centre.imag - reach <= low:
            low = max(low, current.centre.imag + reach)
    return low


def _next_disc(nearest: Nearest, discs: list[Disc], low: float, height: float, width: float, most: int) -> Disc:
    """A disc that covers the strip from ``low`` on; what it shares with earlier ones must have been found by both."""
    step = max(0.9 * discs[-1].reach(width), 0.25 * width)
    asked, tries = min(PER_DISC, most), 0
    while True:
        tries += 1
        centre = complex(0.0, min(low + step, height))
        found = disc(nearest, centre, asked)
        for earlier in discs:
            before = earlier.values[found.holds(earlier.values, -SLACK)]
            again = found.values[earlier.holds(found.values, SLACK)]
            if len(again) < int(earlier.holds(before, -SLACK).sum()):
                raise ConvergenceError(
                    f"near {centre:.3g} a solve finds fewer eigenvalues than another from {earlier.centre:.3g}",
                    "a finer mesh or another degree",
                )
        if centre.imag - found.reach(width) <= low and found.reach(width) > 0.0:
            return found
        if found.reach(width) > 0.0 and tries % MOST_TRIES:
            step = 0.9 * found.reach(width)
        elif asked < min(MOST_PER_DISC, most):
            asked = min(2 * asked, most)
        else:
            raise ConvergenceError(
                f"more than {asked} eigenvalues lie within {found.radius:.3g} of {centre:.3g}", "a smaller count"
            )
