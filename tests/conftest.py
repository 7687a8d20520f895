"""What all tests share: the environment of the processes, quiet ranks, and two fixtures for runs on several processes.

Tests marked ``mpi`` also run under ``mpirun -n 2 pytest -m mpi``. All ranks run such a test together, so it must take
the same collective steps on each. Rank 0 reports as usual; another rank only prints the tests that failed on it.
"""

import os

# Before numpy or dolfinx are imported: threads of BLAS next to processes of MPI slow both.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # for the folder validation; last, so that the package is the installed one

RANK = int(os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("PMI_RANK", "0")))
SIZE = int(os.environ.get("OMPI_COMM_WORLD_SIZE", os.environ.get("PMI_SIZE", "1")))

# For commands started by a test: Open MPI 4 and 5 as root, on fewer cores than processes, without a network.
MPI_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_btl": "^tcp",
    "OMPI_MCA_pml": "ob1",
}
# What a running MPI leaves in the environment, and what makes an mpirun below it take itself for a part of that run.
MPI_TRACES = ("OMPI_COMM_", "OMPI_UNIVERSE", "OMPI_ARGV", "PMIX_", "PMI_", "PRTE_LAUNCHED", "OPAL_")


class FailuresOnly:
    """Reports of a rank other than 0: its failures, on standard error, and nothing else."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print a failure at once, for the other ranks may now wait forever."""
        if report.failed:
            print(
                f"rank {RANK}: {report.nodeid} failed in {report.when}\n{report.longreprtext}",
                file=sys.stderr,
                flush=True,
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Print what could not be collected."""
        if report.failed:
            print(
                f"rank {RANK}: {report.nodeid} cannot be collected\n{report.longreprtext}", file=sys.stderr, flush=True
            )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Leave the terminal to rank 0."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if RANK > 0 and reporter is not None:
        # A silent one in its place, for pytest asks the reporter for its writer when it explains a failure.
        config.pluginmanager.unregister(reporter)
        silent = type(reporter)(config, open(os.devnull, "w"))
        config.pluginmanager.register(silent, "terminalreporter")
        config.pluginmanager.register(FailuresOnly(), "failures-only")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse a name with an address in memory: no two workers of pytest-xdist would agree on it."""
    if " at 0x" in item.name:
        raise pytest.UsageError(f"{item.nodeid}: an address in memory is no name; give the parameter an id")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that take much memory on one worker of pytest-xdist, so that no two of them run at a time."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if item.get_closest_marker("memory"):
                item.add_marker(pytest.mark.xdist_group("memory"))


@pytest.fixture(autouse=True)
def memory_handed_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Slow tests take gigabytes, each; what one of them leaves behind the next would come on top of."""
    yield
    if request.node.get_closest_marker("slow"):
        import gc

        from fokker_planck.fem._petsc import release_memory

        gc.collect()
        release_memory()


@pytest.fixture
def shared_path(tmp_path: Path) -> Iterator[Path]:
    """A new empty folder, the same one on all ranks."""
    if SIZE == 1:
        yield tmp_path
        return
    from mpi4py import MPI

    yield Path(MPI.COMM_WORLD.bcast(str(tmp_path), root=0))
    MPI.COMM_WORLD.Barrier()


@pytest.fixture(scope="session")
def mpirun() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command on several processes of its own: ``mpirun(*command, n=2, timeout=300, **run_options)``."""
    if SIZE > 1:
        pytest.skip("starts processes of its own: runs in the serial suite")
    from fokker_planck.output.parallel import launcher

    program = launcher()
    if program is None:
        pytest.skip("no mpiexec, neither beside the interpreter nor on the PATH")

    def run(
        *command: str | Path, n: int = 2, timeout: float = 300, **options: object
    ) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(MPI_TRACES)}
        return subprocess.run(
            [program, "-n", str(n), *map(str, command)],
            env=kept | MPI_SETTINGS,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )

    return run
