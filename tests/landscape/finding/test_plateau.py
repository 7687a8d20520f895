"""A potential clipped at a height: the ripples of its plateau are no wells, and the search ends."""

import time

import numpy as np
import pytest
from scipy.interpolate import RectBivariateSpline

from fokker_planck.errors import ConvergenceError
from fokker_planck.landscape.finding import search as landscape_search
from fokker_planck.landscape.finding.sample_graph import sample_box
from fokker_planck.landscape.finding.search import KEPT_WELLS, find_landscape
from fokker_planck.model.potential import Potential


@pytest.mark.slow
def test_a_clipped_spline_has_its_wells_and_ends():
    x, y = np.linspace(-2.0, 2.0, 201), np.linspace(-2.0, 2.0, 401)
    first, second = np.meshgrid(x, y, indexing="ij")
    spline = RectBivariateSpline(x, y, np.minimum((first**2 - 1) ** 2 + 2 * second**2, 2.5))

    def part(points, i=0, j=0):
        return spline.ev(points[0], points[1], dx=i, dy=j)

    clipped = Potential(
        part,
        gradient=lambda p: np.array([part(p, 1, 0), part(p, 0, 1)]),
        hessian=lambda p: np.array([[part(p, 2, 0), part(p, 1, 1)], [part(p, 1, 1), part(p, 0, 2)]]),
        dimension=2,
    )
    started = time.process_time()
    landscape = find_landscape(clipped, *sample_box([-2.0, -2.0], [2.0, 2.0]))
    assert time.process_time() - started < 60.0
    deep = sorted(np.array([m.position for m in landscape.minima if m.value < 0.1]).round(3).tolist())
    np.testing.assert_allclose(deep, [[-1.0, 0.0], [1.0, 0.0]], atol=2e-3)
    assert len(landscape.minima) <= KEPT_WELLS + 10
    assert landscape.barriers[1] == pytest.approx(1.0, abs=1e-4)


def test_a_search_without_an_end_is_refused_with_a_remedy(monkeypatch):
    """The budget is one of evaluations, so that a function that takes long ends as surely as one that has no end."""
    monkeypatch.setattr(landscape_search, "EVALUATIONS", 1e5)
    potential = Potential("cos(9*x)*cos(9*y)")
    with pytest.raises(ConvergenceError, match="minima and saddles asked more than 1e[+]05 times .*; a smoother"):
        landscape_search.find_landscape(potential, *sample_box([-2.0, -2.0], [2.0, 2.0]))


def test_the_budget_of_a_search_is_far_from_what_it_takes():
    counts = []

    class Noted(landscape_search.Count):
        def __init__(self, budget):
            super().__init__(budget)
            counts.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landscape_search, "Count", Noted)
        landscape_search.find_landscape(Potential("(x**2 - 1)**2/4 + y**2"), *sample_box([-2.0, -2.0], [2.0, 2.0]))
    assert 1e4 < counts[0].spent < 1e-2 * landscape_search.EVALUATIONS


@pytest.mark.parametrize(
    ("potential", "minima"),
    [
        ("max(0, abs(x) - 1)**2", [[0.0]]),
        ("max(0, abs(x) - 1)**4", [[0.0]]),
        ("5 + max(0, 0.5 - abs(x))*2 + max(0, abs(x) - 2)**2", [[-1.25], [1.25]]),
        ("max(0, abs(x) - 1)**2 + max(0, abs(y) - 1)**2", [[0.0, 0.0]]),
        ("max(0, sqrt(x**2 + y**2) - 1)**2", None),
    ],
)
def test_a_flat_bottom_is_one_minimum(potential, minima):
    """Newton's method stops all along its rim as well, where the Hessian is that of the outer side."""
    well = Potential(potential)
    dimension = 2 if "y" in potential else 1
    landscape = find_landscape(well, *sample_box([-3.2] * dimension, [3.2] * dimension))
    assert all(minimum.degenerate for minimum in landscape.minima)
    if minima is None:
        assert len(landscape.minima) == 1
    else:
        np.testing.assert_allclose([m.position for m in landscape.minima], minima, atol=0.05)
    assert [barrier for barrier in landscape.barriers if np.isfinite(barrier)] == [1.0] * (len(landscape.minima) - 1)


def test_wells_that_are_shallow_but_there_are_not_taken_for_a_flat_bottom():
    """Ripples of 1e-6 on a bottom, and a quartic well in a box ten thousand times as wide."""
    rippled = find_landscape(Potential("max(0, abs(x) - 1)**2 + 1e-6*cos(20*x)"), *sample_box([-3.0], [3.0]))
    assert len(rippled.minima) == 8  # six of the cosine, and one each where the bottom turns up
    points = np.concatenate([np.linspace(-2e4, -20, 500), np.linspace(-10, 10, 1001), np.linspace(20, 2e4, 500)])
    edges = np.stack([np.arange(len(points) - 1), np.arange(1, len(points))], axis=1)
    quartic = find_landscape(Potential("(x**2 - 1)**2/4"), points[:, None], edges)
    assert quartic.barriers[1] == pytest.approx(0.25, rel=1e-9)
