"""Escape from minima and their weights as functions of momentum, learning rate and batch size, by formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fokker_planck.asymptotics.eyring_kramers import well_probabilities
from fokker_planck.asymptotics.underdamped import kinetic_eigenvalues, kinetic_rates
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.finding.survey import survey
from fokker_planck.model.arguments import described
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.questions.studies.study import Axis, QuantityArray, Study, of_wells, some
from fokker_planck.sgd.momentum import Momentum

if TYPE_CHECKING:
    from fokker_planck.landscape.types import Landscape
    from fokker_planck.model.domains.domain import Domain


@dataclass(frozen=True, eq=False, repr=False)
class MomentumStudy(Study):
    """Formulas for the kinetic equation over momenta, learning rates and batch sizes, in this order of the axes.

    Attributes
    ----------
    momenta, learning_rates, batch_sizes
        the axes
    frictions
        gamma, (momenta, rates)
    temperatures
        eps, (momenta, rates, sizes)
    excess
        ``r = eta L''/(2 (1 + mu))`` for the largest curvature at a minimum, (momenta, rates): the heavy ball there is
        as if its temperature were higher by ``1/(1 - r)``, and stable for r < 1; none of it is in the error bars
    minima
        of the loss
    rates
        from well to well **per iteration**, (momenta, rates, sizes, wells, wells); None where there is none
    gaps
        the smallest eigenvalue of that chain per iteration, (momenta, rates, sizes); None for a single well
    probabilities
        of the wells, (momenta, rates, sizes, wells)
    flattest, sharpest
        which minimum has the smallest and the largest determinant of the Hessian
    """

    momenta: Floats
    learning_rates: Floats
    batch_sizes: npt.NDArray[np.int64]
    frictions: Floats
    temperatures: Floats
    excess: Floats
    minima: tuple[tuple[float, ...], ...]
    rates: QuantityArray
    gaps: QuantityArray
    probabilities: QuantityArray
    flattest: int
    sharpest: int

    @property
    def axes(self) -> Mapping[str, Axis]:
        """Momenta, learning rates and batch sizes."""
        return {"momentum": self.momenta, "learning_rate": self.learning_rates, "batch_size": self.batch_sizes}

    @property
    def numbers(self) -> Mapping[str, QuantityArray]:
        """The gap per iteration, probabilities of the wells, and rates per iteration between two."""
        wells = range(len(self.minima))
        rates = {f"rate_{k + 1}_{m + 1}": self.rates[..., k, m] for k in wells for m in wells if k != m}
        return some({"gap": self.gaps, **of_wells("probability", self.probabilities), **rates})

    def rate(self, start: int, stop: int) -> QuantityArray:
        """Rates per iteration from one well to another, (momenta, rates, sizes)."""
        return np.asarray(self.rates[..., start, stop])


@quietly
def momentum_study(
    loss: Potential | str,
    domain: Domain,
    momenta: Sequence[float],
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int],
    variance: float,
    samples: int | None = None,
) -> MomentumStudy:
    """``sqrt(eta) k``, k the rates of ``dX = V dt, dV = -grad L dt - gamma V dt + sqrt(2 gamma eps) dW`` by formula.

    ``gamma = (1 - mu)/sqrt(eta)``, ``eps = eta variance/(2 B (1 - mu))``. On a line k is Mel'nikov and Meshkov's rate,
    in several dimensions Kramers and Langer's, with what the wells lack at small friction in the error
    (``asymptotics.underdamped``). Nothing is solved: barriers may be as high as they like, and error bars are those of
    formulas for small noise.

    Parameters
    ----------
    loss
        L, a formula or a Potential
    domain
        where its minima and saddles are looked for, of positions alone
    momenta, learning_rates, batch_sizes
        mu, eta, B
    variance
        of the gradient of one sample along each axis, the same everywhere
    samples
        n, for batches drawn without replacement

    Returns
    -------
    MomentumStudy
        Frictions, temperatures, rates and weights over the three axes.

    References
    ----------
    the dictionary of :class:`fokker_planck.sgd.Momentum`.

    Examples
    --------
    >>> from fokker_planck.model.domains.box import Box
    >>> study = momentum_study("(x**2 - 1)**2/4", Box([-2.0], [2.0]), [0.0, 0.9], [0.01], [1, 10], variance=1.0)
    >>> study.temperatures[1, 0].round(12).tolist(), study.frictions[:, 0].round(12).tolist()
    ([0.05, 0.005], [10.0, 1.0])
    >>> round(study.gaps[1, 0, 0].ratio(study.rate(0, 1)[1, 0, 0]), 9)                  # there and back
    2.0
    >>> round(1.78535e-3 * 0.1 / study.gaps[1, 0, 0].value, 3)            # lambda_1 by a spectral method: 0.953
    0.953
    """
    mus, etas, sizes = _lists(momenta=momenta, learning_rates=learning_rates, batch_sizes=batch_sizes)
    potential = Potential(loss) if isinstance(loss, str) else loss
    numbered = product(enumerate(mus), enumerate(etas), enumerate(sizes))
    balls = {(i, j, k): Momentum(eta, mu, size, samples) for (i, mu), (j, eta), (k, size) in numbered}
    landscape = survey(Problem(Overdamped(potential, Isotropic(1.0)), domain), potential)
    if not landscape.minima:
        raise ProblemError("domain", described(domain), "a domain with a minimum of the loss")
    shape, wells = (len(mus), len(etas), len(sizes)), len(landscape.minima)
    rates, gaps, shares = _empty((*shape, wells, wells)), _empty(shape), _empty((*shape, wells))
    temperatures = np.empty(shape)
    for place, ball in balls.items():
        temperatures[place] = ball.temperature(variance)
        rates[place], gaps[place], shares[place] = _formulas(landscape, potential, ball, float(temperatures[place]))
    sharp, determinants = _sharpness(landscape)
    return MomentumStudy(
        momenta=np.array(mus, dtype=np.float64),
        learning_rates=np.array(etas, dtype=np.float64),
        batch_sizes=np.array(sizes, dtype=np.int64),
        frictions=np.array([[balls[i, j, 0].friction for j in range(len(etas))] for i in range(len(mus))]),
        temperatures=temperatures,
        excess=np.array([[eta * sharp / (2.0 * (1.0 + mu)) for eta in etas] for mu in mus]),
        minima=tuple(minimum.position for minimum in landscape.minima),
        rates=rates,
        gaps=gaps,
        probabilities=shares,
        flattest=int(np.argmin(determinants)),
        sharpest=int(np.argmax(determinants)),
    )


@dataclass(frozen=True)
class _Exponent:
    """L/eps."""

    potential: Potential
    epsilon: float

    def value(self, x: Floats) -> Floats:
        return np.asarray(self.potential.value(x) / self.epsilon)

    def gradient(self, x: Floats) -> Floats:
        return np.asarray(self.potential.gradient(x) / self.epsilon)

    def hessian(self, x: Floats) -> Floats:
        return np.asarray(self.potential.hessian(x) / self.epsilon)


def _sharpness(landscape: Landscape) -> tuple[float, list[float]]:
    """The largest curvature at any minimum, and the determinant of the Hessian at each."""
    spectra = [np.linalg.eigvalsh(np.array(minimum.hessian)) for minimum in landscape.minima]
    return max(float(spectrum[-1]) for spectrum in spectra), [float(np.prod(spectrum)) for spectrum in spectra]


def _lists(**given: object) -> list[list[Any]]:
    """What is given under each name, as a list of one or more numbers."""
    for name, values in given.items():
        if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)) or len(values) == 0:
            raise ProblemError(name, described(values), "a list of one or more numbers")
    return [list(np.asarray(values).tolist()) for values in given.values()]


def _formulas(
    landscape: Landscape, potential: Potential, ball: Momentum, epsilon: float
) -> tuple[QuantityArray, Quantity | None, QuantityArray]:
    """Rates and gap per iteration, and the weights of the wells."""
    exponent, scaled = _Exponent(potential, epsilon), landscape.scaled(1.0 / epsilon)
    count = len(landscape.minima)
    found = kinetic_rates(scaled, exponent, ball.friction, epsilon)
    rates = _empty((count, count))
    for start, stop in np.ndindex(count, count):
        rate = found.rate(start, stop)
        rates[start, stop] = None if rate is None else rate.scaled(ball.step)
    gap = kinetic_eigenvalues(scaled, exponent, ball.friction, epsilon)[1] if count > 1 else None
    shares: Any = np.array(well_probabilities(scaled, exponent), dtype=object)
    return rates, None if gap is None else gap.scaled(ball.step), shares


def _empty(shape: tuple[int, ...]) -> QuantityArray:
    return np.full(shape, None, dtype=object)
