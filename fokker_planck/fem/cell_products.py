"""Bilinear forms cell by cell, each cell in its own scale: sums over a landscape of any height.

The contribution of a cell to a(u, v) or m(u, v) is ``amounts * exp(-levels)``, the level being the lowest exponent
Phi in the cell less the logarithms of the functions' size there.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class CellProducts:
    """The contributions ``amounts * exp(-levels)``, (cells,) of this rank each."""

    amounts: Floats
    levels: Floats
    comm: MPI.Comm

    def relative_to(self, log: float) -> Floats:
        """The contributions divided by exp(``log``), (cells,)."""
        return times_exp(self.amounts, -self.levels - log)

    def log_of_sum(self) -> float:
        """log |sum| over all cells of all ranks; minus infinity where nothing is left."""
        with np.errstate(divide="ignore"):
            logs = np.log(np.abs(self.amounts)) - self.levels
        top = self.comm.allreduce(float(logs.max(initial=-np.inf)), op=MPI.MAX)
        if top == -np.inf:
            return top
        total = abs(self.comm.allreduce(float(self.relative_to(top).sum())))
        return float(top + np.log(total)) if total > 0.0 else -np.inf


def energy(generator: Generator, u: Floats, v: Floats | None = None) -> CellProducts:
    """a(u, v), or a(u, u), of functions given by their values in every cell, (cells, n), up to a constant in each."""
    first = u - u[:, :1]
    return _products(generator, generator.stiffness, first, first if v is None else v - v[:, :1])


def flow(generator: Generator, u: Floats, v: Floats) -> CellProducts:
    """a(u, v) of functions given likewise, u up to a constant in each cell: of v it counts where a current is left."""
    return _products(generator, generator.stiffness, u - u[:, :1], v)


@dataclass(frozen=True)
class LogScaled:
    """Functions by cell, ``values`` (cells, n) times exp(``logs`` (cells,)), which need not be a double."""

    values: Floats
    logs: Floats


def by_cell(relative: Floats, logs: Floats, dofs: Integers) -> LogScaled:
    """The function ``relative`` exp(``logs``) of the nodes, (N,) each, by cell, in the scale of the largest value."""
    local = logs[dofs]
    largest = local.max(axis=1)
    return LogScaled(relative[dofs] * np.exp(local - largest[:, None]), largest)


def product(generator: Generator, u: Floats | LogScaled | float, v: Floats | LogScaled | float) -> CellProducts:
    """m(u, v) of functions given by their values in every cell, (cells, n), or of constants."""
    first, second = (w if isinstance(w, LogScaled) else LogScaled(np.atleast_2d(w), np.zeros(1)) for w in (u, v))
    plain = _products(generator, generator.mass, first.values, second.values)
    return replace(plain, levels=plain.levels - first.logs - second.logs)


def sizes(values: Floats) -> Floats:
    """Largest absolute value in every cell, one where all are zero; (cells,)."""
    size = np.abs(values).max(axis=1)
    return np.where(size > 0.0, size, 1.0)


def _products(generator: Generator, elements: Floats, u: Floats, v: Floats) -> CellProducts:
    exponent = generator.exponent[generator.discretization.dofs]
    levels = exponent.min(axis=1)
    half = np.exp(-0.5 * (exponent - levels[:, None]))
    size_u, size_v = sizes(u), sizes(v)
    image = (elements @ (u / size_u[:, None] * half)[..., None])[..., 0]
    amounts = (image * (v / size_v[:, None] * half)).sum(axis=1)
    return CellProducts(amounts, levels - np.log(size_u) - np.log(size_v), generator.discretization.comm)
