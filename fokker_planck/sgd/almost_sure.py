"""When almost every path of linearised gradient descent in one coordinate tends to the minimum."""

from __future__ import annotations

import math
from itertools import combinations, combinations_with_replacement

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import whole_number
from fokker_planck.sgd.learning import MOST_SAMPLES
from fokker_planck.sgd.second_moment import checked_hessians

MOST_BATCHES = 200_000
"""Distinct batches that are enumerated: their logarithms are summed for every learning rate tried, 3 ms each for
200,000."""
#: Distance kept from a learning rate at which a batch jumps onto the minimum, as a share of the gap to the next one.
APART = 1e-13


def almost_sure_threshold(hessians: npt.ArrayLike, batch_size: int = 1, replacement: bool = False) -> float:
    """The least eta > 0 with ``E ln|1 - eta G| = 0``, G the mean of h_i over a random batch.

    Parameters
    ----------
    hessians
        h_i = f_i''(x*), n numbers
    batch_size
        B; all batches are listed, and there may be 200,000 of them
    replacement
        whether a batch is drawn with replacement

    Returns
    -------
    float
        The learning rate; infinite where there is none.

    Notes
    -----
    Below it ``|x_t - x*|`` tends to zero almost surely although its second moment may grow. Larger learning rates can
    be stable again, near 1/G of some batch; the diffusion is almost surely stable at every learning rate.

    References
    ----------
    Furstenberg and Kesten (1960), in one dimension the law of large numbers.

    Examples
    --------
    >>> round(almost_sure_threshold([0.2, 3.8]), 12)          # (1 - 0.2 eta)(3.8 eta - 1) = 1
    0.559471612102
    """
    sample = checked_hessians(hessians)
    if sample.shape[1] != 1:
        raise ProblemError("hessians", f"{sample.shape[1]} coordinates", "one: the formula is one-dimensional")
    values, weights = _batch_means(sample[:, 0, 0], batch_size, replacement)
    if float(values @ weights) <= 0.0:
        return 0.0 if np.any(values != 0.0) else math.inf
    jumps = np.unique(1.0 / values[values > 0.0])
    exponent = _Exponent(values, weights)
    for left, right in zip(jumps, [*jumps[1:], math.inf], strict=True):
        # concave between two jumps, and minus infinity at both
        low, high = left * (1.0 + APART), right * (1.0 - APART)
        if math.isinf(right):
            high = 2.0 * left
            while exponent(high) <= 0.0:
                high *= 2.0
        elif low < high:
            high = exponent.top(low, high)
        if low < high and exponent(high) > 0.0:
            return exponent.root(low, high) if exponent(low) < 0.0 else float(left)
    return math.inf


class _Exponent:
    """E ln|1 - eta G|, the Lyapunov exponent per iteration."""

    def __init__(self, values: Floats, weights: Floats) -> None:
        self.values, self.weights = values, weights

    def __call__(self, rate: float) -> float:
        with np.errstate(divide="ignore"):
            return float(self.weights @ np.log(np.abs(1.0 - rate * self.values)))

    def slope(self, rate: float) -> float:
        return float(-self.weights @ (self.values / (1.0 - rate * self.values)))

    def top(self, low: float, high: float) -> float:
        """Where it is largest in an interval in which it is concave."""
        from scipy.optimize import brentq

        if self.slope(low) <= 0.0:
            return low
        if self.slope(high) >= 0.0:
            return high
        return float(brentq(self.slope, low, high, xtol=1e-15 * high, rtol=1e-14))

    def root(self, low: float, high: float) -> float:
        from scipy.optimize import brentq

        return float(brentq(self, low, high, xtol=1e-15 * high, rtol=1e-14))


def _batch_means(curvatures: Floats, batch_size: int, replacement: bool) -> tuple[Floats, Floats]:
    """The mean over every batch, and the probability of the batch."""
    n = len(curvatures)
    size = whole_number("batch_size", batch_size, 1, MOST_SAMPLES if replacement else n)
    count = math.comb(n + size - 1, size) if replacement else math.comb(n, size)
    if count > MOST_BATCHES:
        raise ProblemError("batch_size", f"{size} of {n} samples, more than {MOST_BATCHES} batches", "fewer batches")
    choose = combinations_with_replacement if replacement else combinations
    batches = np.array(list(choose(range(n), size)), dtype=np.int64)
    if not replacement:
        return curvatures[batches].mean(axis=1), np.full(count, 1.0 / count)
    # multinomial: B!/(product of multiplicities!) / n^B
    often = np.stack([np.count_nonzero(batches == i, axis=1) for i in range(n)])
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, size + 1.0)))])
    weights = np.exp(log_factorial[size] - log_factorial[often].sum(axis=0) - size * math.log(n))
    return curvatures[batches].mean(axis=1), weights
