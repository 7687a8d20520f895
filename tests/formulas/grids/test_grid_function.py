"""Splines on grids: cubics exactly, periodic axes smoothly, gaps filled."""

import numpy as np
import pytest

from fokker_planck.formulas.grids.spline import GridFunction, extended, zero_on

RNG = np.random.default_rng(5)


def on_grid(function, lower, upper, count, periodic):
    empty = GridFunction(lower, upper, np.zeros((count,) * len(lower)), periodic)
    return GridFunction(lower, upper, function(empty.points).reshape(empty.values.shape), periodic)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_cubics_are_reproduced(dimension):
    def cubic(x):
        return 1.0 + sum((k + 1.0) * c**3 for k, c in enumerate(x)) - x[0] * x[-1]

    spline = on_grid(cubic, (-1.0,) * dimension, (2.0,) * dimension, 9, (False,) * dimension)
    x = RNG.uniform(-1.0, 2.0, (dimension, 50))
    np.testing.assert_allclose(spline.value(x), cubic(x), rtol=0, atol=1e-12)


def test_a_periodic_axis_has_no_seam_and_goes_on():
    def wave(x):
        return np.sin(x[0]) * np.cos(x[1])

    spline = on_grid(wave, (0.0, 0.0), (2.0 * np.pi, 1.0), 129, (True, False))
    x = np.array([[0.0, 1e-9, 2.0 * np.pi, -0.7, 7.0], [0.5] * 5])
    np.testing.assert_allclose(spline.value(x), wave(x), rtol=0, atol=1e-6)


def test_outside_the_box_it_keeps_the_value_of_the_face():
    spline = on_grid(lambda x: x[0], (0.0,), (1.0,), 9, (False,))
    np.testing.assert_allclose(spline.value(np.array([[-3.0, 4.0]])), [0.0, 1.0], atol=1e-13)


def test_the_error_falls_like_the_fourth_power_of_the_spacing():
    x = RNG.uniform(0.0, 1.0, (2, 200))

    def error(count):
        spline = on_grid(lambda x: np.exp(x[0] + 2.0 * x[1]), (0.0, 0.0), (1.0, 1.0), count, (False, False))
        return np.abs(spline.value(x) - np.exp(x[0] + 2.0 * x[1])).max()

    assert 3.4 < np.log2(error(17) / error(33)) < 4.7
    assert error(65) < 1e-6


@pytest.mark.parametrize("periodic", [False, True])
def test_quartics_are_reproduced_where_that_is_asked_for(periodic):
    if periodic:
        spline = on_grid(lambda x: np.cos(x[0]) + np.sin(x[1]), (0.0, 0.0), (2.0 * np.pi,) * 2, 65, (True, True))
        x = RNG.uniform(-1.0, 7.0, (2, 200))
        exact = np.cos(x[0]) + np.sin(x[1])
    else:
        # away from the ends, where a cubic spline is off by another multiple of the fourth derivative
        spline = on_grid(lambda x: x[0] ** 4 - 2.0 * x[1] ** 4, (-1.0, -1.0), (1.0, 1.0), 65, (False, False))
        x = RNG.uniform(-0.5, 0.5, (2, 200))
        exact = x[0] ** 4 - 2.0 * x[1] ** 4
    plain, finer = (np.abs(f(x) - exact).max() for f in (spline.value, spline.finer_value))
    assert finer < (0.2 if periodic else 0.03) * plain
    assert plain < 1e-6


def test_a_kink_is_no_quartic():
    spline = on_grid(lambda x: np.abs(x[0] - 0.51), (0.0,), (1.0,), 33, (False,))
    x = np.linspace(0.0, 1.0, 200)[None]
    exact = np.abs(x[0] - 0.51)
    assert np.abs(spline.finer_value(x) - exact).max() <= 1.001 * np.abs(spline.value(x) - exact).max()


def test_unknown_values_are_continued_from_the_nearest_known_ones():
    known = np.ones((20, 20), dtype=bool)
    known[12:, :] = False
    values = np.where(known, 3.0, np.nan)
    filled = extended(np.where(known, values, 0.0), known)
    np.testing.assert_allclose(filled, 3.0, atol=1e-12)


def test_nothing_known_is_zero():
    assert not extended(np.ones((4, 4)), np.zeros((4, 4), dtype=bool)).any()
    assert zero_on([0.0], [1.0], [False]).value(np.array([[0.3]]))[0] == 0.0


def test_a_periodic_grid_in_space_takes_no_longer_than_another():
    """scipy's periodic spline is solved column by column in Python: two seconds for such a grid, 40 ms without."""
    from time import process_time

    axis = np.linspace(0.0, 1.0, 41)
    wave = np.cos(2.0 * np.pi * axis)
    values = wave[:, None, None] * wave[:, None] * wave
    started = process_time()
    at = GridFunction((0.0,) * 3, (1.0,) * 3, values, (True,) * 3).value(np.array([[0.013], [0.5], [1.1]]))
    assert process_time() - started < 0.5
    # of a cubic spline with 40 steps a period: (2 pi / 40)^4 / 384 an axis, at most
    assert abs(at[0] + np.cos(2.0 * np.pi * 0.013) * np.cos(0.2 * np.pi)) < 5e-6


def test_the_gradient_is_that_of_a_cubic_up_to_the_faces():
    axis = np.linspace(0.0, 1.0, 9)
    cube = GridFunction((0.0, 0.0), (1.0, 1.0), axis[:, None] ** 3 + 2.0 * axis**2, (False, False))
    points = np.array([[0.0, 0.37, 1.0], [1.0, 0.21, 0.0]])
    np.testing.assert_allclose(cube.gradient(points), [3.0 * points[0] ** 2, 4.0 * points[1]], atol=1e-12)
