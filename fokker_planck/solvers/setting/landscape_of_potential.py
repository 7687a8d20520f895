"""The setting of a process in detailed balance: its exponent Phi, minima and saddles, and basins of the wells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.landscape.finding.survey import survey
from fokker_planck.landscape.flow.well_flow import Downhill, WellFlow, has_potential_wells
from fokker_planck.landscape.types import SHALLOWEST, CriticalPoint, Landscape, assemble_landscape, states_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.drift_potential import drift_potential
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.boundaries.end_conditions import refuse_endless, singular_ends
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.setting.potential_steps import warn_of_steps
from fokker_planck.solvers.setting.rounding import refuse_rounding

LARGEST_EXPONENT = 1e12
"""In units of epsilon, beyond which nothing is tried: 200,000 cells, each with a change of Phi by 9, end at 2e6."""


@dataclass(frozen=True)
class PotentialSetting:
    """A problem with its detailed balance and the landscape of its exponent Phi.

    The ``wells`` that are reported are the basins of ``downhill``: of V where the process is given by V alone, else of
    the flow that belongs to the process however it is written, see :mod:`~.well_flow`.
    Noise that depends on the state shifts the critical points of Phi away from those of V.
    """

    problem: Problem
    balance: DetailedBalance
    landscape: Landscape
    wells: Landscape
    downhill: Function

    @property
    def weighting(self) -> KnownWeight:
        """The process in its own exponent."""
        return KnownWeight(self.balance.exponent, self.balance.diffusion)

    @property
    def key(self) -> str:
        """Of the problem, for what its wells come from."""
        return "potential"

    @property
    def exponent(self) -> Function:
        """Phi."""
        return self.balance.exponent

    @property
    def diffusion(self) -> Any:
        """D(x) with its divergence."""
        return self.balance.diffusion

    @property
    def places(self) -> Floats:
        """Where an unknown is singled out for a well, (K, dim): the deep minima."""
        return np.array([minimum.position for minimum in self.deep_minima]).reshape(-1, self.problem.dimension)

    @property
    def state_places(self) -> tuple[tuple[float, ...], ...]:
        """The states of a chain between wells, in the order of the landscape."""
        return tuple(minimum.position for minimum in self.deep_minima)

    @property
    def state_uncertainties(self) -> tuple[float, ...]:
        """How far each of these may be from where the minimum is: on creases, where values are all that is known."""
        return tuple(minimum.uncertainty for minimum in self.deep_minima)

    @property
    def state_numbers(self) -> tuple[int, ...]:
        """Their numbers, from 1, among the minima of the landscape, which are the same whatever the noise.

        Noise that depends on the state moves the minima of Phi off those of V: each has the number of the nearest.
        """
        named = np.array([minimum.position for minimum in self.wells.minima]).reshape(-1, self.problem.dimension)
        if len(named) < len(self.places):
            return tuple(range(1, len(self.places) + 1))
        nearest = tuple(int(np.argmin(np.linalg.norm(named - place, axis=1))) + 1 for place in self.places)
        return nearest if len(set(nearest)) == len(nearest) else tuple(range(1, len(nearest) + 1))

    def refuse_for_wells(self, question: str) -> None:
        """Raise ``ProblemError`` without a stationary density; warn of wells that steps hold up, which are not seen."""
        refuse_endless(self.balance.exponent, question)
        warn_of_steps(self.problem, self.balance)

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


def of_potential(problem: Problem) -> PotentialSetting:
    """The setting of a problem; computed once and kept with it."""
    known = problem.known.get("setting")
    if isinstance(known, PotentialSetting):
        return known
    balance = kinetics_of(problem)
    if not isinstance(balance, DetailedBalance):
        raise _without_balance(problem)
    refuse_rounding(problem)
    _refuse_overflow(problem, balance)
    landscape = survey(problem, balance.exponent)
    wells: Landscape = landscape
    downhill: Function = balance.exponent
    if not problem.process.field(problem.dimension).constant:
        if has_potential_wells(problem.process) and problem.process.potential is not None:
            downhill = problem.process.potential
            narrow = problem.known.get("narrow")
            wells = survey(problem, downhill)
            if narrow is not None:  # the sample is that of the exponent, whose passes it has to show
                problem.known["narrow"] = narrow
        elif problem.dimension > 1:
            downhill = Downhill(WellFlow(problem.process, problem.dimension), balance.exponent)
    setting = PotentialSetting(problem, balance, landscape, wells, downhill)
    problem.known["setting"] = setting
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


def _without_balance(problem: Problem) -> ProblemError:
    process = problem.process
    key = "diffusion" if isinstance(process, Overdamped) and process.extra is None else "drift"
    found = "drift and noise without detailed balance, which makes the process irreversible"
    return ProblemError(key, found, "D^-1 (div D - b) that is a gradient: formulas of Eyring and Kramers ask for that")


def limit_landscape(setting: PotentialSetting) -> Landscape:
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

    def lifted(points: Sequence[Any]) -> list[Any]:
        places = np.array([point.position for point in points]).reshape(-1, 1).T
        noises, heights = exponent.diffusion.tensor(places)[0, 0], exponent.value(places)
        # a zero of the drift beside an end, up to rounding, may be one of the noise: it is no point of the domain
        found = zip(points, noises.tolist(), heights.tolist(), strict=True)
        return [replace(point.scaled(1.0 / noise), value=height) for point, noise, height in found if noise > 0.0]

    minima = lifted(wells.minima)
    return assemble_landscape(minima, lifted(wells.saddles), wells.frame) if minima else setting.landscape
