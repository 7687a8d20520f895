"""Exact gap and exit time of the quartic well on the line, in which nothing cancels at any barrier.

    T = int_{-1}^{1} exp(V(x)/eps)/eps int_{-2}^{x} exp(-V/eps) dz dx
    1/lambda_1 = largest eigenvalue of  f -> int_0^x exp(V(s)/eps)/eps int_s^2 exp(-V/eps) f dz ds     (f odd, f(0) = 0)

Both are repeated integrals of positive functions: the second by power iteration, with a ratio of lambda_1/lambda_3.
Gauss-Legendre panels; 1e-13 relative, checked against tests/reference/one_dimensional.json from barrier 5 to 500.
"""

import numpy as np

from benchmarks.double_well import noise, straight

ORDER, PANELS = 20, 3000
NODES, WEIGHTS = np.polynomial.legendre.leggauss(ORDER)
# Values at the nodes -> integrals from the left end of [-1, 1] to each node.
FROM_LEFT = np.stack(
    [np.polynomial.Legendre.basis(k).integ(lbnd=-1)(NODES) for k in range(ORDER)], axis=1
) @ np.linalg.inv(np.polynomial.legendre.legvander(NODES, ORDER - 1))


def exact(question: str, barrier: float) -> float:
    """The answer to a question of :mod:`benchmarks.double_well`, a positive number."""
    return exit_time(barrier) if question == "exit-time" else gap(barrier)


def exit_time(barrier: float) -> float:
    """Mean time from -1 to 1 with a reflecting wall at -2."""
    half, x = _panels(-2.0, 1.0)
    height = straight(x, 0.0) / noise(barrier)
    inner = _from_left(half, np.exp(-height))
    way = x > -1.0
    return float(((np.exp(height[way]) * inner[way]).reshape(-1, ORDER) @ WEIGHTS).sum() * half / noise(barrier))


def gap(barrier: float) -> float:
    """Smallest nonzero eigenvalue between reflecting walls at -2 and 2."""
    half, x = _panels(0.0, 2.0)
    height = straight(x, 0.0) / noise(barrier)
    weight, rise = np.exp(-height), np.exp(np.minimum(height, 600.0)) / noise(barrier)
    u, last, rate = np.ones_like(x), 0.0, 1.0
    while abs(rate - last) > 1e-15 * rate:
        u = u / u.max()
        flux = _from_left(half, (weight * u)[::-1, ::-1])[::-1, ::-1]
        after = _from_left(half, rise * flux)
        last, rate = rate, float((weight * u @ WEIGHTS).sum() / (weight * after @ WEIGHTS).sum())
        u = after
    return rate


def _panels(left: float, right: float) -> tuple[float, np.ndarray]:
    """Half the width of a panel and the nodes of all, (PANELS, ORDER); -1 and 0 lie between panels."""
    edges = np.linspace(left, right, PANELS + 1)
    half = (right - left) / (2 * PANELS)
    return half, (edges[:-1] + half)[:, None] + half * NODES


def _from_left(half: float, values: np.ndarray) -> np.ndarray:
    """Integral from the left end to every node."""
    whole = np.concatenate([[0.0], np.cumsum(values @ WEIGHTS)[:-1]])
    return half * (whole[:, None] + values @ FROM_LEFT.T)
