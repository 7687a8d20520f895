"""Domains: where the process lives. Boundaries reflect, unless an axis is periodic or the question absorbs there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.sets.shapes import Ball

if TYPE_CHECKING:
    from fokker_planck.model.potential import Potential


Domain: TypeAlias = Box | Ball | MeshDomain | Sublevel


def dimension_of(domain: Domain, potential: Potential | None = None) -> int:
    """Number of coordinates; a sublevel without a search box has as many as the potential needs."""
    if not isinstance(domain, Sublevel):
        return domain.dimension
    if potential is not None:
        return domain.dimension_with(potential)
    if domain.lower is None:
        raise ProblemError("domain", "a sublevel set without its potential", "the potential that it is the sublevel of")
    return len(domain.lower)


def periods_of(domain: Domain) -> tuple[float | None, ...]:
    """Length of each periodic axis, None for the others; empty of periods for everything but a box."""
    return domain.periods if isinstance(domain, Box) else (None, None, None)


def has_boundary(domain: Domain) -> bool:
    """Whether there is any boundary: not if every axis is periodic."""
    return not isinstance(domain, Box) or "reflecting" in domain.boundary


def bounding_box(domain: Domain, potential: Potential | None = None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lower and upper corner of an axis-parallel box that holds the domain.

    Exact for boxes, balls and meshes; a little larger than a sublevel set, for which ``potential`` is needed.

    >>> bounding_box(Ball([1.0, 0.0], 2.0))
    ((-1.0, -2.0), (3.0, 2.0))
    """
    if isinstance(domain, Box):
        return domain.lower, domain.upper
    if isinstance(domain, Ball):
        return tuple(c - domain.radius for c in domain.center), tuple(c + domain.radius for c in domain.center)
    if isinstance(domain, MeshDomain):
        points = domain.data.outline
        return tuple(points.min(axis=0).tolist()), tuple(points.max(axis=0).tolist())
    if potential is None:
        raise ProblemError("domain", "a sublevel set without its potential", "the potential that it is the sublevel of")
    from fokker_planck.model.domains.connected_part import connected_part

    part = connected_part(domain, potential)
    return part.lower, part.upper


def contains(domain: Domain, x: Floats, potential: Potential | None = None) -> Booleans:
    """Which of the points x, shape (dim, n), lie in the closed domain.

    A periodic axis has no outside. For a sublevel set: where V <= level and within its bounding box.

    >>> contains(Box([0.0], [1.0]), np.array([[0.0, 0.5, 1.5]])).tolist()
    [True, True, False]
    """
    x = np.asarray(x, dtype=float)
    if isinstance(domain, Ball):
        return domain.contains(x)
    if isinstance(domain, MeshDomain):
        return domain.contains(x)
    lower, upper = bounding_box(domain, potential)
    inside = np.isfinite(x).all(axis=0)
    for row, a, b, period in zip(x, lower, upper, periods_of(domain), strict=False):
        if period is None:
            slack = 1e-13 * (b - a) + 1e-15 * max(abs(a), abs(b))
            inside &= (row >= a - slack) & (row <= b + slack)
    if isinstance(domain, Sublevel) and potential is not None:
        from fokker_planck.model.domains.connected_part import values_or_infinity

        inside &= values_or_infinity(potential, x) <= domain.level
    return np.asarray(inside)


def sample_points(domain: Domain, count: int, potential: Potential | None = None) -> Floats:
    """About ``count`` points spread evenly over the domain, shape (dim, n), a box's corners and center among them.

    The rule is additive recurrence (Kronecker's), hence the same points each time. For a mesh: its vertices and the
    centers of its cells.

    >>> sample_points(Box([0.0], [1.0]), 1)[0, :3].tolist()
    [0.0, 1.0, 0.5]
    """
    if isinstance(domain, MeshDomain):
        data = domain.data
        points = np.concatenate([data.points, data.points[data.cells].mean(axis=1)])
        return np.asarray(points[:: max(1, len(points) // count)].T)
    lower, upper = (np.asarray(corner) for corner in bounding_box(domain, potential))
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=len(lower))))
    center = np.full((1, len(lower)), 0.5)
    # powers of the root of t^(d+1) = t + 1 fill the cube most evenly (generalised golden ratio)
    root = (1.6180339887498949, 1.3247179572447461, 1.2207440846057596)[len(lower) - 1]
    steps = root ** -np.arange(1.0, len(lower) + 1.0)
    spread = np.mod(0.5 + np.arange(1, count + 1)[:, None] * steps, 1.0)
    points = (lower + np.concatenate([corners, center, spread]) * (upper - lower)).T
    return np.asarray(points if isinstance(domain, Box) else points[:, contains(domain, points, potential)])
