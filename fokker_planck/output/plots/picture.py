"""What a picture of the stationary density shows, as plain arrays: cells, log10 of the density, marks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.quadrature import halved
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.fem.fields.field import Field
    from fokker_planck.landscape.types import Landscape
    from fokker_planck.solvers.results.steady import Stationary


ENOUGH_POINTS = {1: 600, 2: 10_000}  # for curves without corners, by the dimension of the cells


@dataclass(frozen=True)
class Sheet:
    """What one panel shows: ``decades`` = log10 of the density at ``points`` (n, k) of simplices ``cells``, k = 1 or 2.

    ``axes`` are the coordinates shown; a slice of three dimensions lies at ``offset`` on the axis ``normal``.  In a
    ``box`` whatever cells are missing have been left away, and are not outside of the domain.
    """

    points: Floats
    cells: Integers
    decades: Floats
    axes: tuple[int, ...]
    normal: int | None = None
    offset: float = 0.0
    box: bool = False


@dataclass(frozen=True)
class Picture:
    """What is drawn, as plain arrays: one sheet, or three slices; positions of wells and saddles, (m, dim)."""

    sheets: tuple[Sheet, ...]
    wells: Floats
    saddles: Floats
    saddle_decades: tuple[float, ...] = ()
    title: str = ""

    @property
    def lowest(self) -> float:
        """The least log10 of the density."""
        return min(float(sheet.decades.min()) for sheet in self.sheets)

    @property
    def highest(self) -> float:
        """The largest log10 of the density."""
        return max(float(sheet.decades.max()) for sheet in self.sheets)


def density_picture(answer: Stationary, landscape: Landscape | None = None, title: str = "") -> Picture:
    """Collect what a picture of the stationary density shows; under MPI every rank has to call this.

    The saddles are those of ``landscape`` (none if it is not given); the wells are numbered as in ``answer``.
    """
    points, cells, _ = answer.field.triangulation()
    points, cells = np.asarray(points, dtype=float), np.asarray(cells, dtype=np.int64)
    dimension = points.shape[1]
    wells = _positions((well.minimum for well in answer.wells), dimension)
    saddles = _positions((saddle.position for saddle in landscape.saddles) if landscape else (), dimension)
    decades = _decades(answer.field.log_values)
    if dimension == 3:
        centre = wells[0] if len(wells) else points[np.argmax(decades)]
        sheets = tuple(
            _smoothed(answer.field, *slice_plane(points, cells, decades, normal, centre[normal]), normal)
            for normal in (2, 1, 0)
        )
    else:
        sheets = (_smoothed(answer.field, points, cells, decades),)
    at_saddles = tuple(float(decades[np.argmin(np.sum((points - saddle) ** 2, axis=1))]) for saddle in saddles)
    return Picture(sheets, wells, saddles, at_saddles, title)


def _smoothed(density: Field, points: Floats, cells: Integers, decades: Floats, normal: int | None = None) -> Sheet:
    """The sheet on finer cells, with the values of the field itself where a coarse mesh has high degree."""
    points, cells, decades = between_nodes(points, cells, decades, lambda x: _decades(density.log(x), everywhere=False))
    shown = tuple(axis for axis in range(points.shape[1]) if axis != normal)
    offset = 0.0 if normal is None else float(points[0, normal])
    return Sheet(points[:, shown], cells, decades, shown, normal, offset, density.in_a_box)


def between_nodes(
    points: Floats, cells: Integers, values: Floats, function: Callable[[Floats], Floats]
) -> tuple[Floats, Integers, Floats]:
    """Cells small enough for curves without corners, and at their points what is drawn: ``function`` of (dim, n).

    Where that is not known, nan, beside a curved boundary say, the ``values`` at the given points go on linearly.
    """
    fine = points, cells, values
    while len(fine[0]) < ENOUGH_POINTS[cells.shape[1] - 1]:
        fine = finer(*fine)
    points, cells, linear = fine
    own = np.asarray(function(points.T), dtype=float)
    return points, cells, np.where(np.isnan(own), linear, own)


def _decades(logs: Any, everywhere: bool = True) -> Floats:
    """log10 of the density; where it vanishes, the least value that is there. Not ``everywhere``: nan stays nan."""
    decades: Floats = np.asarray(logs, dtype=float) / math.log(10.0)
    finite = decades[np.isfinite(decades)]
    if not everywhere:
        return np.where(np.isfinite(decades), decades, np.nan)
    if finite.size == 0:
        raise ProblemError("density", "no finite value", "a density that is positive somewhere")
    return np.where(np.isfinite(decades), decades, finite.min())


def _positions(points: Iterable[Any], dimension: int) -> Floats:
    return np.array([np.asarray(point, dtype=float) for point in points], dtype=float).reshape(-1, dimension)


def slice_plane(
    points: Floats, cells: Integers, values: Floats, normal: int, offset: float
) -> tuple[Floats, Integers, Floats]:
    """Cut tetrahedra by the plane ``x_normal = offset``: points (k, 3), triangles (t, 3) and values (k,) on the plane.

    The values are those of the linear interpolant on every tetrahedron.

    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> cut, triangles, heights = slice_plane(corners, np.array([[0, 1, 2, 3]]), corners[:, 0], 2, 0.5)
    >>> triangles.shape, float(cut[:, :2].max()), float(heights.max())
    ((1, 3), 0.5, 0.5)
    """
    height = points[:, normal] - offset
    span = float(np.ptp(points[:, normal]))
    # a plane through vertices is moved by less than can be seen, into the body
    nudge = 1e-7 * span * (1.0 if np.mean(height) > 0.0 else -1.0)
    height = np.where(np.abs(height) < abs(nudge), -nudge, height)
    above = height[cells] > 0.0
    order = np.argsort(above, axis=1, kind="stable")  # vertices below the plane first
    cells = np.take_along_axis(cells, order, axis=1)
    count = above.sum(axis=1)
    a, b, c, d = (cells[count == 2][:, column] for column in range(4))
    one, three = cells[count == 1], cells[count == 3]
    edges = np.concatenate(
        [
            np.stack([one[:, [0, 3]], one[:, [1, 3]], one[:, [2, 3]]], axis=1),
            np.stack([three[:, [0, 1]], three[:, [0, 2]], three[:, [0, 3]]], axis=1),
            np.stack([np.stack(pair, axis=1) for pair in ((a, c), (a, d), (b, d))], axis=1),
            np.stack([np.stack(pair, axis=1) for pair in ((a, c), (b, d), (b, c))], axis=1),
        ]
    )
    crossed, triangles = np.unique(np.sort(edges.reshape(-1, 2), axis=1), axis=0, return_inverse=True)
    share = (height[crossed[:, 0]] / (height[crossed[:, 0]] - height[crossed[:, 1]]))[:, None]
    cut = (1.0 - share) * points[crossed[:, 0]] + share * points[crossed[:, 1]]
    cut_values = (1.0 - share[:, 0]) * values[crossed[:, 0]] + share[:, 0] * values[crossed[:, 1]]
    return cut, np.asarray(triangles).reshape(-1, 3), cut_values


def finer(points: Floats, cells: Integers, values: Floats) -> tuple[Floats, Integers, Floats]:
    """Intervals or triangles cut at the middles of their edges, with the mean values there.

    >>> fine, triangles, means = finer(np.array([[0.0, 0], [1, 0], [0, 1]]), np.array([[0, 1, 2]]), np.arange(3.0))
    >>> fine.shape, triangles.shape, sorted(means[3:].tolist())
    ((6, 2), (4, 3), [0.5, 1.0, 1.5])
    """
    both, parts = halved(np.column_stack([points, values]), cells)
    return both[:, :-1], parts, both[:, -1]
