"""The map F of cells at the points of a quadrature rule, its derivative, and tables of basis functions there."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.triangulations.curving import DEGREE, CurvedCells, check_orientation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class CellMap:
    """F and its derivative at the quadrature points of cells.

    ``points`` (dim, cells, n); ``inverse`` (dim, dim, curved cells, n) is (dF)^-1 with respect to straight
    coordinates, for the curved cells alone; ``stretch`` (cells, n) is det dF; ``volume`` (cells, n) is quadrature
    weight times volume in true coordinates.
    """

    points: Floats
    inverse: Floats
    stretch: Floats
    volume: Floats


def cell_map(corners: Floats, curved: CurvedCells, rule: int) -> CellMap:
    """Of cells with the given ``corners`` (m, dim + 1, dim) at the points of the rule of that degree."""
    dimension = corners.shape[2]
    reference, weights = quadrature(dimension, rule)
    points = np.moveaxis(corners, 2, 0) @ barycentric(reference).T
    straight = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    inverse = np.zeros((dimension, dimension, 0, len(weights)))
    stretch = np.ones((len(corners), len(weights)))
    if len(curved.cells):
        table = lagrange_at_rule(dimension, DEGREE, rule)
        # all tables and all cells in one product: (coordinates, cells, value and derivatives, points)
        nodes = np.moveaxis(curved.nodes, 2, 0).reshape(-1, table.shape[2])
        mapped = (nodes @ table.reshape(-1, table.shape[2]).T).reshape(dimension, -1, *table.shape[:2])
        points[:, curved.cells] = mapped[:, :, 0]
        back = np.linalg.inv(straight[curved.cells])
        derivative = np.einsum("icjq,cjk->ikcq", mapped[:, :, 1:], back)
        adjugate, determinant = _adjugate(derivative)
        check_orientation(determinant, curved.cells)
        stretch[curved.cells], inverse = determinant, adjugate / determinant
    volume = stretch * np.abs(np.linalg.det(straight))[:, None] * weights
    return CellMap(points, inverse, stretch, volume)


def points_in_cells(corners: Floats, curved: CurvedCells, reference: Floats) -> Floats:
    """True coordinates of reference points in every cell, (cells, n, dim)."""
    points = barycentric(reference) @ corners
    if len(curved.cells):
        basis = _dolfinx.tabulate_lagrange(reference.shape[1], DEGREE, reference)[0]
        points[curved.cells] = basis @ curved.nodes
    return points


@lru_cache(maxsize=32)
def quadrature(dimension: int, rule: int) -> tuple[Floats, Floats]:
    """Points (n, dim) and weights (n,) of the rule of that degree, to be read only: blocks of one mesh ask it often."""
    points, weights = _dolfinx.quadrature_points(dimension, rule)
    points.flags.writeable = weights.flags.writeable = False
    return points, weights


@lru_cache(maxsize=32)
def lagrange_at_rule(dimension: int, degree: int, rule: int) -> Floats:
    """Lagrange basis functions and their derivatives at its points, (1 + dim, n, functions), to be read only."""
    table = np.ascontiguousarray(_dolfinx.tabulate_lagrange(dimension, degree, quadrature(dimension, rule)[0], 1))
    table.flags.writeable = False
    return table


def _adjugate(matrices: Floats) -> tuple[Floats, Floats]:
    """Inverse times determinant (dim, dim, ...), and determinant, of matrices (dim, dim, ...) in the plane or space.

    Many small ones at once, five times as fast as by factors of each, and near the identity as exact.
    """
    first, second = matrices[:2]
    if len(matrices) == 2:
        adjugate = np.stack([np.stack([second[1], -first[1]]), np.stack([-second[0], first[0]])])
    else:
        rows = _cross(second, matrices[2]), _cross(matrices[2], first), _cross(first, second)
        adjugate = np.stack(rows, axis=1)
    return adjugate, (first * adjugate[:, 0]).sum(axis=0)


def _cross(u: Floats, v: Floats) -> Floats:
    """Product of vectors (3, ...)."""
    return np.stack([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])
