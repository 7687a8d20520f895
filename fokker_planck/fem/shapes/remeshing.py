"""Cells near a surface made regular by mmg (Dapogny, Dobrzynski and Frey 2014), walls and corners as they are.

Only the cells around the surface are handed over; what they share with the others, with walls, with earlier surfaces
and with periodic images is required to stay. Vertices of the new surface slide along it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

#: Layers of cells around the surface that are handed over: enough for sizes to grow.
LAYERS = 2
#: Ratio of the sizes of neighbouring edges. In space cells are many: with 1.3 three times as many as with 1.8, with 2.5
#: two thirds of those, and no more of them are squeezed.
GRADATION = {2: 1.7, 3: 2.5}
#: Reference of facets that must stay; those of the surface carry 10 + the number of their kind, mmg's own are below.
HELD, FIRST = 1, 10


@dataclass(frozen=True)
class Patch:
    """What mmg takes and returns.

    ``points`` (n, dim), ``cells`` (m, dim + 1) with the number of their ``kind`` (m,); ``facets`` (k, dim) of the
    surface with their ``surface`` (k,); ``held`` facets and ``corners``, vertices, stay as they are; ``ridges``
    (r, 2) are edges in which surfaces meet in space.
    """

    points: Floats
    cells: Integers
    kind: Integers
    facets: Integers
    surface: Integers
    held: Integers
    corners: Integers
    ridges: Integers


def around(cells: Integers, vertices: Integers, count: int, layers: int = LAYERS) -> Booleans:
    """The cells within so many layers of the given vertices, (m,)."""
    touched = np.zeros(count, dtype=bool)
    touched[vertices] = True
    marked = np.zeros(len(cells), dtype=bool)
    for _ in range(layers):
        marked = touched[cells].any(axis=1)
        touched[cells[marked]] = True
    return marked


def remeshed(patch: Patch, size: Floats) -> Patch | None:
    """The patch with regular cells whose edges are about as long as the ``size`` (n,) there; None where mmg fails."""
    try:
        return (_in_plane if patch.points.shape[1] == 2 else _in_space)(patch, size)
    except RuntimeError:
        return None


def _in_plane(patch: Patch, size: Floats) -> Patch:
    from mmgpy import MmgMesh2D

    mesh = MmgMesh2D()
    edges = np.concatenate([patch.held, patch.facets])
    mesh.set_mesh_size(vertices=len(patch.points), triangles=len(patch.cells), edges=len(edges))
    mesh.set_vertices(patch.points, np.zeros(len(patch.points), dtype=np.int64))
    mesh.set_triangles(patch.cells.astype(np.int32), FIRST + patch.kind)
    mesh.set_edges(edges.astype(np.int32), _references(patch))
    if len(patch.held):
        mesh.set_required_edges(np.arange(len(patch.held), dtype=np.int32))
    _hold_corners(mesh, patch)
    mesh["metric"] = np.ascontiguousarray(size[:, None])
    mesh.remesh(**_options(patch))
    cells, kinds = mesh.get_triangles_with_refs()
    found, references = mesh.get_edges_with_refs()
    return _returned(patch, mesh.get_vertices(), cells, kinds, found, references, np.zeros((0, 2), dtype=np.int64))


def _in_space(patch: Patch, size: Floats) -> Patch:
    from mmgpy import MmgMesh3D

    mesh = MmgMesh3D()
    facets = np.concatenate([patch.held, patch.facets])
    mesh.set_mesh_size(
        vertices=len(patch.points), tetrahedra=len(patch.cells), triangles=len(facets), edges=len(patch.ridges)
    )
    mesh.set_vertices(patch.points, np.zeros(len(patch.points), dtype=np.int64))
    mesh.set_tetrahedra(patch.cells.astype(np.int32), FIRST + patch.kind)
    mesh.set_triangles(facets.astype(np.int32), _references(patch))
    if len(patch.held):
        mesh.set_required_triangles(np.arange(len(patch.held), dtype=np.int32))
    if len(patch.ridges):
        numbers = np.arange(len(patch.ridges), dtype=np.int32)
        mesh.set_edges(patch.ridges.astype(np.int32), np.full(len(patch.ridges), FIRST, dtype=np.int64))
        mesh.set_ridge_edges(numbers)
    _hold_corners(mesh, patch)
    mesh["metric"] = np.ascontiguousarray(size[:, None])
    mesh.remesh(**_options(patch))
    cells, kinds = mesh.get_tetrahedra_with_refs()
    found, references = mesh.get_triangles_with_refs()
    ridges = np.zeros((0, 2), dtype=np.int64)
    if len(patch.ridges):
        edges, marks = mesh.get_edges_with_refs()
        ridges = edges[marks == FIRST].astype(np.int64)
    return _returned(patch, mesh.get_vertices(), cells, kinds, found, references, ridges)


def _references(patch: Patch) -> Integers:
    return np.concatenate([np.full(len(patch.held), HELD), FIRST + patch.surface]).astype(np.int64)


def _hold_corners(mesh: object, patch: Patch) -> None:
    if len(patch.corners):
        mesh.set_corners(patch.corners.astype(np.int32))  # type: ignore[attr-defined]
        mesh.set_required_vertices(patch.corners.astype(np.int32))  # type: ignore[attr-defined]


def _options(patch: Patch) -> dict[str, Any]:
    """Sizes come from the metric alone: the distance to the curve that mmg makes up for itself does not bind."""
    scale = float(np.ptp(patch.points, axis=0).max())
    return {"hgrad": GRADATION[patch.points.shape[1]], "hausd": 0.1 * scale, "angle": 0, "verbose": -1}


def _returned(patch: Patch, points: Floats, cells: Any, kinds: Any, facets: Any, marks: Any, ridges: Integers) -> Patch:
    if not len(cells) or max(int(cells.max()), int(facets.max(initial=0))) >= len(points):
        raise RuntimeError("mmg has given up half-way")  # a vertex far out, say: it says so, and returns what it has
    marks = np.asarray(marks, dtype=np.int64)
    of_surface = marks >= FIRST
    return Patch(
        np.array(points, dtype=float),
        cells.astype(np.int64),
        np.asarray(kinds, dtype=np.int64) - FIRST,
        facets[of_surface].astype(np.int64),
        marks[of_surface] - FIRST,
        facets[marks == HELD].astype(np.int64),
        patch.corners,
        ridges,
    )
