"""A function of one or two coordinates on a regular grid, to be looked at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function
from fokker_planck.landscape.types import Frame
from fokker_planck.quantity.light_dataclasses import dataclass

COUNT = {1: 401, 2: 101}
"""Points of an axis: curves and isolines have no corners in a picture, and a file of numbers stays below 200 kB."""
DIGITS = 6
"""Significant ones of a value: more than any picture shows."""


@dataclass(frozen=True)
class Surface:
    """Values on the product of ``axes``, nan outside of the domain.

    Attributes
    ----------
    axes
        coordinates along each axis
    values
        in the order of the points, that of the last axis running fastest

    Examples
    --------
    >>> Surface(((0.0, 1.0), (0.0, 1.0, 2.0)), (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)).grid.shape
    (2, 3)
    """

    axes: tuple[tuple[float, ...], ...]
    values: tuple[float, ...]

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
    inside = contains(frame.pulled_in(points))
    values = np.full(points.shape[1], np.nan)
    with np.errstate(all="ignore"):
        values[inside] = function.value(points[:, inside])
    short = tuple(float(f"{value:.{DIGITS}g}") for value in values)
    return Surface(tuple(tuple(axis.tolist()) for axis in axes), short)
