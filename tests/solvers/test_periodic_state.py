"""Periodic states, means over a period and multipliers, against closed forms and linear response."""

from dataclasses import replace

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError

A, OMEGA = 0.8, 3.0
PERIOD = 2.0 * np.pi / OMEGA


def problem(schedule, potential="x**2/2", noise=0.5, box=9.0, tolerance=1e-4):
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise))
    return fp.Problem(process, fp.Box([-box], [box]), fp.Resolution(tolerance), schedule=schedule)


def test_pushed_parabola():
    """V = x^2/2 - a x sin(w t), noise 1 + cos(w t)/2: mean and variance by their equations, multipliers exp(-n T)."""
    schedule = fp.Schedule(noise=f"1 + 0.5*cos({OMEGA}*t)", potential=f"-{A}*sin({OMEGA}*t)*x")
    found = fp.periodic_state(problem(schedule), PERIOD, {"x": "x", "square": "x**2"}, count=2)
    x, square, size = found.observables["x"], found.observables["square"], 1.0 + OMEGA**2
    for estimate, exact in (
        (x.mean, 0.0),
        (x.cosine, -A * OMEGA / size),
        (x.sine, A / size),
        (x.amplitude, A / np.sqrt(size)),
        (square.mean, 0.5 + 0.5 * A**2 / size),
        (square.cosine, 0.5 * 2.0 / (4.0 + OMEGA**2)),
        (square.sine, 0.5 * OMEGA / (4.0 + OMEGA**2)),
    ):
        assert abs(estimate.value - exact) < estimate.absolute_error < 1e-2
        assert abs(estimate.value - exact) < 1e-7
    for n, multiplier in enumerate(found.multipliers, 1):
        assert abs(multiplier.real - np.exp(-n * PERIOD)) < multiplier.absolute_error < 1e-4
        assert multiplier.imag == 0.0
    for state in found.times:
        mean = A * (np.sin(OMEGA * state.time) - OMEGA * np.cos(OMEGA * state.time)) / size
        assert abs(state.observables["x"].value - mean) < state.observables["x"].absolute_error
        assert abs(state.mass.value - 1.0) < 1e-12
        assert state.negative < state.density_error < 1e-4


@pytest.mark.slow
def test_long_periods_leave_no_communicators_behind():
    """Each factor that is kept holds five of 2048: after 410 factors every solve failed, also later ones."""
    found = fp.periodic_state(
        problem(fp.Schedule(potential="-0.3*sin(2*t)*x"), tolerance=1e-3), 7.0 * np.pi, {"x": "x"}, times=[1.0]
    )
    x = found.times[0].observables["x"]
    assert abs(x.value - 0.06 * (np.sin(2.0) - 2.0 * np.cos(2.0))) < x.absolute_error < 1e-2
    assert fp.spectrum(replace(problem(None), schedule=None), count=2).gap.value == pytest.approx(1.0, abs=1e-4)


@pytest.mark.slow
def test_linear_response():
    """A double well: what lags behind a weak push a cos(w t) is a w S(w)/(2 eps), and the gap is in the multiplier."""
    push, omega, noise = 0.005, 0.1, 0.1
    driven = problem(fp.Schedule(potential=f"-{push}*cos({omega}*t)*x"), "(x**2 - 1)**2/4", noise, 2.5)
    found = fp.periodic_state(driven, 2.0 * np.pi / omega, {"x": "x"}, count=1)
    still = replace(driven, schedule=None)
    spectrum = fp.correlation(still, "x", frequencies=[omega]).spectrum[0].density
    sine = found.observables["x"].sine
    linear = push * omega * spectrum.value / (2.0 * noise)
    assert abs(sine.value - linear) < sine.absolute_error + (push / noise) ** 2 * linear
    assert sine.absolute_error < 0.01 * linear
    gap = fp.spectrum(still, count=2).gap.value
    left = np.exp(-gap * 2.0 * np.pi / omega)
    multiplier = found.multipliers[0]
    assert abs(multiplier.real - left) < multiplier.absolute_error + (push / noise) ** 2 * left < 0.01 * left


@pytest.mark.parametrize(
    ("schedule", "period", "message"),
    [
        (None, 1.0, "schedule: found nothing that depends on time"),
        (fp.Schedule(noise=[[0, 1], [1, 2]]), 1.0, "schedule.noise: found a table"),
        (fp.Schedule(noise="2 + sin(t)"), 3.0, "periodic.period: found 3.0"),
        (fp.Schedule(potential="sin(t)*x"), 3.0, "periodic.period: found 3.0"),
    ],
)
def test_what_does_not_repeat_itself(schedule, period, message):
    with pytest.raises(ProblemError, match=message):
        fp.periodic_state(problem(schedule), period)
