"""Sets across a periodic seam: the union of a ball or an ellipsoid with its images one period away."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, Set
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class Images:
    """The union of ``shapes``, images of one set under periods.

    >>> pair = Images((Ball([3.0], 0.5), Ball([-3.0], 0.5)))
    >>> pair.contains(np.array([[-3.1, 0.0, 2.6]])).tolist()
    [True, False, True]
    """

    shapes: tuple[Ball | Ellipsoid, ...]

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.shapes[0].dimension

    def level(self, x: Floats) -> Floats:
        """The greatest level of the images at points (dim, n)."""
        return np.asarray(np.max([shape.level(x) for shape in self.shapes], axis=0))

    def gradient(self, x: Floats) -> Floats:
        """Its gradient, (dim, n)."""
        highest = np.argmax([shape.level(x) for shape in self.shapes], axis=0)
        slopes = np.array([shape.gradient(x) for shape in self.shapes])
        return np.asarray(np.take_along_axis(slopes, highest[None, None, :], axis=0)[0])

    def contains(self, x: Floats) -> Booleans:
        """Which of the points (dim, n) belong to an image."""
        return np.asarray(np.any([shape.contains(x) for shape in self.shapes], axis=0))

    def project(self, x: Floats) -> Floats:
        """A point of the surface of the nearest image, near each of the points (dim, n)."""
        highest = np.argmax([shape.level(x) for shape in self.shapes], axis=0)
        feet = np.array([shape.project(x) for shape in self.shapes])
        return np.asarray(np.take_along_axis(feet, highest[None, None, :], axis=0)[0])

    def faces(self, _lower: Sequence[float] = (), _upper: Sequence[float] = ()) -> dict[int, tuple[float, ...]]:
        """No planes."""
        return {}


def with_images(shape: Set, lower: Sequence[float], upper: Sequence[float], periods: Sequence[float | None]) -> Set:
    """The set with those of its images that reach into the box; the set itself where it stays within the seams.

    >>> len(with_images(Ball([170.0, 0.0], 30.0), [-180.0, -1.0], [180.0, 1.0], [360.0, None]).shapes)
    2
    """
    if not isinstance(shape, Ball | Ellipsoid):
        return shape
    radii = [shape.radius] * shape.dimension if isinstance(shape, Ball) else list(shape.semi_axes)
    shifts = [(0.0,) if period is None else (0.0, -period, period) for period in periods]
    found = []
    for shift in product(*shifts):
        center = tuple(c + s for c, s in zip(shape.center, shift, strict=True))
        inside = [
            period is None or (c - r < b and c + r > a)
            for c, r, a, b, period in zip(center, radii, lower, upper, periods, strict=True)
        ]
        if all(inside):
            found.append(shape if not any(shift) else replace(shape, center=center))
    return Images(tuple(found)) if len(found) > 1 or found and found[0] is not shape else shape  # type: ignore[return-value]
