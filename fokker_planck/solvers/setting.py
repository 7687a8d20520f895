"""What every question to a problem needs once: the exponent, its landscape, and how high the process climbs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import Any, Literal

import numpy as np

from fokker_planck.arrays import Booleans, Floats, Function, Integers
from fokker_planck.errors import ProblemError
from fokker_planck.fem.fronts import Front, front_across
from fokker_planck.fem.meshing import Heights
from fokker_planck.landscape.minimax import climb_heights
from fokker_planck.landscape.survey import sample_graph, survey
from fokker_planck.landscape.types import CriticalPoint, Landscape, assemble_landscape, states_of
from fokker_planck.landscape.well_flow import Downhill, WellFlow, has_potential_wells
from fokker_planck.model.degenerate_noise import refuse_degenerate_noise
from fokker_planck.model.diffusion.noise_floor import floor_share
from fokker_planck.model.domain import Box, MeshDomain, Sublevel
from fokker_planck.model.narrow_coefficients import refuse_narrow
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import DetailedBalance, Overdamped
from fokker_planck.model.reversibility.classify import Kinetics, check_semidefinite, kinetics
from fokker_planck.model.reversibility.drift_potential import drift_potential
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.model.sets import Ball, Set
from fokker_planck.solvers.end_conditions import refuse_infinite_time, refuse_unreachable, singular_ends
from fokker_planck.solvers.rounding import refuse_rounding

MARGIN = {1: 16.0, 2: 11.0, 3: 9.0}
SPARE = {1: 0.0, 2: 5.0, 3: 7.0}
HIGHER = 5.0
SHALLOWEST = 1.0
"""Units of epsilon that a well must be deep to be a state: out of shallower ones the process goes as it comes."""
SAME_HEIGHT = 4.0
MOST_BY_FLOOR = 0.25
FAR_UP = 60.0
"""Units of epsilon above the highest saddle between wells from which a critical point asks for most of a mesh."""
# Barriers of so many units of epsilon: 200,000 cells, each with a change of Phi by 9, end at 2e6.
LARGEST_EXPONENT = 1e12
TARGET_KEYS = {"from": "committor.from", "to": "committor.to"}


@dataclass(frozen=True)
class Setting:
    """A problem with its detailed balance and the landscape of its exponent Phi.

    The ``wells`` that are reported are the basins of ``downhill``: of V where the process is given by V alone, else of
    the flow that belongs to the process however it is written, see :mod:`fokker_planck.landscape.well_flow`.
    Noise that depends on the state shifts the critical points of Phi away from those of V.
    """

    problem: Problem
    balance: DetailedBalance
    landscape: Landscape
    wells: Landscape
    downhill: Function

    @cached_property
    def states(self) -> tuple[int, ...]:
        """For each of ``wells.minima`` the minimum of the state that it belongs to."""
        return self._states("as they are")

    @cached_property
    def other_states(self) -> tuple[tuple[int, ...], ...]:
        """The same where saddles as high as each other are taken in another order: minima that belong to two states."""
        both = {self._states("forwards"), self._states("backwards")}
        return tuple(sorted(states for states in both if set(states) == set(self.states) and states != self.states))

    def _states(self, ties: Literal["as they are", "forwards", "backwards"]) -> tuple[int, ...]:
        wells, height = self.wells, self.balance.exponent.value
        values = height(np.array([minimum.position for minimum in wells.minima]).T).tolist()
        heights = height(np.array([saddle.position for saddle in wells.saddles]).T).tolist() if wells.saddles else []
        return states_of(values, [saddle.joins for saddle in wells.saddles], heights, SHALLOWEST, ties)

    @cached_property
    def deep_minima(self) -> tuple[CriticalPoint, ...]:
        """The minima deeper than a unit of epsilon: out of the others the process goes as it comes.

        Shallower ones cost a condensation no digit, and each that is singled out costs a solve: ripples come in dozens.
        """
        landscape = self.landscape
        pairs = zip(landscape.minima, landscape.barriers, strict=True)
        return tuple(minimum for minimum, barrier in pairs if barrier >= SHALLOWEST)

    @property
    def relaxation_rate(self) -> float:
        """The slowest rate of settling in any one well: smallest eigenvalue of D Hess Phi at the minima.

        Where a minimum is degenerate, that of diffusion across the domain.
        """
        lower, upper = self.problem.bounding_box()
        rates = []
        ends = singular_ends(self.balance.exponent)
        for minimum in self.landscape.minima:
            if any(end.within(np.array(minimum.position)).any() for end in ends):
                continue  # a singular weight, which has no curvature, holds nothing back
            tensor = self.balance.diffusion.tensor(np.asarray(minimum.position)[:, None])[..., 0]
            across = float(np.linalg.eigvalsh(tensor)[0]) * (np.pi / np.max(np.subtract(upper, lower))) ** 2
            eigenvalues = np.linalg.eigvals(tensor @ np.asarray(minimum.hessian)).real
            rates.append(max(across, float(eigenvalues.min())))
        if not rates:
            middle = 0.5 * np.add(lower, upper)[:, None]
            rates = [float(self.balance.diffusion.tensor(middle)[0, 0, 0]) * (np.pi / (upper[0] - lower[0])) ** 2]
        return min(rates)


def prepare(problem: Problem) -> Setting:
    """The setting of a problem; computed once and kept with it."""
    known = problem.__dict__.get("_setting")
    if isinstance(known, Setting):
        return known
    balance = kinetics_of(problem)
    if not isinstance(balance, DetailedBalance):
        raise _irreversible(problem)
    refuse_rounding(problem)
    _refuse_overflow(problem, balance)
    landscape = survey(problem, balance.exponent)
    wells: Landscape = landscape
    downhill: Function = balance.exponent
    if not problem.process.field(problem.dimension).constant:
        if has_potential_wells(problem.process) and problem.process.potential is not None:
            downhill = problem.process.potential
            narrow = problem.__dict__.get("_narrow")
            wells = survey(problem, downhill)
            if narrow is not None:  # the sample is that of the exponent, whose passes it has to show
                problem.__dict__["_narrow"] = narrow
        elif problem.dimension > 1:
            downhill = Downhill(WellFlow(problem.process, problem.dimension), balance.exponent)
    setting = Setting(problem, balance, landscape, wells, downhill)
    problem.__dict__["_setting"] = setting
    return setting


def _refuse_overflow(problem: Problem, balance: DetailedBalance) -> None:
    """Noise so small that Phi = V/D is no double: there is nothing left to resolve."""
    x = problem.sample()
    with np.errstate(over="ignore", invalid="ignore"):
        values = balance.exponent.value(x)
        overflows = ~(values - np.min(values, where=np.isfinite(values), initial=np.inf) < LARGEST_EXPONENT)
    if overflows.mean() > 0.5:
        where = x[:, int(np.argmax(overflows))].tolist()
        raise ProblemError("diffusion", f"V/D beyond {LARGEST_EXPONENT:g} at {where}", "more noise")


def kinetics_of(problem: Problem) -> Kinetics:
    """Whether the process of a problem is reversible, with its exponent if so; computed once and kept with it."""
    known = problem.__dict__.get("_kinetics")
    if known is None:
        if problem.dimension > 1:
            field = problem.process.field(problem.dimension)
            check_semidefinite(field, problem.sample())
            refuse_degenerate_noise(field, problem.sample(), problem.contains)
            drift = problem.process.extra if isinstance(problem.process, Overdamped) else problem.process.whole
            if not field.constant or drift is not None:
                refuse_narrow(problem.process, *problem.bounding_box(), problem.sample())
        known = kinetics(problem.process, problem.dimension, problem.sample(), problem.periods, problem.bounding_box())
        problem.__dict__["_kinetics"] = known
    return known


def is_reversible(problem: Problem) -> bool:
    """Whether the process is in detailed balance."""
    return isinstance(kinetics_of(problem), DetailedBalance)


def _irreversible(problem: Problem) -> ProblemError:
    process = problem.process
    key = "diffusion" if isinstance(process, Overdamped) and process.extra is None else "drift"
    found = "drift and noise without detailed balance, which makes the process irreversible"
    return ProblemError(key, found, "D^-1 (div D - b) that is a gradient: formulas of Eyring and Kramers ask for that")


def limit_landscape(setting: Setting) -> Landscape:
    """What the formulas for small noise are about: the critical points where there is no noise, with the values of Phi.

    Where the noise varies along a line the critical points of Phi are off by an amount of the order of the noise. With
    those of V, Hess V/D for the Hessian and Phi for the height the formula of Eyring and Kramers becomes
    ``2 pi/sqrt(V''(a)|V''(b)|) (D(b)/D(a))^(1/2 - alpha) exp(int V'/D)``, which is that of Laplace's method.
    """
    exponent, problem = setting.balance.exponent, setting.problem
    if problem.process.field(problem.dimension).constant or not isinstance(exponent, LineExponent):
        return setting.landscape
    wells = setting.wells
    if wells is setting.landscape:
        slope = drift_potential(problem.process, problem.dimension, problem.bounding_box(), problem.periods)
        if slope is None:
            return setting.landscape
        wells = survey(problem, slope)

    def lifted(point: CriticalPoint) -> Any:
        place = np.array([point.position]).T
        noise, height = float(exponent.diffusion.tensor(place)[0, 0, 0]), float(exponent.value(place)[0])
        return replace(point.scaled(1.0 / noise), value=height)

    minima = [lifted(minimum) for minimum in wells.minima]
    return assemble_landscape(minima, [lifted(saddle) for saddle in wells.saddles], wells.frame)


def heights_between_wells(setting: Setting, *, all_critical_points: bool = False, faster: float = np.inf) -> Heights:
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
    return Heights(bottoms, passes, ceiling, wells, trim=not all_critical_points, fronts=fronts)


def _fronts(setting: Setting, highest: float) -> tuple[Front, ...]:
    """The saddles about as high as the highest pass, where slow crossings are decided."""
    found = []
    for saddle in setting.landscape.saddles:
        if abs(saddle.value - highest) < SAME_HEIGHT and not saddle.degenerate:
            tensor = setting.balance.diffusion.tensor(np.asarray(saddle.position)[:, None])[..., 0]
            found.append(front_across(saddle.position, -tensor @ np.asarray(saddle.hessian), tensor))
    return tuple(front for front in found if front is not None)


def fastest_spared(setting: Setting) -> float:
    """The smallest eigenvalue at critical points so far up that a mesh without them is much smaller; 0 without any."""
    above = _far_up(setting)
    return min((rate for height, rate in critical_rates(setting) if height >= above), default=0.0)


def _far_up(setting: Setting) -> float:
    merges = [merge.value for merge in setting.landscape.merges]
    lowest = [minimum.value for minimum in setting.landscape.minima[:1]]
    return max(lowest + merges, default=np.inf) + FAR_UP


def critical_rates(setting: Setting) -> tuple[tuple[float, float], ...]:
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


def _tops(setting: Setting) -> Floats:
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


def reaches(problem: Problem, target: Set | Literal["boundary"]) -> Callable[[Floats], Booleans]:
    """Which points (dim, n) of the sample count as reaching the target."""
    if not isinstance(target, str):
        return target.contains
    domain = problem.domain
    lower, upper = (np.asarray(corner)[:, None] for corner in problem.bounding_box())
    width = upper - lower

    def near_boundary(x: Floats) -> Booleans:
        if isinstance(domain, Ball) and problem.dimension > 1:
            return domain.level(x) < 0.05 * domain.radius
        if isinstance(domain, MeshDomain | Sublevel):
            return ~problem.contains(x + 0.02 * width) | ~problem.contains(x - 0.02 * width)
        walled = np.array([period is None for period in problem.periods])[:, None]
        return ((np.minimum(x - lower, upper - x) < 1e-9 * width) & walled).any(axis=0)

    return near_boundary


def heights_to_target(
    setting: Setting, start: tuple[float, ...] | None, reached: Callable[[Floats], Booleans], name: str
) -> Heights:
    """For an exit: also up to where ``reached`` holds, by the lowest way from every well, and up to the start."""
    points, edges = sample_graph(setting.problem)
    values = setting.balance.exponent.value(points.T)
    target = reached(points.T)
    exponent, key = setting.balance.exponent, TARGET_KEYS.get(name, "exit.target")
    refuse_unreachable(exponent, reached, key, boundary=name == "boundary")
    if name not in TARGET_KEYS:
        refuse_infinite_time(exponent, reached, points.T, start[0] if start is not None else None, key)
    if start is not None:
        _warn_of_the_floor(setting, start[0], points[target, 0])
    if name == "boundary":
        values = _lifted_to_boundary(setting, points, edges, values, target)
    between = heights_between_wells(setting)
    passes = list(between.passes)
    if target.any():
        climbs = climb_heights(values, edges, target)
        for minimum in setting.landscape.minima:
            nearest = int(np.argmin(((points - np.asarray(minimum.position)) ** 2).sum(axis=1)))
            if np.isfinite(climbs[nearest]) and not target[nearest]:
                passes.append(float(climbs[nearest]))
        passes.append(float(values[target].min()))
    if start is not None:
        passes.append(float(setting.balance.exponent.value(np.asarray(start)[:, None])[0]))
    highest = max(between.bottoms[:1] + tuple(passes))
    ceiling = max(_above(setting, highest), between.ceiling)
    fronts = _fronts(setting, highest)
    return Heights(between.bottoms, tuple(passes), ceiling, between.wells, (name,), start=start, fronts=fronts)


def _warn_of_the_floor(setting: Setting, start: float, reached: Floats) -> None:
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


def _lifted_to_boundary(setting: Setting, points: Floats, edges: Integers, values: Floats, near: Booleans) -> Floats:
    """Phi on the boundary itself at points ``near`` it; that of the highest neighbour where it is no known surface."""
    domain, lifted = setting.problem.domain, values.copy()
    if isinstance(domain, Ball):
        if near.any():
            lifted[near] = np.maximum(values[near], setting.balance.exponent.value(domain.project(points[near].T)))
    elif not isinstance(domain, Box):
        for here, there in (edges.T, edges.T[::-1]):
            np.maximum.at(lifted, here[near[here]], values[there[near[here]]])
    return lifted


def _above(setting: Setting, height: float) -> float:
    return height + log(1.0 / setting.problem.resolution.tolerance) + MARGIN[setting.problem.dimension]
