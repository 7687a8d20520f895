"""Wells in phase space between walls that turn the velocity: those that the walls hold, and the basins of all.

Where V falls towards a wall with the slope s a particle bounces on it, (x, v) to (x, -v), until friction has taken its
energy: a well like any other, though the flow has no fixed point there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.newton.fixed_points import FixedPoint
from fokker_planck.landscape.types import Saddle
from fokker_planck.landscape.unfolded import Unfolded, energy_well, images_of, unfolded_frame
from fokker_planck.model.domains.box import Box
from fokker_planck.model.phase_space import falls_towards_walls, turns_around
from fokker_planck.model.problem import Problem
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.boundaries.held_attractors import HeldPoint

SAME = 1e-9
"""Of the length between the walls: a fixed point that near to one is the well there."""


def held_by_turning_walls(problem: Problem, points: Sequence[FixedPoint]) -> tuple[HeldPoint, ...]:
    """The wells that walls in x hold at rest, but for those that are among the fixed ``points``.

    A bounce at the speed v takes 2 v/s, in which friction takes two thirds of gamma of the energy: the amplitude falls
    by the third.  Where friction is large the noise settles like diffusion with a drift, at s^2/(4 gamma epsilon).
    """
    process, domain = problem.process, problem.domain
    if not isinstance(process, Underdamped):
        return ()
    (low, _), (high, _) = problem.bounding_box()
    found = []
    for place, push in falls_towards_walls(process.potential, domain):
        if any(abs(point.position[0] - place) <= SAME * (high - low) for point in points):
            continue
        x = np.array([[place], [0.0]])
        friction = float(process.friction_at(x)[0])
        rate = min(friction / 3.0, push**2 / (4.0 * friction * process.diffusion.epsilon))
        jacobian = process.noiseless_jacobian(x)[:, :, 0]
        outward = (1.0 if place == high else -1.0, 0.0)
        rows = tuple(tuple(row) for row in jacobian.tolist())
        found.append(HeldPoint((place, 0.0), rows, (complex(-rate),), outward=(outward,), push=(push,)))
    return tuple(found)


def with_walls_unfolded(basins: BasinMap, problem: Problem) -> BasinMap:
    """The basins of a flow that comes back from walls in x with the opposite velocity; others as they are.

    The height of the flow is the energy: what has less of it than the tops beside a well stays there.
    """
    domain = problem.domain
    if not (problem.process.turns_at_walls and isinstance(domain, Box) and turns_around(domain)):
        return basins
    flow = Unfolded(basins.function, domain.lower[0], domain.upper[0])
    wells = tuple(energy_well(flow, minimum.position[0]) for minimum in basins.landscape.minima)
    around = replace(basins.landscape, frame=unfolded_frame(basins.landscape.frame))
    return replace(basins, landscape=around, function=flow, captures=wells)


def with_saddles(basins: BasinMap, saddles: Sequence[Saddle]) -> BasinMap:
    """The basins with the saddles between them, those behind walls that are unfolded among them."""
    flow = basins.function
    all_of_them = (*saddles, *images_of(saddles, flow.high)) if isinstance(flow, Unfolded) else tuple(saddles)
    return replace(basins, landscape=replace(basins.landscape, saddles=all_of_them))
