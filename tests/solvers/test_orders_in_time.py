"""How errors in time fall: with the seventh power of a Radau step, by a factor a power of the resolvent."""

import math

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.driven_generator import DriftAlone, driven
from fokker_planck.fem.generator import assemble
from fokker_planck.solvers.setting.setting import WHOLE, prepare
from fokker_planck.solvers.time.stepping.radau import STAGES, Stepper
from fokker_planck.solvers.time.stepping.semigroup import coefficients, pole_for, powers_for

AMPLITUDE, SPEED, LATEST = 0.8, 3.0, 2.0


@pytest.mark.filterwarnings("ignore:of 5 numbers")  # of chi-square, which is not looked at
def test_radau_steps_are_of_order_seven():
    """V = x^2/2 - a sin(w t) x from rest: m = a (sin wt - w cos wt + w e^-t)/(1 + w^2)."""
    process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.5))
    problem = fp.Problem(process, fp.Box([-9.0], [9.0]), fp.Resolution(tolerance=1e-9))
    discretization = fp.evolve(problem, [0.0], [1.0]).times[0].density.discretization
    weighting = prepare(problem, WHOLE).weighting
    generator = assemble(discretization, weighting)
    schedule = fp.Schedule(potential=f"-{AMPLITUDE}*sin({SPEED}*t)*x")
    alone = DriftAlone(np.zeros(0), None)
    load = generator.apply_mass(generator.constant)
    stepper = Stepper(driven(generator, weighting, alone, schedule, 1.0), np.ones(len(load), dtype=bool), load)
    moment = generator.apply_mass(discretization.nodes[:, 0] * generator.constant)
    angle = SPEED * LATEST
    exact = AMPLITUDE * (math.sin(angle) - SPEED * math.cos(angle) + SPEED * math.exp(-LATEST)) / (1.0 + SPEED**2)
    errors = []
    for steps in (2, 4, 8):
        step, vector = LATEST / steps, generator.constant
        for number in range(steps):
            vector = stepper.stages(generator.apply_mass(vector), number * step, step, 1e-14)[-1]
        errors.append(abs(moment @ vector / (load @ vector) - exact))
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 1e-8
    assert slopes == pytest.approx(2 * STAGES - 1, abs=0.7)


def test_powers_of_the_resolvent_gain_a_factor_each():
    """sup |exp(-t lambda) - s sum c_k T_k(2 s - 1)| over lambda >= 0, s = 1/(1 + r lambda): like (sqrt 2 - 1)^k."""
    s = np.linspace(1e-6, 1.0, 2001)
    errors = []
    for powers in (10, 20, 30):
        r = pole_for(1.0, powers) * 1.2 * 1.5
        series = np.polynomial.chebyshev.chebval(2.0 * s - 1.0, coefficients(1.0, r, powers))
        errors.append(float(np.abs(s * series - np.exp(-(1.0 / s - 1.0) / r)).max()))
    rates = np.log(np.array(errors[1:]) / errors[:-1]) / 10.0
    assert (rates < -0.75).all()
    assert rates == pytest.approx(math.log(math.sqrt(2.0) - 1.0), abs=0.15)


@pytest.mark.parametrize("left", [1e-4, 1e-7, 1e-10])
def test_so_many_powers_leave_no_more_than_that(left):
    """At all times that one resolvent serves; the last terms, by which it is judged, leave no more either."""
    powers, s = powers_for(left), np.linspace(1e-6, 1.0, 2001)
    assert powers < powers_for(0.1 * left)
    r = pole_for(1.0, powers)
    for t in (0.25, 0.5, 1.0):
        terms = coefficients(t, r, powers)
        error = np.abs(s * np.polynomial.chebyshev.chebval(2.0 * s - 1.0, terms) - np.exp(-(1.0 / s - 1.0) * t / r))
        assert error.max() < 0.2 * left
        assert np.abs(terms[-4:]).max() < 2.0 * left
