"""The numbers that the library is for: through the command, against 60-digit references and exact solutions.

Each answer must be as near to the truth as the tolerance asks, and no further from it than its own error bar says.
"""

import contextlib
import functools
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest

import fokker_planck
from fokker_planck.cli import command as cli

HERE = Path(__file__).parents[1]
EXAMPLES = HERE.parent / "examples"
TOLERANCE, TOLERANCE_3D = 1e-6, 1e-4
ROUNDING = 1e-12

BALL = """
[potential]
expression = "{potential}"
[diffusion]
kind = "isotropic"
epsilon = {epsilon}
[domain]
kind = "ball"
center = {center}
radius = 1.0
[exit]
start = {center}
target = "boundary"
[discretization]
tolerance = {tolerance}
"""


@functools.cache
def references():
    entries = {}
    for name in ("one_dimensional.json", "two_dimensional.json"):
        for entry in json.loads((HERE / "reference" / name).read_text())["entries"]:
            value = entry["value"]
            entries[entry["id"]] = [float(v) for v in value] if isinstance(value, list) else float(value)
    return entries


def ask(question, path, *settings):
    """What the command prints as JSON, run inside this process."""
    options = [option for setting in settings for option in ("--set", setting)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = cli.main([question, str(path), "--json", "--quiet", *options])
    assert status == 0
    return json.loads(printed.getvalue())


def ask_process(question, path, *settings):
    """The same by a process of its own, as a user would."""
    options = [option for setting in settings for option in ("--set", setting)]
    root = str(Path(fokker_planck.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "fokker_planck", question, str(path), "--json", *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(quantity, exact, tolerance=TOLERANCE):
    """The answer is right to the tolerance, knows it, and its error bar holds."""
    error = abs(quantity["value"] / exact - 1.0)
    bar = quantity["relative_error"]
    assert error <= tolerance, f"{quantity['value']!r} is off by {error:.1e} from {exact!r}"
    assert 0.0 < bar <= tolerance
    assert error <= max(bar, ROUNDING), f"an error of {error:.1e} where {bar:.1e} is claimed"
    assert quantity["log"] == pytest.approx(math.log(exact), abs=2.0 * tolerance)


def check_spectrum(answer, exact, tolerance=TOLERANCE):
    zero, *others = answer["eigenvalues"]
    assert (zero["real"]["value"], zero["imag"]) == (0.0, 0.0)
    assert len(others) >= len(exact)
    for eigenvalue, value in zip(others, exact, strict=False):
        check(eigenvalue["real"], value, tolerance)
        assert eigenvalue["imag"] == 0.0
    assert answer["gap"] == others[0]["real"]


# The quartic double well: y and z neither change the time nor the two lowest eigenvalues that are not zero.


@pytest.mark.parametrize(
    ("well", "noise"),
    [
        ("double_well_1d", 8),
        ("double_well_1d", 20),
        pytest.param("double_well_2d", 8, marks=pytest.mark.slow),
        ("double_well_2d", 20),
    ],
)
def test_quartic_double_well(well, noise):
    path, epsilon = EXAMPLES / f"{well}.toml", f"diffusion.epsilon={1 / noise}"
    exact = references()
    count = 2 if noise == 8 else 3  # at 1/20, lambda_2 < 1, the eigenvalue of y
    eigenvalues = [exact[f"A_eps1/{noise}_lam{k}"] for k in range(1, count)]
    check_spectrum(ask("spectrum", path, epsilon), eigenvalues)
    check(ask("exit-time", path, epsilon)["mean"], exact[f"A_eps1/{noise}_T(-1->1)"])


def test_higher_eigenvalues_on_a_line():
    for noise in (8, 20):
        eigenvalues = [references()[f"A_eps1/{noise}_lam{k}"] for k in (1, 2, 3)]
        check_spectrum(ask("spectrum", EXAMPLES / "double_well_1d.toml", f"diffusion.epsilon={1 / noise}"), eigenvalues)


@pytest.mark.memory
@pytest.mark.slow
@pytest.mark.parametrize("noise", [8, 20])
def test_quartic_double_well_in_space(noise):
    path, epsilon = EXAMPLES / "double_well_3d.toml", f"diffusion.epsilon={1 / noise}"
    check_spectrum(
        ask("spectrum", path, epsilon, "spectrum.count=2"), [references()[f"A_eps1/{noise}_lam1"]], TOLERANCE_3D
    )
    check(ask("exit-time", path, epsilon)["mean"], references()[f"A_eps1/{noise}_T(-1->1)"], TOLERANCE_3D)


@pytest.mark.memory
@pytest.mark.slow
def test_over_the_wall_in_space():
    """A barrier of 100 units of epsilon, different curvatures across: gap 1.7e-44, time 1.2e+44."""
    settings = ("diffusion.epsilon=0.0025", "potential.expression='(x**2 - 1)**2/4 + y**2/2 + z**2'")
    path, exact = EXAMPLES / "double_well_3d.toml", references()
    gap = ask("spectrum", path, *settings, "spectrum.count=2")["gap"]
    check(gap, exact["A_eps1/400_lam1"], TOLERANCE_3D)
    check(ask("exit-time", path, *settings)["mean"], exact["A_eps1/400_T(-1->1)"], TOLERANCE_3D)


# Wells of different depth and width.


def well_weights(potential, epsilon, minima, saddle, lower=-2.0, upper=2.0):
    """Stationary probability on either side of the saddle, by quadrature."""
    with mpmath.workdps(30):
        deepest = min(potential(mpmath.mpf(m)) for m in minima)
        sides = [
            mpmath.quad(lambda x: mpmath.exp(-(potential(x) - deepest) / epsilon), list(mpmath.linspace(a, b, 41)))
            for a, b in ((lower, saddle), (saddle, upper))
        ]
        return [float(side / sum(sides)) for side in sides]


def check_weights(answer, exact, positions):
    assert len(answer["wells"]) == len(exact)
    for well in answer["wells"]:
        number = int(np.argmin(np.abs(np.array(positions) - well["minimum"][0])))
        assert well["minimum"][0] == pytest.approx(positions[number], abs=1e-6)
        check(well["probability"], exact[number])


@pytest.mark.parametrize("noise", [pytest.param(8, marks=pytest.mark.slow), 20])
def test_tilted_double_well(noise):
    path, epsilon = EXAMPLES / "tilted_double_well.toml", f"diffusion.epsilon={1 / noise}"
    exact = references()
    check_spectrum(ask("spectrum", path, epsilon), [exact[f"B_eps1/{noise}_lam1"]])
    check(ask("exit-time", path, epsilon)["mean"], exact[f"B_eps1/{noise}_T(-1->1)"])
    back = ("exit.start=[1.0]", "exit.target=left")
    check(ask("exit-time", path, epsilon, *back)["mean"], exact[f"B_eps1/{noise}_T(1->-1)"])
    left, saddle, right = sorted(np.roots([1.0, 0.0, -1.0, 0.1]).real)
    weights = well_weights(lambda x: (x**2 - 1) ** 2 / 4 + x / 10, 1.0 / noise, (left, right), saddle)
    check_weights(ask("stationary", path, epsilon), weights, [left, right])


@pytest.mark.parametrize("noise", [*(pytest.param(noise, marks=pytest.mark.slow) for noise in (20, 80)), 400])
def test_flat_and_sharp_double_well(noise):
    path, epsilon = EXAMPLES / "flat_and_sharp.toml", f"diffusion.epsilon={1 / noise}"
    exact = references()
    flat = exact[f"F_iso_eps1/{noise}_P(x<saddle)"]
    check_weights(ask("stationary", path, epsilon), [flat, 1.0 - flat], [-1.0, 1.0])
    check_spectrum(ask("spectrum", path, epsilon, "spectrum.count=2"), [exact[f"F_iso_eps1/{noise}_lam1"]])
    check(ask("exit-time", path, epsilon)["mean"], exact[f"F_iso_eps1/{noise}_T(-1->1)"])
    back = ("exit.start=[1.0]", "exit.target=flat", "sets.flat.halfspace={normal=[-1.0], offset=1.0}")
    check(ask("exit-time", path, epsilon, *back)["mean"], exact[f"F_iso_eps1/{noise}_T(1->-1)"])


# Two dimensions without a formula: spectral elements in another form of the equation.


@pytest.mark.parametrize(
    ("example", "reference", "settings"),
    [
        pytest.param("mueller_brown", "MB_kT10", (), marks=pytest.mark.slow),
        ("three_hole", "TH_beta1.67", ()),
        pytest.param("three_hole", "TH_beta6.67", ("diffusion.epsilon=0.14992503748125938",), marks=pytest.mark.slow),
    ],
)
def test_three_wells_in_the_plane(example, reference, settings):
    check_spectrum(ask("spectrum", EXAMPLES / f"{example}.toml", *settings), references()[reference])


# Ornstein-Uhlenbeck: T(0) = R^2/(2 d eps) 2F2(1, 1; 2, 1 + d/2; R^2/(2 eps)).


def exit_from_ball(dimension, epsilon):
    with mpmath.workdps(30):
        rate = mpmath.mpf(1) / (2 * mpmath.mpf(epsilon))
        series = mpmath.hyp2f2(1, 1, 2, 1 + mpmath.mpf(dimension) / 2, rate)
        return float(rate / dimension * series)


def test_the_exit_formula_is_the_reference():
    for dimension in (1, 2, 3):
        for epsilon in (0.5, 0.1):
            reference = references()[f"OUBALL_d{dimension}_eps{epsilon}_T"]
            assert exit_from_ball(dimension, epsilon) == pytest.approx(reference, rel=1e-15)
    with mpmath.workdps(30):
        plane = (mpmath.ei(5) - mpmath.log(5) - mpmath.euler) / 2
    assert exit_from_ball(2, 0.1) == pytest.approx(float(plane), rel=1e-14)


def ball_file(folder, dimension, epsilon, tolerance):
    squares = " + ".join(f"{axis}**2" for axis in "xyz"[:dimension])
    path = folder / "ball.toml"
    path.write_text(
        BALL.format(potential=f"({squares})/2", epsilon=epsilon, center=[0.0] * dimension, tolerance=tolerance)
    )
    return path


@pytest.mark.parametrize(
    ("dimension", "epsilon"), [(1, 0.5), (1, 0.1), pytest.param(2, 0.5, marks=pytest.mark.slow), (2, 0.1)]
)
def test_ornstein_uhlenbeck_leaves_the_unit_ball(tmp_path, dimension, epsilon):
    path = ball_file(tmp_path, dimension, epsilon, TOLERANCE)
    check(ask("exit-time", path)["mean"], exit_from_ball(dimension, epsilon))


@pytest.mark.memory
@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.5, 0.1])
def test_ornstein_uhlenbeck_leaves_the_unit_ball_in_space(tmp_path, epsilon):
    path = ball_file(tmp_path, 3, epsilon, TOLERANCE_3D)
    check(ask("exit-time", path)["mean"], exit_from_ball(3, epsilon), TOLERANCE_3D)


# Brownian motion in the unit square.


def test_brownian_exit_from_the_square():
    series = sum((-1.0) ** (k // 2) / (k**3 * math.cosh(0.5 * k * math.pi)) for k in range(1, 40, 2))
    centre = 0.125 - 4.0 / math.pi**3 * series
    assert centre == pytest.approx(references()["BM_SQUARE_center"], rel=1e-14)
    check(ask("exit-time", EXAMPLES / "brownian_square.toml")["mean"], centre)


def test_brownian_spectrum_of_the_square():
    exact = [math.pi**2 * (m * m + n * n) for m, n in ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2))]
    check_spectrum(ask("spectrum", EXAMPLES / "brownian_square.toml", "spectrum.count=6"), exact)


# The ring.


def ring_eigenvalues(epsilon, count, modes=80):
    """-L exp(inx) = eps n^2 exp(inx) + n (exp(i(n+1)x) - exp(i(n-1)x))/2 for the drift -sin x."""
    n = np.arange(-modes, modes + 1)
    matrix = np.diag(epsilon * n**2.0) + np.diag(n[:-1] / 2.0, -1) - np.diag(n[1:] / 2.0, 1)
    return np.sort(np.linalg.eigvals(matrix).real)[1 : count + 1]


def test_the_matrix_of_the_ring_is_the_reference():
    assert ring_eigenvalues(0.2, 2) == pytest.approx(references()["RING0_lam1_eps0.2"], rel=1e-12)
    assert ring_eigenvalues(0.05, 2) == pytest.approx(references()["RING0_lam1_eps0.05"], rel=1e-9)


@pytest.mark.parametrize("epsilon", [1.0, 0.2, 0.05])
def test_pendulum_on_a_ring(epsilon):
    answer = ask("spectrum", EXAMPLES / "ring.toml", f"diffusion.epsilon={epsilon}", "spectrum.count=6")
    check_spectrum(answer, ring_eigenvalues(epsilon, 5))


def test_brownian_motion_on_a_ring():
    settings = ("potential.expression='0'", "diffusion.epsilon=0.3", "spectrum.count=6")
    check_spectrum(ask("spectrum", EXAMPLES / "ring.toml", *settings), [0.3 * n * n for n in (1, 1, 2, 2, 3)])


def test_exit_on_a_ring():
    """From the bottom to either side of the top: by symmetry an exit of (0, a) with a reflecting bottom."""
    a, epsilon = math.pi - 0.5, 0.2
    nodes, weights = np.polynomial.legendre.leggauss(120)
    nodes, weights = 0.5 * (nodes + 1.0), 0.5 * weights
    y, z = a * nodes[:, None], a * np.outer(nodes, nodes)
    inner = (np.exp((np.cos(z) - np.cos(y)) / epsilon) * weights).sum(axis=1) * y[:, 0]
    exact = float((inner * weights).sum() * a / epsilon)
    check(ask("exit-time", EXAMPLES / "ring.toml")["mean"], exact)


# Processes of their own, as users start them.


@pytest.mark.parametrize(
    ("question", "example", "key", "reference"),
    [
        ("spectrum", "double_well_2d", "gap", "A_eps1/20_lam1"),
        ("exit-time", "double_well_2d", "mean", "A_eps1/20_T(-1->1)"),
        ("exit-time", "ou_disc", "mean", "OUBALL_d2_eps0.1_T"),
        ("exit-time", "brownian_square", "mean", "BM_SQUARE_center"),
        ("exit-time", "tilted_double_well", "mean", "B_eps1/20_T(-1->1)"),
    ],
)
@pytest.mark.slow  # each is asked above, of the same command in this process
def test_as_a_process(question, example, key, reference):
    check(ask_process(question, EXAMPLES / f"{example}.toml")[key], references()[reference])


@pytest.mark.slow
def test_stationary_weights_as_a_process():
    answer = ask_process("stationary", EXAMPLES / "flat_and_sharp.toml")
    flat = references()["F_iso_eps1/20_P(x<saddle)"]
    check_weights(answer, [flat, 1.0 - flat], [-1.0, 1.0])


def test_solve_as_a_process_answers_everything(tmp_path):
    example = (EXAMPLES / "double_well_1d.toml").read_text()
    path = tmp_path / "double_well.toml"
    path.write_text(example)
    root = str(Path(fokker_planck.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "fokker_planck", "solve", str(path), "--json", "-o", str(tmp_path / "results")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"landscape", "stationary", "spectrum", "exit-time", "rates", "reversible"}
    check(answer["spectrum"]["gap"], references()["A_eps1/20_lam1"])
    check(answer["exit-time"]["mean"], references()["A_eps1/20_T(-1->1)"])
    check_weights(answer["stationary"], [0.5, 0.5], [-1.0, 1.0])
    assert (tmp_path / "results" / "result.json").is_file()
    # Eyring and Kramers: sqrt(2) pi exp(5) = 659.39
    assert answer["exit-time"]["ratio"] == pytest.approx(729.6706919423 / (math.sqrt(2.0) * math.pi * math.exp(5.0)))
