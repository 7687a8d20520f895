"""Points carried onto the surface g = 0 of a smooth function, and the differences that stand in for its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Floats], Floats]

_STEPS = 40
_HALVINGS = 8


def onto_surface(level: Function, gradient: Function, x: Floats) -> Floats:
    """A point of g = 0 near each point of ``x``, shape (dim, n), by x <- x - g grad g / |grad g|².

    A step that does not lessen |g| is halved. Where no step does, the point stays: at a critical point of g, say.

    >>> circle = lambda x: 1.0 - np.sum(x**2, axis=0)
    >>> onto_surface(circle, lambda x: -2.0 * x, np.array([[0.9], [0.0]])).round(12).tolist()
    [[1.0], [0.0]]
    """
    x = np.array(x, dtype=float)
    with np.errstate(all="ignore"):
        value = level(x)
        for _ in range(_STEPS):
            slope = gradient(x)
            square = np.sum(slope**2, axis=0)
            step = np.where(square > 0.0, value / np.where(square > 0.0, square, 1.0), 0.0) * slope
            factor = 1.0
            moved = np.zeros(x.shape[1], dtype=bool)
            for _ in range(_HALVINGS):
                trial = np.where(moved, x, x - factor * step)
                trial_value = np.asarray(level(trial))
                better = ~moved & (np.abs(trial_value) < np.abs(value))
                x = np.where(better, trial, x)
                value = np.where(better, trial_value, value)
                moved |= better
                if moved.all():
                    break
                factor /= 2.0
            if not moved.any():
                break
    return x


def central_differences(function: Function, x: Floats) -> Floats:
    """Gradient of ``function`` at ``x``, shape (dim, n), by central differences of sixth order.

    >>> bool(abs(central_differences(lambda x: np.sin(x[0]), np.array([[1.0]]))[0, 0] - np.cos(1.0)) < 1e-12)
    True
    """
    x = np.asarray(x, dtype=float)
    slope = np.zeros_like(x)
    step = 2e-3 * np.maximum(1.0, np.abs(x))
    for i in range(len(x)):
        for weight, k in ((45.0, 1), (-9.0, 2), (1.0, 3)):
            shift = np.zeros_like(x)
            shift[i] = k * step[i]
            slope[i] += weight * (function(x + shift) - function(x - shift))
        slope[i] /= 60.0 * step[i]
    return slope
