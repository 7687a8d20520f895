"""Where a discrete function is not resolved: the energy of what its highest degree adds, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.triangulation import Floats


def surplus(generator: Generator, modes: Sequence[Floats]) -> Floats:
    """sum_k a_c(d_k, d_k) / a(u_k, u_k) for every cell c of the triangulation, with d = u - I u, I interpolation in degree p - 1.

    Arguments: every mode (cells of this rank, n) holds nodal values of u cell by cell, up to a constant in each cell.  The result is a
    cell's share of the squared energy error of the next lower degree.
    """
    discretization = generator.discretization
    total = np.zeros(len(discretization.triangulation.cells))
    keep = _lower_degree_part(discretization.triangulation.dimension, discretization.degree)
    scale = np.exp(-0.5 * (generator.exponent[discretization.dofs] - generator.lowest))
    for values in modes:
        difference = (values - values @ keep.T) * scale
        energy = _energies(generator, difference)
        whole = discretization.comm.allreduce(float(_energies(generator, (values - values[:, :1]) * scale).sum()))
        total[discretization.cells] += np.maximum(energy, 0.0) / max(whole, 1e-300)
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
    return total


def _energies(generator: Generator, local: Floats) -> Floats:
    image = (generator.stiffness @ local[..., None])[..., 0]
    return np.asarray((image * local).sum(axis=1))


def _lower_degree_part(dimension: int, degree: int) -> Floats:
    """Matrix (n, n): nodal values of a function to those of its interpolant of one degree less."""
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    if degree == 1:
        return np.full((len(nodes), len(nodes)), 1.0 / len(nodes))
    coarse = _dolfinx.lagrange_nodes(dimension, degree - 1)
    down = _dolfinx.tabulate_lagrange(dimension, degree, coarse)[0]
    up = _dolfinx.tabulate_lagrange(dimension, degree - 1, nodes)[0]
    return up @ down
