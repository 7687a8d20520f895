"""The first mesh of a question to a process without detailed balance: how large cells are, and what is cut away.

Below the energy cutoff psi changes by no more than so much in a cell in which the process stays or something is
decided; elsewhere cells are as large as a chain on the vertices bears, and are cut away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.fem.chain_states import well_name
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.domain_truncation import Shares, kept_cells, outside, shares, truncated
from fokker_planck.fem.fronts import Front, front_across
from fokker_planck.fem.meshing import DEEP, Heights, domain_triangulation, exponent_range, unresolved
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.triangulation import Triangulation
from fokker_planck.mesh.locator import Locator
from fokker_planck.model.sets import Set
from fokker_planck.solvers.ends import Ends
from fokker_planck.solvers.energy_levels import SAME_HEIGHT
from fokker_planck.solvers.error_budget import budget_of
from fokker_planck.solvers.landscape_of_flow import FlowSetting
from fokker_planck.solvers.self_consistent_gauge import resolved_below

CHANGE = {1: 4.0, 2: 12.0, 3: 14.0}
"""Of the exponent in a cell: with degree 6 twice that of degree 4, which took four times the unknowns."""
MOST_CELLS = {1: 200_000, 2: 150_000, 3: 100_000}
"""Of a first mesh without detailed balance: with the usual degrees more unknowns than a question may have in the
end."""
COARSE = {1: 20.0, 2: 35.0, 3: 35.0}
"""Of the exponent in a cell that only the chain sees: it has no need of small ones, but sees less far on larger ones
(quartic well with a rotation, barrier 100: 716 cells of this size, 5,824 of the other)."""
FEWEST_ON_A_LINE = 24
"""Cells: twelve give eigenvalues and speeds of a ring to 1e-11, but a current at a point, which is one of slopes, to
1e-4 only."""
STEP = 1e-3
"""Of the extent, for the Jacobian of c at a saddle, which decides on a mesh and nothing else."""
LARGEST_DIMENSION = 2
"""In which meshes are cut by the chain."""
MOST_ROUNDS = 40
"""Of refinement where the chain finds that something is decided: each halves cells once; 12 are the most seen."""


@dataclass(frozen=True)
class Uncut:
    """A mesh whose cells are small where they hold more than ``share`` together, and what each of them holds."""

    mesh: Triangulation
    found: Shares
    share: float

    def cut(self, wider: float = 1.0) -> Triangulation:
        """Without the cells that matter least, which hold no more than ``wider`` times the share together."""
        return truncated(self.mesh, kept_cells(self.found, wider * self.share), self.found)


def first_mesh(setting: FlowSetting, regions: Mapping[str, Set], change: Mapping[int, float] = CHANGE) -> Triangulation:
    """The coarsest mesh in whose cells the exponent changes by no more than that, or the prescribed one."""
    mesh = domain_triangulation(setting.problem, regions)
    if setting.problem.resolution.cells is not None:
        return mesh
    mesh = _resolved(setting, mesh, change[mesh.dimension])
    while mesh.dimension == 1 and len(mesh.cells) < FEWEST_ON_A_LINE:
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool))
    return mesh


def can_be_cut(setting: FlowSetting) -> bool:
    """Whether the energy cutoff is so high that less than all below it is worth looking for.

    Not in space: there the chain loses potentials between cells as large as its meshes have (barriers 5 and 20 to
    1e-2: cuts were tried and not made).
    """
    problem = setting.problem
    if problem.dimension > LARGEST_DIMENSION:
        return False
    depth = setting.ceiling - float(setting.weighting.value(problem.sample()).min())
    return problem.resolution.cells is None and depth > DEEP[problem.dimension]


def _resolved(setting: FlowSetting, mesh: Triangulation, change: float) -> Triangulation:
    most = MOST_CELLS[mesh.dimension]
    return resolved_below(mesh, setting.weighting, setting.places, setting.ceiling, change, most)


def where_it_matters(
    setting: FlowSetting, ends: Ends, change: Mapping[int, float], share: float, degree: int
) -> Uncut | None:
    """Large cells, smaller ones where the chain on them says that something is decided, until it says so no more.

    At last it is asked on cells of half the size, where it diffuses half as much as the process does not.  None where
    it cannot tell.
    """
    mesh = domain_triangulation(setting.problem, ends.regions)
    largest = change[mesh.dimension]

    def held(triangulation: Triangulation) -> Shares | None:
        process, ceiling = setting.weighting, setting.ceiling
        places, channels = setting.places, not setting.known
        return shares(triangulation, process, ceiling, places, ends.names, ends.start, channels, share)

    mesh, heights = _resolved(setting, mesh, COARSE[mesh.dimension]), _heights(setting)
    for _ in range(MOST_ROUNDS):
        found = held(mesh)
        if found is None:
            return None
        keep, large = kept_cells(found, share), _changes(setting, mesh) > largest
        large |= unresolved(mesh, setting.weighting, heights, degree, setting.problem.resolution.tolerance, keep)
        if not (keep & large).any():
            finer = refine(mesh, keep, all_edges=True)
            closer = held(finer)
            if closer is None:
                return None
            found = _on_parents(mesh, finer, closer)
            keep = kept_cells(found, share)
        if not (keep & large).any():
            return Uncut(mesh, found, share)
        mesh = refine(mesh, keep & large)
    return None


def _heights(setting: FlowSetting) -> Heights:
    """Where psi matters, with the transition layers at the highest saddles that do, forwards and backwards in time."""
    highest = setting.ceiling - budget_of(setting.problem).cutoff_of_flow
    value, diffusion = setting.weighting.value, setting.diffusion.tensor
    saddles = [(saddle, float(value(saddle.x[:, None])[0])) for saddle in setting.saddles if not saddle.degenerate]
    fronts: list[Front] = []
    for saddle, height in saddles:
        if abs(height - highest) < SAME_HEIGHT:
            forwards = np.array(saddle.jacobian)
            # the drift of the process backwards in time is b - 2 c
            for jacobian in (forwards, forwards - 2.0 * _turning(setting, saddle.x)):
                front = front_across(saddle.position, jacobian, diffusion(saddle.x[:, None])[..., 0])
                fronts += [] if front is None else [front]
    bottoms = tuple(value(setting.places.T).tolist()) if len(setting.places) else (0.0,)
    passes = tuple(height for _, height in saddles if height < highest + SAME_HEIGHT)
    return Heights(bottoms, passes, setting.ceiling, setting.places, fronts=tuple(fronts))


def _turning(setting: FlowSetting, x: Floats) -> Floats:
    """The Jacobian of c at a point (dim,), (dim, dim), by differences."""
    lower, upper = setting.problem.bounding_box()
    steps = np.diag(STEP * np.subtract(upper, lower))
    ahead, behind = (setting.weighting.velocity((x + sign * steps).T) for sign in (1.0, -1.0))
    if ahead is None or behind is None:
        return np.zeros_like(steps)
    return np.asarray((ahead - behind) / (2.0 * np.diag(steps)))


def _changes(setting: FlowSetting, mesh: Triangulation) -> Floats:
    """Of psi in every cell, below the energy cutoff, (m,)."""
    low, high = exponent_range(mesh, setting.weighting)
    return np.asarray(np.minimum(high, setting.ceiling) - low)


def _on_parents(mesh: Triangulation, finer: Triangulation, found: Shares) -> Shares:
    """What cells of a finer mesh hold, for those of which they are parts; each belongs to whom its middle does."""
    parent = Locator(mesh.points, mesh.cells).find(finer.cell_points.mean(axis=1).T)
    inside = parent >= 0
    held = np.bincount(parent[inside], found.held[inside], len(mesh.cells))
    middle = Locator(finer.points, finer.cells).find(mesh.cell_points.mean(axis=1).T)
    return replace(found, held=held, owner=found.owner[middle])


def surroundings(
    discretization: Discretization, wells: Integers, places: Floats, absorbed: Booleans
) -> tuple[Booleans, ...]:
    """The unknowns (N,) on surfaces of cuts that belong to each of the unknowns ``wells``, and to no target.

    The wells are those at the ``places`` (K, dim), by which the parts that were cut away are named.
    """
    apart = [((places - discretization.nodes[well]) ** 2).sum(axis=1) for well in wells]
    names = [well_name(int(np.argmin(distances))) for distances in apart]
    return tuple(outside(discretization, name) & ~absorbed for name in names)
