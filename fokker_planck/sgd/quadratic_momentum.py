"""Momentum on a quadratic loss: where the recursion is stable, and its stationary covariance exactly.

For ``L = x . H x/2`` and gradient noise of the covariance ``c C`` (c the batch factor), in (x, V), ``h = sqrt(eta)``,

``(x, V)_(k+1) = A (x, V)_k - (h^2, h) xi_k,  A = [[1 - h^2 H, h mu], [-h H, mu]]``,

with ``mu (1 - eta H)`` for mu where Nesterov's gradient is taken ahead.  The covariance S solves
``S = A S A^T + c (h^2, h) C (h^2, h)^T``; in one dimension, with the curvature lambda,

``E x^2 = eps/lambda/(1 - r),  E V^2 = 2 eps/(1 + mu)/(1 - r),  E x V = h eps/(1 + mu)/(1 - r)``

with ``r = eta lambda/(2 (1 + mu))``, ``eps = eta c C/(2 (1 - mu))``; the kinetic equation has ``eps/lambda, eps, 0``.
At a fixed friction positions differ from it by the order of eta (where C and H commute, else by that of its root),
velocities by the order of the root; with Nesterov's gradient all do.  The spectral radius of A is below one exactly for
``eta lambda < 2 (1 + mu)`` (heavy ball) and ``eta lambda < 2 (1 + mu)/(1 + 2 mu)`` (Nesterov); the kinetic equation is
stable always.

Source: Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1, for the limit of the heavy ball; the rest is derived here, as
a recursion of second order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import finite_number
from fokker_planck.sgd.momentum import Momentum


def largest_curvature(ball: Momentum, nesterov: bool = False) -> float:
    """``2 (1 + mu)/eta``, Nesterov's ``2 (1 + mu)/((1 + 2 mu) eta)``: from this curvature on nothing is stable.

    Parameters
    ----------
    ball
        learning rate and momentum
    nesterov
        whether the gradient is taken ahead

    Returns
    -------
    float
        The curvature.

    Examples
    --------
    >>> ball = Momentum(learning_rate=0.1, momentum=0.9)
    >>> round(largest_curvature(ball), 9), round(largest_curvature(ball, nesterov=True), 9)
    (38.0, 13.571428571)
    """
    plain = 2.0 * (1.0 + ball.momentum) / ball.learning_rate
    return plain / (1.0 + 2.0 * ball.momentum) if nesterov else plain


def transition(ball: Momentum, hessian: npt.ArrayLike, nesterov: bool = False) -> Floats:
    """A, (2 dim, 2 dim), which takes (x, V) to what is expected after one iteration.

    >>> transition(Momentum(0.25, 0.5), 2.0).tolist()
    [[0.5, 0.25], [-1.0, 0.5]]
    """
    H, h, mu = _matrix("hessian", hessian), ball.step, ball.momentum
    identity = np.eye(len(H))
    kept = mu * (identity - h * h * H) if nesterov else mu * identity
    return np.block([[identity - h * h * H, h * kept], [-h * H, kept]])


def growth(ball: Momentum, hessian: npt.ArrayLike, nesterov: bool = False) -> float:
    """The spectral radius of A: less than one where the recursion is stable.

    >>> round(growth(Momentum(0.1, 0.9), 38.0), 12)
    1.0
    """
    return float(np.abs(np.linalg.eigvals(transition(ball, hessian, nesterov))).max())


def stationary_covariance(
    ball: Momentum, hessian: npt.ArrayLike, covariance: npt.ArrayLike, nesterov: bool = False
) -> Floats:
    """``S = A S A^T + c (h^2, h) C (h^2, h)^T``: the covariance of (x, V) under the recursion, exactly, (2 dim, 2 dim).

    Parameters
    ----------
    ball
        learning rate, momentum and batch size
    nesterov
        whether the gradient is taken ahead
    hessian
        H, a number or positive definite, (dim, dim)
    covariance
        C of the gradient of one sample, a number (times I) or (dim, dim)

    Returns
    -------
    Floats
        S.

    Raises
    ------
    ConvergenceError
        Where the recursion is not stable.

    Examples
    --------
    >>> ball = Momentum(learning_rate=0.04, momentum=0.9)                  # eps = 0.2 C, r = 0.04/3.8
    >>> S = stationary_covariance(ball, 1.0, 5.0)
    >>> np.round(S * (1 - 0.04/3.8), 12).tolist()                          # 1, 2/1.9, 0.2/1.9
    [[1.0, 0.105263157895], [0.105263157895, 1.052631578947]]
    """
    H = _matrix("hessian", hessian)
    C = _matrix("covariance", covariance, len(H))
    curvatures = np.linalg.eigvalsh(H)
    if not curvatures[0] > 0.0:
        raise ProblemError("hessian", curvatures.tolist(), "positive eigenvalues")
    limit = largest_curvature(ball, nesterov)
    if not curvatures[-1] < limit:
        remedy = f"a learning rate below {ball.learning_rate * limit / curvatures[-1]:.6g}"
        raise ConvergenceError(f"the recursion is not stable: curvature {curvatures[-1]:g}, limit {limit:g}", remedy)
    h = ball.step
    factor = 2.0 * ball.velocity_noise_scale / h
    enters = np.vstack([h * h * np.eye(len(H)), h * np.eye(len(H))])
    from scipy.linalg import solve_discrete_lyapunov

    found = solve_discrete_lyapunov(transition(ball, H, nesterov), factor * enters @ C @ enters.T)
    return np.asarray(0.5 * (found + found.T))


def kinetic_covariance(ball: Momentum, hessian: npt.ArrayLike, covariance: npt.ArrayLike) -> Floats:
    """The same for the kinetic equation: ``J S + S J^T + 2 D = 0``, ``J = [[0, 1], [-H, -gamma]]``, D the noise of V.

    For C = variance times I it is ``eps H^-1`` for x and ``eps`` for V; else it is no function of ``L + V^2/2``.

    Parameters
    ----------
    ball
        learning rate, momentum and batch size
    hessian
        H, a number or positive definite, (dim, dim)
    covariance
        C of the gradient of one sample, a number (times I) or (dim, dim)

    Returns
    -------
    Floats
        S of (x, V), (2 dim, 2 dim).

    Examples
    --------
    >>> abs(kinetic_covariance(Momentum(learning_rate=0.04, momentum=0.9), 4.0, 5.0)).round(12).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    H = _matrix("hessian", hessian)
    C = _matrix("covariance", covariance, len(H))
    identity, nothing = np.eye(len(H)), np.zeros_like(H)
    from scipy.linalg import solve_continuous_lyapunov

    J = np.block([[nothing, identity], [-H, -ball.friction * identity]])
    D = np.block([[nothing, nothing], [nothing, ball.velocity_noise_scale * C]])
    found = solve_continuous_lyapunov(J, -2.0 * D)
    return np.asarray(0.5 * (found + found.T))


def _matrix(key: str, value: npt.ArrayLike, dimension: int | None = None) -> Floats:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        array = finite_number(key, array) * np.eye(dimension or 1)
    size = array.shape[0] if dimension is None else dimension
    if array.shape != (size, size) or not np.isfinite(array).all():
        raise ProblemError(key, f"an array of shape {array.shape}", f"a number, or a finite matrix, {size} by {size}")
    if np.abs(array - array.T).max() > 1e-12 * np.abs(array).max():
        raise ProblemError(key, array.tolist(), "a symmetric matrix")
    return array
