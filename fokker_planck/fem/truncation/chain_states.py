"""What the chains on the vertices of a mesh share: their states, and what their vertices do not show of an exponent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.triangulations.coinciding_walls import wall_facets
from fokker_planck.fem.triangulations.triangulation import Triangulation, local_edges
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.locator import Locator
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """A well or a target: its ``name`` and the vertex classes that are it, (k,); targets are absorbing."""

    name: str
    members: Integers
    absorbing: bool


def states_on(triangulation: Triangulation, wells: Floats, targets: Sequence[str]) -> list[State]:
    """The targets whole, then a vertex of the cell of each well outside of them; none where that is impossible."""
    states = []
    for name in targets:
        facets = triangulation.facets
        if name == "boundary":
            vertices = facets.vertices[facets.boundary].ravel()
        else:
            inside = triangulation.cells[triangulation.regions[name]]
            vertices = np.concatenate([inside.ravel(), wall_facets(triangulation, name).ravel()])
        if len(vertices):
            states.append(State(name, np.unique(triangulation.vertex_class[vertices]), True))
    taken = set(np.concatenate([state.members for state in states]).tolist()) if states else set()
    absorbing = np.isin(triangulation.vertex_class, list(taken))
    cells = Locator(triangulation.points, triangulation.cells).find(np.asarray(wells, dtype=np.float64).T)
    regions = [triangulation.regions[name] for name in targets if name != "boundary"]
    for number, (well, cell) in enumerate(zip(wells, cells, strict=True)):
        if cell >= 0 and any(region[cell] for region in regions):
            continue
        near = np.arange(len(triangulation.points)) if cell < 0 else triangulation.cells[cell]
        near = near[~absorbing[near]]
        if not len(near):
            return []
        nearest = near[np.argmin(((triangulation.points[near] - well) ** 2).sum(axis=1))]
        own = int(triangulation.vertex_class[nearest])
        if own not in taken:
            taken.add(own)
            states.append(State(well_name(number), np.array([own]), False))
    return states


def well_name(number: int) -> str:
    """What the outside calls a well."""
    return f"well {number}"


def members_on(triangulation: Triangulation, wells: Floats, targets: Sequence[str]) -> list[Integers]:
    """The vertex classes of the same states alone."""
    return [state.members for state in states_on(triangulation, wells, targets)]


def vertex_values(triangulation: Triangulation, exponent: Any, ceiling: float) -> Floats:
    """The exponent at the vertices of every cell, as the cell sees it, no higher than the ceiling, (m, dim + 1)."""
    corners = triangulation.cell_points
    return np.minimum(values_in_cells(exponent, corners, corners), ceiling)


def unseen_change(triangulation: Triangulation, exponent: Any, ceiling: float, nodal: Floats) -> Floats:
    """By how much Phi differs from what its values at a cell's vertices suggest, at most, in every cell, (m,)."""
    corners, pairs = triangulation.cell_points, local_edges(triangulation.cells.shape[1])
    points = np.stack([corners.mean(axis=1), *(0.5 * (corners[:, a] + corners[:, b]) for a, b in pairs)], axis=1)
    expected = np.stack([nodal.mean(axis=1), *(0.5 * (nodal[:, a] + nodal[:, b]) for a, b in pairs)], axis=1)
    return np.asarray(np.abs(np.minimum(values_in_cells(exponent, points, corners), ceiling) - expected).max(axis=1))
