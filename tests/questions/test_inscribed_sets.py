"""Sets that absorb and touch walls of the box from beyond, as the outside of a disc in the square around it does."""

import pytest
from scipy.special import jn_zeros

import fokker_planck as fp
from fokker_planck.errors import ProblemError

SQUARE = fp.Problem(fp.Overdamped(fp.Potential("0*x + 0*y"), fp.Isotropic(1.0)), fp.Box([-1, -1], [1, 1]))
OUTSIDE = fp.Region("x**2 + y**2 - 1")


def within(quantity, exact):
    return abs(quantity.value / exact - 1.0) <= quantity.relative_error


def test_times_and_rates_in_a_disc_in_the_square_around_it():
    exit_time = fp.mean_exit_time(SQUARE, start=[0.0, 0.0], target=OUTSIDE)
    assert within(exit_time.mean, 0.25)
    assert exit_time.mean.relative_error < 1e-10
    assert exit_time.field([[0.6], [0.8 - 1e-12]]) == pytest.approx([0.0], abs=1e-10)
    rate = fp.spectrum(SQUARE, target=OUTSIDE, count=1).eigenvalues[0].real
    assert within(rate, jn_zeros(0, 1)[0] ** 2)
    law = fp.exit_law(SQUARE, start=[0.0, 0.0], target=OUTSIDE)
    assert within(law.mean, 0.25)


def test_a_wall_that_is_crossed_stays():
    """The corners that the walls reflect are 1e-6 high: moved walls would absorb there, 1e-9 off at a bar of 2e-12."""
    with pytest.raises(ProblemError, match="at an angle"):
        fp.mean_exit_time(SQUARE, start=[0.0, 0.0], target=fp.Region("x**2 + y**2 - 1.000002"))


def test_a_wall_where_the_potential_ends_stays():
    ends = fp.Problem(fp.Overdamped(fp.Potential("sqrt(1 - x) + 0*y"), fp.Isotropic(1.0)), SQUARE.domain)
    with pytest.raises(ProblemError, match="at an angle"):
        fp.mean_exit_time(ends, start=[0.0, 0.0], target=OUTSIDE)


def test_masses_are_those_of_the_box():
    """A rate between sets has the mass of all of the box below it, which does not become another one."""
    with pytest.raises(ProblemError, match="at an angle"):
        fp.committor(SQUARE, OUTSIDE, fp.Ball([0.0, 0.0], 0.2))


@pytest.mark.slow
def test_a_ball_in_the_cube_around_it():
    cube = fp.Problem(fp.Overdamped(fp.Potential("0*x + 0*y + 0*z"), fp.Isotropic(1.0)), fp.Box([-1] * 3, [1] * 3))
    exit_time = fp.mean_exit_time(cube, start=[0.0, 0.0, 0.0], target=fp.Region("x**2 + y**2 + z**2 - 1"))
    assert within(exit_time.mean, 1.0 / 6.0)
