"""Fixed points of drifts, gradient and not, against known ones; the count that notices a missed point."""

import numpy as np
import pytest

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.landscape.newton import fixed_points as module
from fokker_planck.landscape.newton.fixed_points import SomeMissedError, fixed_point, fixed_points


def maier_stein(alpha):
    def value(x):
        return np.array([x[0] - x[0] ** 3 - alpha * x[0] * x[1] ** 2, -(1 + x[0] ** 2) * x[1]])

    def jacobian(x):
        one = np.ones_like(x[0])
        return np.array(
            [
                [one - 3 * x[0] ** 2 - alpha * x[1] ** 2, -2 * alpha * x[0] * x[1]],
                [-2 * x[0] * x[1], -(1 + x[0] ** 2)],
            ]
        )

    return value, jacobian


@pytest.mark.parametrize("alpha", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("exact", [True, False])
def test_maier_stein(alpha, exact):
    value, jacobian = maier_stein(alpha)
    points = fixed_points(value, jacobian if exact else None, [-2.0, -1.5], [2.0, 1.5], 2)
    assert [point.kind for point in points] == ["attractor", "attractor", "saddle"]
    assert np.array([point.position for point in points]) == pytest.approx(
        np.array([[-1, 0], [1, 0], [0, 0]]), abs=1e-14
    )
    assert points[0].eigenvalues == pytest.approx((-2.0, -2.0), abs=1e-10)
    assert points[2].eigenvalues == pytest.approx((1.0, -1.0), abs=1e-10)
    assert np.abs(points[2].unstable_direction) == pytest.approx([1.0, 0.0], abs=1e-10)


def test_a_product_of_wells_has_nine_points():
    def value(x):
        return -np.array([x[0] ** 3 - x[0], x[1] ** 3 - x[1]])

    points = fixed_points(value, None, [-1.7, -1.6], [1.8, 1.5], 2)
    assert [point.index for point in points] == [0] * 4 + [1] * 4 + [2]


@pytest.mark.slow
def test_three_dimensions_and_a_focus():
    def value(x):
        return np.array([-x[0] - 5 * x[1], 5 * x[0] - x[1], x[2] - x[2] ** 3])

    points = fixed_points(value, None, [-2, -2, -2], [2, 2, 2], 3)
    assert [point.index for point in points] == [0, 0, 1]
    assert points[0].eigenvalues == pytest.approx((-1 + 5j, -1 - 5j, -2), abs=1e-9)


def test_right_and_left_eigenvector():
    point = fixed_point([0.0, 0.0], [[1.0, 4.0], [0.0, -1.0]])
    assert point.unstable_direction == pytest.approx((1.0, 0.0))
    assert point.left_direction == pytest.approx((1.0, 2.0))


def test_a_source_with_a_spin_has_no_direction():
    with pytest.raises(ProblemError, match="positive real"):
        _ = fixed_point([0.0, 0.0], [[1.0, 4.0], [-4.0, 1.0]]).unstable_direction


def test_a_degenerate_point_is_found_once_and_marked():
    points = fixed_points(lambda x: -(x**3), None, [-1.0], [1.3], 1)
    assert len(points) == 1
    assert points[0].degenerate
    assert abs(points[0].position[0]) < 1e-4


def test_a_periodic_axis_counts_its_end_once():
    points = fixed_points(lambda x: -np.sin(x), None, [0.0], [2 * np.pi], 1, periods=[2 * np.pi])
    assert len(points) == 2


def test_close_points_are_told_apart():
    gap = 1e-4
    points = fixed_points(lambda x: x**2 - gap**2 + 0 * x, None, [-1.0], [1.3], 1)
    assert [point.position[0] for point in points] == pytest.approx([-gap, gap], abs=1e-11)


def test_no_point_at_all():
    assert fixed_points(lambda x: 1.0 + 0 * x, None, [0.0, 0.0], [1.0, 1.0], 2) == ()


def test_a_missed_point_is_noticed(monkeypatch):
    monkeypatch.setattr(module, "_search", lambda *args: [np.array([-1.0, 0.0]), np.array([1.0, 0.0])])
    with pytest.raises(ConvergenceError, match="degree 2, the drift on the boundary has 1"):
        fixed_points(*maier_stein(3.0), [-2.0, -1.5], [2.0, 1.5], 2)


@pytest.mark.slow
def test_what_was_found_beside_a_saddle_on_a_kink_is_told():
    """V = (x^2 - 1)^2/4 - |x - 0.1|/10 + y^2/2: its saddle is the kink, where no slope is zero."""

    def drift(x):
        return np.array([x[0] - x[0] ** 3 + 0.1 * np.sign(x[0] - 0.1), -x[1]])

    with pytest.raises(SomeMissedError) as told:
        fixed_points(drift, None, [-2.0, -2.0], [2.0, 2.0], 2)
    places = [point.position[0] for point in told.value.points if point.index == 0]
    # x - x^3 = -+ 1/10
    roots = [max(np.roots([-1.0, 0.0, 1.0, side]).real, key=lambda x: x * side) for side in (-0.1, 0.1)]
    np.testing.assert_allclose(sorted(places), roots, rtol=1e-9)


def test_a_curve_of_fixed_points_is_refused():
    with pytest.raises(ConvergenceError, match="on a curve"):
        fixed_points(lambda x: np.array([-x[0], 0 * x[1]]), None, [-1.0, -1.0], [1.0, 1.0], 2)


@pytest.mark.parametrize(
    ("lower", "upper", "dimension", "match"),
    [([0.0], [0.0], 1, "box"), ([0.0], [1.0, 1.0], 2, "box"), ([0.0] * 4, [1.0] * 4, 4, "dimension")],
)
def test_bad_boxes(lower, upper, dimension, match):
    with pytest.raises(ProblemError, match=match):
        fixed_points(lambda x: -x, None, lower, upper, dimension)
