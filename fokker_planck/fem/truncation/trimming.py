"""Cut away what the process neither fills nor passes through, however high the barriers.

The vertices and edges of a mesh carry a Markov chain with the Scharfetter-Gummel rates of the process.  Between the
wells (and the target) its currents run through narrow channels over the passes.  A cell can go when it holds next to
nothing of the mass of any well and next to nothing of the energy of any current: far below a pass the current needs
a channel, but hardly any width.  The chain decides only what is kept: no reported number comes from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.triangulations.triangulation import (
    EdgeTable,
    Triangulation,
    boundary_facets,
    edge_table,
    parts_by_facets,
    row_numbers,
    without_cells,
)
from fokker_planck.fem.truncation.chain_states import members_on, unseen_change, vertex_values
from fokker_planck.fem.truncation.vertex_chain import (
    LARGEST_STEP,
    Chain,
    along_edges,
    chain,
    energy_shares,
    mass_at,
    mass_shares,
    rates,
)
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Allowed:
    """What may be cut: a ``share`` of any state, and all above the ``ceiling``, from where on Phi is not told apart.

    ``change`` is that of Phi in a cell at most, ``log_noise`` a function log D where D varies.
    """

    share: float
    ceiling: float
    change: float
    log_noise: Any = None


@dataclass(frozen=True)
class Trimmed:
    """A ``mesh`` without the cells that matter least, and what a state holds at most ``at_cuts`` made before, a share.

    What was cut away held about as much.  A chain on coarse cells takes a valley between its vertices for a ridge, and
    most of a well for what nothing leads to: at cuts that it made then a chain on smaller cells finds that much.
    """

    mesh: Triangulation
    at_cuts: float = 0.0


def trimmed(
    triangulation: Triangulation,
    exponent: Any,
    allowed: Allowed,
    wells: Floats,
    targets: tuple[str, ...],
    *,
    start: tuple[float, ...] | None = None,
    fill_targets: bool = False,
) -> Trimmed:
    """Drop the cells that matter least, as long as all of them together hold no more of any state than is ``allowed``.

    Arguments: ``wells`` (K, dim) positions of the minima; ``targets`` names of regions, or "boundary", whose inside is
    dropped unless ``fill_targets``; ``start``, where an exit begins, keeps its way to the wells.

    What a cell holds is multiplied by the exponential of the change of Phi that its vertices do not show.  A mesh so
    coarse that the chain says nothing is returned as it is.
    """
    ceiling, share = allowed.ceiling, allowed.share
    classes = triangulation.vertex_class[triangulation.cells]
    states = members_on(triangulation, wells, targets)
    begun = states if start is None else members_on(triangulation, np.vstack([wells, start]), targets)
    if len(begun) < 2:
        return Trimmed(triangulation)
    inside = vertex_values(triangulation, exponent, ceiling)
    phi = np.full(int(classes.max()) + 1, np.inf)
    np.minimum.at(phi, classes.ravel(), inside.ravel())
    table = edge_table(classes)
    if float(np.abs(phi[table.vertices[:, 0]] - phi[table.vertices[:, 1]]).max()) > LARGEST_STEP:
        return Trimmed(triangulation)
    doubt = np.exp(np.minimum(unseen_change(triangulation, exponent, ceiling, inside), LARGEST_STEP))
    flows = rates(triangulation, table, phi, *_resisting(triangulation, table, exponent, allowed, inside))
    held, cuts, at_cuts = np.zeros(len(classes)), _at_cuts(triangulation), 0.0
    try:
        for sets in [states] if len(begun) == len(states) else [states, begun]:
            current = chain(triangulation, table, phi, inside, flows, sets)
            held = np.maximum(held, _held_by(current, sets, doubt, allowed, fill_targets))
            at_cuts = max(at_cuts, *(mass_at(current, k, cuts) for k in range(len(sets)) if len(sets[k]) == 1), 0.0)
    except ConvergenceError:
        return Trimmed(triangulation)
    held *= doubt
    keep = _kept(classes, held, share, begun)
    if keep is None or keep.all():
        return Trimmed(triangulation, at_cuts)
    return Trimmed(without_cells(triangulation, keep | _behind(triangulation, keep, targets)), at_cuts)


def _resisting(
    triangulation: Triangulation, table: EdgeTable, exponent: Any, allowed: Allowed, inside: Floats
) -> tuple[Floats, Floats]:
    """Phi - log D at the vertices of every cell and along its edges, Phi being known ``inside``, (m, dim + 1)."""
    along, noise = along_edges(triangulation, table, exponent, allowed.ceiling), allowed.log_noise
    if noise is None:
        return inside, along
    ends = inside - vertex_values(triangulation, noise, np.inf)
    return ends, along - along_edges(triangulation, table, noise, np.inf)


def _behind(triangulation: Triangulation, keep: Booleans, targets: Sequence[str]) -> Booleans:
    """The cells inside of targets, (m,), that touch a kept one outside: by them finer meshes know what absorbs."""
    classes, result = triangulation.vertex_class[triangulation.cells], np.zeros(len(keep), dtype=bool)
    for name in targets:
        if name != "boundary":
            inside = triangulation.regions[name]
            outer = np.zeros(int(classes.max()) + 1, dtype=bool)
            outer[classes[keep & ~inside]] = True
            result |= inside & outer[classes].any(axis=1)
    return result


def _at_cuts(triangulation: Triangulation) -> Integers:
    """The vertex classes on the boundary of the mesh that is not the domain's."""
    classes, facets = triangulation.vertex_class, triangulation.facets
    ends = np.sort(classes[boundary_facets(triangulation.cells, classes)], axis=1)
    walls = np.sort(classes[facets.vertices[facets.boundary]].reshape(-1, ends.shape[1]), axis=1)
    numbers = row_numbers(np.concatenate([ends, walls]))
    cut = ~np.isin(numbers[: len(ends)], numbers[len(ends) :])
    return np.unique(ends[cut])


def attached(
    triangulation: Triangulation, wells: Floats, targets: Sequence[str], start: tuple[float, ...] | None
) -> Triangulation:
    """Without what hangs on the rest by vertices only, unless a state is in it.

    Its way out, through a point, narrows as the mesh gets finer: rates of three wells in a ball went on falling, like
    the logarithm of a size, until cells were flat.
    """
    part = parts_by_facets(triangulation.cells, triangulation.vertex_class)
    if part.max(initial=0) == 0:
        return triangulation
    classes = triangulation.vertex_class[triangulation.cells]
    places = wells if start is None else np.vstack([np.reshape(wells, (-1, triangulation.dimension)), start])
    held: list[Integers] = []
    for members in members_on(triangulation, places, targets):
        touching = np.isin(classes, members).sum(axis=1)
        held.append(part[touching >= min(len(members), triangulation.dimension)])
    keep = np.isin(part, np.concatenate(held)) if held else part == np.argmax(np.bincount(part))
    return triangulation if keep.all() or not keep.any() else without_cells(triangulation, keep)


def _kept(classes: Integers, held: Floats, share: float, states: Sequence[Integers]) -> Booleans | None:
    """The cells that stay where those that hold least, ``share`` together, go; None where that parts the states."""
    order = np.argsort(held)
    dropped = order[: int((np.cumsum(held[order]) <= share).sum())]
    kept = _without(classes, dropped, states)
    if kept is None:
        return None
    keep, apart = kept
    if (held[apart] > share).any():
        # a way out was cut near the well, where few coarse cells lead both to it and to a much easier one
        keep = _without_separating(classes, dropped, states, held > share)
    return keep


def _held_by(current: Chain, sets: Sequence[Integers], doubt: Floats, allowed: Allowed, fill_targets: bool) -> Floats:
    """The largest share of any state, of its energy or its mass, that each cell holds, (m,).

    Between sets that are filled, of a committor, the share of what is on its way from one state to another, too: that
    spreads over the slopes down to both, where a current needs hardly any width.
    """
    held, change = energy_shares(current, sets, doubt, allowed.share), allowed.change
    for state in range(len(sets)):
        if fill_targets or len(sets[state]) == 1:
            held = np.maximum(held, mass_shares(current, state, state, change))
        for other in range(state) if fill_targets else ():
            held = np.maximum(held, mass_shares(current, state, other, change))
    return held


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


def _components(classes: Integers, keep: Booleans) -> Integers:
    """Number of the connected part of the kept cells that every vertex class belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(classes.max()) + 1
    kept = classes[keep]
    heads, tails = np.repeat(kept[:, :1], kept.shape[1] - 1, axis=1).ravel(), kept[:, 1:].ravel()
    graph = coo_matrix((np.ones(len(heads)), (heads, tails)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
