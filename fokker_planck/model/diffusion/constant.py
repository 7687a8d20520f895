"""Diffusion tensors: what every one must offer, and the constant ones: isotropic, or any positive definite matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import described
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.model.potential import Potential


SYMMETRY_TOLERANCE = 1e-12
"""Of the largest entry: what products of rotations leave by rounding, a thousand times over."""


class DiffusionField(Protocol):
    """D(x), a symmetric positive semidefinite tensor at every point, with its divergence (div D)_i = sum_j d_j D_ij."""

    @property
    def constant(self) -> bool:
        """Whether D is the same everywhere."""
        ...

    @property
    def key(self) -> str:
        """The entry of the problem that errors name."""
        ...

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at points (dim, n), of shape (dim, dim, n)."""
        ...

    def divergence(self, x: npt.ArrayLike) -> Floats:
        """Div D at points (dim, n), of the same shape."""
        ...

    def divergence_jacobian(self, x: npt.ArrayLike) -> Floats:
        """d_j (div D)_i at points (dim, n), of shape (dim, dim, n)."""
        ...

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """Points of the line between which D is known to be smooth, as far as its formula tells."""
        ...


def tensor_and_divergence(field: Any, x: Floats) -> tuple[Floats, Floats]:
    """D and div D at points (dim, n), together where a field has them so, which is less work."""
    together = getattr(field, "tensor_and_divergence", None)
    if together is not None:
        both: tuple[Floats, Floats] = together(x)
        return both
    return np.asarray(field.tensor(x)), np.asarray(field.divergence(x))


class Diffusion(Protocol):
    """A rule that gives a tensor field, perhaps with the help of the potential."""

    @property
    def dimension(self) -> int | None:
        """Number of coordinates, None where it fits every dimension."""
        ...

    def field(self, potential: Potential | None, dimension: int) -> DiffusionField:
        """D(x) in that many coordinates; raises ProblemError where the rule does not fit."""
        ...


@dataclass(frozen=True)
class ConstantField:
    """D(x) = matrix: no divergence."""

    matrix: tuple[tuple[float, ...], ...]
    key: str = "diffusion.matrix"

    @property
    def constant(self) -> bool:
        """True."""
        return True

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at the points ``x`` of shape (dim, n), of shape (dim, dim, n), read-only."""
        return _at_points(np.array(self.matrix), x)

    def divergence(self, x: npt.ArrayLike) -> Floats:
        """Zero, (dim, n)."""
        return np.zeros(_points(x).shape)

    def divergence_jacobian(self, x: npt.ArrayLike) -> Floats:
        """Zero, (dim, dim, n)."""
        dimension, n = _points(x).shape
        return np.zeros((dimension, dimension, n))

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """None."""
        return ()


@dataclass(frozen=True)
class Isotropic:
    """D(x) = epsilon I, in any dimension.

    Parameters
    ----------
    epsilon
        noise level, positive, in units length squared over time

    Raises
    ------
    ProblemError
        With the key ``diffusion.epsilon``.

    Examples
    --------
    >>> Isotropic(0.5).tensor(np.zeros((2, 1)))[:, :, 0].tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """

    epsilon: float

    def __post_init__(self) -> None:
        wanted = "a positive number"
        if not _is_number(self.epsilon):
            raise ProblemError("diffusion.epsilon", described(self.epsilon), wanted)
        try:
            epsilon = float(self.epsilon)
        except OverflowError:
            raise ProblemError("diffusion.epsilon", "an integer that no double holds", wanted) from None
        if not (math.isfinite(epsilon) and epsilon > 0.0):
            raise ProblemError("diffusion.epsilon", described(self.epsilon), wanted)
        object.__setattr__(self, "epsilon", epsilon)

    @property
    def dimension(self) -> None:
        """None: it fits every dimension."""
        return None

    def matrix_in(self, dimension: int) -> Floats:
        """The (dimension, dimension) matrix D."""
        return self.epsilon * np.eye(dimension)

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at the points ``x`` of shape (dim, n), of shape (dim, dim, n), read-only."""
        return _at_points(self.matrix_in(_points(x).shape[0]), x)

    def field(self, potential: Potential | None, dimension: int) -> ConstantField:
        """The same as a field in that many coordinates."""
        return ConstantField(_rows(self.matrix_in(dimension)), "diffusion.epsilon")


@dataclass(frozen=True)
class Constant:
    """D(x) = matrix, constant and symmetric: positive definite, or, in two dimensions and three, semidefinite.

    Parameters
    ----------
    matrix
        (dim, dim), units length squared over time; kept as nested tuples

    Raises
    ------
    ProblemError
        With the key ``diffusion.matrix``.

    Examples
    --------
    >>> Constant([[2.0, 1.0], [1.0, 2.0]]).dimension
    2
    """

    matrix: Sequence[Sequence[float]] | npt.ArrayLike

    def __post_init__(self) -> None:
        matrix = _positive_semidefinite(self.matrix)
        object.__setattr__(self, "matrix", _rows(matrix))

    @property
    def dimension(self) -> int:
        """Number of rows."""
        return int(np.shape(self.matrix)[0])

    def matrix_in(self, dimension: int) -> Floats:
        """The (dimension, dimension) matrix D; raises ProblemError where the dimension is another."""
        if dimension != self.dimension:
            size = self.dimension
            raise ProblemError(
                "diffusion.matrix", f"{size} rows and columns", f"{dimension} of each, the problem's dimension"
            )
        return np.array(self.matrix, dtype=np.float64)

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at the points ``x`` of shape (dim, n), of shape (dim, dim, n), read-only."""
        return _at_points(self.matrix_in(_points(x).shape[0]), x)

    def field(self, potential: Potential | None, dimension: int) -> ConstantField:
        """The same as a field; raises ProblemError where the dimension is another."""
        return ConstantField(_rows(self.matrix_in(dimension)))


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _points(x: npt.ArrayLike) -> Floats:
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(f"points have shape (dimension, n), not {points.shape}")
    return points


def _at_points(matrix: Floats, x: npt.ArrayLike) -> Floats:
    dimension = matrix.shape[0]
    return np.broadcast_to(matrix[:, :, None], (dimension, dimension, _points(x).shape[1]))


def _positive_semidefinite(given: Any) -> Floats:
    key = "diffusion.matrix"
    wanted = "a symmetric positive semidefinite matrix, as a list of rows of numbers"
    try:
        rows = np.asarray(given)
    except ValueError:  # ragged rows
        raise ProblemError(key, described(given), wanted + " of one length") from None
    if rows.dtype.kind not in "iuf":
        raise ProblemError(key, described(given), wanted)
    if rows.ndim != 2 or rows.shape[0] != rows.shape[1] or rows.shape[0] == 0:
        raise ProblemError(key, f"an array of shape {rows.shape}", wanted + ", as many rows as columns")
    matrix = rows.astype(np.float64)
    if not np.all(np.isfinite(matrix)):
        raise ProblemError(key, described(given), wanted + ", all of them finite")
    scale = float(np.max(np.abs(matrix)))
    if scale == 0.0 or np.max(np.abs(matrix - matrix.T)) > SYMMETRY_TOLERANCE * scale:
        raise ProblemError(key, described(given), wanted)
    matrix = matrix / 2.0 + matrix.T / 2.0
    diagonal = np.diag(matrix)
    size = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    # in units in which every diagonal entry is one or zero: very unequal units on the axes are no defect
    smallest = float(np.linalg.eigvalsh(matrix / np.outer(size, size))[0])
    # within rounding the matrix is singular: noise in some directions only, of which there are none on a line
    if smallest < -1e-14 * len(matrix) or (diagonal < 0.0).any():
        eigenvalue = np.linalg.eigvalsh(matrix / scale)[0] * scale
        raise ProblemError(key, f"a matrix with the eigenvalue {eigenvalue:.6g}", wanted)
    return matrix
