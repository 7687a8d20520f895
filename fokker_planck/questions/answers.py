"""The questions as users ask them: each solver's result with the Eyring-Kramers prediction beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fokker_planck.arrays import Floats
from fokker_planck.landscape.types import Landscape
from fokker_planck.model.problem import MOST_EIGENVALUES, Problem, checked_exit, checked_target
from fokker_planck.solvers.results import Rates

if TYPE_CHECKING:
    from fokker_planck.asymptotics.saddle_flow import SaddleFlow
    from fokker_planck.model.sets import Set
    from fokker_planck.quantity import Quantity
    from fokker_planck.solvers.results import Committor, ExitTime, Spectrum, Stationary

quietly = np.errstate(all="ignore")
"""Infinities and what is no number are looked for where they may come up; numpy's warnings, some of which only tell of
lanes of a vector register that hold no number, say nothing to who asks a question."""


@dataclass(frozen=True)
class WellRates(Rates):
    """The reduced chain, and over which saddles it goes from one well to another, by Eyring-Kramers."""

    flows: tuple[SaddleFlow, ...] = ()


@quietly
def is_reversible(problem: Problem) -> bool:
    """Whether D^-1 (div D - b) is a gradient: detailed balance, as for every process on a line.

    >>> import fokker_planck as fp
    >>> turned = fp.Overdamped(fp.Potential("x**2/2 + y**2/2"), fp.Isotropic(0.1), extra=fp.Drift(["y", "-x"]))
    >>> is_reversible(fp.Problem(turned, fp.Ball([0.0, 0.0], 1.0)))
    False
    """
    from fokker_planck.solvers import setting

    return setting.is_reversible(problem)


@quietly
def landscape(problem: Problem) -> Landscape:
    """grad V = 0: minima and saddles of the potential in the domain, which wells each saddle joins, and the barriers.

    Where a drift is given on a line, V is minus its integral.  Returns a :class:`Landscape` in units of V.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> landscape(fp.Problem(process, fp.Box([-2.0], [2.0]))).barriers[1]
    0.25
    """
    from fokker_planck.errors import ProblemError
    from fokker_planck.landscape.survey import survey
    from fokker_planck.model.reversibility.drift_potential import drift_potential

    function = drift_potential(problem.process, problem.dimension, problem.bounding_box(), problem.periods)
    if function is None:
        found = "a drift that is no gradient, or whose potential is not given"
        raise ProblemError("drift", found, "-grad V alone, or a process on a line, for a landscape")
    return survey(problem, function)


@quietly
def stationary_density(problem: Problem) -> Stationary:
    """div(D grad p + p D grad Phi) = 0 with no flux through the boundary: density and weights of the wells.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2*(1 + 0.4*x)/4"), fp.Isotropic(0.05))
    >>> line = fp.Problem(process, fp.Box([-2.0], [2.0]), fp.Resolution(tolerance=1e-10))
    >>> round(stationary_density(line).wells[0].probability.value, 9)     # the flat well: 0.6019150610
    0.601915061
    """
    from fokker_planck.asymptotics.eyring_kramers import well_probabilities
    from fokker_planck.solvers import stationary
    from fokker_planck.solvers.irreversible_stationary import irreversible_stationary
    from fokker_planck.solvers.setting import is_reversible, limit_landscape, prepare

    if not is_reversible(problem):
        return irreversible_stationary(problem)
    found = stationary.stationary_density(problem)
    setting = prepare(problem)
    limit = limit_landscape(setting)
    predicted: list[Any] = [None] * len(found.wells)
    if len(found.wells) > 1 and len(limit.minima) == sum(1 + len(well.merged) for well in found.wells):
        # Laplace's formula says nothing about minima shallower than the noise
        beside = well_probabilities(limit, setting.balance.exponent)
        predicted = [None if w.merged else beside[limit.nearest_minimum(w.minimum)] for w in found.wells]
    wells = (replace(well, asymptotic=value) for well, value in zip(found.wells, predicted, strict=True))
    return replace(found, wells=tuple(wells))


@quietly
def spectrum(problem: Problem, count: int = 4, target: Set | str | Literal["boundary"] | None = None) -> Spectrum:
    """-L u = lambda u with no flux through the boundary: the ``count`` smallest eigenvalues, the zero among them.

    With a ``target``, a set, the name of one of the problem's sets, or "boundary", u = 0 there: the process is
    absorbed, zero is no eigenvalue, and the smallest is the rate at which what has not arrived yet arrives.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> round(spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), count=2).gap.value, 10)   # 2.776140636573e-3
    0.0027761406
    >>> round(spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), 1, fp.HalfSpace([1.0], 0.0)).gap.value, 10)
    0.0027761406
    """
    from fokker_planck.asymptotics.eyring_kramers import predicted_eigenvalues
    from fokker_planck.model.arguments import whole_number
    from fokker_planck.solvers import spectrum as solver
    from fokker_planck.solvers.irreversible_spectrum import irreversible_spectrum
    from fokker_planck.solvers.setting import is_reversible, limit_landscape, prepare

    count = whole_number("spectrum.count", count, 2 if target is None else 1, MOST_EIGENVALUES[problem.dimension])
    shape = None if target is None else checked_target(problem, target, "spectrum.target")
    name = target if isinstance(target, str) else repr(target)
    if not is_reversible(problem):
        return irreversible_spectrum(problem, count, shape, name)
    found = solver.spectrum(problem, count, shape, name)
    if target is not None:
        return found
    setting = prepare(problem)
    limit, balance = limit_landscape(setting), setting.balance
    predicted = predicted_eigenvalues(limit, balance.diffusion.tensor, count, balance.exponent)
    beside = predicted[1:count] + [None] * (count - max(len(predicted), 1))
    eigenvalues = [replace(e, asymptotic=value) for e, value in zip(found.eigenvalues[1:], beside, strict=True)]
    return replace(found, eigenvalues=(found.eigenvalues[0], *eigenvalues))


@quietly
def mean_exit_time(
    problem: Problem, start: Sequence[float] | float, target: Set | str | Literal["boundary"]
) -> ExitTime:
    """L tau = -1, tau = 0 on the target, no flux through the rest of the boundary: tau(start), and the field tau.

    Arguments: ``start``, a point (dim,) of the domain outside of the target; ``target``, a set, the name of one of
    the problem's sets, or "boundary".

    Raises ``ProblemError`` for a start or target that does not fit, ``ConvergenceError`` where the solve fails.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> well = fp.Problem(process, fp.Box([-2.0], [2.0]))
    >>> round(mean_exit_time(well, -1.0, fp.HalfSpace([1.0], 1.0)).mean.value, 5)            # 729.6706919423
    729.67069
    """
    from fokker_planck.asymptotics import exit_time as asymptotics
    from fokker_planck.asymptotics.exit_surfaces import Outside
    from fokker_planck.model.domain import Box
    from fokker_planck.model.sets import Ball
    from fokker_planck.solvers import exit_time
    from fokker_planck.solvers.irreversible_exit_time import irreversible_exit_time
    from fokker_planck.solvers.setting import is_reversible, limit_landscape, prepare

    place, shape = checked_exit(problem, start, target)
    name = target if isinstance(target, str) else repr(target)
    if not is_reversible(problem):
        from fokker_planck.questions.small_noise import predicted_exit_time
        from fokker_planck.solvers.irreversible_setting import holds_nothing, prepare_irreversible

        answer = irreversible_exit_time(problem, place, shape, name)
        if holds_nothing(problem):
            return answer
        beside = predicted_exit_time(prepare_irreversible(problem, [shape], place), place, shape)
        return replace(answer, asymptotic=beside)
    found = exit_time.mean_exit_time(problem, place, shape, name)
    setting = prepare(problem)
    if any(end.accessible for end in getattr(setting.balance.exponent, "ends", ())):
        return found  # the formulas know no end at which the noise vanishes
    if not isinstance(shape, str):
        surface: Any = shape
    elif isinstance(problem.domain, Box | Ball):
        surface = Outside(problem.domain)
    else:
        return found
    balance = setting.balance
    predicted = asymptotics.mean_exit_time(
        limit_landscape(setting), balance.exponent, balance.diffusion.tensor, place, surface
    )
    return replace(found, asymptotic=predicted)


@quietly
def committor(problem: Problem, origin: Set | str, goal: Set | str) -> Committor:
    """L q = 0, q = 0 on ``origin`` and 1 on ``goal``, no flux through the boundary: rate and probabilities.

    Arguments: sets, or names of the problem's sets.  Returns the number of transitions per unit time (not divided
    by a population), the probability to be on a reactive path, the probability that ``origin`` was visited last,
    the fields.

    Source: E and Vanden-Eijnden 2006.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("0"), fp.Isotropic(2.0))
    >>> line = fp.Problem(process, fp.Box([0.0], [1.0]))
    >>> found = committor(line, fp.HalfSpace([-1.0], -0.25), fp.HalfSpace([1.0], 0.75))     # q linear: nu = 2 / (1/2)
    >>> round(found.rate.value, 12), round(found.probability_last_from.value, 12)
    (4.0, 0.5)
    """
    from fokker_planck.model.problem import checked_set
    from fokker_planck.solvers import committor as solver
    from fokker_planck.solvers.irreversible_committor import irreversible_committor
    from fokker_planck.solvers.setting import is_reversible

    first, second = checked_set(problem, origin, "committor.from"), checked_set(problem, goal, "committor.to")
    if not is_reversible(problem):
        return irreversible_committor(problem, first, second)
    return solver.committor(problem, first, second)


@quietly
def has_rates(problem: Problem) -> bool:
    """Whether there are two wells deeper than one noise unit, between which :func:`rates` can be asked for."""
    from fokker_planck.solvers.irreversible_rates import irreversible_states
    from fokker_planck.solvers.irreversible_setting import prepare_irreversible
    from fokker_planck.solvers.rates import states
    from fokker_planck.solvers.setting import is_reversible, prepare

    if not is_reversible(problem):
        return len(irreversible_states(prepare_irreversible(problem))) >= 2
    return len(states(prepare(problem))) >= 2


@quietly
def has_landscape(problem: Problem) -> bool:
    """Whether there is a function down which the process runs, so that :func:`landscape` can be asked for."""
    from fokker_planck.model.reversibility.drift_potential import drift_potential

    return drift_potential(problem.process, problem.dimension, problem.bounding_box(), problem.periods) is not None


@quietly
def rates(problem: Problem) -> WellRates:
    """L chi_m = sum_k chi_k R_km on the slow eigenfunctions: rates between wells, beside Eyring-Kramers.

    Wells shallower than one noise unit are no states of the chain; in the Eyring-Kramers rates beside it they are ways
    from one state to another.

    Returns the rates from row to column (None on the diagonal, which is minus the sum of the row), the mean times from
    one well to another, the Eyring-Kramers rates, and for each pair of wells the saddles that carry the flow.

    Raises ``ProblemError`` where there are fewer than two such wells, ``ConvergenceError`` where the solve fails.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> found = rates(fp.Problem(process, fp.Box([-2.0], [2.0])))
    >>> round(2 * found.rates[0][1].value, 10)                 # the gap, 2.776140636573e-3
    0.0027761406
    """
    from fokker_planck.asymptotics import eyring_kramers as asymptotics
    from fokker_planck.asymptotics.markov_chain import log_watched_chain
    from fokker_planck.asymptotics.saddle_flow import saddle_flows
    from fokker_planck.solvers import rates as solver
    from fokker_planck.solvers.irreversible_rates import irreversible_rates
    from fokker_planck.solvers.setting import is_reversible, limit_landscape, prepare

    if not is_reversible(problem):
        from fokker_planck.questions.small_noise import predicted_rates
        from fokker_planck.solvers.irreversible_rates import irreversible_states
        from fokker_planck.solvers.irreversible_setting import prepare_irreversible

        chain, of_drift = irreversible_rates(problem), prepare_irreversible(problem)
        states = irreversible_states(of_drift)
        states = [k for k in states if of_drift.attractors[k].position in chain.minima]
        beside = predicted_rates(of_drift, states)
        return WellRates(chain.minima, chain.rates, chain.hitting_times, chain.statistics, beside)
    found = solver.rates(problem)
    setting = prepare(problem)
    landscape, tensor = limit_landscape(setting), setting.balance.diffusion.tensor
    kept = [landscape.nearest_minimum(position) for position in found.minima]
    if len(set(kept)) < len(kept):
        return WellRates(found.minima, found.rates, found.hitting_times, found.statistics)
    logs, _ = log_watched_chain(asymptotics.rates(landscape, tensor), kept)
    return WellRates(
        minima=found.minima,
        rates=found.rates,
        hitting_times=found.hitting_times,
        statistics=found.statistics,
        asymptotic=tuple(tuple(row) for row in _predicted(logs)),
        flows=saddle_flows(landscape, tensor, kept),
    )


@quietly
def eyring_kramers(problem: Problem) -> list[list[Quantity | None]]:
    """k_ij = sum_z lambda_+/(2 pi) sqrt(det Hess Phi(x_i) / |det Hess Phi(z)|) exp(Phi(x_i) - Phi(z)), z the saddles.

    Returns the rates between wells, from row to column, wells in the order of :func:`landscape`; None where no
    saddle joins two wells, or a degenerate one does.  Source: Eyring 1935; Kramers 1940; Bovier, Eckhoff, Gayrard
    and Klein 2004, Theorem 3.1.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> round(eyring_kramers(fp.Problem(process, fp.Box([-2.0], [2.0])))[0][1].value, 9)   # sqrt(2)/(2 pi) exp(-5)
    0.001516571
    """
    from fokker_planck.asymptotics.eyring_kramers import rates
    from fokker_planck.solvers.setting import limit_landscape, prepare

    setting = prepare(problem)
    return _predicted(rates(limit_landscape(setting), setting.balance.diffusion.tensor))


def _predicted(logs: Floats) -> list[list[Quantity | None]]:
    """Rates from their logarithms; None where there is none, or none is known."""
    from fokker_planck.quantity import Quantity

    return [[Quantity.of_log(float(log), float("nan")) if isfinite(log) else None for log in row] for row in logs]
