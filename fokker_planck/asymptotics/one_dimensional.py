"""Exact answers in one dimension by quadrature, in logarithms: right at any barrier.

The generator ``L u = e^-m d/dx (e^-s du/dx)`` has the scale density ``e^s`` and the speed density ``e^m``; for

``dX = -V' dt + sqrt(2 D) dW`` read with alpha = 0 (Ito), 1/2 (Stratonovich), 1 (Klimontovich),

``s = Phi - alpha log D``, ``m = -Phi - (1 - alpha) log D`` with ``Phi(x) = int V'/D``.  Then

- the stationary density is ``e^m / int e^m``,
- ``T = int_start^target e^s(y) int_left^y e^m(z) dz dy`` is the mean time to reach a target to the right of the start,
  the left end reflecting.

All integrals are sums of positive terms on panels over which s and m change little, with Gauss-Legendre nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from fokker_planck.asymptotics.line_quadrature import (
    MOST_FOR_KINKS,
    ORDER,
    LineFunction,
    antiderivative,
    gauss,
    highest_coefficients,
    log_integral,
    subdivided,
)
from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace

CHANGE = 2.0
"""Most that an exponent may change over a panel."""
MOST_PANELS = 1_000_000
"""Beyond it the exponent is taken for unbounded: at ``CHANGE`` a panel this is a range of two million units of
epsilon."""


@dataclass(frozen=True)
class Line:
    """A diffusion on [lower, upper], reflected at both ends unless a question absorbs it there.

    Parameters
    ----------
    log_scale
        s(x) at points (n,), the logarithm of the scale density
    log_speed
        m(x), the logarithm of the speed density, which need not be normalised
    breaks
        where s or m has kinks, and points of interest; always panel ends
    order
        Gauss points on a panel
    given
        the ends of the panels, where they are known
    """

    log_scale: LineFunction
    log_speed: LineFunction
    lower: float
    upper: float
    breaks: tuple[float, ...] = ()
    order: int = ORDER
    given: Floats | None = field(default=None, compare=False, repr=False)

    @cached_property
    def _panels(self) -> Floats:
        """Panel ends: halved until each exponent changes little over a panel, and is smooth there or the panel tiny."""
        if self.given is not None:
            return self.given
        ends = self._gentle_panels()
        nodes, _weights, _cumulative = gauss(ORDER)
        highest = highest_coefficients()
        most = len(ends) + MOST_FOR_KINKS
        # Below this the coefficients are rounding.
        floor = [1e-12 + 1e-15 * float(np.abs(exponent(ends)).max()) for exponent in (self.log_scale, self.log_speed)]
        smooth = np.zeros(len(ends) - 1, dtype=bool)
        for _ in range(60):
            start, width = ends[:-1][~smooth], np.diff(ends)[~smooth]
            x = start[:, None] + width[:, None] * nodes
            rough = np.zeros(len(x), dtype=bool)
            for exponent, least in zip((self.log_scale, self.log_speed), floor, strict=True):
                values = exponent(x.ravel()).reshape(x.shape)
                rough |= np.abs((values - values[:, :1]) @ highest).max(axis=1) > least
            rough &= width > 1e-14 * (self.upper - self.lower)
            if not rough.any() or len(ends) + rough.sum() > most:
                break
            parts = np.ones(len(ends) - 1, dtype=int)
            parts[np.flatnonzero(~smooth)[rough]] = 2
            smooth = np.repeat(parts == 1, parts)
            ends = subdivided(ends, parts)
        return ends

    def _gentle_panels(self) -> Floats:
        """Panel ends: halved until neither exponent changes by more than the limit over a panel."""
        inner = [point for point in self.breaks if self.lower < point < self.upper]
        ends = np.unique(np.array([self.lower, *inner, self.upper]))
        ends = np.unique(np.concatenate([np.linspace(a, b, 17) for a, b in zip(ends[:-1], ends[1:], strict=True)]))
        for _ in range(40):
            x = ends[:-1, None] + np.linspace(0.0, 1.0, 9)[None, 1:-1] * np.diff(ends)[:, None]
            change = np.zeros(len(x))
            for exponent in (self.log_scale, self.log_speed):
                change = np.maximum(change, np.ptp(exponent(x.ravel()).reshape(x.shape), axis=1))
            wide = change > CHANGE
            if not wide.any():
                return np.asarray(ends)
            parts = np.where(wide, np.minimum(2 ** np.ceil(np.log2(change / CHANGE + 1e-9)), 64.0), 1.0).astype(int)
            if not np.isfinite(change).all() or parts.sum() > MOST_PANELS:
                break
            ends = subdivided(ends, parts)
        raise ConvergenceError(
            f"the exponent changes too fast on [{self.lower}, {self.upper}] to be integrated",
            "it must be finite on the closed interval",
        )

    def panels(self, lower: float, upper: float) -> Floats:
        """Ends of the panels between two points, these included."""
        inner = self._panels[(self._panels > lower) & (self._panels < upper)]
        return np.concatenate([[lower], inner, [upper]])

    def log_mass(self, lower: float, upper: float) -> float:
        """log of the integral of the speed density."""
        return log_integral(self.log_speed, self.panels(lower, upper), self.order)

    def probability(self, lower: float, upper: float) -> Quantity:
        """Stationary probability of an interval.

        >>> line = isotropic(lambda x: (x**2 - 1)**2 * (1 + 0.4 * x) / 4, 1 / 20, -2.0, 2.0)
        >>> saddle = -1.0 + 1.2**0.5
        >>> round(line.probability(-2.0, saddle).value, 12)
        0.601915061033
        """

        def log_probability(line: Line) -> float:
            inside = line.log_mass(max(lower, line.lower), min(upper, line.upper))
            return inside - line.log_mass(line.lower, line.upper)

        return self.estimated(log_probability)

    def mean_exit_time(self, start: float, left: float | None = None, right: float | None = None) -> Quantity:
        """Mean time from ``start`` to an absorbing point on the left, on the right, or to the first of two.

        A side without absorbing point reflects at the end of the line.

        Examples
        --------
        >>> quartic = isotropic(lambda x: (x**2 - 1)**2 / 4, 1 / 2000, -2.0, 2.0)
        >>> f"{quartic.mean_exit_time(-1.0, right=1.0).value:.11e}"
        '6.24068406795e+217'
        """
        for point, name in ((left, "left"), (right, "right")):
            if point is not None and not self.lower <= point <= self.upper:
                raise ValueError(f"the {name} absorbing point {point} is not in [{self.lower}, {self.upper}]")
        low = self.lower if left is None else left
        high = self.upper if right is None else right
        if left is None and right is None:
            raise ValueError("no absorbing point")
        if not low <= start <= high:
            raise ValueError(f"the start {start} is not between {low} and {high}")
        return self.estimated(lambda line: line._log_exit_time(start, left, right))

    def _log_exit_time(self, start: float, left: float | None, right: float | None) -> float:
        if left is None and right is not None:
            return self._one_sided(self.panels(self.lower, right), start, 1.0)
        if right is None and left is not None:
            return self._one_sided(-self.panels(left, self.upper)[::-1], -start, -1.0)
        if left is None or right is None:
            raise ValueError("no absorbing point")
        # Green's function: T = sum over both sides of (S(far side) / S(all)) int e^m(z) S(z to the near end) dz.
        below, above = self.panels(left, start), self.panels(start, right)
        scale_below = log_integral(self.log_scale, below, self.order)
        scale_above = log_integral(self.log_scale, above, self.order)
        swapped = replace(self, log_scale=self.log_speed, log_speed=self.log_scale)
        inner = np.logaddexp(
            swapped._nested(below, 1.0, left) + scale_above, swapped._nested(-above[::-1], -1.0, -right) + scale_below
        )
        return float(inner - np.logaddexp(scale_below, scale_above))

    def _one_sided(self, ends: Floats, start: float, sign: float) -> float:
        return self._nested(np.unique(np.concatenate([ends, [start]])), sign, start)

    def _nested(self, ends: Floats, sign: float, start: float) -> float:
        """log of ``int_start e^s(y) int_first^y e^m(z) dz dy`` over panels; mirrored for sign = -1."""
        if len(ends) < 2 or ends[0] == ends[-1]:
            return -np.inf
        ends = np.unique(ends)
        nodes, weights, cumulative = gauss(self.order)
        width = np.diff(ends)
        x = ends[:-1, None] + width[:, None] * nodes
        speed = self.log_speed(sign * x.ravel()).reshape(x.shape)
        scale = self.log_scale(sign * x.ravel()).reshape(x.shape)
        top = speed.max(axis=1)
        relative = np.exp(speed - top[:, None])
        panel = np.log(relative @ weights * width) + top
        before = np.concatenate([[-np.inf], np.logaddexp.accumulate(panel)[:-1]])
        with np.errstate(divide="ignore"):
            within = np.log(np.maximum(relative @ cumulative.T, 0.0) * width[:, None]) + top[:, None]
        integrand = np.logaddexp(before[:, None], within) + scale
        counted = ends[:-1] >= start
        if not counted.any():
            return -np.inf
        integrand, width = integrand[counted], width[counted]
        highest = integrand.max()
        return float(np.log(np.sum(np.exp(integrand - highest) @ weights * width)) + highest)

    def estimated(self, log_value: Callable[[Line], float]) -> Quantity:
        """The value with the order as given, and its distance to that with fewer nodes; never below rounding."""
        fine = log_value(self)
        if fine == -np.inf:
            return Quantity.of(0.0, 0.0)
        coarse = log_value(replace(self, order=self.order - 4, given=self._panels))
        x = np.linspace(self.lower, self.upper, 201)
        rounding = 4e-16 * (4.0 + abs(fine) + float(np.median(np.abs(self.log_speed(x)))))
        return Quantity.of_log(fine, abs(float(np.expm1(fine - coarse))) + rounding)


def isotropic(
    potential: LineFunction, epsilon: float, lower: float, upper: float, breaks: Sequence[float] = ()
) -> Line:
    """dX = -V'(X) dt + sqrt(2 eps) dW on [lower, upper].

    >>> flat = isotropic(lambda x: 0.0 * x, 0.5, -1.0, 1.0)
    >>> round(flat.mean_exit_time(0.0, left=-1.0, right=1.0).value, 12)  # L^2 / (2 eps)
    1.0
    """
    log_epsilon = np.log(epsilon)
    return Line(
        lambda x: potential(x) / epsilon - log_epsilon,
        lambda x: -potential(x) / epsilon,
        float(lower),
        float(upper),
        tuple(float(point) for point in breaks),
    )


def multiplicative(
    slope: LineFunction,
    diffusion: LineFunction,
    lower: float,
    upper: float,
    alpha: float = 0.0,
    breaks: Sequence[float] = (),
) -> Line:
    """dX = -V'(X) dt + sqrt(2 D(X)) dW, the noise read with alpha = 0 (Ito), 1/2 (Stratonovich), 1 (Klimontovich).

    Parameters
    ----------
    slope
        V' at points (n,).
    diffusion
        D > 0 at points (n,).
    lower
        left end of the line.
    upper
        right end.
    alpha
        the reading.
    breaks
        kinks and jumps of V' and D.

    Examples
    --------
    >>> student = multiplicative(lambda x: x, lambda x: 0.05 * (1 + 4 * x**2), -1.0, 1.0)
    >>> abs(student.mean_exit_time(0.0, left=-1.0, right=1.0).value / (586 / 9) - 1.0) < 1e-13
    True
    """
    exponent = antiderivative(lambda x: slope(x) / diffusion(x), lower, upper, breaks)

    def log_scale(x: Floats) -> Floats:
        return exponent(x) - alpha * np.log(diffusion(x))

    def log_speed(x: Floats) -> Floats:
        return -exponent(x) - (1.0 - alpha) * np.log(diffusion(x))

    return Line(log_scale, log_speed, float(lower), float(upper), tuple(float(point) for point in breaks))
