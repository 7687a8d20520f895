"""Densities and exits in time where noise vanishes in some direction: linear ones exactly, others by simulation."""

from math import sqrt
from time import process_time

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

import fokker_planck as fp
from fokker_planck.errors import ProblemError

MOMENTS = {"x": "x", "y": "y", "xx": "x**2", "xy": "x*y", "yy": "y**2"}


def held(evolution, drift, tensor, mean, covariance, most):
    """m(t) = exp(J t) m, C(t) = S + exp(J t) (C - S) exp(J^T t), within the bars, and these below ``most``."""
    still = solve_continuous_lyapunov(drift, -2.0 * tensor)
    for state in evolution.times:
        carried = expm(drift * state.time)
        m = carried @ mean
        second = still + carried @ (covariance - still) @ carried.T + np.outer(m, m)
        exact = {"x": m[0], "y": m[1], "xx": second[0, 0], "xy": second[0, 1], "yy": second[1, 1]}
        for name, found in state.observables.items():
            assert abs(found.value - exact[name]) <= found.absolute_error < most
        assert abs(state.mass.value - 1.0) < 1e-12


@pytest.mark.parametrize("friction", [1.0, pytest.param(0.1, marks=pytest.mark.slow)])
def test_mean_and_covariance_of_the_kinetic_ornstein_uhlenbeck_process(friction):
    width = 8.5 * sqrt(0.1)
    process = fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1), friction)
    asked = fp.Problem(process, fp.Box([-width, -width], [width, width]), fp.Resolution(tolerance=1e-4))
    mean, covariance = np.array([0.3, 0.2]), np.array([[0.06, 0.01], [0.01, 0.08]])
    start = {"gaussian": {"mean": mean.tolist(), "covariance": covariance.tolist()}}
    found = fp.evolve(asked, start, [0.5, 10.0], MOMENTS | {"y": "v", "xy": "x*v"})
    drift = np.array([[0.0, 1.0], [-1.0, -friction]])
    held(found, drift, np.diag([0.0, 0.1 * friction]), mean, covariance, 1e-6)


def coloured(reach):
    """dx = (y - x) dt, dy = -2 y dt + dW."""
    process = fp.Drifting(fp.Drift(["-x + y", "-2*y"]), fp.Constant([[0.0, 0.0], [0.0, 0.5]]))
    return fp.Problem(process, fp.Box([-reach, -1.5 * reach], [reach, 1.5 * reach]), fp.Resolution(tolerance=1e-2))


#: in some directions wider than the stationary density: what lies above its energy cutoff was lost
WIDE = {"gaussian": {"mean": [0.5, 0.3], "covariance": [[0.1, 0.0], [0.0, 0.2]]}}


@pytest.mark.slow
def test_coloured_noise_from_a_beginning_wider_than_the_stationary_density():
    found = fp.evolve(coloured(4.0), WIDE, [0.3, 2.0], MOMENTS)
    drift, tensor = np.array([[-1.0, 1.0], [0.0, -2.0]]), np.diag([0.0, 0.5])
    held(found, drift, tensor, np.array([0.5, 0.3]), np.diag([0.1, 0.2]), 1e-4)


def test_walls_too_near_for_a_beginning_are_refused():
    with pytest.raises(ProblemError, match="through which the drift leads out") as error:
        fp.evolve(coloured(3.0), WIDE, [0.3], MOMENTS)
    assert error.value.key == "domain"


def quartic(noise, friction, half_width, height, tolerance):
    fastest = sqrt(2.0 * (height + 26.0 * noise))
    process = fp.Underdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(noise), friction)
    box = fp.Box([-half_width, -fastest], [half_width, fastest])
    return fp.Problem(process, box, fp.Resolution(tolerance=tolerance))


def test_the_law_of_an_exit_in_phase_space():
    """From (-1, 0) to x >= 0, walls at 1.5: the mean that exit-time finds to 7e-7, and survival by simulated paths."""
    law = fp.exit_law(
        quartic(0.125, 0.5, 1.5, 0.39, 1e-2), [-1.0, 0.0], fp.HalfSpace([1.0, 0.0], 0.0), [5.0, 50.0, 300.0], [0.5]
    )
    assert law.mean.value == pytest.approx(44.675294, rel=law.mean.relative_error)
    early, middle, late = law.times
    # 150,000 paths in steps of 0.01: 0.95773 with 0.00052
    assert early.survival.value == pytest.approx(0.95773, abs=3.0 * 0.00052)
    assert law.quantiles[0.5].value == pytest.approx(32.066, rel=law.quantiles[0.5].relative_error)
    # long after, survival falls at the rate, and the density is that times it
    fallen = np.log(middle.survival.value / late.survival.value) / 250.0
    assert fallen == pytest.approx(law.rate.value, rel=1e-4)
    assert late.density.value / late.survival.value == pytest.approx(law.rate.value, rel=1e-6)
    assert max(each.survival.relative_error for each in law.times) < 1e-2
    assert early.survival.value > middle.survival.value


@pytest.mark.slow
def test_from_one_well_to_both_over_twenty_units_of_epsilon():
    """P(left) = 1/2 + exp(-lambda_1 t)/2 with lambda_1 = 7.16896497977e-10 by Hermite functions; 9 s of CPU."""
    began = process_time()
    found = fp.evolve(
        quartic(1 / 80, 0.5, 1.6, 0.25, 1e-3),
        {"gaussian": {"mean": [-1.0, 0.0], "covariance": [[0.006, 0.0], [0.0, 0.012]]}},
        [1e8, 1e9, 1e10],
    )
    for state in found.times:
        exact = 0.5 + 0.5 * np.exp(-7.16896497977e-10 * state.time)
        assert state.wells[0].value == pytest.approx(exact, rel=max(state.wells[0].relative_error, 1e-7))
        assert state.wells[0].relative_error < 1e-3
    assert process_time() - began < 40.0


@pytest.mark.slow
@pytest.mark.parametrize(("friction", "gap"), [(0.1, 2.203137e-131), (1.0, 1.43121919e-131), (10.0, 2.29196042e-132)])
def test_mean_times_over_300_units_of_epsilon(friction, gap):
    """Twice the inverse of the gap that the spectrum finds to 3e-6 and less, up to exp(-300)."""
    asked = quartic(1 / 1200, friction, 1.45, 0.25, 1e-3)
    mean = fp.mean_exit_time(asked, [-1.0, 0.0], fp.Ball([1.0, 0.0], 0.1)).mean
    assert mean.relative_error < 1e-3
    assert mean.value == pytest.approx(2.0 / gap, rel=mean.relative_error + 4e-6)
