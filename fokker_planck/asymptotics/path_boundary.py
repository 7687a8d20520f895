"""Hamilton's equations between two points as a boundary problem: equations, conditions at its ends, derivatives.

A path leaves an attractor along its unstable manifold, on which p = grad W, and arrives at a saddle along its stable
one; both are known to second order near their fixed points.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fokker_planck.asymptotics.quasipotential import SmallNoise
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

STEP = 1e-6
"""Of the distance of the ends, for derivatives of H_x, which decide on nothing but the steps of Newton's method."""


@dataclass(frozen=True)
class Ends:
    """The two points to be joined, and what is known of the quasipotential around them."""

    first: Floats
    last: Floats
    shape: Floats  # Hess W at the first
    twist: Floats  # its third derivatives there
    growth: Floats  # J + 2 a Hess W there: how paths leave
    way_in: WayIn | None  # None for an end that is no fixed point

    @property
    def span(self) -> float:
        """Their distance."""
        return float(np.linalg.norm(self.last - self.first))


@dataclass(frozen=True)
class WayIn:
    """The stable manifold of Hamilton's equations at a saddle: ``inward . p = curve(sigma, sigma)``, sigma = left . z.

    Parameters
    ----------
    inward
        the stable directions of the drift, to which p stands at right angles, (dim - 1, dim)
    basis, stable
        the manifold's tangent space, and the linear flow in it, ``sigma' = stable sigma``
    """

    inward: Floats
    left: Floats
    curve: Floats
    basis: Floats
    stable: Floats


def ends_of(noise: SmallNoise, first: Floats, last: Floats) -> Ends:
    """What is known around an attractor, and around a saddle or another point."""
    shape = noise.hessian_at(first)
    growth = noise.J(first[:, None])[:, :, 0] + 2.0 * noise.a(first[:, None])[:, :, 0] @ shape
    fixed = _is_fixed(noise, last, float(np.linalg.norm(last - first)))
    way_in = _way_in(noise, last[:, None]) if fixed else None
    return Ends(first, last, shape, noise.third_derivatives_at(first), growth, way_in)


def _way_in(noise: SmallNoise, saddle: Floats) -> WayIn:
    """To second order: with ``z' = A z + F(z, z)`` and U A = Lambda U for the rows U = (0, inward),

    ``2 h(S sigma, sigma) - Lambda h(sigma, sigma) = U F(B sigma, B sigma)``, B a basis of the stable space, A B = B S.
    """
    from scipy.linalg import schur

    size = len(saddle)
    J, a = noise.J(saddle)[:, :, 0], noise.a(saddle)[:, :, 0]
    inward = _stable_directions(J)
    matrix = np.block([[J, 2.0 * a], [np.zeros((size, size)), -J.T]])
    basis = schur(matrix, sort="lhp")[1][:, :size]
    rows = schur(matrix.T, sort="lhp")[1][:, :size].T
    left = np.linalg.solve(rows @ basis, rows)
    stable = left @ matrix @ basis
    bend, slant = noise.bend(saddle), noise.a_gradient(saddle)[:, :, :, 0]
    # the p part of F, which is minus the quadratic part of H_x
    y, p = basis[:size], basis[size:]
    force = -np.einsum("ijk,ku,iv->juv", bend, y, p) - np.einsum("jik,iu,kv->juv", slant, p, p)
    force = 0.5 * (force + np.swapaxes(force, 1, 2))
    right = np.einsum("rj,juv->ruv", inward, force)
    rates = -inward @ J.T @ inward.T
    one, few = np.eye(size), np.eye(len(inward))
    operator = np.kron(few, np.kron(stable.T, one) + np.kron(one, stable.T)) - np.kron(rates, np.kron(one, one))
    curve = np.linalg.solve(operator, right.ravel()).reshape(len(inward), size, size)
    return WayIn(inward, left, curve, basis, stable)


def energy(noise: SmallNoise, x: Floats, p: Floats) -> Floats:
    """H = b . p + p . a p, (n,)."""
    return np.asarray(np.einsum("in,in->n", p, noise.drift(x)) + np.einsum("in,ijn,jn->n", p, noise.a(x), p))


def _is_fixed(noise: SmallNoise, point: Floats, span: float) -> bool:
    slope = float(np.abs(noise.J(point[:, None])).max())
    return float(np.linalg.norm(noise.drift(point[:, None]))) <= 1e-7 * slope * span


def _stable_directions(jacobian: Floats) -> Floats:
    """A basis of the stable eigenspace: the momentum at a saddle stands at right angles to it, (dim - 1, dim)."""
    from scipy.linalg import schur

    _form, vectors, count = schur(jacobian, sort="lhp")
    if count != len(jacobian) - 1:
        raise ProblemError(
            "end", f"a fixed point with {len(jacobian) - count} unstable directions", "a saddle with one"
        )
    return np.asarray(vectors[:, :count].T)


@dataclass(frozen=True)
class BoundaryProblem:
    """The equations of a path in times from 0 to 1, between surfaces at a ``fraction`` of the ends' distance from each.

    States y (2 dim, n) are x and p; of the two unknowns q one is the time from end to end, and the other by how much
    the length of p differs at the beginning: it is such that H = 0, exactly, else the path would miss the saddle.
    """

    noise: SmallNoise
    ends: Ends
    fraction: float

    @property
    def radius(self) -> float:
        """Of the sphere around the end."""
        return self.fraction * self.ends.span

    @cached_property
    def level(self) -> float:
        """Of the ellipsoid around the start."""
        return self.radius**2 * float(np.linalg.eigvalsh(self.ends.shape)[0])

    @cached_property
    def pace(self) -> float:
        """How fast paths leave."""
        return float(np.linalg.norm(self.ends.growth))

    def equations(self, _: Floats, y: Floats, q: Floats) -> Floats:
        """``x' = H_p`` and ``p' = -H_x``, times the time."""
        x, p = self._parts(y)
        return np.asarray(np.concatenate([self.noise.velocity(x, p), self.noise.momentum_rate(x, p)]) * q[0])

    def slopes(self, t: Floats, y: Floats, q: Floats) -> tuple[Floats, Floats]:
        """Their derivatives by y, (2 dim, 2 dim, n), and by q, (2 dim, 2, n); those of H_x by differences."""
        x, p = self._parts(y)
        (size, count), step = x.shape, STEP * self.ends.span
        moved = np.concatenate(
            [x + sign * step * axis[:, None] for axis in np.eye(size) for sign in (1.0, -1.0)], axis=1
        )
        rates = self.noise.momentum_rate(moved, np.tile(p, 2 * size)).reshape(size, size, 2, count)
        by_state = np.empty((2 * size, 2 * size, count))
        gradient = self.noise.velocity_gradient(x, p)
        by_state[:size, :size], by_state[:size, size:] = gradient, 2.0 * self.noise.a(x)
        by_state[size:, :size] = (rates[:, :, 0] - rates[:, :, 1]) / (2.0 * step)
        by_state[size:, size:] = -np.swapaxes(gradient, 0, 1)
        by_unknown = np.zeros((2 * size, 2, count))
        by_unknown[:, 0] = self.equations(t, y, np.ones(2))
        return by_state * q[0], by_unknown

    def conditions(self, left: Floats, right: Floats, q: Floats) -> Floats:
        """What is to be zero at both ends."""
        ends, (x, p) = self.ends, self._parts(left)
        away = x - ends.first
        wanted = [(p - (1.0 + q[1]) * self._gradient(away)) / self.radius]
        excess = energy(self.noise, x[:, None], p[:, None])[0] / (self.pace * self.level)
        wanted.append(np.array([away @ ends.shape @ away / self.level - 1.0, excess]))
        x, p = self._parts(right)
        near = x - ends.last
        if ends.way_in is None:
            wanted.append(near / self.radius)
        else:
            # That p has no component along the unstable direction more follows from H = 0.
            sigma = ends.way_in.left @ np.append(near, p)
            curved = np.einsum("ruv,u,v->r", ends.way_in.curve, sigma, sigma)
            across = (ends.way_in.inward @ p - curved) / self.radius
            wanted += [across, np.array([near @ near / self.radius**2 - 1.0])]
        return np.concatenate(wanted)

    def slopes_of_conditions(self, left: Floats, right: Floats, q: Floats) -> tuple[Floats, Floats, Floats]:
        """Their derivatives by the states at both ends, (2 dim + 2, 2 dim) each, and by q, (2 dim + 2, 2)."""
        ends, (x, p) = self.ends, self._parts(left)
        size, away = len(x), x - ends.first
        by_left, by_right, by_unknown = (np.zeros((2 * size + 2, width)) for width in (2 * size, 2 * size, 2))
        by_left[:size, :size] = -(1.0 + q[1]) * (ends.shape + ends.twist @ away) / self.radius
        by_left[:size, size:] = np.eye(size) / self.radius
        by_unknown[:size, 1] = -self._gradient(away) / self.radius
        by_left[size, :size] = 2.0 * ends.shape @ away / self.level
        scale = self.pace * self.level
        by_left[size + 1, :size] = -self.noise.momentum_rate(x[:, None], p[:, None])[:, 0] / scale
        by_left[size + 1, size:] = self.noise.velocity(x[:, None], p[:, None])[:, 0] / scale
        x, p = self._parts(right)
        near, last = x - ends.last, size + 2
        if ends.way_in is None:
            by_right[last:, :size] = np.eye(size) / self.radius
        else:
            way = ends.way_in
            sigma = way.left @ np.append(near, p)
            bent = np.einsum("ruv,u->rv", way.curve + np.swapaxes(way.curve, 1, 2), sigma) @ way.left
            by_right[last:-1] = -bent / self.radius
            by_right[last:-1, size:] += way.inward / self.radius
            by_right[-1, :size] = 2.0 * near / self.radius**2
        return by_left, by_right, by_unknown

    def _parts(self, y: Floats) -> tuple[Floats, Floats]:
        size = len(self.ends.first)
        return y[:size], y[size:]

    def _gradient(self, away: Floats) -> Floats:
        """Of W beside the attractor."""
        return np.asarray(self.ends.shape @ away + 0.5 * np.einsum("ijk,j,k->i", self.ends.twist, away, away))
