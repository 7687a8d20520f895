"""Most probable paths: curves with arrows in the plane, elsewhere how far they climb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.output.plots.canvas import CYCLE, FIRST, INK, SECOND, plane, tidy
from fokker_planck.output.plots.labels import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.landscape.paths import PathOverSaddle

MOST = 6
"""Paths over their lengths on one pair of axes: as many as there are colours."""


def draw_paths(axes: Axes, answer: Any) -> None:
    """In the plane the way up in vermilion and the way down in blue; else the climb over the length."""
    if len(answer.minima[0]) != 2:
        _draw_climbs(axes, answer)
        return
    for path in answer.paths:
        x = path.x
        up, down = x[:, : path.summit + 1], x[:, path.summit :]
        axes.plot(*down, color=FIRST, linewidth=1.3, zorder=2)
        axes.plot(*up, color=SECOND, linewidth=1.3, zorder=3)
        _arrow(axes, up, SECOND)
        _arrow(axes, down, FIRST)
        axes.plot(*up[:, -1], "X", markersize=7, color="white", markeredgecolor=INK, zorder=5)
    for number, place in enumerate(answer.minima, start=1):
        axes.plot(*place, "o", markersize=11, color="white", markeredgecolor=INK, zorder=5)
        axes.annotate(str(number), place, ha="center", va="center", fontsize=8, zorder=6)
    axes.plot([], [], color=SECOND, label="against the drift")
    axes.plot([], [], color=FIRST, label="with the drift")
    plane(axes, np.array(answer.box[0]), np.array(answer.box[1]))
    axes.legend(frameon=False, fontsize="small", loc="upper right")


def _arrow(axes: Axes, curve: Any, colour: str) -> None:
    middle = curve.shape[1] // 2
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.3}
    axes.annotate("", curve[:, middle + 1], curve[:, middle - 1], arrowprops=style, zorder=4)


def _draw_climbs(axes: Axes, answer: Any) -> None:
    shown: tuple[PathOverSaddle, ...] = answer.paths[:MOST]
    for path, colour in zip(shown, CYCLE, strict=False):
        label = f"{path.wells[0] + 1} to {path.wells[1] + 1}"
        axes.plot(path.arclength, np.array(path.values) - path.values[0], color=colour, linewidth=1.4, label=label)
    axes.set_xlabel(measured("length along the path", "length"))
    axes.set_ylabel("climb / noise")
    axes.legend(frameon=False, fontsize="small", title="wells", title_fontsize="small")
    tidy(axes)
