"""Sets that only touch a wall, and sublevel sets with corners: numbers from conformal maps, symmetry and quadrature."""

import numpy as np
import pytest

import fokker_planck as fp


def plane(potential, noise, domain, tolerance, **sets):
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise))
    return fp.Problem(process, domain, fp.Resolution(tolerance), sets=sets)


def test_a_ball_that_touches_a_wall():
    """Inversion makes a strip of the wall x = 0 and the ball of radius 0.2, and a disc in it of |x| > 0.8.

    The capacity of the disc in the strip by multipoles of its Green's function -log tan(pi w/(4 a)), a = 1/(2 0.2),
    fitted on the circle to 7e-11 (half of it, since the wall cuts it into halves), and the value at (0.5, 0.3).
    """
    problem = plane("0*x + 0*y", 1.0, fp.Box([0.0, -1.0], [1.0, 1.0]), 1e-5)
    found = fp.committor(problem, fp.Ball([0.2, 0.0], 0.2), fp.Region("x**2 + y**2 - 0.64"))
    assert found.rate.value == pytest.approx(3.380633088734711 / 2.0, rel=1e-9)
    assert found.field([[0.5], [0.3]])[0] == pytest.approx(0.6282261465910753, abs=1e-7)


@pytest.mark.parametrize("angle", [0.0, 0.9])
def test_a_ball_that_touches_the_ball_around_it(angle):
    """Turned, it is another mesh; near the place where both touch, further in or out by 1e-6, times change as little.

    Times to balls that cross the wall by 5e-4 and miss it by as much have their mean but for the square of that.
    """
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    problem = plane("x**2/2 + y**2/2", 0.2, fp.Ball([0.0, 0.0], 1.0), 1e-4)
    times = [
        fp.mean_exit_time(problem, turn @ [-0.5, 0.1], fp.Ball(turn @ [0.7 + shift, 0.0], 0.3)).mean.value
        for shift in (0.0, 5e-4, -5e-4)
    ]
    assert times[0] == pytest.approx(3.59617673, rel=1e-8)
    assert times[0] == pytest.approx((times[1] + times[2]) / 2.0, rel=3e-6)
    assert abs(times[1] / times[2] - 1.0) > 1e-3


def test_a_rhombus():
    """|x| + 2 |y| < 3: P(x > 1/2) by quadrature over y, and the time out of a quarter of it, which has no kink."""
    problem = plane("abs(x) + 2*abs(y)", 0.3, fp.Sublevel(3.0), 1e-4, right=fp.HalfSpace([1.0, 0.0], 0.5))
    time = fp.mean_exit_time(problem, [0.1, 0.1], "boundary").mean
    assert fp.stationary_density(problem).sets["right"].value == pytest.approx(0.09427301495071919, rel=1e-12)
    quarter = plane("x + 2*y", 0.3, fp.Box([0.0, 0.0], [3.0, 1.5]), 1e-5)
    right = fp.mean_exit_time(quarter, [0.1, 0.1], fp.Region("x + 2*y - 3")).mean
    assert right.relative_error < 3e-6
    assert time.value == pytest.approx(right.value, rel=time.relative_error + right.relative_error)


def test_a_sublevel_set_with_corners_on_curves():
    """|x| + y^2 < 0.8, whose boundary is two parabolas: P(x > 1/2) by quadrature."""
    problem = plane("abs(x) + y**2", 0.3, fp.Sublevel(0.8), 1e-4, right=fp.HalfSpace([1.0, 0.0], 0.5))
    assert fp.stationary_density(problem).sets["right"].value == pytest.approx(0.04744863503221789, rel=1e-12)


@pytest.mark.slow
def test_an_octahedron():
    """P(x > 1/2) in |x| + |y| + |z| < 1 by quadrature."""
    problem = plane("abs(x) + abs(y) + abs(z)", 0.3, fp.Sublevel(1.0), 1e-2, right=fp.HalfSpace([1.0, 0.0, 0.0], 0.5))
    assert fp.stationary_density(problem).sets["right"].value == pytest.approx(0.03414409200821521, rel=1e-9)


def test_a_set_that_is_centred_on_a_wall():
    """The wall y = 0 is a mirror: the time is that to the whole ball in twice the domain."""
    potential, ball = "(x**2 - 1)**2/4 + y**2/2", fp.Ball([1.0, 0.0], 0.25)
    half, whole = (
        fp.mean_exit_time(plane(potential, 0.05, fp.Box([-2.0, low], [2.0, 1.5]), 1e-5), [-1.0, 0.2], ball).mean
        for low in (0.0, -1.5)
    )
    assert half.value == pytest.approx(whole.value, rel=half.relative_error + whole.relative_error)


def test_wells_on_walls_as_sets():
    """Transitions from A to B are as many as from B to A, and half of the time belongs to either."""
    problem = plane("(x**2 - 1)**2/4 + y**2/2", 0.05, fp.Box([-1.0, -1.5], [1.0, 1.5]), 1e-5)
    found = fp.committor(problem, "well 1", "well 2")
    assert found.probability_last_from.value == pytest.approx(0.5, rel=found.probability_last_from.relative_error)
