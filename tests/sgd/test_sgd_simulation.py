"""Simulation: the recursion near its diffusion, the diffusion by itself against exact one-dimensional quadrature."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck import sgd
from fokker_planck.asymptotics import one_dimensional as exact
from fokker_planck.errors import ConvergenceError
from fokker_planck.model.diffusion.state_dependent import Hessian
from fokker_planck.sgd.euler import into_box, lower_root
from fokker_planck.sgd.recursion import drawn_batches

QUARTIC = fp.Potential("(x**2 - 1)**2/4")
LINE = fp.Box([-2.0], [2.0])
TO_ZERO = 18.426158443524535  # noise 1/8, from -1
TO_ONE = 41.03428025092896


def coins(learning_rate, batch_size, noise):
    """V + sigma x and V - sigma x, with D = noise."""
    sigma = (2.0 * noise * batch_size / learning_rate) ** 0.5
    return sgd.SampleLosses([f"(x**2 - 1)**2/4 {sign} {sigma!r}*x" for sign in "+-"])


@pytest.mark.parametrize(("samples", "size"), [(5, 1), (5, 2), (5, 4), (5, 5), (200, 3)])
def test_batches_are_uniform(samples, size):
    batches = drawn_batches(samples, size, 40_000, np.random.default_rng(1))
    assert batches.shape == (size, 40_000)
    assert np.all(np.diff(np.sort(batches, axis=0), axis=0) > 0)
    share = np.bincount(batches.ravel(), minlength=samples) / 40_000
    p = size / samples
    assert np.abs(share - p).max() < 5 * np.sqrt(p * (1 - p) / 40_000) + 1e-12
    if size == 2:
        together = np.bincount(np.min(batches, axis=0) * samples + np.max(batches, axis=0))
        pairs = together[together > 0] / 40_000
        assert len(pairs) == 10
        assert np.abs(pairs - 0.1).max() < 5 * 0.3 / 200


def test_the_same_seed_gives_the_same_paths():
    walk = sgd.Recursion(coins(0.1, 1, 1 / 8), 0.1, 1)
    one, two = (sgd.first_passage(walk, -1.0, fp.HalfSpace([1.0], 0.5), 50, seed=7) for _ in range(2))
    assert np.array_equal(one.times, two.times)
    other = sgd.first_passage(walk, -1.0, fp.HalfSpace([1.0], 0.5), 50, seed=np.random.default_rng(8))
    assert not np.array_equal(one.times, other.times)
    assert one.time.value == pytest.approx(0.1 * one.iterations.value)


@pytest.mark.parametrize(("batch_size", "replacement"), [(1, False), (4, True)])
def test_arrival_of_the_recursion_tends_to_the_time_of_the_diffusion(batch_size, replacement):
    rate = 0.05
    losses = coins(rate, batch_size, 1 / 8)
    process = sgd.process(losses, rate, batch_size, replacement=replacement)
    assert process.field(1).tensor(np.array([[0.3]]))[0, 0, 0] == pytest.approx(1 / 8, rel=1e-12)
    walk = sgd.Recursion(losses, rate, batch_size, replacement)
    found = sgd.first_passage(walk, -1.0, fp.HalfSpace([1.0], 1.0), replicas=1500, seed=1)
    # the bias, of the order of the learning rate, is below the noise of 1500 replicas (2.3 %)
    assert abs(found.time.value / TO_ONE - 1.0) < 3.5 * found.time.relative_error
    assert found.time.relative_error < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["white", "hessian"])
def test_the_simulated_diffusion_against_quadrature(noise):
    if noise == "white":
        diffusion, expected, step = fp.Isotropic(1 / 8), TO_ZERO, 0.1
    else:
        diffusion, step = Hessian(1 / 8, 0.5), 0.06
        line = exact.multiplicative(lambda x: x**3 - x, lambda x: np.sqrt((3 * x**2 - 1) ** 2 + 0.25) / 8, -2.0, 2.0)
        expected = line.mean_exit_time(-1.0, right=0.0).value
    found = sgd.simulated_exit_time(
        fp.Overdamped(QUARTIC, diffusion), -1.0, fp.HalfSpace([1.0], 0.0), step, replicas=4000, seed=5, domain=LINE
    )
    assert abs(found.mean.value / expected - 1.0) < 3.0 * found.mean.relative_error
    assert found.standard_error < 0.025
    assert found.mean.relative_error < 0.06


def test_the_correction_at_the_target_is_seen():
    """Without it a path is only seen at the ends of its steps: far too late with steps of 0.1."""
    process = fp.Overdamped(QUARTIC, fp.Isotropic(1 / 8))
    seen_late = sgd.first_passage(sgd.EulerMaruyama(process, 0.1, LINE), -1.0, fp.HalfSpace([1.0], 0.0), 4000)
    assert seen_late.time.value > 1.15 * TO_ZERO


def test_the_simulated_diffusion_leaves_a_disc():
    process = fp.Overdamped(fp.Potential("(x**2 + y**2)/2"), fp.Isotropic(0.2))
    outside = fp.Region("x**2 + y**2 - 1")
    found = sgd.simulated_exit_time(process, [0.0, 0.0], outside, 0.05, replicas=4000, seed=2)
    # radial quadrature: T = int_0^1 (e^(r^2/2 eps) - 1)/r dr
    r, w = np.polynomial.legendre.leggauss(40)
    r, w = (r + 1) / 2, w / 2
    expected = np.sum(w * np.expm1(r**2 / 0.4) / r)
    assert abs(found.mean.value / expected - 1.0) < 3.0 * found.mean.relative_error
    assert found.mean.relative_error < 0.04


def test_occupation_is_the_stationary_probability():
    potential = fp.Potential("(x**2 - 1)**2*(1 + 0.4*x)/4")
    walk = sgd.EulerMaruyama(fp.Overdamped(potential, fp.Isotropic(0.2)), 0.02, LINE)
    saddle = -1.0 + 1.2**0.5
    flat, sharp = {"flat": lambda x: x[0] < saddle}, {"sharp": lambda x: x[0] >= saddle}
    found = sgd.occupation(walk, np.linspace(-1.5, 1.5, 400)[None], flat | sharp, 3000, 400, seed=4, burn_in=500)
    line = exact.isotropic(lambda x: (x**2 - 1) ** 2 * (1 + 0.4 * x) / 4, 0.2, -2.0, 2.0)
    expected = line.probability(-2.0, saddle).value
    share = found.fractions["flat"]
    assert abs(share.value / expected - 1.0) < 4.0 * share.relative_error + 0.02
    assert found.ratio("flat", "sharp") == pytest.approx(share.value / (1.0 - share.value), rel=1e-12)


def test_the_recursion_is_stationary_where_theory_says():
    """For parabolas with shifted minima the variance is eta sigma^2 / (B h (2 - eta h)), not that of the diffusion."""
    h, rate, size = 1.5, 0.6, 2
    losses = sgd.DataLosses("h*x**2/2 - u*x", {"u": [-1.0, 1.0, -2.0, 2.0]}, {"h": h})
    walk = sgd.Recursion(losses, rate, size, replacement=True)
    found = sgd.moments(walk, 0.0, 60, replicas=20_000, seed=9)
    expected = rate * 2.5 / (size * h * (2.0 - rate * h))
    assert abs(found.second[-1, 0, 0] - expected) < 4.5 * found.second_error[-1, 0, 0]
    diffusion = sgd.diffusion_of(rate, size, epsilon=2.5).epsilon / h
    assert expected / diffusion == pytest.approx(1.0 / (1.0 - rate * h / 2.0))


def test_euler_has_the_moments_of_one_step():
    process = fp.Overdamped(fp.Potential("x**2 + y**4/4"), fp.Constant([[0.3, 0.1], [0.1, 0.2]]))
    found = sgd.moments(sgd.EulerMaruyama(process, 0.1), [1.0, 2.0], 1, 100_000, center=[0.8, 1.2])
    assert np.abs(found.first[1]).max() < 5 * np.sqrt(0.06 / 1e5)
    assert np.all(np.abs(found.second[1] - 0.2 * np.array([[0.3, 0.1], [0.1, 0.2]])) < 5 * found.second_error[1])


def test_roots_of_tensors():
    factor = np.random.default_rng(1).standard_normal((3, 3, 50))
    factor[:, :, 0] = 0.0
    factor[2, :, 1] = factor[1, :, 1]  # rank two
    tensor = np.einsum("ikn,jkn->ijn", factor, factor)
    root = lower_root(tensor)
    assert np.einsum("ikn,jkn->ijn", root, root) == pytest.approx(tensor, abs=1e-7)
    assert np.all(root[0, 1:] == 0.0)


def test_the_box_mirrors_and_wraps():
    box = fp.Box([0.0, 0.0], [1.0, 2.0], boundary=["reflecting", "periodic"])
    x = np.array([[-0.25, 1.25, 2.5, 0.5], [-0.5, 2.5, 4.25, 1.0]])
    assert into_box(x, box).round(12).tolist() == [[0.25, 0.75, 0.5, 0.5], [1.5, 0.5, 0.25, 1.0]]


PAIR = sgd.SampleLosses(["(x - 1)**2/2", "(x + 1)**2/2"])
WALK = sgd.Recursion(PAIR, 0.1, 1)
BROWN = fp.Overdamped(QUARTIC, fp.Isotropic(0.1))
RIGHT = fp.HalfSpace([1.0], 0.0)


def test_replicas_that_do_not_arrive_or_diverge_are_no_number():
    with pytest.raises(ConvergenceError, match="10 of 10 replicas have not arrived"):
        sgd.first_passage(WALK, -0.5, fp.HalfSpace([1.0], 2.0), 10, most_iterations=100)
    with pytest.raises(ConvergenceError, match="left all bounds"):
        sgd.first_passage(sgd.Recursion(PAIR, 5.0, 1), 0.0, fp.Ball([0.123456], 1e-9), 10, most_iterations=5000)
    with pytest.raises(ConvergenceError, match="on their way"):
        sgd.simulated_exit_time(BROWN, -1.0, fp.HalfSpace([1.0], 1.9), 0.1, 10, domain=LINE, most_time=1.0)
    with pytest.raises(ConvergenceError, match="left all bounds"):
        sgd.simulated_exit_time(BROWN, -1.0, fp.Ball([0.0], 1e-6), 40.0, 10)
