"""Where the eigenfunctions that are asked for live, hence which meshes serve: of the slow modes first, then of all.

The modes of wells need what currents between the wells need.  Others live near every saddle and maximum, however little
the process visits them (Helffer and Sjoestrand 1984), and without detailed balance along the circulation.  A mesh for
the slow modes alone is much smaller; the question is put there first, and holds if all that it finds is slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

import numpy as np
from mpi4py import MPI

from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.meshing import Heights
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.landscape.finding.survey import sample_graph
from fokker_planck.landscape.minimax import climb_heights, passes_between
from fokker_planck.landscape.types import SHALLOWEST
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity import initial_mesh
from fokker_planck.solvers.adaptivity.initial_mesh import can_be_cut
from fokker_planck.solvers.boundaries.end_conditions import singular_ends
from fokker_planck.solvers.boundaries.ends import Ends, reached_points
from fokker_planck.solvers.setting.energy_levels import fastest_spared, heights_between_wells, levels_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting

SLOWER = 0.25
"""Of the eigenvalue that belongs to a critical point for small noise, below which one has nothing to do with it."""
CHANGE = {1: 4.0, 2: 6.0, 3: 14.0}
"""Of the exponent in a cell of the first mesh without detailed balance: with 12 in the plane, which serves times, rates
and the modes of wells, a limit cycle has modes there whose real parts are negative."""
OF_HARMONIC = 2.0
"""Frequencies searched over those of a harmonic well, whose modes have none beyond one: room for wells that are not
harmonic, at the cost of shifts. Nothing proves that there are none beyond."""


class TooFastError(Exception):
    """An eigenvalue could belong to what the mesh leaves out."""


@dataclass(frozen=True)
class Scope:
    """On which meshes a spectrum is asked, and which eigenvalues they serve.

    With detailed balance up to the ``heights``, for what is ``slower`` than that.  Without, the exponent ``change`` s
    by so much in a cell.  For modes of wells ``only_slow``: then what decides nothing between them may be ``cut``, or
    trimmed, whose edge runs down slopes and has wells of its own, with modes as slow as those of the process.
    """

    heights: Heights | None = None
    slower: float = inf
    change: Mapping[int, float] | None = None
    only_slow: bool = False
    cut: bool = False


def scopes(setting: Setting, ends: Ends, count: int) -> Iterator[Scope]:
    """That of slow modes, where it is worth a trial, and that of all."""
    if isinstance(setting, PotentialSetting):
        yield from _below_levels(setting, ends, count)
    else:
        yield from _along_the_flow(setting, ends, count)


def _of_wells(setting: Setting, ends: Ends, places: np.ndarray) -> int:
    """How many eigenvalues belong to wells, the zero among them: those of a well inside of a target are none."""
    outside = np.ones(len(places), dtype=bool)
    for _, goal in ends.goals:
        if len(places) and not isinstance(goal, str):
            outside &= ~np.asarray(goal.contains(places.T), dtype=bool)
    return int(outside.sum())


def _below_levels(setting: PotentialSetting, ends: Ends, count: int) -> Iterator[Scope]:
    minima = np.array([minimum.position for minimum in setting.landscape.minima])
    beyond = count > _of_wells(setting, ends, minima)
    spared = fastest_spared(setting) if beyond and setting.problem.resolution.cells is None else 0.0
    if spared > 0.0:
        low = heights_between_wells(setting, all_critical_points=True, faster=spared)
        yield Scope(_up_to(setting, ends, low), SLOWER * spared)
    high = _up_to(setting, ends, heights_between_wells(setting, all_critical_points=beyond))
    if high.trim:
        yield Scope(high, only_slow=True)
    yield Scope(replace(high, trim=False))


def _up_to(setting: PotentialSetting, ends: Ends, everywhere: Heights) -> Heights:
    """These levels, and those of the target: modes beyond those of the wells live everywhere when it absorbs, too."""
    heights = everywhere
    if ends.goals:
        to_target = levels_of(setting, ends)
        heights = to_target
        if not everywhere.trim:
            heights = replace(
                to_target,
                passes=to_target.passes + everywhere.passes,
                ceiling=max(to_target.ceiling, everywhere.ceiling),
                fronts=to_target.fronts + everywhere.fronts,
                trim=False,
            )
    if any(np.isfinite(end.threshold) for end in singular_ends(setting.balance.exponent)):
        # modes reach far towards a natural end, however little the process is there
        heights = replace(heights, ceiling=inf, trim=False)
    return heights


def _along_the_flow(setting: FlowSetting, ends: Ends, count: int) -> Iterator[Scope]:
    prescribed = setting.problem.resolution.cells is not None
    if not prescribed and count <= _of_wells(setting, ends, setting.places):
        yield Scope(change=initial_mesh.CHANGE, only_slow=True, cut=cut_between_wells(setting, ends))
    yield everywhere()


def everywhere() -> Scope:
    """That of all eigenfunctions below the energy cutoff, without detailed balance."""
    return Scope(change=CHANGE)


def cut_between_wells(setting: Setting, ends: Ends) -> bool:
    """Whether what decides nothing between wells, and is in none of them, may be left away without detailed balance.

    With it, meshes are cut by the levels of the exponent.
    """
    return isinstance(setting, FlowSetting) and can_be_cut(setting) and not holds_elsewhere(setting, ends)


def holds_elsewhere(setting: FlowSetting, ends: Ends) -> bool:
    """Whether the density has a peak that is a state, but no attractor: of a limit cycle, or at a wall.

    A chain between attractors does not know of it, and would cut it away with the slow mode that belongs to it.
    """
    points, edges = sample_graph(setting.problem)
    values = setting.weighting.value(points.T)
    places = [int(np.argmin(((points - place) ** 2).sum(axis=1))) for place in setting.places]
    reached = [reached_points(setting.problem, goal, points, edges) for _, goal in ends.goals]
    kept, edges = passes_between(values, edges, places, reached)
    known = np.isin(kept, places)
    for members in reached:
        known |= members[kept]
    # nowhere is it deeper than at a minimum, and these are kept
    values = values[kept]
    depth = climb_heights(values, edges, known) - values
    return bool((depth[values < setting.ceiling] > SHALLOWEST).any())


def fastest_current(discretization: Discretization, weighting: Weighting) -> float:
    """The largest c . D^-1 c of the mesh, for the current's velocity c; infinite where D is singular.

    |Im a(u, u)|^2 <= max(c . D^-1 c) int w D grad u . grad u  int w |u|^2 by Cauchy and Schwarz, also with quadrature.
    """
    weighted = weighting.on(discretization)
    if weighted.velocity is None:
        return 0.0
    largest = _largest(weighted.tensor, weighted.velocity)
    comm = discretization.comm
    return float(comm.allreduce(largest, op=MPI.MAX)) if comm.size > 1 else largest


def fastest_of_sample(setting: Setting) -> float:
    """The same at points of the domain below the energy cutoff, those that a mesh leaves out among them."""
    x = sample_graph(setting.problem)[0].T
    velocity = setting.weighting.velocity(x)
    if velocity is None:
        return 0.0
    below = setting.weighting.value(x) < getattr(setting, "ceiling", inf)
    return _largest(np.asarray(setting.diffusion.tensor(x))[..., below], velocity[:, below])


def sector_searched(setting: Setting) -> float | None:
    """C with |Im lambda| <= C Re lambda where noise vanishes in some direction in the plane; None where none is known.

    Of a linear process every lambda is a sum of -mu, the eigenvalues of the drift's Jacobian J (Metafune, Pallara and
    Priola 2002), whatever D is: |mu|^2 = det J and Re mu = tr J/2 for a pair.  So C is sqrt(det J) over -tr J/2 (in a
    harmonic well 2 omega over the friction), with the largest and the least below the energy cutoff, times
    ``OF_HARMONIC``.  Where the drift spreads anywhere nothing is known.
    """
    problem = setting.problem
    if problem.dimension != 2 or not is_degenerate(problem):
        return None
    x = sample_graph(problem)[0].T
    jacobian = problem.process.noiseless_jacobian(x[:, setting.weighting.value(x) < getattr(setting, "ceiling", inf)])
    turning = np.sqrt(np.abs(np.linalg.det(np.moveaxis(jacobian, 2, 0))).max(initial=0.0))
    settling = -0.5 * np.einsum("iin->n", jacobian).max(initial=-inf)
    return float(OF_HARMONIC * turning / settling) if settling > 0.0 else None


def _largest(tensor: np.ndarray, velocity: np.ndarray) -> float:
    """Of c . D^-1 c for D (dim, dim, ...) and c (dim, ...)."""
    tensor, velocity = np.moveaxis(tensor, (0, 1), (-2, -1)), np.moveaxis(velocity, 0, -1)
    try:
        return float((velocity * np.linalg.solve(tensor, velocity[..., None])[..., 0]).sum(axis=-1).max(initial=0.0))
    except np.linalg.LinAlgError:
        return inf
