"""Values of an exponent in cells and at nodes, where it may jump between cells.

A cell that is fitted to the surface of a jump lies on one side of it; its points on that surface, or beyond it where
the surface is curved, are given the limit from inside. An unknown on the surface has one scale only: the smallest of
its limits, so that no scaled entry exceeds one by more than the change within a cell allows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.fem.discretization import Discretization
from fokker_planck.formulas.arrays import Floats


def values_in_cells(exponent: Any, points: Floats, corners: Floats) -> Floats:
    """The exponent at points (m, n, dim) of the cells with the given corners (m, dim + 1, dim), (m, n)."""
    flat = np.ascontiguousarray(points.reshape(-1, points.shape[2]).T)
    if not hasattr(exponent, "seen_from"):
        return np.asarray(exponent.value(flat)).reshape(points.shape[:2])
    centres = np.repeat(corners.mean(axis=1), points.shape[1], axis=0).T
    return np.asarray(exponent.seen_from(flat, centres)).reshape(points.shape[:2])


def values_at_nodes(exponent: Any, discretization: Discretization) -> Floats:
    """The exponent at all nodes, (N,), the smallest of its limits from the cells around."""
    if not hasattr(exponent, "seen_from"):
        return np.asarray(exponent.value(discretization.nodes.T))
    inside = values_in_cells(exponent, discretization.cell_nodes, discretization.corners)
    result = np.full(discretization.count, np.inf)
    np.minimum.at(result, discretization.dofs.ravel(), inside.ravel())
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.MIN)
    return result
