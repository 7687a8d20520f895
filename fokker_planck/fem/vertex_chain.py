"""A Markov chain on the vertices of a mesh that stands in for the process, with or without detailed balance.

The flow along the edge from i to j is that of Scharfetter and Gummel for the whole drift,

    k_ij (B(-P_ij) p_i - B(P_ij) p_j),     B(t) = t / (e^t - 1),     P_ij = int_i^j D^-1 (b - div D) . dx,

with the stiffness k_ij of linear elements, as far as it is positive: rates are, whatever the drift and however large
the cells. In detailed balance P is a difference of the exponent, and the chain has the density of the process.
Without it the chain diffuses more across the drift than the process, the less the finer the mesh. It says which cells
matter; no reported number comes from it.

Source: Xu and Zikatanov, Math. Comp. 68 (1999) 1429 (edge-averaged finite elements).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.fem import _petsc
from fokker_planck.fem.long_range import decaying_solution
from fokker_planck.fem.triangulation import EdgeTable, Triangulation, edge_table, local_edges, volumes

LARGEST_STEP = 690.0
"""Of the exponent along an edge: beyond it the rates of an edge are no doubles."""
SMALL = 1e-8
"""Below it t / (e^t - 1) is 1 - t / 2 to rounding."""


class Reference(Protocol):
    """A process with a reference exponent, of which the chain needs the work of the drift along edges."""

    @property
    def diffusion(self) -> object:
        """D, with ``tensor``."""

    def value(self, x: Floats) -> Floats:
        """psi at points (dim, n), (n,)."""

    def work(self, start: Floats, end: Floats) -> Floats:
        """int D^-1 (b - div D) . dx along straight lines from ``start`` to ``end``, (dim, n) each, (n,)."""


@dataclass(frozen=True)
class VertexChain:
    """``table`` numbers the edges between vertex ``classes`` (m, dim + 1); psi at the vertices, (count,).

    ``forward`` and ``backward`` (e,) are log k B(-P) and log k B(P).  ``arriving`` and ``coming`` (states, count) are
    logarithms of the probabilities to reach a state first, and to have come from it last times the density over
    exp(-psi).
    """

    table: EdgeTable
    classes: Integers
    psi: Floats
    forward: Floats
    backward: Floats
    arriving: Floats
    coming: Floats


def vertex_chain(
    triangulation: Triangulation, process: Reference, ceiling: float, sets: Sequence[Integers]
) -> VertexChain | None:
    """The chain with the given states, sets of vertex classes; psi is not told apart above ``ceiling``.

    None where the mesh is so coarse that rates are no doubles.
    """
    classes = triangulation.vertex_class[triangulation.cells]
    table = edge_table(classes)
    first = np.unique(triangulation.vertex_class, return_index=True)[1]
    psi = np.minimum(process.value(triangulation.points[first].T), ceiling)
    i, j = table.vertices.T
    start, end = _ends(triangulation, table)
    if float(np.abs(psi[i] - psi[j]).max()) > LARGEST_STEP:
        return None
    work = np.clip(process.work(start, end), -LARGEST_STEP, LARGEST_STEP)
    with np.errstate(divide="ignore"):
        log_stiffness = np.log(_stiffness(triangulation, table, process))
    forward, backward = log_stiffness + _log_bernoulli(-work), log_stiffness + _log_bernoulli(work)
    arriving, coming = _potentials(table, psi, forward, backward, sets)
    return VertexChain(table, classes, psi, forward, backward, arriving, coming)


def _ends(triangulation: Triangulation, table: EdgeTable) -> tuple[Floats, Floats]:
    """Both ends of every edge, (dim, e) each, as one of the cells that have it sees them: beside seams, too."""
    corners, classes = triangulation.cell_points, triangulation.vertex_class[triangulation.cells]
    start = np.zeros((len(table.vertices), triangulation.dimension))
    end = start.copy()
    for column, (a, b) in enumerate(local_edges(corners.shape[1])):
        straight = (classes[:, a] <= classes[:, b])[:, None]
        start[table.of_cells[:, column]] = np.where(straight, corners[:, a], corners[:, b])
        end[table.of_cells[:, column]] = np.where(straight, corners[:, b], corners[:, a])
    return start.T, end.T


def _stiffness(triangulation: Triangulation, table: EdgeTable, process: Reference) -> Floats:
    """-int grad phi_i . D grad phi_j for every edge, (e,), zero where that is negative."""
    corners = triangulation.cell_points
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    slopes = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
    tensor = np.asarray(process.diffusion.tensor(corners.mean(axis=1).T))  # type: ignore[attr-defined]
    size = np.abs(volumes(triangulation.points, triangulation.cells))
    products = -np.einsum("cai,ijc,cbj,c->cab", slopes, tensor, slopes, size, optimize=True)
    result = np.zeros(len(table.vertices))
    for column, (a, b) in enumerate(local_edges(corners.shape[1])):
        result += np.bincount(table.of_cells[:, column], products[:, a, b], len(result))
    return np.maximum(result, 0.0)


def _log_bernoulli(t: Floats) -> Floats:
    """log of t / (e^t - 1), without overflow.

    >>> _log_bernoulli(np.array([0.0, 1000.0])).round(9).tolist()    # 1, and 1000 e^-1000
    [0.0, -993.092244721]
    """
    size = np.maximum(np.abs(t), SMALL)
    return np.asarray(np.log(size / -np.expm1(-size)) - np.maximum(t, 0.0))


def _potentials(
    table: EdgeTable, psi: Floats, forward: Floats, backward: Floats, sets: Sequence[Integers]
) -> tuple[Floats, Floats]:
    """Logarithms of right and left equilibrium potentials of every state, (states, count) each."""
    i, j = table.vertices.T
    count = len(psi)
    free = np.ones(count, dtype=bool)
    free[np.concatenate(sets)] = False
    number = np.where(free, np.cumsum(free) - 1, -1)
    # scaled by exp(psi / 2) on both sides
    half = 0.5 * (psi[j] - psi[i])
    there, back = np.exp(forward + half), np.exp(backward - half)
    diagonal = np.bincount(i, np.exp(forward), count) + np.bincount(j, np.exp(backward), count)
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
