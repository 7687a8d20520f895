"""Probabilities of the named sets in the stationary state, P(A) = int_A p dx, on meshes fitted to them.

Where p is exp(-Psi), with detailed balance and on rings, what is left is integration: cells are bisected where two
rules differ. For any other process p is found first, also where psi is known, for a circulation may cross the walls and
change it; the mesh follows the functions that P(A) rests on, as for the weights of wells.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError, FokkerPlanckError, ProblemError
from fokker_planck.fem.cell_products import CellProducts, product
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.triangulations.narrow import narrow_places
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation, boundary_facets, interface_facets
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.question_arguments import whole_set
from fokker_planck.model.recast.moved_seams import off_seams
from fokker_planck.model.reversibility.thin_layers import layers_of
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.beginning import degree_of
from fokker_planck.solvers.adaptivity.error_bars import WORST_ERROR
from fokker_planck.solvers.adaptivity.mesh_for_functions import seeing
from fokker_planck.solvers.boundaries.end_conditions import mass_error
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.density.density_of_potential import ROUNDING_OF_PSI
from fokker_planck.solvers.density.density_ratio import density_ratio, modes_of_shares
from fokker_planck.solvers.setting.energy_levels import heights_between_wells
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.rounding import rounding_error
from fokker_planck.solvers.setting.setting import Setting, prepare_for_wells

REGION = "probability of "
"""Before the name of a set in the mesh, where surfaces and targets have theirs."""
FINER = 4
"""Degrees of the second rule beyond the first: its error is less by the square of a cell's width and more."""
SAFETY, ROUNDING = 3.0, 1e-13
"""Times the difference of both rules; and what rounding of the exponent at the points of a rule leaves."""
LEAST_LOG = -690.0
"""Of a share, which is a double."""
SHARED, RULES = 0.1, 0.3
"""Of the tolerance, shared out among the cells, where what exceeds its share is bisected; and that from which on the
rules have done their part."""
MOST_ROUNDS = 60
"""Of bisection: forty lead to a part of 1e-12 of the domain; what goes on after is rounding."""
MOST_CELLS = {1: 100_000, 2: 300_000, 3: 400_000}
"""Beyond which integrals are reported with the bars that they have: some seconds of evaluations."""


def set_probabilities(setting: Setting) -> dict[str, Quantity | None]:
    """Of every named set; None, with a warning, for one whose probability cannot be had.

    Each has a mesh of its own: two sets that touch or cross at small angles have none in common.
    """
    found: dict[str, Quantity | None] = {}
    for name, given in setting.problem.sets.items():
        try:
            moved, (shape,) = off_seams(setting.problem, (whole_set(setting.problem, given),), f"sets.{name}")
            seen = setting if moved is setting.problem else prepare_for_wells(moved, "weights of wells")
            if isinstance(seen, FlowSetting) and seen.problem.dimension > 1:
                found[name] = _of_flow(seen, shape)
            else:
                found[name] = _of_known_density(seen, shape)
        except FokkerPlanckError as reason:
            warnings.warn(f"the probability of the set {name} is not known: {_said(reason)}", stacklevel=4)
            found[name] = None
    return found


def _said(reason: FokkerPlanckError) -> str:
    """What an error says but for its key, which is that of a set of the mesh."""
    known = isinstance(reason, ProblemError) and REGION in reason.key
    return f"found {reason.found}; wanted {reason.wanted}" if known else str(reason)  # type: ignore[attr-defined]


def _of_known_density(setting: Setting, shape: Set) -> Quantity:
    """With detailed balance, or on a ring, which has no walls."""
    exponent: Any = setting.weighting
    rounding = ROUNDING
    if isinstance(setting, PotentialSetting):
        exponent = setting.balance.exponent
        of_potential = rounding_error(setting.problem, setting.balance, setting.landscape)
        rounding = ROUNDING + of_potential + mass_error(exponent)
    found = _by_integration(setting, exponent, shape)
    if found is None:
        return Quantity.of(0.0, 0.0)
    if setting.problem.dimension == 1:
        rounding += ROUNDING_OF_PSI * abs(found.log)
    return Quantity.of_log(min(found.log, 0.0), found.bar + found.moved + found.unknown + rounding)


def _by_integration(setting: Setting, exponent: Any, shape: Set) -> _Integrated | None:
    """Of exp(-psi), None for a set without any; by a mesh of its own, on which two rules agree.

    Then cells at surfaces are bisected: what that changes is the error of their positions.
    """
    problem = setting.problem
    mesh, tolerance = domain_triangulation(problem, {REGION: shape}), problem.resolution.tolerance
    prescribed = problem.resolution.cells is not None
    if not prescribed and isinstance(setting, PotentialSetting):
        heights = replace(heights_between_wells(setting), fronts=())
        mesh = seeing(mesh, narrow_places(mesh, exponent, heights, tolerance), "the potential")
    before: float | None = None
    rounds = 0
    while True:
        found = _integrated(setting, exponent, mesh)
        if found.log == -np.inf:
            return None
        if before is not None:
            found = replace(found, moved=SAFETY * abs(float(np.expm1(found.log - before))))
        last = prescribed or rounds >= MOST_ROUNDS or len(mesh.cells) > MOST_CELLS[problem.dimension]
        if last or (before is not None and found.bar + found.moved <= tolerance):
            return found if before is not None else replace(found, moved=found.bar)
        marked = found.marked
        if found.bar <= RULES * tolerance or not marked.any():
            before, mesh = found.log, _halved_at_surfaces(mesh, marked)
        else:
            mesh = refine(mesh, marked)
        rounds += 1


@dataclass(frozen=True)
class _Integrated:
    """log P(A) on one mesh, its ``bar`` by two rules, relative, and the cells that are ``marked`` by these.

    ``beyond`` is the part of it above the energy cutoff of a flow, ``moved`` what the positions of surfaces leave,
    ``unknown`` what the widths of layers do, see :mod:`~.thin_layers`.
    """

    log: float
    bar: float
    marked: Booleans
    beyond: float
    unknown: float = 0.0
    moved: float = 0.0


def _integrated(setting: Setting, exponent: Any, mesh: Triangulation) -> _Integrated:
    discretization, tolerance = discretize(mesh, degree_of(setting.problem)), setting.problem.resolution.tolerance
    inside = mesh.regions[REGION][discretization.cells]
    rough, fine = (_masses(exponent, discretization, more) for more in (0, FINER))
    widths = _unknown_widths(setting.problem, discretization)
    marked, totals, bar, unknown = np.zeros(len(mesh.cells), dtype=bool), [], 0.0, 0.0
    for part in (inside, np.ones(len(inside), dtype=bool)):
        total = _within(fine, part).log_of_sum()
        totals.append(total)
        if total == -np.inf:
            continue
        share = SAFETY * np.abs(_within(fine, part).relative_to(total) - _within(rough, part).relative_to(total))
        bar += float(discretization.comm.allreduce(share.sum()))
        held = (_within(fine, part).relative_to(total) * widths).sum()
        unknown += float(discretization.comm.allreduce(held))
        marked |= _on_all(mesh, discretization, share * len(mesh.cells) > SHARED * tolerance)
    beyond = 0.0
    if isinstance(setting, FlowSetting):
        above = _within(_masses(exponent, discretization, FINER, setting.ceiling), inside).log_of_sum()
        beyond = 1.0 - float(np.exp(above - totals[0])) if totals[0] > -np.inf else 0.0
    return _Integrated(totals[0] - totals[1], bar, marked, beyond, unknown)


def _unknown_widths(problem: Problem, discretization: Discretization) -> Floats:
    """Of every cell of a line, relative to that of the layer in which it lies; none in several dimensions."""
    if problem.dimension > 1:
        return np.zeros(len(discretization.cells))
    lower, upper = (float(end[0]) for end in problem.bounding_box())
    return layers_of(problem.process, lower, upper).of(discretization.corners.mean(axis=1)[:, 0])


def _halved_at_surfaces(mesh: Triangulation, marked: Booleans) -> Triangulation:
    """What is marked and cells at surfaces bisected until all edges there are halved, as often as there are axes.

    After one time of a ball in space most edges on it are as long as before: 1.7e-8 of its volume were missing, and
    1.1e-9 of that went.
    """
    for _ in range(mesh.dimension):
        mesh = refine(mesh, marked | _at_surfaces(mesh))
        marked = np.zeros(len(mesh.cells), dtype=bool)
    return mesh


def _at_surfaces(mesh: Triangulation) -> Booleans:
    """Cells with a facet on the boundary of the domain, or between the set and what is outside of it."""
    outer = boundary_facets(mesh.cells, mesh.vertex_class)
    between = interface_facets(mesh.cells, mesh.vertex_class, mesh.regions[REGION])
    on = np.zeros(len(mesh.points), dtype=bool)
    on[np.concatenate([outer, between]).ravel()] = True
    return np.asarray(on[mesh.cells].sum(axis=1) >= mesh.dimension)


def _masses(exponent: Any, discretization: Discretization, more: int, ceiling: float = np.inf) -> CellProducts:
    """int exp(-psi) over every cell of this rank, below a ceiling, by a rule of so many degrees more."""
    fine = replace(discretization, rule=discretization.rule + more)
    points, volume = fine.map.points, fine.map.volume
    psi = values_in_cells(exponent, np.moveaxis(points, 0, -1), discretization.corners)
    psi = np.where(psi <= ceiling, psi, np.inf)
    least = np.min(psi, axis=1, initial=np.inf)
    least = np.where(np.isfinite(least), least, 0.0)
    return CellProducts((volume * np.exp(least[:, None] - psi)).sum(axis=1), least, discretization.comm)


def _within(masses: CellProducts, cells: Booleans) -> CellProducts:
    return replace(masses, amounts=np.where(cells, masses.amounts, 0.0))


def _on_all(mesh: Triangulation, discretization: Discretization, marked: Booleans) -> Booleans:
    """Cells marked on any rank, of all of them."""
    everywhere = np.zeros(len(mesh.cells), dtype=np.int32)
    everywhere[discretization.cells] = marked
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, everywhere, op=MPI.MAX)
    return everywhere > 0


def _of_flow(setting: FlowSetting, shape: Set) -> Quantity:
    """Where walls may change the density.

    What surfaces and the energy cutoff leave is that of exp(-psi), which follows the density.
    """
    rough = _by_integration(setting, setting.weighting, shape)
    if rough is None:
        return Quantity.of(0.0, 0.0)
    if rough.beyond > WORST_ERROR:
        raise ConvergenceError("it lies beyond the energy cutoff", "a set where the process is, or more noise")

    def answer(discretization: Discretization) -> Answer:
        ratio = density_ratio(setting, discretization)
        inside = discretization.triangulation.regions[REGION][discretization.cells]
        whole = product(ratio.generator, 1.0, ratio.rho[discretization.dofs])
        log = _within(whole, inside).log_of_sum() - whole.log_of_sum()
        labels = np.ones(discretization.count, dtype=np.int64)
        labels[discretization.marked(discretization.dofs[inside])] = 0
        share = float(np.exp(np.clip(log, LEAST_LOG, 0.0)))
        return Answer(np.array([log]), None, ratio.generator, [modes_of_shares(ratio, labels, np.array([share]))])

    outcome = answered(setting, Ends(measured=((REGION, shape),)), answer)
    error = float(outcome.errors[0]) + rough.moved + 2.0 * rough.beyond
    return Quantity.of_log(min(float(outcome.numbers[0].real), 0.0), error)
