"""Sets that are tags of the mesh: its cells and facets are theirs as they stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.triangulations.coinciding_walls import CoincidingWall, with_wall_at
from fokker_planck.fem.triangulations.triangulation import Triangulation, row_numbers
from fokker_planck.model.sets.tagged_sets import TaggedCells, TaggedFacets


def with_tagged(base: Triangulation, region: TaggedCells | TaggedFacets, name: str) -> Triangulation:
    """The mesh of the domain, not refined yet, with its tagged cells, or facets, as those of the set ``name``."""
    if isinstance(region, TaggedCells):
        return replace(base, regions={**base.regions, name: region.domain.data.cell_sets[region.tag]})
    rows = np.concatenate([np.sort(region.vertices, axis=1), np.sort(base.facets.vertices, axis=1)])
    number = row_numbers(rows)
    chosen = np.isin(number[len(region.vertices) :], number[: len(region.vertices)])
    taken = [base.surfaces[k] for k in np.unique(base.facets.surface[chosen]) if k >= 0]
    if any(isinstance(surface, CoincidingWall) for surface in taken):
        raise ProblemError("sets", f"{region} in two sets at once", "sets that have no facet in common")
    return with_wall_at(base, chosen, name)
