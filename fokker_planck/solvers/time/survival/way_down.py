"""The way of a point down to rest, and how wide its density is on it: x' = b(x), S' = J S + S J^T + 2 D.

A point far up in the plane is above most of the domain, and its density meets little of that: cells elsewhere need not
follow its fall.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.initial import AtPoint, Gaussian, Initial
from fokker_planck.solvers.setting.setting import Setting
from fokker_planck.solvers.time.survival.early_spread import runge_kutta

OF_RATE = 0.1
"""Of one over the fastest rate, a step of Runge and Kutta: it leaves 1e-6 of a standard deviation."""
FALL = 8.0
"""Units of epsilon that a step falls at most: a point is then carried no more than two standard deviations beyond the
density that has not moved yet."""
MOST_STEPS = 3000
"""To rest, 300 of the fastest times: what is not at rest by then turns in a circle, or some of it is very slow."""
AT_REST, FEWEST_STEPS = 1e-2, 10
"""Standard deviations by which a step moves a point at rest, and the share of them by which these change; steps before
that is asked, as one begins with none."""
APART = 0.5
"""Standard deviations between places that are kept."""
WIDER = 2.0
"""Times the covariance: room for what a linear drift leaves out, eleven standard deviations in place of eight."""

Moments = tuple[Floats, Floats]


def way_down(setting: Setting, initial: Initial) -> tuple[Gaussian, ...] | None:
    """What becomes of a point until it is at rest, with room; None where that cannot be told.

    It cannot where the way meets a wall, does not come to rest, or the density comes to be as wide as the domain, as
    that does which begins on the crest of a barrier.
    """
    problem = setting.problem
    if not isinstance(initial, AtPoint) or is_degenerate(problem):
        return None
    moments = np.array(initial.point), np.zeros((problem.dimension, problem.dimension))
    widths = np.subtract(*problem.bounding_box()[::-1])
    found: list[Gaussian] = []
    for number in range(MOST_STEPS):
        before, moments = moments, _step(setting, moments)
        point, spread = moments
        inside = np.isfinite(point).all() and np.isfinite(spread).all() and problem.contains(point[:, None])[0]
        if not (inside and (np.diag(spread) < widths**2).all()):
            return None
        still = number > FEWEST_STEPS and _apart(before[0], moments) < AT_REST and _as_wide(before[1], spread)
        if still or not found or _apart(np.array(found[-1].mean), moments) > APART:
            covariance = tuple(map(tuple, (WIDER * spread).tolist()))
            found.append(Gaussian(tuple(point.tolist()), covariance, problem.periods))
        if still:
            return tuple(found)
    return None


def _step(setting: Setting, moments: Moments) -> Moments:
    """One of Runge and Kutta, as long as the fastest rate there allows."""
    process, dimension = setting.problem.process, setting.problem.dimension

    def jacobian(point: Floats) -> Floats:
        return np.asarray(process.drift_jacobian(point[:, None], dimension))[..., 0]

    def slope(both: Floats) -> Floats:
        """Of the point and its spread, side by side, (dim, 1 + dim)."""
        point, spread = both[:, 0], both[:, 1:]
        turned = jacobian(point) @ spread
        tensor = np.asarray(setting.diffusion.tensor(point[:, None]))[..., 0]
        drift = np.asarray(process.drift(point[:, None], dimension))
        return np.concatenate([drift, turned + turned.T + 2.0 * tensor], axis=1)

    both = np.concatenate([moments[0][:, None], moments[1]], axis=1)
    at_once = slope(np.concatenate([moments[0][:, None], np.zeros_like(moments[1])], axis=1))
    drift, change = at_once[:, 0], at_once[:, 1:]
    fall = float(drift @ np.linalg.solve(0.5 * change, drift))
    rate = float(np.linalg.norm(jacobian(moments[0]), 2))
    both = runge_kutta(slope, both, min(OF_RATE / max(rate, 1e-300), FALL / max(fall, 1e-300)))
    return both[:, 0], both[:, 1:]


def _as_wide(before: Floats, spread: Floats) -> bool:
    """On a crest a point is at rest, and the density around it is not."""
    return bool(np.abs(spread - before).max() < AT_REST * np.diag(spread).min())


def _apart(place: Floats, moments: Moments) -> float:
    """Standard deviations of the density between a place (dim,) and its middle."""
    away = moments[0] - place
    return float(np.sqrt(away @ np.linalg.solve(moments[1], away)))
