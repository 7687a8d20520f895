"""Where a discrete function is not resolved: the energy of what its highest degree adds, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.cell_products import CellProducts, energy, sizes
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.triangulation import Floats


@dataclass(frozen=True)
class Mode:
    """A function that an answer rests on, ``values`` (cells of this rank, n) by cell, up to a constant in each.

    The number reported is a(u, u), or a(u, z) with the ``dual`` z, given in the same way.
    """

    values: Floats
    dual: Floats | None = None


def energy_errors(generator: Generator, modes: Sequence[Mode]) -> Floats:
    """Estimate, cell by cell, of the relative error that the cells bring to what the modes stand for together.

    For one mode that is a_c(e, e) / a(u, u), e the error of u, or sqrt(a_c(e, e) a_c(f, f)) / a(u, z) with f the
    error of the dual z (Becker and Rannacher 2001).  Modes of a multiple eigenvalue are given together: the sum over
    them does not depend on the basis of their space.
    """
    discretization = generator.discretization
    result = np.zeros(len(discretization.triangulation.cells))
    first = modes[0]
    if first.dual is None:
        wholes = [_finite(energy(generator, mode.values).log_of_sum()) for mode in modes]
        missed = _missed(generator, [m.values for m in modes], [whole - wholes[0] for whole in wholes])
        log_whole = wholes[0]
    else:
        log_whole = _finite(energy(generator, first.values, first.dual).log_of_sum())
        primal, dual = (_missed(generator, [values], [0.0]) for values in (first.values, first.dual))
        amounts = np.sqrt(primal.amounts) * np.sqrt(dual.amounts)
        missed = replace(primal, amounts=amounts, levels=0.5 * (primal.levels + dual.levels))
    result[discretization.cells] = missed.relative_to(log_whole)
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
    return result


def _finite(log_whole: float) -> float:
    if not np.isfinite(log_whole):
        raise BarrierTooHighError("a barrier is so high that a mode has no energy in doubles", "more noise")
    return log_whole


def _missed(generator: Generator, functions: Sequence[Floats], logs: Sequence[float]) -> CellProducts:
    """Energy of the error in every cell, summed over ``functions``, each divided by the exponential of its log.

    What degrees p, p - 1 and p - 2 add to u in a cell is measured; degree p + 1 would add as much less again.  Both
    ratios are extrapolated and the larger result is taken: a function that is even or odd in a cell skips every
    second degree.
    """
    discretization = generator.discretization
    degree, dimension = discretization.degree, discretization.triangulation.dimension
    size = np.max(
        [sizes(values - values[:, :1]) * np.exp(-0.5 * log) for values, log in zip(functions, logs, strict=True)],
        axis=0,
    )
    added = np.zeros((3, len(discretization.dofs)))
    for values, log in zip(functions, logs, strict=True):
        parts = [(values - values[:, :1]) / size[:, None] * np.exp(-0.5 * log)]
        parts += [parts[0] @ _lower_degree_part(dimension, degree, degree - lower).T for lower in (1, 2, 3)]
        steps = zip(parts[:-1], parts[1:], strict=True)
        added += [_energies(generator, upper - lower) for upper, lower in steps]
    last, before, earlier = added
    ratio, ratio_before = _share(last, before), _share(before, earlier)
    amounts = last * ratio if degree < 3 else np.maximum(last * ratio, before * ratio_before**2)
    levels = generator.exponent[discretization.dofs].min(axis=1) - 2.0 * np.log(size)
    return CellProducts(amounts, levels, discretization.comm)


def _share(part: Floats, whole: Floats) -> Floats:
    """part / whole, at most one."""
    return np.divide(part, whole, out=np.ones(len(part)), where=whole > part)


def _energies(generator: Generator, values: Floats) -> Floats:
    """a_c(u, u) exp(lowest exponent of the cell) for functions of moderate size, (cells,)."""
    energies = energy(generator, values)
    lowest = generator.exponent[generator.discretization.dofs].min(axis=1)
    return energies.amounts * np.exp(lowest - energies.levels)


def _lower_degree_part(dimension: int, degree: int, lower: int) -> Floats:
    """Matrix (n, n): nodal values to those of the interpolant of ``lower`` degree; below one, the mean."""
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    if lower < 1:
        return np.full((len(nodes), len(nodes)), 1.0 / len(nodes))
    down = _dolfinx.tabulate_lagrange(dimension, degree, _dolfinx.lagrange_nodes(dimension, lower))[0]
    up = _dolfinx.tabulate_lagrange(dimension, lower, nodes)[0]
    return up @ down
