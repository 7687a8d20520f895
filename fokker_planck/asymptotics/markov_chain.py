"""Mean hitting times of a Markov chain from logarithms of its rates, by elimination without subtractions."""

from __future__ import annotations

import numpy as np

from fokker_planck.landscape import Floats


def log_hitting_time(log_rates: Floats, log_absorption: Floats, start: int) -> float:
    """log of the mean time to absorption, ``-sum_j k_ij (tau_j - tau_i) + a_i tau_i = 1``.

    Args:
        log_rates: natural logarithms of the rates k from row to column, (K, K); the diagonal is ignored.
        log_absorption: of the rates a of absorption, (K,); minus infinity for none.
        start: the state to start from.

    Returns:
        log tau_start, infinity where the chain may never be absorbed.  States are eliminated one by one (Grassmann,
        Taksar, Heyman, Oper. Res. 33 (1985) 1107): every operation adds, multiplies or divides positive numbers, so
        that the result is as accurate as the rates, whatever orders of magnitude they span.

    >>> k = np.log(np.array([[1.0, 2.0], [3.0, 1.0]]))
    >>> round(float(np.exp(log_hitting_time(k, np.log(np.array([1e-300, 5.0])), 0))), 12)  # 1/2 + (1/5)(1 + 3/2)
    1.0
    """
    rates = np.array(log_rates, dtype=float)
    absorption = np.array(log_absorption, dtype=float)
    reward = np.zeros(len(absorption))
    remaining = [state for state in range(len(absorption)) if _reachable(rates, start)[state]]
    np.fill_diagonal(rates, -np.inf)
    for state in [state for state in remaining if state != start]:
        others = [other for other in remaining if other != state]
        out = np.logaddexp.reduce([absorption[state], *rates[state, others]])
        if out == -np.inf:
            return float("inf")
        for i in others:
            into = rates[i, state] - out
            absorption[i] = np.logaddexp(absorption[i], into + absorption[state])
            reward[i] = np.logaddexp(reward[i], into + reward[state])
            for j in others:
                if i != j:
                    rates[i, j] = np.logaddexp(rates[i, j], into + rates[state, j])
        remaining = others
    return float(reward[start] - absorption[start]) if absorption[start] > -np.inf else float("inf")


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
