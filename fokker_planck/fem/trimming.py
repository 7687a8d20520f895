"""Cut away what the process neither fills nor passes through, however high the barriers.

The vertices and edges of a mesh carry a Markov chain with the Scharfetter-Gummel rates of the process.  Between the
wells (and the target) its currents run through narrow channels over the passes.  A cell can go when it holds next to
nothing of the mass of any well and next to nothing of the energy of any current: far below a pass the current needs
a channel, but hardly any width.  The chain decides only what is kept: no reported number comes from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.coinciding_walls import wall_facets
from fokker_planck.fem.long_range import decaying_solution
from fokker_planck.fem.triangulation import EdgeTable, Triangulation, edge_table, local_edges, volumes, without_cells
from fokker_planck.mesh.locator import Locator

LARGEST_STEP = 700.0
CHANNEL = 0.2
NEARBY = 3
LEAST_CURRENT = 1e-3
LEAST_OF_SHARE = 0.1
LEAK = 0.01


def trimmed(
    triangulation: Triangulation,
    exponent: Any,
    ceiling: float,
    wells: Floats,
    targets: tuple[str, ...],
    share: float,
    *,
    start: tuple[float, ...] | None = None,
    fill_targets: bool = False,
) -> Triangulation:
    """Drop the cells that matter least, as long as all of them together hold no more than ``share`` of any state.

    Arguments: ``ceiling``, above which Phi is not told apart; ``wells`` (K, dim) positions of the minima; ``targets``
    names of regions, or "boundary", whose inside is dropped unless ``fill_targets``; ``start``, where an exit begins,
    keeps its way to the wells.

    What a cell holds is multiplied by the exponential of the change of Phi that its vertices do not show.  A mesh so
    coarse that the chain says nothing is returned as it is.
    """
    classes = triangulation.vertex_class[triangulation.cells]
    states = _states(triangulation, wells, targets)
    begun = states if start is None else _states(triangulation, np.vstack([wells, start]), targets)
    if len(begun) < 2:
        return triangulation
    first = np.unique(triangulation.vertex_class, return_index=True)[1]
    phi = np.minimum(exponent.value(triangulation.points[first].T), ceiling)
    table = edge_table(classes)
    if float(np.abs(phi[table.vertices[:, 0]] - phi[table.vertices[:, 1]]).max()) > LARGEST_STEP:
        return triangulation
    doubt = np.exp(np.minimum(_unseen_change(triangulation, exponent, ceiling), LARGEST_STEP))
    held = np.zeros(len(classes))
    try:
        for sets in [states] if len(begun) == len(states) else [states, begun]:
            chain = _chain(triangulation, table, phi, sets)
            for state in range(len(sets)):
                held = np.maximum(held, _energy_shares(chain, sets, state, doubt, LEAST_OF_SHARE * share))
                if fill_targets or len(sets[state]) == 1:
                    held = np.maximum(held, _mass_shares(chain, state))
    except ConvergenceError:
        return triangulation
    held *= doubt
    order = np.argsort(held)
    most = int((np.cumsum(held[order]) <= share).sum())
    kept = _without(classes, order[:most], begun)
    if kept is None:
        return triangulation
    keep, apart = kept
    if (held[apart] > share).any():
        # a way out was cut near the well, where few coarse cells lead both to it and to a much easier one
        keep = _without_separating(classes, order[:most], begun, held > share)
    return triangulation if keep.all() else without_cells(triangulation, keep)


def _without(classes: Integers, dropped: Integers, states: Sequence[Integers]) -> tuple[Booleans, Booleans] | None:
    """The cells left in parts that reach a state, and those in parts without a well; None if the states are parted.

    Cells of wells and of the start are never dropped.
    """
    keep = np.ones(len(classes), dtype=bool)
    keep[dropped] = False
    for members in states:
        if len(members) == 1:
            keep |= (classes == members[0]).any(axis=1)
    component = _components(classes, keep)
    reached = [np.unique(component[members]) for members in states]
    if not all(np.intersect1d(reached[0], other).size for other in reached[1:]):
        return None
    own = [parts for parts, members in zip(reached, states, strict=True) if len(members) == 1] or reached[:1]
    part = component[classes[:, 0]]
    return keep & np.isin(part, np.concatenate(reached)), keep & ~np.isin(part, np.concatenate(own))


def _without_separating(
    classes: Integers, dropped: Integers, states: Sequence[Integers], matters: Booleans
) -> Booleans:
    """As many of the first of the cells ``dropped`` go as leave no cell that ``matters`` in a part without a well."""
    low, high, best = 0, len(dropped), np.ones(len(classes), dtype=bool)
    while high - low > 1:
        middle = (low + high) // 2
        kept = _without(classes, dropped[:middle], states)
        if kept is None or (matters & kept[1]).any():
            high = middle
        else:
            low, best = middle, kept[0]
    return best


def _members(triangulation: Triangulation, name: str) -> Integers:
    """Vertices of the cells inside of a set, and of the walls that coincide with it."""
    inside = triangulation.cells[triangulation.regions[name]]
    return np.concatenate([inside.ravel(), wall_facets(triangulation, name).ravel()])


def _states(triangulation: Triangulation, wells: Floats, targets: tuple[str, ...]) -> list[Integers]:
    """Vertex classes of every state: the targets whole, then a vertex of the cell of each well outside of them.

    None at all where some well has no vertex that is not the target's: the mesh is too coarse to say what can go.
    """
    sets: list[Integers] = []
    for name in targets:
        facets = triangulation.facets
        vertices = facets.vertices[facets.boundary] if name == "boundary" else _members(triangulation, name)
        sets.append(np.unique(triangulation.vertex_class[vertices.ravel()]))
    taken = set(np.concatenate(sets).tolist()) if sets else set()
    absorbing = np.isin(triangulation.vertex_class, list(taken))
    cells = Locator(triangulation.points, triangulation.cells).find(np.asarray(wells, dtype=np.float64).T)
    regions = [triangulation.regions[name] for name in targets if name != "boundary"]
    for well, cell in zip(wells, cells, strict=True):
        if cell >= 0 and any(region[cell] for region in regions):
            continue
        near = np.arange(len(triangulation.points)) if cell < 0 else triangulation.cells[cell]
        near = near[~absorbing[near]]
        if not len(near):
            return []
        distance = ((triangulation.points[near] - well) ** 2).sum(axis=1)
        nearest = int(triangulation.vertex_class[near[np.argmin(distance)]])
        if nearest not in taken:
            taken.add(nearest)
            sets.append(np.array([nearest]))
    return [members for members in sets if len(members)]


@dataclass(frozen=True)
class Chain:
    """The chain on the vertices, (count,), and edges, (e,): ``rates`` scaled by exp((Phi_i + Phi_j) / 2).

    ``logs`` (states, count) are those of the equilibrium potentials of the states, nodal values, not scaled.
    """

    table: EdgeTable
    classes: Integers
    volume: Floats
    phi: Floats
    rates: Floats
    logs: Floats


def _chain(triangulation: Triangulation, table: EdgeTable, phi: Floats, sets: Sequence[Integers]) -> Chain:
    i, j = table.vertices.T
    weights = _edge_weights(triangulation, table)
    half = 0.5 * (phi[i] - phi[j])
    size = np.abs(half)
    # weight * half / sinh(half), and the same times exp(+-half) on the diagonal, without overflow
    decay = np.where(size > 1e-8, 2.0 * size / -np.expm1(-2.0 * np.maximum(size, 1e-8)), 1.0)
    rates = weights * decay * np.exp(-size)
    diagonal = _gathered(i, weights * decay * np.exp(half - size), len(phi))
    diagonal += _gathered(j, weights * decay * np.exp(-half - size), len(phi))
    volume = np.abs(volumes(triangulation.points, triangulation.cells))
    classes = triangulation.vertex_class[triangulation.cells]
    return Chain(table, classes, volume, phi, rates, _potentials(i, j, rates, diagonal, phi, sets))


def _edge_weights(triangulation: Triangulation, table: EdgeTable) -> Floats:
    """Volume around an edge over its squared length: a positive stand-in for the stiffness of linear elements."""
    volume = np.abs(volumes(triangulation.points, triangulation.cells))
    corners = triangulation.cell_points
    result = np.zeros(len(table.vertices))
    for column, (a, b) in enumerate(local_edges(corners.shape[1])):
        length = ((corners[:, a] - corners[:, b]) ** 2).sum(axis=1)
        result += np.bincount(table.of_cells[:, column], volume / length, len(result))
    return result


def _gathered(numbers: Integers, values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(numbers, values, count), dtype=float)


def _potentials(
    i: Integers, j: Integers, rates: Floats, diagonal: Floats, phi: Floats, sets: Sequence[Integers]
) -> Floats:
    """Logarithms of the equilibrium potential of every state, (states, count)."""
    count = len(phi)
    free = np.ones(count, dtype=bool)
    free[np.concatenate(sets)] = False
    number = np.where(free, np.cumsum(free) - 1, -1)
    size = int(free.sum())
    elements = np.zeros((len(i) + count, 2, 2))
    elements[: len(i), 0, 1] = elements[: len(i), 1, 0] = -rates
    elements[len(i) :, 0, 0] = diagonal
    own = np.stack([number, np.full(count, -1)], axis=1)
    dofs = np.concatenate([np.stack([number[i], number[j]], axis=1), own])
    solver = _petsc.Factorization(_petsc.matrix(MPI.COMM_SELF, size, dofs, elements))

    def apply(vector: Floats) -> Floats:
        return diagonal * vector - _gathered(i, rates * vector[j], count) - _gathered(j, rates * vector[i], count)

    def solve(right: Floats) -> Floats:
        result = np.zeros(count)
        result[free] = solver.solve(right[free])
        return result

    def touching(marked: Booleans) -> Booleans:
        result = marked.copy()
        result[i[marked[j]]] = True
        result[j[marked[i]]] = True
        return result

    logs = np.zeros((len(sets), count))
    for state, members in enumerate(sets):
        level = float(phi[members].min())
        given = np.zeros(count)
        given[members] = np.exp(-0.5 * (phi[members] - level))
        logs[state] = decaying_solution(apply, solve, touching, given, free, gentle=False).logs + 0.5 * (phi - level)
    return logs


def _energy_shares(chain: Chain, sets: Sequence[Integers], state: int, doubt: Floats, least_current: float) -> Floats:
    """Share of every cell, (m,), in the energy of the current from one state to the others.

    On an edge that is the current times the drop of the potential; it is spread over all cells that the edge's ends
    touch.  Where the current is not much weaker than nearby, and above ``least_current``, the share is one: a channel
    remains.  A pass that is kept for its small share needs its way down on both sides, or the cut would make a well.

    Raises ``ConvergenceError`` where the current is not conserved: the chain has a well that the process has not, as
    on coarse meshes, and rounding has the better of it.
    """
    i, j = chain.table.vertices.T
    own = chain.logs[state]
    count = len(own)
    others = np.logaddexp.reduce(np.delete(chain.logs, state, axis=0), axis=0)
    # of two drops that are one and the same, that of the smaller numbers, which keeps its digits
    near = np.logaddexp(others[i], others[j]) < np.logaddexp(own[i], own[j])
    log_drop = np.where(near, _log_difference(others[i], others[j]), _log_difference(own[i], own[j]))
    with np.errstate(divide="ignore"):
        log_current = np.log(chain.rates) - 0.5 * (chain.phi[i] + chain.phi[j]) + log_drop
    total = np.logaddexp.reduce(log_current + log_drop)
    if not np.isfinite(total):
        raise ConvergenceError("no current reaches another state", "a finer mesh")
    current, energy = np.exp(np.minimum(log_current - total, 1.0)), np.exp(log_current + log_drop - total)
    through = _gathered(i, current, count) + _gathered(j, current, count)
    downhill = np.where(near, others[i] < others[j], own[i] > own[j])
    signed = np.where(downhill, current, -current)
    lost = np.abs(_gathered(i, signed, count) - _gathered(j, signed, count))
    lost[np.concatenate(sets)] = 0.0
    if (lost > np.maximum(LEAK * through, LEAST_CURRENT)).any():
        raise ConvergenceError("the current is not conserved", "a finer mesh")
    strongest = through.copy()
    for _ in range(NEARBY):
        before = strongest.copy()
        np.maximum.at(strongest, i, before[j])
        np.maximum.at(strongest, j, before[i])
    channel = through / np.maximum(CHANNEL * strongest, least_current)
    share = 0.5 * (_gathered(i, energy, count) + _gathered(j, energy, count))
    around = _gathered(chain.classes.ravel(), np.repeat(chain.volume, chain.classes.shape[1]), count)
    held = (share / around)[chain.classes].sum(axis=1) * chain.volume
    return np.where(channel[chain.classes].max(axis=1) * doubt > 1.0, 1.0, held)


def _log_difference(a: Floats, b: Floats) -> Floats:
    """log |exp(a) - exp(b)|."""
    top = np.maximum(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(top > -np.inf, top + np.log(-np.expm1(-np.abs(a - b))), -np.inf)


def _mass_shares(chain: Chain, state: int) -> Floats:
    """Share of every cell, (m,), in the mass that one state collects."""
    log_density = chain.logs[state] - chain.phi
    density = np.exp(log_density - log_density.max())[chain.classes].sum(axis=1) * chain.volume
    return np.asarray(density / density.sum())


def _unseen_change(triangulation: Triangulation, exponent: Any, ceiling: float) -> Floats:
    """By how much Phi differs from what its values at the vertices suggest, at most, in every cell, (m,)."""
    corners = triangulation.cell_points

    def phi(points: Floats) -> Floats:
        return np.minimum(exponent.value(points.T), ceiling)

    nodal = phi(triangulation.points)[triangulation.cells]
    largest = np.abs(phi(corners.mean(axis=1)) - nodal.mean(axis=1))
    for a, b in local_edges(corners.shape[1]):
        middle = phi(0.5 * (corners[:, a] + corners[:, b]))
        largest = np.maximum(largest, np.abs(middle - 0.5 * (nodal[:, a] + nodal[:, b])))
    return np.asarray(largest)


def _components(classes: Integers, keep: Booleans) -> Integers:
    """Number of the connected part of the kept cells that every vertex class belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(classes.max()) + 1
    kept = classes[keep]
    heads, tails = np.repeat(kept[:, :1], kept.shape[1] - 1, axis=1).ravel(), kept[:, 1:].ravel()
    graph = coo_matrix((np.ones(len(heads)), (heads, tails)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
