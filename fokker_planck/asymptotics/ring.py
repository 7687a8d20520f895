"""A ring with a net force: exact mean velocity, current and stationary density, in logarithms.

``dX = b(X) dt + sqrt(2 D(X)) dW`` with b and D of period l.  The exponents s and m of the scale and the speed density
(see :mod:`fokker_planck.asymptotics.one_dimensional`) fall and rise by Delta over a period.  Then

``p(x) = N e^m(x) int_x^(x+l) e^s``,  ``J = N (1 - e^-Delta)``,  ``v = l J``,

N normalising p.  Source: Stratonovich (1958); Risken, The Fokker-Planck Equation (1989), section 11.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from fokker_planck.asymptotics.line_quadrature import LineFunction, gauss
from fokker_planck.asymptotics.one_dimensional import Line
from fokker_planck.asymptotics.one_dimensional_transitions import drifting
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class Ring:
    """A diffusion on a ring, cut open to a line.

    Parameters
    ----------
    line
        the exponents on one period, from ``line.lower`` to ``line.upper``
    drop
        Delta, how much s falls over the period: the work of the net force in units of the noise
    """

    line: Line
    drop: float

    @property
    def length(self) -> float:
        """The period l."""
        return self.line.upper - self.line.lower

    @cached_property
    def mean_velocity(self) -> Quantity:
        """How far the process goes per unit time, turns counted.

        >>> ring = of_drift(lambda x: 0.5 - np.sin(x), lambda x: 0.2 + 0 * x, 0.0, 2 * np.pi)
        >>> round(ring.mean_velocity.value, 14)
        0.02483388993921
        """
        if self.drop == 0.0:
            return Quantity.of(0.0, 0.0)
        size = self.line.estimated(self._log_speed_of_turning)
        # the relative rounding of a drop that is a small difference of large numbers
        x = np.linspace(self.line.lower, self.line.upper, 201)
        height = float(np.ptp(self.line.log_scale(x)))
        with np.errstate(over="ignore"):
            spoiled = 4e-16 * max(1.0, height) / abs(float(np.expm1(self.drop)))
        error = size.relative_error + spoiled
        if self.drop > 0.0 and size.log is not None:
            return Quantity.of_log(size.log, error)
        return Quantity.of(-float(size), error)

    @property
    def current(self) -> Quantity:
        """J, turns per unit time."""
        velocity = self.mean_velocity
        if velocity.log is not None:
            return velocity.scaled(1.0 / self.length)
        return Quantity.of(float(velocity) / self.length, velocity.relative_error)

    def log_density(self, x: Floats) -> Floats:
        """log of the stationary density at points (n,) of the period from lower to upper.

        >>> ring = of_drift(lambda x: 0.5 + 0 * x, lambda x: 0.2 + 0 * x, 0.0, 1.0)
        >>> float(np.abs(ring.log_density(np.array([0.0, 0.3]))).max()) < 1e-14
        True
        """
        line = self.line
        points = np.asarray(x, dtype=float)
        ends = line.panels(line.lower, line.upper)
        nodes, weights, _matrix = gauss(line.order)

        def log_part(start: Floats, stop: Floats) -> Floats:
            inside = start[:, None] + (stop - start)[:, None] * nodes
            values = line.log_scale(inside.ravel()).reshape(inside.shape)
            top = values.max(axis=1)
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(np.exp(values - top[:, None]) @ weights * (stop - start)) + top)

        panel = log_part(ends[:-1], ends[1:])
        left = np.concatenate([[-np.inf], np.logaddexp.accumulate(panel)])
        right = np.concatenate([np.logaddexp.accumulate(panel[::-1])[::-1], [-np.inf]])
        number = np.clip(np.searchsorted(ends, points, side="right") - 1, 0, len(ends) - 2)
        before = np.logaddexp(left[number], log_part(ends[number], points))
        after = np.logaddexp(right[number + 1], log_part(points, ends[number + 1]))
        window = np.logaddexp(after, before - self.drop)
        return np.asarray(line.log_speed(points) + window - self._log_norm(line))

    def _log_norm(self, line: Line) -> float:
        """log of ``int e^m(x) int_x^(x+l) e^s(y) dy dx``."""
        ends = line.panels(line.lower, line.upper)
        swapped = replace(line, log_scale=line.log_speed, log_speed=line.log_scale)
        after = line._nested(ends, 1.0, line.lower)
        before = swapped._nested(ends, 1.0, line.lower)
        return float(np.logaddexp(after, before - self.drop))

    def _log_speed_of_turning(self, line: Line) -> float:
        # log |1 - e^-Delta| without cancellation or overflow
        part = np.log(-np.expm1(-abs(self.drop))) + max(-self.drop, 0.0)
        return float(np.log(self.length) + part - self._log_norm(line))


def of_drift(
    drift: LineFunction,
    diffusion: LineFunction,
    lower: float,
    upper: float,
    alpha: float = 0.0,
    breaks: Sequence[float] = (),
) -> Ring:
    """The ring of a drift and a diffusion with the period ``upper - lower``.

    Parameters
    ----------
    drift
        b at points (n,), that of the reading: ``dX = b dt + sqrt(2 D) o_alpha dW``.
    diffusion
        D > 0.
    lower
        where the ring is cut open.
    upper
        the same point after one turn.
    alpha
        0 (Ito), 1/2 (Stratonovich), 1 (Klimontovich).
    breaks
        kinks and jumps.

    Raises
    ------
    ProblemError
        Where b or D differ at the two ends.

    Examples
    --------
    >>> pump = of_drift(lambda x: -np.cos(x), lambda x: 1.0 + 0.5 * np.sin(x + 1.0), 0.0, 2 * np.pi)
    >>> bool(pump.drop * pump.mean_velocity.value > 0.0)  # no net force, but warmer on one slope than on the other
    True
    """
    ends = np.array([lower, upper], dtype=float)
    for name, function in (("drift", drift), ("diffusion", diffusion)):
        values = function(ends)
        size = float(np.abs(function(np.linspace(lower, upper, 65))).max())
        if not abs(values[1] - values[0]) <= 1e-9 * size:
            raise ProblemError(name, f"{values[0]} at one end and {values[1]} at the other", "a function on the ring")
    line = drifting(drift, diffusion, lower, upper, alpha, breaks)
    start, stop = line.log_scale(ends)
    drop = float(start - stop)
    # A force that is balanced leaves the rounding of the integral behind, which is no drop.
    height = float(np.ptp(line.log_scale(np.linspace(lower, upper, 201))))
    return Ring(line, drop if abs(drop) > 1e-14 * max(1.0, height) else 0.0)


def cosine_velocity(amplitude: float, force: float, epsilon: float) -> Quantity:
    """Mean velocity on the ring ``V = -A cos x - F x`` with D = eps.

    ``v = (eps/pi) sinh(pi F/eps) / |I_{iF/eps}(A/eps)|^2``

    Parameters
    ----------
    amplitude
        A.
    force
        F.
    epsilon
        eps > 0.

    Notes
    -----
    The modulus is the integral of positive terms ``(2/pi) int_0^(pi/2) I_0(2 A/eps cos t) cosh(2 F/eps t) dt``.

    References
    ----------
    Ambegaokar and Halperin, Phys. Rev. Lett. 22 (1969) 1364; DLMF 10.32.15.

    Examples
    --------
    >>> round(cosine_velocity(1.0, 0.5, 0.2).value, 14)
    0.02483388993921
    """
    from scipy.special import i0e

    if not epsilon > 0.0:
        raise ProblemError("epsilon", epsilon, "a positive number")
    if force == 0.0:
        return Quantity.of(0.0, 0.0)
    height, work = abs(amplitude) / epsilon, abs(force) / epsilon

    def log_product(angle: Floats) -> Floats:
        argument = 2.0 * height * np.cos(angle)
        return np.asarray(np.log(i0e(argument)) + argument + _log_two_cosh(2.0 * work * angle) - np.log(np.pi))

    quarter = Line(log_product, log_product, 0.0, 0.5 * np.pi)
    log_sinh = np.pi * work + np.log(-np.expm1(-2.0 * np.pi * work) / 2.0)
    size = quarter.estimated(lambda line: float(np.log(epsilon / np.pi) + log_sinh - line.log_mass(0.0, 0.5 * np.pi)))
    return size if force > 0.0 else Quantity.of(-float(size), size.relative_error)


def _log_two_cosh(x: Floats) -> Floats:
    return np.asarray(np.logaddexp(x, -x))
