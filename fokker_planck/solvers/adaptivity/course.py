"""What the meshes of an answer have told so far, and which of them is reported where no finer one helps."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.adaptivity.answer_types import Kept
from fokker_planck.solvers.adaptivity.beginning import Beginning
from fokker_planck.solvers.adaptivity.error_bars import SAFETY, Standstill, warn_or_refuse

STAGNATION = 0.5
"""Of a verified error, left by a mesh on which the indicator expected less than the tolerance: where more is left it
does not see where the error is, and all cells are bisected from then on."""
FLAT, STALLED = 1e-9, 100.0
"""Where rounding in flat cells, estimated, is beyond ``FLAT``, a bar below ``STALLED`` times that which the next mesh
does not lower is of rounding: three bars of 1.1e-6, 2.4e-6 and 2.6e-6 came of 9e-8, for the time to cross 1 by 1e4."""
MOST_STALLS = 3
"""Of the error in a row, after which it is reported as it is: each takes twice the unknowns of the one before."""
OF_ROUNDING = 2.0 * SAFETY
"""Times the rounding of one answer, what the bar is that comes of it alone: two of them are compared."""
WORSE = 2.0
"""Times the bar of the best mesh, from which on that is shown."""
MOST_LOST = 3
"""Meshes on which a number is zero or none, after which it is refused: the first ones may be too coarse for it. A rate
of zero that was none took 37 s of CPU until no finer mesh was allowed."""
LOST_REMEDY = "more noise, a lower barrier, or coefficients that vary less from place to place"


@dataclass(frozen=True)
class Course:
    """What the meshes so far have told, ``level`` of them.

    ``excess`` is the error last verified over that which was expected there, ``foreseen`` what the indicator says of
    the last mesh, times that, ``verified`` the last verified error, and ``expected`` what is known best.
    ``risen`` counts meshes in a row for which the indicator itself says more, or that have more rounding than the best
    one has error in all, and ``best`` was verified with the least
    errors, ``best_errors``; it is ``shown`` where finer meshes are worse.
    ``everywhere`` says that the indicator does not see where the error is.  ``errors`` are those to be reported, once
    no finer mesh is to come.
    """

    level: int = 0
    excess: float = 1.0
    foreseen: float = np.inf
    verified: float = np.inf
    expected: float = np.inf
    everywhere: bool = False
    standstill: Standstill = field(default_factory=Standstill)
    errors: Floats | None = None
    predicted: float = np.inf
    risen: int = 0
    best: Kept | None = None
    best_errors: Floats = field(default_factory=lambda: np.zeros(0))
    shown: Kept | None = None

    def with_prediction(self, kept: Kept, tolerance: float) -> Course:
        """With what the indicator says of one mesh more; what it says before it sees anything may rise, too.

        Raises ``ConvergenceError`` where a number has been lost on every mesh.
        """
        if self.level + 1 >= MOST_LOST and not np.isfinite(kept.numbers).all():
            raise ConvergenceError(f"a number is lost in rounding on {self.level + 1} meshes", LOST_REMEDY)
        predicted, rounding = kept.worst(kept.predicted), rounding_of(kept)
        rounded = self.best is not None and rounding > self.best.worst(self.best_errors)
        # where rounding counts it is in the indicator, too
        settled = predicted <= tolerance or (self.best is not None and bool(np.any(kept.rounding)))
        risen = rounded or (settled and self.predicted < predicted)
        return replace(self, predicted=predicted, risen=self.risen + 1 if risen else 0)


def refuse_unknown(errors: Floats) -> None:
    """Raise ConvergenceError where nothing is known of the error of a number, whatever that counts."""
    if not np.isfinite(errors).all():
        raise ConvergenceError("nothing is known of the error of a number", LOST_REMEDY)


def rounding_of(kept: Kept) -> float:
    """The most that one mesh has of it in any number."""
    return kept.worst(np.broadcast_to(kept.rounding, kept.weights.shape))


def shown(course: Course, tolerance: float) -> Course:
    """The end of a course at its best mesh, which does not reach the tolerance."""
    assert course.best is not None
    warn_or_refuse(course.best.worst(course.best_errors), tolerance)
    return replace(course, errors=course.best_errors, shown=course.best)


def after_verification(
    first: Beginning, kept: Kept, course: Course, errors: Floats, tolerance: float, exhausted: bool
) -> Course:
    """The course once the ``errors`` of a mesh are known: to be reported, or to go on from."""
    # of two numbers that are both zero there is no relative difference
    errors, standstill = np.where(np.isnan(errors), np.inf, errors), course.standstill
    if course.everywhere:
        standstill = standstill.then(kept, errors)
        errors = standstill.held
    before, verified = course.verified, kept.worst(errors)
    if course.best is None or verified < course.best.worst(course.best_errors):
        course = replace(course, best=kept, best_errors=errors)
    assert course.best is not None
    # of flat cells rounding is left, which finer ones do not mend
    flat = first.least_error > FLAT and before <= verified <= STALLED * first.least_error
    rounding = rounding_of(kept)
    rounded = tolerance < rounding and verified <= OF_ROUNDING * rounding
    exhausted |= standstill.count >= MOST_STALLS or flat or rounded
    if verified > tolerance and exhausted:
        least = course.best.worst(course.best_errors)
        if verified > WORSE * least:
            return replace(shown(course, tolerance), standstill=standstill, verified=verified)
        warn_or_refuse(verified, tolerance)
    return replace(
        course,
        excess=verified / max(course.expected, 1e-300),
        verified=verified,
        expected=verified,
        # the indicator does not see where the error is
        everywhere=course.everywhere or verified > STAGNATION * before,
        standstill=standstill,
        errors=errors if verified <= tolerance or exhausted else None,
    )
