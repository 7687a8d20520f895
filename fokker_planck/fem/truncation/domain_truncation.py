"""Cut away what a process neither fills nor decides anything in, and say what stands there instead.

Where nothing is decided, the process has come from one state, and goes back to it, all but certainly: the probability
to reach that state first is one there, and so is that to have come from it.  What is cut away then belongs to the
state.  On the surface of a cut both functions keep the state's value, u = u_s and rho = rho_s, which is wrong by as
much as the probability that is neglected there; see :mod:`~.decided_exponents`.

A wall that reflects would not do without detailed balance: the drift holds the process against it, and along such a
wall it climbs for less than on any way inside.  Quartic well with a rotation, barrier 100, cells that carry less than
1e-8 of the current left away: with such walls the mean time is e^13 times too short, in this way right to 4e-10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.fem.discretization import Discretization, unknowns_on_facets
from fokker_planck.fem.triangulations.triangulation import Triangulation, facet_keys, row_numbers, without_cells
from fokker_planck.fem.truncation.decided_exponents import NEVER, Exponents
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.mesh.locator import Locator
from fokker_planck.quantity.light_dataclasses import dataclass, replace

TO, CAME = "what is cut away goes to ", "what is cut away comes from "
SPARE = 4.0
"""By what probabilities are larger than exp(-V), and actions on a grid than they are (0.3 %): of what is cut
beside a simple saddle the answer then feels a hundredth of the share; where that is too little, less is cut."""


@dataclass(frozen=True)
class Shares:
    """What every cell holds of the masses and decides of the currents, (m,), and the ``owners`` of cells.

    ``decided`` is the same without the ways of currents along which the density is carried and nothing decided.  Owners
    are the cells, (m,), that lead to each state, and those that come from it, by the names of their regions.
    """

    held: Floats
    decided: Floats
    owners: dict[str, Booleans]


def shares(triangulation: Triangulation, questions: Sequence[Exponents]) -> Shares:
    """Of every cell the most that it holds for any of some questions, whose states have different names."""
    found = [_shares_of_one(triangulation, each) for each in questions]
    owners = {name: cells for each in found for name, cells in each.owners.items()}
    held, decided = (np.maximum.reduce([getattr(each, name) for each in found]) for name in ("held", "decided"))
    return Shares(held, decided, owners)


def _shares_of_one(triangulation: Triangulation, found: Exponents) -> Shares:
    """Of every cell: the most of its points and of those around its vertices."""
    grid = found.grid
    shape = grid.values.shape
    locator = Locator(triangulation.points, triangulation.cells)
    near = np.flatnonzero(found.held < NEVER)
    cells = locator.find(grid.points[:, near])
    inside = cells >= 0
    corners = triangulation.cell_points
    samples = np.concatenate([corners, corners.mean(axis=1, keepdims=True)], axis=1)
    place = _places(grid, samples.reshape(-1, triangulation.dimension))
    middle = _places(grid, corners.mean(axis=1), nearest=True)
    anchors = locator.find(found.anchors.T)

    def amounts(exponents: Floats) -> Floats:
        least = np.full(len(corners), NEVER)
        np.minimum.at(least, cells[inside], exponents[near[inside]])
        around = _least_around(exponents.reshape(shape))
        least = np.minimum(least, around[place].reshape(samples.shape[:2]).min(axis=1))
        result = np.exp(np.minimum(SPARE - least, 0.0))
        result[anchors[anchors >= 0]] = np.inf
        return result

    owners = {
        label + name: owner.reshape(shape)[middle] == number
        for label, owner in ((TO, found.to), (CAME, found.came))
        for number, name in enumerate(found.names)
    }
    held = amounts(found.held)
    return Shares(held, held if found.decided is found.held else amounts(found.decided), owners)


def _places(grid: GridFunction, x: Floats, *, nearest: bool = False) -> tuple[Integers, ...]:
    """Indices of the grid points nearest to points (n, dim), or of the cells of the grid that hold them."""
    result = []
    for column, axis, periodic in zip(x.T, grid.axes, grid.periodic, strict=True):
        steps = (column - axis[0]) / (axis[1] - axis[0])
        steps = np.mod(steps, len(axis) - 1) if periodic else steps
        whole = np.rint(steps) if nearest else np.floor(steps)
        result.append(np.clip(whole.astype(np.int64), 0, len(axis) - (1 if nearest else 2)))
    return tuple(result)


def _least_around(values: Floats) -> Floats:
    """The least of the values at the corners of every cell of a grid."""
    for axis, count in enumerate(values.shape):
        values = np.minimum(values.take(range(count - 1), axis), values.take(range(1, count), axis))
    return values


def truncated(triangulation: Triangulation, keep: Booleans, found: Shares) -> Triangulation:
    """Without the cells that are not kept; regions ``TO`` and ``CAME`` name the states that own what is not there."""
    return without_cells(replace(triangulation, regions={**triangulation.regions, **found.owners}), keep)


def is_cut(triangulation: Triangulation) -> bool:
    """Whether a mesh is one that was truncated here."""
    return any(name.startswith(TO) for name in triangulation.regions)


def outside(discretization: Discretization, name: str, *, adjoint: bool) -> Booleans:
    """The unknowns on surfaces of cuts behind which all goes to the state ``name``, or comes from it, (N,)."""
    triangulation = discretization.triangulation
    label = triangulation.regions.get((CAME if adjoint else TO) + name)
    if label is None or not label.any():
        return np.zeros(discretization.count, dtype=bool)
    chosen = cut_facets(triangulation) & np.tile(label, triangulation.dimension + 1)
    stored = facet_keys(triangulation.cells, triangulation.vertex_class)[1]
    return unknowns_on_facets(discretization, stored[chosen])


def kept_cells(held: Floats, share: float) -> Booleans:
    """All cells but those that hold least, (m,), and together no more than ``share``."""
    order = np.argsort(held)
    keep = np.ones(len(order), dtype=bool)
    keep[order[: int((np.cumsum(held[order]) <= share).sum())]] = False
    return keep


def cut_facets(triangulation: Triangulation) -> Booleans:
    """Which facets, in the order of :func:`facet_keys`, are on the surface of a cut: of one cell, and on no wall."""
    keys, _ = facet_keys(triangulation.cells, triangulation.vertex_class)
    walls = triangulation.facets.vertices[triangulation.facets.boundary]
    numbers = row_numbers(np.concatenate([keys, np.sort(triangulation.vertex_class[walls], axis=1)]))
    own = numbers[: len(keys)]
    once = np.bincount(own, minlength=int(numbers.max()) + 1)[own] == 1
    return np.asarray(once & ~np.isin(own, numbers[len(keys) :]))
