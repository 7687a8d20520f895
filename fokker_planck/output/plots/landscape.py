"""Minima, saddles and minimum energy paths on the map of V; V along the paths; the tree in which wells merge."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.canvas import CYCLE, FIRST, INK, SECOND, plane, tidy
from fokker_planck.output.plots.labels import coordinate, measured
from fokker_planck.output.plots.slices import OUTSIDE
from fokker_planck.output.plots.triangulated_surface import triangulated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.landscape.paths import PathOverSaddle
    from fokker_planck.landscape.types import Landscape

ABOVE = 0.6
"""Of the climb from the lowest minimum to the highest saddle, shown above that: walls beyond would fill the scale."""
BANDS = 24
"""Isolines of V: closer ones run together in a column of a page."""
NUMBERED = 25
"""Wells that bear their numbers: more of these hide what is below."""
MOST_PROFILES = 6
"""Paths on one pair of axes: as many as there are colours that all eyes tell apart; the lowest saddles are shown."""


def draw_landscape(axes: Axes, answer: Landscape) -> None:
    """The map with its paths on a line and in the plane; in space V along them, or the tree where they are many."""
    if answer.surface is None:
        few = 0 < sum(path is not None for path in answer.paths) <= MOST_PROFILES
        (draw_profile if few else draw_tree)(axes, answer)
    elif answer.dimension == 1:
        _draw_line(axes, answer)
    else:
        _draw_map(axes, answer)


def draw_profile(axes: Axes, answer: Landscape) -> None:
    """V along the minimum energy paths, from the saddle down to the lower well on the left and the higher one right."""
    known = [path for path in answer.paths if path is not None]
    if not known:
        raise ProblemError("picture", "a landscape without paths", "one with two wells and a saddle between them")
    for path, colour in zip(known[:MOST_PROFILES], CYCLE, strict=False):
        s = np.array(path.arclength) - path.arclength[path.summit]
        name = f"{path.wells[0] + 1} – {path.wells[1] + 1}, over saddle {path.saddle + 1}"
        axes.plot(s, path.values, color=colour, linewidth=1.4, label=name)
        axes.plot(s[[0, -1]], [path.values[0], path.values[-1]], "o", color=colour, markersize=5)
    axes.set_xlabel(measured("length along the path, from the saddle", "length"))
    axes.set_ylabel(measured("$V$", "energy"))
    axes.legend(frameon=False, fontsize="small", title="wells", title_fontsize="small")
    tidy(axes)


def draw_tree(axes: Axes, answer: Landscape) -> None:
    """The tree in which wells merge, in units of V: a leaf is a minimum, a joint the lowest saddle between wells."""
    order = _leaves(answer)
    place = {well: float(position) for position, well in enumerate(order)}
    tops = {well: answer.minima[well].value for well in order}
    for merge in answer.merges:
        kept, gone = merge.survivor, merge.absorbed
        for well in (kept, gone):
            axes.plot([place[well]] * 2, [tops[well], merge.value], color=FIRST, linewidth=1.4)
        axes.plot([place[kept], place[gone]], [merge.value] * 2, color=FIRST, linewidth=1.4)
        place[kept], tops[kept] = (place[kept] + place[gone]) / 2.0, merge.value
    for position, well in enumerate(order):
        axes.plot(position, answer.minima[well].value, "o", color=SECOND)
    step = 1 + len(order) // NUMBERED
    axes.set_xticks(range(0, len(order), step), [str(well + 1) for well in order[::step]])
    axes.set_xlabel("well")
    axes.set_ylabel(measured("$V$", "energy"))
    tidy(axes)


def _leaves(answer: Landscape) -> list[int]:
    """The wells in an order in which no two branches cross: of two that merge, all of one beside all of the other."""
    groups = {well: [well] for well in range(len(answer.minima))}
    for merge in answer.merges:
        groups[merge.survivor] += groups.pop(merge.absorbed)
    return [well for group in groups.values() for well in group]


def _draw_line(axes: Axes, answer: Landscape) -> None:
    surface = answer.surface
    assert surface is not None
    x, values, (_, high) = np.array(surface.axes[0]), surface.grid, _range(answer)
    axes.plot(x, values, color=FIRST, linewidth=1.4)
    low = float(np.nanmin(values))
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    wells, saddles = ([(p.position[0], p.value) for p in part] for part in (answer.minima, answer.saddles))
    _marks(axes, wells, saddles)
    axes.set_xlabel(coordinate(0))
    axes.set_ylabel(measured("$V$", "energy"))
    tidy(axes)


def _draw_map(axes: Axes, answer: Landscape) -> None:
    from matplotlib.ticker import MaxNLocator

    surface = answer.surface
    assert surface is not None
    low, high = _range(answer)
    triangles, values = triangulated(surface)
    values = np.clip(values, low, None)
    levels = np.linspace(low, high, 4 * BANDS + 1)
    image = axes.tricontourf(triangles, values, levels=levels, cmap="YlGnBu_r", extend="max")
    image.set_rasterized(True)
    axes.tricontour(
        triangles, values, levels=MaxNLocator(BANDS).tick_values(low, high), colors=INK, linewidths=0.3, alpha=0.5
    )
    label = measured("$V$", "energy")
    axes.figure.colorbar(image, ax=axes, ticks=MaxNLocator(8), aspect=28, pad=0.02, label=label)
    axes.set_facecolor(OUTSIDE)
    for path in answer.paths:
        if path is not None:
            _draw_path(axes, answer, path)
    _marks(axes, *([point.position for point in part] for part in (answer.minima, answer.saddles)))
    plane(axes, np.array(answer.frame.lower), np.array(answer.frame.upper))


def _draw_path(axes: Axes, answer: Landscape, path: PathOverSaddle) -> None:
    """The curve, with its images across periodic faces, of which the axes show what is in the box."""
    shifts = [(0.0,) if period is None else (-period, 0.0, period) for period in answer.frame.periods]
    for shift in product(*shifts):
        moved: Floats = path.x + np.array(shift)[:, None]
        axes.plot(*moved, color=SECOND, linewidth=1.6, solid_capstyle="round", zorder=3)


def _range(answer: Landscape) -> tuple[float, float]:
    """Of V as it is shown: from the lowest minimum to somewhat above the highest saddle, all of it without saddles."""
    assert answer.surface is not None
    low, top = float(np.nanmin(answer.surface.grid)), float(np.nanmax(answer.surface.grid))
    if answer.saddles:
        highest = max(saddle.value for saddle in answer.saddles)
        top = min(top, highest + ABOVE * (highest - low))
    return low, top if top > low else low + 1.0


def _marks(axes: Axes, wells: Sequence[tuple[float, ...]], saddles: Sequence[tuple[float, ...]]) -> None:
    """Numbered circles and crosses."""
    style = {"linestyle": "none", "color": "white", "markeredgecolor": INK, "zorder": 5, "clip_on": False}
    if saddles:
        axes.plot(*np.array(saddles).T, marker="X", markersize=7, **style)
    few = len(wells) <= NUMBERED
    if wells:
        axes.plot(*np.array(wells).T, marker="o", markersize=11 if few else 4, **style)
    for number, place in enumerate(wells if few else [], start=1):
        axes.annotate(str(number), place, ha="center", va="center", fontsize=8, zorder=6, annotation_clip=False)
