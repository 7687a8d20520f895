"""Committors in the plane for claims: sampled on a grid, so that they can be kept, and drawn over the potential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.fem.fields.field import Field

COUNT = 81
OUTSIDE = -1.0

Corners = tuple[Sequence[float], Sequence[float]]


def sampled(field: Field, corners: Corners) -> list[list[float]]:
    """Values on a grid, row by row from below; ``OUTSIDE`` where the field is not known."""
    import numpy as np

    values = field(np.stack(np.meshgrid(*grid(corners))))
    rounded: list[list[float]] = np.round(np.where(np.isfinite(values), values, OUTSIDE), 5).tolist()
    return rounded


def grid(corners: Corners) -> list[Any]:
    """Coordinates along both axes of the box between two corners."""
    import numpy as np

    return [np.linspace(a, b, COUNT) for a, b in zip(*corners, strict=True)]


def draw(
    ax: Axes,
    corners: Corners,
    heights: Any,
    levels: Any,
    committor: list[list[float]],
    discs: Sequence[tuple[tuple[float, float], float]],
) -> None:
    """Level lines of the potential, those of the committor on top, the one of 1/2 thick, and the two sets."""
    import numpy as np
    from matplotlib.patches import Circle

    from validation import drawing

    x, y = grid(corners)
    ax.contour(x, y, heights, levels=levels, colors=[drawing.MUTED], linewidths=0.6, linestyles="solid")
    q = np.ma.masked_less(np.array(committor), 0.0)
    ax.contour(x, y, q, levels=[0.1, 0.3, 0.7, 0.9], colors=[drawing.BLUE], linewidths=1.0)
    ax.contour(x, y, q, levels=[0.5], colors=[drawing.RED], linewidths=2.0)
    for centre, radius in discs:
        ax.add_patch(Circle(centre, radius, facecolor=drawing.ORANGE, edgecolor=drawing.INK))
    ax.set_aspect("equal")
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.grid(False)
