"""A process in a reference exponent psi: what is left of its drift beside the weight exp(-psi).

    L u = e^psi div(e^-psi D grad u) + c . grad u,      c = b - div D + D grad psi,

holds for every psi.  With detailed balance and psi the exponent of the stationary density c is zero; where the density
e^-psi is known without it, c is the circulation, div(e^-psi c) = 0; any other psi serves as long as it follows the
density to within the digits of a double.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.cell_map import lagrange_at_rule
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.one_sided import values_at_nodes, values_in_cells
from fokker_planck.fem.triangulations.bends import vertex_keys
from fokker_planck.fem.triangulations.triangulation import Triangulation, local_edges
from fokker_planck.fem.true_polynomials import at_nodes_of_element, interpolants, values_and_slopes
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.model.reversibility.definiteness import check_semidefinite
from fokker_planck.model.reversibility.ito_drift import noise_and_velocity
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance
from fokker_planck.quantity.light_dataclasses import dataclass

MOST_BENT = 3.0
"""Of the range of psi in a curved cell, by which a polynomial of true coordinates may leave it in the straight one: in
cells bent further it is none of what the nodes say. Beside balls it is 0.67 to 0.72."""


@dataclass(frozen=True)
class Weighted:
    """psi at the nodes, (N,), and at the quadrature points, (cells, n), with D and c there; no c where it is zero."""

    nodal: Floats
    exponent: Floats
    tensor: Floats
    velocity: Floats | None


class Weighting(Protocol):
    """A process together with a reference exponent."""

    def at_nodes(self, discretization: Discretization) -> Floats:
        """psi at the nodes, as the forms need it, (N,)."""
        ...

    def on(self, discretization: Discretization, nodal: Floats | None = None) -> Weighted:
        """The exponent and the coefficients where the forms need them; ``nodal`` is psi at the nodes, if known."""
        ...

    def value(self, x: Floats) -> Floats:
        """psi at points (dim, n), (n,)."""
        ...

    @property
    def diffusion(self) -> Any:
        """D, with ``tensor``."""
        ...

    @property
    def has_current(self) -> bool:
        """Whether c is not zero everywhere."""
        ...

    def slope(self, x: Floats) -> Floats:
        """grad psi at points (dim, n), (dim, n)."""
        ...

    def velocity(self, x: Floats) -> Floats | None:
        """c at points (dim, n), (dim, n); None where it is zero everywhere."""
        ...


@dataclass(frozen=True)
class KnownWeight:
    """The exponent of the stationary density is known, with its circulation c: div(e^-Psi c) = 0, or none."""

    exponent: Any
    diffusion: Any
    circulation: Any = None

    @property
    def has_current(self) -> bool:
        """Whether there is a circulation."""
        return self.circulation is not None

    def value(self, x: Floats) -> Floats:
        """Psi at points (dim, n), (n,)."""
        return np.asarray(self.exponent.value(x))

    def seen_from(self, x: Floats, towards: Floats) -> Floats:
        """Psi at points (dim, n), where it jumps the limit from the side of the points ``towards`` (dim, n), (n,)."""
        one_sided = getattr(self.exponent, "seen_from", None)
        return self.value(x) if one_sided is None else np.asarray(one_sided(x, towards))

    def slope(self, x: Floats) -> Floats:
        """Grad Psi at points (dim, n), (dim, n)."""
        return np.asarray(self.exponent.gradient(x))

    def velocity(self, x: Floats) -> Floats | None:
        """The circulation at points (dim, n), (dim, n)."""
        return None if self.circulation is None else np.asarray(self.circulation(x))

    def at_nodes(self, discretization: Discretization) -> Floats:
        """Where Psi jumps, the smallest of its limits, (N,)."""
        return values_at_nodes(self.exponent, discretization)

    def on(self, discretization: Discretization, nodal: Floats | None = None) -> Weighted:
        """Everything from its formula."""
        points = discretization.map.points
        flat = points.reshape(len(points), -1)
        exponent = values_in_cells(self.exponent, np.moveaxis(points, 0, 2), discretization.corners)
        if not np.isfinite(exponent).all():
            where = flat[:, np.flatnonzero(~np.isfinite(exponent.ravel()))[0]]
            found = f"no finite value at {where.tolist()}"
            raise ProblemError("potential", found, "a potential that is finite in the domain")
        tensor = np.asarray(self.diffusion.tensor(flat))
        if not getattr(self.diffusion, "constant", True):
            check_semidefinite(self.diffusion, flat, tensor, discretization.nodes.T)
        return Weighted(
            self.at_nodes(discretization) if nodal is None else nodal,
            exponent,
            tensor.reshape(len(points), *points.shape),
            None if self.circulation is None else np.asarray(self.circulation(flat)).reshape(points.shape),
        )


def weighting_of(process: DetailedBalance | Weighting) -> Weighting:
    """A process in detailed balance with its own exponent; any other as it is."""
    if isinstance(process, DetailedBalance):
        return KnownWeight(process.exponent, process.diffusion)
    return process


@dataclass(frozen=True)
class FollowedWeight:
    """The noise D of a process times ``noise``, with the ``exponent`` psi interpolated by the elements themselves.

    The current is (b - div D) p - D grad p for the Ito ``drift`` b of the process itself. Its first part stays as it is
    at another noise, so that the density becomes uniform at high noise, whatever D is: were b kept instead, the density
    there would be that of the noise alone, 1/D on a line, which a coarse mesh does not follow where D varies tenfold.
    Piecewise polynomials serve as well as any other exponent, and leave the integrands smooth in every cell; in curved
    cells they are polynomials of the true coordinates, or kinks at the cells' faces would be found again in rho: three
    cells beside a ball held all of what an indicator expected of a committor, 40 times the rest.  What a
    cubic spline leaves of psi would be found again in rho, at the steps of the grid, which no cell resolves: an
    indicator that expected 1.4e-4 of an exit time expects 1e-7 without it (quartic well with a rotation, barrier 200).
    """

    exponent: Any
    drift: Any
    diffusion: Any
    noise: float = 1.0
    has_current = True

    def value(self, x: Floats) -> Floats:
        """psi at points (dim, n), (n,)."""
        return np.asarray(self.exponent.value(x))

    def rough_value(self, x: Floats) -> Floats:
        """The same as far as it decides on cells, on their size and on the height above which none is needed."""
        rough = getattr(self.exponent, "rough_value", self.exponent.value)
        return np.asarray(rough(x))

    def slope(self, x: Floats) -> Floats:
        """Grad psi at points (dim, n), (dim, n)."""
        return np.asarray(self.exponent.gradient(x))

    def velocity(self, x: Floats) -> Floats | None:
        """c at points (dim, n), (dim, n)."""
        slope = np.asarray(self.exponent.gradient(x))
        tensor, velocity = noise_and_velocity(self.drift, self.diffusion, x)
        return velocity + self.noise * np.einsum("ijn,jn->in", tensor, slope)

    def at_nodes(self, discretization: Discretization) -> Floats:
        """What psi interpolates, (N,)."""
        finer = isinstance(self.exponent, GridFunction)
        return np.asarray((self.exponent.finer_value if finer else self.value)(discretization.nodes.T))

    def on(self, discretization: Discretization, nodal: Floats | None = None) -> Weighted:
        """c = b - div D + D grad psi, with psi the interpolant of the exponent."""
        points = discretization.map.points
        flat = points.reshape(len(points), -1)
        nodal = self.at_nodes(discretization) if nodal is None else nodal
        exponent, slope = _at_quadrature_points(discretization, nodal[discretization.dofs])
        tensor, drift = noise_and_velocity(self.drift, self.diffusion, flat)
        tensor = (self.noise * tensor).reshape(len(points), *points.shape)
        if not (np.isfinite(drift).all() and np.isfinite(tensor).all()):
            where = flat[:, np.flatnonzero(~np.isfinite(drift).all(axis=0))[:1]].ravel()
            raise ProblemError("drift", f"no finite value at {where.tolist()}", "a drift that is finite in the domain")
        velocity = drift.reshape(points.shape) + np.einsum("ijcq,jcq->icq", tensor, slope)
        return Weighted(nodal, exponent, tensor, velocity)


def at_quadrature_points(discretization: Discretization, local: Floats) -> tuple[Floats, Floats]:
    """Values (cells, n) and gradients (dim, cells, n) of a function given by its nodal values in every cell."""
    dimension = discretization.triangulation.dimension
    table = lagrange_at_rule(dimension, discretization.degree, discretization.rule)
    corners = discretization.corners
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    found = (local @ table.reshape(-1, table.shape[2]).T).reshape(-1, *table.shape[:2])
    slope = np.einsum("cjq,cji->icq", found[:, 1:], inverse)
    curved = discretization.curved.cells
    if len(curved):
        slope[:, curved] = np.einsum("kicq,kcq->icq", discretization.map.inverse, slope[:, curved])
    return found[:, 0], slope


def _at_quadrature_points(discretization: Discretization, local: Floats) -> tuple[Floats, Floats]:
    """The same, in curved cells of the polynomial in true coordinates that has these values at the nodes.

    Along straight edges and faces it is that of the cell beside.  Not in the plane beside a curve inside of the domain,
    where it would jump between the nodes: a weight that jumps there is that of another drift.  Where D has a kink on a
    circle, and so psi, an exit time was 7.4e-7 off at a bar of 2.7e-7, and 9.8e-9 at 2.9e-8 on fewer cells without.
    """
    values, slope = at_quadrature_points(discretization, local)
    curved, degree = discretization.curved.cells, discretization.degree
    if discretization.triangulation.dimension == 2 and len(curved):
        curved = curved[~_beside_inner_curves(discretization.triangulation, discretization.vertices[curved])]
    if not len(curved):
        return values, slope
    # by the straight cell's own coordinates
    corners, curved_values = discretization.corners[curved], local[curved]
    inverse = np.linalg.inv(corners[:, 1:] - corners[:, :1])
    middle = curved_values.mean(axis=1, keepdims=True)
    nodes = (discretization.cell_nodes[curved] - corners[:, :1]) @ inverse
    polynomials = interpolants(degree, nodes, curved_values - middle)
    on_straight = at_nodes_of_element(degree, polynomials, corners.shape[2])
    usable = np.abs(on_straight).max(axis=1) < MOST_BENT * np.ptp(curved_values, axis=1)
    away = discretization.map.points[:, curved] - corners[:, 0].T[:, :, None]
    found = values_and_slopes(degree, polynomials, np.einsum("icq,cij->jcq", away, inverse))
    values[curved[usable]] = (found[:, 0] + middle)[usable]
    slope[:, curved[usable]] = np.einsum("cjq,cij->icq", found[:, 1:], inverse)[:, usable]
    return values, slope


def _beside_inner_curves(triangulation: Triangulation, vertices: Integers) -> Booleans:
    """Which of the cells in the plane with these ``vertices`` (m, 3) have an edge on a curve inside of it, (m,).

    Surfaces of sets are none: psi is as smooth there as elsewhere, and a committor between balls took a mesh more.
    """
    curves, count = triangulation.inner_curves, len(triangulation.points)
    if not len(curves):
        return np.zeros(len(vertices), dtype=bool)
    edges = np.concatenate([vertices[:, list(pair)] for pair in local_edges(3)])
    return np.isin(vertex_keys(edges, count), vertex_keys(curves, count)).reshape(3, -1).any(axis=0)
