"""Dynamical stability: thresholds from formulas, from brute force, and from the recursion run."""

from itertools import combinations

import numpy as np
import pytest

from fokker_planck import sgd
from fokker_planck.sgd.second_moment import diffusion_growth, forms

# Wu, Ma, E (2018): both minima, 0 and 1, have the sharpness 2
PAIR = sgd.SampleLosses(["min(x**2, 0.1*(x - 1)**2)", "min(x**2, 1.9*(x - 1)**2)"])
AT_ONE = sgd.sample_hessians(PAIR, 1.0)


def several(n, d, seed=0):
    roots = np.random.default_rng(seed).standard_normal((n, d, d))
    hessians = roots @ roots.swapaxes(1, 2)
    hessians[0] -= 0.3 * np.eye(d)  # one sample may be concave
    return hessians


def brute_radius(hessians, rate, size):
    """Spectral radius of E (I - eta G) (x) (I - eta G) over all batches."""
    unit = np.eye(hessians.shape[1])
    batches = [unit - rate * hessians[list(b)].mean(axis=0) for b in combinations(range(len(hessians)), size)]
    return np.abs(np.linalg.eigvals(np.mean([np.kron(A, A) for A in batches], axis=0))).max()


def test_the_two_minima():
    flat, uneven = sgd.stability(sgd.sample_hessians(PAIR, 0.0)), sgd.stability(AT_ONE)
    assert (flat.sharpness, uneven.sharpness) == pytest.approx((2.0, 2.0), rel=1e-13)
    assert flat.non_uniformity == pytest.approx(0.0, abs=1e-13)
    assert uneven.non_uniformity == pytest.approx(1.8, rel=1e-13)
    assert flat.learning_rate == pytest.approx(1.0, rel=1e-13)
    assert flat.diffusion == np.inf
    assert uneven.learning_rate == pytest.approx(4.0 / 7.24, rel=1e-13)  # 0.5525
    assert uneven.sufficient == pytest.approx(4.0 / 7.24, rel=1e-13)
    assert uneven.diffusion == pytest.approx(4.0 / 3.24, rel=1e-13)  # 1.23
    assert uneven.full_batch == pytest.approx(1.0, rel=1e-13)
    assert uneven.almost_sure == pytest.approx((4.0 - np.sqrt(9.92)) / 1.52, rel=1e-12)  # 0.5595


@pytest.mark.parametrize(("n", "d"), [(4, 1), (4, 2), (6, 3)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_thresholds_in_several_dimensions_by_brute_force(n, d, size):
    hessians = several(n, d)
    found = sgd.stability(hessians, size)
    assert brute_radius(hessians, found.learning_rate, size) == pytest.approx(1.0, abs=1e-12)
    for share in (0.3, 0.9, 0.999):
        assert brute_radius(hessians, share * found.learning_rate, size) < 1.0
    assert brute_radius(hessians, 1.001 * found.learning_rate, size) > 1.0
    assert found.sufficient <= found.learning_rate * (1 + 1e-13) <= found.full_batch * (1 + 2e-13)
    rates = np.array([0.5, 1.0, 1.5]) * found.learning_rate
    growth = sgd.stability_map(hessians, rates, [size]).growth[:, 0]
    assert growth == pytest.approx([brute_radius(hessians, rate, size) for rate in rates], rel=1e-12)


def test_the_criterion_is_sufficient_and_in_one_coordinate_exact():
    gaps = []
    for seed in range(5):
        found = sgd.stability(several(5, 3, seed), 1)
        gaps.append(found.learning_rate / found.sufficient - 1.0)
        line = sgd.stability(several(5, 1, seed)[:, 0, 0] + 0.5, 2)
        assert line.sufficient == pytest.approx(line.learning_rate, rel=1e-12)
    assert min(gaps) > 0.01


@pytest.mark.parametrize("replacement", [False, True])
def test_the_least_batch_size_inverts_the_threshold(replacement):
    hessians = several(7, 3)
    for size in (2, 3, 5):
        rate = sgd.stability(hessians, size, replacement).learning_rate
        assert sgd.least_batch_size(hessians, rate, replacement) == pytest.approx(size, rel=1e-10)
    assert sgd.least_batch_size(hessians, 1.01 * sgd.stability(hessians, 1).full_batch) == np.inf
    assert sgd.least_batch_size(hessians, 1e-3) == 1.0


def test_the_diffusion_has_no_edge_and_its_second_moment_follows_its_own_equation():
    hessians = several(5, 2)
    found = sgd.stability(hessians, 2)
    c = sgd.Learning(1.0, 2, 5).batch_factor
    assert diffusion_growth(forms(hessians), found.diffusion, c) == pytest.approx(0.0, abs=1e-12)
    # as eta tends to zero at fixed eta c both agree to first order
    rate, moment = 1e-5, forms(hessians)
    grown = sgd.stability_map(hessians, [rate], [2]).growth[0, 0]
    assert (grown - 1.0) / rate == pytest.approx(diffusion_growth(moment, rate, c), rel=1e-4)


def test_the_map():
    rates, sizes = np.linspace(0.1, 1.5, 15), [1, 2]
    found = sgd.stability_map(AT_ONE, rates, sizes)
    expected = (1 - 2 * rates[:, None]) ** 2 + rates[:, None] ** 2 * 3.24 * np.array([1.0, 0.0])
    assert found.growth == pytest.approx(expected, rel=1e-12)
    assert found.diffusion_growth == pytest.approx(rates[:, None] * 3.24 * np.array([1.0, 0.0]) - 4.0, rel=1e-12)
    assert np.array_equal(found.stable, found.growth <= 1.0 + 1e-12)
    assert np.array_equal(found.diffusion_stable, found.diffusion_growth <= 1e-12)


def test_the_simulated_second_moment_grows_where_the_formula_says():
    """A parabola with the curvatures of the pair at 1, so that the linear recursion is exact."""
    linear = sgd.SampleLosses(["0.1*x**2", "1.9*x**2"])
    for rate in (0.5, 0.5525, 0.6, 0.7):
        factor = (1 - 2 * rate) ** 2 + 3.24 * rate**2
        steps = 6
        found = sgd.moments(sgd.Recursion(linear, rate, 1), 1.0, steps, replicas=40_000, seed=11)
        for t in (1, steps):
            assert abs(found.second[t, 0, 0] - factor**t) < 4.5 * found.second_error[t, 0, 0] + 1e-12
    below = sgd.moments(sgd.Recursion(linear, 0.50, 1), 1.0, 6, replicas=40_000).second[6, 0, 0]
    above = sgd.moments(sgd.Recursion(linear, 0.60, 1), 1.0, 6, replicas=40_000).second[6, 0, 0]
    assert below < 0.4 < 2.5 < above


def test_the_simulated_second_moment_in_two_coordinates():
    losses = sgd.SampleLosses(["x**2 + x*y + y**2", "2*x**2 - x*y + y**2/2", "x**2/2 + 2*y**2"])
    hessians = sgd.sample_hessians(losses, [0.0, 0.0])
    rate = 1.1 * sgd.stability(hessians, 2).learning_rate
    found = sgd.moments(sgd.Recursion(losses, rate, 2), [1.0, -1.0], 4, replicas=40_000, seed=3)
    S = np.array([[1.0, -1.0], [-1.0, 1.0]])
    H, c = hessians.mean(axis=0), sgd.Learning(rate, 2, 3).batch_factor
    for t in range(1, 5):
        noise = np.mean([h @ S @ h for h in hessians], axis=0) - H @ S @ H
        S = (np.eye(2) - rate * H) @ S @ (np.eye(2) - rate * H) + rate**2 * c * noise
        assert np.all(np.abs(found.second[t] - S) < 4.5 * found.second_error[t] + 1e-12)


@pytest.mark.parametrize(("rate", "leaves"), [(0.5, False), (0.7, True)])
def test_the_recursion_stays_at_one_or_leaves_for_zero(rate, leaves):
    walk = sgd.Recursion(PAIR, rate, 1)
    x, generator = np.full((1, 200), 1.0 + 1e-6), np.random.default_rng(2)
    for _ in range(600):
        x = walk.step(x, generator)
    assert np.abs(x - (0.0 if leaves else 1.0)).max() < 1e-3


def test_almost_sure_threshold_against_the_law_of_large_numbers():
    h = np.array([0.3, 1.1, 2.9])
    for size, replacement in ((1, False), (2, False), (2, True), (3, True)):
        rate = sgd.almost_sure_threshold(h, size, replacement)
        generator = np.random.default_rng(6)
        batches = sgd.recursion.drawn_batches(3, size, 400_000, generator, replacement)
        logs = np.log(np.abs(1.0 - rate * h[batches].mean(axis=0)))
        assert abs(logs.mean()) < 4.5 * logs.std() / np.sqrt(400_000)
        assert rate >= sgd.stability(h, size, replacement).learning_rate


def test_almost_sure_threshold_without_noise_and_without_curvature():
    assert sgd.almost_sure_threshold([2.0, 2.0]) == pytest.approx(1.0, rel=1e-12)
    assert sgd.almost_sure_threshold([0.0, 0.0]) == np.inf
    assert sgd.almost_sure_threshold([-1.0, 1.0]) == 0.0


def test_directions_flat_for_every_sample_are_neutral():
    hessians = several(4, 2)
    padded = np.zeros((4, 3, 3))
    padded[:, :2, :2] = hessians
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    turned = np.einsum("ai,nij,bj->nab", turn, padded, turn)
    assert sgd.stability(turned).learning_rate == pytest.approx(sgd.stability(hessians).learning_rate, rel=1e-10)
    flat = sgd.stability(np.zeros((4, 3, 3)))
    assert (flat.sharpness, flat.learning_rate, flat.diffusion) == (0.0, np.inf, np.inf)
    assert sgd.least_batch_size(np.zeros((4, 3, 3)), 1.0) == 1.0
