"""Eigenvalues that cannot be told apart: those of a defective matrix, which a change by delta splits by delta^(1/m).

For U and Z with Z^T M U = I that span the right and the left eigenvectors of m eigenvalues, their mean is

    mu = trace(Z^T A U) / m,

and moves by no more than |U| |Z| times what A does, however ill conditioned each eigenvalue is.

Source: Kato, Perturbation Theory for Linear Operators (1966), II.2.1 (the weighted mean of a group).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.formulas.graphs import components
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.eigenvalues.pencil import MODERATE, Pencil, PencilMode

SPLIT = 30.0
"""Of the change of an eigenvalue by its condition, up to which neighbours are one cluster: 1/(2 m sin(pi/m)) of their
distance is that change for m of a Jordan block, at least 1/6."""


@dataclass(frozen=True)
class Several:
    """How many eigenvalues are one cluster, their ``mean``, and how far they are from it."""

    count: int
    mean: complex
    radius: float


@dataclass(frozen=True)
class Cluster:
    """``values`` (m,) with their ``mean``, right eigenvectors (m, N), and dual bases ``right`` and ``left`` (m, N).

    ``condition`` is that of the mean; of a single eigenvalue its own.
    """

    values: Numbers
    mean: complex
    vectors: Numbers
    right: Numbers
    left: Numbers
    condition: float

    @property
    def radius(self) -> float:
        """How far its values are from the mean."""
        return float(np.abs(self.values - self.mean).max())

    @property
    def summary(self) -> Several:
        """Without its vectors."""
        return Several(len(self.values), self.mean, self.radius)


def grouped(values: Numbers, conditions: Floats, change: Floats) -> list[tuple[int, ...]]:
    """Indices of eigenvalues that ``change`` (k,), absolute, of each of them would let meet, in groups.

    >>> grouped(np.array([1.0, 1.001, 2.0]), np.array([1e3, 1e3, 1.0]), np.array([1e-4, 1e-4, 1e-7]))
    [(0, 1), (2,)]
    """
    distance = np.abs(values[:, None] - values)
    near = distance <= SPLIT * np.minimum(change[:, None], change)
    ill = conditions > MODERATE
    rows, columns = np.nonzero(near & ill & ill[:, None])
    labels = components(rows, columns, len(near))
    groups: dict[int, list[int]] = {}
    for number, label in enumerate(labels):
        groups.setdefault(int(label), []).append(number)
    return [tuple(members) for members in groups.values()]


def cluster_of(pencil: Pencil, modes: Sequence[PencilMode]) -> Cluster:
    """The cluster of some modes."""
    values, vectors = np.array([mode.value for mode in modes]), np.array([mode.right for mode in modes])
    if len(modes) == 1:
        left = np.array([mode.left for mode in modes])
        return Cluster(values, complex(values[0]), vectors, vectors, left, modes[0].condition)
    right = _orthonormal(pencil, vectors)
    left = _orthonormal(pencil, np.array([mode.left for mode in modes]))
    products = left @ np.array([pencil.times_mass(vector) for vector in right]).T
    sizes = np.linalg.svd(products, compute_uv=False)
    if not sizes[-1] > 0.0:
        raise ConvergenceError("eigenvectors of both sides do not meet", _petsc.REMEDY)
    left = np.linalg.solve(products, left)
    images = np.array([pencil.times_stiffness(vector) for vector in right])
    mean = complex(np.trace(left @ images.T)) / len(modes)
    if abs(mean.imag) < 1e-11 * abs(mean):
        mean = complex(mean.real)
    return Cluster(values, mean, vectors, right, left, max(1.0, float(1.0 / sizes[-1])))


def _orthonormal(pencil: Pencil, vectors: Numbers) -> Numbers:
    """A basis (m, N) of what vectors (m, N) span, orthonormal in the diagonal of M."""
    roots = np.sqrt(pencil.weights)
    scaled = (vectors / np.linalg.norm(vectors * roots, axis=1)[:, None]) * roots
    return np.asarray(np.linalg.svd(scaled, full_matrices=False)[2] / roots)
