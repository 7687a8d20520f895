"""Small eigenvalues of -L: -L u = lambda u in the domain, no flux through its boundary (or u = 0 on a target).

Eigenvalues that are exponentially small come from the wells, exact relative to themselves (:mod:`~.slow_modes`).  The
others come from shift and invert: with detailed balance the lowest ones, from which the slow have been taken out
(:mod:`~.orthogonal_modes`), without it all in a strip of the plane (:mod:`~.followed_modes`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import Field
from fokker_planck.fem.generator import assemble
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity import Quantity
from fokker_planck.solvers import kinetic_spectrum
from fokker_planck.solvers.absorption import stopped
from fokker_planck.solvers.accuracy import answered
from fokker_planck.solvers.answer_types import Answer, Outcome
from fokker_planck.solvers.deep_wells import deep_states, with_deep_wells
from fokker_planck.solvers.eigenmodes import Eigenmode, normalised
from fokker_planck.solvers.end_conditions import refuse_continuum, refuse_endless, singular_ends, spectrum_error
from fokker_planck.solvers.ends import Ends, Goal, reaches
from fokker_planck.solvers.error_budget import ErrorBudget, budget_of
from fokker_planck.solvers.followed_modes import (
    NOTHING,
    ROUNDING,
    Followed,
    Plan,
    eigenmodes,
    found_again,
    searched,
    stale,
)
from fokker_planck.solvers.initial_mesh import surfaces
from fokker_planck.solvers.landscape_of_flow import FlowSetting
from fokker_planck.solvers.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.narrow_wells import has_narrow_wells
from fokker_planck.solvers.orthogonal_modes import beside_narrow_wells, orthogonal_modes, together
from fokker_planck.solvers.pencil import Pencil
from fokker_planck.solvers.reduced_problem import MOST_STATES
from fokker_planck.solvers.results import Eigenvalue, Spectrum
from fokker_planck.solvers.setting import Setting, prepare
from fokker_planck.solvers.slow_modes import WRONG_SIGN, refuse_sign, slow_modes
from fokker_planck.solvers.slowest_above import NEAR, high_enough, share_at_cutoff
from fokker_planck.solvers.spectral_scope import (
    Scope,
    TooFastError,
    everywhere,
    fastest_current,
    fastest_of_sample,
    scopes,
    sector_searched,
)
from fokker_planck.solvers.wells import Condensation, condense, well_nodes

UNKNOWNS_A_MODE = 6
"""Of the first mesh: an eigenvalue solver wants twice as many vectors as modes, and waves want six unknowns each."""
LEAST_RATIO = 1e-6
"""Of an eigenvalue to the rates inside the wells, down to which doubles hold it: shift and invert leaves 1e-14."""
PROVEN = 0.5
"""Of the slowest rate inside the wells: eigenvalues below are those of the reduced problem, and no others."""
CUT = 100.0
"""What a cut of the domain where the density is exp(-margin) changes a matrix by, over that."""
LESS = 1e-3
"""The accuracy asked of eigenvalues just beyond the last one wanted."""
SHARE_OF_DEGENERATE = 0.06
"""Of what the indicator predicts, for the bar of an eigenvalue where noise vanishes in some direction: degrees 5 to 7
agreed to 4e-7 there and were 1.2e-5 off, degree 8 was not.  Errors were 0.003 to 0.027 of what is predicted (quartic
well, noise 1/20, frictions 0.2 to 0.5)."""
NONE = np.zeros(0)
MOST_SEARCHES = 3
"""Of the strip, each on the last mesh of the one before, where the list of eigenvalues changed on the way."""

MOST_CUTOFFS = 3
"""Energy cutoffs, each for the eigenvalues found below the one before: with more of the domain they fall, and the next
one is high enough."""

AT_CUTOFF = 0.1
"""Of the tolerance, what exp(-psi) |u|^2 may be beside the cutoff, over its largest value: to a factor what the cut
changes. With it the gap of a bowl around a well at 3.6e-3 is 4e-8 off, at a bar of 2e-6."""
RAISED = 1.5
"""Times the units of epsilon by which that is too much, for a higher cutoff, since eigenfunctions grow as the density
falls: once was enough for bowls around a well, with and without detailed balance."""


@dataclass(frozen=True)
class Found:
    """What stays of a mesh: its modes, pairs as one, with what they are as ``fields``, and those followed to it."""

    modes: list[Eigenmode]
    fields: list[list[Floats]]
    followed: Followed | None


@dataclass
class Question:
    """``wanted`` eigenvalues other than zero, of the process killed on the ``target`` if there is one.

    The first mesh that is asked makes the ``plan`` of what is followed beside so many ``slow`` modes.
    """

    setting: Setting
    target: Goal | None
    wanted: int
    scope: Scope
    plan: Plan | None = None
    slow: int = 0

    @property
    def budget(self) -> ErrorBudget:
        """Of the tolerance of the problem."""
        return budget_of(self.setting.problem)

    @property
    def change(self) -> float:
        """Of the matrix, relative, by what is cut off, and by rounding: what no mesh makes less."""
        return (CUT * float(np.exp(-self.budget.cutoff_of_flow)) if self.closed else 0.0) + ROUNDING

    @property
    def closed(self) -> bool:
        """Whether the domain ends at an energy cutoff, and a current along it may be taken for the one there."""
        return isinstance(self.setting, FlowSetting) and bool(np.isfinite(self.setting.ceiling))

    def answer(self, discretization: Discretization) -> Answer:
        """The numbers of one mesh."""
        condensed, absorbed, slowest = self._condensed(discretization)
        generator, weights, kept = condensed.generator, None, None
        if generator.symmetric:
            modes = self.orthogonal(condensed, absorbed)
        else:
            modes, kept = self.of_both_sides(condensed, absorbed)
            weights = _weights(modes, self.wanted)
        fields = [normalised(generator, mode) for mode in modes]
        found = Found([replace(mode, nodal=NONE, modes=()) for mode in modes], fields, kept)
        numbers = np.array([mode.log for mode in modes])
        share = SHARE_OF_DEGENERATE if is_degenerate(self.setting.problem) else None
        functions = [mode.modes for mode in modes]
        return Answer(numbers, found, generator, functions, weights, absorbed, slowest, share)

    def search(self, discretization: Discretization) -> None:
        """Make the plan anew on a mesh."""
        self.plan = None
        condensed, absorbed, _ = self._condensed(discretization)
        self.of_both_sides(condensed, absorbed)

    def _condensed(self, discretization: Discretization) -> tuple[Condensation, Booleans, float]:
        """With the unknowns that the target absorbs, and the least exponent of singular functions beside it."""
        setting, absorbed, slowest = self.setting, np.zeros(discretization.count, dtype=bool), np.inf
        if self.target is None:
            generator = assemble(discretization, setting.weighting)
        else:
            end = stopped(setting, discretization, self.target)
            generator, absorbed, slowest = end.generator, end.absorbed, end.slowest
        wells = well_nodes(discretization, setting.places, absorbed)
        cuts = surfaces(discretization, wells, setting.places, absorbed, self.target) if self.scope.cut else None
        cuts = cuts or deep_states(setting, discretization, wells)
        targets = [absorbed] if absorbed.any() else []
        return condense(generator, wells, targets, setting.relaxation_rate, cuts), absorbed, slowest

    def orthogonal(self, condensed: Condensation, absorbed: Booleans) -> list[Eigenmode]:
        """The lowest eigenvalues; where the last one wanted is multiple, its equals stand behind it."""
        generator, rate = condensed.generator, self.setting.relaxation_rate
        modes: list[Eigenmode] = []
        if len(condensed.wells) > MOST_STATES:
            modes = orthogonal_modes(generator, absorbed, [], self.wanted, rate)
            if not modes[0].log > np.log(LEAST_RATIO * condensed.slowest_inside):
                modes = []
        if not modes:
            modes = slow_modes(condensed, self.wanted, self.budget)
            missing = self.wanted - len(modes)
            if missing > 0:
                others = orthogonal_modes(generator, absorbed, modes, missing, rate)
                if isinstance(self.setting, PotentialSetting) and has_narrow_wells(self.setting):
                    slower = len(modes) + (0 if condensed.targets else 1)
                    others = beside_narrow_wells(condensed, others, slower, rate)
                modes = modes + others
        modes = together(modes)[: self.wanted]
        if not max((mode.log for mode in modes), default=-np.inf) < np.log(self.scope.slower):
            raise TooFastError
        return modes

    def of_both_sides(self, condensed: Condensation, absorbed: Booleans) -> tuple[list[Eigenmode], Followed]:
        """All eigenvalues with real parts up to the last one wanted, and a few more."""
        generator, rate, first = condensed.generator, self.setting.relaxation_rate, self.plan is None
        most = len(condensed.wells) if first else self.slow
        slow = slow_modes(condensed, most, self.budget, known=not first, degenerate=is_degenerate(self.setting.problem))
        sector = sector_searched(self.setting)
        pencil = Pencil(generator, absorbed, closed=self.closed, sector=sector)
        modes = None
        if self.plan is None:
            zeros = 0 if condensed.targets else 1
            fastest = fastest_current(generator.discretization, self.setting.weighting) if pencil.closed else np.inf
            if self.scope.cut:
                fastest = max(fastest, fastest_of_sample(self.setting))
            if self.all_slow(slow, fastest, condensed.slowest_inside, sector):
                self.plan = NOTHING
            elif self.scope.only_slow:
                raise TooFastError
            else:
                self.plan, modes = searched(pencil, slow, zeros, self.wanted, rate, fastest, self.change)
            self.slow = sum(mode.times for mode in slow)
        modes = found_again(pencil, self.plan) if modes is None else modes
        others = eigenmodes(pencil, self.plan, modes, rate, self.change)
        return [*slow, *others], Followed(self.plan, tuple(mode.alone for mode in modes))

    def all_slow(self, slow: Sequence[Eigenmode], fastest: float, inside: float, sector: float | None = None) -> bool:
        """Whether no eigenvalue but those of the wells can have a real part as small as the last one wanted.

        |Im lambda|^2 <= ``fastest`` Re lambda, or |Im lambda| <= ``sector`` Re lambda: what is as slow lies where the
        reduced problem has all that there is.
        """
        logs = sorted(mode.log.real for mode in slow for _ in range(mode.times))
        if len(logs) < self.wanted:
            return False
        last = float(np.exp(logs[self.wanted - 1])) if self.wanted else 0.0
        frequency = np.sqrt(fastest * last) if sector is None else sector * last
        return bool(np.hypot(last, frequency) < PROVEN * inside)


def spectrum(problem: Problem, count: int = 4, target: Goal | None = None, name: str = "") -> Spectrum:
    """The ``count`` eigenvalues of -L with the smallest real parts, with their eigenfunctions, to the tolerance.

    A complex pair counts as two; its fields are the real and the imaginary part.  With a ``target`` the process is
    killed there, and zero is not an eigenvalue.
    """
    if isinstance(problem.process, Underdamped) and problem.process.planar:
        return kinetic_spectrum.spectrum(problem, count, target)
    ends = Ends.at(target)
    setting = prepare(problem, ends)
    if target is None:
        refuse_endless(_exponent(setting), "spectrum")
    wanted = count - 1 if target is None else count
    for scope in scopes(setting, ends, count):
        deep = scope.only_slow and target is None
        question = Question(with_deep_wells(setting) if deep else setting, target, wanted, scope)
        try:
            outcome = _outcome(question, ends, count)
            break
        except TooFastError:
            continue
    members = sorted(_members(outcome), key=_place)[:wanted]
    for _ in range(MOST_CUTOFFS):
        wider = _wider(question, outcome, members)
        if wider is None:
            break
        question, outcome = wider, _outcome(wider, ends, count)
        members = sorted(_members(outcome), key=_place)[:wanted]
    if any(member.log.imag == WRONG_SIGN for member in members):
        refuse_sign()
    _warn_of_clusters(members)
    found = np.exp(np.array([member.log.real for member in members]))
    errors = np.array([member.error for member in members])
    if singular_ends(_exponent(setting)):
        errors = errors + spectrum_error(_exponent(setting), found)
        reached = None if target is None else reaches(problem, target)
        refuse_continuum(_exponent(setting), found, reached, "spectrum.count")
    eigenvalues = [
        Eigenvalue(Quantity.of_log(member.log.real, float(error)), float(value * member.log.imag))
        for member, value, error in zip(members, found, errors, strict=True)
    ]
    functions = [member.field for member in members]
    if target is None:
        eigenvalues.insert(0, Eigenvalue(Quantity.of(0.0, 0.0)))
        functions.insert(0, np.ones(outcome.discretization.count))
    fields = tuple(
        Field(f"eigenfunction {number}", outcome.discretization, function)
        for number, function in enumerate(functions, start=0 if target is None else 1)
    )
    return Spectrum(tuple(eigenvalues), fields, outcome.statistics, None if target is None else name or str(target))


def _wider(question: Question, outcome: Outcome, members: Sequence[Member]) -> Question | None:
    """The question below a higher energy cutoff, where something that is as slow may lie above, or reaches up to it."""
    setting, scope = question.setting, question.scope
    if setting.problem.resolution.cells is not None or not members:
        return None
    ceiling = (
        setting.ceiling if isinstance(setting, FlowSetting) else scope.heights.ceiling if scope.heights else np.inf
    )
    if not np.isfinite(ceiling):
        return None
    fastest = float(np.exp(max(member.log.real for member in members)))
    height = high_enough(setting, ceiling, fastest)
    exponent = np.asarray(setting.exponent.value(outcome.discretization.nodes.T))
    share = share_at_cutoff(exponent, [member.field for member in members], ceiling)
    allowed = AT_CUTOFF * setting.problem.resolution.tolerance
    if share > allowed:
        height = max(height, ceiling + RAISED * float(np.log(share / allowed)) + NEAR)
    if height == ceiling:
        return None
    if isinstance(setting, FlowSetting):
        return replace(question, setting=replace(setting, ceiling=height), scope=everywhere(), plan=None, slow=0)
    heights = replace(scope.heights, ceiling=height, trim=False) if scope.heights else None
    return replace(question, scope=replace(scope, heights=heights), plan=None, slow=0)


def _exponent(setting: Setting) -> object:
    """Phi, which has ends on a line; every process there is in detailed balance but for one on a ring."""
    return getattr(setting.weighting, "exponent", None)


def _outcome(question: Question, ends: Ends, count: int) -> Outcome:
    """The answer on the finest mesh, whose list of eigenvalues is that of the first."""
    scope = question.scope
    for _ in range(MOST_SEARCHES):
        outcome = answered(
            question.setting, ends, question.answer, scope.heights, UNKNOWNS_A_MODE * count, scope.change, cut=scope.cut
        )
        kept = outcome.payload.followed
        if kept is None or not stale(kept, question.change):
            return outcome
        question.search(outcome.discretization)
    raise ConvergenceError("the list of eigenvalues changes from mesh to mesh", "another degree or a finer mesh")


@dataclass(frozen=True)
class Member:
    """One eigenvalue for the list, its error relative to the real part, and its own function."""

    mode: Eigenmode
    log: complex
    error: float
    field: Floats


def _members(outcome: Outcome) -> list[Member]:
    """All eigenvalues that were found, pairs as two."""
    result = []
    for mode, fields, error in zip(outcome.payload.modes, outcome.payload.fields, outcome.errors, strict=True):
        logs = (complex(mode.log), complex(mode.log).conjugate())
        result += [
            Member(mode, log, float(error) + mode.no_less, field) for log, field in zip(logs, fields, strict=False)
        ]
    return result


def _place(member: Member) -> tuple[float, float, float]:
    """By real part, those of one cluster together, pairs whole."""
    return round(member.log.real, 9), -abs(member.log.imag), -member.log.imag


def _weights(modes: Sequence[Eigenmode], wanted: int) -> Floats:
    """One for what is wanted; for what follows as much less as tells their order."""
    parts = np.array([mode.log.real for mode in modes])
    last = np.sort(np.repeat(parts, [mode.times for mode in modes]))[:wanted].max(initial=-np.inf)
    return np.where(parts <= last + 1e-9, 1.0, LESS)


def _warn_of_clusters(members: Sequence[Member]) -> None:
    """Say of every cluster what is known of it."""
    clusters = {id(member.mode.cluster): member for member in members if member.mode.cluster is not None}
    for member in clusters.values():
        cluster = member.mode.cluster
        known = member.error - cluster.radius / cluster.mean.real
        warnings.warn(
            f"{cluster.count} eigenvalues near {cluster.mean:.6g} cannot be told apart (the matrix is defective there, "
            f"or nearly): each is given as their mean, which is known to {known:.1e}, within {member.error:.1e}",
            stacklevel=3,
        )
