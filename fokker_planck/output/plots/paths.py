"""Most probable paths: curves with arrows in the plane, elsewhere how far they climb."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.canvas import CYCLE, FIRST, INK, SECOND, plane, tidy
from fokker_planck.output.plots.labels import measured, symbol
from fokker_planck.output.plots.triangulated_surface import triangulated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.landscape.paths import PathOverSaddle

BELOW = 3.0
"""Points, of the way down: where a way up covers it both are seen."""
LINES, HIGHEST = 16, 1.6
"""Isolines, closer ones run together; up to that times the way from the lowest well to the highest saddle."""
MOST = 6
"""Paths over their lengths on one pair of axes: as many as there are colours."""


def draw_paths(axes: Axes, answer: Any) -> None:
    """In the plane the way up in vermilion and the way down in blue; else the climb over the length.

    With detailed balance the way back is the same curve, which has one colour.
    """
    if len(answer.minima[0]) != 2:
        _draw_climbs(axes, answer)
        return
    if answer.surface is not None:
        _isolines(axes, answer)
    down_colour = SECOND if answer.reversible else FIRST
    for path in answer.paths:
        for x in _images(path.x, answer):
            up, down = x[:, : path.summit + 1], x[:, path.summit :]
            axes.plot(*down, color=down_colour, linewidth=1.3 if answer.reversible else BELOW, zorder=2)
            axes.plot(*up, color=SECOND, linewidth=1.3, zorder=3)
            _arrow(axes, up, SECOND)
            _arrow(axes, down, down_colour)
            axes.plot(*up[:, -1], "X", markersize=7, color="white", markeredgecolor=INK, zorder=5)
    for number, place in enumerate(answer.minima, start=1):
        axes.plot(*place, "o", markersize=11, color="white", markeredgecolor=INK, zorder=5)
        axes.annotate(str(number), place, ha="center", va="center", fontsize=8, zorder=6)
    plane(axes, np.array(answer.box[0]), np.array(answer.box[1]))
    if answer.reversible:
        return
    axes.plot([], [], color=SECOND, label="against the drift")
    axes.plot([], [], color=FIRST, label="with the drift")
    axes.legend(frameon=False, fontsize="small", loc="upper right")


def _isolines(axes: Axes, answer: Any) -> None:
    """Of minus the logarithm of the density, up to somewhat above the highest saddle."""
    from matplotlib.ticker import MaxNLocator

    triangles, values = triangulated(answer.surface)
    # climbs of different wells begin at different heights, of which the surface knows
    high = max(answer.action(number) + _height(answer, path.x[:, 0]) for number, path in enumerate(answer.paths))
    low = float(np.nanmin(values))
    levels = MaxNLocator(LINES).tick_values(low, low + HIGHEST * (high - low))
    axes.tricontour(
        triangles, np.nan_to_num(values, posinf=2.0 * levels[-1]), levels=levels, colors="0.7", linewidths=0.5
    )


def _height(answer: Any, place: Floats) -> float:
    """The surface at the grid point next to a place (2,)."""
    nearest = tuple(
        int(np.argmin(np.abs(np.array(axis) - x))) for axis, x in zip(answer.surface.axes, place, strict=True)
    )
    return float(answer.surface.grid[nearest])


def _images(x: Floats, answer: Any) -> Iterator[Floats]:
    """The curve (2, n), and those of its images across periodic faces that reach into the box."""
    lower, upper = (np.array(corner)[:, None] for corner in answer.box)
    periods = answer.periods or (None, None)
    for shift in product(*((0.0,) if period is None else (-period, 0.0, period) for period in periods)):
        moved = x + np.array(shift)[:, None]
        if ((moved > lower) & (moved < upper)).all(axis=0).any():
            yield moved


def _arrow(axes: Axes, curve: Any, colour: str) -> None:
    middle = curve.shape[1] // 2
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.3}
    axes.annotate("", curve[:, middle + 1], curve[:, middle - 1], arrowprops=style, zorder=4, annotation_clip=True)


def _draw_climbs(axes: Axes, answer: Any) -> None:
    shown: tuple[PathOverSaddle, ...] = answer.paths[:MOST]
    count = Counter(path.wells for path in answer.paths)
    for path, colour in zip(shown, CYCLE, strict=False):
        label = f"{path.wells[0] + 1} to {path.wells[1] + 1}"
        if len(path.x) == 1 and count[path.wells] > 1:  # around a ring one way and the other
            label += f", {symbol(0)} {'rising' if path.x[0, -1] > path.x[0, 0] else 'falling'}"
        axes.plot(path.arclength, np.array(path.values) - path.values[0], color=colour, linewidth=1.4, label=label)
    axes.set_xlabel(measured("length along the path", "length"))
    axes.set_ylabel("climb / noise")
    axes.legend(frameon=False, fontsize="small", title="wells", title_fontsize="small")
    tidy(axes)
