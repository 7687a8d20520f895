"""Through which part of its surface a process enters a set, where noise vanishes in some direction.

The surface of an absorbing set has three parts (Fichera 1956), with the normal n pointing into the set:

    noise crosses it, n . D n > 0:          u = 0 there, and so is the left function;
    it does not, but c . n > 0:             the process is carried in; u = 0, while the left function is not zero;
    it does not, and c . n <= 0:            the process only leaves; u jumps, and there is no condition on it.

On the second part u = 0 is asked for by a term of the form, a(u, v) + int e^-psi (c . n) u v: were v zero there, the
left functions would have a layer that no mesh resolves (a mean time of the quartic well right to 1e-2 with 700,000
unknowns).  The unknowns of both parts without noise are free, and what is inside of the set has no part in them.

A set that is a state of its own, of a committor, has values inside: u = u_A there couples to the facets that the
process is carried through by -int e^-psi (c . n) v, and the left function z = rho, that of a process which comes from
the set, to those that it leaves by: -int e^-psi |c . n| rho v.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization, unknowns_in, unknowns_on_facets
from fokker_planck.fem.generator import NO_NOISE, Generator, make_constant_exact
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.fem.triangulations.coinciding_walls import wall_facets
from fokker_planck.fem.triangulations.triangulation import interface_facets, row_numbers
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class Entrance:
    """A set as the process meets it: the unknowns ``absorbed`` (N,), and the facets, (k, dim) vertices, without noise.

    ``carried`` are those through which the process is carried in, and ``left`` those by which it only leaves.
    ``grazed`` says whether the surface turns into a direction that noise does not cross.
    """

    absorbed: Booleans
    without_noise: Integers
    carried: Integers
    left: Integers
    grazed: bool

    @property
    def turns(self) -> bool:
        """Whether functions are singular at a place of the surface: entered on one side and left on the other."""
        return self.grazed or len(self.carried) > 0


def entrance(
    discretization: Discretization, name: str, region: Any, process: Weighting, key: str = "exit.target"
) -> Entrance:
    """How a process enters a set that the mesh is fitted to.

    Raises ProblemError where a wall without noise coincides with the set: there is no inside that it could enter.
    """
    triangulation = discretization.triangulation
    absorbed = unknowns_in(discretization, name, region)
    inside = triangulation.regions[name]
    facets = interface_facets(triangulation.cells, triangulation.vertex_class, inside)
    nothing = facets[:0]
    walls = wall_facets(triangulation, name)
    if len(walls) and not (_across(triangulation.points[walls], region, process) > NO_NOISE).any(axis=1).all():
        found = "a set without an inside, on a wall that noise does not cross"
        raise ProblemError(key, found, "a set that has an inside, in a domain that reaches into it")
    across = _across(triangulation.points[facets], region, process)
    noisy = (across > NO_NOISE).any(axis=1)
    grazed = bool((across[noisy] < GRAZED).any())
    if noisy.all():
        return Entrance(absorbed, nothing, nothing, nothing, grazed)
    quiet = facets[~noisy]
    free = unknowns_on_facets(discretization, quiet)
    if noisy.any():
        free &= ~unknowns_on_facets(discretization, facets[noisy])
    middle = triangulation.points[quiet].mean(axis=1).T
    flux = _flux(middle, region, process)
    return Entrance(absorbed & ~free, quiet, quiet[flux > 0.0], quiet[~(flux > 0.0)], grazed)


def _samples(corners: Floats) -> Floats:
    """Corners and inner points of facets (k, dim, dim), (k, n, dim)."""
    middle = corners.mean(axis=1, keepdims=True)
    return np.concatenate([corners, 0.5 * (corners + middle), middle], axis=1)


def _normal(points: Floats, region: Any) -> Floats:
    slope = np.asarray(region.gradient(points))
    return slope / np.maximum(np.linalg.norm(slope, axis=0), 1e-300)


GRAZED = 0.1
"""Of the trace of D, n . D n below which a surface is taken to turn into a direction without noise nearby: it is 1/2 at
45 degrees, and 0.1 at 18, which every ellipse that is not ten times longer than wide passes between vertices."""


def _across(corners: Floats, region: Any, process: Weighting) -> Floats:
    """n . D n over the trace of D at points of facets, (k, points)."""
    samples = _samples(corners)
    points = np.asarray(region.project(samples.reshape(-1, samples.shape[2]).T))
    normal, tensor = _normal(points, region), np.asarray(process.diffusion.tensor(points))
    across, trace = np.einsum("in,ijn,jn->n", normal, tensor, normal), np.einsum("iin->n", tensor)
    return np.asarray((across / np.maximum(trace, 1e-300)).reshape(samples.shape[:2]))


def _flux(points: Floats, region: Any, process: Weighting) -> Floats:
    """c . n at points (dim, n) of the surface, (n,)."""
    velocity = process.velocity(points)
    return np.zeros(points.shape[1]) if velocity is None else (velocity * _normal(points, region)).sum(axis=0)


def entering(
    generator: Generator,
    name: str,
    region: Any,
    process: Weighting,
    through: Entrance,
    rho: Floats | None = None,
) -> Generator:
    """The generator of the process that is stopped in a set, as far as it lies outside.

    Where noise crosses all of the surface that is the same one.  Else the cells inside have no part in it, but that
    those behind a facet without noise hold its term, between the unknowns of the facet and one inside, in rows or in
    columns of that; ``rho`` (N,), one if not given, is the density over its reference.
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
        for facets, sign in ((through.carried, 1.0), (through.left, -1.0)):
            number = row_numbers(np.concatenate([np.sort(facets, axis=1), rows]))
            behind = np.flatnonzero(inside & np.isin(number[len(facets) :], number[: len(facets)]))
            if len(behind):
                within = _within(discretization, behind, opposite, through.absorbed)
                terms = _facet_terms(generator, behind, opposite, _Crossing(region, process, sign))
                amount = terms.of_entered(within) if sign > 0.0 else terms.of_left(within, rho)
                stiffness[behind] += amount
    local = generator.exponent[discretization.dofs]
    part = stiffness[inside]
    make_constant_exact(part, local[inside])
    stiffness[inside] = part
    return replace(generator, stiffness=stiffness, mass=mass)


def _within(discretization: Discretization, cells: Integers, opposite: int, absorbed: Booleans) -> Integers:
    """Of every cell the unknown (m,) inside of the set that is farthest from the facet opposite to one vertex.

    That vertex itself need not be inside: a set may be one cell wide.
    """
    nodes = _dolfinx.lagrange_nodes(discretization.triangulation.dimension, discretization.degree)
    distance = barycentric(nodes)[:, opposite]
    members = absorbed[discretization.dofs[cells]]
    if not members.any(axis=1).all():
        raise ConvergenceError("a set is one cell wide, and no unknown of that cell is inside", "a higher degree")
    return np.asarray(np.argmax(np.where(members, distance, -1.0), axis=1))


@dataclass(frozen=True)
class FacetTerms:
    """int e^-psi max(c . n, 0) u v over facets, ``terms`` (m, n, n) of their cells, scaled by ``scale`` (m, n).

    ``dofs`` (m, n) are the unknowns of the cells.
    """

    terms: Floats
    scale: Floats
    dofs: Integers

    def of_entered(self, within: Integers) -> Floats:
        """Those of u less its value at one unknown of every cell, (m,)."""
        terms = self.terms.copy()
        terms[np.arange(len(terms)), :, within] -= self.terms.sum(axis=2)
        return self._scaled(terms)

    def of_left(self, within: Integers, rho: Floats | None) -> Floats:
        """Those of v = rho / rho_i for v_i alone, with the other sign."""
        terms, chosen = np.zeros_like(self.terms), np.arange(len(self.terms))
        profile = np.ones(self.dofs.shape)
        if rho is not None:
            profile = rho[self.dofs] / rho[self.dofs[chosen, within]][:, None]
        terms[chosen, within] = -np.einsum("ci,cij->cj", profile, self.terms)
        return self._scaled(terms)

    def _scaled(self, terms: Floats) -> Floats:
        return np.asarray(terms * self.scale[:, :, None] * self.scale[:, None, :])


@dataclass(frozen=True)
class _Crossing:
    """The flow of a process into a region, ``sign`` one, or out of it, minus one."""

    region: Any
    process: Weighting
    sign: float


def _facet_terms(generator: Generator, cells: Integers, opposite: int, through: _Crossing) -> FacetTerms:
    """Of the facets opposite to one vertex, as far as the flow ``through`` them has that sign."""
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
    inwards = np.maximum(through.sign * _flux(flat, through.region, through.process), 0.0).reshape(points.shape[:2])
    dofs = discretization.dofs[cells]
    local = generator.exponent[dofs]
    lowest = local.min(axis=1, keepdims=True)
    density = np.exp(lowest - np.asarray(through.process.value(flat)).reshape(inwards.shape))
    amount = inwards * density * weights * area[:, None]
    terms = np.einsum("qi,cq,qj->cij", values, amount, values, optimize=True)
    return FacetTerms(terms, np.exp(0.5 * (local - lowest)), dofs)


def outside_only(values: Floats, discretization: Discretization, name: str) -> Floats:
    """Values by cell, (cells, n), with zero in those inside of a set."""
    inside = discretization.triangulation.regions[name][discretization.cells]
    return np.where(inside[:, None], 0.0, values)
