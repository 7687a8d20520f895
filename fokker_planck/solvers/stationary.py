"""Stationary density: div(D grad p + p (div D - b)) = 0, no flux through the boundary, and the weight of every well.

With detailed balance it is exp(-Phi) / Z, and its weights are integrals (:mod:`~.density_of_potential`); for any other
process it is found first (:mod:`~.density_of_flow`).
"""

from __future__ import annotations

from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.density.density_of_flow import density_of_flow
from fokker_planck.solvers.density.density_of_potential import density_of_potential
from fokker_planck.solvers.density.set_probabilities import set_probabilities
from fokker_planck.solvers.results.steady import Stationary
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import prepare_for_wells


def stationary_density(problem: Problem) -> Stationary:
    """The density as a field, the probabilities of basins of attraction and named sets, and the current if any."""
    setting = prepare_for_wells(problem, "weights of wells")
    found = density_of_potential(setting) if isinstance(setting, PotentialSetting) else density_of_flow(setting)
    return replace(found, sets=set_probabilities(setting)) if problem.sets else found
