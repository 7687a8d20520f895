"""The curves on which a process in the plane is stopped, edge after edge, and what leaves through every unknown there.

With z the density of the time spent before the exit, over its weight, a(v, z) = v(start) for all v that vanish on the
target.  The place of the exit then has E phi(X_tau) = -a(E phi, z) for every phi on the target, with E phi any function
that is phi there: for the basis function of an unknown on the target its product with the density of that place.  As
a(1, z) = 0 these add up to one, to rounding.

Source: Carey, Chow and Seager, Comput. Methods Appl. Mech. Engrg. 50 (1985) 107: fluxes through a boundary from the
residual there, of a higher order than those from gradients.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.cell_products import LogScaled, sizes
from fokker_planck.fem.discretization import Discretization, places_in
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.triangulations.curving import DEGREE
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass

ORDER = DEGREE + 1
"""Points of an edge by which its curve, a polynomial of the degree of the map of curved cells, is known."""


@dataclass(frozen=True)
class Curve:
    """Edges (m,) one after the other with the process on their left, and whether the last leads back to the first.

    ``ends`` (m, 2) are their vertices, by class; ``dofs`` (m, p + 1) the unknowns from end to end; ``places`` (m, k, 2)
    k = ``ORDER`` points of each at those of Gauss.
    """

    ends: Integers
    dofs: Integers
    places: Floats
    closed: bool

    def at(self, edges: Integers, t: Floats) -> tuple[Floats, Floats]:
        """Points (k, q, 2) of ``edges`` (k,) at parameters ``t`` (k, q) in (-1, 1), and the speeds |dx/dt| there."""
        values, steps = _of_curve()
        places = self.places[edges]
        slopes = np.polynomial.legendre.legvander(t, ORDER - 2) @ steps
        points = np.polynomial.legendre.legvander(t, ORDER - 1) @ values @ places
        speeds: Floats = np.asarray(np.linalg.norm(slopes @ places, axis=2), dtype=np.float64)
        return np.asarray(points, dtype=np.float64), speeds


@cache
def _of_curve() -> tuple[Floats, Floats]:
    """Coefficients of Legendre polynomials of a curve, and of its derivative, from its points."""
    known = np.linalg.inv(np.polynomial.legendre.legvander(points_of_gauss(ORDER)[0], ORDER - 1))
    inverse: Floats = np.asarray(known, dtype=np.float64)
    return inverse, np.polynomial.legendre.legder(np.eye(ORDER), axis=0) @ inverse


@cache
def points_of_gauss(count: int) -> tuple[Floats, Floats]:
    """Points and weights on (-1, 1)."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return points, weights


def absorbing_curves(discretization: Discretization, absorbed: Booleans) -> list[Curve]:
    """The curves that make up the surface of what is ``absorbed`` (N,), longest first, the same on every rank."""
    rows = [part for part in discretization.comm.allgather(_edges(discretization, absorbed)) if len(part[0])]
    if not rows:
        return []
    ends, dofs, places = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    ends, dofs, places = ends[order], dofs[order], places[order]
    curves = [Curve(ends[c], dofs[c], places[c], closed) for c, closed in _chained(ends)]
    return sorted(curves, key=lambda curve: -len(curve.ends))


def _edges(discretization: Discretization, absorbed: Booleans) -> tuple[Integers, Integers, Floats]:
    """Of this rank the edges on the target of cells that are not in it: ends, unknowns, points; as in ``Curve``."""
    triangulation, degree = discretization.triangulation, discretization.degree
    marked = absorbed[discretization.dofs]
    corners, live = discretization.corners, ~marked.all(axis=1)
    side = np.linalg.det(corners[:, 1:] - corners[:, :1]) > 0.0
    coordinates = barycentric(_dolfinx.lagrange_nodes(2, degree))
    parameters = 0.5 * (1.0 + points_of_gauss(ORDER)[0])
    ends, dofs, places = [], [], []
    for first, second in ((0, 1), (1, 2), (2, 0)):
        third = 3 - first - second
        on_edge = np.flatnonzero(np.abs(coordinates[:, third]) < 1e-12)
        on_edge = on_edge[np.argsort(coordinates[on_edge, second])]
        for positive in (True, False):
            chosen = np.flatnonzero(live & (side == positive) & marked[:, on_edge].all(axis=1))
            start, stop, along = (first, second, on_edge) if positive else (second, first, on_edge[::-1])
            weights = np.zeros((ORDER, 3))
            weights[:, start], weights[:, stop] = 1.0 - parameters, parameters
            ends.append(triangulation.vertex_class[discretization.vertices[chosen][:, [start, stop]]])
            dofs.append(discretization.dofs[chosen][:, along])
            reference = np.broadcast_to(weights[:, 1:], (len(chosen), ORDER, 2))
            places.append(places_in(discretization, chosen, reference)[0] if len(chosen) else np.zeros((0, ORDER, 2)))
    return np.concatenate(ends), np.concatenate(dofs), np.concatenate(places)


def _chained(ends: Integers) -> list[tuple[Integers, bool]]:
    """Numbers of the edges (m, 2) of every chain, in order from where it begins, and whether it is closed."""
    onward: dict[int, list[int]] = {}
    for number, start in enumerate(ends[:, 0].tolist()):
        onward.setdefault(start, []).append(number)
    beginnings = [number for number, start in enumerate(ends[:, 0].tolist()) if start not in set(ends[:, 1].tolist())]
    left, chains = set(range(len(ends))), []
    for first in [*beginnings, *range(len(ends))]:
        if first not in left:
            continue
        chain, number = [], first
        while True:
            chain.append(number)
            left.discard(number)
            following = [n for n in onward.get(int(ends[number, 1]), []) if n in left]
            if not following:
                break
            number = following[0]
        chains.append((np.array(chain), bool(ends[chain[-1], 1] == ends[chain[0], 0])))
    return chains


def leaving(generator: Generator, function: LogScaled, absorbed: Booleans) -> tuple[Floats, Floats]:
    """-a(phi_i, z) for every unknown ``absorbed``, as r exp(l), with r and l (N,) each; r is zero at the others.

    ``function`` z is given by cell, with detailed balance up to a constant in each. Weights are relative to the lowest
    exponent.
    """
    discretization = generator.discretization
    dofs, exponent = discretization.dofs, generator.exponent[discretization.dofs]
    levels = exponent.min(axis=1)
    half = np.exp(-0.5 * (exponent - levels[:, None]))
    size = sizes(function.values)
    values = function.values / size[:, None] * half
    shares = -half * (np.swapaxes(generator.stiffness, 1, 2) @ values[..., None])[..., 0]
    shares[~absorbed[dofs]] = 0.0
    logs = np.broadcast_to((np.log(size) + function.logs - levels + generator.lowest)[:, None], dofs.shape)
    top = np.full(discretization.count, -np.inf)
    np.maximum.at(top, dofs, np.where(shares != 0.0, logs, -np.inf))
    top = _over_ranks(discretization, top, MPI.MAX)
    with np.errstate(invalid="ignore"):
        parts = np.where(shares != 0.0, shares * np.exp(np.where(shares != 0.0, logs - top[dofs], 0.0)), 0.0)
    total = np.bincount(dofs.ravel(), weights=parts.ravel(), minlength=discretization.count)
    return _over_ranks(discretization, total, MPI.SUM), top


def _over_ranks(discretization: Discretization, values: Floats, operation: MPI.Op) -> Floats:
    """The vectors (N,) of all ranks together."""
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, values, op=operation)
    return values
