"""The ground that tests on several processes stand on: they do run on several, and share what they believe to share."""

import os
import sys

import pytest

mpi4py = pytest.importorskip("mpi4py")


@pytest.mark.mpi
def test_the_world_has_the_size_that_the_launcher_says():
    from mpi4py import MPI

    launched = int(os.environ.get("OMPI_COMM_WORLD_SIZE", os.environ.get("PMI_SIZE", "1")))
    assert MPI.COMM_WORLD.size == launched


@pytest.mark.mpi
def test_shared_path_is_one_folder(shared_path):
    from mpi4py import MPI

    (shared_path / str(MPI.COMM_WORLD.rank)).touch()
    MPI.COMM_WORLD.Barrier()
    assert sorted(path.name for path in shared_path.iterdir()) == [str(rank) for rank in range(MPI.COMM_WORLD.size)]


def test_mpirun_starts_two_ranks_of_one_world(mpirun):
    # This process may be an MPI world of its own by now, with its traces in the environment.
    from mpi4py import MPI

    assert MPI.COMM_WORLD.size == 1
    # One rank prints: mpirun may mix the output of two within a line.
    program = "from mpi4py import MPI; c = MPI.COMM_WORLD; all = c.gather(c.rank); c.rank or print(all, c.size)"
    done = mpirun(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0, 1] 2\n"
