"""The union of the cells of a mesh, straight or curved, as a set of points."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.mesh.locator import Locator
from fokker_planck.mesh.parts import MeshData


class MeshUnion:
    """The union of the cells of a mesh; who inherits says which mesh."""

    @property
    def data(self) -> MeshData:
        """Points, cells and named parts."""
        raise NotImplementedError

    @cached_property
    def locator(self) -> Locator:
        """Finds the cell in which a point lies."""
        return Locator(self.data.points, self.data.cells)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.data.points.shape[1])

    def contains(self, x: Floats) -> Booleans:
        """Which of the points x, shape (dim, n), lie in a cell; near a curved facet, on the inner side of it."""
        inside, curved = self.locator.find(x) >= 0, self.data.curved
        if curved is not None:
            meeting = curved.meeting(x, 2.0 * curved.deepest)
            inside[meeting.numbers] = meeting.beyond <= curved.slack
        return np.asarray(inside)
