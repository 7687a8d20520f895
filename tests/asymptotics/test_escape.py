"""Escape from maxima and saddles, and narrow escape: references, exact quadrature, a simulation of the law."""

import json
from math import log, pi
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.asymptotics import escape, narrow_escape, saddle_escape
from fokker_planck.asymptotics.one_dimensional import isotropic
from fokker_planck.errors import ConvergenceError, ProblemError

ENTRIES = json.loads((Path(__file__).parents[1] / "reference" / "one_dimensional.json").read_text())["entries"]
REFERENCE = {entry["id"]: float(entry["value"]) for entry in ENTRIES if isinstance(entry["value"], str)}


@pytest.mark.parametrize("name", ["0.1", "0.01", "1e-3", "1e-4", "1e-6", "1e-8"])
def test_saddle_references(name):
    exact = REFERENCE[f"SADDLE1D_eps{name}"]
    assert escape.linear_time(1.0, 1.0, float(name)).value == pytest.approx(exact, rel=2e-15)
    formula = escape.linear_series(1.0, 1.0, float(name))
    assert abs(formula.value / exact - 1) < formula.relative_error
    if float(name) < 0.05:
        better = escape.linear_series(1.0, 1.0, float(name), terms=3)
        assert abs(better.value / exact - 1) < better.relative_error + 1e-15
        assert better.relative_error < 0.05 * formula.relative_error


@pytest.mark.parametrize("name", ["0.1", "0.01", "0.001"])
def test_source_references(name):
    assert escape.source_time(1.0, 1.0, float(name), 2).value == pytest.approx(
        REFERENCE[f"SOURCE2D_eps{name}"], rel=2e-15
    )


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
def test_both_ways_to_evaluate_the_exact_form_meet(dimension, monkeypatch):
    noise = 1.0 / (2.0 * 1.1 * escape.LARGE)
    one = escape.source_time(1.0, 1.0, noise, dimension).value
    monkeypatch.setattr(escape, "LARGE", 1e9)
    assert escape.source_time(1.0, 1.0, noise, dimension).value == pytest.approx(one, rel=2e-15)


def test_large_noise_is_free_diffusion():
    assert escape.source_time(1.0, 1.0, 1e6, 3).value == pytest.approx(1 / 6e6, rel=1e-6)


def test_slope_of_the_logarithm_and_scaling():
    one, two = (escape.linear_time(3.0, 2.0, epsilon).value for epsilon in (1e-5, 1e-6))
    assert (two - one) / log(10.0) == pytest.approx(1 / 6, rel=1e-5)
    # time in units of 1/lambda, noise in units of lambda b^2
    assert escape.linear_time(3.0, 2.0, 0.12).value == pytest.approx(escape.linear_time(1.0, 1.0, 0.01).value / 3)


def test_quartic_maximum():
    K = escape.constant(lambda x: x**3 - x, 0.0, 0.8, 1.0)
    assert abs(K - log(0.8 / 0.6)) < 2e-12
    assert escape.constant(lambda x: x**3 - x, 0.0, -0.8, 1.0) == pytest.approx(K, abs=1e-13)
    rest = []
    for epsilon in (1e-2, 1e-3, 1e-4):
        exact = isotropic(lambda x: (x**2 - 1) ** 2 / 4, epsilon, -1.0, 1.0).mean_exit_time(0.0, -0.8, 0.8)
        formula = escape.nonlinear_time(lambda x: x**3 - x, 0.0, -0.8, 0.8, epsilon)
        rest.append((exact.value - formula.value) / epsilon)
        assert abs(exact.value / formula.value - 1) < formula.relative_error
    assert rest[2] == pytest.approx(rest[1], rel=0.15)
    assert isotropic(lambda x: (x**2 - 1) ** 2 / 4, 0.01, -1.0, 1.0).mean_exit_time(0.0, -0.8, 0.8).value == (
        pytest.approx(REFERENCE["SADDLE_QUARTIC_eps0.01"], rel=1e-12)
    )


def test_a_top_off_the_origin_with_unequal_sides():
    # V = -ln cosh(x - 7), V' = -tanh: int dx/tanh = ln sinh
    def slope(x):
        return -np.tanh(x - 7.0)

    right, left = escape.constant(slope, 7.0, 9.0, 1.0), escape.constant(slope, 7.0, 6.5, 1.0)
    assert right == pytest.approx(log(np.sinh(2.0)), abs=1e-10)
    assert left == pytest.approx(log(np.sinh(0.5)), abs=1e-10)
    exact = isotropic(lambda x: -np.log(np.cosh(x - 7.0)), 1e-4, 6.0, 9.5).mean_exit_time(7.0, 6.5, 9.0)
    assert escape.nonlinear_time(slope, 7.0, 6.5, 9.0, 1e-4).value == pytest.approx(exact.value, rel=3e-4)


def test_saddle_in_a_strip_is_one_dimensional_and_a_shear_is_not():
    strip = saddle_escape.saddle_time(np.diag([1.0, -1.0]), 0.01 * np.eye(2), 1.0)
    assert strip.value == pytest.approx(REFERENCE["SADDLE1D_eps0.01"], rel=1e-14)
    # u . x obeys the scalar equation exactly with the noise u . D u, whatever the other coordinates do
    J = np.array([[1.0, 4.0, 0.0], [0.0, -1.0, 2.0], [0.0, -2.0, -1.0]])
    D = 1e-3 * np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 3.0]])
    unstable = saddle_escape.unstable_direction(J, D)
    u = np.array(unstable.left)
    assert u @ J == pytest.approx(unstable.rate * u)
    assert unstable.right == pytest.approx((1.0, 0.0, 0.0))
    assert unstable.noise == pytest.approx(u @ D @ u)
    assert saddle_escape.saddle_time(J, D, 0.5).value == escape.linear_time(1.0, 0.5, unstable.noise).value


def test_the_law_against_exact_paths():
    # X_t grows to exp(lambda t) N sqrt(eps/lambda): sampled exactly at the times, no time step to blame
    law = saddle_escape.saddle_law([[2.0]], [[1e-6]], 1.0)
    assert law.variance == pytest.approx(pi**2 / 32)
    random = np.random.default_rng(5)
    taus = law.shift - np.log(np.abs(random.standard_normal(400_000))) / law.rate
    assert taus.mean() == pytest.approx(law.mean, abs=5 * np.sqrt(law.variance / 4e5))
    assert taus.var() == pytest.approx(law.variance, rel=0.02)
    t = law.quantile([0.1, 0.5, 0.9])
    assert law.distribution(t) == pytest.approx([0.1, 0.5, 0.9], rel=1e-12)
    assert [np.mean(taus <= value) for value in t] == pytest.approx([0.1, 0.5, 0.9], abs=0.004)
    grid = np.linspace(law.shift - 3, law.shift + 12, 40001)
    density = law.density(grid)
    assert density.sum() * (grid[1] - grid[0]) == pytest.approx(1.0, rel=1e-8)
    assert ((grid - law.mean) ** 2 * density).sum() * (grid[1] - grid[0]) == pytest.approx(law.variance, rel=1e-6)


def test_the_law_against_a_simulated_diffusion():
    random, step, count = np.random.default_rng(3), 0.01, 4000
    x, taus, alive = np.zeros(count), np.full(count, np.nan), np.ones(count, dtype=bool)
    grow, kick = np.exp(step), np.sqrt(1e-3 * np.expm1(2 * step))
    for number in range(2000):
        x = grow * x + kick * random.standard_normal(count)
        out = alive & (np.abs(x) >= 1.0)
        taus[out], alive[out] = (number + 0.5) * step, False
    assert not alive.any()
    assert taus.mean() == pytest.approx(escape.linear_time(1.0, 1.0, 1e-3).value, abs=0.07)
    assert taus.var() == pytest.approx(pi**2 / 8, rel=0.1)


def test_narrow_escape():
    assert narrow_escape.from_the_centre(0.1) == pytest.approx(3.2461489749483924, rel=1e-15)
    assert narrow_escape.from_anywhere(0.1) == pytest.approx(3.1211489749483924, rel=1e-15)
    assert narrow_escape.from_the_other_side(0.1) == pytest.approx(3.6886710903933183, rel=1e-15)
    # the whole circle absorbs: T = R^2/4, R^2/8, 0
    assert narrow_escape.from_the_centre(pi, 2.0, 0.5) == pytest.approx(2.0)
    assert narrow_escape.from_anywhere(pi) == pytest.approx(0.125)
    assert narrow_escape.from_the_other_side(pi) == pytest.approx(0.0, abs=1e-15)
    ball = narrow_escape.in_a_ball(0.01, 1.0, 2.0)
    assert ball.value == pytest.approx(pi / 3 / 0.02 * (1 + 0.01 * log(100) / pi))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: escape.linear_time(-1.0, 1.0, 0.1), ProblemError, "rate"),
        (lambda: escape.linear_series(1.0, 1.0, 10.0), ConvergenceError, "linear_time"),
        (lambda: escape.constant(lambda x: x**3 - x, 0.0, 1.2, 1.0), ProblemError, "edge"),
        (lambda: escape.nonlinear_time(lambda x: x**3 - x, 0.0, 0.2, 0.8, 0.1), ProblemError, "top"),
        (lambda: saddle_escape.saddle_time(np.diag([-1.0, -2.0]), np.eye(2), 1.0), ProblemError, "positive"),
        (lambda: saddle_escape.saddle_time([[1.0, -3.0], [3.0, 1.0]], np.eye(2), 1.0), ProblemError, "single real"),
        (lambda: saddle_escape.saddle_time(np.diag([1.0, -1.0]), np.diag([0.0, 1.0]), 1.0), ProblemError, "tensor"),
        (lambda: narrow_escape.from_the_centre(4.0), ProblemError, "half_angle"),
        (lambda: narrow_escape.in_a_ball(0.9), ProblemError, "window"),
        (lambda: narrow_escape.from_anywhere(0.1, -1.0), ProblemError, "radius"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()
