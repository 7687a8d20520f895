"""The same noise times a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.model.diffusion.constant import Constant, Diffusion, Isotropic
from fokker_planck.model.diffusion.quadratic import Quadratic
from fokker_planck.model.diffusion.state_dependent import Formula, Hessian, Sampled
from fokker_planck.model.grid_data import spline_of


def scaled_noise(diffusion: Diffusion, factor: float) -> Diffusion:
    """``factor`` times D, of the same kind; raises ProblemError for a kind that is not known here.

    >>> scaled_noise(Isotropic(0.5), 2.0)
    Isotropic(epsilon=1.0)
    """
    if factor == 1.0:
        return diffusion
    if isinstance(diffusion, Isotropic):
        return Isotropic(factor * diffusion.epsilon)
    if isinstance(diffusion, Constant):
        return Constant(factor * np.array(diffusion.matrix))
    if isinstance(diffusion, Hessian):
        return replace(diffusion, scale=factor * diffusion.scale)
    if isinstance(diffusion, Quadratic):
        numbers = {name: _times(factor, getattr(diffusion, name)) for name in ("offset", "slope", "curvature")}
        return replace(diffusion, **numbers)
    if isinstance(diffusion, Formula):
        return Formula(_written(factor, diffusion.expression), diffusion.parameters)
    if isinstance(diffusion, Sampled) and spline_of(diffusion) is None:
        tensor, divergence = diffusion.tensor, diffusion.divergence
        slope = None if divergence is None else lambda x: factor * np.asarray(divergence(x))
        return Sampled(lambda x: factor * np.asarray(tensor(x)), slope, diffusion.dimension)
    raise ProblemError(
        "schedule.noise", f"noise by {type(diffusion).__name__}", "noise by numbers, formulas, functions"
    )


def _times(factor: float, value: Any) -> Any:
    return tuple(factor * each for each in value) if isinstance(value, tuple) else factor * value


def _written(factor: float, given: str | Sequence[Sequence[str | float]]) -> str | list[list[str]]:
    if isinstance(given, str):
        return f"{factor!r}*({given})"
    return [[f"{factor!r}*({entry})" for entry in row] for row in given]
