"""A function of three coordinates on one pair of axes: three slices through a point, parallel to the axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.output.plots.density import upright_label
from fokker_planck.output.plots.labels import coordinate, symbol
from fokker_planck.output.plots.picture import between_nodes, slice_plane
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROWEST, WIDEST = 0.6, 2.0
"""Width over height of a panel, so that three of them fit beside each other."""
INSIDE = 1e-6
"""Of an edge: a slice through a point of the wall lies that far inside."""
ROOM = 0.06
"""Of the axes, between panels where these hang in axes that belong to no grid."""
OUTSIDE = "0.93"
"""Grey where no mesh is: outside of the domain, or where next to nothing ever comes."""


@dataclass(frozen=True)
class Shown:
    """What is drawn of a function: ``values`` (n,) at the points of its mesh, and a ``function`` of points (dim, n)."""

    values: Floats
    function: Callable[[Floats], Floats]


def draw_slices(
    axes: Axes, mesh: tuple[Floats, Integers], what: Shown, label: str, through: Floats, **style: Any
) -> list[Axes]:
    """A function on a mesh of tetrahedra, by colours on three panels with one bar; the panels.

    Where no mesh is they are grey: a committor may be one there as well as zero.
    """
    (points, cells), values = mesh, what.values
    lower, upper = points.min(axis=0), points.max(axis=0)
    place = np.clip(through, lower + INSIDE * (upper - lower), upper - INSIDE * (upper - lower))
    finite = values[np.isfinite(values)]
    style = {"cmap": "YlGnBu", "vmin": float(finite.min()), "vmax": float(finite.max())} | style
    shown = [[axis for axis in range(3) if axis != normal] for normal in (2, 1, 0)]
    shapes = [np.clip((upper - lower)[a] / (upper - lower)[b], NARROWEST, WIDEST) for a, b in shown]
    panels = _panels(axes, [float(shape) for shape in shapes])
    for panel, normal, pair, shape in zip(panels, (2, 1, 0), shown, shapes, strict=True):
        flat = slice_plane(points, cells, values, normal, place[normal])
        cut, triangles, heights = between_nodes(*flat, what.function)
        panel.set_facecolor(OUTSIDE)
        image = panel.tripcolor(*cut[:, pair].T, triangles, heights, shading="gouraud", rasterized=True, **style)
        panel.set_xlim(lower[pair[0]], upper[pair[0]])
        panel.set_ylim(lower[pair[1]], upper[pair[1]])
        panel.set_box_aspect(1.0 / shape)
        panel.set_xlabel(coordinate(pair[0]))
        upright_label(panel, coordinate(pair[1]))
        rounded = 0.0 if abs(place[normal]) < 1e-6 * (upper - lower)[normal] else place[normal]
        panel.set_title(f"{symbol(normal)} = {rounded:.4g}", fontsize=10)
    axes.figure.colorbar(image, ax=panels, aspect=28, pad=0.02, label=label)
    return panels


def mark(shown: Axes | list[Axes], places: Floats, **style: Any) -> None:
    """Points (n, dim) on a map, or on three panels as they are seen along the third axis."""
    look = {"linestyle": "none", "marker": "o", "markeredgecolor": "0.15"} | style
    if not isinstance(shown, list):
        shown.plot(*places.T, **look)
        return
    for panel, normal in zip(shown, (2, 1, 0), strict=True):
        panel.plot(*places[:, [axis for axis in range(3) if axis != normal]].T, **look)


def _panels(axes: Axes, widths: list[float]) -> list[Axes]:
    """Three axes in the place of one, which shows no more than its title."""
    axes.set_axis_off()
    spec, total = axes.get_subplotspec(), sum(widths)
    if spec is not None:
        grid = spec.subgridspec(1, 3, width_ratios=widths)
        return [axes.figure.add_subplot(grid[0, column]) for column in range(3)]
    panels, left = [], 0.0
    for width in widths:
        share = (1.0 - 2.0 * ROOM) * width / total
        panels.append(axes.inset_axes((left, 0.0, share, 1.0)))
        left += share + ROOM
    return panels
