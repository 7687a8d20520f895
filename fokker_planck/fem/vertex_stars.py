"""Conjugate gradients where a direct factorisation no longer pays: in space, beyond some hundred thousand unknowns.

For a symmetric matrix on the faces of cells, S = sum_c R_c^T S_c R_c, the preconditioner is

    B = P (P^T S P)^-1 P^T + sum_v R_v^T (R_v S R_v^T)^-1 R_v,

with P the piecewise linear functions and R_v the unknowns on the edges and faces that meet at vertex v.  The condition
of B S depends neither on the degree (Schoeberl, Melenk, Pechstein and Zaglmayr, IMA J. Numer. Anal. 28 (2008) 1) nor,
measured, on how steep the weight is: each star holds whatever decays away from its vertex.  Patches of edges or of
cells leave functions of low energy out (condition 500 to 30,000 instead of 9 on the quartic well at degree 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.arrays import Floats, Integers
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx, _petsc, work
from fokker_planck.fem.discretization import Discretization

NDArray32 = np.ndarray[Any, np.dtype[np.float32]]
MOST_STEPS = 300
"""Of conjugate gradients, which take 30 to 60; where they take more, something is wrong with the mesh."""
DIGITS = 25
"""Of the preconditioned residual at its start, after which they end.  Each entry then has its own twelve digits down to
1e-28 of the largest (barrier 100, by the direct solve, which twice the steps do not better); 15 digits do down to 1e-8."""
SOLVED = 1e-10
"""Of the sizes of S x and b, which the true residual has to be below."""
ENTRIES_AT_ONCE = 4_000_000
"""Of the matrices of stars that are summed up and inverted together: 32 MB, in blocks of a few hundred stars."""
DIGITS_OF_SINGLES = 1e-30
"""Of the largest entry, below which nothing is handed to single precision: denormal numbers are slow."""


@dataclass(frozen=True)
class CellBlocks:
    """S by its cells: ``whole`` (m, b, b) less the product of ``coupling`` (m, i, b) with itself.

    ``numbers`` (m, b) are those of the unknowns, negative where there is none.
    """

    whole: Floats
    coupling: Floats
    numbers: Integers

    def applied(self, vectors: Floats) -> Floats:
        """Of cell vectors (m, b)."""
        columns = vectors[..., None]
        result = (self.whole @ columns)[..., 0]
        if self.coupling.shape[1]:
            within = (self.coupling @ columns)[..., 0]
            result -= (within[:, None, :] @ self.coupling)[:, 0]
        return np.asarray(result)

    def matrices(self, cells: Integers | slice) -> Floats:
        """Some of the S_c, (k, b, b)."""
        coupling = self.coupling[cells]
        return np.asarray(self.whole[cells] - np.swapaxes(coupling, 1, 2) @ coupling)


@dataclass(frozen=True)
class VertexStars:
    """S with its preconditioner, ready to solve; vectors (n,) are whole on every rank.

    ``scale`` (n,) is one over the root of the diagonal of S.  ``members`` (k,) are the unknowns of one star after the
    other, those of one size together, ``inverses`` (stars, size, size) for every size.
    """

    blocks: CellBlocks
    scale: Floats
    members: Integers
    inverses: tuple[NDArray32, ...]
    prolongation: Any
    coarse: _petsc.Factorization
    comm: MPI.Comm

    def solve(self, right: Floats, digits: int = DIGITS) -> Floats:
        """S^-1 ``right``.  Raises ``ConvergenceError`` where that does not converge."""
        largest = float(np.abs(right).max(initial=0.0))
        if largest == 0.0:
            return np.zeros_like(right)
        load = right / largest
        x, residual = np.zeros_like(load), load.copy()
        direction = image = self.preconditioned(residual)
        size = start = float(residual @ image)
        for step in range(1, MOST_STEPS + 1):
            flow = self.applied(direction)
            length = size / float(direction @ flow)
            x, residual = x + length * direction, residual - length * flow
            image = self.preconditioned(residual)
            before, size = size, float(residual @ image)
            if not size > 10.0 ** (-2 * digits) * start:
                break
            direction = image + (size / before) * direction
        else:
            size = np.nan
        missing = self.applied(x) - load
        scales = np.linalg.norm(np.abs(x) / self.scale**2) + np.linalg.norm(load)
        if not np.isfinite(size) or not np.linalg.norm(missing) <= max(SOLVED, 10.0**-digits) * scales:
            raise ConvergenceError(f"conjugate gradients did not converge in {step} steps", _petsc.REMEDY)
        work.done(solves=1, iterations=step)
        return np.asarray(x * largest)

    def applied(self, vector: Floats) -> Floats:
        """S times a vector, (n,)."""
        numbers = self.blocks.numbers
        local = self.blocks.applied(np.append(vector, 0.0)[numbers])
        return self._summed(numbers, local, len(vector))

    def preconditioned(self, residual: Floats) -> Floats:
        """B times a vector, (n,)."""
        scaled = residual * self.scale
        smallest = DIGITS_OF_SINGLES * float(np.abs(scaled).max(initial=0.0))
        held = np.where(np.abs(scaled) > smallest, scaled, 0.0).astype(np.float32)[self.members]
        image, first = np.empty_like(held), 0
        for inverse in self.inverses:
            stars, size = inverse.shape[:2]
            part = slice(first, first + stars * size)
            image[part] = (inverse @ held[part].reshape(stars, size, 1)).ravel()
            first += stars * size
        result = self._summed(self.members, image, len(residual)) * self.scale
        return result + np.asarray(self.prolongation @ self.coarse.apply(self.prolongation.T @ residual))

    def _summed(self, numbers: Integers, values: Any, size: int) -> Floats:
        total = np.bincount(numbers.ravel() % (size + 1), weights=values.ravel(), minlength=size + 1)[:size]
        if self.comm.size > 1:
            self.comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
        return np.asarray(total, dtype=float)





def vertex_stars(discretization: Discretization, blocks: CellBlocks, exponent: Floats, size: int) -> VertexStars:
    """The preconditioner for S of ``size`` unknowns; ``exponent`` (N,) is the one by which unknowns are scaled."""
    comm, count = discretization.comm, blocks.numbers.shape[1]
    vertices = discretization.dofs[:, : discretization.triangulation.dimension + 1]
    diagonal = np.einsum("cii->ci", blocks.whole) - np.einsum("cib,cib->cb", blocks.coupling, blocks.coupling)
    total = np.bincount(blocks.numbers.ravel() % (size + 1), weights=diagonal.ravel(), minlength=size + 1)[:size]
    if comm.size > 1:
        comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
    if not (total > 0.0).all():
        raise ConvergenceError("rounding has made the energy of an unknown negative", _petsc.REMEDY)
    scale = 1.0 / np.sqrt(total)
    prolongation, coarse = _linear_functions(discretization, blocks, exponent, size)
    members, inverses = _stars(discretization, blocks, vertices, scale)
    assert count == blocks.whole.shape[1]
    return VertexStars(blocks, scale, members, inverses, prolongation, coarse, comm)


def _barycentric(discretization: Discretization, count: int) -> Floats:
    """Of the nodes on the faces of a cell, (count, dim + 1)."""
    reference = _dolfinx.lagrange_nodes(discretization.triangulation.dimension, discretization.degree)[:count]
    return np.concatenate([1.0 - reference.sum(axis=1, keepdims=True), reference], axis=1)


def _linear_functions(
    discretization: Discretization, blocks: CellBlocks, exponent: Floats, size: int
) -> tuple[Any, _petsc.Factorization]:
    """P (n, vertices), in scaled unknowns, and P^T S P, factored; every rank has all of both."""
    from scipy.sparse import csr_matrix

    comm, count = discretization.comm, blocks.numbers.shape[1]
    corners = discretization.triangulation.dimension + 1
    numbers, vertices = blocks.numbers, blocks.numbers[:, :corners]
    local = exponent[discretization.dofs[:, :count]]
    shape = np.exp(0.5 * (local[:, None, :corners] - local[:, :, None])) * _barycentric(discretization, count)
    shape *= (numbers >= 0)[:, :, None] & (vertices >= 0)[:, None, :]
    parts = []
    for first in range(0, len(numbers), 1024):
        some = slice(first, first + 1024)
        parts.append(np.swapaxes(shape[some], 1, 2) @ blocks.matrices(some) @ shape[some])
    rows = np.broadcast_to(numbers[:, :, None], shape.shape)
    columns = np.broadcast_to(vertices[:, None, :], shape.shape)
    used = shape != 0.0
    pieces = comm.allgather(
        (np.concatenate(parts) if parts else np.zeros((0, corners, corners)), vertices, rows[used], columns[used], shape[used])
    )
    elements, vertices, places, hats, values = (np.concatenate([piece[k] for piece in pieces]) for k in range(5))
    kept = np.unique(vertices[vertices >= 0])
    number = np.full(size + 1, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    # every cell around an unknown names the same value
    keys, first = np.unique(places * np.int64(len(kept) + 1) + number[hats], return_index=True)
    pairs = np.divmod(keys, len(kept) + 1)
    prolongation = csr_matrix((values[first], pairs), shape=(size, len(kept)))
    matrix = _petsc.matrix(MPI.COMM_SELF, len(kept), number[vertices], elements)
    return prolongation, _petsc.Factorization(matrix)


def _stars(
    discretization: Discretization, blocks: CellBlocks, vertices: Integers, scale: Floats
) -> tuple[Integers, tuple[NDArray32, ...]]:
    """The unknowns of the stars that are this rank's, and the inverses of their matrices, scaled."""
    numbers, size = blocks.numbers, len(scale)
    on = _barycentric(discretization, numbers.shape[1]) > 1e-12
    columns = [np.flatnonzero(on[:, corner]) for corner in range(vertices.shape[1])]
    centres = np.concatenate([vertices[:, corner] for corner in range(vertices.shape[1])])
    cells = np.tile(np.arange(len(numbers)), vertices.shape[1])
    members = np.concatenate([numbers[:, some] for some in columns])
    locals_ = np.repeat(np.array(columns), len(numbers), axis=0)
    used = members >= 0
    # one row for every unknown of a star
    keys, place = np.unique((centres[:, None] * np.int64(size) + members)[used], return_inverse=True)
    positions = np.full(members.shape, -1, dtype=np.int64)
    positions[used] = place
    owners, starts, counts = np.unique(keys // size, return_index=True, return_counts=True)
    star = np.searchsorted(owners, centres)
    found = used.any(axis=1)
    ordered = np.argsort(counts, kind="stable")
    result, inverses = [], []
    by_star = np.argsort(star[found], kind="stable")
    rows = np.flatnonzero(found)[by_star]
    bounds = np.searchsorted(star[rows], np.arange(len(owners) + 1))
    for width in np.unique(counts):
        same = ordered[counts[ordered] == width]
        inverse = np.empty((len(same), width, width), dtype=np.float32)
        step = max(1, ENTRIES_AT_ONCE // int(width) ** 2)
        for begin in range(0, len(same), step):
            some = same[begin : begin + step]
            pairs = np.concatenate([rows[bounds[s] : bounds[s + 1]] for s in some])
            which = np.repeat(np.arange(len(some)), bounds[some + 1] - bounds[some])
            matrices = _summed_matrices(blocks, cells[pairs], locals_[pairs], positions[pairs], which, starts[some], int(width))
            unknowns = keys[starts[some][:, None] + np.arange(width)] % size
            matrices *= scale[unknowns][:, :, None] * scale[unknowns][:, None, :]
            inverse[begin : begin + step] = np.linalg.inv(matrices)
            result.append(unknowns.ravel())
        inverses.append(inverse)
    return (np.concatenate(result) if result else np.zeros(0, dtype=np.int64)), tuple(inverses)


def _summed_matrices(
    blocks: CellBlocks,
    cells: Integers,
    columns: Integers,
    positions: Integers,
    which: Integers,
    starts: Integers,
    width: int,
) -> Floats:
    """R_v S R_v^T of stars of one ``width``, (stars, width, width), from the cells that meet at their vertices."""
    inside = positions >= 0
    at = np.where(inside, positions - starts[which][:, None], 0)
    total = np.zeros(len(starts) * width**2)
    for first in range(0, len(cells), 1024):
        some = slice(first, first + 1024)
        whole = blocks.matrices(cells[some])
        order = np.arange(len(whole))[:, None, None]
        values = whole[order, columns[some][:, :, None], columns[some][:, None, :]]
        values *= inside[some][:, :, None] & inside[some][:, None, :]
        place = (which[some][:, None, None] * width + at[some][:, :, None]) * width + at[some][:, None, :]
        total += np.bincount(place.ravel(), weights=values.ravel(), minlength=len(total))
    return total.reshape(-1, width, width)
