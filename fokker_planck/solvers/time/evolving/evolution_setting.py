"""What an evolution is asked in: its setting, the wells it knows, and the heights up to where its mesh reaches."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.meshing import Heights
from fokker_planck.mesh.walls import refuse_slits
from fokker_planck.model.initial import Initial
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.boundaries.ends import Ends, Goal
from fokker_planck.solvers.boundaries.held_attractors import refuse_flow_through_level
from fokker_planck.solvers.setting.energy_levels import levels_of
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting, prepare
from fokker_planck.solvers.time.evolving.initial_state import CORE, TAIL, highest_exponent, representative, support
from fokker_planck.solvers.time.evolving.well_probabilities import Wells, wells_of


def setting_of(problem: Problem, initial: Initial, goals: tuple[tuple[str, Goal], ...], lift: float) -> Setting:
    """That of the problem, up to where there is anything at the beginning, by its exponent, and a ``lift`` of psi."""
    setting = prepare(problem, Ends(goals, representative(initial, problem)), wells=True)
    if isinstance(setting, FlowSetting):
        points = support(initial, problem, TAIL * problem.resolution.tolerance)
        heights = setting.weighting.value(points)
        if np.max(heights, initial=-np.inf) + budget_of(problem).cutoff_of_flow > setting.ceiling:
            highest = tuple(points[:, int(np.argmax(heights))].tolist())
            higher = prepare(problem, Ends(goals, highest), wells=True)
            if isinstance(higher, FlowSetting):
                setting = replace(higher, for_little=max(higher.ceiling - setting.ceiling, 0.0))
        if lift > 0.0 and setting.known:
            return replace(setting, ceiling=setting.ceiling + lift, for_little=setting.for_little + lift)
    return setting


def wells_in(setting: Setting) -> Wells:
    """The wells, or none where basins of attraction are not known."""
    try:
        setting.refuse_for_wells("weights of wells")
        refuse_slits(setting.problem.domain, "weights of wells")
        refuse_flow_through_level(setting.problem, "weights of wells")
        return wells_of(setting)
    except ProblemError:
        return Wells((), None, setting.problem.resolution.tolerance)


def heights_of(setting: Setting, ends: Ends, initial: Initial, lift: float) -> Heights | None:
    """Up to where the process is at the beginning, and what may be reached from there."""
    if not isinstance(setting, PotentialSetting):
        return None
    levels = levels_of(setting, ends)
    problem, value = setting.problem, setting.exponent.value
    highest = highest_exponent(initial, problem, value, CORE)
    tail = highest_exponent(initial, problem, value, TAIL * problem.resolution.tolerance)
    ceiling = max(levels.ceiling, highest + budget_of(problem).cutoff, tail) + lift
    passes = (*levels.passes, highest) if np.isfinite(highest) else levels.passes
    return replace(levels, ceiling=ceiling, passes=passes, trim=False)
