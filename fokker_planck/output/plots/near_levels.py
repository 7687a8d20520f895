"""Cells near the levels of functions, cut into smaller ones with the values of the functions themselves.

An isosurface of what is linear in every small simplex of the nodes has the corners of these; where a function of high
degree is drawn from few cells that is what one sees. Only cells that a surface passes are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers, distinct
from fokker_planck.mesh.quadrature import halved
from fokker_planck.quantity.light_dataclasses import dataclass

Levelled: TypeAlias = tuple[Callable[[Floats], Floats], Sequence[float]]
"""A function of points (dim, n), nan where it is not known, and the levels at which its surfaces are drawn."""
MARGIN = 0.25
"""Of the range of a function in a cell: so far beyond it the function may come between the nodes."""
ENOUGH_CELLS = 100_000
"""At the surfaces: a cell is a few pixels then. At so many 0.5 s go into drawing them."""
MOST_HALVINGS = 3
"""Of cells of low degree, which would be a tenth of the box wide else; a fourth is seen no more."""


@dataclass(frozen=True)
class Cut:
    """Simplices ``cells`` (m, dim + 1) of ``points`` (n, dim), and the ``values`` (k, n) of k functions there."""

    points: Floats
    cells: Integers
    values: Floats


def near_levels(points: Floats, cells: Integers, values: Sequence[Floats], functions: Sequence[Levelled]) -> Cut:
    """The cells that may meet a level of one of the ``functions``, halved until they are small.

    ``values`` are those of every function at the points, (n,).

    >>> square = lambda x: (x**2).sum(axis=0)
    >>> ends = np.array([[0.0], [1.0], [2.0]])
    >>> found = near_levels(ends, np.array([[0, 1], [1, 2]]), [square(ends.T)], [(square, [3.0])])
    >>> sorted(found.points[distinct(found.cells), 0].tolist())     # 3^(1/2) = 1.73
    [1.625, 1.75, 1.875]
    """
    whole = np.column_stack([points, *values])
    dimension, own = points.shape[1], slice(points.shape[1], None)
    met = _met(whole[:, own], cells, functions)
    for _ in range(MOST_HALVINGS):
        cells, met = cells[met.any(axis=0)], met[:, met.any(axis=0)]
        if len(cells) > ENOUGH_CELLS:
            break
        known = len(whole)
        whole, parts = halved(whole, cells)
        for column, (function, _levels) in enumerate(functions):
            # of each function where its own surfaces are: beside the curved surface of a set values cost more
            corners = distinct(parts.reshape(len(cells), -1)[met[column]])
            new = corners[corners >= known]
            exact = np.asarray(function(whole[new, :dimension].T), dtype=float)
            seen = ~np.isnan(exact)  # no value beside a curved boundary
            whole[new[seen], dimension + column] = exact[seen]
        cells, met = parts, _met(whole[:, own], parts, functions)
    cells = cells[met.any(axis=0)]
    return Cut(whole[:, :dimension], cells, whole[:, own].T)


def _met(values: Floats, cells: Integers, functions: Sequence[Levelled]) -> Booleans:
    """Whether each function, given by a column of ``values``, may have one of its levels in each cell, (k, m)."""
    found = np.zeros((len(functions), len(cells)), dtype=bool)
    for met, column, (_, levels) in zip(found, values.T, functions, strict=True):
        corners = column[cells]
        low, high = corners.min(axis=1), corners.max(axis=1)
        beyond = MARGIN * (high - low)
        for level in levels:
            met |= (low - beyond <= level) & (level <= high + beyond)
    return found
