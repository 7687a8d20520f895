"""The generator of a process, assembled once, scaled so that nothing over- or underflows.

In any reference exponent psi, with c as in :mod:`fokker_planck.fem.reference_exponent`,

    a(u, v) = int e^-psi [ D grad u . grad v - (c . grad u) v ] dx,     m(u, v) = int e^-psi u v dx.

With nodal values u_i and s_i = exp(psi_i / 2), the unknowns of every solve are u_i / s_i, and the matrices are

    A_ij s_i s_j,    M_ij s_i s_j,

formed cell by cell from weights relative to the cell.  All their entries are of order one, wherever in the
landscape they stand.  The constant function is in the right kernel of A by construction: the diagonal of each element
matrix is minus the sum of the rest.  With detailed balance c is zero, A is symmetric, and every left function is its
right one.  Else the left kernel rho gives the stationary density p = e^-psi rho; it is one where psi is the exact
exponent and the current e^-psi c does not cross the boundary.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ProblemError
from fokker_planck.fem import _petsc, work
from fokker_planck.fem.blocks_of_cells import blocks
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.operators import advection_matrices, mass_matrices, stiffness_matrices
from fokker_planck.fem.reference_exponent import Weighted, Weighting, weighting_of
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance
from fokker_planck.quantity.light_dataclasses import dataclass, replace

AT_ONCE = 8
"""Vectors that go through element matrices and factors together: 6 take a fifth of the time of 6 in turn, 12 a sixth,
and every one takes room, a number for each row of an element matrix."""
ROOM_FOR_CURRENTS, LARGEST_RULE = {1: 0, 2: 6, 3: 0}, 30
"""Degrees more where a current is left beside the weight, up to the largest rule that is no product of rules on lines.
That the current has no sources holds by integration alone, and what a cell makes of it is weighed by the weight at its
lowest corner: quartic well with a rotation, barrier 200, psi changing by 15 in a cell, exit time 4.5e-6 off without,
3.6e-9 with. 12 more changed nothing."""


@dataclass(frozen=True)
class Generator:
    """Scaled element matrices of a and m, ``stiffness`` and ``mass`` (cells, n, n), with psi at the nodes, (N,).

    Rows belong to the test function.  ``energy`` holds those of int e^-psi D grad u . grad v alone; it is
    ``stiffness`` itself with detailed balance.
    """

    discretization: Discretization
    exponent: Floats
    stiffness: Floats
    mass: Floats
    energy: Floats

    @property
    def symmetric(self) -> bool:
        """Whether the process is in detailed balance, so that left functions are the right ones."""
        return self.energy is self.stiffness

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
        """A times scaled vectors (N,) or (k, N), whole on every rank.

        On a line, where cells may be a billion times narrower than others, without what A maps to zero in each.
        """
        constant = self.constant_by_cell if self.discretization.triangulation.dimension == 1 else None
        return self.apply_elements(self.stiffness, vector, constant)

    def apply_adjoint(self, vector: Floats) -> Floats:
        """The transpose of A times scaled vectors (N,) or (k, N), whole on every rank."""
        return self.apply_elements(np.swapaxes(self.stiffness, 1, 2), vector)

    def apply_mass(self, vector: Floats) -> Floats:
        """M times scaled vectors (N,) or (k, N), whole on every rank."""
        return self.apply_elements(self.mass, vector)

    @cached_property
    def constant_by_cell(self) -> Floats:
        """The constant function in every cell, (cells, n), one where the exponent is least."""
        exponent = self.exponent[self.discretization.dofs]
        return np.exp(-0.5 * (exponent - exponent.min(axis=1, keepdims=True)))

    @property
    def mass_of_constant(self) -> Floats:
        """What the element matrices of m map that to, (cells, n)."""
        return np.asarray((self.mass @ self.constant_by_cell[:, :, None])[:, :, 0])

    def apply_elements(self, elements: Floats, vector: Floats, constant: Floats | None = None) -> Floats:
        """A matrix given by scaled element matrices (cells, n, n) times scaled vectors (N,) or (k, N).

        Several at once read the element matrices once, which is what takes the time.  Where these map a ``constant``
        (cells, n), largest entry one, to zero it is left out of the vectors: in a layer 1e-9 wide what is left of it
        by rounding, 1e-16 over the width, is the larger part of the rest.
        """
        discretization, rows = self.discretization, np.atleast_2d(vector)
        if len(rows) > AT_ONCE:
            parts = [rows[k : k + AT_ONCE] for k in range(0, len(rows), AT_ONCE)]
            return np.concatenate([self.apply_elements(elements, part, constant) for part in parts])
        dofs, count = discretization.dofs, discretization.count
        values = rows.T[dofs]
        if constant is not None:
            largest = np.argmax(constant, axis=1)[:, None, None]
            values -= np.take_along_axis(values, largest, axis=1) * constant[:, :, None]
        local = elements @ values
        image = np.array(
            [np.bincount(dofs.ravel(), weights=part.ravel(), minlength=count) for part in np.moveaxis(local, 2, 0)]
        ).reshape(vector.shape)
        if discretization.comm.size > 1:
            discretization.comm.Allreduce(MPI.IN_PLACE, image, op=MPI.SUM)
        return np.asarray(image, dtype=float)


def with_room_for_currents(discretization: Discretization) -> Discretization:
    """The same with a finer rule, see ``ROOM_FOR_CURRENTS``."""
    rule = discretization.rule
    finer = min(rule + ROOM_FOR_CURRENTS[discretization.triangulation.dimension], max(rule, LARGEST_RULE))
    return replace(discretization, rule=finer)


def assemble(discretization: Discretization, process: DetailedBalance | Weighting) -> Generator:
    """Assemble a(u, v) and m(u, v) of a process, in its own exponent or in the one that comes with it.

    Block by block of cells: with all coefficients of a mesh in space at once a third of the time was the kernel's, who
    hands out memory that is written and read once, and another part of it was the memory's.
    """
    weighting, fine = weighting_of(process), discretization
    if weighting.has_current:
        fine = with_room_for_currents(discretization)
    nodal, shape = weighting.at_nodes(fine), (*fine.dofs.shape, fine.dofs.shape[1])
    energy, mass = np.empty(shape), np.empty(shape)
    stiffness = np.empty(shape) if weighting.has_current else energy
    # where noise vanishes in some direction, of all cells, errors have another energy
    metric = np.empty(shape) if weighting.has_current else None
    for cells, part in blocks(fine):
        weighted = weighting.on(part, nodal)
        if not np.isfinite(weighted.exponent).all():
            raise ProblemError("potential", "no finite value", "a potential that is finite in the domain")
        if metric is not None and not degenerate(weighted.tensor):
            metric = None
        found = _elements(part, weighted, with_metric=metric is not None)
        energy[cells], mass[cells] = found.energy, found.mass
        if weighting.has_current:
            stiffness[cells] = found.stiffness
        if metric is not None:
            metric[cells] = found.metric
    work.done(assemblies=1, unknowns=discretization.count)
    return Generator(discretization, nodal, stiffness, mass, energy if metric is None else metric)


@dataclass(frozen=True)
class _Elements:
    """Scaled element matrices of some cells, (cells, n, n): ``stiffness`` is ``energy`` itself where no drift is left.

    ``metric`` is the energy of errors where noise vanishes in some direction, if it was asked for.
    """

    energy: Floats
    mass: Floats
    stiffness: Floats
    metric: Floats | None


def _elements(part: Discretization, weighted: Weighted, *, with_metric: bool) -> _Elements:
    reference = weighted.exponent.min(axis=1)
    density = np.exp(-(weighted.exponent - reference[:, None])) * part.map.stretch
    on = part.corners, part.degree, part.rule
    wider = 1.0 if part.widened is None else part.widened[:, None]
    energy = stiffness_matrices(*on, _pulled_back(part, weighted.tensor * (density / wider)))
    mass, stiffness, metric = mass_matrices(*on, density * wider), energy, None
    if weighted.velocity is not None:
        stiffness = _advected(part, -weighted.velocity * density)
        stiffness += energy
    if with_metric:
        metric = stiffness_matrices(*on, _pulled_back(part, _metric(weighted, part) * density))
    local = weighted.nodal[part.dofs]
    scale = np.exp(0.5 * (local - reference[:, None]))
    _scale(mass, scale)
    for matrices in (energy, metric, None if stiffness is energy else stiffness):
        if matrices is not None:
            _scale(matrices, scale)
            make_constant_exact(matrices, local)
    return _Elements(energy, mass, stiffness, metric)


def advection(discretization: Discretization, weighted: Weighted, velocity: Floats) -> Floats:
    """Scaled element matrices of int e^-psi (velocity . grad u) v, (cells, n, n); ``velocity`` (dim, cells, q)."""
    reference = weighted.exponent.min(axis=1)
    density = np.exp(-(weighted.exponent - reference[:, None])) * discretization.map.stretch
    result = _advected(discretization, velocity * density)
    local = weighted.nodal[discretization.dofs]
    _scale(result, np.exp(0.5 * (local - reference[:, None])))
    make_constant_exact(result, local)
    return result


def _advected(discretization: Discretization, velocity: Floats) -> Floats:
    """Element matrices of a velocity (dim, cells, q) that has the weight in it and is changed in place."""
    curved = discretization.curved.cells
    if len(curved):
        velocity[:, curved] = np.einsum("ikcq,kcq->icq", discretization.map.inverse, velocity[:, curved])
    return advection_matrices(discretization.corners, discretization.degree, discretization.rule, velocity)


def _scale(matrices: Floats, scale: Floats) -> None:
    """Rows and columns of element matrices (cells, n, n), in place: they are the most memory that is held."""
    matrices *= scale[:, :, None]
    matrices *= scale[:, None, :]


NO_NOISE = 1e-12
"""Of the trace of D: what rounding leaves of an eigenvalue that is zero."""
LEAST_METRIC = 1e-6
"""Of the trace, in directions with neither noise nor a current, at a saddle, say, where c vanishes: without it cells at
the corner between what is entered and what is left, at a saddle, have energies that rounding makes negative."""


def _metric(weighted: Weighted, discretization: Discretization) -> Floats:
    """The tensor of the energy by which errors are measured where noise vanishes in some direction.

    With errors e and f of two functions, int e^-psi (c . grad e) f is no more than (h / p) |c . grad e| |c . grad f|
    over |c|, since |f| is about (h / p) |grad f| along c in a cell that is h long there, for elements of degree p: so
    much is added to D.
    """
    tensor, velocity = np.array(weighted.tensor), weighted.velocity
    least = LEAST_METRIC * np.einsum("iicq->cq", tensor)
    if velocity is not None:
        speed = np.linalg.norm(velocity, axis=0)
        unit = velocity / np.maximum(speed, 1e-300)
        along = np.einsum("icq,cvi->vcq", unit, discretization.corners)
        added = speed * (along.max(axis=0) - along.min(axis=0)) / discretization.degree
        tensor += np.einsum("icq,jcq->ijcq", unit, unit) * added
        least += LEAST_METRIC * added
    return np.asarray(tensor + np.eye(len(tensor))[:, :, None, None] * least)


def _pulled_back(discretization: Discretization, tensor: Floats) -> Floats:
    """Tensors at the quadrature points as straight cells see them, (dim, dim, cells, q); changed in place."""
    curved, inverse = discretization.curved.cells, discretization.map.inverse
    if len(curved):
        tensor[:, :, curved] = np.einsum("ikcq,klcq,jlcq->ijcq", inverse, tensor[:, :, curved], inverse)
    return tensor


def degenerate(tensor: Floats) -> bool:
    """Whether the tensors (dim, dim, cells, q) all vanish in some direction, as far as one of each cell tells."""
    least = np.linalg.eigvalsh(np.moveaxis(tensor[:, :, :, 0], 2, 0))[:, 0]
    return bool((least <= NO_NOISE * np.einsum("iic->c", tensor[:, :, :, 0])).all())


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
    unknowns, symmetric = (discretization.comm, size, numbers), generator.symmetric
    if not with_mass:
        return FreeSystem(_petsc.matrix(*unknowns, generator.stiffness, symmetric=symmetric), None, free)
    both = _petsc.stiffness_and_mass(*unknowns, generator.stiffness, generator.mass, symmetric=symmetric)
    return FreeSystem(*both, free)


def mass_times_constant(generator: Generator) -> Floats:
    """The scaled load vector M 1, (N,): the stationary measure of every basis function."""
    return generator.apply_mass(generator.constant)
