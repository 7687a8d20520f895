"""Eigenpairs of the widened reduced problem, the slow ones exact relative to themselves: one way after another."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.condensation.extended_matrices import Eigenpairs, whole_of
from fokker_planck.solvers.condensation.slow_among_wells import slow_among_wells
from fokker_planck.solvers.condensation.slow_subspace import beside_slow_inside, pairs_in_doubles, slow_pairs

MOST_IN_EXTENDED = 100
"""Unknowns, all eigenvalues of which are found in multiple precision: 100 take a minute, more the cube of it."""
ROUNDING = 1e-12
"""Of the fastest of the slow modes, what doubles leave of rates between wells."""


def slow_or_in_doubles(flows: Any, mass: Floats, energy: Floats, *, symmetric: bool) -> Eigenpairs | None:
    """The slow modes by their invariant subspace, or by doubles; None where neither has them."""
    if len(mass) == flows.rows:
        return None
    found = slow_pairs(flows, mass, energy, symmetric=symmetric)
    if found is not None:
        return *found, 0.0
    found = pairs_in_doubles(flows, mass, energy, symmetric=symmetric)
    if found is None:
        return None
    slowest = min(abs(value) for value in found[0] if abs(value) > ROUNDING * abs(found[0][-1]))
    return *found, ROUNDING * float(abs(found[0][-1]) / slowest)


def general_pairs(flows: Any, mass: Floats, energy: Floats, below: float = np.inf, least: int = 1) -> Eigenpairs:
    """Eigenvalues by ascending modulus, with vectors of both sides; left T right is the unit matrix.

    As many as there are wells, or at least all that are slower than ``below`` and the ``least`` slowest ones; all
    where these are too close to the others, and too small beside them for doubles.
    """
    size = len(mass)
    slow = (
        slow_or_in_doubles(flows, mass, energy, symmetric=False)
        or beside_slow_inside(flows, mass, energy)
        or slow_among_wells(flows, mass, energy, below, least)
    )
    if slow is not None:
        return slow
    if size > MOST_IN_EXTENDED:
        raise ConvergenceError(
            f"{flows.rows} wells are left as fast as the process settles in them, and their modes are not told apart",
            "less noise or a smaller domain; `committor` and `exit` are about few sets, however many wells there are",
        )
    m = mpmath.matrix(mass.tolist())
    found, vectors = mpmath.eig(mpmath.inverse(m) * whole_of(flows, energy))
    order = sorted(range(size), key=lambda k: (float(abs(found[k])), -float(mpmath.im(found[k]))))
    columns = mpmath.matrix(size, size)
    for place, number in enumerate(order):
        for i in range(size):
            columns[i, place] = vectors[i, number]
    left = mpmath.inverse(m * columns)
    rows = range(size)
    return (
        [found[k] for k in order],
        [[columns[i, k] for i in rows] for k in rows],
        [[left[k, i] for i in rows] for k in rows],
        0.0,
    )
