"""The connected part of V <= level that holds the wells: found on grids that grow around it, then close in on it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.domains.sublevel_walls import parts_between_walls, parts_on_line
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.model.domains.sublevel import Sublevel
    from fokker_planck.model.potential import Potential


KEY = "domain.level"
#: Grid points an axis in one, two, three dimensions; odd, so that the middle of the box is one.
GRID = (2001, 161, 49)
#: A search that has come this far from the origin without meeting V > level gives up.
FARTHEST = 1e6
_MOST_BOXES = 200
"""Boxes that follow one another, each twice as wide or a tenth closer: 2^200 is further than ``FARTHEST``, so that the
search ends by itself."""
#: Grid steps around the points of the set that a closer box leaves: between two columns the set may reach further than
#: to the next row, touch the face of a box that is too close, and be taken for a part that runs out of the domain.
MARGIN = 2


@dataclass(frozen=True)
class SublevelPart:
    """A box around the part, a narrow margin included, and the deepest point of it that was seen."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    seed: tuple[float, ...]


@dataclass(frozen=True)
class _Grid:
    """A grid on a box, and at each of its points whether V <= level; V is infinite where it is not a number."""

    lower: Floats
    upper: Floats
    axes: list[Floats]
    values: Floats
    inside: Booleans

    @property
    def step(self) -> Floats:
        """Distance of neighbours, (dim,)."""
        return (self.upper - self.lower) / (np.array(self.inside.shape) - 1.0)

    def at(self, index: Any) -> Floats:
        """The point with that index."""
        return np.array([axis[i] for axis, i in zip(self.axes, index, strict=True)])


def connected_part(domain: Sublevel, potential: Potential) -> SublevelPart:
    """The bounding box and a deep point of the connected part of {V <= level}.

    With a search box: the part that does not touch its faces. Without: a box around the origin grows until it holds
    points with V <= level and none on its faces.

    Raises :class:`ProblemError`, key ``domain.level``: no point has V <= level; the set is unbounded or runs out of the
    search box; or it has several parts, so that the level must be raised above the saddles between them.

    >>> from fokker_planck.model.domains.sublevel import Sublevel
    >>> from fokker_planck.model.potential import Potential
    >>> bool(1.0 < connected_part(Sublevel(0.5), Potential("x**2/2")).upper[0] < 1.01)
    True
    """
    try:
        hash((domain, potential))
    except TypeError:  # a callable object that cannot be hashed
        return _searched(domain, potential)
    return _remembered(domain, potential)


@lru_cache(maxsize=32)
def _remembered(domain: Sublevel, potential: Potential) -> SublevelPart:
    return _searched(domain, potential)


def _searched(domain: Sublevel, potential: Potential) -> SublevelPart:
    level = domain.level
    if domain.lower is None or domain.upper is None:
        grid = _grown(level, potential, domain.dimension_with(potential))
    else:
        grid = _grid(level, potential, np.asarray(domain.lower), np.asarray(domain.upper))
        if not grid.inside.any():
            seed = _descended(level, potential, grid)
            grid = _grid(level, potential, *_within(grid, seed - grid.step, seed + grid.step))
    widest = (grid.lower, grid.upper) if domain.lower is None else (np.asarray(domain.lower), np.asarray(domain.upper))
    grid = _opened(level, potential, grid, *widest)
    parts, closer, margin = _parts(level, grid), (grid.lower, grid.upper), MARGIN
    for _ in range(_MOST_BOXES):
        indices = np.argwhere(parts > 0)
        closer = _within(
            grid,
            grid.lower + grid.step * (indices.min(axis=0) - margin),
            grid.lower + grid.step * (indices.max(axis=0) + margin),
        )
        if np.all(closer[1] - closer[0] > 0.9 * (grid.upper - grid.lower)):
            break
        finer = _opened(level, potential, _grid(level, potential, *closer), *widest)
        try:
            kept = _parts(level, finer)
            lost = not _holds_all(grid, parts, finer, kept)
        except ProblemError:
            lost = True
        if lost:
            margin *= 2
        else:
            grid, parts, margin = finer, kept, MARGIN
    if parts.max() > 1:
        found = f"{level:g}, which cuts the set into {parts.max()} parts"
        raise ProblemError(KEY, found, "a level above the saddles between the wells, or a box with one of them")
    _refuse_thin_walls(domain, potential, grid, parts > 0, closer)
    depth = np.where(parts > 0, grid.values, np.inf)
    seed = grid.at(np.unravel_index(int(np.argmin(depth)), depth.shape))
    return SublevelPart(tuple(closer[0].tolist()), tuple(closer[1].tolist()), tuple(seed.tolist()))


def _holds_all(before: _Grid, parts: NDArray[np.int64], after: _Grid, kept: NDArray[np.int64]) -> bool:
    """Whether the deepest point of every part of a grid is in a part that a finer grid keeps."""
    for number in range(1, int(parts.max()) + 1):
        depth = np.where(parts == number, before.values, np.inf)
        place = before.at(np.unravel_index(int(np.argmin(depth)), depth.shape))
        near = np.rint((place - after.lower) / after.step).astype(int)
        block = tuple(slice(max(k - 2, 0), k + 3) for k in near)
        if not kept[block].any():
            return False
    return True


def _refuse_thin_walls(
    domain: Sublevel, potential: Potential, grid: _Grid, inside: Booleans, closer: tuple[Floats, Floats]
) -> None:
    """Raise ProblemError where a wall V > level that no grid point sees divides the set; of a formula, by bounds."""
    if not potential.formulas:
        return
    formula, level = potential.formulas[0], domain.level
    place = None
    try:
        if len(grid.lower) == 1:
            parts = parts_on_line(formula, level, float(closer[0][0]), float(closer[1][0]))
        else:
            parts, place = parts_between_walls(formula, level, grid.lower, grid.upper, inside)
    except ConvergenceError:
        return  # bounds have no end, at a saddle on the level say: what the grid shows is left
    if parts > 1:
        where = "" if place is None else " by a thin wall near (" + ", ".join(f"{c:.6g}" for c in place) + ")"
        found = f"{level:g}, which cuts the set into {parts} parts{where}"
        raise ProblemError(KEY, found, "a level above the saddles between the wells, or a box with one of them")


def _grid(level: float, potential: Potential, lower: Floats, upper: Floats) -> _Grid:
    count = GRID[len(lower) - 1]
    axes = [np.linspace(a, b, count) for a, b in zip(lower, upper, strict=True)]
    points = np.stack([c.ravel() for c in np.meshgrid(*axes, indexing="ij")])
    values = values_or_infinity(potential, points).reshape((count,) * len(lower))
    return _Grid(lower, upper, axes, values, values <= level)


def values_or_infinity(potential: Potential, x: Floats) -> Floats:
    """V at the points x, shape (n,), and infinity where V is not a finite number.

    >>> from fokker_planck.model.potential import Potential
    >>> values_or_infinity(Potential("log(x)"), np.array([[-1.0, 1.0]])).tolist()
    [inf, 0.0]
    """
    with np.errstate(all="ignore"):
        values = potential.value(x)
    return np.where(np.isfinite(values), values, np.inf)


def _grown(level: float, potential: Potential, dimension: int) -> _Grid:
    """A box with points of the set inside and none on its faces."""
    lower, upper = -np.ones(dimension), np.ones(dimension)
    lowest = np.inf
    for _ in range(_MOST_BOXES):
        grid = _grid(level, potential, lower, upper)
        lowest = min(lowest, float(grid.values.min()))
        if grid.inside.any():
            faces = [_on_faces(grid.inside, axis) for axis in range(dimension)]
            if not any(low or high for low, high in faces):
                return grid
            width = upper - lower
            lower = lower - width * np.array([low for low, _ in faces])
            upper = upper + width * np.array([high for _, high in faces])
            reason = f"{level:g}, and V <= {level:g} as far out as"
        else:
            try:
                seed = _descended(level, potential, grid)
                lower, upper = seed - grid.step, seed + grid.step
            except ProblemError:
                lower, upper = 2.0 * lower, 2.0 * upper
            reason = f"{level:g}, and no point with V <= {level:g} (least value {lowest:g}) as far out as"
        if max(np.abs(lower).max(), np.abs(upper).max()) > FARTHEST:
            break
    far = max(np.abs(grid.lower).max(), np.abs(grid.upper).max())
    wanted = "a level whose set V <= level is not empty and is bounded, or a box from lower to upper to search in"
    raise ProblemError(KEY, f"{reason} {far:g}", wanted)


def _opened(level: float, potential: Potential, grid: _Grid, lower: Floats, upper: Floats) -> _Grid:
    """A wider grid, within the widest box, where every part that is seen touches the faces.

    Of a part thinner than the steps of the grid before, the tips fell between its points.
    """
    for _ in range(_MOST_BOXES):
        faces = np.array([_on_faces(grid.inside, axis) for axis in range(len(lower))])
        if not faces.any() or _clear_parts(grid)[1]:
            return grid
        width = grid.upper - grid.lower
        wider = np.maximum(grid.lower - width * faces[:, 0], lower), np.minimum(grid.upper + width * faces[:, 1], upper)
        if np.all(wider[0] >= grid.lower) and np.all(wider[1] <= grid.upper):
            return grid
        grid = _grid(level, potential, *wider)
    return grid


def _on_faces(inside: Booleans, axis: int) -> tuple[bool, bool]:
    return bool(inside.take(0, axis=axis).any()), bool(inside.take(-1, axis=axis).any())


def _descended(level: float, potential: Potential, grid: _Grid) -> Floats:
    """A point of V <= level that the grid has missed, by descent from its lowest points; an error if there is none."""
    from scipy.optimize import minimize

    bounds = list(zip(grid.lower, grid.upper, strict=True))
    lowest = float(grid.values.min())
    order = np.argsort(grid.values, axis=None)[:3]
    for flat in order:
        start = grid.at(np.unravel_index(int(flat), grid.values.shape))
        if not np.isfinite(grid.values.flat[flat]):
            break

        def value(x: Floats) -> float:
            return float(values_or_infinity(potential, x[:, None])[0])

        def slope(x: Floats) -> Floats:
            return np.nan_to_num(np.asarray(potential.gradient(x[:, None]))[:, 0])

        with np.errstate(all="ignore"):
            end = minimize(value, start, jac=slope, method="L-BFGS-B", bounds=bounds)
        lowest = min(lowest, float(end.fun))
        if end.fun <= level and np.all((end.x > grid.lower) & (end.x < grid.upper)):
            return np.asarray(end.x)
    raise ProblemError(KEY, f"{level:g}, below every V seen ({lowest:.6g} the least)", "a level above the minimum of V")


def _parts(level: float, grid: _Grid) -> NDArray[np.int64]:
    """Number of the part at each grid point of it, from 1 on; 0 outside and in parts that touch the faces."""
    numbers, kept = _clear_parts(grid)
    if not kept:
        found = f"{level:g}, and V <= {level:g} reaches the faces of the box from lower to upper"
        raise ProblemError(KEY, found, "a lower level or a wider box")
    return np.where(np.isin(numbers, kept), np.searchsorted(kept, numbers) + 1, 0)


def _clear_parts(grid: _Grid) -> tuple[NDArray[np.int64], list[int]]:
    """A number for the part of each grid point, 0 outside, and the numbers of the parts that touch no face."""
    from scipy.ndimage import label

    numbers, _ = label(grid.inside, structure=np.ones((3,) * grid.inside.ndim))
    touching: set[int] = set()
    for axis in range(grid.inside.ndim):
        for end in (0, -1):
            touching |= set(np.unique(numbers.take(end, axis=axis)).tolist())
    return numbers, sorted(set(np.unique(numbers).tolist()) - touching - {0})


def _within(grid: _Grid, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    return np.maximum(grid.lower, lower), np.minimum(grid.upper, upper)
