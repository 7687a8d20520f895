"""Where a picture is drawn: on axes that are given, or on new ones in the style of all pictures; curves and maps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.density import AXES_NAMES, TYPOGRAPHY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FIRST, SECOND = "0.15", "#0072b2", "#d55e00"
"""Black, and the blue and vermilion of Okabe and Ito, which every colour vision tells apart."""
CYCLE = (FIRST, SECOND, "#009e73", "#cc79a7", "#56b4e9", "#e69f00")


@contextlib.contextmanager
def canvas(ax: Axes | None) -> Iterator[Axes]:
    """The axes to draw on; new ones, of a figure that a notebook shows, where none are given."""
    import matplotlib

    with matplotlib.rc_context(TYPOGRAPHY):
        if ax is None:
            from matplotlib import pyplot

            _, ax = pyplot.subplots(figsize=(5.6, 4.0), layout="constrained")
        yield ax


def plane_only(dimension: int, what: str) -> None:
    """Raise ProblemError in space, where ParaView shows the field of the result folder."""
    if dimension > 2:
        raise ProblemError(
            "picture", f"{what} in three dimensions", "one or two; ParaView shows the .vtu of the folder"
        )


def curve(axes: Axes, points: Floats, values: Floats, name: str, **style: Any) -> None:
    """A function of one coordinate."""
    order = np.argsort(points[:, 0])
    axes.plot(points[order, 0], values[order], **({"color": FIRST, "linewidth": 1.4} | style))
    axes.set_xlabel(f"${AXES_NAMES[0]}$")
    axes.set_ylabel(name)
    tidy(axes)


def colour_map(axes: Axes, field: Any, values: Floats, label: str, **style: Any) -> Any:
    """A function of two coordinates with a bar of its colours; the axes have one unit."""
    from matplotlib.tri import Triangulation

    points, cells, _ = field.triangulation()
    triangles = Triangulation(points[:, 0], points[:, 1], cells)
    image = axes.tripcolor(triangles, values, shading="gouraud", rasterized=True, **({"cmap": "YlGnBu"} | style))
    axes.figure.colorbar(image, ax=axes, aspect=28, pad=0.02, label=label)
    _box(axes, points)
    return triangles


def _box(axes: Axes, points: Floats) -> None:
    axes.set_aspect("equal")
    axes.set_xlim(points[:, 0].min(), points[:, 0].max())
    axes.set_ylim(points[:, 1].min(), points[:, 1].max())
    axes.set_xlabel(f"${AXES_NAMES[0]}$")
    axes.set_ylabel(f"${AXES_NAMES[1]}$", rotation=0, labelpad=8)


def tidy(axes: Axes) -> None:
    """Curves need no box around them."""
    axes.spines[["top", "right"]].set_visible(False)


def text(of_user: str) -> str:
    """A name of the user's, in which dollars are no formula."""
    return of_user.replace("$", r"\$")
