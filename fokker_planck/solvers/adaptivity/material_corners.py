"""Exponents where surfaces of jump meet each other or a wall: the angular problem of several materials around a point.

Around such a point u = r^alpha f(angle), f a combination of cos(alpha phi) and sin(alpha phi) in each sector, with the
angle phi and the distance rho = kappa r in the metric of its D^-1.  Across every ray

    kappa^alpha f    and    kappa^alpha A f',    A = w sqrt(det D),    are continuous,

values and fluxes, with w the stationary density (Kellogg 1975; Petzoldt 2001).  alpha is the least positive number for
which some f keeps this all around, or from wall to wall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.jumps.interfaces import Interfaces
from fokker_planck.quantity.light_dataclasses import dataclass, field

Tensor = Callable[[Floats], Floats]

STEP = 2e-3
"""Of the values of alpha that are tried before a root is bisected: two roots nearer to each other are seen as one."""
TOUCHES = 1e-7
"""Of the determinant where it touches zero without crossing it, at a double root, over its size around."""
LARGEST_RATIO = 200.0
"""Of the logarithms of A between materials: beyond it the lighter one is a wall to the other, and exponents are those
of that limit."""


@dataclass(frozen=True)
class Medium:
    """D at points (dim, n), the surfaces on which it jumps, and log w at points; w is one where that is not given."""

    tensor: Tensor
    interfaces: Interfaces = field(default_factory=Interfaces)
    log_weight: Callable[[Floats], Floats] | None = None


@dataclass(frozen=True)
class Sector:
    """A sector between two rays: its ``angle`` and the lengths ``first``, ``last`` of unit vectors along the rays, both
    in the metric of D^-1, and ``log_flux``, log A.
    """

    angle: float
    first: float
    last: float
    log_flux: float


def material_exponent(sectors: Sequence[Sector], walls: tuple[bool, bool] | None) -> float:
    """The least alpha below one of sectors in order, infinity where there is none.

    ``walls`` tells of the first and the last ray whether it absorbs, else it reflects; None where the sectors close.

    >>> quarter = [Sector(np.pi / 2, 1.0, 1.0, np.log(a)) for a in (1.0, 100.0, 1.0, 100.0)]
    >>> round(material_exponent(quarter, None), 6), round(4.0 / np.pi * float(np.arctan(0.1)), 6)    # Kellogg 1975
    (0.126902, 0.126902)
    >>> material_exponent([Sector(np.pi, 1.0, 1.0, 0.0), Sector(np.pi, 1.0, 1.0, 3.0)], None)
    inf
    >>> round(material_exponent([Sector(1.5 * np.pi, 1.0, 1.0, 0.0)], (True, True)), 6)
    0.666667
    """
    alphas = np.arange(STEP, 1.0 - 0.5 * STEP, STEP)
    values = _determinant(alphas, sectors, walls)
    scale = np.maximum.accumulate(np.abs(values)[::-1])[::-1]
    crossing = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0.0)
    inner = np.abs(values[1:-1])
    least = (inner <= np.abs(values[:-2])) & (inner <= np.abs(values[2:])) & (inner <= TOUCHES * scale[1:-1])
    touching = np.flatnonzero(least) + 1
    first = min([*crossing[:1].tolist(), *touching[:1].tolist()], default=-1)
    if first < 0:
        return float("inf")
    if first not in crossing:
        return float(alphas[first])
    low, high = float(alphas[first]), float(alphas[first + 1])
    sign = np.sign(values[first])
    for _ in range(40):
        middle = 0.5 * (low + high)
        if np.sign(_determinant(np.array([middle]), sectors, walls)[0]) == sign:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _determinant(alphas: Floats, sectors: Sequence[Sector], walls: tuple[bool, bool] | None) -> Floats:
    """What vanishes where alpha is an exponent, (n,)."""
    top = max(sector.log_flux for sector in sectors)
    matrix = np.broadcast_to(np.eye(2), (len(alphas), 2, 2))
    for sector in sectors:
        size = float(np.exp(max(sector.log_flux - top, -LARGEST_RATIO)))
        cosine, sine = np.cos(alphas * sector.angle), np.sin(alphas * sector.angle)
        change = (sector.last / sector.first) ** alphas
        step = np.array([[cosine, sine / (alphas * size)], [-alphas * size * sine, cosine]]) * change
        matrix = np.moveaxis(step, 2, 0) @ matrix
    if walls is None:
        trace = matrix[:, 0, 0] + matrix[:, 1, 1]
        return np.asarray(1.0 - trace + np.linalg.det(matrix))
    start, end = (0 if absorbs else 1 for absorbs in walls)
    # an absorbing ray leaves the flux alone free, a reflecting one the value
    return np.asarray(matrix[:, end, 1 - start])


def log_flux(tensors: Floats, log_weights: Floats) -> Floats:
    """log A of sectors from D (n, dim, dim) and log w (n,); in space D is taken for a multiple of one."""
    dimension = tensors.shape[1]
    return np.asarray(log_weights + np.log(np.linalg.det(tensors)) / dimension)
