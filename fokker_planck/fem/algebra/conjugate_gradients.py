"""S x = b for a symmetric matrix by preconditioned conjugate gradients, each entry of x with digits of its own.

Each rank has its portion of vectors.  All recurrences are sums of two vectors, entry by entry: what is small stays as
accurate as its neighbours, and the residual goes on falling far below rounding of the largest entry.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc, work
from fokker_planck.fem.algebra.portions import Portion
from fokker_planck.formulas.arrays import Floats

INDEFINITE = "rounding has made an energy negative in conjugate gradients"
MOST_STEPS = 300
"""Which take 30 to 60; where they take more, something is wrong with the mesh."""
REACH = 1e-22
"""Of the largest entry of a solution, down to which its entries are known each for itself: far above where single
precision ends in the preconditioner; barrier 100 takes two stages."""
OWN, ROUNDED = 1e-14, 1e-12
"""Residual of an entry beside its surroundings, in the scale of the diagonal, at which iterations end, and which is
taken as rounding at most: 1e-15 is left in the end."""
RESTARTS = 3
"""From the true residual, where it is more than that: what entries were on the way they leave rounding of.  In the
second stage at barrier 200 the first run leaves 2e-6 and 9e-4 beside entries of 1e-15, and the second 2e-15."""
DIGITS, MOST_DIGITS = 10, 40
"""Of the preconditioned residual at its start, from which on entries are looked at, every ``CHECKED`` steps, and after
which there is nothing left to gain."""
CHECKED = 3
"""A look takes a tenth of a step."""
SOLVED = 1e-10
"""Of the energy of a solution, within which that of its error has to be, by the true residual."""


class Operator(Protocol):
    """S and the preconditioner B, for vectors of which each rank has k entries."""

    @property
    def portion(self) -> Portion:
        """Of vectors, on this rank."""

    @property
    def scale(self) -> Floats:
        """One over the root of the diagonal of S, (k,)."""

    def surroundings(self, vector: Floats) -> Floats:
        """For every unknown the largest entry of |vector| in the cells around, in the scale of the diagonal, (k,)."""

    def applied(self, vector: Floats) -> Floats:
        """S times a vector, (k,)."""

    def preconditioned(self, residual: Floats) -> Floats:
        """B times a vector, (k,)."""


def conjugate_gradients(operator: Operator, right: Floats, digits: int | None = None) -> Floats:
    """S^-1 ``right``, (n,), every entry above ``REACH`` of the largest with all its digits.

    Given ``digits``, with so many of the whole, in energy.  Raises ``ConvergenceError`` where that does not converge.
    """
    largest = float(np.abs(right).max(initial=0.0))
    if largest == 0.0:
        return np.zeros_like(right)
    portion = operator.portion
    load = portion.of(right) / largest
    x, residual, steps, start, looks = np.zeros_like(load), load, 0, 0.0, 0 if digits else RESTARTS
    while True:
        x, done, taken, size = _descended(operator, x, residual, load, digits, start)
        steps, start = steps + taken, start or size
        residual = load - operator.applied(x)
        left = 0.0 if digits else _left(operator, x, load, residual)
        if left <= ROUNDED or not looks or not done:
            break
        looks -= 1
    # the norm of the residual in B is nearly that of the error in energy
    error = abs(portion.product(residual, operator.preconditioned(residual))) / start
    if not done or not error <= max(SOLVED, 2.0 * 10.0 ** -(digits or MOST_DIGITS)) ** 2:
        raise ConvergenceError(f"conjugate gradients did not converge in {steps} steps", _petsc.REMEDY)
    if not left <= ROUNDED:
        reason = f"conjugate gradients left a residual of {left:.1e} beside what is around it"
        raise ConvergenceError(reason, _petsc.REMEDY)
    work.done(solves=1, iterations=steps)
    return portion.whole(x) * largest


def _descended(
    operator: Operator, x: Floats, residual: Floats, load: Floats, digits: int | None, whole: float
) -> tuple[Floats, bool, int, float]:
    """x after steps of conjugate gradients from a residual; whether that is enough, how many; residual . B residual.

    ``whole`` is what the last was at the very start, zero where this is it.
    """
    direction = image = operator.preconditioned(residual)
    size = first = operator.portion.product(residual, image)
    least = 10.0 ** (-2 * (digits or MOST_DIGITS)) * (whole or first)
    looked = 10.0 ** (-2 * DIGITS) * (whole or first)
    for step in range(1, MOST_STEPS + 1):
        flow = operator.applied(direction)
        energy = operator.portion.product(direction, flow)
        if not energy > 0.0:
            raise ConvergenceError(INDEFINITE, _petsc.REMEDY)
        length = size / energy
        x, residual = x + length * direction, residual - length * flow
        image = operator.preconditioned(residual)
        before, size = size, operator.portion.product(residual, image)
        if not size >= 0.0:
            raise ConvergenceError(INDEFINITE, _petsc.REMEDY)
        look = not digits and step % CHECKED == 0 and size <= looked
        if size <= least or (look and _left(operator, x, load, residual) <= OWN):
            return x, True, step, first
        direction = image + (size / before) * direction
    return x, False, MOST_STEPS, first


def _left(operator: Operator, x: Floats, load: Floats, residual: Floats) -> float:
    """The largest residual of an entry beside its surroundings, of those that are not beyond ``REACH``."""
    near = operator.surroundings(x)
    known = near >= REACH * operator.portion.greatest(float(near.max(initial=0.0)))
    beside = np.abs(residual * operator.scale)[known] / (near + np.abs(load * operator.scale))[known]
    return operator.portion.greatest(float(beside.max(initial=0.0)))
