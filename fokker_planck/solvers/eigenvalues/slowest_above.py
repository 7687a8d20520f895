"""How slow eigenfunctions can be that live above an energy cutoff, hence how high that of a spectrum has to be.

A slope on which nothing stands still holds eigenfunctions, too: for the exponent psi, in the scaled unknowns of the
generator, -L is

    -div D grad + W,     W = grad psi . D grad psi / 4 - div(D grad psi) / 2,

and W is small wherever psi is nearly flat, however high that lies and whether or not anything is stationary there.
Above a deep narrow well in a wide bowl the slowest relaxation is that of the bowl, where the process hardly ever is.
What a cutoff leaves away must relax faster than what is asked for: the smallest eigenvalue of the chain

    q_ij = D_e exp(-(psi_j - psi_i) / 2) / |x_j - x_i|^2,     D_e that along the edge,

on the sample of the domain above the cutoff, killed below, tells to a factor, and two samples by their order in
|x_j - x_i|, which is the second.  The circulation takes no part in it: it leaves the symmetric part of -L, which bounds
real parts from below, as it is.

What does reach into the rest shows in the eigenfunction: that of a bowl has its largest exp(-psi) |u|^2 far up, and so
near a cutoff that was meant for the well that the cut changed the fifth digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.fem._petsc import smallest_eigenvalue
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.landscape.finding.sample_graph import PER_AXIS, sample_box
from fokker_planck.landscape.finding.survey import sample_graph
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.setting.energy_cutoff import clear_of_top
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import Setting

SLOWER = 0.25
"""Of the chain's eigenvalue, up to which what is asked for has nothing to do with what lies above: the sample's cells
are as large as a well, and tell to a factor of two (a bowl and a narrow well in it, noise 0.035: 0.31 for 0.29)."""
SHARPER = 0.85
"""The same of the limit of two samples, less what is in doubt of it: between a part killed below and one killed above,
which overlap by ``OVERLAP``, a partition of unity costs (pi / OVERLAP)^2 of W, a tenth. With a quarter of one two of
four spectra in the plane were asked anew below cutoffs twice as high, in four times the time, and no digit changed."""
OVERLAP = 10.0
"""Units of epsilon from the cutoff down to where that chain is killed, so that what lives around the cutoff is all in
one part or the other: 5 and 10 gave the same to 1e-8, with 15 it has the saddles below in it."""
SHIFT = 0.05
"""Of the rate at which wells settle, below zero, for the eigenvalues of a chain on the whole domain: one is zero."""
STEEPEST = 60.0
"""Units of epsilon along an edge that are counted: beyond, a step down takes no time, whatever is done with it."""
NEAR = 2.0
"""Units of epsilon below the cutoff that count as beside it: cells there are as high as several."""
IN_SPACE = 15
"""Points an axis in space: of the 41 of a survey one factorisation alone takes minutes."""
HALVINGS = 7
"""Of the heights between cutoff and top, for a cutoff that is high enough."""

AT_CUTOFF = 0.1
"""Of the tolerance, what exp(-psi) |u|^2 may be beside the cutoff, over its largest value: to a factor what the cut
changes. With it the gap of a bowl around a well at 3.6e-3 is 4e-8 off, at a bar of 2e-6."""
RAISED = 1.5
"""Times the units of epsilon by which that is too much, for a higher cutoff, since eigenfunctions grow as the density
falls: once was enough for bowls around a well, with and without detailed balance."""
MOST_CUTOFFS = 3
"""Energy cutoffs, each for the eigenvalues found below the one before: with more of the domain they fall, and the next
one is high enough."""


def high_enough(setting: Setting, ceiling: float, rate: float) -> float:
    """The least energy cutoff from ``ceiling`` on above which everything is faster than ``rate``; infinite at the top.

    That is ``ceiling`` for noise in some directions alone, for which there is no such chain.
    """
    problem = setting.problem
    if is_degenerate(problem):
        return ceiling
    rough = _rough_sample(setting)
    levels = np.sort(rough.heights[rough.heights > ceiling])
    if not len(levels) or SLOWER * rough.slowest(ceiling) > rate:
        return ceiling
    grids = _grids(setting, 1)

    def fast(level: float) -> bool:
        return SLOWER * rough.slowest(level) > rate or _least_above(grids, level) > rate

    if _least_above(grids, ceiling) > rate:
        return ceiling
    low, high = 0, len(levels) - 1
    for _ in range(HALVINGS):
        middle = (low + high) // 2
        low, high = (low, middle) if fast(float(levels[middle])) else (middle, high)
    return float(levels[high]) if high < len(levels) - 1 else float(np.inf)


def cutoff_expected(setting: Setting, ceiling: float, count: int) -> float:
    """The energy cutoff that ``count`` eigenvalues, zero among them, are expected to need, before any is known.

    Their rates are those of small chains on the whole domain, where two of them tell: else ``ceiling``.
    """
    grids = [] if is_degenerate(setting.problem) else _grids(setting, 2)
    if not grids:
        return ceiling
    shift = -SHIFT * setting.relaxation_rate
    fine, coarse = (grid.slowest(-np.inf, count, shift) for grid in grids)
    height = high_enough(setting, ceiling, fine + (fine - coarse) / 3.0)
    return clear_of_top(height, grids[0].heights, setting.problem.dimension)


def cutoff_needed(
    setting: Setting, ceiling: float, fastest: float, nodes: Floats, functions: Sequence[Floats]
) -> float:
    """The energy cutoff that eigenfunctions (N,) with rates up to ``fastest`` need: ``ceiling`` where that serves.

    They live at the ``nodes`` (N, dim) of a mesh that ends at the ``ceiling``.
    """
    height = high_enough(setting, ceiling, fastest)
    share = share_at_cutoff(np.asarray(setting.exponent.value(nodes.T)), functions, ceiling)
    allowed = AT_CUTOFF * setting.problem.resolution.tolerance
    if share > allowed:
        height = max(height, ceiling + RAISED * float(np.log(share / allowed)) + NEAR)
    if height == ceiling or not isinstance(setting, FlowSetting):
        return height
    return clear_of_top(height, np.asarray(setting.exponent.value(_sample(setting.problem)[0].T)), nodes.shape[1])


@dataclass(frozen=True)
class _Sample:
    """A chain: psi ``heights`` (n,) of its points, and the ``sizes`` (m,) of rates along its ``edges`` (m, 2)."""

    edges: Integers
    heights: Floats
    sizes: Floats

    def slowest(self, level: float, count: int = 1, shift: float = 0.0) -> float:
        """See :func:`slowest_above`."""
        return slowest_above(self.edges, self.heights, self.sizes, level, count, shift)


def _rough_sample(setting: Setting) -> _Sample:
    """That of the survey, with D_e / |e|^2 on its edges, diagonals among them: up to twice too much."""
    points, edges = _sample(setting.problem)
    tensor = np.asarray(setting.diffusion.tensor(points.T))
    along = points[edges[:, 1]] - points[edges[:, 0]]
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-300)
    middle = np.moveaxis(0.5 * (tensor[..., edges[:, 0]] + tensor[..., edges[:, 1]]), -1, 0)
    unit = along / length[:, None]
    noise = np.einsum("ei,eij,ej->e", unit, middle, unit)
    return _Sample(edges, np.asarray(setting.exponent.value(points.T)), noise / length**2)


def _consistent_sample(setting: Setting, per_axis: int) -> _Sample | None:
    """A grid on which energies are right to the second order; None where D is turned too far for its diagonals.

    a u_x^2 + 2 c u_x u_y + b u_y^2  =  (a - c) u_x^2 + (b - c) u_y^2 + c (u_x + u_y)^2      in units of the grid.
    """
    problem = setting.problem
    lower, upper = problem.bounding_box()
    points, edges = sample_box(lower, upper, per_axis, problem.periods)
    periodic = np.array([period is not None for period in problem.periods])
    step = np.subtract(upper, lower) / np.where(periodic, per_axis, per_axis - 1)
    kept = problem.contains(points.T)
    number = np.cumsum(kept) - 1
    edges, points = number[edges[kept[edges].all(axis=1)]], points[kept]
    tensor = np.asarray(setting.diffusion.tensor(points.T)) / (step[:, None] * step)[..., None]
    middle = np.moveaxis(0.5 * (tensor[..., edges[:, 0]] + tensor[..., edges[:, 1]]), -1, 0)
    off = middle[:, 0, -1] if len(step) == 2 else np.zeros(len(edges))
    moved = np.abs(points[edges[:, 1]] - points[edges[:, 0]]) > 0.5 * step
    straight = np.einsum("ei,eii->e", moved, middle) - off
    sizes = np.where(moved.all(axis=1) & (len(step) == 2), off, straight)
    return None if (sizes < 0.0).any() else _Sample(edges, np.asarray(setting.exponent.value(points.T)), sizes)


def _least_above(grids: Sequence[_Sample], level: float) -> float:
    """What relaxes above a level does not do so more slowly, as far as two grids tell; zero where there are none."""
    if not grids:
        return 0.0
    fine, coarse = (grid.slowest(level - OVERLAP) for grid in grids)
    if not np.isfinite(coarse):
        return 0.0
    doubt = abs(fine - coarse) / 3.0
    return SHARPER * (fine + (fine - coarse) / 3.0 - doubt)


def _grids(setting: Setting, coarser: int) -> list[_Sample]:
    """Grids of a survey's points an axis over ``coarser``, and of half as many; none where they tell nothing."""
    problem = setting.problem
    if problem.dimension == 3 or problem.known.get("narrow") is not None:
        return []
    most = PER_AXIS[problem.dimension] // coarser + 1
    grids = [_consistent_sample(setting, count) for count in (most, most // 2 + 1)]
    return [grid for grid in grids if grid is not None] if None not in grids else []


def _sample(problem: Problem) -> tuple[Floats, Integers]:
    """Points (n, dim) and edges of the domain, fewer in space than for its survey."""
    if problem.dimension < 3:
        return sample_graph(problem)
    points, edges = sample_box(*problem.bounding_box(), IN_SPACE, problem.periods)
    kept = problem.contains(points.T)
    number = np.cumsum(kept) - 1
    return points[kept], number[edges[kept[edges].all(axis=1)]]


def share_at_cutoff(exponent: Floats, functions: Sequence[Floats], ceiling: float) -> float:
    """The largest exp(-psi) |u|^2 within ``NEAR`` of the cutoff or above, over the largest of all, of every u (N,).

    ``exponent`` (N,) is psi at the nodes.

    >>> psi = np.linspace(0.0, 20.0, 201) ** 2 / 20.0
    >>> bool(abs(np.log(share_at_cutoff(psi, [np.ones(201)], 20.0)) + 18.0) < 0.2)
    True
    """
    near = exponent > ceiling - NEAR
    if not near.any():
        return 0.0
    worst = -np.inf
    for function in functions:
        with np.errstate(divide="ignore"):
            logs = 2.0 * np.log(np.abs(function)) - exponent
        worst = max(worst, float(logs[near].max() - logs.max()))
    return float(np.exp(worst))


def slowest_above(
    edges: Integers, heights: Floats, sizes: Floats, ceiling: float, count: int = 1, shift: float = 0.0
) -> float:
    """The smallest eigenvalue of the chain on the part above ``ceiling``; infinite where there is none.

    Parameters
    ----------
    edges
        pairs of neighbours, (m, 2).
    heights
        psi at the points, (n,).
    sizes
        the rates without psi along the edges, (m,).
    ceiling
        the chain is killed at points below.
    count
        the number of the eigenvalue, for another than the smallest.
    shift
        below all of them, where they are looked for.

    Examples
    --------
    >>> line = np.linspace(0.0, 1.0, 201)
    >>> edges = np.stack([np.arange(200), np.arange(1, 201)], axis=1)
    >>> flat = slowest_above(edges, np.where(line > 0.0, 1.0, 0.0), np.full(200, 200.0**2), 0.5)
    >>> bool(abs(flat / (np.pi / 2.0) ** 2 - 1.0) < 0.02)     # a quarter of a wave
    True
    """
    above = heights > ceiling
    if not above.any():
        return float(np.inf)
    some = above[edges].any(axis=1)
    edges, size = edges[some], sizes[some]
    rise = np.clip(heights[edges[:, 1]] - heights[edges[:, 0]], -STEEPEST, STEEPEST)
    number = np.where(above, np.cumsum(above) - 1, -1)
    matrices = np.zeros((len(edges), 2, 2))
    matrices[:, 0, 1] = matrices[:, 1, 0] = -size
    matrices[:, 0, 0] = size * np.exp(-0.5 * rise)
    matrices[:, 1, 1] = size * np.exp(0.5 * rise)
    return smallest_eigenvalue(int(number.max()) + 1, number[edges], matrices, count, shift)
