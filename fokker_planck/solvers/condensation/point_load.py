"""The load of a point, v -> v(point): what the duals of numbers that are read at a start are solutions for."""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class PointLoad:
    """The load of a point: ``functional`` (N,) with r . v = v(point), ``scaled`` as the right side of an adjoint solve.

    A scaled solution times exp(``height``), (N,), is that of the function, weights being relative to the lowest
    exponent; ``pole`` (cells,) marks the cells that touch the point.
    """

    functional: Floats
    scaled: Floats
    height: Floats
    pole: Booleans


def point_load(generator: Generator, point: Floats) -> PointLoad:
    """Of a ``point`` (dim,) in the mesh."""
    functional = point_functional(generator.discretization, point)
    touched = functional != 0.0
    level = float(generator.exponent[touched].min())
    scaled = times_exp(functional, np.where(touched, 0.5 * (generator.exponent - level), 0.0))
    height = 0.5 * (generator.exponent + level) - generator.lowest
    return PointLoad(functional, scaled, height, touched[generator.discretization.dofs].any(axis=1))
