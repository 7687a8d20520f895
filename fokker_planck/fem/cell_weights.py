"""Cells of a triangulation with a weight, for integrals over parts of them: curved as they are, on every rank alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.triangulations.curving import DEGREE, CurvedCells, curved_cells
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import simplex_volumes
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class MeshCells:
    """Cells of a mesh, (m, dim + 1, dim) their corners, those that are curved, and a weight.

    ``log_weight`` is a function of points (dim, n), or the logarithms at the Lagrange nodes of ``degree`` of every
    cell, (m, n).  See :class:`~.weighted_cells.WeightedCells`.
    """

    corners: Floats
    bent: CurvedCells
    log_weight: Callable[[Floats], Floats] | Floats
    degree: int = 0

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.corners.shape[2])

    @cached_property
    def curved(self) -> Booleans:
        """Which of the cells are not straight, (m,)."""
        result = np.zeros(len(self.corners), dtype=bool)
        result[self.bent.cells] = True
        return result

    @cached_property
    def _position(self) -> Integers:
        position = np.full(len(self.corners), -1, dtype=np.int64)
        position[self.bent.cells] = np.arange(len(self.bent.cells))
        return position

    def places(self, cell: Integers, barycentric: Floats) -> Floats:
        """Points (dim, m, q)."""
        x = barycentric @ self.corners[cell]
        bent = np.flatnonzero(self.curved[cell])
        if len(bent):
            basis = self._tabulated(DEGREE, barycentric[bent])[0]
            x[bent] = np.einsum("mqa,mad->mqd", basis, self.bent.nodes[self._position[cell[bent]]])
        return np.moveaxis(x, 2, 0)

    def log_density(self, cell: Integers, barycentric: Floats) -> Floats:
        """log of weight times volume, (m, q)."""
        with np.errstate(divide="ignore"):
            volume = np.repeat(np.log(simplex_volumes(self.corners[cell]))[:, None], barycentric.shape[1], axis=1)
        bent = np.flatnonzero(self.curved[cell])
        if len(bent):
            gradients = self._tabulated(DEGREE, barycentric[bent], 1)[1:]
            jacobian = np.einsum("jmqa,mad->mqdj", gradients, self.bent.nodes[self._position[cell[bent]]])
            corners = self.corners[cell[bent]]
            straight = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
            volume[bent] += np.log(np.abs(np.linalg.det(jacobian)) / straight[:, None])
        if callable(self.log_weight):
            x = self.places(cell, barycentric)
            return np.asarray(self.log_weight(x.reshape(len(x), -1)).reshape(x.shape[1:]) + volume)
        basis = self._tabulated(self.degree, barycentric)[0]
        return np.asarray(np.einsum("mqn,mn->mq", basis, self.log_weight[cell]) + volume)

    def _tabulated(self, degree: int, barycentric: Floats, derivatives: int = 0) -> Floats:
        shape = barycentric.shape[:2]
        if shape[0] > 1 and (barycentric == barycentric[:1]).all():
            # whole cells, at the same points
            table = _dolfinx.tabulate_lagrange(self.dimension, degree, barycentric[0, :, 1:].copy(), derivatives)
            return np.broadcast_to(table[:, None], (len(table), *shape, table.shape[-1]))
        flat = barycentric[..., 1:].reshape(-1, self.dimension)
        table = _dolfinx.tabulate_lagrange(self.dimension, degree, flat, derivatives)
        return table.reshape(len(table), *shape, -1)


def cells_with_weight(triangulation: Triangulation, log_weight: Callable[[Floats], Floats]) -> MeshCells:
    """All cells of a mesh with a weight whose logarithm is a function of points (dim, n)."""
    nodes = _dolfinx.lagrange_nodes(triangulation.dimension, DEGREE)
    bent = curved_cells(triangulation, triangulation.cells, nodes)
    return MeshCells(triangulation.cell_points, bent, log_weight)


def cells_with_nodal_weight(
    discretization: Discretization, log_weight: Floats, chosen: Booleans
) -> tuple[Integers, MeshCells]:
    """Vertices of chosen cells (of all, on all ranks), and these with a weight from its logarithms at their nodes.

    ``log_weight`` (cells, n) are those of this rank's cells.
    """
    triangulation = discretization.triangulation
    own = chosen[discretization.cells]
    gathered = discretization.comm.allgather((discretization.cells[own], discretization.vertices[own], log_weight[own]))
    order = np.argsort(np.concatenate([part[0] for part in gathered]))
    vertices = np.concatenate([part[1] for part in gathered])[order]
    values = np.concatenate([part[2] for part in gathered])[order]
    bent = curved_cells(triangulation, vertices, _dolfinx.lagrange_nodes(triangulation.dimension, DEGREE))
    return vertices, MeshCells(triangulation.points[vertices], bent, values, discretization.degree)
