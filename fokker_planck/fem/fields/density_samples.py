"""Densities p = exp(-psi) rho at the quadrature points of every cell, and integrals of them.

Vectors y of a generator stand for rho_i = y_i exp(psi_i / 2 + h), psi relative to its lowest value and h the ``height``
of the vector, so that p_i = y_i exp(h - psi_i / 2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization, places_in
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.reference_exponent import KnownWeight, Weighting
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class Points:
    """Points in some ``cells`` (m,): basis functions (m, q, n), psi (m, q), the ``volume`` of each (m, q)."""

    cells: Integers
    basis: Floats
    exponent: Floats
    volume: Floats


@dataclass(frozen=True)
class Samples:
    """Of every cell of this rank the quadrature ``points`` (dim, cells, q) and their ``volume`` (cells, q).

    ``exponent`` (cells, q) is psi there and ``local`` (cells, n) at the nodes, relative to the lowest of the
    generator; ``basis`` (q, n) holds the basis functions.
    """

    discretization: Discretization
    points: Floats
    volume: Floats
    exponent: Floats
    local: Floats
    basis: Floats
    weighting: Weighting
    lowest: float

    def density(self, vector: Floats, height: float) -> Floats:
        """p of a vector (N,) at all points, (cells, q)."""
        top = self.local.max(axis=1, keepdims=True)
        ratio = vector[self.discretization.dofs] * np.exp(0.5 * (self.local - top))
        # rho exp(-top / 2) in every cell, then down to p
        return np.asarray((ratio @ self.basis.T) * np.exp(height + 0.5 * top - self.exponent))

    def log_density(self, vector: Floats, height: float) -> Floats:
        """log p, (cells, q), minus infinity where p is not positive: where p is no double, too."""
        top = self.local.max(axis=1, keepdims=True)
        ratio = vector[self.discretization.dofs] * np.exp(0.5 * (self.local - top))
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(ratio @ self.basis.T, 0.0))
        return np.asarray(logs + (height + 0.5 * top - self.exponent))

    def density_at(self, there: Points, vector: Floats, height: float) -> Floats:
        """The same at other points, (m, q)."""
        local = self.local[there.cells]
        top = local.max(axis=1, keepdims=True)
        ratio = vector[self.discretization.dofs[there.cells]] * np.exp(0.5 * (local - top))
        values = np.einsum("mqn,mn->mq", there.basis, ratio)
        return np.asarray(values * np.exp(height + 0.5 * top - there.exponent))

    def elsewhere(self, cells: Integers, reference: Floats, weights: Floats) -> Points:
        """At other places of the reference simplex (m, q, dim), with ``weights`` (m, q) that sum to its volume."""
        discretization = self.discretization
        dimension = discretization.triangulation.dimension
        flat = reference.reshape(-1, dimension)
        basis = _dolfinx.tabulate_lagrange(dimension, discretization.degree, flat)[0].reshape(*weights.shape, -1)
        places, stretch = places_in(discretization, cells, reference)
        if isinstance(self.weighting, KnownWeight):
            corners = discretization.corners[cells]
            exponent = values_in_cells(self.weighting.exponent, places, corners) - self.lowest
        else:
            exponent = np.einsum("mqn,mn->mq", basis, self.local[cells])
        return Points(cells, basis, exponent, weights * stretch)

    def integral(self, values: Floats) -> float:
        """Of values (cells, q) over all cells of all ranks."""
        return float(self.discretization.comm.allreduce(float((values * self.volume).sum())))

    def functional(self, values: Floats, height: float) -> Floats:
        """F (N,) with int f p = F . y for f given by its ``values`` (cells, q) and vectors of that height."""
        top = self.local.max(axis=1, keepdims=True)
        weights = values * self.volume * np.exp(height + 0.5 * top - self.exponent)
        local = (weights @ self.basis) * np.exp(0.5 * (self.local - top))
        return self._summed(local)

    def load(self, density: Floats, height: float) -> Floats:
        """The right side (N,) of an adjoint solve for a density p (cells, q) at the beginning, in that height."""
        local = ((density * self.volume) @ self.basis) * np.exp(0.5 * self.local - height)
        return self._summed(local)

    def _summed(self, local: Floats) -> Floats:
        discretization = self.discretization
        total = np.bincount(discretization.dofs.ravel(), weights=local.ravel(), minlength=discretization.count)
        if discretization.comm.size > 1:
            discretization.comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
        return np.asarray(total, dtype=float)

    def at(self, function: Callable[[Floats], Floats]) -> Floats:
        """Values (cells, q) of a function of points (dim, n)."""
        values = np.asarray(function(self.points.reshape(len(self.points), -1)), dtype=float)
        return np.broadcast_to(values, self.points[0].size).reshape(self.points.shape[1:])

    def inside(self, name: str) -> Floats:
        """One in the cells of a set that the mesh is fitted to, else zero, (cells, q)."""
        mask: Booleans = self.discretization.triangulation.regions[name][self.discretization.cells]
        return np.broadcast_to(mask[:, None].astype(float), self.volume.shape)


def samples_of(generator: Generator, weighting: Weighting, rule: int | None = None) -> Samples:
    """At the points of the rule of that degree, that of the discretization as a rule."""
    own = generator.discretization
    discretization = own if rule is None else replace(own, rule=rule)
    cells = discretization.map
    weighted = weighting.on(discretization)
    dimension = own.triangulation.dimension
    basis = _dolfinx.tabulate_lagrange(dimension, own.degree, discretization.reference_points)[0]
    local = generator.exponent[own.dofs] - generator.lowest
    exponent, lowest = weighted.exponent - generator.lowest, generator.lowest
    return Samples(own, cells.points, cells.volume, exponent, local, basis, weighting, lowest)
