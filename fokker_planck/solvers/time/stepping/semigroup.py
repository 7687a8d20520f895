"""exp(t L) on functions, for times up to those at which slow modes take over: by powers of one resolvent.

With S = (M + r A)^-1 M, whose spectrum is that of s = 1/(1 + r lambda) and lies between 0 and 1,

    exp(-t lambda) = exp(-(t / r) (1/s - 1)) = s sum_k c_k(t) T_k(2 s - 1),

and the Chebyshev coefficients fall like (sqrt(2) - 1)^k where t/r is near k / 1.5: one factorisation serves all times
within a factor of four.  Every solve keeps the digits of every unknown in its own scale, and S is a contraction in the
largest norm, so that what comes out has the same absolute accuracy everywhere, far above the lowest point, too; Krylov
spaces, orthogonal in the weight, have not.  The factor s in front makes of a load (f, v), of a function f that need not
be one of the elements (one that is not zero on the target, or a point as initial density), the projection of f.

Source: Andersson, J. Approx. Theory 32 (1981) 85, on approximations to exp(-x) whose only pole is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from fokker_planck.fem.algebra.static_condensation import CondensedFactorization, condensed_factorization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass

POWERS, MORE_POWERS = 40, 80
"""Of the resolvent: for t between ``EARLIEST`` and ``LATEST`` times r ``POWERS`` what is left out is below ``LEFT_OUT``
where eigenvalues are real: 32 leave 1e-7 at four times the best t, 40 leave 3e-13.  More where that does not serve:
against a drift that takes 57 units of epsilon across the domain 40 leave 1e-10, 80 leave rounding."""
LAST_TERM, FEWEST = 20.0, 12
"""Times (1 + sqrt 2)^-k, the largest of the last terms of k powers at the times they serve: 2e-4 for 12, 4e-7 for 20,
6e-12 for 32, of which the error is a part; and the fewest powers."""
EARLIEST, LATEST = 0.3, 1.2
"""Of r times the number of powers: the times that one factorisation serves."""
LEFT_OUT = 1e-12
"""Of the largest value of a function at the beginning: what the series leaves out, and rounding of its solves; of the
law of the Ornstein-Uhlenbeck process 1e-13 was seen."""

DIGITS = 80
"""Bits of the coefficients beyond the size of the last one: 64 leave a relative error of 1e-9 there, and rounding of
160 steps of the recurrence takes some of them."""


def powers_for(left: float) -> int:
    """How many powers leave so much of the largest value at the beginning, real eigenvalues given; at most ``POWERS``.

    >>> powers_for(1e-7), powers_for(1e-12)
    (22, 35)
    """
    return int(np.clip(np.ceil(np.log(LAST_TERM / left) / np.log(1.0 + np.sqrt(2.0))), FEWEST, POWERS))


def pole_for(latest: float, powers: int = POWERS) -> float:
    """r for times up to ``latest``, and down to a quarter of it."""
    return latest / (LATEST * powers)


def latest_of(r: float, powers: int) -> float:
    """The latest time that a pole serves."""
    return r * LATEST * powers


def coefficients(t: float, r: float, powers: int = POWERS, *, slope: bool = False) -> Floats:
    """c_k(t), (``powers`` + 1,), of exp(-t lambda), or of its derivative by t if ``slope``, each with its own digits.

    Against a drift T_k grows as the coefficients fall, so that an error of 1e-17 in the last of them is none in the
    sum only if it is relative.

    >>> s = 0.3
    >>> series = np.polynomial.chebyshev.chebval(2.0 * s - 1.0, coefficients(1.0, pole_for(1.5)))
    >>> abs(s * float(series) - float(np.exp(-(1.0 / s - 1.0) / pole_for(1.5)))) < 1e-12
    True
    """
    return np.array(_coefficients(t, r, powers, slope))


@lru_cache(maxsize=1024)
def _coefficients(t: float, r: float, powers: int, slope: bool) -> tuple[float, ...]:
    """Once for all meshes on which they are asked: 320 of them take half a second."""
    places = _places(powers)
    scale = 1 << places.bits
    with mpmath.workprec(places.bits):
        rates = [(1 / s - 1) / mpmath.mpf(r) for s in places.s]
        values = [mpmath.exp(-mpmath.mpf(t) * rate) / s for rate, s in zip(rates, places.s, strict=True)]
        if slope:
            values = [-rate * value for rate, value in zip(rates, values, strict=True)]
        fixed = np.array([int(value * scale) for value in values], dtype=object)
    before, here = np.full(len(fixed), scale, dtype=object), places.cosines
    result = []
    for _ in range(powers + 1):
        result.append(2 * int((before * fixed).sum()) / (len(fixed) * scale**2))
        before, here = here, ((places.cosines * here) >> (places.bits - 1)) - before
    result[0] *= 0.5
    return tuple(result)


@dataclass(frozen=True)
class _Places:
    """Chebyshev's points y and s = (1 + y) / 2, the ``cosines`` y as multiples of 2^-``bits``."""

    bits: int
    cosines: NDArray[Any]
    s: tuple[Any, ...]


@lru_cache(maxsize=8)
def _places(powers: int) -> _Places:
    """For so many coefficients, the last of which is about (1 + sqrt 2)^-``powers``."""
    bits, count = DIGITS + int(np.ceil(powers * np.log2(1.0 + np.sqrt(2.0)))), 4 * powers + 1
    with mpmath.workprec(bits):
        cosines = [mpmath.cos(mpmath.pi * (mpmath.mpf(j) + 0.5) / count) for j in range(count)]
        fixed = np.array([int(cosine * (1 << bits)) for cosine in cosines], dtype=object)
        return _Places(bits, fixed, tuple((1 + cosine) / 2 for cosine in cosines))


@dataclass(frozen=True)
class Resolvent:
    """(M + r A)^-1 on the unknowns that are ``free`` (N,), factored."""

    generator: Generator
    free: Booleans
    r: float
    factored: CondensedFactorization

    def series(self, load: Floats, powers: int = POWERS, *, adjoint: bool = False) -> Iterator[Floats]:
        """T_k(2 S - 1) S f for k = 0 to ``powers``, scaled vectors (N,); with the transpose of A if ``adjoint``.

        ``load`` (N,) holds the scaled products m(f, v) with the basis functions.
        """
        before = self.factored.solve(load, adjoint=adjoint)
        yield before
        here = 2.0 * self._step(before, adjoint) - before
        yield here
        for _ in range(powers - 1):
            before, here = here, 2.0 * (2.0 * self._step(here, adjoint) - here) - before
            yield here

    def _step(self, vector: Floats, adjoint: bool) -> Floats:
        return self.factored.solve(self.generator.apply_mass(vector), adjoint=adjoint)


def resolvent(generator: Generator, free: Booleans, r: float) -> Resolvent:
    """Factor M + r A on the ``free`` unknowns (N,)."""
    factored = condensed_factorization(
        generator.discretization,
        generator.mass + r * generator.stiffness,
        free,
        symmetric=generator.symmetric,
        exponent=generator.exponent,
        lost=generator.mass_of_constant,
    )
    return Resolvent(generator, free, r, factored)


def evolved(series: Iterator[Floats], weights: Floats) -> Floats:
    """sum_k w_k T_k S f, (N,), for ``weights`` (k,) as :func:`coefficients` has them."""
    result: Floats = np.zeros(0)
    for number, (weight, vector) in enumerate(zip(weights, series, strict=True)):
        result = weight * vector if number == 0 else result + weight * vector
    return result
