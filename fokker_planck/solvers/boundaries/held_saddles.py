"""Where a wall in the plane divides the flow of a drift: saddles that the wall holds, and are no fixed points of it.

With the outward normal n and the tangent t of a wall, at a place s along it,

    a . n > 0,    a . t = 0,    d(a . t)/ds > 0:

the flow presses into the wall there and parts along it.  What comes to that place is a curve from inside of the domain,
which divides two basins as the stable manifold of any other saddle does.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.flow.well_flow import Downhill
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import Saddle
from fokker_planck.mesh.checks import outer_facets
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets.shapes import Ball
from fokker_planck.quantity.light_dataclasses import dataclass

SAMPLES = 400
"""Parts of a wall in which the flow along it is seen to part: basins narrower than that are missed by the flow from
points all over the domain, too, and a curve that is missed shows by the basins of vertices."""
HALVINGS = 50
"""Of such a part, to rounding of its coordinates."""
DIFFERENCE = 1e-5
"""Of a wall, for the rate at which the flow parts: it tells how near a path came, and enters no number."""
ONE_PLACE = 1e-9
"""In extents: two facets of a mesh have the vertex in common at which the flow may part."""
OUTSIDE = 1e-6
"""In extents, from the middle of a wall: on which side of it the domain is not."""


@dataclass(frozen=True)
class Wall:
    """A part of the boundary, straight from ``start`` to ``stop`` (2,), or a circle of that ``radius`` around both."""

    start: Floats
    stop: Floats
    radius: float = 0.0

    @property
    def length(self) -> float:
        """Along it."""
        return 2.0 * np.pi * self.radius if self.radius else float(np.linalg.norm(self.stop - self.start))

    def at(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Places at the fractions (n,), unit tangents there and normals to the right of these, (2, n) each."""
        if self.radius:
            angle = 2.0 * np.pi * s
            normal = np.array([np.cos(angle), np.sin(angle)])
            return self.start[:, None] + self.radius * normal, np.array([-normal[1], normal[0]]), normal
        way = (self.stop - self.start) / self.length
        ones = np.ones_like(s)
        place = self.start[:, None] + self.length * way[:, None] * s
        return place, way[:, None] * ones, np.array([way[1], -way[0]])[:, None] * ones


def held_saddles(problem: Problem, flow: Downhill, frame: Frame) -> tuple[Saddle, ...]:
    """The saddles on the walls of a planar domain that is a box, a ball or a mesh of straight cells; they join nothing.

    >>> from types import SimpleNamespace
    >>> from fokker_planck.model.domains.box import Box
    >>> domain = Box([-1.0, -1.0], [1.0, 1.0])
    >>> inside = SimpleNamespace(domain=domain, dimension=2, contains=lambda x: (abs(x) <= 1.0).all(axis=0))
    >>> parting = SimpleNamespace(gradient=lambda x: np.array([0.25 - x[0], -1.0 + 0.0 * x[1]]))
    >>> frame = Frame((-1.0, -1.0), (1.0, 1.0), (None, None))
    >>> [(saddle.position, saddle.wall_normals) for saddle in held_saddles(inside, parting, frame)]
    [((0.25, 1.0), ((0.0, 1.0),))]
    """
    found: list[Saddle] = []
    for wall in _walls(problem) if problem.dimension == 2 else ():
        found += _on_wall(problem, flow, frame, wall)
    apart: list[Saddle] = []
    for saddle in found:
        near = (np.linalg.norm(saddle.x - other.x) <= ONE_PLACE * frame.extent for other in apart)
        if not any(near):
            apart.append(saddle)
    return tuple(apart)


def _walls(problem: Problem) -> list[Wall]:
    domain = problem.domain
    if isinstance(domain, Ball):
        return [Wall(np.array(domain.center), np.array(domain.center), domain.radius)]
    if isinstance(domain, MeshDomain):
        data = domain.data
        if data.curved is not None:
            return []
        return [Wall(start, stop) for start, stop in data.points[outer_facets(data.cells)]]
    if not isinstance(domain, Box):
        return []
    low, high = np.array(domain.lower), np.array(domain.upper)
    walls = []
    for axis in (axis for axis, period in enumerate(domain.periods) if period is None):
        for end in (low, high):
            start, stop = low.copy(), high.copy()
            start[axis] = stop[axis] = end[axis]
            walls.append(Wall(start, stop))
    return walls


def _on_wall(problem: Problem, flow: Downhill, frame: Frame, wall: Wall) -> list[Saddle]:
    """The places on one wall at which the flow presses into it and parts."""
    middle, _, normal = wall.at(np.array([0.5]))
    side = -1.0 if problem.contains(middle + OUTSIDE * frame.extent * normal)[0] else 1.0

    def along(s: Floats) -> Floats:
        place, tangent, _ = wall.at(s)
        return np.asarray(-(flow.gradient(place) * tangent).sum(axis=0))

    s = np.linspace(0.0, 1.0, SAMPLES + 1)
    with np.errstate(all="ignore"):
        speed = along(s)
        parts = np.flatnonzero((speed[:-1] < 0.0) & (speed[1:] >= 0.0))
        low, high = s[parts], s[parts + 1]
        for _ in range(HALVINGS):
            half = 0.5 * (low + high)
            before = along(half) < 0.0
            low, high = np.where(before, half, low), np.where(before, high, half)
        place, tangent, normal = wall.at(high)
        push = -side * (flow.gradient(place) * normal).sum(axis=0)
        rate = (along(high + DIFFERENCE) - along(high - DIFFERENCE)) / (2.0 * DIFFERENCE * wall.length)
    return [
        Saddle(
            position=tuple(place[:, k].tolist()),
            value=0.0,
            hessian=((0.0, 0.0), (0.0, 0.0)),
            hessian_eigenvalues=(-float(rate[k]),),
            kind="saddle",
            on_boundary=True,
            wall_slopes=(float(push[k]),),
            wall_normals=(tuple((side * normal[:, k] + 0.0).tolist()),),
            unstable_direction=tuple(tangent[:, k].tolist()),
        )
        for k in np.flatnonzero((push > 0.0) & (rate > 0.0))
    ]
