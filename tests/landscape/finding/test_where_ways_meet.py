"""Degenerate critical points at which more than two ways down meet: one place, at its own height."""

import numpy as np
import pytest

from fokker_planck.landscape.finding.search import find_landscape, sample_box
from fokker_planck.model.potential import Potential

TURN = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
X, Y = (f"({row[0]!r}*(x - 0.1) + {row[1]!r}*(y + 0.2))" for row in TURN.tolist())
MONKEY = f"0.5*({X}**3 - 3*{X}*{Y}**2) + ({X}**2 + {Y}**2)**2/4 + 0.3"
FOUR = f"{X}**4 - 6*{X}**2*{Y}**2 + {Y}**4 + ({X}**2 + {Y}**2)**3 + 0.3"
TANGENT = f"{X}**4/4 - {Y}**2*{X} + {Y}**4 + 0.3"


@pytest.mark.parametrize(("formula", "wells"), [(MONKEY, 3), (FOUR, 4), (TANGENT, 2)])
def test_all_ways_meet_in_one_place(formula, wells):
    """r^3 cos 3 phi and r^4 cos 4 phi: the vertices of the graph that stood for it were up to 1e-6 off in V.

    Where the slope is that of x^4 along one axis, places closer than 1e-8 are told apart by rounding alone.
    """
    landscape = find_landscape(Potential(formula), *sample_box([-2.5, -2.4], [2.37, 2.5]))
    assert len(landscape.minima) == wells
    assert len(landscape.saddles) == wells - 1
    for saddle in landscape.saddles:
        assert saddle.degenerate
        assert saddle.position == pytest.approx((0.1, -0.2), abs=1e-7)
        assert saddle.value == pytest.approx(0.3, abs=1e-15)


def test_three_ways_in_space():
    """Across the plane of the three the function is bent along it: z^2 - x^2 z takes a ridge away."""
    formula = "0.5*(x**3 - 3*x*y**2) + (x**2 + y**2)**2/4 + (z - 0.2*x**2)**2"
    landscape = find_landscape(Potential(formula), *sample_box([-2.5, -2.4, -1.0], [2.37, 2.5, 1.5]))
    assert len(landscape.minima) == 3
    for saddle in landscape.saddles:
        assert saddle.position == pytest.approx((0.0, 0.0, 0.0), abs=1e-10)
