"""Kinetic equation in Hermite functions of the velocity over finite elements of the position, its odd part eliminated.

With ``v = sqrt(eps) (a + a*)`` the generator of ``dx = v dt, dv = -grad V dt - gamma v dt + sqrt(2 gamma eps) dW`` is

``-L = gamma N + sum_i (a_i D_i^* - a_i^* D_i),  D_i = sqrt(eps) d_i,  D_i^* = -sqrt(eps) d_i + d_i V/sqrt(eps)``

in ``L^2(exp(-H/eps))``, where N counts the order |n| of the Hermite function ``h_n``.  It takes functions of even order
to odd ones and back but for ``gamma N``, so that of ``-L u = lambda u`` the odd part is known at every place:
``u_m = (K* u)_m/(gamma |m| - lambda)`` with
``(K* u)_m = sum_i sqrt(m_i) D_i u_(m - e_i) - sqrt(m_i + 1) D_i^* u_(m + e_i)``.
What is left for the even part, ``S(lambda) = gamma N - lambda + K (gamma N - lambda)^-1 K*``, is symmetric, and for
lambda below gamma of no more derivatives than an elliptic equation: S(0) is not negative, and real eigenvalues are
roots of a Rayleigh quotient, approached from above by any finite elements and any number of Hermite functions.

Walls turn the velocity across them: functions odd in that velocity vanish there.  The variational principle is that of
even parity in transport theory (Vladimirov 1961); for Kramers' equation the Hermite functions are those of Risken, The
Fokker-Planck Equation (1989), section 10.3.
"""

from __future__ import annotations

from itertools import product
from math import comb, sqrt
from typing import Any

import numpy as np

from fokker_planck.fem import _dolfinx, work
from fokker_planck.fem.discretization import Discretization
from fokker_planck.formulas.arrays import Booleans, Floats, Function
from fokker_planck.quantity.light_dataclasses import dataclass

Index = tuple[int, ...]


@dataclass(frozen=True)
class HermiteSpace:
    """Even Hermite functions up to an order, each times finite elements of the positions.

    Parameters
    ----------
    even, odd
        orders of the Hermite functions in the velocities; the odd ones reach one order further
    dofs
        unknowns of every cell, (cells, n); functions are (even, unknowns)
    values
        sqrt(weight) phi at the quadrature points, (cells, q, n)
    slopes, adjoints
        sqrt(weight) D_i phi and sqrt(weight) D_i^* phi, (dim, cells, q, n)
    free
        which unknowns are no zeros at walls, (even, unknowns)
    """

    even: tuple[Index, ...]
    odd: tuple[Index, ...]
    friction: float
    dofs: Any
    values: Floats
    slopes: Floats
    adjoints: Floats
    free: Booleans

    @property
    def levels(self) -> Floats:
        """|n| of the even functions."""
        return np.array([sum(n) for n in self.even], dtype=float)

    @property
    def odd_levels(self) -> Floats:
        """|m| of the odd functions."""
        return np.array([sum(m) for m in self.odd], dtype=float)

    @property
    def count(self) -> int:
        """All unknowns of the even part."""
        return int(self.free.size)

    def local(self, u: Floats) -> Floats:
        """A function (even, N) by cell, (cells, n, even)."""
        return np.ascontiguousarray(np.moveaxis(u[:, self.dofs], 0, 2))

    def odd_part(self, u: Floats) -> Floats:
        """``sqrt(weight) K* u`` at the quadrature points, (odd, cells, q)."""
        cells = self.local(u)
        place = {n: k for k, n in enumerate(self.even)}
        shape = (self.values.shape[0], self.values.shape[1])
        result = np.zeros((len(self.odd), *shape))
        for axis in range(len(self.slopes)):
            up, down = self.slopes[axis] @ cells, self.adjoints[axis] @ cells
            for number, m in enumerate(self.odd):
                below, above = _shifted(m, axis, -1), _shifted(m, axis, 1)
                if below in place:
                    result[number] += sqrt(m[axis]) * up[:, :, place[below]]
                if above in place:
                    result[number] -= sqrt(m[axis] + 1) * down[:, :, place[above]]
        return result

    def of_odd(self, t: Floats) -> Floats:
        """``K t`` of values at the quadrature points (odd, cells, q), tested: (even, N)."""
        place = {m: k for k, m in enumerate(self.odd)}
        cells = np.zeros((self.values.shape[0], self.values.shape[2], len(self.even)))
        points = np.moveaxis(t, 0, 2)
        for axis in range(len(self.slopes)):
            up, down = np.zeros((2, *points.shape[:2], len(self.even)))
            for number, n in enumerate(self.even):
                above, below = _shifted(n, axis, 1), _shifted(n, axis, -1)
                if above in place:
                    up[:, :, number] = sqrt(n[axis] + 1) * points[:, :, place[above]]
                if below in place:
                    down[:, :, number] = sqrt(n[axis]) * points[:, :, place[below]]
            cells += np.swapaxes(self.slopes[axis], 1, 2) @ up - np.swapaxes(self.adjoints[axis], 1, 2) @ down
        return self.gathered(cells)

    def mass(self, u: Floats) -> Floats:
        """``M u``, (even, N)."""
        return self.gathered(np.swapaxes(self.values, 1, 2) @ (self.values @ self.local(u)))

    def gathered(self, cells: Floats) -> Floats:
        """Contributions (cells, n, even) summed at the unknowns, zero at walls; (even, N)."""
        result = np.zeros((self.free.shape[1], len(self.even)))
        np.add.at(result, self.dofs, cells)
        return np.where(self.free, result.T, 0.0)

    def diagonal_block(self, number: int) -> Any:
        """S(0) of one even function, sparse, (N, N)."""
        n = self.even[number]
        order = sum(n)
        cells = self.friction * order * (np.swapaxes(self.values, 1, 2) @ self.values)
        for axis, k in enumerate(n):
            up, down = self.slopes[axis], self.adjoints[axis]
            cells += (k + 1) / (self.friction * (order + 1)) * (np.swapaxes(up, 1, 2) @ up)
            if k:
                cells += k / (self.friction * (order - 1)) * (np.swapaxes(down, 1, 2) @ down)
        return self.assembled(cells)

    def assembled(self, cells: Floats) -> Any:
        """Matrices of cells (cells, n, n) as one sparse matrix."""
        from scipy.sparse import coo_matrix

        size = self.free.shape[1]
        rows = np.repeat(self.dofs[:, :, None], self.dofs.shape[1], axis=2)
        columns = np.swapaxes(rows, 1, 2)
        return coo_matrix((cells.ravel(), (rows.ravel(), columns.ravel())), shape=(size, size)).tocsc()


def hermite_space(
    discretization: Discretization,
    exponent: Function,
    epsilon: float,
    friction: float,
    order: int,
    walls: tuple[tuple[float | None, float | None], ...],
) -> HermiteSpace:
    """Even Hermite functions of all orders up to ``order`` over the elements of a discretization.

    Parameters
    ----------
    discretization
        of the positions
    exponent
        V/eps
    epsilon, friction
        of the velocity
    order
        of the last Hermite functions
    walls
        at which the velocity is turned around, below and above on every axis, None for none
    """
    dimension = discretization.triangulation.dimension
    even, odd = (_orders(dimension, order + one, one) for one in (0, 1))
    table = _dolfinx.tabulate_lagrange(dimension, discretization.degree, discretization.reference_points, 1)
    corners = discretization.corners
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    here = discretization.map
    flat = here.points.reshape(dimension, -1)
    phi = np.asarray(exponent.value(flat)).reshape(here.volume.shape)
    slope = np.asarray(exponent.gradient(flat)).reshape(here.points.shape)
    root = np.sqrt(here.volume * np.exp(-(phi - phi.min())))[..., None]
    values = root * table[0]
    gradients = root * np.einsum("jqn,cji->icqn", table[1:], inverse, optimize=True)
    slopes = sqrt(epsilon) * gradients
    adjoints = sqrt(epsilon) * (slope[..., None] * values - gradients)
    nodes, extent = discretization.nodes, float(np.ptp(discretization.nodes, axis=0).max())
    free = np.ones((len(even), discretization.count), dtype=bool)
    for axis, ends in enumerate(walls):
        for wall in ends:
            if wall is not None:
                on_wall = np.abs(nodes[:, axis] - wall) < ON_WALL * extent
                free[np.ix_([n[axis] % 2 == 1 for n in even], on_wall)] = False
    work.done(assemblies=1, unknowns=int(free.size))
    return HermiteSpace(even, odd, friction, discretization.dofs, values, slopes, adjoints, free)


ON_WALL = 1e-9
"""Of the extent: nodes on a wall are there to rounding, others a part of a cell away."""


def _orders(dimension: int, most: int, parity: int) -> tuple[Index, ...]:
    """All orders up to a sum, those of one parity, by their sum."""
    found = [n for n in product(range(most + 1), repeat=dimension) if sum(n) <= most and sum(n) % 2 == parity]
    return tuple(sorted(found, key=lambda n: (sum(n), n)))


def even_functions(dimension: int, order: int) -> int:
    """How many even Hermite functions there are up to an even order.

    >>> even_functions(1, 4), even_functions(2, 4)
    (3, 9)
    """
    return sum(comb(level + dimension - 1, dimension - 1) for level in range(0, order + 1, 2))


def _shifted(n: Index, axis: int, by: int) -> Index:
    return (*n[:axis], n[axis] + by, *n[axis + 1 :])
