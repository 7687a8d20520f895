"""Balls, ellipsoids, half-spaces and regions: who is inside, how far, and where the surface is."""

import re

import numpy as np
import pytest

from fokker_planck.formulas.level_set_projection import central_differences
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region, fits, signed_distance

SHAPES = [
    Ball([0.3], 0.5),
    Ball([0.3, -0.2], 0.5),
    Ball([0.3, -0.2, 1.0], 0.5),
    Ellipsoid([0.1, 0.2], [2.0, 0.5]),
    Ellipsoid([0.1, 0.2, 0.0], [2.0, 0.5, 1.0]),
    HalfSpace([3.0], 1.0),
    HalfSpace([1.0, -2.0], 0.5),
    HalfSpace([0.0, 0.0, -2.0], 0.5),
    Region("1 - x**2 - 2*y**4"),
    Region("x - 0.8"),
    Region(lambda x: np.sin(x[0]) - x[1], dimension=2),
    Region(
        lambda x: np.sin(x[0]) - x[1], gradient_function=lambda x: np.array([np.cos(x[0]), 0 * x[0] - 1]), dimension=2
    ),
]


@pytest.fixture
def points():
    return np.random.default_rng(3).uniform(-1.5, 1.5, size=(3, 200))


def name(shape):
    """The repr, where two workers agree on it: that of a function holds an address in memory."""
    return re.sub(r"<function .*? at 0x[0-9a-f]+>", "function", repr(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=name)
class TestEveryShape:
    def test_gradient_is_that_of_the_level(self, shape, points):
        x = points[: shape.dimension]
        np.testing.assert_allclose(shape.gradient(x), central_differences(shape.level, x), atol=1e-9)

    def test_projection_lands_on_the_surface(self, shape, points):
        landed = shape.project(points[: shape.dimension])
        assert landed.shape == (shape.dimension, 200)
        assert np.abs(shape.level(landed)).max() < 1e-12

    def test_projection_leaves_the_surface_alone(self, shape, points):
        landed = shape.project(points[: shape.dimension])
        np.testing.assert_allclose(shape.project(landed), landed, atol=1e-12)

    def test_level_decides_who_is_inside(self, shape, points):
        x = points[: shape.dimension]
        np.testing.assert_array_equal(shape.contains(x), shape.level(x) >= 0)

    def test_signed_distance_is_first_order(self, shape, points):
        """A step of 1e-4 along the gradient from the surface is a distance of 1e-4, up to the curvature."""
        landed = shape.project(points[: shape.dimension])
        slope = shape.gradient(landed)
        normal = slope / np.linalg.norm(slope, axis=0)
        np.testing.assert_allclose(signed_distance(shape, landed + 1e-4 * normal), 1e-4, rtol=1e-2)

    def test_arguments_are_not_changed(self, shape, points):
        x = points[: shape.dimension].copy()
        shape.project(x)
        shape.gradient(x)
        np.testing.assert_array_equal(x, points[: shape.dimension])

    def test_compares_and_hashes(self, shape):
        assert shape == shape
        assert hash(shape) == hash(shape)


def test_ball_projection_is_the_nearest_point():
    ball = Ball([1.0, 1.0], 2.0)
    np.testing.assert_allclose(ball.project(np.array([[4.0, 1.0], [5.0, 1.5]])), [[2.2, 1.0], [2.6, 3.0]])


def test_ball_center_projects_somewhere_on_the_sphere():
    ball = Ball([1.0, 1.0, 1.0], 2.0)
    assert ball.level(ball.project(np.ones((3, 1))))[0] == pytest.approx(0.0, abs=1e-15)


def test_ellipsoid_center_projects_somewhere_on_the_surface():
    ellipsoid = Ellipsoid([1.0, 1.0], [2.0, 0.1])
    assert ellipsoid.level(ellipsoid.project(np.ones((2, 1))))[0] == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("far", [1e3, 1e8])
def test_points_on_the_surface_belong_to_the_set_far_from_the_origin(far):
    angles = np.linspace(0.0, 6.28, 50)
    ball = Ball([far, -far], 0.1)
    assert ball.contains(np.array([far + 0.1 * np.cos(angles), -far + 0.1 * np.sin(angles)])).all()
    assert not ball.contains(np.array([[far + 0.101], [-far]])).any()
    plane = HalfSpace([3.0, 4.0], 5.0 * far)
    assert plane.contains(plane.project(np.array([[far, 0.0], [0.0, far]]))).all()


@pytest.mark.parametrize(
    ("shape", "faces"),
    [
        (Ball([1.0], 0.25), {0: (0.75, 1.25)}),
        (Ball([1.0, 0.0], 0.25), {}),
        (Ellipsoid([1.0], [0.25]), {0: (0.75, 1.25)}),
        (HalfSpace([0.0, -2.0], 1.0), {1: (-0.5,)}),
        (HalfSpace([1.0, 1.0], 1.0), {}),
        (Region("x - 0.8"), {0: (0.8,)}),
        (Region("2*y + 1"), {1: (-0.5,)}),
        (Region("x*y"), {}),
        (Region("x - x + 1"), {}),
        (Region("exp(x) - 1"), {0: (0.0,)}),
        (Region("1 + x**2"), {0: ()}),
    ],
    ids=repr,
)
def test_faces_on_the_axes(shape, faces):
    found = shape.faces([-2.0, -2.0, -2.0], [2.0, 2.0, 2.0])
    assert found.keys() == faces.keys()
    for axis, places in faces.items():
        assert found[axis] == pytest.approx(places, abs=1e-14)


def test_faces_of_a_band():
    assert Region("0.25 - (y - 1)**2").faces([0.0, 0.0], [1.0, 2.0])[1] == pytest.approx((0.5, 1.5), abs=1e-14)


def test_region_knows_its_parameters_and_its_least_dimension():
    region = Region("x - edge", parameters={"edge": 0.5})
    assert region.contains(np.array([[0.4, 0.6]])).tolist() == [False, True]
    assert (region.dimension, Region("z").dimension, Region("1").dimension) == (1, 3, 1)
    assert fits(region, 3)
    assert not fits(Region("z"), 2)
    assert not fits(Ball([0.0], 1.0), 2)


def test_region_is_outside_where_the_expression_is_not_a_number():
    assert Region("log(x)").contains(np.array([[-1.0, 0.5, 2.0]])).tolist() == [False, False, True]
