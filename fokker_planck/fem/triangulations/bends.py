"""How far the points of edges and faces of curved facets step onto their surface, each once, whatever cells share it.

An edge in space belongs to five cells and more, and most nodes of a cell follow the same few points of it: to project
them for every cell anew costs twenty times as much.
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.crossings import curved_edges
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

#: Barycentric coordinates that agree to so many digits are those of one point.
DIGITS = 12


@dataclass(frozen=True)
class Bends:
    """Edges or faces by the ``keys`` (k,) of their vertices, ascending, and what moves points of them.

    ``feet`` (f, size) are barycentric coordinates of the points, vertices in ascending order; ``steps`` (k, f, dim).
    """

    keys: Integers
    feet: Floats
    steps: Floats

    def known(self, keys: Integers) -> tuple[Integers, Integers]:
        """Which of the keys belong to something bent, and to what."""
        if not len(self.keys):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        hit = np.flatnonzero(self.keys[place] == keys)
        return hit, place[hit]

    def at(self, rows: Integers, vertices: Integers, feet: Floats) -> Floats:
        """Steps (r, n, dim) of the ``feet`` (n, size) of ``rows`` (r,), whose vertices come in the order given."""
        size = feet.shape[1]
        table = np.empty((size**size, len(feet)), dtype=np.int64)
        digits = size ** np.arange(size)
        for way in permutations(range(size)):
            distance = np.abs(feet[:, list(way)][:, None] - self.feet).sum(axis=2)
            table[digits @ np.array(way)] = np.argmin(distance, axis=1)
        return np.asarray(self.steps[rows[:, None], table[np.argsort(vertices, axis=1) @ digits]])


def vertex_keys(vertices: Integers, count: int) -> Integers:
    """One number for every set of vertices (k, size) out of ``count``."""
    ordered = np.sort(vertices, axis=1)
    key = ordered[:, 0]
    for column in range(1, ordered.shape[1]):
        key = key * count + ordered[:, column]
    return key


def faded(weights: Floats) -> tuple[Floats, Floats]:
    """For nodes with barycentric coordinates ``weights`` on an edge or face: the point there they follow, and how much.

    What the cell misses is shared equally; the factor is the bubble at the node over the bubble at the foot, so
    that the part of degree k of a displacement is extended as a polynomial of degree k (Szabo and Babuska 1991,
    section 6).
    """
    feet = weights + (1.0 - weights.sum(axis=1, keepdims=True)) / weights.shape[1]
    bubble = feet.prod(axis=1)
    inner = bubble > 1e-14
    fade = np.where(inner, weights.prod(axis=1) / np.where(inner, bubble, 1.0), 0.0)
    return feet, fade


def bent_edges(triangulation: Triangulation, cells: Integers, weights: Floats) -> Bends:
    """What moves those edges of the ``cells`` that follow a surface, for nodes with barycentric ``weights`` (n, s)."""
    count, dimension = len(triangulation.points), triangulation.dimension
    feet = _feet_of(weights, 2)
    wanted = np.concatenate(
        [vertex_keys(cells[:, list(pair)], count) for pair in combinations(range(dimension + 1), 2)]
    )
    keys, steps = [], []
    for surface, pairs in curved_edges(triangulation):
        pairs = np.sort(pairs, axis=1)
        own = vertex_keys(pairs, count)
        used = np.isin(own, wanted)
        keys.append(own[used])
        steps.append(_towards(surface, triangulation.points[pairs[used]], feet))
    if not keys:
        return Bends(np.zeros(0, dtype=np.int64), feet, np.zeros((0, len(feet), dimension)))
    order = np.argsort(np.concatenate(keys), kind="stable")
    return Bends(np.concatenate(keys)[order], feet, np.concatenate(steps)[order])


def bent_faces(triangulation: Triangulation, cells: Integers, weights: Floats, edges: Bends) -> Bends:
    """What moves the faces of the ``cells`` that follow a surface, beyond what their ``edges`` do.

    A face is carried onto its surface from where its edges have brought it, so that it lies there whatever else its
    edges follow.
    """
    count, facets = len(triangulation.points), triangulation.facets
    feet = _feet_of(weights, 3)
    wanted = np.concatenate([vertex_keys(cells[:, list(face)], count) for face in combinations(range(4), 3)])
    curved = np.flatnonzero(facets.surface >= 0)
    keys, first = np.unique(vertex_keys(facets.vertices[curved], count), return_index=True)
    used = np.isin(keys, wanted)
    keys, curved = keys[used], curved[first[used]]
    faces = np.sort(facets.vertices[curved], axis=1)
    corners = triangulation.points[faces]
    moved = np.zeros((len(faces), len(feet), 3))
    for pair in combinations(range(3), 2):
        own = faces[:, list(pair)]
        hit, rows = edges.known(vertex_keys(own, count))
        if len(hit):
            along, fade = faded(feet[:, list(pair)])
            moved[hit] += edges.at(rows, own[hit], along) * fade[:, None]
    steps = np.zeros_like(moved)
    for number, surface in enumerate(triangulation.surfaces):
        here = np.flatnonzero(facets.surface[curved] == number)
        if not len(here):
            continue
        if hasattr(surface, "follow"):
            steps[here] = _towards(surface, corners[here], feet) - moved[here]
        else:
            start = np.einsum("nk,ckd->cnd", feet, corners[here]) + moved[here]
            steps[here] = _projected(surface, start) - start
    return Bends(keys, feet, steps)


def _feet_of(weights: Floats, size: int) -> Floats:
    """The points of an edge or face that any node follows, each once, inner ones only."""
    every = []
    for local in combinations(range(weights.shape[1]), size):
        feet, fade = faded(weights[:, list(local)])
        every += [feet[fade > 0.0][:, list(way)] for way in permutations(range(size))]
    feet = np.concatenate(every)
    return np.asarray(feet[np.unique(np.round(feet, DIGITS), axis=0, return_index=True)[1]])


def _towards(surface: Any, corners: Floats, feet: Floats) -> Floats:
    """Step from points of straight edges or faces, (k, n, dim), onto the surface.

    A surface that knows by itself how to ``follow`` its parts, as that of a curved mesh file does, is not projected on.
    """
    points = np.einsum("nk,ckd->cnd", feet, corners)
    if not points.size:
        return points
    if hasattr(surface, "follow"):
        return np.asarray(surface.follow(corners, feet) - points)
    return np.asarray(_projected(surface, points) - points)


def _projected(surface: Any, points: Floats) -> Floats:
    return np.asarray(surface.project(points.reshape(-1, points.shape[2]).T).T.reshape(points.shape))
