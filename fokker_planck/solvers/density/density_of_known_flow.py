"""Stationary density exp(-psi) / Z beside a circulation that no wall turns round: weights are integrals, no solve.

With div(e^-psi c) = 0 the density over its reference is rho = 1 but for what walls do that c crosses.  They change the
weight of a well by about exp(-(psi - psi_s)), psi being that at the wall and psi_s that of the highest saddle.  Above
the energy cutoff that is less than what cells there can change, which other questions leave away.
"""

from __future__ import annotations

import time

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.cell_weights import cells_with_weight
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.generator import with_room_for_currents
from fokker_planck.fem.meshing import TRIM, resolved
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.fem.triangulations.triangulation import boundary_facets
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.basins.basin_integrals import basin_masses
from fokker_planck.landscape.basins.separatrix import Separatrices, labelled
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.solvers.adaptivity.beginning import LEAST_UNSYMMETRIC, degree_of, rounding_of_flow
from fokker_planck.solvers.adaptivity.initial_mesh import heights_of
from fokker_planck.solvers.adaptivity.spectral_scope import holds_elsewhere
from fokker_planck.solvers.density.density_of_potential import density_field, statistics_of_one_mesh
from fokker_planck.solvers.density.well_weights import weights_of_states
from fokker_planck.solvers.results.stationary_current import CURRENT_SAFETY, Current, total_current
from fokker_planck.solvers.results.steady import Stationary
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_flow import coarse_mesh
from fokker_planck.solvers.setting.setting import WHOLE

ON_FACETS = 16
"""Points along every edge of a coarse facet of a wall, at which its height is asked: next to the lowest point of a wall
psi is a parabola, and half of a spacing beside it less than a unit of epsilon higher at a barrier of 500."""


def is_integrable(setting: FlowSetting) -> bool:
    """Whether exp(-psi) is the density wherever anything rests on it, known with its peaks.

    Not on a mesh that is prescribed, where noise vanishes in some direction, or where V jumps.
    """
    problem, weighting = setting.problem, setting.weighting
    if not isinstance(weighting, KnownWeight) or problem.dimension == 1 or is_degenerate(problem):
        return False
    if hasattr(weighting.exponent, "seen_from") or problem.resolution.cells is not None:
        return False
    return float(_at_walls(setting).min(initial=np.inf)) >= setting.ceiling and not holds_elsewhere(setting, WHOLE)


def _at_walls(setting: FlowSetting) -> Floats:
    """psi at points of the walls, (n,); none where all axes are periodic."""
    mesh = coarse_mesh(setting.problem, {})
    facets = boundary_facets(mesh.cells, mesh.vertex_class)
    shares = barycentric(_dolfinx.lagrange_nodes(mesh.dimension - 1, ON_FACETS))
    points = (shares @ mesh.points[facets]).reshape(-1, mesh.dimension)
    return setting.weighting.value(points.T) if len(points) else np.zeros(0)


def density_of_known_flow(setting: FlowSetting, between: Separatrices) -> Stationary:
    """The density as a field, the integrals over the basins ``between`` separatrices, and the current."""
    started, problem, weighting = time.perf_counter(), setting.problem, setting.weighting
    if not isinstance(weighting, KnownWeight):
        raise AssertionError("weights are integrals where the density is known")
    budget, degree, exponent = budget_of(problem), degree_of(problem), weighting.exponent
    heights = replace(heights_of(setting), fronts=())
    mesh = resolved(coarse_mesh(problem, {}), exponent, heights, degree, budget.mesh_of_weights)
    weighted = cells_with_weight(mesh, lambda x: -exponent.value(x))
    known = labelled(mesh.points, mesh.cells, between)
    count = len(set(setting.states))
    masses = basin_masses(mesh.points, mesh.cells, weighted, between.label, count, budget.tolerance, known=known)
    logs, errors = masses.shares
    errors = errors + LEAST_UNSYMMETRIC + rounding_of_flow(setting)
    errors += TRIM[problem.dimension] * budget.mesh_of_weights + budget.cut_of_flow
    places = [point.position for point in setting.attractors]
    wells = weights_of_states(places, setting.states, logs, errors)
    total = float(np.logaddexp.reduce(masses.logs))
    discretization = discretize(mesh, degree)
    density = density_field(problem, exponent, discretization, total)
    current = _current(setting, density, total)
    return Stationary(wells, density, statistics_of_one_mesh(problem, discretization, started), current)


def _current(setting: FlowSetting, density: Field, log_whole: float) -> Current:
    """J = e^-psi c / Z; its integral by two rules."""
    problem, one = setting.problem, np.ones(density.discretization.count)
    total, finer = (
        total_current(mesh, setting.weighting, one, log_whole)
        for mesh in (density.discretization, with_room_for_currents(density.discretization))
    )
    return Current(
        density=density,
        drift=ItoDrift(problem.process, problem.dimension),
        diffusion=setting.diffusion,
        total=tuple(finer.tolist()),
        total_error=tuple((CURRENT_SAFETY * np.abs(finer - total)).tolist()),
        circulation=setting.weighting.velocity,
    )
