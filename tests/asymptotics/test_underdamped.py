"""Rates with momentum: known actions, limits of the depopulation factor, and spectra found by another method."""

from math import erfc, exp, log, pi, sqrt
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from kinetic_spectrum import kinetic_eigenvalues as spectrum

from fokker_planck.asymptotics import kramers_langer, melnikov_meshkov, underdamped
from fokker_planck.asymptotics.barrier_action import well_action
from fokker_planck.asymptotics.depopulation import factor, log_factor, log_factor_between
from fokker_planck.asymptotics.melnikov_meshkov import LineBarrier, energy_diffusion_rate, kramers_rate, line_barrier
from fokker_planck.errors import ProblemError
from fokker_planck.landscape.finding.search import find_landscape, sample_box

QUARTIC = [0.0, -1.0, 0.0, 1.0]  # V' of (x^2 - 1)^2/4


def quartic(friction, returning=True):
    loss = 4.0 / 3.0 * friction
    return LineBarrier(0.25, sqrt(2.0), 1.0, friction, loss, loss if returning else None)


def landscape_of(coefficients, eps, reach, lower=None):
    """The wells of a polynomial over eps, and the exponent."""
    phi = np.polynomial.Polynomial(coefficients) / eps
    first, second = phi.deriv(), phi.deriv(2)
    exponent = SimpleNamespace(
        value=lambda x: phi(x[0]), gradient=lambda x: first(x[0])[None], hessian=lambda x: second(x[0])[None, None]
    )
    return find_landscape(exponent, *sample_box([-reach if lower is None else lower], [reach])), exponent


@pytest.mark.parametrize("delta", [1e-6, 1e-3, 0.3, 3.999, 4.001, 12.0, 60.0, 900.0])
def test_the_depopulation_factor_is_its_integral(delta):
    with mpmath.workdps(30):
        # s = tan(t)/2 turns ds/(s^2 + 1/4) into 2 dt
        integrand = lambda t: mpmath.log1p(-mpmath.exp(-delta / (4 * mpmath.cos(t) ** 2)))  # noqa: E731
        parts = [0, mpmath.atan(mpmath.sqrt(1 / mpmath.mpf(delta))), mpmath.pi / 2]
        exact = float(2 / mpmath.pi * mpmath.quad(integrand, parts))
    assert log_factor(delta) == pytest.approx(exact, rel=3e-15 if delta > 100 else 1e-13)


def test_the_factor_tends_to_the_loss_and_to_one():
    assert factor(1e-12) == pytest.approx(1e-12, rel=1e-5)
    assert log_factor_between(1e-12, 3e-12) == pytest.approx(log(0.75e-12), rel=1e-6)
    assert -log_factor(1e3) == pytest.approx(erfc(sqrt(250.0)), rel=1e-12)
    deltas = np.geomspace(1e-3, 1e3, 200)
    assert np.all(np.diff([log_factor(delta) for delta in deltas]) > 0.0)
    with pytest.raises(ProblemError, match="delta"):
        log_factor(0.0)


def test_actions_known_in_closed_form():
    assert well_action(lambda x: (x**2 - 1) ** 2 / 4, 0.0, -1.0).value == pytest.approx(4 / 3, rel=1e-12)
    # between two peaks of the same height: 2 int_-pi^pi sqrt(2 (1 + cos x)) dx
    assert well_action(lambda x: -np.cos(x), -pi, 0.0).value == pytest.approx(16.0, rel=1e-10)
    # friction x: 2 int_0^sqrt2 x^2 sqrt((2 - x^2)/2) dx
    loss = well_action(lambda x: (x**2 - 1) ** 2 / 4, 0.0, 1.0, friction=lambda x: x)
    assert loss.value == pytest.approx(pi / (2.0 * sqrt(2.0)), rel=1e-12)
    with pytest.raises(ProblemError, match="rises to the height"):
        well_action(lambda x: x**3 - 3 * x**2, 0.0, -1.0)


def test_friction_and_hessian_may_be_matrices():
    generator = np.random.default_rng(3)
    turn = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    hessian = turn @ np.diag([-1.0, 2.0, 5.0]) @ turn.T
    root = generator.standard_normal((3, 3))
    for friction in (0.7 * np.eye(3), root @ root.T, np.outer(root[0], root[0]), 0.0 * root):
        drift = np.block([[np.zeros((3, 3)), np.eye(3)], [-hessian, -friction]])
        expected = np.linalg.eigvals(drift).real.max()
        assert kramers_langer.unstable_rate(hessian, friction) == pytest.approx(expected, rel=1e-12)
    assert 1e8 * kramers_langer.unstable_rate(hessian, 1e8) == pytest.approx(1.0, rel=1e-12)
    with pytest.raises(ProblemError, match="the first alone"):
        kramers_langer.unstable_rate(-hessian, 1.0)
    with pytest.raises(ProblemError, match="friction"):
        kramers_langer.unstable_rate(hessian, -np.eye(3))


def test_a_product_with_parabolas_changes_nothing_and_high_barriers_are_logarithms():
    line = kramers_langer.rate(0.25, 2.0, -1.0, 0.5, 1 / 2000)
    space = kramers_langer.rate(0.25, np.diag([2.0, 3.0, 7.0]), np.diag([-1.0, 3.0, 7.0]), 0.5, 1 / 2000)
    over = sqrt(1.0 + 1.0 / 16.0) - 0.25
    assert line.log == pytest.approx(log(over * sqrt(2.0) / (2.0 * pi)) - 500.0, rel=1e-15)
    assert space.log == pytest.approx(line.log, rel=1e-15)
    assert melnikov_meshkov.rate(quartic(0.5), 1 / 2000).log == pytest.approx(line.log, rel=1e-13)
    assert melnikov_meshkov.rate(quartic(0.5), 1 / 20000).value is None


@pytest.mark.parametrize(
    ("friction", "expected"), [(0.1, 0.880), (0.5, 0.955), (1.0, 0.953), (2.0, 0.938), (10.0, 0.917)]
)
def test_the_turnover_of_the_quartic_well(friction, expected):
    """lambda_1/(2 k) at eps = 1/20; the overdamped limit is 0.9153."""
    found = spectrum(QUARTIC, 1 / 20, friction)[1]
    if friction == 0.5:
        assert found == pytest.approx(2.216814138511e-3, rel=1e-8)
    assert found / (2.0 * melnikov_meshkov.rate(quartic(friction), 1 / 20).value) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("inverse", "frictions", "width", "in_v"),
    [(8, (0.02, 0.5, 10.0), 0.5, 160), (20, (0.05, 0.2, 5.0), 0.35, 160), (40, (0.05, 0.5, 2.0), 0.25, 160)],
)
def test_the_bars_of_all_three_formulas_hold(inverse, frictions, width, in_v):
    for friction in frictions:
        exact = 0.5 * spectrum(QUARTIC, 1 / inverse, friction, in_x=100, in_v=in_v, width=width)[1]
        for formula in (melnikov_meshkov.rate, energy_diffusion_rate, kramers_rate):
            found = formula(quartic(friction), 1 / inverse)
            assert abs(found.value - exact) < found.relative_error * found.value
        uniform = melnikov_meshkov.rate(quartic(friction), 1 / inverse)
        assert uniform.relative_error < (1.1 if inverse == 8 else 0.45)  # and say something
        known = kramers_langer.rate(0.25, 2.0, -1.0, friction, 1 / inverse)  # which guesses the loss
        assert abs(known.value - exact) < known.relative_error * known.value


def test_the_rest_is_of_the_order_of_the_noise():
    """lambda_1/(2 k) - 1 at friction 1 halves with eps: 0.047, 0.0249."""
    rest = [
        1.0 - spectrum(QUARTIC, eps, 1.0, width=width)[1] / (2.0 * melnikov_meshkov.rate(quartic(1.0), eps).value)
        for eps, width in ((1 / 20, 0.35), (1 / 40, 0.25))
    ]
    assert rest[0] / rest[1] == pytest.approx(2.0, abs=0.15)


def test_the_limits_are_those_of_strong_and_weak_friction():
    strong = melnikov_meshkov.rate(quartic(1e6), 1 / 20)
    assert 1e6 * strong.value == pytest.approx(sqrt(2.0) / (2.0 * pi) * exp(-5.0), rel=1e-11)
    for returning in (True, False):
        weak = quartic(1e-8, returning)
        assert melnikov_meshkov.rate(weak, 0.05).ratio(energy_diffusion_rate(weak, 0.05)) == pytest.approx(1, abs=1e-3)
    half = energy_diffusion_rate(quartic(1e-8), 0.05).ratio(energy_diffusion_rate(quartic(1e-8, False), 0.05))
    assert half == pytest.approx(0.5, rel=1e-12)


def test_unequal_wells_exchange_in_balance_and_relax_as_the_spectrum_says():
    tilt, eps = 0.06, 1 / 16
    wells, phi = landscape_of([0.25, tilt, -0.5, 0.0, 0.25], eps, 2.5)
    for friction in (0.1, 1.0):
        found = underdamped.kinetic_rates(wells, phi, friction, eps)
        there, back = found.rate(0, 1), found.rate(1, 0)
        overdamped = underdamped.kinetic_rates(wells, phi, 1e6, eps)
        ratio = overdamped.rate(0, 1).ratio(overdamped.rate(1, 0))
        assert there.ratio(back) == pytest.approx(ratio, rel=1e-12)
        _zero, gap = underdamped.kinetic_eigenvalues(wells, phi, friction, eps)
        assert gap.value == pytest.approx(there.value + back.value, rel=1e-12)
        exact = spectrum([tilt, -1.0, 0.0, 1.0], eps, friction, in_v=100, width=0.4)[1]
        assert abs(gap.value - exact) < gap.relative_error * gap.value
        assert gap.relative_error < 0.9


def test_two_ways_out_of_a_well_are_in_the_bar():
    eps = 1 / 60
    wells, phi = landscape_of([0.0, 0.0, 1.0, 0.0, -2.0, 0.0, 1.0], eps, 1.6)  # x^2 (x^2 - 1)^2: saddles 4/27
    assert len(wells.minima) == 3
    for friction in (0.1, 2.0):
        gap = underdamped.kinetic_eigenvalues(wells, phi, friction, eps)[1]
        slope = [0.0, 2.0, 0.0, -8.0, 0.0, 6.0]
        exact = spectrum(slope, eps, friction, in_x=110, in_v=100, width=0.16)[1]
        assert abs(gap.value - exact) < gap.relative_error * gap.value


def test_a_reflecting_wall_turns_the_velocity_around():
    """The wall x = 0 in the middle of three wells: the even modes of the whole line."""
    eps, three = 1 / 60, [0.0, 0.0, 1.0, 0.0, -2.0, 0.0, 1.0]
    wells, phi = landscape_of(three, eps, 1.6, lower=0.0)
    assert len(wells.minima) == 2
    for friction in (0.1, 2.0):
        gap = underdamped.kinetic_eigenvalues(wells, phi, friction, eps)[1]
        slope = [0.0, 2.0, 0.0, -8.0, 0.0, 6.0]
        exact = spectrum(slope, eps, friction, count=3, in_x=110, in_v=100, width=0.16)[2]
        assert abs(gap.value - exact) < gap.relative_error * gap.value
        assert abs(gap.value - exact) < 0.25 * gap.value


def test_wells_in_corners_say_that_they_know_nothing_of_their_loss():
    exponent = SimpleNamespace(  # V falls to both corners x = 0, 2 of the lower wall; ridge at x = 1
        value=lambda x: 40 * (0.25 - (x[0] - 1) ** 2 / 4 + x[1]),
        gradient=lambda x: 40 * np.stack([(1 - x[0]) / 2, 1 + 0 * x[1]]),
        hessian=lambda x: 40 * np.array([[-0.5, 0.0], [0.0, 0.0]])[:, :, None] * np.ones(x.shape[1]),
    )
    wells = find_landscape(exponent, *sample_box([0.0, 0.0], [2.0, 1.0]))
    found = underdamped.kinetic_rates(wells, exponent, 1.0, 1 / 40).rate(0, 1)
    # sqrt(1/2 + 1/4) - 1/2 out of int exp(-Phi) at the ridge over that of the corner, 1/(20 40)
    over = (sqrt(0.75) - 0.5) / (2.0 * pi) * sqrt(2.0 * pi / 20.0) / 40.0 * exp(-10.0) * 800.0
    assert found.value == pytest.approx(over, rel=1e-9)
    assert found.relative_error >= 1.0
    with pytest.raises(ProblemError, match="friction"):
        underdamped.kinetic_rates(wells, exponent, 0.0, 1 / 40)


def test_a_ring_of_two_wells_has_two_ways_between_them():
    eps, friction = 1 / 16, 0.2
    exponent = SimpleNamespace(
        value=lambda x: (-np.cos(2 * x[0]) / 4 + np.cos(x[0]) / 20) / eps,
        gradient=lambda x: (np.sin(2 * x) / 2 - np.sin(x) / 20) / eps,
        hessian=lambda x: (np.cos(2 * x) - np.cos(x) / 20)[None] / eps,
    )
    around = [2.0 * pi]
    wells = find_landscape(exponent, *sample_box([0.0], around, None, around), periods=around)
    gap = underdamped.kinetic_eigenvalues(wells, exponent, friction, eps)[1]
    # 2.0068078e-4 by Fourier times Hermite functions
    assert abs(gap.value - 2.0068078e-4) < gap.relative_error * gap.value < 0.3 * gap.value


def test_numbers_of_a_barrier_may_come_from_the_potential():
    found = line_barrier(lambda x: (x**2 - 1) ** 2 / 4, lambda x: 3 * x**2 - 1, 0.0, 1.0, lambda x: 1 + 0 * x, -1.0)
    wanted = quartic(1.0)
    for name in ("height", "well_frequency", "saddle_frequency", "friction", "loss", "loss_beyond"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), rel=1e-12)
    with pytest.raises(ProblemError, match="saddle, minimum"):
        line_barrier(lambda x: x**2, lambda x: 2 + 0 * x, 0.0, 1.0, 1.0)


def test_exit_times_know_whether_anything_returns():
    """By simulation the time to x = 1 at friction 0.1, eps = 1/16, is 1.16 +- 0.03 over the metastable rate."""
    wells, phi = landscape_of([0.25, 0.0, -0.5, 0.0, 0.25], 1 / 16, 2.5)
    at_once, later, unsaid = (
        underdamped.kinetic_exit_time(wells, phi, 0.1, 1 / 16, 0, [1], back) for back in (False, True, None)
    )
    for found, returning in ((at_once, False), (later, True)):
        assert found.value == pytest.approx(
            1.0 / melnikov_meshkov.rate(quartic(0.1, returning), 1 / 16).value, rel=1e-8
        )
    assert at_once.value < unsaid.value < later.value
    assert unsaid.value * (1.0 + unsaid.relative_error) > later.value
    assert abs(at_once.value * 1.16 - at_once.value) < at_once.relative_error * at_once.value
    # over the middle of three wells: there and back counts
    three, exponent = landscape_of([0.0, 0.0, 1.0, 0.0, -2.0, 0.0, 1.0], 1 / 60, 1.6)
    order = np.argsort([minimum.position[0] for minimum in three.minima]).tolist()
    left, middle, right = (int(well) for well in order)
    rates = underdamped.kinetic_rates(three, exponent, 2.0, 1 / 60)
    out, back, on = rates.rate(left, middle), rates.rate(middle, left), rates.rate(middle, right)
    time = underdamped.kinetic_exit_time(three, exponent, 2.0, 1 / 60, left, [right], returning=True)
    exact = 1.0 / out.value + 1.0 / on.value + back.value / (on.value * out.value)
    assert time.value == pytest.approx(exact, rel=1e-10)
    with pytest.raises(ProblemError, match="outside of the targets"):
        underdamped.kinetic_exit_time(three, exponent, 2.0, 1 / 60, left, [left])
