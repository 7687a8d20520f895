"""The stationary density on a ring around which a net force drives the process, and its current.

With Psi' = (D' - b) / D on the line of which the ring is a period L, Psi rising by Delta in it, and a constant current,

    p = exp(-psi),    psi = Psi - log W,    W(x) = int_x^(x + L) exp(Psi) / D dy,

which is periodic.  Beside the weight p there is left the velocity c = J / p = (1 - exp(Delta)) exp(psi).  Jumps of psi
are those of Psi: W has kinks at most.  All integrals are kept as logarithms, whatever the barriers.

Source: Stratonovich (1958); Risken, The Fokker-Planck Equation (1989), section 11.3.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus.antiderivative import Antiderivative, antiderivative, chebyshev, integrated
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.quantity.light_dataclasses import dataclass

CHANGE = 1.0
"""Of Psi in a panel: W is a + b exp(Psi) there, whose complex zeros are then pi panels away, and the twenty terms of
log W fall like 12^-k.  With 0.5 nothing changed in sixteen digits."""
MOST_PANELS = 200_000
"""30 MB for each array of them. Beyond, 200,000 units of the noise around the ring, only fast flows are answered."""
SMALL_JUMP, ROUNDED = 0.1, 64.0 * np.finfo(float).eps
"""Of Psi - log D, below which log W is as smooth beside it as elsewhere; and of a coordinate, next to which no places
are told apart. A step of six units of epsilon without such panels: psi 7e-4 off beside it, a mean time 5e-8."""
FAST, SAMPLE = 1e-6, 4001
"""Of the drift, by which the flow may differ from it, at so many places: of the square of that psi is off."""


@dataclass(frozen=True)
class RingExponent:
    """psi on the ring that ``line`` is a period of, up to a constant.

    >>> from fokker_planck.model.drift import Drift
    >>> from fokker_planck.model.process import Drifting
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> wind = Drifting(Drift(["1 + 0.5*sin(x)"]), Isotropic(1e-4))         # without noise p = 1/b, 1/(1 - 0.5)
    >>> psi = RingExponent(LineExponent(wind, 0.0, 2 * np.pi, 2 * np.pi))
    >>> round(float(np.exp(-np.diff(psi.value(np.array([[0.0, 1.5 * np.pi]]))))[0]), 3)
    2.0
    """

    line: LineExponent

    def value(self, x: Floats) -> Floats:
        """Psi less log W at points (1, n), (n,)."""
        return np.asarray(self.line.value(x) - self._log_window(self.line.wrapped(x)) - self._shift)

    __call__ = value

    def seen_from(self, x: Floats, towards: Floats) -> Floats:
        """The limit at points (1, n) from the side of the points ``towards`` (1, n), (n,)."""
        return self.value(self.line.beside(x, towards))

    def gradient(self, x: Floats) -> Floats:
        """psi' = (D' - b + c) / D, (1, n)."""
        return np.asarray(self.line.gradient(x) + self.velocity(x) / self.line.field.tensor(x)[0])

    def hessian(self, x: Floats) -> Floats:
        """Its derivative, (1, 1, n)."""
        tensor = self.line.field.tensor(x)
        inner = self.velocity(x) / tensor[0] * (self.gradient(x) - self.line.field.divergence(x) / tensor[0])
        return np.asarray(self.line.hessian(x) + inner[None])

    def velocity(self, x: Floats) -> Floats:
        """c, (1, n)."""
        climb = self.line.winding
        log = np.log(-np.expm1(-abs(climb))) + max(climb, 0.0)
        return np.asarray(-np.sign(climb) * np.exp(log + self.value(x) + self._shift))[None]

    @cached_property
    def _shift(self) -> float:
        """The least value between the panels."""
        places = self._log_window.ends[1:-1]
        return float(np.min(self.line.value(places[None]) - self._log_window(places)))

    @cached_property
    def _log_window(self) -> Antiderivative:
        """Log W between lower and upper."""
        return log_window(self.line, panels(self.line))


def log_window(line: LineExponent, ends: Floats, up: bool = True) -> Antiderivative:
    """Log of int_x^(x + L) exp(Psi) / D dy, or else of int_x^(x + L) exp(-Psi) dy, on panels with these ends."""
    nodes, matrix = chebyshev()
    half = 0.5 * np.diff(ends)
    places = (ends[:-1] + half)[:, None] + half[:, None] * nodes
    exponent, noise = on_panels(line, places)
    exponent, noise, climb = (exponent, noise, line.winding) if up else (-exponent, np.ones_like(noise), -line.winding)
    top = exponent.max(axis=1, keepdims=True)
    series = integrated(np.exp(exponent - top) / noise @ matrix.T * half[:, None])
    parts = np.asarray(np.polynomial.chebyshev.chebval(nodes, series.T), dtype=np.float64)
    wholes = series.sum(axis=1)
    # in more digits: thousands of terms are summed up
    logs = (np.log(wholes) + top[:, 0]).astype(np.longdouble)
    low = np.array([-np.inf], dtype=np.longdouble)
    before = np.logaddexp.accumulate(np.append(low, logs))
    after = np.logaddexp.accumulate(np.append(low, logs[::-1]))[::-1]
    at_ends = np.logaddexp(after, before + climb)
    elsewhere = np.logaddexp(after[1:], before[:-1] + climb)[:, None]
    inside = np.logaddexp(elsewhere, _log(parts, top, climb, wholes[:, None]))
    coefficients = np.asarray(inside - at_ends[:-1, None], dtype=float) @ matrix.T
    starts = np.asarray(at_ends, dtype=float)
    return Antiderivative(line.value, ends, starts, coefficients)


def on_panels(line: LineExponent, places: Floats) -> tuple[Floats, Floats]:
    """Psi and D at places (panels, n)."""
    flat = places.reshape(1, -1)
    return line.value(flat).reshape(places.shape), line.field.tensor(flat)[0, 0].reshape(places.shape)


def panels(line: LineExponent) -> Floats:
    """Between their ends drift over noise and the noise are polynomials to rounding, and Psi hardly changes."""
    ends = line.effective.ends
    if not line.field.constant:
        resistance = antiderivative(
            lambda x: 1.0 / line.field.tensor(x[None])[0, 0], line.lower, line.upper, line.kinks, finer=line.narrow
        )
        ends = np.unique(np.concatenate([ends, resistance.ends]))
    exponent, _ = on_panels(line, (ends[:-1] + ends[1:])[:, None] / 2.0 + np.outer(np.diff(ends) / 2.0, chebyshev()[0]))
    pieces = np.ceil(np.ptp(exponent, axis=1) / CHANGE).astype(int).clip(1)
    parts = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(ends[:-1], ends[1:], pieces, strict=True)]
    return _graded(line, np.append(np.concatenate(parts), ends[-1]))


def _graded(line: LineExponent, ends: Floats) -> Floats:
    """Panels halved towards jumps of exp(Psi) / D, where it is high, and where exp(-Psi) is.

    By a factor e^s higher W there is c (d + delta) in the distance d, delta about e^-s panels: log W needs panels
    as small as that.
    """
    more = [ends]
    aside = line.beside(ends[1:-1][None], ends[1:-1][None] + 1.0)[0] - ends[1:-1]
    for place, step in [(place, step) for place, step in zip(ends[1:-1], aside, strict=True) if step > 0.0]:
        at = int(np.searchsorted(ends, place))
        exponent, noise = on_panels(line, np.array([[place - step, place + step]]))
        rise = float(np.diff(exponent - np.log(noise))[0, 0])
        more += [_towards(float(place), float(ends[at + side]), abs(rise)) for side in (-1, 1)]
    exponent, noise = on_panels(line, np.array([[ends[-1] - step, ends[0] + step] for step in [1e-14 * np.ptp(ends)]]))
    rise = float(np.diff(exponent - np.log(noise))[0, 0]) + line.winding
    more += [_towards(float(ends[k]), float(ends[n]), abs(rise)) for k, n in ((-1, -2), (0, 1))]
    return np.unique(np.concatenate(more))


def _towards(place: float, neighbour: float, units: float) -> Floats:
    """Places between a jump by so many ``units`` and a neighbour, each half as far as the one before."""
    width = neighbour - place
    most = np.log2(abs(width) / (ROUNDED * max(abs(place), abs(neighbour))))
    count = int(np.clip(np.ceil(units / np.log(2.0)), 0.0, max(most, 0.0))) if units > SMALL_JUMP else 0
    return np.asarray(place + width * 0.5 ** np.arange(1, count + 1), dtype=np.float64)


def _log(parts: Floats, top: Floats, climb: float, wholes: Floats) -> Floats:
    """log of what a window that begins inside a panel has of it: its rest, and ``parts`` of its image a period on."""
    with np.errstate(divide="ignore"):
        rest = np.log(np.maximum(wholes - parts, 0.0))
        return np.asarray(top + np.logaddexp(rest, np.log(np.maximum(parts, 0.0)) + climb))


@dataclass(frozen=True)
class FastRingExponent(RingExponent):
    """psi where the drift carries all along: c = c0 + D (log c0)' + ... with c0 = b - D' = -D Psi', psi = log c.

    >>> from fokker_planck.model.drift import Drift
    >>> from fokker_planck.model.process import Drifting
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> wind = Drifting(Drift(["1 + 0.5*sin(x)"]), Isotropic(1e-9))
    >>> psi = FastRingExponent(LineExponent(wind, 0.0, 2 * np.pi, 2 * np.pi))
    >>> round(float(np.exp(-np.diff(psi.value(np.array([[0.0, 1.5 * np.pi]]))))[0]), 6)
    2.0
    """

    def value(self, x: Floats) -> Floats:
        """Log c at points (1, n), (n,)."""
        return np.asarray(np.log(np.abs(self.velocity(x)[0])) - self._shift)

    __call__ = value

    def velocity(self, x: Floats) -> Floats:
        """c, (1, n)."""
        noise, slope = self.line.field.tensor(x)[0], self.line.gradient(x)
        return np.asarray(-noise * slope + self.line.field.divergence(x) + noise * self.line.hessian(x)[0] / slope)

    @cached_property
    def _shift(self) -> float:
        """The least value at places of a sample."""
        return float(np.min(np.log(np.abs(self.velocity(_sample(self.line))[0]))))


def _sample(line: LineExponent) -> Floats:
    """Places inside of the ring, (1, n)."""
    return (line.lower + (line.upper - line.lower) * (np.arange(SAMPLE) + 0.5) / SAMPLE)[None]


def on_ring(line: LineExponent) -> RingExponent:
    """psi on the ring that ``line`` is a period of, under a net force.

    Raises ``ConvergenceError`` where Psi changes by too much on it and the flow is not fast everywhere.
    """
    units = line.effective.variation
    if units < MOST_PANELS * CHANGE:
        return RingExponent(line)
    places = _sample(line)
    slope = line.gradient(places)[0]
    own = np.abs(line.hessian(places)[0, 0]) / slope**2
    own += np.abs(line.field.divergence(places)[0] / (line.field.tensor(places)[0, 0] * slope))
    if ((slope > 0.0).all() or (slope < 0.0).all()) and float(own.max()) < FAST:
        return FastRingExponent(line)
    found = f"the drift takes the exponent through {units:.2g} units of the noise around the ring"
    raise ConvergenceError(found, "more noise")


@dataclass(frozen=True)
class RingCurrent:
    """The velocity c beside the weight exp(-psi), as a vector field: exp(-psi) c is the current, a constant."""

    exponent: RingExponent

    def value(self, x: Floats) -> Floats:
        """C at points (1, n), of the same shape."""
        return self.exponent.velocity(np.asarray(x, dtype=np.float64))

    def jacobian(self, x: Floats) -> Floats:
        """c psi', (1, 1, n)."""
        points = np.asarray(x, dtype=np.float64)
        return np.asarray(self.value(points) * self.exponent.gradient(points))[None]

    __call__ = value
