"""The place of an exit: its density along the curves of the target, and these curves in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.output.plots.canvas import CYCLE, INK, SECOND, plane, tidy
from fokker_planck.output.plots.labels import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.results.of_place import ExitPlace

MOST = 6
"""Curves on one pair of axes: as many as there are colours."""
LEAST_NAMED = 1e-3
"""Of a share whose lowest point is marked: smaller ones cannot be seen."""
MARGIN = 0.08
"""Of the width of the curves, around them."""


def draw_along(axes: Axes, answer: ExitPlace) -> None:
    """The density over the length along each curve, with its bar, and the probability at every lowest point."""
    for number, (curve, colour) in enumerate(zip(answer.curves[:MOST], CYCLE, strict=False)):
        length, density, error = (np.array(values) for values in (curve.arclength, curve.density, curve.absolute_error))
        label = f"curve {number + 1}" if len(answer.curves) > 1 else None
        axes.plot(length, density, color=colour, linewidth=1.4, label=label)
        axes.fill_between(length, density - error, density + error, color=colour, alpha=0.25, linewidth=0.0)
    highest = max(max(curve.density) for curve in answer.curves)
    axes.set_ylim(0.0, 1.18 * highest)
    for share in answer.shares:
        probability = share.probability.value
        if share.curve < MOST and probability is not None and LEAST_NAMED < probability and len(answer.shares) > 1:
            curve = answer.curves[share.curve]
            nearest = int(np.argmin(np.linalg.norm(np.array(curve.points) - share.lowest, axis=1)))
            height = np.interp(curve.arclength[nearest], curve.arclength, curve.density)
            style = {"ha": "center", "va": "bottom", "fontsize": 8, "color": INK}
            axes.annotate(f"{probability:.3g}", (curve.arclength[nearest], height + 0.02 * highest), **style)
    axes.set_xlabel(measured("length along the target", "length"))
    axes.set_ylabel("density of the place of the exit")
    if len(answer.curves) > 1:
        axes.legend(frameon=False, fontsize="small")
    tidy(axes)


def draw_in_plane(axes: Axes, answer: ExitPlace) -> None:
    """The curves in the colours of the density, with the start and the lowest points."""
    from matplotlib.collections import LineCollection

    every = np.concatenate([np.array(curve.points) for curve in answer.curves])
    highest = max(max(curve.density) for curve in answer.curves)
    for curve in answer.curves:
        points, density = np.array(curve.points), np.array(curve.density)
        segments = np.stack([points[:-1], points[1:]], axis=1)
        axes.plot(*points.T, color="0.8", linewidth=0.8, zorder=1)
        drawn = LineCollection(list(segments), cmap="YlGnBu", linewidth=4.0, capstyle="round", zorder=2)
        drawn.set_array(np.maximum(0.5 * (density[:-1] + density[1:]), 0.0))
        drawn.set_clim(0.0, highest)
        axes.add_collection(drawn)
    axes.figure.colorbar(drawn, ax=axes, aspect=28, pad=0.02, label="density of the place of the exit")
    axes.plot(*answer.start, "o", color=SECOND, markeredgecolor="white", zorder=4)
    if len(answer.shares) > 1:
        lowest = np.array([share.lowest for share in answer.shares])
        axes.plot(*lowest.T, "X", markersize=7, color="white", markeredgecolor=INK, linestyle="none", zorder=3)
    low, high = (reduce(np.vstack([every, answer.start]), axis=0) for reduce in (np.min, np.max))
    room = MARGIN * float((high - low).max())
    plane(axes, low - room, high + room)
