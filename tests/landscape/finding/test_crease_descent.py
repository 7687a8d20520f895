"""Bottoms of creases, from values alone: straight and curved ones, corners, in the plane and in space."""

import numpy as np
import pytest

from fokker_planck.landscape.finding.crease_descent import crease_at, down_a_crease, is_creased

TURNED = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]

PLANE = {
    "wells": (lambda u, v: (u**2 - 1) ** 2 / 4 + np.abs(v - 0.1234), (0.24, 0.1234), (1.0, 0.1234), 1e-11),
    "far up": (lambda u, v: (u**2 - 1) ** 2 / 4 + np.abs(v - 0.1234) + 100, (0.24, 0.1234), (1.0, 0.1234), 1e-10),
    "weak": (lambda u, v: (u**2 - 1) ** 2 / 4 + 0.01 * np.abs(v), (0.24, 0.0), (1.0, 0.0), 1e-12),
    "unequal": (lambda u, v: (u**2 - 1) ** 2 / 4 + np.maximum(5 * v, -0.1 * v), (-0.2, 0.01), (-1.0, 0.0), 1e-11),
    "curved": (lambda u, v: np.abs(np.hypot(u, v) - 1) + 0.1 * u, (0.6, 0.8), (-1.0, 0.0), 1e-10),
    "corner": (lambda u, v: np.abs(u - 0.3) + 0.3 * np.abs(v - 0.1), (0.5, 0.2), (0.3, 0.1), 1e-14),
    "crossing": (lambda u, v: np.abs(u + v - 0.3) + 0.3 * np.abs(v - 0.1) + u**2, (0.5, 0.2), (0.15, 0.15), 1e-10),
}

SPACE = {
    "surface": (lambda u, v, w: (u**2 - 1) ** 2 / 4 + w**2 / 2 + np.abs(v), (0.6, 0.0, 0.2), (1.0, 0.0, 0.0)),
    "line": (lambda u, v, w: (u**2 - 1) ** 2 / 4 + np.abs(w) + np.abs(v - 0.1), (0.6, 0.1, 0.0), (1.0, 0.1, 0.0)),
    "corner": (lambda u, v, w: np.abs(u - 0.3) + np.abs(w) + np.abs(v - 0.1), (0.6, 0.1, 0.0), (0.3, 0.1, 0.0)),
}


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("name", PLANE)
def test_bottoms_in_the_plane(name, angle):
    function, start, exact, off = PLANE[name]
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    bottom = down_a_crease(lambda x: function(*(turned @ x)), turned.T @ start, 0.04, 4.0)
    assert bottom.creased
    assert np.linalg.norm(turned @ bottom.x - exact) <= min(off, bottom.uncertainty + 4e-15)


@pytest.mark.parametrize("name", SPACE)
def test_bottoms_in_space(name):
    function, start, exact = SPACE[name]
    bottom = down_a_crease(lambda x: function(*(TURNED @ x)), TURNED.T @ start, 0.1, 4.0)
    assert np.linalg.norm(TURNED @ bottom.x - exact) <= min(1e-10, bottom.uncertainty + 4e-15)


def test_a_bottom_that_values_do_not_tell_is_uncertain():
    bottom = down_a_crease(lambda x: (x[0] - 0.3) ** 4 + np.abs(x[1]), np.array([0.24, 0.0]), 0.04, 4.0)
    assert 1e-5 < bottom.uncertainty < 1e-3
    assert abs(bottom.x[0] - 0.3) <= bottom.uncertainty


def test_a_smooth_function_has_no_crease():
    quartic = lambda x: (x[0] ** 2 - 1) ** 2 / 4 + x[1] ** 2 / 2  # noqa: E731
    for place in ([1.0, 0.0], [0.3, 0.7], [0.0, 0.0]):
        assert not is_creased(quartic, np.array(place), 0.04, 4.0)
    across = crease_at(lambda x: np.abs(x[1] - 0.5 * x[0]), np.zeros(2), 1e-3, 1e-15).normals[:, 0]
    assert abs(across @ [2.0, 1.0]) < 1e-9


def test_what_is_known_is_not_looked_for_again():
    assert down_a_crease(lambda x: np.abs(x[1]) + x[0] ** 2, np.array([0.3, 0.0]), 0.04, 4.0, lambda _: True) is None
