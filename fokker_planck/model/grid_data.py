"""Potentials and noise from values on a grid: periodic axes, smoothing, and what was never sampled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.grids.grid_files import NAMES, Grid, checked_axis, read_grid
from fokker_planck.formulas.grids.grid_spline import GridSpline, smoothed
from fokker_planck.model.arguments import described, finite_number, positive_number
from fokker_planck.model.diffusion.diagonal_tensors import diagonal
from fokker_planck.quantity.light_dataclasses import dataclass

Unsampled = Literal["refuse", "wall", "keep"]
UNSAMPLED = ("refuse", "wall", "keep")
PLATEAU = 0.02
"""Share of grid points with exactly the largest value from which that is a number written where nothing was sampled: a
histogram or a sum of hills leaves such plateaus of tens of percent, a measured maximum is one point."""
WALL = 0.1
"""Of the longest axis: within such a distance a wall rises by all that the sampled values span."""
SAME_FACES = 1e-6
"""Of the range of the values: how far those on the two faces of a periodic axis may differ; they are averaged."""

FULL_TURNS = (2.0 * np.pi, 360.0)
"""In radians and degrees."""
ROUND = 1e-6
"""Of a full turn: what six digits in a file leave."""

NOTE = "error bars are those of the computation: noise, spacing and smoothing of the grid data are not in them"


@dataclass(frozen=True, eq=False)
class GridTensor:
    """D on a grid: a number at every point, or a symmetric matrix."""

    spline: GridSpline

    def tensor(self, x: Floats) -> Floats:
        """D at points (dim, n), (dim, dim, n)."""
        values = self.spline.value(x)
        dimension, count = np.asarray(x).shape
        if values.ndim == 1:
            return diagonal(np.broadcast_to(values, (dimension, count)))
        return np.moveaxis(values, 0, -1)

    def divergence(self, x: Floats) -> Floats:
        """(div D)_i = sum_j d_j D_ij, (dim, n)."""
        slopes = self.spline.gradient(x)
        return slopes if slopes.ndim == 2 else np.asarray(np.einsum("jnij->in", slopes))


ROUNDED = 1e-6
"""Of the largest entry, by which files of seven printed digits may lack symmetry."""


def grid_of(source: Any, key: str, value: str) -> Grid:
    """The grid of a file, or of ``(axes, values)``."""
    if isinstance(source, str | Path):
        return read_grid(Path(source), value, key)
    if isinstance(source, Grid):
        return source
    try:
        axes, values = source
        listed = [np.asarray(axis, dtype=float) for axis in (axes if np.ndim(axes[0]) else [axes])]
        table: Floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, IndexError):
        raise ProblemError(key, described(source), "the path of a file, or (axes, values)") from None
    if not 1 <= len(listed) <= 3 or table.shape[: len(listed)] != tuple(map(len, listed)):
        wanted = f"values of shape {tuple(map(len, listed))}, the lengths of the axes"
        raise ProblemError(key, f"values of shape {table.shape}", wanted)
    checked = tuple(checked_axis(axis, NAMES[i], key) for i, axis in enumerate(listed))
    return Grid(checked, table, (None,) * len(checked), (None,) * len(checked))


def potential_spline(
    source: object,
    periodic: bool | Sequence[bool] | None = None,
    smoothing: float = 0.0,
    scale: float = 1.0,
    unsampled: str = "refuse",
    key: str = "potential.grid",
) -> GridSpline:
    """V = scale * values, smoothed over a length, as a spline; ``unsampled`` says what nan and plateaus mean."""
    folder = key.rpartition(".")[0] or key
    length = finite_number(f"{folder}.smoothing", smoothing, "a length >= 0")
    if length < 0.0:
        raise ProblemError(f"{folder}.smoothing", length, "a length >= 0")
    factor = finite_number(f"{folder}.scale", scale, "a number that is not zero")
    if factor == 0.0:
        raise ProblemError(f"{folder}.scale", factor, "a number that is not zero")
    if unsampled not in UNSAMPLED:
        raise ProblemError(f"{folder}.unsampled", described(unsampled), f"one of {', '.join(UNSAMPLED)}")
    grid = grid_of(source, key, "F")
    if grid.values.ndim != len(grid.axes):
        raise ProblemError(key, f"values of shape {grid.values.shape}", "one number at every point")
    wraps = _periodic(grid, periodic, f"{folder}.periodic")
    values, lower, upper = _closed(grid, factor * grid.values, wraps, key)
    steps = (np.array(upper) - np.array(lower)) / (np.array(values.shape) - 1)
    values = _sampled(values, steps, wraps, unsampled, key, f"{folder}.unsampled")
    if length > 0.0:
        values = smoothed(values, steps, wraps, length)
    return GridSpline(lower, upper, values, wraps)


def noise_tensor(source: object, periodic: bool | Sequence[bool] | None = None, scale: float = 1.0) -> GridTensor:
    """D = scale * values on a grid; raises ProblemError with keys under ``diffusion``."""
    key = "diffusion.file"
    factor = positive_number("diffusion.scale", scale, "a positive number")
    grid = grid_of(source, key, "D")
    number = len(grid.axes)
    if grid.values.shape[number:] not in ((), (number, number)):
        wanted = f"a number or a {number} x {number} matrix at every point"
        raise ProblemError(key, f"values of shape {grid.values.shape}", wanted)
    if not np.isfinite(grid.values).all():
        raise ProblemError(key, "values that are not finite", "D at every point of the grid")
    wraps = _periodic(grid, periodic, "diffusion.periodic")
    values, lower, upper = _closed(grid, factor * grid.values, wraps, key)
    if values.ndim > number:
        turned = values.swapaxes(-1, -2)
        if float(np.abs(values - turned).max()) > ROUNDED * float(np.abs(values).max()):
            raise ProblemError(key, "matrices that are not symmetric", "a symmetric D at every point of the grid")
        values = 0.5 * (values + turned)
    return GridTensor(GridSpline(lower, upper, values, wraps))


def _periodic(grid: Grid, asked: bool | Sequence[bool] | None, key: str) -> tuple[bool, ...]:
    count = len(grid.axes)
    if asked is None:
        return tuple(bool(flag) for flag in grid.periodic)
    listed = [asked] * count if isinstance(asked, bool) else list(asked) if isinstance(asked, list | tuple) else []
    if len(listed) != count or not all(isinstance(flag, bool) for flag in listed):
        raise ProblemError(key, described(asked), f"true or false, or a list of {count} of them")
    return tuple(listed)


def _closed(
    grid: Grid, values: Floats, wraps: tuple[bool, ...], key: str
) -> tuple[Floats, tuple[float, ...], tuple[float, ...]]:
    """Values with both faces of every periodic axis, and the corners: files have the second face or leave it out."""
    upper = [float(axis[-1]) for axis in grid.axes]
    span = float(np.ptp(values[np.isfinite(values)])) if np.isfinite(values).any() else 0.0
    for axis, places in enumerate(grid.axes):
        if not wraps[axis]:
            continue
        step = float(places[-1] - places[0]) / (len(places) - 1)
        first, last = np.take(values, [0], axis=axis), np.take(values, [-1], axis=axis)
        period = grid.periods[axis]
        known = np.abs(first - last)[np.isfinite(first - last)]
        jump = float(known.max(initial=0.0))
        length = float(places[-1] - places[0])
        usual = [_usual(length), _usual(length + step)]
        if period is not None:
            there = abs(length - period) < 0.5 * step
        elif usual[0] != usual[1]:
            there = usual[0]
        else:
            there = bool(known.size) and jump <= SAME_FACES * span
        if there and jump > 0.01 * span:
            found = f"values that differ by {jump:.3g} between the faces of the periodic axis {NAMES[axis]}"
            raise ProblemError(key, found, "equal ones")
        if there:
            face = 0.5 * (first + last)
            inner = np.delete(values, [0, len(places) - 1], axis=axis)
            values = np.concatenate([face, inner, face], axis=axis)
        else:
            values = np.concatenate([values, first], axis=axis)
            upper[axis] = float(places[0]) + (period if period is not None else step * len(places))
    return values, tuple(float(axis[0]) for axis in grid.axes), tuple(upper)


def _usual(length: float) -> bool:
    """Whether that is a period of angles, which tells more than equal values do: a function may be symmetric."""
    turns = [length / unit for unit in FULL_TURNS]
    return any(round(turn) >= 1 and abs(turn - round(turn)) < ROUND * turn for turn in turns)


def _sampled(values: Floats, steps: Floats, wraps: tuple[bool, ...], unsampled: str, key: str, how: str) -> Floats:
    """The values, with walls where nothing was sampled; raises ProblemError where nobody said what to do there."""
    unknown = ~np.isfinite(values)
    if unknown.all():
        raise ProblemError(key, "no finite value", "a potential")
    if not unknown.any() and unsampled != "keep":
        unknown = _plateau(values)
    if not unknown.any():
        return values
    share = f"{100.0 * unknown.mean():.3g} % of the grid"
    if unsampled == "wall" and not unknown.all():
        warnings.warn(f"{share} was never sampled: it is a wall, which no error bar knows of", stacklevel=4)
        return _walled(values, unknown, steps, wraps)
    flat = np.isfinite(values[unknown]).all()
    found = f"one and the same largest value on {share}" if flat else f"no finite value on {share}"
    wanted = f'{how} = "wall" where nothing was sampled there' + (', "keep" if it is meant so' if flat else "")
    raise ProblemError(key, found, f"{wanted}, or a smaller grid")


def _plateau(values: Floats) -> Booleans:
    """Three neighbours in a row and more that share exactly the largest value, where they are many."""
    highest = values == values.max()
    beside = np.zeros(values.shape, dtype=bool)
    for axis in range(values.ndim):
        both = np.moveaxis(highest, axis, 0)
        triples = both[2:] & both[1:-1] & both[:-2]
        along = np.moveaxis(beside, axis, 0)
        for shift in range(3):
            along[shift : len(both) - 2 + shift] |= triples
    return beside if PLATEAU <= beside.mean() < 1.0 and np.ptp(values) > 0.0 else np.zeros(values.shape, dtype=bool)


def _walled(values: Floats, unknown: Booleans, steps: Floats, wraps: tuple[bool, ...]) -> Floats:
    """A slope that leads back to the nearest sampled point from everywhere else."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    copies = tuple((n - 1, n - 1) if around else (0, 0) for n, around in zip(values.shape, wraps, strict=True))
    wide_unknown = _repeated(unknown, copies)
    wide_values = _repeated(np.where(unknown, 0.0, values), copies)
    distance, nearest = distance_transform_edt(wide_unknown, sampling=steps, return_indices=True)
    extent = float((steps * (np.array(values.shape) - 1)).max())
    span = float(np.ptp(values[~unknown]))
    wall = wide_values[tuple(nearest)] + span / (WALL * extent) * distance
    wall = np.where(wide_unknown, gaussian_filter(wall, 1.0, mode="nearest"), wide_values)
    middle = tuple(slice(before, before + n) for (before, _), n in zip(copies, values.shape, strict=True))
    return np.asarray(wall[middle])


def _repeated(values: npt.NDArray[Any], copies: Sequence[tuple[int, int]]) -> npt.NDArray[Any]:
    """Continued around periodic axes, whose two faces are one."""
    for axis, (before, after) in enumerate(copies):
        if before:
            places = np.arange(-before, values.shape[axis] + after) % (values.shape[axis] - 1)
            values = np.take(values, places, axis=axis)
    return values


def spline_of(function: object) -> GridSpline | None:
    """The spline that a function of points evaluates, or that a noise is made of; None for any other."""
    owner = getattr(getattr(function, "tensor", function), "__self__", None)
    if isinstance(owner, GridTensor):
        return owner.spline
    return owner if isinstance(owner, GridSpline) else None


def keywords(entries: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Those entries of a table that are there."""
    return {name: entries[name] for name in names if name in entries}
