"""Noise of stochastic gradient descent: scales, models of the covariance, and the exact one of per-sample losses."""

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson, simpson

import fokker_planck as fp
from fokker_planck import sgd

POINTS = np.random.default_rng(4).uniform(-1.5, 1.5, (2, 7))
LISTED = ["(x**2 - 1)**2/4 + x*y", "sin(x) + y**2", "x**2*y - exp(y/2)", "k*x*y**3"]


def tensor(process, x):
    return process.field(len(x)).tensor(x)


def data_losses():
    generator = np.random.default_rng(5)
    data = {"u": generator.normal(size=6), "v": generator.normal(size=6)}
    return sgd.DataLosses("(tanh(x*u) + k*y*u**2 - v)**2/2", data, {"k": 0.7})


@pytest.fixture(params=["listed", "data"])
def losses(request):
    return sgd.SampleLosses(LISTED, {"k": 0.3}) if request.param == "listed" else data_losses()


def test_data_losses_on_a_line_answer():
    """The mean time to x = 1 by quadrature: int e^phi int e^-phi/D, phi' = V'/D (Ito)."""
    fit = sgd.DataLosses("(tanh(x*u) - v)**2/2", {"u": [1.0, 2.0, -1.0], "v": [0.5, 0.9, -0.3]})
    assert fit.gradients(np.zeros((1, 0))).shape == (3, 1, 0)
    assert fit.hessians(np.zeros((1, 0))).shape == (3, 1, 1, 0)
    x = np.linspace(-1.0, 1.0, 20001)
    slopes = fit.gradients(x[None])[:, 0]
    noise = 5.0 / 2 / 4 * slopes.var(axis=0)
    phi = cumulative_simpson(slopes.mean(axis=0) / noise, x=x, initial=0)
    before = cumulative_simpson(np.exp(-phi) / noise, x=x, initial=0)
    exact = simpson((np.exp(phi) * before)[15000:], x=x[15000:])
    problem = fp.Problem(sgd.process(fit, learning_rate=5.0, batch_size=2), fp.Box([-1.0], [2.0]))
    mean = fp.mean_exit_time(problem, [0.5], fp.HalfSpace([1.0], 1.0)).mean
    assert mean.value == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize(("samples", "factor"), [(None, 1 / 8), (57, 49 / (8 * 56)), (8, 0.0)])
def test_scale_of_the_noise(samples, factor):
    learning = sgd.Learning(0.2, 8, samples)
    assert learning.batch_factor == pytest.approx(factor, rel=1e-15)
    assert learning.noise_scale == pytest.approx(0.1 * factor, rel=1e-15)


def test_iterations_and_time():
    learning = sgd.Learning(0.2, 8)
    huge = fp.Quantity.of_log(2000.0, 1e-6)
    assert learning.iterations(huge).log == pytest.approx(2000.0 - np.log(0.2))
    assert learning.time(learning.iterations(huge)).log == pytest.approx(2000.0)


def test_the_factor_of_sampling_without_replacement_by_brute_force():
    """Covariance of the batch gradient over all batches, over that of one sample."""
    from itertools import combinations

    g = np.random.default_rng(2).normal(size=6)
    for size in range(1, 7):
        means = [np.mean(g[list(batch)]) for batch in combinations(range(6), size)]
        assert np.var(means) == pytest.approx(sgd.Learning(1.0, size, 6).batch_factor * np.var(g), abs=1e-15)


def test_models():
    scale = 0.1 / (2 * 5)
    isotropic = sgd.process("x**2*y**2 + y**4", 0.1, 5, epsilon=3.0)
    assert tensor(isotropic, POINTS) == pytest.approx(3.0 * scale * np.eye(2)[:, :, None] * np.ones(7), rel=1e-15)
    assert sgd.process("x**2", 0.1, 5, variance=3.0) == sgd.process("x**2", 0.1, 5, epsilon=3.0)
    hessian = sgd.process("x**2*y**2 + y**4", 0.1, 5, "hessian", floor=0.5)
    H = fp.Potential("x**2*y**2 + y**4").hessian(POINTS)
    square = np.einsum("ijn,jkn->ikn", H, H) + 0.25 * np.eye(2)[:, :, None]
    root = tensor(hessian, POINTS) / scale
    assert np.einsum("ijn,jkn->ikn", root, root) == pytest.approx(square, rel=1e-9, abs=1e-12)
    quadratic = sgd.process(
        "x**2 + y**2", 0.1, 5, "quadratic", samples=9, offset=[1.0, 2.0], curvature=3.0, slope=0.5, center=[0.1, 0.2]
    )
    y = POINTS - np.array([[0.1], [0.2]])
    diagonal = np.einsum("iin->in", tensor(quadratic, POINTS))
    expected = 0.05 * (4 / (5 * 8)) * (np.array([[1.0], [2.0]]) + 0.5 * y + 3.0 * y**2)
    assert diagonal == pytest.approx(expected, rel=1e-13)
    radial = sgd.process("x**2 + y**2", 0.1, 5, "quadratic", offset=1.0, curvature=3.0, form="radial")
    assert tensor(radial, POINTS)[0, 0] == pytest.approx(scale * (1 + 3 * np.sum(POINTS**2, axis=0)), rel=1e-14)


def test_a_given_covariance():
    given = sgd.process("x**2", 0.1, 5, lambda x: (1.0 + x**2)[None])
    assert tensor(given, np.array([[2.0]]))[0, 0, 0] == pytest.approx(0.05)


def test_covariance_by_brute_force(losses):
    count = losses.count
    for x in POINTS.T:
        g = losses.gradients(x[:, None])[:, :, 0]
        expected = np.cov(g.T, bias=True)
        assert sgd.gradient_covariance(losses, x[:, None])[:, :, 0] == pytest.approx(expected, rel=1e-12, abs=1e-14)
        values = [lambda p, i=i: evaluate(losses, i, p) for i in range(count)]
        slopes = [fp.Potential(value, dimension=2).gradient(x[:, None])[:, 0] for value in values]
        assert g == pytest.approx(np.array(slopes), abs=1e-9)


def evaluate(losses, i, points):
    if isinstance(losses, sgd.DataLosses):
        return losses.values(points, slice(i, i + 1))[0]
    return losses.losses[i].value(points)


def test_divergence_by_differences(losses):
    from fokker_planck.formulas.calculus import finite_differences as differences

    jacobian = differences.gradient(lambda x: sgd.gradient_covariance(losses, x), POINTS)
    expected = np.einsum("jijn->in", jacobian)
    assert sgd.covariance_divergence(losses, POINTS) == pytest.approx(expected, abs=1e-9)


def test_the_process_of_samples(losses):
    process = sgd.process(losses, 0.1, 2)
    n = losses.count
    factor = 0.05 * (n - 2) / (2 * (n - 1))
    assert tensor(process, POINTS) == pytest.approx(factor * sgd.gradient_covariance(losses, POINTS), rel=1e-12)
    field = process.field(2)
    assert field.divergence(POINTS) == pytest.approx(factor * sgd.covariance_divergence(losses, POINTS), rel=1e-12)
    again = sgd.process(losses, 0.1, 2, replacement=True)
    assert tensor(again, POINTS) == pytest.approx(0.025 * sgd.gradient_covariance(losses, POINTS), rel=1e-12)
    mean = losses.mean()
    assert mean.gradient(POINTS) == pytest.approx(losses.gradients(POINTS).mean(axis=0), abs=1e-13)
    assert mean.hessian(POINTS) == pytest.approx(losses.hessians(POINTS).mean(axis=0), abs=1e-12)
    assert mean.value(POINTS) == pytest.approx(sum(evaluate(losses, i, POINTS) for i in range(n)) / n, abs=1e-13)


def test_the_mean_of_formulas_is_a_formula_and_that_of_functions_is_not():
    assert sgd.SampleLosses(LISTED, {"k": 0.3}).mean().expression is not None
    mixed = sgd.SampleLosses(["x**2", lambda x: x[0] ** 4])
    assert mixed.mean().expression is None
    assert mixed.mean().gradient(np.array([[2.0]]))[0, 0] == pytest.approx(18.0, rel=1e-10)
    other = sgd.SampleLosses([fp.Potential("k*x**2", {"k": 1.0}), fp.Potential("k*x**2", {"k": 3.0})])
    assert other.mean()(np.array([[1.0]])).tolist() == [2.0]
    many = sgd.SampleLosses([f"(x - {i}.{'0' * 30})**2" for i in range(250)])
    assert many.mean().expression is None
    assert many.mean().gradient(np.array([[0.0]]))[0, 0] == pytest.approx(-249.0)


@pytest.mark.parametrize("replacement", [True, False])
def test_the_batch_gradient_is_the_mean_over_the_batch(losses, replacement):
    generator = np.random.default_rng(8)
    batches = sgd.recursion.drawn_batches(losses.count, 3, 7, generator, replacement)
    one_by_one = losses.gradients(POINTS)
    expected = np.array([one_by_one[batches[:, j], :, j].mean(axis=0) for j in range(7)]).T
    assert losses.batch_gradient(POINTS, batches) == pytest.approx(expected, abs=1e-13)
