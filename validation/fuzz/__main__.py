"""``python -m validation.fuzz --minutes 60 --seed 1``: nothing but the library's own errors, and soon.

Exit status 4 where anything else was raised, or a refusal took longer than ``SECONDS`` of CPU.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from validation.fuzz import nonsense

SECONDS = 10.0
POINTS = np.array([[0.3, -1.0, 0.0, 1e5], [0.2, 0.0, 1.0, -1e5], [0.1, 0.0, 0.0, 1.0]])


class TooLongError(Exception):
    """Raised by the timer of a trial."""


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TooLongError(f"longer than {seconds:g} s of CPU")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def try_formula(rng: random.Random, folder: Path) -> str:
    """Parse it, evaluate it with two derivatives."""
    from fokker_planck.expression import parse_expression

    text = nonsense.formula(rng)
    (folder / "last.txt").write_text(text, encoding="utf-8")
    parsed = parse_expression(text, parameters={"k": 2.0} if rng.random() < 0.1 else None)
    for expression in (parsed, parsed.derivative(0), parsed.derivative(0).derivative(1)):
        expression(POINTS)
    return text


def try_problem(rng: random.Random, folder: Path) -> str:
    """Read it, with an override or none."""
    from fokker_planck.problem_file import load_problem_file

    overrides = [nonsense.override(rng) for _ in range(rng.choice([0, 0, 1, 2]))]
    text = nonsense.problem_text(rng)
    path = folder / "problem.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    (folder / "last.txt").write_text(f"{text}\n# --set {overrides}\n", encoding="utf-8", errors="replace")
    load_problem_file(path, overrides)
    return text


def try_process(rng: random.Random, folder: Path) -> str:
    """Ask which kind of process it is whose noise and drift are random formulas, on a line or in the plane."""
    import fokker_planck as fp
    from fokker_planck.solvers.setting import kinetics_of
    from fokker_planck.state_diffusion import Formula

    dimension = rng.choice([1, 1, 2])
    drift = [f"-{axis} + 0*({nonsense.formula(rng, 3)})" if rng.random() < 0.5 else nonsense.formula(rng, 3)
             for axis in "xy"[:dimension]]  # fmt: skip
    noise = f"abs({nonsense.formula(rng, 3)}) + 0.01" if rng.random() < 0.7 else nonsense.formula(rng, 2)
    text = f"{drift} {noise}"
    (folder / "last.txt").write_text(text, encoding="utf-8")
    process = fp.Drifting(fp.Drift(drift), Formula(noise), rng.choice(["ito", "stratonovich", "klimontovich"]))
    kinetics_of(fp.Problem(process, fp.Box([-1.0] * dimension, [2.0] * dimension)))
    return text


def try_mesh(rng: random.Random, folder: Path) -> str:
    """Read it."""
    from fokker_planck.mesh_file import read_mesh

    path = folder / "mesh.msh"
    path.write_bytes(nonsense.mesh_bytes(rng))
    (folder / "last.txt").write_bytes(path.read_bytes())
    read_mesh(path)
    return str(path)


KINDS: dict[str, Callable[[random.Random, Path], str]] = {
    "formula": try_formula,
    "problem": try_problem,
    "process": try_process,
    "mesh": try_mesh,
}


def main(arguments: list[str] | None = None) -> int:
    """Try until the time is over; every finding is printed with the seed that repeats it."""
    from fokker_planck.errors import FokkerPlanckError

    parser = argparse.ArgumentParser(prog="fuzz", description="nonsense is refused, in one line and soon")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[*KINDS])
    options = parser.parse_args(arguments)
    end, number, refused, findings = time.monotonic() + 60.0 * options.minutes, 0, 0, []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        while time.monotonic() < end:
            number += 1
            rng = random.Random(f"{options.seed}-{number}")
            kind = options.only or rng.choice([*KINDS])
            try:
                with _limited(SECONDS):
                    KINDS[kind](rng, folder)
            except FokkerPlanckError as error:
                refused += 1
                if "\n" in str(error):
                    findings.append(f"{kind} {number}: an error of several lines: {error!r}")
            except (Exception, TooLongError) as error:  # what is looked for
                text = (folder / "last.txt").read_text(encoding="utf-8", errors="replace")[:400]
                place = traceback.format_exc(limit=-1).splitlines()[1] if error.__traceback__ else ""
                if place not in seen:
                    what = f"{type(error).__name__}: {str(error)[:200]}"
                    findings.append(f"{kind} {number}: {what} {place}\n    {text!r}")
                    print(findings[-1], flush=True)
                seen.add(place)
    print(f"{number} tried, {refused} refused, {len(findings)} found (seed {options.seed})")
    return 4 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
