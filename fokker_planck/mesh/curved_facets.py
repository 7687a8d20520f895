"""The curved boundary of a mesh file: x(u) = sum_k c_k u^k on every facet, a polynomial in its parameters u.

A mesh of second or higher order gives the boundary itself, not a surface that it approximates.  A part of a facet is
followed through the parameters of its corners, so that finer meshes have the very same boundary.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from itertools import product
from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

SAMPLES = 5
"""Points on an edge of a facet from which the nearest facets are found: parameters are then a step of Newton away."""
CANDIDATES = 8
"""Facets among which that of a point or an edge is looked for; six and more meet at a vertex in space."""
MOST_STEPS = 50
"""Of Newton, who needs five; a point nearly as far as the centre of curvature gains only that quotient in a step."""
CONVEX = 0.1
"""Of the squared lengths of tangents: with less left of them by curvature, steps are those of Gauss and Newton."""
SETTLED = 1e-13
"""A step of the parameters after which they are known to rounding."""
SLACK = 1e-9
"""Of the extent of the mesh: a point as near as this to a facet still lies in the domain, as in straight cells."""


ON_EDGE = 1e-9
"""Of the parameters of a facet: a foot as near as this to its rim is where several facets meet."""


@dataclass(frozen=True)
class Meeting:
    """Points near facets, by their ``numbers`` (m,): the ``feet`` (m, dim), normals and ways beyond, in if negative.

    ``smooth`` (m,) tells whether the foot is inside of one facet.
    """

    numbers: Integers
    feet: Floats
    outward: Floats
    beyond: Floats
    smooth: Booleans


@dataclass(frozen=True)
class CurvedFacets:
    """Facets with ``vertices`` (k, dim), numbers of points of the mesh, and ``coefficients`` (k, powers, dim).

    ``inner`` (k, dim) is a point of the cell that each facet belongs to.

    >>> bow = curved_facets(np.array([[0, 1]]), np.array([[[-1.0, 0.0], [1.0, 0.0], [0.0, 0.5]]]), [[0.0, -1.0]], 2)
    >>> bow.project(np.array([[0.0], [3.0]])).ravel().round(12).tolist()
    [0.0, 0.5]
    >>> bow.outside(np.array([[0.0, 0.0], [0.49, 0.51]])).tolist()
    [False, True]
    """

    vertices: Integers
    coefficients: Floats
    inner: Floats
    order: int

    def __len__(self) -> int:
        return len(self.vertices)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.coefficients.shape[2])

    def follow(self, corners: Floats, weights: Floats) -> Floats:
        """Points (m, n, dim) of parts of facets, from their ``corners`` (m, s, dim) and barycentric ``weights`` (n, s).

        Parameters are interpolated between the corners, so that what two parts share they map alike.
        """
        count, size, dimension = corners.shape
        part, facets, _ = self._candidates(corners.mean(axis=1))
        starts = self._nearest_samples(facets, corners[part])
        parameters = np.empty((len(part), size, dimension - 1))
        distance = np.zeros(len(part))
        for corner in range(size):
            place = corners[part, corner]
            parameters[:, corner] = self._parameters(facets, place, starts[:, corner])
            distance += np.linalg.norm(self.at(facets, parameters[:, corner]) - place, axis=1)
        best = _least_of_each(part, distance)
        inner = np.einsum("ns,msd->mnd", weights, parameters[best])
        owner = np.repeat(facets[best], len(weights))
        return self.at(owner, inner.reshape(-1, dimension - 1)).reshape(count, len(weights), dimension)

    def project(self, x: Floats) -> Floats:
        """The nearest point of the facets for each of the points (dim, n)."""
        return self._feet(np.asarray(x, dtype=float).T)[2].T

    def outside(self, x: Floats, slack: float = SLACK) -> Booleans:
        """Which of the points (dim, n) lie beyond the facet nearest to them, seen from its cell, by more than slack."""
        points = np.asarray(x, dtype=float).T
        facets, parameters, feet = self._feet(points)
        return np.asarray(((points - feet) * self._outward(facets, parameters)).sum(axis=1) > slack * self._size)

    def near(self, x: Floats, distance: float) -> Integers:
        """Numbers of those of the points (dim, n) that are at most this far from the facets."""
        return self.meeting(x, distance).numbers

    def meeting(self, x: Floats, distance: float) -> Meeting:
        """The same, and where on which facets they are nearest."""
        points = np.asarray(x, dtype=float).T
        finite = np.flatnonzero(np.isfinite(points).all(axis=1))
        roughly = finite[self._samples[0].query(points[finite])[0] <= distance + self._spacing]
        facets, parameters, feet = self._feet(points[roughly])
        near = np.linalg.norm(points[roughly] - feet, axis=1) <= distance
        parameters, feet, numbers = parameters[near], feet[near], roughly[near]
        outward = self._outward(facets[near], parameters)
        beyond = ((points[numbers] - feet) * outward).sum(axis=1)
        inside = (parameters > ON_EDGE).all(axis=1) & (parameters.sum(axis=1) < 1.0 - ON_EDGE)
        return Meeting(numbers, feet, outward, beyond, inside)

    @cached_property
    def _spacing(self) -> float:
        """The longest edge of a facet, over the parts that samples make of it."""
        samples = self.at_all(_lattice(self.dimension - 1, SAMPLES))
        return float(np.max(np.linalg.norm(samples - samples[:, :1], axis=2))) / (SAMPLES - 1)

    @cached_property
    def deepest(self) -> float:
        """How far facets are from the straight ones on their vertices."""
        samples = _lattice(self.dimension - 1, SAMPLES)
        straight = np.concatenate([1.0 - samples.sum(axis=1, keepdims=True), samples], axis=1)
        ends = self.at_all(np.concatenate([np.zeros((1, self.dimension - 1)), np.eye(self.dimension - 1)]))
        return float(np.max(np.linalg.norm(self.at_all(samples) - straight @ ends, axis=2)))

    @property
    def spread(self) -> Floats:
        """Points all over the facets, (n, dim)."""
        return self.at_all(_lattice(self.dimension - 1, 4 * SAMPLES)).reshape(-1, self.dimension)

    def at(self, facets: Integers, parameters: Floats) -> Floats:
        """The points (n, dim) with the given parameters (n, dim - 1) on the given facets (n,)."""
        return np.asarray(np.einsum("np,npd->nd", _monomials(parameters, self.order), self.coefficients[facets]))

    def at_all(self, parameters: Floats) -> Floats:
        """Points of every facet, (k, n, dim)."""
        return np.asarray(_monomials(parameters, self.order) @ self.coefficients)

    @property
    def slack(self) -> float:
        """How far beyond a facet a point still lies in the domain."""
        return SLACK * self._size

    @cached_property
    def _size(self) -> float:
        return float(np.max(np.ptp(self.at_all(_lattice(self.dimension - 1, 2)), axis=(0, 1))))

    @cached_property
    def _samples(self) -> tuple[Any, Integers]:
        from scipy.spatial import cKDTree

        points = self.at_all(_lattice(self.dimension - 1, SAMPLES))
        return cKDTree(points.reshape(-1, self.dimension)), np.repeat(np.arange(len(self)), points.shape[1])

    def _candidates(self, points: Floats) -> tuple[Integers, Integers, Floats]:
        """Pairs of a point (its number, ascending) and a facet near it, and the parameters of that facet's sample."""
        tree, owner = self._samples
        count = min(CANDIDATES * 2, len(owner))
        sample = tree.query(points, k=count)[1].reshape(len(points), count)
        facets = owner[sample]
        order = np.argsort(facets, axis=1, kind="stable")
        ordered = np.take_along_axis(facets, order, axis=1)
        fresh = np.ones(ordered.shape, dtype=bool)
        fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        starts = _lattice(self.dimension - 1, SAMPLES)
        nearest = np.take_along_axis(sample, order, axis=1)[fresh] % len(starts)
        return np.nonzero(fresh)[0], ordered[fresh], starts[nearest]

    def _nearest_samples(self, facets: Integers, points: Floats) -> Floats:
        """Parameters of the sample of its facet that is nearest to each of the points (n, s, dim)."""
        starts = _lattice(self.dimension - 1, SAMPLES)
        samples = self.at_all(starts)[facets]
        distance = np.linalg.norm(samples[:, None] - points[:, :, None], axis=3)
        return np.asarray(starts[np.argmin(distance, axis=2)])

    def _parameters(self, facets: Integers, points: Floats, start: Floats) -> Floats:
        """Parameters of the point of the (extended) facet that is nearest to each point, (n, dim - 1)."""
        parameters = np.array(start)
        moving = np.arange(len(points))
        for _ in range(MOST_STEPS):
            own = facets[moving]
            residual = points[moving] - self.at(own, parameters[moving])
            bend = np.einsum("nd,nsd->ns", residual, self._second_derivatives(own, parameters[moving]))
            step = np.clip(_newton_step(self._tangents(own, parameters[moving]), residual, bend), -0.5, 0.5)
            moved = np.clip(parameters[moving] + step, -0.5, 1.5)
            unsettled = np.abs(moved - parameters[moving]).max(axis=1) >= SETTLED
            parameters[moving] = moved
            moving = moving[unsettled]
            if not len(moving):
                break
        return parameters

    def _feet(self, points: Floats) -> tuple[Integers, Floats, Floats]:
        """Facet, parameters and place of the nearest point for each of the points (n, dim)."""
        point, facets, starts = self._candidates(points)
        parameters = _into_simplex(self._parameters(facets, points[point], starts))
        feet = self.at(facets, parameters)
        best = _least_of_each(point, np.linalg.norm(feet - points[point], axis=1))
        return facets[best], parameters[best], feet[best]

    def _tangents(self, facets: Integers, parameters: Floats) -> Floats:
        """Derivatives of the point by its parameters, (n, dim, dim - 1)."""
        slopes = [_monomials(parameters, self.order, (axis,)) for axis in range(self.dimension - 1)]
        return np.stack([np.einsum("np,npd->nd", slope, self.coefficients[facets]) for slope in slopes], axis=2)

    def _second_derivatives(self, facets: Integers, parameters: Floats) -> Floats:
        """The second derivatives of the point by its parameters, (n, 1, dim) or those by uu, uv, vv, (n, 3, dim)."""
        pairs = [(0, 0)] if self.dimension == 2 else [(0, 0), (0, 1), (1, 1)]
        bends = [_monomials(parameters, self.order, pair) for pair in pairs]
        return np.stack([np.einsum("np,npd->nd", bend, self.coefficients[facets]) for bend in bends], axis=1)

    def _outward(self, facets: Integers, parameters: Floats) -> Floats:
        tangents = self._tangents(facets, parameters)
        if self.dimension == 2:
            normals = np.stack([tangents[:, 1, 0], -tangents[:, 0, 0]], axis=1)
        else:
            normals = np.cross(tangents[:, :, 0], tangents[:, :, 1])
        normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
        inwards = ((self.inner[facets] - self.at(facets, parameters)) * normals).sum(axis=1)
        return np.asarray(np.where(inwards[:, None] > 0.0, -normals, normals))


def curved_facets(vertices: Integers, nodes: Floats, inner: Floats, order: int) -> CurvedFacets:
    """Facets through Lagrange nodes (k, n, dim): vertices first, then edge by edge, see :func:`facet_lattice`."""
    lattice = facet_lattice(nodes.shape[2], order)
    coefficients = np.linalg.solve(_monomials(lattice, order)[None], np.asarray(nodes, dtype=float))
    return CurvedFacets(np.asarray(vertices), coefficients, np.asarray(inner, dtype=float), order)


def facet_lattice(dimension: int, order: int) -> Floats:
    """Parameters of the nodes of a facet: a, b and from a to b between them; a, b, c and the middles ab, bc, ca.

    >>> facet_lattice(2, 3).ravel().round(3).tolist()
    [0.0, 1.0, 0.333, 0.667]
    """
    if dimension == 2:
        return np.concatenate([[0.0, 1.0], np.arange(1, order) / order])[:, None]
    return np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.5]])


def _lattice(dimension: int, count: int) -> Floats:
    """Evenly spread parameters on the reference facet."""
    steps = np.linspace(0.0, 1.0, count)
    return np.array([point for point in product(steps, repeat=dimension) if sum(point) <= 1.0 + 1e-12])


@lru_cache
def _powers(dimension: int, order: int) -> list[tuple[int, ...]]:
    return sorted(
        (e for e in product(range(order + 1), repeat=dimension) if sum(e) <= order), key=lambda e: (sum(e), e)
    )


def _monomials(parameters: Floats, order: int, axes: tuple[int, ...] = ()) -> Floats:
    """u^k for all powers, (n, powers), or their derivatives by one parameter after another."""
    table = np.ones((order + 1, *parameters.shape))
    for power in range(1, order + 1):
        table[power] = table[power - 1] * parameters
    powers = _powers(parameters.shape[1], order)
    columns = np.ones((len(parameters), len(powers)))
    for column, exponents in enumerate(powers):
        left, factor = list(exponents), 1
        for axis in axes:
            factor *= left[axis]
            left[axis] = max(left[axis] - 1, 0)
        for i, exponent in enumerate(left):
            if exponent:
                columns[:, column] *= table[exponent, :, i]
        if factor != 1:
            columns[:, column] *= factor
    return columns


def _newton_step(tangents: Floats, residual: Floats, bend: Floats) -> Floats:
    """The step (n, s) to where the residual (n, dim) is normal to the facet with these tangents (n, dim, s).

    ``bend`` are its products with the second derivatives; they are left out, which is the method of Gauss and Newton,
    where they would turn the least distance into another extremum.
    """
    right = np.einsum("nds,nd->ns", tangents, residual)
    first = (tangents[:, :, 0] ** 2).sum(axis=1)
    if tangents.shape[2] == 1:
        whole = first - bend[:, 0]
        return np.asarray(right / np.where(whole > CONVEX * first, whole, first)[:, None])
    mixed = (tangents[:, :, 0] * tangents[:, :, 1]).sum(axis=1)
    second = (tangents[:, :, 1] ** 2).sum(axis=1)
    plain = first * second - mixed**2
    a, b, c = first - bend[:, 0], mixed - bend[:, 1], second - bend[:, 2]
    convex = (a > CONVEX * first) & (c > CONVEX * second) & (a * c - b * b > CONVEX * plain)
    a, b, c = np.where(convex, a, first), np.where(convex, b, mixed), np.where(convex, c, second)
    step = [c * right[:, 0] - b * right[:, 1], a * right[:, 1] - b * right[:, 0]]
    return np.stack(step, axis=1) / (a * c - b**2)[:, None]


def _least_of_each(group: Integers, value: Floats) -> Integers:
    """Where each group, numbered from zero and ascending, has its least value."""
    order = np.lexsort((value, group))
    first = np.ones(len(group), dtype=bool)
    first[1:] = group[1:] != group[:-1]
    return np.asarray(order[first])


def _into_simplex(parameters: Floats) -> Floats:
    """Parameters moved into the reference facet."""
    clipped = np.clip(parameters, 0.0, 1.0)
    return np.asarray(clipped / np.maximum(clipped.sum(axis=1, keepdims=True), 1.0))
