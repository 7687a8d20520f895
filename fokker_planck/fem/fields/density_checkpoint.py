"""A density p = exp(-psi) rho as plain arrays, from which it can be gone on with as from the field itself.

Nodal values that are drawn between linearly are no density to go on from: one that was known to 8e-11 was 2e-5 off.
rho is kept as the polynomials that it is made of, psi as polynomials of some degrees more; what these are off is part
of what is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import places_in
from fokker_planck.fem.fields.density_field import DensityField
from fokker_planck.fem.fields.discretization_arrays import by_cell_of_all, discretization_of, mesh_arrays
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.formulas.arrays import Floats

FINER = {1: 6, 2: 4, 3: 3}
"""Degrees more than those of rho, for psi: a cosine that changes by 9 in a cell on a line is right to 1e-12."""
WANTED = "the file that was saved beside result.json"


def arrays_of(density: DensityField) -> dict[str, Any]:
    """What :func:`density_of` takes, the same on every rank."""
    own = density.discretization
    degree = density.exponent_degree or own.degree + FINER[own.triangulation.dimension]
    psi = density.exponent_by_cell if density.exponent_degree else _exponent(density, degree)
    psi = density.exponent[own.dofs] if psi is None else psi
    off = 0.0 if density.exponent_degree or density.formula is None else _off(density, psi, degree)
    return {
        **mesh_arrays(own),
        "nodal": density.nodal,
        "exponent": density.exponent,
        "psi": by_cell_of_all(own, psi),
        "psi_degree": degree if psi.shape[1] != own.dofs.shape[1] else own.degree,
        "off": off,
    }


def density_of(name: str, arrays: Mapping[str, Any]) -> tuple[DensityField, float]:
    """The density, and what it is off, in total variation, beside what was kept.

    Raises ``ProblemError`` where the arrays are none of :func:`arrays_of`.
    """
    try:
        discretization = discretization_of(arrays)
        psi, exponent = np.asarray(arrays["psi"], dtype=float), np.asarray(arrays["exponent"], dtype=float)
        nodal, off = np.asarray(arrays["nodal"], dtype=float), float(arrays["off"])
        kept = DensityField(
            name,
            discretization,
            nodal,
            exponent=exponent,
            exponent_by_cell=psi,
            exponent_degree=int(arrays["psi_degree"]),
        )
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ProblemError(name, f"arrays that are no density ({type(error).__name__}: {error})", WANTED) from None
    return kept, off


def _exponent(density: DensityField, degree: int) -> Floats | None:
    """psi at the nodes of elements of that degree, (cells, n); None where rho rules it."""
    if density.formula is None:
        return density.exponent_by_cell
    own = density.discretization
    reference = _dolfinx.lagrange_nodes(own.triangulation.dimension, degree)
    return _by_formula(density, reference)


def _by_formula(density: DensityField, reference: Floats) -> Floats:
    """psi as its formula has it at places of the reference simplex (q, dim), (cells, q)."""
    own, formula = density.discretization, density.formula
    assert formula is not None
    cells = np.arange(len(own.dofs))
    places, _ = places_in(own, cells, np.broadcast_to(reference, (len(cells), *reference.shape)))
    return np.asarray(values_in_cells(formula.weighting.exponent, places, own.corners) - formula.lowest)


def _off(density: DensityField, psi: Floats, degree: int) -> float:
    """1/2 int |p - q|, q with the polynomials of psi (cells, n)."""
    own = density.discretization
    reference, dimension = own.reference_points, own.triangulation.dimension
    polynomials = psi @ _dolfinx.tabulate_lagrange(dimension, degree, reference)[0].T
    exact = _by_formula(density, reference)
    local = density.exponent[own.dofs]
    top = local.max(axis=1, keepdims=True)
    basis = _dolfinx.tabulate_lagrange(dimension, own.degree, reference)[0]
    ratio = (density.nodal[own.dofs] * np.exp(local - top)) @ basis.T
    apart = np.abs(ratio) * np.abs(np.exp(top - exact) - np.exp(top - polynomials))
    return 0.5 * float(own.comm.allreduce(float((apart * own.map.volume).sum())))
