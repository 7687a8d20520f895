"""What every question to a problem needs once: the process in its reference exponent, with the landscape that it is in.

That is the landscape of Phi, by its critical points, for a process in detailed balance
(:mod:`~.landscape_of_potential`), and that of the flow, by the fixed points of the drift, for any other
(:mod:`~.landscape_of_flow`).  Both know ``problem``, ``weighting`` (the process in its reference exponent),
``diffusion``, ``relaxation_rate``, the ``places`` of wells to condense onto, and the ``state_places`` of a chain.
"""

from __future__ import annotations

from fokker_planck.mesh.walls import refuse_slits
from fokker_planck.model.problem import Problem
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.kinetics_of_problem import is_reversible, kinetics_of
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting, of_potential

Setting = PotentialSetting | FlowSetting

WHOLE = Ends()


def prepare(problem: Problem, ends: Ends = WHOLE, *, wells: bool = False) -> Setting:
    """The setting for a question with these ends, about the ``wells`` that walls hold, too, if so asked."""
    if is_reversible(problem):
        return of_potential(problem)
    from fokker_planck.solvers.setting.landscape_of_flow import of_flow

    return of_flow(problem, ends, wells=wells)


def prepare_for_wells(problem: Problem, question: str) -> Setting:
    """The setting of a ``question`` about basins of attraction.

    Raises ``ProblemError`` where they are not known: in domains with slits, beside walls that the flow runs along.
    """
    from fokker_planck.solvers.boundaries.held_attractors import refuse_flow_through_level

    kinetics_of(problem)  # refuses noise that is none, before the flow is asked
    refuse_slits(problem.domain, question)
    refuse_flow_through_level(problem, question)
    setting = prepare(problem, wells=True)
    setting.refuse_for_wells(question)
    return setting
