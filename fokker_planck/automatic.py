"""Exact derivatives of functions written with jax.numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import MissingPackageError, ProblemError

FloatArray = npt.NDArray[np.float64]


def jax_derivatives(function: Callable[[Any], Any]) -> tuple[Callable[[Any], FloatArray], Callable[[Any], FloatArray]]:
    """Gradient and Hessian of a function from points (dim, n) to values (n,), in double precision.

    Every value depends on its own point alone, so the gradient of the sum is the gradient at each point.
    Raises MissingPackageError without jax.
    """
    if not callable(function):
        raise ProblemError("potential.gradient", "'jax' beside a formula", "jax with a function of points only")
    try:
        import jax
    except ImportError:
        raise MissingPackageError("jax", "jax") from None

    def summed_gradient(x: Any) -> Any:
        return jax.grad(lambda y: jax.numpy.sum(function(y)))(x)

    def gradient(x: FloatArray) -> FloatArray:
        with _double_precision(jax):
            return np.asarray(summed_gradient(jax.numpy.asarray(x)), dtype=np.float64)

    def hessian(x: FloatArray) -> FloatArray:
        with _double_precision(jax):
            points = jax.numpy.asarray(x)
            rows = [
                jax.jvp(summed_gradient, (points,), (jax.numpy.zeros_like(points).at[axis].set(1.0),))[1]
                for axis in range(x.shape[0])
            ]
            return np.stack([np.asarray(row, dtype=np.float64) for row in rows])

    return gradient, hessian


def _double_precision(jax: Any) -> Any:
    """A context in which jax computes in double precision, without changing the caller's setting."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64

    return enable_x64()
