"""Elimination of states one by one from a Markov chain, without subtraction, for systems from both sides.

With the rates r_km >= 0 between n states, the first K of which are eliminated in their order,

    r_km <- r_km + (r_ks / r_s) r_sm,      r_s = sum of r_sm over the m > s that are left,

solves S u = f and S^T z = f on these K states with S = diag(row sums of r) - r, u and z being zero at the others.
Nothing is subtracted, so that few digits do, however many orders of magnitude the rates span.

Source: Grassmann, Taksar and Heyman, Oper. Res. 33 (1985) 1107.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.quantity.light_dataclasses import dataclass

DIGITS = 40
"""Decimal digits for sums in which nothing cancels: far more than the doubles that go in."""


@dataclass(frozen=True)
class Elimination:
    """Rates as they stand when their row is eliminated, the fractions r_ks / r_s by (k, s), and the r_s, in mpmath."""

    rates: Sequence[Sequence[Any]]
    fractions: dict[tuple[int, int], Any]
    leaving: Sequence[Any]

    def solve(self, load: Sequence[Any]) -> list[Any]:
        """The u (n,) with S u = ``load`` (K,) at the states that are eliminated, zero at the others."""
        count, size = len(self.leaving), len(self.rates)
        gathered = list(load)
        for state in range(count):
            for other in range(state + 1, count):
                gathered[other] += self.fractions[other, state] * gathered[state]
        solution = [mpmath.mpf(0)] * size
        for state in reversed(range(count)):
            onward = mpmath.fsum(self.rates[state][goal] * solution[goal] for goal in range(state + 1, size))
            solution[state] = (gathered[state] + onward) / self.leaving[state]
        return solution

    def solve_adjoint(self, load: Sequence[Any]) -> list[Any]:
        """The z (n,) with S^T z = ``load`` (K,)."""
        count, size = len(self.leaving), len(self.rates)
        solution = [mpmath.mpf(0)] * size
        for state in range(count):
            arriving = mpmath.fsum(self.rates[other][state] * solution[other] for other in range(state))
            solution[state] = (load[state] + arriving) / self.leaving[state]
        return self._gathered(solution, count)

    def stationary(self) -> list[Any]:
        """The pi with pi S = 0 where all states but the last are eliminated; one there."""
        weights = [mpmath.mpf(0)] * len(self.leaving) + [mpmath.mpf(1)]
        return self._gathered(weights, len(weights))

    def _gathered(self, solution: list[Any], whole: int) -> list[Any]:
        for state in reversed(range(len(self.leaving))):
            solution[state] += mpmath.fsum(
                self.fractions[other, state] * solution[other] for other in range(state + 1, whole)
            )
        return solution


def eliminated(rates: Sequence[Sequence[Any]], count: int) -> Elimination:
    """Eliminate the first ``count`` states, in the current precision of mpmath; ``rates`` (n, n) in rows.

    Raises ``BarrierTooHighError`` where nothing leaves one of them for those that are left.

    >>> chain = eliminated([[0, 2, 0], [1, 0, 3], [0, 0, 0]], 2)
    >>> [[round(float(u), 9) for u in solve([1, 1])] for solve in (chain.solve, chain.solve_adjoint)]
    [[1.0, 0.5, 0.0], [0.833333333, 0.666666667, 0.0]]
    """
    rows = [[mpmath.mpf(rate) for rate in row] for row in rates]
    size, leaving, fractions = len(rows), [], {}
    for state in range(count):
        leaving.append(mpmath.fsum(rows[state][state + 1 :]))
        if leaving[state] == 0:
            raise BarrierTooHighError("a well has no computable way to the others", "more noise")
        # wells along a line lead to their neighbours alone: of the rates between 210 nine in ten are zero
        goals = [goal for goal in range(state + 1, size) if rows[state][goal] != 0]
        for other in range(state + 1, size):
            fraction = rows[other][state] / leaving[state]
            fractions[other, state] = fraction
            for goal in goals if fraction != 0 else ():
                if goal != other:
                    rows[other][goal] += fraction * rows[state][goal]
    return Elimination(rows, fractions, leaving)
