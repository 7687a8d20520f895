"""Which cells are bisected, and how often, so that what an indicator sums to falls as far as it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats

LEAST_STEP = {1: 0.02, 2: 0.02, 3: 0.06}
"""Of the sum of the indicator, that is left in the cells which are not bisected: a quarter and five times of it made
the same last mesh (barriers 12 and 50)."""
GROWTH = {1: 0.3, 2: 0.3, 3: 0.0}
"""Of the cells, that a step may bisect before it is to be content: 0.1 and 1 made the same last mesh (barriers 12 and
50)."""
FREE = {1: 0.0, 2: 0.02, 3: 0.0}
"""Of the cells, up to which a step in the plane bisects more than it has to: they cost next to nothing, and what the
indicator says of the few worst cells of all is not enough by little (rates at a barrier of 600, 27,526 cells: of 90
bisected cells 6.1e-5 was left where 4.3e-5 is enough, and eight more took the six seconds of a whole mesh)."""
MOST_GROWTH = 0.2
"""Bisections a cell in a step in space, for coarse tolerances, before what conformity adds: with no bound a step made
28,637 cells of 2,205, which took 50 s before anything was known of the error, with 1.0 still 17,203 of 3,415; and where
all cells were bisected the error was 0.19 with 16,372 cells, after smaller steps 0.05 with 10,308. With 0.5 an exit
time took 27,971 cells for what 11,013 gave with 0.2: meshes double then."""
LEAST_GROWTH = 0.15
"""The same at least: of 6 % more cells than the one before, of which the indicator expected enough, a mesh took as long
as that and left the error as it was (10,308, 10,915, 11,166 cells)."""
WITH_CONFORMITY = 0.5
"""Bisections a cell that make as many cells again, with what conformity adds."""
BEYOND = 2.0
"""Times the unknowns that are allowed, which the last mesh has at most: one of five times that took longer than all
those before it."""
MOST_BISECTIONS = {1: 2, 2: 4, 3: 2}
"""Of a cell in one step. With two in the plane four cells of eleven wells were left with more than all was to be: of
8,084 cells 13,018 were made in vain, and 13,022 next; with four 10,440 are enough."""
AGAIN = "bisect again"


def growth_in_space(coarse: bool, count: int, allowed: int) -> tuple[float, float]:
    """Bisections a cell in a step from ``count`` unknowns where as many as ``allowed`` are not the last, in space.

    >>> growth_in_space(True, 10_000, 80_000), growth_in_space(False, 100_000, 250_000)
    ((0.15, 0.2), (0.0, 2.0))
    """
    most = max(LEAST_GROWTH, WITH_CONFORMITY * (BEYOND * allowed / count - 1.0))
    return (LEAST_GROWTH, min(MOST_GROWTH, most)) if coarse else (0.0, most)


def refined_where_unresolved(
    triangulation: Triangulation, indicator: Floats, degree: int, share: float, growth: tuple[float, float]
) -> Triangulation:
    """Bisect cells, the worst of them several times, so that ``share`` of the sum of the indicator is left, or less.

    More than ``GROWTH`` of the cells are bisected only until ``LEAST_STEP`` of the sum is left: far from the goal the
    indicator is not trusted further.
    """
    gain = 2.0 ** (2.0 * degree / triangulation.dimension)
    first, *more = bisections(indicator, gain, min(share, 0.5), triangulation.dimension, growth)
    again = {f"{AGAIN} {number}": members for number, members in enumerate(more)}
    done = refine(replace(triangulation, regions={**triangulation.regions, **again}), first)
    for name in again:
        done = refine(done, done.regions[name])
    return replace(done, regions={name: mask for name, mask in done.regions.items() if name not in again})


def bisections(
    indicator: Floats, gain: float, share: float, dimension: int, growth: tuple[float, float] = (0.0, np.inf)
) -> list[Booleans]:
    """Which cells to bisect at least once, which twice and so on, so that no more than necessary is.

    A bisection divides the indicator of a cell by ``gain``; the highest level is sought to which all cells can be
    brought down with ``share`` of the sum left; it is sought where bisections a cell are between those of ``growth``.
    More than two of a cell are made where two do not lead there.
    """
    chosen, left = _up_to(2, indicator, gain, share, dimension, growth)
    if MOST_BISECTIONS[dimension] > 2 and left > share * float(indicator.sum()):
        more, left = _up_to(MOST_BISECTIONS[dimension], indicator, gain, share, dimension, growth)
        chosen = more if left <= share * float(indicator.sum()) else chosen
    return chosen


def _up_to(
    most: int, indicator: Floats, gain: float, share: float, dimension: int, growth: tuple[float, float]
) -> tuple[list[Booleans], float]:
    """The same with so many bisections of a cell at the ``most``, and what is left of the sum."""
    wanted, least_step = share * float(indicator.sum()), LEAST_STEP[dimension] * float(indicator.sum())
    enough = None
    for level in float(indicator.max()) * gain ** (-1.0 - 0.25 * np.arange(200)):
        chosen = [indicator > level * gain**times for times in range(most)]
        left = float((indicator / gain ** np.sum(chosen, axis=0)).sum())
        added = sum(2**times * int(cells.sum()) for times, cells in enumerate(chosen)) / len(indicator)
        if enough is not None and added > FREE[dimension]:
            return enough
        if added > growth[1] or chosen[0].all():
            break
        if added < growth[0]:
            continue
        if left <= wanted and added < FREE[dimension]:
            enough = chosen, left
        elif left <= wanted or (left <= least_step and added > GROWTH[dimension]):
            break
    return chosen, left
