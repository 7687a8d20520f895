"""The straight walls of a mesh: the nearest point of its outer facets."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations, product
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.checks import outer_facets
from fokker_planck.mesh.simplices import rows_among
from fokker_planck.quantity.light_dataclasses import dataclass

MOST_PARTS = {2: 64, 3: 12}
"""Parts of an edge of a facet, of which the nearest are looked up: facets up to so many times the least are found."""
CANDIDATES = {2: 6, 3: 16}
"""Nearest parts whose facets are tried: those of equal size that are met within that size around a point of a wall."""

COINCIDING = 1e-9
"""In extents of the mesh: facets whose middles are as near as that lie at one place."""


@dataclass(frozen=True)
class Walls:
    """Straight facets given by their ``corners`` (k, dim, dim), dim = 2 or 3.

    >>> square = Walls(np.array([[[0.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 1.0]]]))
    >>> square.nearest(np.array([[0.25, 2.0], [-3.0, 2.0]])).T.tolist()
    [[0.25, 0.0], [1.0, 1.0]]
    """

    corners: Floats

    def nearest(self, x: Floats) -> Floats:
        """The nearest point of the facets for each of the points (dim, n)."""
        points = np.asarray(x, dtype=float).T
        tree, owner = self._parts
        count = min(CANDIDATES[points.shape[1]], len(owner))
        candidates = np.sort(owner[tree.query(points, k=count)[1].reshape(len(points), count)], axis=1)
        fresh = np.ones(candidates.shape, dtype=bool)
        fresh[:, 1:] = candidates[:, 1:] != candidates[:, :-1]
        point, facet = np.nonzero(fresh)[0], candidates[fresh]
        if points.shape[1] == 2:
            feet = _nearest_in_segments(points[point], self.corners[facet, 0], self.corners[facet, 1])
        else:
            feet = self._nearest_in_triangles(points[point], facet, point)
        away = ((feet - points[point]) ** 2).sum(axis=1)
        order = np.lexsort((away, point))
        first = np.cumsum(fresh.sum(axis=1)) - fresh.sum(axis=1)
        return np.asarray(feet[order[first]].T)

    def _nearest_in_triangles(self, points: Floats, facet: Integers, owner: Integers) -> Floats:
        """The nearest point of a triangle to each of the points (n, 3), or one of no use where another is nearer.

        Edges are looked at where the foot in the plane is outside of the triangle, and that plane is nearer than every
        foot inside of a triangle found for the same ``owner`` (n,).
        """
        corner = self.corners[facet, 0]
        weights = np.einsum("nij,nj->ni", self._to_weights[facet], points - corner)
        feet = corner + np.einsum("ni,nid->nd", weights, self.corners[facet, 1:] - corner[:, None])
        away = np.linalg.norm(feet - points, axis=1)
        beyond = (weights < 0.0).any(axis=1) | (weights.sum(axis=1) > 1.0)
        least = np.full(int(owner.max(initial=0)) + 1, np.inf)
        np.minimum.at(least, owner[~beyond], away[~beyond])
        feet[beyond] = np.inf
        some = np.flatnonzero(beyond & (away < least[owner]))
        nearest = np.full(len(some), np.inf)
        for first, second in self._edges:
            edge = _nearest_in_segments(
                points[some], self.corners[facet[some], first], self.corners[facet[some], second]
            )
            distance = np.linalg.norm(edge - points[some], axis=1)
            nearer = distance < nearest
            feet[some[nearer]], nearest[nearer] = edge[nearer], distance[nearer]
        return np.asarray(feet)

    @cached_property
    def _to_weights(self) -> Floats:
        """What gives the weights of two edges from an offset: their pseudo-inverses, (k, 2, 3)."""
        return np.asarray(np.linalg.pinv(np.swapaxes(self.corners[:, 1:] - self.corners[:, :1], 1, 2)))

    @cached_property
    def _parts(self) -> tuple[Any, Integers]:
        from scipy.spatial import cKDTree

        dimension = self.corners.shape[2]
        size = np.max([np.linalg.norm(self.corners[:, i] - self.corners[:, j], axis=1) for i, j in self._edges], axis=0)
        parts = np.clip(np.ceil(size / size.min()), 1, MOST_PARTS[dimension]).astype(int)
        places, owners = [], []
        for count in np.unique(parts):
            some = np.flatnonzero(parts == count)
            steps = np.array([e for e in product(range(count), repeat=dimension - 1) if sum(e) < count])
            weights = (steps + 1.0 / dimension) / count
            weights = np.concatenate([1.0 - weights.sum(axis=1, keepdims=True), weights], axis=1)
            places.append((weights @ self.corners[some]).reshape(-1, dimension))
            owners.append(np.repeat(some, len(weights)))
        return cKDTree(np.concatenate(places)), np.concatenate(owners)

    @property
    def _edges(self) -> list[tuple[int, int]]:
        return list(combinations(range(self.corners.shape[1]), 2))


def walls_of(points: Floats, cells: Integers, except_for: Integers | None = None) -> Walls | None:
    """The outer facets of a mesh but for those of the vertices ``except_for`` (k, dim); None where there are none."""
    facets = outer_facets(cells)
    if except_for is not None and len(except_for):
        facets = facets[~rows_among(facets, except_for)]
    return Walls(points[facets]) if len(facets) else None


def slit_facets(domain: object) -> Integers:
    """Vertices (k, dim) of the outer facets of a mesh that lie where others do: the two sides of slits."""
    data = getattr(domain, "data", None)
    if data is None or data.dimension == 1:
        return np.zeros((0, 2), dtype=np.int64)
    facets = outer_facets(data.cells)
    middles = data.points[facets].mean(axis=1)
    places = np.round((middles - data.points.min(axis=0)) / (COINCIDING * np.max(np.ptp(data.points, axis=0))))
    _, number, count = np.unique(places, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(facets[count[number.ravel()] > 1])


def refuse_slits(domain: object, question: str) -> None:
    """Raise :class:`ProblemError` where two outer facets of a mesh file lie at one place.

    Which side of a slit a point is on is not seen from its place, so that a flow would cross it.
    """
    again = len(slit_facets(domain))
    if again:
        wanted = f"for {question} a narrow notch instead, since wells are found by a flow, which would cross the slit"
        raise ProblemError("domain.file", f"a slit of {again // 2} facets whose sides share their places", wanted)


def _nearest_in_segments(points: Floats, first: Floats, second: Floats) -> Floats:
    """The nearest point of a segment, given by its ends (n, dim), to each of the points (n, dim)."""
    way = second - first
    along = ((points - first) * way).sum(axis=1) / (way**2).sum(axis=1)
    return np.asarray(first + np.clip(along, 0.0, 1.0)[:, None] * way)
