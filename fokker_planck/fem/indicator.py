"""Where a discrete function is not resolved: the energy of what its highest degree adds, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.triangulation import Floats

SMALLEST_ENERGY = 1e-290


@dataclass(frozen=True)
class Mode:
    """A function that an answer rests on, ``values`` (cells of this rank, n) by cell, up to a constant in each.

    The number reported is a(u, u), or a(u, z) with the ``dual`` z, given in the same way.
    """

    values: Floats
    dual: Floats | None = None


def energy_errors(generator: Generator, mode: Mode) -> Floats:
    """Estimate, cell by cell, of the relative error that the cells bring to what the mode stands for.

    That is a_c(e, e) / a(u, u), e the error of u, or sqrt(a_c(e, e) a_c(f, f)) / a(u, z) with f the error of the
    dual z (Becker and Rannacher 2001).
    """
    discretization = generator.discretization
    result = np.zeros(len(discretization.triangulation.cells))
    local, values = _missed_energy(generator, mode.values), mode.values
    if mode.dual is None:
        whole = _energies(generator, _scaled(generator, values)).sum()
    else:
        local = np.sqrt(local) * np.sqrt(_missed_energy(generator, mode.dual))
        image = (generator.stiffness @ _scaled(generator, values)[..., None])[..., 0]
        whole = (image * _scaled(generator, mode.dual)).sum()
    whole = abs(discretization.comm.allreduce(float(whole)))
    if whole < SMALLEST_ENERGY:
        raise BarrierTooHighError(
            "a barrier is so high that the energy of a mode is no double",
            "a barrier below about 600 times the noise",
        )
    result[discretization.cells] = local / whole
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
    return result


def _missed_energy(generator: Generator, values: Floats) -> Floats:
    """a_c(e, e) for the cells of this rank.

    What degrees p, p - 1 and p - 2 add to u in a cell is measured; degree p + 1 would add as much less again.  Both
    ratios are extrapolated and the larger result is taken: a function that is even or odd in a cell skips every
    second degree.
    """
    discretization = generator.discretization
    degree, dimension = discretization.degree, discretization.triangulation.dimension
    parts = [values - values[:, :1]]
    parts += [parts[0] @ _lower_degree_part(dimension, degree, degree - lower).T for lower in (1, 2, 3)]
    last, before, earlier = (
        np.maximum(_energies(generator, _scaled(generator, upper - lower)), 1e-300)
        for upper, lower in zip(parts[:-1], parts[1:], strict=True)
    )
    ratio = np.minimum(last / before, 1.0)
    if degree < 3:
        return np.asarray(last * ratio)
    ratio_before = np.minimum(before / earlier, 1.0)
    return np.asarray(np.maximum(last * ratio, before * ratio_before**2))


def _scaled(generator: Generator, values: Floats) -> Floats:
    """Values by cell, less that of the first node, in the generator's scaled unknowns."""
    exponent = generator.exponent[generator.discretization.dofs]
    return np.asarray((values - values[:, :1]) * np.exp(-0.5 * (exponent - generator.lowest)))


def shares_of_cells(generator: Generator, modes: Sequence[Mode]) -> Floats:
    """Share of the stationary mass plus share of each mode's energy in every cell of this rank, (cells,)."""
    discretization = generator.discretization
    one = np.exp(-0.5 * (generator.exponent[discretization.dofs] - generator.lowest))
    parts = [(one * (generator.mass @ one[..., None])[..., 0]).sum(axis=1)]
    parts += [_energies(generator, _scaled(generator, mode.values)) for mode in modes]
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
