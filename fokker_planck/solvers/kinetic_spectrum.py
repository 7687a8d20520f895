"""Gap and rates between wells of an underdamped process in the plane: its phase space has four dimensions.

Hermite functions of the velocities stand over finite elements of the positions (:mod:`fokker_planck.fem.
hermite_velocities`), with the mesh of the overdamped process of the same V and noise.  Every number is an upper bound
but for rounding, and falls with the order of the Hermite functions, with the degree and with the mesh: three
differences, summed, are its error bar.
"""

from __future__ import annotations

import time

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.field import Field
from fokker_planck.fem.hermite_velocities import HermiteSpace, even_functions, hermite_space
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.light_dataclasses import dataclass
from fokker_planck.model.domain import Box
from fokker_planck.model.phase_space import positions_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.answer_types import Answer
from fokker_planck.solvers.beginning import begin
from fokker_planck.solvers.ends import Ends
from fokker_planck.solvers.error_bars import SAFETY, warn_or_refuse
from fokker_planck.solvers.kinetic_modes import KineticModes, kinetic_modes, overdamped_modes
from fokker_planck.solvers.landscape_of_potential import PotentialSetting, of_potential
from fokker_planck.solvers.results import Eigenvalue, Spectrum, Statistics

FIRST_ORDER, STEP, GROWTH = 4, 4, 2
"""Of the Hermite functions: the order is raised by four, later by one half, until it changes the answer by little."""
MOST_UNKNOWNS = 700_000
"""Of the even part: with 2,400 of positions order 30, which takes about three minutes of CPU and 2 GB."""
SLOWEST_FALL = 0.8
"""Ratio of two changes in a row by the order of the Hermite functions, beyond which they do not converge."""
LEFT = 1e-2
"""Of the tolerance, to which the descent is followed: it costs a few steps."""
MOST_MESHES = 4
"""Each with all edges bisected: 4^4 times the cells are beyond ``MOST_UNKNOWNS`` before."""
ALONE = 0.5
"""Of the slowest rate inside the wells, below which an eigenvalue must lie: others, complex ones, may be beside it."""


@dataclass(frozen=True)
class SlowModes:
    """Eigenvalues (k,), relative errors (k,), and the functions of positions, averaged over velocities, (k, N)."""

    values: Floats
    errors: Floats
    functions: Floats
    discretization: Discretization
    order: int
    unknowns: int
    levels: int


def spectrum(problem: Problem, count: int, target: object | None) -> Spectrum:
    """``-L u = lambda u`` of an underdamped process in the plane: zero and the eigenvalues between its wells.

    Raises
    ------
    ProblemError
        For what this solver does not do
    ConvergenceError
        Where it does not converge.
    """
    process = problem.process
    assert isinstance(process, Underdamped)
    assert not isinstance(process.friction, str)
    if target is not None:
        wanted = "no target: of an underdamped process in the plane the spectrum of the whole domain alone is solved"
        raise ProblemError("spectrum.target", "a target", wanted)
    started = time.perf_counter()
    found = slow_modes(positions_of(problem), process.friction, count)
    errors = found.errors + np.zeros(len(found.values))
    worst = float(errors.max())
    if worst > problem.resolution.tolerance:
        warn_or_refuse(worst, problem.resolution.tolerance)
    eigenvalues = [Eigenvalue(Quantity.of(0.0, 0.0))]
    eigenvalues += [Eigenvalue(Quantity.of(float(v), float(e))) for v, e in zip(found.values, errors, strict=True)]
    functions = [np.ones(found.discretization.count), *found.functions]
    fields = tuple(Field(f"eigenfunction {k}", found.discretization, f) for k, f in enumerate(functions))
    statistics = Statistics(
        unknowns=found.unknowns,
        cells=len(found.discretization.triangulation.cells),
        degree=found.discretization.degree,
        levels=found.levels,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.dolfinx_version(),
    )
    return Spectrum(tuple(eigenvalues), fields, statistics)


def slow_modes(positions: Problem, friction: float, count: int) -> SlowModes:
    """The ``count`` - 1 smallest eigenvalues that are not zero, all between wells, to the tolerance if it can be had.

    Parameters
    ----------
    positions
        the overdamped process of the same V and noise, in the positions of the domain, a box
    friction
        gamma
    count
        how many eigenvalues, the zero among them
    """
    from mpi4py import MPI

    if MPI.COMM_WORLD.size > 1:
        raise ProblemError("dynamics.kind", "underdamped in the plane on several ranks", "a run on one")
    setting, tolerance = of_potential(positions), positions.resolution.tolerance
    wells = len(setting.deep_minima)
    if count > wells:
        wanted = f"at most {wells}: of an underdamped process in the plane those between wells alone are solved"
        raise ProblemError("spectrum.count", count, wanted)
    first = begin(setting, Ends(), _unasked, None, 0, {}, cut=False)
    case = _Case(setting, friction, count - 1, LEFT * tolerance)
    mesh, others, levels = first.mesh, first.cut + first.least_error, 1
    found = _on_a_mesh(case, mesh, first.degree)
    while positions.resolution.cells is None and levels < MOST_MESHES:
        bisected = (
            even_functions(positions.dimension, found.order) * found.discretization.count * 2**positions.dimension
        )
        if float(found.by_mesh.max()) <= 0.5 * tolerance or bisected > MOST_UNKNOWNS:
            break
        mesh, levels = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True), levels + 1
        found = _on_a_mesh(case, mesh, first.degree)
    modes = found.modes
    _refuse_fast(setting, friction, modes.values)
    averages = modes.functions[:, 0]
    return SlowModes(
        values=modes.values,
        errors=found.by_order + found.by_mesh + modes.left + others,
        functions=averages / np.abs(averages).max(axis=1, keepdims=True),
        discretization=found.discretization,
        order=found.order,
        unknowns=int(modes.functions[0].size),
        levels=levels,
    )


@dataclass(frozen=True)
class _Case:
    """What stays the same from mesh to mesh and from order to order."""

    setting: PotentialSetting
    friction: float
    wanted: int
    goal: float

    def space(self, discretization: Discretization, order: int) -> HermiteSpace:
        problem = self.setting.problem
        domain, process = problem.domain, problem.process
        assert isinstance(domain, Box)
        walls = tuple(
            (None, None) if period is not None else (low, high)
            for low, high, period in zip(*problem.bounding_box(), problem.periods, strict=True)
        )
        epsilon = float(getattr(process.diffusion, "epsilon"))  # noqa: B009  isotropic, as of every underdamped process
        return hermite_space(discretization, self.setting.exponent, epsilon, self.friction, order, walls)

    def modes(self, mesh: Triangulation, degree: int, order: int, start: Floats | None = None) -> KineticModes:
        space = self.space(discretize(mesh, degree), order)
        begin_with = overdamped_modes(space, self.wanted) if start is None else start
        return kinetic_modes(space, begin_with, self.goal)


@dataclass(frozen=True)
class _OnAMesh:
    """Modes on one mesh at an order, and what other orders and other meshes would change, relative, (k,) each."""

    modes: KineticModes
    discretization: Discretization
    order: int
    by_order: Floats
    by_mesh: Floats


def _on_a_mesh(case: _Case, mesh: Triangulation, degree: int) -> _OnAMesh:
    """The order raised until what the next would change is within half of the tolerance; then a degree less.

    Changes by the order fall, ever more slowly: with the ratio r of the last two, the sum of all that follow is taken
    as that for the ratio (1 + r)/2.  What a degree less changes is asked at the last order, whose functions are the
    sharpest, and what another mesh does, with all edges bisected and two degrees less, at the first.
    """
    discretization = discretize(mesh, degree)
    tolerance = case.setting.problem.resolution.tolerance
    coarse = modes = case.modes(mesh, degree, FIRST_ORDER)
    order, changes = FIRST_ORDER, [np.full(case.wanted, np.inf)]
    while len(changes) < 3 or not (_remainder(changes) <= 0.5 * tolerance).all():
        following = order + max(STEP, order // (2 * GROWTH) * 2)
        stands = len(changes) > 3 and not (changes[-1] < changes[-3]).all()
        if stands or even_functions(mesh.dimension, following) * discretization.count > MOST_UNKNOWNS:
            break
        order, before = following, modes.values
        modes = case.modes(mesh, degree, order, modes.functions)
        changes.append(np.abs(before / modes.values - 1.0))
    if len(changes) < 3 or not np.isfinite(_remainder(changes)).all():
        reason = f"Hermite functions of the velocity up to order {order} do not converge at friction {case.friction:g}"
        raise ConvergenceError(reason, "more friction, which needs fewer, or more noise")
    less = case.modes(mesh, degree - 1, order).values
    finer = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    other = case.modes(finer, max(degree - 2, 1), FIRST_ORDER).values
    # by a degree less, whose error is most of the difference: see error_bars.bars_by_less
    by_mesh = (SAFETY - 1.0) * np.abs(less / modes.values - 1.0) + np.abs(other / coarse.values - 1.0)
    return _OnAMesh(modes, discretization, order, _remainder(changes), by_mesh)


def _remainder(changes: list[Floats]) -> Floats:
    """Of a series of changes what may follow, (k,); infinite where they do not fall."""
    before, last = changes[-2:]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(last > ROUNDING, last / before, 0.0)
    bound = np.maximum(last, ROUNDING) * (1.0 + ratio) / np.maximum(1.0 - ratio, 1e-3)
    return np.asarray(np.where(np.isfinite(before) & (ratio <= SLOWEST_FALL), bound, np.inf))


ROUNDING = 1e-11
"""Of an eigenvalue, which the descent leaves: a change below tells no ratio."""


def _refuse_fast(setting: PotentialSetting, friction: float, values: Floats) -> None:
    """Raise ConvergenceError for eigenvalues that are not alone below those inside the wells."""
    noise = float(getattr(setting.problem.process.diffusion, "epsilon"))  # noqa: B009
    curvatures = [value * noise for value in _curvatures(setting)]
    rates = [0.5 * (friction - np.sqrt(max(friction**2 - 4.0 * c, 0.0))) for c in curvatures]
    inside = min(rates, default=0.5 * friction)
    if not float(values.max()) < ALONE * inside:
        reason = f"an eigenvalue near {values.max():.3g} beside those inside wells, from {inside:.3g} on"
        raise ConvergenceError(reason, "fewer eigenvalues, or less noise: those between wells alone are solved")


def _curvatures(setting: PotentialSetting) -> list[float]:
    return [value for minimum in setting.landscape.minima for value in minimum.hessian_eigenvalues if value > 0.0]


def _unasked(_: Discretization) -> Answer:
    raise AssertionError("the beginning of a question asks nothing where the potential is known")
