"""One trial of each kind: nonsense of a random generator, handed to the part of the library that must refuse it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from validation.fuzz import nonsense
from validation.fuzz.streams import try_streams

POINTS = np.array([[0.3, -1.0, 0.0, 1e5], [0.2, 0.0, 1.0, -1e5], [0.1, 0.0, 0.0, 1.0]])
LAST = "last.txt"
"""The file in a trial's folder that says what is tried, for the report of a finding."""


def try_formula(rng: random.Random, folder: Path) -> None:
    """Parse it, evaluate it with two derivatives."""
    from fokker_planck.formulas.expression import parse_expression

    text = nonsense.formula(rng)
    (folder / LAST).write_text(text, encoding="utf-8")
    parsed = parse_expression(text, parameters={"k": 2.0} if rng.random() < 0.1 else None)
    for expression in (parsed, parsed.derivative(0), parsed.derivative(0).derivative(1)):
        expression(POINTS)


def try_problem(rng: random.Random, folder: Path) -> None:
    """Read it, with an override or none."""
    from fokker_planck.cli.problem_file import load_problem_file

    overrides = [nonsense.override(rng) for _ in range(rng.choice([0, 0, 1, 2]))]
    text = nonsense.problem_text(rng)
    path = folder / "problem.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    (folder / LAST).write_text(f"{text}\n# --set {overrides}\n", encoding="utf-8", errors="replace")
    load_problem_file(path, overrides)


def try_override(rng: random.Random, folder: Path) -> None:
    """Overrides alone, of an example that is whole."""
    from fokker_planck.cli.problem_file import load_problem_file

    overrides = [nonsense.override(rng) for _ in range(rng.choice([1, 1, 2, 3]))]
    path = rng.choice(sorted((nonsense.ROOT / "examples").glob("*.toml")))
    (folder / LAST).write_text(f"{path.name} --set {overrides}\n", encoding="utf-8", errors="replace")
    load_problem_file(path, overrides)


def try_process(rng: random.Random, folder: Path) -> None:
    """Ask which kind of process it is whose noise and drift are random formulas, on a line or in the plane."""
    import fokker_planck as fp
    from fokker_planck.model.diffusion.state_dependent import Formula
    from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of

    dimension = rng.choice([1, 1, 2])
    drift = [f"-{axis} + 0*({nonsense.formula(rng, 3)})" if rng.random() < 0.5 else nonsense.formula(rng, 3)
             for axis in "xy"[:dimension]]  # fmt: skip
    noise = f"abs({nonsense.formula(rng, 3)}) + 0.01" if rng.random() < 0.7 else nonsense.formula(rng, 2)
    (folder / LAST).write_text(f"{drift} {noise}", encoding="utf-8")
    process = fp.Drifting(fp.Drift(drift), Formula(noise), rng.choice(["ito", "stratonovich", "klimontovich"]))
    kinetics_of(fp.Problem(process, fp.Box([-1.0] * dimension, [2.0] * dimension)))


def try_mesh(rng: random.Random, folder: Path) -> None:
    """Read it."""
    from fokker_planck.mesh.files import read_mesh

    path = folder / "mesh.msh"
    path.write_bytes(nonsense.mesh_bytes(rng))
    (folder / LAST).write_bytes(path.read_bytes())
    read_mesh(path)


KINDS: dict[str, Callable[[random.Random, Path], None]] = {
    "formula": try_formula,
    "problem": try_problem,
    "override": try_override,
    "process": try_process,
    "mesh": try_mesh,
    "streams": try_streams,
}
SHARES = {"formula": 80, "problem": 80, "override": 80, "process": 80, "mesh": 80, "streams": 1}
"""How often each kind is drawn: a trial of the command line takes hundreds of times as long as one of the others."""
