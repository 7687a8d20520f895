"""Momentum: the dictionary, the exact covariance on a quadratic, stability, and the recursion itself."""

from math import log, sqrt

import numpy as np
import pytest
from kinetic_spectrum import kinetic_eigenvalues as spectrum

from fokker_planck import sgd
from fokker_planck.asymptotics import kramers_langer
from fokker_planck.asymptotics.melnikov_meshkov import LineBarrier, rate
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.quantity import Quantity
from fokker_planck.sgd.quadratic_momentum import growth


def tossed(loss, variance):
    """A pair of losses whose mean is the loss and whose gradients have the given variance."""
    push = float(np.sqrt(variance))
    return sgd.SampleLosses([f"{loss} + {push!r}*x", f"{loss} - {push!r}*x"])


def quartic_walk(friction, eps, step, nesterov=False):
    """Near the kinetic equation of (x^2 - 1)^2/4: C = 2 gamma eps/h."""
    ball = sgd.heavy_ball(friction, step)
    pair = tossed("(x**2 - 1)**2/4", 2.0 * friction * eps / step)
    return sgd.MomentumRecursion(pair, ball.learning_rate, ball.momentum, 1, replacement=True, nesterov=nesterov)


def test_the_dictionary():
    ball = sgd.Momentum(learning_rate=0.04, momentum=0.7, batch_size=8)
    assert ball.step == pytest.approx(0.2)
    assert ball.friction == pytest.approx(1.5)
    assert ball.temperature(3.0) == pytest.approx(0.04 * 3.0 / (16.0 * 0.3))
    assert ball.velocity_noise_scale * 3.0 == pytest.approx(ball.friction * ball.temperature(3.0))
    assert ball.overdamped.learning_rate == pytest.approx(0.04 / 0.3)
    assert ball.iterations(Quantity.of(3.0, 0.1)).value == pytest.approx(15.0)
    assert ball.time(Quantity.of(15.0, 0.1)).value == pytest.approx(3.0)
    # one iteration lasts as long in both times: t' = t/gamma
    assert ball.step / ball.friction == pytest.approx(ball.overdamped.learning_rate)
    plain = sgd.Momentum(0.04, 0.0, 8)
    assert plain.overdamped == sgd.Learning(0.04, 8)
    finite = sgd.Momentum(0.04, 0.7, 8, samples=9)
    assert finite.temperature(1.0) == pytest.approx(0.04 / 0.6 / (8.0 * 8.0))


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_covariance_on_a_parabola_is_that_of_a_recursion_of_second_order(nesterov):
    """Yule and Walker: x_(k+1) = a x_k + b x_(k-1) + noise, with the variance (1 - b)/((1 + b)((1 - b)^2 - a^2))."""
    for eta, mu, curvature in ((0.3, 0.9, 2.0), (1e-3, 0.2, 5.0), (0.5, 0.0, 3.0)):
        kept = mu * (1.0 - eta * curvature) if nesterov else mu
        a, b = 1.0 + kept - eta * curvature, -kept
        place = eta**2 * 7.0 / 3 * (1.0 - b) / ((1.0 + b) * ((1.0 - b) ** 2 - a**2))
        speed = 2.0 * place * (1.0 - a / (1.0 - b)) / eta
        found = sgd.stationary_covariance(sgd.Momentum(eta, mu, 3), curvature, 7.0, nesterov)
        assert found[0, 0] == pytest.approx(place, rel=1e-10)
        assert found[1, 1] == pytest.approx(speed, rel=1e-10)
        assert found[0, 1] == pytest.approx(0.5 * sqrt(eta) * speed, rel=1e-10)


def test_orders_in_the_learning_rate():
    """Positions of the heavy ball are off by O(eta) where C and H commute; all else, and Nesterov's, by the root."""
    hessian = np.array([[2.0, 0.6], [0.6, 1.0]])
    other = np.array([[1.0, -0.3], [-0.3, 0.5]])
    for covariance, nesterov, orders in (
        (hessian, False, (1.0, 0.5)),
        (np.eye(2), False, (1.0, 0.5)),
        (other, False, (0.5, 0.5)),
        (np.eye(2), True, (0.5, 0.5)),
    ):
        gaps = []
        for eta in (1e-4, 1e-6):
            ball = sgd.heavy_ball(0.8, sqrt(eta))
            # the noise of the kinetic equation stays the same
            exact = sgd.stationary_covariance(ball, hessian, covariance / sqrt(eta), nesterov)
            limit = sgd.kinetic_covariance(ball, hessian, covariance / sqrt(eta))
            gaps.append([np.abs(exact - limit)[:2, :2].max(), np.abs(exact - limit)[2:, 2:].max()])
        assert np.log(np.divide(*gaps)) / np.log(100.0) == pytest.approx(orders, abs=0.05)


def test_the_overdamped_limit():
    """mu fixed, eta -> 0: the variance of positions is that of gradient descent with eta/(1 - mu), to O(eta)."""
    for nesterov in (False, True):
        off = []
        for eta in (1e-2, 1e-3):
            ball = sgd.Momentum(eta, 0.8)
            found = sgd.stationary_covariance(ball, 2.0, 1.0 / eta, nesterov)[0, 0]
            off.append(found / (ball.overdamped.noise_scale / eta / 2.0) - 1.0)
        assert off[0] / off[1] == pytest.approx(10.0, rel=0.15)


def test_stability_ends_where_the_formula_says():
    for eta, mu in ((0.1, 0.9), (0.5, 0.0), (2.0, 0.4)):
        ball = sgd.Momentum(eta, mu)
        for nesterov in (False, True):
            limit = sgd.largest_curvature(ball, nesterov)
            assert eta * limit == pytest.approx(2.0 * (1.0 + mu) / (1.0 + 2.0 * mu * nesterov))
            assert growth(ball, 0.999 * limit, nesterov) < 1.0 < growth(ball, 1.001 * limit, nesterov)
            assert growth(ball, 1e-6 * limit, nesterov) < 1.0
            with pytest.raises(ConvergenceError, match="not stable"):
                sgd.stationary_covariance(ball, np.diag([0.1, 1.0]) * limit, 1.0, nesterov)


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_recursion_has_that_covariance(nesterov):
    walk = sgd.MomentumRecursion(tossed("x**2/2", 4.0), 0.25, 0.5, 1, replacement=True, nesterov=nesterov)
    exact = sgd.stationary_covariance(walk.ball, 1.0, 4.0, nesterov)
    seen = sgd.moments(walk, [0.0, 0.0], iterations=60, replicas=20_000, seed=3)
    assert np.all(np.abs(seen.second[-1] - exact) < 4.5 * seen.second_error[-1])
    assert np.all(seen.second_error[-1] < 0.03 * exact.max())


def test_the_recursion_in_the_plane_is_two_of_the_line():
    pair = sgd.SampleLosses(["(x - 1)**2/2 + y**2", "(x + 1)**2/2 + y**2"])
    walk = sgd.MomentumRecursion(pair, 0.25, 0.5, 2)
    assert walk.dimension == 4
    moved = walk.step(np.array([[1.0], [2.0], [0.0], [1.0]]), np.random.default_rng(1))
    # V = (0, 1)/2 - (1, 4)/2, x = (1, 2) + V/2
    assert moved.ravel().tolist() == [0.75, 1.25, -0.5, -1.5]
    with pytest.raises(ProblemError, match="as many velocities"):
        walk.step(np.ones((3, 2)), np.random.default_rng(1))


def test_relaxation_between_wells_tends_to_that_of_the_kinetic_equation():
    """E sign(x) decays like exp(-lambda_1 t), lambda_1 = 3.881083571709e-2 at eps = 1/8, friction 1."""
    exact = spectrum([0.0, -1.0, 0.0, 1.0], 1 / 8, 1.0, width=0.5)[1]
    assert exact == pytest.approx(3.881083571709e-2, rel=1e-7)
    replicas, step = 30_000, 0.1
    walk, generator = quartic_walk(1.0, 1 / 8, step), np.random.default_rng(1)
    x = np.repeat([[1.0], [0.0]], replicas, axis=1)
    signs = []
    for duration in (8.0, 20.0):
        for _ in range(round(duration / step)):
            x = walk.step(x, generator)
        signs.append(np.sign(x[0]))
    before, after = (sign.mean() for sign in signs)
    found = np.log(before / after) / 20.0
    error = np.std(signs[1] / after - signs[0] / before) / np.sqrt(replicas) / 20.0
    # found: 1.026 +- 0.016 at h = 0.1, 1.049 at 0.2, 1.125 at 0.4
    assert abs(found / exact - 1.0 - 0.25 * step) < 0.02 + 3.0 * error / exact
    assert error < 0.025 * exact


@pytest.mark.slow
def test_what_never_returns_is_metastable():
    """The time to the bottom of the other well at friction 0.1: of the formula for one well, not that for two."""
    friction, eps = 0.1, 1 / 16
    start = np.repeat([[-1.0], [0.0]], 1500, axis=1)
    met = sgd.first_passage(quartic_walk(friction, eps, 0.2), start, lambda x: x[0] >= 1.0, replicas=1500, seed=2)
    alone = rate(LineBarrier(0.25, sqrt(2.0), 1.0, friction, friction * 4 / 3), eps)
    # found 1.12 +- 0.03 at h = 0.2, 1.16 at 0.1; the formula for two wells would be at 0.91
    assert met.time.value * alone.value == pytest.approx(1.12, abs=0.1)
    assert abs(1.0 / met.time.value - alone.value) < alone.relative_error * alone.value


@pytest.mark.slow
def test_in_the_plane_it_relaxes_as_kramers_and_langer_say():
    """A bent valley, (x^2 - 1)^2/4 + (y - x^2/2)^2, eps = 1/12: det Hess, and so the rate, is that of the line."""
    loss, step, replicas = "(x**2 - 1)**2/4 + (y - x**2/2)**2", 0.1, 20_000
    push = sqrt(2.0 / 12.0 / step)
    pushed = sgd.SampleLosses([f"{loss} + {i * push!r}*x + {j * push!r}*y" for i in (1, -1) for j in (1, -1)])
    ball = sgd.heavy_ball(1.0, step)
    walk = sgd.MomentumRecursion(pushed, ball.learning_rate, ball.momentum, 1, replacement=True)
    x, generator = np.repeat([[1.0], [0.5], [0.0], [0.0]], replicas, axis=1), np.random.default_rng(1)
    signs = []
    for duration in (12.0, 50.0):
        for _ in range(round(duration / step)):
            x = walk.step(x, generator)
        signs.append(np.sign(x[0]))
    found = log(signs[0].mean() / signs[1].mean()) / 50.0
    formula = kramers_langer.rate(0.25, [[4.0, -2.0], [-2.0, 2.0]], [[-1.0, 0.0], [0.0, 2.0]], 1.0, 1 / 12)
    # found 0.929 +- 0.019
    assert abs(found - 2.0 * formula.value) < 2.0 * formula.relative_error * formula.value
    assert found / (2.0 * formula.value) == pytest.approx(0.93, abs=0.07)
