"""Balls around minima that the flow dx/dt = -grad f cannot leave: in them f has been seen to rise along every ray."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function
from fokker_planck.landscape.box_units import units_of
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint
from fokker_planck.quantity.light_dataclasses import dataclass

NARROW_VALLEY = 3.0
"""Root of a quotient of curvatures above which rays are drawn towards the valley: below it, 72 of them see into it."""
SAME_PLACE = 1e-9
"""Of the extent, within which two critical points are one and the same."""


@dataclass(frozen=True)
class Capture:
    """The ball ``(x - centre) . metric (x - centre) <= radius**2`` from which the flow goes to ``centre``."""

    centre: Floats
    metric: Floats
    radius: float

    def contains(self, x: Floats, frame: Frame) -> Booleans:
        """Which of the points (dim, n) lie in the ball, (n,)."""
        delta = frame.difference(x, self.centre[:, None])
        inside: Booleans = np.einsum("in,ij,jn->n", delta, self.metric, delta) <= self.radius**2
        return inside

    def in_units(self, units: Floats) -> Capture:
        """The same of points z, x = S z."""
        return Capture(self.centre / units, self.metric * (units[:, None] * units), self.radius)


def capture_of(
    function: Function, minima: Sequence[CriticalPoint], frame: Frame, saddles: Sequence[CriticalPoint] = ()
) -> tuple[Capture, ...]:
    """The largest checked capture ball of every minimum, which holds no other critical point that is known."""
    return tuple(_capture(function, number, minima, frame, saddles) for number in range(len(minima)))


def _capture(
    function: Function, number: int, minima: Sequence[CriticalPoint], frame: Frame, saddles: Sequence[CriticalPoint]
) -> Capture:
    point = minima[number]
    dimension = len(point.position)
    metric = np.array(point.hessian)
    if point.degenerate or point.wall_slopes or np.linalg.eigvalsh(metric)[0] <= 0.0:
        units = units_of(frame)
        metric = np.eye(dimension) if units is None else np.diag(units**-2.0)
    outward = _rays(metric)
    reach = [frame.extent * np.sqrt(np.linalg.eigvalsh(metric)[-1])]
    for other in (*minima[:number], *minima[number + 1 :], *saddles):
        delta = frame.difference(other.x, point.x)
        reach.append(np.sqrt(delta @ metric @ delta))
    reach = [distance for distance in reach if distance > SAME_PLACE * reach[0]]
    for period, scale in zip(frame.periods, np.diag(metric), strict=True):
        if period is not None:
            reach.append(0.5 * period * np.sqrt(scale))
    # A ball much larger than its shells are apart is not trusted: 60 shells, and the last of a falling run is dropped.
    radii = min(reach) * np.concatenate([np.geomspace(1e-4, 1e-2, 5), np.linspace(0.02, 1.0, 55)])
    climbs = _climbs(function, point, metric, radii[None, :, None] * outward[:, None, :], frame)
    good = len(radii) if climbs.all() else int(np.argmin(climbs))
    if good > 0:
        return Capture(point.x, metric, 0.9 * float(radii[good - 1]))
    # a well much narrower than its distance to the next
    radii = min(reach) * np.geomspace(1e-12, 1e-4, 41)
    climbs = _climbs(function, point, metric, radii[None, :, None] * outward[:, None, :], frame)
    first = int(np.argmax(climbs))
    good = first + int(np.argmin(np.append(climbs[first:], False)))
    return Capture(point.x, metric, 0.9 * float(radii[good - 1]) if good > first else 1e-9 * frame.extent)


def _climbs(function: Function, point: CriticalPoint, metric: Floats, shells: Floats, frame: Frame) -> Booleans:
    """Whether the function rises outward everywhere on each shell around a minimum, given by offsets (dim, m, k)."""
    dimension, count, _ = shells.shape
    flat = (point.x[:, None, None] + shells).reshape(dimension, -1)
    with np.errstate(all="ignore"):
        slope = np.einsum("ik,ij,jk->k", flat - point.x[:, None], metric, function.gradient(flat))
    bounded = np.ones(flat.shape[1], dtype=bool)
    for axis in np.flatnonzero(frame.walled):
        bounded &= (flat[axis] >= frame.lower[axis]) & (flat[axis] <= frame.upper[axis])
    for normal in point.wall_normals:
        bounded &= np.array(normal) @ (flat - point.x[:, None]) <= 0.0
    climbs = (slope > 0.0) | ~bounded
    if frame.hold is not None:
        # Outside there is no flow; but what is seen from the minimum only across a wall need not come down to it.
        inside = (frame.hold(flat) == flat).all(axis=0).reshape(count, -1)
        climbs = (climbs.reshape(count, -1) & np.logical_and.accumulate(inside, axis=0)) | ~inside
    return np.all(climbs.reshape(count, -1), axis=1)


def _rays(metric: Floats) -> Floats:
    """Vectors (dim, k) of length one in the metric, along which f is seen to increase.

    In the metric the slope along a ray is that of the stiff directions, but for rays within the root of the quotient of
    the eigenvalues of the soft ones: in a valley, where f can fall, only rays drawn together by that quotient lie.
    """
    eigenvalues, vectors = np.linalg.eigh(metric)
    ratio = np.sqrt(eigenvalues / eigenvalues[0])
    spread = _directions(len(metric))
    powers = [0.0] if ratio[-1] < NARROW_VALLEY else [0.0, 0.5, 1.0, 1.5]
    drawn = np.concatenate([spread / ratio[:, None] ** power for power in powers], axis=1)
    drawn /= np.linalg.norm(drawn, axis=0)
    return np.asarray(vectors @ (drawn / np.sqrt(eigenvalues)[:, None]))


def _directions(dimension: int) -> Floats:
    """Unit vectors spread over the sphere, (dim, k)."""
    if dimension == 1:
        return np.array([[-1.0, 1.0]])
    if dimension == 2:
        angles = 2.0 * np.pi * np.arange(72) / 72.0
        return np.array([np.cos(angles), np.sin(angles)])
    step = np.arange(400) + 0.5
    height = 1.0 - 2.0 * step / 400.0
    angles = np.pi * (1.0 + 5.0**0.5) * step
    around = np.sqrt(1.0 - height**2)
    return np.array([around * np.cos(angles), around * np.sin(angles), height])
