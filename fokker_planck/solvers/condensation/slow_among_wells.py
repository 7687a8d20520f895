"""The slowest modes of a widened reduced problem of which some wells are left as fast as a process settles in them.

Of the pencil in :mod:`.slow_subspace` fewer modes are slow than S has rows.  With the eigenvectors Q of T^-1 S, slow
ones first,

    [Q^-1 T^-1  0]            [Q  0]
    [    0      I]  (pencil)  [0  I]

has in place of S a block of the slow ones, and the others stand beside E: that of fewer wells, whose slow modes have a
gap above them.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.condensation.extended_matrices import (
    Eigenpairs,
    Matrix,
    product,
    transposed,
    whole_in_doubles,
)
from fokker_planck.solvers.condensation.slow_subspace import LEAST_GAP, slow_pairs


def slow_among_wells(flows: Any, mass: Floats, energy: Floats, below: float, least: int = 1) -> Eigenpairs | None:
    """All modes slower than ``below`` and the ``least`` slowest ones, where these are fewer than the wells.

    None where no gap is above them.
    """
    fewer = _fewer(flows, mass, energy, below, least)
    if fewer is None:
        return None
    try:
        basis, dual = _slow_first(flows, mass, fewer)
    except ZeroDivisionError:  # the eigenvectors are not independent
        return None
    count, (right, left) = flows.rows, (_in_doubles(matrix) for matrix in (basis, dual))
    within = product(product(dual, flows.tolist()), basis)
    turned, beside = (np.eye(len(mass)) for _ in range(2))
    turned[:count, :count], beside[:count, :count] = right, left
    fast = np.zeros((len(mass) - fewer,) * 2)
    fast[: count - fewer, : count - fewer] = _in_doubles([row[fewer:] for row in within[fewer:]])
    fast[count - fewer :, count - fewer :] = energy
    found = slow_pairs(mpmath.matrix([row[:fewer] for row in within[:fewer]]), beside @ mass @ turned, fast)
    if found is None:
        return None
    values, columns, rows = found
    columns = [transposed(product(basis, transposed([one[:count]])))[0] + one[count:] for one in columns]
    rows = [product([one[:count]], dual)[0] + one[count:] for one in rows]
    return values, columns, rows, 0.0


def _fewer(flows: Any, mass: Floats, energy: Floats, below: float, least: int) -> int | None:
    """How many modes are slow: what is wanted, and as many more as there are up to the widest gap."""
    moduli = np.sort(np.abs(np.linalg.eigvals(np.linalg.solve(mass, whole_in_doubles(flows, energy)))))
    numbers = np.arange(max(least, 1), flows.rows)
    numbers = numbers[moduli[numbers] >= below]
    if not len(numbers):
        return None
    gaps = moduli[numbers] / np.maximum(moduli[numbers - 1], np.finfo(float).tiny)
    return int(numbers[np.argmax(gaps)]) if gaps.max() > LEAST_GAP else None


def _slow_first(flows: Any, mass: Floats, fewer: int) -> tuple[Matrix, Matrix]:
    """Q, and Q^-1 T^-1: eigenvectors of T^-1 S by ascending modulus, of pairs their real and imaginary parts."""
    count = flows.rows
    inverse = mpmath.inverse(mpmath.matrix(mass[:count, :count].tolist()))
    values, vectors = mpmath.eig(inverse * flows)
    order = sorted(range(count), key=lambda k: (float(abs(values[k])), -float(mpmath.im(values[k]))))
    basis = mpmath.matrix(count, count)
    for place, number in enumerate(order):
        part = mpmath.im if mpmath.im(values[number]) < 0 else mpmath.re
        column = [part(vectors[i, number]) for i in range(count)]
        largest = max(abs(entry) for entry in column)
        for i, entry in enumerate(column):
            basis[i, place] = entry / largest
    return basis.tolist(), (mpmath.inverse(basis) * inverse).tolist()


def _in_doubles(rows: Matrix) -> Floats:
    return np.array([[float(entry) for entry in row] for row in rows]).reshape(len(rows), -1)
