"""What a question answers on one mesh, and what the adaptive loop keeps of it and makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode
from fokker_planck.solvers.corners import Corners
from fokker_planck.solvers.results import Statistics


class AnyAnswer(Protocol):
    """What the loop needs of an answer: natural logarithms of what is reported, (k,), and how much they weigh.

    ``weights`` (k,), at most one, lower the accuracy asked of some numbers.  The ``payload`` travels along.
    """

    @property
    def absorbed(self) -> Booleans | None:
        """Unknowns at which the process is stopped, (N,); None where it is nowhere."""

    @property
    def numbers(self) -> Any:
        """Natural logarithms, complex for complex numbers."""

    @property
    def payload(self) -> Any:
        """Whatever the question wants to keep."""

    @property
    def weights(self) -> Floats | None:
        """Of the numbers, (k,)."""


AnAnswer = TypeVar("AnAnswer", bound=AnyAnswer)
AnyAnswerIn = TypeVar("AnyAnswerIn", bound=AnyAnswer, contravariant=True)


class Predict(Protocol[AnyAnswerIn]):
    """Estimated error of an answer in every cell, and of every number (k,)."""

    def __call__(self, answer: AnyAnswerIn, exponents: Floats | None = None, /) -> tuple[Floats, Floats]:
        """Given ``exponents`` (cells of this rank,), of the cells alone where they are finite: at corners."""


@dataclass(frozen=True)
class Answer:
    """An answer in detailed balance, see :class:`AnyAnswer`.

    ``modes`` are the functions that must be resolved, cell by cell as :func:`energy_errors` takes them: for each number
    those that it stands for, or fewer entries that concern all numbers.
    """

    numbers: Floats
    payload: Any
    generator: Generator
    modes: Sequence[Sequence[Mode]]
    weights: Floats | None = None
    absorbed: Booleans | None = None


@dataclass(frozen=True)
class Outcome:
    """The answer on the finest discretisation, with an estimate of the relative error of every number, (k,)."""

    numbers: Any
    errors: Floats
    payload: Any
    discretization: Discretization
    statistics: Statistics


@dataclass(frozen=True)
class Kept:
    """What stays of an answer: without the matrices, of which those of a higher degree need the room."""

    numbers: Any
    payload: Any
    weights: Floats | None
    absorbed: Booleans | None
    corners: Corners
    at_corners: Floats
    slowest: float
