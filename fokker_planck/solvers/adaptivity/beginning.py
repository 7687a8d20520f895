"""What a question begins with: the degree of elements, a first mesh, and what of the error no finer mesh makes less.

Where Phi is known, cells are as large as its levels allow, and those above the energy cutoff are gone
(:mod:`fokker_planck.fem.meshing`).  Without detailed balance the mesh is that of :mod:`~.initial_mesh`; what is cut
away there is tried, see :mod:`~.trial_cut`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import factorial
from typing import TypeVar

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.meshing import Heights, resolved
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import STRAIGHT, Triangulation, volumes
from fokker_planck.model.jumps.interfaces import Interfaces, OneSided, interfaces_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.answer_types import Ask
from fokker_planck.solvers.adaptivity.initial_mesh import can_be_cut, first_mesh
from fokker_planck.solvers.adaptivity.material_corners import Medium
from fokker_planck.solvers.adaptivity.trial_cut import cut_to_size, verified_by_less
from fokker_planck.solvers.boundaries.end_conditions import end_error
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.boundaries.fast_particles import changed_by_walls_in_v
from fokker_planck.solvers.setting.energy_levels import levels_of
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.rounding import rounding_error, rounding_of_drift
from fokker_planck.solvers.setting.setting import Setting
from fokker_planck.solvers.setting.stretch import shared_error, stretch_of

DEGREE = {1: 6, 2: 6, 3: 4}
"""Of elements: in space the matrix of a cell grows with the sixth power, and the time to factor it with the ninth."""
COARSE_DEGREE, COARSE = 3, 5e-3
"""In space for this tolerance and coarser ones: a committor between balls to 1e-2 takes 12 s of CPU instead of 17."""
MOST_UNKNOWNS = {1: 2_000_000, 2: 1_600_000, 3: 250_000}
"""With detailed balance, beyond which no finer mesh is tried: in space a factor of so many fills some gigabytes."""
MOST_UNSYMMETRIC = {1: 500_000, 2: 600_000, 3: 250_000}
"""Without detailed balance, where a factor takes twice the memory and its solves come from both sides."""
MOST_WHERE_COARSE = {True: 80_000, False: 60_000}
"""In space, with detailed balance and without, for the tolerance ``COARSE`` and coarser ones, the last mesh being up to
twice that: without, 130,000 unknowns take 42 s of CPU, most of it to factor the matrix; with, rates at a barrier of 36
took more than 50 s on 370,000, and 9 s on 76,000. A question is to end within a minute: what is not reached has a wider
bar and a warning, or is refused."""
CHANGE_WHERE_COARSE = 28.0
"""Of the exponent in a cell of a first mesh without detailed balance, for the tolerance ``COARSE`` and coarser ones in
space: it is bisected where the indicator says, as with detailed balance. With the usual 14 the first mesh of a
committor at a barrier of 27 had 127,000 unknowns, was 0.8 % off, and the last one allowed; with 20 it had 41,000 and
the next one was 0.04 % off; with 28 the second has 46,000, and is 0.05 % off."""
LAST_BUT_ONE = 0.5
"""Of the unknowns of the mesh beyond which no finer one is tried: from so many on a mesh is verified by a degree more.
That is as much work as the next one, of which only a degree less could be asked, and whose bar was a hundred times its
error. Of a first mesh of 33,000 unknowns 0.66 was predicted, a degree less said 4.2, and 8e-4 was off."""
LEAST_ERROR = 2e-13
"""What rounding leaves of every number with detailed balance: a finer tolerance is met on no mesh."""
LEAST_CURVED = 1e-12
"""The same where facets follow curves, which all degrees share: of an exit through a circle on which D jumps degrees 6
to 8 were 6.9e-13, 1.2e-13 and 6.0e-13 off, at a bar of 5.8e-13, and with all cells bisected 1e-14."""
LEAST_UNSYMMETRIC = 1e-11
"""The same without, where sums of both signs stand in A: the exponent follows the density only to a factor."""
GONE = 1e-9
"""Share of the volume that is missing where cells were left away, and not for rounding."""
FEWEST_CELLS = {1: 8, 2: 16, 3: 200}
"""Of a first mesh: one of a single triangle, say, that absorbs all around has no unknown left to solve for."""
UNKNOWNS_A_CELL = 18
"""Of degree 6 in the plane, the only place where meshes are cut."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Beginning:
    """A question, its first mesh with the ``degree`` of the elements, and how far that may be refined.

    ``medium`` is D, in whose metric corners are measured, and where it jumps.  ``cut`` is what the cells that were left
    away can change, ``least_error`` what rounding leaves, ``by_facets`` what curved facets close to a start are off by;
    all are added to every estimate.  ``by_less`` says to ask a degree less on every mesh, and to believe it where the
    indicator expects more; ``at_once`` to ask a degree more on the first one, as far as its answer can be enough;
    ``less_first`` to verify by a degree less where that is enough.  ``coarse`` says that the tolerance is, in space:
    then the last mesh allowed is verified by a degree less alone, and that before it by a degree more.
    """

    ask: Ask
    mesh: Triangulation
    degree: int
    medium: Medium
    most_unknowns: int
    least_error: float
    cut: float = 0.0
    by_less: bool = False
    at_once: bool = False
    less_first: bool = False
    coarse: bool = False
    by_facets: float = 0.0

    @property
    def left(self) -> float:
        """What neither a finer mesh nor a higher degree makes less of any number."""
        return self.least_error + self.by_facets


def degree_of(problem: Problem) -> int:
    """The polynomial degree that is asked for, or the usual one."""
    usual = COARSE_DEGREE if _is_coarse(problem) else DEGREE[problem.dimension]
    return problem.resolution.degree or usual


def _is_coarse(problem: Problem) -> bool:
    return problem.dimension == 3 and problem.resolution.tolerance >= COARSE


def begin(
    setting: Setting,
    ends: Ends,
    ask: Ask,
    heights: Heights | None,
    least_unknowns: int,
    change: Mapping[int, float],
    *,
    cut: bool,
) -> Beginning:
    """The beginning of a question in its setting.

    With detailed balance the mesh is one for the ``heights``, those of the ``ends`` unless they are given, and has
    ``least_unknowns`` or more.  Without, psi changes by no more than ``change`` in a cell, and cells that decide
    nothing are gone: about an exit, or where the question is about nothing but slow transitions and says that this may
    be ``cut``.
    """
    if isinstance(setting, PotentialSetting):
        return _below_levels(setting, ends, ask, heights or levels_of(setting, ends), least_unknowns)
    return _along_the_flow(setting, ends, ask, change, cut=cut or ends.start is not None)


def _below_levels(setting: PotentialSetting, ends: Ends, ask: Ask, heights: Heights, least_unknowns: int) -> Beginning:
    """Cells fine enough for the weight, and none above the energy cutoff."""
    problem, degree = setting.problem, degree_of(setting.problem)
    tolerance, dimension = problem.resolution.tolerance, problem.dimension
    exponent = setting.balance.exponent
    rounding = rounding_error(problem, setting.balance, setting.landscape)
    interfaces = exponent.interfaces if isinstance(exponent, OneSided) else Interfaces()
    medium = Medium(setting.diffusion.tensor, interfaces, lambda x: -exponent.value(x))
    base = domain_triangulation(problem, ends.regions)
    coarse = _is_coarse(problem)
    most = MOST_WHERE_COARSE[True] if coarse else MOST_UNKNOWNS[dimension]
    first = Beginning(ask, base, degree, medium, most, LEAST_ERROR + rounding, less_first=dimension == 3, coarse=coarse)
    if problem.resolution.cells is not None:
        return first
    base = replace(base, stretch=stretch_of(setting))
    mesh = resolved(base, exponent, heights, degree, max(tolerance, 2.0 * rounding))
    while len(mesh.cells) * degree**dimension / factorial(dimension) < least_unknowns:
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool))
    while len(mesh.cells) < FEWEST_CELLS[dimension]:
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    cut = budget_of(problem).cut if cut_off(base, mesh) else 0.0
    cut += end_error(exponent, setting.relaxation_rate)
    curved = LEAST_CURVED if (mesh.facets.surface != STRAIGHT).any() else 0.0
    return replace(first, mesh=mesh, cut=cut, least_error=first.least_error + curved + shared_error(problem, mesh))


def cut_off(base: Triangulation, mesh: Triangulation) -> bool:
    """Whether cells of a mesh are gone from one that was made of it."""
    return _volume(mesh) < (1.0 - GONE) * _volume(base)


def _volume(triangulation: Triangulation) -> float:
    """Volume of the straight cells."""
    return float(np.abs(volumes(triangulation.points, triangulation.cells)).sum())


def _along_the_flow(setting: FlowSetting, ends: Ends, ask: Ask, change: Mapping[int, float], *, cut: bool) -> Beginning:
    """Cells fine enough for psi, and without those that decide nothing if that may be ``cut``."""
    problem = setting.problem
    dimension, coarse = problem.dimension, _is_coarse(problem)
    if coarse:
        change = {dimension: max(change[dimension], CHANGE_WHERE_COARSE)}
    trial = cut_to_size(setting, ends, change, ask, degree_of(problem)) if cut and can_be_cut(setting) else None
    ask, mesh, left_out = trial if trial is not None else (ask, first_mesh(setting, ends.regions, change), 0.0)
    interfaces = interfaces_of(problem.process, dimension, *problem.bounding_box())
    saddle = setting.ceiling - setting.for_little - budget_of(problem).cutoff_of_flow
    left_out += changed_by_walls_in_v(problem, setting.weighting.value, saddle)
    return Beginning(
        ask,
        mesh,
        degree_of(problem),
        Medium(setting.diffusion.tensor, interfaces),
        MOST_WHERE_COARSE[False] if coarse else MOST_UNSYMMETRIC[dimension],
        LEAST_UNSYMMETRIC + rounding_of_flow(setting) + shared_error(problem, mesh),
        left_out + budget_of(problem).cut_of_flow,
        by_less=coarse,
        coarse=coarse,
        at_once=dimension == 2,
        less_first=verified_by_less(problem, degree_of(problem)),
    )


def rounding_of_flow(setting: FlowSetting) -> float:
    """What rounding of the drift leaves of every number."""
    points = (*setting.attractors, *setting.saddles)
    places = np.array([point.position for point in points]).reshape(-1, setting.problem.dimension).T
    return rounding_of_drift(setting.problem, places, np.array([point.jacobian for point in points]))


def on_coarsest_mesh(
    setting: FlowSetting, regions: Mapping[str, Set], ask: Callable[[Discretization], Found]
) -> Found | None:
    """What is asked for on all cells below the energy cutoff, for places that were cut away and no number rests on.

    The mesh is the coarsest that resolves psi: weights are right to 1e-7 there, or better; None if it is too large.
    """
    mesh = first_mesh(setting, regions)
    if len(mesh.cells) * UNKNOWNS_A_CELL > MOST_UNSYMMETRIC[mesh.dimension]:
        return None
    try:
        return ask(discretize(mesh, degree_of(setting.problem)))
    except ConvergenceError:
        return None
