"""Weights of wells where the domain is no box: balls, mesh files, sublevel sets, turned and shifted.

Symmetry gives 1/2 for each of two wells; turning the axes by an angle that no mesh follows must not change it.
"""

import math
from pathlib import Path

import pytest

import fokker_planck as fp

MESHES = Path(__file__).parents[1] / "meshes"
QUARTIC = "(({x})**2 - 1)**2/4 + ({y})**2/2"


def turned(text, angle=0.3, shift=(0.1, -0.2)):
    """A formula in {x} and {y} after a rotation about ``shift``."""
    c, s = math.cos(angle), math.sin(angle)
    x, y = f"(x - ({shift[0]}))", f"(y - ({shift[1]}))"
    return text.format(x=f"({c}*{x} + {s}*{y})", y=f"({c}*{y} - {s}*{x})")


def weights(text, domain, noise=0.1, **resolution):
    process = fp.Overdamped(fp.Potential(text), fp.Isotropic(noise))
    return fp.stationary_density(fp.Problem(process, domain, fp.Resolution(**resolution))).wells


PLANE = {
    "ball": (QUARTIC.format(x="x", y="y"), lambda: fp.Ball([0.0, 0.0], 2.0)),
    "wide ball": (QUARTIC.format(x="x", y="y"), lambda: fp.Ball([0.0, 0.0], 3.0)),
    "turned ball": (turned(QUARTIC), lambda: fp.Ball([0.1, -0.2], 2.0)),
    "small turned ball": (turned(QUARTIC), lambda: fp.Ball([0.1, -0.2], 1.2)),
    "turned in a box": (turned(QUARTIC), lambda: fp.Box([-3.0, -3.0], [3.2, 2.6])),
    "mesh": ("(9*x**2 - 1)**2/20 + 2*y**2", lambda: fp.MeshFile(MESHES / "disc.msh")),
    "sublevel": ("(x**2 - 1)**2/4 + y**2 + 0.2*x**2*y", lambda: fp.Sublevel(1.5)),
    "turned sublevel": (turned("({x}**2 - 1)**2/4 + {y}**2 + 0.2*{x}**2*{y}"), lambda: fp.Sublevel(1.5)),
}


@pytest.mark.parametrize("name", PLANE)
def test_equal_wells_hold_one_half_each_in_the_plane(name):
    text, domain = PLANE[name]
    found = weights(text, domain())
    assert len(found) == 2
    for well in found:
        # the turned box is cut at corners where the weight is exp(-20) and less
        assert abs(2.0 * well.probability.value - 1.0) < well.probability.relative_error + 1e-9
        assert well.probability.relative_error < 1e-6


def test_low_wells_in_a_ball_whose_wall_matters():
    """At the wall the weight is a quarter of that in the wells: cut cells there are curved."""
    found = weights(turned(QUARTIC), fp.Ball([0.1, -0.2], 1.4), noise=0.2)
    for well in found:
        assert abs(2.0 * well.probability.value - 1.0) < well.probability.relative_error
        assert well.probability.relative_error < 1e-6
