"""Finite volumes with exponentially fitted fluxes on a uniform grid (Scharfetter and Gummel 1969), and scipy.

The jump rate from point i to its neighbour j is eps/h^2 B((V_j - V_i)/eps) with B(t) = t/(exp(t) - 1): a generator
at every spacing, of second order.
"""

import numpy as np
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import LinearOperator, eigsh, splu

from benchmarks.double_well import START, TARGET, box, height, noise

SHIFT = -1e-6


def answer(question: str, barrier: float, cells: int) -> tuple[float, int]:
    """The number asked for and how many unknowns it took, with ``cells`` cells per unit of length."""
    lower, upper = box(question)
    x, y = (np.linspace(a, b, round(cells * (b - a)) + 1) for a, b in zip(lower, upper, strict=True))
    levels = height(question, barrier)(*np.meshgrid(x, y, indexing="ij")).ravel()
    number = np.arange(len(levels)).reshape(len(x), len(y))
    # Points on the wall have half a cell, and share half a face with their neighbours along it.
    across_x, across_y = (np.where((s == s[0]) | (s == s[-1]), 0.5, 1.0) for s in (x, y))
    volume = np.outer(across_x, across_y).ravel()
    pairs = [(number[:-1], number[1:], np.tile(across_y, (len(x) - 1, 1)))]
    pairs += [(number[:, :-1], number[:, 1:], np.tile(across_x[:, None], (1, len(y) - 1)))]
    one, other, face = (np.concatenate([part[k].ravel() for part in pairs]) for k in range(3))
    face = face * noise(barrier) * cells**2
    rise = levels[other] - levels[one]
    rates = csc_matrix(
        (np.append(face * bernoulli(rise) / volume[one], face * bernoulli(-rise) / volume[other]),
         (np.append(one, other), np.append(other, one)))
    )  # fmt: skip
    leaving = np.asarray(rates.sum(axis=1)).ravel()
    if question != "exit-time":
        # exp(-V/2eps) sqrt(volume) makes it symmetric, the entries being geometric means of the rates there and back.
        symmetric = csc_matrix(diags(leaving) - rates.multiply(rates.T).sqrt())
        inverse = LinearOperator(symmetric.shape, matvec=factors(symmetric - SHIFT * diags(np.ones(len(levels)))).solve)
        values = eigsh(symmetric, k=2, sigma=SHIFT, OPinv=inverse, return_eigenvectors=False)
        return float(values.max()), len(levels)
    free = np.flatnonzero(~np.isclose(np.repeat(x, len(y)), TARGET))
    time = np.zeros(len(levels))
    time[free] = factors((diags(leaving) - rates).tocsr()[free][:, free]).solve(np.ones(len(free)))
    start = number[np.argmin(abs(x - START[0])), np.argmin(abs(y - START[1]))]
    return float(time[start]), len(free)


def bernoulli(t: np.ndarray) -> np.ndarray:
    """t / (exp(t) - 1)."""
    safe = np.where(np.abs(t) < 1e-12, 1.0, t)
    return np.where(np.abs(t) < 1e-12, 1.0 - t / 2.0, safe / np.expm1(safe))


def factors(matrix):
    """SuperLU for a matrix of symmetric pattern with dominant diagonal."""
    return splu(csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
