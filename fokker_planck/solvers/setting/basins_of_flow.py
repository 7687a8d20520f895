"""Basins of attraction of a flow, with the saddles between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.flow.well_flow import Downhill, WellFlow
from fokker_planck.landscape.newton.fixed_points import FixedPoint
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.boundaries.held_attractors import HeldPoint, as_minimum, frame_of
from fokker_planck.solvers.boundaries.held_saddles import held_saddles
from fokker_planck.solvers.boundaries.wells_of_momentum import with_saddles, with_walls_unfolded
from fokker_planck.solvers.setting.error_budget import budget_of

ASIDE = 1e-4
"""Distance from a saddle, relative to the extent, at which its sides are told apart; saddles are exact to 1e-9."""


def minima_of(attractors: Sequence[FixedPoint]) -> tuple[CriticalPoint, ...]:
    """The attractors; the metric around one solves J^T P + P J = -2 I, so that the flow comes closer."""
    from scipy.linalg import solve_continuous_lyapunov

    minima = []
    for number, point in enumerate(attractors):
        if isinstance(point, HeldPoint):
            minima.append(as_minimum(point, float(number)))
            continue
        jacobian = np.array(point.jacobian)
        metric = solve_continuous_lyapunov(jacobian.T, -2.0 * np.eye(len(jacobian)))
        metric = 0.5 * (metric + metric.T)
        minima.append(
            CriticalPoint(
                point.position,
                float(number),
                tuple(tuple(row) for row in metric.tolist()),
                tuple(np.linalg.eigvalsh(metric).tolist()),
                "minimum",
            )
        )
    return tuple(minima)


def basins_of_flow(
    problem: Problem,
    weighting: Weighting,
    attractors: Sequence[FixedPoint],
    unstable: Sequence[FixedPoint],
    numbers: tuple[int, ...],
) -> BasinMap:
    """Basins of attraction, and the saddles between them."""
    downhill = Downhill(WellFlow(problem.process, problem.dimension), weighting)
    flow = budget_of(problem).flow_without_balance
    basins = BasinMap(Landscape(minima_of(attractors), (), frame_of(problem)), downhill, flow, numbers)
    basins = with_walls_unfolded(basins, problem)
    hyperbolic = [point for point in unstable if not point.degenerate]
    saddles = tuple(
        Saddle(
            point.position,
            0.0,
            point.jacobian,
            (-max(value.real for value in point.eigenvalues),),
            "saddle",
            joins=joins,
            unstable_direction=point.unstable_direction,
        )
        for point, joins in zip(hyperbolic, _joined(basins, hyperbolic), strict=True)
    )
    if not problem.process.turns_at_walls:
        held = held_saddles(problem, downhill, basins.landscape.frame)
        saddles += tuple(replace(s, joins=joins) for s, joins in zip(held, _joined(basins, held), strict=True))
    return with_saddles(basins, saddles)


def _joined(basins: BasinMap, saddles: Sequence[FixedPoint | Saddle]) -> list[tuple[int, int]]:
    """The attractors that the flow leads to from both sides of every saddle, all followed at once."""
    if not saddles:
        return []
    extent = basins.landscape.frame.extent
    aside = [ASIDE * extent * np.array(saddle.unstable_direction) for saddle in saddles]
    sides = [saddle.x + sign * step for saddle, step in zip(saddles, aside, strict=True) for sign in (-1.0, 1.0)]
    ends = replace(basins, states=None)(np.stack(sides, axis=1))
    return [(int(first), int(second)) for first, second in np.reshape(ends, (-1, 2))]
