"""Cells of a mesh with a weight on them: what an integral over a part of a cell needs to know of it.

A point of a cell is given by its barycentric coordinates, so that cells may be curved and the weight may be a formula
or a finite-element function: with the map x from the coordinates to the place,

    integral over a cell of w = mean over its barycentric coordinates of w(x) |det dx| / dim!.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import simplex_volumes
from fokker_planck.quantity.light_dataclasses import dataclass


class WeightedCells(Protocol):
    """Simplices, straight or curved, numbered from 0, and a positive weight on each."""

    @property
    def dimension(self) -> int:
        """Number of coordinates."""

    @property
    def curved(self) -> Booleans:
        """Which of the cells are not straight, (m,)."""

    def places(self, cell: Integers, barycentric: Floats) -> Floats:
        """Points (dim, m, q) at barycentric coordinates (m, q, dim + 1) of the cells (m,)."""

    def log_density(self, cell: Integers, barycentric: Floats) -> Floats:
        """log of weight times volume, whose mean over a cell is its integral, at the same points, (m, q)."""


@dataclass(frozen=True)
class StraightCells:
    """Simplices with corners (m, dim + 1, dim), and the logarithm of the weight as a function of points (dim, n)."""

    corners: Floats
    log_weight: Callable[[Floats], Floats]

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.corners.shape[2])

    @property
    def curved(self) -> Booleans:
        """None of the cells, (m,)."""
        return np.zeros(len(self.corners), dtype=bool)

    def places(self, cell: Integers, barycentric: Floats) -> Floats:
        """Points (dim, m, q)."""
        return np.moveaxis(barycentric @ self.corners[cell], 2, 0)

    def log_density(self, cell: Integers, barycentric: Floats) -> Floats:
        """log of weight times volume, (m, q)."""
        x = self.places(cell, barycentric)
        values = self.log_weight(x.reshape(len(x), -1)).reshape(x.shape[1:])
        with np.errstate(divide="ignore"):
            return np.asarray(values + np.log(simplex_volumes(self.corners[cell]))[:, None])
