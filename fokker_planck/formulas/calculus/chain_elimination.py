"""Elimination of the states of a Markov chain without a subtraction, in logarithms of its rates."""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats


def log_time_spent(log_rates: Floats, log_absorption: Floats) -> Floats:
    """log of the mean time that the chain spends in each state on its way, from each state, to absorption.

    That is G = (diag(sum_j k_ij + a_i) - k)^-1, whose rows sum to the mean times to absorption.

    Parameters
    ----------
    log_rates
        natural logarithms of the rates k from row to column, (K, K), minus infinity on the diagonal.
    log_absorption
        of the rates a of absorption, (K,).

    Returns
    -------
    Floats
        From row, in column, (K, K); infinite everywhere where states that lead nowhere are met. States are eliminated
        as by Grassmann, Taksar and Heyman, Oper. Res. 33 (1985) 1107: nothing is subtracted.

    Examples
    --------
    >>> k = np.array([[-np.inf, 0.0], [0.0, -np.inf]])                     # to and fro at the rate 1, out of the second
    >>> np.exp(log_time_spent(k, np.array([-np.inf, 0.0]))).round(12).tolist()
    [[2.0, 1.0], [1.0, 1.0]]
    """
    upper, absorption, count = np.array(log_rates), np.array(log_absorption), len(log_absorption)
    out = np.zeros(count)
    spent = np.where(np.eye(count) > 0.0, 0.0, -np.inf)
    for state in range(count):
        later = slice(state + 1, count)
        out[state] = np.logaddexp.reduce([absorption[state], *upper[state, later]])
        if out[state] == -np.inf:
            return np.full((count, count), np.inf)
        onward = (upper[later, state] - out[state])[:, None]
        upper[later, later] = np.logaddexp(upper[later, later], onward + upper[state, later])
        absorption[later] = np.logaddexp(absorption[later], onward[:, 0] + absorption[state])
        spent[later] = np.logaddexp(spent[later], onward + spent[state])
    for state in reversed(range(count)):
        later = slice(state + 1, count)
        onward = np.logaddexp.reduce(upper[state, later][:, None] + spent[later], axis=0, initial=-np.inf)
        spent[state] = np.logaddexp(spent[state], onward) - out[state]
    return spent
