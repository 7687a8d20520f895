"""The same digits on one process and on two: each rank solves the problem alone, then all together."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mpi4py")
from mpi4py import MPI

import fokker_planck
import fokker_planck as fp
from fokker_planck.cli import command as cli
from fokker_planck.fem import discretization as fem_discretization
from fokker_planck.fem.fields.interpolation import interpolate
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.indicator import Mode, energy_errors
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import detailed_balance
from fokker_planck.solvers.adaptivity import accuracy, beginning
from fokker_planck.solvers.density import density_of_potential
from fokker_planck.solvers.reference_density import moved_exponent

HERE = Path(__file__).parents[1]
EXAMPLES = HERE.parent / "examples"
QUARTIC = "(x**2 - 1)**2/4"
PLANE = f"{QUARTIC} + y**2/2"
# Sums over cells are taken in another order: rounding, as large as the condition of the mesh makes it.
SAME = 1e-10

PROBLEMS = {
    "line": (QUARTIC, 0.05, fp.Box([-2.0], [2.0]), [-1.0], fp.HalfSpace([1.0], 1.0)),
    "high": (QUARTIC, 1.0 / 400, fp.Box([-2.0], [2.0]), [-1.0], fp.HalfSpace([1.0], 1.0)),
    "ring": ("-cos(x)", 0.2, fp.Box([0.0], [2.0 * math.pi], "periodic"), [0.0], fp.Ball([math.pi], 0.5)),
    "plane": (PLANE, 0.05, fp.Box([-2.0, -1.5], [2.0, 1.5]), [-1.0, 0.0], fp.Ball([1.0, 0.0], 0.25)),
    "torus": ("cos(x)*cos(y)", 0.3, fp.Box([0.0, 0.0], [2.0 * math.pi] * 2, "periodic"), [math.pi, 0.1],
              fp.Ball([3.2, 3.2], 0.4)),
    "disc": ("(x**2 + y**2)/2", 0.1, fp.Ball([0.0, 0.0], 1.0), [0.0, 0.0], "boundary"),
}  # fmt: skip


def problem(name):
    expression, epsilon, domain, start, target = PROBLEMS[name]
    process = fp.Overdamped(fp.Potential(expression), fp.Isotropic(epsilon))
    return fp.Problem(process, domain, fp.Resolution(tolerance=1e-5)), start, target


@pytest.fixture
def alone(monkeypatch):
    """Run a question on this rank alone, whatever the number of ranks."""

    def run(question):
        def discretize(triangulation, degree, comm=MPI.COMM_SELF):
            return fem_discretization.discretize(triangulation, degree, comm)

        with monkeypatch.context() as patch:
            for module in (accuracy, beginning, density_of_potential, moved_exponent):
                patch.setattr(module, "discretize", discretize)
            return question()

    return run


def check_same(together, by_itself):
    """Together and alone to rounding, and the very same number on all ranks."""
    assert together == pytest.approx(by_itself, rel=SAME)
    assert MPI.COMM_WORLD.allgather(together) == [together] * MPI.COMM_WORLD.size


@pytest.mark.mpi
@pytest.mark.parametrize("name", ["line", "high", "plane", "disc"])
def test_mean_exit_time(name, alone):
    asked, start, target = problem(name)
    found = fp.mean_exit_time(asked, start, target)
    serial = alone(lambda: fp.mean_exit_time(asked, start, target))
    assert found.field.discretization.comm.size == MPI.COMM_WORLD.size
    assert serial.field.discretization.comm.size == 1
    check_same(found.mean.log, serial.mean.log)
    assert found.statistics.unknowns == serial.statistics.unknowns
    assert found.mean.relative_error == pytest.approx(serial.mean.relative_error, rel=1e-2, abs=1e-11)
    x = np.asarray(start)[:, None]
    assert found.field(x) == pytest.approx(serial.field(x), rel=SAME)


@pytest.mark.mpi
@pytest.mark.parametrize("name", ["line", "high", "ring", "plane", "disc"])
def test_spectrum(name, alone):
    """On the disc with multiple eigenvalues: any basis of an eigenspace may come out, and leads to the same mesh."""
    asked = problem(name)[0]
    found = fp.spectrum(asked, 4)
    serial = alone(lambda: fp.spectrum(asked, 4))
    assert found.statistics.unknowns == serial.statistics.unknowns
    for ours, theirs in zip(found.eigenvalues[1:], serial.eigenvalues[1:], strict=True):
        check_same(ours.real.log, theirs.real.log)


@pytest.mark.mpi
@pytest.mark.parametrize("name", ["line", pytest.param("torus", marks=pytest.mark.slow), "disc"])
def test_stationary_density(name, alone):
    asked, start, _ = problem(name)
    found = fp.stationary_density(asked)
    serial = alone(lambda: fp.stationary_density(asked))
    for ours, theirs in zip(found.wells, serial.wells, strict=True):
        check_same(ours.probability.log, theirs.probability.log)
        assert ours.minimum == theirs.minimum
    x = np.asarray(start)[:, None] + 0.01
    assert found.field(x) == pytest.approx(serial.field(x), rel=SAME)


TURNING = "-(x**3 - x) - y", "-y + (x**3 - x)"


def turning(known):
    """The quartic well with a rotation that keeps its density, known or to be found; noise 1/20."""
    noise, domain = fp.Isotropic(0.05), fp.Box([-2.0, -1.5], [2.0, 1.5])
    if known:
        process = fp.Overdamped(fp.Potential(PLANE), noise, extra=fp.Drift(["-y", "x**3 - x"]))
    else:
        process = fp.Drifting(fp.Drift(list(TURNING)), noise)
    # a new problem each time: an exponent that was found is kept with it
    return fp.Problem(process, domain, fp.Resolution(tolerance=1e-4))


@pytest.mark.mpi
@pytest.mark.parametrize("known", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_irreversible_process(known, alone):
    """The exponent is found anew by either, within rounding times what it multiplies."""
    target = fp.HalfSpace([1.0, 0.0], 0.8)
    found = fp.mean_exit_time(turning(known), [-1.0, 0.0], target)
    serial = alone(lambda: fp.mean_exit_time(turning(known), [-1.0, 0.0], target))
    assert found.field.discretization.comm.size == MPI.COMM_WORLD.size
    assert found.mean.log == pytest.approx(serial.mean.log, abs=1e-8)
    assert MPI.COMM_WORLD.allgather(found.mean.log) == [found.mean.log] * MPI.COMM_WORLD.size


@pytest.mark.mpi
@pytest.mark.slow
def test_weights_and_spectrum_of_an_irreversible_process(alone):
    found = fp.stationary_density(turning(False))
    serial = alone(lambda: fp.stationary_density(turning(False)))
    for ours, theirs in zip(found.wells, serial.wells, strict=True):
        assert ours.probability.log == pytest.approx(theirs.probability.log, abs=1e-8)
    assert np.sum([well.probability.value for well in found.wells]) == pytest.approx(1.0, abs=1e-12)
    ours, theirs = fp.spectrum(turning(False), 3), alone(lambda: fp.spectrum(turning(False), 3))
    for one, other in zip(ours.eigenvalues[1:], theirs.eigenvalues[1:], strict=True):
        assert one.real.log == pytest.approx(other.real.log, abs=1e-8)
        assert one.imag == pytest.approx(other.imag, abs=1e-8)


@pytest.mark.mpi
def test_references_together():
    """Not only the same digits: the right ones."""
    entries = json.loads((HERE / "reference" / "one_dimensional.json").read_text())["entries"]
    exact = {entry["id"]: entry["value"] for entry in entries}
    high, disc = problem("high"), problem("disc")
    for found, reference in (
        (fp.mean_exit_time(*high).mean, "A_eps1/400_T(-1->1)"),
        (fp.spectrum(high[0], 2).gap, "A_eps1/400_lam1"),
        (fp.mean_exit_time(*disc).mean, "OUBALL_d2_eps0.1_T"),
    ):
        assert found.value == pytest.approx(float(exact[reference]), rel=1e-5)


@pytest.mark.mpi
@pytest.mark.parametrize(("shape", "periodic"), [((40,), [True]), ((9, 8), [False, True]), ((3, 3, 4), [False] * 3)])
def test_every_part_of_the_assembly(shape, periodic):
    """Unknowns, matrices, vectors and estimates of all ranks together are those of one."""
    mesh = grid_triangulation([np.linspace(0.0, 2.0 * math.pi, n + 1) for n in shape], periodic)
    process = Overdamped(Potential("cos(x)" if len(shape) == 1 else "cos(x) + cos(y)"), fp.Isotropic(0.4))
    balance = detailed_balance(process, len(shape), mesh.points.T)
    parts = [
        assemble(fem_discretization.discretize(mesh, 3, comm), balance) for comm in (MPI.COMM_WORLD, MPI.COMM_SELF)
    ]
    ours, theirs = (part.discretization for part in parts)
    assert ours.count == theirs.count
    total = MPI.COMM_WORLD.allreduce(len(ours.cells))
    assert total == len(mesh.cells) == len(theirs.cells)
    assert sorted(np.concatenate(MPI.COMM_WORLD.allgather(ours.cells))) == list(range(total))

    results = []
    for part in parts:
        u = np.sin(part.discretization.nodes).sum(axis=1)
        scaled = u * part.constant
        x = np.full((len(shape), 3), [0.3, 2.0, 6.0])
        results.append((
            scaled @ part.apply_stiffness(scaled),
            scaled @ part.apply_mass(scaled),
            part.constant @ part.apply_mass(part.constant),
            interpolate(part.discretization, u, x),
            energy_errors(part, [Mode(u[part.discretization.dofs])]),
        ))  # fmt: skip
    for one, other in zip(*results, strict=True):
        assert one == pytest.approx(other, rel=1e-10, abs=1e-18)
    assert fem_discretization.unknowns_on_boundary(ours).sum() == fem_discretization.unknowns_on_boundary(theirs).sum()


@pytest.mark.mpi
def test_output_of_a_field_is_whole_on_every_rank():
    asked, start, target = problem("plane")
    field = fp.mean_exit_time(asked, start, target).field
    points, cells, values = field.triangulation()
    assert len(points) == len(values) == field.discretization.count
    assert len(cells) == field.discretization.degree**2 * len(field.discretization.triangulation.cells)
    sums = (float(points.sum()), int(cells.sum()), float(values.sum()))
    assert MPI.COMM_WORLD.allgather(sums) == [sums] * MPI.COMM_WORLD.size


def test_the_command_prints_once_and_the_same(mpirun, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(Path(fokker_planck.__file__).parent.parent))
    command = (sys.executable, "-m", "fokker_planck", "spectrum", EXAMPLES / "double_well_1d.toml", "--json")
    done = mpirun(*command)
    assert done.returncode == 0, done.stderr
    together = json.loads(done.stdout)  # one object, not two
    assert cli.main([*map(str, command[3:]), "-q"]) == 0
    alone = json.loads(capfd.readouterr().out)
    assert alone.keys() == together.keys()

    def numbers(answer):
        if isinstance(answer, dict):
            return [number for key, part in answer.items() if key != "relative_error" for number in numbers(part)]
        if isinstance(answer, list):
            return [number for part in answer for number in numbers(part)]
        return [answer]

    for one, other in zip(numbers(alone), numbers(together), strict=True):
        assert one == (pytest.approx(other, rel=SAME, abs=1e-13) if isinstance(other, float) else other)


@pytest.mark.slow  # as bad input is, in cli/test_cli.py
def test_a_refusal_is_printed_once(mpirun, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fokker_planck.__file__).parent.parent))
    setting = ("--set", "diffusion.epsilon=1e-5")
    done = mpirun(sys.executable, "-m", "fokker_planck", "spectrum", EXAMPLES / "double_well_1d.toml", "-q", *setting)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.count("fokker-planck: ") == 1
    assert "barrier" in done.stderr
    assert "Traceback" not in done.stderr
