"""Domains: where the process lives. Boundaries reflect, unless an axis is periodic or the question absorbs there."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.arguments import described, finite_number, point, same_length
from fokker_planck.model.sets import Ball, Set
from fokker_planck.model.tagged_sets import cells_with, facets_with
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.mesh.locator import Locator
    from fokker_planck.mesh.parts import MeshData
    from fokker_planck.model.potential import Potential


BOUNDARIES = ("reflecting", "periodic")


@dataclass(frozen=True)
class Box:
    """lower_i <= x_i <= upper_i.

    Parameters
    ----------
    lower, upper
        one to three numbers each
    boundary
        "reflecting" or "periodic", for all axes or one for each; kept as one word an axis

    Raises
    ------
    ProblemError
        For numbers that are not finite, different lengths, lower >= upper.

    Examples
    --------
    >>> ring = Box([0.0], [6.28], boundary="periodic")
    >>> ring.periods, ring.dimension
    ((6.28,), 1)
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    boundary: str | tuple[str, ...] = "reflecting"

    def __post_init__(self) -> None:
        lower, upper = _corners("domain", self.lower, self.upper)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        object.__setattr__(self, "boundary", _boundaries(self.boundary, len(lower)))

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.lower)

    @property
    def periods(self) -> tuple[float | None, ...]:
        """Length of each periodic axis, None for a reflecting one."""
        return tuple(
            b - a if kind == "periodic" else None
            for a, b, kind in zip(self.lower, self.upper, self.boundary, strict=True)
        )


@dataclass(frozen=True)
class Sublevel:
    """The connected part of V(x) <= level that holds the wells.

    Parameters
    ----------
    level
        of V
    lower, upper
        corners of the box to search in; without them the search starts around the origin and grows until V > level all
        around

    Raises
    ------
    ProblemError
        For numbers that are not finite, lower without upper, lower >= upper. Whether the set is bounded and connected
        shows when it meets a potential, in :func:`fokker_planck.model.sublevel.connected_part`.

    Examples
    --------
    >>> Sublevel(1.0).level
    1.0
    """

    level: float
    lower: tuple[float, ...] | None = None
    upper: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", finite_number("domain.level", self.level))
        if self.lower is None and self.upper is None:
            return
        for name, corner in (("lower", self.lower), ("upper", self.upper)):
            if corner is None:
                raise ProblemError(f"domain.{name}", "nothing", "lower and upper, both or neither")
        lower, upper = _corners("domain", self.lower, self.upper)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)


class MeshDomain:
    """The union of the cells of a mesh, straight or curved: of a file, or one that dolfinx holds."""

    @property
    def data(self) -> MeshData:
        """Points, cells and named parts."""
        raise NotImplementedError

    @cached_property
    def locator(self) -> Locator:
        """Finds the cell in which a point lies."""
        from fokker_planck.mesh.locator import Locator

        return Locator(self.data.points, self.data.cells)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.data.points.shape[1])

    def contains(self, x: Floats) -> Booleans:
        """Which of the points x, shape (dim, n), lie in a cell; near a curved facet, on the inner side of it."""
        inside, curved = self.locator.find(x) >= 0, self.data.curved
        if curved is not None:
            meeting = curved.meeting(x, 2.0 * curved.deepest)
            inside[meeting.numbers] = meeting.beyond <= curved.slack
        return np.asarray(inside)

    def cell_set(self, tag: int | str) -> Set:
        """The union of the cells that carry a tag, or a name in a mesh file, as a set of this domain."""
        return cells_with(self, tag)

    def facet_set(self, tag: int | str) -> Set:
        """The facets of the boundary that carry a tag, or a name in a mesh file, as a set of this domain."""
        return facets_with(self, tag)


@dataclass(frozen=True)
class MeshFile(MeshDomain):
    """The union of the cells in a mesh file, straight or curved, read when it is first needed.

    Parameters
    ----------
    path
        of the file; formats as in :func:`fokker_planck.mesh.files.read_mesh`

    Examples
    --------
    >>> MeshFile("meshes/annulus.msh").facet_set("inner")
    facets tagged inner
    """

    path: Path

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, Path)):
            raise ProblemError("domain.file", described(self.path), "the path of a mesh file")
        object.__setattr__(self, "path", Path(self.path))

    @cached_property
    def data(self) -> MeshData:
        """Points, cells and named parts; raises :class:`MeshFileError` for a file that holds no usable mesh."""
        from fokker_planck.mesh.files import read_mesh

        return read_mesh(self.path)


Domain: TypeAlias = Box | Ball | MeshDomain | Sublevel


def dimension_of(domain: Domain, potential: Potential | None = None) -> int:
    """Number of coordinates; a sublevel without a search box has as many as the potential needs."""
    if not isinstance(domain, Sublevel):
        return domain.dimension
    if domain.lower is not None:
        return len(domain.lower)
    if potential is None:
        raise ProblemError("domain", "a sublevel set without its potential", "the potential that it is the sublevel of")
    return max(1, potential.dimension)


def periods_of(domain: Domain) -> tuple[float | None, ...]:
    """Length of each periodic axis, None for the others; empty of periods for everything but a box."""
    return domain.periods if isinstance(domain, Box) else (None, None, None)


def has_boundary(domain: Domain) -> bool:
    """Whether there is any boundary: not if every axis is periodic."""
    return not isinstance(domain, Box) or "reflecting" in domain.boundary


def bounding_box(domain: Domain, potential: Potential | None = None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lower and upper corner of an axis-parallel box that holds the domain.

    Exact for boxes, balls and meshes; a little larger than a sublevel set, for which ``potential`` is needed.

    >>> bounding_box(Ball([1.0, 0.0], 2.0))
    ((-1.0, -2.0), (3.0, 2.0))
    """
    if isinstance(domain, Box):
        return domain.lower, domain.upper
    if isinstance(domain, Ball):
        return tuple(c - domain.radius for c in domain.center), tuple(c + domain.radius for c in domain.center)
    if isinstance(domain, MeshDomain):
        points = domain.data.outline
        return tuple(points.min(axis=0).tolist()), tuple(points.max(axis=0).tolist())
    from fokker_planck.model.sublevel import connected_part

    if potential is None:
        raise ProblemError("domain", "a sublevel set without its potential", "the potential that it is the sublevel of")
    part = connected_part(domain, potential)
    return part.lower, part.upper


def contains(domain: Domain, x: Floats, potential: Potential | None = None) -> Booleans:
    """Which of the points x, shape (dim, n), lie in the closed domain.

    A periodic axis has no outside. For a sublevel set: where V <= level and within its bounding box.

    >>> contains(Box([0.0], [1.0]), np.array([[0.0, 0.5, 1.5]])).tolist()
    [True, True, False]
    """
    x = np.asarray(x, dtype=float)
    if isinstance(domain, Ball):
        return domain.contains(x)
    if isinstance(domain, MeshDomain):
        return domain.contains(x)
    lower, upper = bounding_box(domain, potential)
    inside = np.isfinite(x).all(axis=0)
    for row, a, b, period in zip(x, lower, upper, periods_of(domain), strict=False):
        if period is None:
            slack = 1e-13 * (b - a) + 1e-15 * max(abs(a), abs(b))
            inside &= (row >= a - slack) & (row <= b + slack)
    if isinstance(domain, Sublevel) and potential is not None:
        from fokker_planck.model.sublevel import values_or_infinity

        inside &= values_or_infinity(potential, x) <= domain.level
    return np.asarray(inside)


def sample_points(domain: Domain, count: int, potential: Potential | None = None) -> Floats:
    """About ``count`` points spread evenly over the domain, shape (dim, n), a box's corners and center among them.

    The rule is additive recurrence (Kronecker's), hence the same points each time. For a mesh: its vertices and the
    centers of its cells.

    >>> sample_points(Box([0.0], [1.0]), 1)[0, :3].tolist()
    [0.0, 1.0, 0.5]
    """
    if isinstance(domain, MeshDomain):
        data = domain.data
        points = np.concatenate([data.points, data.points[data.cells].mean(axis=1)])
        return np.asarray(points[:: max(1, len(points) // count)].T)
    lower, upper = (np.asarray(corner) for corner in bounding_box(domain, potential))
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=len(lower))))
    center = np.full((1, len(lower)), 0.5)
    # powers of the root of t^(d+1) = t + 1 fill the cube most evenly (generalised golden ratio)
    root = (1.6180339887498949, 1.3247179572447461, 1.2207440846057596)[len(lower) - 1]
    steps = root ** -np.arange(1.0, len(lower) + 1.0)
    spread = np.mod(0.5 + np.arange(1, count + 1)[:, None] * steps, 1.0)
    points = (lower + np.concatenate([corners, center, spread]) * (upper - lower)).T
    return np.asarray(points if isinstance(domain, Box) else points[:, contains(domain, points, potential)])


def _corners(key: str, lower: object, upper: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
    low, high = point(f"{key}.lower", lower), point(f"{key}.upper", upper)
    same_length(f"{key}.upper", high, low, "lower")
    for a, b in zip(low, high, strict=True):
        if not b > a:
            raise ProblemError(f"{key}.upper", list(high), f"every entry greater than that of lower = {list(low)}")
        if b - a <= 1e-9 * max(abs(a), abs(b)):
            raise ProblemError(f"{key}.upper", list(high), f"a box wide enough to compute in, not lower = {list(low)}")
    return low, high


def _boundaries(boundary: object, dimension: int) -> tuple[str, ...]:
    kinds = [boundary] * dimension if isinstance(boundary, str) else boundary
    wanted = "reflecting or periodic, or a list of these words, one for each axis"
    if not isinstance(kinds, Sequence):
        raise ProblemError("domain.boundary", described(boundary), wanted)
    if len(kinds) != dimension:
        raise ProblemError("domain.boundary", list(kinds), f"{wanted}: {dimension} of them")
    for kind in kinds:
        if kind not in BOUNDARIES:
            raise ProblemError("domain.boundary", described(kind), wanted)
    return tuple(kinds)
