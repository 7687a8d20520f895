"""Small eigenvalues of -L without detailed balance, complex ones included: -L u = lambda u, no flux (or u = 0).

Eigenvalues that are exponentially small come from the wells.  For the others a strip of the plane is searched on
a first mesh (:mod:`fokker_planck.solvers.strip_search`); on finer ones they are followed by shift-and-invert solves for
right and left eigenvectors.  An eigenvalue moves by its condition |u| |z| / |z . M u| times what the matrix does; those
that cannot be told apart for that are one cluster, known by its mean (see `eigenvalue_clusters`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Floats
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.field import Field
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.indicator import Mode as Pair
from fokker_planck.fem.indicator import energy_errors
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.model.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.accuracy import answered
from fokker_planck.solvers.answer_types import Answer, Numbers
from fokker_planck.solvers.beginning import degree_of
from fokker_planck.solvers.eigenvalue_clusters import Cluster, cluster_of, grouped
from fokker_planck.solvers.ends import Ends, Goal
from fokker_planck.solvers.exit_time import absorbed_unknowns
from fokker_planck.solvers.initial_mesh import first_mesh
from fokker_planck.solvers.irreversible_pencil import SAME, Mode, Pencil
from fokker_planck.solvers.landscape_of_flow import FlowSetting, of_flow
from fokker_planck.solvers.reduced_problem import reduced_pair
from fokker_planck.solvers.results import Eigenvalue, Spectrum
from fokker_planck.solvers.self_consistent_gauge import margin
from fokker_planck.solvers.strip_search import SLACK, Strip, all_in_strip
from fokker_planck.solvers.wells import Condensation, condense, well_nodes

SMALL = 1e-3
POWERS = 2
"""Of A_FF^-1 M: of eigenvalues below ``SMALL`` of the slowest inside they leave out the fifth power."""
SHIFT = 0.05
ROUNDING = 1e-13
CUT = 100.0
"""What a cut of the domain where the density is exp(-margin) changes a matrix by, over that."""
MANY = 40
"""Eigenvalues near a real shift that take about as long as a shift of their own, in complex arithmetic."""
MOST_BESIDE = 6
"""Eigenvalues nearer to a shift of another one that cost less than a factorisation for a shift of their own."""
BESIDE = 0.1
"""How far from an eigenvalue its own shift is, over the distance to the next: some ten steps of a Krylov space."""
LESS = 1e-3
"""The accuracy asked of eigenvalues just beyond the last one wanted."""
MOVED = 0.02
"""By how much real parts may move from the first mesh to the last; the strip is wider by more."""
MOST_SEARCHES = 3
CHANGE = {1: 4.0, 2: 6.0, 3: 14.0}
"""Of the exponent in a cell of the first mesh: with 12 in the plane, which serves times and rates, a limit cycle has
modes there whose real parts are negative."""


@dataclass(frozen=True)
class Plan:
    """What to follow: eigenvalues ``values`` (k,) of the closed upper half plane, in ``groups`` of indices.

    The real ones and their ``groups`` come with those of complex pairs of both signs, number k + j the conjugate of
    number j.  ``shifts`` are with the eigenvalues expected there by distance, ``places`` (k, 2) says at which shift and
    which of those an eigenvalue is.  All of this is in the strip of a ``width``.
    """

    values: Numbers
    groups: tuple[tuple[int, ...], ...]
    shifts: tuple[tuple[complex, Numbers], ...]
    places: tuple[tuple[int, int], ...]
    width: float


@dataclass(frozen=True)
class DriftModes:
    """``logs`` (k,), log Re + i Im / Re, of small eigenvalues, their scaled right eigenvectors (k, N), and pairs.

    Two such logarithms differ by the relative difference of the real parts, and that of the imaginary parts over them.
    """

    logs: Numbers
    vectors: Numbers
    pairs: list[Pair]


@dataclass(frozen=True)
class Found:
    """What a mesh says: ``small`` eigenvalues, the ``modes`` of the others that the plan names, and their clusters."""

    small: DriftModes
    modes: list[Mode]
    clusters: list[Cluster]
    generator: Generator


@dataclass(frozen=True)
class Member:
    """One eigenvalue for the list: mean and error of its cluster, relative to the real part, and its own function."""

    value: complex | None
    log: complex
    error: float
    vector: Numbers
    cluster: Cluster | None = None


@dataclass(frozen=True)
class SpectrumQuestion:
    """``wanted`` eigenvalues other than zero, of the process killed on the ``target`` if there is one."""

    setting: FlowSetting
    target: Goal | None
    wanted: int

    @property
    def zeros(self) -> int:
        """How many eigenvalues are exactly zero."""
        return 1 if self.target is None else 0

    @property
    def cut(self) -> float:
        """Relative change of the matrix by what is cut off, and by rounding: what no mesh makes less."""
        problem, kept = self.setting.problem, np.isfinite(self.setting.ceiling)
        above = margin(problem.resolution.tolerance, problem.dimension)
        return (CUT * float(np.exp(-above)) if kept else 0.0) + ROUNDING

    def small(self, discretization: Discretization) -> tuple[DriftModes, Pencil]:
        """The exponentially small eigenvalues on a mesh, and the pencil that has the others."""
        setting = self.setting
        absorbed = np.zeros(discretization.count, dtype=bool)
        if self.target is not None:
            absorbed = absorbed_unknowns(discretization, self.target)
        generator = assemble(discretization, setting.weighting)
        wells = well_nodes(discretization, setting.places, absorbed)
        targets = [absorbed] if absorbed.any() else []
        condensed = condense(generator, wells, targets, setting.relaxation_rate)
        found = _small_modes(condensed, SMALL * condensed.slowest_inside, self.wanted)
        return found, Pencil(generator, absorbed, closed=bool(np.isfinite(setting.ceiling)))

    def plan(self, discretization: Discretization) -> Plan:
        """All of the strip that holds what is wanted, searched on a mesh, and where to find it again."""
        small, pencil = self.small(discretization)
        if len(small.logs) >= self.wanted:
            return Plan(np.zeros(0), (), (), (), np.inf)
        unit = SHIFT * self.setting.relaxation_rate
        total, most = self.zeros + self.wanted, pencil.size - 2
        fastest = fastest_current(discretization, self.setting.weighting) if pencil.closed else np.inf
        strip = all_in_strip(pencil.nearest, pencil.bounded, total, unit, most, fastest)
        order = np.argsort(np.abs(strip.values), kind="stable")
        # of a small complex pair the upper half holds one
        small_upper = self.zeros + int((small.logs.imag >= 0.0).sum())
        values = strip.values[np.sort(order[small_upper:])]
        plan = _placed(strip, values)
        modes = self.modes(pencil, plan)
        pairs = [_pair(pencil.generator, m.right, m.left, m.value) for m in modes]
        errors = [float(energy_errors(pencil.generator, [pair]).sum()) for pair in pairs]
        return replace(plan, groups=self.groups(modes, np.array(errors)))

    def groups(self, modes: list[Mode], errors: Floats) -> tuple[tuple[int, ...], ...]:
        """Which eigenvalues are one cluster for changes by the relative ``errors`` of each, and by the cut."""
        both = modes + [mode.mirrored for mode in modes]
        values, conditions = np.array([m.value for m in both]), np.array([m.condition for m in both])
        change = np.abs(values) * np.minimum(np.concatenate([errors, errors]) + conditions * self.cut, 0.1)
        whole = [k for k, mode in enumerate(both) if k < len(modes) or mode.value.imag != 0.0]
        found = grouped(values[whole], conditions[whole], change[whole])
        return tuple(tuple(whole[k] for k in group) for group in found)

    def modes(self, pencil: Pencil, plan: Plan) -> list[Mode]:
        """The modes that the plan names, on another mesh."""
        at_shifts = [
            pencil.modes(shift, known, [number for place, number in plan.places if place == k])
            for k, (shift, known) in enumerate(plan.shifts)
        ]
        return [at_shifts[shift][number] for shift, number in plan.places]

    def answer(self, discretization: Discretization, plan: Plan) -> Answer:
        """The numbers of one mesh: small ones, and for every member of a cluster its mean."""
        small, pencil = self.small(discretization)
        modes = self.modes(pencil, plan)
        both = modes + [mode.mirrored for mode in modes]
        clusters = [cluster_of(pencil, [both[k] for k in group]) for group in plan.groups]
        clusters = [cluster for cluster in clusters if cluster.mean.imag >= 0.0]
        logs, pairs = list(small.logs), list(small.pairs)
        for cluster in clusters:
            if not cluster.mean.real > 0.0:
                raise ConvergenceError(
                    f"an eigenvalue came out as {cluster.mean:.3g}, its real part not positive", _petsc.REMEDY
                )
            logs += [complex(np.log(cluster.mean.real), cluster.mean.imag / cluster.mean.real)] * len(cluster.values)
            pairs += [
                _pair(pencil.generator, right, left, cluster.mean)
                for right, left in zip(cluster.right, cluster.left, strict=True)
            ]
        numbers = np.array(logs)
        found = Found(small, modes, clusters, pencil.generator)
        functions = [[pair] for pair in pairs]
        return Answer(numbers, found, pencil.generator, functions, self._weights(numbers), pencil.absorbed)

    def _weights(self, numbers: Numbers) -> Floats:
        """One for what is wanted; for what follows as much less as tells their order."""
        parts = numbers.real
        last = np.sort(np.repeat(parts, np.where(numbers.imag > 0.0, 2, 1)))[: self.wanted].max(initial=-np.inf)
        return np.where(parts <= last + 1e-9, 1.0, LESS)

    def stale(self, plan: Plan, found: Found) -> bool:
        """Whether the last mesh says otherwise than the plan: other clusters, or real parts beyond the strip."""
        if not plan.values.size:
            return False
        groups = self.groups(found.modes, np.zeros(len(found.modes)))
        if {frozenset(group) for group in groups} != {frozenset(group) for group in plan.groups}:
            return True
        now, before = np.array([mode.value.real for mode in found.modes]), plan.values.real
        return bool((np.abs(now - before) > MOVED * np.maximum(now, before)).any())

    def members(self, found: Found, errors: Floats) -> list[Member]:
        """All eigenvalues that were followed, by real part, those of one cluster together, pairs whole."""
        rate, least = self.setting.relaxation_rate, len(found.small.logs)
        result = []
        for log, vector, error in zip(found.small.logs, found.small.vectors, errors[:least], strict=True):
            result.append(Member(None, log, float(error) + _rounding(rate, log.real), vector))
        for cluster in found.clusters:
            error = float(errors[least])
            least += len(cluster.values)
            size = (abs(cluster.mean) + rate) / cluster.mean.real
            error += cluster.condition * size * self.cut + cluster.radius / cluster.mean.real
            log = complex(np.log(cluster.mean.real), cluster.mean.imag / cluster.mean.real)
            for value, vector in zip(cluster.values, cluster.vectors, strict=True):
                mean = cluster if len(cluster.values) > 1 else None
                result.append(Member(complex(value), log, error, vector, mean))
                if cluster.mean.imag > 0.0:
                    result.append(Member(complex(value).conjugate(), log.conjugate(), error, np.conj(vector), mean))
        return sorted(result, key=lambda member: (round(member.log.real, 9), -abs(member.log.imag), -member.log.imag))


def fastest_current(discretization: Discretization, weighting: Weighting) -> float:
    """The largest c . D^-1 c of the mesh, for the current's velocity c; infinite where D is singular.

    |Im a(u, u)|^2 <= max(c . D^-1 c) int w D grad u . grad u  int w |u|^2 by Cauchy and Schwarz, also with quadrature.
    """
    weighted = weighting.on(discretization)
    if weighted.velocity is None:
        return 0.0
    tensor, velocity = np.moveaxis(weighted.tensor, (0, 1), (2, 3)), np.moveaxis(weighted.velocity, 0, 2)
    try:
        largest = float((velocity * np.linalg.solve(tensor, velocity[..., None])[..., 0]).sum(axis=2).max(initial=0.0))
    except np.linalg.LinAlgError:
        return float(np.inf)
    comm = discretization.comm
    return float(comm.allreduce(largest, op=MPI.MAX)) if comm.size > 1 else largest


def irreversible_spectrum(problem: Problem, count: int = 4, target: Goal | None = None, name: str = "") -> Spectrum:
    """The ``count`` eigenvalues of -L with the smallest real parts, and their eigenfunctions.

    A complex pair counts as two; its fields are the real and the imaginary part.  With a ``target`` the process is
    killed there, and zero is not an eigenvalue.
    """
    ends = Ends.at(target)
    setting = of_flow(problem, ends)
    question = SpectrumQuestion(setting, target, count - 1 if target is None else count)
    plan = question.plan(discretize(first_mesh(setting, ends.regions, CHANGE), degree_of(problem), problem.periods))
    for _ in range(MOST_SEARCHES):
        outcome = answered(setting, ends, partial(question.answer, plan=plan), change=CHANGE)
        if not question.stale(plan, outcome.payload):
            break
        plan = question.plan(outcome.discretization)
    else:
        raise ConvergenceError("the list of eigenvalues changes from mesh to mesh", "another degree or a finer mesh")
    found: Found = outcome.payload
    members = question.members(found, outcome.errors)[: question.wanted]
    _warn_of_clusters(members, problem.resolution.tolerance)
    generator = found.generator
    eigenvalues = [] if target is not None else [Eigenvalue(Quantity.of(0.0, 0.0))]
    eigenvalues += [
        Eigenvalue(Quantity.of_log(member.log.real, member.error), float(np.exp(member.log.real)) * member.log.imag)
        for member in members
    ]
    vectors = [member.vector for member in members]
    vectors = vectors if target is not None else [generator.constant, *vectors]
    fields = tuple(
        Field(f"eigenfunction {k}", outcome.discretization, _unscaled(generator, vector, eigenvalue.imag))
        for k, (vector, eigenvalue) in enumerate(
            zip(vectors, eigenvalues, strict=True), start=0 if target is None else 1
        )
    )
    return Spectrum(tuple(eigenvalues), fields, outcome.statistics, None if target is None else name or str(target))


def _warn_of_clusters(members: Sequence[Member], tolerance: float) -> None:
    """Say of every cluster what is known of it."""
    clusters = {id(member.cluster): member for member in members if member.cluster is not None}
    for member in clusters.values():
        cluster = member.cluster
        assert cluster is not None
        apart = cluster.radius / cluster.mean.real
        warnings.warn(
            f"{len(cluster.values)} eigenvalues near {cluster.mean:.6g} cannot be told apart (the matrix is defective "
            f"there, or nearly): each is given as their mean, which is known to {member.error - apart:.1e}, within "
            f"{member.error:.1e}",
            stacklevel=3,
        )


def _pair(generator: Generator, right: Numbers, left: Numbers, value: complex) -> Pair:
    """Of scaled eigenvectors with z . M u = 1, for an error relative to the real part."""
    height, dofs = np.exp(0.5 * (generator.exponent - generator.lowest)), generator.discretization.dofs
    log = float(np.log(max(abs(value.real), 1e-300)))
    return Pair((right * height)[dofs], (left * height)[dofs], log_whole=log)


def _placed(strip: Strip, values: Numbers) -> Plan:
    """The shift for every eigenvalue: the real one, unless many are nearer to it, or one of its own close by."""
    first = strip.discs[0]
    shifts, places = [(first.centre, first.values)], []
    for value in values:
        ranks = [
            _rank(known, value) if number else _rank(known[:MANY], value) for number, (_, known) in enumerate(shifts)
        ]
        if min(ranks) > MOST_BESIDE and ranks[0] >= MANY:
            disc = next(disc for disc in strip.discs if disc.holds(value, SLACK))
            beside = np.sort(np.abs(disc.values - value))
            apart = float(beside[1]) if len(beside) > 1 else abs(value)
            centre = value + 1j * BESIDE * max(apart, 0.01 * abs(value))
            shifts.append((centre, disc.values[np.argsort(np.abs(disc.values - centre), kind="stable")]))
            ranks.append(_rank(shifts[-1][1], value))
        shift = 0 if ranks[0] < MANY else int(np.argmin(ranks))
        places.append((shift, ranks[shift]))
    used = sorted({shift for shift, _ in places})
    most = {k: 1 + max(rank for shift, rank in places if shift == k) for k in used}
    return Plan(
        values,
        (),
        tuple((shifts[k][0], shifts[k][1][: most[k]]) for k in used),
        tuple((used.index(shift), rank) for shift, rank in places),
        strip.width,
    )


def _rank(known: Numbers, value: complex) -> int:
    """The place of a value in a list that has it; beyond the list where it has not."""
    at = int(np.argmin(np.abs(known - value)))
    return at if abs(known[at] - value) <= SAME * abs(value) else MANY + len(known)


def _rounding(rate: float, log: float) -> float:
    """What rounding leaves of an eigenvalue that is not exponentially small, relative to it."""
    small = log < np.log(max(ROUNDING * rate, 1e-300)) + 20.0
    return 0.0 if small else ROUNDING * rate * float(np.exp(-log))


def _unscaled(generator: Generator, vector: Numbers, imaginary: float) -> Floats:
    """Nodal values, of norm one in the weight; of a pair the real part and then the imaginary one."""
    phase = vector[np.argmax(np.abs(vector))]
    turned = vector * (np.conj(phase) / abs(phase))
    part = np.asarray(turned.imag if imaginary < 0.0 else turned.real)
    whole = float(generator.constant @ generator.apply_mass(generator.constant))
    norm = np.sqrt(max(float(part @ generator.apply_mass(part)) / whole, 1e-300))
    return np.asarray(part * np.exp(0.5 * (generator.exponent - generator.lowest)) / norm)


def _small_modes(condensed: Condensation, below: float, most: int) -> DriftModes:
    """Eigenvalues of the reduced problem below ``below``, without the exact zero."""
    import mpmath

    count, killed = len(condensed.wells), bool(condensed.targets)
    first = 0 if killed else 1
    if count <= first:
        return DriftModes(np.zeros(0), np.zeros((0, len(condensed.load))), [])
    modes = reduced_pair(condensed, POWERS, 0.0, most_states=count)
    chosen = [k for k in range(first, min(count, first + most)) if float(abs(modes.values[k])) < below]
    if any(modes.values[k].real <= 0 for k in chosen):
        raise ConvergenceError("a small eigenvalue of the reduced problem has no positive real part", _petsc.REMEDY)
    with mpmath.workdps(modes.digits):
        values = [modes.values[k] for k in chosen]
        logs = np.array([complex(mpmath.log(mpmath.re(z)), _turn(mpmath.im(z) / mpmath.re(z))) for z in values])
    vectors = np.array([modes.coefficients(k)[0] @ modes.basis for k in chosen]).reshape(
        len(chosen), len(condensed.load)
    )
    return DriftModes(logs, vectors, modes.modes(condensed, chosen))


def _turn(ratio: Any) -> float:
    """Im / Re; zero where it is rounding."""
    return 0.0 if abs(ratio) < 1e-12 else float(ratio)
