"""Stationary density of a process without detailed balance: p = e^-psi rho / Z, rho in the kernel of the adjoint.

Its mesh is refined for the probabilities of the basins of the flow; the current comes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.fem.cell_weights import cells_with_nodal_weight
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.fem.truncation.domain_truncation import is_cut
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.basins.basin_integrals import basin_masses
from fokker_planck.landscape.basins.separatrix import Separatrices, labelled, near_separatrix, separatrices
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer, Ask, InSteps
from fokker_planck.solvers.adaptivity.beginning import on_coarsest_mesh
from fokker_planck.solvers.adaptivity.spectral_scope import cut_between_wells
from fokker_planck.solvers.condensation.slowest_mode import Looked
from fokker_planck.solvers.density.density_of_known_flow import density_of_known_flow, is_integrable
from fokker_planck.solvers.density.density_ratio import DensityRatio, density_ratio, modes_of_shares
from fokker_planck.solvers.density.well_weights import weights_of_states
from fokker_planck.solvers.results.stationary_current import CURRENT_SAFETY, Current, total_current_of
from fokker_planck.solvers.results.steady import Stationary
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import WHOLE


def density_of_flow(setting: FlowSetting) -> Stationary:
    """The density as a field, the probability of every basin of attraction, and the current."""
    problem, between = setting.problem, _separatrices(setting)
    if between is not None and is_integrable(setting):
        return density_of_known_flow(setting, between)
    asked = _Asked(setting, None if between is None else LabelledMesh(between), Looked(), [])
    totals = asked.totals
    cut = between is not None and cut_between_wells(setting, WHOLE)
    outcome = answered(setting, WHOLE, asked.ask, cut=cut)
    ratio: DensityRatio
    ratio, total, doubts = outcome.payload
    beyond, whole = _beyond_the_mesh(setting, ratio)
    density = replace(_as_field(setting, ratio), beyond=beyond)
    places = [point.position for point in setting.attractors]
    if not places:
        places = [tuple(outcome.discretization.nodes[int(np.argmax(ratio.log_density))].tolist())]
    states = setting.states if setting.attractors else (0,)
    errors = outcome.errors + doubts if len(set(states)) > 1 else doubts
    wells = weights_of_states(places, states, outcome.numbers, errors)
    others = [other for other in totals if other is not total]
    change = CURRENT_SAFETY * np.abs(total - (others[-1] if others else np.full(problem.dimension, np.inf)))
    drift = ItoDrift(problem.process, problem.dimension)
    numbers = tuple(total.tolist()), tuple(change.tolist())
    current = Current(density, drift, setting.diffusion, *numbers, whole=whole)
    return Stationary(wells, density, outcome.statistics, current)


@dataclass(frozen=True)
class _Asked:
    """What is asked on every mesh, and the ``totals`` (dim,) of the current on those before."""

    setting: FlowSetting
    basins: LabelledMesh | None
    looked: Looked
    totals: list[Floats]

    @property
    def ask(self) -> Ask:
        """In space in two steps: only on a mesh that is verified are the basins divided."""
        in_space = self.basins is not None and self.setting.problem.dimension == 3
        return InSteps(self.begun, self.ended) if in_space else self.whole

    def ratio_and_total(self, discretization: Discretization) -> tuple[DensityRatio, Floats]:
        """The density and the current."""
        ratio = density_ratio(self.setting, discretization, self.looked)
        self.totals.append(total_current_of(ratio.generator, self.setting.weighting, ratio.rho, ratio.log_whole))
        return ratio, self.totals[-1]

    def whole(self, discretization: Discretization) -> Answer:
        """All at once."""
        ratio, total = self.ratio_and_total(discretization)
        if self.basins is None:
            alone = [[_self_pair(ratio, self.setting.problem.resolution.tolerance)]]
            return Answer(np.zeros(1), (ratio, total, np.zeros(1)), ratio.generator, alone)
        logs, doubts = _log_probabilities(self.setting, self.basins, ratio)
        labels = self.basins.of(discretization.triangulation)[0]
        pairs = modes_of_shares(ratio, _of_nodes(discretization, labels), np.exp(logs))
        return Answer(logs, (ratio, total, doubts), ratio.generator, [[pair] for pair in pairs])

    def begun(self, discretization: Discretization) -> Answer:
        """With probabilities as far as the indicator needs them."""
        assert self.basins is not None
        ratio, total = self.ratio_and_total(discretization)
        labels = self.basins.of(discretization.triangulation)[0]
        logs = _log_shares_of_cells(ratio, labels, len(set(self.setting.states)))
        pairs = modes_of_shares(ratio, _of_nodes(discretization, labels), np.exp(logs))
        # the numbers are kept where the payload is: those of a mesh are asked for by each that compares them
        kept: list[Floats] = []
        return Answer(logs, (ratio, total, kept), ratio.generator, [[pair] for pair in pairs])

    def ended(self, payload: tuple[DensityRatio, Floats, list[Floats]]) -> tuple[Floats, Any]:
        """The probabilities, and the payload with their doubts."""
        assert self.basins is not None
        ratio, total, kept = payload
        if not kept:
            kept.extend(_log_probabilities(self.setting, self.basins, ratio))
        return kept[0], (ratio, total, kept[1])


def _as_field(setting: FlowSetting, ratio: DensityRatio) -> Field:
    """log p = log rho - psi: where psi is a formula, rho alone is interpolated."""
    discretization, by_cell, weighting = ratio.generator.discretization, ratio.log_density_by_cell, setting.weighting
    field = Field("density", discretization, ratio.log_density, True, by_cell)
    if not isinstance(weighting, KnownWeight):
        return field
    return replace(field, known_part=lambda x: -weighting.value(x), remainder=ratio.log_weight[discretization.dofs])


@dataclass(frozen=True)
class WholeDensity:
    """The density on all cells below the energy cutoff, for places that no number rests on; found when asked for."""

    setting: FlowSetting

    @cached_property
    def _field(self) -> Field | None:
        setting = self.setting

        def field(discretization: Discretization) -> Field:
            return _as_field(setting, density_ratio(setting, discretization))

        return on_coarsest_mesh(setting, {}, field)

    def density(self) -> Field | None:
        """As a field."""
        return self._field

    def log_density(self, x: Floats) -> Floats:
        """Log p at points (dim, n); nan where there is no mesh, either."""
        return np.full(x.shape[1], np.nan) if self._field is None else self._field.log(x)


def _beyond_the_mesh(
    setting: FlowSetting, ratio: DensityRatio
) -> tuple[Callable[[Floats], Floats] | None, Callable[[], Field | None] | None]:
    """Log p at points that a mesh does not reach, as far as it is known, and all of it as a field where it was cut."""
    whole = WholeDensity(setting) if is_cut(ratio.generator.discretization.triangulation) else None
    if setting.known and (setting.problem.dimension == 1 or setting.problem.process.turns_at_walls):
        # no circulation crosses a wall: rho is a constant, one but for the scale of the reduced problem
        scale = float(np.log(ratio.rho[np.argmin(ratio.generator.exponent)])) - ratio.log_whole

        def log_density(x: Floats) -> Floats:
            inside, found = setting.problem.contains(x), np.full(x.shape[1], np.nan)
            found[inside] = scale - setting.weighting.value(x[:, inside])
            return found

        return log_density, whole.density if whole else None
    return (whole.log_density, whole.density) if whole else (None, None)


def _self_pair(ratio: DensityRatio, tolerance: float) -> Mode:
    """With a single well there is no number to refine for: let the density be resolved where it is large.

    What the highest degrees add to its energy is the square of its error e, in units of the largest density: over the
    root of the tolerance it is within that where e <= tolerance^(3/4), 3e-5 at 1e-6.  e <= tolerance took 35,000
    cells in place of 130 there.
    """
    values = ratio.rho[ratio.generator.discretization.dofs]
    whole = float(np.exp(ratio.log_whole + ratio.generator.lowest)) * float(np.abs(ratio.rho).max())
    return Mode(values, values, log_whole=float(np.log(whole)) + 0.5 * float(np.log(tolerance)))


def _separatrices(setting: FlowSetting) -> Separatrices | None:
    """Followed once for all meshes: each costs some hundred steps of the flow; None where there is one basin."""
    if setting.basins is None:
        return None
    return separatrices(setting.basins, setting.problem.dimension, budget_of(setting.problem).curves)


@dataclass
class LabelledMesh:
    """The basins of the vertices of one mesh, which is asked with two degrees: each takes many steps of the flow.

    A mesh of which more was cut away has no other vertices.
    """

    between: Separatrices
    last: tuple[Triangulation, Integers, Separatrices] | None = None

    def of(self, mesh: Triangulation) -> tuple[Integers, Separatrices]:
        """The label of every vertex, and the separatrices that divide this mesh."""
        if self.last is not None and self.last[0] is not mesh:
            labels = _known_labels(self.last[0].points, self.last[1], mesh.points)
            if labels is not None:
                return labels, self.last[2]
        if self.last is None or self.last[0] is not mesh:
            self.last = (mesh, *labelled(mesh.points, mesh.cells, self.between))
        return self.last[1:]


def _known_labels(known: Floats, labels: Integers, points: Floats) -> Integers | None:
    """The ``labels`` (n,) of those of the ``known`` points (n, dim) that stand at ``points`` (m, dim); or None."""
    _, numbers = np.unique(np.concatenate([known, points]), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    found = np.full(numbers.max() + 1, -1, dtype=np.int64)
    found[numbers[: len(known)]] = labels
    result: Integers = found[numbers[len(known) :]]
    return result if (result >= 0).all() else None


def _log_shares_of_cells(ratio: DensityRatio, labels: Integers, count: int) -> Floats:
    """Logarithms of the basins' probabilities, (K,), where every cell is shared out by its corners.

    As far as the indicator needs them.  In space each mesh has some ten thousand lines across separatrices, from which
    the flow is followed: 40 s of CPU on six meshes under noise that follows a Hessian, of which one was verified.
    """
    discretization = ratio.generator.discretization
    corners = labels[discretization.triangulation.cells]
    everywhere = np.ones(len(discretization.cells), dtype=bool)
    masses = np.mean([_masses(ratio, of[discretization.cells], everywhere, count) for of in corners.T], axis=0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(masses / masses.sum()))


def _of_nodes(discretization: Discretization, labels: Integers) -> Integers:
    """The basin of every node, (N,), that of the first vertex of a cell."""
    nodal = np.zeros(discretization.count, dtype=np.int64)
    nodal[discretization.dofs] = labels[discretization.triangulation.cells[:, 0]][discretization.cells][:, None]
    if discretization.comm.size > 1:
        from mpi4py import MPI

        discretization.comm.Allreduce(MPI.IN_PLACE, nodal, op=MPI.MAX)
    return nodal


def _log_probabilities(setting: FlowSetting, basins: LabelledMesh, ratio: DensityRatio) -> tuple[Floats, Floats]:
    """Logarithms of the basins' probabilities, and the doubt that cells at separatrices leave."""
    discretization = ratio.generator.discretization
    mesh = discretization.triangulation
    count = len(set(setting.states))
    labels, between = basins.of(mesh)
    near = near_separatrix(mesh.cells, labels)
    of_cells = labels[mesh.cells[:, 0]]
    masses = _masses(ratio, of_cells[discretization.cells], ~near[discretization.cells], count)
    logs = ratio.log_density_by_cell
    local = ratio.log_density[discretization.dofs] if logs is None else logs
    vertices, weighted = cells_with_nodal_weight(discretization, local, near)
    tolerance = setting.problem.resolution.tolerance
    with np.errstate(divide="ignore"):
        beside = np.log(masses)
    found = basin_masses(mesh.points, vertices, weighted, between.label, count, tolerance, beside, (labels, between))
    return found.logs - float(np.logaddexp.reduce(found.logs)), found.errors


def _masses(ratio: DensityRatio, labels: Integers, whole: Booleans, count: int) -> Floats:
    """Probability of the cells that lie in one basin, (K,)."""
    generator = ratio.generator
    dofs = generator.discretization.dofs
    exponent = generator.exponent[dofs]
    levels = exponent.min(axis=1)
    half = np.exp(-0.5 * (exponent - levels[:, None]))
    amounts = (half * ratio.rho[dofs] * (generator.mass @ half[..., None])[..., 0]).sum(axis=1)
    amounts = amounts * np.exp(-levels - ratio.log_whole)
    sums = np.bincount(labels[whole], amounts[whole], count)
    return np.asarray(generator.discretization.comm.allreduce(sums))
