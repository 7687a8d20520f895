"""What is narrower than the cells of a mesh: places that only finer cells see."""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.triangulation import Booleans, Floats, Triangulation, diameters
from fokker_planck.point_location import Locator


def too_wide(triangulation: Triangulation, points: Floats, sizes: Floats) -> Booleans:
    """The cells that hold one of the ``points`` (dim, n) and are wider than its entry in ``sizes`` (n,)."""
    wide = np.zeros(len(triangulation.cells), dtype=bool)
    width = diameters(triangulation)
    narrow = np.flatnonzero(sizes < width.max(initial=0.0))
    if not len(narrow):
        return wide
    cell = Locator(triangulation.points, triangulation.cells).find(points[:, narrow])
    held = (cell >= 0) & (width[cell] > sizes[narrow])
    wide[cell[held]] = True
    return wide
