"""Slow modes of a condensed problem at the minima of wells, which need not be nodes of the mesh."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.condensation.uncertain_places import Places
from fokker_planck.solvers.condensation.wells import Condensation
from fokker_planck.solvers.eigenvalues.reduced_problem import ReducedPair

HIGHEST = 600.0
"""Units of epsilon above a well, up to which the scale of unknowns is a double: minima lie next to their own node."""


def values_at(condensed: Condensation, pair: ReducedPair, places: Places) -> Any:
    """The slow modes at as many wells, (K, K), modes in columns, in mpmath."""
    nodes, count = condensed.generator.discretization.nodes[condensed.wells], len(places)
    with mpmath.workdps(pair.digits):
        at_wells = mpmath.matrix(count, count)
        for row, place in enumerate(places):
            well = int(np.argmin(((nodes - np.asarray(place)) ** 2).sum(axis=1)))
            basis = [mpmath.mpf(float(value)) for value in _basis_at(condensed, pair, well, place)]
            for k in range(count):
                total = mpmath.fsum(value * pair.vectors[k][j] for j, value in enumerate(basis))
                at_wells[row, k] = total * pair.scale[well]
    return at_wells


def _basis_at(condensed: Condensation, pair: ReducedPair, well: int, place: tuple[float, ...]) -> Floats:
    """Values of the reduced basis at a minimum itself, which need not be a node of the mesh; scaled to its well."""
    generator = condensed.generator
    height = np.exp(0.5 * np.minimum(generator.exponent - condensed.exponents[well], HIGHEST))
    functional = point_functional(generator.discretization, np.asarray(place))
    touched = np.flatnonzero(functional)
    if not len(touched):
        # a minimum on a curved wall may lie beside the mesh by rounding
        return np.asarray(pair.basis[:, condensed.wells[well]])
    return np.asarray(pair.basis[:, touched] @ (functional * height)[touched])
