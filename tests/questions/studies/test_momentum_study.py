"""Formulas over momentum, learning rate and batch size."""

from math import log, sqrt

import numpy as np
import pytest

import fokker_planck as fp

FLAT_AND_SHARP = "(x**2 - 1)**2*(1 + 2*x/5)/4"


def test_the_exponent_follows_the_batch_and_the_share_of_the_flat_minimum_does_not():
    """d log k/dB = -2 (1 - mu) dL/(eta C); share sqrt(2.8)/(sqrt(2.8) + sqrt(1.2)) at every mu, eta, B."""
    study = fp.momentum_study(FLAT_AND_SHARP, fp.Box([-2], [2]), [0.0, 0.9], [0.1, 0.01], [20, 400], variance=1.0)
    top = -1.0 + sqrt(1.2)
    height = (top**2 - 1.0) ** 2 * (1.0 + 0.4 * top) / 4.0
    out = study.rate(study.flattest, study.sharpest)
    for i, mu in enumerate(study.momenta):
        for j, eta in enumerate(study.learning_rates):
            slope = (out[i, j, 1].log - out[i, j, 0].log) / 380.0
            # F is not one at mu = 0.9 and the smaller batch
            assert slope == pytest.approx(-2.0 * (1.0 - mu) * height / eta, rel=3e-2 if mu else 1e-9)
            for share in study.probabilities[i, j, :, study.flattest]:
                assert share.value == pytest.approx(0.604356076261, rel=1e-9)
    assert out[0, 1, 1].value is None  # a barrier of 20,000 units of epsilon
    assert study.excess[1, 0] == pytest.approx(0.1 * 2.8 / 3.8)


def test_without_momentum_it_is_gradient_descent_up_to_the_curvature():
    """mu = 0: eta k of the overdamped process, up to eta L'': lambda_+ = omega_b^2/gamma (1 - eta omega_b^2 + ...)."""
    study = fp.momentum_study("(x**2 - 1)**2/4 + y**2", fp.Box([-2, -2], [2, 2]), [0.0], [1e-4], [1], variance=100.0)
    assert study.temperatures[0, 0, 0] == pytest.approx(0.005)
    per_iteration = study.rate(0, 1)[0, 0, 0]
    assert per_iteration.log == pytest.approx(log(1e-4 * sqrt(2.0) / (2.0 * np.pi)) - 50.0, abs=2e-4)
    assert study.gaps[0, 0, 0].log == pytest.approx(per_iteration.log + log(2.0), abs=1e-12)


def test_one_well_has_no_gap_and_no_rate():
    alone = fp.momentum_study("x**2", fp.Box([-2], [2]), [0.5], [0.1], [1], 1.0)
    assert alone.gaps[0, 0, 0] is None
    assert alone.rates[0, 0, 0, 0, 0] is None
