"""Mean exit time from far above everything, on a way that only leads down: L tau = -1 without any weight.

From the top of a hill hundreds of units of epsilon high no well holds the process back, and tau is a few times the time
of the noiseless descent.  The weight exp(-Phi) is no help there: at the top it is nothing next to that of the foot, and
fills the slopes with cells that tau has no need of.  With the reference exponent psi = 0,

    a(u, v) = int [ D grad u . grad v - ((b - div D) . grad u) v ] dx,

tau is resolved where it bends, whatever the height of the hill.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.reference_exponent import FollowedWeight
from fokker_planck.formulas.grids.spline import zero_on
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.classify import UnknownDensity
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.solvers.boundaries.ends import Ends, reaches
from fokker_planck.solvers.reference_density.degenerate_exponent import refuse_flow_through_walls
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.setting.landscape_of_flow import fixed_points_inside
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting, prepare

HIGH = 100.0
"""Units of epsilon above the lowest point, from which on the weight, 4e-44 of the largest, is of no use."""


def prepare_exit(problem: Problem, ends: Ends, high: float = HIGH) -> Setting:
    """The setting for an exit; in psi = 0 where nothing holds the process back from more than ``high`` on."""
    if is_degenerate(problem) and isinstance(kinetics_of(problem), UnknownDensity) and not attracts(problem):
        without = without_weight(problem)
        refuse_flow_through_walls(problem, without.weighting, np.inf, ends)
        return without
    try:
        setting = prepare(problem, ends)
    except ConvergenceError:
        # the density of what nothing attracts was not found
        if not holds_nothing(problem):
            raise
        return without_weight(problem)
    return without_weight(problem) if only_descends(setting, ends, high) else setting


def only_descends(setting: Setting, ends: Ends, high: float = HIGH) -> bool:
    """Whether the start is far above the lowest point of Phi, and no well is left in which the process could stay."""
    if not isinstance(setting, PotentialSetting) or ends.start is None:
        return False
    exponent, minima = setting.balance.exponent, setting.landscape.minima
    at_start = float(exponent.value(np.asarray(ends.start)[:, None])[0])
    if not at_start - min(minimum.value for minimum in minima) > high:
        return False
    places = np.array([minimum.position for minimum in minima]).T
    return all(bool(reaches(setting.problem, goal)(places).all()) for _, goal in ends.goals)


def holds_nothing(problem: Problem) -> bool:
    """Whether the drift vanishes somewhere in the domain, and attracts to none of these points."""
    points = fixed_points_inside(problem)
    return bool(points) and all(point.index > 0 and not point.degenerate for point in points)


def attracts(problem: Problem) -> bool:
    """Whether the drift has a fixed point that attracts."""
    return any(point.index == 0 and not point.degenerate for point in fixed_points_inside(problem))


def without_weight(problem: Problem) -> FlowSetting:
    """The reference exponent psi = 0, for a process that nothing holds back, so that no density comes in."""
    lower, upper = problem.bounding_box()
    flat = zero_on(lower, upper, [period is not None for period in problem.periods])
    process, dimension = problem.process, problem.dimension
    weighting = FollowedWeight(flat, ItoDrift(process, dimension), process.field(dimension))
    return FlowSetting(problem, weighting, (), (), np.inf, known=False)
