"""Markov chains from logarithms of their rates: hitting times, fewer states, by elimination without subtractions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus.chain_elimination import log_time_spent


def log_hitting_time(log_rates: Floats, log_absorption: Floats, start: int) -> float:
    """log of the mean time to absorption, ``-sum_j k_ij (tau_j - tau_i) + a_i tau_i = 1``.

    Parameters
    ----------
    log_rates
        natural logarithms of the rates k from row to column, (K, K); the diagonal is ignored.
    log_absorption
        of the rates a of absorption, (K,); minus infinity for none.
    start
        the state to start from.

    Returns
    -------
    float
        Log tau_start, infinity where the chain may never be absorbed. States are eliminated one by one (Grassmann,
        Taksar, Heyman, Oper. Res. 33 (1985) 1107): every operation adds, multiplies or divides positive numbers, so
        that the result is as accurate as the rates, whatever orders of magnitude they span.

    Examples
    --------
    >>> k = np.log(np.array([[1.0, 2.0], [3.0, 1.0]]))
    >>> round(float(np.exp(log_hitting_time(k, np.log(np.array([1e-300, 5.0])), 0))), 12)  # 1/2 + (1/5)(1 + 3/2)
    1.0
    """
    rates = np.array(log_rates, dtype=float)
    np.fill_diagonal(rates, -np.inf)
    met = np.flatnonzero(_reachable(rates, start))
    spent = log_time_spent(rates[np.ix_(met, met)], np.asarray(log_absorption, dtype=float)[met])
    return float(np.logaddexp.reduce(spent[met == start][0]))


def log_watched_chain(log_rates: Floats, kept: Sequence[int]) -> tuple[Floats, Floats]:
    """The chain seen only in some of its states: ``k_ij + k_is k_sj / sum_l k_sl`` for every state s that is left out.

    Parameters
    ----------
    log_rates
        natural logarithms of the rates k from row to column, (K, K); the diagonal is ignored, NaN stands for a rate
        that is not known.
    kept
        indices of the n states that remain.

    Returns
    -------
    tuple[Floats, Floats]
        Logarithms of the rates between the kept states, (n, n), minus infinity on the diagonal and where there is no
        way; and of the probabilities (K, n) that, started from a state, a kept one is the first kept one met. What
        depends on an unknown rate is NaN. This is the stochastic complement (Meyer, SIAM Rev. 31 (1989) 240), state by
        state: all terms are positive, nothing cancels.

    Examples
    --------
    >>> k = np.log(np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 4.0], [6.0, 2.0, 1.0]]))
    >>> rates, first = log_watched_chain(k, [0, 1])      # state 2 goes on to 0 and 1 with probabilities 3/4 and 1/4
    >>> np.exp(rates).round(12).tolist(), np.exp(first[2]).round(12).tolist()     # 2 + 3/4, 1 + 4 * 3/4
    ([[0.0, 2.75], [4.0, 0.0]], [0.75, 0.25])
    """
    rates = np.array(log_rates, dtype=float)
    np.fill_diagonal(rates, -np.inf)
    remaining = list(range(len(rates)))
    onward: list[tuple[int, list[int], Floats]] = []
    first = np.full((len(rates), len(kept)), -np.inf)
    first[list(kept), np.arange(len(kept))] = 0.0
    with np.errstate(invalid="ignore"):
        for state in [state for state in remaining if state not in set(kept)]:
            remaining.remove(state)
            leads_to = [other for other in remaining if rates[state, other] != -np.inf]
            if not leads_to:
                continue
            shares = rates[state, leads_to] - np.logaddexp.reduce(rates[state, leads_to])
            onward.append((state, leads_to, shares))
            for before in [other for other in remaining if rates[other, state] != -np.inf]:
                rates[before, leads_to] = np.logaddexp(rates[before, leads_to], rates[before, state] + shares)
                rates[before, before] = -np.inf
        for state, leads_to, shares in reversed(onward):
            for goal in range(len(kept)):
                met = first[leads_to, goal] != -np.inf
                if met.any():
                    first[state, goal] = np.logaddexp.reduce(shares[met] + first[leads_to, goal][met])
    return rates[np.ix_(kept, kept)], first


def log_rate_constant(log_rates: Floats, first: int, second: int) -> float:
    """log of k_AB = nu / P(A was visited last), between two states of a chain that has others.

    nu = p_A w_AB, w the rates of the chain watched in both states alone, and ``P = sum_i p_i q_i``, q_i the probability
    to have come from A: that of the chain run backward in time to go there.  NaN where an unknown rate matters.

    Parameters
    ----------
    log_rates
        natural logarithms of the rates from row to column, (K, K); the diagonal is ignored.
    first, second
        indices of A and B.

    Examples
    --------
    A third state beside A, to which it goes at the rate 1 and comes back at the rate 1, halves the rate to B:

    >>> k = np.array([[0.0, 1e-6, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> with np.errstate(divide="ignore"):
    ...     round(float(np.exp(log_rate_constant(np.log(k), 0, 1))) * 1e6, 12)
    0.5
    """
    rates, count = np.array(log_rates, dtype=float), len(log_rates)
    weights = np.zeros(count)  # of all states beside that of A, each by the chain watched in both
    for other in (state for state in range(count) if state != first):
        both, _ = log_watched_chain(rates, [first, other])
        weights[other] = both[0, 1] - both[1, 0] if both[0, 1] > -np.inf else -np.inf
    watched, _ = log_watched_chain(rates, [first, second])
    with np.errstate(invalid="ignore"):
        backward = rates.T + weights[None, :] - weights[:, None]
        backward = np.where(rates.T == -np.inf, -np.inf, backward)
        _, came_from = log_watched_chain(backward, [first, second])
        mass = np.logaddexp.reduce(weights + came_from[:, 0])
    return float(watched[0, 1] - mass)


def _reachable(log_rates: Floats, start: int) -> list[bool]:
    seen = [state == start for state in range(len(log_rates))]
    queue = [start]
    while queue:
        state = queue.pop()
        for other in range(len(log_rates)):
            if not seen[other] and other != state and log_rates[state, other] > -np.inf:
                seen[other] = True
                queue.append(other)
    return seen
