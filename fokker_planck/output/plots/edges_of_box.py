"""Three edges of a box in a rendered picture, with the numbers of the coordinates, drawn by matplotlib over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.canvas import INK
from fokker_planck.output.plots.labels import coordinate
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGES = (((0, 0, 0), (1, 0, 0)), ((1, 0, 0), (1, 1, 0)), ((0, 0, 0), (0, 0, 1)))
"""Corners at the ends of the edges along x, y and z that are in front where the box is seen."""
MINUS = "\N{MINUS SIGN}"
"""As on other axes."""
MOST_NUMBERS = 4
"""On an edge: more of them meet on the one that is seen at the smallest angle."""
APART = 0.08
"""Of an edge, from its ends to the next number: at a corner two would meet."""
OUT, NAME, CHARACTER, GAP = 5.0, 15.0, 6.0, 5.0
"""Points from an edge to its numbers, from there to the name of the coordinate below them, and beside them the width
of a character of theirs and what is left between."""
SLANTED = 0.4
"""Of a direction of length one, its part to a side from which on texts end beside an edge instead of above or below."""
MARK = 3.5
"""Points that a mark is long."""


@dataclass(frozen=True)
class Edge:
    """``ends`` (2, 2) in pixels from the upper left corner, ``places`` (n, 2) of numbers, ``out`` (2,) of the box."""

    axis: int
    ends: Floats
    numbers: tuple[str, ...]
    places: Floats
    out: Floats


def edges_in_picture(plotter: Any, lower: Floats, upper: Floats, size: Floats) -> list[Edge]:
    """Where the edges are that a plotter has rendered, of a box that it has as (0, 0, 0) to ``size``."""
    centre = _pixels(plotter, [0.5 * size])[0]
    edges = []
    for axis, ends in enumerate(EDGES):
        first, last = (np.array(corner) * size for corner in ends)
        numbers = inner_numbers(float(lower[axis]), float(upper[axis]))
        parts = (np.array(numbers) - lower[axis]) / (upper[axis] - lower[axis])
        seen = _pixels(plotter, [first, last, *(first + part * (last - first) for part in parts)])
        along = (seen[1] - seen[0]) / np.linalg.norm(seen[1] - seen[0])
        away = seen[:2].mean(axis=0) - centre
        out = away - along * (away @ along)
        shown = tuple(f"{n:.6g}".replace("-", MINUS) for n in numbers)
        edges.append(Edge(axis, seen[:2], shown, seen[2:], out / np.linalg.norm(out)))
    return edges


def inner_numbers(low: float, high: float) -> list[float]:
    """Round numbers between two, none next to the ends.

    >>> inner_numbers(-1.8, 1.8), inner_numbers(0.0, 1.0)
    ([-1.0, 0.0, 1.0], [0.25, 0.5, 0.75])
    """
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(MOST_NUMBERS).tick_values(low, high)
    room = APART * (high - low)
    return [float(number) for number in found if low + room <= number <= high - room]


def draw_edge(axes: Axes, edge: Edge) -> Floats:
    """Draw it; the pixels it takes."""
    axes.plot(*edge.ends.T, color=INK, linewidth=0.7, clip_on=False)
    right, up = edge.out[0], -edge.out[1]
    beside = {
        "textcoords": "offset points",
        "ha": _aligned(right, "right", "left"),
        "va": _aligned(up, "top", "bottom"),
    }
    for number, place in zip(edge.numbers, edge.places, strict=True):
        tick = {"arrowstyle": "-", "color": INK, "linewidth": 0.7, "shrinkA": 0.0, "shrinkB": 0.0}
        axes.annotate("", place, (MARK * right, MARK * up), textcoords="offset points", arrowprops=tick)
        axes.annotate(number, place, (OUT * right, OUT * up), **beside)
    longest = max(map(len, edge.numbers), default=0)
    away = OUT + (NAME * abs(up) if abs(right) < SLANTED else CHARACTER * longest + GAP)
    rotation = {"rotation": 90.0} if edge.axis == 2 else {}
    axes.annotate(coordinate(edge.axis), edge.ends.mean(axis=0), (away * right, away * up), **beside, **rotation)
    return edge.ends


def _aligned(outwards: float, before: str, behind: str) -> str:
    """Which side of a text is next to the edge."""
    return "center" if abs(outwards) < SLANTED else behind if outwards > 0.0 else before


def _pixels(plotter: Any, places: list[Any]) -> Floats:
    """Of places in the box, (n, 2), from the upper left corner of the picture."""
    from pyvista import vtk_version_info  # noqa: F401  with it its vtk is loaded
    from vtkmodules.vtkRenderingCore import vtkCoordinate

    height, found = plotter.window_size[1], []
    for place in places:
        seen = vtkCoordinate()
        seen.SetCoordinateSystemToWorld()
        seen.SetValue(*(float(each) for each in place))
        right, up = seen.GetComputedDoubleDisplayValue(plotter.renderer)
        found.append((right, height - up))
    return np.array(found)
