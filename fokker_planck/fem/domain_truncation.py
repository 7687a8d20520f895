"""Cut away what a process neither fills nor decides anything in, and say what stands there instead.

Where nothing is decided, the process has come from one state, and goes back to it, all but certainly: the probability
to reach that state first is one there, and so is that to have come from it.  What is cut away then belongs to the
state.  On the surface of a cut both functions keep the state's value, u = u_s and rho = rho_s, which is wrong by as
much as the probability that is neglected there.

A wall that reflects would not do without detailed balance: the drift holds the process against it, and along such a
wall it climbs for less than on any way inside.  Quartic well with a rotation, barrier 100, cells that carry less than
1e-8 of the current left away: with such walls the mean time is e^13 times too short, in this way right to 4e-10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.fem.chain_states import State, states_on, unseen_change, vertex_values
from fokker_planck.fem.discretization import Discretization, unknowns_on_facets
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulation import Triangulation, facet_keys, row_numbers, volumes, without_cells
from fokker_planck.fem.trimming import LEAST_OF_SHARE, log_direct_parts
from fokker_planck.fem.vertex_chain import LARGEST_STEP, VertexChain, vertex_chain
from fokker_planck.mesh.locator import Locator

OUTSIDE = "what is cut away belongs to "


@dataclass(frozen=True)
class Shares:
    """What every cell holds of the masses and decides of the currents, (m,), and the state it belongs to, (m,)."""

    held: Floats
    owner: Integers
    states: tuple[State, ...]


def shares(
    triangulation: Triangulation,
    process: Weighting,
    ceiling: float,
    wells: Floats,
    targets: Sequence[str],
    start: tuple[float, ...] | None,
    channels: bool,
    share: float,
) -> Shares | None:
    """Of every cell; None where there are fewer than two states, or the mesh is too coarse for any.

    Ways that matter less than a part of ``share`` do not count.  With ``channels`` a cell holds all of the current that
    passes through it, without only what is decided there: the current times the change of the probabilities to arrive
    and to have come.
    """
    states = states_on(triangulation, wells, targets)
    if len(states) < 2:
        return None
    # where a potential is lost the cells hold nan, and are kept
    with np.errstate(invalid="ignore"):
        return _shares(triangulation, process, ceiling, wells, targets, start, channels, share, states)


def _shares(
    triangulation: Triangulation,
    process: Weighting,
    ceiling: float,
    wells: Floats,
    targets: Sequence[str],
    start: tuple[float, ...] | None,
    channels: bool,
    share: float,
    states: Sequence[State],
) -> Shares | None:
    sets = [state.members for state in states]
    chain = vertex_chain(triangulation, process, ceiling, sets)
    if chain is None:
        return None
    held = np.zeros(len(triangulation.cells))
    size = np.abs(volumes(triangulation.points, triangulation.cells))
    held = np.maximum(held, _decided(chain, share, channels))
    for number, state in enumerate(states):
        if not state.absorbing:
            held = np.maximum(held, _mass(chain, number, size))
    if start is not None:
        begun = states_on(triangulation, np.vstack([wells, start]), targets)
        if len(begun) > len(states):
            other = vertex_chain(triangulation, process, ceiling, [state.members for state in begun])
            if other is not None:
                first, goals = len(begun) - 1, range(len(begun) - 1)
                ways = [_current(other, first, goal) for goal in goals]
                largest = max(size for size, _ in ways)
                for goal, (size_of, net) in zip(goals, ways, strict=True):
                    if size_of > largest + np.log(LEAST_OF_SHARE * share):
                        held = np.maximum(held, _shares_of(other, (first, goal), net, True) * np.exp(size_of - largest))
    held = np.where(np.isnan(held), np.inf, held)
    held *= np.exp(
        np.minimum(
            unseen_change(triangulation, process, ceiling, vertex_values(triangulation, process, ceiling)), LARGEST_STEP
        )
    )
    for state in states:
        if not state.absorbing:
            held[np.isin(chain.classes, state.members).any(axis=1)] = np.inf
    if start is not None:
        cell = int(Locator(triangulation.points, triangulation.cells).find(np.asarray(start)[:, None])[0])
        held[max(cell, 0)] = np.inf
    # to have come from a state and to go to it: where the two disagree, little passes
    either = np.logaddexp(chain.arriving, chain.coming - np.logaddexp.reduce(chain.coming, axis=0))
    owner = np.argmax(np.exp(np.minimum(either, 1.0))[:, chain.classes].mean(axis=2), axis=0)
    return Shares(held, owner, tuple(states))


def _decided(chain: VertexChain, share: float, channels: bool) -> Floats:
    """Greatest share of a current between two states in every cell, (m,), times what that current matters.

    Not of the whole current of a state: beside an easy way out of a well the harder one is next to nothing of it,
    though all that gets to a target may have to go there.  See :func:`fokker_planck.fem.trimming.log_direct_parts`.
    """
    count = len(chain.arriving)
    pairs = [(k, m) for k in range(count) for m in range(count) if k != m]
    currents = {pair: _current(chain, *pair) for pair in pairs}
    sizes = np.full((count, count), -np.inf)
    for (k, m), (size, _) in currents.items():
        sizes[k, m] = sizes[m, k] = max(sizes[k, m], size)
    matters = log_direct_parts(sizes)
    held = np.zeros(len(chain.classes))
    for (k, m), (size, net) in currents.items():
        if size > -np.inf and matters[k, m] > np.log(LEAST_OF_SHARE * share):
            held = np.maximum(held, _shares_of(chain, (k, m), net, channels) * np.exp(matters[k, m]))
    return held


def _current(chain: VertexChain, source: int, goal: int) -> tuple[float, Floats]:
    """The logarithm of the current from one state to another, and what of it, signed, runs along every edge, (e,).

    It is f_ij - f_ji, f_ij = pi_i q_i L_ij u_j, with u the probability to arrive at the goal first and q that to have
    come from the source last (Metzner, Schuette and Vanden-Eijnden 2009).
    """
    i, j = chain.table.vertices.T
    count = len(chain.psi)
    level = 0.5 * (chain.psi[i] + chain.psi[j])
    with np.errstate(divide="ignore"):
        there = np.log(chain.there) - level + chain.coming[source, i] + chain.arriving[goal, j]
        back = np.log(chain.back) - level + chain.coming[source, j] + chain.arriving[goal, i]
    top = float(np.nanmax(np.maximum(there, back), initial=-np.inf))
    if top == -np.inf:
        return -np.inf, np.zeros(len(i))
    net = np.exp(there - top) - np.exp(back - top)
    # what enters the goal: it leaves those below, where the chain neither makes nor loses any
    balance = np.bincount(i, net, count) - np.bincount(j, net, count)
    total = -float(balance[balance < 0.0].sum())
    return (top + float(np.log(total)), net / total) if total > 0.0 else (-np.inf, np.zeros(len(i)))


def _shares_of(chain: VertexChain, pair: tuple[int, int], net: Floats, channels: bool) -> Floats:
    """What every cell, (m,), holds of a current, or decides of it."""
    i, j = chain.table.vertices.T
    source, goal = pair
    if channels:
        through = np.bincount(i, np.abs(net), len(chain.psi)) + np.bincount(j, np.abs(net), len(chain.psi))
        return np.asarray((0.5 * through)[chain.classes].max(axis=1))
    all_coming = np.logaddexp.reduce(chain.coming, axis=0)
    arrive, came = np.exp(np.minimum(chain.arriving[goal], 0.0)), np.exp(chain.coming[source] - all_coming)
    others = np.logaddexp.reduce(np.delete(chain.arriving, goal, axis=0), axis=0)
    rest = np.logaddexp.reduce(np.delete(chain.coming, source, axis=0), axis=0) - all_coming
    change = np.maximum(
        _change(arrive, np.exp(np.minimum(others, 0.0)), i, j), _change(came, np.exp(np.minimum(rest, 0.0)), i, j)
    )
    return _over_cells(chain, np.abs(net) * change)


def _change(values: Floats, rest: Floats, i: Integers, j: Integers) -> Floats:
    """|v_i - v_j| of values that sum to one with the ``rest``, from the smaller ones, which keep their digits."""
    small = values[i] + values[j] < rest[i] + rest[j]
    return np.where(small, np.abs(values[i] - values[j]), np.abs(rest[i] - rest[j]))


def _over_cells(chain: VertexChain, edges: Floats) -> Floats:
    """What the edges at the vertices of every cell hold, (m,)."""
    i, j = chain.table.vertices.T
    at = np.bincount(i, edges, len(chain.psi)) + np.bincount(j, edges, len(chain.psi))
    return np.asarray(at[chain.classes].max(axis=1))


def _mass(chain: VertexChain, state: int, size: Floats) -> Floats:
    """Share of every cell, (m,), in the mass that comes from one state, in the weight exp(-psi)."""
    logs = chain.coming[state] - np.logaddexp.reduce(chain.coming, axis=0) - chain.psi
    density = np.exp(logs - logs.max())[chain.classes].sum(axis=1) * size
    return np.asarray(density / density.sum())


def truncated(triangulation: Triangulation, keep: Booleans, found: Shares) -> Triangulation:
    """Without the cells that are not kept; regions ``OUTSIDE`` say to which state belongs what is not there."""
    labels = {OUTSIDE + state.name: found.owner == number for number, state in enumerate(found.states)}
    return without_cells(replace(triangulation, regions={**triangulation.regions, **labels}), keep)


def outside(discretization: Discretization, name: str) -> Booleans:
    """The unknowns on surfaces of cuts behind which everything belongs to the state ``name``, (N,)."""
    triangulation = discretization.triangulation
    label = triangulation.regions.get(OUTSIDE + name)
    if label is None or not label.any():
        return np.zeros(discretization.count, dtype=bool)
    chosen = cut_facets(triangulation) & np.tile(label, triangulation.dimension + 1)
    stored = facet_keys(triangulation.cells, triangulation.vertex_class)[1]
    return unknowns_on_facets(discretization, stored[chosen])


def kept_cells(found: Shares, share: float) -> Booleans:
    """All cells but those that matter least, which together hold no more than ``share``."""
    order = np.argsort(found.held)
    keep = np.ones(len(order), dtype=bool)
    keep[order[: int((np.cumsum(found.held[order]) <= share).sum())]] = False
    return keep


def cut_facets(triangulation: Triangulation) -> Booleans:
    """Which facets, in the order of :func:`facet_keys`, are on the surface of a cut: of one cell, and on no wall."""
    keys, _ = facet_keys(triangulation.cells, triangulation.vertex_class)
    walls = triangulation.facets.vertices[triangulation.facets.boundary]
    numbers = row_numbers(np.concatenate([keys, np.sort(triangulation.vertex_class[walls], axis=1)]))
    own = numbers[: len(keys)]
    once = np.bincount(own, minlength=int(numbers.max()) + 1)[own] == 1
    return np.asarray(once & ~np.isin(own, numbers[len(keys) :]))
