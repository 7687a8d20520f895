"""The way down to the noise that is asked for: what is tried after a loss."""

import numpy as np
import pytest

from fokker_planck.formulas.spline import zero_on
from fokker_planck.solvers.reference_density.falling_noise import CALMLY_THERE, NEARLY_THERE, Step, Way

FLAT = zero_on((-1.0, -1.0), (1.0, 1.0), (False, False))
LOST = Step(np.inf, True, FLAT, 10_000)


@pytest.mark.parametrize(("reached", "nearly"), [(1.1, NEARLY_THERE), (1.1, CALMLY_THERE), (1.8, CALMLY_THERE)])
def test_a_noise_at_which_the_density_was_lost_is_not_tried_again_from_the_same(reached, nearly):
    """Asked from twice the noise on in one step, and lost there, that was tried four times, and then given up."""
    way = Way(reached, 1.4, FLAT, reached=reached, fineness=1, nearly=nearly).lowered()
    tried = [way.noise]
    while len(tried) < 3 and (following := way.after_loss(LOST)) is not None:
        way = following.lowered()
        tried.append(way.noise)
    steps = np.log(reached / np.array(tried))
    assert tried[0] == 1.0
    assert len(steps) >= 2
    np.testing.assert_allclose(steps[1:], 0.5 * steps[:-1])
