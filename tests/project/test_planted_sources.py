"""A fault planted in a source of the package turns an everyday test red: signs, factors, conditions, bars, units.

Each is planted in a copy, in which the tests beside it are run. Of the claims :mod:`test_planted_faults` does the same.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fokker_planck

PACKAGE = Path(fokker_planck.__file__).parent
PROJECT = Path(__file__).resolve().parents[2]

# what is wrong: (file, what stands there, what is planted, the tests that see it)
FAULTS = {
    "sign of the drift in the operator": (
        "fem/generator.py", "_advected(part, -weighted.velocity * density)",
        "_advected(part, weighted.velocity * density)",
        ["solvers/test_irreversible.py", "-k", "exit_times_agree"]),
    "Ito correction of the drift": (
        "model/process.py", "return plain + alpha * process.field(dimension).divergence(x) if alpha else plain",
        "return plain", ["model/test_drift.py"]),
    "Ito correction of the exponent": (
        "model/reversibility/line.py", "phi, share = self.effective(x), 1.0 - alpha_of(self.process)",
        "phi, share = self.effective(x), 1.0", ["questions/test_state_dependent_references.py"]),
    "factor of the exit time": (
        "solvers/exit_time.py", "log = float(outcome.numbers[0].real)\n",
        "log = float(outcome.numbers[0].real) + 0.6931471805599453\n", ["questions/test_answers.py"]),
    "half a bar": (
        "solvers/adaptivity/error_bars.py", "return np.asarray(np.maximum(safety * difference, least_bars(kept)))",
        "return 0.5 * np.asarray(np.maximum(safety * difference, least_bars(kept)))",
        ["solvers/adaptivity/test_corners.py"]),
    "tolerance that is not heeded": (
        "solvers/adaptivity/accuracy.py", "return max(tolerance, floor)", "return max(1e-3, floor)",
        ["project/test_error_bars.py", "-k", "flat"]),
    "half of a boundary that does not absorb": (
        "fem/discretization.py", "facets.vertices[facets.boundary])", "facets.vertices[facets.boundary][::2])",
        ["questions/test_references.py", "-k", "unit_ball"]),
    "weights of wells in the wrong order": (
        "solvers/density/density_of_potential.py", "logs, errors = masses.shares\n",
        "logs, errors = masses.shares\n    logs = logs[::-1]\n", ["questions/test_answers.py", "-k", "stationary"]),
    "condition where noise jumps": (
        "model/reversibility/piecewise_exponent.py",
        "return 0.0 if self._field.constant else 1.0 - alpha_of(self.process)", "return 0.0",
        ["solvers/test_jumps.py", "-k", "in_the_plane"]),
    "left functions from the matrix itself": (
        "solvers/condensation/wells.py", "generator.apply_adjoint, solve_adjoint",
        "generator.apply_stiffness, solve_adjoint",
        ["solvers/test_irreversible_wells.py"]),
    "left functions inside cells from the matrix itself": (
        "fem/algebra/static_condensation.py", "(self.columns, self.rows) if adjoint else (self.rows, self.columns)",
        "(self.rows, self.columns)", ["fem/algebra/test_static_condensation.py"]),
    "valleys between vertices as ridges": (
        "fem/truncation/vertex_chain.py", "np.minimum(potentials + change, 0.0) - chain.inside",
        "potentials - chain.inside", ["fem/truncation/test_trimming.py", "-k", "wide_well"]),
    "iterations from times": (
        "sgd/learning.py", "return time.scaled(1.0 / self.learning_rate)", "return time.scaled(self.learning_rate)",
        ["sgd/test_section.py", "-k", "escape"]),
    "committor from the wrong set": (
        "solvers/committor.py", '"committor", discretization, self.forward',
        '"committor", discretization, 1.0 - self.forward', ["questions/test_transitions.py", "-k", "committor"]),
    "noise without its friction": (
        "model/underdamped.py", "(0.0, float(self.friction) * self.diffusion.epsilon)",
        "(0.0, self.diffusion.epsilon)", ["solvers/test_phase_space.py", "-k", "parabola"]),
    "late times twice as late": (
        "solvers/time/evolving/propagation.py",
        "self._late(slow, t) for t in times", "self._late(slow, 2 * t) for t in times",
        ["solvers/test_evolution.py", "-k", "absorbs"]),
    "current of curved cells counted twice": (
        "solvers/results/stationary_current.py", "straight[curved] = False", "straight[curved] = True",
        ["fem/test_blocks_of_cells.py", "-k", "current_of_a_ball"]),
    "blocks with the curved cells of others": (
        "fem/blocks_of_cells.py", "CurvedCells(place[curved.cells[among]], curved.nodes[among])",
        "CurvedCells(place[curved.cells[among]], curved.nodes[: len(among)])",
        ["fem/test_blocks_of_cells.py", "-k", "elements_of_the_whole"]),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new", "tests"), FAULTS.values(), ids=FAULTS.keys())
def test_it_is_seen(tmp_path, file, old, new, tests):
    shutil.copytree(PACKAGE, tmp_path / "fokker_planck", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "fokker_planck" / file
    assert source.read_text().count(old) == 1
    source.write_text(source.read_text().replace(old, new))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", "--tb=no"]
    command += [f"--rootdir={PROJECT}", f"--config-file={PROJECT / 'pyproject.toml'}"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command += [str(PROJECT / "tests" / tests[0]), *tests[1:]]
    options = {"cwd": tmp_path, "env": kept | {"PYTHONPATH": str(tmp_path)}, "capture_output": True, "text": True}
    done = subprocess.run(command, timeout=600, check=False, **options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "\nFAILED " in done.stdout
    assert "\nERROR " not in done.stdout


def test_every_fault_still_has_its_place():
    for name, (file, old, _, tests) in FAULTS.items():
        assert (PACKAGE / file).read_text().count(old) == 1, name
        assert (PROJECT / "tests" / tests[0]).exists(), name
