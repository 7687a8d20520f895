"""Curved cells that refinement has folded over: inner vertices beside them are moved, or they are bisected."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.shapes.curved_quality import least_stretches
from fokker_planck.fem.shapes.smoothing import smoothed
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation

# A cell keeps this much of its determinant when it is curved, or it is bisected: towards a smooth surface the pieces
# are the straighter, the smaller they are. Few passes are needed; more mean that the surface is not smooth there.
LEAST_KEPT, PASSES = 0.05, 6
#: What vertices are moved for, in space: one of 35,000 cells around a level of the quartic well kept -0.23, and an edge
#: that leaves a vertex below the tangent plane of the surface is there however often it is bisected. Two vertices moved
#: by a fifth of the cell, and it kept 0.50.
WANTED = 0.2
#: Degree of the map in which that is judged, cheaper than the full one.
JUDGED_DEGREE = 3


def unfolded(triangulation: Triangulation) -> Triangulation:
    """The mesh without cells that curving would fold over: refinement makes some out of good ones.

    Raises :class:`ConvergenceError` where neither moved vertices nor bisections help.
    """
    for _ in range(PASSES):
        folded = least_stretches(triangulation) < LEAST_KEPT
        if not folded.any():
            return triangulation
        if triangulation.dimension == 3:
            beside = np.isin(triangulation.cells, triangulation.cells[folded]).any(axis=1)
            triangulation = smoothed(triangulation, WANTED, JUDGED_DEGREE, beside)
            folded = least_stretches(triangulation) < LEAST_KEPT
            if not folded.any():
                return triangulation
        triangulation = refine(triangulation, folded)
    raise ConvergenceError(
        f"{int(folded.sum())} curved cells fold over however small they are", "a smooth surface, or another tolerance"
    )
