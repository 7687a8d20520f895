"""Sublevel sets divided by a wall that no point of a grid sees."""

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.model.domains.connected_part import connected_part
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential


@pytest.mark.parametrize("width", ["1e-3", "1e-5", "1e-8"])
def test_a_wall_on_a_line(width):
    wall = Potential(f"x**2/2 + 2*exp(-((x - 0.31371)/{width})**2)")
    with pytest.raises(ProblemError, match="cuts the set into 2 parts"):
        connected_part(Sublevel(1.0), wall)
    # a wall that does not reach up to the level
    low = Potential(f"x**2/2 + 0.5*exp(-((x - 0.31371)/{width})**2)")
    assert connected_part(Sublevel(1.0), low).upper[0] == pytest.approx(np.sqrt(2.0), abs=1e-2)


@pytest.mark.parametrize("width", ["1e-3", "2e-4"])
def test_a_wall_in_the_plane(width):
    wall = Potential(f"x**2/2 + y**2/2 + 2*exp(-((x - 0.31371 + 0.2*y)/{width})**2)")
    with pytest.raises(ProblemError, match="thin wall near"):
        connected_part(Sublevel(0.5), wall)


def test_half_a_wall_and_a_speck_divide_nothing():
    half = "x**2/2 + y**2/2 + exp(-((x - 0.31371 + 0.2*y)/1e-3)**2)*(1 + tanh(20*y))"
    speck = "x**2/2 + y**2/2 + 2*exp(-((x - 0.31371)**2 + (y - 0.1)**2)/1e-4**2)"
    for formula in (half, speck, "x**2/2 + y**2/2"):
        assert connected_part(Sublevel(0.5), Potential(formula)).upper == pytest.approx((1.0, 1.0), abs=0.03)


def test_the_quartic_well_above_its_saddle_is_one_part():
    for level in (0.2501, 0.26, 1.0):
        part = connected_part(Sublevel(level), Potential("(x**2 - 1)**2/4 + y**2/2"))
        assert part.lower[0] < -1.0 < 1.0 < part.upper[0]


def test_a_part_that_reaches_between_two_columns_of_the_grid_is_not_dropped():
    """The left well reached one row further between two columns: it was dropped, and the right one answered."""
    tilted = Potential("1.865*(x**2 - 1)**2*(1 + 0.2396*x) + 0.1742*x + 0.5819*y**2/2")
    with pytest.raises(ProblemError, match="cuts the set into 2 parts"):
        connected_part(Sublevel(1.0029, (-2.3, -2.3), (2.3, 2.3)), tilted)


def test_random_double_wells_below_their_saddle_are_always_two_parts():
    rng = np.random.default_rng(3)
    for _ in range(40):
        a, b, c, d = rng.uniform([0.5, -0.3, -0.3, 0.3], [2.0, 0.3, 0.3, 2.0])
        formula = f"{a:.4f}*(x**2 - 1)**2*(1 + {b:.4f}*x) + {c * a:.4f}*x + {d:.4f}*y**2/2"
        x = np.linspace(-1.6, 1.6, 3201)
        along = Potential(formula).value(np.array([x, 0 * x]))
        k = 1000 + int(np.argmax(along[1000:2200]))
        deeper, shallower = sorted([along[:k].min(), along[k:].min()])
        level = shallower + rng.uniform(0.1, 0.9) * (along[k] - shallower)
        with pytest.raises(ProblemError, match="into 2 parts"):
            connected_part(Sublevel(float(level), (-2.3, -4.5), (2.3, 4.5)), Potential(formula))
