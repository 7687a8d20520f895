"""Which cell of a solution's mesh holds a point, and where: also in curved cells, whose maps Newton's method inverts.

Straight cells are found by bins (:mod:`fokker_planck.mesh.locator`); a curved one bulges out of its straight one, and
is looked for among those whose centres are near.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.triangulations.curving import DEGREE
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.formulas.graphs import nearest
from fokker_planck.landscape.box_units import LONG
from fokker_planck.mesh.locator import Locator
from fokker_planck.mesh.simplices import barycentric

OUTSIDE = 1e-9
"""Of a reference coordinate: rounding of an inverted map, in a cell a million times longer than wide 1e-10."""
TOGETHER = 20_000
"""Points of curved cells that are looked for at once: their basis functions in space take 25 MB."""
BULGE = 0.1
"""By how much of its size a curved cell may stand out of the box around its nodes of degree 4: a quarter of a circle in
one edge stands out by less than 0.001. Only pairs of a cell and a point in its box are looked at."""


def nearly_located(discretization: Discretization, points: Floats) -> Integers:
    """The straight cell that holds each point, or else the nearest of the curved ones; -1 far from them."""
    from scipy.spatial import cKDTree

    curved = discretization.curved
    cells = Locator(discretization.triangulation.points, discretization.vertices).find(points)
    outside = np.flatnonzero(cells < 0)
    centers = curved.nodes.mean(axis=1)
    reach = float(np.linalg.norm(curved.nodes - centers[:, None], axis=2).max())
    away, near = cKDTree(centers).query(points[:, outside].T, distance_upper_bound=reach)
    cells[outside[np.isfinite(away)]] = curved.cells[near[np.isfinite(away)]]
    return cells


def locate(discretization: Discretization, points: Floats) -> tuple[Integers, Floats]:
    """Cell of this rank that holds each point (or -1), and reference coordinates in it, (n, dim)."""
    points = discretization.triangulation.wrapped(points)
    count, most = points.shape[1], len(discretization.dofs)
    cells, reference = np.full(count, -1), np.zeros((count, len(points)))
    if not most:
        return cells, reference
    centers, lower, upper = discretization.cell_nodes.mean(axis=1), *_boxes(discretization)
    # beyond this distance from its centre no cell holds a point: most of a grid around a narrow domain is out of reach
    reach = float(np.linalg.norm(np.maximum(upper - centers, centers - lower), axis=1).max())
    best, open_ = np.full(count, np.inf), np.arange(count)
    for neighbours in (4, 16, 64, 256):
        if not len(open_):
            break
        wanted = points[:, open_].T
        distance, near = nearest(centers, wanted, min(neighbours, most), reach)
        row, column = np.nonzero(np.isfinite(distance))
        candidates = near[row, column]
        around = ((wanted[row] >= lower[candidates]) & (wanted[row] <= upper[candidates])).all(axis=1)
        row, column, candidates = row[around], column[around], candidates[around]
        coordinates = reference_coordinates(discretization, candidates, wanted[row])
        excess = -np.minimum(coordinates.min(axis=1), 1.0 - coordinates.sum(axis=1))
        order = np.lexsort((column, excess, row))
        rows, first = np.unique(row[order], return_index=True)
        chosen = order[first]
        best[open_[rows]], cells[open_[rows]] = excess[chosen], candidates[chosen]
        reference[open_[rows]] = coordinates[chosen]
        open_ = open_[(best[open_] > OUTSIDE) & np.isfinite(distance).all(axis=1)]
    left = np.flatnonzero(best > OUTSIDE)
    cells[left] = -1
    if len(left) and _has_long_cells(discretization):
        # the centre of a cell much longer than wide may be farther than those of hundreds that do not hold the point
        held = Locator(discretization.triangulation.points, discretization.vertices).find(points[:, left])
        some = left[held >= 0]
        cells[some] = held[held >= 0]
        reference[some] = reference_coordinates(discretization, cells[some], points[:, some].T)
    return cells, reference


def _boxes(discretization: Discretization) -> tuple[Floats, Floats]:
    """Corners (m, dim) of the box around each cell, with room for what its nodes do not show of a curved one."""
    nodes, bent = discretization.cell_nodes, discretization.curved
    lower, upper = nodes.min(axis=1), nodes.max(axis=1)
    if len(bent.cells):
        lower[bent.cells] = np.minimum(lower[bent.cells], bent.nodes.min(axis=1))
        upper[bent.cells] = np.maximum(upper[bent.cells], bent.nodes.max(axis=1))
    slack = BULGE * (upper - lower)
    return lower - slack, upper + slack


def _has_long_cells(discretization: Discretization) -> bool:
    """Whether the box around some cell of this rank is much longer than wide, or cells are stretched askew."""
    edges = np.ptp(discretization.corners, axis=1)
    stretched = discretization.triangulation.stretch is not None
    return stretched or bool((edges.max(axis=1) > LONG * edges.min(axis=1)).any())


def reference_coordinates(discretization: Discretization, cells: Integers, points: Floats, steps: int = 12) -> Floats:
    """Invert the map of each cell: affine where it is straight, Newton's method from there where it is curved."""
    # of those that are asked about alone: a point is looked for in a few of ten thousand
    some_cells, which = np.unique(cells, return_inverse=True)
    corners = discretization.triangulation.points[discretization.vertices[some_cells]]
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    reference = np.einsum("nij,nj->ni", inverse[which], points - corners[which, 0])
    curved = discretization.curved
    bent_cells, among, position = np.intersect1d(some_cells, curved.cells, assume_unique=True, return_indices=True)
    if not len(bent_cells):
        return reference
    # a curved cell lies above the least barycentric coordinates, in the straight cell, of its own nodes
    nodes = curved.nodes[position]
    of_nodes = np.einsum("nij,nkj->nki", inverse[among], nodes - corners[among, :1])
    least = np.full((len(some_cells), corners.shape[1]), np.inf)
    least[among] = barycentric(of_nodes).min(axis=1) - BULGE
    place = np.full(len(some_cells), -1)
    place[among] = np.arange(len(among))
    bent = np.flatnonzero((barycentric(reference) >= least[which]).all(axis=1))
    for some in np.array_split(bent, len(bent) // TOGETHER + 1):
        nodes_of = nodes[place[which[some]]]
        reference[some] = _newton(nodes_of, points[some], np.clip(reference[some], -0.2, 1.2), steps)
    return reference


def _newton(nodes: Floats, points: Floats, reference: Floats, steps: int) -> Floats:
    """Of the points that are not there yet, for those outside of a cell may never be."""
    active = np.arange(len(points))
    for _ in range(steps):
        basis = _dolfinx.tabulate_lagrange(points.shape[1], DEGREE, reference[active], 1)
        residual = points[active] - np.einsum("na,nad->nd", basis[0], nodes[active])
        jacobian = np.einsum("jna,nad->ndj", basis[1:], nodes[active])
        step = np.linalg.solve(jacobian, residual[..., None])[..., 0]
        reference[active] += np.clip(step, -0.5, 0.5)
        active = active[np.abs(step).max(axis=1) >= 1e-13]
        if not len(active):
            break
    return reference
