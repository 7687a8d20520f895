"""The density rho of the place of an exit along a curve, from what leaves through every unknown there.

    sum_j int phi_i phi_j rho_j ds = r_i   on every curve of the target.

rho spans hundreds of orders of magnitude where the curve climbs, so that it is sought as rho_0 times a polynomial on
every edge: rho_0 is r_i over int phi_i ds, which is rho at the points of Gauss and Lobatto up to the error of their
rule, or higher beside where it is much higher, and every row is divided by rho_0 int phi_i ds.

Where a curve has a corner rho is zero if the process is inside of it, like s^(pi/omega - 1) at a distance s in an angle
omega < pi: what leaves at the corner itself is rounding, and rho_0 goes on straight from the rest of the two edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property

import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.absorbing_curves import Curve, points_of_gauss
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

LEAST = -660.0
"""Logarithm of what leaves through an unknown, over all, below which it is taken for that: beyond are no doubles."""
MOST_FALL = 20.0
"""Of log rho_0 on one edge: rho is known there to rounding over exp(20), and no polynomial overshoots by much more."""
MORE_POINTS = 8
"""Of the rule of Gauss on an edge, beside one for every unknown: rho changes by exp(10) at most on most edges."""
CORNER, END = 0.3, 0.05
"""Of a turn, in radians, that smooth curves have not from the end of a curved edge, so much of it, to the next."""
ROUNDED = 1e-13
"""Of the largest coordinate: what is shorter has a direction by rounding."""
NEWTON_STEPS = 12
"""To where so much has left, within an edge, or halves of what is left of it: rho changes by exp(10) there at most."""

Place = tuple[int, float]
"""The number of an edge of a curve, and a parameter in (-1, 1) there."""


@dataclass(frozen=True)
class Arc:
    """Part of a curve: its ``edges`` (k,) in order, each from the parameter ``low`` to ``high``, (k,) both."""

    edges: Integers
    low: Floats
    high: Floats

    @classmethod
    def between(cls, curve: Curve, first: Place | None = None, last: Place | None = None) -> Arc:
        """From one place on to another, over the first point of the curve if need be; None is an end of the curve."""
        count = len(curve.ends)
        begin, stop = first or (0, -1.0), last or (count - 1, 1.0)
        over = begin > stop
        edges = np.arange(begin[0], stop[0] + 1 + (count if over else 0)) % count
        low, high = np.full(len(edges), -1.0), np.full(len(edges), 1.0)
        low[0], high[-1] = begin[1], stop[1]
        return cls(edges, low, high)


@dataclass(frozen=True)
class AlongCurve:
    """rho on a ``curve``: exp and polynomial, by ``logs`` and ``factors`` at the unknowns of each edge, (m, n).

    ``leaving`` (m, n) is what leaves through each; beside a corner, where that is nothing, what would at rho_0.
    """

    curve: Curve
    logs: Floats
    factors: Floats
    leaving: Floats

    @property
    def nodal(self) -> Floats:
        """rho at the unknowns of every edge, (m, n)."""
        return np.asarray(np.exp(self.logs) * self.factors)

    @property
    def parameters(self) -> Floats:
        """Of the unknowns of every edge, (m, n)."""
        return np.broadcast_to(unknowns_of_edge(self.logs.shape[1]), self.logs.shape)

    def at(self, edges: Integers, t: Floats) -> Floats:
        """rho at parameters ``t`` (k, q) in (-1, 1) of ``edges`` (k,), (k, q)."""
        basis = basis_on_edge(self.logs.shape[1], t)
        logs, factors = (np.einsum("kqn,kn->kq", basis, values[edges]) for values in (self.logs, self.factors))
        return np.asarray(np.exp(logs) * factors)

    @cached_property
    def lengths(self) -> Floats:
        """Of the curve up to the unknowns of every edge, (m, n)."""
        every, t = np.arange(len(self.logs)), self.parameters
        inside = np.stack([self._integrated(_one, every, -1.0, end) for end in t[0]], axis=1)
        return np.asarray(inside + np.concatenate([[0.0], np.cumsum(inside[:-1, -1])])[:, None])

    def length_at(self, place: Place) -> float:
        """Of the curve up to a place."""
        edge, t = place
        return float(self.lengths[edge, 0] + self._integrated(_one, np.array([edge]), -1.0, t)[0])

    def integral(self, arc: Arc, transform: Callable[[Floats], Floats] | None = None) -> float:
        """The integral of rho over an ``arc``, or that of a function of it."""
        return float(self._integrated(transform or _itself, arc.edges, arc.low, arc.high).sum())

    def log_at_shares(self, arc: Arc, shares: Sequence[float]) -> list[float]:
        """log rho where these shares of what leaves through an ``arc`` have left."""
        begun = np.append(0.0, np.cumsum(self._integrated(_itself, arc.edges, arc.low, arc.high)))
        wanted = np.asarray(shares) * begun[-1]
        number = np.clip(np.searchsorted(begun, wanted) - 1, 0, len(arc.edges) - 1)
        edges, low, high = arc.edges[number], arc.low[number], arc.high[number]
        amount = wanted - begun[number]
        t = low + (high - low) * np.clip(amount / np.maximum(np.diff(begun)[number], 1e-300), 0.0, 1.0)
        least, most = low, high
        for _ in range(NEWTON_STEPS):
            place = t[:, None]
            slope = (self.at(edges, place) * self.curve.at(edges, place)[1])[:, 0]
            missing = amount - self._integrated(_itself, edges, low, t)
            least, most = np.where(missing >= 0.0, t, least), np.where(missing <= 0.0, t, most)
            onward = t + missing / np.where(slope > 0.0, slope, np.inf)
            t = np.where((least <= onward) & (onward <= most), onward, 0.5 * (least + most))
        return [float(log) for log in np.log(self.at(edges, t[:, None])[:, 0])]

    def _integrated(
        self, transform: Callable[[Floats], Floats], edges: Integers, low: Floats | float, high: Floats | float
    ) -> Floats:
        """The integrals (k,) of a function of rho over edges, each from ``low`` to ``high``."""
        nodes, weights = points_of_gauss(self.logs.shape[1] + MORE_POINTS)
        start = np.broadcast_to(low, len(edges))[:, None]
        half = 0.5 * np.broadcast_to(np.subtract(high, low), len(edges))[:, None]
        t = start + half * (nodes + 1.0)
        return np.asarray((transform(self.at(edges, t)) * self.curve.at(edges, t)[1] * half) @ weights)

    def on(self, arc: Arc) -> Booleans:
        """Which unknowns (m, n) of the edges are on an arc."""
        result, t = np.zeros(self.logs.shape, dtype=bool), self.parameters[arc.edges]
        np.logical_or.at(result, arc.edges, (arc.low[:, None] <= t) & (t <= arc.high[:, None]))
        return result


def _itself(rho: Floats) -> Floats:
    return rho


def _one(rho: Floats) -> Floats:
    return np.ones_like(rho)


def unknowns_of_edge(count: int) -> Floats:
    """The parameters, from -1 to 1, of the ``count`` unknowns of an edge.

    >>> unknowns_of_edge(3).round(12).tolist()
    [-1.0, 0.0, 1.0]
    """
    return np.sort(2.0 * _dolfinx.lagrange_nodes(1, count - 1)[:, 0] - 1.0)


def basis_on_edge(count: int, t: Floats) -> Floats:
    """The basis functions of the unknowns of an edge at parameters ``t`` (k, q), (k, q, count)."""
    return np.asarray(np.polynomial.legendre.legvander(t, count - 1) @ _coefficients(count))


@cache
def _coefficients(count: int) -> Floats:
    """Of Legendre polynomials, from values at the unknowns of an edge."""
    return np.asarray(np.linalg.inv(np.polynomial.legendre.legvander(unknowns_of_edge(count), count - 1)))


def density_along(curve: Curve, shares: tuple[Floats, Floats]) -> AlongCurve:
    """rho on a curve, ``shares`` r exp(l) (N,) each being what leaves through the unknowns."""
    edges, count = curve.dofs.shape
    numbers, local = np.unique(curve.dofs, return_inverse=True)
    local = local.reshape(edges, count)
    nodes, weights = points_of_gauss(count + MORE_POINTS)
    t = np.broadcast_to(nodes, (edges, len(nodes)))
    basis, measure = basis_on_edge(count, t)[0], curve.at(np.arange(edges), t)[1] * weights
    lumped = np.bincount(local.ravel(), weights=(measure @ basis).ravel())
    r, log = (values[numbers] for values in shares)
    with np.errstate(divide="ignore"):
        found = np.maximum(np.log(np.abs(r)) + log, LEAST)
    across = _across_corners(curve, found - np.log(lumped), local)
    logs = _without_jumps(across, local)
    # rows over what rho_0 lets leave there: entries of order one however far rho spans
    scale = logs + np.log(lumped)
    weighted = measure * np.exp(np.einsum("qn,mn->mq", basis, logs[local]))
    matrices = np.einsum("mq,qi,qj->mij", weighted, basis, basis) / np.exp(scale[local])[:, :, None]
    rows, columns = np.repeat(local[:, :, None], count, axis=2), np.repeat(local[:, None], count, axis=1)
    size = (len(numbers), len(numbers))
    matrix = csc_matrix((matrices.ravel(), (rows.ravel(), columns.ravel())), shape=size)
    factors = np.atleast_1d(spsolve(matrix, np.where(found > LEAST, np.sign(r), 0.0) * np.exp(found - scale)))
    through = np.where(across == found - np.log(lumped), found, np.maximum(found, across + np.log(lumped)))
    return AlongCurve(curve, logs[local], factors[local], np.exp(through)[local])


def turns_of(curve: Curve) -> Floats:
    """The angle by which a curve turns to the left from each of its edges (m,) to the next; zero at an end."""
    every, ends = np.arange(len(curve.ends)), np.array([-1.0, -1.0 + END, 1.0 - END, 1.0])
    points = curve.at(every, np.broadcast_to(ends, (len(every), 4)))[0]
    come, go = points[:, 3] - points[:, 2], np.roll(points[:, 1] - points[:, 0], -1, axis=0)
    across = come[:, 0] * go[:, 1] - come[:, 1] * go[:, 0]
    turned = np.arctan2(across, (come * go).sum(axis=1))
    shorter = np.minimum(np.linalg.norm(come, axis=1), np.linalg.norm(go, axis=1))
    turned[shorter < ROUNDED * np.abs(points).max()] = 0.0
    if not curve.closed:
        turned[-1] = 0.0
    return np.asarray(turned)


def _across_corners(curve: Curve, logs: Floats, local: Integers) -> Floats:
    """log rho_0 (n,) with that of corners, and of the edges that end there, from the highest between their ends."""
    corners = np.flatnonzero(np.abs(turns_of(curve)) > CORNER)
    if not len(corners) or local.shape[1] < 3:
        return logs
    after = (corners + 1) % len(local)
    inside = logs[local[:, 1:-1]].max(axis=1)
    result = logs.copy()
    result[local[corners, -1]] = 0.5 * (inside[corners] + inside[after])
    share = 0.5 * (1.0 + unknowns_of_edge(local.shape[1]))[1:-1]
    for edge in {*corners.tolist(), *after.tolist()}:
        first, last = result[local[edge, [0, -1]]]
        result[local[edge, 1:-1]] = first + (last - first) * share
    return result


def _without_jumps(logs: Floats, local: Integers) -> Floats:
    """log rho_0 (n,) at the unknowns, those of every edge being ``local`` (m, k), at most ``MOST_FALL`` apart there."""
    while True:
        least = np.full(len(logs), -np.inf)
        np.maximum.at(least, local, (logs[local].max(axis=1) - MOST_FALL)[:, None])
        if (least <= logs).all():
            return logs
        logs = np.maximum(logs, least)
