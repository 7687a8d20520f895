"""The slow modes of a process for its evolution: what is left of any beginning once all others have died out."""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.solvers.adaptivity.spectral_scope import TooFastError
from fokker_planck.solvers.condensation.wells import condense, well_nodes
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.eigenvalues.slow_modes import slow_modes
from fokker_planck.solvers.eigenvalues.spectral_question import Question as Eigenvalues
from fokker_planck.solvers.time.survival.slow_deviation import SlowPart, takes_over
from fokker_planck.solvers.time.survival.tail_of_survival import told_apart

MORE_MODES = 4
"""Eigenvalues beside those of wells: with them the tail of the Ornstein-Uhlenbeck process takes over where S is 2e-2,
with one at 1e-7."""
LEAST_INSIDE = 0.8
"""Of the slowest rate inside wells, which is known to 5 %: all but slow modes are faster."""
CLEARLY_FASTER = 0.25
"""The same where noise vanishes in some direction, and that rate is a norm only."""
OVERLAP = 1e-6
"""Of modes of one size, whose product with each other's duals is to vanish: where it does not they are not told apart,
as those of a defective eigenvalue are not."""


def known_modes(eigenvalues: Eigenvalues, generator: Generator, absorbed: Booleans) -> tuple[list[Eigenmode], float]:
    """The slowest modes but zero, ascending, and a rate than which all others are faster; none where there are none."""
    setting, targets = eigenvalues.setting, [absorbed] if absorbed.any() else []
    wells = well_nodes(generator.discretization, setting.places, absorbed)
    condensed = condense(generator, wells, targets, setting.relaxation_rate)
    count = len(wells) - (0 if targets else 1)
    eigenvalues.wanted = max(count, 0) + MORE_MODES
    try:
        if is_degenerate(setting.problem):
            # all eigenvalues of a strip take long where it is wide: without those of all wells there is none
            slow = slow_modes(condensed, count, eigenvalues.budget)
            whole = bool(slow) and sum(mode.times for mode in slow) == count
            return (slow, CLEARLY_FASTER * condensed.slowest_inside) if whole else ([], np.inf)
        if not generator.symmetric:
            return told_apart(eigenvalues.of_both_sides(condensed, absorbed)[0])
        slow = slow_modes(condensed, count, eigenvalues.budget)
        if slow and len(slow) == count:
            return slow, LEAST_INSIDE * condensed.slowest_inside
        return told_apart(eigenvalues.orthogonal(condensed, absorbed))
    except (ConvergenceError, TooFastError):
        # powers serve as far as they go, and say how far
        return [], np.inf


def slow_part(generator: Generator, modes: list[Eigenmode], faster: float, load: Floats) -> SlowPart | None:
    """Of the ``load`` (N,) at the beginning; None without modes that are told apart."""
    if not modes:
        return None
    half = np.exp(-0.5 * (generator.exponent - generator.lowest))
    right = np.array([np.where(half > 0.0, mode.nodal, 0.0) * half for mode in modes])
    left = np.array([_left(generator, mode) * half for mode in modes])
    images = np.array([_applied(generator, vector) for vector in right])
    products = images @ left.T
    norms = np.diag(products)
    sizes = np.sqrt(np.abs(norms))
    with np.errstate(divide="ignore", invalid="ignore"):
        overlap = np.abs(products - np.diag(norms)) / (sizes[:, None] * sizes)
        shares = (right @ load) / norms
    if not (np.isfinite(shares).all() and np.nanmax(overlap) < OVERLAP):
        return None
    times = np.array([mode.times for mode in modes])
    logs = tuple(complex(mode.log) for mode in modes)
    slowest = float(np.exp(logs[0].real))
    return SlowPart(takes_over(faster, slowest), logs, (times * shares)[:, None] * left)


def _left(generator: Generator, mode: Eigenmode) -> Floats:
    """The left function at the nodes, (N,)."""
    dual = mode.modes[0].dual
    if dual is None:
        return np.asarray(mode.nodal)
    discretization = generator.discretization
    nodal = np.zeros(discretization.count, dtype=dual.dtype)
    nodal[discretization.dofs] = dual
    if discretization.comm.size > 1:
        count = np.zeros(discretization.count)
        count[discretization.dofs] = 1.0
        discretization.comm.Allreduce(MPI.IN_PLACE, nodal, op=MPI.SUM)
        discretization.comm.Allreduce(MPI.IN_PLACE, count, op=MPI.SUM)
        nodal = nodal / count
    return nodal


def _applied(generator: Generator, vector: Floats) -> Floats:
    """M times a vector that may be complex."""
    if np.iscomplexobj(vector):
        return generator.apply_mass(vector.real) + 1j * generator.apply_mass(vector.imag)
    return generator.apply_mass(vector)
