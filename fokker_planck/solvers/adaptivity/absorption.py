"""A process that is stopped on a target: its generator and the unknowns at which functions are zero."""

from __future__ import annotations

from typing import cast

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem.discretization import Discretization, unknowns_in
from fokker_planck.fem.entrances import Entrance, entering, entrance, outside_only
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.truncation.domain_truncation import outside
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.outside_box import with_room_around
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.adaptivity.initial_mesh import unknowns_of
from fokker_planck.solvers.boundaries.ends import FROM, TARGET, TO, Goal, region_name
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.setting.setting import Setting

AT_TURNS = 0.25
"""Between 1/6 and 1/2 of a mean time along and across the flow. For the randomly accelerated particle on coarse meshes
the error was up to nine times the difference to the next degree, of which that makes eleven."""


@dataclass(frozen=True)
class Stopped:
    """The ``generator`` outside of the target, and the unknowns ``absorbed`` by it, (N,).

    ``through`` tells how a process with degenerate noise enters the target; None for any other.
    """

    generator: Generator
    absorbed: Booleans
    target: Goal
    through: Entrance | None = None

    @property
    def slowest(self) -> float:
        """The exponent by which errors fall with the degree where a surface turns from entered to left."""
        return AT_TURNS if self.through is not None and self.through.turns else np.inf

    def outside(self, values: Floats) -> Floats:
        """Values by cell, (cells, n), with zero inside of a target that does not hold all of its surface."""
        if self.through is None or not len(self.through.without_noise):
            return values
        return outside_only(values, self.generator.discretization, TARGET)


def stopped(setting: Setting, discretization: Discretization, target: Goal) -> Stopped:
    """The process of a setting, stopped where it meets the target."""
    generator, through = assemble(discretization, setting.weighting), None
    if is_degenerate(setting.problem):
        if isinstance(target, str):
            return Stopped(generator, _checked(discretization, target, through), target)
        through = entrance(discretization, TARGET, target, setting.weighting)
        generator = entering(generator, TARGET, target, setting.weighting, through)
    return Stopped(generator, _checked(discretization, target, through), target, through)


@dataclass(frozen=True)
class Between:
    """The ``generator`` outside of two sets, and the unknowns ``first`` and ``second`` that they absorb, (N,).

    Of a mesh that was cut these hold what leads to the sets, too; ``sets`` (N,) are the unknowns of the sets alone.
    ``within_first`` and ``within_second`` (cells,) are the cells inside, as far as the generator is without them: those
    of a set with a part of its surface that no noise crosses.
    """

    generator: Generator
    first: Booleans
    second: Booleans
    sets: tuple[Booleans, Booleans]
    within_first: Booleans
    within_second: Booleans
    slowest: float

    @property
    def absorbed(self) -> Booleans:
        """The unknowns of both sets, (N,)."""
        return self.first | self.second

    def outside(self, values: Floats) -> Floats:
        """Values by cell, (cells, n), with zero where the generator is none."""
        return np.where((self.within_first | self.within_second)[:, None], 0.0, values)


def between(
    setting: Setting, generator: Generator, sets: tuple[Set, Set], rho: Floats | None, keys: tuple[str, str]
) -> Between:
    """The process outside of two sets, with their names FROM and TO in the mesh; ``rho`` (N,) is e^psi p.

    Raises ProblemError, by the ``keys``, where they meet or one is outside of the domain.
    """
    discretization, slowest = generator.discretization, np.inf
    named = tuple(zip((FROM, TO), sets, keys, strict=True))
    whole = [unknowns_in(discretization, name, region) for name, region, _ in named]
    _check_apart(whole, keys)
    within = [np.zeros(len(discretization.cells), dtype=bool) for _ in sets]
    members = [own | outside(discretization, name, adjoint=False) for own, name in zip(whole, (FROM, TO), strict=True)]
    members = [members[0] & ~whole[1], members[1] & ~(members[0] & ~whole[1])]
    if is_degenerate(setting.problem):
        for number, (name, region, key) in enumerate(named):
            through = entrance(discretization, name, region, setting.weighting, key)
            generator = entering(generator, name, region, setting.weighting, through, rho)
            members[number] = through.absorbed
            slowest = AT_TURNS if through.turns else slowest
            if len(through.without_noise):
                within[number] = discretization.triangulation.regions[name][discretization.cells]
    return Between(generator, members[0], members[1], (whole[0], whole[1]), within[0], within[1], slowest)


def _check_apart(members: list[Booleans], keys: tuple[str, str]) -> None:
    if (members[0] & members[1]).any():
        raise ProblemError(keys[1], f"a set that meets the set of {keys[0]}", "two sets that are apart")
    for key, some in zip(keys, members, strict=True):
        if not some.any():
            raise ProblemError(key, "a set with no point in the domain", "a set inside the domain")


def absorbing(problem: Problem, target: Goal) -> tuple[Problem, Goal]:
    """The problem and the target as a set with an inside, where not all of the boundary is crossed by noise."""
    if not (isinstance(target, str) and is_degenerate(problem)):
        return problem, target
    kinetics_of(problem)  # refuses noise that no drift carries on
    if problem.process.turns_at_walls:
        _refuse_walls(problem)
        return problem, target
    larger, beyond = with_room_around(problem)
    return larger, cast("Set", beyond)


def _refuse_walls(problem: Problem) -> None:
    """Walls that turn the velocity around do not absorb."""
    if isinstance(problem.domain, Box):
        found, wanted = "the walls of a box in phase space", "a set: walls in x turn the velocity around"
        raise ProblemError("exit.target", found, wanted)


def _checked(discretization: Discretization, target: Goal, through: Entrance | None) -> Booleans:
    members = unknowns_of(discretization, target) if through is None else through.absorbed
    absorbed = members | outside(discretization, region_name(target), adjoint=False)
    if not absorbed.any():
        raise ProblemError("exit.target", "a set that no point of the mesh belongs to", "a set that meets the domain")
    if int((~absorbed).sum()) <= discretization.triangulation.dimension:
        count = len(discretization.triangulation.cells)
        reason = f"on a mesh of {count} cells hardly an unknown is left that no set absorbs"
        raise ConvergenceError(reason, "more cells or a higher degree")
    return absorbed
