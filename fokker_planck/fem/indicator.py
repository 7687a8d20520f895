"""Where a discrete function is not resolved: the energy of what its highest degree adds, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.triangulation import Floats


def energy_errors(generator: Generator, mode: Floats) -> Floats:
    """Estimate of a_c(e, e) / a(u, u) for every cell c of the triangulation, e the error of the discrete mode u.

    Arguments: ``mode`` (cells of this rank, n) holds nodal values of u cell by cell, up to a constant in each cell.
    What degrees p and p - 1 add to u in a cell is measured; degree p + 1 would add as much less again.  The sum
    over cells is the relative error of an eigenvalue, or of a mean time, whose mode u is.
    """
    discretization = generator.discretization
    result = np.zeros(len(discretization.triangulation.cells))
    degree, dimension = discretization.degree, discretization.triangulation.dimension
    scale = np.exp(-0.5 * (generator.exponent[discretization.dofs] - generator.lowest))
    mode = mode - mode[:, :1]
    once = mode @ _lower_degree_part(dimension, degree, degree - 1).T
    twice = mode @ _lower_degree_part(dimension, degree, degree - 2).T
    last = np.maximum(_energies(generator, (mode - once) * scale), 0.0)
    before = np.maximum(_energies(generator, (once - twice) * scale), 1e-300)
    whole = discretization.comm.allreduce(float(_energies(generator, mode * scale).sum()))
    result[discretization.cells] = last * np.minimum(last / before, 1.0) / max(whole, 1e-300)
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
    return result


def shares_of_cells(generator: Generator, modes: Sequence[Floats]) -> Floats:
    """Share of the stationary mass plus share of each mode's energy in every cell of this rank, (cells,)."""
    discretization = generator.discretization
    exponent = generator.exponent[discretization.dofs]
    scale = np.exp(-0.5 * (exponent - generator.lowest))
    parts = [(scale * (generator.mass @ scale[..., None])[..., 0]).sum(axis=1)]
    parts += [_energies(generator, (mode - mode[:, :1]) * scale) for mode in modes]
    sums = discretization.comm.allreduce(np.array([part.sum() for part in parts]))
    return np.asarray(sum(part / max(total, 1e-300) for part, total in zip(parts, sums, strict=True)))


def _energies(generator: Generator, local: Floats) -> Floats:
    image = (generator.stiffness @ local[..., None])[..., 0]
    return np.asarray((image * local).sum(axis=1))


def _lower_degree_part(dimension: int, degree: int, lower: int) -> Floats:
    """Matrix (n, n): nodal values to those of the interpolant of ``lower`` degree; below one, the mean."""
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    if lower < 1:
        return np.full((len(nodes), len(nodes)), 1.0 / len(nodes))
    down = _dolfinx.tabulate_lagrange(dimension, degree, _dolfinx.lagrange_nodes(dimension, lower))[0]
    up = _dolfinx.tabulate_lagrange(dimension, lower, nodes)[0]
    return up @ down
