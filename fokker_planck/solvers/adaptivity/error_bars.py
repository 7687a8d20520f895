"""How far an answer can be from the truth: by the difference to another degree, and never less than it may hide.

The error of the higher of two degrees is a small part of that of the lower, so that their difference is nearly the
error and the bar nearly three times it.
"""

from __future__ import annotations

import warnings

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.cell_map import quadrature
from fokker_planck.fem.indicator import errors_of_all, slope_shares
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.adaptivity.answer_types import Answer, Kept
from fokker_planck.solvers.adaptivity.corners import corner_safety
from fokker_planck.solvers.adaptivity.prescribed_mesh import REMEDY, WORST

HIGHER = {1: 2, 2: 1, 3: 1}
"""Degrees more by which an answer is verified: on a line two cost next to nothing, in space one takes three times the
factorisation."""
WORST_ERROR = 0.1
"""Of a number, beyond which it is refused: not a digit of it would be known."""
SAFETY = 3.0
"""By what the difference to a higher degree is multiplied: that covers the error of the lower one where a degree
divides it by 1.5 or more, and most bars come out three times the error."""
LEAST_OF_LESS = 1.0
"""Times the difference to a degree less, at least: that is three times the error where a degree divides it by four, and
the error itself where it divides it by two."""
LEAST_BY_LESS = {1: 1.0, 2: 1.0, 3: 0.003}
"""Of the error that the indicator predicts, the bar by a degree less at least: where a mesh is coarse the lower degree
may be the better one by chance. Rotated quartic well in a ball: 3.6e-7 off, 1.7e-7 apart, 9.7e-7 predicted."""
ALONE = 0.1
"""Of that error, the bar in the plane at least where no degree less is asked beside the higher one, since its bar would
be all of it: of committors, rates, gaps and times of the rotated quartic well at barriers of 50 to 500 an answer of
degree 6 was off by a twentieth to a sixtieth, weights by less."""
BY_CHANCE = 0.1
"""Of the tolerance, up to which three times what the indicator predicts is in a bar by a degree less in space: of
Brownian motion out of a ball, from 61 places, two degrees agreed to a thirtieth of the error once and to three quarters
of it in two more, and the error was up to 2.4 of what is predicted. Meshes go by the rest of the tolerance: no cell."""
LEAST_SHARE = {1: 0.03, 2: 0.003, 3: 0.003}
"""Of the error that the indicator predicts, which is within a factor of five on most meshes: the bar where two degrees
agree by chance, and lost in it where they do not. On a line, where it costs nothing: an exit 7.9e-9 off was 1.3e-9 from
what two degrees more say, as its error was small by chance, and 4.9e-7 predicted."""
LEAST_SHARE_OF_DEGENERATE = 0.1
"""The same where noise vanishes in some direction: there the error does not fall steadily with the degree (rates of
the quartic well at a barrier of 25, one mesh, degrees 5 to 10: 6e-4, 1.4e-5, 1.3e-5, 6e-7, 2e-7, 1e-7). At 1e-3 and
1e-2 predicted two degrees agreed to 1e-6 and 2e-5 where both were wrong by 1.3e-5 and 1.3e-4. Of 20 meshes the error
was 0.01 to 0.2 of what is predicted, so that this is seldom the larger bar; it has coarse meshes refined once more."""
LEAST_PREDICTABLE = 3
"""Degree from which on the indicator, which compares pairs of degrees, is asked; below it every mesh is verified."""
MORE_OF_LEAST = {1: 2, 2: 2, 3: 1}
"""Degrees more by which degrees below that are verified, whose meshes nothing else keeps from being too coarse: a mean
time on 28 cells around a corner of 315 degrees, near the start, was 8.6e-3 off with degree 2, 7.1e-3 with 3, 2.9e-3
with 4."""
UNMOVED = 0.8
"""Of an error, which a bisection of all cells leaves where it is rounding; at a corner of exponent 1/2 0.7."""

MORE_OF_RULE = {1: 60, 2: 12, 3: 6}
"""Degrees more of the rule by which an answer is verified where coefficients may not be analytic: where V is like
|x|^1.5 a rule of n points errs like n^-5, and two degrees more alone, 27 points for 25, left 1.8 times the bar on a
line, 7 times in the plane, which is 0.3 and 0.4 now. On a line it costs nothing, in the plane a tenth of the time."""
LARGEST_RULE = 15
"""Degree of a rule in space up to which it is no product of rules on lines: 214 points, and 729 from there on."""
TWICE = 2.0
"""Times the points of a rule, with which another shows its error: those along an axis by a quarter more, and what is
left of a kink by 0.6, so that three times the difference is more than the error. For degrees 3 and 4, with 74 points,
it is the rule of degree 15 in place of 18 and its 1,000: under noise that follows a Hessian a committor was verified in
26 s of CPU in place of 43, with the same bars to four digits."""


def predicted_errors(current: Answer, exponents: Floats | None = None) -> tuple[Floats, Floats]:
    """Estimated error in every cell, of all modes together, and of every number, (k,).

    Given ``exponents`` (cells of this rank,), of the cells alone where they are finite: at corners.
    """
    if exponents is None and current.predicted is not None:
        return current.predicted
    distinct = {id(modes): modes for modes in current.modes}
    errors = errors_of_all(current.generator, list(distinct.values()), exponents)
    parts, keys = dict(zip(distinct, errors, strict=True)), _entries(current)
    if keys is None:
        indicator = np.sum(list(parts.values()), axis=0)
        return indicator, np.full(len(current.numbers), indicator.sum())
    weights = dict.fromkeys(parts, 1.0)
    if current.weights is not None:
        # what several numbers rest on counts as much as that which counts most
        weights = dict.fromkeys(parts, 0.0)
        for each, weight in zip(keys, current.weights, strict=True):
            weights |= {key: max(weights[key], float(weight)) for key in each}
    indicator = np.sum([weights[key] * part for key, part in parts.items()], axis=0)
    return indicator, np.array([sum(parts[key].sum() for key in each) for each in keys])


def _entries(current: Answer) -> list[list[int]] | None:
    """The identities of the modes that every number stands for; None where all modes concern all numbers."""
    if current.rests_on is None and len(current.modes) != len(current.numbers):
        return None
    entries = current.rests_on or [[k] for k in range(len(current.numbers))]
    return [[id(current.modes[k]) for k in each] for each in entries]


def shares_of_numbers(current: Answer) -> Floats | None:
    """What slopes in every cell are to every number, (k, cells), see :func:`slope_shares`; None where that is unknown.

    Of a density in time what counts is its distance from another.
    """
    distinct = {id(modes): modes for modes in current.modes}
    if not distinct or any(mode.against is not None for modes in distinct.values() for mode in modes):
        return None
    parts = {key: slope_shares(current.generator, modes) for key, modes in distinct.items()}
    keys = _entries(current)
    if keys is None:
        keys = [list(parts)] * len(current.numbers)
    return np.array([np.sum([parts[key] for key in each], axis=0) for each in keys])


def degrees_more(dimension: int, degree: int) -> int:
    """By how many degrees more an answer of this ``degree`` is verified.

    >>> degrees_more(2, 2), degrees_more(2, 6)
    (2, 1)
    """
    return HIGHER[dimension] if degree >= LEAST_PREDICTABLE else MORE_OF_LEAST[dimension]


def rule_beyond(dimension: int, answered: int, rule: int) -> int:
    """Degree of a rule that verifies functions which may not be analytic, for elements that have this ``rule``.

    ``answered`` is that of the answer itself.

    >>> rule_beyond(3, 10, 12), rule_beyond(3, 12, 14)
    (15, 20)
    """
    most = rule + MORE_OF_RULE[dimension]
    if dimension < 3 or not rule < LARGEST_RULE < most:
        return most
    many, few = (len(quadrature(dimension, degree)[1]) for degree in (LARGEST_RULE, answered))
    return LARGEST_RULE if many >= TWICE * few else most


def bars_by(kept: Kept, others: Numbers) -> Floats:
    """Relative error of every number of an answer, (k,), by those of another degree on the same mesh.

    At a corner it falls slowly with the degree, by a power that the angle tells.  Should the two agree by chance, what
    :func:`least_bars` says remains.  Infinite where there are not as many numbers.
    """
    return _bars(kept, others, safety_of(kept))


def bars_by_rule_and_degree(kept: Kept, same: Numbers, others: Numbers) -> Floats:
    """The same by the numbers of this degree, the ``same``, and of a higher one, ``others``, both by a finer rule.

    Where a coefficient has a kink or a cone inside of a cell both errors fall slowly, and may have opposite signs:
    around V = |r - 1|, a cone at the origin, the rule left 1.6e-8 of an exit time and degree 6 -2.7e-8; degree 8 by the
    finer rule left -1.16e-8, what 6 by its own did, -1.1e-8, and the bar was 2.0e-9.
    """
    if not len(same) == len(others) == len(kept.numbers):
        return np.full(len(kept.numbers), np.inf)
    apart = np.abs(np.expm1(kept.numbers - same)) + np.abs(np.expm1(same - others))
    return np.asarray(safety_of(kept) * apart)


def bars_by_less(kept: Kept, lower: Numbers, predicted: Floats) -> Floats:
    """The same by the numbers of a degree less, whose error is most of the difference.

    If a degree multiplies the error by r, that of this answer is r/(1 - r) of the difference to a lower one and
    1/(1 - r) of that to a higher one: one less, and covered up to the same r.  At corners r grows with the degree.
    Elsewhere the indicator tells r, by what it has ``predicted`` (k,) of the lower degree on the same mesh: three times
    r/(1 - r) is asked, and never less than the difference itself, so that r may be twice what it is said to be.  Where
    the difference is more than the indicator says of the lower degree it is not believed about r either.  What it
    predicts of this answer is in the bar, too, see ``LEAST_BY_LESS``.
    """
    most = safety_of(kept) - 1.0
    least = LEAST_BY_LESS[kept.discretization.triangulation.dimension] * kept.predicted
    if kept.slowest < np.inf or len(predicted) != len(kept.predicted):
        return np.maximum(_bars(kept, lower, most), least)
    ratio = np.clip(kept.predicted / np.maximum(predicted, 1e-300), 0.0, 0.5)
    factor = np.clip(SAFETY * ratio / (1.0 - ratio), LEAST_OF_LESS, most)
    if len(lower) == len(kept.numbers):
        factor = np.where(np.abs(np.expm1(kept.numbers - lower)) > predicted, most, factor)
    return np.maximum(_bars(kept, lower, factor), least)


def beyond_less(predicted: Floats, weights: Floats | None, enough: float) -> bool:
    """Whether a degree less leaves a bar in the plane that is not ``enough``, and what is ``predicted`` (k,) no other.

    >>> [beyond_less(np.array([predicted]), None, 1e-6) for predicted in (5e-7, 5e-6, 5e-5)]
    [False, True, False]
    """
    worst = float(((1.0 if weights is None else weights) * predicted).max(initial=0.0))
    return LEAST_BY_LESS[2] * worst > enough >= ALONE * worst


def by_chance(kept: Kept, tolerance: float) -> Floats:
    """What remains of a bar by a degree less in space should the two agree by chance, (k,), see ``BY_CHANCE``."""
    return np.minimum(SAFETY * kept.predicted, BY_CHANCE * tolerance)


def expected_by_less(kept: Kept, lower: Numbers, predicted: Floats) -> Floats:
    """What the error of every number is, (k,), if a degree less tells: r/(1 - r) of the difference to it.

    With r of the indicator, as in :func:`bars_by_less`, but without any safety.  Without detailed balance errors have
    both signs: in a ball an eigenvalue was 1.9e-6, 4.6e-8 and 4.0e-8 off with degrees 5, 6 and 7, and 3 times the last
    difference 1.6e-8; this is 1.3e-7 there.  Zero where corners tell r, or there are not as many numbers.
    """
    if kept.slowest < np.inf or len(predicted) != len(kept.predicted) or len(lower) != len(kept.numbers):
        return np.zeros(len(kept.numbers))
    ratio = np.clip(kept.predicted / np.maximum(predicted, 1e-300), 0.0, 0.5)
    return np.asarray(ratio / (1.0 - ratio) * np.abs(np.expm1(kept.numbers - lower)))


def _bars(kept: Kept, others: Numbers, safety: float | Floats) -> Floats:
    if len(others) != len(kept.numbers):
        return np.full(len(kept.numbers), np.inf)
    difference = np.abs(np.expm1(kept.numbers - others))
    return np.asarray(np.maximum(safety * difference, least_bars(kept)))


def least_bars(kept: Kept) -> Floats:
    """What remains of the error should two answers agree by chance, (k,): a share of what the indicator predicts.

    At corners all that is predicted there: an error of another sign elsewhere can hide in the difference, of which the
    corner shows a part only, what shows of the corner, and no more of its error.
    """
    predictable = kept.discretization.degree >= LEAST_PREDICTABLE
    share = kept.least_share * kept.predicted if predictable else np.zeros(len(kept.predicted))
    return np.asarray(np.maximum(np.maximum(share, kept.at_corners), kept.rounding))


def safety_of(kept: Kept) -> float:
    """By what the difference to a higher degree is multiplied."""
    exponent, degree = kept.slowest, kept.discretization.degree
    more = degrees_more(kept.discretization.triangulation.dimension, degree)
    return max(SAFETY, corner_safety(degree, more, exponent)) if exponent < np.inf else SAFETY


@dataclass(frozen=True)
class Standstill:
    """Bars (k,) ``held`` from so many meshes in a row of which none made them less, though all cells were bisected.

    What that makes no less is rounding, and comes out small by chance at times.
    """

    count: int = 0
    held: Floats = field(default_factory=lambda: np.zeros(0))
    least: float = np.inf

    def then(self, kept: Kept, errors: Floats) -> Standstill:
        """With the bars (k,) of the next mesh."""
        stands = kept.worst(errors) > UNMOVED * self.least
        held = np.maximum(self.held, errors) if stands and len(self.held) == len(errors) else errors
        return Standstill(self.count + 1 if stands else 0, held, min(self.least, kept.worst(held)))


def warn_of_coarseness(error: float) -> None:
    """Say that a prescribed mesh is too coarse for the first digit; refuse where it tells nothing at all."""
    message = f"the prescribed mesh is so coarse that the relative error can be {error:.1g}"
    if not error < WORST:
        raise ConvergenceError(message, REMEDY)
    if error > WORST_ERROR:
        warnings.warn(f"{message}; {REMEDY}", stacklevel=3)


def warn_or_refuse(error: float, tolerance: float) -> None:
    """Say that the tolerance was missed; raise ``ConvergenceError`` where hardly a digit is known."""
    message = f"the finest mesh allowed reaches a relative error of {error:.1e}, not the tolerance of {tolerance:.1e}"
    if not error < WORST_ERROR:
        raise ConvergenceError(message, "more noise, a smaller domain, or a smoother potential")
    warnings.warn(message, stacklevel=3)
