"""The exponent of an unknown stationary density, to within a few units, from a Markov chain on a regular grid.

    p_x q(x, x + e) - p_{x + e} q(x + e, x) = w_e (B(-u) p_x - B(u) p_{x + e}),     B(u) = u / (exp(u) - 1),

over the edges e of the grid and the diagonals of its faces, with u the integral of D^-1 (b - div D) along the edge and
D = sum_e w_e e e^T, w_e >= 0.  Where a density e^-psi has no current it is that of the chain exactly, whatever the size
of the cells; a circulation is blurred by the grid.  The matrix has the signs of a Markov chain, so that elimination
adds where it counts, and p keeps its digits over hundreds of decades: it serves as the first guess of the exponent
where the noise would have to be lowered in a dozen steps.  No reported number rests on it.

Source of the weights: Motzkin and Wasow, J. Math. Phys. 31 (1953) 253.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.grids.spline import GridFunction, extended, zero_on
from fokker_planck.model.reversibility.ito_drift import noise_and_velocity
from fokker_planck.quantity.light_dataclasses import dataclass, replace

PER_AXIS = {2: 97, 3: 33}
"""Points of the grid: 36,000 in space are factored in one second of CPU and 0.3 GB, 45 a side in four; layers thinner
than two of its cells are left to the finite elements."""
COARSER = {2: 73, 3: 25}
"""Of the grid that tells how far the other one can be off."""
AGREED, MOSTLY, LARGEST = 2.0, 0.99, 6.0
"""Of the difference of two grids: no more in 99 of 100 points below the ceiling, and nowhere beside a wall more than
``LARGEST``. rho costs a digit for each 2.3 that the exponent is off; a double has them to spare at what is asked in
space, and finite elements would take half a minute to see to it (double well of 30,000 cells: off by 1.9)."""
LEAST_WEIGHT = 0.05
"""Of D_ii, that is left along an axis where D has no such decomposition on this grid (strong correlations)."""
LAYERS = 2
"""Of points beyond curved walls. Without them the exponent was flat in the cells at a wall against which the flow runs
with a slope of 20 a unit, and the density of a well there was lost on 59,000 unknowns."""
STEEPEST = 300.0
"""Of u in one edge: exp(u) stays a double."""
REMOTE, MOST_MOVES = 12.0, 3
"""So far above the lowest exponent a point held costs as many of a double's 36 units; then a lower one is held."""


@dataclass(frozen=True)
class Chain:
    """Rates ``forth`` and ``back`` (m,) between the points ``first`` and ``second`` (m,) of a grid of ``count``."""

    count: int
    first: Integers
    second: Integers
    forth: Floats
    back: Floats


def rough_exponent(
    drift: Callable[[Floats], Floats],
    diffusion: Any,
    box: tuple[Sequence[float], Sequence[float]],
    periods: Sequence[float | None],
    contains: Callable[[Floats], Booleans],
    per_axis: int | None = None,
) -> GridFunction | None:
    """psi near -log p on a grid of the box, continued to where the domain is not; None where no chain follows it.

    Parameters
    ----------
    drift
        b at points (dim, n), (dim, n).
    diffusion
        D, with ``tensor`` and ``divergence``.
    box
        its corners.
    periods
        length of every periodic axis.
    contains
        whether points (dim, n) lie in the domain, (n,).
    per_axis
        points of the grid, ``PER_AXIS`` by default.
    """
    lower, upper = (np.asarray(corner, dtype=float) for corner in box)
    wraps = [period is not None for period in periods]
    grid = _coarser(zero_on(box[0], box[1], wraps), per_axis or PER_AXIS[len(lower)])
    points = grid.points
    inside = np.asarray(contains(points), dtype=bool)
    if not inside.any():
        return None
    with np.errstate(all="ignore"):
        inside = _beside(grid, inside) & _regular(points, drift, diffusion)
        chain = _chain(grid, drift, diffusion, inside)
        held = _lowest(chain, inside)
        psi = _exponents(chain, held)
        for _ in range(MOST_MOVES):
            if psi is None or psi[held] - np.nanmin(psi) <= REMOTE:
                break
            held = int(np.nanargmin(psi))
            psi = _exponents(chain, held)
    if psi is None:
        return None
    values = (psi - np.nanmin(psi)).reshape(grid.values.shape)
    for axis in (axis for axis, around in enumerate(wraps) if around):
        values = np.concatenate([np.delete(values, -1, axis), np.take(values, [0], axis)], axis)
    return replace(grid, values=extended(values, np.isfinite(values)))


def agreed_exponent(
    drift: Callable[[Floats], Floats],
    diffusion: Any,
    box: tuple[Sequence[float], Sequence[float]],
    periods: Sequence[float | None],
    contains: Callable[[Floats], Booleans],
    ceiling: Callable[[GridFunction], float],
) -> tuple[GridFunction | None, bool]:
    """:func:`rough_exponent`, and whether a coarser grid finds the same below the ceiling, so that it will do.

    The error of the finer grid is three times the difference at most, where that falls like the spacing.
    """
    fine = rough_exponent(drift, diffusion, box, periods, contains)
    coarse = rough_exponent(drift, diffusion, box, periods, contains, COARSER[len(box[0])])
    if fine is None or coarse is None:
        return fine, False
    points, values = fine.points, fine.values.ravel()
    counts = np.asarray(contains(points), dtype=bool) & (values < ceiling(fine))
    change = (values - coarse.value(points))[counts]
    change = np.abs(change - np.median(change))
    return fine, bool(np.quantile(change, MOSTLY) <= AGREED and change.max() <= LARGEST)


def _coarser(grid: GridFunction, count: int) -> GridFunction:
    return replace(grid, values=np.zeros((count,) * grid.values.ndim))


def _beside(grid: GridFunction, inside: Booleans) -> Booleans:
    """The points inside and a few beyond curved walls, so that the exponent goes on across them with its slope."""
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(inside.reshape(grid.values.shape), iterations=LAYERS).ravel())


def _regular(points: Floats, drift: Any, diffusion: Any) -> Booleans:
    """Where coefficients are finite and D is positive definite, as it need not be beyond the domain."""
    noise, force = noise_and_velocity(drift, diffusion, points)
    tensor = np.moveaxis(noise, 2, 0)
    finite = np.isfinite(tensor).all(axis=(1, 2)) & np.isfinite(force).all(axis=0)
    least = np.linalg.eigvalsh(np.where(finite[:, None, None], tensor, 0.0))[:, 0]
    return np.asarray(finite & (least > 0.0))


def _chain(grid: GridFunction, drift: Any, diffusion: Any, inside: Booleans) -> Chain:
    """The chain on the points of the grid that lie inside; those on the far face of a periodic axis are left out."""
    dimension, points = grid.values.ndim, grid.points
    spacing = np.array([axis[1] - axis[0] for axis in grid.axes])
    numbers = np.arange(points.shape[1]).reshape(grid.values.shape)
    for axis, around in enumerate(grid.periodic):
        if around:
            numbers = np.delete(numbers, -1, axis)
    forces = np.zeros((points.shape[1], dimension))
    forces[inside] = _driven(drift, diffusion, points[:, inside])[1]
    parts = []
    for direction in _directions(dimension):
        first, second = _edges(numbers, direction, grid.periodic)
        both = inside[first] & inside[second]
        first, second = first[both], second[both]
        step: Floats = spacing * direction

        tensor, force = _driven(drift, diffusion, _wrapped(grid, points[:, first] + 0.5 * step[:, None]))
        tensor = tensor / np.outer(spacing, spacing)
        start, middle, end = forces[first] @ step, force @ step, forces[second] @ step
        drive = np.clip((start + 4.0 * middle + end) / 6.0, -STEEPEST, STEEPEST)
        weight = _weights(tensor, direction)
        used = (weight > 0.0) & np.isfinite(weight) & np.isfinite(drive)
        first, second, weight, drive = first[used], second[used], weight[used], drive[used]
        parts.append((first, second, weight * _bernoulli(-drive), weight * _bernoulli(drive)))
    return Chain(points.shape[1], *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _driven(drift: Any, diffusion: Any, place: Floats) -> tuple[Floats, Floats]:
    """D (n, dim, dim) and D^-1 (b - div D) (n, dim) at points (dim, n)."""
    noise, force = noise_and_velocity(drift, diffusion, place)
    tensor = np.moveaxis(noise, 2, 0)
    return tensor, np.asarray(np.linalg.solve(tensor, force.T[..., None])[..., 0])


def _lowest(chain: Chain, inside: Booleans) -> int:
    """The point to which the strongest drives lead from most others."""
    target, best = np.arange(chain.count), np.zeros(chain.count)
    drive = np.log(chain.forth) - np.log(chain.back)
    for first, second, strength in ((chain.first, chain.second, drive), (chain.second, chain.first, -drive)):
        order = np.argsort(strength, kind="stable")
        first, second, strength = first[order], second[order], strength[order]
        strongest = np.full(chain.count, -np.inf)
        there = target.copy()
        # later assignments win
        strongest[first], there[first] = strength, second
        target = np.where(strongest > best, there, target)
        best = np.maximum(best, strongest)
    for _ in range(int(np.ceil(np.log2(chain.count)))):
        target = target[target]
    return int(np.argmax(np.bincount(target[inside], minlength=chain.count)))


def _directions(dimension: int) -> list[Integers]:
    """The axes and both diagonals of every face, each in one sense."""
    steps = [np.array(step) for step in product((-1, 0, 1), repeat=dimension)]
    return [step for step in steps if np.abs(step).sum() in (1, 2) and step[np.flatnonzero(step)[0]] > 0]


def _edges(numbers: Integers, direction: Integers, periodic: Sequence[bool]) -> tuple[Integers, Integers]:
    first = second = numbers
    for axis, move in enumerate(direction):
        if move and periodic[axis]:
            second = np.roll(second, -move, axis)
        elif move:
            low, high = np.arange(numbers.shape[axis] - 1), np.arange(1, numbers.shape[axis])
            first = np.take(first, low if move > 0 else high, axis)
            second = np.take(second, high if move > 0 else low, axis)
    return first.ravel(), second.ravel()


def _wrapped(grid: GridFunction, x: Floats) -> Floats:
    ends = zip(x, grid.lower, grid.upper, grid.periodic, strict=True)
    return np.array([low + np.mod(c - low, high - low) if around else c for c, low, high, around in ends])


def _weights(tensor: Floats, direction: Integers) -> Floats:
    """w_e of D = sum_e w_e e e^T, (n,), D in units of the grid."""
    moving = np.flatnonzero(direction)
    if len(moving) == 1:
        row = tensor[:, moving[0]]
        own = row[:, moving[0]]
        return np.asarray(np.maximum(2.0 * own - np.abs(row).sum(axis=1), LEAST_WEIGHT * own))
    i, j = moving
    return np.asarray(np.maximum(tensor[:, i, j] * direction[i] * direction[j], 0.0))


def _bernoulli(u: Floats) -> Floats:
    small = np.abs(u) < 1e-6
    safe = np.where(small, 1.0, u)
    return np.asarray(np.where(small, 1.0 - 0.5 * u, safe / np.expm1(safe)))


def _exponents(chain: Chain, held: int) -> Floats | None:
    """-log p, zero at the point ``held``; nan at points that the chain does not join to it."""
    leaving = np.bincount(chain.first, chain.forth, chain.count) + np.bincount(chain.second, chain.back, chain.count)
    free = leaving > 0.0
    free[held] = False
    number = np.where(free, np.cumsum(free) - 1, -1)
    edges = len(chain.first)
    elements = np.zeros((edges + chain.count, 2, 2))
    elements[:edges, 0, 1], elements[:edges, 1, 0], elements[edges:, 0, 0] = -chain.forth, -chain.back, leaving
    pairs = np.stack([number[chain.first], number[chain.second]], axis=1)
    alone = np.stack([number, np.full(chain.count, -1)], axis=1)
    inflow = np.zeros(chain.count)
    there, back = chain.first == held, chain.second == held
    inflow += np.bincount(chain.second[there], chain.forth[there], chain.count)
    inflow += np.bincount(chain.first[back], chain.back[back], chain.count)
    matrix = _petsc.matrix(MPI.COMM_SELF, int(free.sum()), np.concatenate([pairs, alone]), elements, symmetric=False)
    try:
        solved = _petsc.TwoSidedFactorization(matrix).solve(inflow[free], adjoint=True)
    except ConvergenceError:
        return None
    result = np.full(chain.count, np.nan)
    result[free] = -np.log(solved)
    result[held] = 0.0
    return result if np.isfinite(result[free]).any() else None
