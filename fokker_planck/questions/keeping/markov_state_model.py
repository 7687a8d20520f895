"""Rates between wells as a Markov state model of deeptime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import MissingPackageError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import positive_number

if TYPE_CHECKING:
    from deeptime.markov.msm import MarkovStateModel

    from fokker_planck.quantity import Quantity

MOST_DOUBLINGS = 2000
"""Of the time step, from one in which next to nothing happens: rates that differ by all that doubles hold need as many.
Each doubling is a product of two small matrices."""
SHORT_STEP = 2.0**-20
"""Times the fastest rate out of a state: the error of exp(R t) by two terms is the square of it, 1e-12."""


def markov_state_model(rates: Sequence[Sequence[Quantity | None]], lag_time: float | None = None) -> MarkovStateModel:
    """T = exp(R t): probabilities to be in another well after the lag time t, as a ``MarkovStateModel`` of deeptime.

    Parameters
    ----------
    rates
        from row to column; the diagonal is not read
    lag_time
        t; one over the fastest rate out of a state if not said

    Returns
    -------
    MarkovStateModel
        With the stationary distribution of the rates, which keeps its digits however far apart they are.

    Raises
    ------
    MissingPackageError
        Without deeptime (the extra ``deeptime``)
    ProblemError
        For a lag time that is not positive, or within which a well cannot be left in doubles.

    Notes
    -----
    Error estimates of the rates are not in the model; T is exact for the rates to about 1e-12 of each entry.
    """
    try:
        from deeptime.markov.msm import MarkovStateModel
    except ImportError:
        raise MissingPackageError("deeptime", "deeptime") from None
    logs = _log_rates(rates)
    out = np.logaddexp.reduce(logs, axis=1)
    log_time = -float(out.max()) if lag_time is None else math.log(positive_number("lag_time", lag_time))
    if not (out + log_time > math.log(np.finfo(float).tiny)).all():
        state = int(np.argmin(out))
        found = f"a time within which well {state + 1} is left with a probability of exp({out[state] + log_time:.4g})"
        raise ProblemError("lag_time", found, "a longer one, in which doubles tell that from zero")
    time = math.exp(log_time)
    return MarkovStateModel(
        transition_probabilities(np.exp(logs + log_time)), stationary_distribution=_stationary(logs), lagtime=time
    )


def transition_probabilities(rates: Floats) -> Floats:
    """exp(R), rows that sum to one, without a subtraction: every entry has its digits, however small it is.

    From I + R h + (R h)^2/2 for a short step, squared until the time is one; an entry that doubles lose is one that is
    too small to be reached.

    >>> chain = transition_probabilities(np.array([[0.0, 1e-30], [1.0, 0.0]]))
    >>> bool(abs(chain[0, 1] / 1e-30 / (1.0 - np.exp(-1.0)) - 1.0) < 1e-11)
    True
    """
    fastest = float(rates.sum(axis=1).max())
    doublings = max(0, math.ceil(math.log2(fastest / SHORT_STEP))) if fastest > 0.0 else 0
    if doublings > MOST_DOUBLINGS:
        raise ProblemError("lag_time", f"{fastest:.3g} over the fastest rate", "a shorter one")
    size = len(rates)
    step = np.ldexp(rates, -doublings)
    generator = step - np.diag(step.sum(axis=1))
    moved = step + 0.5 * generator @ generator
    off = np.where(np.eye(size, dtype=bool), 0.0, np.maximum(moved, 0.0))
    for _ in range(doublings):
        # (D + O)^2 off the diagonal, with D = 1 - row sums of O: all terms are positive
        stay = 1.0 - off.sum(axis=1)
        off = off @ off + (stay[:, None] + stay[None, :]) * off
        np.fill_diagonal(off, 0.0)
    return np.asarray(off + np.diag(1.0 - off.sum(axis=1)))


def _log_rates(rates: Sequence[Sequence[Quantity | None]]) -> Floats:
    """Logarithms, minus infinity on the diagonal."""
    size = len(rates)
    logs = np.full((size, size), -np.inf)
    for k, row in enumerate(rates):
        for m, rate in enumerate(row):
            if k != m and rate is not None and rate.log is not None:
                logs[k, m] = rate.log
    return logs


def _stationary(logs: Floats) -> Floats:
    """pi R = 0 by the elimination of Grassmann, Taksar and Heyman on logarithms, in which nothing is subtracted."""
    rates, size = logs.copy(), len(logs)
    for n in range(size - 1, 0, -1):
        rates[:n, n] -= np.logaddexp.reduce(rates[n, :n])
        for k in range(n):
            kept = np.logaddexp(rates[k, :n], rates[k, n] + rates[n, :n])
            kept[k] = -np.inf
            rates[k, :n] = kept
    weights = np.zeros(size)
    for n in range(1, size):
        weights[n] = np.logaddexp.reduce(weights[:n] + rates[:n, n])
    if not np.isfinite(weights).all():
        raise ProblemError("rates", "wells that are not all reached from each other", "rates of one chain")
    return np.asarray(np.exp(weights - np.logaddexp.reduce(weights)))
