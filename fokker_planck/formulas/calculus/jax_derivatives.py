"""Exact derivatives of functions written with jax.numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fokker_planck.errors import MissingPackageError
from fokker_planck.formulas.arrays import Floats

ArrayFunction = Callable[[Floats], Floats]


def jax_functions(function: Callable[[Any], Any]) -> tuple[ArrayFunction, ArrayFunction, ArrayFunction]:
    """Value, gradient and Hessian of a function from points (dim, n) to values (n,), in double precision.

    Every value depends on its own point alone, so the gradient of the sum is the gradient at each point.
    Raises MissingPackageError without jax.
    """
    try:
        import jax
    except ImportError:
        raise MissingPackageError("jax", "jax") from None

    def value(x: Floats) -> Floats:
        with double_precision(jax):
            return np.asarray(function(jax.numpy.asarray(x)), dtype=np.float64)

    def summed_gradient(x: Any) -> Any:
        return jax.grad(lambda y: jax.numpy.sum(function(y)))(x)

    def gradient(x: Floats) -> Floats:
        with double_precision(jax):
            return np.asarray(summed_gradient(jax.numpy.asarray(x)), dtype=np.float64)

    def hessian(x: Floats) -> Floats:
        with double_precision(jax):
            points = jax.numpy.asarray(x)
            rows = [
                jax.jvp(summed_gradient, (points,), (jax.numpy.zeros_like(points).at[axis].set(1.0),))[1]
                for axis in range(x.shape[0])
            ]
            return np.stack([np.asarray(row, dtype=np.float64) for row in rows])

    return value, gradient, hessian


def double_precision(jax: Any) -> Any:
    """A context in which jax computes in double precision, without changing the caller's setting."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from importlib import import_module

    return import_module("jax.experimental").enable_x64()
