"""The generator of a process without detailed balance, in any weight exp(-psi), scaled like that of a reversible one.

    L u = e^psi div(e^-psi D grad u) + c . grad u,      c = b - div D + D grad psi,

holds for every psi, the *gauge*.  Tested with e^-psi v it gives

    a(u, v) = int e^-psi [ D grad u . grad v - (c . grad u) v ] dx,     m(u, v) = int e^-psi u v dx,

assembled cell by cell relative to the cell and scaled by e^(psi_i/2) on both sides.  Constants are in the right kernel
exactly, since the rows of every element matrix are completed by their sum.  The left kernel rho gives the stationary
density p = e^-psi rho; it is one where psi is the exact exponent and the current e^-psi c does not cross the boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fokker_planck.arrays import Floats
from fokker_planck.errors import ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, make_constant_exact
from fokker_planck.fem.operators import advection_matrices, mass_matrices, stiffness_matrices


@dataclass(frozen=True)
class DriftGenerator(Generator):
    """As :class:`Generator`, with ``stiffness`` no longer symmetric; rows belong to the test function.

    ``energy`` holds the scaled element matrices of int e^-psi D grad u . grad v alone.
    """

    energy: Floats

    def apply_adjoint(self, vector: Floats) -> Floats:
        """The transpose of A times a scaled vector (N,), whole on every rank."""
        return self._applied(np.swapaxes(self.stiffness, 1, 2), vector)


@dataclass(frozen=True)
class Weighted:
    """psi at the nodes, (N,), and at the quadrature points, (cells, n), with D and c there."""

    nodal: Floats
    exponent: Floats
    tensor: Floats
    velocity: Floats


class Weighting(Protocol):
    """A process together with a gauge."""

    def on(self, discretization: Discretization) -> Weighted:
        """The gauge and the coefficients where the forms need them."""
        ...

    def value(self, x: Floats) -> Floats:
        """psi at points (dim, n), (n,)."""
        ...


@dataclass(frozen=True)
class KnownWeight:
    """The exponent of the stationary density is known, with its circulation c: div(e^-Psi c) = 0."""

    exponent: Any
    diffusion: Any
    circulation: Any

    def value(self, x: Floats) -> Floats:
        """Psi at points (dim, n), (n,)."""
        return np.asarray(self.exponent.value(x))

    def on(self, discretization: Discretization) -> Weighted:
        """Everything from its formula."""
        points = discretization.map.points
        flat = points.reshape(len(points), -1)
        return Weighted(
            self.value(discretization.nodes.T),
            self.value(flat).reshape(points.shape[1:]),
            np.asarray(self.diffusion.tensor(flat)).reshape(len(points), *points.shape),
            np.asarray(self.circulation(flat)).reshape(points.shape),
        )


@dataclass(frozen=True)
class GaugedDrift:
    """The noise D of a process times ``noise``, with the ``gauge`` psi interpolated by the elements themselves.

    The current is (b - div D) p - D grad p for the Ito ``drift`` b of the process itself. Its first part stays as it is
    at another noise, so that the density becomes uniform at high noise, whatever D is: were b kept instead, the density
    there would be that of the noise alone, 1/D on a line, which a coarse mesh does not follow where D varies tenfold.
    Piecewise polynomials serve as well as any other gauge, and leave the integrands smooth in every cell.
    """

    gauge: Any
    drift: Any
    diffusion: Any
    noise: float = 1.0

    def value(self, x: Floats) -> Floats:
        """psi at points (dim, n), (n,)."""
        return np.asarray(self.gauge.value(x))

    def on(self, discretization: Discretization) -> Weighted:
        """c = b - div D + D grad psi, with psi the interpolant of the gauge."""
        points = discretization.map.points
        flat = points.reshape(len(points), -1)
        nodal = self.value(discretization.nodes.T)
        exponent, slope = at_quadrature_points(discretization, nodal[discretization.dofs])
        tensor = self.noise * np.asarray(self.diffusion.tensor(flat)).reshape(len(points), *points.shape)
        drift = np.asarray(self.drift(flat)) - np.asarray(self.diffusion.divergence(flat))
        if not (np.isfinite(drift).all() and np.isfinite(tensor).all()):
            where = flat[:, np.flatnonzero(~np.isfinite(drift).all(axis=0))[:1]].ravel()
            raise ProblemError("drift", f"no finite value at {where.tolist()}", "a drift that is finite in the domain")
        velocity = drift.reshape(points.shape) + np.einsum("ijcq,jcq->icq", tensor, slope)
        return Weighted(nodal, exponent, tensor, velocity)


def at_quadrature_points(discretization: Discretization, local: Floats) -> tuple[Floats, Floats]:
    """Values (cells, n) and gradients (dim, cells, n) of a function given by its nodal values in every cell."""
    dimension = discretization.triangulation.dimension
    table = _dolfinx.tabulate_lagrange(dimension, discretization.degree, discretization.reference_points, 1)
    corners = discretization.corners
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    slope = np.einsum("cn,jqn,cji->icq", local, table[1:], inverse, optimize=True)
    curved = discretization.curved.cells
    if len(curved):
        slope[:, curved] = np.einsum("kicq,kcq->icq", discretization.map.inverse, slope[:, curved])
    return local @ table[0].T, slope


def assemble_drift(discretization: Discretization, weighting: Weighting) -> DriftGenerator:
    """Assemble a(u, v) and m(u, v) in the gauge of ``weighting``."""
    cells = discretization.map
    weighted = weighting.on(discretization)
    if not np.isfinite(weighted.exponent).all():
        raise ProblemError("potential", "no finite value", "a potential that is finite in the domain")
    reference = weighted.exponent.min(axis=1)
    density = np.exp(-(weighted.exponent - reference[:, None])) * cells.stretch
    tensor, velocity = weighted.tensor * density, -weighted.velocity * density
    curved = discretization.curved.cells
    if len(curved):
        tensor[:, :, curved] = np.einsum("ikcq,klcq,jlcq->ijcq", cells.inverse, tensor[:, :, curved], cells.inverse)
        velocity[:, curved] = np.einsum("ikcq,kcq->icq", cells.inverse, velocity[:, curved])
    local = weighted.nodal[discretization.dofs]
    scale = np.exp(0.5 * (local - reference[:, None]))
    both = scale[:, :, None] * scale[:, None, :]
    on = discretization.corners, discretization.degree, discretization.rule
    energy, mass = stiffness_matrices(*on, tensor) * both, mass_matrices(*on, density) * both
    stiffness = energy + advection_matrices(*on, velocity) * both
    make_constant_exact(stiffness, local)
    make_constant_exact(energy, local)
    return DriftGenerator(
        discretization=discretization,
        exponent=weighted.nodal,
        stiffness=stiffness,
        mass=mass,
        energy=energy,
    )
