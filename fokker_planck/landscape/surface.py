"""A function of one or two coordinates on a regular grid, to be looked at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function
from fokker_planck.landscape.frame import Frame
from fokker_planck.quantity.light_dataclasses import dataclass, replace

COUNT = {1: 401, 2: 101}
"""Points of an axis: curves and isolines have no corners in a picture, and a file of numbers stays below 200 kB."""
DIGITS = 6
"""Significant ones of a value: more than any picture shows."""
HALVINGS = 12
"""Of an edge of the grid that leaves the domain: its outline is right to a fortieth of a thousandth of the box."""


@dataclass(frozen=True)
class Surface:
    """Values on the product of ``axes``, nan outside of the domain.

    Attributes
    ----------
    axes
        coordinates along each axis
    values
        in the order of the points, that of the last axis running fastest
    rim
        in the plane, where edges of the grid leave the domain: at which part of the edge, and the value there; of the
        edges along the first axis, then of those along the second, in the order of their first points

    Examples
    --------
    >>> Surface(((0.0, 1.0), (0.0, 1.0, 2.0)), (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)).grid.shape
    (2, 3)
    """

    axes: tuple[tuple[float, ...], ...]
    values: tuple[float, ...]
    rim: tuple[tuple[float, float], ...] = ()

    @property
    def grid(self) -> Floats:
        """The values as an array, an index for each axis."""
        return np.array(self.values).reshape([len(axis) for axis in self.axes])


def surface_of(function: Function, frame: Frame, contains: Callable[[Floats], Booleans]) -> Surface | None:
    """The function on the box of a domain, nan where ``contains`` of points (dim, n) says no; None in space."""
    dimension = len(frame.lower)
    if dimension not in COUNT:
        return None
    axes = [np.linspace(low, high, COUNT[dimension]) for low, high in zip(frame.lower, frame.upper, strict=True)]
    points = np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")])
    grid = _values(function, contains, frame, points)
    short = tuple(_shortened(value) for value in grid)
    surface = Surface(tuple(tuple(axis.tolist()) for axis in axes), short)
    if dimension == 1:
        return surface
    rim = zip(*_rim(lambda places: _values(function, contains, frame, places), *leaving_edges(surface)), strict=True)
    return replace(surface, rim=tuple((_shortened(part), _shortened(value)) for part, value in rim))


def leaves(surface: Surface) -> tuple[Booleans, Booleans]:
    """Which edges of the grid have one end where the function is known: those along the first axis, and the second."""
    inside = np.isfinite(surface.grid)
    return inside[:-1] != inside[1:], inside[:, :-1] != inside[:, 1:]


def leaving_edges(surface: Surface) -> tuple[Floats, Floats]:
    """The first and the second points (2, n) of edges with one end where the function is known."""
    grid = np.stack(np.meshgrid(*(np.array(axis) for axis in surface.axes), indexing="ij"))
    along_first, along_second = leaves(surface)
    first = [grid[:, :-1][:, along_first], grid[:, :, :-1][:, along_second]]
    second = [grid[:, 1:][:, along_first], grid[:, :, 1:][:, along_second]]
    return np.concatenate(first, axis=1), np.concatenate(second, axis=1)


def _rim(values_at: Callable[[Floats], Floats], first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """At which part of each edge from ``first`` to ``second`` (2, n) a domain ends, and the values just inside."""
    inside = np.where(np.isfinite(values_at(first)), 0.0, 1.0)
    outside = 1.0 - inside
    for _ in range(HALVINGS):
        middle = 0.5 * (inside + outside)
        held = np.isfinite(values_at(first + middle * (second - first)))
        inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
    return inside, values_at(first + inside * (second - first))


def _values(function: Function, contains: Callable[[Floats], Booleans], frame: Frame, points: Floats) -> Floats:
    """Of the function, nan outside of the domain."""
    inside = contains(frame.pulled_in(points))
    values = np.full(points.shape[1], np.nan)
    with np.errstate(all="ignore"):
        values[inside] = function.value(points[:, inside])
    return values


def _shortened(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
