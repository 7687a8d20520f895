"""Wall time of whole commands, from the start of the interpreter to its end.

Claim: the double well at noise 1/20 and tolerance 1e-6 takes at most 3 s a question in two dimensions and 2 s in
one, and ``--help`` and ``--version`` answer at once (a quarter of a second). Run: ``make bench``. Each command runs
once unmeasured and then three times; the fastest run counts, since others on the machine can only slow it.
Below, CPU seconds over those of the imports of dolfinx, petsc4py and numpy alone, which no answer comes without.
Exit status 1 if a limit is broken.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
RUNS = 3
FASTEST = 0.25  # seconds, of what imports nothing
# Question, problem and limit in seconds; no limit where none is promised.
COMMANDS = [
    (["--help"], FASTEST),
    (["--version"], FASTEST),
    (["spectrum", "examples/double_well_1d.toml", "--json", "-q"], 2.0),
    (["exit-time", "examples/double_well_1d.toml", "--json", "-q"], 2.0),
    (["spectrum", "examples/double_well_2d.toml", "--json", "-q"], 3.0),
    (["exit-time", "examples/double_well_2d.toml", "--json", "-q"], 3.0),
    (["stationary", "examples/double_well_2d.toml", "--json", "-q"], 3.0),
    (["landscape", "examples/double_well_2d.toml", "--json", "-q"], None),
]


def seconds(arguments: list[str]) -> float:
    """Wall time of one run of the command."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "fokker_planck", *arguments],
        cwd=TOP,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


def cpu_seconds(arguments: list[str]) -> float:
    """The least CPU time of several runs of the interpreter."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"OMP_NUM_THREADS": "1"}
    taken = []
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=TOP, env=environment, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def over_bare_imports() -> None:
    """Print CPU seconds of whole commands over those of the imports alone."""
    bare = cpu_seconds(["-c", "import mpi4py.MPI, dolfinx, petsc4py, numpy"])
    print(f"\n{bare:8.2f} s of CPU for the bare imports of dolfinx, petsc4py and numpy")
    for arguments, limit in COMMANDS:
        if limit != FASTEST:
            taken = cpu_seconds(["-m", "fokker_planck", *arguments])
            print(f"{taken:8.2f} s, {taken / bare:.2f} times that:  fokker-planck {' '.join(arguments)}", flush=True)


def main() -> int:
    """Time every command and print the table; 1 if a limit is broken."""
    broken = 0
    print(f"{'seconds':>8} {'limit':>6}  command")
    for arguments, limit in COMMANDS:
        seconds(arguments)
        best = min(seconds(arguments) for _ in range(RUNS))
        verdict = "" if limit is None or best <= limit else "   TOO SLOW"
        broken += bool(verdict)
        promised = "" if limit is None else limit
        print(f"{best:8.2f} {promised:>6}  fokker-planck {' '.join(arguments)}{verdict}", flush=True)
    over_bare_imports()
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
