"""The first mesh of a question to a process without detailed balance: how large cells are, and what is cut away.

Below the energy cutoff psi changes by no more than so much in a cell in which the process stays or something is
decided; elsewhere cells stay large, and are cut away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.fem.discretization import Discretization, unknowns_in, unknowns_on_boundary
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.meshing import DEEP, Heights, exponent_range, unresolved
from fokker_planck.fem.triangulations.fronts import Front, front_across
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation, local_edges, without_cells
from fokker_planck.fem.triangulations.turning_stars import graded_at_turns
from fokker_planck.fem.truncation.chain_states import well_name
from fokker_planck.fem.truncation.domain_truncation import Shares, is_cut, kept_cells, outside, truncated
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.grids.spline import zero_on
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.phase_space import turns_around
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.ito_drift import ItoDrift, noise_and_velocity
from fokker_planck.model.sets.shapes import HalfSpace, Region, Set
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.measured_cells import Measured, measured
from fokker_planck.solvers.boundaries.ends import TARGET, Ends, Goal, reached_points, region_name
from fokker_planck.solvers.condensation.states import Surfaces
from fokker_planck.solvers.reference_density.resolved_cells import resolved_below
from fokker_planck.solvers.setting.deep_wells import idle
from fokker_planck.solvers.setting.energy_levels import SAME_HEIGHT
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting

if TYPE_CHECKING:
    from fokker_planck.fem.truncation.decided_exponents import Exponents

CHANGE = {1: 4.0, 2: 13.0, 3: 14.0}
"""Of the exponent in a cell: with degree 6 twice that of degree 4, which took four times the unknowns. In the plane 15
take a fifth less time at barrier 200, but three meshes at 500, and the density is 3e-4 off 92 units up."""
MOST_CELLS = {1: 200_000, 2: 150_000, 3: 100_000}
"""Of a first mesh without detailed balance: with the usual degrees more unknowns than a question may have in the
end."""
COARSE = {1: 20.0, 2: 35.0, 3: 35.0}
"""Of the exponent in a cell before it is known to matter: what lies above the energy cutoff goes first."""
FEWEST_ON_A_LINE = 24
"""Cells: twelve give eigenvalues and speeds of a ring to 1e-11, but a current at a point, which is one of slopes, to
1e-4 only."""
CARRIED = 16.0
"""The same in the plane where an unknown density is carried along and nothing is decided: a quarter of the cells less
than with 13 at barrier 200, an exit time 1e-9 off instead of 1e-11; with 19 4e-7, at a bar that wants finer meshes."""
STIRRED = 3.0
"""|e . D^-1 c| of an edge e in the current's velocity c, up to which the current needs no smaller cells than the
exponent: of two spectra of four wells a third of the cells were left with 3, half with 2, a quarter with none. A limit
cycle, which has modes there whose real parts are negative where cells are too large, is above it all along."""
STEP = 1e-3
"""Of the extent, for the Jacobian of c at a saddle, which decides on a mesh and nothing else."""
LARGEST_DIMENSION = 2
"""In which least actions are looked for."""
CUTOFF = "below the energy cutoff"
MOST_ROUNDS = 40
"""Of refinement where something is decided: each halves cells once; 12 are the most seen."""


ALONG = 1001
"""Positions between walls at which the cutoff is looked at: a line over all of them clears it by ``STEEPER``."""
TANGENT = 0.02
"""Of the diagonal of the box, slope of the cutoff at a wall below which a line along x touches it there, as where V has
an extremum on the wall: no mesh follows both."""
STEEPER = 1.5
"""Times the steepest way from there to the cutoff, how steep a line is that meets it nowhere else."""


@dataclass(frozen=True)
class Uncut:
    """A mesh whose cells are small where they hold more than ``share`` together, and what each of them holds."""

    mesh: Triangulation
    found: Shares
    share: float

    def kept(self, wider: float = 1.0) -> Booleans:
        """All cells but those that matter least, which hold no more than ``wider`` times the share together, (m,)."""
        return kept_cells(self.found.held, wider * self.share)

    def cut(self, wider: float = 1.0) -> Triangulation:
        """The mesh of these cells alone."""
        return truncated(self.mesh, self.kept(wider), self.found)


def first_mesh(setting: FlowSetting, regions: Mapping[str, Set], change: Mapping[int, float] = CHANGE) -> Triangulation:
    """The coarsest mesh in whose cells the exponent changes by no more than that, or the prescribed one.

    Where less than ``CHANGE`` is asked for, it is in cells that the current crosses fast.
    """
    mesh = _below_cutoff(setting, regions)
    if setting.problem.resolution.cells is not None:
        return mesh
    if setting.problem.process.turns_at_walls or ends_along_the_flow(setting):
        mesh = graded_at_turns(mesh, setting.problem, regions)
    calm, stirred = max(change[mesh.dimension], CHANGE[mesh.dimension]), change[mesh.dimension]
    mesh = _resolved(setting, replace(mesh, stretch=setting.stretch), calm)
    while stirred < calm and (large := _stirred(setting, mesh, stirred)).any():
        mesh = refine(mesh, large)
    while mesh.dimension == 1 and len(mesh.cells) < FEWEST_ON_A_LINE:
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool))
    return mesh


def _stirred(setting: FlowSetting, mesh: Triangulation, change: float) -> Booleans:
    """The cells, (m,), that the current crosses fast, and in which psi changes by more than that below the cutoff."""
    corners = mesh.cell_points
    x = corners.mean(axis=1).T
    low, high = exponent_range(mesh, setting.weighting)
    large = np.minimum(high, setting.ceiling) - low > np.where(idle(setting, low, high), COARSE[mesh.dimension], change)
    velocity = setting.weighting.velocity(x)
    if velocity is None or is_degenerate(setting.problem):
        return large
    tensor = np.moveaxis(np.asarray(setting.diffusion.tensor(x)), -1, 0)
    along = np.stack([corners[:, a] - corners[:, b] for a, b in local_edges(corners.shape[1])], axis=1)
    crossed = np.einsum("nei,nij->nej", along, np.linalg.inv(tensor)) @ velocity.T[:, :, None]
    return large & (np.abs(crossed[..., 0]).max(axis=1) > STIRRED)


def ends_along_the_flow(setting: FlowSetting) -> bool:
    """Whether the mesh ends at the energy cutoff, a wall along the flow, and not where the domain does."""
    problem = setting.problem
    if problem.resolution.cells is not None or not (is_degenerate(problem) and np.isfinite(setting.ceiling)):
        return False
    return setting.ceiling < float(setting.weighting.value(problem.sample()).max())


def _below_cutoff(setting: FlowSetting, regions: Mapping[str, Set]) -> Triangulation:
    """A coarse mesh of the domain; of degenerate noise its part below the energy cutoff, a wall along the flow.

    Noise in some directions alone does not mend what crosses the steps that cells above the cutoff leave when they go:
    eigenvalues of the quartic well at barrier 100 had a negative real part.
    """
    problem, psi, cutoff = setting.problem, setting.weighting.value, setting.ceiling
    if not ends_along_the_flow(setting):
        return domain_triangulation(problem, regions)
    slope = setting.weighting.slope
    level = Region(lambda x: cutoff - psi(x), gradient_function=lambda x: -slope(x), dimension=problem.dimension)
    walls = problem.process.turns_at_walls and turns_around(problem.domain)
    cuts = _ends_at_walls(problem, level) if walls else {}
    mesh = domain_triangulation(problem, {**regions, **cuts, CUTOFF: level}, planes=False)
    inside = mesh.regions[CUTOFF]
    rest = {name: members for name, members in mesh.regions.items() if not name.startswith(CUTOFF)}
    return without_cells(replace(mesh, regions=rest), inside)


def _ends_at_walls(problem: Problem, level: Region) -> dict[str, Set]:
    """Half-spaces that put vertices where the cutoff of an energy meets a wall, at (x, v) and (x, -v)."""
    (left, slowest), (right, fastest) = problem.bounding_box()
    x = np.linspace(left, right, ALONG)
    at_rest, moving = (level.level(np.stack([x, np.full(ALONG, v)])) for v in (0.0, fastest))
    ends: dict[str, Set] = {}
    for name, order in (("left", slice(None)), ("right", slice(None, None, -1))):
        (a, *_), (b, *_), away = at_rest[order], moving[order], np.abs(x[order] - x[order][0])
        if not a > 0.0 > b:
            continue
        # quadratic in v
        end = fastest * float(np.sqrt(a / (a - b)))
        # of the cutoff's velocities, by which it rises from the wall: the line must not touch it there
        rise = (np.sqrt(np.maximum(at_rest[order] / (a - b), 0.0)) * fastest - end)[1:] / away[1:]
        across = (fastest - slowest) / (right - left)
        slope = 0.0 if abs(rise[0]) > TANGENT * across else max(across, STEEPER * float(rise.max()))
        slope = slope if name == "left" else -slope
        ends[f"{CUTOFF}, {name} wall"] = HalfSpace((-slope, 1.0), end - slope * float(x[order][0]))
    return ends


def can_be_cut(setting: FlowSetting) -> bool:
    """Whether the energy cutoff is so high that less than all below it is worth looking for.

    Not in space: there directions between which a path can choose are many times more.  Nor with noise in some
    directions alone: paths of finite action follow the flow in the others, which no grid does.
    """
    problem = setting.problem
    if problem.dimension > LARGEST_DIMENSION or is_degenerate(problem):
        return False
    depth = setting.ceiling - float(setting.weighting.value(problem.sample()).min())
    return problem.resolution.cells is None and depth > DEEP[problem.dimension]


def _resolved(setting: FlowSetting, mesh: Triangulation, change: float) -> Triangulation:
    most = MOST_CELLS[mesh.dimension]

    def largest(low: Floats, high: Floats) -> Floats:
        return np.where(idle(setting, low, high), max(change, COARSE[mesh.dimension]), change)

    return resolved_below(mesh, setting.weighting, setting.places, setting.ceiling, largest, most)


def where_it_matters(
    setting: FlowSetting, ends: Ends, change: Mapping[int, float], share: float, degree: int
) -> Uncut | None:
    """Large cells, smaller ones where something is decided, until none is too large; None where there is one state."""
    found = _exponents(setting, ends, share)
    if not found:
        return None
    mesh, heights = coarse_triangulation(setting, ends), heights_of(setting)
    largest, tolerance = change[mesh.dimension], setting.problem.resolution.tolerance
    known: Measured | None = None
    for _ in range(MOST_ROUNDS):
        known = measured(setting, mesh, found, known)
        keep, carried = kept_cells(known.holds.held, share), ~kept_cells(known.holds.decided, share)
        large = known.changes > np.where(carried, max(CARRIED, largest), largest)
        rest = keep & ~large & ~known.fine
        coarse = unresolved(mesh, setting.weighting, heights, degree, tolerance, rest)
        if not (keep & (large | coarse)).any():
            return Uncut(mesh, known.holds, share)
        known = replace(known, fine=known.fine | (rest & ~coarse))
        mesh = refine(mesh, keep & (large | coarse))
    return None


def coarse_triangulation(setting: FlowSetting, ends: Ends) -> Triangulation:
    """Large cells below the energy cutoff, before it is known which of them matter."""
    mesh = domain_triangulation(setting.problem, ends.regions)
    return _resolved(setting, replace(mesh, stretch=setting.stretch), COARSE[mesh.dimension])


def _exponents(setting: FlowSetting, ends: Ends, share: float) -> list[Exponents]:
    """What matters at the points of a grid; none where there is one state.

    Between two sets the density counts, too, whose states are the wells alone.
    """
    from fokker_planck.fem.truncation.decided_exponents import Ground, exponents

    problem = setting.problem
    lower, upper = problem.bounding_box()
    grid = zero_on(lower, upper, [period is not None for period in problem.periods])
    points, process = grid.points, problem.process
    psi = np.asarray(setting.weighting.value(points))
    counts = problem.contains(points) & (psi < setting.ceiling)
    drift, noise = ItoDrift(process, problem.dimension), process.field(problem.dimension)
    targets = {name: reached_points(problem, goal, points.T, grid.edges) for name, goal in ends.goals}
    between = ends.start is None and len(targets) == 2
    names = between_sets if between else well_name
    wells = {names(number): place for number, place in enumerate(setting.places)}

    def velocity(x: Floats) -> Floats:
        return noise_and_velocity(drift, noise, x)[1]

    ground = Ground(grid, counts, psi, velocity, noise.tensor)
    found = [exponents(ground, targets, wells, ends.start, not setting.known, share)]
    if between:
        wells = {well_name(number): place for number, place in enumerate(setting.places)}
        found.append(exponents(ground, {}, wells, None, not setting.known, share))
    return [each for each in found if each is not None] if None not in found else []


def between_sets(number: int) -> str:
    """What the outside calls a well of a question about the ways between two sets."""
    return f"{well_name(number)} between sets"


def heights_of(setting: FlowSetting) -> Heights:
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


def unknowns_of(discretization: Discretization, target: Goal) -> Booleans:
    """The unknowns in the target, (N,)."""
    if isinstance(target, str):
        return unknowns_on_boundary(discretization)
    return unknowns_in(discretization, TARGET, target)


def members_of(discretization: Discretization, target: Goal | None) -> list[tuple[str, Booleans]]:
    """The name of the target, if there is one, with its unknowns (N,)."""
    return [] if target is None else [(region_name(target), unknowns_of(discretization, target))]


def surfaces(
    discretization: Discretization,
    wells: Integers,
    places: Floats,
    absorbed: Booleans,
    targets: Sequence[tuple[str, Booleans]] = (),
) -> Surfaces | None:
    """The unknowns (N,) on surfaces of cuts, if any, that belong to each of the unknowns ``wells``, and to the targets.

    The wells are those at the ``places`` (K, dim), by which the parts that were cut away are named; ``absorbed`` holds
    what leads to the targets, of which the unknowns are given with their names.
    """
    if not is_cut(discretization.triangulation):
        return None
    named = between_sets if len(targets) == 2 else well_name
    apart = [((places - discretization.nodes[well]) ** 2).sum(axis=1) for well in wells]
    names = [named(int(np.argmin(distances))) for distances in apart]
    to = _apart([outside(discretization, name, adjoint=False) for name in names], absorbed)
    taken = np.zeros_like(absorbed)
    for _, members in targets:
        taken = taken | members
    beside = [outside(discretization, name, adjoint=True) for name in (*names, *(name for name, _ in targets))]
    came = _apart(beside, taken)
    came[len(names) :] = [around | members for around, (_, members) in zip(came[len(names) :], targets, strict=True)]
    return Surfaces(tuple(to), tuple(came))


def _apart(sets: list[Booleans], taken: Booleans) -> list[Booleans]:
    """Without what is ``taken``, and what an earlier one has: where owners meet, an unknown belongs to one of them."""
    result: list[Booleans] = []
    for members in sets:
        result.append(members & ~taken)
        taken = taken | members
    return result
