"""What of a field is known by a formula, as polynomials of some degrees more than those of the elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.fem.discretization import Discretization, nodes_in_cells
from fokker_planck.fem.fields.interpolation import evaluate_in_cells
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass, replace

FINER = {1: 10, 2: 6, 3: 3}
"""Degrees more than those of the elements, for a known part: 0.3 cos(5 x) at noise 1/2, 2e-3 off where degree 6 serves
all numbers, is right to 4e-7 by ten more on a line, and to 1e-5 by six more in the plane."""


@dataclass(frozen=True)
class Polynomials:
    """A function by its values at Lagrange nodes of a ``degree`` in every cell, (cells, n)."""

    discretization: Discretization
    degree: int
    values: Floats

    def __call__(self, x: Floats) -> Floats:
        """At points (dim, n), (n,)."""
        space = replace(self.discretization, degree=self.degree)
        return evaluate_in_cells(space, x, lambda cells: self.values[cells])


def finer_degree(mesh: Discretization) -> int:
    """Of the polynomials that stand for a formula."""
    return mesh.degree + FINER[mesh.triangulation.dimension]


def polynomials(own: Discretization, known: Callable[[Floats], Floats] | None) -> Polynomials | None:
    """The formula ``known`` as polynomials; None where there is none, or where it has no number somewhere."""
    if known is None:
        return None
    degree = finer_degree(own)
    places = nodes_in_cells(own.corners, own.curved, degree)
    values = np.asarray(known(places.reshape(-1, places.shape[2]).T)).reshape(places.shape[:2])
    everywhere = all(own.comm.allgather(bool(np.isfinite(values).all())))
    return Polynomials(own, degree, values) if everywhere else None
