"""Mean times of a chain from state to state, and what the errors of its rates make of them.

``-R tau = 1`` without the row and the column of the goal.  To first order a rate k_ab that is wrong by d changes

    tau_k  by  G_ka (tau_b - tau_a) d,    G = (-R)^-1 the mean time spent in a on the way from k,

whose absolute values are summed up: a negligible rate of which nothing is known counts as little as it matters.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus.chain_elimination import log_time_spent


def log_times_and_errors(chain: Any, unknown: Floats) -> tuple[Floats, Floats]:
    """Logarithms of the mean times from row to column and their relative errors, (K, K) each; 0 on the diagonals.

    Parameters
    ----------
    chain
        R, real: a matrix of mpmath, in the current precision, or of doubles where these hold it.
    unknown
        errors of the rates, (K, K), each as a part of its rate; as large as it may be.
    """
    size = len(unknown)
    logs, errors = np.zeros((size, size)), np.zeros((size, size))
    rates, unknown = _log_rates(chain, size), np.minimum(unknown, 1e300)
    for goal in range(size):
        rest = [k for k in range(size) if k != goal]
        times = _times(chain, rest)
        logs[rest, goal] = [_log(time) for time in times]
        spent = log_time_spent(rates[np.ix_(rest, rest)], rates[rest, goal])
        to_go = {**dict(zip(rest, times, strict=True)), goal: 0 * times[0]}
        apart = np.array([[_log(to_go[b] - to_go[a]) for b in range(size)] for a in rest])
        with np.errstate(divide="ignore"):
            wrong = np.log(unknown[rest]) + rates[rest]
        wrong[rates[rest] == -np.inf] = -np.inf
        changes = np.logaddexp.reduce(wrong + apart, axis=1)
        log_errors = np.logaddexp.reduce(spent + changes, axis=1) - logs[rest, goal]
        errors[rest, goal] = np.exp(np.minimum(log_errors, 700.0))
    return logs, errors


def _times(chain: Any, rest: list[int]) -> list[Any]:
    """tau of the states ``rest``."""
    if isinstance(chain, np.ndarray):
        return list(np.linalg.solve(-chain[np.ix_(rest, rest)], np.ones(len(rest))))
    matrix = mpmath.matrix([[-chain[k, m] for m in rest] for k in rest])
    return list(mpmath.lu_solve(matrix, mpmath.matrix([mpmath.mpf(1)] * len(rest))))


def _log(number: Any) -> float:
    return float(mpmath.log(abs(number))) if number != 0 else -np.inf


def _log_rates(chain: Any, size: int) -> Floats:
    """Minus infinity on the diagonal."""
    return np.array([[_log(chain[k, m]) if k != m else -np.inf for m in range(size)] for k in range(size)])
