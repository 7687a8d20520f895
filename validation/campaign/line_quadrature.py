"""On a line everything is a double integral; here it is, without anything of the package.

With the noiseless drift a, the noise D and its interpretation alpha, Phi' = -a/D and

    s'(x) = D^-alpha exp(Phi),    w(x) = D^(alpha - 1) exp(-Phi),
    T(x0 -> b) = int_x0^b s'(y) int_left^y w(z) dz dy   (reflecting on the left),
    q(x) = int_A^x s' / int_A^B s'.

Panels of Gauss-Legendre points are bisected until the integrand's logarithm is a polynomial on each; integrals over
panels are kept as logarithms, so that barriers of hundreds of units of epsilon are sums of positive terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

POINTS = 24  # a panel; exact for logarithms that are polynomials of degree 23
RESOLVED = 1e-13  # highest Legendre coefficients of -b/D on a panel, relative to the largest
CHANGE = 2.0  # largest change of the exponent over a panel: exp of it is then a polynomial of degree 23 to 1e-16
MOST_PANELS = 100_000  # 41,000 units of epsilon from end to end take 65,000 of them


@dataclass(frozen=True)
class Line:
    """Panels ``edges`` (n + 1,), points (n, POINTS), logarithms of s' and w there, from the left end on."""

    edges: Floats
    points: Floats
    log_scale: Floats
    log_speed: Floats

    @cached_property
    def _log_weights(self) -> Floats:
        weights = np.polynomial.legendre.leggauss(POINTS)[1]
        return np.log(0.5 * np.diff(self.edges)[:, None] * weights)

    def log_integral(self, log_values: Floats) -> Floats:
        """Of every panel, (n,), the logarithm of the integral of exp(log_values)."""
        return np.asarray(logsumexp(log_values + self._log_weights, axis=1))

    def log_cumulative(self, log_values: Floats, from_left: bool = True) -> tuple[Floats, Floats]:
        """Logarithm of the integral from an end to each edge (n + 1,) and to each point (n, POINTS)."""
        if not from_left:
            edges, points = self._mirrored().log_cumulative(log_values[::-1, ::-1])
            return edges[::-1], points[::-1, ::-1]
        whole = np.concatenate([[-np.inf], np.logaddexp.accumulate(self.log_integral(log_values))])
        inside = logsumexp(
            log_values[:, None, :], axis=2, b=0.5 * np.diff(self.edges)[:, None, None] * _cumulative_weights()
        )
        return whole, np.logaddexp(whole[:-1, None], inside)

    def _mirrored(self) -> Line:
        return Line(-self.edges[::-1], -self.points[::-1, ::-1], self.log_scale[::-1, ::-1], self.log_speed[::-1, ::-1])

    def log_mass(self, lower: float, upper: float) -> float:
        """Of w between two edges."""
        inside = (self.edges[:-1] >= lower - 1e-14) & (self.edges[1:] <= upper + 1e-14)
        return float(logsumexp(self.log_integral(self.log_speed)[inside])) if inside.any() else -np.inf

    def log_exit_to_right(self, start: float, end: float) -> float:
        """log T from an edge to an edge on its right, all of the line on the left of it reflecting at its end."""
        inner = self.log_cumulative(self.log_speed)[1]
        panels = (self.edges[:-1] >= start - 1e-14) & (self.edges[1:] <= end + 1e-14)
        return float(logsumexp(self.log_integral(self.log_scale + inner)[panels]))

    def log_exit_to_left(self, start: float, end: float) -> float:
        """log T from an edge to an edge on its left."""
        return self._mirrored().log_exit_to_right(-start, -end)

    def log_exit_to_ends(self, start: float) -> float:
        """log T from an edge to either end, both absorbing: the integral of Green's function, all terms positive.

        ``T(x) = [S(x, b) int_a^x S(a, z) w dz + S(a, x) int_x^b S(z, b) w dz] / S(a, b)``, S the integral of s'.
        """
        (_, from_left), (_, from_right) = (self.log_cumulative(self.log_scale, side) for side in (True, False))
        before = self.edges[1:] <= start + 1e-14
        scale = self.log_integral(self.log_scale)
        left, right = float(logsumexp(scale[before])), float(logsumexp(scale[~before]))
        below = logsumexp(self.log_integral(self.log_speed + from_left)[before])
        above = logsumexp(self.log_integral(self.log_speed + from_right)[~before])
        return float(np.logaddexp(right + below, left + above) - np.logaddexp(left, right))

    def log_scale_between(self, lower: float, upper: float) -> float:
        """log int s' between two edges."""
        inside = (self.edges[:-1] >= lower - 1e-14) & (self.edges[1:] <= upper + 1e-14)
        return float(logsumexp(self.log_integral(self.log_scale)[inside]))


def _cumulative_weights() -> Floats:
    """Row i integrates the interpolant through the Gauss points from -1 to the i-th of them, (POINTS, POINTS).

    The rows' small negative weights cost no digits: they are of the size of rounding beside the positive ones.
    """
    nodes = np.polynomial.legendre.leggauss(POINTS)[0]
    vandermonde = np.polynomial.legendre.legvander(nodes, POINTS - 1)
    integrals = np.stack(
        [
            np.polynomial.legendre.legval(nodes, np.polynomial.legendre.legint(np.eye(POINTS)[k], lbnd=-1))
            for k in range(POINTS)
        ],
        axis=1,
    )
    return np.asarray(integrals @ np.linalg.inv(vandermonde))


def line(
    drift: Function,
    noise: Function,
    lower: float,
    upper: float,
    breaks: Sequence[float],
    jumps: Sequence[float] = (),
    alpha: float = 0.0,
) -> Line:
    """The line from ``lower`` to ``upper`` for the noiseless drift a and D; ``breaks`` become edges.

    ``drift`` and ``noise`` are smooth between the ``breaks``.  At ``breaks[k]`` Phi falls by ``jumps[k]``, where a
    potential jumps.  With alpha = 0 the ``drift`` may also be the Ito drift of any interpretation.
    """
    order = np.argsort(breaks)
    inner = [(float(breaks[k]), float(jumps[k]) if len(jumps) else 0.0) for k in order if lower < breaks[k] < upper]
    edges = np.unique(np.concatenate([np.linspace(lower, upper, 9), [place for place, _ in inner]]))
    nodes = np.polynomial.legendre.leggauss(POINTS)[0]
    while True:
        middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
        points = middle[:, None] + half[:, None] * nodes
        level = noise(points.ravel()).reshape(points.shape)
        slope = -drift(points.ravel()).reshape(points.shape) / level
        unresolved = (half * np.abs(slope).max(axis=1) * 2.0 > CHANGE) | _rough(slope) | _rough(np.log(level))
        unresolved &= half > 1e-13 * (upper - lower)
        if not unresolved.any():
            break
        if len(edges) > MOST_PANELS:
            raise ArithmeticError("the quadrature of reference does not resolve this line")
        edges = np.sort(np.concatenate([edges, middle[unresolved]]))
    rise = half[:, None] * (slope @ _cumulative_weights().T)
    whole = half * (slope @ np.polynomial.legendre.leggauss(POINTS)[1])
    # 41,000 units of epsilon, added up in doubles and not from the lowest on, left 1.6e-10 of a weight of exp(-1945)
    start = np.concatenate([[0.0], np.cumsum(whole, dtype=np.longdouble)])[:-1]
    for place, jump in inner:
        start[edges[:-1] >= place - 1e-14] -= jump
    exponent = np.asarray(start - start.min(), dtype=float)[:, None] + rise
    return Line(edges, points, exponent - alpha * np.log(level), -exponent + (alpha - 1.0) * np.log(level))


def _rough(values: Floats) -> NDArray[np.bool_]:
    """Where the interpolant through the points of a panel has not converged, (n,)."""
    nodes = np.polynomial.legendre.leggauss(POINTS)[0]
    coefficients = np.abs(values @ np.linalg.inv(np.polynomial.legendre.legvander(nodes, POINTS - 1)).T)
    size = np.maximum(coefficients.max(axis=1), 1e-8)
    return np.asarray(coefficients[:, -3:].max(axis=1) > RESOLVED * size * 10.0)
