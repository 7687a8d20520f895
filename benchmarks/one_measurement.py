"""One measurement in a process of its own: ``python -m benchmarks.one_measurement METHOD QUESTION BARRIER SIZE``.

Prints one JSON object.  METHOD is a module of ``benchmarks.rivals``, and SIZE its cells per unit of length; or
"fokker_planck", and SIZE the tolerance, a number below one, or the cells per unit of length of a fixed mesh.  May run
under mpirun.  ``seconds`` and ``megabytes`` are those of the slowest process and of all together; ``seconds`` count
from the imports on.
"""

import importlib
import json
import resource
import sys
import time
from typing import Any

LAZILY_IMPORTED = (
    "dolfinx.fem",
    "fokker_planck.questions.exit_time",
    "fokker_planck.questions.spectrum",
    "fokker_planck.asymptotics.eyring_kramers",
    "fokker_planck.landscape.basins.membership",
    "fokker_planck.solvers.spectrum",
    "mpmath",
    "scipy.linalg",
    "scipy.sparse.csgraph",
    "scipy.spatial",
    "sympy",
    "sympy.combinatorics",
    "sympy.tensor.tensor",
)


def rival(method: str, question: str, barrier: float, size: float) -> dict[str, Any]:
    """The answer of a rival's script."""
    solve = importlib.import_module(f"benchmarks.rivals.{method}").answer
    start = time.perf_counter()
    value, unknowns = solve(question, barrier, int(size))
    return {"value": value, "unknowns": unknowns, "seconds": time.perf_counter() - start, "megabytes": megabytes()}


def this_library(question: str, barrier: float, size: float) -> dict[str, Any]:
    """The answer of fokker_planck."""
    from mpi4py import MPI

    import fokker_planck as fp
    from benchmarks.double_well import START, TARGET, box, expression, noise

    for name in LAZILY_IMPORTED:  # as the imports of the others stand at the top of their scripts
        importlib.import_module(name)
    start = time.perf_counter()
    lower, upper = box("gap" if question == "exit-time" else question)
    fixed = [round(size * (b - a)) for a, b in zip(lower, upper, strict=True)] if size >= 1.0 else None
    problem = fp.Problem(
        process=fp.Overdamped(fp.Potential(expression(question)), fp.Isotropic(noise(barrier))),
        domain=fp.Box(lower, upper),
        resolution=fp.Resolution(cells=fixed) if fixed else fp.Resolution(tolerance=size),
    )
    if question == "exit-time":
        answer: Any = fp.mean_exit_time(problem, start=list(START), target=fp.HalfSpace([1.0, 0.0], TARGET))
        number = answer.mean
    else:
        answer = fp.spectrum(problem, count=2)
        number = answer.gap
    world = MPI.COMM_WORLD
    return {
        "value": number.value,
        "claimed": number.relative_error,
        "unknowns": answer.statistics.unknowns,
        "seconds": world.allreduce(time.perf_counter() - start, op=MPI.MAX),
        "megabytes": world.allreduce(megabytes()),
    }


def megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> None:
    """Measure, and print what was found on the first process."""
    method, question, barrier, size = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    try:
        if method == "fokker_planck":
            found = this_library(question, barrier, size)
        else:
            found = rival(method, question, barrier, size)
    except ModuleNotFoundError as error:
        found = {"failure": f"{error.name} is not installed"}
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        found = {"failure": f"{type(error).__name__}: {error}".splitlines()[0]}
    if "mpi4py" not in sys.modules or sys.modules["mpi4py"].MPI.COMM_WORLD.rank == 0:
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
