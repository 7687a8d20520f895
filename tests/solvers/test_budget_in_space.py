"""In space a step of refinement is no larger than the budget of a question."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fokker_planck.solvers.adaptivity import marking
from fokker_planck.solvers.adaptivity.answer_types import Kept
from fokker_planck.solvers.adaptivity.error_bars import LEAST_SHARE, bars_by_less


@pytest.mark.parametrize("most", [marking.MOST_GROWTH, np.inf])
def test_a_step_of_refinement_ends_at_so_many_bisections_a_cell(most):
    """Far from the tolerance every cell was bisected twice at once: 13 times the cells, with nothing known yet."""
    indicator = np.random.default_rng(3).lognormal(0.0, 1.0, 2000)
    once, twice = marking.bisections(indicator, 4.0, 1e-6, 3, (0.0, most))
    bisections = (once.sum() + 2 * twice.sum()) / len(indicator)
    assert marking.LEAST_GROWTH < bisections <= 1.3 * most
    assert np.isfinite(most) or bisections > 1.5


def test_a_step_of_refinement_is_worth_a_mesh():
    """A few cells that hold most of an indicator: bisecting these alone made meshes of 6 % more cells, each as dear."""
    indicator = np.append(np.full(20, 100.0), np.random.default_rng(3).lognormal(0.0, 0.2, 1000))
    few, _ = marking.bisections(indicator, 4.0, 0.5, 3)
    once, twice = marking.bisections(indicator, 4.0, 0.5, 3, (marking.LEAST_GROWTH, marking.MOST_GROWTH))
    assert few.sum() < 0.1 * len(indicator)
    assert once.sum() + 2 * twice.sum() >= marking.LEAST_GROWTH * len(indicator)


def test_what_costs_nothing_is_refined_at_once():
    """Seed 107 of the campaign, number 84: 90 of 27,526 cells left a little too much, and eight more cost a mesh."""
    spread = np.random.default_rng(3).lognormal(0.0, 4.0, 27_000)
    for indicator, more in ((spread, True), (np.append(np.full(90, 100.0), np.full(27_000, 0.01)), False)):
        enough, _ = marking.bisections(indicator, 64.0, 0.5, 3)
        once, twice = marking.bisections(indicator, 64.0, 0.5, 2)
        assert (once.sum() > 2 * enough.sum()) == more
        assert once.sum() + 2 * twice.sum() <= marking.FREE[2] * len(indicator)


def test_the_last_mesh_is_at_most_twice_what_is_allowed():
    """Bisections a cell are about the cells that come: a step to five times what is allowed took most of a question."""
    for count in (2_000, 30_000, 79_000):
        least, most = marking.growth_in_space(False, count, 80_000)
        assert least == 0.0
        assert count * (1.0 + most) <= 2.0 * 80_000
    assert marking.growth_in_space(False, 159_000, 80_000)[1] == marking.LEAST_GROWTH
    assert marking.growth_in_space(True, 79_000, 80_000) == (marking.LEAST_GROWTH, marking.MOST_GROWTH)


def _kept(predicted: float, slowest: float = np.inf, dimension: int = 3) -> Any:
    space = SimpleNamespace(dimension=dimension)
    discretization = SimpleNamespace(degree=3, triangulation=space)
    return SimpleNamespace(
        numbers=np.array([0.02]), predicted=np.array([predicted]), at_corners=np.zeros(1), slowest=slowest,
        least_share=LEAST_SHARE[3], rounding=0.0, discretization=discretization,
    )  # fmt: skip


@pytest.mark.parametrize("ratio", [0.05, 0.25, 0.4, 0.6])
def test_a_bar_by_a_degree_less_is_three_times_the_error_where_the_indicator_sees_the_ratio(ratio):
    """Errors e of the lower degree and r e of this one; it is no more than twice the difference, nor less than that."""
    difference = float(np.expm1(0.02))
    error = ratio / (1.0 - ratio) * difference
    bar = float(bars_by_less(_kept(0.7 * ratio), np.zeros(1), np.array([0.7]))[0])
    assert difference <= bar <= 2.0 * difference
    assert bar > (2.9 if ratio <= 0.4 else 1.0) * error
    half_as_good = float(bars_by_less(_kept(0.35 * ratio), np.zeros(1), np.array([0.7]))[0])
    assert half_as_good > error or ratio > 0.5
    assert bars_by_less(_kept(0.7 * ratio, slowest=0.5), np.zeros(1), np.array([0.7]))[0] >= 2.0 * difference


def test_in_the_plane_a_bar_by_a_degree_less_is_what_the_indicator_predicts_or_more():
    """Rotated quartic well in a ball: degree 5 was nearer to the truth than 6, 3.6e-7 off at a difference of 1.7e-7."""
    kept = _kept(9.7e-7, dimension=2)
    assert bars_by_less(kept, kept.numbers + 1.7e-7, np.array([7.3e-5]))[0] > 2.0 * 3.6e-7


def test_what_counts_less_counts_as_all_of_itself_at_the_most():
    """A density of 1e-12 that a coarse mesh has as 1e-8: 1e4 of it, at a weight of 1e-8, is no reason to refine."""
    kept: Any = SimpleNamespace(weights=np.array([1.0, 1e-8]))
    assert Kept.worst(kept, np.array([1e-5, 1e4])) == 1e-5
    assert Kept.worst(kept, np.array([3.0, 0.0])) == 3.0
    assert Kept.worst(kept, np.array([1e-5, np.inf])) == np.inf
