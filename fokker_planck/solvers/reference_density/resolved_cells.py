"""Cells in which a reference exponent changes little, below an energy cutoff, and none above."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.meshing import exponent_range
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulations.fitting import component_holding
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation, without_cells
from fokker_planck.formulas.arrays import Floats


def resolved_below(
    triangulation: Triangulation,
    weighting: Weighting,
    attractors: Floats,
    ceiling: float,
    change: float | Callable[[Floats, Floats], Floats],
    most: int,
) -> Triangulation:
    """Bisect until psi changes by at most ``change`` in a cell below the ceiling; cut off what lies above.

    That may be a function of the least and the greatest psi of cells, (m,) each.
    """
    while True:
        low, high = exponent_range(triangulation, weighting)
        keep = low < ceiling
        marked = keep & (np.minimum(high, ceiling) - low > (change(low, high) if callable(change) else change))
        if not marked.any():
            if keep.all():
                return triangulation
            if len(attractors):
                keep = component_holding(triangulation, keep, attractors)
            return without_cells(triangulation, keep)
        if len(triangulation.cells) > most:
            raise BarrierTooHighError(
                f"more than {most} cells are needed to follow the density",
                "more noise, a smaller domain, or a smoother drift",
            )
        triangulation = refine(triangulation, marked)
