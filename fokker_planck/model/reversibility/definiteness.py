"""Whether D is positive semidefinite, and how small it becomes."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.parsing.tape import in_blocks
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.diffusion.principal_axes import principal_axes
from fokker_planck.model.jumps.function_jumps import check_functions
from fokker_planck.model.process import Process

SEMIDEFINITE = 1e-12
"""Of the largest entry of D: rounding of a product of matrices, a thousand times over."""


def check_semidefinite(
    field: DiffusionField, points: Floats, known: Floats | None = None, elsewhere: Floats | None = None
) -> None:
    """Raise ProblemError where D is not finite, symmetric and positive semidefinite at some of the points (dim, n).

    The tensors there may be ``known``, (dim, dim, n).  Rounding is that of the largest D at the points, and at those
    ``elsewhere`` (dim, m), if these are only some.
    """
    tensor = field.tensor(points) if known is None else known
    wanted = "a symmetric positive semidefinite D everywhere in the domain"
    finite = np.isfinite(tensor).all(axis=(0, 1))
    if not finite.all():
        raise ProblemError(field.key, f"a D that is not finite at {_place(points, int(np.argmin(finite)))}", wanted)
    size = np.abs(tensor).max()
    skew = np.abs(tensor - tensor.swapaxes(0, 1)).max(axis=(0, 1))
    smallest = np.where(_is_definite(tensor), np.inf, 0.0)
    doubtful = np.flatnonzero(smallest == 0.0)
    smallest[doubtful] = smallest_eigenvalue(tensor[:, :, doubtful])
    worst = int(np.argmin(smallest))
    if elsewhere is not None and max(skew.max(), -smallest[worst]) > SEMIDEFINITE * size:
        size = max(size, np.abs(field.tensor(elsewhere)).max())
    if (skew > SEMIDEFINITE * size).any():
        raise ProblemError(field.key, f"a D that is not symmetric at {_place(points, int(np.argmax(skew)))}", wanted)
    if smallest[worst] < -SEMIDEFINITE * size:
        kind = "the value" if len(points) == 1 else "an eigenvalue"
        raise ProblemError(field.key, f"a D with {kind} {smallest[worst]:.6g} at {_place(points, worst)}", wanted)


def _is_definite(tensor: Floats) -> Booleans:
    """Where all pivots of tensors (dim, dim, n) are positive: there no eigenvalue is negative but for rounding, (n,).

    Pivots take a twentieth of the time of eigenvalues in space.
    """
    rest, result = tensor, np.ones(tensor.shape[2], dtype=bool)
    with np.errstate(all="ignore"):
        while len(rest):
            pivot = rest[0, 0]
            result &= pivot > 0.0
            rest = rest[1:, 1:] - rest[1:, :1] * (rest[:1, 1:] / pivot)
    return result


def smallest_eigenvalue(tensor: Floats) -> Floats:
    """The smallest eigenvalue of symmetric tensors (dim, dim, n), (n,)."""
    if len(tensor) == 1:
        return np.asarray(tensor[0, 0])
    if len(tensor) == 2:
        first, second = 0.5 * tensor[0, 0], 0.5 * tensor[1, 1]  # the sum of the largest doubles is none
        return np.asarray((first + second) - np.hypot(first - second, tensor[0, 1]))
    return in_blocks(lambda some: principal_axes(some)[0].min(axis=0), tensor)


def _place(points: Floats, number: int) -> str:
    return "(" + ", ".join(f"{c:.6g}" for c in points[:, number]) + ")"


def check_free_energy(process: Process, field: DiffusionField, points: Floats) -> None:
    """Coefficients of a process whose density is known: functions that jump, and a D that is none, are refused."""
    if len(points) > 1:
        check_functions(process, len(points), points)
    check_semidefinite(field, points)


def is_scalar(field: DiffusionField, points: Floats) -> bool:
    """Whether D is a multiple of the identity at all of the points (dim, n)."""
    tensor = field.tensor(points)
    rest = tensor - tensor[0, 0] * np.eye(len(points))[:, :, None]
    return bool(np.abs(rest).max() <= 1e-14 * np.abs(tensor).max())
