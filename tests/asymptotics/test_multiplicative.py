"""Noise that depends on the state, on a line: formulas against exact quadrature, quadrature against references."""

import json
from math import gamma, log, pi
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.asymptotics import multiplicative as formulas
from fokker_planck.asymptotics.one_dimensional import isotropic, multiplicative
from fokker_planck.asymptotics.one_dimensional_transitions import (
    drifting,
    eigenvalue_bounds,
    hitting_probability,
    log_density,
    log_exit_times,
    probability_last_left,
    probability_reactive,
    transition_rate,
    well_probabilities,
)
from fokker_planck.errors import ConvergenceError, ProblemError

ENTRIES = json.loads((Path(__file__).parents[1] / "reference" / "one_dimensional.json").read_text())["entries"]
REFERENCE = {entry["id"]: float(entry["value"]) for entry in ENTRIES if isinstance(entry["value"], str)}


def slope(x):
    return x**3 - x


def hessian_noise(epsilon, floor=0.5):
    return lambda x: epsilon * np.hypot(3 * x**2 - 1, floor)


def quadratic_noise(epsilon):
    return lambda x: epsilon * (1 + 4 * (x + 1) ** 2)


# exact over formula at eps = 1/400, as the notes on the theory have them
@pytest.mark.parametrize(
    ("reference", "noise", "alpha", "ratio"),
    [
        ("C_Ito_eps1/400_T(-1->1)", hessian_noise(1 / 400), 0.0, 1.00246),
        ("C_Fick_eps1/400_T(-1->1)", hessian_noise(1 / 400), 1.0, 1.00260),
        ("D_Ito_eps1/400_T(-1->1)", quadratic_noise(1 / 400), 0.0, 1.0228),
    ],
)
def test_ratio_to_the_exact_time(reference, noise, alpha, ratio):
    formula = formulas.mean_crossing_time(slope, noise, -1.0, 0.0, alpha)
    found = REFERENCE[reference] / formula.value
    assert found == pytest.approx(ratio, abs=6e-6 if ratio < 1.01 else 6e-5)
    assert abs(found - 1.0) < formula.relative_error
    term = sum(formulas.next_terms(slope, noise, -1.0, 0.0, alpha))
    assert abs(found - 1.0 - term) < 0.2 * abs(found - 1.0)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_rest_is_of_order_epsilon(alpha):
    rest = []
    for inverse in (400, 800, 1600):
        noise = hessian_noise(1 / inverse)
        exact = multiplicative(slope, noise, -2.0, 2.0, alpha).mean_exit_time(-1.0, right=1.0)
        rest.append(inverse * np.expm1(exact.log - formulas.mean_crossing_time(slope, noise, -1.0, 0.0, alpha).log))
    assert abs(rest[2] - rest[1]) < 0.7 * abs(rest[1] - rest[0])
    term = sum(formulas.next_terms(slope, hessian_noise(1 / 1600), -1.0, 0.0, alpha))
    assert rest[2] == pytest.approx(1600 * term, abs=2 * abs(rest[2] - rest[1]))


def test_effective_barrier_of_hessian_noise_in_closed_form():
    delta, theta = 0.5, 1 / 400

    def phi(x):
        w = 3 * x**2 - 1
        return (np.hypot(w, delta) - 2 * np.arcsinh(w / delta)) / (18 * theta)

    found = formulas.effective_barrier(slope, hessian_noise(theta, delta), -1.0, 0.0)
    assert found == pytest.approx(phi(0.0) - phi(-1.0), rel=1e-14)
    assert theta * found == pytest.approx(0.34073206782338266, rel=1e-14)


def test_both_barriers_of_the_flat_and_the_sharp_well():
    def curvature(x):
        return (3 * x**2 - 1) * (1 + 0.4 * x) + 0.8 * (x**3 - x)

    def tilted(x):
        return (x**3 - x) * (1 + 0.4 * x) + 0.1 * (x**2 - 1) ** 2

    saddle = -1 + np.sqrt(1.2)
    flat = formulas.effective_barrier(tilted, lambda x: np.hypot(curvature(x), 0.5), -1.0, saddle)
    sharp = formulas.effective_barrier(tilted, lambda x: np.hypot(curvature(x), 0.5), 1.0, saddle)
    assert flat == pytest.approx(0.3682037523799677, rel=1e-13)
    assert sharp == pytest.approx(0.3119940398293692, rel=1e-13)
    # the flat well wins exponentially: log-odds against 1/eps
    odds = []
    for inverse in (400, 1600):
        line = multiplicative(tilted, lambda x, e=1 / inverse: e * np.hypot(curvature(x), 0.5), -2.0, 2.0)
        left, right = well_probabilities(line, [saddle])
        odds.append(left.log - right.log)
    assert (odds[1] - odds[0]) / 1200 == pytest.approx(flat - sharp, rel=1e-4)


@pytest.mark.parametrize(("alpha", "prefactor"), [(0.0, 2 * pi / 4), (0.5, 2 * pi / 2), (1.0, 2 * pi)])
def test_piecewise_parabola_has_the_prefactors_of_the_three_readings(alpha, prefactor):
    def bent(x):
        return np.where(x < 0.2, 4 * x, 1 - x)

    def noise(x):
        return 1e-3 * np.where(x < 0.2, 4.0, 1.0)

    formula = formulas.mean_crossing_time(bent, noise, 0.0, 1.0, alpha, curvatures=(4.0, -1.0), breaks=[0.2])
    assert formula.log - log(prefactor) == pytest.approx(0.5 * (0.04 + 0.64) / 1e-3, rel=1e-13)
    exact = multiplicative(bent, noise, -1.0, 1.8, alpha, breaks=[0.2]).mean_exit_time(0.0, right=1.8)
    assert exact.log == pytest.approx(formula.log, abs=1e-9)
    if alpha == 0.0:
        assert exact.log - log(2 * pi) - 340.0 == pytest.approx(log(0.25), abs=1e-9)


def test_power_of_the_barrier_of_quadratic_noise():
    # exp(Delta Phi) = (1 + r b^2)^m: escape grows as a power of the height
    m = 1 / (2 * 0.05 * 4)
    for b in (1.0, 3.0):
        barrier = formulas.effective_barrier(lambda x: x, lambda x: 0.05 * (1 + 4 * x**2), 0.0, b)
        assert barrier == pytest.approx(m * log(1 + 4 * b**2), rel=1e-14)
    b, r, eps = 3e3, 4.0, 0.05
    line = multiplicative(lambda x: x, lambda x: eps * (1 + r * x**2), -b, b)
    power = b ** (2 * m + 1) / (2 * m + 1) * r**m * pi**0.5 * gamma(m + 0.5) / (2 * r**0.5 * gamma(m + 1)) / eps
    assert line.mean_exit_time(0.0, -b, b).value == pytest.approx(power, rel=1e-6)


def test_a_barrier_of_a_thousand_noise_units():
    # closed form: Phi = m log(1 + r x^2), absorbed at b; and the same scaled to itself by x -> x/l, D -> D/l^2
    m, r, b = 250.0, 4.0, 3.65
    one = multiplicative(lambda x: x, lambda x: (1 + r * x**2) / (2 * r * m), -b, b)
    two = multiplicative(lambda x: x, lambda x: (1 + r * (8 * x) ** 2) / (2 * r * m * 64), -b / 8, b / 8)
    assert one.log_scale(np.array([b]))[0] - one.log_scale(np.zeros(1))[0] == pytest.approx(
        m * log(1 + r * b * b), abs=2e-12
    )
    assert m * log(1 + r * b * b) > 990
    # by 40-digit quadrature of the double integral
    assert one.mean_exit_time(0.0, -b, b).log == pytest.approx(997.7075045894654, abs=1e-12)
    first, second = one.mean_exit_time(0.0, -b, b), two.mean_exit_time(0.0, -b / 8, b / 8)
    assert first.log == pytest.approx(second.log, abs=2e-12)
    assert abs(first.log - second.log) < first.relative_error


def test_a_thousand_noise_units_of_the_quartic_well():
    # by 40-digit quadrature
    plain = isotropic(lambda x: (x**2 - 1) ** 2 / 4, 1 / 4000, -2.0, 2.0)
    assert plain.mean_exit_time(-1.0, right=1.0).log == pytest.approx(1001.4916788519052, abs=1e-12)
    integrated = multiplicative(slope, lambda x: 1 / 4000 + 0 * x, -2.0, 2.0)
    assert integrated.mean_exit_time(-1.0, right=1.0).log == pytest.approx(1001.4916788519052, abs=2e-12)


def test_kinks_that_nobody_announced_are_found():
    where = 0.1234567

    def potential(x):
        return x**2 / 2 + np.abs(x - where)

    told, found = (isotropic(potential, 1 / 300, -3.0, 3.0, breaks) for breaks in ([where], []))
    for ask in (lambda line: line.mean_exit_time(0.0, right=2.0), lambda line: line.probability(-3.0, 0.1)):
        assert ask(found).log == pytest.approx(ask(told).log, abs=1e-12)


def test_noise_that_vanishes_on_the_way_is_refused():
    for noise in (lambda x: np.abs(3 * x**2 - 1) / 20, lambda x: (3 * x**2 - 1) / 20):
        with pytest.raises(ConvergenceError, match="time is infinite"):
            formulas.effective_barrier(slope, noise, -1.0, 0.0)


@pytest.mark.parametrize(("well", "top", "match"), [(0.0, -1.0, "curvatures"), (-1.0, -1.0, "top"), (-1.0, 0.0, None)])
def test_points_of_the_wrong_kind_are_refused(well, top, match):
    if match is None:
        assert formulas.mean_crossing_time(slope, hessian_noise(0.1), well, top).log is not None
        return
    with pytest.raises(ProblemError, match=match):
        formulas.mean_crossing_time(slope, hessian_noise(0.1), well, top)


def test_symmetric_form_in_one_dimension_is_the_klimontovich_reading():
    # drift -D U' + D' is -V' + D' with V' = D U', at alpha = 1
    eps = 1 / 300

    def noise(x):
        return eps * (2 + np.sin(x))

    def slope_of_U(x):
        return (x**3 - x) / eps

    one = formulas.mean_crossing_time(lambda x: noise(x) * slope_of_U(x), noise, -1.0, 0.0, 1.0)
    many = formulas.symmetric_crossing_time(0.25 / eps, [[2 / eps]], [[-1 / eps]], [[noise(0.0)]])
    assert many.log == pytest.approx(one.log, abs=1e-9)


def test_symmetric_form_sees_the_tensor_at_the_saddle_only():
    hessian, saddle = np.diag([2.0, 3.0]), np.array([[-1.0, 0.5], [0.5, 2.0]])
    tensor = np.array([[1.0, 0.3], [0.3, 0.5]])
    unstable = np.max(np.linalg.eigvals(-tensor @ saddle).real)
    expected = 2 * pi / unstable * np.sqrt(2.25 / 6) * np.exp(10.0)
    assert formulas.symmetric_crossing_time(10.0, hessian, saddle, tensor).value == pytest.approx(expected)
    with pytest.raises(ProblemError, match="saddle_hessian"):
        formulas.symmetric_crossing_time(10.0, hessian, hessian, tensor)


LINE = drifting(lambda x: -slope(x) - 0.1, hessian_noise(1 / 20), -2.0, 2.0)


def test_identities_of_the_transitions():
    there, back = (hitting_probability(LINE, 0.3, -1.0, 1.0, first) for first in ("right", "left"))
    assert there.value + back.value == pytest.approx(1.0, rel=1e-13)
    rate = transition_rate(LINE, -1.0, 1.0).value
    last = probability_last_left(LINE, -1.0, 1.0).value
    # the rate constants are one over the mean times between the points
    assert last / rate == pytest.approx(LINE.mean_exit_time(-1.0, right=1.0).value, rel=1e-12)
    assert (1 - last) / rate == pytest.approx(LINE.mean_exit_time(1.0, left=-1.0).value, rel=1e-11)
    reactive = probability_reactive(LINE, -1.0, 1.0).value
    x, weights, _times = log_exit_times(LINE, -1.0, 1.0)
    q = np.array([hitting_probability(LINE, point, -1.0, 1.0).value for point in x[::40]])
    assert np.all(np.diff(q) > 0)
    assert 0 < reactive < last * (1 - last)
    assert np.exp(log_density(LINE, x) + weights).sum() == pytest.approx(LINE.probability(-1.0, 1.0).value, rel=1e-13)


def test_committor_and_rate_far_below_the_smallest_double():
    line = isotropic(lambda x: (x**2 - 1) ** 2 / 4, 1 / 4000, -2.0, 2.0)
    small = hitting_probability(line, -0.9, -1.0, 1.0)
    assert small.log == pytest.approx(-970.0, abs=25)
    two_way = line.mean_exit_time(-1.0, right=1.0).log + log(2.0)
    assert transition_rate(line, -1.0, 1.0).log == pytest.approx(-two_way, abs=1e-11)


def test_bounds_enclose_known_eigenvalues():
    for epsilon, name in ((0.5, "0.5"), (0.1, "0.1"), (0.001, "0.001")):
        line = isotropic(lambda x: x**2 / 2, epsilon, -1.0, 1.0)
        low, high = eigenvalue_bounds(line, -1.0, 1.0)
        exact = log(REFERENCE[f"OUBALL_d1_eps{name}_lamD"])
        assert low.log <= exact + 1e-12
        assert exact <= high.log + 1e-12
    assert high.log - low.log < 0.002 + 1e-12
    # half of the symmetric double well: the eigenvalue is the gap of the whole
    quartic = isotropic(lambda x: (x**2 - 1) ** 2 / 4, 1 / 80, -2.0, 2.0)
    low, high = eigenvalue_bounds(quartic, right=0.0)
    assert low.value <= REFERENCE["A_eps1/80_lam1"] <= high.value * (1 + 1e-12)
    assert high.value / low.value - 1 < 1e-5


def test_exit_times_at_all_points_agree_with_those_at_one():
    for left, right in ((None, 1.0), (-1.0, None), (-1.0, 0.7)):
        x, _weights, times = log_exit_times(LINE, left, right)
        for number in (5, len(x) // 2, len(x) - 9):
            assert times[number] == pytest.approx(LINE.mean_exit_time(float(x[number]), left, right).log, abs=1e-12)


def test_questions_without_sense_are_refused():
    with pytest.raises(ValueError, match="left 1.0, right -1.0"):
        transition_rate(LINE, 1.0, -1.0)
    with pytest.raises(ValueError, match="no absorbing point"):
        eigenvalue_bounds(LINE)
    with pytest.raises(ValueError, match="not between"):
        hitting_probability(LINE, -1.5, -1.0, 1.0)
    with pytest.raises(ValueError, match='"left" or "right"'):
        hitting_probability(LINE, 0.0, -1.0, 1.0, "up")
