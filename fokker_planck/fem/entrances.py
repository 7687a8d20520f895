"""Through which part of its surface a process enters a set, where noise vanishes in some direction.

The surface of an absorbing set has three parts (Fichera 1956), with the normal n pointing into the set:

    noise crosses it, n . D n > 0:          u = 0 there, and so is the left function;
    it does not, but c . n > 0:             the process is carried in; u = 0, while the left function is not zero;
    it does not, and c . n <= 0:            the process only leaves; u jumps, and there is no condition on it.

On the second part u = 0 is asked for by a term of the form, a(u, v) + int e^-psi (c . n) u v: were v zero there, the
left functions would have a layer that no mesh resolves (a mean time of the quartic well right to 1e-2 with 700,000
unknowns).  The unknowns of both parts without noise are free, and what is inside of the set has no part in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.coinciding_walls import wall_facets
from fokker_planck.fem.discretization import Discretization, unknowns_in, unknowns_on_facets
from fokker_planck.fem.generator import NO_NOISE, Generator, make_constant_exact
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulation import interface_facets, row_numbers
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import barycentric


@dataclass(frozen=True)
class Entrance:
    """A set as the process meets it: the unknowns ``absorbed`` (N,), and the facets, (k, dim) vertices, without noise.

    ``carried`` are those through which the process is carried in.
    """

    absorbed: Booleans
    without_noise: Integers
    carried: Integers


def entrance(discretization: Discretization, name: str, region: Any, process: Weighting) -> Entrance:
    """How a process enters a set that the mesh is fitted to.

    Raises ProblemError where a wall without noise coincides with the set: there is no inside that it could enter.
    """
    triangulation = discretization.triangulation
    absorbed = unknowns_in(discretization, name, region)
    inside = triangulation.regions[name]
    facets = interface_facets(triangulation.cells, triangulation.vertex_class, inside)
    nothing = facets[:0]
    walls = wall_facets(triangulation, name)
    if len(walls) and not _noisy(triangulation.points[walls], region, process).all():
        found = "a set without an inside, on a wall that noise does not cross"
        raise ProblemError("exit.target", found, "a set that has an inside, in a domain that reaches into it")
    noisy = _noisy(triangulation.points[facets], region, process)
    if noisy.all():
        return Entrance(absorbed, nothing, nothing)
    quiet = facets[~noisy]
    left = unknowns_on_facets(discretization, quiet)
    if noisy.any():
        left &= ~unknowns_on_facets(discretization, facets[noisy])
    middle = triangulation.points[quiet].mean(axis=1).T
    flux = _flux(middle, region, process)
    return Entrance(absorbed & ~left, quiet, quiet[flux > 0.0])


def _samples(corners: Floats) -> Floats:
    """Corners and inner points of facets (k, dim, dim), (k, n, dim)."""
    middle = corners.mean(axis=1, keepdims=True)
    return np.concatenate([corners, 0.5 * (corners + middle), middle], axis=1)


def _normal(points: Floats, region: Any) -> Floats:
    slope = np.asarray(region.gradient(points))
    return slope / np.maximum(np.linalg.norm(slope, axis=0), 1e-300)


def _noisy(corners: Floats, region: Any, process: Weighting) -> Booleans:
    """Whether noise crosses a facet anywhere, (k,)."""
    samples = _samples(corners)
    points = np.asarray(region.project(samples.reshape(-1, samples.shape[2]).T))
    normal, tensor = _normal(points, region), np.asarray(process.diffusion.tensor(points))
    across = np.einsum("in,ijn,jn->n", normal, tensor, normal) > NO_NOISE * np.einsum("iin->n", tensor)
    return np.asarray(across.reshape(samples.shape[:2]).any(axis=1))


def _flux(points: Floats, region: Any, process: Weighting) -> Floats:
    """c . n at points (dim, n) of the surface, (n,)."""
    velocity = process.velocity(points)
    return np.zeros(points.shape[1]) if velocity is None else (velocity * _normal(points, region)).sum(axis=0)


def entering(generator: Generator, name: str, region: Any, process: Weighting, through: Entrance) -> Generator:
    """The generator of the process that is stopped in a set, as far as it lies outside.

    Where noise crosses all of the surface that is the same one.  Else the cells inside have no part in it, but that
    those behind a facet through which the process is carried hold the term of that facet, between its unknowns and one
    inside.
    """
    if not len(through.without_noise):
        return generator
    discretization = generator.discretization
    inside = discretization.triangulation.regions[name][discretization.cells]
    stiffness, mass = generator.stiffness.copy(), generator.mass.copy()
    stiffness[inside] = mass[inside] = 0.0
    vertices, dimension = discretization.vertices, discretization.triangulation.dimension
    for opposite in range(dimension + 1):
        rows = np.sort(np.delete(vertices, opposite, axis=1), axis=1)
        number = row_numbers(np.concatenate([np.sort(through.carried, axis=1), rows]))
        behind = np.flatnonzero(inside & np.isin(number[len(through.carried) :], number[: len(through.carried)]))
        if len(behind):
            stiffness[behind] += _facet_terms(generator, behind, opposite, region, process)
    local = generator.exponent[discretization.dofs]
    part = stiffness[inside]
    make_constant_exact(part, local[inside])
    stiffness[inside] = part
    return replace(generator, stiffness=stiffness, mass=mass)


def _facet_terms(generator: Generator, cells: Integers, opposite: int, region: Any, process: Weighting) -> Floats:
    """int e^-psi (c . n) u v over the facets opposite to one vertex, as matrices of their cells (m, n, n), scaled."""
    discretization = generator.discretization
    dimension, degree = discretization.triangulation.dimension, discretization.degree
    corners = discretization.corners[cells]
    reference, weights = _dolfinx.quadrature_points(dimension - 1, discretization.rule)
    coordinates = barycentric(reference)
    whole = np.insert(coordinates, opposite, 0.0, axis=1)
    values = _dolfinx.tabulate_lagrange(dimension, degree, whole[:, 1:])[0]
    points = whole @ corners
    facets = np.delete(corners, opposite, axis=1)
    edges = facets[:, 1:] - facets[:, :1]
    area = np.sqrt(np.linalg.det(edges @ np.swapaxes(edges, 1, 2)))
    flat = points.reshape(-1, dimension).T
    flux = np.maximum(_flux(flat, region, process), 0.0).reshape(points.shape[:2])
    local = generator.exponent[discretization.dofs[cells]]
    lowest = local.min(axis=1, keepdims=True)
    density = np.exp(lowest - np.asarray(process.value(flat)).reshape(flux.shape))
    amount = flux * density * weights * area[:, None]
    terms = np.einsum("qi,cq,qj->cij", values, amount, values, optimize=True)
    # to an unknown inside: the one farthest from the facet
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    distance = np.concatenate([1.0 - nodes.sum(axis=1, keepdims=True), nodes], axis=1)[:, opposite]
    terms[:, :, int(np.argmax(distance))] -= terms.sum(axis=2)
    scale = np.exp(0.5 * (local - lowest))
    return np.asarray(terms * scale[:, :, None] * scale[:, None, :])


def outside_only(values: Floats, discretization: Discretization, name: str) -> Floats:
    """Values by cell, (cells, n), with zero in those inside of a set."""
    inside = discretization.triangulation.regions[name][discretization.cells]
    return np.where(inside[:, None], 0.0, values)
