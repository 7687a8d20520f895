"""Large questions in space: V4(x) + y^2/2 + z^2 turned, exit over the barrier, against the exit time of the line.

``python -m benchmarks.space growth 0 1 2 3``: one solve on the first mesh for 1e-6 at barrier 5, all cells bisected so
many times; ``answer 5 1e-6 100 1e-6``: whole answers to a tolerance, by barrier.  Each is measured in a process of its
own; ``--direct`` factors all matrices, and ``--ranks 2`` takes two processes.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time

import numpy as np
from mpi4py import MPI

import fokker_planck as fp
from benchmarks.exact import exact
from fokker_planck.fem.algebra import static_condensation
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.fields.interpolation import interpolate
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.output.parallel import launcher
from fokker_planck.solvers.adaptivity.absorption import stopped
from fokker_planck.solvers.adaptivity.beginning import begin
from fokker_planck.solvers.adaptivity.initial_mesh import CHANGE
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.exit_time import exit_times
from fokker_planck.solvers.exits.descent import prepare_exit

COSINE, SINE = math.cos(0.5), math.sin(0.5)
ALONG, ACROSS = f"({COSINE}*x + {SINE}*y)", f"({COSINE}*y - {SINE}*x)"
START, TARGET = (-COSINE, -SINE, 0.0), fp.HalfSpace([COSINE, SINE, 0.0], 1.0)
HIGHEST_EXACT = 600.0
"""Barrier up to which its exponential is a double in exact.py; beyond, no error is given."""


def problem_of(barrier, tolerance):
    """The quartic well in space, turned by half a radian."""
    potential = fp.Potential(f"({ALONG}**2 - 1)**2/4 + {ACROSS}**2/2 + z**2")
    process = fp.Overdamped(potential, fp.Isotropic(0.25 / barrier))
    return fp.Problem(process, fp.Box([-2.0] * 3, [2.0] * 3), resolution=fp.Resolution(tolerance=tolerance))


def solved_once(bisections):
    """Unknowns, log of the mean time, and CPU seconds of assembly and of the solves, the most of any process."""
    problem, ends = problem_of(5.0, 1e-6), Ends.at(TARGET, START)
    setting = prepare_exit(problem, ends)
    first = begin(setting, ends, None, None, 0, CHANGE, cut=False)
    mesh = first.mesh
    for _ in range(bisections):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool))
    discretization, comm = discretize(mesh, first.degree), MPI.COMM_WORLD
    comm.Barrier()
    clocks = [(time.process_time(), time.perf_counter())]
    end = stopped(setting, discretization, TARGET)
    comm.Barrier()
    clocks.append((time.process_time(), time.perf_counter()))
    times = exit_times(setting, end)
    clocks.append((time.process_time(), time.perf_counter()))
    seconds = np.array(clocks)[1:] - np.array(clocks)[:-1]
    most = np.array(comm.allgather(seconds)).max(axis=0)
    value = float(interpolate(discretization, times.relative, np.asarray(START)[:, None])[0])
    log = float(np.log(value)) + times.log_scale
    return {"unknowns": discretization.count, "log": log, "assembly": most[0].tolist(), "solves": most[1].tolist()}


def answered(barrier, tolerance):
    """The whole answer, from the first mesh to its error bar."""
    started = time.process_time()
    found = fp.mean_exit_time(problem_of(barrier, tolerance), START, TARGET)
    work = found.statistics.work
    return {
        "unknowns": found.statistics.unknowns,
        "verified": work.unknowns,
        "log": found.mean.log,
        "claimed": found.mean.relative_error,
        "iterations": work.iterations,
        "seconds": time.process_time() - started,
    }


def measured(kind, numbers, direct, ranks):
    """The same in a process of its own, with the most memory that it held, MB of all ranks."""
    command = [sys.executable, "-m", "benchmarks.space", "--here", kind, *map(str, numbers)]
    command += ["--direct"] if direct else []
    command = command if ranks == 1 else [launcher() or "mpiexec", "-n", str(ranks), *command]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def here(kind, numbers, direct):
    """Measure in this process and print JSON."""
    if direct:
        static_condensation.DIRECT = 10**9
    found = solved_once(int(numbers[0])) if kind == "growth" else answered(*numbers)
    found["MB"] = MPI.COMM_WORLD.allreduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(found), flush=True)


def main():
    """Print a line for every question, and the exponent of the growth from each size to the next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["growth", "answer"])
    parser.add_argument("numbers", type=float, nargs="+")
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        here(given.kind, given.numbers, given.direct)
        return
    width, before = (2 if given.kind == "answer" else 1), None
    for k in range(0, len(given.numbers), width):
        numbers = given.numbers[k : k + width]
        found = measured(given.kind, numbers, given.direct, given.ranks)
        barrier = 5.0 if given.kind == "growth" else numbers[0]
        if barrier <= HIGHEST_EXACT:
            found["error"] = abs(math.expm1(found["log"] - math.log(exact("exit-time", barrier))))
        if given.kind == "growth" and before is not None:
            ratios = [math.log(found["solves"][0] / before["solves"][0]), math.log(found["MB"] / before["MB"])]
            found["exponents"] = [ratio / math.log(found["unknowns"] / before["unknowns"]) for ratio in ratios]
        before = found
        print(numbers, {key: shown(value) for key, value in found.items()}, flush=True)


def shown(value):
    """Four digits of numbers."""
    if isinstance(value, list):
        return [shown(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) and abs(value) < 1e3 and value != 0 else value


if __name__ == "__main__":
    main()
