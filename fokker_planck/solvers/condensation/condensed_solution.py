"""One linear problem L u = -f on a condensation: values at the wells by elimination, the rest by its factorisation."""

from __future__ import annotations

import mpmath
import numpy as np

from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.condensation.elimination import DIGITS
from fokker_planck.solvers.condensation.wells import Condensation


def solution(
    condensed: Condensation, load: Floats, log_loads: Floats, *, adjoint: bool = False
) -> tuple[Floats, Floats, float]:
    """u that vanishes on the targets, with a(u, v) = l(v) for all other v, or a(v, u) = l(v); l is the scaled ``load``.

    u = (sum_s u_s h_s + inside) exp(scale): (u_s) (n,), the nodal values inside (N,), and the scale are returned.
    ``log_loads`` (K,) are the logarithms of l(g_k), or of l(h_k), weights relative to the lowest exponent.
    """
    generator = condensed.generator
    logs = log_solution_at_wells(condensed, log_loads, adjoint=adjoint)
    scale = max([0.0, *logs])
    height = 0.5 * (generator.exponent - generator.lowest) - scale
    inside = times_exp(condensed.solve_inside(load, adjoint=adjoint), height)
    return np.append(np.exp(logs - scale), np.zeros(len(condensed.targets))), inside, scale


def log_solution_at_wells(condensed: Condensation, logs: Floats, *, adjoint: bool = False) -> Floats:
    """log |u| at the wells, (K,), from S u = f, or S^T u = f, ``logs`` (K,) being log f; minus infinity for zero.

    A sign is lost: see :attr:`~.wells.Condensation.left_backward`.
    """
    with mpmath.workdps(DIGITS):
        load = [mpmath.exp(mpmath.mpf(float(log))) for log in logs]
        chain = condensed.elimination()
        solution = (chain.solve_adjoint if adjoint else chain.solve)(load)[: len(load)]
        return np.array([float(mpmath.log(abs(value))) if value != 0 else -np.inf for value in solution])
