"""Portions of vectors beside whole ones: what ranks share is added up once, compared, and counted once."""

import numpy as np
import pytest

pytest.importorskip("mpi4py")

from mpi4py import MPI

from fokker_planck.fem.algebra.portions import portion_of

SIZE = 40


def cells_of_all():
    """Six unknowns for each of 30 cells, some of which are none, the same on every rank."""
    return np.random.default_rng(7).integers(-1, SIZE, size=(30, 6))


@pytest.mark.mpi
def test_sums_maxima_and_products_are_those_of_whole_vectors():
    comm, everywhere = MPI.COMM_WORLD, cells_of_all()
    cells = everywhere[comm.rank :: comm.size]
    touched = np.zeros(SIZE + 1, dtype=bool)
    touched[cells] = True
    portion = portion_of(comm, SIZE, touched[:SIZE])
    first, second = np.random.default_rng(8).normal(size=(2, SIZE))
    everything = np.isin(np.arange(SIZE), everywhere)
    assert portion.whole(portion.of(first)) == pytest.approx(np.where(everything, first, 0.0), abs=0.0)
    product = portion.product(portion.of(first), portion.of(second))
    assert product == pytest.approx(first[everything] @ second[everything])
    values = np.abs(np.append(first, 0.0)[everywhere])
    positions, mine = portion.positions(cells), values[comm.rank :: comm.size]
    added, largest = np.zeros(SIZE + 1), np.zeros(SIZE + 1)
    np.add.at(added, everywhere, values)
    np.maximum.at(largest, everywhere, values)
    assert portion.added_up(positions, mine) == pytest.approx(added[portion.unknowns])
    assert portion.largest(positions, mine) == pytest.approx(largest[portion.unknowns], abs=0.0)
