"""D^-1 times vectors at many points: D is symmetric and positive, so that no row has to be exchanged."""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats


def solved(tensor: Floats, vectors: Floats) -> Floats:
    """D^-1 v, (dim, n), of symmetric tensors (dim, dim, n); not-a-number where D is singular.

    By D = L diag(p) L^T of all points at once, whose operations are on whole arrays: a library is called for every
    point, and took 2.5 times as long for 3 x 3 as all else that an exponent of quadratic noise is made of.

    References
    ----------
    Golub and Van Loan, Matrix Computations, section 4.1: without exchange of rows it is stable where all p > 0.

    Examples
    --------
    >>> tensor = np.array([[2.0, 1.0], [1.0, 2.0]])[:, :, None]
    >>> solved(tensor, np.array([[3.0], [0.0]])).ravel().tolist()
    [2.0, -1.0]
    """
    size = len(tensor)
    if not any(tensor[row, column].any() for row in range(size) for column in range(row)):
        own = tensor[np.arange(size), np.arange(size)]
        with np.errstate(all="ignore"):
            return np.asarray(np.where(own.all(axis=0), vectors / own, np.nan))
    pivots: list[Floats] = []
    below: dict[tuple[int, int], Floats] = {}  # of L
    with np.errstate(all="ignore"):
        for column in range(size):
            # the rest of a column is that of L, times the pivot
            rest = [
                tensor[row, column] - sum(below[row, k] * below[column, k] * pivots[k] for k in range(column))
                for row in range(column, size)
            ]
            pivots.append(rest[0])
            below |= {(column + step, column): entry / rest[0] for step, entry in enumerate(rest[1:], 1)}
        forward: list[Floats] = []
        for row in range(size):
            forward.append(vectors[row] - sum(below[row, k] * forward[k] for k in range(row)))
        result = [value / pivot for value, pivot in zip(forward, pivots, strict=True)]
        for row in reversed(range(size)):
            result[row] = result[row] - sum(below[k, row] * result[k] for k in range(row + 1, size))
        positive = np.all([pivot > 0.0 for pivot in pivots], axis=0)
    found = np.array(result)
    if not positive.all():
        found[:, ~positive] = _with_exchanges(tensor[:, :, ~positive], vectors[:, ~positive])
    return found


def _with_exchanges(tensor: Floats, vectors: Floats) -> Floats:
    """The same of tensors that are not positive, as formulas may have them beside a domain."""
    matrices = np.moveaxis(tensor, -1, 0)
    with np.errstate(all="ignore"):
        regular: Booleans = np.abs(np.linalg.det(matrices)) > 0.0
    safe = np.where(regular[:, None, None], matrices, np.eye(len(tensor)))
    return np.asarray(np.where(regular, np.linalg.solve(safe, vectors.T[:, :, None])[:, :, 0].T, np.nan))
