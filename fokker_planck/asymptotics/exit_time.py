"""Mean time to reach a target: wells as a Markov chain, over saddles or straight through a surface on a slope.

Over a saddle z with the descending curvature h of Phi, to a target whose surface is at the signed distance l behind z
in the unstable direction, the time is the Eyring-Kramers time times ``erfc(-l sqrt(h/2)) / 2``: all of it far behind
the saddle, half of it on the saddle.

Through a surface S on a slope the rate is ``int_S (n . D grad Phi) exp(-Phi) / int_well exp(-Phi)``, n being the normal
out of the well, with ``1 / (n . grad Phi)`` at the lowest point replaced by the integral of exp(Phi) along the normal.
To leading order, at a nondegenerate minimum z of Phi on S, with D = eps I and Phi = V/eps, this is

``T = sqrt(2 pi eps) / d_n V(z) sqrt(det Hess_S V(z) / det Hess V(x)) exp((V(z) - V(x))/eps)``

(Lelievre and Nectoux, and many before); a continuum of such points needs no other formula.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.asymptotics.anharmonicity import neglected
from fokker_planck.asymptotics.exit_surfaces import Surface, Target, surface_of
from fokker_planck.asymptotics.eyring_kramers import (
    LOWEST_BARRIER,
    Tensor,
    log_capacity,
    log_local_integral,
)
from fokker_planck.asymptotics.markov_chain import log_hitting_time
from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace

WIDTHS = 4.0
"""A target further behind a saddle than this many widths of it is as good as infinitely far."""

NEAR_BOTTOM = 2.0
"""A target so few units of epsilon above the bottom of a well is reached at once by what gets into the well."""


@dataclass(frozen=True)
class Exit:
    """One way into the target: log of the rate, the height of Phi on it, and the relative error of the formula."""

    log_rate: float
    height: float
    error: float


def mean_exit_time(
    landscape: Landscape, exponent: Function, tensor: Tensor, start: int | Sequence[float], target: Target
) -> Quantity | None:
    """The mean time to reach a target from a well.

    Parameters
    ----------
    landscape
        of the exponent Phi.
    exponent
        Phi itself, with ``value``, ``gradient``, ``hessian``.
    tensor
        D at points (dim, n), (dim, dim, n).
    start
        index of a well, or a point (the formula is the same from everywhere in its well).
    target
        a set; :class:`fokker_planck.asymptotics.exit_surfaces.Outside` of a domain for its boundary.

    Returns
    -------
    Quantity | None
        None where no formula applies: the start is in the target's own basin or on no barrier worth the name, a point
        on the way is degenerate, the surface is too near to a saddle that it does not contain.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fokker_planck.landscape.finding.search import find_landscape, sample_box
    >>> from fokker_planck.model.sets.shapes import HalfSpace
    >>> phi = SimpleNamespace(value=lambda x: 5*(x[0]**2 - 1)**2, gradient=lambda x: 20*(x**3 - x),
    ...                       hessian=lambda x: 20*(3*x**2 - 1)[None])   # (x**2 - 1)**2/4 at eps = 1/20
    >>> wells = find_landscape(phi, *sample_box([-2.0], [2.0]))
    >>> D = lambda x: np.full((1, 1, x.shape[1]), 0.05)
    >>> whole, half = (mean_exit_time(wells, phi, D, [-1.0], HalfSpace([1.0], end)).value for end in (0.95, 0.0))
    >>> round(whole / half, 12), round(float(whole / (2 * np.pi / np.sqrt(2) * np.exp(5))), 12)
    (2.0, 1.0)
    """
    basins = BasinMap(landscape, exponent)
    first = start if isinstance(start, int) else int(basins(np.asarray(start, dtype=float)[:, None])[0])
    bottoms = np.array([minimum.position for minimum in landscape.minima]).T
    absorbing = np.asarray(target.contains(bottoms), dtype=bool)
    if absorbing[first]:
        return None
    wells = np.flatnonzero(~absorbing)
    weights = np.array([log_local_integral(minimum) for minimum in landscape.minima])
    between = np.full((len(absorbing), len(absorbing)), -np.inf)
    exits: dict[int, list[Exit]] = {int(well): [] for well in wells}
    for saddle in landscape.saddles:
        _over_saddle(saddle, tensor, target, bottoms, weights, between, exits)
    slopes = _slope_exits(landscape, exponent, tensor, target, basins, absorbing, weights, first)
    log_absorption = np.full(len(absorbing), -np.inf)
    errors = {}
    for well in wells:
        over = exits[int(well)]
        slope = slopes.get(int(well))
        lowest = min((way.height for way in over), default=np.inf)
        if slope is not None and slope.height < lowest - 0.3:
            over = [slope]
        if over:
            with np.errstate(invalid="ignore"):
                log_absorption[well] = np.logaddexp.reduce([way.log_rate for way in over])
            errors[int(well)] = max(way.error for way in over)
            if well != first:
                errors[int(well)] *= _share_that_returns(between, log_absorption, int(well))
    reduced = between[np.ix_(wells, wells)]
    time = log_hitting_time(reduced, log_absorption[wells], int(np.flatnonzero(wells == first)[0]))
    error = _error(landscape, exits, slopes, errors, first)
    if not np.isfinite(time) or error is None:
        return None
    ways = [(well, way) for well, all_ways in exits.items() for way in all_ways] + list(slopes.items())
    points = _decisive(landscape, ways, first)
    return Quantity.of_log(time, max(error, neglected(points, exponent, landscape.frame)))


def _decisive(landscape: Landscape, ways: Sequence[tuple[int, Exit]], first: int) -> list[CriticalPoint]:
    """The well of the start, and the saddle that the time hangs on: the highest on the lowest path to an exit."""
    heights = [max(way.height, landscape.communication_height(first, well)) for well, way in ways]
    if not heights:
        return [landscape.minima[first]]
    highest = min(heights)
    saddle = [saddle for saddle in landscape.saddles if saddle.value == highest and not saddle.degenerate]
    return [landscape.minima[first], *saddle[:1]]


def _share_that_returns(between: Floats, log_absorption: Floats, well: int) -> float:
    """Of what enters a well on the way, how much leaves it again for other wells; nothing where nothing enters."""
    if np.all(np.isneginf(between[:, well])):
        return 0.0
    with np.errstate(invalid="ignore"):
        share = np.exp(np.logaddexp.reduce(between[well]) - log_absorption[well])
    return 1.0 if np.isnan(share) else min(float(share), 1.0)


def _over_saddle(
    saddle: Saddle,
    tensor: Tensor,
    target: Target,
    bottoms: Floats,
    weights: Floats,
    between: Floats,
    exits: dict[int, list[Exit]],
) -> None:
    """Enter a saddle into the rates between wells, or into the exits of the wells that it leads out of."""
    absorbing = np.asarray(target.contains(bottoms), dtype=bool)
    first, second = saddle.joins
    if saddle.degenerate:
        capacity, curvature = float("nan"), float("nan")
    else:
        capacity, curvature = _free_capacity(saddle, tensor), _curvature(saddle)
    for start, stop, sign in ((first, second, 1.0), (second, first, -1.0)):
        if absorbing[start]:
            continue
        before = 0.9 * float(np.linalg.norm(bottoms[:, start] - saddle.x))
        distance = _distance_behind(saddle, target, sign, curvature, before)
        if distance == -np.inf:
            continue
        if distance is None and not absorbing[stop]:
            if start != stop:
                with np.errstate(invalid="ignore"):  # a degenerate saddle has no capacity: nan says so
                    between[start, stop] = np.logaddexp(between[start, stop], capacity - weights[start])
            continue
        if distance is not None and absorbing[stop]:
            # Nearer to the bottom behind than to the saddle the parabola is no guide, and the formula is the usual one.
            behind = float(np.linalg.norm(bottoms[:, stop] - saddle.x))
            distance = None if distance > 0.5 * behind else distance
        share = 0.0 if distance is None else _log_half_erfc(distance, curvature)
        # Where the surface comes first, the parabola that the formula continues is no longer that of the saddle.
        error = 0.0 if distance is None or distance >= 0.0 else (distance**2 * curvature) ** 2 / 24.0
        exits[start].append(Exit(capacity - weights[start] - share, saddle.value, error))


def _free_capacity(saddle: Saddle, tensor: Tensor) -> float:
    """The capacity of a saddle, that of one on an absorbing wall without the half that a reflecting wall takes away."""
    along = [abs(float(np.dot(normal, saddle.unstable_direction))) > 0.5 for normal in saddle.wall_normals]
    if any(along):
        saddle = replace(saddle, wall_slopes=(), wall_normals=())
    return log_capacity(saddle, tensor)


def _curvature(saddle: Saddle) -> float:
    direction = np.array(saddle.unstable_direction)
    return float(abs(direction @ np.array(saddle.hessian) @ direction))


def _distance_behind(saddle: Saddle, target: Target, sign: float, curvature: float, before: float) -> float | None:
    """How far behind the saddle the path from one side meets the target; None if not within some widths.

    The path begins some widths before the saddle, at most the distance ``before``; minus infinity where it begins in
    the target, which the process then meets on the slope below.
    """
    if not curvature > 0.0:
        return None
    reach = WIDTHS / np.sqrt(curvature)
    direction = sign * np.array(saddle.unstable_direction)
    steps = np.linspace(-min(reach, before) if before > 0.0 else -reach, reach, 481)
    inside = np.asarray(target.contains(saddle.x[:, None] + direction[:, None] * steps), dtype=bool)
    if not inside.any():
        return None
    number = int(np.argmax(inside))
    if number == 0:
        return -np.inf
    low, high = steps[number - 1], steps[number]
    for _ in range(50):
        middle = 0.5 * (low + high)
        if target.contains((saddle.x + direction * middle)[:, None])[0]:
            high = middle
        else:
            low = middle
    return float(high)


def _log_half_erfc(distance: float, curvature: float) -> float:
    from scipy.special import log_ndtr

    # erfc(-l sqrt(h/2)) / 2 is the normal distribution function at l sqrt(h).
    return float(log_ndtr(distance * np.sqrt(curvature)))


def _slope_exits(
    landscape: Landscape,
    exponent: Function,
    tensor: Tensor,
    target: Target,
    basins: BasinMap,
    absorbing: Booleans,
    weights: Floats,
    first: int,
) -> dict[int, Exit]:
    """For every well the flux through the surface where it lies on a slope of that well.

    Just above the bottom of a well that is not the start the formula is a guess, good enough where few go back.
    """
    surface = surface_of(target, landscape.frame)
    if surface is None or len(surface.areas) == 0:
        return {}
    heights = exponent.value(surface.points)
    rising = np.sum(surface.normals * exponent.gradient(surface.points), axis=0) > 0.0
    if not rising.any():
        return {}
    rising &= heights <= heights[rising].min() + 60.0
    surface = Surface(surface.points[:, rising], surface.normals[:, rising], surface.areas[rising])
    # A point of the surface is judged by where it lies just outside of the target.
    step = 1e-6 * landscape.frame.extent
    wells: Integers = basins.roughly(surface.points - step * surface.normals)
    heights, slopes = heights[rising], np.sum(surface.normals * exponent.gradient(surface.points), axis=0)
    diffusion = np.einsum("in,ijn,jn->n", surface.normals, tensor(surface.points), surface.normals)
    flux = -heights + np.log(slopes * diffusion * surface.areas)
    bend = np.einsum("in,ijn,jn->n", surface.normals, exponent.hessian(surface.points), surface.normals)
    found = {}
    for well in np.unique(wells):
        if absorbing[well]:
            continue
        members = np.flatnonzero(wells == well)
        lowest = members[np.argmax(flux[members])]
        # On how much of a slope the surface lies there: its curvature against the square of its steepness.
        curved = abs(float(bend[lowest])) / float(slopes[lowest]) ** 2
        near_bottom = heights[lowest] < landscape.minima[int(well)].value + NEAR_BOTTOM
        if curved <= 1.0 or (near_bottom and well != first):
            x, slope = surface.points[:, lowest], float(slopes[lowest])
            reach = min(40.0 / slope, 2.0 * float(np.linalg.norm(x - landscape.minima[int(well)].position)))
            climb = _log_climb(exponent, x, surface.normals[:, lowest], slope, reach)
            rate = float(np.logaddexp.reduce(flux[members])) - float(weights[well]) - climb
            found[int(well)] = Exit(rate, float(heights[lowest]), min(curved, 1.0) ** 2)
    return found


def _log_climb(exponent: Function, x: Floats, normal: Floats, slope: float, reach: float) -> float:
    """log of ``int exp(Phi)`` along the normal up to the surface, over its value ``exp(Phi)/g`` on a straight slope."""
    steps = np.linspace(0.0, reach, 4001)
    rise = exponent.value(x[:, None] - normal[:, None] * steps) - exponent.value(x[:, None])
    # As far as it falls: behind the bottom another slope begins, which is not the way here.
    uphill = np.diff(rise) > 0.0
    end = int(np.argmax(uphill)) if uphill.any() else len(steps) - 1
    return float(np.log(_trapezoid(np.exp(rise[: end + 1])) * steps[1] * slope))


def _trapezoid(values: Floats) -> float:
    return float(values.sum() - 0.5 * (values[0] + values[-1]))


def _error(
    landscape: Landscape, exits: dict[int, list[Exit]], slopes: dict[int, Exit], errors: dict[int, float], first: int
) -> float | None:
    """One over the lowest climb out of the well of the start, plus the errors of the exits themselves.

    About the first neglected term where Phi is smooth on the scale of the climb; a layer that is not shows in
    :func:`fokker_planck.asymptotics.anharmonicity.neglected`.
    """
    heights = [way.height for way in exits[first]]
    heights += [slopes[first].height] if first in slopes else []
    heights += [saddle.value for saddle in landscape.saddles if first in saddle.joins]
    if not heights:
        return None
    barrier = min(heights) - landscape.minima[first].value
    if barrier < LOWEST_BARRIER:
        return None
    return 1.0 / barrier + max(errors.values(), default=0.0)


__all__ = ["Exit", "mean_exit_time"]
