"""Numbers read from the slow modes of an underdamped process: followed in the order, in the degree and on the mesh.

Hermite functions of the velocities stand over finite elements of the positions (:mod:`fokker_planck.fem.
hermite_velocities`), with the mesh of the overdamped process of the same V and noise.  What is read from the modes
converges with the order of the Hermite functions, with the degree and with the mesh: three differences, summed, are
its error bar.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.hermite_velocities import HermiteSpace, even_functions, hermite_space
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.domains.box import Box
from fokker_planck.model.jumps.function_jumps import check_functions
from fokker_planck.model.jumps.interfaces import interfaces_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.undefined_jumps import refuse_steps
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.beginning import begin
from fokker_planck.solvers.adaptivity.error_bars import SAFETY
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.momentum.kinetic_modes import KineticModes, kinetic_modes, overdamped_modes
from fokker_planck.solvers.results.steady import Statistics
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting, of_potential

FIRST_ORDER, STEP, GROWTH = 4, 4, 2
"""Of the Hermite functions: the order is raised by four, later by one half, until it changes the answer by little."""
MOST_UNKNOWNS = 700_000
"""Of the even part: with 2,400 of positions order 30, which takes about three minutes of CPU and 2 GB."""
SLOWEST_FALL = 0.8
"""Ratio of two changes in a row by the order of the Hermite functions, beyond which they do not converge."""
MOST_MESHES = 4
"""Each with all edges bisected: 4^4 times the cells are beyond ``MOST_UNKNOWNS`` before."""
ALONE = 0.5
"""Of the slowest rate inside the wells, below which an eigenvalue must lie: others, complex ones, may be beside it."""
COUNTS = 0.1
"""Weight from which on a number must converge: one that counts less is reported as known in its size alone."""
ROUNDING = 1e-11
"""Of a number, which the descent leaves: a change below tells no ratio."""


class Read(Protocol):
    """What is read from modes: logarithms of numbers (n,), and how much each counts, (n,), one for the most."""

    @property
    def logs(self) -> Floats:
        """Natural logarithms, (n,)."""

    @property
    def weights(self) -> Floats:
        """How much each counts, (n,)."""


@dataclass(frozen=True)
class Case:
    """What stays the same from mesh to mesh and from order to order.

    Parameters
    ----------
    setting
        of the overdamped process of the same V and noise, in the positions
    friction
        gamma
    wanted
        how many modes, the constant not among them
    goal
        what the descent leaves of every eigenvalue, relative
    read
        the numbers that are asked for, from modes on a space
    """

    setting: PotentialSetting
    friction: float
    wanted: int
    goal: float
    read: Callable[[KineticModes, HermiteSpace, Discretization], Any]

    @property
    def epsilon(self) -> float:
        """The noise, isotropic as of every underdamped process."""
        return float(getattr(self.setting.problem.process.diffusion, "epsilon"))  # noqa: B009

    @property
    def inside(self) -> float:
        """The slowest rate inside the wells, of the harmonic ones at their bottoms."""
        curvatures = [
            value * self.epsilon
            for minimum in self.setting.landscape.minima
            for value in minimum.hessian_eigenvalues
            if value > 0.0
        ]
        rates = [0.5 * (self.friction - np.sqrt(max(self.friction**2 - 4.0 * c, 0.0))) for c in curvatures]
        return float(min(rates, default=0.5 * self.friction))

    def space(self, discretization: Discretization, order: int) -> HermiteSpace:
        """Hermite functions up to an order over the elements of a discretization, velocities turned at walls."""
        problem = self.setting.problem
        assert isinstance(problem.domain, Box)
        walls = tuple(
            (None, None) if period is not None else (low, high)
            for low, high, period in zip(*problem.bounding_box(), problem.periods, strict=True)
        )
        return hermite_space(discretization, self.setting.exponent, self.epsilon, self.friction, order, walls)

    def solved(self, mesh: Triangulation, degree: int, order: int, start: Floats | None = None) -> Solved:
        """Modes on one mesh at one order, from the functions of another order or from those of positions alone."""
        discretization = discretize(mesh, degree)
        space = self.space(discretization, order)
        begin_with = overdamped_modes(space, self.wanted) if start is None else start
        modes = kinetic_modes(space, begin_with, self.goal)
        return Solved(modes, discretization, order, self.read(modes, space, discretization))


@dataclass(frozen=True)
class Solved:
    """Modes on one mesh at an order, and what was ``read`` from them."""

    modes: KineticModes
    discretization: Discretization
    order: int
    read: Any

    def change(self, other: Solved) -> Floats:
        """Relative changes of the numbers from the other's to these, (n,)."""
        return np.asarray(np.abs(np.expm1(other.read.logs - self.read.logs)))


@dataclass(frozen=True)
class Followed:
    """The last modes, and what other orders and other meshes would change, relative, (n,) each.

    ``others`` is what the domain cut away and the least error of all meshes add, ``levels`` the number of meshes.
    """

    solved: Solved
    by_order: Floats
    by_mesh: Floats
    others: float = 0.0
    levels: int = 1

    @property
    def errors(self) -> Floats:
        """Relative errors of the numbers, (n,), without what the descent leaves."""
        return self.by_order + self.by_mesh + self.others


def checked_setting(positions: Problem) -> PotentialSetting:
    """The setting of the positions; raises ProblemError on several ranks, and for a V that jumps."""
    from mpi4py import MPI

    if MPI.COMM_WORLD.size > 1:
        raise ProblemError("dynamics.kind", "underdamped in the plane on several ranks", "a run on one")
    box, sample = positions.bounding_box(), positions.sample()
    check_functions(positions.process, positions.dimension, sample)
    refuse_steps(positions.process, interfaces_of(positions.process, positions.dimension, *box), *box, sample)
    return of_potential(positions)


def followed(case: Case) -> Followed:
    """Modes to the tolerance of the positions' problem if it can be had: meshes bisected while they tell the error.

    Raises
    ------
    ConvergenceError
        Where the Hermite functions do not converge, or eigenvalues are not alone below those inside the wells.
    """
    resolution, dimension = case.setting.problem.resolution, case.setting.problem.dimension
    first = begin(case.setting, Ends(), _unasked, None, 0, {}, cut=False)
    mesh, levels = first.mesh, 1
    found = _on_a_mesh(case, mesh, first.degree)
    while resolution.cells is None and levels < MOST_MESHES:
        solved = found.solved
        bisected = even_functions(dimension, solved.order) * solved.discretization.count * 2**dimension
        if _worst(found.by_mesh, solved) <= 0.5 * resolution.tolerance or bisected > MOST_UNKNOWNS:
            break
        mesh, levels = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True), levels + 1
        found = _on_a_mesh(case, mesh, first.degree)
    _refuse_fast(case, found.solved.modes.values)
    return Followed(found.solved, found.by_order, found.by_mesh, first.cut + first.least_error, levels)


def statistics_of(found: Followed, started: float) -> Statistics:
    """What it cost, from a time of ``time.perf_counter`` on."""
    discretization = found.solved.discretization
    return Statistics(
        unknowns=int(found.solved.modes.functions[0].size),
        cells=len(discretization.triangulation.cells),
        degree=discretization.degree,
        levels=found.levels,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.dolfinx_version(),
    )


def _worst(errors: Floats, solved: Solved) -> float:
    return float((errors * np.minimum(solved.read.weights, 1.0)).max())


def _on_a_mesh(case: Case, mesh: Triangulation, degree: int) -> Followed:
    """The order raised until what the next would change is within half of the tolerance; then a degree less.

    Changes by the order fall, ever more slowly: with the ratio r of the last two, the sum of all that follow is taken
    as that for the ratio (1 + r)/2.  What a degree less changes is asked at the last order, whose functions are the
    sharpest, and what another mesh does, with all edges bisected and two degrees less, at the first.
    """
    tolerance = case.setting.problem.resolution.tolerance
    coarse = solved = case.solved(mesh, degree, FIRST_ORDER)
    counts = coarse.read.weights >= COUNTS
    order, changes = FIRST_ORDER, [np.full(len(counts), np.inf)]
    while len(changes) < 3 or not _worst(_remainder(changes), solved) <= 0.5 * tolerance:
        following = order + max(STEP, order // (2 * GROWTH) * 2)
        stands = len(changes) > 3 and not (changes[-1] < changes[-3])[counts].all()
        unknowns = even_functions(mesh.dimension, following) * solved.discretization.count
        if stands or unknowns > MOST_UNKNOWNS:
            break
        before, order = solved, following
        solved = case.solved(mesh, degree, order, before.modes.functions)
        changes.append(solved.change(before))
    by_order = _remainder(changes)
    if len(changes) < 3 or not np.isfinite(by_order[counts]).all():
        reason = f"Hermite functions of the velocity up to order {order} do not converge at friction {case.friction:g}"
        raise ConvergenceError(reason, "more friction, which needs fewer, or more noise")
    less = case.solved(mesh, degree - 1, order)
    finer = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    other = case.solved(finer, max(degree - 2, 1), FIRST_ORDER)
    # by a degree less, whose error is most of the difference: see error_bars.bars_by_less
    by_mesh = (SAFETY - 1.0) * solved.change(less) + coarse.change(other)
    return Followed(solved, by_order, by_mesh)


def _remainder(changes: list[Floats]) -> Floats:
    """Of a series of changes what may follow, (n,); infinite where they do not fall."""
    before, last = changes[-2:]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(last > ROUNDING, last / before, 0.0)
    bound = np.maximum(last, ROUNDING) * (1.0 + ratio) / np.maximum(1.0 - ratio, 1e-3)
    return np.asarray(np.where(np.isfinite(before) & (ratio <= SLOWEST_FALL), bound, np.inf))


def _refuse_fast(case: Case, values: Floats) -> None:
    """Raise ConvergenceError for eigenvalues that are not alone below those inside the wells."""
    if not float(values.max()) < ALONE * case.inside:
        reason = f"an eigenvalue near {values.max():.3g} beside those inside wells, from {case.inside:.3g} on"
        raise ConvergenceError(reason, "fewer eigenvalues, or less noise: those between wells alone are solved")


def _unasked(_: Discretization) -> Answer:
    raise AssertionError("the beginning of a question asks nothing where the potential is known")
