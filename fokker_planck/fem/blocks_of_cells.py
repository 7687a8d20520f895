"""Some cells of a mesh, to be worked on together: what is held at their points stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from fokker_planck.fem.cell_map import CellMap, cell_map, quadrature
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.triangulations.curving import CurvedCells
from fokker_planck.formulas.arrays import Integers

POINTS_AT_ONCE = 32768
"""Quadrature points of a block."""


class SomeCells(Discretization):
    """Some cells of a mesh with the unknowns, and their numbers, of the whole; the map, which takes little, is kept."""

    @cached_property
    def map(self) -> CellMap:  # type: ignore[override]
        """At the quadrature points of these cells."""
        return cell_map(self.corners, self.curved, self.rule)


def some_cells(discretization: Discretization, chosen: slice | Integers) -> SomeCells:
    """The chosen ones of this rank's cells, numbers without repetitions.

    >>> from fokker_planck.fem.discretization import discretize
    >>> from fokker_planck.fem.triangulations.generation import grid_triangulation
    >>> line = discretize(grid_triangulation([np.linspace(0.0, 1.0, 5)], [False]), 2)
    >>> part = some_cells(line, np.array([1, 3]))
    >>> part.map.volume.sum().round(12), part.count == line.count
    (np.float64(0.5), True)
    """
    curved, numbers = discretization.curved, np.arange(len(discretization.cells))[chosen]
    place = np.full(len(discretization.cells), -1)
    place[numbers] = np.arange(len(numbers))
    among = np.flatnonzero(place[curved.cells] >= 0)
    bent = CurvedCells(place[curved.cells[among]], curved.nodes[among])
    own = {name: getattr(discretization, name)[chosen] for name in ("cells", "vertices", "dofs", "cell_nodes")}
    kept = {name: getattr(discretization, name) for name in ("triangulation", "degree", "comm", "nodes", "rule")}
    widened = None if discretization.widened is None else discretization.widened[chosen]
    return SomeCells(**kept, **own, curved=bent, widened=widened)


def blocks(discretization: Discretization) -> Iterator[tuple[slice, SomeCells]]:
    """All cells of this rank, so many at a time that their points are ``POINTS_AT_ONCE``: which, and the part."""
    points = len(quadrature(discretization.triangulation.dimension, discretization.rule)[1])
    step, count = max(1, POINTS_AT_ONCE // points), len(discretization.cells)
    for first in range(0, count, step):
        chosen = slice(first, min(first + step, count))
        yield chosen, some_cells(discretization, chosen)
