"""Escape from a saddle in several dimensions: what the one unstable direction feels of the noise.

With the unstable eigenvalue lambda of the Jacobian, its right eigenvector r (a unit vector) and its left eigenvector u,
``u . r = 1``, the coordinate ``u . x`` obeys the equation in one dimension with the noise ``u . D u``, so that

``T = (1/(2 lambda)) [ln(2 lambda b^2/(u . D u)) + gamma_E]``,  b the distance along r.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fokker_planck.asymptotics.escape import EscapeLaw, law_of_linear, linear_time
from fokker_planck.errors import ProblemError
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class UnstableDirection:
    """What of a linear process in several dimensions decides on its escape.

    Parameters
    ----------
    rate
        lambda, the largest eigenvalue of the Jacobian, real, positive and single
    right
        its right eigenvector r, a unit vector: the direction in which the process leaves
    left
        its left eigenvector u with u . r = 1: ``u . (x - z)`` is the distance that grows
    noise
        ``u . D u``, which takes the place of eps
    """

    rate: float
    right: tuple[float, ...]
    left: tuple[float, ...]
    noise: float


def unstable_direction(jacobian: npt.ArrayLike, tensor: npt.ArrayLike) -> UnstableDirection:
    """The unstable direction of ``dX = J X dt + sqrt(2 D) dW``.

    Parameters
    ----------
    jacobian
        J, (dim, dim).
    tensor
        D, (dim, dim).

    Raises
    ------
    ProblemError
        Where the largest eigenvalue is complex, multiple or not positive.

    Examples
    --------
    >>> sheared = unstable_direction([[1.0, 4.0], [0.0, -1.0]], [[0.1, 0.0], [0.0, 0.1]])
    >>> sheared.left, round(sheared.noise, 12)  # u = (1, 2): the other coordinate's noise is blown up
    ((1.0, 2.0), 0.5)
    """
    J, D = np.atleast_2d(np.asarray(jacobian, dtype=float)), np.atleast_2d(np.asarray(tensor, dtype=float))
    values, vectors = np.linalg.eig(J)
    order = np.argsort(-values.real)
    first = values[order[0]]
    if len(values) > 1 and values[order[1]].real > first.real * (1.0 - 1e-8):
        raise ProblemError("jacobian", f"leading eigenvalues {first} and {values[order[1]]}", "a single real one")
    if first.imag != 0.0 or not first.real > 0.0:
        raise ProblemError("jacobian", f"leading eigenvalue {first}", "a positive one")
    right = vectors[:, order[0]].real
    right = right * np.sign(right[np.argmax(np.abs(right))]) / np.linalg.norm(right)
    left_values, left_vectors = np.linalg.eig(J.T)
    left = left_vectors[:, np.argmax(left_values.real)].real
    left = left / (left @ right)
    noise = float(left @ D @ left)
    if not noise > 0.0:
        raise ProblemError("tensor", D, "a matrix with noise in the unstable direction")
    return UnstableDirection(float(first.real), tuple(right.tolist()), tuple(left.tolist()), noise)


def saddle_time(jacobian: npt.ArrayLike, tensor: npt.ArrayLike, distance: float) -> Quantity:
    """``T = (1/(2 lambda)) [ln(2 lambda b^2/(u . D u)) + gamma_E]`` from a saddle to the distance b on its way out.

    Parameters
    ----------
    jacobian
        J at the saddle, (dim, dim).
    tensor
        D there, (dim, dim), the noise level included.
    distance
        b, measured along the unit right eigenvector; for a flat exit surface n . x = c it is c/(n . r).

    Notes
    -----
    The exact time of the coordinate ``u . x`` is taken: it is exact for a potential that is a sum over coordinates, and
    a strip; elsewhere the rest is of the order of eps.

    Examples
    --------
    >>> strip = saddle_time([[1.0, 0.0], [0.0, -1.0]], [[0.1, 0.0], [0.0, 0.1]], 1.0)
    >>> round(strip.value, 14)
    1.72413784647093
    """
    unstable = unstable_direction(jacobian, tensor)
    exact = linear_time(unstable.rate, distance, unstable.noise)
    single = np.atleast_2d(np.asarray(jacobian)).shape[0] == 1
    error = 0.0 if single else unstable.noise / (unstable.rate * distance**2) / float(exact)
    return Quantity.of(float(exact), error + exact.relative_error)


def saddle_law(jacobian: npt.ArrayLike, tensor: npt.ArrayLike, distance: float) -> EscapeLaw:
    """The law of the same time."""
    unstable = unstable_direction(jacobian, tensor)
    return law_of_linear(unstable.rate, distance, unstable.noise)
