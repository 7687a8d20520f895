"""A Markov chain on the vertices of a mesh, in logarithms: its rates, its currents, and each vertex's part in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.long_range import decaying_solutions
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.triangulations.triangulation import EdgeTable, Triangulation, local_edges, volumes
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

LARGEST_STEP = 700.0
"""Units of epsilon along an edge, e^700 being the last double: where Phi changes by more the chain says nothing."""
CHANNEL = 0.2
"""Of the strongest current nearby, from which on a cell is one of the channel: 0.05 and 1 give the same exit time at
barrier 50, to 1e-11."""
NEARBY = 3
"""Steps along edges over which that is looked for: 1 and 8 give the same, to 1e-11."""
LEAST_CURRENT = 1e-3
"""Of the whole current, and ``LEAK`` of what goes through a vertex: how much of it may be lost there, with which a
chain still conserves it. Ten times less and more of either changed nothing (barriers 12 and 50)."""
LEAST_OF_SHARE = 0.1
"""Of the share that may be cut: weaker currents between two states are followed no more; 0.01 and 1 changed nothing
(barriers 12 and 50)."""
LEAK = 0.01
"""Of what goes through a vertex, see ``LEAST_CURRENT``."""
PARTS = {1: 8, 2: 8, 3: 4}
"""Of an edge between which Phi is linear; a ridge narrower than one of them is left to the change that is not seen."""


@dataclass(frozen=True)
class Chain:
    """The chain on the vertices, (count,), and edges, (e,): ``rates`` scaled by exp((Phi_i + Phi_j) / 2).

    ``logs`` (states, count) are those of the equilibrium potentials of the states, nodal values, not scaled; ``inside``
    (m, dim + 1) is Phi at the vertices of every cell as the cell sees it: where it jumps, Phi of a vertex is the least.
    """

    table: EdgeTable
    classes: Integers
    volume: Floats
    phi: Floats
    rates: Floats
    logs: Floats
    inside: Floats


def chain(
    triangulation: Triangulation,
    table: EdgeTable,
    phi: Floats,
    inside: Floats,
    rates: Floats,
    sets: Sequence[Integers],
) -> Chain:
    """The chain of rates along edges with its potentials of the ``sets``, each of which counts as one state."""
    i, j = table.vertices.T
    half = 0.5 * (phi[i] - phi[j])
    diagonal = _gathered(i, rates * np.exp(half), len(phi)) + _gathered(j, rates * np.exp(-half), len(phi))
    volume = np.abs(volumes(triangulation.points, triangulation.cells))
    classes = triangulation.vertex_class[triangulation.cells]
    return Chain(table, classes, volume, phi, rates, _potentials(i, j, rates, diagonal, phi, sets), inside)


def along_edges(triangulation: Triangulation, table: EdgeTable, exponent: Any, ceiling: float) -> Floats:
    """Phi at points inside the edges of every cell, as the cell sees it, (m, edges of a cell, n)."""
    corners = triangulation.cell_points
    count, each = table.of_cells.shape
    between = (np.arange(1, PARTS[triangulation.dimension]) / PARTS[triangulation.dimension])[:, None]
    ends = np.array(local_edges(corners.shape[1]))
    # an edge has one direction in all cells, that of its vertex classes
    classes = triangulation.vertex_class[triangulation.cells]
    flipped = classes[:, ends[:, 0]] > classes[:, ends[:, 1]]
    numbers, cells = np.arange(count * each), np.repeat(np.arange(count), each)
    first, back = np.unique(table.of_cells.ravel(), return_index=True, return_inverse=True)[1:]
    chosen = numbers if hasattr(exponent, "seen_from") else first
    heads = np.where(flipped.ravel()[chosen], np.tile(ends[:, 1], count)[chosen], np.tile(ends[:, 0], count)[chosen])
    tails = np.tile(ends.sum(axis=1), count)[chosen] - heads
    own = corners[cells[chosen]]
    begin, end = own[np.arange(len(own)), heads][:, None], own[np.arange(len(own)), tails][:, None]
    values = np.minimum(values_in_cells(exponent, begin + between * (end - begin), own), ceiling)
    return np.asarray(values if chosen is numbers else values[back]).reshape(count, each, -1)


def rates(triangulation: Triangulation, table: EdgeTable, phi: Floats, inside: Floats, along: Floats) -> Floats:
    """w / int_0^1 exp(Phi - (Phi_i + Phi_j) / 2) / D ds over every edge, (e,), the sum over the cells around it.

    ``inside`` (m, dim + 1) and ``along`` (m, edges of a cell, n) are Phi - log D, D being one where it does not vary.
    With one everywhere a path that begins beside an end where D vanishes had its mass all along the line, and that
    beside the start was cut (1e-3 of a mean time at a bar of 2e-10).

    w is the volume over the squared length of the edge: a positive stand-in for the stiffness of linear elements. Were
    Phi taken as linear along an edge of a coarse mesh, one across a ridge would let the current through it, and what
    matters on the ridge be cut; where Phi jumps, each cell has its own, or a ridge at the jump would not be seen
    (1.3e-2 of a mean time at a bar of 9e-5, 1.4e-5 at one of 4e-7).
    """
    volume = np.abs(volumes(triangulation.points, triangulation.cells))
    corners, classes = triangulation.cell_points, triangulation.vertex_class[triangulation.cells]
    result = np.zeros(len(table.vertices))
    for column, (a, b) in enumerate(local_edges(corners.shape[1])):
        length = ((corners[:, a] - corners[:, b]) ** 2).sum(axis=1)
        flipped = (classes[:, a] > classes[:, b])[:, None]
        first, last = (np.where(flipped, inside[:, [y]], inside[:, [x]]) for x, y in ((a, b), (b, a)))
        path = np.concatenate([first, along[:, column], last], axis=1)
        path -= 0.5 * (phi[classes[:, a]] + phi[classes[:, b]])[:, None]
        resistance = _log_mean_exp(path)
        conductance = volume / length * np.exp(np.clip(-resistance, -LARGEST_STEP, LARGEST_STEP))
        result += np.bincount(table.of_cells[:, column], conductance, len(result))
    return result


def _log_mean_exp(path: Floats) -> Floats:
    """log int_0^1 exp(f) ds of functions that are linear between their values at equal steps, (m, n) -> (m,)."""
    half = 0.5 * np.abs(np.diff(path, axis=1))
    size = np.maximum(half, 1e-8)
    log_sinc = np.where(half > 1e-8, half + np.log(-np.expm1(-2.0 * size) / (2.0 * size)), 0.0)
    parts = 0.5 * (path[:, 1:] + path[:, :-1]) + log_sinc
    return np.asarray(np.logaddexp.reduce(parts, axis=1) - np.log(parts.shape[1]))


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

    def apply(vectors: Floats) -> Floats:
        rows = np.atleast_2d(vectors)
        moved = [_gathered(i, rates * row[j], count) + _gathered(j, rates * row[i], count) for row in rows]
        return diagonal * vectors - np.reshape(moved, vectors.shape)

    def solve(right: Floats) -> Floats:
        result = np.zeros(right.shape)
        result[..., free] = solver.solve(right[..., free])
        return result

    def touching(marked: Booleans) -> Booleans:
        result = marked.copy()
        result[i[marked[j]]] = True
        result[j[marked[i]]] = True
        return result

    levels = np.array([phi[members].min() for members in sets])
    given = np.zeros((len(sets), count))
    for row, members, level in zip(given, sets, levels, strict=True):
        row[members] = np.exp(-0.5 * (phi[members] - level))
    found = decaying_solutions(apply, solve, touching, given, free, gentle=False)
    return np.array([function.logs for function in found]) + 0.5 * (phi - levels[:, None])


def energy_shares(chain: Chain, sets: Sequence[Integers], doubt: Floats, share: float) -> Floats:
    """By how much a cell, (m,), changes a current between two states at most, times what that current matters.

    Whatever the reduced chain of the states answers depends on the conductance C_kl between two of them by no more
    than the part C_kl R_kl of a current from k to l that goes there directly, R_kl being the resistance between them
    in the network of all (Cauchy and Schwarz); where it is next to nothing, cells do not count for it. One state's
    whole current would not do: beside an easy way out of a well the harder one is next to nothing of it, though all
    that gets to a target may have to go there (1.6e-3 of a mean time at a bar of 3e-4).
    """
    drops = [_log_drops(chain, state) for state in range(len(sets))]
    pairs = [(k, m) for k in range(len(sets)) for m in range(k)]
    conductances = np.full((len(sets), len(sets)), -np.inf)
    for k, m in pairs:
        conductances[k, m] = conductances[m, k] = _log_conductance(chain, sets, k, m)
    if not np.isfinite(conductances.max(axis=1)).all():
        raise ConvergenceError("no current reaches another state", "a finer mesh")
    matters = log_direct_parts(conductances)
    held = np.zeros(len(chain.classes))
    for k, m in pairs:
        if matters[k, m] > np.log(LEAST_OF_SHARE * share):
            own = _shares_of_current(chain, sets, (k, m), drops[k] + drops[m], conductances[k, m], doubt, share)
            held = np.maximum(held, np.where(own < 1.0, own * np.exp(matters[k, m]), 1.0))
    return held


def log_direct_parts(conductances: Floats) -> Floats:
    """log of a bound of C_kl R_kl from the widest way between k and l over other states, (K, K)."""
    count = len(conductances)
    widest = np.full((count, count), -np.inf)
    for k in range(count):
        for m in range(k):
            ways = conductances.copy()
            ways[k, m] = ways[m, k] = -np.inf
            reached, before = ways[k].copy(), np.zeros(0)
            reached[k] = np.inf
            while not np.array_equal(before, reached):
                before = reached
                reached = np.maximum(reached, np.minimum(reached[:, None], ways).max(axis=0))
            widest[k, m] = widest[m, k] = reached[m]
    with np.errstate(invalid="ignore"):
        return np.minimum(0.0, np.where(widest > -np.inf, conductances - widest + np.log(count), 0.0))


def _log_conductance(chain: Chain, sets: Sequence[Integers], k: int, m: int) -> float:
    """log of the current that h_k = 1 on one state sends to the other, all terms positive."""
    i, j = chain.table.vertices.T
    own = np.zeros(len(chain.phi), dtype=bool)
    own[sets[m]] = True
    with np.errstate(divide="ignore"):
        log_weights = np.log(chain.rates) - 0.5 * (chain.phi[i] + chain.phi[j])
    into = np.concatenate(
        [(log_weights + chain.logs[k][i])[own[j] & ~own[i]], (log_weights + chain.logs[k][j])[own[i] & ~own[j]]]
    )
    return float(np.logaddexp.reduce(into, initial=-np.inf))


def _log_drops(chain: Chain, state: int) -> Floats:
    """log |h_i - h_j| of a state's potential over every edge, (e,)."""
    i, j = chain.table.vertices.T
    own = chain.logs[state]
    others = np.logaddexp.reduce(np.delete(chain.logs, state, axis=0), axis=0)
    # of two drops that are one and the same, that of the smaller numbers, which keeps its digits
    near = np.logaddexp(others[i], others[j]) < np.logaddexp(own[i], own[j])
    return np.where(near, _log_difference(others[i], others[j]), _log_difference(own[i], own[j]))


def _shares_of_current(
    chain: Chain,
    sets: Sequence[Integers],
    pair: tuple[int, int],
    log_drops: Floats,
    log_conductance: float,
    doubt: Floats,
    share: float,
) -> Floats:
    """Share of every cell, (m,), in the conductance a(h_k, h_l) between two states.

    On an edge that is its weight times both drops; it is spread over all cells that the edge's ends touch.  Where the
    current h_l grad h_k - h_k grad h_l, which goes from the one to the other and nowhere else, is not much weaker than
    nearby, and no less than ``LEAST_OF_SHARE`` of the ``share``, that of a cell is one: a channel remains.  A pass that
    is kept for its small share needs its way down on both sides, or the cut would make a well.

    Raises ``ConvergenceError`` where the current is not conserved: the chain has a well that the process has not, as
    on coarse meshes, and rounding has the better of it.
    """
    i, j = chain.table.vertices.T
    first, second = chain.logs[pair[0]], chain.logs[pair[1]]
    count = len(first)
    with np.errstate(divide="ignore"):
        log_weights = np.log(chain.rates) - 0.5 * (chain.phi[i] + chain.phi[j]) - log_conductance
    energy = np.exp(np.minimum(log_weights + log_drops, 1.0))
    forth, back = first[i] + second[j], first[j] + second[i]
    current = np.exp(np.minimum(log_weights + _log_difference(forth, back), 1.0))
    through = _gathered(i, current, count) + _gathered(j, current, count)
    signed = np.where(forth > back, current, -current)
    lost = np.abs(_gathered(i, signed, count) - _gathered(j, signed, count))
    lost[np.concatenate(sets)] = 0.0
    if (lost > np.maximum(LEAK * through, LEAST_CURRENT)).any():
        raise ConvergenceError("the current is not conserved", "a finer mesh")
    strongest = through.copy()
    for _ in range(NEARBY):
        before = strongest.copy()
        np.maximum.at(strongest, i, before[j])
        np.maximum.at(strongest, j, before[i])
    channel = through / np.maximum(CHANNEL * strongest, LEAST_OF_SHARE * share)
    spread = 0.5 * (_gathered(i, energy, count) + _gathered(j, energy, count))
    around = _gathered(chain.classes.ravel(), np.repeat(chain.volume, chain.classes.shape[1]), count)
    held = (spread / around)[chain.classes].sum(axis=1) * chain.volume
    return np.where(channel[chain.classes].max(axis=1) * doubt > 1.0, 1.0, held)


def _log_difference(a: Floats, b: Floats) -> Floats:
    """log |exp(a) - exp(b)|."""
    top = np.maximum(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(top > -np.inf, top + np.log(-np.expm1(-np.abs(a - b))), -np.inf)


def mass_shares(chain: Chain, state: int, other: int, change: float) -> Floats:
    """Share of every cell, (m,), in the mass int w h_k h_l of two states, that which one collects if they are one.

    A valley between vertices looks like a ridge, as high as Phi changes in a cell at most: by the exponential of that
    ``change`` the potentials may be larger.  What they are on the vertices alone was not enough: a wide well beside a
    target was cut where it held e^-4 of its mass (1e-2 of a mean time at a bar of 4e-7).  Of two states it is what they
    are: with that factor a committor at barrier 200 had twice the unknowns.  The weight is that of each cell: with the
    largest at a jump a cell beside a layer of little noise held a thousand times the mass of a well, of which 6.6e-6
    was cut at a bar of 1.8e-6.
    """
    potentials = chain.logs[state][chain.classes]
    log_density = np.minimum(potentials + change, 0.0) - chain.inside
    own = potentials - chain.inside
    if other != state:
        log_density = own = own + chain.logs[other][chain.classes]
    top = own.max()
    whole = (np.exp(own - top).sum(axis=1) * chain.volume).sum()
    most = np.exp(np.minimum(log_density - top, LARGEST_STEP)).sum(axis=1) * chain.volume
    return np.asarray(np.minimum(most / whole, 1.0))


def mass_at(chain: Chain, state: int, vertices: Integers) -> float:
    """Share of some vertices in the mass int w h of a state, each with its part of the cells around."""
    log_density = chain.logs[state][chain.classes] - chain.inside
    mass = np.exp(log_density - log_density.max()) * chain.volume[:, None]
    return float(mass[np.isin(chain.classes, vertices)].sum() / mass.sum())
