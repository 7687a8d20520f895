"""Eigenvalues between wells of an underdamped process in the plane: its phase space has four dimensions.

By Hermite functions of the velocities over finite elements of the positions (:mod:`~.kinetic_convergence`) every
number is an upper bound but for rounding.
"""

from __future__ import annotations

import time

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.hermite_velocities import HermiteSpace
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.positions import positions_of
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.adaptivity.error_bars import warn_or_refuse
from fokker_planck.solvers.momentum.kinetic_convergence import Case, checked_setting, followed, statistics_of
from fokker_planck.solvers.momentum.kinetic_modes import KineticModes
from fokker_planck.solvers.results.steady import Eigenvalue, Spectrum, Statistics

LEFT = 1e-2
"""Of the tolerance, to which the descent is followed: it costs a few steps."""


@dataclass(frozen=True)
class SlowModes:
    """Eigenvalues (k,), relative errors (k,), and the functions of positions, averaged over velocities, (k, N)."""

    values: Floats
    errors: Floats
    functions: Floats
    discretization: Discretization
    order: int
    statistics: Statistics


@dataclass(frozen=True)
class _Eigenvalues:
    """All count alike."""

    logs: Floats

    @property
    def weights(self) -> Floats:
        return np.ones(len(self.logs))


def spectrum(problem: Problem, count: int, target: object | None) -> Spectrum:
    """``-L u = lambda u`` of an underdamped process in the plane: zero and the eigenvalues between its wells.

    Raises
    ------
    ProblemError
        For what this solver does not do
    ConvergenceError
        Where it does not converge.
    """
    process = problem.process
    assert isinstance(process, Underdamped)
    assert not isinstance(process.friction, str)
    if target is not None:
        wanted = "no target: of an underdamped process in the plane the spectrum of the whole domain alone is solved"
        raise ProblemError("spectrum.target", "a target", wanted)
    found = slow_modes(positions_of(problem), process.friction, count)
    errors = found.errors + np.zeros(len(found.values))
    worst = float(errors.max())
    if worst > problem.resolution.tolerance:
        warn_or_refuse(worst, problem.resolution.tolerance)
    eigenvalues = [Eigenvalue(Quantity.of(0.0, 0.0))]
    eigenvalues += [Eigenvalue(Quantity.of(float(v), float(e))) for v, e in zip(found.values, errors, strict=True)]
    functions = [np.ones(found.discretization.count), *found.functions]
    fields = tuple(Field(f"eigenfunction {k}", found.discretization, f) for k, f in enumerate(functions))
    return Spectrum(tuple(eigenvalues), fields, found.statistics)


def slow_modes(positions: Problem, friction: float, count: int) -> SlowModes:
    """The ``count`` - 1 smallest eigenvalues that are not zero, all between wells, to the tolerance if it can be had.

    Parameters
    ----------
    positions
        the overdamped process of the same V and noise, in the positions of the domain, a box
    friction
        gamma
    count
        how many eigenvalues, the zero among them
    """
    started = time.perf_counter()
    setting = checked_setting(positions)
    wells = len(setting.deep_minima)
    if count > wells:
        wanted = f"at most {wells}: of an underdamped process in the plane those between wells alone are solved"
        raise ProblemError("spectrum.count", count, wanted)

    def read(modes: KineticModes, _space: HermiteSpace, _on: Discretization) -> _Eigenvalues:
        return _Eigenvalues(np.log(modes.values))

    found = followed(Case(setting, friction, count - 1, LEFT * positions.resolution.tolerance, read))
    solved, modes = found.solved, found.solved.modes
    averages = modes.functions[:, 0]
    return SlowModes(
        values=modes.values,
        errors=found.errors + modes.left,
        functions=averages / np.abs(averages).max(axis=1, keepdims=True),
        discretization=solved.discretization,
        order=solved.order,
        statistics=statistics_of(found, started),
    )
