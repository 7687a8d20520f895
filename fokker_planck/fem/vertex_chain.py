"""A Markov chain on the vertices of a mesh that stands in for the process, with or without detailed balance.

With the reference exponent psi and the velocity c that is left beside it, see
:mod:`fokker_planck.fem.reference_exponent`, the chain goes from i to j at the rate L_ij,

    exp(-psi_i) L_ij = max(K_ij, |S_ij|) + S_ij,
    K_ij = k_ij exp(-(psi_i + psi_j) / 2) t / sinh t,      t = (psi_i - psi_j) / 2,
    S_ij = 1/2 int e^-psi (phi_i c . grad phi_j - phi_j c . grad phi_i) dx,

k_ij being the stiffness of linear elements as far as it is positive (Scharfetter and Gummel 1969).  Rates are positive
whatever c is and however large the cells are, and where exp(-psi) is the density it is that of the chain, since the
circulation S is conserved: of the crossings only those over the saddle are left, on meshes however coarse.  Where c is
large the chain diffuses more than the process, the less the finer the mesh.  It says which cells matter; no reported
number comes from it.  (With the whole drift on every edge the density of the chain is another one, by factors of e^20
at a barrier of 200, and the way over the saddle not the one it takes.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx, _petsc
from fokker_planck.fem.long_range import decaying_solution
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulation import EdgeTable, Triangulation, edge_table, local_edges, volumes

LARGEST_STEP = 300.0
"""Half that of the exponent along an edge: beyond it the rates of an edge are no doubles."""
SMALL = 1e-8
"""Below it t / sinh t is one to rounding."""
LEAST_STIFFNESS = 0.02
"""Of volume times trace of D over squared length, on edges that face obtuse angles: where all edges of a vertex do,
beside what the energy cutoff leaves, nothing else leads away from it."""
RULE = 10
"""Degree of the rule for the circulation: where psi changes by 12 in a cell, that is conserved to 1e-4."""


@dataclass(frozen=True)
class VertexChain:
    """``table`` numbers the edges between vertex ``classes`` (m, dim + 1); psi at the vertices, (count,).

    ``there`` and ``back`` (e,) are exp(-psi_i) L_ij and exp(-psi_j) L_ji times exp((psi_i + psi_j) / 2).  ``arriving``
    and ``coming`` (states, count) are logarithms of the probabilities to reach a state first, and to have come from it
    last times the density over exp(-psi).
    """

    table: EdgeTable
    classes: Integers
    psi: Floats
    there: Floats
    back: Floats
    arriving: Floats
    coming: Floats


def vertex_chain(
    triangulation: Triangulation, process: Weighting, ceiling: float, sets: Sequence[Integers]
) -> VertexChain | None:
    """The chain with the given states, sets of vertex classes; psi is not told apart above ``ceiling``.

    None where the mesh is so coarse that rates are no doubles, or the chain cannot be solved.
    """
    classes = triangulation.vertex_class[triangulation.cells]
    table = edge_table(classes)
    first = np.unique(triangulation.vertex_class, return_index=True)[1]
    psi = np.minimum(process.value(triangulation.points[first].T), ceiling)
    i, j = table.vertices.T
    half = 0.5 * np.abs(psi[i] - psi[j])
    if float(half.max()) > LARGEST_STEP:
        return None
    tiny = np.maximum(half, SMALL)
    plain = _stiffness(triangulation, table, process) * tiny / np.sinh(tiny)
    turning = _circulation(triangulation, table, process, psi, ceiling)
    both = np.maximum(plain, np.abs(turning))
    there, back = both + turning, both - turning
    try:
        potentials = _potentials(table, psi, there, back, sets)
    except ConvergenceError:  # a part without a state, say
        return None
    return VertexChain(table, classes, psi, there, back, *potentials)


def _circulation(
    triangulation: Triangulation, table: EdgeTable, process: Weighting, psi: Floats, ceiling: float
) -> Floats:
    """S_ij exp((psi_i + psi_j) / 2) for every edge, (e,)."""
    corners, classes = triangulation.cell_points, triangulation.vertex_class[triangulation.cells]
    reference, weights = _dolfinx.quadrature_points(triangulation.dimension, RULE)
    values = np.concatenate([1.0 - reference.sum(axis=1, keepdims=True), reference], axis=1)
    points = (values @ corners).reshape(-1, triangulation.dimension).T
    velocity = process.velocity(points)
    result = np.zeros(len(table.vertices))
    if velocity is None:
        return result
    exponent = np.minimum(process.value(points), ceiling).reshape(len(corners), -1)
    lowest = exponent.min(axis=1)
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    slopes = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
    along = np.einsum("cai,icq->caq", slopes, velocity.reshape(triangulation.dimension, len(corners), -1))
    size = np.abs(volumes(triangulation.points, triangulation.cells)) / weights.sum()
    density = np.exp(lowest[:, None] - exponent) * weights * size[:, None]
    products = np.einsum("qa,cbq,cq->cab", values, along, density, optimize=True)
    for column, (a, b) in enumerate(local_edges(corners.shape[1])):
        level = 0.5 * (psi[classes[:, a]] + psi[classes[:, b]]) - lowest
        amount = 0.5 * (products[:, a, b] - products[:, b, a]) * np.exp(np.minimum(level, LARGEST_STEP))
        amount = np.where(classes[:, a] <= classes[:, b], amount, -amount)
        result += np.bincount(table.of_cells[:, column], amount, len(result))
    return result


def _stiffness(triangulation: Triangulation, table: EdgeTable, process: Weighting) -> Floats:
    """-int grad phi_i . D grad phi_j for every edge, (e,), and a little where that is negative: no vertex is alone."""
    corners = triangulation.cell_points
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    slopes = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
    tensor = np.asarray(process.diffusion.tensor(corners.mean(axis=1).T))
    size = np.abs(volumes(triangulation.points, triangulation.cells))
    products = -np.einsum("cai,ijc,cbj,c->cab", slopes, tensor, slopes, size, optimize=True)
    result, least = np.zeros(len(table.vertices)), np.zeros(len(table.vertices))
    spread = LEAST_STIFFNESS * size * np.einsum("iic->c", tensor)
    for column, (a, b) in enumerate(local_edges(corners.shape[1])):
        length = ((corners[:, a] - corners[:, b]) ** 2).sum(axis=1)
        result += np.bincount(table.of_cells[:, column], products[:, a, b], len(result))
        least += np.bincount(table.of_cells[:, column], spread / length, len(result))
    return np.maximum(result, least)


def _potentials(
    table: EdgeTable, psi: Floats, there: Floats, back: Floats, sets: Sequence[Integers]
) -> tuple[Floats, Floats]:
    """Logarithms of right and left equilibrium potentials of every state, (states, count) each."""
    i, j = table.vertices.T
    count = len(psi)
    free = np.ones(count, dtype=bool)
    free[np.concatenate(sets)] = False
    number = np.where(free, np.cumsum(free) - 1, -1)
    half = 0.5 * (psi[i] - psi[j])
    diagonal = np.bincount(i, there * np.exp(half), count) + np.bincount(j, back * np.exp(-half), count)
    elements = np.zeros((len(i) + count, 2, 2))
    elements[: len(i), 0, 1], elements[: len(i), 1, 0] = -there, -back
    elements[len(i) :, 0, 0] = diagonal
    own = np.stack([number, np.full(count, -1)], axis=1)
    dofs = np.concatenate([np.stack([number[i], number[j]], axis=1), own])
    size = int(free.sum())
    solver = _petsc.TwoSidedFactorization(_petsc.matrix(MPI.COMM_SELF, size, dofs, elements, symmetric=False))

    def touching(marked: Booleans) -> Booleans:
        result = marked.copy()
        result[i[marked[j]]] = True
        result[j[marked[i]]] = True
        return result

    def logs(members: Integers, adjoint: bool) -> Floats:
        first, second = (back, there) if adjoint else (there, back)

        def apply(vector: Floats) -> Floats:
            flows = np.bincount(i, first * vector[j], count) + np.bincount(j, second * vector[i], count)
            return np.asarray(diagonal * vector - flows)

        def solve(right: Floats) -> Floats:
            result = np.zeros(count)
            result[free] = solver.solve(right[free], adjoint=adjoint)
            return result

        level = float(psi[members].min())
        given = np.zeros(count)
        given[members] = np.exp(-0.5 * (psi[members] - level))
        found = decaying_solution(apply, solve, touching, given, free, gentle=False)
        return found.logs + 0.5 * (psi - level)

    return np.array([logs(members, False) for members in sets]), np.array([logs(members, True) for members in sets])
