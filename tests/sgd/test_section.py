"""Sections of losses with many parameters: exact where losses are polynomials, beside the descent itself where not."""

import sys

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck import sgd
from fokker_planck.errors import MissingPackageError, ProblemError

GENERATOR = np.random.default_rng(3)
TARGETS = GENERATOR.standard_normal((40, 6))
METRIC = np.diag([1.0, 2.0, 3.0, 0.5, 0.7, 1.5]) + 0.1 * np.ones((6, 6))


def quadratic(theta):
    """(theta - c_i) . A (theta - c_i)/2, whose gradient covariance is A Cov(c) A everywhere."""
    away = theta - TARGETS
    return 0.5 * np.einsum("ij,jk,ik->i", away, METRIC, away), away @ METRIC


class Wells:
    """Two wells along the first axis; of two samples one has a gradient larger by 2.5 (1 + x/2), one smaller."""

    SIGMA = np.array([2.5, -2.5])

    def __call__(self, theta):
        x, y = theta
        values = (x**2 - 1.0) ** 2 / 4.0 + y**2 + self.SIGMA * (x + x**2 / 4.0)
        return values, np.stack([x**3 - x + self.SIGMA * (1.0 + 0.5 * x), np.full(2, 2.0 * y)], axis=1)

    def batch_gradient(self, theta, batches):
        x, y = theta
        return np.stack([x**3 - x + self.SIGMA[batches].mean(axis=0) * (1.0 + 0.5 * x), 2.0 * y])


wells = Wells()


def test_projected_covariance_and_mean_of_quadratic_losses_are_exact():
    center, directions = np.arange(6.0) / 10.0, GENERATOR.standard_normal((2, 6))
    axes = [np.linspace(-1.0, 1.0, 7), np.linspace(-0.5, 2.0, 9)]
    found = sgd.section(quadratic, center, directions, axes)
    basis = found.directions
    np.testing.assert_allclose(basis @ basis.T, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(basis[0], directions[0] / np.linalg.norm(directions[0]), atol=1e-14)
    exact = basis @ METRIC @ np.cov(TARGETS.T, bias=True) @ METRIC @ basis.T
    s = np.array([[0.3, -0.77], [1.9, 0.1]])
    noise = found.diffusion(0.1, 4).field(None, 2).tensor(s)
    factor = 0.05 * (40 - 4) / (4 * 39)  # without replacement
    np.testing.assert_allclose(noise, np.repeat(factor * exact[:, :, None], 2, axis=2), rtol=1e-11)
    means = [quadratic(t)[0].mean() for t in found.parameters(s).T]
    np.testing.assert_allclose(found.potential()(s), means, rtol=1e-12)
    np.testing.assert_allclose(found.coordinates(found.parameters(s)[:, 0]), s[:, 0], atol=1e-14)
    gradients = [quadratic(found.parameters(s)[:, k])[1].mean(axis=0) @ basis.T for k in (0, 1)]
    np.testing.assert_allclose(found.potential().gradient(s).T, gradients, rtol=1e-11)
    assert found.slope_error < 1e-12
    assert 0.1 < found.across < 1.0


def test_escape_on_a_section_is_that_of_the_formula_and_of_the_descent():
    found = sgd.section(wells, np.zeros(2), [[2.0, 0.0]], np.linspace(-1.9, 1.9, 77))
    assert found.across == 0.0
    problem = fp.Problem(found.process(0.05, 1, replacement=True), found.domain)
    target = fp.HalfSpace([1.0], 0.5)
    time = fp.mean_exit_time(problem, -1.0, target).mean
    formula = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Formula("0.15625*(1 + x/2)**2"))
    exact = fp.mean_exit_time(fp.Problem(formula, found.domain), -1.0, target).mean
    assert time.value == pytest.approx(exact.value, rel=1e-6)
    walk = found.recursion(0.05, 1, replacement=True)
    met = sgd.first_passage(walk, -1.0, target, replicas=400, seed=2)
    predicted = found.learning(0.05, 1).iterations(time)
    # the diffusion is the limit of small rates: five standard errors, and twice the rate for what is left of it
    alone = sgd.section(lambda theta: wells(theta), np.zeros(2), [[1.0, 0.0]], np.linspace(-1.9, 1.9, 77))
    steps = [each.recursion(0.05, 1).step(np.array([[0.1, 0.5]]), np.random.default_rng(5)) for each in (found, alone)]
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-14)
    assert abs(met.iterations.value / predicted.value - 1.0) < 5.0 * met.iterations.relative_error + 0.1


def test_formulas_of_samples_do_as_they_are_and_walk_all_at_once():
    fit = sgd.DataLosses("(u*x - v)**2/2 + (y - v)**2/2", {"u": [1.0, 2.0, 3.0], "v": [1.0, 0.0, -1.0]})
    found = sgd.section(fit, [0.2, 0.1], [[1.0, 1.0]], np.linspace(-1.0, 1.0, 9))
    place = found.parameters([[0.25]])
    exact = found.directions @ sgd.gradient_covariance(fit, place)[:, :, 0] @ found.directions.T
    noise = found.diffusion(0.2, 1).field(None, 1).tensor(np.array([[0.25]]))
    np.testing.assert_allclose(noise[:, :, 0], 0.1 * exact, rtol=1e-12)
    points = np.array([[0.1, 0.4, -0.3]])
    whole = found.recursion(0.2, 3).step(points, np.random.default_rng(1))  # all samples: no noise
    np.testing.assert_allclose(whole, points - 0.2 * found.potential().gradient(points), rtol=1e-10)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("no function", "model: .*a function from parameters"),
        (lambda theta: quadratic(theta)[0], "model: .*a pair of finite arrays"),
        (lambda theta: (quadratic(theta)[0], quadratic(theta)[1][:, :5]), r"model: .*\(40, 5\)"),
        (lambda theta: (quadratic(theta)[0], 2.0 * quadratic(theta)[1]), "slopes of the losses .* by 50 %"),
        (lambda theta: (np.log(theta[0] - 0.5) + quadratic(theta)[0], quadratic(theta)[1]), "not finite at theta"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_models_that_are_none_are_refused(model, message):
    with pytest.raises(ProblemError, match=message):
        sgd.section(model, np.zeros(6), np.eye(6)[:1], np.linspace(-1.0, 1.0, 9))


def test_directions_axes_and_steps_are_checked():
    axis = np.linspace(-1.0, 1.0, 5)
    for directions, axes, message in (
        ([[1.0, 0.0], [2.0, 0.0]], [axis, axis], "depend on each other"),
        ([[1.0, 0.0, 0.0]], axis, r"directions: .*rows of 2 numbers"),
        ([[1.0, 0.0]], [axis, axis], "axes: found 2 of them"),
        ([[1.0, 0.0]], [0.0, 1.0, 3.0], "axes: .*equal steps"),
    ):
        with pytest.raises(ProblemError, match=message):
            sgd.section(wells, np.zeros(2), directions, axes)
    with pytest.warns(UserWarning, match="take smaller steps"):
        sgd.section(
            lambda t: (np.sin(9.0 * t[0]) * np.ones(2), np.full((2, 1), 9.0 * np.cos(9.0 * t[0]))), [0.0], [[1.0]],
            np.linspace(-1.0, 1.0, 17),
        )  # fmt: skip


def test_a_network_of_jax():
    jax = pytest.importorskip("jax", reason="jax is an extra")
    inputs, targets = GENERATOR.standard_normal((20, 2)), GENERATOR.standard_normal(20)
    weights = {"a": np.array([0.5, -0.3, 0.8], dtype=np.float32), "w": GENERATOR.standard_normal((3, 2))}

    def loss(parameters, sample):
        return (parameters["a"] @ jax.numpy.tanh(parameters["w"] @ sample[0]) - sample[1]) ** 2 / 2.0

    model = sgd.jax_losses(loss, weights, (inputs, targets))
    a, w = model.start[:3], model.start[3:].reshape(3, 2)
    hidden = np.tanh(inputs @ w.T)
    error = hidden @ a - targets
    slopes = error[:, None, None] * (a * (1.0 - hidden**2))[:, :, None] * inputs[:, None, :]
    values, gradients = model(model.start)
    np.testing.assert_allclose(values, error**2 / 2.0, rtol=1e-12)
    np.testing.assert_allclose(gradients, np.hstack([error[:, None] * hidden, slopes.reshape(20, 6)]), rtol=1e-10)
    batches = np.array([[0, 3], [7, 3]])
    theta = np.stack([model.start, model.start + 0.1], axis=1)
    exact = [model(theta[:, k])[1][batches[:, k]].mean(axis=0) for k in (0, 1)]
    np.testing.assert_allclose(model.batch_gradient(theta, batches).T, exact, rtol=1e-12)


def test_a_network_of_torch():
    torch = pytest.importorskip("torch", reason="torch is installed by those who use it")
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    x, y = torch.randn(20, 2), torch.randn(20, 1)
    model = sgd.torch_losses(network, torch.nn.functional.mse_loss, x, y)
    values, gradients = model(model.start)
    exact = ((network.double()(x.double()) - y.double()) ** 2).mean(dim=1)
    np.testing.assert_allclose(values, exact.detach().numpy(), rtol=1e-10)
    step = 1e-6 * np.eye(len(model.start))[4]
    slope = (model(model.start + step)[0] - model(model.start - step)[0]) / 2e-6
    np.testing.assert_allclose(gradients[:, 4], slope, atol=1e-7)
    batches = np.array([[0, 3], [7, 3]])
    theta = np.stack([model.start, model.start + 0.1], axis=1)
    exact = [model(theta[:, k])[1][batches[:, k]].mean(axis=0) for k in (0, 1)]
    np.testing.assert_allclose(model.batch_gradient(theta, batches).T, exact, rtol=1e-10)


def test_a_section_through_a_classifier_of_torch():
    """Gradients are those of one backward pass a sample, steps of the recursion those of the optimiser of torch."""
    torch = pytest.importorskip("torch", reason="torch is installed by those who use it")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    entropy = torch.nn.functional.cross_entropy
    x = torch.randn(60, 2)
    y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 0] > 1).long()
    model = sgd.torch_losses(network, entropy, x, y)
    assert {part.dtype for part in network.parameters()} == {torch.float32}
    exact = []
    twin = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)).double()
    twin.load_state_dict(network.state_dict())
    for one, wanted in zip(x.double(), y, strict=True):
        twin.zero_grad()
        entropy(twin(one[None]), wanted[None]).backward()
        exact.append(torch.cat([part.grad.reshape(-1) for part in twin.parameters()]).numpy())
    np.testing.assert_allclose(model(model.start)[1], exact, atol=1e-14)
    direction = np.mean(exact, axis=0)
    direction /= np.linalg.norm(direction)
    found = sgd.section(model, model.start, [direction], np.linspace(-1.0, 1.0, 41))
    np.testing.assert_allclose(found.covariance[20, 0, 0], np.var(np.array(exact) @ direction), rtol=1e-10)
    optimiser = torch.optim.SGD(twin.parameters(), lr=0.1)
    optimiser.zero_grad()
    entropy(twin(x.double()), y).backward()
    optimiser.step()
    moved = torch.cat([part.detach().reshape(-1) for part in twin.parameters()]).numpy() - model.start
    whole = found.recursion(0.1, 60).step(np.zeros((1, 1)), np.random.default_rng(0))
    assert whole[0, 0] == pytest.approx(direction @ moved, rel=1e-10)


def test_networks_of_torch_without_losses_of_samples():
    torch = pytest.importorskip("torch", reason="torch is installed by those who use it")
    x, y = torch.randn(6, 2), torch.randint(3, (6,))
    entropy, linear = torch.nn.functional.cross_entropy, torch.nn.Linear(2, 3)
    random, mixing = (torch.nn.Sequential(linear, layer) for layer in (torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(3)))
    for network in (random, mixing):
        with pytest.raises(ProblemError, match=r"network: .*as after network.eval\(\)"):
            sgd.torch_losses(network, entropy, x, y)
        assert np.isfinite(
            sgd.torch_losses(network.eval(), entropy, x, y)(np.zeros(9 + 6 * (network is mixing)))[0]
        ).all()
    with pytest.raises(ProblemError, match="a scalar loss"):
        sgd.torch_losses(linear, lambda output, wanted: entropy(output, wanted, reduction="none"), x, y)
    with pytest.raises(ProblemError, match="targets: found 5 of them; wanted 6"):
        sgd.torch_losses(linear, entropy, x, y[:5])
    with pytest.raises(ProblemError, match="without parameters"):
        sgd.torch_losses(torch.nn.Tanh(), entropy, x, y)


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("jax", lambda: sgd.jax_losses(None, None, None)),
        ("torch", lambda: sgd.torch_losses(None, None, None, None)),
    ],
)
def test_without_the_package_it_says_what_to_install(monkeypatch, package, call):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=f"the package {package} is needed"):
        call()
