"""Where a mesh does not resolve the density over its reference, rho, on the way to less noise.

Cells in which the exponent changes little can be far too large for the current: where it is strong beside the noise rho
has layers across it that psi does not show, in which it comes out negative.  They are few: elsewhere rho varies slowly
along the current, and large cells serve whatever their Peclet number.  So the mesh is refined where rho itself says so,
by what its highest degrees are of it, and rho is found once more.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import last_degrees, on_all_cells
from fokker_planck.formulas.arrays import Booleans, Floats

LARGEST_SHARE = 0.02
"""Of the last two degrees in rho in a cell: with degree 6 a function whose degrees fall alike is right to 1 % then."""
MOST_UNRESOLVED = 0.45
"""Of the cells: where more are, the exponent is wrong and not the mesh. Of densities that were found after all it was
0.32 at the most, of exponents that were guessed and far off 0.6 and more."""
MOST_REPAIRED = {1: 0, 2: 16_000, 3: 0}
"""Cells, beyond which a mesh is not refined in this way; in space each solve takes too long, on a line no cell is as
large."""
MOST_NEARLY_RESOLVED, NEARLY_RESOLVED = {1: 0, 2: 40_000, 3: 0}, 0.1
"""Cells up to which one is refined all the same where it lacks few, and how many of these: with 9 negative values among
294,000 a density was lost for good on 16,800 cells.
"""
MOST_REPAIRS = 4
"""Of one mesh: one or two are enough where any are."""


def worth_refining(generator: Generator, rho: Floats, height: float) -> Booleans:
    """The cells to refine, (m,), so that ``rho`` (N,) is resolved below a ``height``; none where that is of no use."""
    discretization = generator.discretization
    found = _unresolved(generator, rho, height)
    count, marked, dimension = len(found), int(found.sum()), discretization.triangulation.dimension
    few = count <= MOST_REPAIRED[dimension] and marked <= MOST_UNRESOLVED * count
    few |= count <= MOST_NEARLY_RESOLVED[dimension] and marked <= NEARLY_RESOLVED * count
    return found if few else np.zeros(count, dtype=bool)


def _unresolved(generator: Generator, rho: Floats, height: float) -> Booleans:
    """Cells below the height in which rho is not positive, or not resolved; all where it is not finite."""
    discretization = generator.discretization
    if not np.isfinite(rho).all():
        return np.ones(len(discretization.triangulation.cells), dtype=bool)
    values, below = rho[discretization.dofs], generator.exponent[discretization.dofs] < height
    wrong = ((values <= 0.0) & below).any(axis=1)
    wrong |= (last_degrees(discretization, values) > LARGEST_SHARE) & below.any(axis=1)
    return on_all_cells(wrong.astype(float), discretization) > 0.0
