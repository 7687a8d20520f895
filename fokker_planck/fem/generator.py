"""The generator of a process in detailed balance, assembled once, scaled so that nothing over- or underflows.

With nodal values u_i and s_i = exp(Phi_i / 2), the unknowns of every solve are u_i / s_i, and the matrices are

    A_ij s_i s_j,    M_ij s_i s_j,

formed cell by cell from weights relative to the cell.  All their entries are of order one, wherever in the
landscape they stand.  The constant function is in the kernel of A by construction: the diagonal of each element
matrix is minus the sum of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.errors import ProblemError
from fokker_planck.fem import _petsc
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.one_sided import values_at_nodes, values_in_cells
from fokker_planck.fem.operators import mass_matrices, stiffness_matrices
from fokker_planck.model.reversibility.classify import check_semidefinite


@dataclass(frozen=True)
class Generator:
    """Scaled element matrices ``stiffness`` and ``mass`` (cells, n, n) with the exponent Phi at the nodes, (N,)."""

    discretization: Discretization
    exponent: Floats
    stiffness: Floats
    mass: Floats

    @cached_property
    def lowest(self) -> float:
        """The lowest nodal exponent; weights are reported relative to it."""
        return float(self.exponent.min())

    @cached_property
    def constant(self) -> Floats:
        """The constant function in scaled unknowns, largest entry one."""
        return np.exp(-0.5 * (self.exponent - self.lowest))

    @cached_property
    def mass_diagonal(self) -> Floats:
        """The diagonal of M in scaled unknowns, (N,)."""
        discretization = self.discretization
        local = np.einsum("cii->ci", self.mass)
        total = np.bincount(discretization.dofs.ravel(), weights=local.ravel(), minlength=discretization.count)
        if discretization.comm.size > 1:
            discretization.comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
        return np.asarray(total, dtype=float)

    def apply_stiffness(self, vector: Floats) -> Floats:
        """A times a scaled vector (N,), whole on every rank."""
        return self._applied(self.stiffness, vector)

    def apply_mass(self, vector: Floats) -> Floats:
        """M times a scaled vector (N,), whole on every rank."""
        return self._applied(self.mass, vector)

    def _applied(self, elements: Floats, vector: Floats) -> Floats:
        discretization = self.discretization
        local = (elements @ vector[discretization.dofs][..., None])[..., 0]
        image = np.bincount(discretization.dofs.ravel(), weights=local.ravel(), minlength=discretization.count)
        if discretization.comm.size > 1:
            discretization.comm.Allreduce(MPI.IN_PLACE, image, op=MPI.SUM)
        return np.asarray(image, dtype=float)


def assemble(discretization: Discretization, balance: Any) -> Generator:
    """Assemble a(u, v) and m(u, v) for the process ``balance`` (exponent and diffusion)."""
    cells = discretization.map
    dimension, n_cells, n_points = cells.points.shape
    flat = cells.points.reshape(dimension, -1)
    exponent = values_in_cells(balance.exponent, np.moveaxis(cells.points, 0, 2), discretization.corners)
    if not np.isfinite(exponent).all():
        where = flat[:, np.flatnonzero(~np.isfinite(exponent.ravel()))[0]]
        raise ProblemError(
            "potential", f"no finite value at {where.tolist()}", "a potential that is finite in the domain"
        )
    reference = exponent.min(axis=1)
    density = np.exp(-(exponent - reference[:, None])) * cells.stretch
    tensor = balance.diffusion.tensor(flat)
    if not getattr(balance.diffusion, "constant", True):
        check_semidefinite(balance.diffusion, flat)
    tensor = tensor.reshape(dimension, dimension, n_cells, n_points) * density
    curved = discretization.curved.cells
    if len(curved):
        tensor[:, :, curved] = np.einsum("ikcq,klcq,jlcq->ijcq", cells.inverse, tensor[:, :, curved], cells.inverse)
    on = discretization.corners, discretization.degree, discretization.rule
    stiffness, mass = stiffness_matrices(*on, tensor), mass_matrices(*on, density)
    nodal = values_at_nodes(balance.exponent, discretization)
    local = nodal[discretization.dofs]
    scale = np.exp(0.5 * (local - reference[:, None]))
    for matrices in (stiffness, mass):  # in place: they are the most memory that is held
        matrices *= scale[:, :, None]
        matrices *= scale[:, None, :]
    make_constant_exact(stiffness, local)
    return Generator(discretization, nodal, stiffness, mass)


def make_constant_exact(stiffness: Floats, exponent: Floats) -> None:
    """Complete the rows of scaled element matrices (cells, n, n) so that they map the constant function to zero."""
    diagonal = np.arange(stiffness.shape[1])
    level = exponent.min(axis=1, keepdims=True)
    constant = np.exp(-0.5 * (exponent - level))
    stiffness[:, diagonal, diagonal] = 0.0
    stiffness[:, diagonal, diagonal] = -(stiffness @ constant[..., None])[..., 0] / constant


@dataclass(frozen=True)
class FreeSystem:
    """The assembled matrices on the unknowns that no set absorbs; ``free`` (N,) marks them."""

    stiffness: Any
    mass: Any
    free: Booleans


def free_system(generator: Generator, absorbed: Booleans, *, with_mass: bool = True) -> FreeSystem:
    """Eliminate the absorbed unknowns (their value is zero) and sum up what is left."""
    discretization = generator.discretization
    free = ~absorbed
    numbers = np.where(free, np.cumsum(free) - 1, -1)[discretization.dofs]
    size = int(free.sum())
    stiffness = _petsc.matrix(discretization.comm, size, numbers, generator.stiffness)
    mass = _petsc.matrix(discretization.comm, size, numbers, generator.mass) if with_mass else None
    return FreeSystem(stiffness, mass, free)


def mass_times_constant(generator: Generator) -> Floats:
    """The scaled load vector M 1, (N,): the stationary measure of every basis function."""
    return generator.apply_mass(generator.constant)
