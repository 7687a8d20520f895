"""Dynamical stability of a minimum under stochastic gradient descent, and what the diffusion makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import point, positive_number, whole_number
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.sgd.almost_sure import almost_sure_threshold
from fokker_planck.sgd.learning import MOST_SAMPLES, batch_factor
from fokker_planck.sgd.losses import Losses
from fokker_planck.sgd.second_moment import (
    NULL,
    Forms,
    checked_hessians,
    diffusion_growth,
    forms,
    growth,
    largest_of_pencil,
    without_neutral,
)


@dataclass(frozen=True)
class Stability:
    """Up to which learning rate a minimum holds gradient descent with batches of one size.

    Attributes
    ----------
    sharpness
        a, the largest eigenvalue of the mean Hessian H
    non_uniformity
        s, the largest eigenvalue of (1/n sum H_i^2 - H^2)^(1/2)
    learning_rate
        the second moment stays bounded exactly up to this learning rate
    sufficient
        the criterion lambda_max((I - eta H)^2 + eta^2 c (1/n sum H_i^2 - H^2)) <= 1 holds up to this one; in one
        coordinate it is the same
    almost_sure
        almost every path tends to the minimum up to this one; one coordinate only, else None
    full_batch
        2/a, that of gradient descent with all samples
    diffusion
        where the second moment of the diffusion begins to grow; it lacks the term eta H S H
    batch_size, samples
        B, and n without replacement or None with
    """

    sharpness: float
    non_uniformity: float
    learning_rate: float
    sufficient: float
    almost_sure: float | None
    full_batch: float
    diffusion: float
    batch_size: int
    samples: int | None


@dataclass(frozen=True, eq=False)
class StabilityMap:
    """Stability over learning rates (rows) and batch sizes (columns).

    Attributes
    ----------
    learning_rates, batch_sizes
        the axes
    growth
        factor of the second moment in one iteration, (rates, sizes)
    diffusion_growth
        the rate of the second moment of the diffusion per unit time, (rates, sizes)
    thresholds, sufficient, diffusion_thresholds
        learning rates, (sizes,), as in :class:`Stability`
    """

    learning_rates: Floats
    batch_sizes: npt.NDArray[np.int64]
    growth: Floats
    diffusion_growth: Floats
    thresholds: Floats
    sufficient: Floats
    diffusion_thresholds: Floats

    @property
    def stable(self) -> npt.NDArray[np.bool_]:
        """Where the second moment of the recursion stays bounded."""
        return self.learning_rates[:, None] <= self.thresholds

    @property
    def diffusion_stable(self) -> npt.NDArray[np.bool_]:
        """Where that of the diffusion does."""
        return self.learning_rates[:, None] <= self.diffusion_thresholds


def sample_hessians(losses: Losses, minimum: Sequence[float] | float) -> Floats:
    """H_i = Hess f_i(x*), of shape (n, dim, dim).

    Parameters
    ----------
    losses
        f_i
    minimum
        x*

    Returns
    -------
    Floats
        The Hessians.

    Examples
    --------
    >>> from fokker_planck.sgd.losses import SampleLosses
    >>> sample_hessians(SampleLosses(["x**2/10", "19*x**2/10"]), 0.0).ravel().round(12).tolist()
    [0.2, 3.8]
    """
    place = np.asarray(point("minimum", minimum))[:, None]
    return np.asarray(losses.hessians(place)[..., 0])


def stability(hessians: npt.ArrayLike, batch_size: int = 1, replacement: bool = False) -> Stability:
    """E (x_t - x*)(x_t - x*)^T bounded, x_(t+1) - x* = (I - eta/B sum over the batch of H_i)(x_t - x*).

    Parameters
    ----------
    hessians
        H_i = Hess f_i(x*) of all n samples, (n, dim, dim), or n numbers; H, their mean, positive semidefinite
    batch_size
        B
    replacement
        whether a batch is drawn with replacement

    Returns
    -------
    Stability
        Sharpness, non-uniformity and the learning rates where stability ends: see :class:`Stability`. In one coordinate
        the second moment ends at 2 a/(a^2 + c s^2), the diffusion at 2 a/(c s^2), c the batch factor.

    Raises
    ------
    ProblemError
        With the key ``hessians``, for a mean that is no minimum, too.

    References
    ----------
    Wu, Ma, E, How SGD selects the global minima in over-parameterized learning (2018), Theorem 1 for the criterion; the
    exact threshold is an eigenvalue (see ``second_moment``).

    Examples
    --------
    >>> found = stability([0.2, 3.8])                 # min(x^2, 0.1 (x-1)^2) and min(x^2, 1.9 (x-1)^2) at x = 1
    >>> found.sharpness, round(found.non_uniformity, 12), round(found.learning_rate, 6), round(found.diffusion, 6)
    (2.0, 1.8, 0.552486, 1.234568)
    """
    sample, moment, count = _minimum(hessians)
    factor, n = _factor(batch_size, count, replacement)
    return Stability(
        sharpness=float(np.linalg.eigvalsh(moment.hessian)[-1]) if len(moment.hessian) else 0.0,
        non_uniformity=float(np.sqrt(np.linalg.eigvalsh(moment.spread)[-1])) if len(moment.spread) else 0.0,
        learning_rate=_threshold(moment, factor),
        sufficient=_sufficient(moment, factor),
        almost_sure=almost_sure_threshold(sample, batch_size, replacement) if sample.shape[1] == 1 else None,
        full_batch=_threshold(moment, 0.0),
        diffusion=_diffusion_threshold(moment, factor),
        batch_size=int(batch_size),
        samples=n,
    )


def least_batch_size(hessians: npt.ArrayLike, learning_rate: float, replacement: bool = False) -> float:
    """The least B with a bounded second moment at this learning rate, as a real number; infinite where there is none.

    For the arguments of :func:`stability`. Every B at least this large is stable. In one coordinate, without
    replacement, B = n/(1 + c (n - 1)) with c = (2 a - eta a^2)/(eta s^2).

    Parameters
    ----------
    hessians
        of all samples at the minimum
    learning_rate
        eta
    replacement
        whether a batch is drawn with replacement

    Returns
    -------
    float
        The batch size.

    Examples
    --------
    >>> round(least_batch_size([0.2, 3.8], 0.7), 12)       # c = 1.2/3.24 / 0.7: B = 2/(1 + c)
    1.307958477509
    """
    _sample, moment, count = _minimum(hessians)
    rate = positive_number("learning_rate", learning_rate)
    if len(moment.hessian) == 0:
        return 1.0
    if rate >= _threshold(moment, 0.0):
        return float("inf")
    largest = rate * largest_of_pencil(moment.noise, moment.drift - rate * moment.square)
    if largest <= 1.0:  # stable with c = 1, one sample at a time
        return 1.0
    return largest if replacement else count / (1.0 + (count - 1.0) / largest)


def stability_map(
    hessians: npt.ArrayLike,
    learning_rates: Sequence[float] | Floats,
    batch_sizes: Sequence[int] | npt.NDArray[np.int64],
    replacement: bool = False,
) -> StabilityMap:
    """Growth of the second moment of the recursion and of the diffusion for every learning rate and batch size.

    Parameters
    ----------
    hessians
        of all samples at the minimum
    learning_rates, batch_sizes
        the axes
    replacement
        whether a batch is drawn with replacement

    Returns
    -------
    StabilityMap
        Factors and rates of growth over both axes, and the learning rates where they begin.

    Examples
    --------
    >>> found = stability_map([0.2, 3.8], [0.5, 0.6, 1.3], [1, 2])
    >>> found.stable.tolist(), found.diffusion_stable.tolist()
    ([[True, True], [False, True], [False, False]], [[True, True], [True, True], [False, True]])
    """
    _sample, moment, count = _minimum(hessians)
    rates = np.array([positive_number(f"learning_rates[{i}]", rate) for i, rate in enumerate(learning_rates)])
    factors = [_factor(size, count, replacement)[0] for size in batch_sizes]
    flat = len(moment.hessian) == 0
    return StabilityMap(
        learning_rates=rates,
        batch_sizes=np.array(batch_sizes, dtype=np.int64),
        growth=np.array([[1.0 if flat else growth(moment, rate, c) for c in factors] for rate in rates]),
        diffusion_growth=np.array([[0.0 if flat else diffusion_growth(moment, r, c) for c in factors] for r in rates]),
        thresholds=np.array([_threshold(moment, c) for c in factors]),
        sufficient=np.array([_sufficient(moment, c) for c in factors]),
        diffusion_thresholds=np.array([_diffusion_threshold(moment, c) for c in factors]),
    )


def _minimum(hessians: Any) -> tuple[Floats, Forms, int]:
    """The Hessians without neutral directions, their forms, and how many there are."""
    checked = checked_hessians(hessians)
    sample = without_neutral(checked)
    moment = forms(sample)
    if len(moment.hessian):
        least = float(np.linalg.eigvalsh(moment.hessian)[0])
        if least < NULL * np.abs(checked).max():
            # a direction flat on the mean but not for every sample: E |x|^2 grows at every learning rate
            raise ProblemError(
                "hessians",
                f"a mean with the eigenvalue {least:.6g} in a direction that some sample is curved along",
                "Hessians at a minimum, whose mean is positive definite where any sample is curved",
            )
    return sample, moment, len(checked)


def _factor(batch_size: int, count: int, replacement: bool) -> tuple[float, int | None]:
    size = whole_number("batch_size", batch_size, 1, MOST_SAMPLES if replacement else count)
    samples = None if replacement else count
    return batch_factor(size, samples), samples


def _threshold(moment: Forms, factor: float) -> float:
    return _reciprocal(moment.square + factor * moment.noise, moment.drift)


def _diffusion_threshold(moment: Forms, factor: float) -> float:
    return _reciprocal(factor * moment.noise, moment.drift)


def _sufficient(moment: Forms, factor: float) -> float:
    H = moment.hessian
    return 2.0 * _reciprocal(H @ H + factor * moment.spread, H)


def _reciprocal(form: Floats, definite: Floats) -> float:
    if len(form) == 0:
        return float("inf")
    largest = largest_of_pencil(form, definite)
    return 1.0 / largest if largest > 0.0 else float("inf")
