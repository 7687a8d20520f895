"""How far curved facets lie from the surfaces that they follow, and what that makes of a function small at one of them.

A facet is a polynomial of the degree of the map, whatever the degree of the elements, so that no two degrees show where
it is off.  Of a function u that vanishes on a surface and is asked for at a point at the distance d from it, an offset
delta of the surface changes

    du / u = int delta K dS,      K = 1 / (c r^dim),  c = pi in the plane and 2 pi in space,

by the kernel of Poisson of a half-space over d, r being the distance from the point, all in the metric of D^-1: next to
nothing where r is that of a cell, since interpolation at the nodes of Gauss and Lobatto is off to both sides alike, and
delta / d where a facet is much larger than d.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.triangulations.curving import DEGREE, curved_cells
from fokker_planck.fem.triangulations.fitting import ON_SURFACE
from fokker_planck.fem.triangulations.triangulation import Triangulation, interface_facets, longest_edges, row_numbers
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass

RULE = {2: 31, 3: 14}
"""Degree of the quadrature on a facet: 16 points in the plane integrate the kernel from a quarter of a facet's length
off to 1e-6; in space 42 points, to 1e-2, which is enough for a bound."""
NEAR = 0.25
"""Of the size of a facet, the distance from which on its kernel is integrated: nearer it is bounded, by its whole."""
BETWEEN = 0.2
"""Of the size of a facet, within which every point of it lies from one at which it is looked at."""
MOST = 400
"""Facets, the nearest ones: the share of others falls by the power dim of their distance."""


@dataclass(frozen=True)
class SeenFacets:
    """Curved facets seen from a point: their ``cells`` (k,), the ``shares`` (k,) of u that their offsets are.

    ``distance`` is that of the point from the surface, not in the metric; infinite where there is no facet.
    """

    cells: Integers
    shares: Floats
    distance: float


def seen_facets(triangulation: Triangulation, facets: Integers, point: Floats, metric: Floats) -> SeenFacets:
    """Those nearest to the ``point`` (dim,) of some ``facets`` (k,), whose surfaces are known by a level.

    ``metric`` (dim, dim) is a root S of D = S S^T at the point.
    """
    known = triangulation.facets
    facets = facets[[_has_level(triangulation.surfaces[number]) for number in known.surface[facets]]]
    away = triangulation.points[known.vertices[facets]] - point
    facets = facets[np.argsort((away**2).sum(axis=2).min(axis=1), kind="stable")[:MOST]]
    facets, cells, opposite = _held_by(triangulation, facets)
    if not len(facets):
        return SeenFacets(cells, np.zeros(0), np.inf)
    reference, weights = _dolfinx.quadrature_points(triangulation.dimension - 1, RULE[triangulation.dimension])
    points = _on_facets(triangulation, cells, opposite, barycentric(reference))
    offsets, feet = np.zeros(points.shape[:2]), []
    for number in np.unique(known.surface[facets]):
        surface, own = triangulation.surfaces[number], known.surface[facets] == number
        offsets[own] = _distance(surface, points[own].reshape(-1, len(point)).T, metric).reshape(own.sum(), -1)
        feet.append([abs(_distance(surface, point[:, None], of)[0]) for of in (metric, np.eye(len(point)))])
    corners = np.linalg.solve(metric, (triangulation.points[known.vertices[facets]] - point).swapaxes(1, 2))
    places = np.linalg.solve(metric, (points - point).swapaxes(1, 2)).swapaxes(1, 2)
    foot, plain = np.array(feet).min(axis=0)
    shares, near = _shares(offsets, np.linalg.norm(places, axis=2), corners.swapaxes(1, 2), weights, float(foot))
    beside = float(np.linalg.norm(points - point, axis=2).min())
    return SeenFacets(cells, shares, min(beside, float(plain)) if near else beside)


def _has_level(surface: Any) -> bool:
    """Whether it is a surface that facets approximate, not one that they are, as those of a mesh file."""
    return hasattr(surface, "level") and not hasattr(surface, "follow")


def _distance(surface: Any, x: Floats, metric: Floats) -> Floats:
    """g / |S^T grad g| at points (dim, n)."""
    slope = np.linalg.norm(metric.T @ surface.gradient(x), axis=0)
    return np.asarray(surface.level(x) / np.maximum(slope, 1e-300))


def _shares(offsets: Floats, distances: Floats, corners: Floats, weights: Floats, foot: float) -> tuple[Floats, bool]:
    """The share of u of every facet, (k,), by ``offsets`` and ``distances`` (k, n) of its points; whether any is near.

    ``foot`` is the distance from the surface to first order, which counts where a facet is near.
    """
    size, dimension = longest_edges(corners), corners.shape[2]
    nearest = distances.min(axis=1)
    kernel = 1.0 / ((np.pi if dimension == 2 else 2.0 * np.pi) * distances**dimension)
    far = np.abs((offsets * kernel * (_areas(corners)[:, None] * weights)).sum(axis=1))
    foot = min(foot, float(nearest.min()))
    radius = np.maximum(nearest - BETWEEN * size, foot)
    with np.errstate(divide="ignore"):
        most = np.minimum(np.float64(1.0) / foot, size ** (dimension - 1) / radius**dimension)
    near = nearest < NEAR * size
    return np.where(near, np.abs(offsets).max(axis=1) * most, far), bool(near.any())


def _areas(corners: Floats) -> Floats:
    """Of straight facets (k, dim, dim) over that of the reference facet: lengths, or twice areas of triangles."""
    sides = corners[:, 1:] - corners[:, :1]
    return np.asarray(np.sqrt(np.linalg.det(sides @ sides.swapaxes(1, 2))))


def _held_by(triangulation: Triangulation, facets: Integers) -> tuple[Integers, Integers, Integers]:
    """The facets that are those of a cell, one such cell of each, and its local vertex opposite to the facet."""
    cells, wanted = np.sort(triangulation.cells, axis=1), np.sort(triangulation.facets.vertices[facets], axis=1)
    near = np.flatnonzero(np.isin(cells, wanted).sum(axis=1) >= wanted.shape[1])
    size = cells.shape[1]
    rows = np.concatenate([wanted, *(np.delete(cells[near], opposite, axis=1) for opposite in range(size))])
    number = row_numbers(rows)
    found, first = np.unique(number[len(wanted) :], return_index=True)
    place = np.searchsorted(found, number[: len(wanted)])
    held = np.append(found, -1)[place] == number[: len(wanted)]
    row = first[place[held]]
    return facets[held], near[row % len(near)] if len(near) else row, row // max(len(near), 1)


def _on_facets(triangulation: Triangulation, cells: Integers, opposite: Integers, weights: Floats) -> Floats:
    """Points (k, n, dim) of curved facets, by the cell of each and its vertex opposite; ``weights`` (n, dim)."""
    dimension = triangulation.dimension
    own, which = np.unique(cells, return_inverse=True)
    vertices = np.sort(triangulation.cells[own], axis=1)
    curved = curved_cells(triangulation, vertices, _dolfinx.lagrange_nodes(dimension, DEGREE))
    row = np.full(len(own), -1)
    row[curved.cells] = np.arange(len(curved.cells))
    points = np.zeros((len(cells), len(weights), dimension))
    for local in range(dimension + 1):
        here = np.flatnonzero(opposite == local)
        coordinates = np.insert(weights, local, 0.0, axis=1)
        basis = _dolfinx.tabulate_lagrange(dimension, DEGREE, np.ascontiguousarray(coordinates[:, 1:]))[0]
        points[here] = basis @ curved.nodes[row[which[here]]]
    return points


def absorbing_facets(triangulation: Triangulation, name: str, goal: Any) -> Integers:
    """Numbers of the curved facets on the surface of a ``goal``, a set with its ``name`` in the mesh, or "boundary".

    Those around its cells, and those at whose vertices its level vanishes: the cells may have been cut away.
    """
    facets = triangulation.facets
    curved = facets.surface >= 0
    if isinstance(goal, str):
        return np.flatnonzero(curved & facets.boundary)
    around = np.zeros(len(facets), dtype=bool)
    if name in triangulation.regions and len(facets):
        rim = interface_facets(triangulation.cells, triangulation.vertex_class, triangulation.regions[name])
        number = row_numbers(np.sort(np.concatenate([facets.vertices, rim]), axis=1))
        around = np.isin(number[: len(facets)], number[len(facets) :])
    if _has_level(goal):
        x = triangulation.points.T
        away = np.abs(goal.level(x)) / np.maximum(np.linalg.norm(goal.gradient(x), axis=0), 1e-300)
        around |= (away <= ON_SURFACE * float(np.ptp(x, axis=1).max()))[facets.vertices].all(axis=1)
    return np.flatnonzero(curved & around)
