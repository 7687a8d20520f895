"""Noise in some directions only, everywhere: whether the drift carries it into all others.

With X_j the columns of D and X_0 = b - div D the generator L u = div(D grad u) + X_0 . grad u is hypoelliptic, its
densities smooth, where the fields and their brackets [X, Y] = (Y . grad) X - (X . grad) Y ... of rising order span all
directions (Hoermander 1967; in this form Oleinik and Radkevich 1973).  That is looked at in a sample of points, up to
brackets of three fields in the plane and four in space.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.diffusion.constant import DiffusionField

if TYPE_CHECKING:
    from fokker_planck.model.problem import Problem
    from fokker_planck.model.process import Process

NO_NOISE = 1e-12
"""Of the trace of D, or of its entries in units in which the diagonal is one: what rounding leaves of a zero."""
POINTS = 120
"""Of the sample, at which brackets are formed: where they fail on a part of the domain it is a large one."""
STEP = 1e-3
"""Of the extent of the domain, for the differences of fields: three nested ones leave 1e-7 of a bracket by rounding."""
SPANNED = 1e-6
"""Least singular value of the fields and brackets, each divided by its size, that counts: above that rounding, below
what couples x and v in any units, for lengths are those of the domain."""

Vectors = Callable[[Floats], Floats]


def is_degenerate(problem: Problem) -> bool:
    """Whether noise vanishes in some direction everywhere in the domain; found once.

    Such a process enters a set through a part of its surface only, and Cauchy and Schwarz bound nothing by D alone.
    """
    found: bool | None = problem.known.get("degenerate")
    if found is None:
        dimension = problem.dimension
        found = dimension > 1 and lacking(problem.process.field(dimension), problem.sample()) > 0
        problem.known["degenerate"] = found
    return found


def lacking(field: DiffusionField, points: Floats) -> int:
    """In how many directions noise vanishes at all of the points (dim, n)."""
    tensor = np.moveaxis(np.asarray(field.tensor(points[:, :1] if field.constant else points)), -1, 0)
    tensor = tensor[np.isfinite(tensor).all(axis=(1, 2))]
    if not len(tensor):
        return 0
    # a trace of the largest doubles is infinite
    largest = np.abs(tensor).max(axis=(1, 2), keepdims=True)
    tensor = tensor / np.where(largest > 0.0, largest, 1.0)
    # in units in which every diagonal entry is one or zero: very unequal units on the axes are no defect
    diagonal = np.einsum("nii->ni", tensor)
    size = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    none = np.linalg.eigvalsh(tensor / (size[:, :, None] * size[:, None, :])) <= NO_NOISE
    return int(none.sum(axis=1).min())


def refuse_uncarried(process: Process, dimension: int, points: Floats, extent: Floats) -> None:
    """Raise ProblemError where brackets of noise and drift do not span all directions at one of the points (dim, n)."""
    field, size = process.field(dimension), extent[:, None]
    points = points[:, :: max(1, points.shape[1] // POINTS)]

    def column(number: int) -> Vectors:
        return lambda y: np.asarray(field.tensor(size * y))[:, number] / size

    def drift(y: Floats) -> Floats:
        return (process.drift(size * y, dimension) - np.asarray(field.divergence(size * y))) / size

    with np.errstate(all="ignore"):
        y = points / size
        noise = [_sized(column(number), y) for number in range(dimension)]
        fields = [vectors for vectors in (*noise, _sized(drift, y)) if vectors is not None]
        found = newest = [vectors for vectors in noise if vectors is not None]
        if not found:
            raise ProblemError(field.key, "noise that is nothing, or no double, in all of the domain", "a positive D")
        for _ in range(dimension):
            newest = [
                bracket
                for first in fields
                for second in newest
                if first is not second and (bracket := _sized(_bracket(first, second), y)) is not None
            ]
            found = [*found, *newest]
            spanned = np.moveaxis(np.stack([vectors(y) for vectors in found], axis=1), -1, 0)
            good = np.isfinite(spanned).all(axis=(1, 2))
            least = np.full(len(spanned), np.inf)
            left, values, _ = np.linalg.svd(np.where(good[:, None, None], spanned, 0.0), full_matrices=False)
            least[good] = values[good, -1] if values.shape[1] == dimension else 0.0
            if good.any() and (least > SPANNED).all():
                return
    worst = int(np.argmin(least))
    place = ", ".join(f"{c:.6g}" for c in points[:, worst])
    raise ProblemError(
        field.key,
        f"noise that vanishes in some direction, into which no drift carries it at ({place})",
        "noise in all directions, or a drift whose brackets with it span them (Hoermander's condition)",
    )


def _sized(vectors: Vectors, y: Floats) -> Vectors | None:
    """The field divided by its largest length at the points; None where it vanishes, or is the noise of rounding."""
    lengths = np.linalg.norm(vectors(y), axis=0)
    lengths = lengths[np.isfinite(lengths)]
    largest = float(lengths.max(initial=0.0))
    return None if largest <= SPANNED else lambda y: vectors(y) / largest


def _bracket(first: Vectors, second: Vectors) -> Vectors:
    """(X . grad) Y - (Y . grad) X by central differences along the fields themselves."""

    def value(y: Floats) -> Floats:
        x, other = first(y), second(y)
        along = (second(y + STEP * x) - second(y - STEP * x)) / (2.0 * STEP)
        back = (first(y + STEP * other) - first(y - STEP * other)) / (2.0 * STEP)
        return np.asarray(along - back)

    return value
