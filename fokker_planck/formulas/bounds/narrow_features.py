"""Boxes within which a formula is nearly a quadratic: no well and no spike of it is narrower than they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.branches import Branch, smooth_branches
from fokker_planck.formulas.bounds.intervals import enclosed, run_intervals
from fokker_planck.formulas.bounds.level_boxes import halved
from fokker_planck.formulas.expression import Expression, joint_tape
from fokker_planck.formulas.parsing.tape import BLOCK
from fokker_planck.quantity.light_dataclasses import dataclass

# A box counts as seen where Phi is proved to differ by no more than this, in units of epsilon, from a quadratic or a
# constant: a Gaussian well of depth 2 is then cut into boxes of about a third of its width.
SEEN = 0.1
# At a kink, which meshes follow anyway, Phi may change by so much.
SEEN_AT_KINKS = 4.0
# Boxes an axis to begin with, by dimension: fewer than any potential needs in the end.
FIRST = {1: 16, 2: 8, 3: 4}
# What rounding leaves of Phi, and less, is not asked for.
LEAST = 1e-9
# Boxes in all, a second or two of work. Beyond it boxes as wide as the samples are left to these, others refused.
MOST_BOXES = 200_000
MOST_PROVED = {1: MOST_BOXES, 2: MOST_BOXES, 3: 2_500_000}
"""Where none are left to samples, so that beyond it a formula is refused: four smooth wells of 30 units of epsilon in
space take 235,000, and 1.7 s of CPU, a quintic of 200 units and parabolas along two axes 1,230,000 and 1.3."""
# Boxes are not split below this part of the domain: no mesh follows.
SMALLEST = 1e-12
Importance: TypeAlias = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class SeenBoxes:
    """Centres (dim, n) and edges (dim, n) of boxes that cover where the formula is below a height.

    ``size`` (n,) is about the longest edge with which Phi would differ by 0.1 from a quadratic around there.
    """

    centres: Floats
    edges: Floats
    size: Floats


def seen_boxes(
    formula: Expression,
    scale: float,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    highest: float = np.inf,
    sampled: float = 0.0,
    tolerance: float = np.inf,
    importance: Importance | None = None,
    most: float = SEEN,
) -> SeenBoxes:
    """Boxes on which Phi = ``scale`` f is a quadratic up to ``most``, found by halving; not where Phi > ``highest``.

    By Taylor's formula Phi differs from a quadratic by at most sum_ij |H_ij - H_ij(c)| r_i r_j / 2 in a box of half
    edges r, which bounds of the second derivatives show. ``sampled`` is the spacing of samples: boxes as wide as that
    are not split when there are too many. With a ``tolerance`` what may be unseen in a box, times the share of the box
    in all that has ``importance`` (between 0 and 1, from the bounds of Phi), is no more than that either.

    Raises ConvergenceError that names the place where boxes narrower than ``sampled`` have no end.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> formula = parse_expression("x**2/2 - exp(-((x - 0.3)/1e-6)**2)")
    >>> found = seen_boxes(formula, 20.0, [-1.0], [1.0])
    >>> bool(found.size.min() < 1e-6), bool(abs(found.centres[0, found.size.argmin()] - 0.3) < 3e-6)
    (True, True)
    """
    start, stop = np.atleast_1d(np.asarray(lower, dtype=float)), np.atleast_1d(np.asarray(upper, dtype=float))
    asked = _Asked(scale, start, stop, highest, sampled, tolerance, importance, most)
    parts = [_of_smooth(branch, asked) for branch in smooth_branches(formula)]
    return SeenBoxes(
        np.concatenate([part.centres for part in parts], axis=1),
        np.concatenate([part.edges for part in parts], axis=1),
        np.concatenate([part.size for part in parts]),
    )


@dataclass(frozen=True)
class _Asked:
    """What :func:`seen_boxes` is asked for, of every smooth part of a formula alike."""

    scale: float
    start: Floats
    stop: Floats
    highest: float
    sampled: float
    tolerance: float
    importance: Importance | None
    most: float

    @property
    def extent(self) -> Floats:
        """Of the domain, (dim,)."""
        return self.stop - self.start

    @property
    def most_boxes(self) -> int:
        """Beyond which boxes are left to samples, or where there are none the formula is refused."""
        return MOST_PROVED[len(self.start)] if (self.sampled >= self.extent).all() else MOST_BOXES

    def judged(self, branch: Branch, below: Floats, above: Floats) -> _Bounds:
        """The boxes from ``below`` to ``above`` (dim, n)."""
        found = _judged(branch.formula, self.scale, below, above, self.highest, self.most)
        return _Bounds(*found, self.highest, branch.reaches(below, above))

    def allowed(self, bounds: _Bounds, edges: Floats, counted: float) -> tuple[Floats, float]:
        """What may be unseen in every box, (n,), and what the boxes that are done count from then on."""
        if self.importance is None:
            return bounds.limit, counted
        part = np.prod(edges / self.extent[:, None], axis=0)
        share = np.where(bounds.matters, self.importance(bounds.low, bounds.high) * part, 0.0)
        whole = counted + float(share.sum())
        allowed = np.minimum(bounds.limit, np.maximum(self.tolerance * whole / np.maximum(share, 1e-300), LEAST))
        return allowed, counted + float(share[bounds.unseen <= allowed].sum())


@dataclass(frozen=True)
class _Bounds:
    """Of Phi in boxes, (n,) each: ``low`` and ``high``, what of its change may be ``unseen``, the ``limit`` of that.

    ``reached`` (n,) are those in which the formula is Phi anywhere.
    """

    low: Floats
    high: Floats
    unseen: Floats
    limit: Floats
    highest: float
    reached: Booleans

    @property
    def matters(self) -> Booleans:
        """Boxes that reach below the highest Phi that is looked at."""
        return np.asarray(self.reached & ~(self.low > self.highest) & ~np.isnan(self.low))


def _of_smooth(branch: Branch, asked: _Asked) -> SeenBoxes:
    formula = branch.formula
    below, above = _first_boxes(asked.start, asked.stop)
    done: list[tuple[Floats, Floats, Floats]] = []
    total, counted = 0, 0.0
    while below.shape[1]:
        total += below.shape[1]
        edges = above - below
        bounds = asked.judged(branch, below, above)
        if total > asked.most_boxes:
            # what only the tolerance asks for is left to the degrees of the solver, which see the rest of a quadratic
            narrow = (edges.max(axis=0) < asked.sampled) & bounds.matters & (bounds.unseen > bounds.limit)
            _refuse_any(narrow, formula, below, above)
            done.append((below, above, edges.max(axis=0)))
            break
        allowed, counted = asked.allowed(bounds, edges, counted)
        good = bounds.matters & (bounds.unseen <= allowed)
        # a cubic remainder shrinks like the cube of the box
        size = edges.max(axis=0) * np.cbrt(np.maximum(SEEN / allowed, 1.0))
        done.append((below[:, good], above[:, good], size[good]))
        rest = bounds.matters & ~good
        below, above = below[:, rest], above[:, rest]
        _refuse_any((edges[:, rest] <= SMALLEST * asked.extent[:, None]).all(axis=0), formula, below, above)
        below, above = halved(below, above, asked.extent)
    lows, highs, sizes = zip(*done, strict=True)
    low, high = np.concatenate(lows, axis=1), np.concatenate(highs, axis=1)
    return SeenBoxes(0.5 * low + 0.5 * high, high - low, np.concatenate(sizes))


def _refuse_any(boxes: Booleans, formula: Expression, below: Floats, above: Floats) -> None:
    """Where there is one of the ``boxes`` (n,), name its place."""
    if boxes.any():
        raise _without_end(formula, 0.5 * (below + above)[:, np.argmax(boxes)])


def _first_boxes(start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    """A grid of boxes, so that the first halvings, which decide nothing, are saved."""
    axes = [np.linspace(a, b, FIRST[len(start)] + 1) for a, b in zip(start, stop, strict=True)]
    lower = np.stack([c.ravel() for c in np.meshgrid(*[axis[:-1] for axis in axes], indexing="ij")])
    upper = np.stack([c.ravel() for c in np.meshgrid(*[axis[1:] for axis in axes], indexing="ij")])
    return lower, upper


def _without_end(formula: Expression, place: Floats) -> ConvergenceError:
    where = ", ".join(f"{c:.9g}" for c in place)
    return ConvergenceError(
        f"'{formula.text}' cannot be bounded near ({where}): it may change there within less than any cell",
        "a formula without parts that narrow, or a function of Python, which is sampled",
    )


def _judged(
    formula: Expression, scale: float, lower: Floats, upper: Floats, highest: float, most: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Bounds of Phi in every box, what of its change may be unseen, and how much of that is allowed."""
    found = enclosed(formula, lower, upper)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = scale * found.low, scale * found.high
        unseen = high - low
    limit = np.where(found.continuous, most, SEEN_AT_KINKS)
    some = np.flatnonzero(~(low > highest) & found.continuous & (unseen > LEAST))
    for first in range(0, len(some), BLOCK):
        part = some[first : first + BLOCK]
        unseen[part] = np.fmin(unseen[part], scale * _beyond_quadratic(formula, lower[:, part], upper[:, part]))
    return low, high, unseen, limit


def _beyond_quadratic(formula: Expression, lower: Floats, upper: Floats) -> Floats:
    """Bound of what f differs from its second-order Taylor polynomial about the centre, (n,)."""
    count = formula.dimension
    pairs = [(i, j) for i in range(count) for j in range(i, count)]
    if 2 not in formula._tapes:
        try:
            formula._tapes[2] = joint_tape([formula.derivative(i).derivative(j) for i, j in pairs])
        except ProblemError:
            return np.full(lower.shape[1], np.inf)
    radius = 0.5 * (upper - lower)
    total = np.zeros(lower.shape[1])
    with np.errstate(all="ignore"):
        for (i, j), (low, high, continuous) in zip(pairs, run_intervals(formula._tapes[2], lower, upper), strict=True):
            width = np.where(continuous & np.isfinite(high - low), high - low, np.inf)
            total += np.where(width > 0.0, width, 0.0) * radius[i] * radius[j] * (0.5 if i == j else 1.0)
    return total
