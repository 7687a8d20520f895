"""Transitions in phase space: between positions, which are entered through half of their surface, and ellipses."""

import warnings

import numpy as np
import pytest
from kinetic_wells import QUARTIC, kinetic

import fokker_planck as fp
from fokker_planck.errors import ProblemError

MIDDLE = np.array([[0.0], [0.0]])
#: both halves of a committor are asked here, at (x, v) and (x, -v)
POINTS = np.array([[0.0, 0.2, -0.3, -0.2], [0.5, 0.3, -0.2, -0.3]])
REVERSED = POINTS * np.array([[1.0], [-1.0]])


def between_positions(potential, epsilon, friction, place, half_width, tolerance, **keys):
    """A committor from x < -place to x > place."""
    sets = {"left": fp.HalfSpace([-1.0, 0.0], place), "right": fp.HalfSpace([1.0, 0.0], place)}
    asked = kinetic(potential, epsilon, friction, half_width, tolerance, sets=sets, **keys)
    return fp.committor(asked, "left", "right"), fp.committor(asked, "right", "left")


@pytest.mark.slow
def test_positions_of_an_oscillator_by_symmetry():
    """From x < -0.8 to x > 0.8, x**2/2, noise 1/4, friction 1; a simulation of 420,000 has the rate 0.02369(24)."""
    there, back = between_positions("x**2/2", 0.25, 1.0, 0.8, 2.4, 1e-3, above=16.0, height=0.0)
    assert there.rate.relative_error < 1e-3
    assert there.rate.value == pytest.approx(2.391993e-2, rel=there.rate.relative_error)
    assert back.rate.value == pytest.approx(there.rate.value, rel=1e-8)
    assert there.field(MIDDLE)[0] == pytest.approx(0.5, abs=1e-4)
    assert there.probability_last_from.value == pytest.approx(0.5, rel=there.probability_last_from.relative_error)
    assert there.backward(POINTS) == pytest.approx(1.0 - there.field(REVERSED), abs=1e-3)


@pytest.mark.slow
def test_positions_of_a_well():
    """A finer tolerance has 1.05042394e-2 and 2.8511810e-2; the process is inside of the sets most of the time."""
    there, back = between_positions(QUARTIC, 0.125, 0.5, 0.5, 1.9, 1e-3)
    assert there.statistics.unknowns < 20_000  # planes that follow the turn made 150,000 cells of the energy cutoff
    for found in (there, back):
        assert found.rate.value == pytest.approx(1.05042396e-2, rel=found.rate.relative_error)
        assert found.probability_reactive.value == pytest.approx(2.851181e-2, rel=1e-4)
        assert found.probability_last_from.value == pytest.approx(0.5, rel=1e-6)
    assert there.backward(POINTS) == pytest.approx(1.0 - there.field(REVERSED), abs=1e-3)


def test_a_strip_one_cell_wide_is_entered_as_what_lies_behind():
    """0.5 < x < 0.52: the vertex across is on the other face, where nothing is absorbed; 50.987 at a bar of 1.7e-4."""
    sets = {"half": fp.HalfSpace([1.0, 0.0], 0.5), "strip": fp.Region("min(x - 0.5, 0.52 - x)")}
    asked = kinetic(QUARTIC, 0.125, 0.5, 1.5, 1e-3, sets=sets, height=0.39)
    half, strip = (fp.mean_exit_time(asked, [-1.0, 0.0], name).mean for name in sets)
    assert strip.value == pytest.approx(half.value, rel=half.relative_error)


def test_duffing_transitions_between_ellipses():
    """k_AB = k_BA, and backward committors are forward ones with v turned around.

    To 1e-4 the rate is 6.59976e-3 and the share of time on the way 4.57576e-2.  Where an ellipse has its smallest and
    largest x noise does not cross it, and functions are singular: three times the difference of two degrees was less
    than the error, 6.7e-5 and 4.1e-4.
    """
    sets = {
        "left": fp.Region("1 - ((x + 1)/0.3)**2 - (y/0.4)**2"),
        "right": fp.Region("1 - ((x - 0.95)/0.3)**2 - (y/0.4)**2"),
    }
    asked = kinetic(f"{QUARTIC} + 0.1*x", 0.125, 0.5, 1.9, 2e-3, sets=sets, height=0.4)
    there, back = fp.committor(asked, "left", "right"), fp.committor(asked, "right", "left")
    for found in (there, back):
        assert found.rate.value == pytest.approx(6.59976e-3, rel=found.rate.relative_error)
        assert found.probability_reactive.value == pytest.approx(
            4.57576e-2, rel=found.probability_reactive.relative_error
        )
    assert back.rate.value == pytest.approx(there.rate.value, rel=1e-11)  # on one mesh
    assert there.backward(POINTS) == pytest.approx(1.0 - there.field(REVERSED), abs=1e-4)
    assert there.field(POINTS) == pytest.approx(1.0 - back.field(POINTS), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("barrier", "friction", "rate", "where"),
    [
        (50, 1.0, 5.34146524e-23 / 4.0, "positions"),
        (100, 1.0, 1.032625080e-44 / 4.0, "balls"),
        (200, 1.0, 3.84583101e-88 / 4.0, "positions"),
        (300, 1.0, 1.43121919e-131 / 4.0, "balls"),
        (300, 0.1, 2.203137e-131 / 4.0, "balls"),
        (300, 10.0, 2.29196042e-132 / 4.0, "balls"),
    ],
)
def test_over_high_barriers(barrier, friction, rate, where):
    """Half of the time in each well, left at half of the gap that the spectrum finds: a fourth of it is the rate.

    As many go back.  Beyond barriers of 110 the time on the way is known in part by descents without noise.
    """
    sets = {
        "positions": {"left": fp.HalfSpace([-1.0, 0.0], 0.5), "right": fp.HalfSpace([1.0, 0.0], 0.5)},
        "balls": {"left": fp.Ball([-1.0, 0.0], 0.3), "right": fp.Ball([1.0, 0.0], 0.3)},
    }[where]
    asked = kinetic(QUARTIC, 0.25 / barrier, friction, 1.45, 1e-3, sets=sets)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*probability_reactive.*")
        there = fp.committor(asked, "left", "right")
    assert there.rate.relative_error < 1e-3
    assert there.rate.value == pytest.approx(rate, rel=there.rate.relative_error + 1e-6)
    assert there.probability_last_from.value == pytest.approx(0.5, rel=1e-3)
    on_the_way = there.probability_reactive
    assert on_the_way.relative_error < 0.4
    assert on_the_way.value > rate
    assert there.field(MIDDLE)[0] == pytest.approx(0.5, abs=5e-3)  # numbers have bars, fields at a place have none


def between_ellipses(fastest, tolerance):
    """There and back in a tilted quartic well between walls in v."""
    process = fp.Underdamped(fp.Potential(f"{QUARTIC} + 0.1*x"), fp.Isotropic(0.125), 0.5)
    asked = fp.Problem(process, fp.Box([-2.0, -fastest], [2.0, fastest]), fp.Resolution(tolerance=tolerance))
    one, other = fp.Ellipsoid([-1.0, 0.0], [0.3, 0.4]), fp.Ellipsoid([0.95, 0.0], [0.3, 0.4])
    return fp.committor(asked, one, other).rate, fp.committor(asked, other, one).rate


def test_walls_in_v_that_decide_are_refused():
    with pytest.raises(ProblemError, match="walls at v = 0.9, 0.4 units of epsilon above"):
        between_ellipses(0.9, 1e-2)


@pytest.mark.slow
def test_walls_in_v_that_the_force_drives_through():
    """There and back are one rate in every stationary process; 6.60031e-3 with walls at 2.2, where they differ by 3e-9.

    With walls at 1.6, 7.4 units of epsilon above the saddle, they differed by 2.2e-4 at bars of 1.5e-5.
    """
    there, back = between_ellipses(2.2, 1e-3)
    assert there.value == pytest.approx(back.value, rel=1e-8)
    assert there.value == pytest.approx(6.60031e-3, rel=there.relative_error)
    with pytest.warns(UserWarning, match="walls at v = 1.6, 7.4 units of epsilon above"):
        found = between_ellipses(1.6, 1e-3)
    for rate in found:
        assert rate.relative_error > 5e-4
        assert rate.value == pytest.approx(6.60031e-3, rel=rate.relative_error)
