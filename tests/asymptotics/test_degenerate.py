"""Quartic saddles against exact integrals, and the crossover between a Gaussian and a quartic direction."""

from math import gamma, log, pi

import numpy as np
import pytest
from scipy.integrate import quad

from fokker_planck.asymptotics.degenerate import (
    log_quartic_integral,
    pitchfork_across,
    quartic_across,
    quartic_along,
)


@pytest.mark.parametrize("fourth", [0.3, 1.0, 7.0])
@pytest.mark.parametrize("second", [-6.0, -1.0, -1e-3, 0.0, 1e-5, 0.5, 4.0, 30.0])
def test_quartic_integral_by_quadrature(second, fourth):
    lowest = -(second**2) / (4.0 * fourth) if second < 0.0 else 0.0
    exact, _ = quad(lambda y: np.exp(lowest - second * y**2 - fourth * y**4), -8, 8, epsabs=0, epsrel=1e-12, limit=400)
    assert log_quartic_integral(second, fourth) == pytest.approx(log(exact) - lowest, abs=1e-10)


@pytest.mark.parametrize("second", [-1e5, -1e-7, 1e-7, 1e5])
def test_quartic_integral_joins_its_pieces(second):
    # Around the switches between the formulas the value must not jump.
    for fourth in np.array([0.999, 1.001]) * second**2 / 8e8:
        assert np.isfinite(log_quartic_integral(second, fourth))
    low, high = (log_quartic_integral(second, factor * second**2 / 8e8) for factor in (0.9999, 1.0001))
    assert low == pytest.approx(high, abs=1e-3 * max(1.0, abs(low)) if second < 0 else 1e-8)
    low, high = (log_quartic_integral(second, factor * second**2 * 1e12 / 8) for factor in (0.9999, 1.0001))
    assert low - high == pytest.approx(0.25 * log(1.0001 / 0.9999), abs=1e-7)


def separable_time(along, across, epsilon):
    """int_well e^(-V/eps) / cap for V = u(x) + w(y) with the well of u at -1: exact Laplace along, integral across."""
    barrier = quad(lambda x: np.exp((along(x) - along(0.0)) / epsilon), -0.9, 0.9, epsrel=1e-12)[0]
    well = quad(lambda x: np.exp(-(along(x) - along(-1.0)) / epsilon), -1.9, 0.0, epsrel=1e-12)[0]
    inside, on_top = (quad(lambda y, w=w: np.exp(-w(y) / epsilon), -2, 2, epsrel=1e-12)[0] for w in across)
    return log(well * inside * barrier / (on_top * epsilon)) + (along(0.0) - along(-1.0)) / epsilon


def quartic(x):
    return (x**2 - 1) ** 2 / 4


def test_quartic_across_the_saddle():
    epsilon = 1e-3
    exact = separable_time(quartic, (lambda y: y**2 / 2, lambda y: y**4 / 4), epsilon)
    formula = quartic_across(0.25, -1.0, [], [2.0, 1.0], 0.25, epsilon)
    assert formula.log == pytest.approx(exact, abs=3.0 * epsilon)
    third = quartic_across(0.25, -1.0, [3.0], [2.0, 1.0, 3.0], 0.25, epsilon)
    assert third.log == pytest.approx(formula.log, abs=1e-12)  # a direction alike at both ends drops out


def test_quartic_along_the_saddle():
    formula = quartic_along(0.5, [2.0], [3.0, 2.0], 0.7, 1e-2)
    well, top = np.sqrt(2 * pi * 1e-2 / 3.0), gamma(0.25) / 2 * (1e-2 / 0.5) ** 0.25
    assert formula.log == pytest.approx(log(well * top / 1e-2) + 70.0, abs=1e-12)


@pytest.mark.parametrize("second", [-0.3, -0.05, 0.0, 0.05, 1.0])
def test_pitchfork_through_its_crossover(second):
    epsilon = 1e-3
    exact = separable_time(quartic, (lambda y: y**2 / 2, lambda y: second * y**2 / 2 + y**4 / 4), epsilon)
    formula = pitchfork_across(second, 0.25, -1.0, [], [2.0, 1.0], 0.25, epsilon)
    assert formula.log == pytest.approx(exact, abs=3.0 * epsilon)


def test_pitchfork_far_from_it_is_eyring_kramers():
    formula = pitchfork_across(1.0, 1e-9, -1.0, [], [2.0, 1.0], 0.25, 1e-2)
    assert formula.log == pytest.approx(log(2 * pi / np.sqrt(2.0)) + 25.0, abs=1e-9)
