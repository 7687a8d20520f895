"""Cells in which a reference exponent changes little, below an energy cutoff, and none above."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.meshing import exponent_range
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulations.fitting import component_holding
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation, parts_by_facets, without_cells
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Resolved:
    """The mesh ``below`` a cutoff, and the ``whole`` one that it was cut from, of which it has the cells ``kept``."""

    below: Triangulation
    whole: Triangulation
    kept: Booleans

    def refined(self, smaller: Booleans) -> Triangulation:
        """The whole mesh, with the cells of the one below the cutoff that are to be ``smaller`` (m,) refined."""
        marked = np.zeros(len(self.whole.cells), dtype=bool)
        marked[np.flatnonzero(self.kept)[smaller]] = True
        return refine(self.whole, marked, all_edges=True)


def resolved_below(
    triangulation: Triangulation,
    weighting: Weighting,
    attractors: Floats,
    ceiling: float,
    change: float | Callable[[Floats, Floats], Floats],
    most: int,
) -> Triangulation:
    """The mesh of ``resolved`` below the ceiling."""
    return resolved(triangulation, weighting, attractors, ceiling, change, most).below


def resolved(
    triangulation: Triangulation,
    weighting: Weighting,
    attractors: Floats,
    ceiling: float,
    change: float | Callable[[Floats, Floats], Floats],
    most: float,
) -> Resolved:
    """Bisect until psi changes by at most ``change`` in a cell below the ceiling; cut off what lies above.

    That may be a function of the least and the greatest psi of cells, (m,) each.
    """
    while True:
        low, high = exponent_range(triangulation, weighting)
        keep = low < ceiling
        marked = keep & (np.minimum(high, ceiling) - low > (change(low, high) if callable(change) else change))
        if not marked.any():
            if keep.all():
                return Resolved(triangulation, triangulation, keep)
            if len(attractors):
                keep = _through_facets(triangulation, component_holding(triangulation, keep, attractors), attractors)
            return Resolved(without_cells(triangulation, keep), triangulation, keep)
        if np.count_nonzero(keep) > most:
            raise BarrierTooHighError(
                f"more than {most:.0f} cells are needed to follow the density",
                "more noise, a smaller domain, or a smoother drift",
            )
        triangulation = refine(triangulation, marked)


def _through_facets(triangulation: Triangulation, keep: Booleans, attractors: Floats) -> Booleans:
    """The kept cells without what hangs on the rest by vertices only, unless an attractor or a set is in it.

    A pool beside a saddle just above the cutoff hung so, a single cell. Its way out, through a point, narrows as the
    mesh gets finer: it had an eigenvalue that is none, 2e-4, and went on falling like the logarithm of a size, over 50
    meshes that were finer at that point alone. A domain that narrows to a point is what it is.
    """
    kept, classes = np.flatnonzero(keep), triangulation.vertex_class
    part = parts_by_facets(triangulation.cells[kept], classes)
    if not part.any() or parts_by_facets(triangulation.cells, classes).any():
        return keep
    centres = triangulation.cell_points[kept].mean(axis=1)
    nearest = [int(np.argmin(((centres - place) ** 2).sum(axis=1))) for place in attractors]
    holds = np.isin(np.arange(len(kept)), nearest)
    for members in triangulation.regions.values():
        holds |= members[kept]
    result = np.zeros_like(keep)
    result[kept[np.isin(part, part[holds])]] = True
    return result
