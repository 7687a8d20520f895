"""How high the process climbs for a question, in detailed balance: the energy levels that its first mesh resolves."""

from __future__ import annotations

import warnings
from functools import reduce
from typing import Any

import numpy as np

from fokker_planck.fem.meshing import Heights
from fokker_planck.fem.triangulations.fronts import Front, front_across
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.finding.survey import sample_graph
from fokker_planck.landscape.minimax import climb_heights
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.model.reversibility.noise_floor import floor_share
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.boundaries.end_conditions import refuse_infinite_time, refuse_unreachable
from fokker_planck.solvers.boundaries.ends import FROM, TO, Ends, Goal, graph_to, reaches
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting

SPARE = {1: 0.0, 2: 5.0, 3: 7.0}
"""Units of epsilon that the energy cutoff lies higher for eigenfunctions beyond those of wells: they grow outwards."""
HIGHER = 5.0
"""Times the way from the highest critical point to the cutoff, for the same on a line: where tails are heavy, they grow
nearly as fast as the density falls."""
SAME_HEIGHT = 4.0
"""Units of epsilon from the highest saddle: those above and below carry less than exp(-4) of what crosses there, and
need no cells for its profile."""
MOST_BY_FLOOR = 0.25
"""Of a mean time, by which the stretch where Hessian noise is its floor may add to it before a warning says so."""
FAR_UP = 60.0
"""Units of epsilon above the highest saddle between wells from which a critical point asks for most of a mesh."""
LEAST_NOISE = 1e-290
"""Where D is zero it is taken as that, of which the logarithm is a number."""
TARGET_KEYS = {FROM: "committor.from", TO: "committor.to"}


def levels_of(setting: PotentialSetting, ends: Ends) -> Heights:
    """Those of a question with these ends: for several sets up to each of them, and the mass inside of them counts."""
    if not ends.goals:
        return heights_between_wells(setting)
    each = [heights_to_target(setting, ends.start, goal, name) for name, goal in ends.goals]
    return each[0] if len(each) == 1 else reduce(_together, each)


def _together(first: Heights, second: Heights) -> Heights:
    return replace(
        second,
        passes=first.passes + second.passes,
        ceiling=max(first.ceiling, second.ceiling),
        targets=first.targets + second.targets,
        fill_targets=True,
    )


def heights_between_wells(
    setting: PotentialSetting, *, all_critical_points: bool = False, faster: float = np.inf
) -> Heights:
    """For questions about the whole domain: up to the pass at which the last wells merge.

    With ``all_critical_points`` up to the highest saddle and the highest top: eigenfunctions beyond those of the
    wells live there, too, with eigenvalues near sums of the curvatures (Helffer and Sjoestrand 1984), however
    little the process visits them.  But for those far up where such an eigenvalue is at least ``faster``.
    """
    landscape = setting.landscape
    bottoms = tuple(minimum.value for minimum in landscape.minima)
    passes = tuple(merge.value for merge in landscape.merges)
    if all_critical_points:
        passes += tuple(
            height for height, rate in critical_rates(setting) if rate < faster or height < _far_up(setting)
        )
    wells = np.array([minimum.position for minimum in landscape.minima])
    highest = max(bottoms[:1] + passes)
    ceiling = _above(setting, highest)
    if all_critical_points:
        # eigenfunctions grow outwards, on a line where tails are heavy nearly as fast as the density falls
        ceiling += SPARE[landscape.dimension]
        if landscape.dimension == 1:
            ceiling = highest + HIGHER * (ceiling - highest)
    fronts = _fronts(setting, highest)
    problem = setting.problem
    noise = None if problem.process.field(problem.dimension).constant else LogNoise(setting.balance.diffusion)
    trim = not all_critical_points
    return Heights(bottoms, passes, ceiling, wells, trim=trim, fronts=fronts, log_noise=noise)


def _fronts(setting: PotentialSetting, highest: float) -> tuple[Front, ...]:
    """The saddles about as high as the highest saddle, where slow crossings are decided."""
    found = []
    for saddle in setting.landscape.saddles:
        if abs(saddle.value - highest) < SAME_HEIGHT and not saddle.degenerate:
            tensor = setting.balance.diffusion.tensor(np.asarray(saddle.position)[:, None])[..., 0]
            found.append(front_across(saddle.position, -tensor @ np.asarray(saddle.hessian), tensor))
    return tuple(front for front in found if front is not None)


def fastest_spared(setting: PotentialSetting) -> float:
    """The smallest eigenvalue at critical points so far up that a mesh without them is much smaller; 0 without any."""
    above = _far_up(setting)
    return min((rate for height, rate in critical_rates(setting) if height >= above), default=0.0)


def _far_up(setting: PotentialSetting) -> float:
    merges = [merge.value for merge in setting.landscape.merges]
    lowest = [minimum.value for minimum in setting.landscape.minima[:1]]
    return max(lowest + merges, default=np.inf) + FAR_UP


def critical_rates(setting: PotentialSetting) -> tuple[tuple[float, float], ...]:
    """For every saddle and local maximum of Phi its height and the smallest eigenvalue of -L near it for small noise.

    That is minus the sum of the negative eigenvalues of D Hess Phi (Helffer and Sjoestrand 1984); less one that is
    degenerate, zero say.
    """
    saddles = np.array([saddle.position for saddle in setting.landscape.saddles]).reshape(
        -1, setting.landscape.dimension
    )
    x = np.concatenate([saddles, _tops(setting).T]).T
    if not x.shape[1]:
        return ()
    tensor, hessian = setting.balance.diffusion.tensor(x), setting.balance.exponent.hessian(x)
    turned = np.linalg.eigvals(np.einsum("ijn,jkn->nik", tensor, hessian)).real
    heights = setting.balance.exponent.value(x)
    rates = -np.minimum(turned, 0.0).sum(axis=1)
    return tuple(zip(heights.tolist(), np.nan_to_num(rates, nan=0.0).tolist(), strict=True))


def _tops(setting: PotentialSetting) -> Floats:
    """The local maxima of Phi inside the domain, as the sample of the domain sees them, (dim, n)."""
    points, edges = sample_graph(setting.problem)
    values = setting.balance.exponent.value(points.T)
    highest = np.full(len(values), -np.inf)
    for here, there in (edges.T, edges.T[::-1]):
        np.maximum.at(highest, here, values[there])
    slope = np.linalg.norm(setting.balance.exponent.gradient(points.T), axis=0)
    extent = float(np.max(np.subtract(*setting.problem.bounding_box()[::-1])))
    spread = float(np.ptp(values)) if len(values) else 0.0
    return np.asarray(points[(values > highest) & (slope * extent < 0.5 * spread)].T)


def heights_to_target(setting: PotentialSetting, start: tuple[float, ...] | None, goal: Goal, name: str) -> Heights:
    """For an exit: also up to the ``goal``, by the lowest way from every well, and up to the start."""
    points, edges, target = graph_to(setting.problem, goal, *sample_graph(setting.problem))
    values = setting.balance.exponent.value(points.T)
    reached = reaches(setting.problem, goal)
    exponent, key = setting.balance.exponent, TARGET_KEYS.get(name, "exit.target")
    refuse_unreachable(exponent, reached, key, boundary=name == "boundary")
    if name not in TARGET_KEYS:
        refuse_infinite_time(exponent, reached, points.T, start[0] if start is not None else None, key)
    if start is not None:
        _warn_of_the_floor(setting, start[0], points[target, 0])
    between = heights_between_wells(setting)
    passes = list(between.passes)
    if target.any():
        climbs = climb_heights(values, edges, target)
        for minimum in setting.landscape.minima:
            nearest = int(np.argmin(((points - np.asarray(minimum.position)) ** 2).sum(axis=1)))
            if np.isfinite(climbs[nearest]) and not target[nearest]:
                passes.append(float(climbs[nearest]))
        passes.append(float(values[target].min()))
        # a step of V may hold the process where no minimum tells of the way
        beginning = np.inf if start is None else climbs[int(np.argmin(((points - np.asarray(start)) ** 2).sum(axis=1)))]
        passes += [float(beginning)] if np.isfinite(beginning) else []
    if start is not None:
        passes.append(float(setting.balance.exponent.value(np.asarray(start)[:, None])[0]))
    highest = max(between.bottoms[:1] + tuple(passes))
    ceiling = max(_above(setting, highest), between.ceiling)
    fronts = _fronts(setting, highest)
    return replace(between, passes=tuple(passes), ceiling=ceiling, targets=(name,), start=start, fronts=fronts)


@dataclass(frozen=True)
class LogNoise:
    """log of the mean of D over directions."""

    diffusion: Any

    def value(self, x: Floats) -> Floats:
        """At points (dim, n), (n,)."""
        trace = np.einsum("iin->n", self.diffusion.tensor(x))
        return np.asarray(np.log(np.maximum(trace / len(x), LEAST_NOISE)))


def _warn_of_the_floor(setting: PotentialSetting, start: float, reached: Floats) -> None:
    """Where the time is mostly that of the stretch in which Hessian noise nearly vanishes."""
    exponent = setting.balance.exponent
    if not isinstance(exponent, LineExponent) or exponent.period is not None:
        return
    sides = (reached[reached < start], reached[reached > start])
    ends = [float(side[np.argmin(np.abs(side - start))]) for side in sides if len(side)]
    found = [share for end in ends if (share := floor_share(exponent, start, end)) is not None]
    if len(found) == len(ends) and found:
        lowest = min(found, key=lambda share: share.barrier)
        if lowest.share > MOST_BY_FLOOR and lowest.barrier > 1.0:
            warnings.warn(f"diffusion.floor: {lowest}", stacklevel=2)


def _above(setting: PotentialSetting, height: float) -> float:
    return height + budget_of(setting.problem).cutoff
