"""The smallest real eigenvalues of a kinetic equation: roots of ``S(lambda) u = 0`` by preconditioned descent.

``S(lambda) = gamma N - lambda + K (gamma N - lambda)^-1 K*`` (:mod:`fokker_planck.fem.hermite_velocities`) is symmetric
and falls with lambda where the odd part of u is smaller than the even one, so that its roots on a subspace are those
of a small matrix, and least on the right one: a descent in the space of u, the preconditioned residual and the step
before, as in LOBPCG (Knyazev, SIAM J. Sci. Comput. 23 (2001) 517), with that root for the quotient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import work
from fokker_planck.fem.hermite_velocities import HermiteSpace
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

MOST_STEPS = 1500
"""Of the descent: friction 1 takes 60 to 150, friction 0.1 ten times as many."""
INDEPENDENT = 1e-10
"""Of the largest, below which a direction of the subspace is left away: it repeats another to rounding."""
MOST_NEWTON = 60
"""Steps of Newton's method for a root of the small matrix: from zero it takes four to ten."""
HALF = 0.5
"""Of the friction, below which an eigenvalue is looked for: in wells velocities oscillate and fall with that rate, and
above it a root of the quotient need not be one of the operator."""
PATIENCE = 40
"""Steps in which a root may come down to that: functions of positions alone begin too fast."""
SETTLED = 3
"""Steps in a row whose estimate is below the goal: one alone may be small by chance."""


@dataclass(frozen=True)
class KineticModes:
    """Real eigenvalues (k,) in ascending order, the even parts of their functions (k, even, N), and what is left.

    Parameters
    ----------
    left
        estimated relative error of each eigenvalue by its residual, (k,)
    """

    values: Floats
    functions: Floats
    left: Floats


def kinetic_modes(space: HermiteSpace, start: Floats, goal: float) -> KineticModes:
    """As many eigenvalues as functions to ``start`` from, the constant not among them.

    Parameters
    ----------
    space
        elements of the positions with Hermite functions of the velocity
    start
        the even parts of functions, of the first Hermite functions of the space or all, (k, some, N)
    goal
        relative, left of every eigenvalue by the descent

    Raises
    ------
    ConvergenceError
        Where it does not converge, or an eigenvalue is not below half the friction.
    """
    count, apply = len(start), _preconditioner(space)
    one = np.where(np.arange(len(space.even))[:, None] == 0, 1.0, np.zeros((1, space.free.shape[1])))
    dual = space.mass(one)
    total = float((dual * one).sum())
    begun = np.zeros((count, *space.free.shape))
    begun[:, : start.shape[1]] = start
    u = list(begun)
    steps: list[Floats] = []
    quiet = 0
    for number in range(MOST_STEPS):
        basis = [v - one * ((dual * v).sum() / total) for v in (*u, *steps)]
        values, u, steps, odd = _ritz(space, basis, count)
        if number > PATIENCE and not (values < HALF * space.friction).all():
            raise _fast(float(values.max()), space.friction)
        residuals = [_residual(space, value, v, t) for value, v, t in zip(values, u, odd, strict=True)]
        corrections = [apply(r) for r in residuals]
        left = np.array([(r * w).sum() for r, w in zip(residuals, corrections, strict=True)]) / values
        quiet = quiet + 1 if (left < goal).all() else 0
        if quiet == SETTLED:
            work.done(iterations=number)
            return KineticModes(values, np.array(u), left)
        steps = [*corrections, *steps]
    reason = f"the descent to the slowest modes leaves {left.max():.1e} after {MOST_STEPS} steps"
    raise ConvergenceError(reason, "more friction, more noise, or a coarser tolerance")


def overdamped_modes(space: HermiteSpace, count: int) -> Floats:
    """The ``count`` slowest functions of positions alone, the constant not among them, (count, 1, N).

    They solve ``D^* D u = lambda u``, where the kinetic equation tends as friction grows.
    """
    from scipy.sparse import diags
    from scipy.sparse.linalg import eigsh

    mass = space.assembled(np.swapaxes(space.values, 1, 2) @ space.values)
    energy = sum(space.assembled(np.swapaxes(slope, 1, 2) @ slope) for slope in space.slopes)
    scale = diags(1.0 / np.sqrt(energy.diagonal() + mass.diagonal()))
    begin = np.ones(mass.shape[0])
    _, vectors = eigsh(
        (scale @ energy @ scale).tocsc(), k=count + 1, M=(scale @ mass @ scale).tocsc(), sigma=-BELOW_ZERO, v0=begin
    )
    work.done(factorisations=1)
    return np.asarray((scale @ vectors[:, 1:]).T[:, None])


def _residual(space: HermiteSpace, value: float, u: Floats, odd: Floats) -> Floats:
    """``S(lambda) u``."""
    inverse = 1.0 / (space.friction * space.odd_levels - value)
    even = space.mass((space.friction * space.levels - value)[:, None] * u)
    return even + space.of_odd(inverse[:, None, None] * odd)


def _ritz(
    space: HermiteSpace, basis: list[Floats], count: int
) -> tuple[Floats, list[Floats], list[Floats], list[Floats]]:
    """The least roots on a subspace, their functions, the steps that led to them, and ``K*`` of the functions."""
    size = len(basis)
    masses = [space.mass(v) for v in basis]
    scale = np.array([1.0 / np.sqrt(float((m * v).sum())) for m, v in zip(masses, basis, strict=True)])
    gram = np.array([[float((m * v).sum()) for v in basis] for m in masses]) * np.outer(scale, scale)
    weights, vectors = np.linalg.eigh(0.5 * (gram + gram.T))
    kept = weights > INDEPENDENT
    change = scale[:, None] * vectors[:, kept] / np.sqrt(weights[kept])  # (size, kept), M-orthonormal
    levels = space.levels
    even = np.empty((size, size))
    for i, v in enumerate(basis):
        row = (levels[:, None] * v).ravel()
        even[i] = [float(row @ m.ravel()) for m in masses]
    odd = [space.odd_part(v) for v in basis]
    by_level: dict[int, Floats] = {}
    for level in sorted(set(space.odd_levels.astype(int))):
        part = np.array([t[space.odd_levels == level].ravel() for t in odd])
        by_level[level] = change.T @ (part @ part.T) @ change
    even = change.T @ (space.friction * 0.5 * (even + even.T)) @ change
    values, small = roots(space.friction, even, by_level, count)
    full = change @ small  # (size, count)
    found = [sum(c * v for c, v in zip(column, basis, strict=True)) for column in full.T]
    parts = [sum(c * t for c, t in zip(column, odd, strict=True)) for column in full.T]
    values = np.array([_root_of(space, v, t, x) for v, t, x in zip(found, parts, values, strict=True)])
    moved = full.copy()
    moved[:count] = 0.0
    steps = [sum(c * v for c, v in zip(column, basis, strict=True)) for column in moved.T] if size > count else []
    return values, found, steps, parts  # type: ignore[return-value]


def _root_of(space: HermiteSpace, u: Any, odd: Any, value: float) -> float:
    """The root for one function, from sums of squares: a small one has all its digits, in the small matrix it has not.

    ``gamma sum |n| |u_n|^2 + sum_m |(K* u)_m|^2/(gamma |m| - lambda) = lambda |u|^2``
    """
    if not value < HALF * space.friction:
        return value
    cells = space.values @ space.local(u)
    sizes = (cells**2).sum(axis=(0, 1))
    total, even = float(sizes.sum()), space.friction * float(space.levels @ sizes)
    squares, rates = (odd**2).sum(axis=(1, 2)), space.friction * space.odd_levels
    for _ in range(MOST_NEWTON):
        fall = float((squares / (rates - value) ** 2).sum()) - total
        change = (even + float((squares / (rates - value)).sum()) - value * total) / -fall
        value += change
        if not value < HALF * space.friction:
            return HALF * space.friction
        if abs(change) <= 1e-15 * abs(value):
            break
    return value


def roots(friction: float, even: Floats, odd: dict[int, Floats], count: int) -> tuple[Floats, Floats]:
    """The least lambda with ``(E - lambda + sum_l O_l/(gamma l - lambda)) z = 0``, and their z as columns.

    Half the friction stands for a root that is no less, or for none.

    >>> values, _ = roots(1.0, np.zeros((1, 1)), {1: np.array([[0.09]])}, 1)        # lambda (1 - lambda) = 0.09
    >>> round(float(values[0]), 12)
    0.1
    """
    found, vectors = np.zeros(count), np.zeros((len(even), count))
    for j in range(count):
        value = 0.0
        for _ in range(MOST_NEWTON):
            matrix = even + sum(part / (friction * level - value) for level, part in odd.items())
            eigenvalues, eigenvectors = np.linalg.eigh(matrix)
            z = eigenvectors[:, j]
            grown = sum(float(z @ part @ z) / (friction * level - value) ** 2 for level, part in odd.items())
            change = (eigenvalues[j] - value) / max(1.0 - grown, 0.1)
            value += change
            if grown >= 1.0 or not value < HALF * friction:
                value = HALF * friction
                break
            if abs(change) <= 1e-14 * abs(value):
                break
        found[j], vectors[:, j] = value, z
    return found, vectors


def _fast(value: float, friction: float) -> ConvergenceError:
    reason = f"an eigenvalue that is not below {value:.3g}, half the friction {friction:g}: it need not be a real one"
    return ConvergenceError(reason, "higher barriers between wells, more friction, or fewer eigenvalues")


def _preconditioner(space: HermiteSpace) -> Callable[[Floats], Floats]:
    """The inverse of every diagonal block of S(0), the constant kept from being a zero of the first."""
    from scipy.sparse import diags, identity
    from scipy.sparse.linalg import splu

    factors = []
    mass = space.assembled(np.swapaxes(space.values, 1, 2) @ space.values)
    for number in range(len(space.even)):
        free = space.free[number]
        block = space.diagonal_block(number)
        if number == 0:
            block = block + SHIFT * space.friction * mass
        block = block[free][:, free]
        scale = 1.0 / np.sqrt(block.diagonal())
        scaled = diags(scale) @ block @ diags(scale) + 1e-14 * identity(len(scale))
        factors.append((free, scale, splu(scaled.tocsc(), diag_pivot_thresh=0.0, options={"SymmetricMode": True})))
    work.done(factorisations=len(factors))

    def apply(residual: Floats) -> Floats:
        result = np.zeros_like(residual)
        for number, (free, scale, factor) in enumerate(factors):
            result[number, free] = scale * factor.solve(scale * residual[number, free])
        return result

    return apply


BELOW_ZERO = 1e-6
"""Of the shift for the functions of positions alone: a shift of zero has the constant as a zero."""
SHIFT = 1e-3
"""Of the friction, by which the constant is no zero of the preconditioner: less than what relaxes inside wells, and not
so little that directions along it drown the others."""
