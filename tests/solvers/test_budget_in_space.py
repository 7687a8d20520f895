"""In space a step of refinement is no larger than the budget of a question."""

import numpy as np
import pytest

from fokker_planck.solvers import marking


@pytest.mark.parametrize("most", [marking.MOST_GROWTH, np.inf])
def test_a_step_of_refinement_ends_at_so_many_bisections_a_cell(most):
    """Far from the tolerance every cell was bisected twice at once: 13 times the cells, with nothing known yet."""
    indicator = np.random.default_rng(3).lognormal(0.0, 1.0, 2000)
    once, twice = marking.bisections(indicator, 4.0, 1e-6, 3, (0.0, most))
    bisections = (once.sum() + 2 * twice.sum()) / len(indicator)
    assert 0.3 < bisections <= 1.3 * most
    assert np.isfinite(most) or bisections > 1.5


def test_a_step_of_refinement_is_worth_a_mesh():
    """A few cells that hold most of an indicator: bisecting these alone made meshes of 6 % more cells, each as dear."""
    indicator = np.append(np.full(20, 100.0), np.random.default_rng(3).lognormal(0.0, 0.2, 1000))
    few, _ = marking.bisections(indicator, 4.0, 0.5, 3)
    once, twice = marking.bisections(indicator, 4.0, 0.5, 3, (marking.LEAST_GROWTH, marking.MOST_GROWTH))
    assert few.sum() < 0.1 * len(indicator)
    assert once.sum() + 2 * twice.sum() >= marking.LEAST_GROWTH * len(indicator)
