"""Where a process is at time zero: at a point, spread like a Gaussian, over a set, by a formula, or in equilibrium."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.sets.shapes import Set
from fokker_planck.quantity.light_dataclasses import dataclass

FARTHEST = 8.0
"""Standard deviations of a Gaussian beyond which 1e-15 is left."""


@dataclass(frozen=True)
class AtPoint:
    """All of the mass at one ``point``."""

    point: tuple[float, ...]

    def __str__(self) -> str:
        return f"the point {list(self.point)}"


@dataclass(frozen=True)
class Gaussian:
    """exp(-(x - m)^T S^-1 (x - m) / 2), with the ``mean`` m and the ``covariance`` S, wrapped around ``periods``."""

    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    periods: tuple[float | None, ...]

    def __str__(self) -> str:
        return f"a Gaussian around {list(self.mean)}"

    def value(self, x: Floats) -> Floats:
        """Its density on all of space at points (dim, n), (n,)."""
        matrix, total = np.array(self.covariance), np.zeros(x.shape[1])
        inverse = np.linalg.inv(matrix)
        norm = np.sqrt(np.linalg.det(2.0 * np.pi * matrix))
        reach = FARTHEST * np.sqrt(np.diag(matrix))
        counts = [0 if p is None else int(np.ceil(r / p)) + 1 for p, r in zip(self.periods, reach, strict=True)]
        for image in product(*(range(-count, count + 1) for count in counts)):
            shift = np.array([k * (period or 0.0) for k, period in zip(image, self.periods, strict=True)])
            away = x - (np.array(self.mean) + shift)[:, None]
            total += np.exp(-0.5 * np.einsum("in,ij,jn->n", away, inverse, away)) / norm
        return total

    def within(self, corners: Floats) -> Floats:
        """Least distance, in standard deviations, of cells (m, dim + 1, dim) by their centres, and their sizes, (2, m).

        On a periodic axis the nearest image counts.
        """
        factor = np.linalg.inv(np.linalg.cholesky(np.array(self.covariance)))
        away = corners.mean(axis=1) - np.array(self.mean)
        for axis, period in enumerate(self.periods):
            if period is not None:
                away[:, axis] -= period * np.round(away[:, axis] / period)
        edges = (corners[:, :, None] - corners[:, None]) @ factor.T
        return np.array([np.linalg.norm(away @ factor.T, axis=1), np.linalg.norm(edges, axis=3).max(axis=(1, 2))])


@dataclass(frozen=True)
class UniformIn:
    """Uniform in a ``shape``, which is called ``name``."""

    shape: Set
    name: str

    def __str__(self) -> str:
        return f"uniform in {self.name}"


@dataclass(frozen=True)
class ByFormula:
    """A density by its values at points (dim, n), up to a factor; ``error`` is that of their integral, one half of it.

    ``text`` says what it is.
    """

    function: Callable[[Floats], Floats]
    text: str
    error: float = 0.0

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class InEquilibrium:
    """The stationary density."""

    def __str__(self) -> str:
        return "stationary"


Initial = AtPoint | Gaussian | UniformIn | ByFormula | InEquilibrium
