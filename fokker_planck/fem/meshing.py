"""From a domain and the sets of a question to a first mesh that resolves the landscape.

Cells are small enough that the exponent Phi changes little across each; what lies so high that the process never
goes there is cut away.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.triangulations.fronts import Front, front_errors
from fokker_planck.fem.triangulations.narrow import NarrowPlaces, narrow_places, too_wide
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import (
    Triangulation,
    local_edges,
    parts_by_facets,
    without_cells,
)
from fokker_planck.fem.truncation.trimming import Allowed, Trimmed, attached, trimmed
from fokker_planck.fem.weight_quadrature import quadrature_error
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.mesh.locator import Locator
from fokker_planck.quantity.light_dataclasses import dataclass, replace

MOST_CELLS = {1: 200_000, 2: 400_000, 3: 400_000}
"""Of a mesh that follows Phi before a solve: what needs more has steps, and takes gigabytes to factor."""
LARGEST_CHANGE = {1: 9.0, 2: 17.0, 3: 14.0}
"""Of Phi in a cell below the saddles, whose rounding grows like its exponential, by e^17 to 3e-9. With 9 in the plane
smooth wells took as long or half as long again, with 30 they changed by less than 1e-9 (barriers 12 and 50)."""
FINE, LARGEST_FINE_CHANGE = 1e-6, {1: 9.0, 2: 14.0, 3: 14.0}
"""For finer tolerances than this, where rounding within a cell counts, cells are smaller."""
STEP = 0.7
"""By what the change in a cell falls from one cut of the domain to the next: 0.4 and 0.9 give the same exit times to
1e-11 and the same time within a third."""
WRONGLY_CUT = 1.0
"""Of the accuracy, what a state holds at cuts made on coarser cells, from which on these are not believed. A well of
which a part was cut holds 0.01 to 0.4 of itself there; others held 1e-13 to 9e-8 at an accuracy of 1e-6, where the exit
time with less cut is the same to 3e-11."""
SAFER = 2.0
"""Times the largest change in a cell, from which on cells are cut where cuts on coarser ones took what counts."""
DEEP = {1: 60.0, 2: 40.0, 3: 20.0}
"""Units of epsilon from the lowest minimum to the cutoff, from which on cutting cells away repays its time: half and
twice of it change an exit time at barrier 50 by 2e-11."""
STEEPEST = 35.0
"""Of Phi in any cell: exp(-35) = 6e-16 is where the energy would lose its sign; 20 and 70 change smooth wells by less
than 1e-11. On a line not where eigenfunctions are asked for, which live far above the saddles, too: beside a wall 450
units up one cell of 33 made degrees 6 and 8 err alike, and an eigenvalue was 7.0e-7 off at a bar of 6.5e-7."""
TRIM = {1: 1e-4, 2: 1e-4, 3: 2e-2}
"""Of the tolerance, what cells hold together that go. The channels that are left carry what went through those that are
gone, too: gaps of double ridges in the plane were wrong by up to 160 times the share (six of them, 1e-4), two times in
space by less than once. In the plane a tenth of the share costs 3 to 12 % more cells."""
NARROWED = {1: 1.0, 2: 200.0, 3: 10.0}
"""What a cut can change, over the share that it cuts: on a line there is no channel that it could narrow."""
ROUNDED, SMALLEST = 64.0 * np.finfo(float).eps, 1e-120
"""Of a cell's coordinates, and of the domain, below which cells are points: next to an end at zero where the noise
vanishes cells shrink to 1e-100, between jumps that are not known to 1e-16 of their place for ever."""
ROUNDING_OF_PLACES = 16.0
"""Times what the rounding of coordinates makes of an exponent across a cell: no smaller cell has less of it. Beside an
end at x = 2 where V is like log(x - 2) cells were bisected to points, 1e-8 from it."""
BESIDE_ENDS = 64.0
"""Widths of a cell between it and an end: meshes that are graded towards an end have less than one."""
FRONT = 0.3
"""Of the accuracy, for transition layers: 1 changes nothing, 0.1 makes the bar at barrier 50 a half, for as much
time."""


@dataclass(frozen=True)
class Heights:
    """Where Phi matters: ``bottoms`` of the wells, ``passes`` between them, the ``ceiling`` above which nothing does.

    ``wells`` (K, dim) are the positions of the minima, ``start`` is where an exit begins, ``targets`` the names of
    the absorbing regions, or "boundary"; ``fill_targets`` keeps the mass inside of them, too.  Without ``trim``
    nothing below the ceiling is cut away.  ``fronts`` are the passes at which a process that crosses is resolved,
    ``log_noise`` is a function log D where D varies.
    """

    bottoms: tuple[float, ...]
    passes: tuple[float, ...]
    ceiling: float
    wells: Floats
    targets: tuple[str, ...] = ()
    fill_targets: bool = False
    trim: bool = True
    start: tuple[float, ...] | None = None
    fronts: tuple[Front, ...] = ()
    log_noise: Any = None

    @property
    def top(self) -> float:
        """The highest saddle, or the lowest bottom where there is none."""
        return max(self.bottoms[:1] + self.passes)

    def importance(self, low: Floats, high: Floats) -> Floats:
        """How much an error of the weight in a cell with Phi from ``low`` to ``high`` can matter, at most one.

        The masses of the wells feel it in proportion to exp(-Phi) there, the rates through the passes by the
        height that separates the cell from the pass.
        """
        weight = np.zeros(len(low))
        for bottom in self.bottoms:
            weight = np.maximum(weight, np.exp(-np.maximum(low - bottom, 0.0)))
        for height in self.passes:
            weight = np.maximum(weight, np.exp(-np.maximum(np.maximum(low - height, height - high), 0.0)))
        return weight


def resolved(
    triangulation: Triangulation,
    exponent: Any,
    heights: Heights,
    degree: int,
    accuracy: float,
    kept: float | None = None,
) -> Triangulation:
    """Bisect until the weight exp(-Phi) is integrated to ``accuracy`` wherever it matters; cut off what does not.

    The fronts are resolved to ``FRONT`` times that in every cell, as good as the first answer is meant to be.

    No cell below the highest saddle keeps a change of Phi above ``LARGEST_CHANGE``: rounding within a cell grows like
    its exponential.  Above the saddle it matters by so much less, but beyond ``STEEPEST`` it would spoil the sign of
    the energy at last.  What is cut off changes the answers by a small part of ``kept``, which is
    ``accuracy`` if not given, see ``TRIM``.
    """
    dimension, whole = triangulation.dimension, triangulation
    narrow = narrow_places(triangulation, exponent, heights, accuracy)
    largest = (LARGEST_CHANGE if accuracy >= FINE else LARGEST_FINE_CHANGE)[dimension]
    change, allowed = heights.ceiling - min(heights.bottoms), accuracy if kept is None else kept
    share = TRIM[dimension] * allowed
    cutting = heights.trim and change > DEEP[dimension]
    heights = _without_wells_in_targets(whole, heights)
    for coarsest in (change, SAFER * largest) if cutting else ():
        cut = _cut_on_the_way(whole, exponent, heights, (coarsest, largest), narrow, share)
        triangulation = _refined_until(cut.mesh, exponent, heights, largest, narrow, degree, accuracy)
        cut = _trimmed(triangulation, exponent, heights, share, largest)
        triangulation = cut.mesh
        if cut.at_cuts <= WRONGLY_CUT * allowed:
            break
    else:
        triangulation = _refined_until(whole, exponent, heights, largest, narrow, degree, accuracy)
        if cutting:
            triangulation = _trimmed(triangulation, exponent, heights, share, largest).mesh
    if parts_by_facets(whole.cells, whole.vertex_class).any():
        # a domain that narrows to a point is what it is
        return triangulation
    return attached(triangulation, heights.wells, heights.targets, heights.start)


def _without_wells_in_targets(triangulation: Triangulation, heights: Heights) -> Heights:
    """Wells in a target are no states, and are not looked for once the cells around them are gone."""
    inside = [triangulation.regions[name] for name in heights.targets if name != "boundary"]
    if heights.fill_targets or not inside or not len(heights.wells):
        return heights
    cells = Locator(triangulation.points, triangulation.cells).find(heights.wells.T)
    return replace(heights, wells=heights.wells[(cells < 0) | ~np.any(inside, axis=0)[cells]])


def _cut_on_the_way(
    triangulation: Triangulation,
    exponent: Any,
    heights: Heights,
    changes: tuple[float, float],
    narrow: NarrowPlaces,
    share: float,
) -> Trimmed:
    """Cells in which Phi changes less and less, from the first of the ``changes`` to the last, cut in between."""
    change, largest = changes
    cut = Trimmed(triangulation)
    while change > largest:
        change = max(STEP * change, largest)
        refined = _refined_until(cut.mesh, exponent, heights, change, narrow)
        cut = _trimmed(refined, exponent, heights, share, change)
    return cut


def _trimmed(triangulation: Triangulation, exponent: Any, heights: Heights, share: float, change: float) -> Trimmed:
    return trimmed(
        triangulation,
        exponent,
        Allowed(share, heights.ceiling, change, heights.log_noise),
        heights.wells,
        heights.targets,
        start=heights.start,
        fill_targets=heights.fill_targets,
    )


def _refined_until(
    triangulation: Triangulation,
    exponent: Any,
    heights: Heights,
    change: float,
    narrow: NarrowPlaces,
    degree: int | None = None,
    accuracy: float = 1.0,
) -> Triangulation:
    """Bisect until Phi changes by at most ``change`` in a cell and, given a degree, the weight is integrated well."""
    limit, fine = MOST_CELLS[triangulation.dimension], triangulation.dimension == 1 and not heights.trim
    steepest = change if fine else max(STEEPEST, change)
    while True:
        low, high = exponent_range(triangulation, exponent)
        low = _with_wells(triangulation, exponent, heights, low)
        keep = low < heights.ceiling
        allowed = np.clip(change + low - heights.top, change, steepest)
        marked = np.minimum(high, heights.ceiling) - np.minimum(low, heights.ceiling) > allowed
        marked |= keep & (high - low > steepest)
        if degree is not None:
            marked |= unresolved(triangulation, exponent, heights, degree, accuracy, keep & ~marked)
        if not marked.any():
            marked = too_wide(triangulation, narrow.points, narrow.widths) & keep
        if not marked.any():
            return triangulation if keep.all() else without_cells(triangulation, keep)
        if len(triangulation.cells) > limit:
            raise ConvergenceError(
                f"more than {limit} cells are needed to follow the potential",
                "a smaller domain, more noise, or a potential without such steep parts",
            )
        _refuse_points(triangulation, marked)
        triangulation = refine(triangulation, marked)


def _with_wells(triangulation: Triangulation, exponent: Any, heights: Heights, low: Floats) -> Floats:
    """The least Phi of every cell, lowered where a minimum lies in the box around one that seems above the cutoff.

    A well of 2,000 units of epsilon is 70 times narrower at the cutoff than it is deep: no sample of a cell sees it.
    """
    above = np.flatnonzero(low >= heights.ceiling)
    if not len(above) or not len(heights.wells):
        return low
    corners, low = triangulation.cell_points[above], low.copy()
    lower, upper = corners.min(axis=1), corners.max(axis=1)
    for place, value in zip(heights.wells, exponent.value(heights.wells.T), strict=True):
        holds = ((lower <= place) & (place <= upper)).all(axis=1)
        low[above[holds]] = np.minimum(low[above[holds]], value)
    return low


def _refuse_points(triangulation: Triangulation, marked: Booleans) -> None:
    """Name the place where cells are asked to be smaller than the rounding of their corners, or of the domain."""
    corners = triangulation.cell_points[marked]
    width = np.ptp(corners, axis=1).max(axis=1)
    largest = np.abs(corners).max(axis=(1, 2))
    extent = float(np.ptp(triangulation.points, axis=0).max())
    point = width <= np.maximum(ROUNDED * largest, SMALLEST * extent)
    if point.any():
        place = ", ".join(f"{c:.9g}" for c in corners[int(np.argmax(point))].mean(axis=0))
        raise ConvergenceError(
            f"the exponent changes at ({place}) within less than any cell: a coefficient jumps or is infinite there",
            "a jump written with heaviside, sign or piecewise, which the mesh follows, or a continuous coefficient",
        )


def unresolved(
    triangulation: Triangulation, exponent: Any, heights: Heights, degree: int, accuracy: float, asked: Booleans
) -> Booleans:
    """Which cells, (m,), of those ``asked``, are too large for the weight, or for the fronts."""
    result = np.zeros(len(triangulation.cells), dtype=bool)
    corners = triangulation.cell_points[asked]
    low, high = _range_in_cells(corners, exponent)
    importance = heights.importance(low, high)
    todo = importance > accuracy
    error = np.zeros(len(corners))
    error[todo] = quadrature_error(corners[todo], exponent, degree)
    error[error <= ROUNDING_OF_PLACES * _rounding_at_ends(corners, exponent) * (high - low)] = 0.0
    if triangulation.dimension > 1:
        # a crease that no mesh is fitted to is wrong in the cells on it alone, which are as much of a layer of one unit
        # as Phi changes in them: with all of it an exit along one took 94,466 cells for 6e-8 where 1e-6 was asked, with
        # this 8,810 for 5e-8 at a bar of 2e-7; cells in which Phi is smooth have no error where it changes by less
        error *= np.minimum(high - low, 1.0)
    fronts = front_errors(corners, heights.fronts, degree)
    result[asked] = (error * importance > accuracy) | (fronts * importance > FRONT * accuracy)
    return result


def _rounding_at_ends(corners: Floats, exponent: Any) -> Floats:
    """Rounding of distances over the widths of cells, (m,), beside singular ends; zero for cells that lie elsewhere.

    A jump that nobody named looks the same to cells of its width, and is not to be passed over.
    """
    rounded = np.zeros(len(corners))
    for end in getattr(exponent, "ends", ()):
        distance, width = np.abs(corners[:, :, 0] - end.place).min(axis=1), np.ptp(corners[:, :, 0], axis=1)
        beside = distance <= BESIDE_ENDS * width
        rounded[beside] = np.spacing(abs(end.place)) / width[beside]
    return rounded


def exponent_range(triangulation: Triangulation, exponent: Any) -> tuple[Floats, Floats]:
    """Least and greatest Phi of every cell at its vertices, edge midpoints and centre."""
    return _range_in_cells(triangulation.cell_points, exponent)


def _range_in_cells(corners: Floats, exponent: Any) -> tuple[Floats, Floats]:
    """The same of cells by their corners (m, dim + 1, dim)."""
    edges = local_edges(corners.shape[1])
    samples = [corners, corners.mean(axis=1, keepdims=True)]
    samples.append(np.stack([0.5 * (corners[:, a] + corners[:, b]) for a, b in edges], axis=1))
    points = np.concatenate(samples, axis=1)
    rough = getattr(exponent, "rough_value", None)
    if rough is None:
        values = values_in_cells(exponent, points, corners)
    else:
        values = rough(points.reshape(-1, points.shape[2]).T).reshape(points.shape[:2])
    return values.min(axis=1), values.max(axis=1)
