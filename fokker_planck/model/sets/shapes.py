"""Sets of points: where the process is absorbed, where a committor starts and ends, and the ball as a domain.

Each set has a *level*, a smooth function that is >= 0 inside and, for balls and half-spaces, equals the signed distance
to the surface up to second order; ``project`` carries points onto the surface, so that meshes can follow it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.level_set_projection import onto_surface
from fokker_planck.model.arguments import finite_number, point, positive_number, same_length
from fokker_planck.model.sets.line_set import LineSet as LineSet
from fokker_planck.model.sets.region import Region as Region
from fokker_planck.model.sets.tagged_sets import TaggedCells, TaggedFacets
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Ball:
    """``|x - c| <= R``.

    In one dimension the ball is the interval [c - R, c + R]. Its level is ``(R² - |x - c|²) / (2R)``: smooth
    everywhere, and the signed distance to the sphere up to second order.

    Parameters
    ----------
    center
        c, one to three coordinates
    radius
        R > 0

    Raises
    ------
    ProblemError
        For a center or a radius that is not finite, or a radius that is not positive.

    Examples
    --------
    >>> ball = Ball([1.0, 0.0], 0.25)
    >>> ball.contains(np.array([[1.0, 1.25, 1.3], [0.0, 0.0, 0.0]])).tolist()
    [True, True, False]
    >>> ball.project(np.array([[3.0], [0.0]])).ravel().tolist()
    [1.25, 0.0]
    """

    center: tuple[float, ...]
    radius: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", point("ball.center", self.center))
        object.__setattr__(self, "radius", positive_number("ball.radius", self.radius))

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.center)

    def level(self, x: Floats) -> Floats:
        """``(R² - |x - c|²) / (2R)`` at points of shape (dim, n)."""
        offset = self._offset(x)
        return np.asarray((self.radius - np.sum(offset**2, axis=0) / self.radius) / 2.0)

    def gradient(self, x: Floats) -> Floats:
        """Gradient of the level, shape (dim, n); of unit length on the sphere, and inward."""
        return -self._offset(x) / self.radius

    def contains(self, x: Floats) -> Booleans:
        """Which of the points are in the closed ball."""
        return np.asarray(self.level(x) >= -_slack(self.radius, self.center))

    def project(self, x: Floats) -> Floats:
        """The nearest point of the sphere; from the center, the one in the direction of the first axis."""
        offset = self._offset(x)
        length = np.linalg.norm(offset, axis=0)
        offset[0] += np.where(length == 0.0, 1.0, 0.0)
        return _column(self.center) + offset * (self.radius / np.where(length == 0.0, 1.0, length))

    def faces(self, _lower: object = None, _upper: object = None) -> dict[int, tuple[float, ...]]:
        """Where the surface is flat and normal to an axis: both ends of an interval, else nothing."""
        if self.dimension > 1:
            return {}
        return {0: (self.center[0] - self.radius, self.center[0] + self.radius)}

    def _offset(self, x: Floats) -> Floats:
        return _points(x, self.dimension) - _column(self.center)


@dataclass(frozen=True)
class Ellipsoid:
    """sum_i ((x_i - c_i) / a_i)² <= 1.

    The level is a_min (1 - sum_i ((x_i - c_i) / a_i)²) / 2.

    Parameters
    ----------
    center
        c, one to three coordinates
    semi_axes
        a > 0, one for each coordinate

    Raises
    ------
    ProblemError
        For numbers that are not finite, semi-axes that are not positive, different lengths.

    Examples
    --------
    >>> ellipse = Ellipsoid([0.0, 0.0], [2.0, 1.0])
    >>> ellipse.contains(np.array([[1.9, 0.0], [0.0, 1.1]])).tolist()
    [True, False]
    >>> np.round(ellipse.project(np.array([[4.0], [0.0]])).ravel(), 12).tolist()
    [2.0, 0.0]
    """

    center: tuple[float, ...]
    semi_axes: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", point("ellipsoid.center", self.center))
        axes = point("ellipsoid.semi_axes", self.semi_axes)
        same_length("ellipsoid.semi_axes", axes, self.center, "center")
        for i, axis in enumerate(axes):
            positive_number(f"ellipsoid.semi_axes[{i}]", axis)
        object.__setattr__(self, "semi_axes", axes)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.center)

    def level(self, x: Floats) -> Floats:
        """a_min (1 - sum_i ((x_i - c_i) / a_i)²) / 2 at points of shape (dim, n)."""
        scaled = (_points(x, self.dimension) - _column(self.center)) / _column(self.semi_axes)
        return np.asarray(min(self.semi_axes) * (1.0 - np.sum(scaled**2, axis=0)) / 2.0)

    def gradient(self, x: Floats) -> Floats:
        """Gradient of the level, shape (dim, n)."""
        scaled = (_points(x, self.dimension) - _column(self.center)) / _column(self.semi_axes) ** 2
        return np.asarray(-min(self.semi_axes) * scaled)

    def contains(self, x: Floats) -> Booleans:
        """Which of the points are in the closed ellipsoid."""
        return np.asarray(self.level(x) >= -_slack(min(self.semi_axes), self.center))

    def project(self, x: Floats) -> Floats:
        """A point of the surface near each point.

        The foot of the exact normal is not needed by meshes; this is Newton's method along the gradient, begun on the
        ray from the center.
        """
        center, axes = _column(self.center), _column(self.semi_axes)
        scaled = (_points(x, self.dimension) - center) / axes
        length = np.linalg.norm(scaled, axis=0)
        far = (length > 2.0) | (length < 0.5)
        scaled[0] += np.where(length == 0.0, 1.0, 0.0)
        scaled /= np.where(far & (length > 0.0), length, 1.0)
        return onto_surface(self.level, self.gradient, center + axes * scaled)

    def faces(self, _lower: object = None, _upper: object = None) -> dict[int, tuple[float, ...]]:
        """Both ends in one dimension, otherwise nothing."""
        if self.dimension > 1:
            return {}
        return {0: (self.center[0] - self.semi_axes[0], self.center[0] + self.semi_axes[0])}


@dataclass(frozen=True)
class HalfSpace:
    """n . x >= offset.

    The level is the signed distance ``(n . x - offset) / |n|``.

    Parameters
    ----------
    normal
        n, pointing into the set, not zero and of any length
    offset
        a number, in the units of n . x

    Raises
    ------
    ProblemError
        For numbers that are not finite or a zero normal.

    Examples
    --------
    >>> right = HalfSpace([2.0, 0.0], 2.0)
    >>> right.level(np.array([[1.5, 0.0], [7.0, 0.0]])).tolist()
    [0.5, -1.0]
    >>> right.faces()
    {0: (1.0,)}
    """

    normal: tuple[float, ...]
    offset: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal", point("halfspace.normal", self.normal))
        object.__setattr__(self, "offset", finite_number("halfspace.offset", self.offset))
        if not any(self.normal):
            raise ProblemError("halfspace.normal", list(self.normal), "a vector that is not zero")

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.normal)

    def level(self, x: Floats) -> Floats:
        """(n . x - offset) / |n| at points of shape (dim, n)."""
        normal = np.asarray(self.normal)
        return np.asarray((normal @ _points(x, self.dimension) - self.offset) / np.linalg.norm(normal))

    def gradient(self, x: Floats) -> Floats:
        """The unit normal at each point, shape (dim, n)."""
        normal = _column(self.normal)
        return np.asarray(np.broadcast_to(normal / np.linalg.norm(normal), _points(x, self.dimension).shape).copy())

    def contains(self, x: Floats) -> Booleans:
        """Which of the points are in the closed half-space."""
        size = np.abs(self.offset) / np.linalg.norm(self.normal) + np.max(np.abs(_points(x, self.dimension)), axis=0)
        return np.asarray(self.level(x) >= -1e-15 * size)

    def project(self, x: Floats) -> Floats:
        """The nearest point of the plane."""
        return np.asarray(_points(x, self.dimension) - self.level(x) * self.gradient(x))

    def faces(self, _lower: object = None, _upper: object = None) -> dict[int, tuple[float, ...]]:
        """The place of the plane on its axis, if its normal is along one."""
        along = [i for i, n in enumerate(self.normal) if n != 0.0]
        if len(along) != 1:
            return {}
        return {along[0]: (self.offset / self.normal[along[0]],)}


Set: TypeAlias = Ball | Ellipsoid | HalfSpace | Region | LineSet | TaggedCells | TaggedFacets


def signed_distance(shape: Set, x: Floats) -> Floats:
    """Distance to the surface of ``shape`` to first order, level / |grad level|, positive inside; shape (n,)."""
    length = np.linalg.norm(shape.gradient(x), axis=0)
    return np.asarray(shape.level(x) / np.maximum(length, 1e-300))


def fits(shape: Set, dimension: int) -> bool:
    """Whether the set lives in that many coordinates; a region may leave some of them free."""
    return shape.dimension <= dimension if isinstance(shape, Region) else shape.dimension == dimension


def _points(x: Floats, dimension: int) -> Floats:
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or len(x) != dimension:
        raise ProblemError("points", f"an array of shape {x.shape}", f"shape ({dimension}, n)")
    return x


def _column(values: tuple[float, ...]) -> Floats:
    return np.asarray(values)[:, None]


def _slack(length: float, center: tuple[float, ...]) -> float:
    """Points on the surface belong to the set, whatever the rounding of their coordinates."""
    return 1e-13 * length + 1e-15 * max(abs(c) for c in center)
