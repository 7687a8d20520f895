"""Momentum, and coloured noise, where coefficients depend on time: mean and covariance by their own equations."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import fokker_planck as fp
from fokker_planck.errors import ProblemError

MOMENTS = {"x": "x", "y": "v", "xx": "x**2", "xy": "x*v", "yy": "v**2"}
GAUSSIAN = {"gaussian": {"mean": [0.3, 0.2], "covariance": [[0.06, 0.01], [0.01, 0.08]]}}
START = [0.3, 0.2, 0.06, 0.01, 0.01, 0.08]


def pulled(schedule, friction=1.0, noise=0.1, tolerance=1e-4):
    """dx = v dt, dv = -x dt - friction v dt + sqrt(2 friction noise) dW."""
    width = 9.0 * np.sqrt(noise)
    process = fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(noise), friction)
    return fp.Problem(process, fp.Box([-width] * 2, [width] * 2), fp.Resolution(tolerance), schedule=schedule)


def moments(drift, tensor, schedule, start, times):
    """m' = J m + f, C' = J C + C J^T + 2 s(t) D, from one jump of s to the next, at ascending times."""

    def slope(t, y):
        covariance = y[2:].reshape(2, 2)
        force = np.zeros(2)
        if schedule.potential is not None:
            force[1] = -schedule.gradient(np.zeros((2, 1)), t)[0, 0]
        spread = drift @ covariance + covariance @ drift.T + 2.0 * float(schedule.factor([t])[0]) * tensor
        return [*(drift @ y[:2] + force), *spread.ravel()]

    found, y, ends = [], np.array(start), sorted({*schedule.breaks(times[-1]), *times})
    for begin, end in zip([0.0, *ends[:-1]], ends, strict=True):
        y = solve_ivp(slope, (begin, end - 1e-13), y, rtol=1e-11, atol=1e-13).y[:, -1]
        found.append(y)
    return [y for end, y in zip(ends, found, strict=True) if end in times]


def held(evolution, exact, most):
    """Means and second moments are within their bars, these below ``most``, and no mass is lost."""
    for state, (x, y, *covariance) in zip(evolution.times, exact, strict=True):
        second = np.reshape(covariance, (2, 2)) + np.outer([x, y], [x, y])
        expected = {"x": x, "y": y, "xx": second[0, 0], "xy": second[0, 1], "yy": second[1, 1]}
        for name, found in state.observables.items():
            assert abs(found.value - expected[name]) <= found.absolute_error < most
        assert abs(state.mass.value - 1.0) < 1e-12


def test_noise_by_a_table():
    schedule, times = fp.Schedule(noise=[[0, 1], [0.7, 0.25]]), [0.5, 1.5]
    found = fp.evolve(pulled(schedule), GAUSSIAN, times, MOMENTS)
    drift = np.array([[0.0, 1.0], [-1.0, -1.0]])
    held(found, moments(drift, np.diag([0.0, 0.1]), schedule, START, times), 1e-5)


@pytest.mark.slow
def test_falling_noise_and_a_push():
    schedule, times = fp.Schedule(noise="1/(1 + t)", potential="-0.3*sin(2*t)*x"), [0.5, 2.0]
    found = fp.evolve(pulled(schedule, tolerance=1e-3), GAUSSIAN, times, MOMENTS)
    drift = np.array([[0.0, 1.0], [-1.0, -1.0]])
    held(found, moments(drift, np.diag([0.0, 0.1]), schedule, START, times), 1e-3)


@pytest.mark.slow
def test_a_particle_pushed_periodically():
    """The mean swings as that of a damped oscillator does, and forgets as that."""
    push, turns, friction = 0.3, 2.0, 1.0
    problem = pulled(fp.Schedule(potential=f"-{push}*sin({turns}*t)*x"), friction, tolerance=1e-3)
    driven = fp.periodic_state(problem, period=np.pi, observables={"x": "x"}, count=1)
    amplitude = driven.observables["x"].amplitude
    exact = push / np.hypot(1.0 - turns**2, friction * turns)
    assert abs(amplitude.value - exact) < amplitude.absolute_error < 1e-2 * exact
    (multiplier,) = driven.multipliers
    forgotten = np.exp((-0.5 * friction + 1j * np.sqrt(1.0 - 0.25 * friction**2)) * np.pi)
    assert abs(complex(multiplier.real, abs(multiplier.imag)) - forgotten) < max(multiplier.absolute_error, 1e-6)


@pytest.mark.slow
def test_coloured_noise_that_falls_at_once():
    """dx = (y - x) dt, dy = -2 y dt + dW, a density that is not known."""
    schedule = fp.Schedule(noise=[[0, 1], [0.5, 0.3]])
    process = fp.Drifting(fp.Drift(["y - x", "-2*y"]), fp.Constant([[0.0, 0.0], [0.0, 0.5]]))
    problem = fp.Problem(process, fp.Box([-6.0, -5.0], [6.0, 5.0]), fp.Resolution(1e-3), schedule=schedule)
    beginning = {"gaussian": {"mean": [0.3, 0.2], "covariance": [[0.1, 0.0], [0.0, 0.2]]}}
    asked = {"x": "x", "y": "y", "xx": "x**2", "yy": "y**2"}
    found = fp.evolve(problem, beginning, [1.0], asked)
    drift = np.array([[-1.0, 1.0], [0.0, -2.0]])
    exact = moments(drift, np.diag([0.0, 0.5]), schedule, [0.3, 0.2, 0.1, 0.0, 0.0, 0.2], [1.0])
    held(found, exact, 1e-2)


def test_a_potential_beside_coloured_noise_is_refused():
    process = fp.Drifting(fp.Drift(["y - x", "-2*y"]), fp.Constant([[0.0, 0.0], [0.0, 0.5]]))
    problem = fp.Problem(process, fp.Box([-6.0, -5.0], [6.0, 5.0]), schedule=fp.Schedule(potential="t*x"))
    with pytest.raises(ProblemError, match="vanishes in some direction") as refused:
        fp.evolve(problem, [0.3, 0.2], [1.0])
    assert refused.value.key == "schedule.potential"
