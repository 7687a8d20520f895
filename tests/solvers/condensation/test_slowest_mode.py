"""The slowest mode between the wells is found also where a first vector has next to nothing of it."""

import pytest

from tests.solvers.condensation.test_wells import case


@pytest.mark.parametrize("cells", [160, 320, 640])
def test_a_mode_on_a_flat_saddle_is_not_taken_for_one_of_a_well(cells):
    """80 units of epsilon up: 7.9575 by the eigenvalues of the whole, V'' = 7.9; wells have 12.9 and 18.4."""
    potential = "1.986*(x**2 - 1)**2*(1 - 0.1619*x) + 0.08654*x"
    _, _, _, _, condensed = case(potential, 1.0 / 0.02445, cells=cells, lower=-2.35, upper=1.98)
    assert condensed.slowest_inside == pytest.approx(7.9575, rel=0.02)
