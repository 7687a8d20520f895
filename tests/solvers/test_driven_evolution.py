"""Densities where noise and potential depend on time, against closed forms and against evolutions that begin again."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.interpolate import CubicSpline

import fokker_planck as fp
from fokker_planck.fem.driven_generator import DrivenGenerator
from fokker_planck.solvers.time.stepping.quick_times import quick_times

TOLERANCE = 1e-5
CASES = {"point": [1.0], "gaussian": {"gaussian": {"mean": [1.0], "covariance": [[0.2]]}}}


def on_a_line(schedule, potential="x**2/2", noise=0.5, box=9.0, **more):
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise))
    return fp.Problem(process, fp.Box([-box], [box]), fp.Resolution(TOLERANCE), schedule=schedule, **more)


def checked(state, name, exact):
    """The mean of an observable is right to its bar, and the bar is as small as was asked, with room for its size."""
    found = state.observables[name]
    assert abs(found.value - exact) < found.absolute_error < 20 * TOLERANCE * (1.0 + abs(exact))


@pytest.mark.parametrize("start", [pytest.param("point", marks=pytest.mark.slow), "gaussian"])
def test_falling_noise(start):
    problem = on_a_line(fp.Schedule(noise="1/(1 + t/2)"))
    found = fp.evolve(problem, CASES[start], [0.3, 3.0], {"x": "x", "square": "x**2"})
    for state in found.times:
        t = state.time
        variance = quad(lambda u, t=t: np.exp(-2 * (t - u)) / (1 + u / 2), 0.0, t, epsabs=1e-14)[0]
        variance += 0.0 if start == "point" else 0.2 * np.exp(-2 * t)
        checked(state, "x", np.exp(-t))
        checked(state, "square", np.exp(-2 * t) + variance)
        assert abs(state.mass.value - 1.0) < 1e-12
        assert state.negative < state.density_error < TOLERANCE
        x = np.exp(-t) + np.sqrt(variance) * np.linspace(-3.0, 3.0, 41)
        exact = np.exp(-((x - np.exp(-t)) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        assert np.abs(state.density(x[None]) - exact).max() < 20 * TOLERANCE * exact.max()


def test_moving_centre():
    """V = (x - a sin(w t))^2/2: the centre lags behind, the width is that of rest."""
    a, w = 0.8, 3.0
    problem = on_a_line(fp.Schedule(potential=f"-{a}*sin({w}*t)*x"))
    found = fp.evolve(problem, CASES["gaussian"], [0.5, 2.0], {"x": "x", "square": "x**2"})
    for state in found.times:
        t = state.time
        mean = np.exp(-t) + a * (np.sin(w * t) - w * np.cos(w * t) + w * np.exp(-t)) / (1 + w**2)
        checked(state, "x", mean)
        checked(state, "square", mean**2 + 0.5 + (0.2 - 0.5) * np.exp(-2 * t))


@pytest.mark.parametrize(
    "width", [pytest.param(5e-4, marks=pytest.mark.slow), pytest.param(0.005, marks=pytest.mark.slow), 0.05]
)
def test_pulses_in_time(width):
    """What is narrower than a step was missed in silence; the tail of a wide pulse, 1e-321, was refused."""
    push, hot = 0.1 / width, 0.1 / width
    shape = f"exp(-((t - 3)/{width})**2)"
    schedule = fp.Schedule(noise=f"1 + {hot}*{shape}", potential=f"-{push}*{shape}*x")
    problem = replace(on_a_line(schedule), resolution=fp.Resolution(1e-3))
    (state,) = fp.evolve(problem, CASES["gaussian"], [5.0], {"x": "x", "square": "x**2"}).times
    area = 0.1 * np.sqrt(np.pi)
    mean = np.exp(-5.0) + area * np.exp(-2.0 + width**2 / 4.0)
    variance = 0.5 + (0.2 - 0.5) * np.exp(-10.0) + area * np.exp(-4.0 + width**2)
    for name, exact in (("x", mean), ("square", mean**2 + variance)):
        found = state.observables[name]
        assert abs(found.value - exact) < found.absolute_error < 1e-3
        assert abs(found.value - exact) < 1e-5


def test_steps_are_short_where_coefficients_are_quick():
    """About as short as a pulse is narrow there, and as long as wanted elsewhere."""
    schedule = fp.Schedule(potential="-20*exp(-((t - 3)/0.005)**2)*x")
    quick = quick_times(schedule, np.array([[-1.0, 1.0]]), 5.0, 1.0, 0.3, 1e-5)
    assert quick.end(0.0, 2.0) == 2.0
    assert 2.9 < quick.end(0.0, 5.0) < 3.0
    assert 0.001 < quick.end(3.0, 5.0) - 3.0 < 0.02
    smooth = quick_times(fp.Schedule(noise="1/(1 + t/2)"), np.zeros((1, 1)), 5.0, 0.3, 0.3, 1e-5)
    assert smooth.end(0.0, 5.0) > 2.5


def test_formulas_that_jump_in_time():
    """Noise falls to a quarter at t = 0.7, and a push begins at t = 1: refused, or steps of 1e-12, before."""
    schedule = fp.Schedule(noise="1 - 0.75*heaviside(t - 0.7)", potential="-0.5*heaviside(t - 1)*x")
    assert schedule.breaks(5.0) == (0.7, 1.0)
    found = fp.evolve(on_a_line(schedule), CASES["gaussian"], [0.5, 1.5], {"x": "x", "square": "x**2"})
    for state in found.times:
        t = state.time
        mean, first = np.exp(-t) + (0.5 * -np.expm1(1.0 - t) if t > 1.0 else 0.0), min(t, 0.7)
        variance = 0.5 + (0.2 - 0.5) * np.exp(-2.0 * first)
        variance = 0.125 + (variance - 0.125) * np.exp(-2.0 * (t - first))
        checked(state, "x", mean)
        checked(state, "square", mean**2 + variance)


@pytest.mark.slow
def test_means_in_the_plane_to_their_tolerance():
    """Bars of means were 1.5e-4 where errors were 1e-12: the mass of one unknown may be next to nothing."""
    process = fp.Overdamped(fp.Potential("x**2/2 + y**2 + x*y/2"), fp.Isotropic(0.5))
    schedule, box = fp.Schedule(noise="1/(1 + t/2)"), fp.Box([-7.0, -6.0], [7.0, 6.0])
    problem = fp.Problem(process, box, fp.Resolution(1e-6), schedule=schedule)
    start = {"gaussian": {"mean": [1.0, 0.3], "covariance": [[0.2, 0.0], [0.0, 0.2]]}}
    (state,) = fp.evolve(problem, start, [2.0], {"x": "x", "xx": "x**2"}).times
    force = np.array([[1.0, 0.5], [0.5, 2.0]])

    def moments(t, u):
        mean, covariance = u[:2], u[2:].reshape(2, 2)
        spread = force @ covariance + covariance @ force - np.eye(2) / (1.0 + t / 2.0)
        return np.concatenate([-force @ mean, -spread.ravel()])

    exact = solve_ivp(moments, (0.0, 2.0), [1.0, 0.3, 0.2, 0.0, 0.0, 0.2], rtol=1e-12, atol=1e-13).y[:, -1]
    for name, value in (("x", exact[0]), ("xx", exact[0] ** 2 + exact[2])):
        found = state.observables[name]
        assert abs(found.value - value) < found.absolute_error < 3e-6
    assert state.density_error < 1e-6


def test_batches_that_jump_by_a_formula():
    """In iterations, at learning rates that fall meanwhile: t = sum of eta."""
    jumping = fp.sgd.schedule(fp.sgd.Learning(0.1, 1), "0.1/(1 + t/100)", "1 + 7*heaviside(t - 500)")
    assert jumping.breaks(1e3) == pytest.approx((10.0 * np.log(6.0),), rel=1e-12)


def test_table_is_a_restart():
    """A noise that falls to an eighth at once is two evolutions, the second from the end of the first."""
    quartic, sets = "(x**2 - 1)**2*(1 + 2*x/5)/4", {"left": fp.HalfSpace([-1.0], 0.0)}
    scheduled = on_a_line(fp.Schedule(noise=[[0, 1], [100, 0.5]]), quartic, 0.05, 2.0, sets=sets)
    whole = fp.evolve(scheduled, [1.0], [50.0, 100.0, 150.0], {"x": "x"}).times
    first = fp.evolve(on_a_line(None, quartic, 0.05, 2.0, sets=sets), [1.0], [50.0, 100.0], {"x": "x"})
    second = fp.evolve(on_a_line(None, quartic, 0.025, 2.0, sets=sets), first, [50.0], {"x": "x"})
    for one, other in zip(whole, (*first.times, *second.times), strict=True):
        both = one.sets["left"].relative_error + other.sets["left"].relative_error
        assert abs(one.sets["left"].value / other.sets["left"].value - 1.0) < both < 1e-4
        apart = abs(one.observables["x"].value - other.observables["x"].value)
        assert apart < one.observables["x"].absolute_error + other.observables["x"].absolute_error
        assert abs(one.mass.value - 1.0) < 1e-12


@pytest.mark.parametrize("interpretation", [pytest.param("stratonovich", marks=pytest.mark.slow), "klimontovich"])
def test_noise_that_depends_on_the_state(interpretation):
    """D = s(t) (1 + x^2/4)/4: m' = -m + alpha s m/8, q' = -2 q + s (1 + q/4)/2 + alpha s q/4."""
    alpha = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}[interpretation]
    process = fp.Overdamped(fp.Potential("x**2/2"), fp.Quadratic(0.25, 0.0625), interpretation)
    schedule = fp.Schedule(noise="(1 + sin(2*t)/2)/2")
    problem = fp.Problem(process, fp.Box([-60.0], [60.0]), fp.Resolution(1e-4), schedule=schedule)
    state = fp.evolve(problem, CASES["gaussian"], [1.5], {"x": "x", "square": "x**2"}).times[0]

    def slope(t, y):
        s = (1 + np.sin(2 * t) / 2) / 2
        return [(-1 + alpha * s / 8) * y[0], -2 * y[1] + s * (1 + y[1] / 4) / 2 + alpha * s * y[1] / 4]

    mean, square = solve_ivp(slope, (0.0, 1.5), [1.0, 1.2], rtol=1e-11, atol=1e-12).y[:, -1]
    assert abs(state.observables["x"].value - mean) < state.observables["x"].absolute_error < 1e-3
    assert abs(state.observables["square"].value - square) < max(state.observables["square"].absolute_error, 1e-6)


def test_ring_and_absorption_are_a_change_of_time():
    """Without a drift the process at t is that of constant noise at the integral of s."""
    schedule, passed = fp.Schedule(noise="1 + cos(t)/2"), 2.0 + np.sin(2.0) / 2
    flat = fp.Overdamped(fp.Potential("0*x"), fp.Isotropic(0.3))
    ring = fp.Problem(flat, fp.Box([0.0], [2 * np.pi], "periodic"), fp.Resolution(TOLERANCE), schedule=schedule)
    state = fp.evolve(ring, [1.0], [2.0], {"c": "cos(x)", "s": "sin(x)"}).times[0]
    checked(state, "c", np.exp(-0.3 * passed) * np.cos(1.0))
    checked(state, "s", np.exp(-0.3 * passed) * np.sin(1.0))
    line = fp.Problem(flat, fp.Box([-1.0], [1.0]), fp.Resolution(TOLERANCE), schedule=schedule)
    left = fp.evolve(line, [0.0], [2.0], absorb="boundary").times[0].mass
    k = np.arange(20)
    rates = (2 * k + 1) ** 2 * np.pi**2 * 0.3 / 4
    exact = 4 / np.pi * ((-1.0) ** k / (2 * k + 1) * np.exp(-rates * passed)).sum()
    assert abs(left.value - exact) < left.relative_error * left.value < 1e-5 * exact


@pytest.mark.slow
def test_turning_drift_in_the_plane():
    """Linear drift that turns, noise that falls: the covariance by its own equation."""
    matrix = np.array([[-1.0, 2.0], [-2.0, -1.0]])
    process = fp.Drifting(fp.Drift(["-x + 2*y", "-2*x - y"]), fp.Isotropic(0.2))
    schedule = fp.Schedule(noise="1/(1 + t)")
    problem = fp.Problem(process, fp.Box([-4.0, -4.0], [4.0, 4.0]), fp.Resolution(1e-3), schedule=schedule)
    start = {"gaussian": {"mean": [0.5, 0.0], "covariance": [[0.2, 0.0], [0.0, 0.1]]}}
    state = fp.evolve(problem, start, [0.5], {"x": "x", "y": "y", "xx": "x**2"}).times[0]

    def slope(t, y):
        c = y[2:].reshape(2, 2)
        return [*(matrix @ y[:2]), *(matrix @ c + c @ matrix.T + 0.4 / (1 + t) * np.eye(2)).ravel()]

    exact = solve_ivp(slope, (0.0, 0.5), [0.5, 0.0, 0.2, 0.0, 0.0, 0.1], rtol=1e-10, atol=1e-12).y[:, -1]
    for name, value in (("x", exact[0]), ("y", exact[1]), ("xx", exact[2] + exact[0] ** 2)):
        assert abs(state.observables[name].value - value) < state.observables[name].absolute_error < 1e-2


@pytest.mark.slow
def test_what_changes_is_seen():
    """A pulse that is short beside the time is not stepped over."""
    problem = on_a_line(fp.Schedule(noise="1 + 3*exp(-((t - 6)/0.1)**2)"))
    state = fp.evolve(problem, CASES["gaussian"], [8.0], {"square": "x**2"}).times[0]
    pulse = quad(lambda u: 3 * np.exp(-(((u - 6) / 0.1) ** 2)) * np.exp(-2 * (8 - u)), 5.0, 7.0, points=[6.0])[0]
    checked(state, "square", np.exp(-16.0) * (1.2 - 0.5) + 0.5 + pulse)


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: fp.spectrum(p),
        lambda p: fp.stationary_density(p),
        lambda p: fp.mean_exit_time(p, [1.0], "A"),
        lambda p: fp.exit_law(p, [1.0], "A"),
        lambda p: fp.committor(p, "A", "B"),
        lambda p: fp.rates(p),
        lambda p: fp.correlation(p, "x", "x", [1.0]),
        lambda p: fp.energy_landscape(p),
        lambda p: fp.eyring_kramers(p),
        lambda p: fp.evolve(p, "stationary", [1.0]),
    ],
    ids=lambda f: f.__code__.co_names[1],
)
def test_questions_about_one_process_are_refused(ask):
    sets = {"A": fp.HalfSpace([-1.0], 1.0), "B": fp.HalfSpace([1.0], 1.5)}
    with pytest.raises(fp.ProblemError, match="schedule|stationary"):
        ask(on_a_line(fp.Schedule(noise="1 + t"), "(x**2 - 1)**2/4", box=2.0, sets=sets))


@pytest.mark.slow
def test_slow_cooling_of_two_wells():
    """Noise that falls tenfold within 1e4: the right well fills as its share of the chain of two states does."""
    quartic, latest = "(x**2 - 1)**2/4", 1e4
    sets = {"right": fp.HalfSpace([1.0], 0.0)}
    cooled = on_a_line(fp.Schedule(noise=f"1/(1 + 9*t/{latest})"), quartic, 0.05, 2.0, sets=sets)
    state = fp.evolve(cooled, [-1.0], [latest]).times[0]
    noises = np.geomspace(0.05, 0.005, 12)
    gaps = [fp.spectrum(on_a_line(None, quartic, noise, 2.0), count=2).gap.log for noise in noises]
    passed = quad(lambda t: np.exp(CubicSpline(1 / noises, gaps)((1 + 9 * t / latest) / 0.05)), 0.0, latest, limit=200)[
        0
    ]
    # a rate that falls meanwhile is that of a density which lags by a time within the well, some of 1e4
    assert abs(state.sets["right"].value - 0.5 * (1.0 - np.exp(-passed))) < 1e-3
    assert state.sets["right"].relative_error < 1e-4


def test_what_rounding_leaves_of_rare_transitions_is_refused():
    """A hundred and twenty-five units of epsilon for 1e14: in the exponent of ten times the noise rounding is all."""
    problem = on_a_line(fp.Schedule(noise=[[0, 1], [10, 0.1]]), "(x**2 - 1)**2/4", 0.02, 2.0)
    with pytest.raises(fp.ConvergenceError, match="rounding"):
        fp.evolve(problem, [-1.0], [1e14])


@pytest.mark.slow
def test_what_is_narrow_and_moves_fast_is_refused_after_some_steps():
    schedule = fp.Schedule(potential="0.1*exp(-((x - sin(20*t))/0.01)**2)")
    with pytest.raises(fp.ConvergenceError, match=r"and 201 were not enough: some 1e\+04"):
        fp.evolve(on_a_line(schedule, "(x**2 - 1)**2/4", 0.05, 2.0), [-1.0], [10.0])


def test_noise_beyond_what_was_seen_is_refused():
    """A pulse that no sample of the schedule met, and a stage does: the mesh may end too early for it."""
    noise = lambda t: 1.0 + np.where(np.abs(t - 0.5) < 1e-12, 100.0, 0.0)  # noqa: E731
    reference = fp.Schedule(noise=noise)
    with pytest.raises(fp.ConvergenceError, match="times the largest that was seen"):
        DrivenGenerator(SimpleNamespace(stiffness=0.0), reference, 1.0, np.zeros(1), None, None).elements(0.5)


def test_a_potential_added_to_a_free_energy_acts_by_its_mobility():
    # F + U = x^2/2 + 0.3 x: the mean tends to -0.3 at the rate D/kT; with a mobility of one it was -0.06
    process = fp.Smoluchowski(fp.Potential("x**2/2"), fp.Isotropic(1.0), kT=0.2)
    schedule = fp.Schedule(noise="1/(1 + t)", potential="0.3*x")
    problem = fp.Problem(process, fp.Box([-4.0], [4.0]), fp.Resolution(1e-4), schedule=schedule)
    (state,) = fp.evolve(problem, [0.5], [2.0], {"x": "x"}).times
    exact = -0.3 + 0.8 * 3.0**-5  # in the time int 1/(1 + t) dt = log 3
    assert abs(state.observables["x"].value - exact) < state.observables["x"].absolute_error < 1e-4


@pytest.mark.parametrize(
    ("potential", "schedule", "key"),
    [
        ("x**2/2", {"potential": "0.2*heaviside(x - 0.3)"}, "schedule.potential"),
        ("x**2/2", {"potential": "0.2*sin(t)*sign(x - 0.001*t)"}, "schedule.potential"),
        ("x**2/2", {"potential": "piecewise(x < 0.3, 0, 0.2)*t"}, "schedule.potential"),
        ("x**2/2 + 0.2*heaviside(x - 0.3)", {"noise": [[0, 2], [1e-6, 1]]}, "potential.expression"),
    ],
)
def test_jumps_of_the_potential_are_refused(potential, schedule, key):
    problem = on_a_line(fp.Schedule(**schedule), potential, box=3.0)
    with pytest.raises(fp.ProblemError, match="jumps") as refused:
        fp.evolve(problem, [1.0], [1.0])
    assert refused.value.key == key


@pytest.mark.parametrize("width", [0.003, 3e-4])
def test_a_narrow_potential_is_seen_by_the_mesh(width):
    """One that does not change is part of V; the wider was refused, the narrower as if it were not there."""
    bump, right = f"0.5*exp(-((x - 0.05)/{width})**2)", {"right": fp.HalfSpace([-1.0], 0.0)}
    added = on_a_line(fp.Schedule(potential=bump), "(x**2 - 1)**2/4", 0.1, 2.0, sets=right)
    whole = on_a_line(None, f"(x**2 - 1)**2/4 + {bump}", 0.1, 2.0, sets=right)
    found, exact = (fp.evolve(problem, [-1.0], [1.0]).times[0].sets["right"] for problem in (added, whole))
    assert abs(found.value - exact.value) < (found.relative_error + exact.relative_error) * exact.value < 1e-5
