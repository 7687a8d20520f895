"""Transitions between two sets on one pair of axes: the committor, its isolines, the sets, the reactive current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.canvas import FIRST, INK, SECOND, colour_map, curve, on_line
from fokker_planck.output.plots.committor import HALF, LINES
from fokker_planck.output.plots.picture import between_nodes
from fokker_planck.output.plots.slices import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.results.steady import Committor

GRID = 161
"""Points of an axis of the picture at which current and sets are looked at: some three pixels of it."""
KNOWN = 1e-9
"""Next to 0 and 1 a committor is rounding, and so is a current made of its slopes: three digits are left there."""
SHOWN = 0.05
"""Of the largest current: what is less is not drawn, streamlines of nearly nothing would fill the wells."""


def draw_committor(axes: Axes, answer: Committor) -> None:
    """q with lines at every tenth, that of one half thick; the sets A and B; streamlines of the reactive current."""
    points, cells, values = answer.field.triangulation()
    if points.shape[1] == 1:
        curve(axes, *on_line(answer.field), "committor $q$")
        axes.set_ylim(-0.02, 1.04)
        return
    q = np.clip(values, 0.0, 1.0)
    what = Shown(q, lambda place: np.clip(answer.field(place), 0.0, 1.0))
    colour_map(axes, answer.field, what, "committor", _middle(points, q, answer), vmin=0.0, vmax=1.0)
    if points.shape[1] == 3:
        return
    widths = [1.4 if number == HALF else 0.5 for number in range(len(LINES))]
    fine, parts, heights = between_nodes(points, cells, values, answer.field)
    axes.tricontour(*fine.T, parts, heights, levels=LINES, colors=[INK if line <= 0.5 else "white" for line in LINES],
                    linewidths=widths)  # fmt: skip
    x, y = (np.linspace(c.min(), c.max(), GRID) for c in points.T)
    if answer.sets is not None:
        _draw_sets(axes, answer.sets, x, y)
    current = reactive_current(answer, x, y)
    if current is not None:
        strength = np.sqrt((current**2).sum(axis=0))
        weak = ~(strength > SHOWN * np.nanmax(strength))
        u, v = (np.where(weak, np.nan, part) for part in current)
        width = 0.4 + 2.0 * np.where(weak, 0.0, strength) / np.nanmax(strength)
        axes.streamplot(x, y, u, v, color=SECOND, linewidth=width, density=1.1, arrowsize=0.9)
        axes.set_xlim(x[0], x[-1])
        axes.set_ylim(y[0], y[-1])


def _middle(points: Floats, q: Floats, answer: Committor) -> Floats:
    """Where most paths cross the surface on which the committor is one half, (3,)."""
    logs = answer.reactive_density.log_values
    middle = np.where(np.abs(q - 0.5) < 0.2, np.nan_to_num(logs, neginf=-np.inf), -np.inf)
    return np.asarray(points[int(np.argmax(middle if np.isfinite(middle).any() else logs))])


def reactive_current(answer: Committor, x: Floats, y: Floats) -> Floats | None:
    """J = p D grad q on the grid of the picture, (2, len y, len x), p the density; None where it is not known.

    With detailed balance the density of paths is m = p q (1 - q), so that p = m / (q (1 - q)); without it the current
    has a part of the stationary one, which is not drawn.
    """
    if answer.noise is None or answer.backward is not None:
        return None
    places = np.array([part.ravel() for part in np.meshgrid(x, y)])
    q = np.asarray(answer.field(places))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = answer.reactive_density.log(places) - np.log(q) - np.log1p(-q)
    known = np.isfinite(log_p) & (q > KNOWN) & (q < 1.0 - KNOWN)
    if not known.any():
        return None
    weight = np.where(known, np.exp(log_p - log_p[known].max()), np.nan).reshape(len(y), len(x))
    slope_y, slope_x = np.gradient(q.reshape(len(y), len(x)), y, x)
    slope = np.stack([slope_x.ravel(), slope_y.ravel()])
    tensor: Any = answer.noise.tensor(places)
    moved = np.einsum("ijn,jn->in", tensor, slope).reshape(2, len(y), len(x))
    return np.asarray(weight * moved)


def _draw_sets(axes: Axes, sets: Any, x: Floats, y: Floats) -> None:
    places = np.array([part.ravel() for part in np.meshgrid(x, y)])
    for shape, name, colour in zip(sets, "AB", (FIRST, SECOND), strict=True):
        level = np.asarray(shape.level(places)).reshape(len(y), len(x))
        if not (level > 0.0).any():
            continue
        axes.contourf(x, y, level, levels=[0.0, np.inf], colors=["white"], alpha=0.75, zorder=3)
        axes.contour(x, y, level, levels=[0.0], colors=[colour], linewidths=1.2, zorder=4)
        inside = places[:, level.ravel() > 0.0]
        axes.annotate(name, inside.mean(axis=1), ha="center", va="center", zorder=5, color=INK)
