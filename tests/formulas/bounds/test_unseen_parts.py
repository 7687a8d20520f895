"""Parts of sets that lie between the vertices of every first mesh are found by interval bounds, or do not exist."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.formulas.bounds.level_boxes import boxes_meeting
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.model.sets.shapes import Ball, Region

PLANE = fp.Problem(fp.Overdamped(fp.Potential("0*x*y"), fp.Isotropic(1.0)), fp.Box([-1.0, -1.0], [1.0, 1.0]))
SPECK = "1e-2**2 - (x + 0.3137)**2 - (y - 0.2137)**2"


def test_boxes_hold_a_speck_a_strip_and_a_crossing():
    speck = boxes_meeting(parse_expression("1e-10 - (x - 0.3)**2 - (y - 0.4)**2"), [-2.0, -2.0], [2.0, 2.0])
    np.testing.assert_allclose(speck.centres.mean(axis=1), [0.3, 0.4], atol=2e-5)
    assert speck.size.max() < 4e-5
    strip = boxes_meeting(parse_expression("1e-6 - (y - x**2)**2"), [-1.0, -1.0], [1.0, 1.0])
    assert strip.size.max() < 0.1
    for x in np.linspace(-0.99, 0.99, 101):
        for y in (x**2 - 1e-3, x**2 + 1e-3):
            point = np.array([[x], [y]])
            assert ((strip.lower <= point) & (point <= strip.upper)).all(axis=0).any()
    crossing = boxes_meeting(parse_expression("0.25 - (x**2 - 1)**2/4 - y**2/2"), [-3.0, -4.0], [3.0, 4.0])
    assert 0 < crossing.doubtful_lower.shape[1] < 20
    assert np.abs(crossing.doubtful_lower).max() < 1e-6


def test_boxes_in_space_and_none_where_there_is_no_zero():
    formula = parse_expression("1e-6 - (x - 0.1)**2 - (y - 0.2)**2 - (z + 0.3)**2")
    speck = boxes_meeting(formula, [-1.0] * 3, [1.0] * 3)
    assert 0 < speck.lower.shape[1] < 1000
    assert boxes_meeting(parse_expression("1e-30 + (x - y)**2"), [-1.0] * 2, [1.0] * 2).centres.shape[1] == 0


def test_an_edge_at_which_both_sides_rise_is_a_graph():
    """The slope of a minimum is that of one side or the other, not of a part of each: 16 boxes, or any number."""
    cap = boxes_meeting(parse_expression("min(x**2 + y**2 + z**2 - 1, z - 0.87)"), [-1.0] * 3, [1.0] * 3)
    assert cap.complete
    assert cap.centres.shape[1] < 50
    cube = parse_expression("0.5 - max(abs(x), max(abs(y), abs(z)))")
    partly = boxes_meeting(cube, [-1.0] * 3, [1.0] * 3, most=3000, partly=True)
    assert not partly.complete
    assert (np.abs(cube(partly.centres)) <= partly.size.max()).all()
    for derivative, wanted in ((parse_expression("max(2*x, -x)").derivative(0), 0.5), (cube.derivative(1), 0.0)):
        assert derivative(np.zeros((3, 1)))[0] == wanted  # the mean of both sides


@pytest.mark.parametrize("turned", [0.0, 1e-3])
def test_a_thin_strip_beside_a_wide_one(turned):
    text = f"max(0.1 - abs(x - 0.7123), 0.01 - abs(x + {turned}*y + 0.7123))"
    mean = fp.mean_exit_time(PLANE, start=[0.1, 0.0], target=Region(text)).mean
    # the strip turned by 1e-3 moves the answer by less than that
    assert abs(mean.value / 0.205509145 - 1) < mean.relative_error + 1e-8 + turned


def test_a_speck_beside_a_disc():
    both = Region(f"max(0.1**2 - (x - 0.5)**2 - (y - 0.5)**2, {SPECK})")
    mean = fp.mean_exit_time(PLANE, start=[-0.5, 0.0], target=both).mean
    alone = fp.mean_exit_time(PLANE, start=[-0.5, 0.0], target=Ball([0.5, 0.5], 0.1)).mean
    speck = fp.mean_exit_time(PLANE, start=[-0.5, 0.0], target=Region(SPECK)).mean
    ball = fp.mean_exit_time(PLANE, start=[-0.5, 0.0], target=Ball([-0.3137, 0.2137], 0.01)).mean
    assert mean.value < 0.7 * min(alone.value, speck.value)
    assert abs(speck.value / ball.value - 1) < speck.relative_error + ball.relative_error + 1e-13
