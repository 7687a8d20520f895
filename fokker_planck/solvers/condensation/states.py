"""The states of a condensation as sets of unknowns, with the values that their potentials have there.

A state is a single unknown in a well, a target, or either of these with the surfaces of cuts beside it.  Values are
scaled as all unknowns are: one becomes exp(-(psi - psi_k)/2), psi_k the least on the surface of state k.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.algebra.long_range import LongRange
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

LARGE_POWER = 900.0
"""Of two, up to which a value is kept as a double, whose range ends at 1024."""


@dataclass(frozen=True)
class Target:
    """A set of unknowns (N,) that counts as one state; rho on it, up to a factor, for functions of the left side."""

    members: Booleans
    profile: Floats | None = None


@dataclass(frozen=True)
class Surfaces:
    """Unknowns (N,) on the surfaces of cuts, by the state that they belong to.

    ``to`` holds for every well where the process goes to from there, for right functions; what leads to a target is
    among its members.  ``came`` holds where it has come from, for left ones, and the whole of every target last: beside
    a saddle, where the process only passes by, these are two states.
    """

    to: tuple[Booleans, ...]
    came: tuple[Booleans, ...]


@dataclass(frozen=True)
class States:
    """``wells`` (K,), single unknowns, followed by the ``targets``: n states.

    ``members`` are the unknowns (N,) of each, ``surfaces`` those beside the rest, which is solved for.  Right
    potentials are ``ones`` (n, N) there, left ones ``given`` (n, N); both are the same array where nothing differs.
    ``exponents`` (n,) is psi at the states, ``references`` (n,) the value of a target's profile there.
    """

    wells: Integers
    targets: tuple[Target, ...]
    exponent: Floats
    members: tuple[Booleans, ...]
    surfaces: tuple[Booleans, ...]
    ones: Floats
    given: Floats
    exponents: Floats
    references: Floats

    @property
    def profiles(self) -> tuple[Floats | None, ...]:
        """rho on every state, up to a factor, where that is known."""
        return (None,) * len(self.wells) + tuple(target.profile for target in self.targets)

    def continued_inside(self, function: LongRange, state: int, profile: Floats | None = None) -> LongRange:
        """A potential with its values deep within its own state: one, or the profile, whatever their logarithms."""
        inside = self.members[state] & ~self.surfaces[state]
        if not inside.any():
            return function
        logs = 0.5 * (self.exponents[state] - self.exponent[inside]) / np.log(2.0)
        mantissas, powers = function.mantissas.copy(), function.powers.copy()
        powers[inside] = np.where(np.abs(logs) < LARGE_POWER, 0, np.floor(logs)).astype(np.int64)
        mantissas[inside] = np.exp2(logs - powers[inside])
        if profile is not None:
            mantissas[inside] *= profile[inside] / self.references[state]
        return LongRange(mantissas, powers)


def states_of(
    generator: Generator, wells: Integers, targets: tuple[Target, ...], rest: Booleans, cuts: Surfaces | None
) -> States:
    """The states with these wells, whose potentials are solved for on the ``rest`` (N,)."""
    exponent, single = generator.exponent, [np.arange(len(generator.exponent)) == well for well in wells]
    members = [*single, *(target.members for target in targets)]
    if cuts is not None:
        # wells that were added have no surface
        beside = [own | around for own, around in zip(members, cuts.to, strict=False)]
        members = beside + members[len(cuts.to) :]
    near = generator.discretization.touching(rest)
    # the scale of a target is that of its surface: what lies deep within takes no part
    surfaces = [own & near if (own & near).any() else own for own in members]
    lowest = [int(np.flatnonzero(surface)[np.argmin(exponent[surface])]) for surface in surfaces]
    exponents = exponent[lowest]
    ones = _scaled_ones(exponent, surfaces, exponents)
    given, references = ones, np.ones(len(members))
    origins = surfaces if cuts is None else _came_from(single, cuts, near)
    if cuts is not None:
        given = _scaled_ones(exponent, origins, exponents)
    profiles = [None] * len(wells) + [target.profile for target in targets]
    if any(profile is not None for profile in profiles):
        given = given.copy()
        for state, (origin, profile) in enumerate(zip(origins, profiles, strict=True)):
            if profile is not None:
                references[state] = profile[lowest[state]]
                given[state, origin] *= profile[origin] / references[state]
    return States(wells, targets, exponent, tuple(members), tuple(surfaces), ones, given, exponents, references)


def _scaled_ones(exponent: Floats, sets: list[Booleans], levels: Floats) -> Floats:
    """exp(-(psi - level)/2) on each of the sets, zero elsewhere, (n, N)."""
    values = np.zeros((len(sets), len(exponent)))
    for state, (chosen, level) in enumerate(zip(sets, levels, strict=True)):
        values[state, chosen] = np.exp(-0.5 * (exponent[chosen] - level))
    return values


def _came_from(single: list[Booleans], cuts: Surfaces, near: Booleans) -> list[Booleans]:
    """For every state the unknowns that the process has come to from there."""
    known = len(cuts.to)
    beside = [well | around for well, around in zip(single, cuts.came[:known], strict=False)]
    return beside + single[known:] + [members & near for members in cuts.came[known:]]
