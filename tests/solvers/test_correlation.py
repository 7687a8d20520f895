"""Correlations in the stationary state against closed forms, and against sums over a spectrum found in another way.

theory: the Ornstein-Uhlenbeck process dX = -A X dt + sqrt(2 D) dW has C(t) = e^(-A t) Sigma, A Sigma + Sigma A^T = 2 D;
on a ring Fourier modes decay by themselves; with detailed balance C(t) = sum_k f_k g_k exp(-lambda_k t).
"""

import json
import math

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

import fokker_planck as fp

QUARTIC = "(x**2 - 1)**2/4"


def held(found, exact, most, imag=0.0):
    """The error is below the bar, and the bar below ``most``."""
    assert found.absolute_error < most
    assert abs(found.value + 1j * imag - exact) <= found.absolute_error


def on_line(potential, epsilon, lower, upper, tolerance=1e-8):
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(epsilon))
    return fp.Problem(process, fp.Box([lower], [upper]), fp.Resolution(tolerance=tolerance))


TIMES, FREQUENCIES = (1e-3, 0.1, 1.0, 3.0, 10.0, 20.0, 60.0), (0.0, 1e-3, 0.1, 1.0, 10.0, 1e3)


@pytest.mark.parametrize(
    ("f", "g", "rate", "whole"),
    [("x", None, 1.0, 0.5), ("x**2", None, 2.0, 0.5), ("x**3", "x", 1.0, 0.75), ("x", "x**2", 1.0, 0.0)],
)
def test_the_ornstein_uhlenbeck_process(f, g, rate, whole):
    found = fp.correlation(on_line("x**2/2", 0.5, -7.0, 7.0), f, g, TIMES, FREQUENCIES)
    held(found.covariance, whole, 1e-8)
    held(found.integral, whole / rate, 1e-8)
    for each in found.times:
        held(each.covariance, whole * math.exp(-rate * each.time), 1e-8)
    for line in found.spectrum:
        held(line.density, 2.0 * whole * rate / (rate**2 + line.frequency**2), 1e-8)
    if g is None:
        assert found.time.value == pytest.approx(1.0 / rate, rel=found.time.relative_error)
        assert found.time.relative_error < 1e-8
        for line in found.spectrum:
            assert line.density.absolute_error < 1e-8 * line.density.value
    if f == "x" and g is None:
        # what is left after 60 correlation times has digits of its own
        assert found.times[-1].covariance.value == pytest.approx(0.5 * math.exp(-60.0), rel=1e-8)


def spectral_sum(potential, slope, epsilon, extent, count=300):
    """Rates, and the parts of a function in the modes of B^T B, B = sqrt(eps) (d/dx + V'/(2 eps)), in sinc functions.

    Small singular values of B have the digits that eigenvalues of B^T B lack.
    """
    x = np.linspace(-extent, extent, count)
    apart = np.subtract.outer(np.arange(count), np.arange(count))
    with np.errstate(divide="ignore", invalid="ignore"):
        derivative = np.where(apart == 0, 0.0, (-1.0) ** apart / apart.astype(float)) / (x[1] - x[0])
    _, values, vectors = np.linalg.svd(np.sqrt(epsilon) * (derivative + np.diag(slope(x) / (2.0 * epsilon))))
    ground = np.exp(-(potential(x) - potential(x).min()) / (2.0 * epsilon))
    ground /= np.linalg.norm(ground)

    def parts(function):
        values = function(x)
        return (vectors @ ((values - ground @ (values * ground)) * ground))[:-1]

    return values[:-1] ** 2, parts


@pytest.mark.parametrize(
    ("f", "g", "first", "second"),
    [("x", None, lambda x: x, lambda x: x), ("sin(x) + x**2", "x", lambda x: np.sin(x) + x**2, lambda x: x)],
    ids=["x", "two"],
)
def test_a_double_well_against_a_sum_over_its_spectrum(f, g, first, second):
    rates, parts = spectral_sum(lambda x: (x**2 - 1.0) ** 2 / 4.0, lambda x: x**3 - x, 0.05, 3.0)
    shares = parts(first) * parts(second)
    times, frequencies = (1e-3, 0.1, 1.0, 10.0, 100.0, 1e3), (0.0, 1e-3, 0.1, 1.0, 10.0, 1e3)
    found = fp.correlation(on_line(QUARTIC, 0.05, -3.0, 3.0), f, g, times, frequencies)
    # the reference has 1e-10 of its own, by which its smallest singular value is off
    held(found.covariance, shares.sum(), 1e-8)
    for each in found.times:
        exact = (shares * np.exp(-rates * each.time)).sum()
        assert each.covariance.value == pytest.approx(exact, abs=each.covariance.absolute_error + 1e-10 * exact)
        assert each.covariance.absolute_error < 1e-8
    for line in found.spectrum:
        exact = (2.0 * shares * rates / (rates**2 + line.frequency**2)).sum()
        assert line.density.value == pytest.approx(exact, abs=line.density.absolute_error + 1e-10 * exact)
        assert line.density.absolute_error < 1e-8 * max(exact, 1e-3)


@pytest.mark.parametrize("barrier", [20, 200, 500])
def test_wells_are_forgotten_at_the_slow_rate(barrier):
    """A tail and a line of the spectrum that belong to lambda_1 alone, whatever the barrier."""
    problem = on_line(QUARTIC, 0.25 / barrier, -3.0, 3.0)
    rate = fp.spectrum(problem, 2).gap.value
    times = (100.0, 0.01 / rate, 1.0 / rate, 10.0 / rate)
    found = fp.correlation(problem, "x", times=times, frequencies=(0.0, rate, 1.0))
    start = found.times[0].covariance.value * math.exp(100.0 * rate)
    assert start == pytest.approx(1.0, abs=1.0 / barrier)
    for each in found.times[1:]:
        assert each.covariance.value == pytest.approx(start * math.exp(-rate * each.time), rel=1e-8)
        assert each.covariance.absolute_error < 1e-8 * each.covariance.value
    assert found.spectrum[0].density.value == pytest.approx(2.0 * start / rate, rel=1e-7)
    assert found.spectrum[1].density.value == pytest.approx(start / rate, rel=1e-7)
    # within a well x is nearly Ornstein and Uhlenbeck's, of rate 2 and variance eps/2
    assert found.spectrum[2].density.value == pytest.approx(2.0 * 0.25 / barrier / 5.0, rel=6.0 / barrier)
    assert found.time.value == pytest.approx(1.0 / rate, rel=1.0 / barrier)


def test_a_ring_with_a_drift():
    """cos x of a particle that goes around: C(t) = exp(-D t) cos(w t)/2, a peak of S at w."""
    process = fp.Drifting(fp.Drift(["1.5"]), fp.Isotropic(0.1))
    ring = fp.Problem(process, fp.Box([0.0], [2.0 * np.pi], "periodic"), fp.Resolution(tolerance=1e-8))
    found = fp.correlation(ring, "cos(x)", times=(0.5, 3.0), frequencies=(0.0, 1.5))
    for each in found.times:
        held(each.covariance, 0.5 * math.exp(-0.1 * each.time) * math.cos(1.5 * each.time), 1e-7)
    for line in found.spectrum:
        exact = sum(0.5 * 0.1 / (0.01 + (line.frequency + w) ** 2) for w in (1.5, -1.5))
        held(line.density, exact, 1e-7)
    crossed = fp.correlation(ring, "cos(x)", "sin(x)", times=(0.5,), frequencies=(1.2,))
    held(crossed.times[0].covariance, 0.5 * math.exp(-0.05) * math.sin(0.75), 1e-7)
    line = crossed.spectrum[0]
    exact = 0.5j * (0.1 / (0.01 + 2.7**2) - 0.1 / (0.01 + 0.3**2))
    held(line.density, exact, 1e-6, imag=line.imag)


def linear(matrix, noise, f, g, first, second, found, most):
    """Against the closed forms of dX = -A X dt + sqrt(2 D) dW, f and g two coordinates."""
    matrix = np.asarray(matrix)
    variance = solve_continuous_lyapunov(matrix, 2.0 * np.asarray(noise))
    held(found.covariance, variance[first, second], most)
    for each in found.times:
        held(each.covariance, (expm(-matrix * each.time) @ variance)[second, first], most)
    for line in found.spectrum:
        resolvent = np.linalg.inv(1j * line.frequency * np.eye(len(matrix)) + matrix) @ variance
        exact = resolvent[second, first] + np.conj(resolvent[first, second])
        held(line.density, exact, most, imag=line.imag)


ROTATED = [[1.0, -2.0], [2.0, 1.0]]


def rotated(domain, tolerance=1e-6):
    potential, circulation = fp.Potential("(x**2 + y**2)/2"), fp.Drift(["2*y", "-2*x"])
    process = fp.Overdamped(potential, fp.Isotropic(0.1), extra=circulation)
    return fp.Problem(process, domain, fp.Resolution(tolerance=tolerance))


def test_a_rotating_ornstein_uhlenbeck_process():
    found = fp.correlation(rotated(fp.Box([-3.0, -3.0], [3.0, 3.0])), "x", "y", (0.1, 1.0, 5.0), (0.5, 2.0))
    linear(ROTATED, 0.1 * np.eye(2), "x", "y", 0, 1, found, 1e-7)


@pytest.mark.slow
def test_it_is_the_same_in_a_ball_and_late():
    found = fp.correlation(rotated(fp.Ball([0.0, 0.0], 3.0)), "x", times=(1.0, 25.0), frequencies=(0.0, 2.0))
    linear(ROTATED, 0.1 * np.eye(2), "x", "x", 0, 0, found, 1e-7)
    late = found.times[1].covariance
    assert late.value == pytest.approx(0.1 * math.exp(-25.0) * math.cos(50.0), rel=1e-5)


@pytest.mark.slow
def test_a_density_that_is_unknown():
    process = fp.Drifting(fp.Drift(["-x + 2*y", "-0.5*x - y"]), fp.Isotropic(0.1))
    problem = fp.Problem(process, fp.Box([-3.6, -3.6], [3.6, 3.6]), fp.Resolution(tolerance=1e-5))
    found = fp.correlation(problem, "x", "y", (0.1, 1.0, 5.0), (0.0, 1.0, 5.0))
    linear([[1.0, -2.0], [0.5, 1.0]], 0.1 * np.eye(2), "x", "y", 0, 1, found, 1e-6)


@pytest.mark.slow
def test_a_kinetic_ornstein_uhlenbeck_process():
    process = fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1), 0.5)
    problem = fp.Problem(process, fp.Box([-3.6, -3.6], [3.6, 3.6]), fp.Resolution(tolerance=1e-5))
    for g, number in (("x", 0), ("v", 1)):
        found = fp.correlation(problem, "x", g, (0.1, 1.0, 5.0), (0.0, 1.0, 5.0))
        linear([[0.0, -1.0], [1.0, 0.5]], np.diag([0.0, 0.05]), "x", g, 0, number, found, 1e-6)


def test_identities_in_the_plane():
    """C_fg = C_gf and S real with detailed balance; S(0) is twice the integral; a constant changes nothing."""
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2 + x*y/3"), fp.Isotropic(0.2))
    problem = fp.Problem(process, fp.Box([-2.5, -3.0], [2.5, 3.0]), fp.Resolution(tolerance=1e-5))
    there = fp.correlation(problem, "x", "x*y + 7", (0.5, 4.0), (0.0, 1.0))
    back = fp.correlation(problem, lambda x: x[0] * x[1], lambda x: x[0] - 3.0, (0.5, 4.0), (0.0, 1.0))
    for one, other in zip(there.times, back.times, strict=True):
        error = one.covariance.absolute_error + other.covariance.absolute_error
        assert error < 1e-5
        assert one.covariance.value == pytest.approx(other.covariance.value, abs=error)
    for one, other in zip(there.spectrum, back.spectrum, strict=True):
        error = one.density.absolute_error + other.density.absolute_error
        assert one.density.value == pytest.approx(other.density.value, abs=error)
        assert abs(one.imag) <= one.density.absolute_error
    zero = there.spectrum[0].density
    error = zero.absolute_error + 2.0 * there.integral.absolute_error
    assert zero.value == pytest.approx(2.0 * there.integral.value, abs=error)


def test_the_command_prints_the_contract(capsys):
    from fokker_planck.cli.command import main

    assert main(["correlation", "examples/stationary_correlation.toml", "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sorted(found) == ["covariance", "functions", "integral", "means", "spectrum", "time", "times"]
    assert sorted(found["times"][0]) == ["absolute_error", "time", "value"]
    assert sorted(found["spectrum"][0]) == ["absolute_error", "frequency", "imag", "value"]
    assert main(["correlation", "examples/stationary_correlation.toml", "-q"]) == 0
    printed = capsys.readouterr().out
    assert "Autocorrelation time" in printed
    assert "S(omega)" in printed


@pytest.mark.mpi
def test_correlations_on_several_ranks():
    found = fp.correlation(on_line("x**2/2", 0.5, -7.0, 7.0), "x", None, (1.0, 20.0), (0.0, 1.0))
    held(found.times[0].covariance, 0.5 * math.exp(-1.0), 1e-8)
    held(found.times[1].covariance, 0.5 * math.exp(-20.0), 1e-8)
    held(found.spectrum[1].density, 0.5, 1e-8)


@pytest.mark.parametrize(
    ("potential", "turns", "f", "tolerance", "most"),
    [
        ("x**2/2", 0.0, "sign(x)", 1e-8, 1e-8),
        ("x**2/2", 0.0, lambda x: np.sign(x[0]), 1e-8, 1e-8),
        ("(x**2 + y**2)/2", 0.0, "sign(x + 0.5*y)", 1e-4, 1e-4),
        ("(x**2 + y**2)/2", 1.0, "sign(x + 0.5*y)", 1e-3, 1e-3),
    ],
)
def test_which_side_a_gaussian_process_is_on(potential, turns, f, tolerance, most):
    # P(both to the right) = 1/4 + asin(correlation)/(2 pi): <sign sign> = 2/pi asin(exp(-t) cos(turns t))
    dimension = 1 + ("y" in potential)
    extra = fp.Drift([f"-{turns}*y", f"{turns}*x"]) if turns else None
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(0.5), extra=extra)
    box = fp.Box([-6.0] * dimension, [6.0] * dimension)
    found = fp.correlation(fp.Problem(process, box, fp.Resolution(tolerance=tolerance)), f, times=[0.01, 0.3, 2.0])
    held(found.covariance, 1.0, most)
    for each in found.times:
        held(each.covariance, 2.0 / math.pi * math.asin(math.exp(-each.time) * math.cos(turns * each.time)), most)
    if not turns:
        held(found.integral, math.log(2.0), most)


def test_a_jump_and_a_kink_with_noise_that_jumps():
    # by all modes of spectral elements of degrees 20 to 28 with ends at all four places, which agree to 5e-12
    by_modes = (-0.00861617157, -0.02188680670, -0.01196624337)
    process = fp.Overdamped(
        fp.Potential("1.06*(x**2 - 1)**2 + 0.62*abs(x - 0.87)"),
        fp.Formula("0.35 + 0.32*heaviside(x - 0.07) + 0.1*x**2"),
    )
    problem = fp.Problem(process, fp.Box([-2.0], [2.0]), fp.Resolution(tolerance=1e-7))
    found = fp.correlation(problem, "heaviside(x - 0.317)", "abs(x - 0.11)", [0.18, 0.74, 2.93])
    for each, exact in zip(found.times, by_modes, strict=True):
        assert each.covariance.absolute_error < 1e-9
        assert abs(each.covariance.value - exact) < each.covariance.absolute_error + 1e-11


def test_a_velocity_has_no_correlation_time():
    """Of the oscillator with friction 1 C = eps e^(-t/2) (cos wt - sin(wt)/(2 w)), w^2 = 3/4, of integral zero."""
    process = fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1), friction=1.0)
    problem = fp.Problem(process, fp.Box([-3, -3], [3, 3]), fp.Resolution(1e-2))
    found, w = fp.correlation(problem, "v", times=[0.5], frequencies=[0.0, 1.0]), np.sqrt(0.75)
    (late,), (still, turning) = found.times, found.spectrum
    assert found.time is None
    exact = 0.1 * np.exp(-0.25) * (np.cos(0.5 * w) - np.sin(0.5 * w) / (2.0 * w))
    wanted = ((found.integral, 0.0), (late.covariance, exact), (still.density, 0.0), (turning.density, 0.2))
    for estimate, value in wanted:
        assert abs(estimate.value - value) <= estimate.absolute_error <= 1e-3
