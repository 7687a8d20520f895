"""Correlations in the stationary state: in time, their spectrum, and the time after which they are gone.

    C(t) = <f(X_0) g(X_t)> - <f> <g> = int p f e^(t L) (g - <g>) dx,     t >= 0,
    G(omega) = int_0^oo C(t) e^(-i omega t) dt = int p f (i omega - L)^-1 (g - <g>) dx,
    S(omega) = int C(t) e^(-i omega t) dt over all t = G_fg(omega) + conj(G_gf(omega)),     C_fg(-t) = C_gf(t).

For one function S is real, S = 2 Re G, and G(0) / C(0) is its correlation time.  What is exponentially slow comes from
the reduced problem of the wells (:mod:`~.relaxation`), early times from :mod:`~.rational_krylov`.

Source: Risken, The Fokker-Planck Equation (1989), section 7.2; Pavliotis, Stochastic Processes (2014), section 4.6.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError, ProblemError
from fokker_planck.fem.algebra.long_range import LARGEST_LOG
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.density_samples import samples_of
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.meshing import Heights
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.model.observable import Observable
from fokker_planck.model.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.adaptivity.accuracy import refined_until_verified
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.beginning import Beginning, begin
from fokker_planck.solvers.adaptivity.mesh_for_functions import narrow_parts, seeing, surfaces_followed
from fokker_planck.solvers.adaptivity.spectral_scope import CHANGE, Scope
from fokker_planck.solvers.boundaries.end_conditions import singular_ends
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.condensation.wells import Condensation, condense, well_nodes
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.eigenvalues.slow_modes import slow_modes
from fokker_planck.solvers.eigenvalues.spectral_question import Question as Eigenvalues
from fokker_planck.solvers.results.in_time import Correlation, CorrelationAtTime, SpectralDensity
from fokker_planck.solvers.setting.energy_levels import heights_between_wells
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting, prepare
from fokker_planck.solvers.time.correlations.correlation_in_time import ROUNDING, Early, Spread, by_modes, in_cells
from fokker_planck.solvers.time.correlations.correlation_numbers import Number, estimate_of, known_of, log_of
from fokker_planck.solvers.time.correlations.correlation_parts import lorentzian, mean_of, relaxed
from fokker_planck.solvers.time.evolving.functions_on_mesh import (
    Centred,
    centred,
    covariance,
    is_smooth,
    product,
    rules_apart,
)
from fokker_planck.solvers.time.evolving.relaxation import Relaxation, decaying
from fokker_planck.solvers.time.stepping.rational_krylov import norm
from fokker_planck.solvers.time.survival.tail_of_survival import DIED_OUT, told_apart

MORE_MODES = 4
"""Eigenvalues beside those of wells, for late times: as many as for the law of an exit."""
VARYING = 1e-6
"""Of the product of both deviations: of what varies less than that an error of all of it is none of C(0), and from
rounding, 1e-12 of the product of two projections, it is far enough."""
EARLY = 8.0
"""Over the slowest rate inside wells: for times up to it C is known well enough by its absolute error."""
CLEARLY_FASTER = {True: 0.8, False: 0.25}
"""Of the slowest rate inside wells: all but slow modes are faster, with detailed balance and without, where that rate
is a norm only; a factor too small costs late factorisations, no digits."""
BESIDE = 2.0
"""Units of epsilon below the energy cutoff, in which there is e^2 - 1 times what lies beyond, or more: the correlation
of positions of the kinetic Ornstein-Uhlenbeck process lost 3e-11 beyond a cutoff at 27 units."""


@dataclass(frozen=True)
class Wanted:
    """What is asked: the functions, one twice for one correlation with itself, with times and frequencies."""

    first: Observable
    second: Observable
    times: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()

    @property
    def single(self) -> bool:
        """Whether it is the correlation of one function with itself."""
        return self.first is self.second


@dataclass
class Question:
    """The correlations of two functions, asked on one mesh after another; the first says in what scale."""

    setting: Setting
    wanted: Wanted
    eigenvalues: Eigenvalues
    ceiling: float
    scales: list[float | None] = field(default_factory=list)

    def answer(self, discretization: Discretization) -> Answer:
        """All numbers on one mesh."""
        setting, wanted = self.setting, self.wanted
        generator = assemble(discretization, setting.weighting)
        wells = well_nodes(discretization, setting.places)
        condensed = condense(generator, wells, [], setting.relaxation_rate)
        slow = slow_modes(condensed, len(condensed.wells), self.eigenvalues.budget)
        ratio = np.ones(discretization.count) if generator.symmetric else condensed.density_ratio()
        state = Relaxation(condensed, ratio, [decaying(generator, mode) for mode in slow]).sharpened()
        spread = self._spread(state)
        numbers = [*self._means(state, spread), *self._integral(state, spread, slow)]
        numbers += self._at_times(state, spread, slow)
        numbers += [self._at_frequency(state, spread, frequency) for frequency in wanted.frequencies]
        if not self.scales:
            self.scales = [number.scale for number in numbers]
        logs = [log_of(number, scale) for number, scale in zip(numbers, self.scales, strict=True)]
        doubts = np.array([number.doubt for number in numbers]) + spread.beyond
        return Answer(np.array(logs), doubts, generator, [number.modes for number in numbers])

    def _spread(self, state: Relaxation) -> Spread:
        samples = samples_of(state.generator, self.setting.weighting)
        first = centred(state, self.wanted.first, samples)
        second = first if self.wanted.single else centred(state, self.wanted.second, samples)
        both, parts = (self.wanted.first, self.wanted.second), (first, second)
        lost = [self._beyond(state, each) / each.variance for each in parts]
        beyond = float(np.sqrt(lost[0] * lost[1])) + rules_apart(state, both, parts, self.setting.weighting)
        left = state.generator.apply_mass(first.weighted)
        whole = covariance(state, both, parts, samples)
        return Spread(first, second, product(state, both, parts, samples), left, whole, beyond)

    def _beyond(self, state: Relaxation, function: Centred) -> float:
        """int p f^2 over the cells just below the energy cutoff."""
        generator = state.generator
        near = generator.exponent > self.ceiling - BESIDE
        inside = np.where(near, function.scaled, 0.0)
        return float(np.abs(state.weighted(inside)) @ np.abs(generator.apply_mass(inside))) / state.whole

    def _means(self, state: Relaxation, spread: Spread) -> list[Number]:
        """<f>, <g>, and C(0)."""
        parts = (spread.first, spread.second)
        numbers = [
            Number(
                self._of_density(state, each.scaled, each.deviation),
                each.mean,
                scale=abs(each.mean) + each.deviation,
                doubt=ROUNDING,
            )
            for each in parts
        ]
        varying = spread.product - mean_of(state, spread.product)
        # the square of a sign is one, and what varies of it is rounding, which no mesh resolves
        varies = norm(state.generator, varying) > VARYING * spread.scale * np.sqrt(state.whole)
        modes = self._of_density(state, varying, spread.scale) if varies else numbers[0].modes
        if self.wanted.single:
            return [*numbers, Number(modes, log=np.log(spread.covariance), doubt=ROUNDING)]
        return [*numbers, Number(modes, spread.covariance, scale=spread.scale, doubt=ROUNDING)]

    def _of_density(self, state: Relaxation, scaled: Floats, size: float) -> list[Mode]:
        """What int p h rests on: rho, and u with -L u = h - <h>; with detailed balance rho is one, and it shows u."""
        if state.generator.symmetric:
            return [Mode(in_cells(state, state.resolved(scaled, 0.0)))]
        values = in_cells(state, relaxed(state, scaled, size))
        dual = state.ratio[state.generator.discretization.dofs]
        return [Mode(values, dual, log_whole=float(np.log(size * state.whole)))]

    def _integral(self, state: Relaxation, spread: Spread, slow: list[Eigenmode]) -> list[Number]:
        """int_0^oo C(t) dt: slow modes by themselves, the rest by one solve."""
        generator = state.generator
        found = state.resolved(spread.second.scaled, 0.0)
        image = generator.apply_mass(spread.second.scaled)
        rest = float(spread.left @ found) / state.whole
        logs, signs = [float(np.log(max(abs(rest), 1e-300)))], [np.sign(rest)]
        for mode in state.slow:
            share = (mode.share(spread.left, image) / (1.0 + 1j * mode.log.imag)).real / state.whole
            logs.append(float(np.log(max(abs(share), 1e-300))) - mode.log.real)
            signs.append(np.sign(share))
        top = max(logs)
        total = float(np.sum(np.array(signs) * np.exp(np.array(logs) - top)))
        size = spread.first.deviation * norm(generator, found) / np.sqrt(state.whole)
        largest = abs(rest) if self.wanted.single else size
        modes = [*slow[0].modes] if slow and logs[0] < top else self._pair(state, spread, found, 0.0, largest)
        if self.wanted.single:
            if not total > 0.0:
                raise NotPositiveError("the correlation time came out negative", "a finer tolerance")
            return [Number(modes, log=top + np.log(total), doubt=ROUNDING)]
        if top > LARGEST_LOG:
            raise BarrierTooHighError("the integral of the correlation is no double", "more noise")
        size += float(np.exp(np.array(logs[1:])).sum())
        return [Number(modes, total * np.exp(top), scale=size, doubt=ROUNDING)]

    def _pair(self, state: Relaxation, spread: Spread, found: Numbers, frequency: float, size: float) -> list[Mode]:
        """What G(omega) rests on: the resolvent of g, and the adjoint one of f p."""
        generator = state.generator
        if generator.symmetric and self.wanted.single:
            dual = found
        else:
            dual = state.resolved(spread.first.weighted, frequency, adjoint=True)
        whole = max(size, 1e-290) * state.whole
        return [Mode(in_cells(state, found), in_cells(state, dual), log_whole=float(np.log(whole)))]

    def _at_frequency(self, state: Relaxation, spread: Spread, frequency: float) -> Number:
        """S(omega)."""
        generator, wanted = state.generator, self.wanted
        found = state.resolved(spread.second.scaled, frequency)
        image = generator.apply_mass(spread.second.scaled)
        value = complex(spread.left @ found) / state.whole
        value += sum((lorentzian(mode, spread.left, image, frequency) for mode in state.slow), 0.0j) / state.whole
        if wanted.single:
            density = 2.0 * value.real
            modes = self._pair(state, spread, found, frequency, 0.5 * density)
            if not density > 0.0:
                raise NotPositiveError(f"the spectrum came out as {density:.1e}", "a finer tolerance")
            return Number(modes, log=np.log(density), doubt=ROUNDING * (1.0 + abs(value) / density))
        back = spread.second.weighted
        other = state.resolved(spread.first.scaled, frequency)
        turned = complex(generator.apply_mass(back) @ other) / state.whole
        first = generator.apply_mass(spread.first.scaled)
        left = generator.apply_mass(back)
        turned += sum((lorentzian(mode, left, first, frequency) for mode in state.slow), 0.0j) / state.whole
        size = spread.first.deviation * norm(generator, found) + spread.second.deviation * norm(generator, other)
        scale = max(size / np.sqrt(state.whole), abs(value), abs(turned))
        modes = self._pair(state, spread, found, frequency, scale)
        return Number(modes, value + np.conj(turned), scale=scale, doubt=ROUNDING)

    def _at_times(self, state: Relaxation, spread: Spread, slow: list[Eigenmode]) -> list[Number]:
        """C(t), late ones by modes."""
        times = self.wanted.times
        if not times:
            return []
        modes, start = self._modes(state, slow)
        late = [decaying(state.generator, mode) for mode in modes] if modes is not slow else list(state.slow)
        tolerance = self.setting.problem.resolution.tolerance
        latest = start if np.isfinite(start) else max(times)
        early = Early(state, spread, latest, self.wanted.single, tolerance)
        return [by_modes(state, spread, modes, late, t) if t >= start else early.number(t) for t in times]

    def _modes(self, state: Relaxation, slow: list[Eigenmode]) -> tuple[list[Eigenmode], float]:
        """The slowest modes and the time from which on they are all that is left; infinite if none is asked for."""
        condensed, symmetric = state.condensed, state.generator.symmetric
        if max(self.wanted.times) * condensed.slowest_inside <= EARLY:
            return slow, np.inf
        if slow and sum(mode.times for mode in slow) == len(condensed.wells) - 1:
            return slow, DIED_OUT / (CLEARLY_FASTER[symmetric] * condensed.slowest_inside)
        return self._searched(condensed)

    def _searched(self, condensed: Condensation) -> tuple[list[Eigenmode], float]:
        nowhere = np.zeros(len(condensed.load), dtype=bool)
        self.eigenvalues.wanted = len(condensed.wells) - 1 + MORE_MODES
        if condensed.generator.symmetric:
            modes, faster = told_apart(self.eigenvalues.orthogonal(condensed, nowhere))
        else:
            modes, faster = told_apart(self.eigenvalues.of_both_sides(condensed, nowhere)[0])
        return modes, DIED_OUT / (faster - float(np.exp(modes[0].log.real)))


class NotPositiveError(ConvergenceError):
    """A share of itself is asked for as the error of a number that is zero but for rounding."""


def correlation(problem: Problem, wanted: Wanted) -> Correlation:
    """The correlations of two functions in the stationary state, every number to the problem's tolerance.

    Without detailed balance the integral of C may be zero, as that of a velocity is: what moves within bounds comes
    back. There is no correlation time then, and numbers have absolute errors as those of two functions do.
    """
    setting = prepare(problem)
    try:
        return _correlation(setting, wanted)
    except NotPositiveError:
        if isinstance(setting, PotentialSetting):
            raise
        return _correlation(setting, replace(wanted, second=replace(wanted.second)))


def _correlation(setting: Setting, wanted: Wanted) -> Correlation:
    problem = setting.problem
    if singular_ends(setting.exponent):
        found = "a line at an end of which the noise vanishes or the drift is infinite"
        raise ProblemError("correlation", found, "a domain that ends before")
    heights = whole_heights(setting)
    ceiling = setting.ceiling if isinstance(setting, FlowSetting) else heights.ceiling if heights else np.inf
    question = Question(setting, wanted, Eigenvalues(setting, None, 0, Scope()), ceiling)
    first = _begun(setting, question, heights)
    outcome = refined_until_verified(problem, first)
    bars = outcome.errors
    known = [
        known_of(number, float(bar), float(doubt), scale)
        for number, bar, doubt, scale in zip(outcome.numbers, bars, outcome.payload, question.scales, strict=True)
    ]
    mean_first, mean_second, covariance, integral = known[:4]
    late = 4 + len(wanted.times)
    time = None
    if wanted.single:
        log = float(outcome.numbers[3].real - outcome.numbers[2].real)
        time = Quantity.of_log(log, float(bars[3] + bars[2] + outcome.payload[3] + outcome.payload[2]))
    return Correlation(
        functions=(wanted.first.text, wanted.second.text),
        means=(estimate_of(mean_first), estimate_of(mean_second)),
        covariance=estimate_of(covariance),
        integral=estimate_of(integral),
        time=time,
        times=tuple(
            CorrelationAtTime(t, estimate_of(each)) for t, each in zip(wanted.times, known[4:late], strict=True)
        ),
        spectrum=tuple(
            SpectralDensity(frequency, estimate_of(each), float(each[0].imag))
            for frequency, each in zip(wanted.frequencies, known[late:], strict=True)
        ),
        statistics=outcome.statistics,
    )


def _begun(setting: Setting, question: Question, heights: Heights | None) -> Beginning:
    """The question on its first mesh, which sees the functions."""
    problem, wanted = setting.problem, question.wanted
    functions = [each.function for each in (wanted.first, wanted.second)]
    ends = Ends(measured=surfaces_followed(problem, functions))
    first = begin(setting, ends, question.answer, heights, 0, CHANGE, cut=False)
    if not all(is_smooth(each) for each in (wanted.first, wanted.second)):
        # soon after a jump the error hardly falls with the degree: one less said 1.1e-3 where it was 2.0e-3
        first = replace(first, less_first=False)
    if problem.resolution.cells is None:
        narrow = narrow_parts(problem, functions)
        first = replace(first, mesh=seeing(first.mesh, narrow, "the functions correlated"))
    return first


def whole_heights(setting: Setting) -> Heights | None:
    """Of all below the energy cutoff: a function may be large where the process goes on no way between wells."""
    if not isinstance(setting, PotentialSetting):
        return None
    return replace(heights_between_wells(setting), trim=False)
