"""Lines through cells, and what tells the basin of a point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.basins.weighted_cells import WeightedCells
from fokker_planck.quantity.light_dataclasses import dataclass

Label = Callable[[Floats], Integers]


def with_margin(label: Label, points: Floats) -> tuple[Integers, Floats]:
    """Labels of points (n, dim), and margins: NaN where the map has none."""
    if isinstance(label, BasinMap):
        return label.with_margin(points.T)
    return np.asarray(label(points.T), dtype=np.int64), np.full(len(points), np.nan)


@dataclass(frozen=True)
class Lines:
    """Lines in cells (n,) from and to barycentric coordinates (n, dim + 1), straight in these."""

    cells: WeightedCells
    cell: Integers
    start: Floats
    stop: Floats

    def __len__(self) -> int:
        return len(self.cell)

    def chosen(self, which: Booleans | Integers) -> Lines:
        """Some of them."""
        return Lines(self.cells, self.cell[which], self.start[which], self.stop[which])

    def at(self, t: Floats) -> Floats:
        """Places (n, dim) at the fractions (n,)."""
        barycentric = self.start + t[:, None] * (self.stop - self.start)
        return np.asarray(self.cells.places(self.cell, barycentric[:, None, :])[:, :, 0].T)
