"""The question of a spectrum on one mesh: the slow modes of the wells, and those beside them that are wanted.

Eigenvalues that are exponentially small come from the wells, exact relative to themselves (:mod:`~.slow_modes`).  The
others come from shift and invert: with detailed balance the lowest ones, from which the slow have been taken out
(:mod:`~.orthogonal_modes`), without it all in a strip of the plane (:mod:`~.followed_modes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import assemble
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.initial_mesh import members_of, surfaces
from fokker_planck.solvers.adaptivity.spectral_scope import (
    Scope,
    TooFastError,
    fastest_current,
    fastest_of_sample,
    sector_searched,
)
from fokker_planck.solvers.boundaries.end_conditions import singular_ends
from fokker_planck.solvers.boundaries.ends import Goal
from fokker_planck.solvers.condensation.wells import Condensation, condense, well_nodes
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode, normalised
from fokker_planck.solvers.eigenvalues.narrow_wells import has_narrow_ends, has_narrow_wells
from fokker_planck.solvers.eigenvalues.orthogonal_modes import (
    IMAGES,
    IMAGES_AT_ENDS,
    beside_narrow_wells,
    orthogonal_modes,
    rounding_at_ends,
    together,
)
from fokker_planck.solvers.eigenvalues.reduced_problem import MOST_STATES
from fokker_planck.solvers.eigenvalues.slow_modes import LARGEST, slow_modes
from fokker_planck.solvers.setting.deep_wells import deep_states
from fokker_planck.solvers.setting.error_budget import ErrorBudget, budget_of
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting

if TYPE_CHECKING:
    from fokker_planck.solvers.eigenvalues.followed_modes import Followed, Plan

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
    as_functions: bool = False

    @property
    def of_powers(self) -> ErrorBudget:
        """What powers may leave out: less where functions are asked for, not eigenvalues alone."""
        return self.budget.of_functions if self.as_functions else self.budget

    @property
    def budget(self) -> ErrorBudget:
        """Of the tolerance of the problem."""
        return budget_of(self.setting.problem)

    @property
    def change(self) -> float:
        """Of the matrix, relative, by what is cut off, and by rounding: what no mesh makes less."""
        from fokker_planck.solvers.eigenvalues.followed_modes import ROUNDING

        return (CUT * float(np.exp(-self.budget.cutoff_of_flow)) if self.closed else 0.0) + ROUNDING

    @property
    def closed(self) -> bool:
        """Whether the domain ends at an energy cutoff, and a current along it may be taken for the one there."""
        return isinstance(self.setting, FlowSetting) and bool(np.isfinite(self.setting.ceiling))

    def answer(self, discretization: Discretization) -> Answer:
        """The numbers of one mesh."""
        condensed, absorbed, slowest = self._condensed(discretization)
        generator, weights, kept, rounding = condensed.generator, None, None, None
        if generator.symmetric:
            modes = self.orthogonal(condensed, absorbed)
            if singular_ends(self.setting.exponent):
                inside = [bool(mode.log > np.log(LARGEST * condensed.slowest_inside)) for mode in modes]
                narrow = has_narrow_ends(self.setting.exponent)
                lost = (mode.no_less if narrow else rounding_at_ends(generator, mode) for mode in modes)
                rounding = np.array([each if fast else 0.0 for each, fast in zip(lost, inside, strict=True)])
        else:
            modes, kept = self.of_both_sides(condensed, absorbed)
            weights = _weights(modes, self.wanted)
        fields = [normalised(generator, mode) for mode in modes]
        found = Found([replace(mode, nodal=NONE, modes=()) for mode in modes], fields, kept)
        numbers = np.array([mode.log for mode in modes])
        share = SHARE_OF_DEGENERATE if is_degenerate(self.setting.problem) else None
        functions = [mode.modes for mode in modes]
        return Answer(numbers, found, generator, functions, weights, absorbed, slowest, share, rounding)

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
            from fokker_planck.solvers.adaptivity.absorption import stopped

            end = stopped(setting, discretization, self.target)
            generator, absorbed, slowest = end.generator, end.absorbed, end.slowest
        wells = well_nodes(discretization, setting.places, absorbed)
        goal = members_of(discretization, self.target)
        cuts = surfaces(discretization, wells, setting.places, absorbed, goal) if self.scope.cut else None
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
            elif self.scope.only_slow:
                raise TooFastError
        if not modes:
            modes = slow_modes(condensed, self.wanted, self.of_powers)
            missing = self.wanted - len(modes)
            if missing > 0:
                if self.scope.only_slow:
                    raise TooFastError
                at_end = has_narrow_ends(self.setting.exponent)
                others = orthogonal_modes(generator, absorbed, modes, missing, rate, at_end)
                if at_end or isinstance(self.setting, PotentialSetting) and has_narrow_wells(self.setting):
                    slower = len(modes) + (0 if condensed.targets else 1)
                    powers = IMAGES_AT_ENDS if at_end else IMAGES
                    others = beside_narrow_wells(condensed, others, slower, rate, powers)
                modes = modes + others
        modes = together(modes)[: self.wanted]
        if not max((mode.log for mode in modes), default=-np.inf) < np.log(self.scope.slower):
            raise TooFastError
        return modes

    def of_both_sides(self, condensed: Condensation, absorbed: Booleans) -> tuple[list[Eigenmode], Followed]:
        """All eigenvalues with real parts up to the last one wanted, and a few more."""
        from fokker_planck.solvers.eigenvalues.followed_modes import (
            NOTHING,
            Followed,
            eigenmodes,
            found_again,
            searched,
        )
        from fokker_planck.solvers.eigenvalues.pencil import Pencil

        generator, rate, first = condensed.generator, self.setting.relaxation_rate, self.plan is None
        most = len(condensed.wells) if first else self.slow
        slow = slow_modes(
            condensed, most, self.of_powers, known=not first, degenerate=is_degenerate(self.setting.problem)
        )
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


def _weights(modes: Sequence[Eigenmode], wanted: int) -> Floats:
    """One for what is wanted; for what follows as much less as tells their order."""
    parts = np.array([mode.log.real for mode in modes])
    last = np.sort(np.repeat(parts, [mode.times for mode in modes]))[:wanted].max(initial=-np.inf)
    return np.where(parts <= last + 1e-9, 1.0, LESS)
