"""The stationary current J = b p - div(D p) of a process without detailed balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.blocks_of_cells import blocks, some_cells
from fokker_planck.fem.cell_products import flow
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.fields.point_location import locate
from fokker_planck.fem.generator import Generator, with_room_for_currents
from fokker_planck.fem.reference_exponent import Weighting, at_quadrature_points
from fokker_planck.fem.triangulations.curving import DEGREE
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

CURRENT_SAFETY = 2.0
"""Times the change from the mesh before, or another degree or rule, for the bar of the total current."""


@dataclass(frozen=True)
class Current:
    """J at points (dim, n), of the same shape; nan outside of the mesh.

    ``total`` is the integral of J over the domain, the mean velocity of the process; ``total_error`` the absolute error
    of each component.  ``whole`` gives the density on a larger mesh, if there is one, ``circulation`` is v at points
    (dim, n) where it is known; both stay behind when a current is pickled.
    """

    density: Field
    drift: Callable[[Floats], Floats]
    diffusion: Any
    total: tuple[float, ...]
    total_error: tuple[float, ...]
    whole: Callable[[], Field | None] | None = None
    circulation: Callable[[Floats], Floats | None] | None = None

    def __call__(self, x: Floats) -> Floats:
        """J = p v, p the stationary density."""
        points = np.asarray(x, dtype=float)
        flat = points.reshape(len(points), -1)
        return (self.velocity(flat) * self.density(flat)).reshape(points.shape)

    def velocity(self, x: Floats) -> Floats:
        """v = b - div D - D grad log p at points (dim, n): the mean velocity of those that are there."""
        known = None if self.circulation is None else self.circulation(x)
        if known is not None:
            return np.where(np.isnan(self.density.log(x)), np.nan, known)
        slope = _slope_of(self.density, x)
        outside = np.isnan(slope).any(axis=0)
        whole = self.whole() if self.whole is not None and outside.any() else None
        if whole is not None:
            slope[:, outside] = _slope_of(whole, x[:, outside])
        tensor = np.asarray(self.diffusion.tensor(x))
        return np.asarray(self.drift(x) - self.diffusion.divergence(x) - np.einsum("ijn,jn->in", tensor, slope))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "whole": None, "circulation": None}


def total_current(discretization: Discretization, weighting: Weighting, rho: Floats, log_whole: float) -> Floats:
    """The integral of J over the mesh, (dim,): that of e^-psi (rho c - D grad rho) / Z; ``log_whole`` is log Z."""
    nodal = weighting.at_nodes(discretization)
    return np.asarray(discretization.comm.allreduce(_by_rule(discretization, weighting, rho, (nodal, log_whole))))


def total_current_of(generator: Generator, weighting: Weighting, rho: Floats, log_whole: float) -> Floats:
    """The same by the elements that rho was found with, where their functions hold the coordinates: -a(x_k, rho) / Z.

    The gradient of x_k being a unit vector, that is the component k, and no coefficient is asked again.  In curved
    cells coordinates are polynomials of degree ``DEGREE`` alone: there of lower ones it is by the generator's rule.
    """
    discretization, curved = generator.discretization, generator.discretization.curved.cells
    straight, total = np.ones(len(discretization.cells), dtype=bool), np.zeros(discretization.triangulation.dimension)
    if len(curved) and discretization.degree < DEGREE:
        straight[curved] = False
        bent = some_cells(with_room_for_currents(discretization), curved)
        total += _by_rule(bent, weighting, rho, (generator.exponent, log_whole))
    local = rho[discretization.dofs]
    for k, x in enumerate(np.moveaxis(discretization.cell_nodes, 2, 0)):
        total[k] -= flow(generator, x, local).relative_to(log_whole)[straight].sum()
    return np.asarray(discretization.comm.allreduce(total))


def _by_rule(
    discretization: Discretization, weighting: Weighting, rho: Floats, logs: tuple[Floats, float]
) -> Floats:
    """What this rank's cells have of it, by the rule of the mesh; ``logs`` are psi at its nodes, and log Z."""
    (nodal, log_whole), total = logs, np.zeros(discretization.triangulation.dimension)
    for _, part in blocks(discretization):
        weighted = weighting.on(part, nodal)
        values, slope = at_quadrature_points(part, rho[part.dofs])
        flux = -np.einsum("ijcq,jcq->icq", weighted.tensor, slope)
        if weighted.velocity is not None:
            flux += weighted.velocity * values
        total += (flux * (np.exp(-weighted.exponent - log_whole) * part.map.volume)).sum(axis=(1, 2))
    return total


def _slope_of(density: Field, x: Floats) -> Floats:
    """Gradient (dim, n) of the logarithm of a density; nan outside of the mesh."""
    discretization, by_cell = density.discretization, density.by_cell
    return _gradient(discretization, density.nodal[discretization.dofs] if by_cell is None else by_cell, x)


def _gradient(discretization: Discretization, local: Floats, x: Floats) -> Floats:
    """Gradient (dim, n) of a function with the given values in every cell, (cells, n); nan outside of the mesh."""
    cells, reference = locate(discretization, x)
    found = np.flatnonzero(cells >= 0)
    result = np.full(x.shape, np.nan)
    if len(found):
        chosen = cells[found]
        table = _dolfinx.tabulate_lagrange(len(x), discretization.degree, reference[found], 1)[1:]
        slope = np.einsum("jnk,nk->nj", table, local[chosen])
        inverse = np.linalg.inv(_jacobians(discretization, chosen, reference[found]))
        result[:, found] = np.einsum("nj,nji->in", slope, inverse)
    if discretization.comm.size > 1:
        for other in discretization.comm.allgather(result):
            result = np.where(np.isnan(result), other, result)
        result = discretization.comm.bcast(result)
    return result


def _jacobians(discretization: Discretization, cells: Integers, reference: Floats) -> Floats:
    """d x_i / d reference_j at a point of each cell, (n, dim, dim)."""
    corners = discretization.triangulation.points[discretization.vertices[cells]]
    result = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    curved = discretization.curved
    place = np.full(len(discretization.vertices), -1)
    place[curved.cells] = np.arange(len(curved.cells))
    bent = np.flatnonzero(place[cells] >= 0)
    if len(bent):
        table = _dolfinx.tabulate_lagrange(reference.shape[1], DEGREE, reference[bent], 1)[1:]
        result[bent] = np.einsum("jna,nad->ndj", table, curved.nodes[place[cells[bent]]])
    return np.asarray(result)
