"""Evolutions against closed forms: linear drifts, rings, absorption, high barriers, and identities of every start.

theory: a linear drift keeps Gaussians, m(t) = exp(-A t) m, C(t) = S + exp(-A t) (C_0 - S) exp(-A^T t); on a ring
Fourier modes decay alone; over a high barrier P(left) = 1/2 + exp(-lambda t) / 2.
"""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.special import erf

import fokker_planck as fp
from fokker_planck.cli.problem_file import load_problem_file
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.questions.registry import entry

BOWL = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.5))
LINE = fp.Problem(BOWL, fp.Box([-8.0], [8.0]), fp.Resolution(tolerance=1e-8), sets={"A": fp.Ball([1.0], 0.5)})
OF_GAUSSIAN = {"x": "x", "xx": "x**2"}


def held(found, exact, most):
    """The error of a mean or a quantity is below its bar, and that below ``most``."""
    absolute = hasattr(found, "absolute_error")
    bar = found.absolute_error if absolute else found.relative_error * found.value
    assert bar < most
    assert abs(found.value - exact) <= bar


def gaussian(x, mean, variance):
    return np.exp(-((x - mean) ** 2) / (2.0 * variance)) / np.sqrt(2.0 * np.pi * variance)


def test_the_ornstein_uhlenbeck_process_from_a_point():
    evolution = fp.evolve(LINE, [1.0], [1e-4, 0.1, 1.0, 5.0, 40.0], OF_GAUSSIAN)
    x = np.linspace(-3.0, 3.0, 301)
    for state in evolution.times:
        m, v = math.exp(-state.time), -0.5 * math.expm1(-2.0 * state.time)
        held(state.observables["x"], m, 1e-8)
        held(state.observables["xx"], v + m * m, 1e-8)
        assert abs(state.mass.value - 1.0) < 1e-12
        exact = gaussian(x, m, v)
        assert np.abs(state.density(x[None]) - exact).max() < 1e-8 * exact.max()
        assert state.density_error < 1e-8
        assert state.negative <= state.density_error
        # the relative entropy of two Gaussians, to its own digits at 1e-35, too
        entropy = 0.5 * (-math.log1p(-math.exp(-2.0 * state.time)) - math.exp(-2.0 * state.time)) + m * m
        assert state.distance.relative_entropy.value == pytest.approx(entropy, rel=1e-8, abs=1e-25)


@pytest.mark.parametrize(
    "start",
    [
        {"gaussian": {"mean": [0.7], "covariance": [[0.3]]}},
        {"expression": "exp(-(x - 0.7)**2/0.6)"},
        {"expression": lambda x: 7.0 * np.exp(-((x[0] - 0.7) ** 2) / 0.6)},
    ],
    ids=["gaussian", "formula", "function"],
)
def test_a_gaussian_however_it_is_given(start):
    (state,) = fp.evolve(LINE, start, [0.5], OF_GAUSSIAN).times
    m, v = 0.7 * math.exp(-0.5), 0.5 - 0.2 * math.exp(-1.0)
    held(state.observables["x"], m, 1e-8)
    held(state.observables["xx"], v + m * m, 1e-8)


def test_goes_on_from_another_evolution():
    before = fp.evolve(LINE, [1.0], [0.5])
    (state,) = fp.evolve(LINE, before, [1.5], OF_GAUSSIAN).times
    held(state.observables["x"], math.exp(-2.0), 1e-7)


def test_goes_on_from_a_result_folder(tmp_path):
    """Between nodes a density is not linear: taken for that, means were 2e-5 off at bars of 3e-10."""
    fp.save(tmp_path / "first", {"evolve": fp.evolve(LINE, [1.0], [0.02, 0.05])})
    text = """
    [potential]
    expression = "x**2/2"
    [diffusion]
    kind = "isotropic"
    epsilon = 0.5
    [domain]
    kind = "box"
    lower = [-8.0]
    upper = [8.0]
    [discretization]
    tolerance = 1e-8
    [evolve]
    initial = { result = "first" }
    times = [0.45]
    observables = { x = "x", xx = "x**2" }
    """
    (tmp_path / "second.toml").write_text(text, encoding="utf-8")
    file = load_problem_file(tmp_path / "second.toml")
    (by_file,) = entry("evolve").ask(file.problem, file.questions["evolve"]).times
    for state in (by_file, fp.evolve(LINE, fp.load(tmp_path / "first")["evolve"], [0.45]).times[0]):
        assert state.density_error < 1e-8
        m, v = math.exp(-0.5), -0.5 * math.expm1(-1.0)
        x = np.linspace(-3.0, 3.0, 301)
        assert np.abs(state.density(x[None]) - gaussian(x, m, v)).max() < 1e-8
    held(by_file.observables["xx"], v + m * m, 1e-8)


def test_a_density_that_was_not_kept_is_refused(tmp_path):
    fp.save(tmp_path, {"evolve": fp.evolve(LINE, [1.0], [0.5])})
    (tmp_path / "evolve.npz").unlink()
    with pytest.raises(ProblemError, match=r"without its density .*all of its files"):
        fp.evolve(LINE, {"result": tmp_path}, [1.0])
    (tmp_path / "evolve.npz").write_bytes(b"no arrays")
    with pytest.raises(ProblemError, match="cannot be read"):
        fp.evolve(LINE, {"result": tmp_path}, [1.0])


def test_what_is_in_equilibrium_stays_there():
    (state,) = fp.evolve(LINE, "stationary", [3.0], OF_GAUSSIAN).times
    held(state.observables["xx"], 0.5, 1e-8)
    held(state.sets["A"], 0.5 * (erf(1.5) - erf(0.5)), 1e-8)
    assert state.distance.total_variation.value < 1e-11


def test_a_set_spreads():
    (state,) = fp.evolve(LINE, {"set": "A"}, [1e-3], OF_GAUSSIAN).times
    held(state.observables["x"], math.exp(-1e-3), 1e-8)
    a, s = math.exp(-1e-3), math.sqrt(-math.expm1(-2e-3))
    inside, _ = quad(lambda u: 0.5 * (erf((1.5 - a * u) / s) - erf((0.5 - a * u) / s)), 0.5, 1.5, epsabs=1e-13)
    held(state.sets["A"], inside, 1e-8)


def test_a_set_absorbs():
    times = [1e-3, 0.1, 1.0, 5.0, 50.0]
    for state in fp.evolve(LINE, [1.0], times, absorb=fp.HalfSpace([-1.0], 0.0)).times:
        exact = erf(math.exp(-state.time) / math.sqrt(-math.expm1(-2.0 * state.time)))
        # the tail, 1e-22, relative to itself
        assert abs(state.mass.value / exact - 1.0) <= min(state.mass.relative_error, 1e-7)
        assert state.distance is None


def test_a_ring():
    process = fp.Drifting(fp.Drift(["1.5"]), fp.Isotropic(0.2))
    ring = fp.Problem(process, fp.Box([0.0], [2.0 * math.pi], "periodic"), fp.Resolution(tolerance=1e-8))
    for state in fp.evolve(ring, [1.0], [0.1, 1.0, 5.0], {"one": "cos(x)", "three": "sin(3*x)"}).times:
        for n, name, part in ((1, "one", np.real), (3, "three", np.imag)):
            mode = np.exp(1j * n * (1.0 + 1.5 * state.time) - 0.2 * n * n * state.time)
            held(state.observables[name], float(part(mode)), 1e-8)


@pytest.mark.parametrize("barrier", [50.0, 500.0])
def test_times_of_any_length(barrier):
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.25 / barrier))
    well = fp.Problem(process, fp.Box([-2.0], [2.0]))
    rate = fp.spectrum(well, count=2).gap.value
    for state in fp.evolve(well, [-1.0], [1.0, 0.1 / rate, 1.0 / rate, 5.0 / rate]).times:
        if state.time > 1.0:
            held(state.wells[0], 0.5 + 0.5 * math.exp(-rate * state.time), 1e-6)
        assert abs(sum(each.value for each in state.wells) - 1.0) < 1e-8


def test_a_drift_that_turns():
    turn = 2.0
    drift = fp.Drift([f"{turn}*y", f"-{turn}*x"])
    process = fp.Overdamped(fp.Potential("(x**2 + y**2)/2"), fp.Isotropic(0.5), extra=drift)
    plane = fp.Problem(process, fp.Box([-6.0, -6.0], [6.0, 6.0]))
    (state,) = fp.evolve(plane, [1.0, 0.5], [0.5], {"x": "x", "xx": "x**2", "xy": "x*y"}).times
    m = np.exp(-(1.0 + 1j * turn) * 0.5) * (1.0 + 0.5j)
    held(state.observables["x"], m.real, 1e-6)
    held(state.observables["xx"], m.real**2 - 0.5 * math.expm1(-1.0), 1e-6)
    held(state.observables["xy"], m.real * m.imag, 1e-6)
    x = np.random.default_rng(0).uniform(-2.0, 2.0, (2, 500))
    exact = gaussian(x[0], m.real, -0.5 * math.expm1(-1.0)) * gaussian(x[1], m.imag, -0.5 * math.expm1(-1.0))
    assert np.abs(state.density(x) - exact).max() < 1e-6 * exact.max()


def test_a_batch_that_grows():
    """Noise that changes once, between two evolutions: what is in the flat well stays, as a chain of two has it."""
    process = {
        noise: fp.Overdamped(fp.Potential("(x**2-1)**2*(1+2*x/5)/4"), fp.Isotropic(noise)) for noise in (0.05, 0.00625)
    }
    small, large = (fp.Problem(each, fp.Box([-2.0], [2.0])) for each in process.values())
    rate = fp.spectrum(small, count=2).gap.value
    limit = min(fp.stationary_density(small).wells, key=lambda well: well.minimum[0]).probability.value
    found = fp.evolve(small, [1.0], [500.0])
    (end,) = fp.evolve(large, found, [1000.0]).times
    before, after = (
        min(zip(e.minima, s.wells, strict=True))[1].value for e, s in ((found, found.times[0]), (found, end))
    )
    assert before == pytest.approx(limit * -math.expm1(-rate * 500.0), abs=5e-3)
    assert after == pytest.approx(before, abs=1e-3)


def test_a_prescribed_mesh_is_refused():
    process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.4))
    with pytest.raises(ProblemError, match="discretization.cells"):
        fp.evolve(fp.Problem(process, fp.Box([-6.0], [6.0]), fp.Resolution(cells=[40])), [1.0], [1.0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:of 10 numbers")  # of chi-square, which is not looked at
def test_a_linear_drift_that_is_not_normal():
    """m(t) = e^(A t) m, C(t) = S + e^(A t) (C - S) e^(A^T t), of a sheared drift whose density is not known."""
    drift, mean, covariance = np.array([[-1.0, 3.0], [0.0, -1.0]]), np.array([0.5, -0.3]), [[0.1, 0.02], [0.02, 0.2]]
    process = fp.Drifting(fp.Drift(["-x + 3*y", "-y"]), fp.Isotropic(0.2))
    problem = fp.Problem(process, fp.Box([-8.0, -4.0], [8.0, 4.0]), fp.Resolution(1e-4))
    start = {"gaussian": {"mean": mean.tolist(), "covariance": covariance}}
    moments = {"x": "x", "y": "y", "xx": "x**2", "xy": "x*y", "yy": "y**2"}
    still = solve_continuous_lyapunov(drift, -0.4 * np.eye(2))
    for state in fp.evolve(problem, start, [0.3, 2.0], moments).times:
        carried = expm(drift * state.time)
        x, y = carried @ mean
        second = still + carried @ (np.array(covariance) - still) @ carried.T + np.outer([x, y], [x, y])
        exact = {"x": x, "y": y, "xx": second[0, 0], "xy": second[0, 1], "yy": second[1, 1]}
        for name, found in state.observables.items():
            assert abs(found.value - exact[name]) <= min(found.absolute_error, 1e-6)
        assert abs(state.mass.value - 1.0) < 1e-12


@pytest.mark.slow
def test_turned_mirrored_and_lifted():
    """The same process four times, in a ball: every number within its bar of the others, and as the law of the exit."""
    found = []
    for angle, lifted, sign in ((0.0, 0.0, 1), (0.4, 0.0, 1), (0.0, 7.0, 1), (1.1, 0.0, -1)):
        c, s = math.cos(angle), math.sin(angle)
        along, across = f"({c}*x + {s}*y)", f"({sign}*({-s}*x + {c}*y))"
        potential = f"({along}**2 - 1)**2/4 + {across}**2/2 + 0.1*{along}*{across} + 0.1*{along} + {lifted}"
        process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(0.06))
        place = {"right": [c, s], "start": [-c - 0.2 * s * sign, -s + 0.2 * c * sign]}
        target = fp.Ball(place["right"], 0.3)
        disc = fp.Problem(process, fp.Ball([0.0, 0.0], 2.6), fp.Resolution(tolerance=1e-4), sets={"B": target})
        (state,) = fp.evolve(disc, place["start"], [100.0], {"along": along}).times
        (absorbed,) = fp.evolve(disc, place["start"], [100.0], absorb="B").times
        distance = [state.distance.total_variation, state.distance.relative_entropy]
        found.append([state.sets["B"], *sorted(state.wells, key=lambda well: well.value), *distance, absorbed.mass])
        survival = fp.exit_law(disc, place["start"], "B", times=[100.0]).times[0].survival
        assert absorbed.mass.value == pytest.approx(survival.value, rel=1e-6)
    for numbers in zip(*found, strict=True):
        for one in numbers[1:]:
            bar = one.relative_error + numbers[0].relative_error
            assert bar < 3e-4
            assert abs(one.value / numbers[0].value - 1.0) <= bar


def test_a_problem_file_asks(tmp_path, capsys):
    from fokker_planck.cli.command import main

    path = tmp_path / "bowl.toml"
    path.write_text(
        '[potential]\nexpression = "x**2/2"\n[diffusion]\nkind = "isotropic"\nepsilon = 0.5\n'
        '[domain]\nkind = "box"\nlower = [-8.0]\nupper = [8.0]\n'
        '[evolve]\ninitial = { point = [1.0] }\ntimes = [1.0]\nobservables = { x = "x" }\n'
    )
    assert main(["evolve", str(path), "--json"]) == 0
    (state,) = json.loads(capsys.readouterr().out)["times"]
    assert state["observables"]["x"]["value"] == pytest.approx(math.exp(-1.0), abs=1e-6)
    assert main(["evolve", str(path)]) == 0
    assert "relative entropy" in capsys.readouterr().out


@pytest.mark.parametrize(("speed", "noise", "time"), [(50.0, 0.01, 10.0), (1e5, 0.01, 0.01), (3.0, 0.001, 300.0)])
def test_what_turns_faster_than_powers_follow_is_refused_and_not_taken_for_dead(speed, noise, time):
    """On a ring <cos x> = exp(-D t) cos(x_0 + v t); late ones came out stationary, at bars of 1e-10."""
    ring = fp.Box([0.0], [2 * math.pi], boundary="periodic")
    drifting = fp.Problem(fp.Drifting(fp.Drift([str(speed)]), fp.Isotropic(noise)), ring, fp.Resolution(tolerance=1e-4))
    with pytest.raises(ConvergenceError, match="may turn faster than 1024 steps follow"):
        fp.evolve(drifting, [1.0], [time], observables={"c": "cos(x)"})


@pytest.mark.slow
def test_what_turns_faster_than_powers_follow_goes_in_steps():
    """By 24 radians here, and its 17th harmonic by 400, which decays by exp(-3) meanwhile; refused before."""
    ring = fp.Box([0.0], [2 * math.pi], boundary="periodic")
    drifting = fp.Problem(fp.Drifting(fp.Drift(["6.0"]), fp.Isotropic(0.01)), ring, fp.Resolution(tolerance=1e-6))
    (state,) = fp.evolve(drifting, [1.0], [4.0], observables={"c": "cos(x)"}).times
    held(state.observables["c"], math.exp(-0.04) * math.cos(25.0), 1e-6)


@pytest.mark.slow
def test_a_drift_that_turns_thirty_times_as_fast_as_it_attracts():
    """Powers of a resolvent leave 1e-2 of the mass at t = 1; mean and covariance by steps."""
    bowl = fp.Drifting(fp.Drift(["-x - 30*y", "30*x - y"]), fp.Isotropic(0.5))
    problem = fp.Problem(bowl, fp.Box([-6.0, -6.0], [6.0, 6.0]), fp.Resolution(1e-4))
    spread, drift = np.array([[0.2, 0.05], [0.05, 0.3]]), np.array([[-1.0, -30.0], [30.0, -1.0]])
    start = {"gaussian": {"mean": [1.0, 0.3], "covariance": spread.tolist()}}
    names = {"x": "x", "y": "y", "xx": "x**2", "xy": "x*y"}
    for state in fp.evolve(problem, start, [0.2, 1.0], names).times:
        through = expm(drift * state.time)
        m, c = through @ [1.0, 0.3], 0.5 * np.eye(2) + through @ (spread - 0.5 * np.eye(2)) @ through.T
        for name, value in (("x", m[0]), ("y", m[1]), ("xx", m[0] ** 2 + c[0, 0]), ("xy", m[0] * m[1] + c[0, 1])):
            held(state.observables[name], value, 1e-4)
        assert abs(state.mass.value - 1.0) < 1e-12
        assert state.negative <= state.density_error < 1e-4


@pytest.mark.parametrize("high", [400.0, 150.0])
def test_a_point_high_up(high):
    """A density runs down a slope faster than it spreads: powers of a resolvent lost it in rounding, and refused."""
    noise = 0.5 / high
    line = fp.Problem(fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(noise)), fp.Box([-1.5], [1.5]))
    evolution = fp.evolve(line, [1.0], [0.02, 0.5, 4.0], OF_GAUSSIAN)
    for state in evolution.times:
        m, v = math.exp(-state.time), -noise * math.expm1(-2.0 * state.time)
        held(state.observables["x"], m, 1e-6)
        held(state.observables["xx"], v + m * m, 1e-6)
        assert abs(state.mass.value - 1.0) < 1e-12
        assert state.negative <= state.density_error
    # int p^2 / pi of two Gaussians, beyond all doubles at first
    found, t = evolution.times[0].distance.chi_square, 0.02
    m, ratio = math.exp(-t), -math.expm1(-2.0 * t)
    exact = -0.5 * math.log(ratio * (2.0 - ratio)) + m * m / (noise * (2.0 - ratio))
    assert found.log == pytest.approx(exact, abs=2.0 * found.relative_error)


@pytest.mark.parametrize(
    ("width", "periodic", "noise", "start", "time", "exact"),
    [(2 * math.pi, True, 0.2, 0.7, 0.5, 0.67234024961), (1.0, False, 0.5, 0.3, 0.1, 0.23227722758)],
)
def test_total_variation_sees_zeros_beyond_the_outermost_point_of_a_rule(width, periodic, noise, start, time, exact):
    """Brownian motion on a ring and between walls; off by 1e-7 and 5e-9 at bars of 3e-9 and 1e-12."""
    domain = fp.Box([0.0], [width], boundary="periodic" if periodic else "reflecting")
    problem = fp.Problem(fp.Overdamped(fp.Potential("0*x"), fp.Isotropic(noise)), domain)
    found = fp.evolve(problem, [start], [time]).times[0].distance.total_variation
    assert abs(found.value / exact - 1.0) < found.relative_error + 1e-11


@pytest.mark.parametrize("beginning", [{"expression": "1"}, {"set": fp.HalfSpace([1.0], 0.0)}])
def test_a_uniform_beginning_in_a_domain_that_reaches_far_up(beginning):
    """Chi-square was rounding of the density over exp(-160): meshes were never fine enough, for three minutes."""
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.1))
    (state,) = fp.evolve(fp.Problem(process, fp.Box([-3.0], [3.0])), beginning, [1.0], {"x2": "x**2"}).times
    found = state.observables["x2"]
    # Scharfetter and Gummel's scheme, extrapolated from 1,600 and 3,200 cells (0.9249331, 0.9249250), Radau's steps
    assert found.value == pytest.approx(0.924922283, abs=found.absolute_error + 1e-8)
    assert found.absolute_error < 1e-6


@pytest.mark.parametrize(("start", "time"), [(1.0, 1e-40), (0.0, 1e-300)])
def test_a_first_time_at_which_nothing_has_moved(start, time):
    line = fp.Problem(fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.5)), fp.Box([-8.0], [8.0]))
    with pytest.raises(ConvergenceError, match="a later first time"):
        fp.evolve(line, start, [time])


@pytest.mark.parametrize("place", [0.137, -1.03])
def test_means_of_functions_with_kinks_jumps_and_spikes(place):
    # |x - k| was 3.9e-8 off at a bar of 1.1e-8, and the spike was nothing
    def beside(x):
        return np.abs(x[0] - place)

    width = 1e-3
    functions = {
        "kink": f"abs(x - ({place}))",
        "jump": f"heaviside(x - ({place}))",
        "spike": f"exp(-(x - ({place}))**2/(2*{width**2}))",
        "wave": "sin(60*x)",
    }
    asked = ((functions, 1e-6), ({"kink": beside}, 1e-4))
    problems = (replace(LINE, resolution=fp.Resolution(tolerance=tolerance)) for _, tolerance in asked)
    both = [fp.evolve(problem, [1.0], [0.3, 2.0], each) for problem, (each, _) in zip(problems, asked, strict=True)]
    for state, sampled in zip(*(each.times for each in both), strict=True):
        m, v = math.exp(-state.time), -0.5 * math.expm1(-2.0 * state.time)
        z = (m - place) / math.sqrt(v)
        right = 0.5 * (1.0 + erf(z / math.sqrt(2.0)))
        of_kink = math.sqrt(v) * (2.0 * gaussian(z, 0.0, 1.0) + z * (2.0 * right - 1.0))
        held(state.observables["kink"], of_kink, 1e-7)
        held(sampled.observables["kink"], of_kink, 1e-3)
        held(state.observables["jump"], right, 1e-7)
        held(state.observables["wave"], math.sin(60.0 * m) * math.exp(-1800.0 * v), 1e-6)
        spike = math.sqrt(2.0 * math.pi) * width * gaussian(place, m, v + width**2)
        held(state.observables["spike"], spike, 1e-10)


def test_nothing_is_in_the_set_that_absorbs(recwarn):
    """It was measured, with a bar of 100 % and more, and a warning spoke of it."""
    sets = {"out": fp.HalfSpace([1.0], 1.0), "in": fp.HalfSpace([-1.0], 0.0)}
    bowl = fp.Problem(BOWL, fp.Box([-6.0], [6.0]), fp.Resolution(tolerance=1e-6), sets=sets)
    (state,) = fp.evolve(bowl, [0.0], [1.0], absorb="out").times
    assert list(state.sets) == ["out", "in"]
    assert (state.sets["out"].value, state.sets["out"].relative_error) == (0.0, 0.0)
    assert 0.0 < state.sets["in"].value < state.mass.value
    assert not [each for each in recwarn if "error bars" in str(each.message)]


def test_going_on_from_what_a_set_has_left_says_by_what_to_multiply():
    """By parts and in one go: the mass of the second part is one at its beginning."""
    bowl = fp.Problem(
        BOWL, fp.Box([-6.0], [6.0]), fp.Resolution(tolerance=1e-6), sets={"out": fp.HalfSpace([1.0], 1.0)}
    )
    first = fp.evolve(bowl, [0.0], [1.0], absorb="out")
    with pytest.warns(UserWarning, match="a mass of 0.76117.*multiplied"):
        second = fp.evolve(bowl, first, [1.0], absorb="out").times[0].mass
    whole = fp.evolve(bowl, [0.0], [2.0], absorb="out").times[0].mass
    assert first.times[0].mass.value * second.value == pytest.approx(whole.value, rel=2e-6)


def test_a_beginning_that_jumps_beside_an_observable_with_a_kink():
    """Uniform on [0.123, 1.017] in a harmonic well: E |X - 0.3| of Gaussians, integrated over where they begin.

    The mesh has the jumps as well as the kink; without them it was bisected towards each for minutes.
    """
    time, noise = 0.5, 0.3
    process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(noise))
    problem = fp.Problem(process, fp.Box([-8.0], [8.0]), fp.Resolution(1e-7))
    beginning = {"expression": "heaviside(x - 0.123)*heaviside(1.017 - x)"}
    found = fp.evolve(problem, beginning, [time], observables={"a": "abs(x - 0.3)"})
    deviation = np.sqrt(noise * (1.0 - np.exp(-2.0 * time)))

    def mean(start):
        m = start * np.exp(-time) - 0.3
        tail = np.sqrt(2.0 / np.pi) * deviation * np.exp(-(m**2) / (2.0 * deviation**2))
        return tail + m * erf(m / (deviation * np.sqrt(2.0)))

    right = quad(mean, 0.123, 1.017, epsabs=0.0, epsrel=1e-13)[0] / (1.017 - 0.123)
    answer = found.times[0].observables["a"]
    assert answer.absolute_error < 1e-8
    assert abs(answer.value - right) <= answer.absolute_error
    assert found.times[0].density.discretization.cell_nodes.shape[0] < 2000
