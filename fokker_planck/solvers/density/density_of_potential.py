"""Stationary density p = exp(-Phi) / Z of a process in detailed balance, and the weight of every well: no solve."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.cell_weights import cells_with_weight
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.meshing import TRIM, resolved
from fokker_planck.fem.one_sided import values_at_nodes, values_in_cells
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.basins.basin_integrals import BasinMasses, basin_masses
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.types import numbered
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.thin_layers import layers_of
from fokker_planck.solvers.adaptivity.beginning import cut_off, degree_of
from fokker_planck.solvers.adaptivity.function_checks import check_functions
from fokker_planck.solvers.boundaries.end_conditions import mass_error
from fokker_planck.solvers.density.well_weights import weights_of_states
from fokker_planck.solvers.results.steady import Stationary, Statistics
from fokker_planck.solvers.setting.energy_levels import heights_between_wells
from fokker_planck.solvers.setting.error_budget import ErrorBudget, budget_of
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.rounding import rounding_error

LINE_ROUNDING = 2e-13
"""What rounding of Psi, itself an integral, leaves there: at least."""
ROUNDING_OF_PSI = 4e-15
"""For every unit of epsilon that Psi climbs: measured, 1e-13 at barriers of 100 to 250 of quadratic noise."""


def density_of_potential(setting: PotentialSetting) -> Stationary:
    """The density as a field, and the probability of the basin of attraction of every minimum."""
    started, problem = time.perf_counter(), setting.problem
    degree, rounding = degree_of(problem), rounding_error(problem, setting.balance, setting.landscape)
    heights = replace(heights_between_wells(setting), fronts=())
    if problem.dimension == 1:
        rounding += LINE_ROUNDING + ROUNDING_OF_PSI * (heights.top - min(heights.bottoms))
        rounding += mass_error(setting.balance.exponent)
    mesh, budget = domain_triangulation(problem, {}), _budget(problem)
    if problem.resolution.cells is None:
        accuracy = max(budget_of(problem).mesh_of_weights, 2.0 * rounding)
        # what is cut off is in no basin, and no rule of quadrature sees it
        kept = max(budget.mesh_of_weights, 2.0 * rounding)
        whole, mesh = mesh, resolved(mesh, setting.balance.exponent, heights, degree, accuracy, kept)
        rounding += TRIM[problem.dimension] * kept if cut_off(whole, mesh) else 0.0
    discretization = discretize(mesh, degree)
    masses = _masses(setting, mesh, budget, setting.states)
    total = float(np.logaddexp.reduce(masses.logs))
    logs, errors = masses.shares
    errors = errors + _ties(setting, mesh, budget, logs) + _unknown_widths(setting, budget, logs + total)
    wells = weights_of_states([m.position for m in setting.wells.minima], setting.states, logs, errors + rounding)
    density = density_field(problem, setting.balance.exponent, discretization, total)
    return Stationary(wells, density, statistics_of_one_mesh(problem, discretization, started))


def density_field(problem: Problem, exponent: Any, discretization: Discretization, log_normalisation: float) -> Field:
    """exp(-psi) / Z of an ``exponent`` psi, with log Z: on the mesh and beyond it, wherever the domain is."""
    nodal, by_cell = -values_at_nodes(exponent, discretization) - log_normalisation, None
    if hasattr(exponent, "seen_from"):
        by_cell = -values_in_cells(exponent, discretization.cell_nodes, discretization.corners) - log_normalisation

    def log_density(x: Floats) -> Floats:
        inside = problem.contains(x)
        found = np.full(x.shape[1], np.nan)
        found[inside] = -exponent.value(x[:, inside]) - log_normalisation
        return found

    return Field(
        "density",
        discretization,
        nodal,
        logarithm=True,
        by_cell=by_cell,
        beyond=log_density,
        known_part=lambda x: -np.asarray(exponent.value(x)),
        remainder=np.full(discretization.dofs.shape, -log_normalisation),
    )


def statistics_of_one_mesh(problem: Problem, discretization: Discretization, started: float) -> Statistics:
    """Of an answer by integration alone, begun at a time of :func:`time.perf_counter`."""
    mesh, degree = discretization.triangulation, discretization.degree
    return Statistics(
        unknowns=discretization.count,
        cells=len(mesh.cells),
        degree=degree,
        levels=1,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.dolfinx_version(),
        functions=check_functions(problem, mesh, degree),
    )


def _budget(problem: Problem) -> ErrorBudget:
    """Of the tolerance that is asked for; on a line, where slopes are exact, of what rounding leaves of it."""
    potential, budget = problem.process.potential, budget_of(problem)
    easy = problem.dimension == 1 and (potential is None or potential.exact)
    return budget.where_easy if easy else budget


def _ties(setting: PotentialSetting, mesh: Triangulation, budget: ErrorBudget, logs: Floats) -> Floats:
    """By how much weights (K,) differ where a minimum that is no state of its own could as well belong to another."""
    spread = np.zeros(len(logs))
    for states in setting.other_states:
        other = _masses(setting, mesh, budget, states).shares[0]
        spread = np.maximum(spread, np.abs(np.expm1(other - logs)))
        minima = zip(setting.wells.minima, setting.states, states, strict=True)
        place = next(minimum.position for minimum, here, there in minima if here != there)
        where = ", ".join(f"{coordinate:.4g}" for coordinate in place)
        warnings.warn(
            f"the minimum at ({where}) is no state of its own and belongs to two others alike; which one it is counted "
            "with is in the error of both",
            stacklevel=4,
        )
    return spread


def _unknown_widths(setting: PotentialSetting, budget: ErrorBudget, logs: Floats) -> Floats:
    """What is unknown of the masses exp(``logs``) (K,) of states, relative, for the widths of thin layers on a line."""
    result = np.zeros(len(logs))
    if setting.problem.dimension > 1:
        return result
    lower, upper = (float(end[0]) for end in setting.problem.bounding_box())
    layers, (nodes, weights) = layers_of(setting.problem.process, lower, upper), np.polynomial.legendre.leggauss(20)
    thin = np.flatnonzero(layers.unknown > LINE_ROUNDING)
    if not len(thin):
        return result
    half, middles = 0.5 * np.diff(layers.ends)[thin], 0.5 * (layers.ends[1:] + layers.ends[:-1])[thin]
    places = middles[:, None] + half[:, None] * nodes
    logs_within = -setting.balance.exponent.value(places.reshape(1, -1)).reshape(places.shape)
    mass = np.logaddexp.reduce(logs_within + np.log(half[:, None] * weights), axis=1)
    label = BasinMap(setting.wells, setting.downhill, budget.flow, numbered(setting.states))(middles[None])
    whole = np.logaddexp.reduce(logs)
    for state, log, unknown in zip(label.tolist(), mass.tolist(), layers.unknown[thin].tolist(), strict=True):
        result += unknown * np.exp(log - whole)
        result[state] += unknown * np.exp(log - logs[state])
    return result


def _masses(setting: PotentialSetting, mesh: Triangulation, budget: ErrorBudget, states: Sequence[int]) -> BasinMasses:
    """The integral of exp(-Phi) over every basin."""
    exponent, landscape = setting.balance.exponent, setting.wells
    label = BasinMap(landscape, setting.downhill, budget.flow, numbered(states))
    weighted = cells_with_weight(mesh, lambda x: -exponent.value(x))
    return basin_masses(mesh.points, mesh.cells, weighted, label, len(set(states)), budget.tolerance)
