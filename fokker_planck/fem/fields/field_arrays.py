"""Fields as plain arrays, from which their values at points are those of the fields themselves.

What is known by a formula is kept as polynomials of some degrees more than those of the elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import Discretization, nodes_in_cells
from fokker_planck.fem.fields.discretization_arrays import by_cell_of_all, discretization_of, mesh_arrays
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.fields.interpolation import evaluate_in_cells
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass, replace

FINER = {1: 10, 2: 6, 3: 3}
"""Degrees more than those of the elements, for a known part: 0.3 cos(5 x) at noise 1/2, 2e-3 off where degree 6 serves
all numbers, is right to 4e-7 by ten more on a line, and to 1e-5 by six more in the plane."""
WANTED = "the file that was saved beside result.json"


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


def arrays_of_fields(fields: Mapping[str, Field]) -> dict[str, Any]:
    """What :func:`fields_of` takes, of fields on one mesh, the same on every rank."""
    mesh = next(iter(fields.values())).discretization
    arrays: dict[str, Any] = {**mesh_arrays(mesh), "names": np.array(list(fields))}
    for number, field in enumerate(fields.values()):
        arrays |= {f"nodal{number}": field.nodal, f"logarithm{number}": field.logarithm}
        if field.by_cell is not None:
            arrays[f"by_cell{number}"] = by_cell_of_all(mesh, field.by_cell)
        elif (known := polynomials(field)) is not None:
            arrays[f"known{number}"] = by_cell_of_all(mesh, known.values)
            arrays[f"remainder{number}"] = by_cell_of_all(mesh, np.asarray(field.remainder))
    return arrays


def polynomials(field: Field) -> Polynomials | None:
    """What of a field is known by a formula, as polynomials; None where there is nothing, or no number somewhere."""
    own, known = field.discretization, field.known_part
    if known is None:
        return None
    degree = own.degree + FINER[own.triangulation.dimension]
    places = nodes_in_cells(own.corners, own.curved, degree)
    values = np.asarray(known(places.reshape(-1, places.shape[2]).T)).reshape(places.shape[:2])
    everywhere = all(own.comm.allgather(bool(np.isfinite(values).all())))
    return Polynomials(own, degree, values) if everywhere else None


def fields_of(arrays: Mapping[str, Any], key: str) -> dict[str, Field]:
    """The fields by name.

    Raises ``ProblemError`` where the arrays are none of :func:`arrays_of_fields`.
    """
    try:
        mesh = discretization_of(arrays)
        finer = mesh.degree + FINER[mesh.triangulation.dimension]
        found = {}
        for number, name in enumerate(arrays["names"].tolist()):
            nodal, logarithm = np.asarray(arrays[f"nodal{number}"], dtype=float), bool(arrays[f"logarithm{number}"])
            field = Field(name, mesh, nodal, logarithm, arrays.get(f"by_cell{number}"))
            if f"known{number}" in arrays:
                part = Polynomials(mesh, finer, np.asarray(arrays[f"known{number}"], dtype=float))
                field = replace(field, known_part=part, remainder=np.asarray(arrays[f"remainder{number}"], dtype=float))
            found[name] = field
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ProblemError(key, f"arrays that are no fields ({type(error).__name__}: {error})", WANTED) from None
    return found
