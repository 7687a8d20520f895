"""How much curving squeezes cells: det dF over that of the straight cell, where it is least."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.curving import DEGREE, curved_cells
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.triangulation import Floats, Triangulation

# A cell keeps this much of its determinant when it is curved, or it is bisected: towards a smooth surface the pieces
# are the straighter, the smaller they are. Few passes are needed; more mean that the surface is not smooth there.
LEAST_KEPT, PASSES = 0.05, 6


def least_stretches(triangulation: Triangulation, degree: int = DEGREE) -> Floats:
    """The smallest determinant of the map that curves each cell, relative to the straight one, (m,).

    With a lower ``degree`` of that map it is nearly the same, and cheap.
    """
    dimension = triangulation.dimension
    least = np.ones(len(triangulation.cells))
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    curved = curved_cells(triangulation, triangulation.cells, nodes)
    if not len(curved.cells):
        return least
    corners = triangulation.cell_points[curved.cells]
    gradients = _dolfinx.tabulate_lagrange(dimension, degree, nodes, 1)[1:]
    jacobian = np.einsum("jna,cad->cndj", gradients, curved.nodes)
    straight = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    least[curved.cells] = (np.linalg.det(jacobian) / np.linalg.det(straight)[:, None]).min(axis=1)
    return least


def unfolded(triangulation: Triangulation) -> Triangulation:
    """The mesh with cells bisected that curving would fold over: refinement makes some out of good ones.

    Raises :class:`ConvergenceError` where bisections do not help.
    """
    for _ in range(PASSES):
        folded = least_stretches(triangulation) < LEAST_KEPT
        if not folded.any():
            return triangulation
        triangulation = refine(triangulation, folded)
    raise ConvergenceError(
        f"{int(folded.sum())} curved cells fold over however small they are", "a smooth surface, or another tolerance"
    )
