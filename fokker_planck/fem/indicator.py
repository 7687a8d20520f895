"""Where a discrete function is not resolved: the energy that its highest degrees add, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.algebra.scaled_cholesky import scaled_cholesky
from fokker_planck.fem.cell_products import CellProducts, energy, sizes
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass, replace

CELLS_AT_ONCE = 4096
"""So that a block of values stays in the processor's cache: 1,024 and 16,384 at once give the same digits in the same
time, within a fifth."""
AS_IF_HIGHER = 1.75
"""Added to the degree in the power law of a corner: energies that the last degrees add in the cells there, to degrees
2 to 8, then give the error to a tenth (angles of 180, 270 and 315 degrees, gaps and mean times)."""
STEP_DOWN = {1: 0.0, 2: 1.0, 3: 2.0 / 3.0}  # one over the degrees between what is compared, if not two


@dataclass(frozen=True)
class Mode:
    """A function that an answer rests on, ``values`` (cells of this rank, n) by cell, up to a constant in each.

    The number reported is a(u, u), or a(u, z) with the ``dual`` z, given in the same way, which has a pole in the cells
    ``pole`` (cells,).  ``log_whole`` is the logarithm of |a(u, z)|, energies relative to the lowest exponent of the
    generator; without it the functions tell.  Both may be complex.

    ``against`` (cells,) instead of a dual are logarithms of the root of the energy that the error of one may have in
    each cell, for a number that is no functional of its own: see :func:`against_all`.
    """

    values: NDArray[Any]
    dual: NDArray[Any] | None = None
    pole: Booleans | None = None
    log_whole: float | None = None
    against: Floats | None = None


def against_all(generator: Generator) -> Floats:
    """Logarithms (cells,) of the largest m_c(e, f) over sqrt(a_c(e, e)), for all f of size one in the cell.

    That is sqrt(m_c(1, 1) m_c(e, e)) for an error e that oscillates in the cell as functions of the highest degree do,
    whose m_c(e, e) / a_c(e, e) is that of the traces: it bounds what e brings to the integral of |e| (Weighted by
    exp(-psi)), so to the distance in total variation of two densities.
    """
    exponent = generator.exponent[generator.discretization.dofs]
    levels = exponent.min(axis=1)
    half = np.exp(-0.5 * (exponent - levels[:, None]))
    mass = (half * (generator.mass @ half[..., None])[..., 0]).sum(axis=1)
    traces = [np.einsum("cii->c", elements) for elements in (generator.mass, generator.energy)]
    return np.asarray(0.5 * (np.log(mass) - levels + np.log(traces[0]) - np.log(traces[1])))


def energy_errors(generator: Generator, modes: Sequence[Mode], exponents: Floats | None = None) -> Floats:
    """Estimate, cell by cell, of the relative error that the cells bring to what the modes stand for together.

    For one mode that is a_c(e, e) / a(u, u), e the error of u, or sqrt(a_c(e, e) a_c(f, f)) / a(u, z) with f the
    error of the dual z (Becker and Rannacher 2001).  Modes of a multiple eigenvalue are given together: the sum over
    them does not depend on the basis of their space.  With a dual the energies are those of
    int e^-psi D grad u . grad v alone: without detailed balance that bounds the error up to the Peclet number of a
    cell.

    Given ``exponents`` alpha (cells of this rank,), the error in the cells alone where they are finite, at corners
    where the functions are like r^alpha: there degree p leaves an energy like p^(-4 alpha).
    """
    return errors_of_all(generator, [modes], exponents)[0]


def errors_of_all(
    generator: Generator, groups: Sequence[Sequence[Mode]], exponents: Floats | None = None
) -> list[Floats]:
    """The same of several groups of modes, (cells,) each; the energy of a cell is factored once for all of them."""
    functions: list[_Functions] = []
    for modes in groups:
        # a logarithm at a pole is no power, and nearly orthogonal to it
        pole, apart = modes[0].pole, exponents
        if apart is not None and pole is not None:
            apart = np.where(pole, np.inf, apart)
        functions += [_Functions.of(values, logs, apart) for values, logs in _parts(generator, modes)]
    missed = iter(_missed(generator, functions))
    return [_relative(generator, modes, missed) for modes in groups]


def energy_shares(generator: Generator, modes: Sequence[Mode]) -> Floats:
    """What every cell has of the functions themselves, not of their errors, over what the modes stand for, (cells,).

    a_c(u, u) / a(u, u), or sqrt(a_c(u, u) a_c(z, z)) / a(u, z) with a dual z: of cells that were not there, with what
    they lead to in their place, a(u, z) would be off by a_c(u, z) to first order.
    """
    return _relative(generator, modes, iter(_wholes(generator, _parts(generator, modes))))


def slope_shares(generator: Generator, modes: Sequence[Mode]) -> Floats:
    """The same where slopes of functions may be off by a part of themselves, cell by cell, in all of a cell at once.

    Times the square of that part it is the error of what the modes stand for.  Without detailed balance the slope of a
    left function z follows the weight, z' = (D^-1 c) z on a line, and may be off by a part of z over the length h of
    the cell though z hardly changes: there a_c(z, z) is max |z|^2 int e^-psi tr D / (dim h^2) at least.  A function
    that is its own dual is the density.
    """
    parts, dual = _parts(generator, modes), modes[0].dual
    shares = _relative(generator, modes, iter(_wholes(generator, parts)))
    if generator.symmetric or dual is None:
        return shares
    discretization = generator.discretization
    corners = discretization.corners
    length = np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3).max(axis=(1, 2))
    size = np.abs(dual).max(axis=1) / (length * np.sqrt(corners.shape[2]))
    along = [x * size[:, None] for x in np.moveaxis(discretization.cell_nodes, 2, 0)]
    for part in range(0 if modes[0].values is dual else 1, 2):
        parts[part] = (along, [0.0] * len(along))
    return np.maximum(shares, _relative(generator, modes, iter(_wholes(generator, parts))))


def _wholes(generator: Generator, parts: list[tuple[list[Floats], list[float]]]) -> list[CellProducts]:
    """Energies in every cell of the functions themselves, summed over those of each part."""
    exponent = generator.exponent[generator.discretization.dofs]
    lowest = exponent.min(axis=1)
    half, wholes = np.exp(-0.5 * (exponent - lowest[:, None])), []
    for values, logs in parts:
        each, amounts = _Functions.of(values, logs, None), np.zeros(len(lowest))
        for u, scale in zip(values, each.scales, strict=True):
            scaled = (u - u[:, :1]) * (half * (scale / each.size[:, None]))
            amounts += np.maximum((scaled * (generator.energy @ scaled[..., None])[..., 0]).sum(axis=1), 0.0)
        wholes.append(CellProducts(amounts, lowest - 2.0 * np.log(each.size), generator.discretization.comm))
    return wholes


def _parts(generator: Generator, modes: Sequence[Mode]) -> list[tuple[list[Floats], list[float]]]:
    """The functions whose errors are added up, with the logarithms of what each is divided by: the dual's apart."""
    first = modes[0]
    if first.against is not None:
        return [([first.values], [0.0])]
    if first.dual is not None:
        return [(parts, [0.0] * len(parts)) for parts in map(_real, (first.values, first.dual))]
    wholes = [_finite(energy(generator, mode.values).log_of_sum()) for mode in modes]
    return [([mode.values for mode in modes], [whole - wholes[0] for whole in wholes])]


def _relative(generator: Generator, modes: Sequence[Mode], missed: Iterator[CellProducts]) -> Floats:
    """The error of every cell, (cells,), over what the modes stand for, from those of their functions."""
    first, error = modes[0], next(missed)
    log_whole = None if first.log_whole is None else first.log_whole - generator.lowest
    if first.against is not None:
        error = replace(error, amounts=np.sqrt(error.amounts), levels=0.5 * error.levels - first.against)
        log_whole = log_whole if log_whole is not None else -generator.lowest
    elif first.dual is not None:
        adjoint = next(missed)
        amounts = np.sqrt(error.amounts) * np.sqrt(adjoint.amounts)
        error = replace(error, amounts=amounts, levels=0.5 * (error.levels + adjoint.levels))
        if log_whole is None:
            log_whole = _finite(energy(generator, first.values, first.dual).log_of_sum())
    else:
        log_whole = _finite(energy(generator, first.values).log_of_sum())
    return on_all_cells(error.relative_to(log_whole), generator.discretization)


def _real(values: NDArray[Any]) -> list[Floats]:
    return [values.real, values.imag] if np.iscomplexobj(values) else [values]


def last_degrees(discretization: Discretization, values: Floats) -> Floats:
    """What the last two degrees are of a function with ``values`` (cells of this rank, n), over its largest value."""
    basis, degrees = _hierarchical_basis(discretization.triangulation.dimension, discretization.degree)
    last = basis[:, degrees >= discretization.degree - 1]
    parts = (values / sizes(values)[:, None]) @ last
    return np.asarray(np.sqrt((parts**2).sum(axis=1) / len(basis)))


def on_all_cells(local: Floats, discretization: Discretization) -> Floats:
    """``local`` (cells of this rank,) of every cell of the mesh, on every rank."""
    result = np.zeros(len(discretization.triangulation.cells))
    result[discretization.cells] = local
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
    return result


def _finite(log_whole: float) -> float:
    if not np.isfinite(log_whole):
        raise BarrierTooHighError("a barrier is so high that a mode has no energy in doubles", "more noise")
    return log_whole


@dataclass(frozen=True)
class _Functions:
    """Functions by cell, (cells, n) each, to be multiplied by their ``scales``; ``size`` (cells,) is the largest then.

    That may be hardly a double.  ``exponents`` are those of corners.
    """

    values: list[Floats]
    scales: list[float]
    size: Floats
    exponents: Floats | None

    @classmethod
    def of(cls, values: list[Floats], logs: Sequence[float], exponents: Floats | None) -> _Functions:
        """Functions, each divided by the exponential of its log."""
        scales = [float(np.exp(-0.5 * log)) for log in logs]
        size = np.stack([sizes(u - u[:, :1]) * scale for u, scale in zip(values, scales, strict=True)]).max(axis=0)
        return cls(values, scales, size, exponents)


def _missed(generator: Generator, functions: Sequence[_Functions]) -> list[CellProducts]:
    """Energy of the error in every cell, summed over each of the ``functions``.

    What each degree up to p adds to the best approximation of u in the cell is known exactly; degree p + 1 and those
    beyond would add as much less again.  Degrees are compared by pairs: a function that is even or odd in a cell skips
    every second one.
    """
    discretization = generator.discretization
    degree, lowest = discretization.degree, generator.exponent[discretization.dofs].min(axis=1)
    together, result = 2 if degree > 2 else 1, []
    for each, added in zip(functions, _degree_energies(generator, functions), strict=True):
        last, before = (added[:, k].sum(axis=1) for k in (slice(-together, None), slice(-2 * together, -together)))
        if each.exponents is None:
            amounts = added[:, -1] * _share(last, before) ** STEP_DOWN.get(degree, 0.5)
        else:
            amounts = last * power_law_rest(degree, min(together, degree), each.exponents)
        result.append(CellProducts(amounts, lowest - 2.0 * np.log(each.size), discretization.comm))
    return result


def power_law_rest(degree: int, last: int, exponents: Floats) -> Floats:
    """What the degrees above p add over what the ``last`` up to p add, where degree k leaves k^(-4 alpha); else zero.

    >>> power_law_rest(6, 2, np.array([2.0 / 3.0, np.inf])).round(3).tolist()
    [0.822, 0.0]
    """
    ratio = (degree + AS_IF_HIGHER) / (degree - last + AS_IF_HIGHER)
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (ratio ** (4.0 * exponents) - 1.0))


def _degree_energies(generator: Generator, functions: Sequence[_Functions]) -> list[Floats]:
    """What every degree adds to a_c(u, u) exp(lowest exponent of the cell), (cells, p), summed over each of them.

    With v_k the best approximation of u (cells, n) by degree k, in the energy of the cell, that is
    a_c(v_k - v_(k - 1), v_k - v_(k - 1)) for k = 1 to p. In a basis whose first functions span the lower degrees they
    are sums of squares of L^T u, with L the Cholesky factor of the energy.  Where only corners are asked for, zero in
    all other cells.
    """
    discretization = generator.discretization
    basis, degrees = _hierarchical_basis(discretization.triangulation.dimension, discretization.degree)
    of_degree = np.equal.outer(degrees, np.arange(1, discretization.degree + 1)).astype(float)
    result = [np.zeros((len(discretization.dofs), discretization.degree)) for _ in functions]
    asked = np.zeros(len(discretization.dofs), dtype=bool)
    for each in functions:
        asked |= True if each.exponents is None else np.isfinite(each.exponents)
    numbers = np.flatnonzero(asked)
    for first in range(0, len(numbers), CELLS_AT_ONCE):
        cells: slice | Integers = numbers[first : first + CELLS_AT_ONCE]
        if len(numbers) == len(asked):
            cells = slice(first, first + CELLS_AT_ONCE)
        exponent = generator.exponent[discretization.dofs[cells]]
        half = np.exp(-0.5 * (exponent - exponent.min(axis=1, keepdims=True)))
        weighted = basis * half[:, :, None]
        energies = np.swapaxes(weighted, 1, 2) @ generator.energy[cells] @ weighted
        factor = scaled_cholesky(energies)
        for each, added in zip(functions, result, strict=True):
            for values, scale in zip(each.values, each.scales, strict=True):
                scaled = (values[cells] - values[cells, :1]) / each.size[cells, None] * scale
                squares = ((scaled @ basis / factor.scale)[:, None, :] @ factor.lower)[:, 0] ** 2
                added[cells] += squares @ of_degree
    return result


@lru_cache(maxsize=16)
def _hierarchical_basis(dimension: int, degree: int) -> tuple[Floats, Integers]:
    """Nodal values (n, n - 1) of polynomials, ascending by degree, without the constant, and their degrees (n - 1,)."""
    nodes = _dolfinx.lagrange_nodes(dimension, degree)
    powers = sorted((e for e in product(range(degree + 1), repeat=dimension) if sum(e) <= degree), key=sum)
    monomials = np.stack([np.prod((2.0 * nodes - 0.7) ** np.array(e), axis=1) for e in powers], axis=1)
    return np.linalg.qr(monomials)[0][:, 1:], np.array([sum(e) for e in powers[1:]])


def _share(part: Floats, whole: Floats) -> Floats:
    """part / whole, at most one."""
    return np.divide(part, whole, out=np.ones(len(part)), where=whole > part)
