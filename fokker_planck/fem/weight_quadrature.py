"""How well a rule integrates the weight exp(-Phi) over a cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.first_triangulation import ROOM
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.formulas.arrays import Floats
from fokker_planck.mesh.simplices import barycentric

LOWER = 4
"""Degrees less of the rule that shows the error of a quadrature: with 2 and 8 the same exit times to 3e-11."""


def quadrature_error(corners: Floats, exponent: Any, degree: int) -> Floats:
    """Relative error of the integral of exp(-Phi) over every cell (m, dim + 1, dim) by a rule the forms have at least.

    The difference to a rule of ``LOWER`` degrees less, what that many degrees bring at least where
    Phi changes by no more than ``LARGEST_CHANGE``.
    """
    dimension = corners.shape[2]
    rule = 2 * degree + ROOM[dimension]
    fine = _weight_integrals(corners, exponent, rule)
    coarse = _weight_integrals(corners, exponent, rule - LOWER)
    return np.abs(np.expm1(coarse - fine))


def _weight_integrals(corners: Floats, exponent: Any, rule: int) -> Floats:
    """Logarithm of the mean of exp(-Phi) over every cell."""
    reference, weights = _dolfinx.quadrature_points(corners.shape[2], rule)
    coordinates = barycentric(reference)
    points = coordinates @ corners
    values = values_in_cells(exponent, points, corners)
    lowest = values.min(axis=1, keepdims=True)
    return np.log(np.exp(lowest - values) @ weights) - lowest[:, 0]
