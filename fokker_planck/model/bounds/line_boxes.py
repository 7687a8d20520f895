"""Intervals of a line within which drift over noise and noise hardly change, by proved bounds of their formulas.

On a line the exponent is an integral, Phi' = -a/D, so that there may be no formula for Phi to bound. Its slope has one,
and so has D: an interval of width h counts as seen where

    h (max Phi' - min Phi') <= ``SEEN``,      log(max D / min D) <= ``SEEN``.

No spike or dip of V, a or D is then narrower than the intervals are around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.intervals import enclosed
from fokker_planck.formulas.expression import Expression, parse_expression
from fokker_planck.model.diffusion.constant import ConstantField, DiffusionField
from fokker_planck.model.diffusion.hessian import HessianField
from fokker_planck.model.diffusion.quadratic import QuadraticField
from fokker_planck.model.diffusion.state_dependent import FormulaField
from fokker_planck.model.process import Overdamped, Process
from fokker_planck.quantity.light_dataclasses import dataclass, replace

# Half a unit of epsilon, or of log D: a Gaussian dip or spike that changes Phi by one is cut into some ten intervals.
SEEN = 0.5
# To begin with: fewer than any process needs in the end.
FIRST = 64
# Intervals in all, a second or two of work; a barrier of 500 units of epsilon takes some hundreds.
MOST = 200_000
# Intervals are not halved below this part of their distance to zero: eight doubles lie in them.
SMALLEST = 2e-15
# What of an interval beside a kink is left out: places of kinks are known to some units in the last place.
INSET, ULPS = 1e-9, 64.0
# Narrower ones than this part of the coordinate lie between a kink and the double next to it.
DOUBLES = 1e-13


@dataclass(frozen=True)
class LineBoxes:
    """Intervals from ``lower`` to ``upper`` (n,) each, in order, that cover a line without its ``doubtful`` places.

    Doubtful are places (m,) where nothing is proved though there is next to no width: D may vanish there, or a
    coefficient may be infinite.  ``unproved`` is a place around which intervals have no end, None if there is none.
    """

    lower: Floats
    upper: Floats
    doubtful: Floats
    unproved: float | None = None

    @property
    def widths(self) -> Floats:
        """Of the intervals, (n,)."""
        return np.asarray(self.upper - self.lower)

    @property
    def proper(self) -> npt.NDArray[np.bool_]:
        """Which are wider than some doubles, (n,)."""
        return np.asarray(self.widths > DOUBLES * np.maximum(np.abs(self.lower), np.abs(self.upper)))

    def narrower(self, width: float) -> Floats:
        """The ends of all intervals narrower than that, but of those of some doubles beside a kink, sorted."""
        some = (self.widths < width) & self.proper
        return np.unique(np.concatenate([self.lower[some], self.upper[some]]))

    def check(self) -> None:
        """Raise ConvergenceError where intervals have no end."""
        if self.unproved is not None:
            raise ConvergenceError(
                f"drift over noise cannot be bounded near x = {self.unproved:.9g}: it may change there within less "
                "than any cell",
                "formulas without parts that narrow, or functions of Python, which are sampled",
            )


def line_boxes(process: Process, lower: float, upper: float, kinks: npt.ArrayLike = ()) -> LineBoxes | None:
    """Intervals in which every coefficient is seen; None where one of them is a function of Python, which is sampled.

    ``kinks`` are places at which intervals end.

    Where more than ``MOST`` intervals would be needed it stops and says so.

    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.diffusion.state_dependent import Formula
    >>> noise = Formula("1 - 0.999*exp(-((x - 0.3)/1e-5)**2)")
    >>> found = line_boxes(Overdamped(Potential("x**2/2"), noise), -1.0, 1.0)
    >>> narrow = found.narrower(1e-5)
    >>> bool(abs(narrow - 0.3).max() < 1e-4), len(narrow) < 100
    (True, True)
    """
    formulas = slope_and_noise(process)
    if formulas is None:
        return None
    slope, noise = formulas
    inner = [float(k) for k in np.asarray(kinks, dtype=float).ravel() if lower < k < upper]
    edges = np.unique(np.concatenate([np.linspace(lower, upper, FIRST + 1), inner]))
    below, above = edges[:-1], edges[1:]
    done: list[Floats] = [np.zeros((2, 0))]
    doubtful: list[float] = []
    seen, unproved = 0, None
    while len(below):
        seen += len(below)
        if seen > MOST:
            unproved = float((0.5 * (below + above))[int(np.argmin(above - below))])
            done.append(np.stack([below, above]))
            break
        good = _seen(slope, noise, *_inset(below, above, np.array(inner)))
        done.append(np.stack([below[good], above[good]]))
        below, above = below[~good], above[~good]
        tiny = above - below <= SMALLEST * np.maximum(np.abs(below), np.abs(above))
        tiny |= above - below <= SMALLEST * SMALLEST * (upper - lower)
        doubtful += (0.5 * (below + above))[tiny].tolist()
        below, above = below[~tiny], above[~tiny]
        middle = 0.5 * (below + above)
        below, above = np.concatenate([below, middle]), np.concatenate([middle, above])
    whole = np.concatenate(done, axis=1)
    order = np.argsort(whole[0])
    return LineBoxes(whole[0, order], whole[1, order], np.unique(doubtful), unproved)


def _inset(lower: Floats, upper: Floats, kinks: Floats) -> tuple[Floats, Floats]:
    """The intervals without the doubles next to a kink, which belong to the other side or to none."""
    aside = np.maximum(INSET * (upper - lower), ULPS * np.spacing(np.maximum(np.abs(lower), np.abs(upper))))
    start = np.where(np.isin(lower, kinks), lower + aside, lower)
    stop = np.where(np.isin(upper, kinks), upper - aside, upper)
    good = start < stop
    return np.where(good, start, lower), np.where(good, stop, upper)


def _seen(slope: Expression, noise: Expression, lower: Floats, upper: Floats) -> npt.NDArray[np.bool_]:
    force, level = (enclosed(formula, lower[None], upper[None]) for formula in (slope, noise))
    with np.errstate(all="ignore"):
        good = (upper - lower) * (force.high - force.low) <= SEEN
        good &= (level.low > 0.0) & (np.log(level.high / level.low) <= SEEN)
    return np.asarray(good)


def slope_and_noise(process: Process) -> tuple[Expression, Expression] | None:
    """Phi' = -a/D and D in terms of x; None where one of them is no formula.

    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> from fokker_planck.model.potential import Potential
    >>> slope, noise = slope_and_noise(Overdamped(Potential("x**2/2"), Isotropic(0.5)))
    >>> str(slope.sympy), str(noise.sympy)
    ('2*x', '1/2')
    """
    noise = _noise_tree(process.field(1))
    drift = process.extra if isinstance(process, Overdamped) else process.whole
    parts = [part.formulas for part in (process.potential, drift) if part is not None]
    if noise is None or not all(parts):
        return None
    force: Any = 0
    if process.potential is not None:
        force = process.potential.formulas[0].derivative(0).sympy
    if drift is not None:
        force = force - drift.formulas[0].sympy
    blank = parse_expression("x")
    return tuple(
        replace(blank, text=text, tree=tree, _derivatives={}, _tapes={})
        for text, tree in (("drift over noise", force / noise), ("noise", noise))
    )  # type: ignore[return-value]


def _noise_tree(field: DiffusionField) -> Any:
    """D as a sympy tree in x, None for a function of Python."""
    import sympy

    def exactly(value: float) -> Any:
        return sympy.Rational(repr(float(value)))

    x = parse_expression("x").sympy
    if isinstance(field, ConstantField):
        return exactly(field.matrix[0][0])
    if isinstance(field, FormulaField):
        return field.entries[0][0].sympy
    if isinstance(field, QuadraticField):
        offset, curvature, center, slope = (exactly(float(np.ravel(value)[0])) for value in field.rule._given())
        return offset + (slope + curvature * (x - center)) * (x - center)
    if isinstance(field, HessianField) and field.potential.formulas:
        bend = field.potential.formulas[0].derivative(0).derivative(0).sympy
        return exactly(field.scale) * sympy.sqrt(bend**2 + exactly(field.floor) ** 2)
    return None
