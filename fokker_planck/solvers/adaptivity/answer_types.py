"""What a question answers on one mesh, and what the adaptive loop keeps of it and makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode
from fokker_planck.formulas.arrays import Booleans, Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.corners import Corners
from fokker_planck.solvers.results.steady import Statistics


@dataclass(frozen=True)
class Answer:
    """An answer on one mesh: natural logarithms of what is reported, (k,), complex for complex numbers.

    ``modes`` are the functions that must be resolved, cell by cell as :func:`energy_errors` takes them: for each number
    those that it stands for, or fewer entries that concern all numbers; ``rests_on`` lists the entries of each number
    where it stands for several with duals, whose errors add up.  ``weights`` (k,) lower the accuracy asked of some
    numbers, those above one raise it.  ``absorbed`` (N,) are the unknowns at which the process is stopped, None
    where it is nowhere.  ``slowest`` is the least exponent of singular functions that no corner tells.  ``least_share``
    is that of the predicted error below which no bar is, if not the usual one.  ``rounding`` (k,) is what this mesh has
    of it in every number, where that is not the same on all.  ``more`` is by how many degrees it is verified at least.
    ``predicted`` are the errors that the indicator tells, by cell and by number, where it was asked already.
    The ``payload`` travels along.
    """

    numbers: Numbers
    payload: Any
    generator: Generator
    modes: Sequence[Sequence[Mode]]
    weights: Floats | None = None
    absorbed: Booleans | None = None
    slowest: float = np.inf
    least_share: float | None = None
    rounding: Floats | None = None
    more: int = 0
    predicted: tuple[Floats, Floats] | None = None
    rests_on: Sequence[Sequence[int]] | None = None


Ask = Callable[[Discretization], Answer]


@dataclass(frozen=True)
class InSteps:
    """A question whose numbers take long beside what the indicator rests on: as an :data:`Ask` it does all of it.

    ``begun`` answers with numbers that tell how much each counts, and are not reported; ``ended`` makes of its payload
    the numbers and the payload that are, once a mesh is to be verified.
    """

    begun: Ask
    ended: Callable[[Any], tuple[Numbers, Any]]

    def __call__(self, discretization: Discretization) -> Answer:
        """The whole answer."""
        first = self.begun(discretization)
        numbers, payload = self.ended(first.payload)
        return replace(first, numbers=numbers, payload=payload)


@dataclass(frozen=True)
class Outcome:
    """The answer on the finest discretisation, with an estimate of the relative error of every number, (k,)."""

    numbers: Numbers
    errors: Floats
    payload: Any
    discretization: Discretization
    statistics: Statistics


@dataclass(frozen=True)
class Kept:
    """What stays of an answer on one mesh: without the matrices, of which those of a higher degree need the room.

    ``indicator`` is its estimated error in every cell, ``predicted`` that of every number, (k,), and ``at_corners``
    that of the cells at ``corners`` alone; ``slowest`` is the least exponent there.  ``shares`` (k, cells) are what
    slopes in every cell are to every number, where coefficients may be rough, in space.  ``unended`` makes the numbers
    and the payload that are reported where these have only begun, see :class:`InSteps`.
    """

    discretization: Discretization
    numbers: Numbers
    payload: Any
    weights: Floats
    indicator: Floats
    predicted: Floats
    corners: Corners
    at_corners: Floats
    slowest: float
    least_share: float
    rounding: Floats | float = 0.0
    more: int = 0
    shares: Floats | None = None
    unended: Callable[[Any], tuple[Numbers, Any]] | None = None

    @property
    def ended(self) -> Kept:
        """The same with the numbers that are reported."""
        if self.unended is None:
            return self
        numbers, payload = self.unended(self.payload)
        return replace(self, numbers=numbers, payload=payload, unended=None)

    def worst(self, errors: Floats) -> float:
        """The largest of the errors (k,) of its numbers, each as much as it counts.

        Of one that counts less, all of it at the most: what is next to nothing, an early density of 1e-12 say, may be
        1e4 times as much on a coarse mesh, and would have all others refined for it.
        """
        beyond = (self.weights < 1.0) & np.isfinite(errors)
        return float((self.weights * np.where(beyond, np.minimum(errors, 1.0), errors)).max(initial=0.0))
