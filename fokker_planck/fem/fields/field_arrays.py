"""Fields as plain arrays, from which their values at points are those of the fields themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.fields.discretization_arrays import by_cell_of_all, discretization_of, mesh_arrays
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.fields.formula_polynomials import Polynomials, finer_degree, polynomials
from fokker_planck.mesh.ring_line import RingLine
from fokker_planck.quantity.light_dataclasses import replace

WANTED = "the file that was saved beside result.json"


def arrays_of_fields(fields: Mapping[str, Field]) -> dict[str, Any]:
    """What :func:`fields_of` takes, of fields on one mesh, the same on every rank."""
    mesh = next(iter(fields.values())).discretization
    arrays: dict[str, Any] = {**mesh_arrays(mesh), "names": np.array(list(fields))}
    for number, field in enumerate(fields.values()):
        arrays |= {f"nodal{number}": field.nodal, f"logarithm{number}": field.logarithm}
        if field.ring is not None:
            arrays[f"ring{number}"] = field.ring.as_array()
        if field.by_cell is not None:
            arrays[f"by_cell{number}"] = by_cell_of_all(mesh, field.by_cell)
        elif (known := polynomials(mesh, field.known_part)) is not None:
            arrays[f"known{number}"] = by_cell_of_all(mesh, known.values)
            arrays[f"remainder{number}"] = by_cell_of_all(mesh, np.asarray(field.remainder))
    return arrays


def fields_of(arrays: Mapping[str, Any], key: str) -> dict[str, Field]:
    """The fields by name.

    Raises ``ProblemError`` where the arrays are none of :func:`arrays_of_fields`.
    """
    try:
        mesh = discretization_of(arrays)
        finer = finer_degree(mesh)
        found = {}
        for number, name in enumerate(arrays["names"].tolist()):
            nodal, logarithm = np.asarray(arrays[f"nodal{number}"], dtype=float), bool(arrays[f"logarithm{number}"])
            field = Field(name, mesh, nodal, logarithm, arrays.get(f"by_cell{number}"))
            if f"known{number}" in arrays:
                part = Polynomials(mesh, finer, np.asarray(arrays[f"known{number}"], dtype=float))
                field = replace(field, known_part=part, remainder=np.asarray(arrays[f"remainder{number}"], dtype=float))
            if f"ring{number}" in arrays:
                field = replace(field, ring=RingLine.of_array(arrays[f"ring{number}"]))
            found[name] = field
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ProblemError(key, f"arrays that are no fields ({type(error).__name__}: {error})", WANTED) from None
    return found
