"""Kramers and Langer's rate over a saddle with momentum, in any dimension.

For ``dx = v dt, dv = -grad V dt - Gamma v dt + sqrt(2 Gamma eps) dW`` the rate from the minimum a over the saddle b is

``k = lambda_+/(2 pi) sqrt(det Hess V(a)/|det Hess V(b)|) exp(-(V(b) - V(a))/eps)``

with ``lambda_+`` the one positive root of ``det(lambda^2 + lambda Gamma + Hess V(b)) = 0``, the rate at which what
stands on the saddle leaves it.  In one dimension ``lambda_+ = sqrt(gamma^2/4 + omega_b^2) - gamma/2`` and
``k = (lambda_+/omega_b) (omega_a/(2 pi)) exp(-dV/eps)``.  Time is that of the kinetic equation: for strong friction
``gamma k`` is the rate of the overdamped process ``dX = -grad V dt + sqrt(2 eps) dW``.

It holds where the well is in equilibrium up to the saddle, that is where friction takes far more than a unit of epsilon
on the way through the well (5 % too much at ten units, between two wells): see ``melnikov_meshkov`` for less.

Source: Kramers, Physica 7 (1940) 284, equation 25; Langer, Ann. Phys. 54 (1969) 258; Haenggi, Talkner and Borkovec,
Rev. Mod. Phys. 62 (1990) 251, section IV.
"""

from __future__ import annotations

from math import expm1, log, pi, sqrt

import numpy as np
import numpy.typing as npt

from fokker_planck.asymptotics.depopulation import log_factor_between
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity


def unstable_rate(saddle_hessian: npt.ArrayLike, friction: npt.ArrayLike) -> float:
    """``lambda_+``: the positive root of ``det(lambda^2 + lambda Gamma + H) = 0``.

    Parameters
    ----------
    saddle_hessian
        H, a number or symmetric with one negative eigenvalue, (dim, dim)
    friction
        Gamma, a number, or symmetric positive semidefinite, (dim, dim)

    Raises
    ------
    ProblemError
        With the keys ``saddle_hessian`` and ``friction``.

    Notes
    -----
    ``lambda^2 + lambda Gamma + H`` grows with lambda as a quadratic form, so that its least eigenvalue, negative at
    zero, has one zero. It is as accurate relative to itself as H is, also where friction makes it small.

    Examples
    --------
    >>> unstable_rate(-1.0, 1.5), unstable_rate(np.diag([-1.0, 7.0]), 1.5)          # sqrt(9/16 + 1) - 3/4
    (0.5, 0.5)
    >>> round(1e9 * unstable_rate(-1.0, 1e9), 12)
    1.0
    """
    hessian = _symmetric("saddle_hessian", saddle_hessian)
    gamma = _symmetric("friction", friction, len(hessian))
    curvatures = np.linalg.eigvalsh(hessian)
    if not (curvatures[0] < 0.0 and (len(curvatures) == 1 or curvatures[1] > 0.0)):
        raise ProblemError("saddle_hessian", curvatures.tolist(), "eigenvalues of which the first alone is negative")
    frictions = np.linalg.eigvalsh(gamma)
    if frictions[0] < -1e-12 * abs(frictions[-1]):
        raise ProblemError("friction", frictions.tolist(), "eigenvalues that are not negative")
    if frictions[-1] - frictions[0] <= 1e-15 * abs(frictions[-1]):
        return _scalar_root(-float(curvatures[0]), float(frictions[-1]))
    # Between the roots for the largest and for the smallest friction in all directions.
    low, high = (_scalar_root(-float(curvatures[0]), max(float(frictions[k]), 0.0)) for k in (-1, 0))

    def least(rate: float) -> float:
        return float(np.linalg.eigvalsh(rate**2 * np.eye(len(hessian)) + rate * gamma + hessian)[0])

    from scipy.optimize import brentq

    low, high = low * (1.0 - 1e-9), high * (1.0 + 1e-9)
    return float(brentq(least, low, high, xtol=1e-300, rtol=1e-15, maxiter=200))


def rate(
    barrier: float,
    minimum_hessian: npt.ArrayLike,
    saddle_hessian: npt.ArrayLike,
    friction: npt.ArrayLike,
    epsilon: float,
    loss: float | None = None,
    loss_beyond: float | None = None,
) -> Quantity:
    """``k = lambda_+/(2 pi) sqrt(det Hess V(a)/|det Hess V(b)|) exp(-barrier/eps)`` per unit of kinetic time.

    Parameters
    ----------
    barrier
        V(b) - V(a)
    minimum_hessian, saddle_hessian
        a number, or (dim, dim)
    friction
        gamma, or the matrix Gamma, symmetric positive semidefinite
    epsilon
        the temperature
    loss, loss_beyond
        the energy that friction takes on the way from the saddle through the well and back, and in the well beyond
        (``barrier_action``); without them those of the fastest oscillation of the well as a parabola, ``2 pi gamma
        barrier/omega``, on both sides

    Notes
    -----
    The stated error is epsilon/barrier and, beside it, what the wells lack at low friction (``depopulation``).

    Examples
    --------
    >>> quartic = rate(0.25, 2.0, -1.0, 1.5, 1/20)                        # (1/2) sqrt(2)/(2 pi) exp(-5)
    >>> round(quartic.log + 5.0 - log(sqrt(2.0) / (4.0 * pi)), 12) + 0.0, quartic.relative_error < 0.23
    (0.0, True)
    """
    if not (barrier > 0.0 and epsilon > 0.0):
        raise ProblemError("barrier, epsilon", (barrier, epsilon), "positive numbers")
    well = _symmetric("minimum_hessian", minimum_hessian)
    curvatures = np.linalg.eigvalsh(well)
    if not curvatures[0] > 0.0:
        raise ProblemError("minimum_hessian", curvatures.tolist(), "positive eigenvalues")
    saddle = _symmetric("saddle_hessian", saddle_hessian, len(well))
    gamma = _symmetric("friction", friction, len(well))
    if loss is None:
        loss = 2.0 * pi * float(np.linalg.eigvalsh(gamma)[0]) * barrier / sqrt(float(curvatures[-1]))
        loss_beyond = loss
    determinants = np.linalg.slogdet(well)[1] - np.linalg.slogdet(saddle)[1]
    prefactor = log(unstable_rate(saddle, gamma) / (2.0 * pi)) + 0.5 * float(determinants)
    missing = 1.0 if loss <= 0.0 else -expm1(log_factor_between(loss / epsilon, _over(loss_beyond, epsilon)))
    return Quantity.of_log(prefactor - barrier / epsilon, epsilon / barrier + missing)


def _over(loss: float | None, epsilon: float) -> float | None:
    return None if loss is None else loss / epsilon


def _scalar_root(curvature: float, friction: float) -> float:
    """``sqrt(gamma^2/4 + omega^2) - gamma/2`` without the difference."""
    return curvature / (0.5 * friction + sqrt(0.25 * friction**2 + curvature))


def _symmetric(key: str, value: npt.ArrayLike, dimension: int | None = None) -> Floats:
    """A matrix; a number stands for so many times the identity."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        array = float(array) * np.eye(dimension or 1)
    size = array.shape[0] if dimension is None else dimension
    if array.shape != (size, size) or not np.isfinite(array).all():
        raise ProblemError(key, f"an array of shape {array.shape}", f"a finite number, or a matrix, {size} by {size}")
    if np.abs(array - array.T).max() > 1e-12 * np.abs(array).max():
        raise ProblemError(key, array.tolist(), "a symmetric matrix")
    return np.asarray(0.5 * (array + array.T))
