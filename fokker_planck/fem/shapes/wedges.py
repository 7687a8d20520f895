"""What stands beside a surface of space: walls and other surfaces, and how short edges have to be in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.crossings import planes_of
from fokker_planck.fem.triangulations.triangulation import STRAIGHT, Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.sets.shapes import HalfSpace

#: What part of a gap, and of the angle of a wedge, between surfaces edges are as short as (see :func:`turn_beside`).
GAP, WEDGE = 0.5, 0.5
#: The normal turns by this much along an edge even where surfaces touch: that asks for cells without end.
LEAST_TURN = 0.05


def turn_beside(other: Any, x: Floats, normal: Floats, radius: Floats) -> Floats:
    """By how much a surface with its ``normal`` (n, 3) at ``x`` may turn along an edge for the ``other`` beside it.

    Over an edge h it is h^2 / 8R from its chord. That may be a part of the gap to the other, or of the height h sin(a)
    of a cell that fills the wedge between both: where they meet at a small angle edges have to be short.
    """
    with np.errstate(all="ignore"):
        slope = other.gradient(x.T)
        steep = np.linalg.norm(slope, axis=0)
        gap = np.abs(other.level(x.T)) / steep
        wedge = np.linalg.norm(np.cross(normal, (slope / steep).T), axis=1)
        allowed = np.maximum(np.sqrt(GAP * gap / radius), np.maximum(WEDGE * wedge, LEAST_TURN))
    return np.where(np.isfinite(allowed), allowed, np.inf)


def walls_of(mesh: Triangulation) -> list[Any]:
    """The surfaces and planes of what matters already."""
    straight = mesh.facets.vertices[mesh.facets.surface == STRAIGHT]
    planes = planes_of(mesh, straight)[0] if len(straight) else []
    return [
        *(HalfSpace(tuple(normal), offset) for normal, offset in planes),
        *(surface for surface in mesh.surfaces if hasattr(surface, "level")),
    ]
