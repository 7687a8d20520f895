"""Where a process crosses a saddle: how large cells may be there, before anything is solved.

Across a saddle at z the equilibrium potential of a well is erfc(s sqrt(k/2)) / 2 to leading order, s = n . (x - z),
with the left eigenvector n of the drift's Jacobian (-D Hess Phi in detailed balance) for its one positive eigenvalue
mu, and k = mu / (n . D n) (Kramers 1940; Bovier, Eckhoff, Gayrard and Klein 2004).  The lowest exponent of the planes
s = constant falls like -k s^2 / 2, with detailed balance and without, so that what polynomials miss of
u' = exp(-k s^2 / 2) where the cell is counts with the weight exp(k s^2 / 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

REACH = 40.0
"""Units of epsilon around a saddle, exp(-40) = 4e-18: with 10 the exit time of the quartic well at barrier 50 changes
by 2e-8 and its bar by a sixth, with 100 neither."""
FARTHEST = 150.0
"""Exponent beyond which exp(t^2/4) is as good as infinite: squared, it is a double still; such a cell is bisected."""


@dataclass(frozen=True)
class Front:
    """A pass at ``place`` (dim,) with the direction ``normal`` (dim,) across it, and k = ``curvature`` along that."""

    place: tuple[float, ...]
    normal: tuple[float, ...]
    curvature: float


def front_across(place: Sequence[float], jacobian: Floats, diffusion: Floats) -> Front | None:
    """The front at a saddle with the Jacobian of the drift and D there, (dim, dim) each; None where no way leads out.

    In detailed balance the Jacobian is -D Hess Phi.

    >>> front = front_across((0.0, 0.0), np.diag([1.0, -2.0]), 0.05 * np.eye(2))
    >>> np.abs(front.normal).tolist(), front.curvature
    ([1.0, 0.0], 20.0)
    """
    values, vectors = np.linalg.eig(np.asarray(jacobian).T)
    which = int(np.argmax(values.real))
    normal = vectors[:, which].real
    spread = float(normal @ diffusion @ normal)
    if not values.real[which] > 0.0 or not spread > 0.0:
        return None
    normal = normal / np.linalg.norm(normal)
    return Front(tuple(place), tuple(normal), float(values.real[which] / (normal @ diffusion @ normal)))


def front_errors(corners: Floats, fronts: Sequence[Front], degree: int) -> Floats:
    """What degree p misses in cells (m, dim + 1, dim) of the energy of the fronts, relative to that, (m,).

    Cells beyond the parabola that approximates Phi do not count.
    """
    result = np.zeros(len(corners))
    for front in fronts:
        offset = corners - np.asarray(front.place)
        along = np.sqrt(front.curvature) * (offset @ np.asarray(front.normal))
        reach = front.curvature * (offset**2).sum(axis=2).min(axis=1)
        near = np.flatnonzero((reach < REACH) & (np.abs(along).min(axis=1) ** 2 < REACH))
        missed = missed_energy(along[near].min(axis=1), along[near].max(axis=1), degree)
        result[near] = np.maximum(result[near], missed)
    return result


def missed_energy(lower: Floats, upper: Floats, degree: int) -> Floats:
    """min over q of degree p - 1 of int (exp(-t^2/2) - q)^2 exp(t^2/2) dt / sqrt(2 pi) from ``lower`` to ``upper``.

    A constant misses (t^2 - h^2/3) / 2 of it between -h and h, up to higher powers of h:

    >>> h = 0.01
    >>> leading = 2.0 / 45.0 * h**5 / np.sqrt(2.0 * np.pi)
    >>> float((missed_energy(np.array([-h]), np.array([h]), 1)[0] / leading).round(3))
    1.0
    """
    nodes, weights, polynomials = _rule(degree)
    middle, half = 0.5 * (lower + upper)[:, None], 0.5 * (upper - lower)[:, None]
    t = middle + half * nodes
    root = np.sqrt(weights * half / np.sqrt(2.0 * np.pi)) * np.exp(np.minimum(0.25 * t**2, FARTHEST))
    basis = root[:, :, None] * polynomials
    wanted = root * np.exp(-0.5 * t**2)
    orthonormal = np.linalg.qr(basis)[0]
    rest = wanted - (orthonormal @ (wanted[:, None, :] @ orthonormal)[:, 0, :, None])[..., 0]
    return np.asarray((rest**2).sum(axis=1))


@cache
def _rule(degree: int) -> tuple[Floats, Floats, Floats]:
    """Points and weights of Gauss and Legendre, and the polynomials of lower degree there."""
    nodes, weights = np.polynomial.legendre.leggauss(2 * degree + 8)
    return nodes, weights, np.asarray(np.polynomial.legendre.legvander(nodes, degree - 1), dtype=np.float64)
