"""Portions of vectors: each rank keeps the unknowns of its cells and stars, and adds up those that others have too.

Iterations touch vectors far more often than anybody asks for a whole one.  What crosses between ranks in a step are the
unknowns of both sides, a twentieth of all on 300,000 in space, and not whole vectors.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Portion:
    """Of vectors of ``size`` entries those at ``unknowns`` (k,), of which the first ``owned`` are counted here.

    ``shared`` (s,) are the positions in the portion of what other ranks have too, ``places`` (s,) theirs among the
    ``exchanged`` entries of all ranks that are shared.
    """

    size: int
    unknowns: Integers
    owned: int
    shared: Integers
    places: Integers
    exchanged: int
    comm: MPI.Comm

    def positions(self, numbers: Integers) -> Integers:
        """Of unknowns in the portion; one beyond its end where a number is -1."""
        position = np.full(self.size + 1, len(self.unknowns), dtype=np.int64)
        position[self.unknowns] = np.arange(len(self.unknowns))
        return np.asarray(position[numbers])

    def of(self, whole: Floats) -> Floats:
        """The entries of a whole vector, (k,)."""
        return np.asarray(whole[self.unknowns])

    def whole(self, vector: Floats) -> Floats:
        """The whole vector on every rank, (size,), of which each has its portion."""
        result = np.zeros(self.size)
        result[self.unknowns[: self.owned]] = vector[: self.owned]
        if self.comm.size > 1:
            self.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
        return result

    def added_up(self, positions: Integers, values: Floats) -> Floats:
        """Values at positions, added up over all ranks, (k,)."""
        count = len(self.unknowns)
        total = np.bincount(positions.ravel(), weights=values.ravel(), minlength=count + 1)[:count]
        return self._exchanged(total, MPI.SUM)

    def largest(self, positions: Integers, values: Floats) -> Floats:
        """The largest of values, not negative, at each position, over all ranks, (k,)."""
        result = np.zeros(len(self.unknowns) + 1)
        np.maximum.at(result, positions, values)
        return self._exchanged(result[:-1], MPI.MAX)

    def _exchanged(self, vector: Floats, operation: MPI.Op) -> Floats:
        if self.comm.size > 1:
            common = np.zeros(self.exchanged)
            common[self.places] = vector[self.shared]
            self.comm.Allreduce(MPI.IN_PLACE, common, op=operation)
            vector[self.shared] = common[self.places]
        return vector

    def product(self, first: Floats, second: Floats) -> float:
        """Of two vectors.

        The sum is one rank's: ranks that differ in its last digit would part at the end of an iteration.
        """
        mine = float(first[: self.owned] @ second[: self.owned])
        if self.comm.size == 1:
            return mine
        total = self.comm.reduce(mine, op=MPI.SUM, root=0)
        return float(self.comm.bcast(total, root=0))

    def greatest(self, value: float) -> float:
        """The greatest of a number of each rank."""
        return float(self.comm.allreduce(value, op=MPI.MAX)) if self.comm.size > 1 else value


def portion_of(comm: MPI.Comm, size: int, touched: Booleans) -> Portion:
    """The portion of this rank, which works with the unknowns that ``touched`` (size,) marks."""
    owner, count = np.where(touched, comm.rank, comm.size), touched.astype(np.int64)
    if comm.size > 1:
        comm.Allreduce(MPI.IN_PLACE, owner, op=MPI.MIN)
        comm.Allreduce(MPI.IN_PLACE, count, op=MPI.SUM)
    mine = touched & (owner == comm.rank)
    unknowns = np.concatenate([np.flatnonzero(mine), np.flatnonzero(touched & ~mine)])
    several = np.flatnonzero(count > 1)
    shared = np.flatnonzero(count[unknowns] > 1)
    places = np.searchsorted(several, unknowns[shared])
    return Portion(size, unknowns, int(mine.sum()), shared, places, len(several), comm)
