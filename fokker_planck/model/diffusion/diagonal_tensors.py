"""Tensors that are diagonal in the coordinates."""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats


def diagonal(entries: Floats) -> Floats:
    """Tensors (dim, dim, n) with the given diagonals (dim, n)."""
    dimension, n = entries.shape
    result = np.zeros((dimension, dimension, n))
    result[np.arange(dimension), np.arange(dimension)] = entries
    return result
