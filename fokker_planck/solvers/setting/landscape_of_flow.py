"""The setting of a process without detailed balance: where the drift leads, and a reference exponent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.reference_exponent import FollowedWeight, KnownWeight, Weighting
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.finding.survey import sample_graph
from fokker_planck.landscape.flow.well_flow import Downhill, WellFlow
from fokker_planck.landscape.minimax import climb_heights, passes_between
from fokker_planck.landscape.newton.critical_points import SLOPE_OF_ROUNDING
from fokker_planck.landscape.newton.fixed_points import FixedPoint, SomeMissedError, fixed_points
from fokker_planck.landscape.types import SHALLOWEST, CriticalPoint, Landscape, Saddle, numbered, states_of
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.classify import KnownDensity
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.boundaries.ends import Ends, graph_to
from fokker_planck.solvers.boundaries.held_attractors import (
    HeldPoint,
    HeldWells,
    as_minimum,
    frame_of,
    held_wells,
    refuse_unfound,
)
from fokker_planck.solvers.boundaries.held_saddles import held_saddles
from fokker_planck.solvers.boundaries.wells_of_momentum import held_by_turning_walls, with_saddles, with_walls_unfolded
from fokker_planck.solvers.reference_density.degenerate_exponent import refuse_flow_through_walls
from fokker_planck.solvers.setting.energy_cutoff import EnergyCutoff, nearest_vertex
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.followed_weight import Followed, followed_weight
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.setting.potential_steps import warn_of_steps
from fokker_planck.solvers.setting.rounding import refuse_rounding
from fokker_planck.solvers.setting.stretch_of_flow import stretch_of_flow

ASIDE = 1e-4
"""Distance from a saddle, relative to the extent, at which its sides are told apart; saddles are exact to 1e-9."""


@dataclass(frozen=True)
class FlowSetting:
    """A problem without detailed balance, in a reference exponent good enough below the energy cutoff ``ceiling``.

    ``attractors`` are the stable fixed points of the flow into wells (in a region that nothing of this kind
    attracts to, a limit cycle say, the density has its peaks without them), ``known`` tells whether psi is the
    exact exponent.  Where wells are asked for, ``unfound`` are places on walls that attract, but not as points.
    ``counted`` tells which attractors count for the question, see :mod:`~.energy_cutoff`, ``deep``
    how far below the lowest saddle a well is one state, see :mod:`~.deep_wells`; none if infinite.  ``for_little`` of
    the ceiling is there for what is next to nothing of a beginning.
    """

    problem: Problem
    weighting: Weighting
    attractors: tuple[FixedPoint, ...]
    saddles: tuple[FixedPoint, ...]
    ceiling: float
    known: bool
    unfound: tuple[Floats, ...] = ()
    counted: tuple[bool, ...] | None = None
    deep: float = np.inf
    for_little: float = 0.0

    @property
    def places(self) -> Floats:
        """Positions of the attractors that count for the question, (K, dim)."""
        counted = self.counted or (True,) * len(self.attractors)
        return self._positions([point for point, counts in zip(self.attractors, counted, strict=True) if counts])

    def _positions(self, points: Sequence[FixedPoint]) -> Floats:
        return np.array([point.position for point in points]).reshape(-1, self.problem.dimension)

    @property
    def stretch(self) -> Floats | None:
        """See :func:`stretch_of_flow`."""
        return stretch_of_flow(self.problem, (*self.attractors, *self.saddles))

    @property
    def key(self) -> str:
        """Of the problem, for what its wells come from."""
        return "drift"

    @property
    def exponent(self) -> Weighting:
        """What knows psi by its ``value``."""
        return self.weighting

    @property
    def relaxation_rate(self) -> float:
        """The slowest rate of settling at any attractor; where there is none, that of diffusion across the domain."""
        rates = [min(-value.real for value in point.eigenvalues) for point in self.attractors]
        lower, upper = self.problem.bounding_box()
        sizes = self.diffusion.tensor(self.problem.sample())
        across = (
            float(np.median(np.einsum("iin->n", sizes))) / len(sizes) * (np.pi / np.max(np.subtract(upper, lower))) ** 2
        )
        return max(min(rates, default=across), across)

    @property
    def diffusion(self) -> Any:
        """D(x) with its divergence."""
        return self.problem.process.field(self.problem.dimension)

    @property
    def state_places(self) -> tuple[tuple[float, ...], ...]:
        """The states of a chain between wells: the attractors that stand for one, in their order."""
        return tuple(self.attractors[k].position for k in sorted(set(self.states)))

    @property
    def state_numbers(self) -> tuple[int, ...]:
        """Their numbers, from 1, among all attractors."""
        return tuple(k + 1 for k in sorted(set(self.states)))

    def refuse_for_wells(self, question: str) -> None:
        """Raise ``ProblemError`` where the flow also ends on a wall, but in no point that is found; warn of steps."""
        kind = kinetics_of(self.problem)
        if isinstance(kind, KnownDensity):
            warn_of_steps(self.problem, kind)
        refuse_unfound(self.unfound, len(self.attractors), question)

    @cached_property
    def states(self) -> tuple[int, ...]:
        """For each attractor that of the state it belongs to: one less than a unit deep belongs to a deeper one."""
        points, edges = sample_graph(self.problem)
        values = self.weighting.value(points.T)
        nodes = [int(np.argmin(((points - place) ** 2).sum(axis=1))) for place in self._positions(self.attractors)]
        kept, few = passes_between(values, edges, nodes, [])
        joins, places = [(k, m) for k in range(len(nodes)) for m in range(k)], np.searchsorted(kept, nodes)
        climbs = [climb_heights(values[kept], few, kept == node)[places] for node in nodes]
        return states_of(values[nodes].tolist(), joins, [float(climbs[k][m]) for k, m in joins], SHALLOWEST)

    @cached_property
    def basins(self) -> BasinMap | None:
        """The state that the flow leads to; None where there are not two of them."""
        return _basins(self) if len(set(self.states)) > 1 else None


def of_flow(problem: Problem, ends: Ends, *, wells: bool = False) -> FlowSetting:
    """The setting for a question with these ends; kept with the problem.

    Where ``wells`` are asked for, those that walls hold are among the attractors.

    Ends are compared, not printed: the text of a callable is an address, which another one may be given later.
    """
    asked = (ends, wells and problem.dimension > 1)
    kept: list[tuple[tuple[Ends, bool], FlowSetting]] = problem.known.setdefault("flow settings", [])
    for known, setting in kept:
        if known == asked:
            return setting
    setting = _prepared(problem, *asked)
    kept.append((asked, setting))
    return setting


def _prepared(problem: Problem, ends: Ends, wells: bool) -> FlowSetting:
    process, dimension = problem.process, problem.dimension
    refuse_rounding(problem)
    kind = kinetics_of(problem)
    points = fixed_points_inside(problem)
    # where some are missed, a saddle on a kink say, those that were found are places of the density all the same
    found = points or problem.known["fixed points found"]
    attractors = tuple(point for point in found if point.index == 0 and not point.degenerate)
    held = HeldWells()
    if process.turns_at_walls:
        held = HeldWells(held_by_turning_walls(problem, found))
    elif wells:
        held = held_wells(problem, _minima(attractors))
        if not points:
            # basins want all attractors: whatever flow does not end in those that were found tells of another one
            held = replace(held, others=(*held.others, *held.astray[:1]))
    attractors = (*attractors, *held.wells)
    saddles = tuple(point for point in points if point.index == 1)
    places = np.array([point.position for point in attractors]).reshape(-1, dimension)
    cutoff = _cutoff(problem, places, ends)
    weighting: Weighting
    if isinstance(kind, KnownDensity):
        weighting = KnownWeight(kind.exponent, process.field(dimension), kind.circulation.value)
    else:

        def mesh() -> Triangulation:
            return replace(coarse_mesh(problem, {}), stretch=stretch_of_flow(problem, (*attractors, *saddles)))

        weighting = followed_weight(problem, kind, (places, cutoff), mesh, _followed_before(problem))
        if is_degenerate(problem):
            refuse_flow_through_walls(problem, weighting, cutoff(weighting)[0], ends)
    known = isinstance(kind, KnownDensity)
    height, counted = cutoff(weighting)
    return FlowSetting(problem, weighting, attractors, saddles, height, known, held.others, tuple(counted.tolist()))


def _followed_before(problem: Problem) -> list[Followed]:
    """What was followed for other questions about the process."""
    settings = [setting for _, setting in problem.known.get("flow settings", [])]
    return [
        Followed(setting.weighting, setting.ceiling, setting.places)
        for setting in settings
        if isinstance(setting.weighting, FollowedWeight)
    ]


def coarse_mesh(problem: Problem, regions: dict[str, Set]) -> Triangulation:
    """The coarse mesh of the domain fitted to the regions, whatever fixed mesh the problem asks for."""
    free = replace(problem, resolution=replace(problem.resolution, cells=None))
    return domain_triangulation(free, regions)


def fixed_points_inside(problem: Problem) -> tuple[FixedPoint, ...]:
    """The fixed points of the flow that the domain holds; none where some may be missing.  Found once."""
    if "fixed points" not in problem.known:
        found, complete = _fixed_points_inside(problem)
        problem.known["fixed points found"], problem.known["fixed points"] = found, found if complete else ()
    points: tuple[FixedPoint, ...] = problem.known["fixed points"]
    return points


def _fixed_points_inside(problem: Problem) -> tuple[tuple[FixedPoint, ...], bool]:
    """Those that are found, and whether none is missed."""
    flow = WellFlow(problem.process, problem.dimension)
    lower, upper = problem.bounding_box()
    try:
        extent = float(np.max(np.subtract(upper, lower)))

        def blur(x: Floats) -> Floats:
            return SLOPE_OF_ROUNDING * flow.rounding(x) / extent

        found = fixed_points(flow.value, flow.jacobian, lower, upper, problem.dimension, problem.periods, blur)
        complete = True
    except SomeMissedError as error:
        found, complete = error.points, False
    except ConvergenceError:
        # none of them isolated: the density shows where the process stays
        return (), False
    return tuple(point for point in found if problem.contains(point.x[:, None])[0]), complete


def _cutoff(problem: Problem, places: Floats, ends: Ends) -> EnergyCutoff:
    points, edges = sample_graph(problem)
    goals = []
    for _, goal in ends.goals:
        points, edges, reached = graph_to(problem, goal, points, edges)
        goals.append(reached)
    wells = np.array([nearest_vertex(points, place) for place in places], dtype=np.int64)
    padded = tuple(np.pad(reached, (0, len(points) - len(reached))) for reached in goals)
    return EnergyCutoff(points, edges, wells, padded, ends.start, budget_of(problem).cutoff_of_flow)


def _minima(attractors: Sequence[FixedPoint]) -> tuple[CriticalPoint, ...]:
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


def _basins(setting: FlowSetting) -> BasinMap:
    """Basins of attraction, and the saddles between them."""
    problem, minima = setting.problem, _minima(setting.attractors)
    downhill = Downhill(WellFlow(problem.process, problem.dimension), setting.weighting)
    flow = budget_of(problem).flow_without_balance
    basins = BasinMap(Landscape(minima, (), frame_of(problem)), downhill, flow, numbered(setting.states))
    basins = with_walls_unfolded(basins, problem)
    hyperbolic = [point for point in setting.saddles if not point.degenerate]
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
