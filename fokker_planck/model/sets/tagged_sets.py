"""Sets that a mesh names: the union of cells with a tag, or facets of the boundary with a tag, and their surfaces.

Finite elements take both from the tags themselves; levels tell how far a point is away, and on which side.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.checks import facets_of, outer_facets
from fokker_planck.mesh.curved_facets import CurvedFacets
from fokker_planck.mesh.simplices import rows_among
from fokker_planck.mesh.union import MeshUnion
from fokker_planck.mesh.walls import Walls
from fokker_planck.model.sets.line_set import LineSet
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.mesh.parts import MeshData

ON_SURFACE = 1e-9
"""Of the extent of the mesh: a point as near as this to a facet is on it, as everywhere else for meshes."""


@dataclass(frozen=True, eq=False, repr=False)
class TaggedCells:
    """The union of the closed cells of a mesh that carry a tag; made by :meth:`MeshDomain.cell_set`.

    Its level is the distance from the facets between its cells and the others, negative in the others.
    """

    domain: MeshUnion
    tag: str

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.domain.dimension

    def level(self, x: Floats) -> Floats:
        """Signed distance from the facets within the domain, at points of shape (dim, n)."""
        x = np.asarray(x, dtype=float)
        distance = np.linalg.norm(x - self.project(x), axis=0)
        return np.where(self._marked[self._cells_at(x)], distance, -distance)

    def gradient(self, x: Floats) -> Floats:
        """Direction in which the level increases, of unit length, shape (dim, n); on the surface some direction."""
        return np.where(self._marked[self._cells_at(x)], -1.0, 1.0) * _towards(self.project(x), x)

    def contains(self, x: Floats) -> Booleans:
        """Which of the points are in a cell of the set, or on its surface."""
        return np.asarray(self.level(x) >= -ON_SURFACE * _extent(self.domain.data))

    def project(self, x: Floats) -> Floats:
        """The nearest point of the surface within the domain."""
        return self._surface.nearest(np.asarray(x, dtype=float))

    def faces(self, _lower: object = None, _upper: object = None) -> dict[int, tuple[float, ...]]:
        """Nothing: the mesh has the facets already."""
        return {}

    @property
    def _marked(self) -> Booleans:
        return self.domain.data.cell_sets[self.tag]

    @cached_property
    def _surface(self) -> Walls:
        data = self.domain.data
        return Walls(data.points[_between(data.cells, self._marked)])

    def _cells_at(self, x: Floats) -> Integers:
        """The cell of each point; beyond the straight cells, as at a curved wall, that at the nearest point of them."""
        cells = self.domain.locator.find(x)
        beyond = cells < 0
        if beyond.any():
            data = self.domain.data
            walls = Walls(data.points[outer_facets(data.cells)])
            cells[beyond] = np.maximum(self.domain.locator.find(walls.nearest(np.asarray(x)[:, beyond])), 0)
        return cells

    def __repr__(self) -> str:
        return f"cells tagged {self.tag}"


@dataclass(frozen=True, eq=False, repr=False)
class TaggedFacets:
    """Facets of the boundary that carry a tag, made by :meth:`MeshDomain.facet_set`: a set without an inside.

    Its level is minus the distance from the facets, curved ones included.
    """

    domain: MeshUnion
    tag: str

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.domain.dimension

    @property
    def vertices(self) -> Integers:
        """Numbers of the vertices of each facet, (k, dim)."""
        return self.domain.data.facet_sets[self.tag]

    def level(self, x: Floats) -> Floats:
        """Minus the distance from the facets, at points of shape (dim, n)."""
        return np.asarray(-np.linalg.norm(np.asarray(x, dtype=float) - self.project(x), axis=0))

    def gradient(self, x: Floats) -> Floats:
        """Direction towards the facets, of unit length, shape (dim, n); on them some direction."""
        return _towards(self.project(x), x)

    def contains(self, x: Floats) -> Booleans:
        """Which of the points are on the facets."""
        return np.asarray(self.level(x) >= -ON_SURFACE * _extent(self.domain.data))

    def project(self, x: Floats) -> Floats:
        """The nearest point of the facets."""
        x = np.asarray(x, dtype=float)
        straight, curved = self._parts
        feet = np.full(x.shape, np.inf) if straight is None else straight.nearest(x)
        if curved is None:
            return feet
        others = curved.project(x)
        return np.where(np.linalg.norm(feet - x, axis=0) <= np.linalg.norm(others - x, axis=0), feet, others)

    def faces(self, _lower: object = None, _upper: object = None) -> dict[int, tuple[float, ...]]:
        """Nothing: the mesh has the facets already."""
        return {}

    @cached_property
    def _parts(self) -> tuple[Walls | None, CurvedFacets | None]:
        data, curved = self.domain.data, self.domain.data.curved
        if curved is None:
            return Walls(data.points[self.vertices]), None
        bent = rows_among(self.vertices, curved.vertices)
        chosen = rows_among(curved.vertices, self.vertices)
        straight = None if bent.all() else Walls(data.points[self.vertices[~bent]])
        if not chosen.any():
            return straight, None
        parts = curved.vertices[chosen], curved.coefficients[chosen], curved.inner[chosen]
        return straight, CurvedFacets(*parts, curved.order)

    def __repr__(self) -> str:
        return f"facets tagged {self.tag}"


def cells_with(domain: MeshUnion, tag: int | str) -> TaggedCells | LineSet:
    """The closed cells with a tag; on a line the intervals that they are.

    Raises :class:`ProblemError` for a tag that no cell has or all have, and where the surface is curved in the mesh.
    """
    data, tag = domain.data, str(tag)
    marked = _tagged(data.cell_sets, tag, "cells")
    if data.dimension == 1:
        return LineSet(_intervals(np.sort(data.points[data.cells[marked], 0], axis=1)), f"cells tagged {tag}")
    if marked.all():
        raise ProblemError("cell_set", f"the tag {tag} on every cell", "a tag that some cells have")
    bent = np.zeros((0, data.dimension), dtype=np.int64) if data.bent_inside is None else data.bent_inside
    curved = int(rows_among(_between(data.cells, marked), bent).sum())
    if curved:
        found = f"cells tagged {tag} with {curved} curved facets to the others"
        raise ProblemError("cell_set", found, "straight facets inside of the domain, or a Ball, an Ellipsoid, a Region")
    return TaggedCells(domain, tag)


def facets_with(domain: MeshUnion, tag: int | str) -> TaggedFacets | LineSet:
    """The facets of the boundary with a tag; on a line the points that they are, inside of the domain as well.

    Raises :class:`ProblemError` for a tag that no facet has, and for facets inside of a domain of the plane or space.
    """
    data, tag = domain.data, str(tag)
    facets = _tagged(data.facet_sets, tag, "facets")
    if data.dimension == 1:
        return LineSet(tuple((x, x) for x in sorted(data.points[facets[:, 0], 0].tolist())), f"points tagged {tag}")
    inner = int((~rows_among(facets, outer_facets(data.cells))).sum())
    if inner:
        found = f"{inner} facets tagged {tag} inside of the domain"
        raise ProblemError("facet_set", found, "facets of its boundary, or cells on one side of these (cell_set)")
    return TaggedFacets(domain, tag)


def _tagged[Part](sets: dict[str, Part], tag: str, kind: str) -> Part:
    if tag not in sets:
        known = ", ".join(sorted(sets))
        wanted = f"one of {known}" if known else f"a mesh whose {kind} are tagged"
        raise ProblemError(f"{kind.removesuffix('s')}_set", f"the tag {tag}", wanted)
    return sets[tag]


def _intervals(ends: Floats) -> tuple[tuple[float, float], ...]:
    """Unions of intervals (k, 2) that share an end."""
    found: list[tuple[float, float]] = []
    for low, high in sorted(map(tuple, ends.tolist())):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _between(cells: Integers, marked: Booleans) -> Integers:
    """The facets between a marked cell and one that is not, (k, dim)."""
    facets = facets_of(cells)
    _, first, number = np.unique(np.sort(facets, axis=1), axis=0, return_index=True, return_inverse=True)
    sides = np.repeat(marked, cells.shape[1])
    count = np.bincount(number.ravel())
    return np.asarray(facets[first[(count == 2) & (np.bincount(number.ravel(), weights=sides) == 1)]])


def _towards(feet: Floats, x: Floats) -> Floats:
    way = feet - np.asarray(x, dtype=float)
    length = np.linalg.norm(way, axis=0)
    way[0, length == 0.0] = 1.0
    return np.asarray(way / np.where(length == 0.0, 1.0, length))


def _extent(data: MeshData) -> float:
    return float(np.max(np.ptp(data.points, axis=0)))
