"""Values of a function that is constant within sets, where not all of a set's surface belongs to it.

A process with noise in some directions alone leaves a set through a part of its surface: there the function has a value
of its own outside, and that of the set inside, where a polynomial of the nodes would swing from one to the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from mpi4py import MPI

from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.field import Field
from fokker_planck.formulas.arrays import Floats

ROUNDING = 1e-12
"""Up to which nodal values are those of the set: a solve leaves no more of a zero or a one."""


def constant_within(discretization: Discretization, nodal: Floats, values: Mapping[str, float]) -> Floats | None:
    """The nodal values (N,) by cell, (cells, n), in the cells of each set its value; None where that is so already.

    Parameters
    ----------
    discretization
        mesh and elements
    nodal
        of the function
    values
        by the names of the mesh's regions; those that it does not have are left out
    """
    regions, by_cell, jumps = discretization.triangulation.regions, nodal[discretization.dofs], False
    for name in values.keys() & regions.keys():
        inside = regions[name][discretization.cells]
        jumps = jumps or not np.isclose(by_cell[inside], values[name], rtol=0.0, atol=ROUNDING).all()
        by_cell[inside] = values[name]
    return by_cell if discretization.comm.allreduce(bool(jumps), op=MPI.LOR) else None


def field_within(
    name: str, discretization: Discretization, nodal: Floats, values: Mapping[str, float], *, logarithm: bool = False
) -> Field:
    """The field of a function that is constant within sets, or of its ``logarithm``; as :func:`constant_within`."""
    return Field(name, discretization, nodal, logarithm, constant_within(discretization, nodal, values))
