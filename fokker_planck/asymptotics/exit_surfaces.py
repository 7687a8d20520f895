"""Points with weights on the surface of a target, for integrals of the flux through it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, Protocol

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.landscape.frame import Frame
from fokker_planck.model.domains.box import Box
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace
from fokker_planck.quantity.light_dataclasses import dataclass

AROUND = {2: 4096, 3: 180}
"""Points around a circle; points from pole to pole of a sphere, and half of those around it."""

ON_WALL = 1e-9
"""Of the extent of a domain, by which a point may be beyond its walls by rounding."""


class Target(Protocol):
    """A set of points, such as those of :mod:`~.shapes`."""

    def contains(self, x: Floats) -> Booleans:
        """Which of the points (dim, n) are in the set."""


@dataclass(frozen=True)
class Surface:
    """Points (dim, n), unit normals into the target (dim, n), and areas (n,)."""

    points: Floats
    normals: Floats
    areas: Floats


@dataclass(frozen=True)
class Outside:
    """The complement of the interior of a box or ball: what absorbs at the boundary of a domain."""

    domain: Box | Ball

    def contains(self, x: Floats) -> Booleans:
        """Which of the points (dim, n) are outside of the domain or on its boundary."""
        if isinstance(self.domain, Ball):
            return np.asarray(self.domain.level(x) <= 1e-12 * self.domain.radius)
        outside = np.zeros(x.shape[1], dtype=bool)
        for axis, period in enumerate(self.domain.periods):
            if period is None:
                room = 1e-12 * (self.domain.upper[axis] - self.domain.lower[axis])
                outside |= (x[axis] <= self.domain.lower[axis] + room) | (x[axis] >= self.domain.upper[axis] - room)
        return outside


def surface_of(target: Target, frame: Frame) -> Surface | None:
    """The surface that a process outside of the target meets, inside the frame; None where it is not known how.

    >>> ring = surface_of(Ball([0.0, 0.0], 2.0), Frame((-3.0, -3.0), (3.0, 3.0), (None, None)))
    >>> round(float(ring.areas.sum() / (4 * np.pi)), 12)
    1.0
    """
    shape: Any = target.domain if isinstance(target, Outside) else target
    outward = 1.0 if isinstance(target, Outside) else -1.0
    if isinstance(shape, Ball):
        return _inside(_ellipsoid(shape.center, [shape.radius] * shape.dimension, outward), frame)
    if isinstance(shape, Ellipsoid):
        return _inside(_ellipsoid(shape.center, shape.semi_axes, outward), frame)
    if isinstance(shape, HalfSpace):
        return _inside(_plane(shape, frame), frame)
    if isinstance(shape, Box):
        return _faces(shape)
    return _points_on_line(shape.contains, frame) if len(frame.lower) == 1 else None


def _inside(surface: Surface, frame: Frame) -> Surface:
    kept = np.ones(len(surface.areas), dtype=bool)
    for axis, (low, high) in enumerate(zip(frame.lower, frame.upper, strict=True)):
        room = 1e-12 * (high - low)
        kept &= (surface.points[axis] >= low - room) & (surface.points[axis] <= high + room)
    if frame.hold is not None:
        # a domain fills its box in part, and no process is beyond its walls
        moved = frame.hold(surface.points[:, kept]) - surface.points[:, kept]
        kept[kept] = np.linalg.norm(moved, axis=0) <= ON_WALL * frame.extent
    return Surface(surface.points[:, kept], surface.normals[:, kept], surface.areas[kept])


def _ellipsoid(center: Any, semi_axes: Any, outward: float) -> Surface:
    axes = np.asarray(semi_axes, dtype=float)[:, None]
    if len(axes) == 1:
        unit, areas = np.array([[-1.0, 1.0]]), np.ones(2)
    elif len(axes) == 2:
        angles = 2.0 * np.pi * (np.arange(AROUND[2]) + 0.5) / AROUND[2]
        unit, areas = np.array([np.cos(angles), np.sin(angles)]), np.full(AROUND[2], 2.0 * np.pi / AROUND[2])
    else:
        from scipy.special import roots_legendre

        height, weight = roots_legendre(AROUND[3])
        angles = np.pi * (np.arange(2 * AROUND[3]) + 0.5) / AROUND[3]
        z, angle = (grid.ravel() for grid in np.meshgrid(height, angles, indexing="ij"))
        flat = np.sqrt(1.0 - z**2)
        unit = np.array([flat * np.cos(angle), flat * np.sin(angle), z])
        areas = np.repeat(weight, 2 * AROUND[3]) * np.pi / AROUND[3]
    normals = unit / axes
    length = np.linalg.norm(normals, axis=0)
    stretch = length * float(np.prod(axes)) if len(axes) > 1 else np.ones(2)
    return Surface(np.asarray(center)[:, None] + axes * unit, outward * normals / length, areas * stretch)


def _plane(shape: HalfSpace, frame: Frame) -> Surface:
    dimension = shape.dimension
    normal = np.asarray(shape.normal) / np.linalg.norm(shape.normal)
    lower, upper = np.array(frame.lower), np.array(frame.upper)
    middle = shape.project(0.5 * (lower + upper)[:, None])
    if dimension == 1:
        return Surface(middle, normal[:, None], np.ones(1))
    along = np.linalg.qr(normal[:, None], mode="complete")[0][:, 1:]
    count = {2: 8192, 3: 360}[dimension]
    reach = 0.5 * float(np.linalg.norm(upper - lower))
    line = (2.0 * (np.arange(count) + 0.5) / count - 1.0) * reach
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*[line] * (dimension - 1), indexing="ij")])
    points = middle + along @ grid
    areas = np.full(points.shape[1], (2.0 * reach / count) ** (dimension - 1))
    return Surface(points, np.repeat(normal[:, None], points.shape[1], axis=1), areas)


def _faces(box: Box) -> Surface:
    dimension = box.dimension
    count = {1: 1, 2: 4096, 3: 200}[dimension]
    parts = []
    for axis, side in product(range(dimension), (0, 1)):
        if box.periods[axis] is not None:
            continue
        lines = []
        for other in range(dimension):
            low, high = box.lower[other], box.upper[other]
            inner = low + (high - low) * (np.arange(count) + 0.5) / count
            lines.append(np.array([(low, high)[side]]) if other == axis else inner)
        points = np.stack([grid.ravel() for grid in np.meshgrid(*lines, indexing="ij")])
        normals = np.zeros(points.shape)
        normals[axis] = 2.0 * side - 1.0
        sizes = np.delete(np.array(box.upper) - np.array(box.lower), axis)
        parts.append((points, normals, np.full(points.shape[1], float(np.prod(sizes)) / points.shape[1])))
    return Surface(*(np.concatenate(pieces, axis=-1) for pieces in zip(*parts, strict=True)))


def _points_on_line(contains: Callable[[Floats], Booleans], frame: Frame) -> Surface:
    x = np.linspace(frame.lower[0], frame.upper[0], 20001)
    inside = np.asarray(contains(x[None]), dtype=bool)
    left = np.flatnonzero(inside[1:] != inside[:-1])
    low, high = x[left], x[left + 1]
    for _ in range(60):
        middle = 0.5 * (low + high)
        same = np.asarray(contains(middle[None]), dtype=bool) == inside[left]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    into = np.where(inside[left], -1.0, 1.0)
    return Surface(0.5 * (low + high)[None], into[None], np.ones(len(left)))
