"""The least actions of a process with little noise between the points of a regular grid.

    V(x, y) = min over curves from x to y of  1/2 int ( |a| |dz| - a . D^-1 dz ),      |v|^2 = v . D^-1 v,

with a = b - div D, is the exponent of the probability that the process is carried from x to y before it goes back
(Freidlin and Wentzell 1984, section 4; Heymann and Vanden-Eijnden 2008).  In units of epsilon, D being the noise as it
is.  Where a = -D grad psi it is the climb of psi.  The curves run along edges of the grid to all neighbours within
``REACH`` steps, so that a least action is found by Dijkstra's algorithm, never less than it is.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import gcd
from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.quantity.light_dataclasses import dataclass

REACH = 4
"""Steps along an axis: 48 directions in the plane; a path between two of them is longer by a third of a percent."""
LEAST_COST = 1e-9
"""Of an edge, that an edge down the flow, which costs nothing, is still one to the solver."""


@dataclass(frozen=True)
class Actions:
    """The costs of the edges between the grid points that count: a sparse matrix (n, n), n all grid points."""

    grid: GridFunction
    costs: Any

    def to(self, members: Booleans) -> Floats:
        """V(x, the set of grid points ``members`` (n,)), (n,); infinite where no curve leads there."""
        return _least(self.costs.T.tocsr(), members, np.zeros(len(members)))

    def out_of(self, members: Booleans, levels: Floats | None = None) -> Floats:
        """The least of V(y, x) and of the ``levels`` (n,) at y, if given, over y in the set, (n,)."""
        return _least(self.costs, members, np.zeros(len(members)) if levels is None else levels)


def _least(costs: Any, members: Booleans, levels: Floats) -> Floats:
    """From one node more, with an edge to every member that costs its level above the lowest."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    count, own = len(members), np.flatnonzero(members)
    if not len(own):
        return np.full(count, np.inf)
    lowest = float(levels[own].min())
    data = np.concatenate([costs.data, np.maximum(levels[own] - lowest, LEAST_COST)])
    ends = np.concatenate([costs.indices, own])
    begins = np.append(costs.indptr, len(data))
    augmented = csr_matrix((data, ends, begins), shape=(count + 1, count + 1))
    return np.asarray(dijkstra(augmented, indices=count)[:count]) + lowest


def actions_on(
    grid: GridFunction, counts: Booleans, drift: Callable[[Floats], Floats], tensor: Callable[[Floats], Floats]
) -> Actions:
    """Of a process between the points of a grid that ``counts`` (n,) marks.

    Parameters
    ----------
    grid
        whose points are meant, not its values.
    counts
        the others are as if they were not there.
    drift
        b - div D at points (dim, n), (dim, n).
    tensor
        D there, (dim, dim, n).
    """
    from scipy.sparse import csr_matrix

    shape, periodic = grid.values.shape, grid.periodic
    spacing = np.array([axis[1] - axis[0] for axis in grid.axes])
    fine = tuple(2 * n - 1 for n in shape)
    velocity, metric, speed = _on_half_steps(grid, counts, drift, tensor)
    numbers = np.arange(counts.size).reshape(shape)
    heads, tails, costs = [], [], []
    for step in _directions(len(shape)):
        first, second = _edges(numbers, step, periodic)
        both = counts[first] & counts[second]
        first, second = first[both], second[both]
        here = 2 * np.array(np.unravel_index(first, shape))
        turned = np.einsum("ijn,j->in", metric, spacing * step)
        length = np.sqrt(np.maximum((spacing * step) @ turned, 0.0)) * speed
        with_flow = (velocity * turned).sum(axis=0)
        climb, carried = np.zeros(len(first)), np.zeros(len(first))
        for share, weight in ((0, 1.0), (1, 4.0), (2, 1.0)):
            place = here + share * step[:, None]
            for axis, wraps in enumerate(periodic):
                if wraps:
                    place[axis] %= fine[axis] - 1
            at = np.ravel_multi_index(tuple(place), fine)
            climb += weight / 12.0 * length[at]
            carried += weight / 12.0 * with_flow[at]
        usable = np.isfinite(climb)
        heads += [first[usable], second[usable]]
        tails += [second[usable], first[usable]]
        costs += [np.maximum((climb + sign * carried)[usable], LEAST_COST) for sign in (-1.0, 1.0)]
    entries = (np.concatenate(costs), (np.concatenate(heads), np.concatenate(tails)))
    return Actions(grid, csr_matrix(entries, shape=(counts.size, counts.size)))


def _on_half_steps(
    grid: GridFunction, counts: Booleans, drift: Callable[[Floats], Floats], tensor: Callable[[Floats], Floats]
) -> tuple[Floats, Floats, Floats]:
    """a, D^-1 and |a| at the points of a grid of half the spacing, near those that count; nan elsewhere.

    A single D^-1, (dim, dim, 1), where it is everywhere the same.
    """
    from scipy.ndimage import binary_dilation

    shape = tuple(2 * n - 1 for n in grid.values.shape)
    near = np.zeros(shape, dtype=bool)
    near[tuple(slice(None, None, 2) for _ in shape)] = counts.reshape(grid.values.shape)
    # an edge of several steps can leave the points that count by that much
    near = binary_dilation(near, np.ones((3,) * len(shape)), iterations=REACH).ravel()
    axes = [np.linspace(low, high, n) for low, high, n in zip(grid.lower, grid.upper, shape, strict=True)]
    points = np.array([part.ravel()[near] for part in np.meshgrid(*axes, indexing="ij")])
    dimension = len(shape)
    velocity, speed = np.full((dimension, near.size), np.nan), np.full(near.size, np.nan)
    with np.errstate(all="ignore"):
        own, noise = np.asarray(drift(points)), np.asarray(tensor(points))
        same = bool((noise == noise[:, :, :1]).all())
        inverse = np.moveaxis(np.linalg.pinv(np.moveaxis(noise[:, :, :1] if same else noise, 2, 0)), 0, 2)
        velocity[:, near] = own
        speed[near] = np.sqrt(np.maximum((own * np.einsum("ijn,jn->in", inverse, own)).sum(axis=0), 0.0))
    if same:
        return velocity, inverse, speed
    metric = np.full((dimension, dimension, near.size), np.nan)
    metric[:, :, near] = inverse
    return velocity, metric, speed


def _directions(dimension: int) -> list[Integers]:
    """Steps without a common factor, at most ``REACH`` along an axis, one of each two opposite ones; one on a line."""
    reach = REACH if dimension > 1 else 1
    steps = [np.array(step) for step in product(range(-reach, reach + 1), repeat=dimension)]
    return [step for step in steps if tuple(step) > (0,) * dimension and gcd(*step) == 1]


def _edges(numbers: Integers, step: Integers, periodic: tuple[bool, ...]) -> tuple[Integers, Integers]:
    """The two ends of all edges of one direction; the two faces of a periodic axis are the same points."""
    first = second = numbers
    for axis, move in enumerate(int(part) for part in step):
        count = numbers.shape[axis]
        if periodic[axis]:
            own = np.arange(count - 1)
            first, second = np.take(first, own, axis), np.take(second, (own + move) % (count - 1), axis)
        else:
            own = np.arange(max(0, -move), count - max(0, move))
            first, second = np.take(first, own, axis), np.take(second, own + move, axis)
    return first.ravel(), second.ravel()
