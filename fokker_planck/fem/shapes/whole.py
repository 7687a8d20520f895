"""A fitted mesh of space made anew as a whole: surfaces, walls and what lies between them.

Walls that are planes or level surfaces are surfaces like those of sets: their vertices slide, those on two slide along
the edge in which they meet.  A wall that had to keep the triangles that a cut leaves would keep its slivers, too.
What has a periodic image, is known by its points only or separates cell sets of a file stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.shapes.patches import Fitted, among, creases, onto_pieces, present, unique
from fokker_planck.fem.shapes.remeshing import Patch, remeshed
from fokker_planck.fem.triangulations.crossings import planes_of
from fokker_planck.fem.triangulations.triangulation import (
    STRAIGHT,
    Facets,
    Triangulation,
    boundary_facets,
    interface_facets,
    oriented,
)
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.model.sets.shapes import HalfSpace
from fokker_planck.quantity.light_dataclasses import dataclass, replace

#: Vertices that stay are found again within this part of the size of the mesh.
SAME = 1e-10


@dataclass(frozen=True)
class Walls:
    """Facets of ``mesh.facets`` that slide: their ``rows``, the ``follows`` they slide on, the ``number`` of each's."""

    rows: Integers
    follows: tuple[Any, ...]
    number: Integers


def remade_in_space(known: Fitted, size: Floats, pieces: Sequence[Any]) -> Fitted | None:
    """The mesh with edges as long as the ``size`` (n,) at its vertices; None where mmg fails or loses something."""
    mesh = known.triangulation
    walls = _walls(mesh)
    facets = np.concatenate([known.facets, mesh.facets.vertices[walls.rows]])
    surface = np.concatenate([known.piece, len(pieces) + walls.number])
    held = _held(known, facets, walls)
    names = list(mesh.regions)
    table = np.array([mesh.regions[name] for name in names]).T.reshape(len(mesh.cells), len(names))
    rows, kind = np.unique(table, axis=0, return_inverse=True)
    ridges, corners = creases(facets, surface, 3)
    patch = Patch(mesh.points, mesh.cells, kind.reshape(-1), facets, surface, held, corners, ridges)
    result = remeshed(patch, size)
    if result is None:
        return None
    points = onto_pieces(result, [*pieces, *walls.follows])
    stay = np.unique(np.concatenate([held.ravel(), corners]))
    place = _found_again(result.points, mesh.points[stay])
    if place is None:
        return None
    points[place] = mesh.points[stay]
    classes = _classes(mesh, len(points), stay, place)
    # by the vertices as mmg has them: a cell that the way back to the surface turns over must show
    cells = oriented(result.points, result.cells)
    regions = {name: rows[result.kind, column] for column, name in enumerate(names)}
    sliding = result.surface >= len(pieces)
    merged = _facets(mesh, walls, result.facets[sliding], result.surface[sliding] - len(pieces), stay, place)
    fitted = Fitted(
        replace(mesh, points=points, cells=cells, vertex_class=classes, facets=merged, regions=regions),
        result.facets[~sliding],
        result.surface[~sliding],
    )
    return fitted if _complete(fitted) else None


def _walls(mesh: Triangulation) -> Walls:
    """The facets that may slide."""
    single = np.bincount(mesh.vertex_class)[mesh.vertex_class] == 1
    facets = mesh.facets
    movable = single[facets.vertices].all(axis=1)
    by_points = [number for number, surface in enumerate(mesh.surfaces) if not hasattr(surface, "level")]
    movable &= ~np.isin(facets.surface, by_points)
    straight = np.flatnonzero(movable & (facets.surface == STRAIGHT))
    curved = np.flatnonzero(movable & (facets.surface != STRAIGHT))
    planes, number = planes_of(mesh, facets.vertices[straight])
    follows = (*(HalfSpace(tuple(normal), offset) for normal, offset in planes), *mesh.surfaces)
    return Walls(
        np.concatenate([straight, curved]),
        follows,
        np.concatenate([number, len(planes) + facets.surface[curved]]),
    )


def _held(known: Fitted, sliding: Integers, walls: Walls) -> Integers:
    """Facets that stay: the others that matter, and those between cell sets that are no surface of a set."""
    mesh = known.triangulation
    others = np.delete(mesh.facets.vertices, walls.rows, axis=0)
    rim = boundary_facets(mesh.cells, np.arange(len(mesh.points)))
    between = [interface_facets(mesh.cells, mesh.vertex_class, mask) for mask in mesh.regions.values()]
    held = unique([others, rim, *between], np.zeros((0, 3), dtype=np.int64))
    held = held[~among(held, sliding)]
    return held[present(held, mesh.cells)]


def _found_again(points: Floats, wanted: Floats) -> Integers | None:
    """Numbers of the points that are the wanted ones; None where one is missing."""
    from scipy.spatial import cKDTree

    if not len(wanted):
        return np.zeros(0, dtype=np.int64)
    distance, place = cKDTree(points).query(wanted)
    lost = distance.max() > SAME * float(np.ptp(points, axis=0).max()) or len(np.unique(place)) < len(place)
    return None if lost else place.astype(np.int64)


def _classes(mesh: Triangulation, count: int, stay: Integers, place: Integers) -> Integers:
    """Classes of the vertices, periodic images sharing theirs, without gaps."""
    classes = int(mesh.vertex_class.max()) + 1 + np.arange(count)
    classes[place] = mesh.vertex_class[stay]
    return np.unique(classes, return_inverse=True)[1].reshape(-1)


def _facets(
    mesh: Triangulation, walls: Walls, sliding: Integers, number: Integers, stay: Integers, place: Integers
) -> Facets:
    """What matters: the facets that stay, renumbered, and the walls made anew."""
    facets = mesh.facets
    kept = np.ones(len(facets), dtype=bool)
    kept[walls.rows] = False
    renumber = np.zeros(len(mesh.points), dtype=np.int64)
    renumber[stay] = place
    planes = len(walls.follows) - len(mesh.surfaces)
    of_wall = np.zeros(len(walls.follows), dtype=bool)
    of_wall[walls.number] = facets.boundary[walls.rows]
    return Facets(
        np.concatenate([renumber[facets.vertices[kept]], sliding]),
        np.concatenate([facets.surface[kept], np.where(number < planes, STRAIGHT, number - planes)]),
        np.concatenate([facets.boundary[kept], of_wall[number]]),
    )


def _complete(fitted: Fitted) -> bool:
    """Whether every facet that matters belongs to a cell, and every facet of the rim matters."""
    mesh = fitted.triangulation
    rim: Booleans = among(boundary_facets(mesh.cells, mesh.vertex_class), mesh.facets.vertices)
    return bool(
        present(mesh.facets.vertices, mesh.cells).all() and present(fitted.facets, mesh.cells).all() and rim.all()
    )
