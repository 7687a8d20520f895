"""Eyring-Kramers formulas for noise that depends on the state.

In one dimension, ``dX = -V' dt + sqrt(2 D(X)) dW`` read with alpha = 0 (Ito), 1/2 (Stratonovich), 1 (Klimontovich): the
mean time from the bottom a of a well over the top b of a barrier and far beyond is

``tau = 2 pi / sqrt(V''(a) |V''(b)|) (D(b)/D(a))^(1/2 - alpha) exp(Delta Phi)``,  ``Delta Phi = int_a^b V'/D dx``,

up to a factor 1 + O(eps) for D = eps d(x).  Only the prefactor knows the reading.  Derived by Laplace's method from the
exact quadrature; for constant D it is Kramers (1940).

In several dimensions the same holds for the symmetric form, drift ``-D grad U + div D``, whose density is ``e^-U``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi

import numpy as np
import numpy.typing as npt

from fokker_planck.asymptotics.line_quadrature import LineFunction, antiderivative
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.quantity import Quantity


def effective_barrier(
    slope: LineFunction, diffusion: LineFunction, well: float, top: float, breaks: Sequence[float] = ()
) -> float:
    """``Delta Phi = int_well^top V'/D dx``, which may run to the left.

    Parameters
    ----------
    slope
        V' at points (n,).
    diffusion
        D > 0 at points (n,).
    well
        a.
    top
        b.
    breaks
        kinks and jumps of V' and D between them.

    Raises
    ------
    ConvergenceError
        Where D vanishes on the way: the barrier is infinite, and the process does not pass.

    Examples
    --------
    >>> student = effective_barrier(lambda x: x, lambda x: 0.05 * (1 + 4 * x**2), 0.0, 1.0)
    >>> round(student, 13) == round(2.5 * log(5.0), 13)  # m log(1 + r b^2), m = 1/(2 r eps)
    True
    """
    lower, upper = min(well, top), max(well, top)
    if not lower < upper:
        raise ProblemError("top", top, f"another point than the well, {well}")
    values = diffusion(np.linspace(lower, upper, 2001))
    if not np.all(values > 0.0):
        raise ConvergenceError(
            f"D is {float(np.min(values))} on the way from {well} to {top}",
            "where D vanishes and V' does not, the process does not pass and the time is infinite",
        )
    barrier = antiderivative(lambda x: slope(x) / diffusion(x), lower, upper, breaks)(np.array([upper]))[0]
    return float(barrier if top > well else -barrier)


def mean_crossing_time(
    slope: LineFunction,
    diffusion: LineFunction,
    well: float,
    top: float,
    alpha: float = 0.0,
    curvatures: tuple[float, float] | None = None,
    breaks: Sequence[float] = (),
) -> Quantity:
    """The mean time from a well over a top and far beyond, with the size of the terms of order eps as its error.

    Parameters
    ----------
    slope
        V' at points (n,); minus the drift of the reading alpha.
    diffusion
        D, the noise level included.
    well
        a, V'(a) = 0.
    top
        b, V'(b) = 0.
    alpha
        the reading.
    curvatures
        V''(a) > 0 and V''(b) < 0; by differences of the slope if not given.
    breaks
        kinks and jumps of V' and D.

    Raises
    ------
    ProblemError
        The curvatures have the wrong signs, or the barrier is not positive.
    ConvergenceError
        D vanishes on the way.

    Examples
    --------
    >>> noise = lambda x: np.hypot(3 * x**2 - 1, 0.5) / 400
    >>> ito = mean_crossing_time(lambda x: x**3 - x, noise, -1.0, 0.0)
    >>> round(5.094314071965756e59 / ito.value, 5)  # the exact time
    1.00246
    """
    bottom, peak = curvatures if curvatures is not None else (_derivative(slope, well), _derivative(slope, top))
    if not bottom > 0.0 or not peak < 0.0:
        raise ProblemError("curvatures", (bottom, peak), "a positive one of the well and a negative one of the top")
    barrier = effective_barrier(slope, diffusion, well, top, breaks)
    if not barrier > 0.0:
        raise ProblemError("top", f"a barrier of {barrier:.6g} units of epsilon", "a top above the well")
    below, above = (float(diffusion(np.array([x]))[0]) for x in (well, top))
    prefactor = log(2.0 * pi) - 0.5 * log(bottom * abs(peak)) + (0.5 - alpha) * log(above / below)
    terms = next_terms(slope, diffusion, well, top, alpha)
    return Quantity.of_log(prefactor + barrier, 1.5 * (abs(terms[0]) + abs(terms[1])) + barrier**-2)


def next_terms(
    slope: LineFunction, diffusion: LineFunction, well: float, top: float, alpha: float = 0.0
) -> tuple[float, float]:
    """What the time is to be multiplied by: one plus the sum of these two terms, that of the well and that of the top.

    With f = Phi, g = D^(alpha - 1) at the well and f = -Phi, g = D^-alpha at the top, and f2, ... for derivatives,
    Laplace's method to second order gives ``g2/(2 f2 g) - g1 f3/(2 f2^2 g) + 5 f3^2/(24 f2^3) - f4/(8 f2^2)``.

    >>> quartic = next_terms(lambda x: x**3 - x, lambda x: 0.01 + 0 * x, -1.0, 0.0)
    >>> [round(term, 9) for term in quartic]  # 3 eps/4 each
    [0.0075, 0.0075]
    """
    at_well = _laplace_term(slope, diffusion, well, 1.0, alpha - 1.0)
    return at_well, _laplace_term(slope, diffusion, top, -1.0, -alpha)


def _laplace_term(slope: LineFunction, diffusion: LineFunction, x: float, sign: float, power: float) -> float:
    step = 1e-3 * max(1.0, abs(x))
    pair = slope(np.array([x - step, x + step])) / diffusion(np.array([x]))
    width = min(2.0 / float(abs(pair[1] - pair[0]) / (2.0 * step)) ** 0.5, 0.1 * max(1.0, abs(x)))
    nodes = np.cos(np.pi * (np.arange(12) + 0.5) / 12)
    D = diffusion(x + width * nodes)
    f = np.polyfit(nodes, sign * slope(x + width * nodes) / D, 9)[::-1]
    g = np.polyfit(nodes, (D / diffusion(np.array([x]))) ** power, 9)[::-1]
    second, third, fourth = (float(f[k]) * k * max(k - 1, 1) / width**k for k in (1, 2, 3))
    first_of_g, second_of_g = float(g[1]) / width, 2.0 * float(g[2]) / width**2
    total = second_of_g / (2 * second) - first_of_g * third / (2 * second**2)
    return float(total + 5 * third**2 / (24 * second**3) - fourth / (8 * second**2))


def symmetric_crossing_time(
    barrier: float, well_hessian: npt.ArrayLike, saddle_hessian: npt.ArrayLike, saddle_tensor: npt.ArrayLike
) -> Quantity:
    """``tau = (2 pi/lambda_+) sqrt(|det Hess U(z)| / det Hess U(x)) exp(U(z) - U(x))`` for the drift -D grad U + div D.

    ``lambda_+`` is the positive eigenvalue of ``-D(z) Hess U(z)``; D elsewhere does not matter.

    Parameters
    ----------
    barrier
        U(z) - U(x), in units of epsilon.
    well_hessian
        Hess U(x), (dim, dim).
    saddle_hessian
        Hess U(z).
    saddle_tensor
        D(z).

    Raises
    ------
    ProblemError
        Where the Hessians are not those of a minimum and of a saddle of index one.

    Examples
    --------
    >>> time = symmetric_crossing_time(5.0, [[40.0]], [[-20.0]], [[0.05]])  # (x**2 - 1)**2/4 at eps = 1/20
    >>> abs(time.log - 5.0 - log(2 * pi / 2**0.5)) < 1e-14
    True
    """
    well, saddle, tensor = (np.asarray(matrix, dtype=float) for matrix in (well_hessian, saddle_hessian, saddle_tensor))
    if not np.linalg.eigvalsh(well)[0] > 0.0:
        raise ProblemError("well_hessian", well, "a positive definite matrix")
    levels = np.linalg.eigvalsh(saddle)
    if not (levels[0] < 0.0 and np.all(levels[1:] > 0.0)):
        raise ProblemError("saddle_hessian", saddle, "a matrix with one negative eigenvalue, the others positive")
    unstable = float(np.max(np.linalg.eigvals(-tensor @ saddle).real))
    determinants = np.linalg.slogdet(saddle)[1] - np.linalg.slogdet(well)[1]
    return Quantity.of_log(log(2.0 * pi / unstable) + 0.5 * float(determinants) + barrier, 1.0 / barrier)


def _derivative(slope: LineFunction, x: float) -> float:
    from fokker_planck.formulas.calculus.finite_differences import first_derivative

    return float(first_derivative(lambda y: slope(y[0]), np.array([[x]]), np.array([1.0]))[0])
