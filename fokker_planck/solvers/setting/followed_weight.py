"""The weight of a density that nobody knows: followed once, and used again as far as it reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.reference_exponent import FollowedWeight, Weighting
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.grids.spline import zero_on
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.classify import Kinetics, UnknownDensity
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.reference_density.degenerate_exponent import guesses as degenerate_guesses
from fokker_planck.solvers.reference_density.falling_noise import typical_rate
from fokker_planck.solvers.reference_density.followed_exponent import LEAST_MARGIN, Needed, Question, followed_exponent
from fokker_planck.solvers.reference_density.grid_chain import agreed_exponent, rough_exponent
from fokker_planck.solvers.reference_density.steepened_exponent import steepened_exponent
from fokker_planck.solvers.setting.energy_cutoff import EnergyCutoff
from fokker_planck.solvers.setting.error_budget import budget_of

HIGHER = 1.0
"""Units of epsilon above its cutoff to which a density that was followed serves another question: it was found to be
known to six above the saddles at least, and samples of a domain on which cutoffs are found differ by a few tenths."""


FEW_PER_AXIS = 49
"""Points of a grid on which a chain gives a first exponent at much more noise: 33 take 5 ms, these 9, 97 take 50."""


@dataclass(frozen=True)
class Hotter:
    """D times a number for the noise of a process whose b - div D stays as it is, as in ``FollowedWeight``."""

    field: Any
    noise: float

    def tensor(self, x: Floats) -> Floats:
        """At points (dim, n), (dim, dim, n)."""
        return np.asarray(self.noise * self.field.tensor(x))

    def divergence(self, x: Floats) -> Floats:
        """That of D itself."""
        return np.asarray(self.field.divergence(x))


@dataclass(frozen=True)
class Followed:
    """A weight, up to what height its density was followed, and in the wells at which places (K, dim)."""

    weight: FollowedWeight
    ceiling: float
    places: Floats

    def serves(self, places: Floats, cutoff: EnergyCutoff) -> bool:
        """Whether another question needs it no higher and in no other wells, the ``places`` (K, dim) that count."""
        height, counted = cutoff(self.weight)
        known = {tuple(place) for place in self.places.tolist()}
        return height <= self.ceiling + HIGHER and known.issuperset(map(tuple, places[counted].tolist()))


def followed_weight(
    problem: Problem,
    kind: Kinetics,
    wells: tuple[Floats, EnergyCutoff],
    mesh: Callable[[], Triangulation],
    before: Sequence[Followed],
) -> FollowedWeight:
    """The weight of a density that is not known: of a chain on a grid in space, if two of these agree, or followed.

    In the plane such a chain is asked where following fails: it can be off by more, but loses nothing.  What was
    followed ``before`` for other questions is it, where it reaches as far, and a first guess elsewhere.

    Parameters
    ----------
    problem
        with the process.
    kind
        of it.
    wells
        the places of attractors, (K, dim), and what tells which of them count, and how high.
    mesh
        a coarse one of the domain.
    before
        for other questions about the process.
    """
    places, cutoff = wells
    for known in before:
        if known.serves(places, cutoff):
            return known.weight
    process, dimension = problem.process, problem.dimension
    drift, field = ItoDrift(process, dimension), process.field(dimension)
    box, periods = problem.bounding_box(), problem.periods
    guesses: list[Any] = [known.weight.exponent for known in before]
    guesses += [kind.guess] if isinstance(kind, UnknownDensity) and kind.guess is not None else []
    if dimension == 3 and not is_degenerate(problem):
        chained, agreed = agreed_exponent(
            drift, field, box, periods, problem.contains, lambda psi: cutoff(FollowedWeight(psi, drift, field))[0]
        )
        if agreed and chained is not None:
            return FollowedWeight(chained, drift, field)
        guesses += [] if chained is None else [chained]
    spare = max(0.0, LEAST_MARGIN - budget_of(problem).cutoff_of_flow)
    flat = zero_on(box[0], box[1], [period is not None for period in periods])
    whole = FollowedWeight(flat, drift, field)

    def needed(now: Weighting) -> Needed:
        height, counted = cutoff(now, roughly=True)
        return Needed(height + spare, np.asarray(places[counted]))

    asked = Question(whole, mesh(), needed, typical_rate(whole))
    if is_degenerate(problem):
        return FollowedWeight(steepened_exponent(asked, degenerate_guesses(problem)), drift, field)

    def of_a_chain(noise: float) -> Any:
        if dimension != 2:
            return None
        hotter, count = (field, None) if noise == 1.0 else (Hotter(field, noise), FEW_PER_AXIS)
        return rough_exponent(drift, hotter, box, periods, problem.contains, count)

    return FollowedWeight(followed_exponent(asked, guesses, of_a_chain), drift, field)
