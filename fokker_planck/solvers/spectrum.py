"""Small eigenvalues of -L: -L u = lambda u in the domain, no flux through its boundary (or u = 0 on a target).

The question is put where the slow modes are, and in the whole domain where that is not enough
(:mod:`~.spectral_scope`), below higher energy cutoffs while eigenfunctions reach up to the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.fields.field import Field
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.moved_seams import off_seams
from fokker_planck.model.recast.off_walls import off_walls
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Outcome
from fokker_planck.solvers.adaptivity.spectral_scope import TooFastError, everywhere, scopes
from fokker_planck.solvers.boundaries.end_conditions import (
    refuse_continuum,
    refuse_endless,
    singular_ends,
    spectrum_error,
)
from fokker_planck.solvers.boundaries.ends import Ends, Goal, reaches
from fokker_planck.solvers.eigenvalues.listed_eigenvalues import Member, listed, warn_of_clusters
from fokker_planck.solvers.eigenvalues.slow_modes import WRONG_SIGN, refuse_sign
from fokker_planck.solvers.eigenvalues.slowest_above import MOST_CUTOFFS, cutoff_expected, cutoff_needed
from fokker_planck.solvers.eigenvalues.spectral_question import Question
from fokker_planck.solvers.results.steady import Eigenvalue, Spectrum
from fokker_planck.solvers.setting.deep_wells import with_deep_wells
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import Setting, prepare

UNKNOWNS_A_MODE = 6
"""Of the first mesh: an eigenvalue solver wants twice as many vectors as modes, and waves want six unknowns each."""
MOST_SEARCHES = 3
"""Of the strip, each on the last mesh of the one before, where the list of eigenvalues changed on the way."""


def spectrum(problem: Problem, count: int = 4, target: Goal | None = None, name: str = "") -> Spectrum:
    """The ``count`` eigenvalues of -L with the smallest real parts, with their eigenfunctions, to the tolerance.

    A complex pair counts as two; its fields are the real and the imaginary part.  With a ``target`` the process is
    killed there, and zero is not an eigenvalue.
    """
    if isinstance(problem.process, Underdamped) and problem.process.planar:
        from fokker_planck.solvers.momentum import kinetic_spectrum

        return kinetic_spectrum.spectrum(problem, count, target)
    problem, (target,) = off_seams(problem, (target,), "spectrum.target")
    problem = off_walls(problem, (target,))
    ends = Ends.at(target)
    setting = prepare(problem, ends)
    if target is None:
        refuse_endless(_exponent(setting), "spectrum")
    outcome, members = _found(setting, ends, count, target)
    if any(member.log.imag == WRONG_SIGN for member in members):
        refuse_sign()
    warn_of_clusters(members)
    eigenvalues = _eigenvalues(setting, members, target)
    functions = [member.field for member in members]
    if target is None:
        eigenvalues.insert(0, Eigenvalue(Quantity.of(0.0, 0.0)))
        functions.insert(0, np.ones(outcome.discretization.count))
    fields = tuple(
        Field(f"eigenfunction {number}", outcome.discretization, function)
        for number, function in enumerate(functions, start=0 if target is None else 1)
    )
    return Spectrum(tuple(eigenvalues), fields, outcome.statistics, None if target is None else name or str(target))


def _found(setting: Setting, ends: Ends, count: int, target: Goal | None) -> tuple[Outcome, list[Member]]:
    """The last answer and its eigenvalues: of the first scope that serves, below a cutoff that is high enough."""
    wanted = count - 1 if target is None else count
    for scope in scopes(setting, ends, count):
        deep = scope.only_slow and target is None
        asked = with_deep_wells(setting) if deep else setting
        if isinstance(asked, FlowSetting) and not scope.only_slow and target is None and _can_be_raised(asked):
            asked = replace(asked, ceiling=cutoff_expected(asked, asked.ceiling, count))
        question = Question(asked, target, wanted, scope)
        try:
            outcome = _outcome(question, ends, count)
            break
        except TooFastError:
            continue
    members = listed(outcome, wanted)
    for _ in range(MOST_CUTOFFS):
        wider = _wider(question, outcome, members)
        if wider is None:
            break
        question, outcome = wider, _outcome(wider, ends, count)
        members = listed(outcome, wanted)
    if len(members) < wanted:
        found = f"{len(members)} of the {wanted} eigenvalues that are asked for"
        raise ConvergenceError(found, "a smaller spectrum.count, or more noise")
    return outcome, members


def _eigenvalues(setting: Setting, members: Sequence[Member], target: Goal | None) -> list[Eigenvalue]:
    """With their errors, those of the ends of a line among them."""
    found = np.exp(np.array([member.log.real for member in members]))
    errors = np.array([member.error for member in members])
    if singular_ends(_exponent(setting)):
        errors = errors + spectrum_error(_exponent(setting), found)
        reached = None if target is None else reaches(setting.problem, target)
        refuse_continuum(_exponent(setting), found, reached, "spectrum.count")
    return [
        Eigenvalue(Quantity.of_log(member.log.real, float(error)), float(value * member.log.imag))
        for member, value, error in zip(members, found, errors, strict=True)
    ]


def _can_be_raised(setting: FlowSetting) -> bool:
    return setting.problem.resolution.cells is None and bool(np.isfinite(setting.ceiling))


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
    functions = [member.field for member in members]
    height = cutoff_needed(setting, ceiling, fastest, outcome.discretization.nodes, functions)
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
        if kept is None:
            return outcome
        from fokker_planck.solvers.eigenvalues.followed_modes import stale

        if not stale(kept, question.change):
            return outcome
        question.search(outcome.discretization)
    raise ConvergenceError("the list of eigenvalues changes from mesh to mesh", "another degree or a finer mesh")
