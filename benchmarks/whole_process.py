"""Wall time of whole commands, from the start of the interpreter to its end.

Claim: the double well at noise 1/20 and tolerance 1e-6 takes at most 3 s a question in two dimensions and 2 s in
one, and ``--help`` and ``--version`` answer at once (a quarter of a second). Run: ``make bench``. Each command runs
once unmeasured and then three times; the fastest run counts, since others on the machine can only slow it.
Below, CPU seconds over those of the imports of dolfinx, petsc4py and numpy alone, which no answer comes without: at
most 1.4 times that on a line and 1.6 times in the plane. The runs of both alternate, and medians are compared, since
others on the machine slow either.
Exit status 1 if a limit is broken.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

TOP = Path(__file__).resolve().parents[1]
RUNS = 3
ROUNDS = 7
FASTEST = 0.25  # seconds, of what imports nothing
TIMES_THE_IMPORTS = {"1d": 1.4, "2d": 1.6}
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
    """CPU time of one run of the interpreter."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=TOP, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def over_bare_imports() -> int:
    """Print CPU seconds of whole commands over those of the imports alone; how many limits are broken."""
    broken, imports = 0, ["-c", "import mpi4py.MPI, dolfinx, petsc4py, numpy"]
    asked = [arguments for arguments, limit in COMMANDS if limit != FASTEST]
    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for each in (imports, *(["-m", "fokker_planck", *arguments] for arguments in asked)):
            taken.setdefault(" ".join(each), []).append(cpu_seconds(each))
    bare = median(taken.pop(" ".join(imports)))
    print(f"\n{bare:8.2f} s of CPU for the bare imports of dolfinx, petsc4py and numpy")
    for (command, seconds), arguments in zip(taken.items(), asked, strict=True):
        ratio = median(seconds) / bare
        limit = next(most for kind, most in TIMES_THE_IMPORTS.items() if kind in arguments[1])
        broken += ratio > limit
        verdict = "" if ratio <= limit else "   TOO SLOW"
        print(
            f"{median(seconds):8.2f} s, {ratio:.2f} times that ({limit}): {command.removeprefix('-m ')}{verdict}",
            flush=True,
        )
    return broken


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
    broken += over_bare_imports()
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
