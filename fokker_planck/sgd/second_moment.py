"""The second moment of linearised gradient descent: a linear map of symmetric matrices, and where it grows.

Near a common stationary point x* of the samples, with H_i = Hess f_i(x*), H their mean and c the batch factor
(:func:`fokker_planck.sgd.learning.batch_factor`), S_t = E (x_t - x*)(x_t - x*)^T follows

    S_(t+1) = (I - eta H) S_t (I - eta H) + eta^2 c K S_t,    K S = 1/n sum_i H_i S H_i - H S H.

The map is symmetric in the inner product tr(S T) and maps positive semidefinite matrices to such. Hence its spectral
radius is its largest eigenvalue, it is at most one exactly where H S + S H >= eta (H S H + c K S) as forms, and the
learning rates for which it is are an interval from zero: its end is one over the largest eigenvalue of a symmetric
pencil, without any iteration. The diffusion dX = -H X dt + sqrt(2 D(X)) dW with D(x) = (eta/2) c K(x x^T) has
dS/dt = -H S - S H + eta c K S: the same without the term eta H S H.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import described
from fokker_planck.quantity.light_dataclasses import dataclass

MOST_COORDINATES = 60
"""The matrix of the second moments has dim^2 rows, or half as many: 60 coordinates are 1,830 rows, whose eigenvalues
take 0.7 s of CPU for each rate."""
#: An eigenvalue of the mean Hessian below this share of the largest sample Hessian counts as zero.
NULL = 1e-12


@dataclass(frozen=True, eq=False)
class Forms:
    """H S + S H, H S H and K S as symmetric matrices in an orthonormal basis of the symmetric matrices.

    Parameters
    ----------
    hessian
        H, (dim, dim)
    spread
        1/n sum_i H_i^2 - H^2, (dim, dim)
    drift, square, noise
        H S + S H, H S H, K S; each (m, m) with m = dim (dim + 1)/2
    """

    hessian: Floats
    spread: Floats
    drift: Floats
    square: Floats
    noise: Floats


def checked_hessians(hessians: Any) -> Floats:
    """Hessians of the samples as an array (n, dim, dim); n numbers stand for one coordinate.

    Raises ProblemError with the key ``hessians``.
    """
    wanted = f"symmetric Hessians, (n, dim, dim) with n >= 2 and dim <= {MOST_COORDINATES}, or n numbers"
    try:
        array = np.asarray(hessians, dtype=np.float64)
    except (TypeError, ValueError):
        raise ProblemError("hessians", described(hessians), wanted) from None
    if array.ndim == 1:
        array = array[:, None, None]
    if array.ndim != 3 or array.shape[1] != array.shape[2] or array.shape[0] < 2:
        raise ProblemError("hessians", f"an array of shape {array.shape}", wanted)
    if not 1 <= array.shape[1] <= MOST_COORDINATES:
        raise ProblemError("hessians", f"{array.shape[1]} coordinates", wanted)
    if not np.isfinite(array).all():
        raise ProblemError("hessians", "numbers that are not finite", wanted)
    if np.abs(array - array.swapaxes(1, 2)).max() > 1e-9 * max(np.abs(array).max(), 1e-300):
        raise ProblemError("hessians", "a matrix that is not symmetric", wanted)
    return np.asarray((array + array.swapaxes(1, 2)) / 2.0)


def without_neutral(hessians: Floats) -> Floats:
    """The Hessians on the complement of the directions in which every sample is flat, (n, rank, rank)."""
    scale = np.abs(hessians).max()
    _values, vectors = np.linalg.eigh(np.einsum("nij,njk->ik", hessians, hessians) / len(hessians))
    # of the mean square: eigenvalues are squares of curvatures
    curved = np.sqrt(np.maximum(_values, 0.0)) > np.sqrt(NULL) * scale
    kept = vectors[:, curved]
    return np.asarray(np.einsum("ia,nij,jb->nab", kept, hessians, kept)) if not curved.all() else hessians


def forms(hessians: Floats) -> Forms:
    """The three forms from Hessians of shape (n, dim, dim)."""
    d = hessians.shape[1]
    mean = hessians.mean(axis=0)
    basis = _symmetric_basis(d)
    identity = np.eye(d)
    # (sum_i H_i S H_i)_ad = sum_bc [sum_i H_i_ab H_i_dc] S_bc; centred, so that equal Hessians give exact zeros
    centred = (hessians - mean).reshape(len(hessians), d * d)
    products = (centred.T @ centred / len(hessians)).reshape(d, d, d, d)
    return Forms(
        hessian=mean,
        spread=np.einsum("nij,njk->ik", hessians - mean, hessians - mean) / len(hessians),
        drift=_in_basis(basis, np.einsum("ab,dc->abdc", mean, identity) + np.einsum("ab,dc->abdc", identity, mean)),
        square=_in_basis(basis, np.einsum("ab,dc->abdc", mean, mean)),
        noise=_in_basis(basis, products),
    )


def growth(moment: Forms, learning_rate: float, factor: float) -> float:
    """Spectral radius of S -> (I - eta H) S (I - eta H) + eta^2 c K S."""
    grown = learning_rate**2 * (moment.square + factor * moment.noise) - learning_rate * moment.drift
    return 1.0 + _largest(grown)


def diffusion_growth(moment: Forms, learning_rate: float, factor: float) -> float:
    """Largest eigenvalue of S -> -H S - S H + eta c K S: the rate of E X X^T, per unit of time."""
    return _largest(learning_rate * factor * moment.noise - moment.drift)


def largest_of_pencil(form: Floats, definite: Floats) -> float:
    """The largest mu with form S = mu definite S, for a positive definite second form."""
    from scipy.linalg import eigh

    last = len(form) - 1
    return float(eigh(form, definite, eigvals_only=True, subset_by_index=[last, last])[0])


def _largest(form: Floats) -> float:
    return float(np.linalg.eigvalsh(form)[-1])


def _symmetric_basis(d: int) -> Floats:
    """Orthonormal symmetric matrices, (m, d, d)."""
    rows, columns = np.triu_indices(d)
    basis = np.zeros((len(rows), d, d))
    number = np.arange(len(rows))
    size = np.where(rows == columns, 1.0, np.sqrt(0.5))
    basis[number, rows, columns] = basis[number, columns, rows] = size
    return basis


def _in_basis(basis: Floats, tensor: Floats) -> Floats:
    """The matrix of S -> (sum_bc t_abdc S_bc)_ad."""
    image = np.einsum("abdc,qbc->qad", tensor, basis)
    matrix = np.einsum("pad,qad->pq", basis, image)
    return np.asarray((matrix + matrix.T) / 2.0)
