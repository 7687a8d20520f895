"""How long a process stays near an unstable point: the time has a logarithm and a constant, and a law of its own.

For ``dX = lambda X dt + sqrt(2 eps) dW``, start 0, exit from (-b, b), with ``X = lambda b^2/(2 eps)``

``T = b^2/(2 eps) 2F2(1, 1; 3/2, 2; -X) = (1/(2 lambda)) [ln(4 X) + gamma_E - 1/(2 X) - 3/(8 X^2) - ...]``.

For small noise this is ``(1/(2 lambda)) [ln(2 lambda b^2/eps) + gamma_E]``; a nonlinear drift moves the constant, other
dimensions decide only how much noise the unstable direction feels.  Sources: Kifer, Israel J. Math. 40 (1981) 74;
Day, Stochastic Process. Appl. 60 (1995) 287; the exact forms are integrals of Dawson's function.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi, sqrt

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass

LARGE = 40.0
"""From this X on the asymptotic series is exact to rounding."""


def linear_time(rate: float, distance: float, epsilon: float) -> Quantity:
    """The exact mean time from an unstable point to either end of (-b, b).

    Parameters
    ----------
    rate
        lambda > 0.
    distance
        b > 0.
    epsilon
        noise level.

    Examples
    --------
    >>> round(linear_time(1.0, 1.0, 0.1).value, 14)
    1.72413784647093
    """
    return source_time(rate, distance, epsilon, 1)


def source_time(rate: float, radius: float, epsilon: float, dimension: int) -> Quantity:
    """The exact mean time from the centre of ``dX = lambda X dt + sqrt(2 eps) dW`` to the sphere of radius R.

    ``T = R^2/(2 d eps) 2F2(1, 1; 2, 1 + d/2; -X) = (1/(2 lambda)) [ln X - digamma(d/2) + O(1/X)]``

    Parameters
    ----------
    rate
        lambda > 0.
    radius
        R.
    epsilon
        noise level.
    dimension
        d.

    Examples
    --------
    >>> round(source_time(1.0, 1.0, 0.01, 2).value, 13)
    2.2446193351648
    """
    _positive(rate=rate, distance=radius, epsilon=epsilon)
    if dimension < 1:
        raise ProblemError("dimension", dimension, "a positive number of coordinates")
    return Quantity.of(_bracket(rate * radius**2 / (2.0 * epsilon), dimension) / (2.0 * rate), 2e-15)


def linear_series(rate: float, distance: float, epsilon: float, terms: int = 0) -> Quantity:
    """``T = (1/(2 lambda)) [ln(4 X) + gamma_E - sum_k (2k-1)!!/(2^k k X^k)]``, cut off after so many terms.

    Twice the first term left out is the error.  The series diverges in the end; its least
    term is of the size of exp(-X).

    >>> formula = linear_series(1.0, 1.0, 1e-3)  # without terms: the logarithm and the constant
    >>> round(formula.value, 6), round(formula.relative_error * formula.value, 6)
    (4.089059, 0.001)
    """
    _positive(rate=rate, distance=distance, epsilon=epsilon)
    X = rate * distance**2 / (2.0 * epsilon)
    total = log(4.0 * X) + np.euler_gamma
    series = _series_terms(X, terms + 1, 0.5)
    total -= sum(series[:-1])
    if not total > 0.0:
        raise ConvergenceError(f"the noise is as large as the drift (X = {X:.3g})", "use linear_time, which is exact")
    return Quantity.of(total / (2.0 * rate), 2.0 * series[-1] / total)


def constant(
    slope: Callable[[Floats], Floats], top: float, edge: float, rate: float, breaks: tuple[float, ...] = ()
) -> float:
    """``K = lim_(delta -> 0) [int_delta^b dx/|V'| + ln(delta)/lambda]``, the time of the way down from the top.

    Parameters
    ----------
    slope
        V' at points (n,).
    top
        where V' = 0 and V'' = -lambda.
    edge
        where the process leaves, at the distance b on either side.
    rate
        lambda > 0.
    breaks
        kinks and jumps of V'.

    Raises
    ------
    ProblemError
        Where V does not fall all the way.

    Examples
    --------
    >>> round(constant(lambda x: x**3 - x, 0.0, 0.8, 1.0), 11) == round(log(0.8 / 0.6), 11)  # ln(b/sqrt(1 - b^2))
    True
    """
    from fokker_planck.asymptotics.line_quadrature import antiderivative

    side, distance = float(np.sign(edge - top)), abs(edge - top)
    _positive(rate=rate, distance=distance)

    def rest(y: Floats) -> Floats:
        fall = -side * slope(top + side * y)
        if not np.all(fall > 0.0):
            raise ProblemError("edge", edge, f"a point to which V falls all the way from {top}")
        # 1/fall - 1/(lambda y) in one fraction, which does not cancel twice
        return np.asarray((rate * y - fall) / (fall * rate * y))

    inner = [side * (point - top) for point in breaks if 0.0 < side * (point - top) < distance]
    # Nearer than this, V' = 0 at the top is known to rounding only, and the integrand is as good as a parabola.
    near = 2e-3 * distance
    value = antiderivative(rest, near, distance, inner)(np.array([distance]))[0]
    value += near * float(rest(near * np.array([0.5, 0.75, 1.0])) @ np.array([5.0, -4.0, 2.0])) / 3.0
    return float(value) + log(distance) / rate


def nonlinear_time(
    slope: Callable[[Floats], Floats],
    top: float,
    left: float,
    right: float,
    epsilon: float,
    rate: float | None = None,
    breaks: tuple[float, ...] = (),
) -> Quantity:
    """``T = (1/(2 lambda)) [ln(2 lambda/eps) + gamma_E] + (K_left + K_right)/2`` from a top of V to two ends.

    The error stated is 2 eps/V'^2 at the worse end, more than the first neglected term.

    Parameters
    ----------
    slope
        V' at points (n,).
    top
        where V is highest.
    left
        absorbing point on the left.
    right
        absorbing point on the right.
    epsilon
        noise level.
    rate
        lambda = -V''(top); by differences if not given.
    breaks
        kinks and jumps of V'.

    Examples
    --------
    >>> quartic = nonlinear_time(lambda x: x**3 - x, 0.0, -0.8, 0.8, 1e-3)
    >>> round(quartic.value, 3)  # exact: 4.370840556667017
    4.377
    """
    if rate is None:
        from fokker_planck.formulas.calculus.finite_differences import first_derivative

        rate = -float(first_derivative(lambda x: slope(x[0]), np.array([[top]]), np.array([1.0]))[0])
    _positive(rate=rate, epsilon=epsilon)
    if not left < top < right:
        raise ProblemError("top", top, f"a point between {left} and {right}")
    ways = 0.5 * (constant(slope, top, left, rate, breaks) + constant(slope, top, right, rate, breaks))
    time = (log(2.0 * rate / epsilon) + np.euler_gamma) / (2.0 * rate) + ways
    if not time > 0.0:
        raise ConvergenceError("the noise is as large as the fall of V", "use the exact time of a Line")
    # Where the way ends the noise shortens it by eps/(2 V'^2); the top costs as much again.
    slowest = min(float(np.abs(slope(np.array([left, right]))).min()), rate * min(top - left, right - top))
    return Quantity.of(time, 2.0 * epsilon / slowest**2 / time)


@dataclass(frozen=True)
class EscapeLaw:
    """The law of the escape time for small noise: ``P(tau <= t) = erfc(exp(-lambda (t - shift))/sqrt(2))``.

    Parameters
    ----------
    rate
        lambda
    shift
        ``(1/lambda) ln(b sqrt(lambda/eps))``

    Notes
    -----
    ``tau - shift`` tends to ``-(1/lambda) ln|N|``, N a standard normal variable: right-skewed, like Gumbel's law.
    """

    rate: float
    shift: float

    @property
    def mean(self) -> float:
        """``shift + (gamma_E + ln 2)/(2 lambda)``.

        >>> law = law_of_linear(1.0, 1.0, 1e-3)
        >>> abs(law.mean - linear_series(1.0, 1.0, 1e-3).value) < 1e-14
        True
        """
        return self.shift + (float(np.euler_gamma) + log(2.0)) / (2.0 * self.rate)

    @property
    def variance(self) -> float:
        """``pi^2/(8 lambda^2)``: it does not depend on the noise."""
        return pi**2 / (8.0 * self.rate**2)

    def distribution(self, t: npt.ArrayLike) -> Floats:
        """P(tau <= t)."""
        from scipy.special import erfc

        return np.asarray(erfc(self._size(t) / sqrt(2.0)))

    def density(self, t: npt.ArrayLike) -> Floats:
        """The derivative of P(tau <= t)."""
        size = self._size(t)
        return np.asarray(sqrt(2.0 / pi) * self.rate * size * np.exp(-(size**2) / 2.0))

    def quantile(self, probability: npt.ArrayLike) -> Floats:
        """The time by which so large a part has left."""
        from scipy.special import erfcinv

        return np.asarray(self.shift - np.log(sqrt(2.0) * erfcinv(np.asarray(probability, dtype=float))) / self.rate)

    def _size(self, t: npt.ArrayLike) -> Floats:
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(-self.rate * (np.asarray(t, dtype=float) - self.shift)))


def law_of_linear(rate: float, distance: float, epsilon: float) -> EscapeLaw:
    """The law of the time to leave (-b, b) from the unstable point of ``dX = lambda X dt + sqrt(2 eps) dW``."""
    _positive(rate=rate, distance=distance, epsilon=epsilon)
    return EscapeLaw(rate, log(distance * sqrt(rate / epsilon)) / rate)


def _bracket(X: float, dimension: int) -> float:
    """``2 lambda T = int_0^X (2/d) M(1, 1 + d/2, -s) ds``: the 2F2, then its expansion for large X."""
    from scipy.special import digamma

    half = 0.5 * dimension
    if X >= LARGE:
        terms = _series_terms(X, 60, half)
        smallest = int(np.argmin(np.abs(terms))) if len(terms) else 0
        return float(log(X) - digamma(half) - sum(terms[:smallest]))
    # Kummer's transform makes all terms positive: M(1, c, -s) = e^-s M(c - 1, c, s).
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(24)
    ends = np.linspace(0.0, X, 1 + max(1, int(np.ceil(X))))
    s = ends[:-1, None] + np.diff(ends)[:, None] * 0.5 * (nodes + 1.0)
    values = _kummer(half, s)
    return float(np.sum((values @ (0.5 * weights)) * np.diff(ends)) / half)


def _kummer(half: float, s: Floats) -> Floats:
    """``M(1, 1 + half, -s) = e^-s sum_k half/(half + k) s^k/k!``."""
    total, term = np.ones_like(s), np.ones_like(s)
    for k in range(1, 400):
        term = term * s / k
        total = total + term * half / (half + k)
        if float(np.max(term / total)) < 1e-18:
            break
    return np.asarray(total * np.exp(-s))


def _series_terms(X: float, count: int, half: float) -> list[float]:
    """The terms ``(1 - half)_k / (k X^k)`` of the expansion, those for d = 1 being ``(2k-1)!!/(2^k k X^k)``."""
    terms, product = [], 1.0
    for k in range(1, count + 1):
        product *= (k - half) / X
        terms.append(product / k)
    return terms


def _positive(**numbers: float) -> None:
    for name, value in numbers.items():
        if not value > 0.0:
            raise ProblemError(name, value, "a positive number")
