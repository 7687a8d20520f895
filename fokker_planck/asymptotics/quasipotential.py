"""Small noise on a drift that need be no gradient: the Hamiltonian of its large deviations, and fixed points of it.

``dX = (b(X) + eps c(X)) dt + sqrt(2 eps a(X)) dW`` (Ito) has a stationary density ``C(x) exp(-W(x)/eps)`` with

- ``H(x, grad W) = 0``,  ``H(x, p) = b . p + p . a p``: Hamilton and Jacobi's equation of the quasipotential W;
- ``x' = b + 2 a grad W`` along the most probable ways up, the fluctuation paths, and on them
- ``d ln C/dt = -div b - tr(a Hess W) - 2 (div a) . grad W + c . grad W``.

At a fixed point of b the matrix ``G = Hess W`` is the inverse of S, ``J S + S J^T + 2 a = 0``.
Source: Freidlin and Wentzell, Random Perturbations of Dynamical Systems (1984); Bouchet and Reygner, Ann. Henri
Poincare 17 (2016) 3499, for a = 1; the terms of a and c follow from the Fokker-Planck equation order by order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.quantity.light_dataclasses import dataclass

Field = Callable[[Floats], Floats]


@dataclass(frozen=True)
class SmallNoise:
    """dX = (b + eps c) dt + sqrt(2 eps a) dW: what the limit eps -> 0 knows of a process.

    Parameters
    ----------
    drift
        b at points (dim, n), (dim, n)
    jacobian
        d b_i / d x_j, (dim, dim, n); by differences if None
    tensor
        a, (dim, dim, n), positive definite; the identity if None
    correction
        c, (dim, n), zero if None; for noise read with alpha it is ``alpha div a``
    tensor_gradient
        d a_ij / d x_k, (k, i, j, n); by differences if None

    Examples
    --------
    >>> spiral = SmallNoise(lambda x: np.array([-x[0] - x[1], x[0] - x[1]]))
    >>> np.round(spiral.hessian_at(np.zeros(2)), 12).tolist()  # rotation does not change W = |x|^2/2
    [[1.0, 0.0], [0.0, 1.0]]
    """

    drift: Field
    jacobian: Field | None = None
    tensor: Field | None = None
    correction: Field | None = None
    tensor_gradient: Field | None = None

    def J(self, x: Floats) -> Floats:
        """d b_i / d x_j, (dim, dim, n)."""
        if self.jacobian is not None:
            return np.asarray(self.jacobian(x), dtype=float)
        return np.asarray(np.swapaxes(differences.gradient(self.drift, x), 0, 1))

    def a(self, x: Floats) -> Floats:
        """The tensor, (dim, dim, n)."""
        if self.tensor is None:
            return np.repeat(np.eye(len(x))[:, :, None], x.shape[1], axis=2)
        return np.asarray(self.tensor(x), dtype=float)

    def a_inverse(self, x: Floats) -> Floats:
        """The inverse of the tensor, (n, dim, dim); a single one, (1, dim, dim), where it is the identity."""
        if self.tensor is None:
            return np.eye(len(x))[None]
        return np.linalg.inv(np.moveaxis(self.a(x), -1, 0))

    def linearised(self, x: Floats, p: Floats) -> tuple[Floats, Floats]:
        """``H_px`` (i, j, n) and ``2 a p_t``, p_t = -H_x, (dim, n), with one evaluation of the Jacobian."""
        jacobian = self.J(x)
        if self.tensor is None:
            return jacobian, -2.0 * np.einsum("ijn,in->jn", jacobian, p)
        slopes = self.a_gradient(x)
        rate = -np.einsum("ijn,in->jn", jacobian, p) - np.einsum("in,kijn,jn->kn", p, slopes, p)
        gradient = jacobian + 2.0 * np.einsum("kijn,jn->ikn", slopes, p)
        return gradient, 2.0 * np.einsum("ijn,jn->in", self.a(x), rate)

    def a_gradient(self, x: Floats) -> Floats:
        """d a_ij / d x_k, (k, i, j, n)."""
        if self.tensor is None:
            return np.zeros((len(x), len(x), len(x), x.shape[1]))
        if self.tensor_gradient is not None:
            return np.asarray(self.tensor_gradient(x), dtype=float)
        return differences.gradient(self.tensor, x)

    def momentum_rate(self, x: Floats, p: Floats) -> Floats:
        """``-H_x = -J^T p - p . (grad a) p``, (dim, n): how p changes along a path."""
        rate = -np.einsum("ijn,in->jn", self.J(x), p)
        if self.tensor is not None:
            rate -= np.einsum("in,kijn,jn->kn", p, self.a_gradient(x), p)
        return np.asarray(rate)

    def velocity(self, x: Floats, p: Floats) -> Floats:
        """``H_p = b + 2 a p``, (dim, n)."""
        if self.tensor is None:
            return np.asarray(self.drift(x) + 2.0 * p)
        return np.asarray(self.drift(x) + 2.0 * np.einsum("ijn,jn->in", self.a(x), p))

    def velocity_gradient(self, x: Floats, p: Floats) -> Floats:
        """``H_px``: d (b + 2 a p)_i / d x_j with p held, (i, j, n)."""
        gradient = self.J(x)
        if self.tensor is not None:
            gradient = gradient + 2.0 * np.einsum("kijn,jn->ikn", self.a_gradient(x), p)
        return gradient

    def energy_hessian(self, x: Floats, p: Floats) -> Floats:
        """``H_xx``, (dim, dim, n)."""
        if self.jacobian is not None:
            total = np.einsum("kijn,in->kjn", differences.gradient(self.jacobian, x), p)
        else:
            total = np.einsum("kjin,in->kjn", _second_derivatives(self.drift, x), p)
        if self.tensor is not None:
            total += np.einsum("in,klijn,jn->kln", p, _second_derivatives(self.tensor, x), p)
        return np.asarray(0.5 * (total + np.swapaxes(total, 0, 1)))

    def log_prefactor_rate(self, x: Floats, p: Floats, hessian: Floats) -> Floats:
        """``d ln C/dt`` with ``hessian`` = Hess W, (n,)."""
        rate = -np.einsum("iin->n", self.J(x)) - np.einsum("ijn,ijn->n", self.a(x), hessian)
        if self.tensor is not None:
            rate -= 2.0 * np.einsum("iijn,jn->n", self.a_gradient(x), p)
        if self.correction is not None:
            rate += np.einsum("in,in->n", self.correction(x), p)
        return np.asarray(rate)

    def hessian_at(self, position: Floats, near: Floats | None = None) -> Floats:
        """Hess W at a fixed point of b, from its Jacobian; see :func:`quadratic_form` for ``near``."""
        x = np.asarray(position, dtype=float)[:, None]
        return quadratic_form(self.J(x)[:, :, 0], self.a(x)[:, :, 0], near)

    def third_derivatives_at(self, position: Floats) -> Floats:
        """The third derivatives of W at an attractor, (dim, dim, dim): the cubic terms of ``H(x, grad W) = 0``.

        >>> well = SmallNoise(lambda x: -x + x**2)  # W = x^2/2 - x^3/3
        >>> round(float(well.third_derivatives_at(np.zeros(1))[0, 0, 0]), 9)
        -2.0
        """
        x = np.asarray(position, dtype=float)[:, None]
        size = len(x)
        G, J, a = self.hessian_at(x[:, 0]), self.J(x)[:, :, 0], self.a(x)[:, :, 0]
        M = J + 2.0 * a @ G
        cubic = 0.5 * np.einsum("ijk,il->jkl", self.bend(x), G)
        cubic += np.einsum("ij,kim,ml->jkl", G, self.a_gradient(x)[:, :, :, 0], G)
        orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
        right = -sum(np.transpose(cubic, order) for order in orders)
        one = np.eye(size)
        operator = np.kron(np.kron(M.T, one), one) + np.kron(np.kron(one, M.T), one) + np.kron(np.kron(one, one), M.T)
        return np.asarray(np.linalg.solve(operator, np.ravel(right)).reshape(size, size, size))

    def bend(self, x: Floats) -> Floats:
        """d^2 b_i / d x_j d x_k at one point (dim, 1), (i, j, k)."""
        if self.jacobian is not None:
            return np.asarray(np.moveaxis(differences.gradient(self.jacobian, x)[..., 0], 0, -1))
        return np.asarray(np.moveaxis(_second_derivatives(self.drift, x)[..., 0], -1, 0))


def quadratic_form(jacobian: npt.ArrayLike, tensor: npt.ArrayLike, near: Floats | None = None) -> Floats:
    """``G = S^-1`` with ``J S + S J^T + 2 a = 0``: Hess W at a fixed point, or of a linear process.

    For an attractor ``eps S`` is the covariance of the Gaussian around it. At a saddle the equation has no single
    solution where two rates cancel; then that of least norm is taken, or the one next to ``near``.

    Parameters
    ----------
    jacobian
        J, (dim, dim).
    tensor
        a, (dim, dim).
    near
        an approximation of G, (dim, dim).

    Raises
    ------
    ConvergenceError
        Where there is no solution, or a singular one.

    Examples
    --------
    >>> quadratic_form([[-1.0, 0.0], [0.0, -3.0]], [[1.0, 0.0], [0.0, 0.5]]).tolist()  # W = x^2/2 + 3 y^2
    [[1.0, 0.0], [0.0, 6.0]]
    """
    J, a = np.atleast_2d(np.asarray(jacobian, dtype=float)), np.atleast_2d(np.asarray(tensor, dtype=float))
    size = len(J)
    identity = np.eye(size)
    operator = np.kron(J, identity) + np.kron(identity, J)
    right = -2.0 * a.ravel()
    _left, values, rows = np.linalg.svd(operator)
    solution = np.linalg.lstsq(operator, right, rcond=1e-8)[0]
    if near is not None:
        null = rows[values < 1e-8 * values[0]]
        solution = solution + null.T @ (null @ (np.linalg.inv(near).ravel() - solution))
    S = solution.reshape(size, size)
    S = 0.5 * (S + S.T)
    if np.abs(operator @ S.ravel() - right).max() > 1e-7 * np.abs(a).max() or np.linalg.cond(S) > 1e12:
        raise ConvergenceError(
            "the quasipotential has no second derivatives at a fixed point",
            "a hyperbolic one with unequal rates has them",
        )
    return np.asarray(np.linalg.inv(S))


def resonant(jacobian: npt.ArrayLike) -> bool:
    """Whether two eigenvalues cancel, so that the linear theory alone does not decide on Hess W.

    >>> resonant([[1.0, 0.0], [0.0, -1.0]]), resonant([[1.0, 0.0], [0.0, -2.0]])
    (True, False)
    """
    values = np.linalg.eigvals(np.atleast_2d(np.asarray(jacobian, dtype=float)))
    sums = np.abs(values[:, None] + values[None, :])
    return bool(sums.min() < 1e-6 * np.abs(values).max())


def covariance(jacobian: npt.ArrayLike, tensor: npt.ArrayLike) -> Floats:
    """The stationary covariance S of ``dX = J X dt + sqrt(2 D) dW``: ``J S + S J^T + 2 D = 0``.

    Raises ProblemError where J is not stable.

    >>> covariance([[-1.0, 5.0], [-5.0, -1.0]], [[0.1, 0.0], [0.0, 0.1]]).round(12).tolist()
    [[0.1, 0.0], [0.0, 0.1]]
    """
    J = np.atleast_2d(np.asarray(jacobian, dtype=float))
    if not np.linalg.eigvals(J).real.max() < 0.0:
        raise ProblemError("jacobian", J, "a matrix whose eigenvalues all have negative real parts")
    return np.asarray(np.linalg.inv(quadratic_form(J, tensor)))


def _second_derivatives(function: Field, x: Floats) -> Floats:
    """d^2 f / d x_k d x_l, (k, l, ..., n)."""
    unit = np.eye(len(x))
    first = function(x)
    result = np.empty((len(x), len(x), *first.shape))
    for k in range(len(x)):
        result[k, k] = differences.second_derivative(function, x, unit[k])
        for m in range(k):
            along = differences.second_derivative(function, x, unit[k] + unit[m])
            across = differences.second_derivative(function, x, unit[k] - unit[m])
            result[k, m] = result[m, k] = (along - across) / 4.0
    return result
