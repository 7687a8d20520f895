"""The reduced chain between the wells of an underdamped process in the plane, whose phase space has four dimensions.

``R = X (-Lambda) X^-1`` as for every other process (:mod:`~.rates`), X the values of the slow modes at rest in the
minima, ``u(x_k, 0) = sum_n u_n(x_k) h_n(0)``: of the Hermite functions of the velocities
(:mod:`fokker_planck.fem.hermite_velocities`) those that are odd in one of them vanish there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import lgamma, log

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.hermite_velocities import HermiteSpace
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.positions import positions_of
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.error_bars import warn_or_refuse
from fokker_planck.solvers.condensation.reduced_chain import (
    ChainRates,
    Chosen,
    pairs_of,
    rates_of,
    refuse_count,
    result_of,
    warn_of_the_left_out,
)
from fokker_planck.solvers.condensation.uncertain_places import Places, left_by_places
from fokker_planck.solvers.momentum.kinetic_convergence import (
    COUNTS,
    Case,
    Solved,
    checked_setting,
    followed,
    statistics_of,
)
from fokker_planck.solvers.momentum.kinetic_modes import KineticModes
from fokker_planck.solvers.results.steady import Rates
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting

LEFT = 0.05
"""Of the tolerance, to which values at the wells are followed by the descent: it takes half as many steps again."""
LEAST_GOAL = 1e-13
"""Of an eigenvalue, left by the descent: less is rounding."""
DIGITS = 1e-14
"""Of the largest value of a mode, to which doubles hold it elsewhere: in a well deeper than others it is small."""
UNKNOWN = 1.0
"""Relative error of a rate of which nothing but its size is known: the bar reaches zero."""


@dataclass(frozen=True)
class _Chain:
    """The chain read from modes on one mesh, and its ``states``, numbers of the deep minima.

    ``elsewhere`` gives logarithms of its rates for other places of these.
    """

    found: ChainRates
    states: tuple[int, ...]
    at_wells: Floats
    elsewhere: Callable[[Places], Floats]

    @property
    def logs(self) -> Floats:
        return self.found.logs

    @property
    def weights(self) -> Floats:
        return self.found.weights


def rates(problem: Problem) -> Rates:
    """Rates between all pairs of wells of an underdamped process in the plane, and mean hitting times of the chain.

    Raises
    ------
    ProblemError
        For fewer than two wells deeper than the noise, and for what this solver does not do
    ConvergenceError
        Where it does not converge.
    """
    process = problem.process
    assert isinstance(process, Underdamped)
    assert not isinstance(process.friction, str)
    return rates_between_wells(positions_of(problem), process.friction)


def rates_between_wells(positions: Problem, friction: float) -> Rates:
    """The same for the friction and the overdamped process of the same V and noise, in the positions of the domain."""
    started, tolerance = time.perf_counter(), positions.resolution.tolerance
    setting = checked_setting(positions)
    places = setting.state_places
    refuse_count(len(places), setting.key)
    chosen = Chosen([])

    def read(modes: KineticModes, space: HermiteSpace, discretization: Discretization) -> _Chain:
        at_wells = _at_rest(modes, space, discretization, np.array(places))
        values = [0.0, *modes.values]
        chosen.look(values, at_wells, 1)

        def elsewhere(moved: Places) -> Floats:
            return np.array(rates_of(values, _at_rest(modes, space, discretization, np.array(moved)), chosen.kept).logs)

        return _Chain(rates_of(values, at_wells, chosen.kept), tuple(chosen.kept), at_wells, elsewhere)

    weights = _weights(setting)
    goal = max((LEFT * tolerance) ** 2 * float(weights.min()), LEAST_GOAL)
    case = Case(setting, friction, len(places) - 1, goal, read)
    outcome = followed(case)
    chain: _Chain = outcome.solved.read
    errors = outcome.errors + _left(case, outcome.solved, weights)
    errors = errors + left_by_places(chain.elsewhere, chain.logs, setting)
    warn_of_the_left_out(len(places), chosen, chain.found, errors)
    worst = float(errors[chain.weights >= COUNTS].max())
    if worst > tolerance:
        warn_or_refuse(worst, tolerance)
    minima = [places[k] for k in chosen.kept]
    known = np.minimum(errors, UNKNOWN)
    result = result_of(minima, chain.logs, known, chain.found, statistics_of(outcome, started))
    return replace(result, numbers=tuple(setting.state_numbers[k] for k in chosen.kept))


def _at_rest(modes: KineticModes, space: HermiteSpace, discretization: Discretization, places: Floats) -> Floats:
    """``u(x_k, 0)`` of the constant and of all modes, in columns, (K, K)."""
    still = np.array([_at_zero(n) for n in space.even])
    averages = np.einsum("n,knN->kN", still, modes.functions)
    rows = np.array([point_functional(discretization, place) for place in places])
    if not rows.any(axis=1).all():
        raise ProblemError("domain", "a minimum beside the mesh", "wells that no wall holds")
    return np.concatenate([np.ones((len(places), 1)), rows @ averages.T], axis=1)


def _at_zero(orders: tuple[int, ...]) -> float:
    """The product of the Hermite functions ``He_n(0)/sqrt(n!)``, ``(-1)^(n/2) sqrt(n!)/(2^(n/2) (n/2)!)`` for even n.

    >>> [round(_at_zero((n,)), 12) for n in (0, 1, 2, 4)] == [1.0, 0.0, round(-(0.5**0.5), 12), round(0.375**0.5, 12)]
    True
    """
    if any(n % 2 for n in orders):
        return 0.0
    size = sum(0.5 * lgamma(n + 1.0) - 0.5 * n * log(2.0) - lgamma(0.5 * n + 1.0) for n in orders)
    return float((-1.0) ** (sum(orders) // 2) * np.exp(size))


def _weights(setting: PotentialSetting) -> Floats:
    """Shares of the deep wells by Laplace's formula, (K,): for the size alone of what the descent leaves."""
    logs = np.array(
        [
            -minimum.value - 0.5 * sum(log(max(value, 1.0)) for value in minimum.hessian_eigenvalues)
            for minimum in setting.deep_minima
        ]
    )
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _left(case: Case, solved: Solved, weights: Floats) -> Floats:
    """What the descent leaves of the rates, (n,).

    A function that is off by e with a(e, e) = left lambda |u|^2 is off by sqrt(left lambda/(mu p_k)) |u| in a well of
    the weight p_k, where what is fast falls with mu at least, and by sqrt(left) of the other slow ones; of
    R = X (-Lambda) X^-1 that changes ``|dX| Lambda |X^-1| + |R| |dX| |X^-1|`` at most.
    """
    chain: _Chain = solved.read
    rows, size = list(chain.states), len(chain.states)
    values, left = np.append(0.0, solved.modes.values)[:size], np.append(0.0, solved.modes.left)[:size]
    at_wells, shares = chain.at_wells[rows, :size], weights[rows]
    norms = np.sqrt((shares[:, None] * at_wells**2).sum(axis=0))
    off = np.sqrt(left * values / (case.inside * shares[:, None])) * norms
    mixed = np.sqrt(left) * (np.abs(at_wells[:, 1:]).sum(axis=1, keepdims=True) - np.abs(at_wells))
    off[:, 1:] += (mixed if size > 2 else 0.0 * mixed)[:, 1:] + DIGITS * np.abs(at_wells).max(axis=0)[1:]
    inverse = np.abs(np.linalg.inv(at_wells))
    changes = (off * values) @ inverse + np.abs(chain.found.chain) @ off @ inverse
    return np.array([changes[k, m] / abs(chain.found.chain[k, m]) for k, m in pairs_of(size)])
