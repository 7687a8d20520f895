"""What a question about time returns: the law of an exit, correlations, drift and diffusion over many periods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fokker_planck.quantity.answer import Answer
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.fem.fields.field import Field
    from fokker_planck.quantity import Quantity
    from fokker_planck.solvers.results.steady import Statistics


@dataclass(frozen=True)
class TimeOfLaw:
    """P(tau > ``time``), and the density of tau there."""

    time: float
    survival: Quantity
    density: Quantity


@dataclass(frozen=True)
class PartOfExit:
    """The probability to leave through a part of the target, and the mean time of those that do."""

    probability: Quantity
    mean: Quantity


@dataclass(frozen=True)
class ExitLaw(Answer):
    """The law of the time tau from ``start`` to the target.

    ``rate`` is the smallest eigenvalue of -L with u = 0 on the target: survival falls like exp(-rate t) in the end, and
    ``quasi_stationary`` is the density of what has not left by then. ``quantiles`` by their probability; ``parts`` by
    the name of the set. ``field`` holds the mean times from everywhere.

    Attributes
    ----------
    mean, variance
        of the time
    rate
        the smallest eigenvalue of -L with u = 0 on the target
    times
        survival and density at the times that were asked for
    quantiles
        times, by their probability
    parts
        probability and mean time of leaving through a part, by its name
    start, target
        as in :class:`ExitTime`
    field
        mean times from everywhere
    quasi_stationary
        the density of what has not left after a long time
    statistics
        what it cost
    """

    mean: Quantity
    variance: Quantity
    rate: Quantity
    times: tuple[TimeOfLaw, ...]
    quantiles: Mapping[float, Quantity]
    parts: Mapping[str, PartOfExit]
    start: tuple[float, ...]
    target: str
    field: Field
    quasi_stationary: Field
    statistics: Statistics


@dataclass(frozen=True)
class Estimate:
    """A number that may be zero or negative, with its absolute error.

    Attributes
    ----------
    value
        the number
    absolute_error
        estimate of ``|error|``
    """

    value: float
    absolute_error: float

    def __str__(self) -> str:
        """Value and uncertainty.

        >>> print(Estimate(3.10028226, 5e-8), Estimate(0.0, 2e-9), Estimate(1e-9, 2e-6))
        3.10028226 ± 0.00000005 0 ± 2e-09 1e-09 ± 2e-06
        """
        from fokker_planck.quantity import Quantity

        if abs(self.absolute_error) < abs(self.value):
            return str(Quantity.of(self.value, self.absolute_error / abs(self.value)))
        return f"{self.value:.1g} ± {self.absolute_error:.1g}"

    def __float__(self) -> float:
        return float(self.value)

    def __format__(self, written: str) -> str:
        return format(self.value if "." in written or written[-1:] in "eEfFgGn%" and written else str(self), written)


@dataclass(frozen=True)
class CorrelationAtTime:
    """C(``time``) = <f(X_0) g(X_t)> - <f> <g>."""

    time: float
    covariance: Estimate


@dataclass(frozen=True)
class SpectralDensity:
    """S(omega) at an angular ``frequency``, its real part, and the imaginary one, known to the same absolute error."""

    frequency: float
    density: Estimate
    imag: float = 0.0


@dataclass(frozen=True)
class Correlation(Answer):
    """Correlations of two ``functions`` of the state: C(t) = <f(X_0) g(X_t)> - <f> <g>, at ``times``.

    ``covariance`` is C(0), ``integral`` that of C over all t > 0, and ``time``, of one function with itself, their
    quotient.  ``spectrum`` holds S(omega) = int C(t) exp(-i omega t) dt over all t, C_fg(-t) being C_gf(t).

    Attributes
    ----------
    functions
        f and g, as they were given
    means
        <f> and <g>
    covariance
        C(0)
    integral
        of C over all t > 0
    time
        the autocorrelation time, integral over covariance, of one function with itself; else None
    times
        C at the times that were asked for
    spectrum
        S at the frequencies that were asked for
    statistics
        what it cost
    """

    functions: tuple[str, str]
    means: tuple[Estimate, Estimate]
    covariance: Estimate
    integral: Estimate
    time: Quantity | None
    times: tuple[CorrelationAtTime, ...]
    spectrum: tuple[SpectralDensity, ...]
    statistics: Statistics


@dataclass(frozen=True)
class Transport(Answer):
    """Over many periods: mean velocity ``drift`` along each of the periodic ``axes``, and the tensor of ``diffusion``.

    The displacement X_t - X_0, turns counted, has mean v t and covariance 2 D t in the long run.

    Attributes
    ----------
    axes
        the periodic ones, counted from zero
    drift
        mean velocity along each of them
    diffusion
        the tensor, along each pair of them
    statistics
        what it cost
    """

    axes: tuple[int, ...]
    drift: tuple[Estimate, ...]
    diffusion: tuple[tuple[Estimate, ...], ...]
    statistics: Statistics
