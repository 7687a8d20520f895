"""Eigenvalues that are exponentially small: those of the reduced problem of the wells, exact relative to themselves."""

from __future__ import annotations

from typing import Any, NoReturn

import mpmath
import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.solvers.condensation.wells import Condensation
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.eigenvalues.reduced_problem import MOST_STATES, reduced_pair
from fokker_planck.solvers.setting.error_budget import ErrorBudget

LARGEST = 0.03
"""Of the slowest rate inside the wells, up to which an eigenvalue is looked for here."""
POWERS, FEWER, FEW = 3, 2, 8
"""Of A_FF^-1 M: they leave the seventh power of that ratio; without detailed balance, where all of the problem is
solved in multiple precision, the fifth for more than so many wells."""
WRONG_SIGN = -10.0
"""Stands for the quotient of imaginary and real part of an eigenvalue whose real part is not positive: no other mesh
agrees with it, unless that has one, too."""
REAL = 1e-12
"""Of the real part: an imaginary part below is rounding."""


def slow_modes(
    condensed: Condensation, most: int, budget: ErrorBudget, *, known: bool = False, degenerate: bool = False
) -> list[Eigenmode]:
    """At most ``most`` eigenvalues from the reduced problem, ascending, the exact zero left out; pairs as one.

    Those small enough for what is left out to fit into the ``budget``, or all if that is ``known`` of
    so many.  Of noise that is ``degenerate`` a first mesh may hold nothing but rounding, of any sign, which the next
    one mends: such a number is kept with ``WRONG_SIGN`` for its imaginary part.
    """
    generator, count = condensed.generator, len(condensed.wells)
    first = 0 if condensed.targets else 1
    if count <= first:
        return []
    symmetric = generator.symmetric
    powers = POWERS if symmetric or count <= FEW else FEWER
    negligible = budget.left_out if symmetric else budget.left_out_of_pairs
    below = min(LARGEST, negligible ** (1.0 / (2 * powers + 1))) * condensed.slowest_inside
    least = first + most if known else first + 1
    pair = reduced_pair(condensed, powers, negligible, below, least, most_states=MOST_STATES if symmetric else count)
    chosen, last = [], min(len(pair.values), first + most)
    for number in range(first, last):
        if not known and not abs(pair.values[number]) < below:
            break
        if _counts(pair.values[number]):
            chosen.append(number)
    unlike = any(not mpmath.re(pair.values[k]) > 0 for k in chosen)
    if unlike and not degenerate:
        refuse_sign()
    with mpmath.workdps(pair.digits):
        logs = [_log(pair.values[k]) for k in chosen]
    modes = [[mode] for mode in pair.modes(condensed, chosen)]
    nodal = [pair.nodal(condensed, k) for k in chosen]
    left_out = (2 * pair.powers + 1) * (np.real(logs) - np.log(condensed.slowest_inside))
    parts = zip(logs, nodal, modes, np.exp(left_out) + pair.rounding, strict=True)
    return [Eigenmode(log, values, functions, float(share)) for log, values, functions, share in parts]


def _counts(value: Any) -> bool:
    """Whether an eigenvalue stands for itself or its pair: not as the conjugate of one, but for rounding.

    >>> _counts(mpmath.mpc("9.6e-35", "-6.9e-205")), _counts(mpmath.mpc(1.0, -1.0))
    (True, False)
    """
    return bool(not mpmath.im(value) < -REAL * abs(value))


def refuse_sign() -> NoReturn:
    """Raise ConvergenceError for a decay that grows."""
    raise ConvergenceError("a small eigenvalue of the reduced problem has no positive real part", _petsc.REMEDY)


def _log(value: Any) -> Any:
    """log Re + i Im / Re; real where the imaginary part is rounding."""
    if not mpmath.re(value) > 0:
        return complex(float(mpmath.log(max(abs(value), mpmath.mpf(10) ** -100000))), WRONG_SIGN)
    log, ratio = float(mpmath.log(mpmath.re(value))), float(mpmath.im(value) / mpmath.re(value))
    return log if abs(ratio) < REAL else complex(log, ratio)
