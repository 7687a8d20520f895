"""Functions that users give: called with points they cannot change, and what they return is checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats


def values_of(
    function: Callable[[Floats], npt.ArrayLike], points: Floats, shape: tuple[int, ...] | None, key: str
) -> Floats:
    """What a function returns at points (dim, n), as an array of its own; of any shape where ``shape`` is None.

    Raises :class:`ProblemError` with ``key`` where it fails on arrays, or returns no real numbers of that shape.

    >>> values_of(lambda x: x[0] ** 2, np.array([[1.0, 2.0]]), (2,), "potential").tolist()
    [1.0, 4.0]
    """
    protected = points.view()
    protected.flags.writeable = False
    wanted = "an array of real numbers" if shape is None else f"real numbers of shape {shape}"
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(function(protected))
    except (IndexError, TypeError, ValueError) as error:
        raise ProblemError(key, f"{type(error).__name__} at points of shape {points.shape}: {error}", wanted) from error
    if values.dtype.kind not in "fiu" or (shape is not None and values.shape != shape):
        found = f"an array of shape {values.shape} and type {values.dtype} for points of shape {points.shape}"
        raise ProblemError(key, found, wanted)
    return np.array(values, dtype=np.float64)
