"""Where a picture is drawn: on axes that are given, or on new ones in the style of all pictures; curves and maps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.density import TYPOGRAPHY, upright_label
from fokker_planck.output.plots.labels import coordinate, in_units
from fokker_planck.output.plots.picture import between_nodes
from fokker_planck.output.plots.slices import OUTSIDE, Shown, draw_slices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.quantity.units import Units

INK, FIRST, SECOND = "0.15", "#0072b2", "#d55e00"
"""Black, and the blue and vermilion of Okabe and Ito, which every colour vision tells apart."""
SMOOTH = 800
"""Points of a curve: one for each dot of a picture of 5 inches."""
ONE, THREE_SLICES = (5.6, 4.0), (9.6, 3.2)
"""Inches: a column of a page, and its width."""
LONG = 4.0
"""Longest over shortest edge beyond which a map of one unit would be a strip: axes have units of their own then."""
CYCLE = (FIRST, SECOND, "#009e73", "#cc79a7", "#56b4e9", "#e69f00")


@contextlib.contextmanager
def canvas(ax: Axes | None, units: Units | None = None, wide: bool = False) -> Iterator[Axes]:
    """The axes to draw on; new ones, of a figure that a notebook shows, where none are given."""
    import matplotlib

    with matplotlib.rc_context(TYPOGRAPHY), in_units(units):
        if ax is None:
            from matplotlib import pyplot

            _, ax = pyplot.subplots(
                figsize=THREE_SLICES if wide else ONE, layout="constrained" if wide else "compressed"
            )
        yield ax


def on_line(field: Any, logarithm: bool = False) -> tuple[Floats, Floats]:
    """A function of one coordinate, or its logarithm, at points close enough for a curve without corners."""
    points, _, values = field.triangulation()
    nodes = np.sort(points[:, 0])
    x = np.union1d(nodes, np.linspace(nodes[0], nodes[-1], SMOOTH))
    known = (field.log_values if logarithm else values)[np.argsort(points[:, 0])]
    found = field.log(x[None]) if logarithm else field(x[None])
    return x, np.where(np.isfinite(found), found, np.interp(x, nodes, known))


def curve(axes: Axes, x: Floats, values: Floats, name: str, **style: Any) -> None:
    """A function of one coordinate."""
    axes.plot(x, values, **({"color": FIRST, "linewidth": 1.4} | style))
    axes.set_xlabel(coordinate(0))
    axes.set_ylabel(name)
    tidy(axes)


def colour_map(axes: Axes, field: Any, what: Shown, label: str, through: Floats | None = None, **style: Any) -> Any:
    """A function of two coordinates with a bar of its colours; of three, on three slices ``through`` a point.

    Returns the axes, or the panels, on which places can be marked.
    """
    points, cells, _ = field.triangulation()
    if points.shape[1] == 3:
        place = points.mean(axis=0) if through is None else through
        return draw_slices(axes, (points, cells), what, label, place, **style)
    points, cells, values = between_nodes(points, cells, what.values, what.function)
    image = axes.tripcolor(*points.T, cells, values, shading="gouraud", rasterized=True, **({"cmap": "YlGnBu"} | style))
    axes.figure.colorbar(image, ax=axes, aspect=28, pad=0.02, label=label)
    axes.set_facecolor(OUTSIDE)
    plane(axes, points.min(axis=0), points.max(axis=0))
    return axes


def plane(axes: Axes, lower: Floats, upper: Floats) -> None:
    """Two coordinates: one unit for both where neither edge of the box is much longer than the other."""
    edges = np.asarray(upper) - np.asarray(lower)
    axes.set_aspect("equal" if edges.max() <= LONG * edges.min() else "auto")
    axes.set_xlim(lower[0], upper[0])
    axes.set_ylim(lower[1], upper[1])
    axes.set_xlabel(coordinate(0))
    upright_label(axes, coordinate(1))


def tidy(axes: Axes) -> None:
    """Curves need no box around them."""
    axes.spines[["top", "right"]].set_visible(False)
