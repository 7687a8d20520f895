"""What the question about the place of an exit returns: a density along curves, and shares of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fokker_planck.quantity.answer import Answer
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.quantity import Quantity
    from fokker_planck.solvers.results.steady import Statistics


@dataclass(frozen=True)
class ExitCurve:
    """The density of the place of an exit along a curve of the target, per unit of length.

    Attributes
    ----------
    closed
        whether the last point is the first
    points
        of the curve, in order, with the process on the left
    arclength
        from the first point to each
    density
        at each point
    absolute_error
        its error bar there: beyond the density itself where that is not known
    """

    closed: bool
    points: tuple[tuple[float, float], ...]
    arclength: tuple[float, ...]
    density: tuple[float, ...]
    absolute_error: tuple[float, ...]


@dataclass(frozen=True)
class ShareOfExit:
    """What leaves near one lowest point of a curve, from crest to crest.

    Attributes
    ----------
    probability
        of leaving there
    lowest
        the point of the stretch where the stationary density of the process, without the target, is highest: a saddle
        where the curve is the boundary of a basin
    curve
        number of its curve
    arc
        lengths along the curve at which the stretch begins and ends; beginning later than it ends where it leads over
        the first point of a closed curve
    """

    probability: Quantity
    lowest: tuple[float, float]
    curve: int
    arc: tuple[float, float]


@dataclass(frozen=True)
class ExitPlace(Answer):
    """Where a process leaves that begins at ``start``: the density of X_tau along the target.

    Attributes
    ----------
    curves
        of the target, longest in edges first, with the density along each
    shares
        of the lowest points of the curves, the most probable first
    start, target
        as in :class:`ExitTime`
    statistics
        what it cost
    """

    curves: tuple[ExitCurve, ...]
    shares: tuple[ShareOfExit, ...]
    start: tuple[float, ...]
    target: str
    statistics: Statistics
