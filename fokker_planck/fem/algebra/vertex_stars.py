"""The preconditioner of conjugate gradients in space: stars of all vertices, and piecewise linear functions.

For a symmetric matrix on the faces of cells, S = sum_c R_c^T S_c R_c, the preconditioner is

    B = P (P^T S P)^-1 P^T + sum_v R_v^T (R_v S R_v^T)^-1 R_v,

with P the piecewise linear functions and R_v the unknowns on the edges and faces that meet at vertex v.  The condition
of B S depends neither on the degree (Schoeberl, Melenk, Pechstein and Zaglmayr, IMA J. Numer. Anal. 28 (2008) 1) nor,
measured, on how steep the weight is: each star holds whatever decays away from its vertex.  Patches of edges or of
cells leave functions of low energy out (condition 500 to 30,000 instead of 9 on the quartic well at degree 4).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx, _petsc
from fokker_planck.fem.algebra.portions import Portion, portion_of
from fokker_planck.fem.algebra.star_inverses import StarInverses, packed_inverse
from fokker_planck.fem.discretization import Discretization
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.quantity.light_dataclasses import dataclass, replace

ENTRIES_AT_ONCE = 1_000_000
"""Of the matrices of stars that are summed up and inverted together: 8 MB, in blocks of some dozens of stars."""
CELLS_AT_ONCE = 256
"""Whose matrices are spread over stars together: some MB, too."""
HOPELESS = 1e10
"""Of the inverse of a star in the scale of its diagonal, above which there is no iteration: ten digits of a residual
would be rounding.  Where Phi changes by 17 in the cells around a minimum it is 1e7 to 1e8."""
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
    """S with its preconditioner, for vectors of which each rank has its ``portion``.

    ``scale`` (k,) is one over the root of the diagonal of S; ``around`` (m, b) and ``members`` (j,) are the positions
    of the unknowns of cells and of stars, one beyond the end where there is none; ``inverses`` are those of this rank's
    stars.  ``prolongation`` (k, vertices) has the rows of the portion, ``restriction`` the columns of what it owns.
    """

    blocks: CellBlocks
    portion: Portion
    scale: Floats
    around: Integers
    members: Integers
    inverses: tuple[StarInverses, ...]
    prolongation: Any
    restriction: Any
    coarse: _petsc.Factorization

    def applied(self, vector: Floats) -> Floats:
        """S times a vector, (k,)."""
        local = self.blocks.applied(np.append(vector, 0.0)[self.around])
        return self.portion.added_up(self.around, local)

    def preconditioned(self, residual: Floats) -> Floats:
        """B times a vector, (k,)."""
        scaled = residual * self.scale
        sizes = np.abs(scaled)
        scaled[sizes <= DIGITS_OF_SINGLES * self.portion.greatest(float(sizes.max(initial=0.0)))] = 0.0
        image = np.concatenate([stars.times(scaled) for stars in self.inverses])
        result = self.portion.added_up(self.members, image)
        result *= self.scale
        result += self.prolongation @ self.coarse.apply(self._restricted(residual))
        return result

    def _restricted(self, residual: Floats) -> Floats:
        """P^T times a vector, (vertices,), the same on every rank."""
        result = np.asarray(self.restriction @ residual[: self.portion.owned])
        if self.portion.comm.size > 1:
            self.portion.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
        return result

    def surroundings(self, vector: Floats) -> Floats:
        """For every unknown the largest entry of |vector| in the cells around, in the scale of the diagonal, (k,)."""
        sizes = np.append(np.abs(vector) / self.scale, 0.0)
        largest = sizes[self.around].max(axis=1, initial=0.0)
        return self.portion.largest(self.around, largest[:, None])


def vertex_stars(discretization: Discretization, blocks: CellBlocks, exponent: Floats, size: int) -> VertexStars | None:
    """The preconditioner for S of ``size`` unknowns; ``exponent`` (N,) is the one by which unknowns are scaled.

    None where the mesh is so coarse that rounding decides within one star.
    """
    comm = discretization.comm
    vertices = discretization.dofs[:, : discretization.triangulation.dimension + 1]
    diagonal = np.einsum("cii->ci", blocks.whole) - np.einsum("cib,cib->cb", blocks.coupling, blocks.coupling)
    total = np.bincount(blocks.numbers.ravel() % (size + 1), weights=diagonal.ravel(), minlength=size + 1)[:size]
    if comm.size > 1:
        comm.Allreduce(MPI.IN_PLACE, total, op=MPI.SUM)
    if not (total > 0.0).all():
        return None
    scale = 1.0 / np.sqrt(total)
    inverses = _stars(discretization, _exchanged(discretization, blocks, vertices), scale)
    largest = max(stars.largest for stars in inverses)
    if not comm.allreduce(largest, op=MPI.MAX) < HOPELESS:
        return None
    prolongation, coarse = _linear_functions(discretization, blocks, exponent, size)
    touched = np.zeros(size + 1, dtype=bool)
    touched[blocks.numbers] = True
    members = np.concatenate([stars.members for stars in inverses])
    touched[members] = True
    portion = portion_of(comm, size, touched[:size])
    return VertexStars(
        blocks=blocks,
        portion=portion,
        scale=portion.of(scale),
        around=portion.positions(blocks.numbers),
        members=portion.positions(members),
        inverses=tuple(replace(stars, members=portion.positions(stars.members)) for stars in inverses),
        prolongation=prolongation[portion.unknowns],
        restriction=prolongation[portion.unknowns[: portion.owned]].T.tocsr(),
        coarse=coarse,
    )


def _nodes_on_faces(discretization: Discretization, count: int) -> Floats:
    """Of the nodes on the faces of a cell, (count, dim + 1)."""
    reference = _dolfinx.lagrange_nodes(discretization.triangulation.dimension, discretization.degree)[:count]
    return barycentric(reference)


def _linear_functions(
    discretization: Discretization, blocks: CellBlocks, exponent: Floats, size: int
) -> tuple[Any, _petsc.Factorization]:
    """P (n, vertices), in scaled unknowns, and P^T S P, factored; every rank has all of both."""
    from scipy.sparse import csr_matrix

    comm, count = discretization.comm, blocks.numbers.shape[1]
    corners = discretization.triangulation.dimension + 1
    numbers, vertices = blocks.numbers, blocks.numbers[:, :corners]
    local = exponent[discretization.dofs[:, :count]]
    shape = np.exp(0.5 * (local[:, None, :corners] - local[:, :, None])) * _nodes_on_faces(discretization, count)
    shape *= (numbers >= 0)[:, :, None] & (vertices >= 0)[:, None, :]
    parts = []
    for first in range(0, len(numbers), CELLS_AT_ONCE):
        some = slice(first, first + CELLS_AT_ONCE)
        parts.append(np.swapaxes(shape[some], 1, 2) @ blocks.matrices(some) @ shape[some])
    rows = np.broadcast_to(numbers[:, :, None], shape.shape)
    columns = np.broadcast_to(vertices[:, None, :], shape.shape)
    used = shape != 0.0
    pieces = comm.allgather(
        (
            np.concatenate(parts) if parts else np.zeros((0, corners, corners)),
            vertices,
            rows[used],
            columns[used],
            shape[used],
        )
    )
    elements, vertices, places, hats, values = (np.concatenate([piece[k] for piece in pieces]) for k in range(5))
    kept = np.unique(vertices[vertices >= 0])
    number = np.full(size + 1, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    # every cell around an unknown names the same value
    keys, chosen = np.unique(places * np.int64(len(kept) + 1) + number[hats], return_index=True)
    pairs = np.divmod(keys, len(kept) + 1)
    prolongation = csr_matrix((values[chosen], pairs), shape=(size, len(kept)))
    matrix = _petsc.matrix(MPI.COMM_SELF, len(kept), number[vertices], elements)
    return prolongation, _petsc.Factorization(matrix)


@dataclass(frozen=True)
class _Cells:
    """The cells of this rank, and those of others that meet at its vertices: ``matrices`` (k, b, b), on top of them.

    ``numbers`` (m + k, b) and ``vertices`` (m + k, dim + 1) of all; ``own`` says of each vertex whether this rank has
    its star.
    """

    blocks: CellBlocks
    matrices: Floats
    numbers: Integers
    vertices: Integers
    own: Booleans

    def some(self, cells: Integers) -> Floats:
        """S_c of some of all, (j, b, b)."""
        count = len(self.blocks.numbers)
        if not len(self.matrices):
            return self.blocks.matrices(cells)
        given = cells >= count
        result = np.empty((len(cells), *self.matrices.shape[1:]))
        result[given] = self.matrices[cells[given] - count]
        result[~given] = self.blocks.matrices(cells[~given])
        return result


def _exchanged(discretization: Discretization, blocks: CellBlocks, vertices: Integers) -> _Cells:
    """Hand every cell to the ranks that have the star of one of its vertices."""
    comm, whole = discretization.comm, blocks.whole.shape[1:]
    if comm.size == 1:
        own = np.ones(vertices.shape, dtype=bool)
        return _Cells(blocks, np.zeros((0, *whole)), blocks.numbers, vertices, own)
    rank_of = star_owners(comm, vertices, discretization.count)
    parts: list[Any] = []
    for rank in range(comm.size):
        cells = np.flatnonzero((rank_of[vertices] == rank).any(axis=1)) if rank != comm.rank else np.zeros(0, int)
        parts.append((blocks.matrices(cells), blocks.numbers[cells], vertices[cells]))
    received = comm.alltoall(parts)
    numbers = np.concatenate([blocks.numbers, *[part[1] for part in received]])
    vertices = np.concatenate([vertices, *[part[2] for part in received]])
    matrices = np.concatenate([part[0] for part in received])
    return _Cells(blocks, matrices, numbers, vertices, rank_of[vertices] == comm.rank)


def star_owners(comm: MPI.Comm, vertices: Integers, size: int) -> Integers:
    """Which rank has the star of a vertex, (size,): of those with a cell there the one with the least work so far.

    The work is the square of the number of cells at a vertex, as reading an inverse is, which takes most of the time.
    """
    mine = np.bincount(vertices.ravel(), minlength=size)
    cells = np.array(comm.allgather(mine))
    work, candidates = cells.sum(axis=0) ** 2, cells > 0
    result = np.argmax(candidates, axis=0)
    shared = np.flatnonzero(candidates.sum(axis=0) > 1)
    load = np.array([work[(result == rank) & (candidates.sum(axis=0) == 1)].sum() for rank in range(comm.size)])
    for vertex in shared[np.argsort(-work[shared], kind="stable")].tolist():
        result[vertex] = rank = int(np.argmin(np.where(candidates[:, vertex], load, np.inf)))
        load[rank] += work[vertex]
    return np.asarray(result)


def _stars(discretization: Discretization, around: _Cells, scale: Floats) -> tuple[StarInverses, ...]:
    """The inverses of the matrices of the stars that are this rank's, scaled: in single precision, and in double."""
    numbers, vertices, size = around.numbers, around.vertices, len(scale)
    on = _nodes_on_faces(discretization, numbers.shape[1]) > 1e-12
    columns = [np.flatnonzero(on[:, corner]) for corner in range(vertices.shape[1])]
    centres = np.concatenate([vertices[:, corner] for corner in range(vertices.shape[1])])
    cells = np.tile(np.arange(len(numbers)), vertices.shape[1])
    members = np.concatenate([numbers[:, some] for some in columns])
    of_star = np.repeat(np.array(columns), len(numbers), axis=0)
    used = (members >= 0) & around.own.T.ravel()[:, None]
    # one row for every unknown of a star
    keys, place = np.unique((centres[:, None] * np.int64(size) + members)[used], return_inverse=True)
    positions = np.full(members.shape, -1, dtype=np.int64)
    positions[used] = place
    owners, starts, counts = np.unique(keys // size, return_index=True, return_counts=True)
    star = np.searchsorted(owners, centres)
    found = used.any(axis=1)
    ordered = np.argsort(counts, kind="stable")
    found_of: dict[Any, list[tuple[Integers, Any]]] = {np.float32: [], np.float64: []}
    largest = dict.fromkeys(found_of, 0.0)
    by_star = np.argsort(star[found], kind="stable")
    rows = np.flatnonzero(found)[by_star]
    bounds = np.searchsorted(star[rows], np.arange(len(owners) + 1))
    for width in np.unique(counts).tolist():
        same = ordered[counts[ordered] == width]
        step = max(1, ENTRIES_AT_ONCE // width**2)
        for begin in range(0, len(same), step):
            some = same[begin : begin + step]
            pairs = np.concatenate([rows[bounds[s] : bounds[s + 1]] for s in some])
            which = np.repeat(np.arange(len(some)), bounds[some + 1] - bounds[some])
            of_pairs = cells[pairs], of_star[pairs], positions[pairs]
            matrices = _summed_matrices(around, *of_pairs, which, starts[some], width)
            unknowns = keys[starts[some][:, None] + np.arange(width)] % size
            matrices *= scale[unknowns][:, :, None] * scale[unknowns][:, None, :]
            for row, matrix in zip(unknowns, matrices, strict=True):
                inverse, size_of = packed_inverse(matrix)
                kind = inverse.dtype.type
                largest[kind] = max(largest[kind], size_of)
                found_of[kind].append((row, inverse))
    return tuple(_together(kind, stars, largest[kind]) for kind, stars in found_of.items())


def _together(kind: Any, stars: list[tuple[Integers, Any]], largest: float) -> StarInverses:
    members = np.concatenate([np.zeros(0, dtype=np.int64), *[star[0] for star in stars]])
    widths, packed = tuple(len(star[0]) for star in stars), tuple(star[1] for star in stars)
    return StarInverses(kind, members, widths, packed, largest)


def _summed_matrices(
    around: _Cells,
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
    for first in range(0, len(cells), CELLS_AT_ONCE):
        some = slice(first, first + CELLS_AT_ONCE)
        whole = around.some(cells[some])
        order = np.arange(len(whole))[:, None, None]
        values = whole[order, columns[some][:, :, None], columns[some][:, None, :]]
        values *= inside[some][:, :, None] & inside[some][:, None, :]
        place = (which[some][:, None, None] * width + at[some][:, :, None]) * width + at[some][:, None, :]
        total += np.bincount(place.ravel(), weights=values.ravel(), minlength=len(total))
    return total.reshape(-1, width, width)
