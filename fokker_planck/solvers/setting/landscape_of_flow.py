"""The setting of a process without detailed balance: where the drift leads, and a reference exponent."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.reference_exponent import FollowedWeight, KnownWeight, Weighting
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.finding.survey import sample_graph
from fokker_planck.landscape.flow.well_flow import WellFlow
from fokker_planck.landscape.newton.critical_points import SLOPE_OF_ROUNDING
from fokker_planck.landscape.newton.fixed_points import FixedPoint, SomeMissedError, fixed_points
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.classify import KnownDensity
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.boundaries.ends import Ends, graph_to
from fokker_planck.solvers.boundaries.held_attractors import (
    HeldWells,
    held_wells,
)
from fokker_planck.solvers.boundaries.wells_of_momentum import held_by_turning_walls
from fokker_planck.solvers.reference_density.degenerate_exponent import refuse_flow_through_walls
from fokker_planck.solvers.setting.basins_of_flow import minima_of
from fokker_planck.solvers.setting.energy_cutoff import EnergyCutoff, nearest_vertex
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.followed_weight import Followed, followed_weight
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.setting.rounding import refuse_rounding
from fokker_planck.solvers.setting.stretch_of_flow import stretch_of_flow


def of_flow(problem: Problem, ends: Ends, *, wells: bool = False) -> FlowSetting:
    """The setting for a question with these ends; kept with the problem.

    Wells that walls hold are among the attractors, whatever is asked: a question that did not know of the deepest one
    found it anew on every mesh, for another factorisation each, and cut nothing away.  Where ``wells`` are asked for,
    it is no higher than these want.

    Ends are compared, not printed: the text of a callable is an address, which another one may be given later.
    """
    asked = (ends, wells and problem.dimension > 1 and ends == Ends())
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
    elif dimension > 1:
        held = held_wells(problem, minima_of(attractors))
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
    setting = FlowSetting(problem, weighting, attractors, saddles, height, known, held.others, tuple(counted.tolist()))
    return _of_states(setting, cutoff) if wells else setting


def _of_states(setting: FlowSetting, cutoff: EnergyCutoff) -> FlowSetting:
    """The setting of a question about states alone, no higher than these ask for: shallow wells far up are none."""
    states = sorted(set(setting.states))
    if not states or len(states) == len(setting.attractors):
        return setting
    height, _ = replace(cutoff, wells=cutoff.wells[states])(setting.weighting)
    counted = tuple(number in states for number in range(len(setting.attractors)))
    return replace(setting, ceiling=min(height, setting.ceiling), counted=counted)


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
