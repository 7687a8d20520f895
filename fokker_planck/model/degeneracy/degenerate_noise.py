"""Noise that vanishes in some direction at a point of the plane or of space: found by a search, and refused.

Where the smallest eigenvalue of D(x) is zero the process is not elliptic: whether a surface can be crossed or reached,
and where a condition holds, is another theory than that of the solvers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.diffusion.constant import DiffusionField

SINGULAR = 1e-14
"""Smallest eigenvalue of a constant D in units in which its diagonal is one: below, it is rounding."""
STARTS, CANDIDATES, NEIGHBOURS = 24, 16, 10
"""Samples lower than their neighbours to search from, points tried around each: 30,000 values of D in all."""
SHRINKING, ROUNDS = 0.6, 70
"""From the distance of samples down to 1e-16 of it."""
FALLEN = 1e-12
"""D at the place found over D at the distance of a sample: a zero of first order reaches 1e-15, a well does not."""


def refuse_degenerate_noise(
    field: DiffusionField, points: Floats, contains: Callable[[Floats], npt.NDArray[np.bool_]], without: int = 0
) -> None:
    """Raise ProblemError where the smallest eigenvalue of D vanishes, or is negative, somewhere in the domain.

    Parameters
    ----------
    field
        D
    points
        samples of the domain, (dim, n), two or three dimensions
    contains
        which of the points (dim, n) are in the domain
    without
        so many eigenvalues vanish everywhere, and the next one is meant
    """
    if field.constant:
        matrix = field.tensor(points[:, :1])[:, :, 0]
        if not without and _relative_eigenvalue(matrix) <= SINGULAR * len(matrix):
            raise _degenerate(field, matrix, None)
        return
    place, value, around = _lowest(field, points, contains, without)
    if value <= FALLEN * around:
        raise _degenerate(field, field.tensor(place[:, None])[:, :, 0], place)


def _relative_eigenvalue(matrix: Floats) -> float:
    diagonal = np.diag(matrix)
    if not (diagonal > 0.0).all():
        return 0.0
    size = np.sqrt(diagonal)
    return float(np.linalg.eigvalsh(matrix / np.outer(size, size))[0])


def _smallest(field: DiffusionField, x: Floats, without: int) -> Floats:
    values = np.linalg.eigvalsh(np.moveaxis(field.tensor(x), -1, 0))[:, without]
    return np.asarray(np.where(np.isfinite(values), values, np.inf))


def _lowest(
    field: DiffusionField, points: Floats, contains: Callable[[Floats], npt.NDArray[np.bool_]], without: int
) -> tuple[Floats, float, float]:
    """Of the places where the smallest eigenvalue falls most, against a sample's distance away, the one with its value.

    A search from the samples that are lower than their neighbours, in steps that shrink.
    """
    from scipy.spatial import cKDTree

    extent = np.ptp(points, axis=1)[:, None]
    scaled = (points / np.where(extent > 0.0, extent, 1.0)).T
    values = _smallest(field, points, without)
    distance, near = cKDTree(scaled).query(scaled, k=min(NEIGHBOURS, len(scaled)))
    low = np.flatnonzero(values <= values[near].min(axis=1))
    low = low[np.argsort(values[low])][:STARTS]
    x, best, width = points[:, low].copy(), values[low].copy(), distance[low, -1]
    around = np.abs(values[near[low]]).max(axis=1)
    random = np.random.default_rng(7)
    lower, upper = points.min(axis=1)[:, None], points.max(axis=1)[:, None]
    for _ in range(ROUNDS):
        step = random.uniform(-1.0, 1.0, (len(points), len(low), CANDIDATES)) * width[:, None] * extent[:, :, None]
        tried = np.clip((x[:, :, None] + step).reshape(len(points), -1), lower, upper)
        found = np.where(contains(tried), _smallest(field, tried, without), np.inf).reshape(len(low), CANDIDATES)
        chosen = np.argmin(found, axis=1)
        rows = np.arange(len(low))
        better = found[rows, chosen] < best
        tried = tried.reshape(len(points), len(low), CANDIDATES)
        x[:, better], best[better] = tried[:, rows, chosen][:, better], found[rows, chosen][better]
        width *= SHRINKING
    worst = int(np.argmin(best / np.maximum(around, 1e-300)))
    return x[:, worst], float(best[worst]), float(around[worst])


def _degenerate(field: DiffusionField, matrix: Floats, place: Floats | None) -> ProblemError:
    where = "" if place is None else " at (" + ", ".join(f"{c:.6g}" for c in place) + ")"
    least = float(np.linalg.eigvalsh(matrix)[0])
    if place is not None and least < -FALLEN * np.abs(matrix).max():
        found = f"a D with an eigenvalue {least:.6g}{where}"
    else:
        found = f"noise that vanishes in some direction{where}"
    wanted: Any = "a floor > 0" if field.key == "diffusion.floor" else "a D that is positive definite in the domain"
    return ProblemError(field.key, found, wanted)
