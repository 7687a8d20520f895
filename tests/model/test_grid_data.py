"""Potentials and noise from files, and the density exp(-F/kT) whatever D(x)."""

import math
import pickle

import numpy as np
import pytest
from scipy.integrate import quad

import fokker_planck as fp
from fokker_planck.cli.command import main
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.grids.grid_files import read_grid

QUARTIC = 729.6706919423
"""Mean time of the quartic well, noise 1/20, from -1 to x >= 1, by quadrature."""
ANGLES = np.linspace(-math.pi, math.pi, 48, endpoint=False)


def torus(x, y):
    return 3.0 * np.cos(x) + 2.0 * np.cos(y) + np.sin(x + y)


def write_plumed(path, values, angles):
    n = len(angles)
    lines = ["#! FIELDS phi psi file.free der_phi der_psi"]
    for name in ("phi", "psi"):
        lines += [f"#! SET min_{name} -pi", f"#! SET max_{name} pi", f"#! SET nbins_{name} {n}"]
        lines += [f"#! SET periodic_{name} true"]
    for j in range(n):
        lines += [f" {angles[i]:.9f} {angles[j]:.9f} {values[i, j]:.9f} 0.0 0.0" for i in range(n)] + [""]
    path.write_text("\n".join(lines))


def write_csv(path, values, angles):
    rows = [f"{x:.12f},{y:.12f},{values[i, j]:.12f}" for i, x in enumerate(angles) for j, y in enumerate(angles)]
    path.write_text("\n".join(["phi,psi,F", *rows[::-1]]))


def test_a_polynomial_on_a_grid_is_that_polynomial():
    axis = np.linspace(-2.0, 2.0, 81)
    V = fp.Potential.from_grid((axis, (axis**2 - 1.0) ** 2 / 4.0))
    process = fp.Overdamped(V, fp.Isotropic(0.05))
    time = fp.mean_exit_time(fp.Problem(process, fp.Box([-2.0], [2.0])), -1.0, fp.HalfSpace([1.0], 1.0))
    assert abs(time.mean.value / QUARTIC - 1.0) < 2e-6
    copy = pickle.loads(pickle.dumps(V))
    x = np.linspace(-2.0, 2.0, 7)[None]
    assert (copy(x) == V(x)).all()


def test_three_kinds_of_file_say_the_same(tmp_path):
    values = torus(ANGLES[:, None], ANGLES[None, :])
    np.savez(tmp_path / "fes.npz", x=ANGLES, y=ANGLES, F=values, periodic=[True, True])
    write_plumed(tmp_path / "fes.dat", values, ANGLES)
    write_csv(tmp_path / "fes.csv", values, ANGLES)
    x = np.random.default_rng(1).uniform(-3.0, 3.0, (2, 40))
    for name, asked in (("fes.npz", None), ("fes.dat", None), ("fes.csv", [True, True])):
        V = fp.Potential.from_grid(tmp_path / name, periodic=asked)
        np.testing.assert_allclose(V(x), torus(*x), atol=2e-4)
        np.testing.assert_allclose(V(x + 2.0 * math.pi), V(x), atol=1e-9)
        assert V.source.__self__.upper == pytest.approx((math.pi, math.pi), abs=1e-6)
        slope = np.array([-3.0 * np.sin(x[0]) + np.cos(x[0] + x[1]), -2.0 * np.sin(x[1]) + np.cos(x[0] + x[1])])
        np.testing.assert_allclose(V.gradient(x), slope, atol=2e-3)


def test_both_faces_of_a_periodic_axis_may_be_there():
    closed = np.linspace(0.0, 1.0, 41)
    for axis in (closed, closed[:-1]):
        V = fp.Potential.from_grid((axis, np.cos(2.0 * np.pi * axis)), periodic=True)
        assert V.source.__self__.upper == (pytest.approx(1.0),)
        np.testing.assert_allclose(V(np.array([[0.013, 1.013]])), np.cos(2.0 * np.pi * 0.013), atol=1e-6)


def test_smoothing_takes_the_noise_out_and_bends_a_cosine_as_a_gaussian_does():
    axis, length = np.linspace(0.0, 1.0, 200, endpoint=False), 0.04
    wave = np.cos(2.0 * np.pi * axis)
    V = fp.Potential.from_grid((axis, wave), periodic=True, smoothing=length, scale=2.0)
    damped = 2.0 * math.exp(-((2.0 * math.pi * length) ** 2) / 2.0)
    np.testing.assert_allclose(V(axis[None]), damped * wave, atol=1e-3 * damped)


HOLES = np.linspace(-2.0, 2.0, 41)
WELL = (HOLES**2 - 1.0) ** 2 / 4.0


def test_walls_stand_where_nothing_was_sampled_and_leave_the_rest_alone():
    values = np.where(HOLES > 1.7, np.nan, WELL)
    with pytest.warns(UserWarning, match="never sampled: it is a wall"):
        V = fp.Potential.from_grid((HOLES, values), unsampled="wall")
    x = np.linspace(-1.9, 1.2, 30)[None]
    np.testing.assert_allclose(V(x), (x[0] ** 2 - 1.0) ** 2 / 4.0, atol=2e-3)
    beyond = V(np.linspace(1.8, 2.0, 5)[None])
    assert (beyond > (1.7**2 - 1.0) ** 2 / 4.0).all()
    assert (np.diff(beyond) > 0.0).all()
    kept = fp.Potential.from_grid((HOLES, np.minimum(WELL, 1.0)), unsampled="keep")
    assert abs(float(kept(np.array([[2.0]]))[0]) - 1.0) < 1e-12


def test_a_wall_around_a_periodic_axis_looks_both_ways():
    values = np.cos(ANGLES)
    values[20:24] = np.nan
    values = np.roll(values, 26)  # the hole lies over the seam
    with pytest.warns(UserWarning, match="wall"):
        V = fp.Potential.from_grid((ANGLES, values), periodic=True, unsampled="wall")
    hole = ANGLES[np.isnan(values)]
    np.testing.assert_allclose(V(hole[None] + 2.0 * math.pi), V(hole[None]))
    assert np.nanmax(values) < V(hole[None]).max() < 10.0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "x,F\n0,1\n1,2\n1,3\n"),
        ("a.csv", "x,y,F\n0,0,1\n1,1,2\n0,1,1\n"),
        ("a.csv", "nothing"),
        ("a.csv", ""),
        ("a.dat", "#! FIELDS\n1 2\n"),
        ("a.dat", "#! FIELDS phi file.free\n#! SET min_phi -pi\n1 two\n"),
        ("a.npz", "no archive"),
    ],
)
def test_files_that_hold_no_grid_are_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ProblemError, match=r"potential\.grid"):
        read_grid(tmp_path / name)


def test_a_symmetric_function_without_its_second_face_does_not_take_a_step_less_for_its_period():
    half = -math.pi + (np.arange(48) + 0.5) * 2.0 * math.pi / 48  # first and last value are equal
    assert fp.Potential.from_grid((half, np.cos(half)), periodic=True).source.__self__.upper[0] == pytest.approx(
        half[0] + 2.0 * math.pi
    )
    unit = (np.arange(48) + 0.5) / 48  # no full turn of anything
    V = fp.Potential.from_grid((unit, np.cos(2.0 * np.pi * unit)), periodic=True)
    with pytest.raises(ProblemError, match="is one face of the axis in the file"):
        fp.Problem(fp.Overdamped(V, fp.Isotropic(1.0)), fp.Box([0.0], [1.0], "periodic"))
    noise = fp.Sampled.from_grid((unit, 2.0 + np.cos(2.0 * np.pi * unit)), periodic=True)
    with pytest.raises(ProblemError, match=r"diffusion\.file"):
        fp.Problem(fp.Overdamped(fp.Potential("cos(2*pi*x)"), noise), fp.Box([0.0], [1.0], "periodic"))


KT = 0.2


def mobility(x):
    return 0.5 + 0.4 * np.tanh(2.0 * x)


def exact_time():
    """int_a^b dy e^(F/kT)/D(y) int_-2^y e^(-F/kT), F the quartic."""
    F = lambda x: (x * x - 1.0) ** 2 / 4.0 / KT  # noqa: E731
    inner = lambda y: quad(lambda z: math.exp(-F(z)), -2.0, y, epsabs=0.0, epsrel=1e-12)[0]  # noqa: E731
    return quad(lambda y: math.exp(F(y)) / mobility(y) * inner(y), -1.0, 1.0, epsabs=0.0, epsrel=1e-11)[0]


NOISES = {
    "formula": lambda: fp.Formula("0.5 + 0.4*tanh(2*x)"),
    "function": lambda: fp.Sampled(lambda x: mobility(x[0])),
    "grid": lambda: fp.Sampled.from_grid((np.linspace(-2.0, 2.0, 201), mobility(np.linspace(-2.0, 2.0, 201)))),
}


@pytest.mark.parametrize("noise", NOISES)
def test_the_mean_time_of_a_free_energy_with_a_mobility(noise):
    process = fp.Smoluchowski(fp.Potential("(x**2 - 1)**2/4"), NOISES[noise](), KT)
    problem = fp.Problem(process, fp.Box([-2.0], [2.0]))
    time = fp.mean_exit_time(problem, -1.0, fp.HalfSpace([1.0], 1.0))
    assert abs(time.mean.value / exact_time() - 1.0) < max(2e-6, 2.0 * time.mean.relative_error)


def test_the_density_is_gibbs_whatever_the_mobility():
    tilted = "(x**2 - 1)**2/4 + 0.1*x + y**2/2"
    weights = []
    for noise in (fp.Isotropic(3.0), fp.Formula([["2 + x", "0.3"], ["0.3", "1 + y**2"]]), fp.Formula("1 + x**2")):
        process = fp.Smoluchowski(fp.Potential(tilted), noise, KT)
        problem = fp.Problem(process, fp.Box([-1.9, -2.0], [1.9, 2.0]), fp.Resolution(tolerance=1e-5))
        density = fp.stationary_density(problem).density
        weights.append(density.log(np.array([[-0.9, 0.7], [0.3, -0.4]])))
    F = lambda x, y: (x**2 - 1) ** 2 / 4 + 0.1 * x + y**2 / 2  # noqa: E731
    for found in weights:
        assert found[0] - found[1] == pytest.approx((F(0.7, -0.4) - F(-0.9, 0.3)) / KT, abs=1e-6)


def test_constant_mobility_is_a_unit_of_time():
    F, box = fp.Potential("(x**2 - 1)**2/4"), fp.Box([-2.0], [2.0])
    slow = fp.mean_exit_time(
        fp.Problem(fp.Smoluchowski(F, fp.Isotropic(2.0), 0.05), box), -1.0, fp.HalfSpace([1.0], 1.0)
    )
    assert slow.mean.value == pytest.approx(QUARTIC * 0.05 / 2.0, rel=2e-6)
    overdamped = fp.Problem(fp.Overdamped(F, fp.Isotropic(0.05)), box)
    assert slow.ratio == pytest.approx(fp.mean_exit_time(overdamped, -1.0, fp.HalfSpace([1.0], 1.0)).ratio, rel=1e-6)


FILE = """
[potential]
grid = "fes.npz"
smoothing = 0.05
[dynamics]
kind = "smoluchowski"
kT = 1.0
[diffusion]
kind = "grid"
file = "D.npz"
scale = 2.0
[domain]
kind = "box"
lower = [-3.141592653589793, -3.141592653589793]
upper = [3.141592653589793, 3.141592653589793]
boundary = "periodic"
[discretization]
tolerance = 1e-3
"""


def test_a_problem_file_of_two_grids(tmp_path, capsys):
    np.savez(tmp_path / "fes.npz", x=ANGLES, y=ANGLES, F=torus(ANGLES[:, None], ANGLES[None, :]), periodic=True)
    np.savez(
        tmp_path / "D.npz", x=ANGLES, y=ANGLES, D=1.0 + 0.2 * np.cos(ANGLES[:, None] + 0.0 * ANGLES), periodic=True
    )
    (tmp_path / "torus.toml").write_text(FILE)
    assert main(["stationary", str(tmp_path / "torus.toml"), "-q"]) == 0
    assert "noise, spacing and smoothing of the grid data are not in them" in capsys.readouterr().out
    problem = fp.load_problem(tmp_path / "torus.toml")
    assert problem.process.kT == 1.0
    assert problem.process.field(2).tensor(np.zeros((2, 1)))[0, 0, 0] == pytest.approx(2.4, abs=1e-4)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("potential.expression=x**2", "expression and grid"),
        ("potential.smoothing=-1.0", "potential.smoothing"),
        ("potential.unsampled=maybe", "potential.unsampled"),
        ("potential.parameters={ k = 1.0 }", "potential.parameters"),
        ("dynamics.kT=0.0", "dynamics.kT"),
        ("diffusion.interpretation=ito", "diffusion.interpretation"),
        ("diffusion.file=nowhere.npz", "no such file"),
        ("drift.extra=['x', 'y']", "drift"),
        ("diffusion.scale=-1.0", "diffusion.scale"),
    ],
)
def test_keys_that_do_not_fit_a_grid(tmp_path, capsys, override, line):
    np.savez(tmp_path / "fes.npz", x=ANGLES, y=ANGLES, F=torus(ANGLES[:, None], ANGLES[None, :]), periodic=True)
    np.savez(tmp_path / "D.npz", x=ANGLES, y=ANGLES, D=np.ones((48, 48)), periodic=True)
    (tmp_path / "torus.toml").write_text(FILE)
    assert main(["stationary", str(tmp_path / "torus.toml"), "-q", "--set", override]) == 2
    assert line in capsys.readouterr().err


def test_noise_that_is_not_symmetric_is_refused():
    axis = np.linspace(-2.0, 2.0, 11)
    values = np.broadcast_to([[1.0, 0.5], [0.0, 1.0]], (11, 11, 2, 2))
    with pytest.raises(ProblemError, match="not symmetric"):
        fp.Sampled.from_grid(([axis, axis], values))


def test_a_grid_smaller_than_the_domain_says_both_extents():
    axis = np.linspace(-1.5, 1.5, 31)
    well, noise = (axis**2 - 1.0) ** 2 / 4.0, np.full(31, 0.1)
    box = fp.Box([-2.0], [1.5])
    message = r"found a grid with x from -1\.5 to 1\.5; wanted one that holds the domain, x from -2 to 1\.5"
    with pytest.raises(ProblemError, match=r"potential\.grid: " + message):
        fp.Problem(fp.Overdamped(fp.Potential.from_grid(([axis], well)), fp.Isotropic(0.1)), box)
    sampled = fp.Sampled.from_grid(([axis], noise))
    with pytest.raises(ProblemError, match=r"diffusion\.file: " + message):
        fp.Problem(fp.Overdamped(fp.Potential("x**2"), sampled), box)
    turn = np.linspace(0.0, 2.0 * np.pi, 21)[:-1]
    ring = fp.Potential.from_grid(([turn], np.cos(turn)))
    with pytest.raises(ProblemError, match="periodic = true"):
        fp.Problem(fp.Overdamped(ring, fp.Isotropic(0.1)), fp.Box([0.0], [2.0 * np.pi], "periodic"))
