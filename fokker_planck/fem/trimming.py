"""Cut away what the process neither fills nor passes through, however high the barriers.

The vertices and edges of a mesh carry a Markov chain with the Scharfetter-Gummel rates of the process.  Between the
wells (and the target) its currents run through narrow channels over the passes; outside of these channels and of
the wells, neither the stationary mass nor any current is larger than a given share, and the cells can go.  The
chain decides only what is kept: no reported number comes from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _petsc
from fokker_planck.fem.triangulation import (
    Booleans,
    EdgeTable,
    Floats,
    Integers,
    Triangulation,
    edge_table,
    volumes,
    without_cells,
)

LARGEST_LOG = 600.0


def trimmed(
    triangulation: Triangulation,
    exponent: Any,
    wells: Floats,
    targets: tuple[str, ...],
    share: float,
    *,
    start: tuple[float, ...] | None = None,
    fill_targets: bool = False,
) -> Triangulation:
    """Keep the cells in which the mass of a well, or the current from a state, exceeds ``share`` at a vertex.

    Arguments: ``wells`` (K, dim) positions of the minima; ``targets`` names of regions, or "boundary", whose inside
    is dropped unless ``fill_targets``; ``start``, where an exit begins, keeps its way to the wells.  Where the
    exponent changes a lot across an edge, ``share`` is lowered by the exponential of that change.
    """
    classes = triangulation.vertex_class[triangulation.cells]
    count = int(classes.max()) + 1
    first = np.unique(triangulation.vertex_class, return_index=True)[1]
    phi = exponent.value(triangulation.points[first].T)
    table = edge_table(classes)
    sets = _states(triangulation, wells, targets)
    begun = sets if start is None else _states(triangulation, np.vstack([wells, start]), targets)
    if len(begun) < 2 or not len(table.vertices) or float(phi.max() - phi.min()) > 2.0 * LARGEST_LOG:
        return triangulation
    weights = _edge_weights(triangulation, table)
    mass = _vertex_volumes(triangulation, count)
    logs = _relevance(table, phi, weights, mass, sets, fill_targets)
    if len(begun) > len(sets):
        logs = np.maximum(logs, _relevance(table, phi, weights, mass, begun, fill_targets))
    change = np.abs(phi[table.vertices[:, 0]] - phi[table.vertices[:, 1]])
    keep_edge = logs + change > np.log(share)
    important = np.zeros(count, dtype=bool)
    important[table.vertices[keep_edge]] = True
    for members in begun:
        if len(members) == 1:
            important[members] = True
    keep = important[classes].any(axis=1)
    keep &= _connected_to(classes, keep, np.concatenate(begun))
    return triangulation if keep.all() else without_cells(triangulation, keep)


def _states(triangulation: Triangulation, wells: Floats, targets: tuple[str, ...]) -> list[Integers]:
    """Vertex classes of every state: the targets whole, then the vertex nearest to each well outside of them."""
    sets: list[Integers] = []
    for name in targets:
        facets = triangulation.facets
        vertices = (
            facets.vertices[facets.boundary] if name == "boundary" else triangulation.cells[triangulation.regions[name]]
        )
        sets.append(np.unique(triangulation.vertex_class[vertices.ravel()]))
    taken = set(np.concatenate(sets).tolist()) if sets else set()
    for well in wells:
        nearest = int(triangulation.vertex_class[np.argmin(((triangulation.points - well) ** 2).sum(axis=1))])
        if nearest not in taken:
            taken.add(nearest)
            sets.append(np.array([nearest]))
    return [members for members in sets if len(members)]


def _edge_weights(triangulation: Triangulation, table: EdgeTable) -> Floats:
    """Volume around an edge over its squared length: a positive stand-in for the stiffness of linear elements."""
    volume = np.abs(volumes(triangulation.points, triangulation.cells))
    corners = triangulation.cell_points
    result = np.zeros(len(table.vertices))
    column = 0
    for a in range(corners.shape[1]):
        for b in range(a + 1, corners.shape[1]):
            length = ((corners[:, a] - corners[:, b]) ** 2).sum(axis=1)
            np.add.at(result, table.of_cells[:, column], volume / length)
            column += 1
    return result


def _vertex_volumes(triangulation: Triangulation, count: int) -> Floats:
    classes = triangulation.vertex_class[triangulation.cells]
    volume = np.abs(volumes(triangulation.points, triangulation.cells)) / classes.shape[1]
    return np.asarray(np.bincount(classes.ravel(), np.repeat(volume, classes.shape[1]), count), dtype=float)


def _relevance(
    table: EdgeTable, phi: Floats, weights: Floats, mass: Floats, sets: list[Integers], fill: bool
) -> Floats:
    """Logarithm of the largest share of mass or current that any state has in each edge, (e,)."""
    i, j = table.vertices.T
    half = 0.5 * (phi[i] - phi[j])
    size = np.abs(half)
    # weight * half / sinh(half), and the same times exp(+-half) on the diagonal, without overflow
    decay = np.where(size > 1e-8, 2.0 * size / -np.expm1(-2.0 * np.maximum(size, 1e-8)), 1.0)
    rate = weights * decay * np.exp(-size)
    toward_i, toward_j = weights * decay * np.exp(half - size), weights * decay * np.exp(-half - size)
    count = len(phi)
    fixed = np.zeros(count, dtype=bool)
    for members in sets:
        fixed[members] = True
    diagonal = _gathered(i, toward_i, count) + _gathered(j, toward_j, count)
    potentials, exponents = _potentials(i, j, rate, diagonal, phi, fixed, sets)
    share = np.full(len(i), -np.inf)
    for state in range(len(sets)):
        share = np.maximum(share, _current_share(i, j, rate, phi, potentials, exponents, state))
        if fill or len(sets[state]) == 1:
            share = np.maximum(share, _mass_share(i, j, mass, phi, potentials[state], exponents[state]))
    return share


def _gathered(numbers: Integers, values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(numbers, values, count), dtype=float)


def _potentials(
    i: Integers, j: Integers, rate: Floats, diagonal: Floats, phi: Floats, fixed: Booleans, sets: list[Integers]
) -> tuple[Floats, Floats]:
    count = len(phi)
    number = np.where(fixed, -1, np.cumsum(~fixed) - 1)
    pairs = np.stack([number[i], number[j]], axis=1)
    elements = np.zeros((len(i), 2, 2))
    elements[:, 0, 1] = elements[:, 1, 0] = -rate
    own = np.stack([number, number], axis=1)
    free = int((~fixed).sum())
    dofs = np.concatenate([pairs, np.where(fixed[:, None], -1, own)])
    spread = np.zeros((count, 2, 2))
    spread[:, 0, 0] = diagonal
    solver = _petsc.Factorization(_petsc.matrix(MPI.COMM_SELF, free, dofs, np.concatenate([elements, spread])))
    exponents = np.array([phi[members].min() for members in sets])
    potentials = np.zeros((len(sets), count))
    for state, members in enumerate(sets):
        one = np.zeros(count)
        one[members] = np.exp(-0.5 * (phi[members] - exponents[state]))
        flow = _gathered(i, rate * one[j], count) + _gathered(j, rate * one[i], count)
        potentials[state] = one
        potentials[state, ~fixed] = solver.solve(flow[~fixed])
    return np.maximum(potentials, 0.0), exponents


def _current_share(
    i: Integers, j: Integers, rate: Floats, phi: Floats, potentials: Floats, exponents: Floats, state: int
) -> Floats:
    """Logarithm of the current of one state's potential through every edge over the whole current from it."""
    if len(potentials) == 1:
        return np.full(len(i), -np.inf)
    shift = exponents[state]

    def values(number: int) -> Floats:
        return potentials[number] * np.exp(0.5 * (phi - exponents[number]))

    own = values(state)
    others = np.sum([values(k) for k in range(len(potentials)) if k != state], axis=0)
    difference = np.where(own[i] + own[j] < 1.0, np.abs(own[i] - own[j]), np.abs(others[i] - others[j]))
    with np.errstate(divide="ignore"):
        log = np.log(rate) - 0.5 * (phi[i] + phi[j]) + shift + np.log(difference)
    crossing = (own[i] < 0.5) != (own[j] < 0.5)
    total = np.logaddexp.reduce(log[crossing]) if crossing.any() else log.max()
    return np.where(np.isfinite(log), log - total, -np.inf) if np.isfinite(total) else np.full(len(i), -np.inf)


def _mass_share(i: Integers, j: Integers, mass: Floats, phi: Floats, potential: Floats, exponent: float) -> Floats:
    with np.errstate(divide="ignore"):
        log = np.log(mass) - 0.5 * (phi + exponent) + np.log(potential)
    log -= np.logaddexp.reduce(log)
    return np.maximum(log[i], log[j])


def _connected_to(classes: Integers, keep: Booleans, seeds: Integers) -> Booleans:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(classes.max()) + 1
    kept = classes[keep]
    heads, tails = np.repeat(kept[:, :1], kept.shape[1] - 1, axis=1).ravel(), kept[:, 1:].ravel()
    graph = coo_matrix((np.ones(len(heads)), (heads, tails)), shape=(count, count))
    label = connected_components(graph, directed=False)[1]
    return np.isin(label[classes[:, 0]], np.unique(label[seeds]))
