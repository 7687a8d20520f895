"""A grid that is fine where a surface that no noise crosses turns from one that is entered into one that is left.

At such a point, z = 0 on the plane s = 0 with ds = b' z dt and noise D of z, functions are homogeneous under
(s, z) -> (r^3 s, r z), a mean time like s^(1/6) on the plane z = 0 (Masoliver and Porra 1995): planes at z = +-r_j and
s = r_j^3 b'/(2 D), r_j = 2^-j r_0, follow them; cells that are bisected would have to be as short along z as along s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.degeneracy.hoermander import NO_NOISE, is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Drifting
from fokker_planck.model.sets.shapes import HalfSpace, LineSet, Region, Set
from fokker_planck.model.sets.tagged_sets import TaggedCells, TaggedFacets
from fokker_planck.quantity.light_dataclasses import dataclass

POINTS = 401
"""Along a plane, between which the drift across it is looked at for changes of sign."""
FEWEST, MOST, DIGITS = 2, 4, 4.0
"""Planes, of which there is one for every so many powers of two of the tolerance.  The time of the randomly accelerated
particle to 2e-5 takes 20,000 unknowns with four; with six cells are so thin that 65,000 are needed, with none 225,000
reach 1e-4."""
WIDEST = 0.125
"""Of the width of the domain: the largest r_0."""


def entered_along(problem: Problem, regions: Mapping[str, Set]) -> list[int]:
    """The axes without noise across which there are planes that absorb, or walls that turn the velocity around."""
    if not is_degenerate(problem):
        return []
    noise = np.einsum("iin->in", np.asarray(problem.process.field(problem.dimension).tensor(problem.sample())))
    quiet = (noise <= NO_NOISE * noise.sum(axis=0)).all(axis=1)
    crossed = {axis for region in regions.values() for axis in _planes(region)}
    if problem.process.turns_at_walls:
        crossed.add(0)
    return [axis for axis in sorted(crossed) if quiet[axis]]


def turning_surface(problem: Problem, axis: int) -> Region | HalfSpace:
    """Where the drift along an axis changes its sign."""
    process, dimension = problem.process, problem.dimension
    if process.turns_at_walls:
        return HalfSpace((0.0, 1.0), 0.0)
    if isinstance(process, Drifting) and process.whole.exact and process.interpretation == "ito":
        text = cast("Sequence[str]", process.whole.expressions)[axis]
        return Region(text, dict(process.whole.parameters or ()))
    return Region(
        lambda x: process.drift(x, dimension)[axis],
        gradient_function=lambda x: process.drift_jacobian(x, dimension)[axis],
        dimension=dimension,
    )


@dataclass(frozen=True)
class Turn:
    """A point, ``place`` (2,), of a plane of a ``region``, normal to an ``axis``, where its drift changes sign.

    There ds = b' z dt along the axis, ``turning`` = |b'|, with the ``noise`` D of z.
    """

    place: Floats
    axis: int
    region: Set
    turning: float
    noise: float

    def along(self, radius: float) -> float:
        """s = r^3 b'/(2 D): how far along the axis what is ``radius`` wide reaches."""
        return radius**3 * self.turning / (2.0 * self.noise)

    def scaled(self, ratio: float) -> Floats:
        """(r^3, r), in the order of the axes, (2,)."""
        scale = np.full(2, ratio)
        scale[self.axis] = ratio**3
        return scale


def turns_of(problem: Problem, regions: Mapping[str, Set]) -> list[Turn]:
    """All such points in the plane."""
    lower, upper = problem.bounding_box()
    found = []
    for axis in entered_along(problem, regions) if problem.dimension == 2 else ():
        for region in regions.values():
            for place in _planes(region, lower, upper).get(axis, ()):
                for x in _turns(problem, axis, place):
                    noise = float(np.asarray(problem.process.field(2).tensor(x[:, None]))[1 - axis, 1 - axis, 0])
                    turning = abs(float(problem.process.drift_jacobian(x[:, None], 2)[axis, 1 - axis, 0]))
                    if turning > 0.0 and noise > 0.0:
                        found.append(Turn(x, axis, region, turning, noise))
    return found


def graded_planes(problem: Problem, regions: Mapping[str, Set]) -> list[list[float]]:
    """Further planes of a grid in the plane, by axis.

    None in phase space, nor where else the mesh ends along the flow: such a curve crosses narrow strips in cells that
    are folded over (150,000 of them with four planes), and stars of cells serve (:mod:`~.turning_stars`).
    """
    planes: list[list[float]] = [[] for _ in range(problem.dimension)]
    if problem.dimension != 2 or problem.process.turns_at_walls:
        return planes
    count = int(np.clip(np.ceil(-np.log2(problem.resolution.tolerance) / DIGITS), FEWEST, MOST))
    for turn in turns_of(problem, regions):
        _grade(problem, turn, count, planes)
    return planes


def _planes(region: Set, lower: Sequence[float] = (), upper: Sequence[float] = ()) -> dict[int, tuple[float, ...]]:
    """Those of the surface of a set, by their axis, if it has any."""
    return {} if isinstance(region, TaggedCells | TaggedFacets | LineSet) else region.faces(lower, upper)


def _turns(problem: Problem, axis: int, place: float) -> list[Floats]:
    """Points of a plane at which the drift across it changes its sign, (2,) each."""
    lower, upper = problem.bounding_box()
    x = np.empty((2, POINTS))
    x[axis], x[1 - axis] = place, np.linspace(lower[1 - axis], upper[1 - axis], POINTS)
    across = problem.process.drift(x, 2)[axis]
    first = np.flatnonzero((across[:-1] < 0.0) & (across[1:] >= 0.0) | (across[:-1] > 0.0) & (across[1:] <= 0.0))
    share = across[first] / (across[first] - across[first + 1])
    return list((x[:, first] + share * (x[:, first + 1] - x[:, first])).T)


def _grade(problem: Problem, turn: Turn, count: int, planes: list[list[float]]) -> None:
    lower, upper = problem.bounding_box()
    axis = turn.axis
    long, wide = (upper[k] - lower[k] for k in (axis, 1 - axis))
    radius = min(WIDEST * wide, float(WIDEST * long / turn.along(1.0)) ** (1.0 / 3.0))
    for sign in (-1.0, 1.0):
        beside = turn.place.copy()
        beside[axis] += 1e-6 * sign * long
        free = not turn.region.contains(beside[:, None])[0]
        for halvings in range(count):
            r = radius * 2.0**-halvings
            planes[1 - axis].append(float(turn.place[1 - axis] + sign * r))
            if free:
                planes[axis].append(float(turn.place[axis] + sign * turn.along(r)))
